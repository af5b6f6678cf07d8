"""Which function does which kind of job. Each app registers its own in ``tasks.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.jobs.context import JobContext

Work = Callable[["JobContext"], dict[str, Any] | None]


@dataclass(frozen=True)
class Handler:
    """What does one kind of job, and what people call it."""

    kind: str
    title: str
    work: Work


_handlers: dict[str, Handler] = {}


def handles(kind: str, *, title: str) -> Callable[[Work], Work]:
    """Register the decorated function as what does jobs of ``kind`` (dotted: ``app.verb``).

    It takes a ``JobContext`` and returns the job's result (JSON), or ``None``. It may be started again after
    it was killed at any point, so each step must be safe to repeat. Of the result the job's page shows
    ``summary`` (a sentence) and ``url`` with ``url_label`` (where to see what was made).
    """

    def register(work: Work) -> Work:
        present = _handlers.get(kind)
        if present is not None and present.work.__qualname__ != work.__qualname__:
            raise ValueError(f"Two handlers claim the kind {kind}.")
        _handlers[kind] = Handler(kind, title, work)
        return work

    return register


def handler_for(kind: str) -> Handler | None:
    """The handler of ``kind``, or ``None`` when no installed app has one."""
    return _handlers.get(kind)


def title_of(kind: str) -> str:
    """What people call jobs of ``kind``."""
    handler = _handlers.get(kind)
    return handler.title if handler else kind
