"""The steps that follow when a promise runs out or is about to: remind, tell the manager, pass it on.

Pure. A step stands at a percentage of the promise's time: 70 is before it is due, 100 at the due instant, 150
half the target later again, in open time like the target itself (PRODUCT section 5, "Escalation").
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.reps.rules.business_time import Hours, Pause, due_at

REMIND, NOTIFY_MANAGER, REASSIGN, REROUTE, AUTO_ACCEPT = (
    "remind",
    "notify_manager",
    "reassign",
    "reroute",
    "auto_accept",
)
WORDS = {
    REMIND: "remind the owner",
    NOTIFY_MANAGER: "tell the manager",
    REASSIGN: "give it to the next available rep",
    REROUTE: "route it again",
    AUTO_ACCEPT: "accept it by itself",
}
BY_POLICY = (REMIND, NOTIFY_MANAGER, REASSIGN)
"""What a policy's steps may be; the last two follow from its fallback."""

MOST_STEPS = 8
LATEST_PERCENT = 1_000


class StepsInvalid(ValueError):
    """A row that cannot be used; ``index`` counts from 0, ``field`` is its key."""

    def __init__(self, index: int | None, field: str, message: str) -> None:
        super().__init__(message if index is None else f"Step {index + 1}, {field}: {message}")
        self.index, self.field, self.message = index, field, message


@dataclass(frozen=True)
class Step:
    """``act`` once ``at_percent`` of the target is used up."""

    act: str
    at_percent: int

    @property
    def in_words(self) -> str:
        """``remind the owner at 70 % of the time``."""
        when = "when it is due" if self.at_percent == 100 else f"at {self.at_percent} % of the time"
        return f"{WORDS[self.act]} {when}"

    def as_dict(self) -> dict[str, Any]:
        """As JSON keeps it; ``parse_steps`` reads it back."""
        return {"act": self.act, "at_percent": self.at_percent}


def default_steps() -> tuple[Step, ...]:
    """Remind at 70 %, tell the manager when it is due, pass it on at half as long again."""
    return (Step(REMIND, 70), Step(NOTIFY_MANAGER, 100), Step(REASSIGN, 150))


def parse_steps(raw: Any, *, acts: Collection[str] = tuple(WORDS)) -> tuple[Step, ...]:
    """From the rows that a policy or a clock keeps, in the order of time. Raises ``StepsInvalid``."""
    if not isinstance(raw, Sequence) or isinstance(raw, str):
        raise StepsInvalid(None, "steps", "Give a list of steps.")
    if len(raw) > MOST_STEPS:
        raise StepsInvalid(None, "steps", f"Give {MOST_STEPS} steps at most.")
    found = [_step(index, one, acts) for index, one in enumerate(raw)]
    for index, (one, following) in enumerate(zip(found, found[1:], strict=False)):
        if following.at_percent < one.at_percent:
            raise StepsInvalid(index + 1, "at_percent", "steps go from the earliest to the latest.")
    return tuple(found)


def _step(index: int, raw: Any, acts: Collection[str]) -> Step:
    if not isinstance(raw, Mapping):
        raise StepsInvalid(index, "act", "a step is a set of named values.")
    act, percent = raw.get("act"), raw.get("at_percent")
    if act not in acts:
        raise StepsInvalid(index, "act", f"choose one of {', '.join(acts)}.")
    if not isinstance(percent, int) or isinstance(percent, bool) or not 1 <= percent <= LATEST_PERCENT:
        raise StepsInvalid(index, "at_percent", f"give a whole number from 1 to {LATEST_PERCENT}.")
    return Step(str(act), percent)


def planned_at(
    step: Step, *, hours: Hours, started_at: datetime, minutes: float, pauses: Collection[Pause] = ()
) -> datetime:
    """The instant of a step. Raises ``business_time.NeverOpen``."""
    return due_at(hours, started_at, minutes * step.at_percent / 100, pauses)


def with_fallback(steps: Sequence[Step], fallback: str) -> tuple[Step, ...]:
    """The steps of an AE's answer: nobody reassigns a hand-off, the policy's fallback comes last."""
    kept = [one for one in steps if one.act != REASSIGN]
    if fallback not in (REROUTE, AUTO_ACCEPT):
        return tuple(kept)
    last = max(
        [one.at_percent for one in steps if one.act == REASSIGN] + [one.at_percent for one in kept] + [100]
    )
    return (*kept, Step(fallback, last))
