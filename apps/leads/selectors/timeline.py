"""Everything that happened to a lead and to the leads merged into it, newest first, page by page.

What can happen, and in which words, is in ``selectors.happenings`` and ``selectors.changes``. The place in the
list is the instant, the rank of the source and the row's number: a page behind it costs what the first one costs.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from apps.leads.models import Lead
from apps.leads.selectors import changes, happenings
from apps.leads.selectors.happenings import KINDS, Asked, Happening

SHOWN = 25
MOST_MERGED = 20
"""So many merged leads' histories are read with a lead's own; beyond that each is on its own page."""

_SOURCES: tuple[Callable[[Asked, int], list[Happening]], ...] = (
    happenings.events,
    happenings.touches,
    happenings.judgements,
    happenings.enrolment_acts,
    changes.closed,
    changes.reopened,
    changes.acts,
    changes.passed_on,
)
"""Their place here is their rank: of two things at one instant the higher one stands first."""


@dataclass(frozen=True)
class Timeline:
    """One page; ``kind`` is the chip chosen ("" for all), ``older`` the place behind it, "" on the last."""

    happenings: list[Happening]
    kind: str
    older: str

    @property
    def chips(self) -> list[tuple[str, str, bool]]:
        """(value, word, whether chosen)."""
        return [("", "Everything", not self.kind)] + [
            (value, word, value == self.kind) for value, word in KINDS.items()
        ]


def timeline_of(lead: Lead, *, kind: str = "", before: str = "", most: int = SHOWN) -> Timeline:
    """A bounded number of statements, whatever the length of the lead's history.

    An unknown ``kind`` is taken as none, a ``before`` that cannot be read as the beginning.
    """
    kind = kind if kind in KINDS else ""
    leads = _with_absorbed(lead)
    asked = Asked(leads, kind, _read(before), most)
    found = [one for rank, source in enumerate(_SOURCES) for one in source(asked, rank)]
    found.sort(key=lambda one: (one.at, one.rank, one.pk), reverse=True)
    shown = happenings.with_events(found[:most])
    names = {other.pk: other.label for other in leads if other.pk != lead.pk}
    return Timeline(
        [replace(one, origin=names.get(one.lead_id, "")) for one in shown],
        kind,
        _write(shown[-1]) if len(found) > most else "",
    )


def _with_absorbed(lead: Lead) -> list[Lead]:
    """The lead and those merged into it, also by way of another."""
    found, layer = [lead], [lead.pk]
    while layer and len(found) <= MOST_MERGED:
        absorbed = list(Lead.objects.filter(merged_into__in=layer).order_by("pk")[:MOST_MERGED])
        found += absorbed
        layer = [one.pk for one in absorbed]
    return found


def _write(last: Happening) -> str:
    return f"{last.at.astimezone(UTC).isoformat()}~{last.rank}~{last.pk}"


def _read(before: str) -> tuple[datetime, int, int] | None:
    try:
        at, rank, pk = before.split("~")
        instant = datetime.fromisoformat(at)
        return (instant, int(rank), min(int(pk), 2**63 - 1)) if instant.tzinfo else None
    except (ValueError, OverflowError):
        return None
