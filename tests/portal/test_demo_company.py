"""The demo company: believable, and with something true to show to everybody."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from statistics import mean, median
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Count, F, Q
from django.test import Client, override_settings
from django.urls import reverse

from apps.accounts.models import User
from apps.compensation.models import PayoutRun, PlanVersion, Statement
from apps.compensation.selectors.reviews import progress, worklist
from apps.core.periods import parse_period
from apps.leads.models import (
    Account,
    Definition,
    EventKind,
    FunnelEvent,
    HandOff,
    Lead,
    Meeting,
    Opportunity,
    OpportunityStage,
    QualificationAnswer,
    QueueBucket,
    Touch,
)
from apps.portal.demo.sign_ins import PASSWORD, demo_sign_ins
from apps.portal.navigation import places_for
from apps.reps.models import BusyCalendar, Rep, RepRole, TierChange
from apps.scorecards.models import (
    HiringScenario,
    PracticeGoal,
    RankingHold,
    RankingPolicy,
    RankingSnapshot,
    Scorecard,
    ScorecardAction,
    ScorecardPrivateNote,
    ScorecardSignature,
    SharedRecording,
    SupportAction,
    TrainingDue,
)
from apps.scorecards.rules.training import State, state_on
from apps.scorecards.selectors.card_copies import from_json
from apps.scorecards.selectors.since_closed import since_closed
from apps.slas.models import Clock, ClockState
from tests.compensation.test_finance_files import agree
from tests.scorecards.capacity_agreement import capacity_agrees
from tests.scorecards.plain import PlainRecord
from tests.scorecards.plain_card import PlainCard, differing
from tests.scorecards.plain_ranking import Terms, plain_ranking
from tests.scorecards.review_agreement import last_week, packs_agree, roi_agrees, targets_agree

# That the services which tell it do so on any database is shown where it is loaded (test_demo_loading.py).
pytestmark = [pytest.mark.once, pytest.mark.slow]

AT = datetime(2026, 11, 12, 9, 42, tzinfo=UTC)
"""A Thursday morning in Berlin."""


@pytest.fixture(scope="module")
def company(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A small company, told once for all tests that only look at it."""
    with django_db_blocker.unblock(), transaction.atomic():
        _load(AT.isoformat(), size="small")
        yield
        transaction.set_rollback(True)


def _load(as_of: str, size: str, **options: Any) -> None:
    with override_settings(DEMO_MODE=True):
        call_command("load_demo_company", as_of=as_of, size=size, verbosity=0, **options)


def _user(name: str) -> User:
    return User.objects.get(name=name)


def _rep(name: str) -> Rep:
    return Rep.objects.get(name=name)


