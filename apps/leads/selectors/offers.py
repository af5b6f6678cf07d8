"""Times that suit the customer: for a meeting, and for a call back."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from apps.leads.models import Lead
from apps.leads.rules import calling
from apps.leads.services import booking


@dataclass(frozen=True)
class OfferedDay:
    """The times of one day, each with its wall clock where the customer is."""

    day: date
    slots: list[tuple[booking.Slot, str]]


@dataclass(frozen=True)
class Offer:
    """Times at which somebody is free, in the customer's zone (the viewer's where that is not known)."""

    days: list[OfferedDay]
    zone: tzinfo
    is_theirs: bool
    left_out: int

    @property
    def zone_words(self) -> str:
        city = str(self.zone).rpartition("/")[2].replace("_", " ")
        return (
            f"{city} time, the customer’s" if self.is_theirs else f"{city} time: the customer’s is not known"
        )


def offer_for(*, lead: Lead, now: datetime, zone: tzinfo) -> Offer:
    """Free times within the customer's day; all of them where none lies within it."""
    theirs = calling.zone_named(lead.time_zone)
    shown_in = theirs or zone
    # Everybody may be at the weekly cap: then the weeks after are asked.
    found = booking.offered_slots(lead=lead, at=now) or booking.offered_slots(lead=lead, at=now, days=21)
    slots = [(slot, slot.starts_at.astimezone(shown_in)) for slot in found]
    proper = [(slot, local) for slot, local in slots if calling.is_proper(local)]
    chosen = proper or slots
    days: dict[date, list[tuple[booking.Slot, str]]] = {}
    for slot, local in chosen:
        days.setdefault(local.date(), []).append((slot, f"{local:%H:%M}"))
    return Offer(
        [OfferedDay(day, times) for day, times in days.items()],
        shown_in,
        theirs is not None,
        len(slots) - len(chosen),
    )


def callback_times(*, lead: Lead, now: datetime, zone: tzinfo) -> list[tuple[datetime, str]]:
    """A few likely instants for a callback, with how they read in the customer's zone."""
    local = now.astimezone(calling.zone_named(lead.time_zone) or zone)
    hour = local.replace(minute=0, second=0, microsecond=0)
    tomorrow = hour + timedelta(days=1)
    while tomorrow.weekday() >= 5:
        tomorrow += timedelta(days=1)
    wanted = [
        hour + timedelta(hours=1 if local.minute < 30 else 2),
        hour + timedelta(hours=3),
        tomorrow.replace(hour=9),
        tomorrow.replace(hour=14),
    ]
    found: dict[datetime, str] = {}
    for instant in wanted:
        if calling.is_proper(instant) and instant > now:
            today = instant.date() == local.date()
            found[instant] = (
                f"Today, {instant:%H:%M}"
                if today
                else f"{instant:%a} {instant.day} {instant:%b}, {instant:%H:%M}"
            )
    return list(found.items())
