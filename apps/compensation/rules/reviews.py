"""What stands of the verdicts on a person's pay: of each side the newest one on the pay as it is now. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

FINANCE, MANAGER = "finance", "manager"
APPROVED, SENT_BACK = "approved", "sent_back"


class Verdict(Protocol):
    """One verdict; ``models.PayReview`` is one. ``pk`` grows with time."""

    pk: Any
    side: Any
    verdict: Any
    digest: Any


V = TypeVar("V", bound=Verdict)


@dataclass(frozen=True)
class Standing(Generic[V]):
    """``finance`` and ``manager``: the verdict that stands. ``outdated``: approved, and the pay changed since."""

    finance: V | None = None
    manager: V | None = None
    outdated: V | None = None

    @property
    def sent_back(self) -> V | None:
        """The verdict that sends the pay back, unless finance approved it after the manager spoke."""
        if self.finance is not None and self.finance.verdict == SENT_BACK:
            return self.finance
        if self.manager is None or self.manager.verdict != SENT_BACK:
            return None
        overruled = self.finance is not None and self.finance.pk > self.manager.pk
        return None if overruled else self.manager


def standing(verdicts: Iterable[V], digest: str) -> Standing[V]:
    """What stands of ``verdicts``, oldest first, on pay whose digest is ``digest`` now."""
    newest: dict[str, V] = {}
    outdated: V | None = None
    for one in verdicts:
        if one.digest == digest:
            newest[one.side] = one
        elif one.side == FINANCE:
            outdated = one if one.verdict == APPROVED else None
    return Standing(newest.get(FINANCE), newest.get(MANAGER), None if FINANCE in newest else outdated)
