"""The ranking's monthly totals: always the record's own figure, through late and reversed events."""

import random
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.compensation.services import credit_splits
from apps.core.periods import Period, parse_period, trailing_months
from apps.core.prepared import Prepared
from apps.leads.models import EventKind, FunnelEvent, HandOff, Lead, Opportunity, Source
from apps.leads.rules.metrics import WON
from apps.leads.services.record import NewEvent, owned, record_event, record_events, reverse_event
from apps.reps.models import Rep
from apps.scorecards.models import LeadMixTotal, RankingPolicy, RankingTotal, RankingTotalMark, ReceivedLead
from apps.scorecards.rules.lead_mix import Cell
from apps.scorecards.selectors import current_policy, measure, standings_of
from apps.scorecards.selectors.ranking_totals import (
    METRICS,
    mixes_by_totals,
    ranked_by_totals,
    sums_by_totals,
)
from apps.scorecards.services import ranking_totals as services
from tests.cast import NOW
from tests.scorecards.company import Company, assemble
from tests.scorecards.sellers import Sellers
from tests.scorecards.test_ranking_plain import compare
from tests.stage import staged

PERIOD = trailing_months(date(2026, 11, 1), 3)
PERIODS = [parse_period(code) for code in ("2026-06", "2026-08", "2026-10", "2026-11", "2026Q3")]


@pytest.fixture
@staged
def company(db: None) -> Company:
    made = assemble(deals=110)
    services.rebuild_totals(at=NOW)
    return made


def same_as_the_record(period: Period) -> bool:
    assert sums_by_totals(reps=list(Rep.objects.select_related("team")), period=period) is not None
    return services.differences(period=period) == []


