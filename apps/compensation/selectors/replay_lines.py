"""The lines behind a replay's figures: one person's, worked out anew from the kept question, with their words."""

from dataclasses import dataclass

from apps.compensation.models import Replay
from apps.compensation.rules.events import UnableToEarn
from apps.compensation.rules.lines import Line
from apps.compensation.selectors.replay_world import ReplayBalances, worlds_of
from apps.core.periods import Period
from apps.leads.models import FunnelEvent


@dataclass(frozen=True)
class ReplayedLine:
    """A line and what it is for, as people call it."""

    line: Line
    title: str


@dataclass(frozen=True)
class ReplayedPeriod:
    """One person's lines of one period under one alternative; ``problem`` where it cannot be worked out now."""

    lines: list[ReplayedLine]
    problem: str = ""

    def total(self, currency: str) -> int:
        return sum(one.line.amount_minor for one in self.lines if one.line.currency == currency)


def lines_of(replay: Replay, rep_id: int, alternative: int, period: Period) -> ReplayedPeriod:
    """The lines of ``period``; those before it are worked out too, for what they hand on.

    The record is read as of the replay's instant; quotas and teams are read as they are now, so a figure that was
    kept may differ, and whoever shows both says so.
    """
    world = worlds_of(replay)[alternative - 1]
    balances = ReplayBalances(replay.starts_on)
    for each, earnings in world.months_of([rep_id], balances):
        try:
            earned = earnings.of(rep_id)
        except UnableToEarn as error:
            return ReplayedPeriod([], error.message)
        if each == period:
            return ReplayedPeriod(_titled([one.line for one in earned]))
        balances.note(each, rep_id, earned)
    return ReplayedPeriod([], "The replay has no such period.")


def _titled(lines: list[Line]) -> list[ReplayedLine]:
    ids = {line.event.event_id for line in lines if line.event is not None}
    events = FunnelEvent.objects.select_related("opportunity", "lead").in_bulk(ids) if ids else {}
    return [ReplayedLine(line, _title(line, events)) for line in lines]


def _title(line: Line, events: dict[int, FunnelEvent]) -> str:
    event = events.get(line.event.event_id) if line.event is not None else None
    if event is None:
        return line.component_name
    if event.opportunity is not None:
        return event.opportunity.name
    return event.lead.company or event.lead.label if event.lead is not None else f"Event {event.pk}"
