"""Which AEs are free: what the rows of hours, time off, busy times, meetings and holds come to."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.leads.models import Lead, Meeting, SlotHold, Source, TakenSlot
from apps.leads.selectors.availability import Closed, Why, free_slots, why_not_free
from apps.leads.services import intake
from apps.reps.models import BusinessCalendar, BusyTime, Rep, RepRole, TimeOff
from tests.cast import NOW, Cast

pytestmark = pytest.mark.django_db

TEN = datetime(2026, 11, 16, 9, tzinfo=UTC)
"""Monday, ten o'clock in Berlin."""
HALF = timedelta(minutes=30)


def a_lead(cast: Cast, company: str = "Brightmoor") -> Lead:
    lead, _ = intake.take_in(
        incoming=intake.Incoming(name="Hanna Vogel", email=f"h@{company.lower()}.example", company=company),
        team=cast.sdr_team,
        at=NOW,
        source=Source.PAGE,
        source_key=f"form:{company}",
    )
    return lead


def meeting(lead: Lead, ae: Rep, starts_at: datetime, halves: int = 1) -> Meeting:
    made = Meeting.objects.create(
        lead=lead, ae=ae, starts_at=starts_at, ends_at=starts_at + halves * HALF, state_changed_at=NOW
    )
    for n in range(halves):
        TakenSlot.objects.create(ae=ae, starts_at=starts_at + n * HALF, meeting=made)
    return made


def hold(lead: Lead, cast: Cast, ae: Rep, starts_at: datetime, minutes: int = 5) -> SlotHold:
    made = SlotHold.objects.create(
        lead=lead,
        sdr=cast.rep(cast.sdr),
        ae=ae,
        starts_at=starts_at,
        ends_at=starts_at + HALF,
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=minutes),
    )
    TakenSlot.objects.create(ae=ae, starts_at=starts_at, hold=made)
    return made


def aes() -> list[Rep]:
    return list(Rep.objects.aes().order_by("pk"))


def why(starts_at: datetime = TEN, **asked: Any) -> dict[str, Why]:
    """Kinds by name of those who are not free."""
    found = why_not_free(aes=aes(), starts_at=starts_at, ends_at=starts_at + HALF, **{"at": NOW, **asked})
    names = dict(Rep.objects.values_list("pk", "name"))
    return {names[pk]: closed.kind for pk, closed in found.items()}


class TestWhyNotFree:
    def test_names_nobody_when_all_are_free(self, cast):
        assert why() == {}

    def test_says_of_each_ae_what_closes_the_time(self, cast):
        ae, second = cast.rep(cast.ae), cast.rep(cast.second_ae)
        BusyTime.objects.create(rep=ae, starts_at=TEN, ends_at=TEN + HALF, title="Dentist")
        TimeOff.objects.create(rep=second, starts_on=date(2026, 11, 16), ends_on=date(2026, 11, 18))
        found = why_not_free(aes=aes(), starts_at=TEN, ends_at=TEN + HALF, at=NOW)
        assert found == {
            ae.pk: Closed(Why.BUSY, "Busy 10:00 to 10:30 CET"),
            second.pk: Closed(Why.AWAY, "On leave, back on 18 Nov 2026"),
        }

    def test_a_busy_time_that_began_the_day_before_still_counts(self, cast):
        BusyTime.objects.create(
            rep=cast.rep(cast.ae),
            starts_at=TEN - timedelta(hours=23, minutes=59),
            ends_at=TEN + timedelta(minutes=1),
        )
        assert why() == {"Ae": Why.BUSY}

    def test_an_ae_with_own_hours_works_by_them_and_the_others_by_the_teams(self, cast):
        early = BusinessCalendar.objects.create(name="Early", weekly={"mon": [["07:00", "10:00"]]})
        Rep.objects.filter(user=cast.second_ae).update(calendar=early)
        assert why(TEN) == {"Second Ae": Why.HOURS}
        assert why(TEN - timedelta(hours=2)) == {"Ae": Why.HOURS}

    def test_every_half_hour_of_a_long_meeting_is_taken(self, cast):
        meeting(a_lead(cast), cast.rep(cast.ae), TEN, halves=2)
        assert why(TEN) == why(TEN + HALF) == {"Ae": Why.MEETING}
        assert why(TEN + 2 * HALF) == why(TEN - HALF) == {}

    def test_the_meeting_that_is_being_moved_neither_closes_nor_counts(self, cast):
        Rep.objects.filter(user=cast.ae).update(daily_meeting_cap=1)
        moved = meeting(a_lead(cast), cast.rep(cast.ae), TEN, halves=2)
        assert why(TEN + HALF, ignore_meeting=moved) == {}
        assert why(TEN + 3 * HALF, ignore_meeting=moved) == {}
        assert why(TEN + 3 * HALF) == {"Ae": Why.DAY_CAP}

    def test_a_hold_closes_until_it_lapses_and_not_for_whoever_books_it(self, cast):
        held = hold(a_lead(cast), cast, cast.rep(cast.ae), TEN)
        assert why() == {"Ae": Why.HELD}
        assert why(ignore_hold=held) == {}
        assert why(at=NOW + timedelta(minutes=5) - timedelta(microseconds=1)) == {"Ae": Why.HELD}
        assert why(at=NOW + timedelta(minutes=5)) == {}

    def test_a_meeting_of_an_hour_counts_once_for_the_cap_and_a_hold_like_a_meeting(self, cast):
        Rep.objects.filter(user=cast.ae).update(weekly_meeting_cap=2)
        lead = a_lead(cast)
        meeting(lead, cast.rep(cast.ae), TEN + timedelta(days=1), halves=2)
        assert why() == {}
        hold(lead, cast, cast.rep(cast.ae), TEN + timedelta(days=2))
        assert why() == {"Ae": Why.WEEK_CAP}
        assert why(TEN + timedelta(days=7)) == {}

    def test_whoever_left_or_has_not_begun_is_not_free(self, cast):
        Rep.objects.filter(user=cast.ae).update(left_on=date(2026, 11, 16))
        Rep.objects.filter(user=cast.second_ae).update(hired_on=date(2026, 11, 17))
        assert why() == {"Ae": Why.LEFT, "Second Ae": Why.NOT_BEGUN}

    def test_the_notice_may_be_left_aside(self, cast):
        Rep.objects.filter(user=cast.ae).update(booking_notice_minutes=7 * 1440)
        assert why() == {"Ae": Why.NOTICE}
        assert why(with_notice=False) == {}


