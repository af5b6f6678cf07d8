"""Who is on which plan, changed: several put on one at once, an assignment ended, one taken back."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from apps.audit import services as audit
from apps.compensation.models import Plan, PlanAssignment
from apps.compensation.services.plans import UnableToAssignPlan, assign_plan, hold_plans_of
from apps.core.errors import InvalidInput
from apps.reps.models import Rep


@transaction.atomic
def assign_many(
    *,
    reps: Sequence[Rep],
    plan: Plan,
    starts_on: date,
    ends_on: date | None = None,
    moves: bool = False,
    at: datetime,
    actor: Any,
) -> list[PlanAssignment]:
    """Put ``reps`` on ``plan`` from ``starts_on`` up to, not including, ``ends_on``: all of them, or nobody.

    ``moves``: whoever is on another plan then leaves it on ``starts_on``. Raises ``UnableToAssignPlan`` that
    names everybody who is on a plan on one of those days, and which.
    """
    if ends_on is not None and ends_on <= starts_on:
        raise InvalidInput("The last day comes after the first.", field="ends_on")
    hold_plans_of(reps)
    if moves:
        earlier = PlanAssignment.objects.select_for_update().filter(
            Q(ends_on__isnull=True) | Q(ends_on__gt=starts_on), rep__in=reps, starts_on__lt=starts_on
        )
        for one in earlier.exclude(plan=plan).order_by("pk"):
            end_assignment(assignment=one, ends_on=starts_on, at=at, actor=actor)
    clashes = clashes_of(reps=reps, plan=plan, starts_on=starts_on, ends_on=ends_on)
    if clashes:
        said = "; ".join(
            f"{one.rep.name} is on “{one.plan.name}” {_days_in_words(one.starts_on, one.ends_on)}"
            for one in clashes
        )
        raise UnableToAssignPlan(f"{said}. Nobody was moved: end those first, or let them move.")
    return [
        assign_plan(rep=rep, plan=plan, starts_on=starts_on, ends_on=ends_on, at=at, actor=actor)
        for rep in reps
    ]


def clashes_of(
    *, reps: Sequence[Rep], plan: Plan, starts_on: date, ends_on: date | None
) -> list[PlanAssignment]:
    """What keeps ``reps`` from being on ``plan`` on those days; the very same assignment does not."""
    found = PlanAssignment.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gt=starts_on), rep__in=reps
    ).exclude(plan=plan, starts_on=starts_on, ends_on=ends_on)
    if ends_on is not None:
        found = found.filter(starts_on__lt=ends_on)
    return list(found.select_related("rep", "plan").order_by("rep__name", "starts_on"))


def _days_in_words(starts_on: date, ends_on: date | None) -> str:
    """``from 1 Mar 2026`` or ``from 1 Mar to 31 Mar 2026``, both included."""
    first = f"{starts_on.day} {starts_on:%b %Y}"
    if ends_on is None:
        return f"from {first} on"
    last = date.fromordinal(ends_on.toordinal() - 1)
    return f"from {first} to {last.day} {last:%b %Y}"


@transaction.atomic
def end_assignment(*, assignment: PlanAssignment, ends_on: date, at: datetime, actor: Any) -> PlanAssignment:
    """Let somebody leave a plan on ``ends_on``, the first day no longer on it.

    Raises ``InvalidInput`` for a day that is not after the first, ``UnableToAssignPlan`` when the longer
    span would meet another plan.
    """
    hold_plans_of([assignment.rep])
    kept = PlanAssignment.objects.select_for_update(of=("self",)).select_related("rep").get(pk=assignment.pk)
    if ends_on <= kept.starts_on:
        raise InvalidInput(
            f"{kept.rep.name} is on it from {kept.starts_on.isoformat()}: the end comes after that. To undo "
            "the whole of it, take it back.",
            field="ends_on",
        )
    if kept.ends_on == ends_on:
        return kept
    before, kept.ends_on = kept.ends_on, ends_on
    try:
        with transaction.atomic():
            kept.save(update_fields=["ends_on"])
    except IntegrityError as error:
        raise UnableToAssignPlan(
            f"{kept.rep.name} is on another plan on one of those days: end that one first."
        ) from error
    audit.record(
        verb="compensation.plan.assignment_ended",
        subject=kept,
        at=at,
        actor=actor,
        data={"ends_on": ends_on.isoformat(), "was": before.isoformat() if before else None},
    )
    return kept


@transaction.atomic
def take_back_assignment(*, assignment: PlanAssignment, at: datetime, actor: Any) -> None:
    """Undo an assignment that was a mistake, all its days. What a closed run paid by it the next one adjusts."""
    audit.record(
        verb="compensation.plan.assignment_taken_back",
        subject=assignment,
        at=at,
        actor=actor,
        data={
            "plan": assignment.plan_id,
            "rep": assignment.rep_id,
            "starts_on": assignment.starts_on.isoformat(),
            "ends_on": assignment.ends_on.isoformat() if assignment.ends_on else None,
        },
    )
    assignment.delete()