@pytest.mark.django_db
@pytest.mark.usefixtures("company")
class TestFigures:
    def test_leads_come_in_every_month_with_a_dip_in_august(self) -> None:
        arrived = Counter(
            when.date().replace(day=1) for when in Lead.objects.values_list("created_at", flat=True)
        )
        assert len(arrived) == 10
        assert arrived[date(2026, 8, 1)] < mean(
            arrived[month] for month in (date(2026, 6, 1), date(2026, 9, 1), date(2026, 10, 1))
        )

    def test_a_lead_takes_between_one_and_nine_touches_mostly(self) -> None:
        counts = list(Lead.objects.filter(touch_count__gt=0).values_list("touch_count", flat=True))
        assert 2 < mean(counts) < 6
        assert sum(count <= 9 for count in counts) > 0.9 * len(counts)

    def test_touches_are_made_within_office_hours(self) -> None:
        hours = Counter(when.hour for when in Touch.objects.values_list("occurred_at", flat=True))
        assert set(hours) <= set(range(6, 18))
        assert not Touch.objects.filter(occurred_at__week_day__in=(1, 7)).exists()

    def test_most_inbound_leads_are_answered_within_a_quarter_of_an_hour(self) -> None:
        spans = Lead.objects.filter(is_inbound=True, first_touch_at__isnull=False)
        waits = [one.first_touch_at - one.created_at for one in spans]
        assert timedelta(minutes=4) < median(waits) < timedelta(minutes=15)
        assert any(wait > timedelta(hours=3) for wait in waits)

    def test_most_promises_are_kept_and_some_are_broken(self) -> None:
        decided = Clock.objects.exclude(state=ClockState.RUNNING)
        broken = decided.filter(state=ClockState.BREACHED).count() / decided.count()
        assert 0.02 < broken < 0.25

    def test_aes_accept_most_and_reject_with_reasons(self) -> None:
        decided = HandOff.objects.exclude(state=HandOff.State.PENDING)
        accepted = decided.filter(state=HandOff.State.ACCEPTED).count() / decided.count()
        assert 0.75 < accepted < 0.95
        rejected = decided.filter(state=HandOff.State.REJECTED)
        assert not rejected.filter(Q(rejected_criterion="") | Q(rejection_reason="") | Q(comment="")).exists()
        assert rejected.values("rejection_reason").distinct().count() >= 3

    def test_after_some_contests_another_ae_went_on_whom_routing_named(self) -> None:
        passed_on = HandOff.objects.filter(successor__isnull=False, contest__state="upheld")
        assert passed_on.exists()
        for one in passed_on:
            assert one.successor_id != one.ae_id
            assert one.routing_decisions.get(cause="contest").chosen_id == one.successor_id

    def test_one_customer_in_eight_does_not_come(self) -> None:
        closed = Meeting.objects.filter(state__in=(Meeting.State.HELD, Meeting.State.NO_SHOW))
        assert 0.05 < closed.filter(state=Meeting.State.NO_SHOW).count() / closed.count() < 0.2

    def test_aes_win_one_deal_in_four_or_so(self) -> None:
        closed = Opportunity.objects.filter(owner__role=RepRole.AE, stage__in=("won", "lost"))
        won = closed.filter(stage="won")
        assert 0.15 < won.count() / closed.count() < 0.4
        for name in closed.values_list("owner__name", flat=True).distinct():
            assert won.filter(owner__name=name).exists(), name

    def test_one_sdr_stands_out(self) -> None:
        rows = HandOff.objects.filter(state=HandOff.State.ACCEPTED, sdr__role=RepRole.ISR)
        accepted = dict(rows.values_list("sdr__name").annotate(count=Count("pk")).order_by())
        assert accepted["Leila Amrani"] == max(accepted.values())
        assert accepted["Leila Amrani"] > 1.3 * mean(accepted.values())

    def test_wins_are_taken_back_and_change_earlier_pay(self) -> None:
        won = FunnelEvent.objects.filter(kind=EventKind.WON)
        assert won.count() > won.effective().count()
        assert Statement.objects.filter(adjustments_minor__lt=0).exists()

    def test_recycled_leads_come_back(self) -> None:
        back = FunnelEvent.objects.filter(
            kind=EventKind.TOUCHED,
            lead__events__kind=EventKind.RECYCLED,
            occurred_at__gt=F("lead__events__occurred_at") + timedelta(days=80),
        )
        assert back.exists()

    def test_a_leaver_keeps_nothing_open(self) -> None:
        leaver = Rep.objects.get(left_on__isnull=False)
        assert leaver.hand_offs_made.exists()
        assert not Lead.objects.filter(owner=leaver, queue_bucket__isnull=False).exists()
        assert not leaver.touches.filter(occurred_at__date__gte=leaver.left_on).exists()
        assert leaver.user is not None
        assert not leaver.user.is_active

    def test_all_the_rest_of_life_is_there(self) -> None:
        assert Lead.objects.filter(do_not_contact=True, queue_bucket=None).exists()
        assert HandOff.objects.filter(is_exploration=True).exists()
        assert Touch.objects.filter(undone_at__isnull=False).exists()
        assert TierChange.objects.exists()
        assert Rep.objects.filter(ramp_ends_on__gt=date(2026, 3, 1)).exists()
        assert Rep.objects.filter(time_off__starts_on__gt=date(2026, 2, 1)).exists()
        assert Opportunity.objects.filter(sourced_by=None, owner__role=RepRole.AE).exists()
        assert FunnelEvent.objects.filter(kind=EventKind.AMOUNT_CHANGED).exists()

    def test_nothing_lies_in_the_future_but_what_is_planned(self) -> None:
        assert not FunnelEvent.objects.filter(Q(occurred_at__gt=AT) | Q(recorded_at__gt=AT)).exists()
        assert not Lead.objects.filter(Q(created_at__gt=AT) | Q(last_touch_at__gt=AT)).exists()
        assert not ScorecardSignature.objects.filter(signed_at__gt=AT).exists()

    def test_everything_became_known_when_it_happened(self) -> None:
        # The site tells its visits in batches, up to four weeks late; all else is told at once, but for one call.
        told_later = FunnelEvent.objects.exclude(recorded_at=F("occurred_at"))
        told_later = told_later.exclude(source_key__startswith="late-touch:")
        assert set(told_later.values_list("kind", flat=True)) == {EventKind.VISITED}
        assert not told_later.filter(recorded_at__gt=F("occurred_at") + timedelta(days=28)).exists()
        assert not told_later.filter(recorded_at__lt=F("occurred_at")).exists()

    def test_evidence_varies(self) -> None:
        said = list(QualificationAnswer.objects.exclude(evidence="").values_list("evidence", flat=True))
        assert len(set(said)) > 0.6 * len(said)
        assert not any("{" in text for text in said)

    def test_nobody_has_an_address_that_could_be_real(self) -> None:
        assert not Lead.objects.exclude(email__endswith=".example").exists()
        assert not Account.objects.exclude(Q(domain="") | Q(domain__endswith=".example")).exists()
        assert not User.objects.exclude(email__endswith=".example").exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("company")
