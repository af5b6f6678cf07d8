"""What a promise would have come to, had a policy made it: judged by what really happened to the lead.

Pure, and by the same arithmetic and the same order of facts as a clock that really runs (``rules.promises``,
``services.verdicts``): a policy that was in force all the time comes to what its clocks came to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.reps.rules.business_time import Hours, NeverOpen, Pause, due_at
from apps.slas.rules import promises
from apps.slas.rules.promises import AE_ANSWER, FIRST_RESPONSE, RUNNING, TOUCHES, Done, Terms

LEFT = "left"
"""The lead was closed or passed on before the promise ran out: neither kept nor broken."""


@dataclass(frozen=True)
class Happened:
    """What happened to a lead, or to one hand-off, as far as one kind of promise asks.

    ``answers`` are the instants of what keeps the promise; ``left_at`` is when nobody was to touch the lead any
    more (it ends a promise of touches), ``closed_at`` when nobody was to work it at all. ``pauses`` are those that
    the customer asked for; an open one has no end and stands in ``paused``.
    """

    kind: str
    started_at: datetime
    answers: Sequence[datetime] = ()
    touches: Sequence[Done] = ()
    left_at: datetime | None = None
    closed_at: datetime | None = None
    pauses: Sequence[Pause] = ()
    paused: bool = False


@dataclass(frozen=True)
class Played:
    """How the promise would stand: ``verdict`` is met, breached, running or ``LEFT``."""

    kind: str
    verdict: str
    due_at: datetime
    answered_at: datetime | None = None


def play(happened: Happened, *, terms: Terms, hours: Hours, now: datetime) -> Played | None:
    """The promise's end, or how it stands at ``now``; ``None`` where the policy makes no such promise."""
    due = _due(happened, terms, hours)
    if due is None:
        return None
    if happened.kind == TOUCHES:
        since = [one for one in happened.touches if one.at >= happened.started_at]
        answered = promises.kept_by_touches(
            since, wanted=terms.touch_count or 1, channels=terms.touch_channels
        )
        if answered is None and happened.left_at is not None and happened.left_at <= due:
            return Played(TOUCHES, LEFT, due)
    else:
        answered = min(happened.answers, default=None)
    closed = happened.closed_at
    if closed is not None and closed <= due and (answered is None or answered > closed):
        return Played(happened.kind, LEFT, due)
    if happened.paused and answered is None:
        return Played(happened.kind, RUNNING, due)
    verdict = promises.verdict(due_at=due, answered_at=answered, now=now)
    return Played(happened.kind, verdict, due, answered)


def _due(happened: Happened, terms: Terms, hours: Hours) -> datetime | None:
    """When it would have run out; ``None`` where nothing was promised or the calendar never opens."""
    started = happened.started_at
    try:
        if happened.kind == TOUCHES:
            if terms.touch_count is None or terms.touch_days is None:
                return None
            if not happened.pauses:
                return promises.days_due(hours=hours, started_at=started, days=terms.touch_days)
            minutes = promises.minutes_of_days(hours=hours, started_at=started, days=terms.touch_days)
            return due_at(hours, started, minutes, happened.pauses)
        wanted = terms.minutes_for(happened.kind)
        if wanted is None or (happened.kind == FIRST_RESPONSE and _answered_before(happened)):
            return None
        return due_at(hours, started, wanted, happened.pauses)
    except NeverOpen:
        return None


def _answered_before(happened: Happened) -> bool:
    """Whoever was touched before needs no first answer."""
    return any(one < happened.started_at for one in happened.answers)


KINDS = (FIRST_RESPONSE, TOUCHES, promises.DISPOSITION, AE_ANSWER)


@dataclass(frozen=True)
class Tally:
    """Promises counted: of those ``made``, ``met`` and ``breached`` were decided; the others run or were left."""

    made: int = 0
    met: int = 0
    breached: int = 0
    left: int = 0

    @property
    def running(self) -> int:
        return self.made - self.met - self.breached - self.left

    @property
    def rate(self) -> float | None:
        """Kept, of those decided; ``None`` without any."""
        decided = self.met + self.breached
        return self.met / decided if decided else None

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.made + other.made,
            self.met + other.met,
            self.breached + other.breached,
            self.left + other.left,
        )


def counted(verdict: str) -> Tally:
    """One promise with this verdict."""
    return Tally(1, verdict == promises.MET, verdict == promises.BREACHED, verdict in (LEFT, "cancelled"))
