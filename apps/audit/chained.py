"""Which tables the chain covers, and by which columns. Each app names its own when it is ready.

A layout is for good: old seals are verified by the columns that they were made with. Whoever adds a column to a
chained table adds a layout behind the present ones; ``tests/house`` holds the newest one to the model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models

from apps.audit.rules import canonical

_WRITERS: tuple[tuple[type[models.Field], Callable[[Any], str]], ...] = (
    (models.JSONField, canonical.document),
    (models.DateTimeField, canonical.instant),
    (models.DateField, canonical.text),
    (models.BooleanField, canonical.truth),
    (models.IntegerField, canonical.whole),
    (models.CharField, canonical.text),
    (models.TextField, canonical.text),
)


@dataclass(frozen=True)
class ChainedTable:
    """A table of the chain: ``layouts`` are its columns, the first version first; ``title`` is for people."""

    label: str
    title: str
    layouts: tuple[tuple[str, ...], ...]

    @property
    def model(self) -> type[models.Model]:
        return apps.get_model(self.label)

    @property
    def name(self) -> str:
        """The table in the database."""
        return self.model._meta.db_table

    def columns(self, layout: int) -> tuple[str, ...]:
        """The columns of the ``layout``-th version, counted from one."""
        return self.layouts[layout - 1]

    def writers(self, layout: int) -> list[Callable[[Any], str]]:
        """What writes each column's value, as SQLite keeps it."""
        fields = {str(field.column): field for field in self.model._meta.concrete_fields}
        return [_writer(fields[column]) for column in self.columns(layout)]


_tables: dict[str, ChainedTable] = {}


def chain(label: str, title: str, *layouts: Sequence[str]) -> None:
    """Put the table of the model ``label`` under the chain. The first column of a layout is the id."""
    if any(layout[0] != "id" for layout in layouts):
        raise ValueError(f"A layout of {label} begins with the id.")
    _tables[label] = ChainedTable(label, title, tuple(map(tuple, layouts)))


def tables() -> list[ChainedTable]:
    """All of them, in the order in which a round seals them."""
    return sorted(_tables.values(), key=lambda table: table.label)


def table_called(label: str) -> ChainedTable | None:
    return _tables.get(label)


def _writer(field: models.Field) -> Callable[[Any], str]:
    if isinstance(field, models.ForeignKey):
        return _writer(field.target_field)
    for kind, write in _WRITERS:
        if isinstance(field, kind):
            return write
    raise canonical.UnwritableValue(f"{field} has no canonical form.")
