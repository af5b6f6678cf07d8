"""The past as one alternative of a replay would have had it: plans, people and balances put in place of the real.

The engine (``selectors.earnings``) reads plans from a shelf, assignments from a roster and what earlier periods
left open from balances. Here are those three for a world that never was; the record, the quotas and the teams are
the real ones. Nothing is written.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.db.models import Q, Sum

from apps.compensation.models import LedgerEntry, PlanAssignment, PlanVersion, Replay
from apps.compensation.rules.draws import KEY
from apps.compensation.rules.moves import Assigned, Move, Person, Who, moved
from apps.compensation.selectors.balances import (
    Balances,
    DrawLine,
    HeldBack,
    draw_lines_before,
    held_back,
    owed,
)
from apps.compensation.selectors.budgets import Budgets
from apps.compensation.selectors.circles import Circles
from apps.compensation.selectors.earnings import Earned, Earnings
from apps.compensation.selectors.inputs import PlanShelf, load_inputs
from apps.compensation.selectors.rosters import Roster
from apps.core.periods import Period
from apps.reps.models import Rep

_KEPT = ("holdback:", "release:")
_FILES_FROM = 1_000_000_000
"""Stand-in numbers of uploaded files, below those of versions: both are negative, as no row's is."""


@dataclass(frozen=True)
class Asked:
    """The question of a replay, read: its pay periods, how far a year reaches, and each alternative's moves."""

    periods: tuple[Period, ...]
    horizon: date
    alternatives: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, replay: Replay) -> "Asked":
        found = replay.question
        periods = tuple(Period(date.fromisoformat(a), date.fromisoformat(b)) for a, b in found["periods"])
        return cls(periods, date.fromisoformat(found["horizon"]), tuple(found["alternatives"]))

    @property
    def window(self) -> Period:
        return Period(self.periods[0].start, self.periods[-1].end)


class ReplayShelf(PlanShelf):
    """All approved versions, and those that an alternative tries, whatever days they are written for."""

    def __init__(self, tried: Mapping[int, PlanVersion]) -> None:
        super().__init__()
        self._tried = tried
        self._by_id.update({version.pk: version for version in tried.values()})

    def in_force(self, plan_id: int, day: date) -> PlanVersion | None:
        """The version tried under the stand-in number, else as ever."""
        return self._tried.get(plan_id) or super().in_force(plan_id, day)


class ReplayRoster(Roster):
    """Assignments after the moves, held in memory: a batch asks for them many times."""

    def __init__(self, rows: Iterable[Assigned]) -> None:
        self._by_rep: dict[int, list[Assigned]] = defaultdict(list)
        self._by_plan: dict[int, list[Assigned]] = defaultdict(list)
        for row in rows:
            self._by_rep[row.rep_id].append(row)
            self._by_plan[row.plan_id].append(row)

    def within(
        self, days: Period, *, rep_ids: Iterable[int] | None = None, plan_id: int | None = None
    ) -> list[Assigned]:
        rows: Iterator[Assigned]
        if plan_id is not None:
            wanted = None if rep_ids is None else set(rep_ids)
            rows = (row for row in self._by_plan[plan_id] if wanted is None or row.rep_id in wanted)
        else:
            asked = sorted(self._by_rep) if rep_ids is None else sorted(set(rep_ids))
            rows = (row for rep_id in asked for row in self._by_rep.get(rep_id, ()))
        return [
            row
            for row in rows
            if row.starts_on < days.end and (row.ends_on is None or row.ends_on > days.start)
        ]


