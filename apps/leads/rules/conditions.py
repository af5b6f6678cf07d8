"""Conditions on a lead: rows of field, operator and value; all must hold. Says which held, in words.

Used wherever something is chosen for a lead by what is known of it (which cadence, later which promise: PRODUCT
section 5, "match a lead by score, size, industry, title, source and channel"). What is not known matches only
``unknown``. Text is compared without regard to case and to spaces around it. ``selectors.conditions`` turns the
same rows into a query, and takes a lead's values for ``match``. The tier is the one that routing asks first: it
follows from the score (``rules.scoring.tier_of_score``), the country from the time zone (``leads.countries``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.leads.countries import country_called

MOST_ROWS = 20
_LONGEST = 160

TEXT, NUMBER, CHOICE = "text", "number", "choice"


@dataclass(frozen=True)
class Field:
    """A field that conditions may name: its word for people, its kind, and the choices it has, if any."""

    name: str
    word: str
    kind: str
    choices: tuple[tuple[str, str], ...] = ()


FIELDS = {
    field.name: field
    for field in (
        Field("score", "Score", CHOICE, tuple((letter, letter) for letter in "ABCD")),
        Field("tier", "Tier", CHOICE, tuple((number, number) for number in "123")),
        Field("size", "Employees", NUMBER),
        Field("industry", "Industry", TEXT),
        Field("title", "Title", TEXT),
        Field("source", "Source", TEXT),
        Field("campaign", "Campaign", TEXT),
        Field("motion", "Motion", CHOICE, (("inbound", "Inbound"), ("outbound", "Outbound"))),
        Field(
            "persona",
            "Persona",
            CHOICE,
            (
                ("1", "Executive"),
                ("2", "Vice president"),
                ("3", "Director"),
                ("4", "Manager"),
                ("5", "Specialist"),
                ("6", "Title unknown"),
            ),
        ),
        Field("city", "City", TEXT),
        Field("time_zone", "Time zone", TEXT),
        Field("country", "Country", TEXT),
    )
}

OPERATORS = {
    CHOICE: ("in", "not_in"),
    TEXT: ("in", "not_in", "contains", "not_contains", "starts_with", "known", "unknown"),
    NUMBER: ("at_least", "at_most", "between", "known", "unknown"),
}
OPERATOR_WORDS = {
    "in": "is",
    "not_in": "is not",
    "contains": "contains",
    "not_contains": "does not contain",
    "starts_with": "starts with",
    "at_least": "is at least",
    "at_most": "is at most",
    "between": "is between",
    "known": "is known",
    "unknown": "is not known",
}
_WITHOUT_VALUE = ("known", "unknown")


class ConditionsInvalid(ValueError):
    """A row that cannot be used: ``index`` counts from 0 (``None`` for the whole), ``field`` is its key."""

    def __init__(self, index: int | None, field: str, message: str) -> None:
        super().__init__(message if index is None else f"Condition {index + 1}, {field}: {message}")
        self.index, self.field, self.message = index, field, message


@dataclass(frozen=True)
class Condition:
    """``value``: texts for text and choices, numbers for numbers (two for ``between``, both included)."""

    field: str
    operator: str
    value: tuple[str, ...] | tuple[int, ...] = ()

    @property
    def in_words(self) -> str:
        """``Score is A or B``, ``Employees is between 50 and 250``."""
        field = FIELDS[self.field]
        words = dict(field.choices)
        values = [words.get(str(one), str(one)) for one in self.value]
        joined = (" and " if self.operator == "between" else " or ").join(values)
        return " ".join(filter(None, [field.word, OPERATOR_WORDS[self.operator], joined]))

    def as_dict(self) -> dict[str, Any]:
        """As JSON keeps it; ``parse_conditions`` reads it back."""
        return {"field": self.field, "operator": self.operator, "value": list(self.value)}


@dataclass(frozen=True)
class Judged:
    """One condition, whether it held, and what was known, in words."""

    condition: Condition
    held: bool
    in_words: str


@dataclass(frozen=True)
class Match:
    """Whether all held, and each one's verdict."""

    ok: bool
    judged: tuple[Judged, ...]

    @property
    def failed(self) -> tuple[Judged, ...]:
        return tuple(one for one in self.judged if not one.held)


