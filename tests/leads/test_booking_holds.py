"""Holds and offers: a time kept while the form is open, and the customer's preferred times first."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import InvalidInput
from apps.leads.models import HandOff, Lead, SlotHold, TakenSlot
from apps.leads.rules.preferences import PARTS, Wish, fits, occasions
from apps.leads.selectors.offers import offer_for
from apps.leads.services import booking, holds
from apps.leads.services.booking_rules import set_booking_rules
from apps.leads.services.preferences import MOST, prefer
from apps.reps.models import BusyTime, Rep, TimeOff
from tests.cast import NOW, Cast
from tests.leads.test_booking import qualified

MINUTE = timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")


def starts(lead: Lead, many: int = 4) -> list[datetime]:
    return [one.starts_at for one in booking.offered_slots(lead=lead, at=NOW)[:many]]


def hold(cast: Cast, lead: Lead, starts_at: datetime, at: datetime = NOW, **options: Any) -> SlotHold:
    return holds.hold_slot(lead=lead, sdr=cast.rep(cast.sdr), starts_at=starts_at, at=at, **options)


def book(cast: Cast, lead: Lead, starts_at: datetime, at: datetime, **options: Any) -> HandOff:
    return booking.book_meeting(lead=lead, sdr=cast.rep(cast.sdr), starts_at=starts_at, at=at, **options)


class TestHoldSlot:
    def test_keeps_the_time_from_the_others_and_is_booked(self, cast: Cast) -> None:
        lead, other = qualified(cast, 1), qualified(cast, 2)
        start = starts(lead)[0]
        held = hold(cast, lead, start)
        assert held.expires_at == NOW + 5 * MINUTE
        assert book(cast, other, start, NOW).ae_id != held.ae_id
        made = book(cast, lead, start, NOW + 4 * MINUTE)
        assert made.ae_id == held.ae_id
        assert made.routing["words"] == held.routing["words"]
        assert SlotHold.objects.get(pk=held.pk).state == "used"
        assert not TakenSlot.objects.filter(hold__isnull=False).exists()

    def test_another_time_gives_the_first_back(self, cast: Cast) -> None:
        lead = qualified(cast)
        first, second = starts(lead)[:2]
        old, new = hold(cast, lead, first), hold(cast, lead, second)
        old.refresh_from_db()
        assert (old.state, new.state) == ("released", "held")
        assert list(TakenSlot.objects.values_list("starts_at", flat=True)) == [second]

    def test_a_longer_meeting_at_the_same_start_stays_with_the_ae(self, cast: Cast) -> None:
        lead = qualified(cast)
        first = hold(cast, lead, starts(lead)[0])
        longer = hold(cast, lead, first.starts_at, minutes=60)
        assert longer.ae_id == first.ae_id
        assert TakenSlot.objects.count() == 2

    def test_the_same_time_again_is_prolonged_up_to_the_longest(self, cast: Cast) -> None:
        lead = qualified(cast)
        first = hold(cast, lead, starts(lead)[0])
        for minutes in (4, 8, 12, 16, 19):
            kept = hold(cast, lead, first.starts_at, NOW + minutes * MINUTE)
            assert kept.pk == first.pk
        assert kept.expires_at == NOW + 20 * MINUTE
        assert holds.keep_hold(hold=kept, at=NOW + 20 * MINUTE) is None

    def test_a_lapsed_hold_blocks_nobody_without_any_sweep(self, cast: Cast) -> None:
        Rep.objects.filter(user=cast.second_ae).update(weekly_meeting_cap=0)
        lead, other = qualified(cast, 1), qualified(cast, 2)
        start = starts(lead)[0]
        held = hold(cast, lead, start)
        with pytest.raises(booking.UnableToBook):
            book(cast, other, start, NOW + 5 * MINUTE - timedelta(seconds=1))
        assert book(cast, other, start, NOW + 5 * MINUTE).ae_id == held.ae_id
        held.refresh_from_db()
        assert held.state == "lapsed"

    def test_who_comes_back_too_late_gets_another_ae(self, cast: Cast) -> None:
        lead, other = qualified(cast, 1), qualified(cast, 2)
        start = starts(lead)[0]
        held = hold(cast, lead, start)
        taken = book(cast, other, start, NOW + 6 * MINUTE)
        assert taken.ae_id == held.ae_id
        assert book(cast, lead, start, NOW + 7 * MINUTE).ae_id != held.ae_id

    def test_an_ae_who_fell_ill_meanwhile_is_not_booked(self, cast: Cast) -> None:
        lead = qualified(cast)
        held = hold(cast, lead, starts(lead)[0])
        BusyTime.objects.create(rep=held.ae, starts_at=held.starts_at, ends_at=held.ends_at)
        assert book(cast, lead, held.starts_at, NOW + MINUTE).ae_id != held.ae_id
        assert not TakenSlot.objects.filter(hold__isnull=False).exists()

    def test_one_sdr_holds_three_at_once(self, cast: Cast) -> None:
        leads = [qualified(cast, number) for number in range(1, 6)]
        for number, lead in enumerate(leads):
            hold(cast, lead, starts(lead, 20)[0], NOW + number * timedelta(seconds=1))
        standing = SlotHold.objects.filter(state="held").values_list("lead", flat=True)
        assert sorted(standing) == sorted(lead.pk for lead in leads[2:])

    def test_leaving_the_form_frees_it_and_the_sweep_tidies(self, cast: Cast) -> None:
        lead, other = qualified(cast, 1), qualified(cast, 2)
        hold(cast, lead, starts(lead)[0])
        holds.release_holds(lead=lead, sdr=cast.rep(cast.sdr), at=NOW + MINUTE)
        assert not TakenSlot.objects.exists()
        hold(cast, other, starts(other)[0])
        assert [holds.sweep_holds(at=NOW + minutes * MINUTE) for minutes in (4, 5, 6)] == [0, 1, 0]
        assert not TakenSlot.objects.exists()

    def test_the_company_says_how_long(self, cast: Cast) -> None:
        set_booking_rules(
            meeting_minutes=60, hold_minutes=2, longest_hold_minutes=3, at=NOW, actor=cast.revops
        )
        lead = qualified(cast)
        held = hold(cast, lead, starts(lead)[0])
        assert (held.ends_at - held.starts_at, held.expires_at) == (60 * MINUTE, NOW + 2 * MINUTE)
        assert book(cast, lead, held.starts_at, NOW + MINUTE).meeting.minutes == 60


class TestPreferredTimes:
    def test_come_first_and_are_marked(self, cast: Cast) -> None:
        lead = qualified(cast, 1)
        Lead.objects.filter(pk=lead.pk).update(time_zone="Europe/Berlin")
        lead.refresh_from_db()
        window = Wish(datetime(2026, 11, 17, 13, tzinfo=UTC), datetime(2026, 11, 17, 14, tzinfo=UTC))
        prefer(lead=lead, wishes=[window, Wish(weekday=4, part="morning")], at=NOW, actor=cast.sdr)
        offer = offer_for(lead=lead, now=NOW, zone=BERLIN)
        assert offer.asked[0].words == "Tue 17 Nov, 14:00 to 15:00"
        assert [one.clock for one in offer.asked[0].times] == ["14:00", "14:30"]
        assert all(one.is_asked and one.free_aes == 2 for one in offer.asked[0].times)
        assert offer.asked[1].words == "Fri 13 Nov, morning"
        told = {one.starts_at for asked in offer.asked for one in asked.times}
        assert not told & {one.starts_at for day in offer.days for one in day.times}
        assert book(cast, lead, offer.asked[0].times[0].starts_at, NOW).meeting.was_asked_for

    def test_say_why_nobody_is_free(self, cast: Cast) -> None:
        lead = qualified(cast)
        Rep.objects.filter(user=cast.ae).update(weekly_meeting_cap=0)
        TimeOff.objects.create(
            rep=cast.rep(cast.second_ae), starts_on=NOW.date(), ends_on=NOW.date() + timedelta(days=5)
        )
        prefer(lead=lead, wishes=[Wish(weekday=4, part="morning")], at=NOW)
        asked = offer_for(lead=lead, now=NOW, zone=BERLIN).asked[0]
        assert asked.times == []
        assert asked.why_none in (
            "nobody free: 1 at cap, 1 on leave", "nobody free: 1 on leave, 1 at cap",
        )  # fmt: skip

    def test_shows_the_viewers_clock_where_it_differs(self, cast: Cast) -> None:
        lead = qualified(cast)
        Lead.objects.filter(pk=lead.pk).update(time_zone="America/New_York")
        lead.refresh_from_db()
        time = offer_for(lead=lead, now=NOW, zone=BERLIN).days[0].times[0]
        local = time.starts_at.astimezone(BERLIN)
        assert time.own_clock.endswith(f"{local:%H:%M}")
        assert time.clock != time.own_clock

    def test_asks_a_bounded_number_of_statements(
        self, cast: Cast, django_assert_max_num_queries: Any
    ) -> None:
        lead = qualified(cast)
        prefer(lead=lead, wishes=[Wish(weekday=day, part="any") for day in range(5)], at=NOW)
        with django_assert_max_num_queries(13):
            offer_for(lead=lead, now=NOW, zone=BERLIN)

    def test_refuses_what_cannot_be(self, cast: Cast) -> None:
        lead = qualified(cast)
        past = Wish(NOW - timedelta(hours=2), NOW - timedelta(hours=1))
        for wishes, field in (([past], "wish-0"), ([Wish(part="night")], "wish-0")):
            with pytest.raises(InvalidInput) as refused:
                prefer(lead=lead, wishes=wishes, at=NOW)
            assert refused.value.field == field
        with pytest.raises(InvalidInput):
            prefer(lead=lead, wishes=[Wish(part="any")] * (MOST + 1), at=NOW)


class TestOccasions:
    @given(
        weekday=st.one_of(st.none(), st.integers(0, 6)),
        part=st.sampled_from(sorted(PARTS)),
        zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Apia"]),
        days=st.integers(1, 400),
    )
    def test_lie_on_the_right_wall_clock_of_the_customer(
        self, weekday: int | None, part: str, zone: str, days: int
    ) -> None:
        place, first = ZoneInfo(zone), NOW + timedelta(days=days)
        found = list(
            occasions([Wish(weekday=weekday, part=part)], zone=place, first=first, last=first + timedelta(14))
        )
        assert len(found) >= (2 if weekday is not None else 9)
        for one in found:
            local = one.starts_at.astimezone(place)
            assert (local.time(), one.ends_at.astimezone(place).time()) == PARTS[part]
            assert local.weekday() == weekday if weekday is not None else local.weekday() < 5
            assert fits(one.ends_at - timedelta(minutes=30), timedelta(minutes=30), one)
            assert not fits(one.ends_at, timedelta(minutes=30), one)
