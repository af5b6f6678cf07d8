"""Index and moves against a separate plain-Python computation: generated, at the edges, and on a real export."""

from datetime import date
from fractions import Fraction
from typing import ClassVar

import pytest

from apps.core.periods import Period, parse_period, trailing_months
from apps.reps.models import Rep
from apps.scorecards.models import PeerGroup, RankingPolicy
from apps.scorecards.models.ranking import default_weights
from apps.scorecards.selectors import standings_of, tiers_on
from apps.scorecards.services import rankings
from tests.cast import NOW
from tests.marketstar import MarketStar
from tests.scorecards.company import assemble
from tests.scorecards.plain import PlainRecord
from tests.scorecards.plain_ranking import Terms, plain_ranking
from tests.scorecards.sellers import Sellers

AS_OF = date(2026, 11, 1)
ACCEPTANCE = {
    "hand_off_acceptance_rate": 40,
    "deals_won": 15,
    "win_rate": 15,
    "average_deal": 15,
    "self_sourced_pipeline": 15,
}


def terms_of(policy: RankingPolicy) -> Terms:
    return Terms(
        weights=dict(policy.weights),
        floor=Fraction(policy.floor),
        ceiling=Fraction(policy.ceiling),
        up_at=Fraction(policy.up_at),
        down_at=Fraction(policy.down_at),
        least_closed=policy.least_closed,
        decides=policy.decides,
        least_expected=Fraction(policy.least_expected),
        least_in_cell=policy.least_in_cell,
    )


def compare(policy: RankingPolicy, period: Period, day: date, record: PlainRecord | None = None) -> int:
    """How many standings were compared, each equal."""
    record, compared = record or PlainRecord(), 0
    for group in standings_of(policy=policy, period=period, day=day):
        reps = list(Rep.objects.filter(pk__in=group.reps).select_related("team"))
        tiers = tiers_on(reps, period.end)
        ramping = frozenset(rep.pk for rep in reps if rep.is_ramping_on(day))
        found = plain_ranking(record, reps, period, terms_of(policy), tiers, ramping=ramping)
        for one in group.standings:
            plain = found[one.peer.rep_id]
            assert one.index == plain.index
            assert one.adjusted is not None
            assert (one.adjusted.index, one.adjusted.expected) == (plain.adjusted, plain.expected)
            assert (one.rank, str(one.move), one.tier_after) == (plain.place, plain.move, plain.tier_after)
            compared += 1
    return compared


class TestGenerated:
    @pytest.mark.parametrize("decides", ["raw", "adjusted"])
    @pytest.mark.parametrize("peer_group", PeerGroup.values)
    def test_equals_the_plain_computation(self, db, decides, peer_group):
        assemble(seed=11, aes=6, deals=150)
        policy = RankingPolicy(
            version=9, effective_on=AS_OF, decides=decides, peer_group=peer_group, least_in_cell=4
        )
        assert compare(policy, trailing_months(AS_OF, 3), AS_OF) == 6


class TestEdges:
    """Both made alike but for the size of their deals, two to one: 1.20 and 0.80 to the last digit."""

    def made(self, first: int, decides: str) -> dict[int, tuple[Fraction, str]]:
        sellers = Sellers(2, 2)
        better, worse = sellers.reps
        sellers.deals(better, won=9, lost=10, amount=200_00)
        sellers.deals(better, won=1, amount=first)
        sellers.deals(worse, won=10, lost=10, amount=100_00)
        policy = RankingPolicy.objects.create(version=1, effective_on=date(2026, 1, 1), decides=decides)
        snapshot = rankings.recompute_rankings(as_of=AS_OF, at=NOW).snapshot
        period = trailing_months(AS_OF, 3)
        compare(policy, period, AS_OF)
        field = "adjusted" if decides == "adjusted" else None
        return {
            row.rep_id - better.pk: (
                Fraction(row.metrics[field]["index"] if field else row.metrics["index"]),
                row.move,
            )
            for row in snapshot.rows.all()
        }

    @pytest.mark.parametrize("decides", ["raw", "adjusted"])
    def test_exactly_on_them_both_move(self, db, decides):
        assert self.made(200_00, decides) == {0: (Fraction(6, 5), "up"), 1: (Fraction(4, 5), "down")}

    @pytest.mark.parametrize("decides", ["raw", "adjusted"])
    def test_one_minor_unit_short_neither_moves(self, db, decides):
        made = self.made(199_99, decides)
        assert made[0][0] < Fraction(6, 5)
        assert made[1][0] > Fraction(4, 5)
        assert [move for _, move in made.values()] == ["stay", "stay"]

    @pytest.mark.parametrize("decides", ["raw", "adjusted"])
    def test_one_minor_unit_past_them_both_move(self, db, decides):
        made = self.made(200_01, decides)
        assert made[0][0] > Fraction(6, 5)
        assert made[1][0] < Fraction(4, 5)
        assert {place: move for place, (_, move) in made.items()} == {0: "up", 1: "down"}


