"""How AEs stood at a past instant: turns as the ledger adds up, tier and rank as decisions of then kept them.

For a replay of the past: who was ranked first then, and who was owed a turn then, is not what they are today.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from apps.core.periods import day_of
from apps.leads.models import PoolTurn, RoutingDecision
from apps.leads.rules.routing import kept, turns
from apps.reps.models import Rep, TierChange

_COUNTS_AGAIN = (PoolTurn.Kind.TAKEN, PoolTurn.Kind.RETAKEN)


def standings_at(*, names: Collection[str], at: datetime) -> dict[str, dict[int, turns.Standing]]:
    """Due and taken by pool of turns and rep: the sum of what was on the ledger before ``at``. One statement."""
    found: dict[str, dict[int, turns.Standing]] = {}
    rows = PoolTurn.objects.filter(pool__name__in=names, at__lt=at).order_by("pk")
    for pool, rep, kind, shares, chosen in rows.values_list(
        "pool__name", "rep_id", "kind", "decision__shares", "decision__chosen_id"
    ).iterator():
        members = found.setdefault(pool, {})
        if kind == PoolTurn.Kind.JOINED:
            members.setdefault(rep, turns.Standing())
            continue
        change = turns.again if kind in _COUNTS_AGAIN else turns.without
        found[pool] = change(members, kept.shares_of(shares), chosen)
    return found


class AsTheyWere:
    """Tier and rank of AEs, going forward in time: ``move_to`` an instant, then ask.

    As the latest decision that considered an AE kept them. Of whom no decision tells yet, the tier is known from its
    history, and the rank is today's.
    """

    def __init__(self, aes: Sequence[Rep], *, since: datetime) -> None:
        self._today = {ae.pk: (ae.tier, ae.rank) for ae in aes}
        self._kept: dict[int, tuple[int, int]] = {}
        self._changes: dict[int, list[tuple[Any, int]]] = defaultdict(list)
        changes = TierChange.objects.filter(rep__in=self._today).order_by("effective_on", "pk")
        for rep, on, before in changes.values_list("rep_id", "effective_on", "tier_before"):
            self._changes[rep].append((on, before))
        rows = RoutingDecision.objects.filter(at__gte=since).order_by("at", "pk")
        self._decisions: Iterator[Any] = rows.values_list("at", "candidates").iterator(chunk_size=200)
        self._next = next(self._decisions, None)
        self._at = since

    def move_to(self, at: datetime) -> None:
        """Take in what was decided by ``at``, which is not before the last one."""
        self._at = at
        while self._next is not None and self._next[0] <= at:
            for row in self._next[1]:
                self._kept[row["rep"]] = (row["tier"], row["rank"])
            self._next = next(self._decisions, None)

    def tier_and_rank(self, rep: int) -> tuple[int | None, int | None]:
        """As it was at the instant moved to."""
        if rep in self._kept:
            return self._kept[rep]
        tier, rank = self._today[rep]
        day = day_of(self._at, "UTC")
        # The first later change says what it was before.
        return next((before for on, before in self._changes[rep] if on > day), tier), rank
