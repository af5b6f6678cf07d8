"""Lines of pay: what one source earned in a component, its arithmetic, and the lines that follow from others.

Those that follow are cap and floor of a period, what is held back and released, and the shares of a pool. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

from apps.compensation.rules import words
from apps.compensation.rules.events import CreditedEvent
from apps.compensation.rules.terms import ONE, Component, Holdback
from apps.core.money import allocate, round_half_up

Terms = tuple[tuple[Fraction, ...], ...]
"""A sum of products: the line before rounding, in minor units."""


# Lines and their parts are not frozen, though nobody changes one: a run makes millions of them, and a frozen one
# takes three times as long to make.
@dataclass(slots=True)
class LinePart:
    """The part of a line that lies in one band; parts sum to the line, by largest remainder."""

    band: str
    base: Fraction
    rate: str
    amount_minor: int


@dataclass(slots=True)
class Line:
    """What one source earned in one component, before anything that was paid for it earlier.

    The source is mostly an event; cap, floor, target and draw are of the period and have none. ``base`` is a
    count, or minor units of ``currency``; ``exact`` is the pay in minor units before rounding; ``place`` is the
    event's number in the component (1 is the first of the period).
    """

    component: Component | None
    event: CreditedEvent | None
    currency: str
    base: Fraction
    place: int
    parts: tuple[LinePart, ...]
    exact: Fraction
    amount_minor: int
    formula: str
    terms: Terms = ()
    kind: str = "earning"
    source: str = ""
    key: str = ""
    name: str = ""
    conversion: dict[str, Any] | None = None

    @property
    def converted(self) -> dict[str, Any] | None:
        """What its event, or its own pair, was converted with, as the ledger keeps it."""
        if self.conversion is None and self.event is not None and self.event.conversion is not None:
            return self.event.conversion.kept(self.event.amount_minor or 0)
        return self.conversion

    @property
    def band(self) -> str:
        return self.parts[0].band if len(self.parts) == 1 else ", ".join(part.band for part in self.parts)

    @property
    def rate(self) -> str:
        return self.parts[0].rate if len(self.parts) == 1 else ", ".join(part.rate for part in self.parts)

    @property
    def component_key(self) -> str:
        return self.key or (self.component.key if self.component else "")

    @property
    def component_name(self) -> str:
        return self.name or (self.component.name if self.component else "")

    @property
    def source_key(self) -> str:
        return self.source or (self.event.source_key if self.event else "")


class Source(NamedTuple):
    """What a line is for. The plan version is no part of it, or another version would pay again."""

    rep_id: int
    component_key: str
    key: str
    currency: str

    @classmethod
    def of(cls, rep_id: int, line: Line) -> "Source":
        return cls(rep_id, line.component_key, line.source_key, line.currency)


def of_period(
    component: Component | None,
    currency: str,
    source: str,
    formula: str,
    terms: Terms,
    kind: str = "earning",
    event: CreditedEvent | None = None,
) -> Line:
    """A line that lies in no band; its amount is the sum of ``terms``, rounded once."""
    exact = evaluate(terms)
    amount = round_half_up(exact)
    said = words.result(formula, exact, amount, currency)
    return Line(component, event, currency, Fraction(0), 0, (), exact, amount, said, terms, kind, source)


def evaluate(terms: Terms) -> Fraction:
    """The sum of the products."""
    total = Fraction(0)
    for term in terms:
        product = ONE
        for factor in term:
            product *= factor
        total += product
    return total


def _one(value: int) -> tuple[Fraction, ...]:
    return (Fraction(value),)


def limit_lines(
    component: Component, lines: Iterable[Line], currency: str, days: Fraction = ONE
) -> list[Line]:
    """The line that brings a component's period down to its cap or up to its floor; none within both.

    ``days`` is the share of the period's calendar days on the plan: a floor is for the days that it covers.
    """
    paid = sum(line.amount_minor for line in lines if line.currency == currency)
    return limits_of(component, paid, currency, days)


def limits_of(component: Component, paid: int, currency: str, days: Fraction = ONE) -> list[Line]:
    """``limit_lines`` where the period's lines sum to ``paid`` minor units."""
    if component.cap_minor is not None and paid > component.cap_minor:
        cap, earned = words.money(component.cap_minor, currency), words.money(paid, currency)
        terms = (_one(component.cap_minor), _one(-paid))
        return [of_period(component, currency, "cap", f"cap {cap} − earned {earned}", terms)]
    if component.floor_minor is None:
        return []
    floor = round_half_up(component.floor_minor * days)
    if paid < floor:
        least, earned = words.money(floor, currency), words.money(paid, currency)
        return [
            of_period(
                component, currency, "floor", f"floor {least} − earned {earned}", (_one(floor), _one(-paid))
            )
        ]
    return []


