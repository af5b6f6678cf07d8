"""How AEs are ranked: drafts, what may be said, putting in force, and the last months under a draft."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from apps.audit.models import AuditEntry
from apps.core.errors import InvalidInput
from apps.reps.models import Rep, TierChange
from apps.scorecards.models import RankingPolicy, RankingSnapshot
from apps.scorecards.models.ranking import default_weights
from apps.scorecards.presentation_ranking import changes_between
from apps.scorecards.selectors import current_policy
from apps.scorecards.selectors.ranking_replay import replay
from apps.scorecards.services import ranking_policies as services
from apps.scorecards.services import rankings
from apps.scorecards.services.ranking_policies import Draft
from tests.cast import NOW, Cast
from tests.scorecards.sellers import Sellers

TODAY = NOW.date()
TOMORROW = TODAY + timedelta(days=1)


def drafted(**said: object) -> RankingPolicy:
    return services.write_draft(draft=replace(Draft(), **said), at=NOW)


class TestWriteDraft:
    def test_ranks_nobody_yet(self, cast: Cast):
        draft = services.write_draft(draft=Draft(months=6, note="Longer"), at=NOW, actor=cast.revops)
        assert (draft.version, draft.effective_on, draft.written_by) == (None, None, cast.revops)
        assert current_policy(date(2030, 1, 1)).months == 3
        assert AuditEntry.objects.filter(verb="scorecards.ranking_policy.drafted").count() == 1

    @pytest.mark.parametrize(
        "weights, message",
        [
            ({**default_weights(), "win_rate": 26}, "make 100 percent together; these make 101"),
            ({"win_rate": 50, "revenue_won": 50}, "five metrics; 2 are weighed"),
            ({**default_weights(), "win_rate": 0, "revenue_won": 55}, "100 percent"),
            ({**default_weights(), "win_rate": -5, "revenue_won": 60}, "100 percent"),
            ({**default_weights(), "charm": 0}, "cannot be ranked by charm"),
            ({"touches": 20, **dict.fromkeys(list(default_weights())[:4], 20)}, "ranked by touches"),
            ({}, "five metrics; 0"),
        ],
    )
    def test_weights_that_make_no_ranking_are_refused(self, db, weights, message):
        with pytest.raises(InvalidInput, match=message) as refused:
            drafted(weights=weights)
        assert refused.value.field == "weights"

    @pytest.mark.parametrize(
        "field, value",
        [
            ("floor", Decimal("1.00")),
            ("floor", Decimal("-0.01")),
            ("ceiling", Decimal("1.00")),
            ("up_at", Decimal("1.00")),
            ("up_at", Decimal("1.51")),
            ("down_at", Decimal("1.00")),
            ("down_at", Decimal("0.49")),
            ("months", 1),
            ("months", 13),
            ("least_closed", 501),
            ("least_expected", Decimal("0.49")),
            ("least_in_cell", 0),
            ("days_to_hold", 21),
            ("peer_group", "friends"),
            ("decides", "luck"),
            ("note", "x" * 301),
        ],
    )
    def test_what_cannot_be_is_refused_at_its_field(self, db, field, value):
        with pytest.raises(InvalidInput) as refused:
            drafted(**{field: value})
        assert refused.value.field == field
        assert not RankingPolicy.objects.exists()

    @pytest.mark.parametrize(
        "field, value",
        [("floor", Decimal("0.00")), ("ceiling", Decimal("1.20")), ("up_at", Decimal("1.50")), ("months", 2)],
    )
    def test_what_is_just_within_is_taken(self, db, field, value):
        assert getattr(drafted(**{field: value}), field) == value


class TestChangeDraft:
    def test_keeps_what_was_and_what_is(self, cast: Cast):
        draft = drafted()
        changed = services.change_draft(
            policy=draft,
            draft=replace(Draft(), least_closed=8),
            seen=draft.written_at,
            at=NOW + timedelta(hours=1),
            actor=cast.revops,
        )
        assert changed.least_closed == 8
        entry = AuditEntry.objects.get(verb="scorecards.ranking_policy.changed")
        assert entry.data == {"changed": {"least_closed": [5, 8]}}

    def test_writes_nothing_where_nothing_differs(self, db):
        draft = drafted()
        services.change_draft(policy=draft, draft=Draft(), seen=draft.written_at, at=NOW)
        assert not AuditEntry.objects.filter(verb="scorecards.ranking_policy.changed").exists()

    def test_refuses_whoever_read_it_before_another_changed_it(self, db):
        draft, seen = drafted(), NOW
        later = NOW + timedelta(minutes=1)
        services.change_draft(policy=draft, draft=Draft(months=4), seen=seen, at=later)
        with pytest.raises(services.DraftMovedOn):
            services.change_draft(policy=draft, draft=Draft(months=6), seen=seen, at=later)

    def test_refuses_a_version_that_is_in_force(self, db):
        put = services.put_in_force(policy=drafted(), effective_on=TOMORROW, at=NOW)
        for act in (
            lambda: services.change_draft(policy=put, draft=Draft(months=6), seen=put.written_at, at=NOW),
            lambda: services.drop_draft(policy=put, at=NOW),
            lambda: services.put_in_force(policy=put, effective_on=TOMORROW, at=NOW),
        ):
            with pytest.raises(services.NotADraft):
                act()

    def test_a_draft_that_is_dropped_is_gone_and_named_in_the_audit_log(self, db):
        services.drop_draft(policy=drafted(), at=NOW)
        assert not RankingPolicy.objects.exists()
        assert AuditEntry.objects.filter(verb="scorecards.ranking_policy.dropped").exists()


class TestPutInForce:
    def test_decides_from_its_day_on(self, cast: Cast):
        draft = drafted(weights={**default_weights(), "win_rate": 30, "revenue_won": 25})
        put = services.put_in_force(policy=draft, effective_on=date(2026, 12, 1), at=NOW, actor=cast.revops)
        assert put.version == 2
        assert current_policy(date(2026, 11, 30)).version == 1
        assert current_policy(date(2026, 12, 1)).metrics == [
            ("revenue_won", 25),
            ("win_rate", 30),
            ("average_deal", 15),
            ("sales_cycle", 15),
            ("self_sourced_pipeline", 15),
        ], "in one order in both databases"

    @pytest.mark.parametrize("day", [TODAY, TODAY - timedelta(days=1), date(2020, 1, 1)])
    def test_refuses_a_day_that_has_begun(self, db, day):
        with pytest.raises(InvalidInput, match="tomorrow") as refused:
            services.put_in_force(policy=drafted(), effective_on=day, at=NOW)
        assert refused.value.field == "effective_on"

    def test_refuses_a_day_before_that_of_the_version_that_is_to_come(self, db):
        services.put_in_force(policy=drafted(), effective_on=date(2026, 12, 1), at=NOW)
        with pytest.raises(InvalidInput, match="Version 2 takes effect on 2026-12-01"):
            services.put_in_force(policy=drafted(months=6), effective_on=date(2026, 11, 20), at=NOW)
        third = services.put_in_force(policy=drafted(months=6), effective_on=date(2026, 12, 1), at=NOW)
        assert current_policy(date(2026, 12, 1)) == third

    def test_leaves_a_ranking_that_was_made_as_it_is(self, db):
        sellers = Sellers(2, 2)
        sellers.deals(sellers.reps[0], won=12, lost=3)
        sellers.deals(sellers.reps[1], won=2, lost=13)
        first = rankings.recompute_rankings(as_of=TODAY, at=NOW).snapshot
        services.put_in_force(policy=drafted(months=6), effective_on=TOMORROW, at=NOW)
        again = rankings.recompute_rankings(as_of=TODAY, at=NOW + timedelta(days=5))
        assert (again.is_new, again.snapshot) == (False, first)

    def test_says_what_it_changes(self, db):
        before = current_policy(TODAY)
        assert changes_between(before, drafted(months=6, decides="adjusted")) == [
            ("Months", "3 whole months", "6 whole months"),
            ("What decides", "The raw index", "The index adjusted for the lead mix"),
        ]


class TestReplay:
    def test_shows_who_would_have_moved_and_writes_nothing(self, db):
        """Two who are equal but for the leads they were given: raw moves them apart, adjusted does not."""
        sellers = Sellers(2, 2)
        first, second = sellers.reps
        for rep, good, poor in ((first, 4, 1), (second, 1, 4)):
            sellers.given(rep, score="A", won=5 * good, lost=5 * good, amount=300_00, on=date(2026, 9, 1))
            sellers.given(rep, score="C", won=poor, lost=9 * poor, amount=100_00, on=date(2026, 9, 1))
        found = replay(draft=drafted(decides="adjusted"), today=TODAY, months=3)
        assert [month.month.code for month in found.months] == ["2026-08", "2026-09", "2026-10"]
        assert [(month.moves("then"), month.moves("draft")) for month in found.months] == [
            (0, 0),
            (2, 0),
            (0, 0),
        ]
        assert [(rep.pk, then, draft) for rep, then, draft in found.changed] == [
            (first.pk, 1, 2),
            (second.pk, 3, 2),
        ]
        assert not RankingSnapshot.objects.exists()
        assert not TierChange.objects.exists()

    def test_under_the_same_policy_nobody_stands_elsewhere(self, db):
        sellers = Sellers(2, 2)
        sellers.deals(sellers.reps[0], won=12, lost=3)
        sellers.deals(sellers.reps[1], won=2, lost=13)
        found = replay(draft=drafted(), today=TODAY, months=3)
        assert found.changed == ()
        assert all(not month.differing for month in found.months)

    def test_a_hold_of_then_holds_in_it(self, cast: Cast):
        from apps.scorecards.models import RankingHold

        sellers = Sellers(2, 2)
        sellers.deals(sellers.reps[0], won=12, lost=3)
        sellers.deals(sellers.reps[1], won=2, lost=13, days=60)
        RankingHold.objects.create(
            rep=sellers.reps[0], starts_on=date(2026, 10, 20), ends_on=date(2026, 11, 20),
            reason="Long away", held_by=cast.manager, held_at=NOW - timedelta(days=20),
        )  # fmt: skip
        found = replay(draft=drafted(), today=TODAY, months=3)
        held = next(line for line in found.months[-1].lines if line.rep == sellers.reps[0])
        assert held.draft.tier_after == 2
        assert "held" in held.draft.reason
        assert Rep.objects.get(pk=sellers.reps[0].pk).tier == 2
