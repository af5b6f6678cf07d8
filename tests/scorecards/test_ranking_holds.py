"""A manager holds an AE's tier: kept with its reason, respected by every ranking, lifted, told."""

from datetime import date, timedelta

import pytest

from apps.accounts.models import Notification
from apps.audit.models import AuditEntry
from apps.core.errors import InvalidInput
from apps.reps.models import Rep, TierChange
from apps.scorecards.models import RankingHold, RankingRow
from apps.scorecards.notification_kinds import MOVE_HELD, TIER_CHANGED
from apps.scorecards.services import ranking_holds as services
from apps.scorecards.services import rankings
from tests.cast import NOW, Cast
from tests.leads.test_hand_off_races import race
from tests.scorecards.sellers import Sellers
from tests.stage import staged

TODAY = NOW.date()
WHY = "Back from parental leave in September only."


@pytest.fixture
@staged
def sellers(cast: Cast) -> Sellers:
    """The first is to move up, the second down; the cast's AE is the first."""
    made = Sellers(2, 2)
    Rep.objects.filter(user=cast.ae).update(user=None)
    Rep.objects.filter(pk=made.reps[0].pk).update(user=cast.ae)
    made.team.manager = cast.manager
    made.team.save()
    made.reps = list(Rep.objects.filter(team=made.team).select_related("team").order_by("pk"))
    made.deals(made.reps[0], won=12, lost=3)
    made.deals(made.reps[1], won=2, lost=13, days=60)
    return made


def held(sellers: Sellers, cast: Cast, **more: object) -> RankingHold:
    return services.hold_move(
        **{
            "rep": sellers.reps[0],
            "last_day": TODAY + timedelta(days=20),
            "reason": WHY,
            "at": NOW,
            "actor": cast.manager,
            **more,
        }
    )


def tiers(sellers: Sellers) -> list[int | None]:
    return list(
        Rep.objects.filter(team=sellers.team, role="ae").order_by("pk").values_list("tier", flat=True)
    )


class TestHold:
    def test_keeps_the_tier_while_the_others_move(self, cast, sellers):
        hold = held(sellers, cast)
        rankings.recompute_rankings(as_of=TODAY, at=NOW)
        assert tiers(sellers) == [2, 3]
        row = RankingRow.objects.get(rep=sellers.reps[0])
        assert (row.hold, row.move, row.tier_after) == (hold, "stay", 2)
        assert "would move one tier up, but the move is held" in row.reason
        assert WHY not in row.reason, "the peers read the row, the reason is not theirs"

    def test_is_kept_with_its_reason_and_audited_and_the_ae_is_told(self, cast, sellers):
        hold = held(sellers, cast)
        assert (hold.reason, hold.held_by, hold.last_day) == (WHY, cast.manager, TODAY + timedelta(days=20))
        entry = AuditEntry.objects.get(verb="scorecards.ranking_hold.set")
        assert entry.actor == cast.manager
        told = Notification.objects.get(kind=MOVE_HELD)
        assert told.user == cast.ae
        assert WHY in told.body

    def test_is_over_on_the_day_after_its_last(self, cast, sellers):
        held(sellers, cast, last_day=TODAY)
        rankings.recompute_rankings(as_of=TODAY, at=NOW)
        assert tiers(sellers)[0] == 2
        rankings.recompute_rankings(as_of=TODAY + timedelta(days=1), at=NOW + timedelta(days=1))
        assert tiers(sellers)[0] == 1

    def test_a_ranking_as_of_a_day_before_it_was_set_does_not_know_it(self, cast, sellers):
        before = rankings.recompute_rankings(as_of=TODAY - timedelta(days=1), at=NOW, apply=False)
        held(sellers, cast)
        again = rankings.recompute_rankings(
            as_of=TODAY - timedelta(days=1), at=NOW + timedelta(hours=1), apply=False
        )
        assert not again.is_new
        assert again.snapshot == before.snapshot
        assert again.snapshot.rows.get(rep=sellers.reps[0]).move == "up"

    def test_leaves_a_move_that_was_made(self, cast, sellers):
        rankings.recompute_rankings(as_of=TODAY, at=NOW)
        held(sellers, cast)
        rankings.recompute_rankings(as_of=TODAY + timedelta(days=1), at=NOW + timedelta(days=1))
        assert tiers(sellers) == [1, 3]

    @pytest.mark.parametrize(
        "said, field",
        [
            ({"reason": "no"}, "reason"),
            ({"reason": " " * 40}, "reason"),
            ({"reason": "x" * 501}, "reason"),
            ({"last_day": TODAY - timedelta(days=1)}, "last_day"),
            ({"last_day": TODAY + timedelta(days=185)}, "last_day"),
        ],
    )
    def test_refuses_what_cannot_be_at_its_field(self, cast, sellers, said, field):
        with pytest.raises(InvalidInput) as refused:
            held(sellers, cast, **said)
        assert refused.value.field == field

    def test_refuses_a_second_one_while_one_holds(self, cast, sellers):
        held(sellers, cast)
        with pytest.raises(services.UnableToHold, match="Lift that hold first"):
            held(sellers, cast)

    def test_refuses_who_is_not_ranked(self, cast, sellers):
        with pytest.raises(services.UnableToHold, match="Only AEs"):
            held(sellers, cast, rep=cast.rep(cast.sdr))