class TestTotals:
    def test_are_the_records_figures_in_every_period(self, company):
        assert RankingTotal.objects.exists()
        for period in PERIODS:
            assert same_as_the_record(period)

    def test_are_not_read_before_they_were_made(self, db):
        Sellers(2, 2)
        assert sums_by_totals(reps=list(Rep.objects.select_related("team")), period=PERIOD) is None

    def test_hold_a_late_event_from_the_moment_it_is_recorded(self, db):
        sellers = Sellers(2, 2)
        sellers.deals(sellers.reps[0], won=3, lost=1)
        services.rebuild_totals(at=NOW)
        sellers.deals(sellers.reps[0], won=2, on=date(2026, 9, 4), recorded_at=NOW)
        assert RankingTotalMark.objects.count() == 4
        assert same_as_the_record(PERIOD)
        assert services.refresh_totals(at=NOW).reps == 1
        assert not RankingTotalMark.objects.exists()
        assert same_as_the_record(PERIOD)
        assert RankingTotal.objects.get(month_on=date(2026, 9, 1), currency="").won == 2_000_000

    def test_give_up_what_was_reversed(self, db):
        sellers = Sellers(2, 2)
        won = [one for one in sellers.deals(sellers.reps[0], won=2) if one.kind == EventKind.WON]
        services.rebuild_totals(at=NOW)
        for event in won:
            reverse_event(event=FunnelEvent.objects.get(pk=event.pk), reason="Cancelled", at=NOW)
            assert same_as_the_record(PERIOD)
        services.refresh_totals(at=NOW)
        assert same_as_the_record(PERIOD)
        assert not RankingTotal.objects.filter(won__gt=0).exists()

    def test_follow_an_opening_that_is_taken_back_under_a_win_of_somebody_else(self, db):
        sellers = Sellers(2, 2)
        first, second = sellers.reps
        deal = Opportunity.objects.create(name="Passed on", owner=second, opened_at=NOW, stage_changed_at=NOW)
        at = datetime(2026, 9, 1, tzinfo=UTC)
        opened, _ = record_events(
            events=[
                NewEvent(
                    kind=kind, occurred_at=at + timedelta(days=days), source=Source.DEMO, source_key=str(days),
                    opportunity=deal, credits=owned(rep), amount_minor=100, currency="EUR",
                )
                for kind, days, rep in ((EventKind.STAGE_1, 0, first), (EventKind.WON, 40, second))
            ],
            at=NOW,
        )  # fmt: skip
        services.rebuild_totals(at=NOW)
        reverse_event(event=opened, reason="Opened twice", at=NOW)
        assert same_as_the_record(PERIOD)
        services.refresh_totals(at=NOW)
        assert same_as_the_record(PERIOD)
        assert not RankingTotal.objects.filter(rep=second, cycle_share__gt=0).exists()

    def test_stay_right_through_a_random_course_of_events(self, company):
        rng = random.Random(3)
        wins = list(
            FunnelEvent.objects.effective().filter(kind__in=("won", "lost", "stage_1")).order_by("pk")
        )
        rng.shuffle(wins)
        for number, event in enumerate(wins[:12]):
            reverse_event(event=event, reason="A mistake", at=NOW)
            if number % 3 == 0:
                record_event(
                    event=NewEvent(
                        kind=EventKind(event.kind), occurred_at=event.occurred_at - timedelta(days=number),
                        source=Source.DEMO, source_key=f"again:{number}", opportunity=event.opportunity,
                        credits=owned(rng.choice(company.aes)), amount_minor=event.amount_minor,
                        currency=event.currency,
                    ),
                    at=NOW,
                )  # fmt: skip
            if number % 5 == 0:
                services.refresh_totals(at=NOW)
            if number % 4 == 0:
                assert same_as_the_record(PERIOD)
        services.refresh_totals(at=NOW)
        for period in PERIODS:
            assert same_as_the_record(period)

    def test_brought_up_to_date_they_are_what_they_would_be_made_anew(self, company):
        sellers = Sellers(2)
        sellers.deals(sellers.reps[0], won=4, lost=2)
        services.refresh_totals(at=NOW)

        def rows() -> list[tuple]:
            return sorted(
                RankingTotal.objects.values_list(
                    "rep", "month_on", "currency", "won", "revenue", "cycle_seconds"
                )
            )

        refreshed = rows()
        services.rebuild_totals(at=NOW)
        assert rows() == refreshed

    def test_doing_it_again_changes_nothing(self, company):
        assert services.refresh_totals(at=NOW) == services.Refreshed(0, 0)

    def test_are_read_in_four_statements(self, company, django_assert_num_queries: DjangoAssertNumQueries):
        reps = list(Rep.objects.select_related("team"))
        with django_assert_num_queries(4):
            sums_by_totals(reps=reps, period=PERIOD)

    def test_a_ranking_through_them_is_the_ranking_by_the_record(self, company):
        policy = current_policy(PERIOD.end)
        through = standings_of(policy=policy, period=PERIOD, day=PERIOD.end)
        raw = standings_of(policy=policy, period=PERIOD, day=PERIOD.end, as_of=NOW + timedelta(days=365))
        assert [group.standings for group in through] == [group.standings for group in raw]

    def test_what_does_not_count_leaves_no_mark(self, company):
        assert not RankingTotalMark.objects.exists()
        touched = FunnelEvent.objects.effective().filter(kind="touched").first()
        reverse_event(event=touched, reason="A mistake", at=NOW)
        assert not RankingTotalMark.objects.exists()


