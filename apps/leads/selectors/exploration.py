"""The exploration budget of everybody within a user's scope, and whether the bets pay."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings

from apps.core.periods import Period
from apps.leads.models import ExplorationBudget
from apps.leads.rules.exploration import Budget
from apps.leads.selectors import quality
from apps.leads.services.exploration import budgets_of
from apps.reps.models import Rep, RepRole


@dataclass(frozen=True)
class Line:
    """One SDR in the quarter; ``is_own`` where the budget was agreed for this rep alone."""

    rep: Rep
    budget: Budget
    is_own: bool


@dataclass(frozen=True)
class Overview:
    """A quarter: the company's budget, each SDR's, and what became of leads in and outside the profile."""

    quarter: Period
    company: ExplorationBudget | None
    lines: list[Line]
    outcomes: tuple[quality.Outcome, quality.Outcome]

    @property
    def used(self) -> int:
        return sum(line.budget.used for line in self.lines)


def sdrs_for(user: Any) -> Any:
    """The SDRs whose budgets the user sees: the own, those of managed teams, or all."""
    rows = Rep.objects.filter(role__in=RepRole.sdr()).select_related("team")
    if user.role == "sdr":
        return rows.filter(user=user)
    if user.role == "manager":
        return rows.filter(team__manager=user)
    return rows


def overview(*, user: Any, quarter: Period, day: date) -> Overview:
    """The quarter as on ``day`` (its last day, or today within it). Eight statements, whatever the team."""
    reps = list(sdrs_for(user).active_on(day).order_by("team__name", "name", "pk"))
    budgets = budgets_of(reps=reps, day=day)
    own = set(
        ExplorationBudget.objects.filter(rep__in=reps, from_on__lte=day)
        .order_by()
        .values_list("rep", flat=True)
    )
    company = (
        ExplorationBudget.objects.filter(rep__isnull=True, from_on__lte=day)
        .select_related("set_by")
        .order_by("-from_on")
        .first()
    )
    found = quality.quality(*quarter.bounds(settings.COMPANY_TIME_ZONE))
    lines = [Line(rep, budgets[rep.pk], rep.pk in own) for rep in reps]
    return Overview(quarter, company, lines, found.profile_rows)
