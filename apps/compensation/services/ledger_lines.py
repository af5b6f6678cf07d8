"""New lines of the ledger on their way into the database, on PostgreSQL by COPY.

A payout run writes millions, so a line is a plain row here and never an object of the ORM. Both databases get the
same values in the same order.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import NamedTuple

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


def write_lines(lines: list[NewLine]) -> None:
    """Insert ``lines`` within the caller's transaction, in their order."""
    if not lines:
        return
    if connection.vendor == "postgresql":
        _copy(lines)
    else:
        LedgerEntry.objects.bulk_create(_entries(lines), batch_size=ROWS_PER_STATEMENT)


def _entries(lines: Iterable[NewLine]) -> Iterator[LedgerEntry]:
    for line in lines:
        yield LedgerEntry(**line._replace(terms=written_terms(line.terms))._asdict())  # type: ignore[arg-type]


def written_terms(terms: Terms) -> list[list[str]]:
    """Exact numbers as their field holds them."""
    return [[str(factor) for factor in term] for term in terms]


def _copy(lines: list[NewLine]) -> None:
    table, columns = LedgerEntry._meta.db_table, ", ".join(NewLine._fields)
    # A copy is the driver's own, so its errors are not yet Django's.
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
    ):
        for line in lines:
            copy.write_row((*line[:-3], *_as_json(line)))


def _as_json(line: NewLine) -> tuple[str, str, str | None]:
    parts = json.dumps(line.parts) if line.parts else "[]"
    # Digits, signs and strokes alone: nothing that would have to be escaped.
    products = '"],["'.join('","'.join(map(str, term)) for term in line.terms)
    terms = f'[["{products}"]]' if line.terms else "[]"
    return parts, terms, None if line.conversion is None else json.dumps(line.conversion)