class TestLift:
    def test_lets_the_next_ranking_move_again(self, cast, sellers):
        hold = held(sellers, cast)
        rankings.recompute_rankings(as_of=TODAY, at=NOW)
        later = NOW + timedelta(days=1)
        services.lift_hold(hold=hold, reason="Enough data now", at=later, actor=cast.manager)
        rankings.recompute_rankings(as_of=later.date(), at=later + timedelta(hours=1))
        assert tiers(sellers) == [1, 3]
        assert AuditEntry.objects.filter(verb="scorecards.ranking_hold.lifted").count() == 1
        assert Notification.objects.filter(kind=MOVE_HELD, title="Your tier is held no more").count() == 1

    def test_a_ranking_of_the_day_before_still_knows_the_hold(self, cast, sellers):
        hold = held(sellers, cast)
        first = rankings.recompute_rankings(as_of=TODAY, at=NOW + timedelta(hours=8)).snapshot
        services.lift_hold(hold=hold, at=NOW + timedelta(days=3), actor=cast.manager)
        again = rankings.recompute_rankings(as_of=TODAY, at=NOW + timedelta(days=4))
        assert again.snapshot.fingerprint == first.fingerprint

    def test_happens_once(self, cast, sellers):
        hold = held(sellers, cast)
        services.lift_hold(hold=hold, at=NOW, actor=cast.manager)
        with pytest.raises(services.UnableToLift, match="already"):
            services.lift_hold(hold=hold, at=NOW, actor=cast.manager)
        held(sellers, cast)

    def test_refuses_one_that_is_over(self, cast, sellers):
        hold = held(sellers, cast, last_day=TODAY)
        with pytest.raises(services.UnableToLift, match="over"):
            services.lift_hold(hold=hold, at=NOW + timedelta(days=1), actor=cast.manager)


class TestDaysToHold:
    def test_moves_are_shown_first_and_applied_when_the_days_are_over(self, cast, sellers):
        from apps.scorecards.models import RankingPolicy

        RankingPolicy.objects.create(version=1, effective_on=date(2026, 1, 1), days_to_hold=3)
        shown = rankings.recompute_rankings(as_of=date(2026, 11, 3), at=NOW)
        assert {row.move for row in shown.snapshot.rows.filter(rep__team=sellers.team)} == {"up", "down"}
        assert (tiers(sellers), shown.snapshot.is_applied) == ([2, 2], False)
        applied = rankings.recompute_rankings(as_of=date(2026, 11, 4), at=NOW)
        assert (tiers(sellers), applied.snapshot.is_applied) == ([1, 3], True)


class TestNotice:
    def test_goes_to_the_ae_and_the_manager_once_with_the_arithmetic(self, cast, sellers):
        rankings.recompute_rankings(as_of=TODAY, at=NOW)
        rankings.recompute_rankings(as_of=TODAY, at=NOW + timedelta(hours=1))
        change = TierChange.objects.get(rep=sellers.reps[0])
        own = Notification.objects.get(kind=TIER_CHANGED, user=cast.ae)
        assert own.title == "You moved from tier 2 to tier 1"
        assert own.body.startswith(change.reason)
        assert "Revenue won 1.500 × 30 %" in own.body
        titles = Notification.objects.filter(kind=TIER_CHANGED, user=cast.manager).values_list(
            "title", flat=True
        )
        assert sorted(titles) == ["AE 1 moved from tier 2 to tier 1", "AE 2 moved from tier 2 to tier 3"]


@pytest.mark.django_db(transaction=True)
def test_two_who_hold_at_once_make_one_hold() -> None:
    from tests.cast import assemble

    cast = assemble()
    rep = cast.rep(cast.ae)

    def hold() -> RankingHold:
        return services.hold_move(
            rep=Rep.objects.get(pk=rep.pk), last_day=TODAY, reason=WHY, at=NOW, actor=cast.manager
        )

    found = race([hold, hold])
    assert RankingHold.objects.count() == 1
    assert sum(isinstance(one, services.UnableToHold) for one in found) == 1
