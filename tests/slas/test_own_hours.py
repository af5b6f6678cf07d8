"""A rep's own hours are what the rep's promises, days and figures count by; the team's where there are none."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.leads.models import Channel, Disposition, Lead, Source
from apps.leads.selectors.day import day_of_rep
from apps.leads.selectors.motions import first_answers
from apps.leads.services import touches
from apps.leads.services.intake import Arrival, Incoming, take_in_many
from apps.reps.models import BusinessCalendar, Rep
from apps.reps.rules.business_time import due_at
from apps.reps.selectors import hours_for, hours_of, own_hours
from apps.slas.models import Clock, ClockKind
from apps.slas.services.policies import put_defaults
from apps.slas.services.rebasing import preview, rebase
from tests.cast import Cast
from tests.leads.scenes import handed_off
from tests.stage import staged

pytestmark = pytest.mark.django_db

EVENING = datetime(2026, 11, 12, 18, 30, tzinfo=UTC)
"""Half past seven in the evening in Berlin: the team's office is closed."""
LATE = {day: [["18:00", "23:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


@pytest.fixture
@staged
def late(cast: Cast) -> BusinessCalendar:
    """The SDR and the AEs work in the evening, their teams from nine to five."""
    put_defaults()
    found = BusinessCalendar.objects.create(name="Late", weekly=LATE)
    Rep.objects.filter(user__in=[cast.sdr, cast.ae, cast.second_ae]).update(calendar=found)
    return found


def arrive(cast: Cast, *parts: str, prefix: str = "lead") -> list[Lead]:
    """A lead owned by each of the parts, in the evening."""
    owners = {part: cast.rep(getattr(cast, part)) for part in dict.fromkeys(parts)}
    arrivals = [
        Arrival(
            Incoming(
                company=f"{prefix}{number}", title="CEO", employees=900, industry="Energy", source="Pricing"
            ),
            cast.sdr_team,
            EVENING,
            Source.PAGE,
            f"{prefix}{number}",
            owner=owners[part],
        )
        for number, part in enumerate(parts)
    ]
    return [lead for lead, _ in take_in_many(arrivals=arrivals)]


def due(lead: Lead, kind: ClockKind = ClockKind.FIRST_RESPONSE) -> datetime:
    return Clock.objects.get(lead=lead, kind=kind).due_at


@pytest.mark.usefixtures("late")
class TestPromises:
    def test_of_an_owner_with_own_hours_run_in_them_and_the_others_in_the_teams(self, cast):
        own, teams = arrive(cast, "sdr", "teammate")
        assert due(own) == EVENING + timedelta(minutes=30)
        assert due(teams) == datetime(2026, 11, 13, 8, 30, tzinfo=UTC)

    def test_the_statements_that_read_calendars_do_not_grow_with_the_leads(self, cast):
        def statements(count: int) -> int:
            parts = ["sdr", "teammate"] * count
            with CaptureQueriesContext(connection) as seen:
                arrive(cast, *parts, prefix=f"batch{count}")
            return sum('"reps_businesscalendar"' in one["sql"] for one in seen)

        statements(1)  # what is asked once and kept
        assert statements(2) == statements(8) > 0

    def test_an_aes_answer_is_due_in_the_aes_own_hours(self, cast):
        hand_off = handed_off(cast)
        clock = Clock.objects.select_related("calendar").get(hand_off=hand_off, kind=ClockKind.AE_ANSWER)
        hours = hours_for(hand_off.ae)
        assert clock.due_at == due_at(hours, clock.started_at, clock.target_minutes)
        assert clock.due_at != due_at(hours_of(cast.ae_team.calendar), clock.started_at, clock.target_minutes)

    def test_a_promise_keeps_the_hours_that_it_began_with_until_it_is_set_anew(self, cast):
        (lead,) = arrive(cast, "teammate")
        clock = Clock.objects.get(lead=lead, kind=ClockKind.FIRST_RESPONSE)
        before = clock.due_at
        rep = Rep.objects.filter(user=cast.teammate)
        rep.update(calendar=Rep.objects.get(user=cast.sdr).calendar)
        assert due(lead) == before
        (seen,) = preview(running=[clock], at=EVENING)
        rebase(running=[clock], why="Works in the evening now", at=EVENING, actor=cast.revops)
        assert due(lead) == seen.due_after == EVENING + timedelta(minutes=30)


@pytest.mark.usefixtures("late")
class TestFigures:
    def test_the_speed_of_a_first_answer_counts_own_open_minutes(self, cast):
        leads = arrive(cast, "sdr", "teammate")
        at = EVENING + timedelta(minutes=20)
        for lead, user in zip(leads, (cast.sdr, cast.teammate), strict=True):
            touches.log_touch(
                lead=lead,
                rep=cast.rep(user),
                channel=Channel.CALL,
                disposition=Disposition.CONNECTED,
                at=at,
                they_asked=True,
            )
        reps = list(
            Rep.objects.filter(user__in=[cast.sdr, cast.teammate]).select_related(
                "calendar", "team__calendar"
            )
        )
        found = first_answers(reps, EVENING, at + timedelta(hours=1))
        names = {rep.pk: rep.name for rep in reps}
        assert {names[one.rep]: one.minutes for one in found} == {"Sdr": 20.0, "Teammate": 0.0}
        assert day_of_rep(rep=cast.rep(cast.sdr), at=at).speed_minutes == 20

    def test_own_hours_are_read_in_one_statement_and_only_where_there_are_any(self, cast):
        ids = list(Rep.objects.values_list("pk", flat=True))
        with CaptureQueriesContext(connection) as seen:
            found = own_hours([*ids, None])
        assert set(found) == {cast.rep(user).pk for user in (cast.sdr, cast.ae, cast.second_ae)}
        assert len(seen) == 1
        with CaptureQueriesContext(connection) as seen:
            assert own_hours([None]) == {}
        assert len(seen) == 0
