"""Lines of plain pay, made and inserted by PostgreSQL: credits x bands, in exact integers.

``rules.plain`` gives each rep's bands, and ``rules.earn`` the words around the figures. One statement weighs the
credits that the transaction keeps (``selectors.plain_credits``): what each pays. Of those few that do not lie in one
band the engine makes the lines. Another statement writes all of them, each where it stands (``Places``), so that lines
of both kinds are in the order of the record. What it writes is, column by column, what ``services.postings`` would.
Both statements are in ``services.plain_sql``.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from apps.compensation.rules.earn import Reckoning
from apps.compensation.rules.events import CreditedEvent
from apps.compensation.rules.plain import Held, PlainTable, plain_table, reckoning
from apps.compensation.rules.terms import Component
from apps.compensation.rules.words import money
from apps.compensation.selectors.plain_credits import Plain
from apps.compensation.services import plain_sql
from apps.compensation.services.ledger_lines import NewLine, written_terms
from apps.core.periods import Period


@dataclass(frozen=True)
class PlainComponent:
    """A component of one rep with its table and the reckoning that this came from."""

    number: int
    plain: Plain
    component: Component
    reckoning: Reckoning
    table: PlainTable


def components_of(plain: Plain, *, first: int) -> list[PlainComponent] | None:
    """The rep's components that have credits, numbered from ``first``; ``None`` where one has no table."""
    found: list[PlainComponent] = []
    for component in plain.segment.plan.components:
        if not plain.of(component):
            continue
        sums = plain.sums(component)
        quota = plain.segment.goal(component, plain.segment.days)
        one = reckoning(component, plain.segment.plan.currency, quota, sums.total)
        table = plain_table(one, sums)
        if table is None:
            return None
        found.append(PlainComponent(first + len(found), plain, component, one, table))
    return found


@dataclass(frozen=True, slots=True)
class Places:
    """Where a component's lines stand among all that are posted together, from ``first``: as the engine posts them.

    Credits in the record's order, then a cap or floor, then what is held back of each credit.
    """

    first: int
    credits: int
    is_limited: bool
    holds: bool

    @classmethod
    def of(cls, plain: Plain, component: Component, first: int) -> "Places":
        limited = component.cap_minor is not None or component.floor_minor is not None
        return cls(first, plain.credits(component), limited, component.holdback is not None)

    @property
    def limit(self) -> int:
        return self.first + self.credits

    @property
    def held(self) -> int:
        return self.limit + self.is_limited

    @property
    def end(self) -> int:
        """Where what comes next begins."""
        return self.held + (self.credits if self.holds else 0)


class Left(NamedTuple):
    """A credit without a line: the engine makes it. Or, with ``held_minor``, held pay that something may release."""

    number: int
    event_id: int
    on: date
    share: int
    amount_minor: int | None
    currency: str
    before: int
    base: int
    place: int
    held_minor: int | None

    def event(self, component: Component) -> CreditedEvent:
        measure = component.measure
        return CreditedEvent(
            self.event_id, measure.event, measure.capacity, self.share, self.amount_minor, self.currency, on=self.on
        )  # fmt: skip


class Written(NamedTuple):
    """What was written of a statement: its sum, how many lines, and their digest."""

    statement_id: int
    amount_minor: int
    lines: int
    digest: str