def grow(cast: Cast, count: int) -> None:
    """So many AEs more, each with time off, a busy time, an own calendar, a meeting."""
    lead = a_lead(cast, f"Grown{count}")
    for n in range(count):
        own = BusinessCalendar.objects.create(name=f"Own {count} {n}")
        rep = Rep.objects.create(
            name=f"AE {n}", team=cast.ae_team, role=RepRole.AE, hired_on=date(2025, 1, 1), calendar=own
        )
        TimeOff.objects.create(rep=rep, starts_on=date(2026, 11, 18), ends_on=date(2026, 11, 19))
        BusyTime.objects.create(rep=rep, starts_at=TEN + n * HALF, ends_at=TEN + (n + 1) * HALF)
        meeting(lead, rep, TEN + timedelta(days=1))


class TestFreeSlots:
    FIRST = TEN - timedelta(hours=4)
    LAST = FIRST + timedelta(days=8)

    def test_are_those_for_which_nobody_is_named(self, cast):
        grow(cast, 3)
        hold(a_lead(cast), cast, cast.rep(cast.ae), TEN + timedelta(days=3))
        Rep.objects.filter(user=cast.second_ae).update(time_zone="America/New_York", weekly_meeting_cap=1)
        meeting(a_lead(cast), cast.rep(cast.second_ae), TEN + timedelta(days=4))
        everyone = aes()
        expected = {}
        for n in range(8 * 48):
            start = self.FIRST + n * HALF
            closed = why_not_free(aes=everyone, starts_at=start, ends_at=start + HALF, at=NOW)
            free = [ae.pk for ae in everyone if ae.pk not in closed]
            if free:
                expected[start] = free
        assert free_slots(aes=everyone, first=self.FIRST, last=self.LAST, at=NOW) == expected
        assert len(expected) == 6 * 16

    def test_an_hour_needs_two_halves_in_a_row(self, cast):
        hour = timedelta(hours=1)
        ae = [cast.rep(cast.ae)]
        BusyTime.objects.create(rep=ae[0], starts_at=TEN, ends_at=TEN + HALF)
        found = list(free_slots(aes=ae, first=TEN - hour, last=TEN + hour, at=NOW, length=hour))
        assert found == [TEN - hour, TEN + HALF]

    def test_nobody_asked_is_nobody_free(self, cast):
        assert free_slots(aes=[], first=self.FIRST, last=self.LAST, at=NOW) == {}
        assert why_not_free(aes=[], starts_at=TEN, ends_at=TEN + HALF, at=NOW) == {}

    def test_the_statements_do_not_grow_with_the_aes(self, cast):
        def statements() -> list[int]:
            counts = []
            for ask in (
                lambda reps: free_slots(aes=reps, first=self.FIRST, last=self.LAST, at=NOW),
                lambda reps: why_not_free(aes=reps, starts_at=TEN, ends_at=TEN + HALF, at=NOW),
            ):
                reps = aes()
                with CaptureQueriesContext(
                    connection,
                ) as seen:
                    ask(reps)
                counts.append(len(seen))
            return counts

        grow(cast, 1)
        few = statements()
        grow(cast, 6)
        assert statements() == few == [6, 6]
