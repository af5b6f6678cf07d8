"""What the budget of a SPIFF leaves for each event: first come, first served, over everybody on the plan."""

from dataclasses import dataclass, field
from datetime import date, datetime

from apps.compensation.rules.conversion import converted
from apps.compensation.rules.earn import earn_component
from apps.compensation.rules.spans import far
from apps.compensation.rules.terms import Component
from apps.compensation.selectors.credits import Wanted, credited_events
from apps.compensation.selectors.inputs import Segment
from apps.compensation.selectors.rates import RateBook
from apps.compensation.selectors.rosters import Roster
from apps.compensation.selectors.supposed import Supposed
from apps.core.periods import Period

Granted = dict[tuple[int, str], int]
"""By rep and source, what the budget pays, in minor units."""


@dataclass
class Budgets:
    """The budgets of one computation, each worked out once. ``horizon`` bounds what counts."""

    as_of: datetime
    horizon: date
    roster: Roster = field(default_factory=Roster)
    supposed: Supposed = field(default_factory=Supposed)
    _known: dict[tuple[int, str], Granted] = field(default_factory=dict)

    def granted(self, segment: Segment, component: Component) -> Granted:
        """What each event of the SPIFF gets, in the order of the record, until the budget is used up."""
        key = (segment.version_id, component.key)
        if key not in self._known:
            self._known[key] = self._grant(segment, component)
        return self._known[key]

    def _grant(self, segment: Segment, component: Component) -> Granted:
        bonus = component.bonus
        if bonus is None or bonus.budget_minor is None or self.horizon <= bonus.starts_on:
            return {}
        days = Period(bonus.starts_on, min(bonus.ends_on, self.horizon))
        on_plan: dict[int, list[Period]] = {}
        for rep_id, _, starts_on, ends_on in self.roster.within(days, plan_id=segment.plan_id):
            on_plan.setdefault(rep_id, []).append(far(starts_on, ends_on))
        events = credited_events(
            period=days, as_of=self.as_of, wanted=Wanted.by([component]), rep_ids=on_plan
        )
        events = self.supposed.joined(events, days, on_plan)
        lines, rates = [], RateBook(self.as_of)
        for rep_id, credited in events.items():
            counted = [
                event
                for _, event in credited
                if event.on and any(event.on in days_on for days_on in on_plan[rep_id])
            ]
            counted = converted(component, counted, segment.plan.currency, rates.conversion)
            instants = {event.source_key: at for at, event in credited}
            for line in earn_component(component, counted, segment.plan.currency, None):
                if line.event is not None:
                    order = (instants[line.source_key], line.event.event_id, rep_id)
                    lines.append((order, rep_id, line.source_key, line.amount_minor))
        left, granted = bonus.budget_minor, {}
        for _, rep_id, source, amount in sorted(lines):
            granted[rep_id, source] = min(amount, left)
            left -= granted[rep_id, source]
        return granted
