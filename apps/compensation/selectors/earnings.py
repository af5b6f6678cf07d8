"""What reps earn in a pay period: the record's events under everybody's plan, as lines. Nothing is written.

A batch of reps is read in a few queries. The pure arithmetic is ``rules``; here the events, quotas, teams and
earlier lines that it needs are brought together, component by component.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property

from apps.compensation.rules.conversion import converted
from apps.compensation.rules.draws import draw_lines
from apps.compensation.rules.earn import UnableToEarn, earn_component
from apps.compensation.rules.events import WHOLE_SHARE, CreditedEvent
from apps.compensation.rules.lines import (
    Line,
    held_lines,
    limit_lines,
    pool_lines,
    since_before,
    within_budget,
)
from apps.compensation.rules.spans import Span, far
from apps.compensation.rules.terms import Component
from apps.compensation.rules.vocabulary import Basis, Pays, Scope
from apps.compensation.selectors.balances import Balances
from apps.compensation.selectors.budgets import Budgets
from apps.compensation.selectors.circles import Circles
from apps.compensation.selectors.credits import Credited, Wanted, credited_events
from apps.compensation.selectors.inputs import PeriodInputs, PlanShelf, Segment
from apps.compensation.selectors.rates import RateBook
from apps.compensation.selectors.releases import Releases
from apps.compensation.selectors.supposed import Supposed
from apps.core.periods import Period


# Not frozen, as lines are not: a run makes millions of them.
@dataclass(slots=True)
class Earned:
    """A line, and the plan version that it was earned under."""

    version_id: int
    line: Line


@dataclass
class Earnings:
    """What ``rep_ids`` earn in the period of ``inputs``, by what was recorded by ``as_of``.

    ``horizon`` is the end of the newest period that is computed: a year to date reaches that far. ``supposed`` is
    what an estimate adds to the record; a run adds nothing.
    """

    inputs: PeriodInputs
    rep_ids: list[int]
    as_of: datetime
    horizon: date
    shelf: PlanShelf
    circles: Circles
    budgets: Budgets
    balances: Balances = field(default_factory=Balances)
    supposed: Supposed = field(default_factory=Supposed)

    @cached_property
    def _reach(self) -> Period:
        """All days whose events count: longer than the period where something runs on over several."""
        start, end = self.inputs.period.start, self.inputs.period.end
        for rep_id in self.rep_ids:
            for segment in self.inputs.of(rep_id):
                for component in segment.plan.components:
                    if component.basis is not Basis.RUN:
                        for span in segment.spans(component, self.horizon):
                            start, end = min(start, span.counted.start), max(end, span.counted.end)
        return Period(start, end)

    @cached_property
    def _events(self) -> dict[int, list[Credited]]:
        components = self.inputs.components()
        if not components:
            return {}
        around = self.circles.around(self.inputs, self.rep_ids)
        found = credited_events(
            period=self._reach, as_of=self.as_of, wanted=Wanted.by(components), rep_ids=around
        )
        return self.supposed.joined(found, self._reach, around)

    @cached_property
    def _rates(self) -> RateBook:
        return RateBook(self.as_of)

    @cached_property
    def _releases(self) -> Releases:
        return Releases(
            self.inputs.period, self.rep_ids, self.as_of, self.shelf, self.balances, self.supposed
        )

    def of(self, rep_id: int) -> list[Earned]:
        """The lines of one rep. Raises ``UnableToEarn`` with what is missing."""
        segments = self.inputs.of(rep_id)
        by_segment = [self._segment(segment) for segment in segments]
        held = [
            (one.version_id, one.line) for lines in by_segment for one in lines if one.line.kind == "holdback"
        ]
        released = [Earned(version_id, line) for version_id, line in self._releases.of(rep_id, held)]
        if not by_segment:
            return released
        # A release goes against the draw of the plan that the rep ends the period on.
        by_segment[-1] += released
        owed: dict[str, int] = {}
        return [
            one
            for segment, lines in zip(segments, by_segment, strict=True)
            for one in (*lines, *self._draw(segment, lines, owed))
        ]

    def _segment(self, segment: Segment) -> list[Earned]:
        lines: list[Line] = []
        for component in segment.plan.components:
            of_component = self._component(segment, component)
            lines += of_component
            if component.holdback is not None:
                lines += held_lines(component.holdback, of_component)
        return [Earned(segment.version_id, line) for line in lines]

    # --- One component ----------------------------------------------------------------------------

    def _component(self, segment: Segment, component: Component) -> list[Line]:
        segment = self._as_counted(segment, component)
        events = self._events_for(segment, component)
        found: list[Line] = []
        for span in segment.spans(component, self.horizon):
            found += self._span(segment, component, span, events)
        if component.scope is Scope.TEAM_POOL:
            return self._shared(segment, found)
        if component.bonus is not None and component.bonus.budget_minor is not None:
            granted, budget = self.budgets.granted(segment, component), component.bonus.budget_minor
            return [
                within_budget(line, granted.get((segment.rep_id, line.source_key), 0), budget)
                for line in found
            ]
        return found

    def _as_counted(self, segment: Segment, component: Component) -> Segment:
        if component.scope is not Scope.TEAM_POOL:
            return segment
        # A pool is of the whole period, whoever came or left in it: its members share by days.
        return replace(segment, days=self.inputs.period, assigned=far(date.min, None))

    def counted(
        self, segment: Segment, component: Component
    ) -> list[tuple[Span, list[CreditedEvent], int | None]]:
        """For each span that ``component`` runs on over: its events so far, and the quota they are held against."""
        segment = self._as_counted(segment, component)
        events = self._events_for(segment, component)
        return [
            (
                span,
                [one for one in events if one.on and one.on in span.counted],
                segment.goal(component, span.quota_days),
            )
            for span in segment.spans(component, self.horizon)
        ]

    def _span(
        self, segment: Segment, component: Component, span: Span, events: list[CreditedEvent]
    ) -> list[Line]:
        currency, quota = segment.plan.currency, segment.goal(component, span.quota_days)

        def earned(until: date) -> list[Line]:
            counted = [one for one in events if one.on and span.counted.start <= one.on < until]
            return earn_component(component, counted, currency, quota)

        lines = earned(span.counted.end)
        limited = component.cap_minor is not None or component.floor_minor is not None
        if component.pays is not Pays.TARGET_BY_BAND and not limited:
            return [line for line in lines if line.event and line.event.on and line.event.on in span.paid]

        def of_period(until: date) -> list[Line]:
            """Target, cap and floor of the span up to a day."""
            if until <= span.counted.start:
                return []
            so_far = lines if until == span.counted.end else earned(until)
            share = self._covered(component, Period(span.counted.start, until), segment)
            named = [line for line in so_far if line.event is None]
            return named + limit_lines(component, so_far, currency, share)

        own = [line for line in lines if line.event and line.event.on and line.event.on in span.paid]
        rest = since_before(of_period(span.paid.end), of_period(span.paid.start))
        return own + [self._named(line, span.paid.start) for line in rest]

    def _covered(self, component: Component, counted: Period, segment: Segment) -> Fraction:
        """The share of the pay period's days that a floor is for; a longer basis has one for all its days."""
        if component.basis is not Basis.RUN:
            return Fraction(1)
        return Fraction(segment.days.days, self.inputs.period.days)

    def _named(self, line: Line, starts_on: date) -> Line:
        """A line of the period's, told apart from another one that begins later in it."""
        if starts_on == self.inputs.period.start:
            return line
        return replace(line, source=f"{line.source_key}@{starts_on}")

    def _events_for(self, segment: Segment, component: Component) -> list[CreditedEvent]:
        own = component.scope is Scope.OWN
        if own:
            credited = self._events.get(segment.rep_id, [])
        else:
            credited = self._together(self.circles.of(segment.rep_id, component.scope), component)
        if own and component.basis is Basis.RUN and segment.days == self._reach:
            events = [event for _, event in credited]
        else:
            events = [event for _, event in credited if event.on and event.on in segment.assigned]
        return converted(component, events, segment.plan.currency, self._rates.conversion)

    def _together(self, rep_ids: Iterable[int], component: Component) -> list[Credited]:
        """Events of several people, each once, with their shares in it added up."""
        found: dict[str, Credited] = {}
        for rep_id in rep_ids:
            for at, event in self._events.get(rep_id, ()):
                if event.capacity != component.measure.capacity or event.kind != component.measure.event:
                    continue
                known = found.get(event.source_key)
                if known is not None:
                    event = replace(event, share=min(event.share + known[1].share, WHOLE_SHARE))
                found[event.source_key] = (at, event)
        return sorted(found.values(), key=lambda one: (one[0], one[1].event_id, one[1].source))

    def _shared(self, segment: Segment, lines: list[Line]) -> list[Line]:
        members = self.circles.pool(segment.rep_id, segment.plan_id, self.inputs.period)
        own = [rep_id for rep_id, _ in members].index(segment.rep_id)
        return pool_lines(lines, [days for _, days in members], own)

    # --- Draw -------------------------------------------------------------------------------------

    def _draw(self, segment: Segment, found: list[Earned], owed: dict[str, int]) -> list[Earned]:
        """The lines of the segment's draw. ``owed``, by currency, goes on from one plan of the period to the next."""
        draw = segment.plan.draw
        if draw is None:
            return []
        currency, period = segment.plan.currency, self.inputs.period
        earned = sum(one.line.amount_minor for one in found if one.line.currency == currency)
        forgives = draw.forgiven_on is not None and draw.forgiven_on in period
        balance = 0
        if draw.is_recoverable:
            balance = (
                owed[currency]
                if currency in owed
                else self.balances.draw_balance(segment.rep_id, currency, period.start, draw.forgiven_on)
            )
        lines = draw_lines(
            draw, currency, earned, balance, Fraction(segment.days.days, period.days), forgives=forgives
        )
        if draw.is_recoverable:
            moved = sum(line.amount_minor + int(line.base) for line in lines)
            owed[currency] = (0 if forgives else balance) + moved
        return [Earned(segment.version_id, self._named(line, segment.days.start)) for line in lines]


__all__ = ["Earned", "Earnings", "UnableToEarn"]
