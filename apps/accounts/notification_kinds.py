"""The kinds of notification: what each is called, and how it is told to whoever has chosen nothing.

Each app declares the kinds that it sends in a ``notification_kinds`` module of its own and registers them when
it is ready; this app sends none and knows none by name.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

_KINDS: dict[str, "Kind"] = {}


class UnknownKind(LookupError):
    """A notification of a kind that no app has declared: a fault of the sender, not of a person."""


@dataclass(frozen=True)
class Way:
    """How somebody hears of a kind. ``mail`` is a value of ``NotificationPreference.Mail``."""

    in_portal: bool
    mail: str


@dataclass(frozen=True)
class Letter:
    """A whole message in place of a line: what a kind that has more to say sends by e-mail."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Kind:
    """``label`` names it on a page, ``says`` when it is told, ``many`` follows a number ("12 promises …").

    ``letter`` makes a message of its own from a notification (``None``: there is nothing to send any more).
    """

    key: str
    label: str
    says: str
    many: str
    usual: Way
    icon: str = "bell"
    letter: Callable[[Any], Letter | None] | None = None

    def counted(self, count: int) -> str:
        """One line in place of ``count`` notifications."""
        return f"{count:,} {self.many}"


def register(kinds: Iterable[Kind]) -> None:
    """Declare kinds. The same again is taken; another one under a key that is taken is refused."""
    for kind in kinds:
        if _KINDS.setdefault(kind.key, kind) != kind:
            raise ValueError(f"Two kinds of notification are called {kind.key}.")


def every_kind() -> list[Kind]:
    """All kinds, by label."""
    return sorted(_KINDS.values(), key=lambda kind: kind.label)


def kind_called(key: str) -> Kind:
    """The kind under ``key``. Raises ``UnknownKind``."""
    try:
        return _KINDS[key]
    except KeyError:
        raise UnknownKind(key) from None


def shown_kind(key: str) -> Kind:
    """The same for what was told before: of a kind that is no longer declared there are plain words."""
    return _KINDS.get(key) or Kind(key, "Other", "", "other notifications", Way(True, "never"))
