"""Who is on which plan when: as the portal keeps it, for whatever asks.

A computation reads assignments only through a roster, so that another one can be put in its place: a replay asks
what the past would have paid had people been on other plans.
"""

from collections.abc import Iterable

from django.db.models import Q

from apps.compensation.models import PlanAssignment
from apps.compensation.rules.moves import Assigned
from apps.core.periods import Period


class Roster:
    """The assignments that are kept. One query each time somebody asks."""

    def within(
        self, days: Period, *, rep_ids: Iterable[int] | None = None, plan_id: int | None = None
    ) -> list[Assigned]:
        """Assignments that touch ``days``, by rep and first day; of these reps, of this plan, or all."""
        rows = PlanAssignment.objects.filter(
            Q(ends_on__isnull=True) | Q(ends_on__gt=days.start), starts_on__lt=days.end
        )
        if rep_ids is not None:
            rows = rows.filter(rep_id__in=list(rep_ids))
        if plan_id is not None:
            rows = rows.filter(plan=plan_id)
        columns = rows.order_by("rep_id", "starts_on").values_list(
            "rep_id", "plan_id", "starts_on", "ends_on"
        )
        return [Assigned(*row) for row in columns]
