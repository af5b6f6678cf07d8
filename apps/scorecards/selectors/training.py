"""Who is done, due and overdue: per person, and summed by team and certification."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from apps.reps.models import Rep
from apps.scorecards.models import Certification, CertificationResult, TrainingDue
from apps.scorecards.rules.training import WARN_DAYS, State


def in_state(state: str, today: date) -> Q:
    """The rows of ``rules.training.state_on``, as a condition."""
    soon = today + timedelta(days=WARN_DAYS)
    return {
        State.OVERDUE: Q(due_on__lte=today),
        State.DUE: Q(due_on__gt=today) & (Q(due_on__lte=soon) | Q(was_passed=False)),
        State.DONE: Q(due_on__gt=soon, was_passed=True),
    }[State(state)]


def dues_for(user: Any) -> QuerySet[TrainingDue]:
    """The rows in one's scope, the most pressing first."""
    return TrainingDue.objects.visible_to(user).select_related("rep__team", "certification")


@dataclass(frozen=True)
class Tally:
    """How many of a team stand how with a certification."""

    team: str
    team_id: int
    certification: str
    certification_id: int
    done: int
    due: int
    overdue: int

    @property
    def people(self) -> int:
        return self.done + self.due + self.overdue


def tallies(dues: QuerySet[TrainingDue], today: date) -> list[Tally]:
    """By team and certification. One statement."""
    rows = (
        dues.select_related(None)
        .order_by("rep__team__name", "certification__name", "certification_id")
        .values_list("rep__team__name", "rep__team_id", "certification__name", "certification_id")
        .annotate(**{state.value: Count("pk", filter=in_state(state, today)) for state in State})
    )
    return [
        Tally(team, team_id, name, pk, done, due, overdue)
        for team, team_id, name, pk, done, due, overdue in rows
    ]


def newest_results(dues: Sequence[TrainingDue]) -> dict[tuple[int, int], CertificationResult]:
    """The newest standing result of each row's person and certification. One statement."""
    found: dict[tuple[int, int], CertificationResult] = {}
    results = CertificationResult.objects.standing().filter(
        rep__in={one.rep_id for one in dues}, certification__in={one.certification_id for one in dues}
    )
    for one in results.order_by("taken_on", "pk"):
        found[one.rep_id, one.certification_id] = one
    return found


def own_dues(rep: Rep) -> list[TrainingDue]:
    """A rep's own certifications, the most pressing first."""
    return list(TrainingDue.objects.filter(rep=rep).select_related("certification").order_by("due_on", "pk"))


def asked_of(role: str) -> QuerySet[Certification]:
    """The certifications in use of a role."""
    return Certification.objects.in_use().filter(role=role)