class ReplayBalances(Balances):
    """Draws owed and pay held back: the ledger's until the window begins, from there the replay's own."""

    def __init__(self, begins_on: date) -> None:
        self._begins_on = begins_on
        self._draws: dict[tuple[int, str], list[DrawLine]] = defaultdict(list)
        self._held: dict[int, list[HeldBack]] = defaultdict(list)
        self._kept: dict[tuple[int, str], int] = defaultdict(int)
        self._forgiven: dict[tuple[int, str], date | None] = {}

    def note(self, period: Period, rep_id: int, lines: Iterable[Earned]) -> None:
        """Take what ``rep_id`` was paid in ``period``, for the periods after it."""
        for version_id, line in ((one.version_id, one.line) for one in lines):
            source = line.source_key
            if source.startswith(_KEPT):
                self._kept[rep_id, line.currency] -= line.amount_minor
            if line.component_key == KEY and (source == "draw" or source.startswith("draw@")):
                self._draws[rep_id, line.currency].append(
                    DrawLine(period.start, period.end, source, line.amount_minor, int(line.base))
                )
            elif source.startswith("holdback:") and line.amount_minor and line.event is not None:
                self._held[rep_id].append(
                    HeldBack(
                        rep_id,
                        line.component_key,
                        version_id,
                        source.removeprefix("holdback:"),
                        line.event.event_id,
                        line.currency,
                        -line.amount_minor,
                        period.start,
                    )
                )

    def draw_balance(self, rep_id: int, currency: str, before: date, forgiven_on: date | None) -> int:
        self._forgiven[rep_id, currency] = forgiven_on
        earlier = draw_lines_before(rep_id, currency, min(before, self._begins_on))
        return owed([*earlier, *self._draws[rep_id, currency]], before, forgiven_on)

    def held_back(self, rep_ids: Iterable[int], before: date) -> dict[int, list[HeldBack]]:
        ids = list(rep_ids)
        found = held_back(ids, min(before, self._begins_on))
        for rep_id in ids:
            own = [one for one in self._held[rep_id] if one.starts_on < before]
            if own:
                both = [*found.get(rep_id, []), *own]
                found[rep_id] = sorted(both, key=lambda one: (one.starts_on, one.component_key, one.source))
        return found

    def left_open(self, rep_ids: Iterable[int], end: date) -> list[tuple[int, str, str, int]]:
        """What is open when the window ends: rep, ``held`` or ``owed``, currency, minor units. Not zero."""
        ids = list(rep_ids)
        ledger = LedgerEntry.objects.filter(rep_id__in=ids, starts_on__lt=self._begins_on).order_by()
        kept = defaultdict(int, {key: minor for key, minor in self._kept.items() if key[0] in ids})
        before = ledger.filter(Q(source_key__startswith=_KEPT[0]) | Q(source_key__startswith=_KEPT[1]))
        for rep_id, currency, total in before.values_list("rep_id", "currency").annotate(
            total=Sum("amount_minor")
        ):
            kept[rep_id, currency] -= total
        drawn = {key for key in self._draws if key[0] in ids}
        drawn |= set(ledger.filter(component_key=KEY).values_list("rep_id", "currency").distinct())
        owing = {key: self.draw_balance(*key, end, self._forgiven.get(key)) for key in drawn}
        return [
            (rep_id, what, currency, minor)
            for what, sums in (("held", kept), ("owed", owing))
            for (rep_id, currency), minor in sorted(sums.items())
            if minor
        ]


@dataclass
class World:
    """One alternative. ``moves`` are those of the question; none is the past as it was."""

    asked: Asked
    as_of: datetime
    moves: Sequence[Mapping[str, Any]]

    @cached_property
    def tried(self) -> dict[int, PlanVersion]:
        """What the moves try, by the stand-in number of its plan; the documents stand in the question."""
        numbers = {_stand_in(place, move["to"]): move["to"] for place, move in enumerate(self.moves)}
        # A copy under a number of its own: what it says is tried, whatever days it is written for.
        return {
            number: PlanVersion(pk=number, plan_id=number, document=to["document"])
            for number, to in numbers.items()
            if "document" in to
        }

    @cached_property
    def shelf(self) -> ReplayShelf:
        return ReplayShelf(self.tried)

    @cached_property
    def assigned(self) -> list[Assigned]:
        """Everybody's days on a plan in this world."""
        rows = PlanAssignment.objects.order_by("rep_id", "starts_on")
        real = [Assigned(*row) for row in rows.values_list("rep_id", "plan_id", "starts_on", "ends_on")]
        if not self.moves:
            return real
        moves = [
            Move(Who(move["who"]), frozenset(move["ids"]), _stand_in(place, move["to"]))
            for place, move in enumerate(self.moves)
        ]
        return moved(real, everybody(), moves, self.asked.window)

    @cached_property
    def roster(self) -> ReplayRoster:
        return ReplayRoster(self.assigned)

    @cached_property
    def circles(self) -> Circles:
        return Circles(roster=self.roster)

    @cached_property
    def budgets(self) -> Budgets:
        return Budgets(self.as_of, self.asked.horizon, roster=self.roster)

    def months_of(self, rep_ids: list[int], balances: ReplayBalances) -> Iterator[tuple[Period, Earnings]]:
        """The pay periods in their order, each ready to be asked for the lines of ``rep_ids``.

        Whoever asks notes the lines in ``balances`` before going on to the next.
        """
        for period in self.asked.periods:
            inputs = load_inputs(period, rep_ids=rep_ids, shelf=self.shelf, roster=self.roster)
            yield (
                period,
                Earnings(
                    inputs,
                    rep_ids,
                    self.as_of,
                    self.asked.horizon,
                    self.shelf,
                    self.circles,
                    self.budgets,
                    balances=balances,
                ),
            )


def _stand_in(place: int, to: Mapping[str, Any]) -> int:
    """The number of the plan that a move leads to: its own, or for a version or a file one that no row has.

    The same version in two moves is one plan, so that its people share pools and budgets.
    """
    if "plan" in to:
        return int(to["plan"])
    return -int(to["version"]) if "version" in to else -_FILES_FROM - place


def everybody() -> dict[int, Person]:
    """All reps as moves ask about them. One query."""
    rows = Rep.objects.values_list("pk", "team_id", "role", "hired_on", "left_on")
    return {row[0]: Person(*row) for row in rows}


def worlds_of(replay: Replay) -> list[World]:
    """The past as it was, then each alternative of ``replay``."""
    asked = Asked.of(replay)
    moves: list[Sequence[Mapping[str, Any]]] = [(), *(one["moves"] for one in asked.alternatives)]
    return [World(asked, replay.as_of, one) for one in moves]
