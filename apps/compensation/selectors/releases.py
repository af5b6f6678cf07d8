"""Which held pay is released in a period: by what happened to the same deal, or what its customer paid."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from django.conf import settings

from apps.compensation.rules.events import CreditedEvent
from apps.compensation.rules.lines import Line, release_line
from apps.compensation.rules.terms import Component, Release
from apps.compensation.selectors.balances import Balances, HeldBack
from apps.compensation.selectors.credits import PAID, payments_as_of
from apps.compensation.selectors.inputs import PlanShelf
from apps.compensation.selectors.supposed import Deal, Supposed
from apps.core.periods import Period
from apps.leads.models import FunnelEvent


@dataclass
class Releases:
    """Releases of ``period`` for a batch of reps; what was held earlier is read from the ledger."""

    period: Period
    rep_ids: Iterable[int]
    as_of: datetime
    shelf: PlanShelf
    balances: Balances = field(default_factory=Balances)
    supposed: Supposed = field(default_factory=Supposed)

    @cached_property
    def _earlier(self) -> dict[int, list[HeldBack]]:
        return self.balances.held_back(self.rep_ids, self.period.start)

    def of(self, rep_id: int, held_now: list[tuple[int, Line]]) -> list[tuple[int, Line]]:
        """The release lines of a rep with the version they are posted under.

        ``held_now`` are the holdback lines of the period itself with theirs; they may be released already.
        """
        waiting = [(self._component_of(one), one) for one in self._earlier.get(rep_id, [])]
        found: list[tuple[int, Line]] = []
        event_ids = [one.event_id for _, one in waiting]
        event_ids += [line.event.event_id for _, line in held_now if line.event]
        if not event_ids:
            return []
        facts = self._facts(event_ids)
        for component, one in waiting:
            if component is None:
                continue
            event = CreditedEvent(one.event_id, "", "", source=one.source)
            for line in self._released(component, one.held_minor, event, one.currency, facts, None):
                found.append((one.version_id, line))
        for version_id, line in held_now:
            if line.component is not None and line.event is not None:
                amount, day = -line.amount_minor, line.event.on
                for released in self._released(line.component, amount, line.event, line.currency, facts, day):
                    found.append((version_id, released))
        return found

    def _component_of(self, one: HeldBack) -> Component | None:
        component = self.shelf.by_id(one.version_id).component(one.component_key)
        return component if component is not None and component.holdback is not None else None

    def _released(
        self,
        component: Component,
        held_minor: int,
        event: CreditedEvent,
        currency: str,
        facts: dict[int, dict[tuple[str, str], date]],
        earned_on: date | None,
    ) -> list[Line]:
        assert component.holdback is not None
        found = []
        for place, release in enumerate(component.holdback.releases):
            day = self._day(facts.get(event.event_id, {}), release)
            if day is None:
                continue
            # What happened before it was earned releases it at once.
            falls_on = max(day, earned_on) if earned_on else day
            if falls_on in self.period:
                why = f"{release.label or release.on.replace('_', ' ')} on {day.day} {day:%b %Y}"
                found.append(release_line(component, held_minor, place, event, currency, why))
        return found

    @staticmethod
    def _day(known: dict[tuple[str, str], date], release: Release) -> date | None:
        if release.on != PAID or release.label:
            return known.get((release.on, release.label))
        days = [day for (on, _), day in known.items() if on == PAID]
        return min(days, default=None)

    def facts_of(self, event_ids: list[int]) -> dict[int, dict[tuple[str, str], date]]:
        """By event, the first day of everything that happened to its deal: what releases are decided by."""
        return self._facts(event_ids)

    def _facts(self, event_ids: list[int]) -> dict[int, dict[tuple[str, str], date]]:
        """By event, the first day of everything that happened to its deal by the end of the period."""
        deals = self.supposed.deals_of(event_ids)
        rows = FunnelEvent.objects.filter(pk__in=event_ids).values_list("pk", "opportunity_id", "hand_off_id")
        for pk, opportunity_id, hand_off_id in rows:
            deals[pk] = [
                (kind, found)
                for kind, found in (("opportunity", opportunity_id), ("hand_off", hand_off_id))
                if found
            ]
        first = self._first_days({deal for found in deals.values() for deal in found})
        merged: dict[int, dict[tuple[str, str], date]] = {}
        for pk, found in deals.items():
            days: dict[tuple[str, str], date] = {}
            for deal in found:
                for what, day in first[deal].items():
                    days[what] = min(day, days.get(what, day))
            merged[pk] = days
        return merged

    def _first_days(self, deals: set[Deal]) -> dict[Deal, dict[tuple[str, str], date]]:
        zone = ZoneInfo(settings.COMPANY_TIME_ZONE)
        end = self.period.bounds(settings.COMPANY_TIME_ZONE)[1]
        first: dict[Deal, dict[tuple[str, str], date]] = defaultdict(dict)

        def note(deal: Deal, what: tuple[str, str], at: datetime) -> None:
            day = at.astimezone(zone).date()
            first[deal][what] = min(day, first[deal].get(what, day))

        opportunities = {pk for kind, pk in deals if kind == "opportunity"}
        hand_offs = {pk for kind, pk in deals if kind == "hand_off"}
        known = FunnelEvent.objects.effective(self.as_of).filter(occurred_at__lt=end)
        # The opportunity of a hand-off is its deal too.
        for row in known.filter(opportunity__in=opportunities).values_list(
            "opportunity_id", "kind", "occurred_at"
        ):
            note(("opportunity", row[0]), (row[1], ""), row[2])
        by_hand_off = known.filter(hand_off__in=hand_offs).values_list("hand_off_id", "kind", "occurred_at")
        by_its_deal = known.filter(opportunity__hand_off__in=hand_offs).values_list(
            "opportunity__hand_off_id", "kind", "occurred_at"
        )
        for row in (*by_hand_off, *by_its_deal):
            note(("hand_off", row[0]), (row[1], ""), row[2])
        payments = payments_as_of(self.as_of).filter(paid_at__lt=end)
        for row in payments.filter(opportunity__in=opportunities).values_list(
            "opportunity_id", "label", "paid_at"
        ):
            note(("opportunity", row[0]), (PAID, row[1]), row[2])
        for row in payments.filter(opportunity__hand_off__in=hand_offs).values_list(
            "opportunity__hand_off_id", "label", "paid_at"
        ):
            note(("hand_off", row[0]), (PAID, row[1]), row[2])
        for supposed in self.supposed.happenings(deals, end):
            note(*supposed)
        return first
