"""A policy tried on past leads comes to what its clocks came to, had it been in force; and writes nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.errors import InvalidInput
from apps.jobs.models import Job, JobState
from apps.jobs.services import run
from apps.leads.models import Channel, Disposition, Lead, Source
from apps.leads.services import hand_offs, intake, touches
from apps.reps.rules.hours import Hours
from apps.slas.models import Clock, ClockKind, Policy
from apps.slas.rules.dry_run import LEFT, Happened, Tally, counted, play
from apps.slas.rules.promises import AE_ANSWER, DISPOSITION, FIRST_RESPONSE, TOUCHES, Done, Terms
from apps.slas.services import clocks, dry_run, policies
from apps.slas.services import sweep as sweeping
from tests.cast import NOW, Cast
from tests.leads.scenes import handed_off
from tests.slas.test_policies import DRAFT, write

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LATER = NOW + 20 * DAY
OFFICE = Hours.of("Europe/Berlin", {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")})
ALL_OF_IT = Terms(
    1, "All", (), first_response_minutes=60, touch_count=2, touch_days=2, touch_channels=("email",),
    disposition_minutes=120, ae_answer_minutes=60,
)  # fmt: skip


def arrive(cast: Cast, number: int, at: datetime = NOW, part: str = "sdr", **known: Any) -> Lead:
    rep = cast.rep(getattr(cast, part))
    given = {"company": f"Firm {number}", "email": f"p@firm{number}.example", "source": "Demo request"}
    return intake.take_in(
        incoming=intake.Incoming(**given | known),
        team=rep.team, owner=rep, at=at, source=Source.PAGE, source_key=f"trial:{number}",
    )[0]  # fmt: skip


def touch(cast: Cast, lead: Lead, after: timedelta, disposition: Disposition, channel: str = "call") -> Any:
    """By whoever owns it, so that the touch never passes it on."""
    assert lead.owner is not None
    return touches.log_touch(
        lead=lead, rep=lead.owner, channel=Channel(channel), disposition=disposition,
        at=NOW + after, they_asked=True, actor=cast.sdr,
    )  # fmt: skip


def a_month(cast: Cast) -> None:
    """Leads of two teams that are answered in time, late, never; dispositioned, closed, handed off, undone, paused."""
    hot = {"title": "CEO", "employees": 500, "industry": "Energy"}
    in_time, late, _never, gone, recycled, undone, paused = (
        arrive(cast, number, **hot) for number in range(7)
    )
    touch(cast, in_time, 10 * MINUTE, Disposition.VOICEMAIL)
    for day in range(1, 6):
        touch(cast, in_time, day * DAY, Disposition.SENT, "email")
    touch(cast, late, 31 * MINUTE, Disposition.VOICEMAIL)
    touch(cast, gone, 20 * MINUTE, Disposition.OPT_OUT)
    touch(cast, recycled, 2 * HOUR, Disposition.NOT_NOW)
    mistake = touch(cast, undone, 5 * MINUTE, Disposition.NOT_A_FIT)
    touches.undo_touch(touch=mistake, rep=cast.rep(cast.sdr), at=NOW + 6 * MINUTE)
    clock = Clock.objects.get(lead=paused, kind=ClockKind.FIRST_RESPONSE)
    clocks.pause(clock=clock, reason="In a meeting until eleven", at=NOW + 5 * MINUTE)
    clocks.resume(clock=clock, at=NOW + 65 * MINUTE)
    touch(cast, paused, 80 * MINUTE, Disposition.CONNECTED)
    arrive(cast, 20, part="outsider", **hot)
    accepted = handed_off(cast, "Accepted Ltd", at=NOW + 5 * DAY)
    hand_offs.accept_hand_off(hand_off=accepted, at=NOW + 5 * DAY + HOUR, actor=cast.ae)
    handed_off(cast, "Unanswered Ltd", at=NOW + 6 * DAY, slot=2)
    arrive(cast, 30, at=LATER - 5 * MINUTE, **hot)
    sweeping.sweep(at=LATER)


def like(cast: Cast, name: str) -> Policy:
    """A draft that says what this policy says, asked just before it."""
    policy = Policy.objects.get(name=name)
    draft = replace(policies.draft_of(policy), name=f"{name}, again")
    return policies.create_policy(draft=draft, place=policy.position, at=NOW, actor=cast.revops)


class TestAgainstTheRecord:
    def test_a_copy_of_what_was_in_force_comes_to_what_its_clocks_came_to(self, cast: Cast) -> None:
        a_month(cast)
        report = dry_run.dry_run(policy=like(cast, "Inbound, score A"), days=30, at=LATER)
        assert report.taken == Lead.objects.filter(score="A").count()
        assert report.now_with == {"Inbound, score A": report.taken}
        assert set(report.kinds) == {"first_response", "touches", "ae_answer"}
        for kind, (tried, recorded) in report.kinds.items():
            assert tried == recorded, kind
        first, of_touches, answers = (
            report.kinds[one][0] for one in ("first_response", "touches", "ae_answer")
        )
        assert (first.met, first.running) == (3, 1), "in time, opted out and paused; one came just now"
        assert first.breached > 0
        assert (of_touches.met, of_touches.left) == (1, 4), "opted out, recycled, and both handed off"
        assert (answers.met, answers.breached) == (1, 1)
        for who, (tried, recorded) in report.people.items():
            assert tried == recorded, who
        assert {team for team, _ in report.people} == {cast.sdr_team.pk, cast.ae_team.pk, cast.other_team.pk}

    def test_a_stricter_promise_breaks_what_a_looser_one_keeps(self, cast: Cast) -> None:
        a_month(cast)
        kept = []
        for minutes in (5, 15, 30, 60, 100_000):
            draft = policies.Draft(f"{minutes} min", (), first_response_minutes=minutes)
            policy = policies.create_policy(draft=draft, place=1, at=NOW)
            tried, _ = dry_run.dry_run(policy=policy, days=30, at=LATER).kinds["first_response"]
            kept.append(tried.met)
        assert kept == sorted(kept)
        assert kept[0] < kept[-1]

    def test_writes_nothing_and_says_the_same_again(self, cast: Cast) -> None:
        a_month(cast)
        policy = like(cast, "Inbound, score A")
        before = list(Clock.objects.order_by("pk").values())
        first = dry_run.dry_run(policy=policy, days=30, at=LATER)
        again = dry_run.dry_run(policy=policy, days=30, at=LATER)
        assert first.as_dict() == again.as_dict()
        assert dry_run.Report.of(first.as_dict()).as_dict() == first.as_dict()
        assert list(Clock.objects.order_by("pk").values()) == before


class TestPlace:
    def test_an_earlier_policy_keeps_what_it_matches(self, cast: Cast) -> None:
        hot = arrive(cast, 1, title="CEO", employees=500, industry="Energy")
        cold = arrive(cast, 2, employees=400)
        assert (hot.score, cold.score != "A") == ("A", True)
        report = dry_run.dry_run(policy=write(cast, place=2), days=30, at=LATER)
        assert (report.matching, report.taken, report.before) == (2, 1, {"Inbound, score A": 1})
        assert [pk for pk, *_ in report.newest] == [cold.pk]
        first = dry_run.dry_run(policy=write(cast, replace(DRAFT, name="First"), place=1), days=30, at=LATER)
        assert (first.taken, first.before) == (2, {})
        assert sum(first.now_with.values()) == 2

    def test_another_draft_takes_nothing_and_whom_nobody_has_is_said(self, cast: Cast) -> None:
        arrive(cast, 1, employees=500)
        Policy.objects.update(state=Policy.State.RETIRED)
        write(cast, replace(DRAFT, name="Another draft"), place=1)
        report = dry_run.dry_run(policy=write(cast, place=2), days=30, at=LATER)
        assert (report.taken, report.now_with) == (1, {"": 1})

    def test_only_leads_of_these_days_count(self, cast: Cast) -> None:
        arrive(cast, 1, at=NOW - 40 * DAY, employees=500)
        policy = write(cast)
        assert dry_run.dry_run(policy=policy, days=30, at=NOW).taken == 0
        assert dry_run.dry_run(policy=policy, days=90, at=NOW).taken == 1
        with pytest.raises(InvalidInput):
            dry_run.dry_run(policy=policy, days=7, at=NOW)


class TestSize:
    def test_takes_the_same_statements_for_two_and_for_twenty(
        self, cast: Cast, django_assert_num_queries: Any
    ) -> None:
        policy = write(cast)
        for number in range(20):
            arrive(cast, number, employees=500)
            if number in (1, 19):
                with django_assert_num_queries(12):
                    assert dry_run.dry_run(policy=policy, days=30, at=LATER).taken == number + 1

    def test_batches_come_to_the_same(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        a_month(cast)
        policy = like(cast, "Inbound, score A")
        whole = dry_run.dry_run(policy=policy, days=30, at=LATER).as_dict()
        monkeypatch.setattr(dry_run, "_BATCH", 3)
        steps: list[int] = []
        parts = dry_run.dry_run(
            policy=policy, days=30, at=LATER, progress=lambda done, total, note: steps.append(done)
        )
        assert parts.as_dict() == whole
        assert steps == [*range(0, parts.matching, 3), parts.matching]

    def test_beyond_a_few_thousand_it_is_a_job_and_the_page_shows_what_it_found(
        self, cast: Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dry_run, "MOST_IN_REQUEST", 1)
        for number in range(3):
            arrive(cast, number, at=datetime.now(UTC) - DAY, employees=500)
        policy, client = write(cast), Client()
        client.force_login(cast.revops)
        address = f"/slas/policies/{policy.pk}/dry-run/?days=30"
        assert "runs in the background" in client.get(address).content.decode()
        for _ in range(2):
            client.post(address)
        job = Job.objects.get(kind=dry_run.JOB_KIND)
        assert "Cancel" in client.get(address).content.decode()
        assert run(job_id=job.pk, clock=lambda: datetime.now(UTC))
        job.refresh_from_db()
        assert (job.state, job.progress_done, job.progress_total) == (JobState.DONE, 3, 3)
        report = dry_run.report_of(job)
        assert report is not None
        assert report.taken == 3
        page = client.get(address).content.decode()
        assert "By team and rep" in page
        assert "Try again" in page

    def test_a_job_whose_policy_was_changed_meanwhile_says_so(self, cast: Cast) -> None:
        policy = write(cast)
        job = dry_run.ask(policy=policy, days=30, at=NOW, requested_by=cast.revops)
        draft = replace(DRAFT, first_response_minutes=1)
        policies.change_policy(policy=policy, draft=draft, seen=NOW, at=NOW + HOUR)
        run(job_id=job.pk, clock=lambda: NOW)
        job.refresh_from_db()
        assert job.state == JobState.FAILED
        assert "Try it again" in job.error
        policy.refresh_from_db()
        assert dry_run.latest_job(policy=policy, days=30) is None


class TestRule:
    @pytest.mark.parametrize(
        ("kind", "facts", "verdict"),
        [
            (FIRST_RESPONSE, {"answers": [NOW + HOUR]}, "met"),
            (FIRST_RESPONSE, {"answers": [NOW + HOUR + MINUTE]}, "breached"),
            (FIRST_RESPONSE, {}, "breached"),
            (FIRST_RESPONSE, {"closed_at": NOW + MINUTE}, LEFT),
            (FIRST_RESPONSE, {"closed_at": NOW + 2 * HOUR}, "breached"),
            (FIRST_RESPONSE, {"closed_at": NOW + HOUR, "answers": [NOW + MINUTE]}, "met"),
            (FIRST_RESPONSE, {"answers": [NOW + 90 * MINUTE], "pauses": [(NOW, NOW + HOUR)]}, "met"),
            (FIRST_RESPONSE, {"pauses": [(NOW + MINUTE, LATER)], "paused": True}, "running"),
            (DISPOSITION, {"answers": [NOW + 2 * HOUR]}, "met"),
            (AE_ANSWER, {"answers": [NOW + 2 * HOUR]}, "breached"),
            (TOUCHES, {"touches": [Done(NOW, "call"), Done(NOW + HOUR, "email")]}, "met"),
            (TOUCHES, {"touches": [Done(NOW, "call"), Done(NOW + HOUR, "call")]}, "breached"),
            (TOUCHES, {"touches": [Done(NOW - HOUR, "email"), Done(NOW, "call")]}, "breached"),
            (TOUCHES, {"left_at": NOW + HOUR}, LEFT),
            (TOUCHES, {"left_at": NOW + 5 * DAY}, "breached"),
        ],
    )
    def test_judges_as_a_clock_does(self, kind: str, facts: dict[str, Any], verdict: str) -> None:
        played = play(Happened(kind, NOW, **facts), terms=ALL_OF_IT, hours=OFFICE, now=LATER)
        assert played is not None
        assert played.verdict == verdict

    def test_makes_no_promise_that_the_policy_does_not_make(self) -> None:
        for kind in (FIRST_RESPONSE, TOUCHES, DISPOSITION, AE_ANSWER):
            assert play(Happened(kind, NOW), terms=Terms(1, "None"), hours=OFFICE, now=LATER) is None

    def test_nobody_who_was_touched_before_is_promised_a_first_answer(self) -> None:
        known = Happened(FIRST_RESPONSE, NOW, answers=[NOW - MINUTE])
        assert play(known, terms=ALL_OF_IT, hours=OFFICE, now=LATER) is None

    def test_a_calendar_that_never_opens_promises_nothing(self) -> None:
        never = Hours.of("UTC", {})
        for kind in (FIRST_RESPONSE, TOUCHES):
            assert play(Happened(kind, NOW), terms=ALL_OF_IT, hours=never, now=LATER) is None

    @settings(max_examples=60)
    @given(
        minutes=st.integers(0, 5_000),
        answers=st.lists(st.integers(0, 20_000), max_size=3),
        closed=st.none() | st.integers(0, 20_000),
        now=st.integers(0, 20_000),
    )
    def test_every_promise_ends_one_way_and_an_answer_in_time_keeps_it(
        self, minutes: int, answers: list[int], closed: int | None, now: int
    ) -> None:
        facts = Happened(
            FIRST_RESPONSE,
            NOW,
            answers=[NOW + one * MINUTE for one in answers],
            closed_at=None if closed is None else NOW + closed * MINUTE,
        )
        terms = Terms(1, "One", (), first_response_minutes=minutes)
        played = play(facts, terms=terms, hours=OFFICE, now=NOW + now * MINUTE)
        assert played is not None
        tally = counted(played.verdict)
        assert tally.met + tally.breached + tally.left + tally.running == tally.made == 1
        assert (tally + Tally()) == tally
        in_time = bool(facts.answers) and min(facts.answers) <= played.due_at
        closed_first = facts.closed_at is not None and (
            not facts.answers or min(facts.answers) > facts.closed_at
        )
        assert (played.verdict == "met") is (
            in_time and not (closed_first and facts.closed_at <= played.due_at)
        )  # type: ignore[operator]
