"""Pages of a long list by the key of the last row seen, not by counting rows that were skipped.

The tenth page costs what the first one costs, and a row that arrives meanwhile shifts nothing.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Field, Model, Q, QuerySet


@dataclass(frozen=True)
class Page:
    """Some rows of a list; ``next_after`` is the cursor of the page behind it, "" on the last one."""

    rows: list[Any]
    next_after: str
    first: bool

    @property
    def shown(self) -> int:
        return len(self.rows)

    @property
    def words(self) -> str:
        """For the foot of the list."""
        return f"{len(self.rows)} shown"


def page_of(queryset: QuerySet, *, by: Sequence[str], after: str = "", size: int = 50) -> Page:
    """``size`` rows behind the cursor ``after``, ordered by the fields ``by`` ("-" for descending).

    The fields must be columns of the model, or of one it points to ("rep__name"; select it along), never null, and
    unique together (end with "pk"). A cursor
    that cannot be read is taken as none: the list then begins anew.
    """
    values = _read(after, queryset.model, by)
    ordered = queryset.order_by(*by)
    found = list((ordered.filter(_behind(by, values)) if values else ordered)[: size + 1])
    rows = found[:size]
    more = len(found) > size
    return Page(rows, _write(rows[-1], by) if more else "", first=values is None)


def _names(by: Sequence[str]) -> list[str]:
    return [name.lstrip("-") for name in by]


def _behind(by: Sequence[str], values: list[Any]) -> Q:
    """Rows that come after ``values``: later in the first field, or equal there and later in the next …"""
    behind, equal = Q(), Q()
    for name, value in zip(by, values, strict=True):
        field = name.lstrip("-")
        compare = "lt" if name.startswith("-") else "gt"
        behind |= equal & Q(**{f"{field}__{compare}": value})
        equal &= Q(**{field: value})
    # Said once more for the first field alone: an index can begin there, while it cannot use an OR.
    first = by[0].lstrip("-")
    bound = "lte" if by[0].startswith("-") else "gte"
    return Q(**{f"{first}__{bound}": values[0]}) & behind


def _write(row: Any, by: Sequence[str]) -> str:
    values = [reduce(getattr, name.split("__"), row) for name in _names(by)]
    plain = [value.isoformat() if isinstance(value, datetime | date) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _read(after: str, model: type[Model], by: Sequence[str]) -> list[Any] | None:
    if not after:
        return None
    try:
        plain = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        fields = [_field(model, name) for name in _names(by)]
        if not isinstance(plain, list) or len(plain) != len(fields) or None in plain:
            return None
        return [field.to_python(value) for field, value in zip(fields, plain, strict=True)]
    except (ValueError, TypeError, OverflowError, RecursionError, ValidationError):
        # Whatever an address bar may hold, the list begins anew.
        return None


def _field(model: type[Model], name: str) -> Field:
    """The field that ``name`` means, also behind relations ("rep__name")."""
    *path, last = name.split("__")
    for step in path:
        model = model._meta.get_field(step).related_model  # type: ignore[assignment]
    return model._meta.pk if last == "pk" else model._meta.get_field(last)  # type: ignore[return-value]
