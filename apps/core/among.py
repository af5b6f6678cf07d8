"""Whether a key is one of many, in one parameter: the statement reads the same however many there are.

``pk__in`` gives each key a place of its own in the text, which costs more than the database takes to answer once
there are some hundreds; and such a text cannot be prepared (``core.prepared``).
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import BooleanField, Func


class Among(Func):
    """``Among("rep_id", keys)`` in a filter: rows whose whole-number column is one of ``keys``."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, column: Any, keys: Iterable[int]) -> None:
        super().__init__(column)
        self.keys = list(keys)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Sequence[Any]]:
        column, given = compiler.compile(self.get_source_expressions()[0])
        return f"{column} = ANY(%s::bigint[])", [*given, self.keys]

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Sequence[Any]]:  # type: ignore[override]
        column, given = compiler.compile(self.get_source_expressions()[0])
        sql = f"{column} IN (SELECT value FROM json_each(%s))"  # noqa: S608 - a column that Django quoted
        return sql, [*given, json.dumps(self.keys)]