class TestMonths:
    def test_payout_runs_stand_in_their_states(self) -> None:
        states = list(PayoutRun.objects.order_by("starts_on").values_list("state", flat=True))
        assert states == ["paid"] * 7 + ["locked", "submitted"]
        assert not PayoutRun.objects.filter(statements=None).exists()

    def test_whoever_computes_a_run_does_not_approve_it(self) -> None:
        approved = PayoutRun.objects.exclude(approved_by=None)
        assert not approved.filter(computed_by=F("approved_by")).exists()

    def test_every_month_is_ranked_and_its_scorecards_are_frozen(self) -> None:
        months = [date(2026, month, 1) for month in range(2, 11)]
        frozen = Scorecard.objects.frozen()
        assert sorted(set(frozen.values_list("month_on", flat=True))) == months
        assert RankingSnapshot.objects.filter(is_applied=True).count() == len(months)

    def test_its_newest_ranking_is_what_a_plain_reading_of_the_record_gives(self) -> None:
        snapshot = RankingSnapshot.objects.order_by("-as_of").select_related("policy").first()
        assert snapshot is not None
        record, teams = PlainRecord(snapshot.known_at), {}
        for row in snapshot.rows.select_related("rep__team"):
            teams.setdefault(row.group, []).append(row)
        for rows in teams.values():
            found = plain_ranking(
                record,
                [row.rep for row in rows],
                snapshot.period,
                Terms(dict(snapshot.policy.weights)),
                {row.rep_id: row.tier_before for row in rows},
                ramping=frozenset(row.rep_id for row in rows if row.is_ramping),
                held=frozenset(row.rep_id for row in rows if row.hold_id),
            )
            for row in rows:
                plain, adjusted = found[row.rep_id], row.metrics["adjusted"]["index"]
                assert (row.metrics["index"], adjusted) == (
                    str(plain.index),
                    None if plain.adjusted is None else str(plain.adjusted),
                )
                assert (row.rank, row.move, row.tier_after) == (plain.place, plain.move, plain.tier_after)

    def test_the_closed_cards_of_all_roles_are_what_a_plain_reading_of_the_record_gives(self) -> None:
        rows = Scorecard.objects.frozen().filter(month_on=date(2026, 10, 1))
        reps = list(Rep.objects.select_related("calendar", "team__calendar").order_by("pk"))
        by_id, wrong = {rep.pk: rep for rep in reps}, []
        record = PlainRecord(rows.first().frozen_at)
        for row in rows:
            card = from_json(row.copy)
            wrong += differing(card, PlainCard(record, by_id[row.rep_id], card.month, reps))
        assert wrong == []
        assert {row.copy["rep"]["role"] for row in rows} == set(RepRole.values)

    def test_cards_were_reviewed_with_actions_a_private_note_and_something_that_came_later(self) -> None:
        assert ScorecardAction.objects.open().count() >= 3
        assert ScorecardAction.objects.exclude(closing=None).count() >= 2
        assert ScorecardPrivateNote.objects.count() == 1
        late = FunnelEvent.objects.get(source_key__startswith="late-touch:")
        rep = late.credits.get().rep
        row = Scorecard.objects.get(rep=rep, month_on=date(2026, 10, 1))
        found = since_closed(card=from_json(row.copy), rep=rep)
        touches = next(one for one in found.differences if one.key == "touches" and not one.over)
        assert touches.by == 1

    def test_a_tier_is_held_and_a_draft_of_the_ranking_waits(self) -> None:
        assert RankingHold.objects.filter(lift=None).count() == 1
        assert RankingHold.objects.exclude(lift=None).count() == 1
        assert RankingPolicy.objects.filter(version=None).count() == 1
        assert RankingSnapshot.objects.exclude(month_on=None).count() == 9

    def test_plans_and_definitions_have_versions(self) -> None:
        assert PlanVersion.objects.filter(plan__name="Inbound SDR").count() == 3
        assert PlanVersion.objects.filter(approver=None).count() == 1
        versions = Definition.objects.filter(kind=Definition.Kind.SQL)
        assert [one.is_signed for one in versions.order_by("version")] == [True, True, False]