class TestLeadMixOnTheRecord:
    def made(self, mix: dict[str, tuple[int, int]], other: dict[str, tuple[int, int]]) -> list:
        sellers = Sellers(2, 2)
        for rep, kinds in zip(sellers.reps, (mix, other), strict=True):
            for score, (won, lost) in kinds.items():
                amount, days = {"A": (300_00, 20), "C": (100_00, 60)}[score]
                sellers.given(rep, score=score, won=won, lost=lost, amount=amount, days=days)
        policy = RankingPolicy(version=9, effective_on=AS_OF, decides="adjusted")
        period = trailing_months(AS_OF, 3)
        compare(policy, period, AS_OF)
        (group,) = standings_of(policy=policy, period=period, day=AS_OF)
        return sorted(group.standings, key=lambda one: one.peer.rep_id)

    def test_shifted_between_two_equal_aes_moves_the_raw_index_alone(self, db):
        """Both win half of the good leads and a tenth of the others."""
        better_given, worse_given = self.made({"A": (10, 10), "C": (1, 9)}, {"A": (5, 5), "C": (3, 27)})
        assert better_given.index > worse_given.index
        assert better_given.adjusted.index == worse_given.adjusted.index == 1

    def test_is_by_the_score_at_the_hand_off_whatever_the_lead_scores_later(self, db):
        from apps.leads.models import Lead

        before = self.made({"A": (10, 10)}, {"C": (3, 27)})
        Lead.objects.update(score="D", is_inbound=False)
        policy = RankingPolicy(version=9, effective_on=AS_OF)
        (group,) = standings_of(policy=policy, period=trailing_months(AS_OF, 3), day=AS_OF)
        after = sorted(group.standings, key=lambda one: one.peer.rep_id)
        assert [one.adjusted for one in after] == [one.adjusted for one in before]


@pytest.mark.slow
@pytest.mark.once
class TestRealExport:
    """AEs 6, 7 and 8. Their export holds what they took and turned down, and no won or lost deals."""

    READ: ClassVar[dict[str, PlainRecord]] = {}
    """The export read once: it is the same for every test here, and large."""

    QUARTERS = ("2021Q1", "2021Q2", "2021Q3", "2021Q4", "2022Q1", "2022Q2", "2022Q3")

    @pytest.mark.parametrize("quarter", QUARTERS)
    @pytest.mark.parametrize("weights", [default_weights(), ACCEPTANCE], ids=["default", "acceptance"])
    def test_index_and_moves_equal_the_plain_computation(self, marketstar: MarketStar, quarter, weights):
        period = parse_period(quarter)
        policy = RankingPolicy(
            version=9,
            effective_on=period.start,
            weights=weights,
            least_closed=0,
            up_at="1.05",
            down_at="0.95",
        )
        aes = {marketstar.rep(number).pk for number in ("6", "7", "8")}
        ranked = [
            pk for group in standings_of(policy=policy, period=period, day=period.end) for pk in group.reps
        ]
        assert set(ranked) == aes
        if not self.READ:
            self.READ["export"] = PlainRecord()
        assert compare(policy, period, period.end, self.READ["export"]) == 3

    def test_a_ranking_that_is_kept_equals_it_too(self, marketstar: MarketStar):
        as_of = marketstar.at.date()
        snapshot = rankings.recompute_rankings(as_of=as_of, at=marketstar.at).snapshot
        reps = [marketstar.rep(number) for number in ("6", "7", "8")]
        found = plain_ranking(
            PlainRecord(snapshot.known_at),
            reps,
            snapshot.period,
            terms_of(snapshot.policy),
            dict.fromkeys([rep.pk for rep in reps], 3),
        )
        rows = {row.rep_id: row for row in snapshot.rows.all()}
        assert {pk: (Fraction(row.metrics["index"]), row.move, row.rank) for pk, row in rows.items()} == {
            pk: (one.index, one.move, one.place) for pk, one in found.items()
        }
