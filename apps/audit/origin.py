"""Where the current act comes from: an address while a request runs, else a command, job or schedule.

A scope also keeps what was refused within it. An act that is refused is undone with its transaction, and an entry
written in it would be too: so entries of refusals are written when the outermost scope ends (``apps.audit.refused``).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest, HttpResponse

from apps.core.errors import DomainError, note_refusal

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")

_origin: ContextVar[str] = ContextVar("audit_origin", default="process")
_refusals: ContextVar[list[Any] | None] = ContextVar("audit_refusals", default=None)


def current_origin() -> str:
    return _origin.get()


def refusals_here() -> list[Any] | None:
    """What was refused within the present scope and is not written yet; ``None`` outside of any."""
    return _refusals.get()


@contextmanager
def acting_from(origin: str, who: Callable[[], Any] | None = None) -> Iterator[None]:
    """Name the origin of what happens inside, such as ``command:import_data``; ``who`` tells who acts.

    A refusal that leaves the scope is on its way to whoever asked, and is noted.
    """
    named = _origin.set(origin[:64])
    noted: list[Any] | None = [] if _refusals.get() is None else None
    kept = _refusals.set(noted) if noted is not None else None
    try:
        yield
    except DomainError as error:
        note_refusal(error)
        raise
    finally:
        if noted is not None and kept is not None:
            _refusals.reset(kept)
            if noted:
                from apps.audit.refused import write

                write(noted, who() if who else None)
        _origin.reset(named)


class OriginMiddleware:
    """Each request's acts are recorded with the address that it came from, and what was refused in it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        from apps.audit.refused import forget, note_denial, note_file

        with acting_from(request.META.get("REMOTE_ADDR", "request"), lambda: request.user):
            response = self.get_response(request)
            if request.method in SAFE:
                # Whether somebody may is asked on every page; only who tries is refused.
                forget()
                if response.status_code == 200 and _is_file(response):
                    note_file(request)
            if response.status_code == 403:
                note_denial(request)
            return response


def _is_file(response: HttpResponse) -> bool:
    disposition = response.headers.get("Content-Disposition", "")
    return disposition.startswith("attachment") or response.headers.get("Content-Type", "").startswith(
        "text/calendar"
    )
