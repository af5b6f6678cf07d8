"""What a version of an agreement says, and what changed since the one before, in words.

One ``Terms`` holds for MQL (``table``) and for SQL (``framework``, ``criteria``, ``expected``) alike.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from apps.leads.rules.frameworks import FRAMEWORKS, Criterion
from apps.leads.rules.keywords import Keywords
from apps.leads.rules.points import Band, Counted, PointTable


@dataclass(frozen=True)
class Terms:
    """What is signed. ``needed`` counts criteria (SQL) or points (MQL); ``expected`` is in per cent."""

    name: str
    needed: int
    framework: str = ""
    criteria: tuple[Criterion, ...] = ()
    expected: tuple[int, int] | None = None
    table: PointTable | None = None

    @property
    def fingerprint(self) -> str:
        """The same for the same words and figures only: what a signature is given to."""
        kept = asdict(self) | {"table": self.table.dump() if self.table else None}
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def needed_in_words(self) -> str:
        if self.table is not None:
            return f"{self.needed} points"
        return f"{self.needed} of {len(self.criteria)} criteria"

    @property
    def expected_in_words(self) -> str:
        return f"{self.expected[0]}–{self.expected[1]} %" if self.expected else "nothing agreed"


@dataclass(frozen=True)
class Change:
    """One difference: ``kind`` is added, removed or changed."""

    kind: str
    words: str


def changes(before: Terms, after: Terms) -> list[Change]:
    """What differs between two versions, most telling first; empty when they say the same."""
    found = [*_values(before, after), *_criteria(before, after)]
    if before.table is not None and after.table is not None:
        found += _tables(before.table, after.table)
    if before.name != after.name:
        found.append(_changed("Name", f"“{before.name}”", f"“{after.name}”"))
    return found


def _changed(what: str, before: str, after: str) -> Change:
    return Change("changed", f"{what}: {after}, was {before}.")


def _values(before: Terms, after: Terms) -> list[Change]:
    found = []
    if before.framework != after.framework:
        names = [FRAMEWORKS[one].name if one else "none" for one in (before.framework, after.framework)]
        found.append(_changed("Framework", *names))
    if before.needed_in_words != after.needed_in_words:
        found.append(_changed("Needed", before.needed_in_words, after.needed_in_words))
    if before.expected != after.expected:
        found.append(_changed("Expected to close", before.expected_in_words, after.expected_in_words))
    return found


def _criteria(before: Terms, after: Terms) -> list[Change]:
    old, new = ({one.key: one for one in terms.criteria} for terms in (before, after))
    found = [
        Change("added", f"Criterion {one.name}: {one.asks or 'no question'}")
        for key, one in new.items()
        if key not in old
    ]
    found += [Change("removed", f"Criterion {one.name}") for key, one in old.items() if key not in new]
    for key, one in new.items():
        if key in old and old[key].asks != one.asks:
            was, asks = old[key].asks or "nothing", one.asks or "nothing"
            found.append(Change("changed", f"{one.name} asks “{asks}”, was “{was}”."))
        if key in old and old[key].name != one.name:
            found.append(_changed("Name of a criterion", f"“{old[key].name}”", f"“{one.name}”"))
    kept = [key for key in old if key in new]
    if kept != [key for key in new if key in old]:
        found.append(
            Change("changed", f"Asked in this order: {', '.join(one.name for one in new.values())}.")
        )
    return found


def _tables(before: PointTable, after: PointTable) -> list[Change]:
    found = []
    for (letter, was), (_, now) in zip(before.letters, after.letters, strict=True):
        if was != now:
            found.append(_changed(f"Score {letter} begins at", f"{was}", f"{now} points"))
    found += _pairs("Predictive score", dict(before.predictive), dict(after.predictive))
    found += _pairs("Employees", _bands(before.employees), _bands(after.employees))
    found += _names("Target industry", before.industries, after.industries)
    for what, was, now in (
        ("A target industry", before.industry_points, after.industry_points),
        ("Another industry", before.other_industry_points, after.other_industry_points),
    ):
        if was != now:
            found.append(_changed(what, f"{was}", _points(now)))
    found += _rows("Title", before.titles, after.titles)
    found += _rows("Source", before.sources, after.sources)
    for what, old, new in (
        ("Each further form", before.forms, after.forms),
        ("Each page visit", before.visits, after.visits),
        ("Each event", before.events, after.events),
    ):
        if old != new:
            found.append(_changed(what, _counted(old), _counted(new)))
    return found


def _points(number: int) -> str:
    return f"{number} point{'' if abs(number) == 1 else 's'}"


def _counted(counted: Counted) -> str:
    return f"{_points(counted.each)}, at most {counted.most}" if counted.each and counted.most else "nothing"


def _bands(bands: Iterable[Band]) -> dict[str, int]:
    return {band.in_words: band.points for band in bands}


def _pairs(what: str, before: dict[str, int], after: dict[str, int]) -> list[Change]:
    """Points by name: those of a name that is new, gone or worth something else."""
    found = []
    for name, points in after.items():
        if name not in before:
            found.append(Change("added", f"{what} {name}: {_points(points)}"))
        elif before[name] != points:
            found.append(_changed(f"{what} {name}", f"{before[name]}", _points(points)))
    gone = [
        Change("removed", f"{what} {name}: {_points(before[name])}") for name in before if name not in after
    ]
    return found + gone


def _names(what: str, before: tuple[str, ...], after: tuple[str, ...]) -> list[Change]:
    old, new = {name.lower() for name in before}, {name.lower() for name in after}
    found = [Change("added", f"{what} {name}") for name in after if name.lower() not in old]
    return found + [Change("removed", f"{what} {name}") for name in before if name.lower() not in new]


def _rows(what: str, before: tuple[Keywords, ...], after: tuple[Keywords, ...]) -> list[Change]:
    """Rows of words, known again by their words; the order decides when two match, so it is told too."""
    old, new = ({", ".join(row.words): row.points for row in rows} for rows in (before, after))
    found = _pairs(what, {f"“{words}”": points for words, points in old.items()},
                   {f"“{words}”": points for words, points in new.items()})  # fmt: skip
    kept = [words for words in old if words in new]
    if kept != [words for words in new if words in old]:
        order = "; ".join(new)
        found.append(Change("changed", f"{what} words are looked for in another order: {order}."))
    return found
