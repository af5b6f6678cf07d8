"""The table of points that an MQL definition agrees on, its validation, and its form for keeping.

Here stand what counts and how much; ``rules.scoring`` adds it up for one lead. The threshold is not part
of the table: it is the definition's ``needed``. Source: PRODUCT section 3.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.leads.rules.keywords import Keywords, normal_text

LETTERS = ("A", "B", "C", "D")
DEFAULT_NEEDED = 30
"""Points from which a lead is an MQL while no definition is in force."""
FURTHEST = 1000
"""No single row adds or takes more points than this."""
LONGEST_WORD = 60
MOST_ROWS = 100
LARGEST_COMPANY = 100_000_000


@dataclass(frozen=True)
class Problem:
    """What is wrong with one value of a table: where, and a sentence that says what to do.

    ``part`` is a key of the kept form ("employees"), ``row`` counts from 0 (``None``: not in a row), and
    ``field`` is the value's key in its row or part.
    """

    part: str
    row: int | None
    field: str
    message: str


class TableInvalid(ValueError):
    """A table that cannot be used; ``problems`` has everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].message)
        self.problems = tuple(problems)
        self.part, self.row, self.field = problems[0].part, problems[0].row, problems[0].field


@dataclass(frozen=True)
class Band:
    """Companies of ``least`` to ``most`` employees, both included; ``most`` is ``None`` in the last band."""

    least: int
    most: int | None
    points: int

    @property
    def in_words(self) -> str:
        if self.most is None:
            return f"{self.least:,} or more"
        return f"{self.least:,} to {self.most:,}"


@dataclass(frozen=True)
class Counted:
    """Points for each time something happened, up to ``most`` points in all."""

    each: int
    most: int

    def of(self, times: int) -> int:
        return min(self.each * max(times, 0), self.most)


