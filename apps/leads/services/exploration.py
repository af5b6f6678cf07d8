"""The budget of hand-offs outside the profile: set it, say what is left of it, refuse what is beyond it.

Every hand-off flagged as exploration counts in the quarter in which it was made, whatever the AE answered: the
bet was made. Without any budget that has begun there is no limit.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q

from apps.audit import services as audit
from apps.core import locks
from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import day_of, quarter_of
from apps.leads.models import ExplorationBudget, HandOff
from apps.leads.rules.exploration import MOST, Agreed, Budget, in_force
from apps.reps.models import Rep


class OverBudget(DomainError):
    """The rep has made as many bets this quarter as were agreed."""

    code = "exploration_budget_spent"


def budget_of(*, rep: Rep, day: date) -> Budget:
    """What ``rep`` may still hand off as exploration in the quarter of ``day``. Two statements."""
    return budgets_of(reps=[rep], day=day)[rep.pk]


def budgets_of(*, reps: Iterable[Rep], day: date) -> dict[int, Budget]:
    """By rep: the same. Two statements, whatever their number."""
    ids = [rep.pk for rep in reps]
    rows = ExplorationBudget.objects.filter(Q(rep__in=ids) | Q(rep__isnull=True), from_on__lte=day)
    agreed = [Agreed(*row) for row in rows.order_by().values_list("rep_id", "from_on", "per_quarter")]
    start, end = quarter_of(day).bounds(settings.COMPANY_TIME_ZONE)
    made = HandOff.objects.filter(sdr__in=ids, is_exploration=True, created_at__gte=start, created_at__lt=end)
    used = dict(made.order_by().values_list("sdr").annotate(Count("pk")))
    found = {pk: in_force(agreed, rep_id=pk, day=day) for pk in ids}
    return {pk: Budget(one.per_quarter if one else None, used.get(pk, 0)) for pk, one in found.items()}


def refuse_over_budget(*, rep: Rep, at: datetime) -> None:
    """Raise ``OverBudget`` when the rep's quarter is spent. Inside the transaction that makes the hand-off:
    of two bookings at once the second waits, and counts the first."""
    locks.hold([f"exploration:{rep.pk}"])
    day = day_of(at, settings.COMPANY_TIME_ZONE)
    budget = budget_of(rep=rep, day=day)
    if budget.is_spent:
        quarter = quarter_of(day)
        raise OverBudget(
            f"{budget.used} of {budget.per_quarter} exploration hand-offs of {quarter.name} are used. "
            f"From {quarter.end:%-d %B} on there are new ones; until then only leads in the profile go on."
        )


@transaction.atomic
def set_budget(
    *, rep: Rep | None, from_on: date, per_quarter: int | None, at: datetime, actor: Any
) -> ExplorationBudget | None:
    """Agree on a budget for a rep, or (``None``) for everybody, from a quarter on; ``None`` takes that one away.

    Raises ``InvalidInput`` for a day that begins no quarter, and for a number out of range.
    """
    if quarter_of(from_on).start != from_on:
        raise InvalidInput("A budget begins with a quarter.", field="from_on")
    if per_quarter is not None and not 0 <= per_quarter <= MOST:
        raise InvalidInput(f"Write a whole number from 0 to {MOST:,}.", field="per_quarter")
    locks.hold([f"exploration_budget:{rep.pk if rep else 0}"])
    row = ExplorationBudget.objects.filter(rep=rep, from_on=from_on).first()
    before = row.per_quarter if row else None
    if before == per_quarter:
        return row
    if per_quarter is None:
        if row is not None:
            _record(row, before, None, at, actor)
            row.delete()
        return None
    row = row or ExplorationBudget(rep=rep, from_on=from_on)
    row.per_quarter, row.set_at = per_quarter, at
    row.set_by = actor if getattr(actor, "pk", None) else None
    row.save()
    _record(row, before, per_quarter, at, actor)
    return row


def _record(row: ExplorationBudget, before: int | None, after: int | None, at: datetime, actor: Any) -> None:
    data = {"rep": row.rep_id, "from_on": row.from_on.isoformat(), "before": before, "after": after}
    audit.record(verb="leads.exploration.budget_set", subject=row, at=at, actor=actor, data=data)
