"""Where each metric is used: on which scorecards, in the ranking, by which quotas and assumptions, in which plans."""

from datetime import date
from typing import Any, NamedTuple

from django.db.models import Q

from apps.compensation.models import PlanVersion
from apps.core.periods import month_of
from apps.leads.rules.metrics import METRICS, OF_QUOTA
from apps.reps.models import QuotaMeasure
from apps.scorecards.rules.layout import LAYOUTS
from apps.scorecards.selectors.assumptions import in_force
from apps.scorecards.selectors.ranking import current_policy


class Use(NamedTuple):
    """One place: ``where`` is the kind of it."""

    where: str
    what: str


def uses_of_metrics(*, user: Any, today: date) -> dict[str, list[Use]]:
    """By metric, the places in which it counts today. Plans are those that ``user`` may see."""
    found: dict[str, list[Use]] = {key: [] for key in METRICS}
    for key in METRICS:
        roles = [role.upper() for role, layout in LAYOUTS.items() if key in layout.metrics]
        if roles:
            found[key].append(Use("Scorecard", ", ".join(roles)))
    policy = current_policy(today)
    for key, percent in policy.metrics:
        found[key].append(Use("Ranking", f"{percent} % of the index"))
    for quota, metric in OF_QUOTA.items():
        found[metric.key].append(Use("Quota", QuotaMeasure(quota).label))
    for (role, key), _ in sorted(in_force(month_of(today)).items()):
        if key in found:
            found[key].append(Use("Capacity", f"assumed of {role.upper()}"))
    for key, what in _plans(user, today):
        found[key].append(Use("Pay", what))
    return found


def _plans(user: Any, today: date) -> list[tuple[str, str]]:
    """Components of the approved versions in force whose measure is a metric."""
    versions = (
        PlanVersion.objects.visible_to(user)
        .filter(state=PlanVersion.State.APPROVED, effective_on__lte=today)
        .filter(Q(ends_on__isnull=True) | Q(ends_on__gt=today))
        .select_related("plan")
        .order_by("plan__name", "plan_id", "-effective_on", "-number")
    )
    found, seen = [], set()
    for version in versions:
        if version.plan_id in seen:
            continue
        seen.add(version.plan_id)
        for component in version.rules.components:
            metric = component.measure.metric
            if metric is not None:
                found.append((metric.key, f"{version.plan.name}, {component.name}"))
    return found