@dataclass
class PlainLines:
    """What is to be written for some reps of a run: where their lines go, and by which tables."""

    period: Period
    run_id: int
    as_of: datetime
    statements: dict[int, int]
    components: list[PlainComponent]
    places: dict[tuple[int, str], Places]

    def weigh(self) -> list[Left]:
        """Work out what each credit pays; returns what the engine has to make or to look at, in its order."""
        asked = _columns("m", plain_sql.WEIGHED, map(_weighed, self.components))
        asked |= _columns(
            "c", plain_sql.WEIGHED_CELL, (row[: len(plain_sql.WEIGHED_CELL)] for row in self._cells())
        )
        with connection.cursor() as cursor:
            cursor.execute(plain_sql.WEIGH, asked)
            cursor.execute(plain_sql.LEFT, {"zone": settings.COMPANY_TIME_ZONE})
            return [Left(*row) for row in cursor.fetchall()]

    def earned(self, of: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
        """What was weighed pays in these components of reps: without what is left to the engine."""
        keys = {one.number: (one.plain.rep_id, one.component.key) for one in self.components}
        numbers = [number for number, key in keys.items() if key in of]
        with connection.cursor() as cursor:
            cursor.execute(plain_sql.EARNED, {"numbers": numbers})
            return {keys[number]: int(earned or 0) for number, earned in cursor.fetchall()}

    def write(self, others: Iterable[tuple[int, NewLine]]) -> list[Written]:
        """Insert the lines, and ``others`` each where it stands; returns what each statement got."""
        asked: dict[str, Any] = {
            "run": self.run_id, "as_of": self.as_of, "starts_on": self.period.start, "ends_on": self.period.end,
            "others": json.dumps([self._other(turn, line) for turn, line in others]),
        }  # fmt: skip
        asked |= _columns("m", plain_sql.WORDED, map(self._worded, self.components))
        asked |= _columns("c", plain_sql.WORDED_CELL, ((row[0], *row[6:]) for row in self._cells()))
        with connection.cursor() as cursor:
            cursor.execute(plain_sql.WRITE, asked)
            return [Written(*row) for row in cursor.fetchall()]

    def _cells(self) -> Iterable[tuple[Any, ...]]:
        cells = ((one.number, cell) for one in self.components for cell in one.table.cells)
        for number, (of, cell) in enumerate(cells, 1):
            yield (
                number, of, cell.band_at, cell.share, cell.numerator, cell.denominator,
                _shift(cell.denominator, cell.places), cell.places, 10**cell.places, cell.before, cell.after,
                cell.remark, cell.terms, cell.band, cell.rate,
            )  # fmt: skip

    def _worded(self, one: PlainComponent) -> tuple[Any, ...]:
        component, segment = one.component, one.plain.segment
        held = one.table.held or _NOTHING_HELD
        places = self.places[segment.rep_id, component.key]
        return (
            one.number, segment.rep_id, self.statements[segment.rep_id], segment.version_id, component.key,
            component.name, component.measure.sums_amounts, segment.plan.currency,
            money(0, segment.plan.currency).removesuffix("0.00"), held.denominator,
            _shift(held.denominator, held.places), held.places, 10**held.places, held.text, held.term,
            places.first, places.held, *self._in_common(segment.rep_id, component.key, segment.plan.currency),
            f"\x1f{segment.version_id}\x1f\n",
        )  # fmt: skip

    def _in_common(self, rep_id: int, key: str, currency: str) -> tuple[str, str]:
        """What a digest says of all lines of a component, before what was credited and after the amounts."""
        return f"{rep_id}\x1f{key}\x1f{self.period.start}\x1f{self.period.end}\x1f", f"\x1f{currency}\x1f"

    def _other(self, turn: int, line: NewLine) -> dict[str, Any]:
        """A line of the engine's as an object; what the statement gives every line is left out."""
        assert (line.sequence, line.cause, line.conversion) == (1, "", None), "it is the first of its source"
        found = line._replace(terms=written_terms(line.terms))._asdict()  # type: ignore[arg-type]
        for name in _OF_ALL:
            del found[name]
        head, middle = self._in_common(line.rep_id, line.component_key, line.currency)
        tail = f"\x1f{line.plan_version_id}\x1f\n"
        return found | {"id": turn, "head": head, "middle": middle, "tail": tail}


_NOTHING_HELD = Held(0, 1, 2, "", "")
_OF_ALL = (
    "run_id", "sequence", "starts_on", "ends_on", "earned_minor", "cause", "posted_at", "conversion",
)  # fmt: skip
"""What every line gets that is written together."""


def _weighed(one: PlainComponent) -> tuple[Any, ...]:
    measure, table = one.component.measure, one.table
    held = table.held or _NOTHING_HELD
    return (
        one.number, one.plain.rep_id, measure.event, measure.capacity, measure.sums_amounts, table.by_amount,
        _array(table.starts), _array(table.ends), table.held is not None, held.numerator, held.denominator,
    )  # fmt: skip


def _columns(prefix: str, names: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> dict[str, list[Any]]:
    """The rows as an array a column, by the names that ``plain_sql`` gives them."""
    table = list(rows)
    return {f"{prefix}_{name}": [row[at] for row in table] for at, name in enumerate(names)}


def _shift(denominator: int, places: int) -> int:
    """What turns a numerator over ``denominator`` minor units into whole parts of a major unit's last place."""
    whole, rest = divmod(10**places, denominator * 100)
    assert rest == 0, "so many places write it"
    return whole


def _array(numbers: Sequence[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"
