"""Rankings as they are kept and applied: again, as of the past, within a period; by job and command."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.audit.models import AuditEntry
from apps.core.periods import Period, trailing_months
from apps.jobs.models import Job, JobState
from apps.leads.models import EventKind, FunnelEvent
from apps.leads.services.record import reverse_event
from apps.reps.models import Rep, TierChange
from apps.scorecards import tasks
from apps.scorecards.models import RankingPolicy, RankingRow, RankingSnapshot, Scorecard
from apps.scorecards.models.ranking import default_weights
from apps.scorecards.selectors import current_policy, standings_of, tiers_on
from apps.scorecards.selectors.ranking import groups_in
from apps.scorecards.services import rankings
from tests.cast import NOW
from tests.scorecards.company import Company, assemble
from tests.scorecards.plain import PlainRecord
from tests.scorecards.plain_ranking import Terms, plain_ranking
from tests.scorecards.sellers import Sellers
from tests.stage import staged

AS_OF = date(2026, 11, 1)
AT = NOW


@pytest.fixture
@staged
def company(db: None) -> Company:
    return assemble()


def tiers() -> list[int | None]:
    return list(Rep.objects.aes().order_by("pk").values_list("tier", flat=True))


class TestRecomputeRankings:
    def test_equals_the_rule_over_a_plain_recomputation(self, company: Company):
        outcome = rankings.recompute_rankings(as_of=AS_OF, at=AT)
        period = trailing_months(AS_OF, 3)
        plain = PlainRecord(outcome.snapshot.known_at)
        for group in groups_in(outcome.snapshot):
            reps = [Rep.objects.select_related("team").get(pk=one.peer.rep_id) for one in group.standings]
            found = plain_ranking(
                plain, reps, period, Terms(default_weights()), dict.fromkeys([rep.pk for rep in reps], 2)
            )
            for one in group.standings:
                expected = found[one.peer.rep_id]
                assert (one.index, one.adjusted.index) == (expected.index, expected.adjusted)
                assert (one.rank, str(one.move), one.tier_after) == (
                    expected.place,
                    expected.move,
                    expected.tier_after,
                )

    def test_money_is_compared_within_one_currency_only(self, company: Company):
        snapshot = rankings.recompute_rankings(as_of=AS_OF, at=AT).snapshot
        for row in RankingRow.objects.filter(snapshot=snapshot).select_related("rep__team"):
            assert row.currency == row.rep.team.currency
        assert {group.currency for group in groups_in(snapshot)} == {"EUR", "USD"}

    def test_made_again_it_is_the_same_and_writes_nothing(self, company: Company):
        first = rankings.recompute_rankings(as_of=AS_OF, at=AT)
        before = (tiers(), TierChange.objects.count(), RankingRow.objects.count(), AuditEntry.objects.count())
        again = rankings.recompute_rankings(as_of=AS_OF, at=AT + timedelta(days=9))
        assert not again.is_new
        assert again.snapshot == first.snapshot
        assert again.moved == 0
        after = (tiers(), TierChange.objects.count(), RankingRow.objects.count(), AuditEntry.objects.count())
        assert after == before

    def test_as_of_a_past_day_it_knows_nothing_that_was_recorded_later(self, company: Company):
        first = rankings.recompute_rankings(as_of=AS_OF, at=AT)
        won = FunnelEvent.objects.filter(
            kind=EventKind.WON, recorded_at__lt=datetime(2026, 10, 31, tzinfo=UTC)
        )
        reverse_event(event=won.effective().first(), reason="Cancelled", at=AT)
        again = rankings.recompute_rankings(as_of=AS_OF, at=AT + timedelta(hours=1))
        assert not again.is_new
        assert again.snapshot.fingerprint == first.snapshot.fingerprint

    def test_as_of_today_it_takes_up_what_was_recorded_since(self, db: None):
        sellers = Sellers(2, 2)
        for rep in sellers.reps:
            sellers.deals(rep, won=3, lost=3)
        today = AT.date()
        first = rankings.recompute_rankings(as_of=today, at=AT)
        sellers.deals(sellers.reps[0], won=9, recorded_at=AT + timedelta(hours=1))
        again = rankings.recompute_rankings(as_of=today, at=AT + timedelta(hours=2))
        assert again.is_new
        assert again.snapshot.fingerprint != first.snapshot.fingerprint
        assert RankingSnapshot.objects.filter(as_of=today).count() == 1
        sellers.reps[0].refresh_from_db()
        assert sellers.reps[0].tier == 1

    def test_writes_tiers_and_ranks_with_the_arithmetic_as_the_reason(self, db: None):
        sellers = Sellers(2, 2, 2)
        best, middle, last = sellers.reps
        sellers.deals(best, won=12, lost=3)
        sellers.deals(middle, won=7, lost=8)
        sellers.deals(last, won=2, lost=13, days=60)
        outcome = rankings.recompute_rankings(as_of=AS_OF, at=AT)
        assert tiers() == [1, 2, 3]
        assert list(Rep.objects.order_by("pk").values_list("rank", flat=True)) == [1, 2, 3]
        change = TierChange.objects.get(rep=best)
        row = RankingRow.objects.get(snapshot=outcome.snapshot, rep=best)
        assert (change.effective_on, change.reason) == (AS_OF, row.reason)
        assert "1.20 or more moves one tier up" in change.reason

    def test_moves_one_step_a_period_however_often_it_is_made(self, db: None):
        sellers = Sellers(3, 3)
        sellers.deals(sellers.reps[0], won=12, lost=3)
        sellers.deals(sellers.reps[1], won=2, lost=13, days=60)
        for day in (1, 2, 9):
            rankings.recompute_rankings(as_of=date(2026, 11, day), at=AT)
        assert tiers() == [2, 3]
        assert TierChange.objects.count() == 1
        later = RankingRow.objects.get(snapshot__as_of=date(2026, 11, 9), rep=sellers.reps[0])
        assert (later.tier_before, later.tier_after) == (3, 2)

    def test_the_next_period_may_move_again(self, db: None):
        sellers = Sellers(3, 3)
        sellers.deals(sellers.reps[0], won=12, lost=3)
        sellers.deals(sellers.reps[1], won=2, lost=13, days=60)
        rankings.recompute_rankings(as_of=date(2026, 11, 1), at=AT)
        rankings.recompute_rankings(as_of=date(2026, 12, 1), at=datetime(2026, 12, 1, 8, tzinfo=UTC))
        assert tiers() == [1, 3]

    def test_the_past_is_looked_at_and_never_written_over_the_present(self, db: None):
        sellers = Sellers(2, 2)
        sellers.deals(sellers.reps[0], won=12, lost=3, on=date(2026, 7, 1))
        sellers.deals(sellers.reps[1], won=2, lost=13, days=60, on=date(2026, 7, 1))
        rankings.recompute_rankings(as_of=AS_OF, at=AT)
        now = (tiers(), TierChange.objects.count())
        past = rankings.recompute_rankings(as_of=date(2026, 8, 1), at=AT)
        assert {row.move for row in past.snapshot.rows.all()} == {"up", "down"}
        assert not past.snapshot.is_applied
        assert (tiers(), TierChange.objects.count()) == now

    def test_a_ranking_of_the_past_sees_the_tiers_of_then(self, db: None):
        sellers = Sellers(2, 2)
        sellers.deals(sellers.reps[0], won=12, lost=3)
        sellers.deals(sellers.reps[1], won=2, lost=13, days=60)
        rankings.recompute_rankings(as_of=AS_OF, at=AT)
        assert tiers() == [1, 3]
        assert set(tiers_on(sellers.reps, AS_OF).values()) == {2}
        assert list(tiers_on(Rep.objects.aes().order_by("pk"), AS_OF + timedelta(days=1)).values()) == [1, 3]

    def test_whoever_ramps_or_has_closed_too_little_stays(self, db: None):
        sellers = Sellers(2, 2, 2)
        ramping, few, _ = sellers.reps
        Rep.objects.filter(pk=ramping.pk).update(ramp_ends_on=date(2026, 12, 1))
        sellers.deals(ramping, won=12)
        sellers.deals(few, won=4)
        sellers.deals(sellers.reps[2], won=5, lost=5)
        outcome = rankings.recompute_rankings(as_of=AS_OF, at=AT)
        rows = {row.rep_id: row for row in outcome.snapshot.rows.all()}
        assert tiers()[:2] == [2, 2]
        assert "still ramping" in rows[ramping.pk].reason
        assert "4 closed deals are fewer than the 5" in rows[few.pk].reason

    def test_a_new_ae_begins_in_the_lowest_tier(self, db: None):
        Sellers(None, 2)
        rankings.recompute_rankings(as_of=AS_OF, at=AT)
        assert tiers() == [3, 2]

    def test_who_has_left_or_is_still_to_come_is_not_ranked(self, db: None):
        sellers = Sellers(2, 2, 2)
        Rep.objects.filter(pk=sellers.reps[0].pk).update(left_on=AS_OF)
        Rep.objects.filter(pk=sellers.reps[1].pk).update(hired_on=AS_OF + timedelta(days=1))
        assert rankings.recompute_rankings(as_of=AS_OF, at=AT).ranked == 1

    def test_looks_without_writing_where_it_is_not_applied(self, db: None):
        sellers = Sellers(2, 2)
        sellers.deals(sellers.reps[0], won=12, lost=3)
        sellers.deals(sellers.reps[1], won=2, lost=13, days=60)
        outcome = rankings.recompute_rankings(as_of=AS_OF, at=AT, apply=False)
        assert outcome.snapshot.rows.filter(move="up").exists()
        assert tiers() == [2, 2]
        rankings.recompute_rankings(as_of=AS_OF, at=AT)
        assert tiers() == [1, 3], "the same ranking can be applied later"

    def test_the_future_is_refused(self, db: None):
        with pytest.raises(rankings.UnableToRank, match="still to come"):
            rankings.recompute_rankings(as_of=AT.date() + timedelta(days=1), at=AT)

    def test_seven_statements_read_it_whatever_the_number_of_aes(
        self, company: Company, django_assert_num_queries: DjangoAssertNumQueries
    ):
        policy = current_policy(AS_OF)
        with django_assert_num_queries(7):
            standings_of(policy=policy, period=trailing_months(AS_OF, 3), day=AS_OF, as_of=AT)


class TestJob:
    def test_ranks_in_the_background_and_says_what_came_of_it(self, db: None, run_jobs: Callable[[], int]):
        sellers = Sellers(2, 2)
        sellers.deals(sellers.reps[0], won=12, lost=3)
        sellers.deals(sellers.reps[1], won=2, lost=13, days=60)
        job = rankings.ask_for_ranking(as_of=AS_OF, at=AT)
        assert rankings.ask_for_ranking(as_of=AS_OF, at=AT) == job, "asking twice is asking once"
        run_jobs()
        job.refresh_from_db()
        assert job.state == JobState.DONE, job.error
        assert job.result["summary"] == "2 AEs over August to October 2026; 2 change tier."
        again = rankings.ask_for_ranking(as_of=AS_OF, at=AT)
        run_jobs()
        again.refresh_from_db()
        assert "nothing has changed" in again.result["summary"]


class TestCommand:
    def run(self, *arguments: str) -> str:
        out = StringIO()
        call_command("recompute_rankings", *arguments, stdout=out)
        return out.getvalue()

    def test_says_what_it_did(self, db: None):
        Sellers(2, 2)
        assert self.run("--as-of", "2026-11-01").startswith("2 AEs over August to October 2026")

    def test_prints_json_for_a_script(self, db: None):
        Sellers(2, 2)
        told = json.loads(self.run("--as-of", "2026-11-01", "--json"))
        assert (told["as_of"], told["ranked"], told["moved"]) == ("2026-11-01", 2, 0)

    @pytest.mark.parametrize(
        "day, message", [("yesterday", "takes a day such as"), ("2999-01-01", "still to come")]
    )
    def test_fails_with_a_clear_message(self, db: None, day, message):
        with pytest.raises(CommandError, match=message):
            self.run("--as-of", day)

    def test_fails_when_the_work_fails(self, db: None, monkeypatch: pytest.MonkeyPatch):
        def refuse(**_: object) -> None:
            raise rankings.UnableToRank("The record cannot be read.")

        monkeypatch.setattr(rankings, "recompute_rankings", refuse)
        with pytest.raises(CommandError, match="The record cannot be read"):
            self.run("--as-of", "2026-11-01")


class TestSchedule:
    def test_ranks_once_a_day_and_closes_last_month_once(
        self, db: None, run_jobs: Callable[[], int], monkeypatch: pytest.MonkeyPatch
    ):
        Sellers(2, 2)
        tasks.daily()
        tasks.daily()
        assert sorted(Job.objects.values_list("kind", flat=True)) == [
            "scorecards.freeze_month",
            "scorecards.recompute_rankings",
        ]
        run_jobs()
        assert {job.state for job in Job.objects.all()} == {JobState.DONE}
        assert Scorecard.objects.frozen().filter(month_on=date(2026, 10, 1)).count() == 2
        monkeypatch.setattr(timezone, "now", lambda: AT + timedelta(days=1))
        tasks.daily()
        assert Job.objects.filter(kind="scorecards.freeze_month").count() == 1

    def test_leaves_a_month_open_on_the_day_after_its_last(self, db: None, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 11, 1, 9, tzinfo=UTC))
        tasks.daily()
        keys = Job.objects.filter(kind="scorecards.freeze_month").values_list("key", flat=True)
        assert list(keys) == ["2026-09"]

    def test_closes_the_months_that_were_missed_oldest_first(
        self, db: None, run_jobs: Callable[[], int], monkeypatch: pytest.MonkeyPatch
    ):
        Sellers(2)
        tasks.daily()
        run_jobs()
        monkeypatch.setattr(timezone, "now", lambda: datetime(2027, 2, 9, 9, tzinfo=UTC))
        tasks.daily()
        keys = Job.objects.filter(kind="scorecards.freeze_month").order_by("pk").values_list("key", flat=True)
        assert list(keys) == ["2026-10", "2026-11", "2026-12", "2027-01"]


class TestPolicyModel:
    def test_the_default_is_the_products(self):
        rules = RankingPolicy(version=1, effective_on=AS_OF).rules
        assert {one.key: one.weight for one in rules.metrics} == {
            key: Fraction(percent, 100) for key, percent in default_weights().items()
        }
        assert [one.key for one in rules.metrics if one.lower_is_better] == ["sales_cycle"]
        assert replace(rules) == rules

    def test_the_period_is_the_three_whole_months_before(self, db: None):
        snapshot = rankings.recompute_rankings(as_of=date(2026, 11, 12), at=AT).snapshot
        assert snapshot.period == Period(date(2026, 8, 1), date(2026, 11, 1))
