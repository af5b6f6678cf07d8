"""Pay with and without something: what is the same, what is new, what moves. Pure.

A period's pay is lines of its own and corrections of closed periods. Here both are compared source by source,
and summed by what they are, each currency for itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from apps.compensation.rules import words
from apps.compensation.rules.lines import Line
from apps.core.periods import Period


class Part(StrEnum):
    """What a sum of pay is made of, in the order in which it is read."""

    EARNED = "earned"
    HELD_BACK = "held_back"
    RELEASED = "released"
    DRAW = "draw"
    CORRECTED = "corrected"
    """Of closed periods: late and reversed events, and what is trued up."""

    CONVERTED = "converted"
    """Out of one currency and into the one that the rep is paid in."""


_PARTS = {
    "holdback": Part.HELD_BACK,
    "release": Part.RELEASED,
    "draw_advance": Part.DRAW,
    "draw_recovery": Part.DRAW,
    "draw_forgiveness": Part.DRAW,
    "conversion": Part.CONVERTED,
}


@dataclass(frozen=True, slots=True)
class PaidLine:
    """A line that a period pays: ``amount_minor`` of ``period``, which is an older one for a correction.

    ``line`` is ``None`` when what was posted is earned no more.
    """

    period: Period
    component_key: str
    component_name: str
    source_key: str
    currency: str
    amount_minor: int
    formula: str
    line: Line | None
    is_correction: bool = False

    @property
    def key(self) -> tuple[Period, str, str, str]:
        return (self.period, self.component_key, self.source_key, self.currency)

    @property
    def part(self) -> Part:
        if self.is_correction:
            return Part.CORRECTED
        return _PARTS.get(self.line.kind, Part.EARNED) if self.line else Part.EARNED


def of_own(period: Period, line: Line) -> PaidLine:
    """A line of the period itself."""
    return PaidLine(
        period,
        line.component_key,
        line.component_name,
        line.source_key,
        line.currency,
        line.amount_minor,
        line.formula,
        line,
    )


def correction(
    period: Period, key: tuple[str, str, str], name: str, line: Line | None, posted_minor: int
) -> PaidLine:
    """What a closed ``period`` is corrected by, in the words of the ledger."""
    component_key, source_key, currency = key
    now_minor = line.amount_minor if line else 0
    now = line.formula if line else words.money(0, currency)
    change = now_minor - posted_minor
    formula = (
        f"Now {now}; posted before {words.money(posted_minor, currency)}; "
        f"difference {words.money(change, currency)}"
        if posted_minor
        else now
    )
    return PaidLine(period, component_key, name, source_key, currency, change, formula, line, True)


@dataclass(frozen=True, slots=True)
class Moved:
    """A line with and without: ``before`` is ``None`` for a new one, ``after`` for one that goes."""

    before: PaidLine | None
    after: PaidLine | None

    @property
    def shown(self) -> PaidLine:
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def before_minor(self) -> int:
        return self.before.amount_minor if self.before else 0

    @property
    def after_minor(self) -> int:
        return self.after.amount_minor if self.after else 0

    @property
    def change_minor(self) -> int:
        return self.after_minor - self.before_minor


def moved(before: Iterable[PaidLine], after: Iterable[PaidLine]) -> list[Moved]:
    """What differs, in the order of ``after``, then what goes. A new line of nothing is among them."""
    old = {one.key: one for one in before}
    found = []
    for one in after:
        was = old.pop(one.key, None)
        if was is None or was.amount_minor != one.amount_minor:
            found.append(Moved(was, one))
    return found + [Moved(one, None) for one in old.values() if one.amount_minor]


Sums = dict[str, dict[Part, int]]
"""By currency and part, in minor units."""


def sums(lines: Iterable[PaidLine]) -> Sums:
    """What lines come to, each currency for itself."""
    found: Sums = defaultdict(lambda: defaultdict(int))
    for one in lines:
        found[one.currency][one.part] += one.amount_minor
    return {currency: dict(parts) for currency, parts in found.items()}


def total(parts: Mapping[Part, int]) -> int:
    """What one currency's parts pay together."""
    return sum(parts.values())
