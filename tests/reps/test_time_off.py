"""Time off, busy times by hand, caps: kept, refused where they overlap, audited."""

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connections

from apps.audit.models import AuditEntry
from apps.core.errors import InvalidInput
from apps.reps.models import BusyCalendar, BusyTime, Rep, TimeOff
from apps.reps.services import time_off as services
from apps.reps.services.time_off import BusyTimeOverlaps, ReadFromCalendar, TimeOffOverlaps
from tests.cast import NOW, Cast, assemble


def off(cast: Cast, first: int, back: int) -> TimeOff:
    """December, days ``first`` to ``back``."""
    return services.add_time_off(
        rep=cast.rep(cast.ae),
        starts_on=date(2026, 12, first),
        ends_on=date(2026, 12, back),
        at=NOW,
        actor=cast.ae,
    )


def verbs() -> list[str]:
    return list(
        AuditEntry.objects.filter(verb__startswith="reps.").order_by("pk").values_list("verb", flat=True)
    )


@pytest.mark.django_db
class TestTimeOff:
    @pytest.mark.parametrize(("first", "back"), [(14, 15), (9, 11), (11, 13), (1, 30), (10, 14)])
    def test_days_that_overlap_others_are_refused_with_which(self, cast, first, back):
        off(cast, 10, 15)
        with pytest.raises(TimeOffOverlaps, match="from 10 Dec 2026, back on 15 Dec 2026") as refused:
            off(cast, first, back)
        assert refused.value.field == "starts_on"
        assert TimeOff.objects.count() == 1

    def test_days_that_touch_and_those_of_others_do_not_overlap(self, cast):
        off(cast, 10, 15)
        off(cast, 15, 16)
        off(cast, 9, 10)
        services.add_time_off(
            rep=cast.rep(cast.second_ae), starts_on=date(2026, 12, 10), ends_on=date(2026, 12, 12), at=NOW
        )
        assert TimeOff.objects.count() == 4

    @pytest.mark.parametrize(("first", "back"), [(10, 10), (11, 10)])
    def test_the_first_day_back_comes_after_the_first_day_off(self, cast, first, back):
        with pytest.raises(InvalidInput) as refused:
            off(cast, first, back)
        assert refused.value.field == "ends_on"

    def test_more_than_two_years_is_a_slip_of_the_pen(self, cast):
        with pytest.raises(InvalidInput, match="two years"):
            services.add_time_off(
                rep=cast.rep(cast.ae), starts_on=date(2026, 12, 1), ends_on=date(2062, 12, 1), at=NOW
            )

    def test_is_changed_within_its_own_days_and_not_into_others(self, cast):
        found = off(cast, 10, 15)
        off(cast, 20, 22)
        change = {"time_off": found, "kind": TimeOff.Kind.SICK, "at": NOW, "actor": cast.ae}
        services.change_time_off(starts_on=date(2026, 12, 11), ends_on=date(2026, 12, 20), **change)
        services.change_time_off(starts_on=date(2026, 12, 11), ends_on=date(2026, 12, 20), **change)
        with pytest.raises(TimeOffOverlaps):
            services.change_time_off(starts_on=date(2026, 12, 11), ends_on=date(2026, 12, 21), **change)
        found.refresh_from_db()
        assert (found.starts_on.day, found.ends_on.day, found.kind) == (11, 20, "sick")
        assert verbs() == ["reps.time_off.added"] * 2 + ["reps.time_off.changed"]

    @pytest.mark.parametrize(
        ("today", "left", "changed"),
        [(9, [], True), (10, [], True), (11, [(10, 11)], True), (15, [(10, 15)], False)],
    )
    def test_ends_today_where_it_has_begun_and_is_gone_where_it_has_not(self, cast, today, left, changed):
        found = off(cast, 10, 15)
        day = date(2026, 12, today)
        assert services.end_time_off(time_off=found, today=day, at=NOW, actor=cast.ae) is changed
        assert [(one.starts_on.day, one.ends_on.day) for one in TimeOff.objects.all()] == left

    def test_why_somebody_is_away_stands_in_no_audit_entry(self, cast):
        services.add_time_off(
            rep=cast.rep(cast.ae),
            starts_on=date(2026, 12, 1),
            ends_on=date(2026, 12, 3),
            kind=TimeOff.Kind.SICK,
            at=NOW,
        )
        entry = AuditEntry.objects.get(verb="reps.time_off.added")
        assert "sick" not in str(entry.data)


