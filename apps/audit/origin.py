"""Where the current act comes from: an address while a request runs, else a command or schedule."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

_origin: ContextVar[str] = ContextVar("audit_origin", default="process")


def current_origin() -> str:
    return _origin.get()


@contextmanager
def acting_from(origin: str) -> Iterator[None]:
    """Name the origin of what happens inside, such as ``command:import_data``."""
    token = _origin.set(origin[:64])
    try:
        yield
    finally:
        _origin.reset(token)


class OriginMiddleware:
    """Each request's acts are recorded with the address that it came from."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with acting_from(request.META.get("REMOTE_ADDR", "request")):
            return self.get_response(request)
