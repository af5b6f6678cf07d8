"""The one root of errors that a person can act on. Each app names its own where it raises them."""

from collections.abc import Callable

Listener = Callable[["DomainError"], None]
_listeners: list[Listener] = []


def tell_of_refusals(listener: Listener) -> None:
    """Have ``listener`` told of each refusal that reaches a door; see ``note_refusal``."""
    if listener not in _listeners:
        _listeners.append(listener)


def note_refusal(error: "DomainError") -> None:
    """Say that ``error`` is being told to whoever asked.

    For the doors alone, where a refusal is translated: pages, the API, tasks, commands. Making an error, or catching
    one to do something else, refuses nobody. An error that passes several doors is told of once.
    """
    if not error.is_noted:
        error.is_noted = True
        for tell in _listeners:
            tell(error)


class DomainError(Exception):
    """A request that the rules refuse.

    ``str(error)`` is a full sentence for the person who asked: what is wrong and what to do.
    ``field`` names the form field it belongs to, if any; ``code`` is stable for the API.
    """

    code = "refused"
    status = 409
    is_noted = False

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidInput(DomainError):
    """Input that can never be right as given (as against a state that refuses it now)."""

    code = "invalid"
    status = 400


class KeyReused(DomainError):
    """The same Idempotency-Key came with another payload."""

    code = "idempotency_key_reused"
