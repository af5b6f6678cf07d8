"""One line of a statement, explained: its arithmetic in words, what was posted for it, and what led to it."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from apps.compensation.models import LedgerEntry, Statement
from apps.compensation.rules import words
from apps.compensation.rules.events import WHOLE_SHARE
from apps.compensation.rules.rates import Grid
from apps.compensation.rules.terms import Component
from apps.core.periods import Period
from apps.leads.models import FunnelEvent
from apps.leads.selectors.events import event_for, reachable


@dataclass(frozen=True)
class ExplainedLine:
    """A line with its arithmetic, its rule, and everything posted for the same source."""

    entry: LedgerEntry
    component: Component | None
    words: str
    rounding: str
    credit: str
    postings: list[LedgerEntry]
    occurred_at: datetime | None
    event_opens: bool
    """Whether the event has a page that the viewer may open; without one the line's page tells it."""
    cause_opens: bool
    reachable: set[str]
    """Which of the event's lead, hand-off and opportunity the viewer may open."""

    @property
    def event(self) -> FunnelEvent | None:
        return self.entry.event


def explain(entry: LedgerEntry, viewer: Any) -> ExplainedLine:
    """Why a line is what it is, and what of its cause ``viewer`` may open. A fixed number of queries.

    A credit by hand pays somebody for a lead that is not theirs to see: they are told of the event what their pay
    depends on, and no more. What was posted by runs that the viewer does not see yet is left out.
    """
    component = entry.plan_version.rules.component(entry.component_key)
    postings = list(
        LedgerEntry.objects.filter(
            rep_id=entry.rep_id,
            component_key=entry.component_key,
            starts_on=entry.starts_on,
            ends_on=entry.ends_on,
            source_key=entry.source_key,
            statement__in=Statement.objects.visible_to(viewer),
        )
        .select_related("run")
        .order_by("sequence")
    )
    asked = [pk for pk in (entry.event_id, entry.cause_event_id) if pk is not None]
    opens = set(event_for(viewer).filter(pk__in=asked).values_list("pk", flat=True)) if asked else set()
    return ExplainedLine(
        entry=entry,
        component=component,
        words=_in_words(entry, component),
        rounding=_rounding(entry),
        credit=words.credit(Fraction(entry.share, WHOLE_SHARE)),
        postings=postings,
        occurred_at=entry.event.occurred_at if entry.event else None,
        event_opens=entry.event_id in opens,
        cause_opens=entry.cause_event_id in opens,
        reachable=reachable(entry.event, viewer) if entry.event else set(),
    )


def _in_words(entry: LedgerEntry, component: Component | None) -> str:
    period = Period(entry.starts_on, entry.ends_on).name
    if not entry.band:
        return _without_band(entry, period)
    if component is None or entry.place is None:
        return f"Earned in {period}."
    nth = f"Number {entry.place} of {period} in “{component.name}”."
    if component.is_flat:
        return f"{nth} All of it pays {entry.rate}."
    if isinstance(component.rates, Grid):
        return f"{nth} It lies in the cell {entry.band}, which pays {entry.rate}."
    if component.rates.method == "whole":
        return (
            f"{nth} The total of the period reached the band {entry.band}, whose rate applies to everything."
        )
    if entry.parts:
        return f"{nth} It passes from one band into another, and each part is paid at its band’s own rate."
    return (
        f"{nth} It lies in the band {entry.band}, which pays {entry.rate}; bands below keep their own rates."
    )


_OF_A_KIND = {
    "holdback": "Earned in {period}, and held back until it is released.",
    "release": "Held back before, and released in {period}.",
    "draw_advance": "Advanced for {period}: what was earned is below the draw.",
    "draw_recovery": "Taken back in {period} of the draw that is owed.",
    "draw_forgiveness": "What was owed of the draw is given up in {period}.",
}


def _without_band(entry: LedgerEntry, period: str) -> str:
    if said := _OF_A_KIND.get(entry.kind):
        return said.format(period=period)
    if entry.source_key.partition("@")[0] in ("cap", "floor"):
        return f"The {entry.source_key.partition('@')[0]} of {period}."
    if entry.earned_minor:
        return f"Corrected for {period}."
    return f"This counted in {period} and counts no more, so what was posted for it is taken back."


def _rounding(entry: LedgerEntry) -> str:
    exact = Fraction(entry.exact)
    if exact.denominator == 1:
        return "Half up to the minor unit, once, on this line: nothing to round"
    return (
        f"Half up to the minor unit, once, on this line: {words.money(exact, entry.currency)} "
        f"is {words.money(entry.earned_minor, entry.currency)}"
    )
