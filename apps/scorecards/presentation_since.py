"""What changed since a card was closed, in words. No queries, no rules."""

from typing import Any

from django.urls import reverse

from apps.leads.rules.metrics import Unit
from apps.scorecards.rules.figures import in_figures, plain
from apps.scorecards.selectors.cards import Card
from apps.scorecards.selectors.since_closed import Arrival, Difference, SinceClosed

_WHAT = {
    "late": ("recorded late", "clock"),
    "reversed": ("taken back", "undo"),
    "split": ("credit split anew", "people"),
}


def since_rows(found: SinceClosed, card: Card) -> dict[str, Any] | None:
    """The part of a page; ``None`` where nothing changed."""
    if not found:
        return None
    count = len(found.differences)
    figures = (
        "No figure of the card differs" if not count else f"{count} {'figure' if count == 1 else 'figures'}"
    )
    verb = "" if not count else " differs" if count == 1 else " differ"
    return {
        "sentence": f"{figures}{verb} from what the record says now. The card stays as it was closed.",
        "rows": [_row(one, card) for one in found.differences],
        "arrivals": [_arrival(one) for one in found.arrivals],
        "more": found.more,
    }


def _row(one: Difference, card: Card) -> dict[str, Any]:
    by = one.by
    change = "" if by is None else in_figures(abs(by), one.unit, card.currency)
    if by is not None and one.unit is Unit.RATE:
        change = f"{plain(abs(by) * 100, 1)} points"
    period = card.basis.code
    return {
        "name": f"{one.name}, {one.over}" if one.over else one.name,
        "then": in_figures(one.then, one.unit, card.currency),
        "now": in_figures(one.now, one.unit, card.currency),
        "change": f"{'+' if by > 0 else '−'} {change}" if by else "",
        "url": reverse("scorecards:events", args=[card.rep_id, period, one.key])
        if one.key and not one.over
        else "",
    }


def _arrival(one: Arrival) -> dict[str, Any]:
    event, (words, icon) = one.event, _WHAT[one.what]
    about = event.opportunity or event.lead or (event.hand_off.lead if event.hand_off else None)
    return {
        "event": event,
        "about": str(about) if about else "",
        "words": words,
        "icon": icon,
        "at": one.at,
    }
