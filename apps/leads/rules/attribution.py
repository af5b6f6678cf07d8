"""What caused a visit to the site, and which visit caused a conversion (PRODUCT section 4, "Outbound").

A visit is caused by the lead's last outreach before it: a call, an email, a social touch or a chat by a rep,
within a window; without one by the campaign that it came from; else the cause is not known. An undone touch
caused nothing. A conversion (qualified, or a meeting booked) is caused by the last caused visit of its lead in
the thirty days before it; it uses that visit up, so that qualifying and booking after one visit count once.

Attribution is kept as it was known when the visit was recorded: a touch logged late or undone afterwards moves
no credit. Doing it again with what is known now and comparing stands in ``selectors.visits``. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from apps.leads.rules.close_rates import MINIMUM, wilson

OUTREACH = ("call", "email", "social", "chat")
"""Channels over which a rep reaches out; going there in person is none of them."""
CONVERTS_WITHIN = timedelta(days=30)
EXPECTED = (Fraction(30, 100), Fraction(40, 100))
"""A visit caused by outreach is expected to convert at 30–40 %."""


class CauseKind(StrEnum):
    """What brought somebody to the site."""

    TOUCH = "touch"
    CAMPAIGN = "campaign"
    UNKNOWN = "unknown"


CAUSED = (CauseKind.TOUCH.value, CauseKind.CAMPAIGN.value)


@dataclass(frozen=True)
class Outreach:
    """A touch that stands: its key, when, by whom and over which channel."""

    pk: int
    at: datetime
    rep: int
    channel: str


@dataclass(frozen=True)
class Cause:
    """``touch`` is given where the kind is ``TOUCH``."""

    kind: CauseKind
    touch: Outreach | None = None


@dataclass(frozen=True)
class Caused:
    """A visit that has a cause, as conversions look at it."""

    pk: int
    at: datetime


def cause_of_visit(
    visited_at: datetime, touches: Iterable[Outreach], campaign: str, window: timedelta
) -> Cause:
    """The cause of a visit at ``visited_at``, of all touches of its lead that stand, in any order.

    A touch causes the visits in ``[touch, touch + window)``; of two at one instant the later written wins.
    """
    within = [
        touch for touch in touches if touch.channel in OUTREACH and touch.at <= visited_at < touch.at + window
    ]
    if within:
        return Cause(CauseKind.TOUCH, max(within, key=lambda touch: (touch.at, touch.pk)))
    return Cause(CauseKind.CAMPAIGN if campaign else CauseKind.UNKNOWN)


def conversions(
    converted: Sequence[Caused], visits: Sequence[Caused], within: timedelta = CONVERTS_WITHIN
) -> dict[int, int]:
    """Of one lead's conversions, those that a visit caused: the visit's key by the conversion's.

    ``visits`` are the caused ones. A visit at the instant of a conversion comes before it.
    """
    found: dict[int, int] = {}
    used_up: datetime | None = None
    for one in sorted(converted, key=lambda event: (event.at, event.pk)):
        before = [
            visit
            for visit in visits
            if one.at - within <= visit.at <= one.at and (used_up is None or visit.at > used_up)
        ]
        if before:
            found[one.pk] = max(before, key=lambda visit: (visit.at, visit.pk)).pk
        used_up = one.at
    return found


@dataclass(frozen=True)
class Rate:
    """``part`` of ``whole``: people who converted, of those whom outreach brought to the site."""

    part: int
    whole: int

    @property
    def value(self) -> Fraction | None:
        return Fraction(self.part, self.whole) if self.whole else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Between what the true rate lies with 95 % confidence; ``None`` without anybody."""
        return wilson(self.part, self.whole) if self.whole else None

    @property
    def verdict(self) -> str:
        """What may be said beside the rate expected: ``below``, ``above``, ``expected``, ``unsure``.

        ``too_few`` under a minimum of people; ``unsure`` while the interval holds the expected rate and the
        rate seen does not lie in it.
        """
        if self.interval is None or self.whole < MINIMUM:
            return "too_few"
        (low, high), (least, most) = self.interval, EXPECTED
        if high < least:
            return "below"
        if low > most:
            return "above"
        return "expected" if least <= Fraction(self.part, self.whole) <= most else "unsure"