@dataclass(frozen=True)
class PointTable:
    """What counts, and how much. A part without rows does not count and is not spoken of.

    ``letters`` are the points from which A, B and C begin (D is whatever is below). ``industries`` are the
    ideal customer profile's: with none named, every industry is inside it.
    """

    letters: tuple[tuple[str, int], ...]
    predictive: tuple[tuple[str, int], ...] = ()
    employees: tuple[Band, ...] = ()
    industries: tuple[str, ...] = ()
    industry_points: int = 0
    other_industry_points: int = 0
    titles: tuple[Keywords, ...] = ()
    sources: tuple[Keywords, ...] = ()
    forms: Counted = Counted(0, 0)
    visits: Counted = Counted(0, 0)
    events: Counted = Counted(0, 0)
    _targets: frozenset[str] = field(default=frozenset(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_targets", frozenset(_plain(name) for name in self.industries))

    def letter_of(self, points: int) -> str:
        return next((letter for letter, floor in self.letters if points >= floor), LETTERS[-1])

    def letter_words(self, letter: str) -> str:
        """``A from 80``, ``D below 30``."""
        floors = dict(self.letters)
        if letter in floors:
            return f"{letter} from {floors[letter]}"
        return f"{letter} below {self.letters[-1][1]}"

    def is_target(self, industry: str) -> bool:
        """Whether the industry is one of the ideal customer profile's; all are when it names none."""
        return not self._targets or _plain(industry) in self._targets

    @property
    def most_points(self) -> int:
        """What the best lead that there can be would have."""
        parts: tuple[Iterable[int], ...] = (
            (points for _, points in self.predictive),
            (band.points for band in self.employees),
            (self.industry_points, self.other_industry_points if self.industries else 0),
            (row.points for row in self.titles),
            (row.points for row in self.sources),
        )
        fit = sum(max((0, *points)) for points in parts)
        counted = (self.forms, self.visits, self.events)
        return fit + sum(one.most if one.each else 0 for one in counted)

    @classmethod
    def default(cls, industries: Iterable[str] = ()) -> "PointTable":
        """The table that holds while no signed definition carries one."""
        return cls(
            letters=(("A", 80), ("B", 55), ("C", 30)),
            predictive=(("A", 20), ("B", 12), ("C", 5), ("D", 0)),
            employees=(
                Band(0, 9, 2),
                Band(10, 49, 6),
                Band(50, 199, 12),
                Band(200, 999, 20),
                Band(1000, None, 25),
            ),
            industries=tuple(industries),
            industry_points=20,
            other_industry_points=4,
            titles=(
                Keywords(("vp", "vice", "svp", "evp", "head"), 16),
                Keywords(
                    ("chief", "ceo", "coo", "cfo", "cio", "cto", "c level", "owner", "founder", "president"),
                    20,
                ),
                Keywords(("director",), 13),
                Keywords(("manager",), 9),
            ),
            sources=(
                Keywords(("demo*", "pricing*", "contact*"), 35),
                Keywords(("web*", "chat*"), 25),
                Keywords(("event*", "trade*"), 18),
                Keywords(("referral*", "partner*"), 30),
                Keywords(("list*", "purchased", "outbound*"), 6),
            ),
            forms=Counted(10, 20),
            visits=Counted(3, 15),
            events=Counted(8, 16),
        )

    def dump(self) -> dict[str, Any]:
        """The form in which a definition keeps it; ``parse`` reads it back."""
        return {
            "letters": dict(self.letters),
            "predictive": dict(self.predictive),
            "employees": [
                {"from": band.least, "to": band.most, "points": band.points} for band in self.employees
            ],
            "industries": {
                "targets": list(self.industries),
                "points": self.industry_points,
                "others": self.other_industry_points,
            },
            "titles": [{"words": list(row.words), "points": row.points} for row in self.titles],
            "sources": [{"words": list(row.words), "points": row.points} for row in self.sources],
            **{
                name: {"each": counted.each, "most": counted.most}
                for name, counted in (("forms", self.forms), ("visits", self.visits), ("events", self.events))
            },
        }

    @classmethod
    def parse(cls, kept: Mapping[str, Any]) -> "PointTable":
        """The table of a kept form. Raises ``TableInvalid`` with all that is wrong with it."""
        return _Reader(kept).table()


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


class _Reader:
    """Reads a kept form and gathers what is wrong with it."""

    def __init__(self, kept: Mapping[str, Any]) -> None:
        self.kept = kept
        self.problems: list[Problem] = []

    def table(self) -> PointTable:
        if not isinstance(self.kept, Mapping):
            raise TableInvalid([Problem("", None, "", "The table of points must be an object of its parts.")])
        unknown = sorted(set(self.kept) - _PARTS)
        if unknown:
            self._wrong(unknown[0], None, "", f"The table has no part named {unknown[0]}: take it out.")
        industries = self._part("industries")
        found = PointTable(
            letters=self._letters(),
            predictive=self._predictive(),
            employees=self._employees(),
            industries=self._industries(industries),
            industry_points=self._points(industries.get("points", 0), "industries", None, "points"),
            other_industry_points=self._points(industries.get("others", 0), "industries", None, "others"),
            titles=self._keywords("titles", "title"),
            sources=self._keywords("sources", "source"),
            forms=self._counted("forms", "form"),
            visits=self._counted("visits", "page visit"),
            events=self._counted("events", "event"),
        )
        if self.problems:
            raise TableInvalid(self.problems)
        return found

    def _wrong(self, part: str, row: int | None, name: str, message: str) -> None:
        self.problems.append(Problem(part, row, name, message))

    def _part(self, name: str) -> Mapping[str, Any]:
        part = self.kept.get(name) or {}
        if isinstance(part, Mapping):
            return part
        self._wrong(name, None, "", f"{name.capitalize()} must be an object with named values.")
        return {}

    def _rows(self, name: str) -> list[Mapping[str, Any]]:
        rows = self.kept.get(name) or []
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            self._wrong(name, None, "", f"{name.capitalize()} must be a list of rows.")
            return []
        if len(rows) > MOST_ROWS:
            self._wrong(name, MOST_ROWS, "", f"Keep to {MOST_ROWS} rows of {name}.")
            return []
        return rows

    def _number(
        self, value: Any, part: str, row: int | None, name: str, bounds: tuple[int, int], what: str
    ) -> int:
        """The value if it is a whole number within ``bounds``; else 0, and a problem."""
        least, most = bounds
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        place = f"Row {row + 1}: give" if row is not None else "Give"
        self._wrong(part, row, name, f"{place} {what} as a whole number from {least:,} to {most:,}.")
        return 0

    def _points(self, value: Any, part: str, row: int | None, name: str) -> int:
        return self._number(value, part, row, name, (-FURTHEST, FURTHEST), "the points")

    def _letters(self) -> tuple[tuple[str, int], ...]:
        part = self._part("letters")
        if unknown := sorted(set(part) - set(LETTERS[:-1])):
            self._wrong("letters", None, str(unknown[0]), "Only A, B and C begin at points; D is below C.")
        floors: list[tuple[str, int]] = []
        for letter in LETTERS[:-1]:
            what = f"where {letter} begins"
            before = len(self.problems)
            floor = self._number(part.get(letter), "letters", None, letter, (-FURTHEST, 10 * FURTHEST), what)
            if len(self.problems) == before:
                if floors and floors[-1][1] <= floor:
                    above = floors[-1]
                    message = f"{letter} must begin below {above[0]}: give less than {above[1]}."
                    self._wrong("letters", None, letter, message)
                floors.append((letter, floor))
        return tuple(floors)

    def _predictive(self) -> tuple[tuple[str, int], ...]:
        part = self._part("predictive")
        if unknown := sorted(set(part) - set(LETTERS)):
            self._wrong("predictive", None, str(unknown[0]), "A predictive score is A, B, C or D.")
        found = [
            (letter, self._points(part[letter], "predictive", None, letter))
            for letter in LETTERS
            if letter in part
        ]
        for (better, above), (letter, points) in zip(found, found[1:], strict=False):
            if points > above:
                message = f"{letter} cannot earn more than {better}: give at most {above}."
                self._wrong("predictive", None, letter, message)
        return tuple(found)

    def _employees(self) -> tuple[Band, ...]:
        rows = self._rows("employees")
        bands: list[Band] = []
        expected = 0
        for number, row in enumerate(rows):
            last = number == len(rows) - 1
            before = len(self.problems)
            bounds = (0, LARGEST_COMPANY)
            least = self._number(
                row.get("from"), "employees", number, "from", bounds, "where the band begins"
            )
            most: int | None = None
            if row.get("to") is not None:
                most = self._number(row["to"], "employees", number, "to", bounds, "where the band ends")
            points = self._points(row.get("points"), "employees", number, "points")
            if len(self.problems) > before:
                expected = -1
                continue
            if expected >= 0 and least != expected:
                begins = "The first band begins" if number == 0 else f"Row {number} ends at {expected - 1:,}"
                message = f"{begins}{' at 0' if number == 0 else ''}: begin row {number + 1} at {expected:,}."
                self._wrong("employees", number, "from", message)
            if last and most is not None:
                message = (
                    f"Row {number + 1} is the last: leave its end open, so that no company is too large."
                )
                self._wrong("employees", number, "to", message)
            if not last and (most is None or most < least):
                message = f"Row {number + 1}: end at {least:,} or more; only the last band stays open."
                self._wrong("employees", number, "to", message)
            expected = -1 if most is None else most + 1
            bands.append(Band(least, most, points))
        return tuple(bands)

    def _industries(self, part: Mapping[str, Any]) -> tuple[str, ...]:
        named = part.get("targets") or []
        if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
            self._wrong("industries", None, "targets", "Target industries must be a list of names.")
            return ()
        if len(named) > MOST_ROWS:
            self._wrong("industries", MOST_ROWS, "targets", f"Keep to {MOST_ROWS} target industries.")
        seen: set[str] = set()
        for number, name in enumerate(named):
            if not name.strip() or len(name) > 80:
                message = f"Row {number + 1}: name the industry in at most 80 letters."
                self._wrong("industries", number, "targets", message)
            elif _plain(name) in seen:
                self._wrong("industries", number, "targets", f"{name} stands here twice: take one out.")
            seen.add(_plain(name))
        return tuple(named)

    def _keywords(self, part: str, what: str) -> tuple[Keywords, ...]:
        return tuple(self._keyword_row(part, what, *row) for row in enumerate(self._rows(part)))

    def _keyword_row(self, part: str, what: str, number: int, row: Mapping[str, Any]) -> Keywords:
        words = row.get("words")
        if not isinstance(words, list) or not words:
            message = f"Row {number + 1}: name at least one word of a {what}."
            self._wrong(part, number, "words", message)
            words = []
        for word in words:
            if not isinstance(word, str) or not normal_text(word) or len(word) > LONGEST_WORD:
                message = (
                    f"Row {number + 1}: “{word}” is no word to look for: use letters, at most {LONGEST_WORD}."
                )
                self._wrong(part, number, "words", message)
        points = self._points(row.get("points"), part, number, "points")
        return Keywords(tuple(str(word) for word in words), points)

    def _counted(self, part: str, what: str) -> Counted:
        """Never below zero: more intent must not lower a score."""
        given = self._part(part)
        most = (0, FURTHEST)
        return Counted(
            self._number(given.get("each", 0), part, None, "each", most, f"the points for each {what}"),
            self._number(given.get("most", 0), part, None, "most", most, f"the most points for {what}s"),
        )


_PARTS = {
    "letters", "predictive", "employees", "industries", "titles", "sources", "forms", "visits", "events",
}  # fmt: skip
