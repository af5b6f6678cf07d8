"""Promises: when they start, what keeps them, and that a sweep records each breach once."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from apps.leads.models import Channel, Disposition, HandOff, Lead, RejectionReason
from apps.leads.rules.conditions import parse_conditions
from apps.leads.services import booking, hand_offs, touches
from apps.leads.services.intake import Arrival, Incoming, take_in_many
from apps.slas import selectors
from apps.slas.models import Clock, ClockKind, ClockState, Policy
from apps.slas.rules.promises import Terms, first_match, verdict
from apps.slas.selectors.attainment import attained
from apps.slas.selectors.pressing import pressing
from apps.slas.services import sweep as sweeping
from apps.slas.services.policies import put_defaults
from apps.slas.tasks import sweep as sweep_task
from tests.cast import NOW, Cast, assemble
from tests.leads.test_booking import book, qualified
from tests.leads.test_touches import VOICEMAIL, arrive


def clock_of(lead: Lead, kind: ClockKind = ClockKind.FIRST_RESPONSE) -> Clock:
    return Clock.objects.get(lead=lead, kind=kind)


def terms(number: int, scores: str = "", motion: str = "") -> Terms:
    rows: list[dict[str, Any]] = []
    if scores:
        rows.append({"field": "score", "operator": "in", "value": list(scores)})
    if motion:
        rows.append({"field": "motion", "operator": "in", "value": [motion]})
    return Terms(number, f"Policy {number}", parse_conditions(rows))


class TestFirstMatch:
    TERMS = (terms(1, "A", "inbound"), terms(2, "AB"), terms(3, motion="outbound"))

    @pytest.mark.parametrize(
        ("score", "motion", "policy"),
        [
            ("A", "inbound", 1),
            ("A", "outbound", 2),
            ("B", "inbound", 2),
            ("C", "outbound", 3),
            ("C", "inbound", None),
        ],
    )
    def test_the_first_that_matches_wins(self, score: str, motion: str, policy: int | None) -> None:
        found = first_match(self.TERMS, {"score": score, "motion": motion})
        assert (found.policy_id if found else None) == policy


class TestVerdict:
    DUE = datetime(2026, 11, 12, 10, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("answered", "now", "state"),
        [
            (None, 0, "running"),
            (None, 1, "breached"),
            (0, 99, "met"),
            (1, 1, "breached"),
        ],
    )
    def test_an_answer_at_the_due_instant_keeps_it(self, answered: int | None, now: int, state: str) -> None:
        second = timedelta(seconds=1)
        answered_at = None if answered is None else self.DUE + answered * second
        assert verdict(due_at=self.DUE, answered_at=answered_at, now=self.DUE + now * second) == state


class TestFirstResponse:
    def test_starts_with_the_lead_and_tells_the_queue(self, cast: Cast) -> None:
        lead = arrive(cast, title="Chief Executive", employees=500, industry="Logistics")
        assert lead.score == "A"
        clock = clock_of(lead)
        lead.refresh_from_db()
        assert clock.due_at == lead.due_at == NOW + timedelta(minutes=30)
        assert clock.warn_at == lead.warn_at == NOW + timedelta(minutes=21)
        assert lead.queue_sort_at == clock.due_at

    def test_counts_business_time_of_the_teams_calendar(self, cast: Cast) -> None:
        friday_evening = datetime(2026, 11, 13, 15, 50, tzinfo=UTC)  # 16:50 in Berlin, open until 17:00
        incoming = Incoming(
            company="Brightmoor", title="CEO", employees=900, industry="Energy", source="Pricing"
        )
        arrival = Arrival(incoming, cast.sdr_team, friday_evening, "page", "late")  # type: ignore[arg-type]
        lead = take_in_many(arrivals=[arrival])[0][0]
        assert clock_of(lead).due_at == datetime(2026, 11, 16, 8, 20, tzinfo=UTC)

    def test_outbound_is_promised_nothing(self, cast: Cast) -> None:
        assert not Clock.objects.filter(lead=arrive(cast, is_inbound=False)).exists()

    def test_a_team_that_never_opens_still_takes_leads_in(self, cast: Cast) -> None:
        cast.sdr_team.calendar.weekly = {}
        cast.sdr_team.calendar.save()
        assert not Clock.objects.filter(lead=arrive(cast)).exists()

    @pytest.mark.parametrize(("minutes", "state"), [(30, "met"), (31, "breached")])
    def test_the_first_touch_decides_it(self, cast: Cast, minutes: int, state: str) -> None:
        lead = arrive(cast, title="CEO", employees=500, industry="Energy")
        at = NOW + timedelta(minutes=minutes)
        touches.log_touch(lead=lead, rep=cast.rep(cast.sdr), at=at, **VOICEMAIL)
        clock = clock_of(lead)
        assert (clock.state, clock.answered_at, clock.rep) == (state, at, cast.rep(cast.sdr))
        assert clock.breached_at == (clock.due_at if state == "breached" else None)

    def test_runs_again_when_the_touch_is_undone(self, cast: Cast) -> None:
        lead, rep = arrive(cast), cast.rep(cast.sdr)
        before = Clock.objects.filter(lead=lead).values().get()
        touch = touches.log_touch(lead=lead, rep=rep, at=NOW, **VOICEMAIL)
        assert clock_of(lead).state == ClockState.MET
        touches.undo_touch(touch=touch, rep=rep, at=NOW + timedelta(minutes=1))
        assert Clock.objects.filter(lead=lead).values().get() == before
        late = clock_of(lead).due_at + timedelta(minutes=1)
        sweeping.sweep(at=late)
        assert clock_of(lead).state == ClockState.BREACHED

    def test_keeps_the_earlier_answer_when_a_later_touch_is_undone(self, cast: Cast) -> None:
        lead, rep = arrive(cast), cast.rep(cast.sdr)
        touches.log_touch(lead=lead, rep=rep, at=NOW, **VOICEMAIL)
        second = touches.log_touch(lead=lead, rep=rep, at=NOW + timedelta(minutes=3), **VOICEMAIL)
        touches.undo_touch(touch=second, rep=rep, at=NOW + timedelta(minutes=4))
        assert (clock_of(lead).state, clock_of(lead).answered_at) == (ClockState.MET, NOW)

    def test_a_changed_policy_moves_no_running_clock(self, cast: Cast) -> None:
        lead = arrive(cast)
        due = clock_of(lead).due_at
        Policy.objects.update(first_response_minutes=1)
        assert clock_of(lead).due_at == due

    def test_many_at_once_cost_no_statement_each(
        self, cast: Cast, django_assert_max_num_queries: Any
    ) -> None:
        arrivals = [
            Arrival(
                Incoming(email=f"p{n}@x{n}.example", source="Demo request"),
                cast.sdr_team,
                NOW,
                "import",
                f"row:{n}",  # type: ignore[arg-type]
            )
            for n in range(300)
        ]
        # SQLite takes some twenty rows of this width in a statement.
        with django_assert_max_num_queries(75):
            take_in_many(arrivals=arrivals)
        assert Clock.objects.count() == 300


class TestAeAnswer:
    def _handed_off(self, cast: Cast) -> HandOff:
        lead = qualified(cast)
        return book(cast, lead, booking.offered_slots(lead=lead, at=NOW)[3].starts_at)

    def test_starts_with_the_hand_off_and_writes_its_promise(self, cast: Cast) -> None:
        hand_off = self._handed_off(cast)
        clock = clock_of(hand_off.lead, ClockKind.AE_ANSWER)
        hand_off.refresh_from_db()
        assert (clock.hand_off, clock.rep) == (hand_off, hand_off.ae)
        assert hand_off.due_at == clock.due_at > NOW
        assert hand_off.warn_at == clock.warn_at

    def test_booking_without_a_touch_answers_the_lead(self, cast: Cast) -> None:
        assert clock_of(self._handed_off(cast).lead).state == ClockState.MET

    @pytest.mark.parametrize("accept", [True, False])
    def test_either_answer_keeps_it(self, cast: Cast, accept: bool) -> None:
        hand_off = self._handed_off(cast)
        at = NOW + timedelta(minutes=5)
        if accept:
            hand_offs.accept_hand_off(hand_off=hand_off, at=at, actor=cast.ae)
        else:
            hand_offs.reject_hand_off(
                hand_off=hand_off,
                criterion="need",
                reason=RejectionReason.WRONG_PERSON,
                comment="",
                at=at,
                actor=cast.ae,
            )
        clock = clock_of(hand_off.lead, ClockKind.AE_ANSWER)
        assert (clock.state, clock.met_at) == (ClockState.MET, at)


class TestSweep:
    def test_breaches_with_the_true_instant_however_late_it_comes(self, cast: Cast) -> None:
        lead = arrive(cast)
        due = clock_of(lead).due_at
        assert sweeping.sweep(at=due) == 0, "at its due instant the promise can still be kept"
        assert sweeping.sweep(at=due + timedelta(days=3)) == 1
        assert sweeping.sweep(at=due + timedelta(days=3)) == 0
        clock = clock_of(lead)
        assert (clock.state, clock.breached_at, clock.answered_at) == (ClockState.BREACHED, due, None)

    def test_an_answer_that_was_in_time_wins_over_the_sweep(self, cast: Cast) -> None:
        lead = arrive(cast)
        due = clock_of(lead).due_at
        sweeping.sweep(at=due + timedelta(seconds=1))
        touches.log_touch(lead=lead, rep=cast.rep(cast.sdr), at=due, **VOICEMAIL)
        assert (clock_of(lead).state, clock_of(lead).met_at) == (ClockState.MET, due)

    def test_a_late_answer_is_kept_beside_the_breach(self, cast: Cast) -> None:
        lead = arrive(cast)
        due = clock_of(lead).due_at
        sweeping.sweep(at=due + timedelta(hours=1))
        at = due + timedelta(hours=2)
        touches.log_touch(
            lead=lead, rep=cast.rep(cast.sdr), channel=Channel.CALL, disposition=Disposition.OPT_OUT, at=at
        )
        clock = clock_of(lead)
        assert (clock.state, clock.breached_at, clock.answered_at) == (ClockState.BREACHED, due, at)

    def test_the_task_sweeps_by_the_clock_on_the_wall(self, cast: Cast) -> None:
        clock = clock_of(arrive(cast))
        past = datetime(2020, 1, 1, tzinfo=UTC)
        Clock.objects.filter(pk=clock.pk).update(started_at=past, warn_at=past, due_at=past)
        sweep_task()
        clock.refresh_from_db()
        assert clock.state == ClockState.BREACHED

    def test_it_is_on_the_schedule(self) -> None:
        from salesportal.celery import app

        assert "slas.sweep" in {entry["task"] for entry in app.conf.beat_schedule.values()}


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_once_record_each_breach_once() -> None:
    cast = assemble()
    put_defaults()
    for number in range(40):
        arrive(cast, number)
    at = NOW + timedelta(days=30)
    together, swept, failed = threading.Barrier(4), [], []

    def run() -> None:
        try:
            together.wait()
            swept.append(sweeping.sweep(at=at))
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sum(swept) == Clock.objects.filter(state=ClockState.BREACHED).count() == 40


class TestDefaults:
    def test_are_there_from_the_first_day_and_put_once(self, cast: Cast) -> None:
        assert Policy.objects.count() == 4
        assert put_defaults() == 0
        Policy.objects.all().delete()
        assert put_defaults() == 4


class TestAttainment:
    def test_counts_what_was_decided_in_the_period(self, cast: Cast) -> None:
        rep, other = cast.rep(cast.sdr), cast.rep(cast.teammate)
        for number in range(3):
            touches.log_touch(lead=arrive(cast, number), rep=rep, at=NOW, **VOICEMAIL)
        late = arrive(cast, 9)
        due = clock_of(late).due_at
        touches.log_touch(lead=late, rep=rep, at=due + timedelta(minutes=1), **VOICEMAIL)
        found = selectors.attainment_of_rep(rep=rep, start=NOW, end=due + timedelta(days=1))
        assert found[ClockKind.FIRST_RESPONSE] == selectors.Attainment(met=3, breached=1)
        assert found[ClockKind.FIRST_RESPONSE].rate == 0.75
        # Half-open: what was decided at the end belongs to the next period.
        before = selectors.attainment_of_rep(rep=rep, start=NOW - timedelta(days=1), end=NOW)
        assert before == {}
        assert selectors.attainment_of_rep(rep=other, start=NOW, end=due) == {}


class TestBoard:
    def test_shows_what_is_at_risk_and_late_within_the_scope(self, cast: Cast) -> None:
        lead = arrive(cast)
        clock = clock_of(lead)
        at_risk = pressing(user=cast.manager, now=clock.warn_at)
        assert ([one.clock.lead for one in at_risk.at_risk], at_risk.late_count) == ([lead], 0)
        late = pressing(user=cast.revops, now=clock.due_at)
        assert ([one.clock.lead for one in late.late], late.at_risk_count) == ([lead], 0)
        assert pressing(user=cast.outside_manager, now=clock.due_at).late_count == 0
        touches.log_touch(lead=lead, rep=cast.rep(cast.sdr), at=clock.due_at, **VOICEMAIL)
        assert pressing(user=cast.manager, now=clock.due_at).late_count == 0
        found = attained(user=cast.manager, start=NOW - timedelta(days=1), end=NOW + timedelta(days=9))
        assert found.total.first_response.met == 1
        assert [(team.name, [rep.name for rep in team.reps]) for team in found.teams] == [
            ("Inbound SDRs", ["Sdr"])
        ]

    @pytest.mark.parametrize(
        ("part", "status"),
        [("manager", 200), ("revops", 200), ("sdr", 403), ("ae", 403), ("marketing", 403), ("finance", 403)],
    )
    def test_page_by_role(self, cast: Cast, client: Any, part: str, status: int) -> None:
        arrive(cast)
        client.force_login(getattr(cast, part))
        assert client.get("/slas/").status_code == status

    def test_page_takes_a_bounded_number_of_statements(
        self, cast: Cast, client: Any, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(12):
            arrive(cast, number)
        client.force_login(cast.manager)
        with django_assert_max_num_queries(17):
            assert client.get("/slas/?period=2026-11").status_code == 200
        assert client.get("/slas/?period=nonsense").status_code == 200
