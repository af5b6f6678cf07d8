"""By when an inquiry is answered, and what follows when it is not. Pure.

Two promises run from the same instant: a first answer, and an outcome. Both are counted in business time
(``reps.rules.business_time``), and stand still while the asker is waited for. Steps: the owner is reminded at the
warning, and the finance lead told at the due instant, of either promise, each once in a round (PRODUCT section 9).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.reps.rules.business_time import Hours, NeverOpen, Pause, due_at

REMIND_FIRST, ESCALATE_FIRST = "remind_first", "escalate_first"
REMIND, ESCALATE = "remind", "escalate"
STEPS = (REMIND_FIRST, ESCALATE_FIRST, REMIND, ESCALATE)

MOST_MINUTES = 60 * 8 * 60
"""Sixty days of eight hours."""
MOST_REOPEN_DAYS = 365


@dataclass(frozen=True)
class Targets:
    """Business minutes to a first answer and to an outcome; the warning stands at a percentage of either.

    ``reopen_days`` calendar days after its outcome an inquiry may be opened again.
    """

    first_answer_minutes: int = 8 * 60
    outcome_minutes: int = 5 * 8 * 60
    warn_percent: int = 70
    reopen_days: int = 14

    @property
    def in_words(self) -> str:
        """``a first answer within 8 h, an outcome within 40 h``."""
        return (
            f"a first answer within {hours_words(self.first_answer_minutes)}, an outcome within "
            f"{hours_words(self.outcome_minutes)} of business time"
        )


def hours_words(minutes: int) -> str:
    """``7 h 30 min``."""
    hours, rest = divmod(minutes, 60)
    return " ".join(filter(None, [f"{hours} h" if hours else "", f"{rest} min" if rest or not hours else ""]))


@dataclass(frozen=True)
class Promised:
    """The four instants (UTC) of a clock."""

    first_warn_at: datetime
    first_due_at: datetime
    warn_at: datetime
    due_at: datetime


def promised(
    *, hours: Hours, started_at: datetime, targets: Targets, pauses: Sequence[Pause] = ()
) -> Promised:
    """When the promises warn and run out, outside all pauses.

    A calendar that never opens again counts real minutes, so that nobody is left without a promise.
    """

    def after(minutes: int) -> datetime:
        try:
            return due_at(hours, started_at, minutes, pauses)
        except NeverOpen:
            stood = sum((end - begin for begin, end in pauses if end > begin), timedelta())
            return started_at + timedelta(minutes=minutes) + stood

    return Promised(
        after(targets.first_answer_minutes * targets.warn_percent // 100),
        after(targets.first_answer_minutes),
        after(targets.outcome_minutes * targets.warn_percent // 100),
        after(targets.outcome_minutes),
    )


def next_step(
    *, promised: Promised, first_answered: bool, taken: Collection[str]
) -> tuple[str, datetime] | None:
    """The next step that is to be taken, and from when; ``None`` when all were.

    A first answer spares its two steps. Steps at one instant come in the order of ``STEPS``.
    """
    instants = {
        REMIND_FIRST: promised.first_warn_at,
        ESCALATE_FIRST: promised.first_due_at,
        REMIND: promised.warn_at,
        ESCALATE: promised.due_at,
    }
    spared = (REMIND_FIRST, ESCALATE_FIRST) if first_answered else ()
    left = [step for step in STEPS if step not in taken and step not in spared]
    if not left:
        return None
    step = min(left, key=lambda one: (instants[one], STEPS.index(one)))
    return step, instants[step]