def kinds_of(rep: Rep) -> dict[tuple[int, str], tuple[int, int]]:
    """Deals closed and won, by tier and way, as the totals over ``PERIOD`` give them."""
    mixes = mixes_by_totals(reps=[Rep.objects.select_related("team").get(pk=rep.pk)], period=PERIOD)
    assert mixes is not None
    return {
        (cell.tier, cell.way): (deals.closed // 1_000_000, deals.won // 1_000_000)
        for cell, deals in mixes[rep.pk].items()
    }


class TestLeadMix:
    """What was closed by kind of lead, added up by month as well."""

    def made(self) -> Sellers:
        sellers = Sellers(2, 2)
        first, second = sellers.reps
        sellers.given(first, score="A", inbound=True, won=3, lost=1)
        sellers.given(first, score="C", inbound=False, won=1, lost=2, on=date(2026, 9, 9))
        sellers.given(second, score="B", inbound=True, won=1)
        sellers.deals(second, won=2, lost=1)
        services.rebuild_totals(at=NOW)
        return sellers

    def test_is_the_records_by_kind_of_lead(self, db):
        first, second = self.made().reps
        assert kinds_of(first) == {(1, "inbound"): (4, 3), (3, "outbound"): (3, 1)}
        assert kinds_of(second) == {(2, "inbound"): (1, 1), (0, "alone"): (3, 2)}
        for period in PERIODS:
            assert same_as_the_record(period)

    def test_holds_late_events_and_gives_up_reversed_ones(self, db):
        sellers = self.made()
        first, second = sellers.reps
        sellers.given(first, score="A", won=1, on=date(2026, 8, 3))
        assert kinds_of(first)[1, "inbound"] == (5, 4)
        win = FunnelEvent.objects.filter(
            kind=EventKind.WON, credits__rep=second, hand_off__isnull=False
        ).get()
        reverse_event(event=win, reason="Cancelled", at=NOW)
        assert kinds_of(second) == {(0, "alone"): (3, 2)}
        assert same_as_the_record(PERIOD)
        services.refresh_totals(at=NOW)
        assert not RankingTotalMark.objects.exists()
        assert kinds_of(first)[1, "inbound"] == (5, 4)
        assert kinds_of(second) == {(0, "alone"): (3, 2)}
        assert same_as_the_record(PERIOD)

    def test_brought_up_to_date_it_is_what_it_would_be_made_anew(self, db):
        sellers = self.made()
        sellers.given(sellers.reps[1], score="A", won=2, lost=1)
        services.refresh_totals(at=NOW)
        columns = [one.attname for one in LeadMixTotal._meta.concrete_fields if not one.primary_key]
        refreshed = sorted(LeadMixTotal.objects.values_list(*columns))
        services.rebuild_totals(at=NOW)
        assert sorted(LeadMixTotal.objects.values_list(*columns)) == refreshed
        assert services.refresh_totals(at=NOW) == services.Refreshed(0, 0)

    def test_a_lead_whose_score_moves_on_is_of_the_kind_that_it_was_added_up_as(self, db):
        sellers = self.made()
        ReceivedLead.objects.all().delete()  # as where nothing was kept with the hand-off
        services.rebuild_totals(at=NOW)
        Lead.objects.update(score="C", is_inbound=False)
        assert kinds_of(sellers.reps[0]) == {(1, "inbound"): (4, 3), (3, "outbound"): (3, 1)}
        assert same_as_the_record(PERIOD)

    def test_a_difference_is_named(self, db):
        self.made()
        LeadMixTotal.objects.filter(tier=2).update(won=0)
        (said,) = services.differences(period=PERIOD)
        assert said.startswith("AE 2, leads of tier 2, inbound: ")

    def test_a_split_by_hand_moves_it_by_the_totals_as_by_the_record(self, db):
        sellers = self.made()
        first, second = sellers.reps
        author, other = (
            User.objects.create_user(f"{name}@larkfield.example", "x", name=name, role="revops")
            for name in ("author", "other")
        )
        win = FunnelEvent.objects.filter(kind=EventKind.WON, credits__rep=first).order_by("pk")[0]
        split = credit_splits.propose_split(
            event=win, capacity="owned", shares={first: 400_000, second: 600_000}, reason="Both.", at=NOW, actor=author,
        )  # fmt: skip
        credit_splits.approve_split(split=split, at=NOW, actor=other)
        policy = RankingPolicy(version=9, effective_on=PERIOD.end, decides="adjusted")
        assert compare(policy, PERIOD, PERIOD.end) == 2
        later = NOW + timedelta(days=1)
        through, raw = (
            standings_of(policy=policy, period=PERIOD, day=PERIOD.end, as_of=as_of) for as_of in (None, later)
        )
        assert [group.standings for group in through] == [group.standings for group in raw]
        (mix,) = (one.peer.mix for one in through[0].standings if one.peer.rep_id == second.pk)
        assert mix[Cell(1, "inbound")].closed == 600_000


def test_nobody_is_read_from_totals_that_were_behind_while_the_mark_goes(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody brings them up to date between the reads of one ranking."""
    sellers = Sellers(2, 2)
    sellers.deals(sellers.reps[0], won=1)
    services.rebuild_totals(at=NOW)
    sellers.deals(sellers.reps[0], won=3)
    rows = Prepared.rows

    def then_refreshed(self: Prepared, values: Any) -> Any:
        found = rows(self, values)
        services.refresh_totals(at=NOW)
        return found

    monkeypatch.setattr(Prepared, "rows", then_refreshed)
    reps = list(Rep.objects.select_related("team"))
    found = ranked_by_totals(reps=reps, period=PERIOD)
    assert found is not None
    assert found.sums[sellers.reps[0].pk].count(WON) == 4
    assert found.mixes[sellers.reps[0].pk][Cell(0, "alone")].won == 4_000_000


class TestReceivedLead:
    def test_keeps_the_kind_of_lead_of_the_first_hand_off(self, db):
        sellers = Sellers(2)
        sellers.given(sellers.reps[0], score="B", inbound=False, won=1)
        hand_off = HandOff.objects.get()
        kept = ReceivedLead.objects.get(hand_off=hand_off)
        assert (kept.tier, kept.is_inbound) == (2, False)
        event = FunnelEvent.objects.get(kind="handed_off")
        assert event.data == {"score": "B", "inbound": False}
        services.keep_received([event])
        assert ReceivedLead.objects.count() == 1


class TestCommand:
    def test_makes_them_and_holds_them_against_the_record(self, company):
        out = StringIO()
        call_command("rebuild_ranking_totals", stdout=out)
        assert "rows of" in out.getvalue()
        call_command("rebuild_ranking_totals", "--check", "2026Q3", stdout=out)
        assert "are what the record says" in out.getvalue()

    def test_fails_on_a_difference_and_names_it(self, company):
        RankingTotal.objects.filter(currency="").update(won=7_000_000)
        with pytest.raises(CommandError, match="Deals won"):
            call_command("rebuild_ranking_totals", "--check", "2026Q3")

    def test_refuses_a_period_that_is_none(self, db):
        with pytest.raises(CommandError, match="a period such as"):
            call_command("rebuild_ranking_totals", "--check", "soon")


@pytest.mark.django_db(transaction=True)
def test_what_is_recorded_while_they_are_refreshed_is_not_lost() -> None:
    from tests.leads.test_hand_off_races import race

    sellers = Sellers(2, 2)
    sellers.deals(sellers.reps[0], won=2)
    services.rebuild_totals(at=NOW)

    def record(number: int) -> Any:
        deal = Opportunity.objects.create(
            name=f"Raced {number}", owner=sellers.reps[1], opened_at=NOW, stage_changed_at=NOW
        )
        event = NewEvent(
            kind=EventKind.WON, occurred_at=datetime(2026, 10, 5, tzinfo=UTC), source=Source.DEMO,
            source_key=f"raced:{number}", opportunity=deal, credits=owned(sellers.reps[1]),
            amount_minor=100, currency="EUR",
        )  # fmt: skip
        return record_event(event=event, at=NOW)

    acts = [
        *(lambda number=number: record(number) for number in range(4)),
        *(lambda: services.refresh_totals(at=NOW),) * 3,
    ]
    found = race(acts)
    assert not [one for one in found if isinstance(one, Exception)]
    assert services.differences(period=PERIOD) == []
    services.refresh_totals(at=NOW)
    assert services.differences(period=PERIOD) == []
    assert not RankingTotalMark.objects.exists()
    reps = list(Rep.objects.select_related("team"))
    assert measure(reps=reps, periods=[PERIOD], metrics=METRICS)[0][sellers.reps[1].pk].shares
    connections.close_all()
