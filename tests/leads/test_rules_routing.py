"""Which AE takes a meeting: tier, rank, caps, and that every candidate is kept with the reason."""

from hypothesis import given
from hypothesis import strategies as st

from apps.leads.rules.routing import Candidate, choose


def _ae(number: int, tier: int, rank: int = 1, load: int = 0, why_not: str = "") -> Candidate:
    return Candidate(number, f"AE {number}", tier, rank, load, 12, why_not)


class TestChoose:
    def test_the_best_ranked_of_the_leads_tier_takes_it(self) -> None:
        decision = choose(2, [_ae(1, 1), _ae(2, 2, rank=2), _ae(3, 2, rank=1)])
        assert decision.chosen == _ae(3, 2, rank=1)
        assert decision.words == "The lead is tier 2, so tier 2 was asked first, best rank first."

    def test_the_next_tier_is_asked_when_nobody_there_is_free(self) -> None:
        decision = choose(1, [_ae(1, 1, why_not="On leave"), _ae(2, 3), _ae(3, 2)])
        assert decision.chosen == _ae(3, 2)
        assert "nobody there was free" in decision.words
        assert [(one.candidate.rep_id, one.outcome) for one in decision.considered] == [
            (1, "passed"), (3, "taken"), (2, "not_needed"),
        ]  # fmt: skip

    def test_says_so_when_nobody_has_the_tier(self) -> None:
        assert "nobody has that tier" in choose(3, [_ae(1, 2)]).words

    def test_the_cap_is_kept(self) -> None:
        assert choose(1, [_ae(1, 1, load=12), _ae(2, 1, rank=9, load=11)]).chosen == _ae(
            2, 1, rank=9, load=11
        )

    def test_nobody_free_is_a_decision_too(self) -> None:
        decision = choose(1, [_ae(1, 1, why_not="Busy")])
        assert (decision.chosen, decision.words) == (None, "Nobody is free at this time.")


_candidates = st.lists(
    st.builds(
        Candidate,
        rep_id=st.integers(1, 99),
        name=st.just("AE"),
        tier=st.integers(1, 3),
        rank=st.integers(1, 20),
        meetings_this_week=st.integers(0, 14),
        weekly_cap=st.just(12),
        why_not=st.sampled_from(["", "", "Busy"]),
    ),
    unique_by=lambda one: one.rep_id,
    max_size=12,
)


@given(st.integers(1, 3), _candidates)
def test_whoever_takes_it_is_free_and_nobody_better_was(tier: int, candidates: list[Candidate]) -> None:
    decision = choose(tier, candidates)
    assert sorted(one.candidate.rep_id for one in decision.considered) == sorted(c.rep_id for c in candidates)
    free = [c for c in candidates if not c.why_not and c.meetings_this_week < c.weekly_cap]
    if not free:
        assert decision.chosen is None
        return
    assert decision.chosen in free
    same_tier = [c for c in free if c.tier == tier]
    if same_tier:
        assert decision.chosen.tier == tier
        assert decision.chosen.rank == min(c.rank for c in same_tier)
