"""Statements whose text Django works out once a process, with what is asked for put in each time.

Building a query from objects takes longer than the database takes to answer it. The text is still Django's: it is
compiled with a marker in each place where a value is given, and the markers are found again among its parameters.
Whoever makes one keeps it (``functools.lru_cache``), by everything that decides its text: the database's vendor,
the role that narrows it, whether a filter is set.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators

from apps.core import kept_plans

USER = -100
"""Stands for a user's key."""
AT = datetime(1000, 1, 1, tzinfo=UTC)
"""Stands for an instant; others are of days after it. What is reckoned from one is refused."""
TODAY = date(1000, 1, 1)
"""Stands for a day."""

_NO_REAL_YEAR = ("0999-", "1000-")

Values = Mapping[Any, Any]
"""What is put in, by marker. A tuple of texts is given as the database takes a list of them."""

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Prepared:
    """A statement with its parameters; ``places`` says which of them are given each time, and their markers."""

    sql: str
    params: tuple[Any, ...]
    places: tuple[tuple[int, Any], ...]

    @classmethod
    def of(cls, sql: str, params: Sequence[Any], markers: Iterable[Any]) -> "Prepared":
        """Raises ``ValueError`` for a marker that is not among the parameters: its value would be lost."""
        marks = tuple(markers)
        made = cls(sql, tuple(params), tuple(_places(params, marks)))
        lost = set(marks) - {marker for _, marker in made.places}
        if lost:
            raise ValueError(f"not among the parameters of the statement: {lost}")
        return made

    def rows(self, values: Values) -> list[tuple[Any, ...]]:
        """What the database answers, as it answers it."""
        if kept_plans.are_kept():
            sql, params = self._open, [_adapted(values[marker]) for _, marker in self.places]
        else:
            sql, params = self.sql, list(self.params)
            for place, marker in self.places:
                params[place] = _adapted(values[marker])
        with kept_plans.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall()

    @cached_property
    def _open(self) -> str:
        """The statement with all that is always the same written into it.

        A plan for any value does not find an index of some rows only by a state that is yet to be given.
        """
        given = {place for place, _ in self.places}
        return kept_plans.written_in(self.sql, self.params, given)


def _places(params: Sequence[Any], markers: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    forms = [(marker, form) for marker in markers for form in _forms(marker)]
    for place, param in enumerate(params):
        for marker, form in forms:
            if type(param) is type(form) and param == form:
                yield place, marker
                break
        else:
            if str(param).startswith(_NO_REAL_YEAR):
                raise ValueError(
                    f"{param} was reckoned from a marker: give each instant a marker of its own."
                )


def _adapted(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, date):
        return connection.ops.adapt_datefield_value(value)
    if isinstance(value, tuple):
        return list(value) if connection.vendor == "postgresql" else json.dumps(list(value))
    return value


def _forms(marker: Any) -> list[Any]:
    """How a marker may look among the parameters."""
    if isinstance(marker, tuple):
        return [list(marker), json.dumps(list(marker))]
    return [_adapted(marker), marker]


class PreparedQuery:
    """A queryset of plain values (``values_list`` of fields): rows come as the queryset would give them."""

    def __init__(self, query: QuerySet[Any, Any], *markers: Any, instead: Prepared | None = None) -> None:
        """``instead`` is another statement whose rows have the columns of ``query`` in their order."""
        compiler = query.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, params = compiler.as_sql()
        self.statement = instead or Prepared.of(sql, params, markers)
        self.select: Any = compiler.select
        expressions = [one[0] for one in self.select[: compiler.col_count]]
        # The compiler itself is not kept: it holds the connection of the thread that was first.
        self._converters = compiler.get_converters(expressions)
        self.klass_info: Any = compiler.klass_info

    def rows(self, values: Values) -> Sequence[Sequence[Any]]:
        found = self.statement.rows(values)
        return [self._converted(row) for row in found] if self._converters else found

    def _converted(self, row: Sequence[Any]) -> Sequence[Any]:
        changed = list(row)
        for place, (converters, expression) in self._converters.items():
            for convert in converters:
                changed[place] = convert(changed[place], expression, connection)
        return changed


class PreparedObjects(PreparedQuery, Generic[M]):
    """A queryset of whole objects, with those that it joins in by ``select_related``."""

    def __init__(self, query: QuerySet[M], *markers: Any, instead: Prepared | None = None) -> None:
        super().__init__(query, *markers, instead=instead)
        fields = self.klass_info["select_fields"]
        self._span = slice(fields[0], fields[-1] + 1)
        self._names = [one[0].target.attname for one in self.select[self._span]]
        self._make: Callable[..., M] = self.klass_info["model"].from_db
        # The stubs are those of a later Django, which asks for one thing more.
        self._related = get_related_populators(  # type: ignore[call-arg]
            self.klass_info, self.select, DEFAULT_DB_ALIAS
        )

    def all(self, values: Values) -> list[M]:
        found = []
        for row in self.rows(values):
            one = self._make(DEFAULT_DB_ALIAS, self._names, row[self._span])
            for related in self._related:
                related.populate(row, one)
            found.append(one)
        return found

    def first(self, values: Values) -> M | None:
        """The first of them; the queryset says by ``[:1]`` that no more are wanted."""
        return next(iter(self.all(values)), None)


def counting(queries: Sequence[QuerySet[Any, Any]], *markers: Any) -> Prepared:
    """How many rows each of ``queries`` has, in one statement of one row.

    Each query has no order, is bound by a slice, and may do without any of the ``markers``: who sees everything is
    not asked for by name.
    """
    parts: list[str] = []
    params: list[Any] = []
    for number, query in enumerate(queries):
        try:
            sql, given = query.values("pk").query.sql_with_params()
        except EmptyResultSet:
            parts.append("0")
            continue
        parts.append(f"(SELECT COUNT(*) FROM ({sql}) AS part{number})")  # noqa: S608 - Django's own text
        params.extend(given)
    return Prepared(f"SELECT {', '.join(parts)}", tuple(params), tuple(_places(params, markers)))
