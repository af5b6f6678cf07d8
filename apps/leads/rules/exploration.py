"""How many bets outside the ideal customer profile a rep may hand off in a quarter (PRODUCT section 3)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

MOST = 1_000


@dataclass(frozen=True)
class Agreed:
    """A budget that was set: for ``rep_id`` or (``None``) for everybody, from the first day of a quarter on."""

    rep_id: int | None
    from_on: date
    per_quarter: int


@dataclass(frozen=True)
class Budget:
    """Of one rep and quarter. ``per_quarter`` is ``None`` where nothing was agreed: then nothing is refused."""

    per_quarter: int | None
    used: int

    @property
    def left(self) -> int | None:
        return None if self.per_quarter is None else max(0, self.per_quarter - self.used)

    @property
    def is_spent(self) -> bool:
        return self.left == 0

    @property
    def words(self) -> str:
        """``2 of 6 used``, or how many where there is no limit."""
        return (
            f"{self.used} used, no limit"
            if self.per_quarter is None
            else f"{self.used} of {self.per_quarter} used"
        )


def in_force(agreed: Iterable[Agreed], *, rep_id: int, day: date) -> Agreed | None:
    """What holds for a rep on a day: the rep's own before everybody's, of several the latest that has begun."""
    begun = [one for one in agreed if one.from_on <= day and one.rep_id in (rep_id, None)]
    return max(begun, key=lambda one: (one.rep_id is not None, one.from_on), default=None)