def since_before(now: Sequence[Line], before: Sequence[Line]) -> list[Line]:
    """Lines of the period to date less those of its earlier part: what falls on the rest.

    So the parts of a year sum to the year, whatever was capped, lifted or reached on the way.
    """
    earlier = {line.source_key: line for line in before}
    found = []
    for line in now:
        old = earlier.pop(line.source_key, None)
        if old is None:
            found.append(line)
        elif old.amount_minor != line.amount_minor:
            found.append(_less(line, old))
    return found + [_less(replace(line, amount_minor=0, parts=()), line) for line in earlier.values()]


def _less(line: Line, old: Line) -> Line:
    to_date, paid = (
        words.money(line.amount_minor, line.currency),
        words.money(old.amount_minor, line.currency),
    )
    terms = (_one(line.amount_minor), _one(-old.amount_minor))
    rest = of_period(
        line.component,
        line.currency,
        line.source_key,
        f"to date {to_date} − of earlier periods {paid}",
        terms,
    )
    return replace(rest, base=line.base, place=line.place, parts=line.parts)


def within_budget(line: Line, granted_minor: int, budget_minor: int) -> Line:
    """A SPIFF's line, cut to what its budget leaves."""
    if granted_minor == line.amount_minor:
        return line
    budget = words.money(budget_minor, line.currency)
    cut = of_period(
        line.component, line.currency, line.source, f"left of the budget {_money(line, granted_minor)}",
        (_one(granted_minor),), line.kind, line.event,
    )  # fmt: skip
    said = f"{cut.formula}; the budget is {budget}, and without it {line.formula}"
    parts = tuple(
        replace(part, amount_minor=minor)
        for part, minor in zip(line.parts, _over(granted_minor, line.parts), strict=True)
    )
    return replace(cut, base=line.base, place=line.place, parts=parts, formula=said)


def _money(line: Line, minor: int) -> str:
    return words.money(minor, line.currency)


# --- Holdback -------------------------------------------------------------------------------------


def held_lines(holdback: Holdback, lines: Iterable[Line]) -> list[Line]:
    """What is held back of each line, as a line of its own, so that both can be seen."""
    found = []
    for line in lines:
        if line.event is None or line.amount_minor == 0:
            continue
        whole = words.money(line.amount_minor, line.currency)
        formula = f"− ({whole}) × {words.credit(holdback.share)} held back"
        terms = ((Fraction(-line.amount_minor), holdback.share),)
        source = f"holdback:{line.source_key}"
        found.append(of_period(line.component, line.currency, source, formula, terms, "holdback", line.event))
    return found


def release_line(
    component: Component, held_minor: int, place: int, event: CreditedEvent, currency: str, why: str
) -> Line:
    """The ``place``-th release of what was held back for ``event``: its share by largest remainder."""
    assert component.holdback is not None
    releases = component.holdback.releases
    parts = allocate(held_minor, [one.share for one in releases])
    held = words.money(held_minor, currency)
    share = words.credit(releases[place].share)
    exact = held_minor * releases[place].share
    amount = parts[place]
    formula = words.result(f"held {held} × {share}", exact, amount, currency) + f"; {why}"
    source = f"release:{place + 1}:{event.source_key}"
    terms = ((Fraction(held_minor), releases[place].share),)
    return Line(
        component, event, currency, Fraction(0), 0, (), exact, amount, formula, terms, "release", source
    )


# --- Pools ----------------------------------------------------------------------------------------


def pool_lines(lines: Iterable[Line], days: Sequence[int], own: int) -> list[Line]:
    """A pool's lines as the ``own``-th member's share, by days on the plan and largest remainder."""
    found = []
    for line in lines:
        amount = allocate(line.amount_minor, days)[own]
        share = Fraction(days[own], sum(days))
        exact = line.amount_minor * share
        whole = words.money(line.amount_minor, line.currency)
        part = words.money(amount, line.currency)
        formula = words.result(
            f"{whole} × {days[own]} ÷ {sum(days)} days of all on the plan", exact, amount, line.currency
        )
        parts = tuple(
            replace(one, amount_minor=minor)
            for one, minor in zip(line.parts, _over(amount, line.parts), strict=True)
        )
        found.append(
            replace(
                line,
                exact=exact,
                amount_minor=amount,
                parts=parts,
                formula=f"{formula}; {part} by largest remainder; the pool’s {line.formula}",
                terms=((Fraction(line.amount_minor), share),),
            )
        )
    return found


def _over(amount: int, parts: Sequence[LinePart]) -> list[int]:
    weights = [abs(part.amount_minor) for part in parts]
    if len(parts) == 1 or not any(weights):
        return [amount, *([0] * (len(parts) - 1))] if parts else []
    return allocate(amount, weights)
