"""What to do to a list on a screen so that it shows the list as it is now: the least, row by row.

Pure, and knows nothing of leads: a list is keys in an order, each with a fingerprint of what its row shows.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

Shown = Sequence[tuple[str, str]]
"""(key, fingerprint) in the order of the list; keys are unique."""

MOST = 500
"""Beyond this many rows nobody's screen is; what comes after is not read."""


@dataclass(frozen=True)
class Changes:
    """Done in this order: ``removed`` go, ``renewed`` change in place, each of ``placed`` comes after another.

    A row that moved is removed and placed anew. ``placed`` are (key, key before it, or "" at the top), in the
    order of the list, so that the row before is always there already.
    """

    removed: tuple[str, ...]
    renewed: tuple[str, ...]
    placed: tuple[tuple[str, str], ...]

    def __bool__(self) -> bool:
        return bool(self.removed or self.renewed or self.placed)


def changes(shown: Shown, now: Shown) -> Changes:
    """What turns ``shown`` into ``now``, moving as few rows as can be."""
    before = {key: (place, fingerprint) for place, (key, fingerprint) in enumerate(shown)}
    staying = _longest_run([(key, before[key][0]) for key, _ in now if key in before])
    after = ""
    renewed, placed = [], []
    for key, fingerprint in now:
        if key not in staying:
            placed.append((key, after))
        elif before[key][1] != fingerprint:
            renewed.append(key)
        after = key
    removed = [key for key, _ in shown if key not in staying]
    return Changes(tuple(removed), tuple(renewed), tuple(placed))


def _longest_run(places: list[tuple[str, int]]) -> set[str]:
    """The keys of the longest part whose old places rise: those need not move."""
    ends: list[int] = []
    at_end: list[int] = []
    previous: list[int] = []
    for index, (_, place) in enumerate(places):
        length = bisect_left(ends, place)
        previous.append(at_end[length - 1] if length else -1)
        if length == len(ends):
            ends.append(place)
            at_end.append(index)
        else:
            ends[length], at_end[length] = place, index
    found, index = set(), at_end[-1] if at_end else -1
    while index >= 0:
        found.add(places[index][0])
        index = previous[index]
    return found


def parse_shown(text: str) -> list[tuple[str, str]]:
    """``12:ab34cd56,g2:…`` as a page tells what it shows; what cannot be read, or comes twice, is left out."""
    found: dict[str, str] = {}
    for part in text.split(",")[:MOST]:
        key, separator, fingerprint = part.strip().partition(":")
        if separator and key and fingerprint and key not in found:
            found[key] = fingerprint
    return list(found.items())
