"""The weekly review: what a pack holds, that it stays as it was, who is asked, what is carried over."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import DatabaseError, connections, transaction
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Notification, NotificationPreference
from apps.accounts.services.notification_mail import send_due
from apps.audit.models import AuditEntry
from apps.core.errors import InvalidInput
from apps.core.periods import Period
from apps.jobs.models import Job
from apps.leads.models import EventKind, FunnelEvent, Lead, LeadStage, Source
from apps.leads.services.record import NewEvent, record_events, reverse_event
from apps.reps.models import Rep, Team, TimeOff
from apps.scorecards import tasks
from apps.scorecards.models import ReviewItem, ReviewItemEnd, ReviewReason, ReviewSection, WeeklyReview
from apps.scorecards.rules.review import week_of
from apps.scorecards.selectors.review_items import items_of, open_items
from apps.scorecards.selectors.review_pack import (
    fingerprint,
    is_intact,
    owed_in,
    pack_of,
    setting_of,
    since_made,
)
from apps.scorecards.services import review_items, reviews
from apps.scorecards.services.complaints import complain, withdraw
from salesportal.celery import app
from tests.cast import Cast
from tests.cast import assemble as assemble_cast
from tests.scorecards.company import Company, assemble
from tests.scorecards.plain_review import PlainWeek
from tests.stage import staged

WEEK = week_of(date(2026, 11, 2))
SUNDAY = datetime(2026, 11, 8, 23, 30, tzinfo=UTC)
THURSDAY = datetime(2026, 11, 12, 9, 30, tzinfo=UTC)
"""Half past ten in Berlin: the usual meeting."""


@pytest.fixture
@staged
def company(db: None) -> Company:
    return assemble()


def a_lead(cast: Cast, days_before: float, *, kind: EventKind = EventKind.MQL, **more: Any) -> Lead:
    """A lead of the SDR whose event of ``kind`` lies so many days before the meeting."""
    at = THURSDAY - timedelta(days=days_before)
    owner = more.pop("owner", cast.rep(cast.sdr))
    data = more.pop("data", {})
    values: dict[str, Any] = {"stage": LeadStage.WORKING, "source": "Webinar"} | more
    lead = Lead.objects.create(
        name="Ada", company="Norm", team=cast.sdr_team, owner=owner, created_at=at, **values
    )
    event = NewEvent(
        kind=kind,
        occurred_at=at,
        source=Source.PAGE,
        source_key=f"{kind}:{lead.pk}",
        lead=lead,
        data=data,
        recorded_at=at,
    )
    record_events(events=[event], at=at)
    return lead


def made(cast: Cast, at: datetime = THURSDAY, week: Period = WEEK) -> WeeklyReview:
    return reviews.make_review(team=cast.sdr_team, week=week, at=at).review


class TestThePack:
    @pytest.mark.parametrize("weeks_before", [0, 3, 9])
    def test_every_list_equals_a_plain_recomputation(self, company: Company, weeks_before: int):
        week = week_of(date(2026, 10, 26) - timedelta(days=7 * weeks_before))
        as_of = datetime(2026, 11, 10, 8, tzinfo=UTC)
        team = company.sdr_team
        lists = pack_of(team=team, week=week, as_of=as_of)["lists"]
        plain = PlainWeek(team, week, as_of)
        assert lists["leads"]["count"] == plain.delivered()
        assert {words: n for words, n, _ in lists["appointments"]["reasons"]} == plain.appointments()
        assert lists["cold"]["count"] - lists["cold"]["silent"] == plain.left()
        assert {row["lead"] for row in lists["cold"]["rows"] if row["how"] == "silent"} == plain.silent()
        assert lists["promises"]["count"] == plain.broken()
        assert {words: n for words, n, _ in lists["rejected"]["reasons"]} == plain.rejected()

    def test_is_made_of_something(self, company: Company):
        """The weeks above hold leads, meetings, rejections and silence: else they would agree on nothing."""
        totals = dict.fromkeys(("leads", "appointments", "cold", "rejected"), 0)
        for number in range(12):
            week = week_of(date(2026, 10, 26) - timedelta(days=7 * number))
            lists = pack_of(team=company.sdr_team, week=week, as_of=THURSDAY)["lists"]
            totals = {name: totals[name] + lists[name]["count"] for name in totals}
        assert min(totals.values()) > 3

    def test_reads_as_many_statements_for_a_hundred_leads_as_for_one(
        self, cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
    ):
        a_lead(cast, 8, kind=EventKind.RECYCLED, data={"reason": "Not now"})
        with django_assert_num_queries(24):
            pack_of(team=cast.sdr_team, week=WEEK, as_of=THURSDAY)
        for number in range(25):
            a_lead(cast, 7 + number / 10)
            a_lead(cast, 7 + number / 10, kind=EventKind.DISQUALIFIED)
        with django_assert_num_queries(24):
            pack_of(team=cast.sdr_team, week=WEEK, as_of=THURSDAY)

    def test_holds_no_name(self, cast: Cast):
        a_lead(cast, 8, kind=EventKind.DISQUALIFIED, data={"reason": "Not a fit"})
        assert "Ada" not in str(made(cast).copy)
        assert "Norm" not in str(made(cast).copy)

    def test_a_week_is_cut_at_midnight_of_the_company(self, cast: Cast):
        """23:30 UTC on Sunday is Monday in Berlin: the next week's."""
        before, after = a_lead(cast, 0), a_lead(cast, 0)
        for lead, at in ((before, SUNDAY - timedelta(minutes=31)), (after, SUNDAY)):
            event = NewEvent(
                kind=EventKind.DISQUALIFIED,
                occurred_at=at,
                source=Source.PAGE,
                source_key=f"out:{lead.pk}",
                lead=lead,
                data={"reason": "Not a fit"},
            )
            record_events(events=[event], at=THURSDAY)
        rows = pack_of(team=cast.sdr_team, week=WEEK, as_of=THURSDAY)["lists"]["cold"]["rows"]
        assert [row["lead"] for row in rows] == [before.pk]

    def test_a_complaint_that_was_taken_back_is_not_in_it(self, cast: Cast):
        lead = a_lead(cast, 9)
        at = THURSDAY - timedelta(days=5)
        said = "They never asked for anything from us."
        complaint = complain(lead=lead, reason="never_asked", comment=said, at=at, actor=cast.sdr)
        assert pack_of(team=cast.sdr_team, week=WEEK, as_of=THURSDAY)["lists"]["complaints"]["count"] == 1
        withdraw(complaint=complaint, at=at, actor=cast.sdr)
        assert pack_of(team=cast.sdr_team, week=WEEK, as_of=THURSDAY)["lists"]["complaints"]["count"] == 0

    def test_a_touch_that_was_planned_and_not_made_says_that_the_owner_was_away(self, cast: Cast):
        planned = datetime(2026, 11, 4, 9, tzinfo=UTC)
        away = a_lead(cast, 20, next_touch_at=planned)
        here = a_lead(cast, 20, owner=cast.rep(cast.teammate), callback_at=planned)
        TimeOff.objects.create(rep=cast.rep(cast.sdr), starts_on=date(2026, 11, 3), ends_on=date(2026, 11, 6))
        rows = pack_of(team=cast.sdr_team, week=WEEK, as_of=THURSDAY)["lists"]["touches"]["rows"]
        assert {row["lead"]: (row["reason"], row["needs"]) for row in rows} == {
            away.pk: ("Away, not covered", False),
            here.pk: ("", True),
        }


