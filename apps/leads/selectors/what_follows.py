"""What happens to a waiting hand-off when nobody answers: asked of whoever keeps its promise.

The promises lie in an app above this one, which registers here when it is ready; without it nothing follows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.leads.models import HandOff


@dataclass(frozen=True)
class Following:
    """A step that comes by itself: ``words`` say what, ``at`` when; ``None`` while the promise stands still."""

    words: str
    at: datetime | None


Source = Callable[[HandOff, datetime], Sequence[Following]]
_SOURCES: list[Source] = []


def register(source: Source) -> None:
    """Ask ``source`` from now on; the same one once."""
    if source not in _SOURCES:
        _SOURCES.append(source)


def what_follows(hand_off: HandOff, now: datetime) -> list[Following]:
    """In the order of time, of a hand-off with ``ae__team`` joined in; nothing once it is answered."""
    if hand_off.state != HandOff.State.PENDING:
        return []
    found = [one for source in _SOURCES for one in source(hand_off, now)]
    return sorted(found, key=lambda one: (one.at is None, one.at or now))
