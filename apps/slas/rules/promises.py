"""Which policy makes the promise, when it falls due, and whether it was kept.

Pure. Policies are ordered, and the first that matches and promises the thing wins (PRODUCT section 5).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from apps.reps.rules.business_time import Hours, due_at

RUNNING, MET, BREACHED = "running", "met", "breached"


@dataclass(frozen=True)
class Terms:
    """A policy as matching sees it. An empty ``scores`` or ``channel`` matches every lead.

    Targets are business minutes; ``None`` promises nothing. ``warn_percent`` of the target may be used up
    before the promise counts as at risk.
    """

    policy_id: int
    scores: str
    channel: str
    first_response_minutes: int | None
    ae_answer_minutes: int | None
    warn_percent: int


@dataclass(frozen=True)
class Due:
    """When the promise runs out, and from when it is at risk (UTC)."""

    warn_at: datetime
    due_at: datetime


def first_match(terms: Iterable[Terms], *, score: str, is_inbound: bool) -> Terms | None:
    """The first of the ordered policies that matches the lead."""
    channel = "inbound" if is_inbound else "outbound"
    for one in terms:
        if (not one.scores or score in one.scores) and one.channel in ("", channel):
            return one
    return None


def promise(*, hours: Hours, started_at: datetime, minutes: int, warn_percent: int) -> Due:
    """Due after ``minutes`` of open time. Raises ``business_time.NeverOpen``."""
    warn_minutes = minutes * warn_percent / 100
    return Due(due_at(hours, started_at, warn_minutes), due_at(hours, started_at, minutes))


def verdict(*, due_at: datetime, answered_at: datetime | None, now: datetime) -> str:
    """Running, met or breached. An answer at the due instant itself keeps the promise."""
    if answered_at is not None:
        return MET if answered_at <= due_at else BREACHED
    return BREACHED if now > due_at else RUNNING
