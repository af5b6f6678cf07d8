"""Which policy makes a promise, when it falls due, and whether it was kept.

Pure. Policies are ordered, and the first that matches wins, whatever it promises (PRODUCT section 5).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.leads.rules.conditions import Condition, match
from apps.reps.rules.business_time import Hours, Pause, closing_of_day, due_at, open_minutes
from apps.slas.rules.escalation import Step

RUNNING, MET, BREACHED = "running", "met", "breached"
FIRST_RESPONSE, TOUCHES, DISPOSITION, AE_ANSWER = "first_response", "touches", "disposition", "ae_answer"


@dataclass(frozen=True)
class Terms:
    """A policy as matching and starting a clock see it.

    Targets are business minutes; ``None`` promises nothing. ``touch_count`` touches within ``touch_days``
    business days, each of ``touch_channels`` among them. ``warn_percent`` of the target may be used up before
    the promise counts as at risk. ``fallback`` is what follows an AE's silence.
    """

    policy_id: int
    name: str
    conditions: tuple[Condition, ...] = ()
    first_response_minutes: int | None = None
    touch_count: int | None = None
    touch_days: int | None = None
    touch_channels: tuple[str, ...] = ()
    disposition_minutes: int | None = None
    ae_answer_minutes: int | None = None
    warn_percent: int = 70
    steps: tuple[Step, ...] = ()
    fallback: str = "none"

    def minutes_for(self, kind: str) -> int | None:
        """The target of a promise that is counted in minutes; ``None`` when it is not made."""
        return {
            FIRST_RESPONSE: self.first_response_minutes,
            DISPOSITION: self.disposition_minutes,
            AE_ANSWER: self.ae_answer_minutes,
        }.get(kind)


@dataclass(frozen=True)
class Due:
    """When the promise runs out, and from when it is at risk (UTC); ``minutes`` of open time in between."""

    warn_at: datetime
    due_at: datetime
    minutes: float


def first_match(terms: Iterable[Terms], known: Mapping[str, Any]) -> Terms | None:
    """The first of the ordered policies whose conditions all hold for what is known of the lead."""
    return next((one for one in terms if match(one.conditions, known).ok), None)


def promise(
    *,
    hours: Hours,
    started_at: datetime,
    minutes: float,
    warn_percent: int,
    pauses: Collection[Pause] = (),
) -> Due:
    """Due after ``minutes`` of open time, outside all pauses. Raises ``business_time.NeverOpen``."""
    warn_minutes = minutes * warn_percent / 100
    return Due(
        due_at(hours, started_at, warn_minutes, pauses), due_at(hours, started_at, minutes, pauses), minutes
    )


def days_due(*, hours: Hours, started_at: datetime, days: int) -> datetime:
    """The closing of the ``days``-th business day, the first being the day of the first open instant.

    Raises ``business_time.NeverOpen``.
    """
    return closing_of_day(hours=hours, start=started_at, days=days)


def minutes_of_days(*, hours: Hours, started_at: datetime, days: int) -> float:
    """The open minutes until ``days_due``, which a clock keeps as its target. Raises as ``days_due``."""
    return open_minutes(hours, started_at, days_due(hours=hours, started_at=started_at, days=days))


def verdict(*, due_at: datetime, answered_at: datetime | None, now: datetime) -> str:
    """Running, met or breached. An answer at the due instant itself keeps the promise."""
    if answered_at is not None:
        return MET if answered_at <= due_at else BREACHED
    return BREACHED if now > due_at else RUNNING


@dataclass(frozen=True)
class Done:
    """One touch that counts towards a promise of touches."""

    at: datetime
    channel: str


def kept_by_touches(done: Sequence[Done], *, wanted: int, channels: Collection[str]) -> datetime | None:
    """The instant at which ``wanted`` touches with each of ``channels`` among them were made; or ``None``."""
    left = set(channels)
    for number, one in enumerate(sorted(done, key=lambda touch: touch.at), 1):
        left.discard(one.channel)
        if number >= wanted and not left:
            return one.at
    return None
