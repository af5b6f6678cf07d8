"""Rows of a chained table in their canonical form, as the bytes that are hashed."""

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection, transaction
from psycopg.errors import error_from_result
from psycopg.generators import fetch_many
from psycopg.pq import ExecStatus
from psycopg.waiting import WAIT_R

from apps.audit.chained import ChainedTable
from apps.audit.rules import canonical, seals

if TYPE_CHECKING:
    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGconn

LOOK_AGAIN_SECONDS = 0.05
_BLOCKS_HELD = 256


@dataclass(frozen=True)
class Stretch:
    """The rows of ``table`` with ``after < id <= last``, in the columns of ``layout``; at most ``limit``."""

    table: ChainedTable
    layout: int
    after: int
    last: int
    limit: int | None = None

    def select(self, prefix: str = "") -> str:
        """The statement that reads them by id, ``prefix`` before each column."""
        quote = connection.ops.quote_name
        columns = ", ".join(prefix + quote(column) for column in self.table.columns(self.layout))
        rows = f'{quote(self.table.name)} WHERE "id" > {int(self.after)} AND "id" <= {int(self.last)}'
        most = "" if self.limit is None else f" LIMIT {int(self.limit)}"
        return f'SELECT {columns} FROM {rows} ORDER BY "id"{most}'  # noqa: S608 - names of ours, and numbers


@dataclass(frozen=True)
class Lines:
    """The lines of a stretch behind one another, and their hash."""

    text: bytes
    hash: str

    def apart(self) -> list[bytes]:
        """A line for each row. Line ends inside a value stand escaped: each newline ends a row, nothing else does."""
        return self.text.splitlines(keepends=True)


def read_lines(
    table: ChainedTable, layout: int, *, after: int, last: int, limit: int | None = None
) -> list[bytes]:
    """The rows with ``after < id <= last``, a line each, by id; at most ``limit``."""
    return read(Stretch(table, layout, after, last, limit)).apart()


def read(stretch: Stretch) -> Lines:
    """What ``stretch`` says. PostgreSQL writes the lines itself (COPY); on SQLite they are written here."""
    if connection.vendor == "postgresql":
        return _copied(stretch.select())
    writers = stretch.table.writers(stretch.layout)
    with connection.cursor() as cursor:
        # A column behind a plus has no declared kind: the driver leaves it as it is kept.
        cursor.execute(stretch.select("+"))
        text = b"".join(canonical.line(row, writers) for row in cursor)
    return Lines(text, seals.text_hash(text))


class TwoReaders:
    """Reads two stretches at once: one here, and one over a connection of its own, so that two backends write lines.

    Within a transaction, whose rows another connection does not see, and on SQLite, one is read after the other.
    """

    def __init__(self) -> None:
        alone = connection.vendor == "sqlite" or connection.in_atomic_block
        self._beside = None if alone else ThreadPoolExecutor(1, thread_name_prefix="chained-rows")

    def __enter__(self) -> "TwoReaders":
        return self

    def __exit__(self, *_: object) -> None:
        if self._beside is not None:
            # A connection belongs to its thread, which alone may give it back.
            self._beside.submit(connection.close)
            self._beside.shutdown()

    def read(self, one: Stretch, other: Stretch | None) -> list[Lines]:
        """Both, in this order."""
        if other is None:
            return [read(one)]
        if self._beside is None:
            return [read(one), read(other)]
        beside = self._beside.submit(read, other)
        return [read(one), beside.result()]


def _copied(select: str) -> Lines:
    with transaction.atomic(), connection.cursor() as cursor:
        # How instants and days are written is a matter of the session: it is settled here.
        cursor.execute(
            "SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true),"
            " set_config('client_encoding', 'UTF8', true)"
        )
        with connection.wrap_database_errors, cursor.copy(f"COPY ({select}) TO STDOUT") as copy:
            found: Lines = copy.connection.wait(_sent(copy.connection.pgconn))
            return found


def _sent(pgconn: "PGconn") -> "PQGen[Lines]":
    """All that a COPY under way sends, hashed while the database writes on.

    Waited for as a whole: to wait for each row by itself, as reading block by block does, costs more than the row.
    """
    hashed = hashlib.sha256()
    parts: list[bytes] = []
    some: list[bytes | memoryview] = []
    get, keep = pgconn.get_copy_data, some.append
    while True:
        size, block = get(1)
        if size > 0:
            keep(block)
            continue
        if size < 0 or len(some) >= _BLOCKS_HELD:
            parts.append(b"".join(some))
            hashed.update(parts[-1])
            some.clear()
        if size < 0:
            break
        while not (yield WAIT_R):
            continue
        pgconn.consume_input()
    for result in (yield from fetch_many(pgconn)):
        if result.status != ExecStatus.COMMAND_OK:
            raise error_from_result(result)
    return Lines(b"".join(parts), hashed.hexdigest())


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
