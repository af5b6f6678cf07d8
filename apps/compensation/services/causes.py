"""Why a line differs from what was posted before: the event that came late or was reversed, else the plan.

A late or reversed event moves the others of its component from band to band, so it is their cause too.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q

from apps.compensation.rules.conversion import KEY as CONVERSION
from apps.compensation.rules.deltas import Delta
from apps.compensation.rules.draws import KEY
from apps.compensation.rules.lines import Source
from apps.compensation.rules.vocabulary import Basis
from apps.compensation.selectors.earnings import Earned
from apps.compensation.selectors.turned import Turned
from apps.core.periods import Period
from apps.leads.models import EventKind, FunnelEvent


# Not frozen, as lines are not: a run makes millions of them.
@dataclass(slots=True)
class Change:
    """A line to post, before its statement and cause are known; ``event_id`` where an event made it."""

    period: Period
    delta: Delta[Source]
    wanted: Earned | None
    event_id: int | None

    @property
    def group(self) -> tuple[int, str]:
        return self.delta.key.rep_id, self.delta.key.component_key


@dataclass(frozen=True)
class Moves:
    """What came and what went in one period since it was posted, by rep and component: event numbers."""

    known_by: datetime | None
    new: dict[tuple[int, str], list[int]]
    gone: dict[tuple[int, str], list[int]]


class Causes:
    """The causes of the ``changes`` of one period that correct something."""

    def __init__(self, changes: list[Change], moves: Moves, turned: Turned) -> None:
        self._moves = moves
        self._turned = turned
        corrected = [one for one in changes if not one.delta.is_first or moves.known_by is not None]
        groups = {change.group for change in corrected}
        self._all_gone = {event_id for group in groups for event_id in moves.gone.get(group, ())}
        new_ids = {event_id for group in groups for event_id in moves.new.get(group, ())}
        ended = {
            one.wanted.line.event.ended.by_id
            for one in corrected
            if one.wanted and one.wanted.line.event and one.wanted.line.event.ended
        }
        reversals = Q(reverses__in=self._all_gone) | Q(pk__in=ended)
        self._reversals = {
            row.reverses_id: row for row in FunnelEvent.objects.filter(reversals)
        } if self._all_gone or ended else {}  # fmt: skip
        self._taken: dict[tuple[int, str], list[int]] = defaultdict(list)
        taken_back = set(self._reversals) - self._all_gone
        for one in corrected:
            if one.event_id is not None and one.event_id in taken_back:
                self._taken[one.group].append(one.event_id)
        self._missed = self._no_shows(self._all_gone - set(self._reversals))
        known = {*self._all_gone, *new_ids, *(pk for pk in self._reversals if pk is not None)}
        self._events = FunnelEvent.objects.in_bulk(known) if known else {}

    def _no_shows(self, event_ids: set[int]) -> dict[int | None, FunnelEvent]:
        """By hand-off, the no-show that may be why one of ``event_ids`` counts no more."""
        if not event_ids:
            return {}
        hand_offs = FunnelEvent.objects.filter(pk__in=event_ids, hand_off__isnull=False).values("hand_off")
        missed = FunnelEvent.objects.filter(kind=EventKind.NO_SHOW, hand_off__in=hand_offs).effective()
        return {event.hand_off_id: event for event in missed.order_by("pk")}

    def of(self, change: Change) -> tuple[str, int | None]:
        """Why, in words, and the event that is the cause, where there is one."""
        group, own = change.group, change.event_id
        if by_people := self._turned.why(change.delta.key):
            return by_people
        moved = [*self._moves.gone.get(group, ()), *self._taken[group], *self._moves.new.get(group, ())]
        if own is not None and own in moved:
            return self._why(own)
        for event_id in moved:
            text, cause_id = self._why(event_id)
            return f"Moved to another band by another event. {text}"[:300], cause_id
        if beside := self._turned.why_beside(group):
            return beside
        return self._otherwise(change), None

    def _otherwise(self, change: Change) -> str:
        line = change.wanted.line if change.wanted else None
        if line is not None and line.component is not None and line.component.basis is not Basis.RUN:
            basis = line.component.basis.value.replace("_", " ")
            return f"Trued up: what the {basis} gives by now, with all that happened since."
        if change.delta.key.component_key == CONVERSION:
            return "What was earned in the other currency changed, and is converted with it."
        if change.delta.key.component_key == KEY:
            return "The draw follows what was earned, which changed."
        if change.delta.key.key.startswith(("holdback:", "release:")):
            return "What is held back and released follows what was earned, which changed."
        return "The plan, its version or the quota of the period was changed."

    def _why(self, event_id: int) -> tuple[str, int | None]:
        event = self._events[event_id]
        what = f"{event.get_kind_display()} on {_day(event.occurred_at)} (event {event.pk})"
        reversal = self._reversals.get(event_id)
        if reversal is not None:
            reason = str(reversal.data.get("reason", "")).strip()[:120]
            said = f" ({reason})" if reason else ""
            return f"{what}: reversed on {_day(reversal.recorded_at)}{said}."[:300], reversal.pk
        missed = self._missed.get(event.hand_off_id) if event.hand_off_id else None
        if missed is not None:
            return f"{what}: nobody came on {_day(missed.occurred_at)}.", missed.pk
        if event_id in self._all_gone:
            return f"{what}: counts no more under the plan as it stands.", event.pk
        if self._moves.known_by is not None and event.recorded_at <= self._moves.known_by:
            return f"{what}: counts now, and did not when the period was computed.", event.pk
        return f"{what}: came to the record on {_day(event.recorded_at)}.", event.pk


def _day(instant: datetime) -> str:
    local = instant.astimezone(ZoneInfo(settings.COMPANY_TIME_ZONE))
    return f"{local.day} {local:%b %Y}"
