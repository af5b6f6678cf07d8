"""The company's pay as somebody with pencil and paper would keep it: facts, plans, runs, and a book of what was posted.

It is what the state machine (``pay_machine``) holds the portal against. It works everything out anew each time, knows
neither batches nor what changed since, and imports nothing of ``apps``; what a component pays is ``slow_oracle``'s.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.compensation import slow_oracle
from tests.compensation.slow_oracle import PLACES, Deal, rounded

Document = dict[str, Any]
Line = tuple[str, str, str]
"""Component, source, currency."""

CLOSED = ("locked", "paid")


@dataclass
class Fact:
    """Something that happened, with whom it credits: (rep, capacity, millionths). ``deal`` is its opportunity."""

    number: int
    kind: str
    at: datetime
    recorded: datetime
    credits: list[tuple[int, str, int]]
    amount: int | None
    figures: dict[str, str]
    deal: int | None = None
    gone: datetime | None = None


@dataclass
class Payment:
    number: int
    deal: int
    amount: int
    at: datetime
    recorded: datetime
    gone: datetime | None = None


@dataclass
class Version:
    number: int
    document: Document
    effective_on: date


@dataclass
class Assignment:
    rep: int
    plan: str
    starts: date
    ends: date | None = None


@dataclass(frozen=True)
class Days:
    """From ``start`` up to, not including, ``end``."""

    start: date
    end: date

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    @property
    def count(self) -> int:
        return (self.end - self.start).days


@dataclass
class Run:
    days: Days
    state: str = "computing"
    totals: dict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))


@dataclass(frozen=True)
class Segment:
    """The days of a pay period on one plan, under the version of the first of them."""

    days: Days
    assigned: Days
    document: Document


@dataclass
class Model:
    """``team`` by rep; ``ramp`` is the first whole day by rep; ``quotas`` are (span, target) by rep and measure."""

    team: dict[int, int]
    ramp: dict[int, date] = field(default_factory=dict)
    quotas: dict[tuple[int, str], list[tuple[Days, int]]] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    plans: dict[str, list[Version]] = field(default_factory=lambda: defaultdict(list))
    assignments: list[Assignment] = field(default_factory=list)
    runs: dict[Days, Run] = field(default_factory=dict)
    book: dict[tuple[int, Days], dict[Line, int]] = field(default_factory=lambda: defaultdict(dict))

    def compute(self, run: Run, as_of: datetime) -> None:
        """Post the difference for the run's own period and every closed one, oldest first."""
        periods = sorted(
            {run.days, *(one.days for one in self.runs.values() if one.state in CLOSED)},
            key=lambda days: days.start,
        )
        horizon = max(days.end for days in periods)
        for days in periods:
            for rep in self.team:
                wanted, stood = self._desired(rep, days, as_of, horizon), self.book[rep, days]
                for line in {*wanted, *stood}:
                    run.totals[rep, line[2]] += wanted.get(line, 0) - stood.get(line, 0)
                self.book[rep, days] = {line: minor for line, minor in wanted.items() if minor}
        run.state = "computed"

    # --- One rep, one period ----------------------------------------------------------------------

    def _desired(self, rep: int, period: Days, as_of: datetime, horizon: date) -> dict[Line, int]:
        segments = list(self._segments(rep, period))
        parts = [self._of_segment(rep, one, period, as_of, horizon) for one in segments]
        released = self._released(rep, period, as_of, parts)
        if not segments:
            return released
        parts[-1].update(released)
        owed = self._owed(rep, period)
        for segment, lines in zip(segments, parts, strict=True):
            owed = self._draw(segment, lines, period, owed)
        merged: dict[Line, int] = defaultdict(int)
        for lines in parts:
            for line, minor in lines.items():
                merged[line] += minor
        return dict(merged)

    def _segments(self, rep: int, period: Days) -> Iterator[Segment]:
        mine = sorted((one for one in self.assignments if one.rep == rep), key=lambda one: one.starts)
        for one in mine:
            first, last = max(one.starts, period.start), min(one.ends or period.end, period.end)
            if first < last:
                versions = [each for each in self.plans[one.plan] if each.effective_on <= first]
                newest = max(versions, key=lambda each: (each.effective_on, each.number))
                yield Segment(Days(first, last), Days(one.starts, one.ends or date.max), newest.document)

    def _of_segment(
        self, rep: int, segment: Segment, period: Days, as_of: datetime, horizon: date
    ) -> dict[Line, int]:
        found: dict[Line, int] = {}
        for component in segment.document["components"]:
            lines = self._of_component(rep, segment, component, period, as_of, horizon)
            found.update(lines)
            if "holdback" in component:
                share = Fraction(component["holdback"]["percent"]) / 100
                for (key, source, currency), minor in lines.items():
                    if minor and ":" in source:
                        found[key, f"holdback:{source}", currency] = rounded(-minor * share)
        return found

    def _of_component(
        self, rep: int, segment: Segment, component: Document, period: Days, as_of: datetime, horizon: date
    ) -> dict[Line, int]:
        currency = segment.document["currency"]
        basis = component.get("basis", "run")
        if basis == "run":
            counted, quota_days = segment.days, segment.days
        else:
            quarter = _quarter(segment.days.start)
            inside = Days(max(quarter.start, segment.assigned.start), min(quarter.end, segment.assigned.end))
            counted = Days(inside.start, max(segment.days.end, min(inside.end, horizon)))
            quota_days = counted if basis == "quarter_to_date" else inside
        deals = self._deals(rep, component, counted, as_of)
        quotas = {}
        if "quota" in component:
            measure = component["quota"]["measure"]
            ramp = Fraction(component["quota"].get("ramp_percent", "100")) / 100
            quotas[measure] = self._quota(rep, measure, quota_days, ramp)
        lines = slow_oracle.component_lines(component, deals, currency, quotas)
        on = {deal.source: deal.day for deal in deals}
        lines = {
            line: minor for line, minor in lines.items() if line[1] not in on or on[line[1]] in segment.days
        }
        share = Fraction(segment.days.count, period.count)
        ends = {
            (key, self._named(source, segment, period), paid_in): minor
            for (key, source, paid_in), minor in slow_oracle.limits(component, lines, currency, share).items()
        }
        return {
            (key, source if ":" in source else self._named(source, segment, period), paid_in): minor
            for (key, source, paid_in), minor in lines.items()
        } | ends

    @staticmethod
    def _named(source: str, segment: Segment, period: Days) -> str:
        return source if segment.days.start == period.start else f"{source}@{segment.days.start}"

    def _quota(self, rep: int, measure: str, days: Days, ramp: Fraction) -> int:
        """Day by day: the part of the shortest span that covers it."""
        total, day = Fraction(0), days.start
        while day < days.end:
            span, target = min(
                (one for one in self.quotas[rep, measure] if day in one[0]), key=lambda one: one[0].count
            )
            share = ramp if rep in self.ramp and day < self.ramp[rep] else Fraction(1)
            total += Fraction(target, span.count) * share
            day += timedelta(days=1)
        return rounded(total)

    # --- What counts --------------------------------------------------------------------------------

    def _deals(self, rep: int, component: Document, days: Days, as_of: datetime) -> list[Deal]:
        team = component.get("scope", "own") == "team"
        whose = {one for one in self.team if self.team[one] == self.team[rep]} if team else {rep}
        found: dict[str, tuple[tuple[datetime, int, str], Deal]] = {}
        for order, deal, credited in self._all_deals(as_of):
            mine = [share for one, capacity, share in credited if one in whose and capacity == deal.capacity]
            if mine and deal.day in days:
                found[f"{deal.source}/{deal.capacity}"] = (
                    order,
                    Deal(**{**vars(deal), "share": min(sum(mine), 1_000_000)}),
                )
        return [deal for _, deal in sorted(found.values(), key=lambda one: one[0])]

    def _all_deals(
        self, as_of: datetime
    ) -> Iterator[tuple[tuple[datetime, int, str], Deal, list[tuple[int, str, int]]]]:
        """Events and payments as the record has them at ``as_of``, once for each capacity."""
        for fact in self.facts:
            if fact.recorded > as_of:
                continue
            gone = None
            if fact.gone is not None and fact.gone <= as_of:
                gone = max((fact.gone.date() - fact.at.date()).days, 0)
            for capacity in {capacity for _, capacity, _ in fact.credits}:
                deal = Deal(
                    fact.number, fact.kind, capacity, 0, fact.amount, "EUR" if fact.amount is not None else "",
                    fact.figures, day=fact.at.date(), gone_after=gone, source=f"event:{fact.number}",
                )  # fmt: skip
                yield (fact.at, fact.number, ""), deal, fact.credits
        for payment in self._paid(as_of):
            for win in self.facts:
                holds = win.gone is None or win.gone > as_of
                if win.kind == "won" and win.deal == payment.deal and win.recorded <= as_of and holds:
                    for capacity in {capacity for _, capacity, _ in win.credits}:
                        deal = Deal(
                            win.number, "paid", capacity, 0, payment.amount, "EUR", win.figures,
                            day=payment.at.date(), source=f"payment:{payment.number}",
                        )  # fmt: skip
                        yield (payment.at, win.number, deal.source), deal, win.credits

    def _paid(self, as_of: datetime) -> list[Payment]:
        return [
            one for one in self.payments if one.recorded <= as_of and (one.gone is None or one.gone > as_of)
        ]

    # --- What is carried over -----------------------------------------------------------------------

    def _released(
        self, rep: int, period: Days, as_of: datetime, parts: list[dict[Line, int]]
    ) -> dict[Line, int]:
        """All held pay waits for the first payment of its deal."""
        waiting = [
            (line, minor, None)
            for (whose, days), lines in self.book.items()
            if whose == rep and days.start < period.start
            for line, minor in lines.items()
            if line[1].startswith("holdback:")
        ]
        facts = {fact.number: fact for fact in self.facts}
        for lines in parts:
            for line, minor in lines.items():
                if line[1].startswith("holdback:"):
                    waiting.append((line, minor, facts[int(line[1].split(":")[2])].at.date()))
        found: dict[Line, int] = {}
        for (key, source, currency), minor, earned_on in waiting:
            held = source.removeprefix("holdback:")
            deal = facts[int(held.split(":")[1])].deal
            days = [one.at.date() for one in self._paid(as_of) if deal is not None and one.deal == deal]
            if days and max(min(days), earned_on or min(days)) in period:
                found[key, f"release:1:{held}", currency] = -minor
        return found

    def _owed(self, rep: int, period: Days) -> int:
        return sum(
            minor
            for (whose, days), lines in self.book.items()
            if whose == rep and days.start < period.start
            for (key, source, _), minor in lines.items()
            if key == "draw" and source.startswith("draw")
        )

    def _draw(self, segment: Segment, lines: dict[Line, int], period: Days, owed: int) -> int:
        """Add the draw's line; returns what is owed afterwards."""
        draw, currency = segment.document.get("draw"), segment.document["currency"]
        if draw is None:
            return owed
        share = Fraction(segment.days.count, period.count)
        least = rounded(Fraction(draw["amount"]) * 10 ** PLACES[currency] * share)
        earned = sum(minor for (_, _, paid_in), minor in lines.items() if paid_in == currency)
        recoverable = draw["recoverable"] == "yes"
        source = self._named("draw" if recoverable else "guarantee", segment, period)
        if earned < least:
            lines["draw", source, currency] = least - earned
            return owed + least - earned if recoverable else owed
        taken = min(owed, earned - least) if recoverable else 0
        if taken:
            lines["draw", source, currency] = -taken
        return owed - taken


def _quarter(day: date) -> Days:
    first = (day.month - 1) // 3 * 3 + 1
    end = date(day.year + (first == 10), (first + 3) % 12 or 12, 1)
    return Days(date(day.year, first, 1), end)
