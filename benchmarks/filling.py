"""Fill a scratch database at the speed of the database: one INSERT … SELECT a table, indexes made once it is full.

Columns that are not given take the model's default, so a benchmark keeps working when a model grows. What is drawn
is drawn by ``drawn``, a plain arithmetic of the row's number, so that both databases hold the same rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.management.color import no_style
from django.db import connection, models, transaction

_PRIME = 2_147_483_647


def numbers(count: int, first: int = 0) -> str:
    """A table ``n`` of ``count`` whole numbers ``i`` from ``first``, for FROM."""
    last = first + count - 1
    if connection.vendor == "postgresql":
        return f"generate_series({first}, {last}) AS n(i)"
    counted = f"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})"
    return f"({counted} SELECT i FROM n) AS n"


def drawn(salt: int, below: int, of: str = "i") -> str:
    """A whole number from 0, less than ``below``, that looks thrown: by the row's number and ``salt``."""
    number = f"CAST({of} AS bigint)"
    one = f"({number} + {salt * 7_919}) * 48271 % {_PRIME}"
    other = f"1 + ({number} * 31 + {salt}) % 65521"
    return f"((({one}) * ({other}) % {_PRIME}) % {below})"


def instant(begin: str, seconds: str) -> str:
    """The instant so many whole ``seconds`` after ``begin`` (``YYYY-MM-DD HH:MM:SS`` of UTC)."""
    if connection.vendor == "postgresql":
        return f"(timestamptz '{begin}+00' + {seconds} * interval '1 second')"
    return f"datetime('{begin}', '+' || {seconds} || ' seconds')"


def insert(model: type[models.Model], columns: Mapping[str, str], source: str) -> int:
    """One row of ``model`` for each of ``source`` (what follows FROM); how many.

    ``columns`` are expressions by attribute (``team_id``). They are the caller's own text, never anybody's input.
    """
    names, values, params = [], [], []
    for field in model._meta.concrete_fields:
        if field.attname in columns:
            names.append(field.column)
            values.append(columns[field.attname])
        elif not field.primary_key:
            names.append(field.column)
            values.append("%s")
            params.append(field.get_db_prep_save(field.get_default(), connection))
    quoted = ", ".join(connection.ops.quote_name(str(name)) for name in names)
    # The expressions reckon remainders, which the driver would read as a place for a value.
    text = ", ".join(value if value == "%s" else value.replace("%", "%%") for value in values)
    statement = (
        f"INSERT INTO {model._meta.db_table} ({quoted}) SELECT {text} FROM {source.replace('%', '%%')}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.rowcount


@contextmanager
def filling(*filled: type[models.Model]) -> Iterator[None]:
    """Inside, rows go in without checks of foreign keys and without indexes; after, everything is as it was.

    The keys that are written must be there: nobody looks. Ends with the sequences set and ANALYZE.
    """
    tables = [model._meta.db_table for model in filled]
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
        indexes = _indexes(tables)
        for drop, _ in indexes:
            cursor.execute(drop)
        yield
        for _, make in indexes:
            cursor.execute(make)
        for statement in connection.ops.sequence_reset_sql(no_style(), list(filled)):
            cursor.execute(statement)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def _indexes(tables: Sequence[str]) -> list[tuple[Any, ...]]:
    """How to drop and how to make again each index and unique constraint that is no primary key."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_ON_POSTGRESQL, [list(tables), list(tables)])
        else:
            marks = ", ".join(["%s"] * len(tables))
            cursor.execute(
                "SELECT 'DROP INDEX \"' || name || '\"', sql FROM sqlite_master WHERE type = 'index' "
                f"AND sql IS NOT NULL AND tbl_name IN ({marks})",
                list(tables),
            )
        return cursor.fetchall()


_ON_POSTGRESQL = """
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', c.conrelid::regclass, c.conname),
       format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid))
FROM pg_constraint c WHERE c.contype = 'u' AND c.conrelid = ANY(%s::regclass[])
UNION ALL
SELECT format('DROP INDEX %%I', i.indexname), i.indexdef
FROM pg_indexes i WHERE i.tablename = ANY(%s)
AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)
"""
