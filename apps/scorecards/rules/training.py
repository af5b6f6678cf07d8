"""Until when a certification holds, who is due and overdue, and on which days that is told. Pure.

A certification holds from the day it was passed up to, but not including, the same day so many months later. Who has
never passed has some weeks from the day on which it was first asked of them.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

WARN_DAYS = 30
"""So long before it ends it counts as due."""
GRACE_DAYS = 60
"""So long after it was first asked of somebody it is overdue."""
AGAIN_DAYS = 14
"""While it is overdue it is told again this often."""
LONGEST_MONTHS = 60


class State(StrEnum):
    DONE = "done"
    DUE = "due"
    OVERDUE = "overdue"


class Stage(StrEnum):
    """What a reminder is about."""

    SOON = "soon"
    OVERDUE = "overdue"


def months_later(day: date, months: int) -> date:
    """The same day so many months later; the last of the month where there is no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first = date(year, month + 1, 1)
    last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(day.day, last.day))


def due_on(*, passed_until: date | None, hired_on: date, asked_from: date) -> date:
    """The first day on which it is overdue: when the last pass ends, else some weeks after it was first asked."""
    return passed_until or max(hired_on, asked_from) + timedelta(days=GRACE_DAYS)


def state_on(day: date, *, due: date, was_passed: bool) -> State:
    """How a person stands on ``day``. Who has never passed is due at once, and done never."""
    if day >= due:
        return State.OVERDUE
    return State.DUE if not was_passed or day >= due - timedelta(days=WARN_DAYS) else State.DONE


@dataclass(frozen=True)
class Reminder:
    """``number`` counts the times that overdue was told, from 0."""

    on: date
    stage: Stage
    number: int = 0

    @property
    def key(self) -> str:
        return f"{self.stage}:{self.number}"


def reminder_at(day: date, due: date) -> Reminder | None:
    """The newest reminder whose day has come by ``day``; ``None`` before the first."""
    if day < due - timedelta(days=WARN_DAYS):
        return None
    if day < due:
        return Reminder(due - timedelta(days=WARN_DAYS), Stage.SOON)
    number = (day - due).days // AGAIN_DAYS
    return Reminder(due + timedelta(days=number * AGAIN_DAYS), Stage.OVERDUE, number)


def reminder_after(day: date, due: date) -> Reminder:
    """The first reminder whose day is after ``day``."""
    now = reminder_at(day, due)
    if now is None:
        return Reminder(due - timedelta(days=WARN_DAYS), Stage.SOON)
    if now.stage is Stage.SOON:
        return Reminder(due, Stage.OVERDUE)
    return Reminder(now.on + timedelta(days=AGAIN_DAYS), Stage.OVERDUE, now.number + 1)


def is_pass(score: int | None, pass_score: int | None, said: bool | None) -> bool | None:
    """Whether a result is a pass: by the score where there is one to reach, else as the trainer said.

    ``None`` where it cannot be told: a score was asked for and none is there, or nothing was said.
    """
    if pass_score is not None:
        return None if score is None else score >= pass_score
    return said