class TestItStaysAsItWas:
    def test_a_second_making_gives_the_first_one(self, cast: Cast):
        first = reviews.make_review(team=cast.sdr_team, week=WEEK, at=THURSDAY)
        second = reviews.make_review(team=cast.sdr_team, week=WEEK, at=THURSDAY + timedelta(days=3))
        assert (first.is_new, second.is_new) == (True, False)
        assert first.review == second.review
        assert AuditEntry.objects.filter(verb="scorecards.review.made").count() == 1

    def test_what_is_recorded_later_stands_beside_it(self, cast: Cast):
        lost = a_lead(cast, 8, kind=EventKind.DISQUALIFIED, data={"reason": "Not a fit"})
        review = made(cast)
        at = THURSDAY + timedelta(hours=1)
        reverse_event(event=FunnelEvent.objects.get(lead=lost), reason="A mistake", at=at)
        review.refresh_from_db()
        assert review.copy["lists"]["cold"]["count"] == 1
        assert is_intact(review)
        changed = since_made(review=review, at=at, sections=[ReviewSection.COLD, ReviewSection.LEADS])
        assert [(one.section, one.then, one.now) for one in changed] == [(ReviewSection.COLD, 1, 0)]

    def test_made_anew_as_of_then_it_has_the_same_fingerprint(self, company: Company):
        at = datetime(2026, 11, 10, 8, tzinfo=UTC)
        review = reviews.make_review(team=company.sdr_team, week=WEEK, at=at).review
        assert fingerprint(pack_of(team=company.sdr_team, week=WEEK, as_of=at)) == review.fingerprint

    def test_the_database_refuses_to_change_it(self, cast: Cast):
        review = made(cast)
        with pytest.raises(DatabaseError), transaction.atomic():
            WeeklyReview.objects.filter(pk=review.pk).update(fingerprint="x")
        with pytest.raises(DatabaseError), transaction.atomic():
            WeeklyReview.objects.filter(pk=review.pk).delete()

    def test_none_is_made_of_a_week_that_runs(self, cast: Cast):
        with pytest.raises(reviews.UnableToMakeReview):
            reviews.make_review(team=cast.sdr_team, week=WEEK, at=datetime(2026, 11, 8, 22, tzinfo=UTC))
        with pytest.raises(InvalidInput):
            reviews.make_review(
                team=cast.sdr_team, week=Period(date(2026, 11, 3), date(2026, 11, 10)), at=THURSDAY
            )


