"""Cadences as plain values: which step comes next, when, and whether its condition holds.

A cadence is a sequence of *steps*: a channel, how long to wait after the step before it, and a condition. The
wait is in working days of the team's calendar or in hours. A condition is looked at when its step is due; one
that does not hold passes the step over, and the next one is planned from that instant. What can never hold any
more ("only if not reached yet", once somebody was reached) is passed over at once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from apps.leads.rules.dispositions import CHANNELS, open_channel
from apps.reps.rules.business_time import Hours, NeverOpen, next_open

MOST_STEPS = 40
PURPOSES = ("answer", "qualify", "follow_up", "confirm", "nurture", "clean_up")


class When(StrEnum):
    """The closed set of conditions of a step."""

    ALWAYS = "always"
    NOT_REACHED = "not_reached"
    NO_REPLY = "no_reply"
    VISITED = "visited"
    NOT_VISITED = "not_visited"
    SCORE_A_B = "score_a_b"
    SCORE_C_D = "score_c_d"


WORDS = {
    When.ALWAYS: "always",
    When.NOT_REACHED: "only if nobody was reached yet",
    When.NO_REPLY: "only if the last e-mail got no answer",
    When.VISITED: "only if they visited the site since the step before",
    When.NOT_VISITED: "only if they did not visit the site since the step before",
    When.SCORE_A_B: "only inside scores A and B",
    When.SCORE_C_D: "only inside scores C and D",
}
"""As a person reads them, after "Call, two days later, …"."""


class StepsInvalid(ValueError):
    """A step that cannot be used: ``index`` counts from 0 (``None`` for the whole), ``field`` is its key."""

    def __init__(self, index: int | None, field: str, message: str) -> None:
        super().__init__(
            message if index is None else f"Step {index + 1}, {field.replace('_', ' ')}: {message}"
        )
        self.index, self.field, self.message = index, field, message


@dataclass(frozen=True)
class Step:
    """One step; ``number`` counts from 1. Of the two waits one is zero."""

    number: int
    channel: str
    wait_days: int = 0
    wait_hours: int = 0
    when: When = When.ALWAYS
    purpose: str = ""
    script: str = ""

    @property
    def wait_words(self) -> str:
        """``at once``, ``4 hours later``, ``2 working days later``."""
        if self.wait_days:
            return "1 working day later" if self.wait_days == 1 else f"{self.wait_days} working days later"
        if self.wait_hours:
            return "1 hour later" if self.wait_hours == 1 else f"{self.wait_hours} hours later"
        return "at once"

    @property
    def when_words(self) -> str:
        return WORDS[self.when]

    def as_dict(self) -> dict[str, Any]:
        """As JSON keeps it; ``parse_steps`` reads it back."""
        return {
            "channel": self.channel,
            "wait_days": self.wait_days,
            "wait_hours": self.wait_hours,
            "when": self.when.value,
            "purpose": self.purpose,
            "script": self.script,
        }


@dataclass(frozen=True)
class Facts:
    """What the conditions look at. Instants are UTC; ``None`` where it never happened.

    ``since``: when the step before was done or passed over, or the lead enrolled; ``enrolled_at`` when it was.
    ``spoken_at``: the last talk; ``replied_at``: when they last wrote or asked by themselves; ``emailed_at``:
    our last e-mail; ``visited_at``: their last visit to the site.
    """

    enrolled_at: datetime
    since: datetime
    score: str = ""
    spoken_at: datetime | None = None
    replied_at: datetime | None = None
    emailed_at: datetime | None = None
    visited_at: datetime | None = None


def parse_steps(raw: Any) -> tuple[Step, ...]:
    """From the list that a version keeps or a form sends. Raises ``StepsInvalid`` naming step and field."""
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not raw:
        raise StepsInvalid(None, "steps", "A cadence needs at least one step.")
    if len(raw) > MOST_STEPS:
        raise StepsInvalid(None, "steps", f"A cadence has {MOST_STEPS} steps at most.")
    return tuple(_step(index, one) for index, one in enumerate(raw))


def _step(index: int, raw: Any) -> Step:
    if not isinstance(raw, Mapping):
        raise StepsInvalid(index, "channel", "a step is a set of named values.")
    channel = raw.get("channel") or ""
    if channel not in CHANNELS:
        raise StepsInvalid(index, "channel", f"choose one of {', '.join(CHANNELS)}.")
    days = _count(index, "wait_days", raw.get("wait_days"), 250)
    hours = _count(index, "wait_hours", raw.get("wait_hours"), 240)
    if days and hours:
        raise StepsInvalid(index, "wait_hours", "wait days or hours, not both.")
    when = raw.get("when") or When.ALWAYS
    if when not in tuple(When):
        raise StepsInvalid(index, "when", "choose one of the conditions.")
    purpose = raw.get("purpose") or ""
    if purpose and purpose not in PURPOSES:
        raise StepsInvalid(index, "purpose", f"choose one of {', '.join(PURPOSES)}.")
    script = str(raw.get("script") or "").strip()
    if len(script) > 2_000:
        raise StepsInvalid(index, "script", "use 2,000 characters at most.")
    return Step(index + 1, str(channel), days, hours, When(when), str(purpose), script)


def _count(index: int, field: str, value: Any, most: int) -> int:
    if value in (None, ""):
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise StepsInvalid(index, field, f"give a whole number from 0 to {most}.")
    return value


# --- Which step comes next ----------------------------------------------------------------------------


def holds(when: When, facts: Facts) -> bool:
    """Whether a step with this condition is to be done, judged by ``facts``."""
    if when is When.NOT_REACHED:
        return facts.spoken_at is None or facts.spoken_at < facts.enrolled_at
    if when is When.NO_REPLY:
        answers = [at for at in (facts.spoken_at, facts.replied_at) if at is not None]
        return facts.emailed_at is None or not any(at > facts.emailed_at for at in answers)
    if when in (When.VISITED, When.NOT_VISITED):
        visited = facts.visited_at is not None and facts.visited_at > facts.since
        return visited is (when is When.VISITED)
    if when in (When.SCORE_A_B, When.SCORE_C_D):
        return (facts.score in ("A", "B")) is (when is When.SCORE_A_B)
    return True


def can_still_hold(when: When, facts: Facts) -> bool:
    """Whether it may hold when the step is due; ``False`` only for what can never be again."""
    return holds(when, facts) if when in (When.NOT_REACHED, When.NO_REPLY) else True


def next_step(
    steps: Sequence[Step], after: int, facts: Facts, closed: Collection[str] = ()
) -> tuple[Step | None, tuple[Step, ...]]:
    """The step to plan after number ``after`` (0 before the first), and those passed over on the way.

    ``None`` when the cadence is through. A step over a ``closed`` channel is done over the next open one; with
    none open it is passed over.
    """
    passed: list[Step] = []
    for step in steps[after:]:
        if can_still_hold(step.when, facts) and open_channel(step.channel, closed):
            return step, tuple(passed)
        passed.append(step)
    return None, tuple(passed)


# --- When it comes --------------------------------------------------------------------------------------


def due_at(step: Step, *, since: datetime, hours: Hours) -> datetime:
    """When ``step`` is due, counted from ``since``: within the team's working hours, in UTC.

    Working days keep the time of day, moved into an opening where that is closed; a calendar that is never
    open counts calendar days. Hours are real ones, then moved to the next opening.
    """
    try:
        if not step.wait_days:
            return next_open(hours, since + timedelta(hours=step.wait_hours))
        zone = ZoneInfo(hours.zone)
        local = since.astimezone(zone)
        day = working_day(hours, local.date(), step.wait_days)
        return _within(hours, day, local.time(), zone)
    except NeverOpen:
        return since + timedelta(days=step.wait_days, hours=step.wait_hours)


def working_day(hours: Hours, day: date, count: int) -> date:
    """The ``count``-th day after ``day`` on which the calendar has an opening. Raises ``NeverOpen``."""
    for _ in range(count * 10 + 400):
        if count == 0:
            return day
        day += timedelta(days=1)
        if hours.windows_on(day):
            count -= 1
    raise NeverOpen(f"The calendar in {hours.zone} has no working day ahead.")


def _within(hours: Hours, day: date, wanted: time, zone: ZoneInfo) -> datetime:
    """The first open instant from ``wanted`` on that day; the day's first opening where it is later closed."""
    start = datetime.combine(day, wanted, zone)
    found = next_open(hours, start)
    if found.astimezone(zone).date() == day:
        return found
    return next_open(hours, datetime.combine(day, time(0), zone))
