"""Conditions of a plan: rows of field, operator and value, read, written, and tried on an event. Pure."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from apps.compensation.rules.reading import Reader
from apps.compensation.rules.terms import (
    NUMBER_FIELDS,
    OPERATORS,
    TEXT_FIELDS,
    YES_NO_FIELDS,
    Condition,
)

FIGURE = "figure:"
_FIELDS = (*NUMBER_FIELDS, *TEXT_FIELDS, *YES_NO_FIELDS)


def read_conditions(read: Reader, item: Mapping[str, Any], place: str) -> tuple[Condition, ...]:
    """``where``: a list of rows; an object of one field (``{"exploration": "no"}``) is format 1."""
    if "where" not in item:
        return ()
    rows = item["where"]
    if isinstance(rows, Mapping):
        read.known_keys(rows, f"{place}.where", "exploration")
        if "exploration" not in rows:
            return ()
        value = read.choice(rows, "exploration", f"{place}.where", ("yes", "no"))
        return (Condition("exploration", "is", (value,)),)
    if not isinstance(rows, list):
        read.wrong(f"{place}.where", "This is not an object.")
        return ()
    return tuple(_row(read, row, where) for where, row in read.items(item, "where", place))


def _row(read: Reader, row: Mapping[str, Any], place: str) -> Condition:
    read.known_keys(row, place, "field", "is", "value")
    field = row.get("field")
    is_figure = isinstance(field, str) and field.startswith(FIGURE) and len(field) > len(FIGURE)
    if field not in _FIELDS and not is_figure:
        read.wrong(f"{place}.field", f"Choose one of {', '.join(_FIELDS)}, or figure:NAME.")
    operator = read.choice(row, "is", place, OPERATORS)
    written = row.get("value")
    values = written if operator == "one_of" and isinstance(written, list) and written else [written]
    is_number = is_figure or field in NUMBER_FIELDS
    if operator in ("at_least", "below") and not is_number:
        read.wrong(f"{place}.is", "Only numbers are compared: amount, employees, score_points or a figure.")
    for value in values:
        if is_number:
            read.number(value, f"{place}.value", least=None)
        elif field in YES_NO_FIELDS and value not in ("yes", "no"):
            read.wrong(f"{place}.value", "Write yes or no.")
        elif not isinstance(value, str) or not value.strip():
            read.wrong(f"{place}.value", "Write a text, or a list of texts for one_of.")
    return Condition(str(field), operator, tuple(str(value) for value in values))


def write_conditions(conditions: Iterable[Condition]) -> list[dict[str, Any]]:
    """The inverse of ``read_conditions``, always as rows."""
    return [
        {
            "field": one.field,
            "is": one.operator,
            "value": list(one.values) if one.operator == "one_of" else one.values[0],
        }
        for one in conditions
    ]


def holds(condition: Condition, facts: Mapping[str, Any]) -> bool:
    """Whether ``condition`` holds; of what is not known only that it is not something.

    ``facts`` has texts, numbers (amounts in major units) and truths by field.
    """
    known = facts.get(condition.field)
    if known is None or known == "":
        return condition.operator == "is_not"
    if isinstance(known, bool):
        known = "yes" if known else "no"
    if condition.field in NUMBER_FIELDS or condition.field.startswith(FIGURE):
        number = _number(known)
        if number is None:
            return condition.operator == "is_not"
        wanted = [Fraction(Decimal(value)) for value in condition.values]
        if condition.operator == "at_least":
            return number >= wanted[0]
        if condition.operator == "below":
            return number < wanted[0]
        return (number in wanted) != (condition.operator == "is_not")
    same = str(known).casefold() in {value.casefold() for value in condition.values}
    return same != (condition.operator == "is_not")


def _number(known: Any) -> Fraction | None:
    try:
        return known if isinstance(known, Fraction) else Fraction(Decimal(known))
    except (InvalidOperation, ValueError, TypeError, OverflowError):
        return None