def _beat(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    monkeypatch.setattr(tasks.timezone, "now", lambda: at)
    tasks.weekly_reviews()


class TestTheSchedule:
    def test_asks_two_days_before_and_makes_four_hours_before(
        self, cast: Cast, monkeypatch: pytest.MonkeyPatch, run_jobs: Callable[[], int]
    ):
        a_lead(cast, 8, kind=EventKind.DISQUALIFIED, data={})
        asked = Notification.objects.filter(kind="review_reasons", user=cast.sdr)
        _beat(monkeypatch, THURSDAY - timedelta(hours=49))
        assert not asked.exists()
        _beat(monkeypatch, THURSDAY - timedelta(hours=47))
        assert asked.count() == 1
        _beat(monkeypatch, THURSDAY - timedelta(hours=5))
        assert asked.count() == 1
        assert not Job.objects.filter(kind=reviews.MAKE_KIND).exists()
        _beat(monkeypatch, THURSDAY - timedelta(hours=4))
        run_jobs()
        assert WeeklyReview.objects.get(team=cast.sdr_team).week_on == WEEK.start

    def test_two_beats_and_a_repeated_job_make_one_pack(
        self, cast: Cast, monkeypatch: pytest.MonkeyPatch, run_jobs: Callable[[], int]
    ):
        for minutes in (0, 0, 10, 20):
            _beat(monkeypatch, THURSDAY + timedelta(minutes=minutes))
            run_jobs()
        assert WeeklyReview.objects.filter(team=cast.sdr_team).count() == 1

    def test_after_weeks_without_a_machine_the_missing_packs_are_made(
        self, cast: Cast, monkeypatch: pytest.MonkeyPatch, run_jobs: Callable[[], int]
    ):
        made(cast, week=WEEK)
        _beat(monkeypatch, THURSDAY + timedelta(days=21))
        run_jobs()
        weeks = WeeklyReview.objects.filter(team=cast.sdr_team).values_list("week_on", flat=True)
        assert sorted(weeks) == [WEEK.start + timedelta(days=7 * number) for number in range(4)]

    def test_is_looked_at_every_ten_minutes(self):
        entry = next(
            one for one in app.conf.beat_schedule.values() if one["task"] == tasks.weekly_reviews.name
        )
        assert entry["schedule"] == 600

    def test_a_team_that_is_switched_off_gets_none(self, cast: Cast, monkeypatch: pytest.MonkeyPatch):
        terms = reviews.Terms(False, 3, time(10, 30), 45, 48, 4, None)
        reviews.set_review(team=cast.sdr_team, terms=terms, at=THURSDAY, actor=cast.manager)
        assert reviews.weeks_to_make(team=cast.sdr_team, at=THURSDAY) == []

    @pytest.mark.parametrize(
        "changed, field",
        [
            ({"weekday": 7}, "weekday"),
            ({"minutes": 5}, "minutes"),
            ({"made_hours_before": 60}, "made_hours_before"),
            ({"ask_hours_before": 300}, "ask_hours_before"),
        ],
    )
    def test_a_setting_that_cannot_be_is_refused_at_its_field(self, cast: Cast, changed: dict, field: str):
        usual = {"is_on": True, "weekday": 3, "starts_at": time(10, 30), "minutes": 45}
        terms = reviews.Terms(
            **(usual | {"ask_hours_before": 48, "made_hours_before": 4, "agreed_mqls": 5} | changed)
        )
        with pytest.raises(InvalidInput) as refused:
            reviews.set_review(team=cast.sdr_team, terms=terms, at=THURSDAY, actor=cast.manager)
        assert refused.value.field == field
        assert not setting_of(Team.objects.get(pk=cast.sdr_team.pk)).pk


class TestReasons:
    def test_what_was_given_before_is_in_the_pack_and_what_comes_later_beside_it(self, cast: Cast):
        early = a_lead(cast, 8, kind=EventKind.DISQUALIFIED, data={})
        late = a_lead(cast, 8.1, kind=EventKind.DISQUALIFIED, data={})
        owed = {
            one.row["lead"]: one.row["subject"] for one in owed_in(team=cast.sdr_team, week=WEEK, at=THURSDAY)
        }
        give = {"team": cast.sdr_team, "week": WEEK, "actor": cast.sdr}
        before = THURSDAY - timedelta(hours=1)
        reviews.give_reason(subject=owed[early.pk], reason="no_answer", at=before, **give)
        review = made(cast)
        reviews.give_reason(subject=owed[late.pk], reason="not_now", at=THURSDAY + timedelta(hours=1), **give)
        assert review.copy["lists"]["cold"]["missing"] == 1
        assert not owed_in(team=cast.sdr_team, week=WEEK, at=THURSDAY + timedelta(hours=2))
        assert [words for words, *_ in review.copy["lists"]["cold"]["reasons"]] == [
            "No answer",
            "No reason given",
        ]

    def test_each_is_asked_once_by_itself_though_some_is_answered_meanwhile_and_again_when_a_manager_asks(
        self, cast: Cast
    ):
        leads = [a_lead(cast, 8 + number / 10, kind=EventKind.DISQUALIFIED, data={}) for number in range(3)]
        told = Notification.objects.filter(user=cast.sdr, kind="review_reasons")
        ask = {"team": cast.sdr_team, "week": WEEK}
        reviews.ask_for_reasons(at=THURSDAY - timedelta(hours=40), **ask)
        subject = f"event:{FunnelEvent.objects.get(lead=leads[0]).pk}"
        reviews.give_reason(
            subject=subject, reason="no_fit", at=THURSDAY - timedelta(hours=30), actor=cast.sdr, **ask
        )
        reviews.ask_for_reasons(at=THURSDAY - timedelta(hours=20), **ask)
        assert [one.title for one in told] == ["3 reasons missing for the weekly review"]
        assert reviews.ask_for_reasons(at=THURSDAY, actor=cast.manager, **ask) == 1
        assert told.all().count() == 2

    def test_the_same_again_is_one_and_another_is_the_next_revision(self, cast: Cast):
        lead = a_lead(cast, 8, kind=EventKind.DISQUALIFIED, data={})
        subject = f"event:{FunnelEvent.objects.get(lead=lead).pk}"
        given = {"team": cast.sdr_team, "week": WEEK, "subject": subject, "at": THURSDAY, "actor": cast.sdr}
        for reason in ("no_answer", "no_answer", "no_fit"):
            reviews.give_reason(reason=reason, **given)
        assert list(ReviewReason.objects.values_list("revision", "reason")) == [
            (1, "no_answer"),
            (2, "no_fit"),
        ]

    def test_nobody_is_asked_for_what_did_not_happen(self, cast: Cast):
        with pytest.raises(reviews.NothingOwed):
            reviews.give_reason(
                team=cast.sdr_team, week=WEEK, subject="event:1", reason="no_fit", at=THURSDAY, actor=cast.sdr
            )

    def test_another_reason_says_which(self, cast: Cast):
        with pytest.raises(InvalidInput) as refused:
            reviews.give_reason(
                team=cast.sdr_team, week=WEEK, subject="event:1", reason="other", at=THURSDAY, actor=cast.sdr
            )
        assert refused.value.field == "note"

    def test_a_lead_stands_in_one_week_only_when_it_falls_silent(self, cast: Cast):
        lead = a_lead(cast, 21, kind=EventKind.TOUCHED)
        weeks = [
            week.start
            for week in (week_of(date(2026, 10, 26) + timedelta(days=7 * number)) for number in range(-3, 4))
            for row in pack_of(team=cast.sdr_team, week=week, as_of=THURSDAY)["lists"]["cold"]["rows"]
            if row["lead"] == lead.pk
        ]
        assert weeks == [WEEK.start]


class TestActions:
    def _add(self, review: WeeklyReview, cast: Cast, **more: Any) -> ReviewItem:
        given = {"kind": "action", "text": "Call them again", "owner": cast.sdr, "due_on": date(2026, 11, 16)}
        return review_items.add_item(review=review, at=THURSDAY, actor=cast.manager, **(given | more))

    def test_one_is_carried_until_it_is_done(self, cast: Cast):
        item = self._add(made(cast), cast)
        second = reviews.make_review(
            team=cast.sdr_team, week=WEEK.following(), at=THURSDAY + timedelta(days=7)
        ).review
        shown = items_of(second, today=date(2026, 11, 19))
        assert [(one.item, one.carried, one.late) for one in shown] == [(item, 1, 3)]
        review_items.end_item(item=item, how="done", at=THURSDAY + timedelta(days=8), actor=cast.sdr)
        third = reviews.make_review(
            team=cast.sdr_team, week=WEEK.following().following(), at=THURSDAY + timedelta(days=14)
        ).review
        assert items_of(third, today=date(2026, 11, 26)) == []
        assert [one.is_open for one in items_of(second, today=date(2026, 11, 26))] == [False]
        assert items_of(second, today=date(2026, 11, 26))[0].late == 4

    def test_dropping_wants_a_reason_and_ending_happens_once(self, cast: Cast):
        item = self._add(made(cast), cast)
        with pytest.raises(InvalidInput) as refused:
            review_items.end_item(item=item, how="dropped", reason=" ", at=THURSDAY, actor=cast.manager)
        assert refused.value.field == "reason"
        review_items.end_item(item=item, how="dropped", reason="Solved", at=THURSDAY, actor=cast.manager)
        with pytest.raises(review_items.UnableToEnd):
            review_items.end_item(item=item, how="done", at=THURSDAY, actor=cast.sdr)
        assert ReviewItemEnd.objects.count() == 1

    def test_a_second_click_notes_it_once_and_the_owner_is_told_once(self, cast: Cast):
        review = made(cast)
        assert self._add(review, cast, request_key="k") == self._add(review, cast, request_key="k")
        assert Notification.objects.filter(user=cast.sdr, kind="review_action").count() == 1

    @pytest.mark.parametrize(
        "changed, field",
        [
            ({"owner": None}, "owner"),
            ({"due_on": None}, "due_on"),
            ({"due_on": date(2026, 11, 1)}, "due_on"),
            ({"text": "  "}, "text"),
            ({"kind": "wish"}, "kind"),
        ],
    )
    def test_what_is_missing_is_said_at_its_field(self, cast: Cast, changed: dict, field: str):
        with pytest.raises(InvalidInput) as refused:
            self._add(made(cast), cast, **changed)
        assert refused.value.field == field

    def test_nobody_outside_the_team_is_given_one(self, cast: Cast):
        with pytest.raises(InvalidInput) as refused:
            self._add(made(cast), cast, owner=cast.outsider)
        assert refused.value.field == "owner"

    def test_everybody_sees_the_own_ones_first_due_first(self, cast: Cast):
        review = made(cast)
        later = self._add(review, cast, due_on=date(2026, 11, 20))
        sooner = self._add(review, cast, due_on=date(2026, 11, 13))
        theirs = self._add(review, cast, owner=cast.marketing)
        today = date(2026, 11, 12)
        assert [one.item for one in open_items(cast.sdr, today=today, own=True)] == [sooner, later]
        assert [one.item for one in open_items(cast.marketing, today=today, own=True)] == [theirs]
        assert open_items(cast.outsider, today=today, own=False) == []


class TestTheMail:
    def test_the_team_its_manager_and_marketing_are_sent_the_pack_once(self, cast: Cast):
        lead = a_lead(cast, 8, kind=EventKind.DISQUALIFIED, data={})
        made(cast)
        send_due(at=THURSDAY)
        send_due(at=THURSDAY + timedelta(minutes=1))
        packs = {one.to[0]: one for one in mail.outbox if "weekly review" in one.subject}
        assert set(packs) == {cast.sdr.email, cast.teammate.email, cast.manager.email, cast.marketing.email}
        message = packs[cast.manager.email]
        html = str(message.alternatives[0][0])
        for text in (message.body, html):
            assert "Leads that went cold, and why" in text or "LEADS THAT WENT COLD, AND WHY" in text
            assert "no reason given" in text
            assert lead.label in text

    def test_marketing_is_sent_the_parts_on_leads_and_a_teammate_no_name_of_anothers_lead(self, cast: Cast):
        lead = a_lead(cast, 8, kind=EventKind.DISQUALIFIED, data={})
        made(cast)
        send_due(at=THURSDAY)
        packs = {one.to[0]: str(one.body) for one in mail.outbox if "weekly review" in one.subject}
        assert "TOUCHES THAT DID NOT TAKE PLACE" not in packs[cast.marketing.email]
        assert "TOUCHES THAT DID NOT TAKE PLACE" in packs[cast.teammate.email]
        assert lead.label not in packs[cast.teammate.email]

    def test_who_wants_no_mail_gets_none(self, cast: Cast):
        NotificationPreference.objects.create(
            user=cast.sdr, kind="weekly_review", in_portal=True, mail="never"
        )
        made(cast)
        send_due(at=THURSDAY)
        assert cast.sdr.email not in {one.to[0] for one in mail.outbox}
        assert Notification.objects.filter(user=cast.sdr, kind="weekly_review").exists()


def test_a_rep_of_a_team_without_sdrs_is_in_no_review(cast: Cast):
    assert not Rep.objects.filter(team=cast.ae_team, role__in=("isr", "osr")).exists()
    tasks_teams = list(tasks.teams_with_review())
    assert cast.ae_team not in tasks_teams
    assert cast.sdr_team in tasks_teams


@pytest.mark.django_db(transaction=True)
def test_four_who_make_it_at_once_make_one_pack() -> None:
    cast = assemble_cast()
    a_lead(cast, 8, kind=EventKind.DISQUALIFIED, data={})
    together, found = threading.Barrier(4), []

    def make() -> None:
        try:
            together.wait()
            found.append(reviews.make_review(team=cast.sdr_team, week=WEEK, at=THURSDAY))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.is_new for one in found) == [False, False, False, True]
    assert len({one.review.pk for one in found}) == WeeklyReview.objects.count() == 1
