"""Rows of a chained table in their canonical form, as the bytes that are hashed."""

import time

from django.db import connection, transaction

from apps.audit.chained import ChainedTable
from apps.audit.rules import canonical

LOOK_AGAIN_SECONDS = 0.05


def read_lines(
    table: ChainedTable, layout: int, *, after: int, last: int, limit: int | None = None
) -> list[bytes]:
    """The rows with ``after < id <= last``, a line each, by id; at most ``limit``.

    PostgreSQL writes the lines itself (COPY); on SQLite they are written here.
    """
    quote = connection.ops.quote_name
    columns = [quote(column) for column in table.columns(layout)]
    where = f'FROM {quote(table.name)} WHERE "id" > {int(after)} AND "id" <= {int(last)} ORDER BY "id"'
    if limit is not None:
        where += f" LIMIT {int(limit)}"
    if connection.vendor == "postgresql":
        return _copied(f"SELECT {', '.join(columns)} {where}")
    writers = table.writers(layout)
    # A column behind a plus has no declared kind: the driver leaves it as it is kept.
    selected = ", ".join(f"+{column}" for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {selected} {where}")
        return [canonical.line(row, writers) for row in cursor.fetchall()]


def _copied(select: str) -> list[bytes]:
    with transaction.atomic(), connection.cursor() as cursor:
        # How instants and days are written is a matter of the session: it is settled here.
        cursor.execute(
            "SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true),"
            " set_config('client_encoding', 'UTF8', true)"
        )
        with connection.wrap_database_errors, cursor.copy(f"COPY ({select}) TO STDOUT") as copy:
            blob = b"".join(copy)
    # A line end inside a value stands escaped, of whatever kind: each newline ends a row, and nothing else does.
    return blob.splitlines(keepends=True)


def last_settled(table: ChainedTable, *, patience: float) -> int | None:
    """The highest id such that no row with a lower one can still appear; ``None`` when that cannot be said now.

    On PostgreSQL ids are handed out before rows are committed. Whoever took one holds a lock on the table's sequence
    until the transaction ends: those that hold it now are waited for, ``patience`` seconds at most. On SQLite one
    writes at a time.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT max(id) FROM {connection.ops.quote_name(table.name)}")  # noqa: S608
        highest: int = cursor.fetchone()[0] or 0
    if connection.vendor == "sqlite" or not highest:
        return highest
    waiting = _taking_ids(table)
    until = time.monotonic() + patience
    while waiting:
        if time.monotonic() >= until:
            return None
        time.sleep(LOOK_AGAIN_SECONDS)
        waiting &= _taking_ids(table)
    return highest


def _taking_ids(table: ChainedTable) -> set[str]:
    """The transactions, other than this one, that took an id of ``table`` and are not over."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT virtualtransaction FROM pg_locks"
            " WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND pid <> pg_backend_pid()"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND relation = pg_get_serial_sequence(%s, 'id')::regclass",
            [connection.ops.quote_name(table.name)],
        )
        return {name for (name,) in cursor.fetchall()}