@pytest.mark.django_db
@pytest.mark.usefixtures("company")
class TestToday:
    def test_an_inbound_sdr_has_every_part_of_the_queue(self) -> None:
        rep = _rep("Maya Lindqvist")
        mine = Lead.objects.filter(Q(owner=rep) | Q(owner=None, team=rep.team)).queued(AT)
        assert set(mine.values_list("queue_bucket", flat=True)) == set(QueueBucket.values)

    def test_an_outbound_sdr_has_callbacks_and_touches_due(self) -> None:
        buckets = set(
            Lead.objects.filter(owner=_rep("Ivo Marek")).queued(AT).values_list("queue_bucket", flat=True)
        )
        assert {QueueBucket.CALLBACK, QueueBucket.TOUCH_DUE} <= buckets

    def test_fresh_leads_wait_with_a_deadline_to_come(self) -> None:
        fresh = Lead.objects.queued(AT).filter(queue_bucket=QueueBucket.FRESH_INBOUND)
        assert fresh.filter(due_at__gt=AT, due_at__lt=AT + timedelta(minutes=60)).exists()

    def test_hand_offs_wait_for_the_ae_some_of_them_soon_due(self) -> None:
        pending = HandOff.objects.pending().filter(ae=_rep("Jonas Berg"))
        assert pending.count() >= 2
        assert HandOff.objects.pending().filter(due_at__lt=AT + timedelta(hours=1)).exists()
        assert all(one.qualification and one.routing["considered"] for one in pending)

    def test_meetings_and_deals_lie_ahead(self) -> None:
        jonas = _rep("Jonas Berg")
        assert Meeting.objects.filter(ae=jonas, state=Meeting.State.BOOKED, starts_at__gt=AT).exists()
        for stage in OpportunityStage.open_stages():
            assert Opportunity.objects.filter(owner=jonas, stage=stage).exists()

    def test_accounts_are_looked_after(self) -> None:
        for name in ("Paula Nowak", "Didier Morel"):
            assert Account.objects.filter(owner=_rep(name)).exists()
            assert Opportunity.objects.filter(owner=_rep(name)).open().exists()

    def test_the_last_months_pay_waits_for_finance(self) -> None:
        run = PayoutRun.objects.order_by("-starts_on").first()
        assert run is not None
        assert (run.code, run.state) == ("2026-10", "submitted")
        assert run.submitted_by == _user("Sanne de Wit")


