"""PostgreSQL plans a prepared statement once a connection, and answers it in its own binary form.

Working out a plan takes PostgreSQL longer than answering one of these statements by its index, and reading
instants from text takes Python longer than all the rest of a row. So ``core.prepared`` asks through ``cursor``;
whatever Django asks for by itself goes on as before. SQLite keeps statements by their text on its own.
"""

import re
from collections.abc import Container, Sequence
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg._queries import PostgresClientQuery
from psycopg.adapt import Buffer, Loader
from psycopg.pq import Format


class _JsonText(Loader):
    """JSON as text, as Django reads it: in binary form it is the text after a number of the form's version."""

    format = Format.BINARY

    def load(self, data: Buffer) -> str:
        return bytes(data[1:]).decode()


class _Cursor(psycopg.Cursor[Any]):
    """Prepares each statement where the connection sees it first; nothing else on the connection is prepared."""

    format = Format.BINARY

    def __init__(self, kept: psycopg.Connection[Any]) -> None:
        super().__init__(kept)
        self.format = Format.BINARY

    def execute(self, query: Any, params: Any = None, **more: Any) -> "_Cursor":
        self.connection.prepare_threshold = 0
        try:
            return super().execute(query, params, **more)
        finally:
            self.connection.prepare_threshold = None


class _ToldCursor(_Cursor):
    """Tells Django's log the statement as it would have been worded: psycopg forgets what was prepared."""

    def execute(self, query: Any, params: Any = None, **more: Any) -> "_ToldCursor":
        super().execute(query, params, **more)
        self._query = PostgresClientQuery(self._tx)
        self._query.convert(query, params)
        return self


_PLACEHOLDER = re.compile("%[s%]")


def are_kept() -> bool:
    """Whether this database keeps plans for ``cursor``."""
    return connection.vendor == "postgresql" and settings.KEEP_PLANS


def written_in(sql: str, params: Sequence[Any], left_open: Container[int]) -> str:
    """``sql`` with the ``params`` as literals, except those whose places are ``left_open``."""
    places = iter(range(len(params)))

    def literal(found: re.Match[str]) -> str:
        if found.group() == "%%" or (place := next(places)) in left_open:
            return found.group()
        text: str = connection.ops.compose_sql("%s", [params[place]])  # type: ignore[attr-defined]
        return text.replace("%", "%%")

    return _PLACEHOLDER.sub(literal, sql)


def cursor() -> Any:
    """A cursor of Django's connection, logged and wrapped like any other, whose statements are kept."""
    if not are_kept():
        return connection.cursor()
    # What ``connection.cursor()`` does, with another kind of cursor.
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    kind = _ToldCursor if connection.queries_logged else _Cursor
    return connection._prepare_cursor(kind(connection.connection))  # type: ignore[attr-defined]


def on_connected(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Make a new connection ready: its plans hold for every value, since each is worked out only once.

    Nothing is compiled (JIT): the sums of a ranking would take two to three times as long for it, and pages never
    run long enough.
    """
    if connection.vendor != "postgresql":
        return
    connection.connection.execute("SET jit = off")
    if settings.KEEP_PLANS:
        connection.connection.adapters.register_loader("jsonb", _JsonText)
        connection.connection.execute("SET plan_cache_mode = force_generic_plan")
