"""Reading values out of a plan document, collecting what is wrong with each by its place. Pure."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from apps.compensation.rules import words
from apps.core.errors import InvalidInput


class PlanInvalid(InvalidInput):
    """The document is not a plan. ``problems`` lists (place, sentence)."""

    code = "plan_invalid"

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__(
            " ".join(f"{place}: {says}" if place else says for place, says in problems), field=problems[0][0]
        )
        self.problems = problems


def join(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


class Reader:
    """Reads one document. What cannot be read is noted in ``problems``, and a stand-in is given back."""

    def __init__(self, currency: str = "EUR") -> None:
        self.currency = currency
        self.problems: list[tuple[str, str]] = []

    def wrong(self, place: str, says: str) -> None:
        self.problems.append((place, says))

    def known_keys(self, value: Mapping[str, Any], place: str, *allowed: str) -> None:
        for key in value:
            if key not in allowed:
                says = f"“{key}” is not known here; known are {', '.join(allowed)}."
                self.wrong(join(place, key), says)

    def text(self, value: Mapping[str, Any], key: str, place: str, most: int = 80) -> str:
        found = value.get(key)
        if not isinstance(found, str) or not found.strip() or len(found) > most:
            self.wrong(join(place, key), f"Write a text of 1 to {most} characters.")
            return ""
        return found.strip()

    def choice(
        self, value: Mapping[str, Any], key: str, place: str, allowed: Any, default: str | None = None
    ) -> str:
        found = value.get(key, default)
        if not isinstance(found, str) or found not in tuple(allowed):
            self.wrong(join(place, key), f"Choose one of {', '.join(allowed)}; {found!r} is none of them.")
            return next(iter(allowed))
        return found

    def yes(self, value: Mapping[str, Any], key: str, place: str, default: bool = False) -> bool:
        """``yes`` or ``no``, as people write it."""
        return self.choice(value, key, place, ("yes", "no"), "yes" if default else "no") == "yes"

    def number(self, found: Any, place: str, least: Fraction | None = Fraction(0)) -> Fraction:
        """A whole number, or a decimal in quotes: a bare decimal would be a float, which is not exact."""
        if isinstance(found, float):
            self.wrong(place, f'Write {found} in quotes ("{found}"): a bare decimal is not exact.')
            return Fraction(0)
        if isinstance(found, bool) or not isinstance(found, (int, str)):
            self.wrong(place, "Write a number, decimals in quotes.")
            return Fraction(0)
        try:
            number = Fraction(Decimal(found))
        except (InvalidOperation, ValueError, OverflowError):
            self.wrong(place, f"{found!r} is not a number.")
            return Fraction(0)
        if least is not None and number < least:
            self.wrong(place, f"{found} is below {least}.")
        return number

    def percent(self, found: Any, place: str) -> Fraction:
        """A percentage above 0 and at most 100, as a share of one."""
        number = self.number(found, place)
        if not 0 < number <= 100:
            self.wrong(place, "Write a percentage above 0 and at most 100.")
        return number / 100

    def minor(self, found: Any, place: str) -> Fraction:
        """Major units of the plan's currency, as minor units."""
        return self.number(found, place) * 10 ** words.exponent(self.currency)

    def whole_minor(self, found: Any, place: str) -> int:
        """As ``minor``, of an amount that can be paid: no parts of a minor unit."""
        minor = self.minor(found, place)
        if minor.denominator != 1:
            self.wrong(place, f"{self.currency} has no such fraction.")
        return int(minor)

    def day(self, value: Mapping[str, Any], key: str, place: str, *, required: bool = True) -> date | None:
        found = value.get(key)
        if found is None and not required:
            return None
        try:
            return date.fromisoformat(found)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            self.wrong(join(place, key), "Write a day as 2026-01-31.")
            return None

    def mapping(self, value: Mapping[str, Any], key: str, place: str) -> Mapping[str, Any]:
        found = value.get(key)
        if not isinstance(found, Mapping):
            self.wrong(join(place, key), "This part is missing, or is not an object.")
            return {}
        return found

    def items(
        self, value: Mapping[str, Any], key: str, place: str
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Each object of a list with its place; an empty list is a problem."""
        found = value.get(key)
        if not isinstance(found, list) or not found:
            self.wrong(join(place, key), "Give at least one.")
            return
        for index, item in enumerate(found):
            where = f"{join(place, key)}[{index}]"
            if isinstance(item, Mapping):
                yield where, item
            else:
                self.wrong(where, "This is not an object.")