@pytest.mark.django_db(transaction=True)
def test_two_entries_at_once_never_overlap() -> None:
    cast = assemble()
    start = threading.Barrier(4)
    found: list[Any] = [None] * 4

    def run(place: int) -> None:
        try:
            start.wait()
            found[place] = off(cast, 10 + place, 20 + place)
        except Exception as error:
            found[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(one, TimeOffOverlaps) for one in found) == 3, found
    assert TimeOff.objects.count() == 1


@pytest.mark.django_db
class TestBusyByHand:
    HOUR = timedelta(hours=1)

    def busy(self, cast: Cast, hours: float, length: float = 1) -> BusyTime:
        starts_at = NOW + hours * self.HOUR
        return services.add_busy(
            rep=cast.rep(cast.ae),
            starts_at=starts_at,
            ends_at=starts_at + length * self.HOUR,
            title=" Dentist ",
            at=NOW,
            actor=cast.ae,
        )

    def test_is_kept_with_its_title_and_opened_again(self, cast):
        found = self.busy(cast, 2)
        assert found.title == "Dentist"
        services.remove_busy(busy=found, at=NOW, actor=cast.ae)
        services.remove_busy(busy=found, at=NOW, actor=cast.ae)
        assert not BusyTime.objects.exists()
        assert verbs() == ["reps.busy_time.added", "reps.busy_time.removed"]
        assert "Dentist" not in str(list(AuditEntry.objects.values_list("data")))

    @pytest.mark.parametrize(
        ("hours", "length", "field"),
        [(2, 0, "ends_at"), (2, -1, "ends_at"), (2, 24.01, "ends_at"), (-2, 1, "starts_at")],
    )
    def test_nothing_long_past_or_backwards(self, cast, hours, length, field):
        with pytest.raises(InvalidInput) as refused:
            self.busy(cast, hours, length)
        assert refused.value.field == field

    def test_the_same_time_twice_is_refused_and_a_touching_one_is_not(self, cast):
        self.busy(cast, 2)
        self.busy(cast, 3)
        with pytest.raises(BusyTimeOverlaps):
            self.busy(cast, 2.5)

    def test_what_a_calendar_says_is_changed_there(self, cast):
        rep = cast.rep(cast.ae)
        calendar = BusyCalendar.objects.create(rep=rep, kind="file", name="Desk", added_at=NOW)
        found = BusyTime.objects.create(
            rep=rep, calendar=calendar, starts_at=NOW, ends_at=NOW + timedelta(hours=1)
        )
        with pytest.raises(ReadFromCalendar):
            services.remove_busy(busy=found, at=NOW)


@pytest.mark.django_db
class TestCaps:
    def test_are_kept_once_and_audited(self, cast):
        rep = cast.rep(cast.ae)
        for _ in range(2):
            services.set_caps(rep=rep, daily=3, weekly=9, notice_minutes=60, at=NOW, actor=cast.manager)
        kept = Rep.objects.get(pk=rep.pk)
        assert (kept.daily_meeting_cap, kept.weekly_meeting_cap, kept.booking_notice_minutes) == (3, 9, 60)
        assert AuditEntry.objects.get(verb="reps.rep.caps_changed").data["changed"]["daily_meeting_cap"] == [
            6,
            3,
        ]

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ((-1, 9, 0), "daily_meeting_cap"),
            ((3, 337, 0), "weekly_meeting_cap"),
            ((3, 9, 20_161), "booking_notice_minutes"),
        ],
    )
    def test_out_of_bounds_names_the_field(self, cast, values, field):
        daily, weekly, notice = values
        with pytest.raises(InvalidInput) as refused:
            services.set_caps(
                rep=cast.rep(cast.ae), daily=daily, weekly=weekly, notice_minutes=notice, at=NOW
            )
        assert refused.value.field == field
