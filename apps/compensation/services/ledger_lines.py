"""New lines of the ledger on their way into the database, on PostgreSQL by COPY.

A payout run writes millions, so a line is a plain row here and never an object of the ORM. Both databases get the
same values in the same order.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection

from apps.compensation.models import LedgerEntry
from apps.compensation.rules.lines import Terms

ROWS_PER_STATEMENT = 1_000


class NewLine(NamedTuple):
    """The columns of a ``LedgerEntry``, by the names of its attributes.

    ``terms`` are the exact numbers themselves, ``parts`` and ``conversion`` what their fields hold.
    """

    run_id: int
    statement_id: int
    rep_id: int
    plan_version_id: int
    component_key: str
    component_name: str
    kind: str
    event_id: int | None
    source_key: str
    sequence: int
    starts_on: date
    ends_on: date
    amount_minor: int
    earned_minor: int
    currency: str
    base_minor: int | None
    share: int
    place: int | None
    band: str
    rate: str
    exact: str
    formula: str
    cause: str
    cause_event_id: int | None
    posted_at: datetime
    parts: list[list[str | int]]
    terms: Terms
    conversion: dict[str, str | int] | None


def take_numbers(count: int) -> list[int]:
    """``count`` numbers of lines that are to be written within the caller's transaction, ascending; PostgreSQL.

    Lines that are made in another order than they stand in are so put in their places. Others may take numbers in
    between; those that get no line are left out for good, as after a transaction that was undone.
    """
    if not count:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERS, [LedgerEntry._meta.db_table, count])
        return cursor.fetchone()[0]


_NUMBERS = """
SELECT array_agg(nextval(sequence)) FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS sequence OFFSET 0) one,
       generate_series(1, %s)
"""


def write_lines(lines: list[NewLine], *, numbers: list[int] | None = None) -> None:
    """Insert ``lines`` within the caller's transaction, in their order, or under ``numbers`` taken for them."""
    if not lines:
        return
    if connection.vendor == "postgresql":
        _copy(lines, numbers)
    else:
        assert numbers is None, "numbers are taken on PostgreSQL alone"
        LedgerEntry.objects.bulk_create(_entries(lines), batch_size=ROWS_PER_STATEMENT)


def _entries(lines: Iterable[NewLine]) -> Iterator[LedgerEntry]:
    for line in lines:
        yield LedgerEntry(**line._replace(terms=_written(line.terms))._asdict())  # type: ignore[arg-type]


def _written(terms: Terms) -> list[list[str]]:
    return [[str(factor) for factor in term] for term in terms]


def _copy(lines: list[NewLine], numbers: list[int] | None) -> None:
    table, columns = LedgerEntry._meta.db_table, ", ".join(NewLine._fields)
    rows: Iterable[tuple[Any, ...]] = ((*line[:-3], *_as_json(line)) for line in lines)
    if numbers is not None:
        columns = f"{columns}, id"
        rows = ((*row, number) for row, number in zip(rows, numbers, strict=True))
    # A copy is the driver's own, so its errors are not yet Django's.
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _as_json(line: NewLine) -> tuple[str, str, str | None]:
    parts = json.dumps(line.parts) if line.parts else "[]"
    # Digits, signs and strokes alone: nothing that would have to be escaped.
    products = '"],["'.join('","'.join(map(str, term)) for term in line.terms)
    terms = f'[["{products}"]]' if line.terms else "[]"
    return parts, terms, None if line.conversion is None else json.dumps(line.conversion)
