"""What has not happened, beside the record: events that an estimate supposes, as pay would read them.

Pay reads the record and then asks whether anything is supposed besides; in a run nothing is. Nothing here is
written anywhere. What people suppose, and of which deal, is ``selectors.estimate_offers``.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from apps.compensation.rules.events import CreditedEvent
from apps.compensation.selectors.credits import PAID, Credited
from apps.core.periods import Period
from apps.leads.models import EventKind, FunnelEvent

FIRST_NUMBER = 10**15
"""Supposed events are numbered from here: after every event of the record, and told apart from it."""

Deal = tuple[str, int]
"""``("opportunity", 12)`` or ``("hand_off", 7)``; numbers below zero are of deals that are supposed themselves."""


@dataclass(frozen=True, slots=True)
class SupposedCredit:
    """A rep's share in a supposed event, in millionths."""

    rep_id: int
    capacity: str
    share: int


@dataclass(frozen=True)
class SupposedEvent:
    """An event as if it had occurred ``at``, with whom it credits. ``amount_minor`` is the whole event's.

    A payment names the win that it belongs to in ``of_event`` (one of the record, or ``None`` for the win
    supposed with it) and may carry a ``label``. ``name`` is what people call it.
    """

    kind: str
    at: datetime
    credits: tuple[SupposedCredit, ...]
    amount_minor: int | None = None
    currency: str = ""
    figures: Mapping[str, Fraction] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    is_exploration: bool = False
    is_no_show: bool = False
    deals: tuple[Deal, ...] = ()
    label: str = ""
    of_event: int | None = None
    name: str = ""

    @property
    def on(self) -> date:
        """Its day in the company's time zone."""
        return self.at.astimezone(ZoneInfo(settings.COMPANY_TIME_ZONE)).date()


class Supposed:
    """Supposed events, in the order in which they are supposed to come to the record."""

    def __init__(self, events: Iterable[SupposedEvent] = ()) -> None:
        self.events = tuple(events)
        self._deals: dict[int, tuple[Deal, ...]] = {}
        self._names: dict[str, SupposedEvent] = {}
        self._credited: dict[int, list[Credited]] = defaultdict(list)
        wins: dict[Deal, int] = {}
        for number, event in enumerate(self.events, FIRST_NUMBER):
            self._take_up(number, event, wins)

    def _take_up(self, number: int, event: SupposedEvent, wins: dict[Deal, int]) -> None:
        source, event_id = "", number
        if event.kind == PAID:
            # A payment is credited through its win, and so held pay finds its deal.
            known = [wins[deal] for deal in event.deals if deal in wins]
            event_id = event.of_event or (known[0] if known else number)
            source = f"payment:supposed:{number - FIRST_NUMBER + 1}"
        elif event.kind == EventKind.WON:
            wins.update(dict.fromkeys(event.deals, number))
        if event_id >= FIRST_NUMBER:
            self._deals[event_id] = event.deals
        self._names[source or f"event:{number}"] = event
        for credit in event.credits:
            credited = CreditedEvent(
                event_id,
                event.kind,
                credit.capacity,
                credit.share,
                event.amount_minor,
                event.currency if event.amount_minor is not None else "",
                event.is_exploration,
                figures=event.figures,
                facts=event.facts,
                is_no_show=event.is_no_show,
                source=source,
                on=event.on,
            )
            self._credited[credit.rep_id].append((event.at, credited))

    def __bool__(self) -> bool:
        return bool(self.events)

    def event_of(self, source_key: str) -> SupposedEvent | None:
        """The supposed event that a line has as its source (``event:…`` or ``payment:…``); ``None`` for others."""
        return self._names.get(source_key)

    def joined(
        self, found: dict[int, list[Credited]], period: Period, rep_ids: Collection[int]
    ) -> dict[int, list[Credited]]:
        """``found`` with what is supposed for these reps in ``period``, in the order of the record."""
        if not self.events:
            return found
        held = self._booked_again()
        if held:
            for rep_id, credited in found.items():
                found[rep_id] = [
                    (at, replace(event, is_no_show=False) if event.event_id in held else event)
                    for at, event in credited
                ]
        for rep_id in rep_ids:
            more = [one for one in self._credited.get(rep_id, ()) if one[1].on and one[1].on in period]
            if more:
                both = [*found.get(rep_id, ()), *more]
                found[rep_id] = sorted(both, key=lambda one: (one[0], one[1].event_id, one[1].source))
        return found

    def _booked_again(self) -> set[int]:
        """Events of the record that count again since a meeting that was missed is held after all."""
        hand_offs = {
            pk
            for event in self.events
            if event.kind == EventKind.HELD
            for what, pk in event.deals
            if what == "hand_off"
        }
        if not hand_offs:
            return set()
        return set(FunnelEvent.objects.filter(hand_off__in=hand_offs).values_list("pk", flat=True))

    # --- What releases held pay ----------------------------------------------------------------------

    def deals_of(self, event_ids: Iterable[int]) -> dict[int, list[Deal]]:
        """The deals of those of ``event_ids`` that are supposed."""
        return {pk: list(self._deals[pk]) for pk in event_ids if pk in self._deals}

    def happenings(
        self, deals: Collection[Deal], before: datetime
    ) -> Iterator[tuple[Deal, tuple[str, str], datetime]]:
        """What is supposed to happen to ``deals`` before an instant: deal, (kind, label), instant."""
        for event in self.events:
            if event.at < before:
                label = event.label if event.kind == PAID else ""
                for deal in event.deals:
                    if deal in deals:
                        yield deal, (event.kind, label), event.at
