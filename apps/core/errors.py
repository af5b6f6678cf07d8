"""The one root of errors that a person can act on. Each app names its own where it raises them."""

from collections.abc import Callable

Listener = Callable[["DomainError"], None]
_listeners: list[Listener] = []


def tell_of_refusals(listener: Listener) -> None:
    """Have ``listener`` told of each refusal as it is made: before the transaction that it ends is undone."""
    if listener not in _listeners:
        _listeners.append(listener)


class DomainError(Exception):
    """A request that the rules refuse.

    ``str(error)`` is a full sentence for the person who asked: what is wrong and what to do.
    ``field`` names the form field it belongs to, if any; ``code`` is stable for the API.
    """

    code = "refused"
    status = 409

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        for tell in _listeners:
            tell(self)


class InvalidInput(DomainError):
    """Input that can never be right as given (as against a state that refuses it now)."""

    code = "invalid"
    status = 400


class KeyReused(DomainError):
    """The same Idempotency-Key came with another payload."""

    code = "idempotency_key_reused"