def parse_conditions(raw: Any) -> tuple[Condition, ...]:
    """From the rows that a cadence keeps or a form sends; none means everybody. Raises ``ConditionsInvalid``."""
    if not isinstance(raw, Sequence) or isinstance(raw, str):
        raise ConditionsInvalid(None, "conditions", "Give a list of conditions.")
    if len(raw) > MOST_ROWS:
        raise ConditionsInvalid(None, "conditions", f"Give {MOST_ROWS} conditions at most.")
    return tuple(_condition(index, one) for index, one in enumerate(raw))


def match(conditions: Sequence[Condition], known: Mapping[str, Any]) -> Match:
    """Judge ``known``, the lead's values by field name (``None`` or "" where nothing is known)."""
    judged = tuple(
        Judged(one, _holds(one, known.get(one.field)), _verdict(one, known.get(one.field)))
        for one in conditions
    )
    return Match(all(one.held for one in judged), judged)


def _verdict(condition: Condition, value: Any) -> str:
    found = (
        "nothing is known"
        if _unknown(value)
        else dict(FIELDS[condition.field].choices).get(str(value), value)
    )
    mark = "holds" if _holds(condition, value) else "does not hold"
    return f"{condition.in_words}: {mark} ({found})"


def _unknown(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _holds(condition: Condition, value: Any) -> bool:
    operator = condition.operator
    if operator in _WITHOUT_VALUE:
        return _unknown(value) is (operator == "unknown")
    if _unknown(value):
        return False
    if FIELDS[condition.field].kind == NUMBER:
        return _number_holds(operator, condition.value, int(value))
    text = str(value).strip().casefold()
    wanted = [str(one).casefold() for one in condition.value]
    if operator in ("in", "not_in"):
        return (text in wanted) is (operator == "in")
    if operator == "starts_with":
        return any(text.startswith(one) for one in wanted)
    return any(one in text for one in wanted) is (operator == "contains")


def _number_holds(operator: str, wanted: Sequence[Any], value: int) -> bool:
    if operator == "at_least":
        return value >= wanted[0]
    if operator == "at_most":
        return value <= wanted[0]
    return bool(wanted[0] <= value <= wanted[1])


# --- Reading rows -----------------------------------------------------------------------------------


def _condition(index: int, raw: Any) -> Condition:
    if not isinstance(raw, Mapping):
        raise ConditionsInvalid(index, "field", "a condition is a set of named values.")
    field = FIELDS.get(str(raw.get("field") or ""))
    if field is None:
        raise ConditionsInvalid(index, "field", f"choose one of {', '.join(FIELDS)}.")
    operator = raw.get("operator")
    if operator not in OPERATORS[field.kind]:
        raise ConditionsInvalid(index, "operator", f"choose one of {', '.join(OPERATORS[field.kind])}.")
    if operator in _WITHOUT_VALUE:
        return Condition(field.name, operator)
    value = raw.get("value")
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    if field.kind == NUMBER:
        return Condition(field.name, operator, _numbers(index, operator, values))
    texts = _texts(index, field, values)
    if field.name == "country" and operator in ("in", "not_in"):
        texts = _countries(index, texts)
    return Condition(field.name, operator, texts)


def _numbers(index: int, operator: str, values: list[Any]) -> tuple[int, ...]:
    wanted = 2 if operator == "between" else 1
    if len(values) != wanted:
        raise ConditionsInvalid(index, "value", "give two numbers." if wanted == 2 else "give one number.")
    for value in values:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 2_000_000_000:
            raise ConditionsInvalid(index, "value", "give a whole number from 0 on.")
    if wanted == 2 and values[0] > values[1]:
        raise ConditionsInvalid(index, "value", "the first number must not be above the second.")
    return tuple(values)


def _countries(index: int, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Each by its name, whether the name or the code was given."""
    for text in texts:
        if not country_called(text):
            raise ConditionsInvalid(
                index, "value", f"{text} is no country: give its English name or its code, as Germany or DE."
            )
    return tuple(dict.fromkeys(map(country_called, texts)))


def _texts(index: int, field: Field, values: list[Any]) -> tuple[str, ...]:
    texts = [str(value).strip() for value in values if value is not None and str(value).strip()]
    if not texts:
        raise ConditionsInvalid(index, "value", "give at least one value.")
    if len(texts) > 50 or any(len(text) > _LONGEST for text in texts):
        raise ConditionsInvalid(index, "value", f"give 50 values of {_LONGEST} characters at most.")
    if field.kind == CHOICE:
        known = dict(field.choices)
        for text in texts:
            if text not in known:
                raise ConditionsInvalid(index, "value", f"choose among {', '.join(known)}.")
    return tuple(dict.fromkeys(texts))
