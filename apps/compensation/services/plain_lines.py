"""Lines of plain pay, made and inserted by one statement of PostgreSQL: credits x bands, in exact integers.

``rules.plain`` gives each rep's bands, and ``rules.earn`` the words around the figures. The statement writes what lies
in one band; it returns the few credits that do not, for the engine to make their lines. What it writes is, column by
column, what ``services.postings`` would. ``Places`` says where each line stands, so that lines of both kinds are in the
order of the record.
"""

from collections.abc import Sequence
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
        return cls(first, plain.seen(component)[0], limited, component.holdback is not None)

    @property
    def limit(self) -> int:
        return self.first + self.credits

    @property
    def held(self) -> int:
        return self.limit + self.is_limited

    @property
    def end(self) -> int:
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


@dataclass
class PlainLines:
    """What is to be written for some reps of a run: where their lines go, and by which tables."""

    period: Period
    run_id: int
    as_of: datetime
    statements: dict[int, int]
    components: list[PlainComponent]
    places: dict[tuple[int, str], Places]
    numbers: list[int]

    def write(self) -> list[Left] | None:
        """Insert the lines and return what is left; ``None``, and no line, where credits are others than were seen."""
        if not self.components:
            return []
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, self._parameters())
            rows = cursor.fetchall()
        return None if rows[0][0] else [Left(*row[1:]) for row in rows if row[1] is not None]

    def _parameters(self) -> dict[str, Any]:
        start, end = self.period.bounds(settings.COMPANY_TIME_ZONE)
        found: dict[str, Any] = {
            "start": start, "end": end, "as_of": self.as_of, "run": self.run_id, "zone": settings.COMPANY_TIME_ZONE,
            "starts_on": self.period.start, "ends_on": self.period.end,
            "rep_ids": sorted({one.plain.rep_id for one in self.components}), "ids": _array(self.numbers),
        }  # fmt: skip
        for prefix, names, rows in (
            ("m", _COMPONENT, map(self._component, self.components)),
            ("c", _CELL, (row for one in self.components for row in _cells(one))),
        ):
            columns = list(zip(*rows, strict=True))
            found |= {f"{prefix}_{name}": list(column) for name, column in zip(names, columns, strict=True)}
        return found

    def _component(self, one: PlainComponent) -> tuple[Any, ...]:
        component, segment, table = one.component, one.plain.segment, one.table
        held = table.held or _NOTHING_HELD
        places = self.places[segment.rep_id, component.key]
        return (
            one.number, segment.rep_id, self.statements[segment.rep_id], segment.version_id, component.key,
            component.name, component.measure.event, component.measure.capacity, component.measure.sums_amounts,
            table.by_amount, _array(table.starts), _array(table.ends), segment.plan.currency,
            money(0, segment.plan.currency).removesuffix("0.00"), held.numerator, held.denominator,
            _shift(held.denominator, held.places), held.places, 10**held.places, held.text, held.term,
            *one.plain.seen(component), places.first, places.held,
        )  # fmt: skip


_NOTHING_HELD = Held(0, 1, 2, "", "")
_COMPONENT = {
    "number": "int", "rep_id": "bigint", "statement_id": "bigint", "version_id": "bigint", "key": "text",
    "name": "text", "kind": "text", "capacity": "text", "sums": "boolean", "by_amount": "boolean", "starts": "text",
    "ends": "text", "currency": "text", "symbol": "text", "held_n": "bigint", "held_d": "bigint",
    "held_shift": "bigint", "held_places": "int", "held_power": "bigint", "held_text": "text", "held_term": "text",
    "credits": "bigint", "numbers": "numeric", "first": "int", "held_first": "int",
}  # fmt: skip
_CELL = {
    "number": "int", "at": "int", "share": "int", "n": "bigint", "d": "bigint", "shift": "bigint", "places": "int",
    "power": "bigint", "before": "text", "after": "text", "remark": "text", "terms": "text", "band": "text",
    "rate": "text",
}  # fmt: skip


def _cells(one: PlainComponent) -> list[tuple[Any, ...]]:
    return [
        (
            one.number, cell.band_at, cell.share, cell.numerator, cell.denominator,
            _shift(cell.denominator, cell.places), cell.places, 10**cell.places, cell.before, cell.after, cell.remark,
            cell.terms, cell.band, cell.rate,
        )
        for cell in one.table.cells
    ]  # fmt: skip


