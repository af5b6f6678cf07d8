"""A lead's score: points for fit and for intent, explained point by point (PRODUCT section 3)."""

from dataclasses import dataclass
from functools import lru_cache

from apps.leads.rules.keywords import Keywords, normal_text
from apps.leads.rules.points import Counted, PointTable

Reason = tuple[str, str, int]


@dataclass(frozen=True)
class Known:
    """What is known of a lead when it is judged.

    ``predictive`` is the letter of a score made elsewhere, "" without one. ``forms``, ``visits`` and
    ``events`` count what they did after they arrived; how they arrived is ``source``.
    """

    title: str = ""
    employees: int | None = None
    industry: str = ""
    source: str = ""
    predictive: str = ""
    forms: int = 0
    visits: int = 0
    events: int = 0


@dataclass(frozen=True)
class Score:
    """``letter`` A–D, ``points`` in total, ``reasons`` as (kind, words, points) that sum to them."""

    letter: str
    points: int
    reasons: tuple[Reason, ...]


def score(known: Known, table: PointTable) -> Score:
    """Score by ``table`` from what is known; what is unknown adds nothing and is said so."""
    reasons = (*_fit(known, table), *_intent(known, table))
    points = sum(points for _, _, points in reasons)
    return Score(table.letter_of(points), points, reasons)


def _fit(known: Known, table: PointTable) -> list[Reason]:
    found: list[Reason] = []
    if table.employees:
        if known.employees is None:
            found.append(("fit", "Company size unknown", 0))
        else:
            band = next(band for band in reversed(table.employees) if known.employees >= band.least)
            found.append(("fit", f"{known.employees:,} employees", band.points))
    if table.titles:
        found.append(("fit", known.title or "Title unknown", _matched(known.title, table.titles)))
    if table.industries or table.industry_points or table.other_industry_points:
        found.append(_industry(known.industry, table))
    if table.predictive:
        if known.predictive:
            points = dict(table.predictive).get(known.predictive, 0)
            found.append(("fit", f"Predictive score {known.predictive}", points))
        else:
            found.append(("fit", "Predictive score unknown", 0))
    return found


def _industry(industry: str, table: PointTable) -> Reason:
    if not industry:
        return "fit", "Industry unknown", 0
    if table.is_target(industry):
        return "fit", industry, table.industry_points
    return "fit", f"{industry}, not a target industry", table.other_industry_points


def _intent(known: Known, table: PointTable) -> list[Reason]:
    found: list[Reason] = []
    if table.sources:
        found.append(("intent", known.source or "Source unknown", _matched(known.source, table.sources)))
    for times, one, many, counted in (
        (known.forms, "form filled in", "forms filled in", table.forms),
        (known.visits, "page visit", "page visits", table.visits),
        (known.events, "event attended", "events attended", table.events),
    ):
        if times > 0:
            found.append(_counted(times, one if times == 1 else many, counted))
    return found


def _counted(times: int, what: str, counted: Counted) -> Reason:
    points = counted.of(times)
    capped = ", the most that counts" if points < counted.each * times else ""
    return "intent", f"{times:,} {what}{capped}", points


@lru_cache(maxsize=20_000)
def _matched(text: str, rows: tuple[Keywords, ...]) -> int:
    """The points of the first row that matches. Kept: titles and sources are few beside leads."""
    normal = normal_text(text)
    return next((row.points for row in rows if row.found_in(normal)), 0)


def tier_of_score(letter: str) -> int:
    """The AE tier that a lead of this score is offered to first (PRODUCT section 6)."""
    return {"A": 1, "B": 2}.get(letter, 3)