@pytest.mark.django_db
@pytest.mark.usefixtures("company")
class TestSignIns:
    @override_settings(DEMO_MODE=True)
    def test_there_is_one_for_each_role(self) -> None:
        roles = [one["role"] for one in demo_sign_ins()]
        assert len(roles) == len(set(roles)) == 9

    def test_there_are_none_outside_demo_mode(self) -> None:
        assert demo_sign_ins() == []
        assert b"larkfield.example" not in Client().get(reverse("account_login")).content

    @override_settings(DEMO_MODE=True)
    def test_the_sign_in_page_shows_them(self) -> None:
        page = Client().get(reverse("account_login")).content.decode()
        assert all(one["email"] in page for one in demo_sign_ins())

    @override_settings(DEMO_MODE=True)
    def test_each_gets_in_and_finds_every_place_open(self) -> None:
        for one in demo_sign_ins():
            client = Client()
            assert client.login(username=one["email"], password=one["password"])
            for place in places_for(User.objects.get(email=one["email"])):
                assert client.get(place.url, follow=True).status_code == 200, f"{one['role']}: {place.label}"

    def test_nobody_else_has_a_password(self) -> None:
        with override_settings(DEMO_MODE=True):
            known = {one["email"] for one in demo_sign_ins()}
        others = User.objects.exclude(email__in=known)
        assert others.exists()
        assert not any(user.has_usable_password() for user in others)
        assert not any(user.check_password(PASSWORD) for user in others[:3])


@pytest.mark.django_db
@pytest.mark.usefixtures("company")
class TestOwnTime:
    def test_every_ae_has_a_calendar_and_one_is_a_feed_that_has_failed(self) -> None:
        aes = set(Rep.objects.filter(role=RepRole.AE).values_list("pk", flat=True))
        assert set(BusyCalendar.objects.values_list("rep", flat=True)) == aes
        failing = BusyCalendar.objects.get(failing_since__isnull=False)
        assert failing.is_feed
        assert failing.times.filter(ends_at__gt=AT).exists()
        assert BusyCalendar.objects.filter(problem_count__gt=0).exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("company")
class TestReview:
    def test_capacity_and_lead_velocity_equal_a_plain_recomputation(self) -> None:
        october = parse_period("2026-10")
        assert capacity_agrees(PlainRecord(), october, AT.date()) > 20

    def test_managers_have_something_to_coach(self) -> None:
        assert SupportAction.objects.open().exists()
        assert PracticeGoal.objects.exists()
        assert SharedRecording.objects.exists()
        assert HiringScenario.objects.count() == 2
        today = AT.date()
        states = {
            state_on(today, due=one.due_on, was_passed=one.was_passed) for one in TrainingDue.objects.all()
        }
        assert states == set(State)

    def test_packs_costs_and_targets_equal_a_plain_recomputation(self) -> None:
        assert packs_agree(last_week(AT)) == 2
        assert roi_agrees(_user("Eva Brandt"), AT.date()).whole.count("won") > 5
        assert targets_agree(AT) > 3


@pytest.mark.usefixtures("company")
class TestLoadAgain:
    def test_does_nothing_where_somebody_is_when_asked_so(self) -> None:
        before = (User.objects.count(), Lead.objects.count())
        _load(AT.isoformat(), size="small", if_empty=True)
        assert (User.objects.count(), Lead.objects.count()) == before

    def test_refuses_a_portal_that_is_in_use(self) -> None:
        with pytest.raises(CommandError, match="Somebody is here already"):
            _load(AT.isoformat(), size="small")


@pytest.mark.django_db
@pytest.mark.usefixtures("company")
class TestFinance:
    def test_every_file_of_a_locked_run_agrees_with_the_ledger(self) -> None:
        run = PayoutRun.objects.closed().order_by("-starts_on")[0]
        agree(run, SimpleNamespace(finance=_user("Henrik Vass")))

    def test_the_run_in_approval_has_something_odd_and_is_half_reviewed(self) -> None:
        run = PayoutRun.objects.get(state="submitted")
        rows = worklist(run, Statement.objects.filter(run=run))
        done = progress(rows)
        assert rows[0].oddities
        assert 0 < done.odd < done.people
        assert 0 < done.approved < done.people
        assert done.ok_by_manager > 0

    def test_the_payroll_file_has_layouts(self, client: Client) -> None:
        client.force_login(_user("Henrik Vass"))
        page = client.get(reverse("compensation:payroll_layouts")).content.decode()
        assert "Payroll bureau" in page
        assert "Bank, semicolons" in page
