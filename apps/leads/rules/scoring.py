"""A lead's score: points for fit and for intent, explained point by point (PRODUCT section 3)."""

from dataclasses import dataclass

THRESHOLDS = (("A", 80), ("B", 55), ("C", 30), ("D", 0))
MQL_THRESHOLD = 30

_SIZE_POINTS = ((1000, 25), (200, 20), (50, 12), (10, 6), (0, 2))
_TITLE_POINTS = (
    (("chief", "ceo", "coo", "cfo", "cio", "c - level", "owner", "founder", "president"), 20),
    (("vp", "vice", "svp", "head"), 16),
    (("director",), 13),
    (("manager",), 9),
)
_SOURCE_POINTS = (
    (("demo", "pricing", "contact"), 35),
    (("web", "webinar", "chat"), 25),
    (("event", "trade"), 18),
    (("referral", "partner"), 30),
    (("list", "purchased", "outbound"), 6),
)


@dataclass(frozen=True)
class Score:
    """``letter`` A–D, ``points`` in total, ``reasons`` as (kind, words, points) that sum to them."""

    letter: str
    points: int
    reasons: tuple[tuple[str, str, int], ...]


def _first_match(text: str, table: tuple[tuple[tuple[str, ...], int], ...]) -> int:
    lowered = text.lower()
    for words, points in table:
        if any(word in lowered for word in words):
            return points
    return 0


def score(
    *, title: str, employees: int | None, industry: str, source: str, target_industries: frozenset[str]
) -> Score:
    """Score from what is known; what is unknown adds nothing and is said so."""
    reasons: list[tuple[str, str, int]] = []
    if employees is None:
        reasons.append(("fit", "Company size unknown", 0))
    else:
        points = next(points for floor, points in _SIZE_POINTS if employees >= floor)
        reasons.append(("fit", f"{employees:,} employees", points))
    if title:
        reasons.append(("fit", title, _first_match(title, _TITLE_POINTS)))
    else:
        reasons.append(("fit", "Title unknown", 0))
    if industry:
        fits = industry.lower() in target_industries
        reasons.append(("fit", f"{industry}{'' if fits else ', not a target industry'}", 20 if fits else 4))
    reasons.append(("intent", source or "Source unknown", _first_match(source, _SOURCE_POINTS)))
    total = sum(points for _, _, points in reasons)
    letter = next(letter for letter, floor in THRESHOLDS if total >= floor)
    return Score(letter, total, tuple(reasons))


def tier_of_score(letter: str) -> int:
    """The AE tier that a lead of this score is offered to first (PRODUCT section 6)."""
    return {"A": 1, "B": 2}.get(letter, 3)
