"""Whose events count for whom beside the rep's own: the team's, those managed, the members of a pool."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

from apps.compensation.rules.vocabulary import Scope
from apps.compensation.selectors.inputs import PeriodInputs
from apps.compensation.selectors.rosters import Roster
from apps.core.periods import Period
from apps.reps.models import Rep


class Circles:
    """Teams and managers as they are; read once, when somebody's plan first asks."""

    def __init__(self, roster: Roster | None = None) -> None:
        self._roster = roster or Roster()

    @cached_property
    def _people(self) -> list[tuple[int, int, int | None, int | None]]:
        rows = Rep.objects.order_by("pk").values_list("pk", "team_id", "user_id", "team__manager_id")
        return list(rows)

    @cached_property
    def _by_team(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for pk, team_id, _, _ in self._people:
            found[team_id].append(pk)
        return found

    @cached_property
    def _managed_by(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for pk, _, user_id, manager_id in self._people:
            # One's own sales are no override.
            if manager_id is not None and manager_id != user_id:
                found[manager_id].append(pk)
        return found

    @cached_property
    def _about(self) -> dict[int, tuple[int, int | None]]:
        return {pk: (team_id, user_id) for pk, team_id, user_id, _ in self._people}

    def of(self, rep_id: int, scope: Scope) -> list[int]:
        """Whose events count for ``rep_id`` within ``scope``."""
        if scope is Scope.OWN:
            return [rep_id]
        team_id, user_id = self._about[rep_id]
        if scope is Scope.MANAGED:
            return self._managed_by[user_id] if user_id is not None else []
        return self._by_team[team_id]

    def around(self, inputs: PeriodInputs, rep_ids: Iterable[int]) -> set[int]:
        """Everybody whose events count for one of ``rep_ids``."""
        return {
            other
            for rep_id in rep_ids
            for scope in scopes_of(inputs, rep_id) | {Scope.OWN}
            for other in self.of(rep_id, scope)
        }

    def pool(self, rep_id: int, plan_id: int, days: Period) -> list[tuple[int, int]]:
        """Who shares a pool with ``rep_id``, and for how many of ``days`` each is on the plan."""
        members = self._roster.within(days, rep_ids=self.of(rep_id, Scope.TEAM_POOL), plan_id=plan_id)
        found: dict[int, int] = defaultdict(int)
        for member, _, starts_on, ends_on in members:
            found[member] += Period(max(starts_on, days.start), min(ends_on or days.end, days.end)).days
        return list(found.items())


def scopes_of(inputs: PeriodInputs, rep_id: int) -> set[Scope]:
    """The scopes that the rep's plans of the period name."""
    return {component.scope for segment in inputs.of(rep_id) for component in segment.plan.components}
