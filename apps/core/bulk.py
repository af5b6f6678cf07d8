"""Insert or update many rows at the speed of the database.

``bulk_create`` resolves each value as an expression and, on SQLite, cuts the rows into statements of a
thousand values: most of a large import's time. Here rows go in as plain values: ``executemany`` on SQLite,
``COPY`` on PostgreSQL. Constraints and triggers hold as ever; signals are not sent, as with ``bulk_create``.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any

from django.db import connections, models, router

FEW = 5

Convert = Callable[[Any], Any]


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Insert new instances of one model and set their ids, in the order given.

    On PostgreSQL a few rows go through ``bulk_create``: its one statement is quicker than reserving ids.

    Must run inside a transaction (on SQLite its write lock is what reserves the ids). Fields that compute
    themselves on saving (``auto_now``) are not served. Raises what the database raises.
    """
    if not rows:
        return
    model = type(rows[0])
    connection = connections[router.db_for_write(model)]
    if not connection.in_atomic_block:
        raise RuntimeError("insert_rows needs a transaction around it.")
    if len(rows) < FEW and connection.vendor == "postgresql":
        model._default_manager.bulk_create(rows)
        return
    meta = model._meta
    fields = [field for field in meta.concrete_fields if not field.primary_key]
    columns = [str(field.column) for field in (meta.pk, *fields)]
    ids = _reserve(connection, model, len(rows))
    values = attrgetter(*(field.attname for field in fields))
    converts = [_convert(field, connection) for field in fields]

    def lines() -> Iterable[tuple[Any, ...]]:
        for pk, row in zip(ids, rows, strict=True):
            found = values(row) if len(fields) > 1 else (values(row),)
            yield (
                pk,
                *(
                    value if convert is None or value is None else convert(value)
                    for value, convert in zip(found, converts, strict=True)
                ),
            )

    _insert(connection, meta.db_table, columns, lines())
    for pk, row in zip(ids, rows, strict=True):
        row.pk = pk
        row._state.adding = False
        row._state.db = connection.alias


def update_rows(rows: Sequence[models.Model], fields: Sequence[str]) -> None:
    """Write ``fields`` of instances of one model whose rows are there; the caller holds the rows locked.

    One statement, run for each row: several times quicker than ``bulk_update``, which says every value
    again as a condition.
    """
    if not rows or not fields:
        return
    meta = type(rows[0])._meta
    connection = connections[router.db_for_write(type(rows[0]))]
    quoted = connection.ops.quote_name
    by_name = {field.name: field for field in meta.concrete_fields}
    written = [by_name[name] for name in fields]
    values = attrgetter(*(field.attname for field in written), meta.pk.attname)
    converts = [*(_convert(field, connection) for field in written), None]
    assignments = ", ".join(f"{quoted(str(field.column))} = %s" for field in written)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {quoted(meta.db_table)} SET {assignments} WHERE {quoted(str(meta.pk.column))} = %s",  # noqa: S608
            [
                tuple(
                    value if convert is None or value is None else convert(value)
                    for value, convert in zip(values(row), converts, strict=True)
                )
                for row in rows
            ],
        )


def _reserve(connection: Any, model: type[models.Model], count: int) -> Sequence[int]:
    """Ids that nobody else gets."""
    table, column = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
                [connection.ops.quote_name(table), column, count],
            )
            return [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        last = cursor.fetchone()
        return range((last[0] if last else 0) + 1, (last[0] if last else 0) + 1 + count)


def _convert(field: models.Field, connection: Any) -> Convert | None:
    """How a field's value becomes what the driver takes; ``None`` when it is that already."""
    if isinstance(field, models.JSONField):
        encoder = field.encoder
        return lambda value: json.dumps(value, cls=encoder)
    if isinstance(field, models.DateTimeField):
        return None if connection.vendor == "postgresql" else _instants(connection)
    if isinstance(field, models.ForeignKey):
        return _convert(field.target_field, connection)
    if isinstance(field, (models.CharField, models.TextField)):
        # A choice is a subclass of str, which a driver may refuse.
        return str
    if isinstance(field, (models.IntegerField, models.BooleanField)):
        return int if isinstance(field, models.IntegerField) else None
    return lambda value: field.get_db_prep_save(value, connection)


def _instants(connection: Any) -> Convert:
    """Instants as SQLite keeps them; many rows share one."""
    known: dict[datetime, str] = {}

    def convert(value: datetime) -> str:
        text = known.get(value)
        if text is None:
            text = known[value] = connection.ops.adapt_datetimefield_value(value)
        return text

    return convert


def _insert(connection: Any, table: str, columns: Sequence[str], lines: Iterable[tuple[Any, ...]]) -> None:
    quoted = connection.ops.quote_name
    names = ", ".join(map(quoted, columns))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            _copy(connection, cursor, f"COPY {quoted(table)} ({names}) FROM STDIN", lines)
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {quoted(table)} ({names}) VALUES ({marks})", lines)  # noqa: S608


def _copy(connection: Any, cursor: Any, statement: str, lines: Iterable[tuple[Any, ...]]) -> None:
    """The driver's own method, of which Django knows nothing: errors are translated and wrappers asked here."""

    def run(_sql: str, _params: Any, _many: bool, _context: Any) -> None:
        with connection.wrap_database_errors, cursor.copy(statement) as copy:
            for line in lines:
                copy.write_row(line)

    execute: Callable[..., None] = run
    for wrapper in reversed(connection.execute_wrappers):
        execute = partial(wrapper, execute)
    execute(statement, None, True, {"connection": connection, "cursor": cursor})
