"""The question sets by which a lead may be judged sales qualified, and the close rate expected of each.

BANT, AN and ANUM come ready; "own" is the company's and may ask anything. The closer a framework looks, the
more of what meets it should close: BANT 25–35 %, looser ones 10–20 %. Source: PRODUCT section 3.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LONGEST_KEY = 20
LONGEST_NAME = 40
LONGEST_QUESTION = 200
MOST_CRITERIA = 12


@dataclass(frozen=True)
class Criterion:
    """One question of a definition."""

    name: str
    asks: str = ""

    @property
    def key(self) -> str:
        """The name as a word for the database: "Decision maker" is ``decision_maker``."""
        return re.sub(r"[\W_]+", "_", self.name.lower()).strip("_")[:LONGEST_KEY].strip("_")


@dataclass(frozen=True)
class Framework:
    """A question set: how many of its criteria are usually needed, and per cents expected to close."""

    key: str
    name: str
    criteria: tuple[Criterion, ...]
    needed: int
    expected: tuple[int, int]

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(criterion.key for criterion in self.criteria)


_AUTHORITY = Criterion("Authority", "Who signs, and up to what amount?")
_NEED = Criterion("Need", "What problem do they want gone?")
LOOSE, STRICT = (10, 20), (25, 35)

FRAMEWORKS: Mapping[str, Framework] = {
    one.key: one
    for one in (
        Framework(
            "bant",
            "BANT",
            (
                Criterion("Budget", "What is set aside, and who approved it?"),
                _AUTHORITY,
                _NEED,
                Criterion("Timeframe", "By when do they decide and go live?"),
            ),
            3,
            STRICT,
        ),
        Framework("an", "AN", (_AUTHORITY, _NEED), 2, LOOSE),
        Framework(
            "anum",
            "ANUM",
            (
                _AUTHORITY,
                _NEED,
                Criterion("Urgency", "What happens if they wait another quarter?"),
                Criterion("Money", "Is there money for it, or who could find it?"),
            ),
            3,
            LOOSE,
        ),
        Framework("own", "Own framework", (), 1, LOOSE),
    )
}


def framework_of(keys: Iterable[str]) -> Framework:
    """The framework whose criteria these are; the own one when none has exactly them."""
    asked = frozenset(keys)
    return next((one for one in FRAMEWORKS.values() if one.keys == asked), FRAMEWORKS["own"])


def mismatch(framework: Framework, criteria: Iterable[Criterion]) -> str:
    """What keeps these criteria from being the framework's, and what to do; "" when nothing does.

    Questions may be worded anew and stand in any order, but what is asked makes the framework: otherwise
    its close rate would be compared with that of something else.
    """
    if not framework.criteria:
        return ""
    asked = {criterion.key: criterion.name for criterion in criteria}
    missing = [one.name for one in framework.criteria if one.key not in asked]
    extra = [name for key, name in asked.items() if key not in framework.keys]
    parts = []
    if missing:
        them = "it" if len(missing) == 1 else "them"
        parts.append(f"{framework.name} asks for {_listed(missing)} as well: add {them}")
    if extra:
        are, them = ("is", "it") if len(extra) == 1 else ("are", "them")
        parts.append(f"{_listed(extra)} {are} not part of {framework.name}: take {them} out")
    return f"{'; '.join(parts)}, or choose the own framework." if parts else ""


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