def _shift(denominator: int, places: int) -> int:
    """What turns a numerator over ``denominator`` minor units into whole parts of a major unit's last place."""
    whole, rest = divmod(10**places, denominator * 100)
    assert rest == 0, "so many places write it"
    return whole


def _array(numbers: Sequence[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"


# --- The statement --------------------------------------------------------------------------------


def _digits(value: str, places: str, power: str) -> str:
    """A number of ``power`` parts a whole, not below zero: thousands parted, two decimals at least, no zeros after."""
    head, rest = f"({value} / {power})", f"lpad(({value} %% {power})::text, {places}, '0')"
    said = (
        f"CASE WHEN {head} < 1000 THEN {head}::text ELSE to_char({head}, 'FM9,999,999,999,999,999,999') END"
    )
    if places == "2":
        return f"{said} || '.' || {rest}"
    return f"{said} || '.' || left({rest}, 2) || rtrim(substr({rest}, 3), '0')"


def _signed(value: str, digits: str) -> str:
    return f"CASE WHEN {value} < 0 THEN '− ' ELSE '' END || symbol || {digits}"


def _money(value: str) -> str:
    """As ``core.money.in_words`` says minor units of which a hundred make a whole."""
    return _signed(value, _digits(f"abs({value})", "2", "100"))


def _exactly(value: str, of: str) -> str:
    """As ``rules.words.money`` says a fraction of a minor unit."""
    return _signed(value, _digits(f"(abs({value}) * {of}shift)", f"{of}places", f"{of}power"))


def _rounded(value: str, denominator: str) -> str:
    """Half up, away from zero: ``core.money.round_half_up`` in integers."""
    return f"sign({value})::bigint * ((2 * abs({value}) + {denominator}) / (2 * {denominator}))"


def _fraction(value: str, denominator: str) -> str:
    """As Python writes a fraction in lowest terms."""
    common = f"gcd({value}, {denominator})"
    return (
        f"({value} / {common})::text || CASE WHEN {denominator} = {common} THEN '' "
        f"ELSE '/' || ({denominator} / {common})::text END"
    )


def _unnested(prefix: str, columns: dict[str, str]) -> str:
    arrays = ", ".join(f"%({prefix}_{name})s::{kind}[]" for name, kind in columns.items())
    return f"SELECT * FROM unnest({arrays}) AS one({', '.join(columns)})"  # noqa: S608 - names of columns alone


# Subqueries keep an OFFSET 0, or PostgreSQL would work an expression out anew wherever its name stands.
_INSERT = f"""
WITH component AS MATERIALIZED (
    SELECT one.*, one.starts::bigint[] AS edges, one.ends::bigint[] AS reach FROM ({_unnested("m", _COMPONENT)}) one
), cell AS MATERIALIZED ({_unnested("c", _CELL)}),
credited AS (
    SELECT m.number, m.sums, m.by_amount, m.edges, m.reach, e.id AS event_id, e.occurred_at, e.amount_minor, e.currency,
           c.share, COALESCE(e.opportunity_id, e.hand_off_id) IS NOT NULL AS has_deal,
           CASE WHEN m.sums THEN COALESCE(e.amount_minor, 0) * c.share ELSE c.share END AS base
    FROM leads_eventcredit c JOIN leads_funnelevent e ON e.id = c.event_id
    JOIN component m ON m.rep_id = c.rep_id AND m.kind = e.kind AND m.capacity = c.capacity
    WHERE c.rep_id = ANY(%(rep_ids)s) AND e.occurred_at >= %(start)s AND e.occurred_at < %(end)s
      AND e.recorded_at <= %(as_of)s
      AND NOT EXISTS (SELECT 1 FROM leads_funnelevent r WHERE r.reverses_id = e.id AND r.recorded_at <= %(as_of)s)
), running AS (
    SELECT *, (row_number() OVER so_far)::int AS place, (SUM(base) OVER so_far)::bigint - base AS before
    FROM credited
    WINDOW so_far AS (PARTITION BY number ORDER BY occurred_at, event_id ROWS UNBOUNDED PRECEDING)
), placed AS (
    SELECT *, CASE WHEN by_amount THEN width_bucket(COALESCE(amount_minor, 0), edges)
                   ELSE width_bucket(LEAST(before, before + base), edges) END AS at
    FROM running
), weighed AS MATERIALIZED (
    SELECT p.number, p.event_id, p.occurred_at, p.share, p.amount_minor, p.currency, p.before, p.base, p.place,
           p.has_deal, c.at, c.n * CASE WHEN p.sums THEN p.amount_minor ELSE 1 END AS n, c.d
    FROM placed p LEFT JOIN cell c ON c.number = p.number AND c.share = p.share AND c.at = p.at
         AND (p.at >= cardinality(p.reach) OR GREATEST(p.before, p.before + p.base) <= p.reach[p.at + 1])
         AND (p.amount_minor IS NOT NULL OR NOT p.sums)
), moved AS MATERIALIZED (
    SELECT EXISTS (
        SELECT FROM component m
        LEFT JOIN (SELECT number, count(*) AS credits, sum(event_id) AS numbers FROM weighed GROUP BY number) w
            ON w.number = m.number
        WHERE (w.credits, w.numbers) IS DISTINCT FROM (m.credits, m.numbers)
    ) AS has_moved
), reserved AS MATERIALIZED (SELECT %(ids)s::bigint[] AS ids
), amounts AS (
    SELECT w.*, {_rounded("n", "d")} AS amount FROM weighed w WHERE at IS NOT NULL OFFSET 0
), held AS (
    SELECT *, {_rounded("held", "held_d")} AS held_amount FROM (
        SELECT a.event_id, a.occurred_at, a.share, a.amount_minor, a.currency AS own_currency, a.place, a.has_deal,
               a.amount, -a.amount * m.held_n AS held, m.*
        FROM amounts a JOIN component m ON m.number = a.number WHERE m.held_term <> '' AND a.amount <> 0 OFFSET 0
    ) one OFFSET 0
), line AS (
    SELECT m.rep_id, m.statement_id, m.version_id, m.key, m.name, 'earning' AS kind, a.event_id,
           'event:' || a.event_id AS source, a.amount, m.currency,
           CASE WHEN m.sums THEN a.amount_minor END AS base_minor, a.share, a.place, c.band, c.rate,
           {_fraction("a.n", "a.d")} AS exact,
           c.before || CASE WHEN m.sums THEN {_money("a.amount_minor")} ELSE '' END || c.after || ' = '
             || {_exactly("a.n", "c.")}
             || CASE WHEN a.amount * a.d = a.n THEN '' ELSE ', rounded to ' || {_money("a.amount")} END
             || c.remark AS formula,
           '[["' || CASE WHEN m.sums THEN a.amount_minor || '","' ELSE '' END || c.terms || '"]]' AS terms,
           m.first + a.place AS turn
    FROM amounts a JOIN component m ON m.number = a.number
    JOIN cell c ON c.number = a.number AND c.share = a.share AND c.at = a.at
    UNION ALL
    SELECT rep_id, statement_id, version_id, key, name, 'holdback', event_id, 'holdback:event:' || event_id,
           held_amount, currency, NULL, 0, NULL, '', '', {_fraction("held", "held_d")},
           '− (' || {_money("amount")} || ') × ' || held_text || ' held back = '
             || {_exactly("held", "held_")}
             || CASE WHEN held_amount * held_d = held THEN '' ELSE ', rounded to ' || {_money("held_amount")} END,
           '[["' || -amount || '","' || held_term || '"]]', held_first + place
    FROM held
), written AS (
    INSERT INTO compensation_ledgerentry (
        run_id, statement_id, rep_id, plan_version_id, component_key, component_name, kind, event_id, source_key,
        sequence, starts_on, ends_on, amount_minor, earned_minor, currency, base_minor, share, place, band, rate, exact,
        formula, cause, cause_event_id, posted_at, parts, terms, conversion, id)
    SELECT %(run)s, statement_id, rep_id, version_id, key, name, kind, event_id, source, 1, %(starts_on)s, %(ends_on)s,
           amount, amount, currency, base_minor, share, place, band, rate, exact, formula, '', NULL, %(as_of)s, '[]',
           terms::jsonb, NULL, (SELECT ids FROM reserved)[turn]
    FROM line WHERE NOT (SELECT has_moved FROM moved) ORDER BY turn
), left_over AS (
    SELECT number, event_id, (occurred_at AT TIME ZONE %(zone)s)::date, share, amount_minor, currency, before,
           base, place, NULL::bigint
    FROM weighed WHERE at IS NULL
    UNION ALL
    SELECT number, event_id, (occurred_at AT TIME ZONE %(zone)s)::date, share, amount_minor, own_currency, 0, 0, place,
           held_amount
    FROM held WHERE has_deal
)
SELECT moved.has_moved, l.* FROM moved LEFT JOIN left_over l ON true ORDER BY l.number, l.place
"""  # noqa: S608 - made of constants alone
