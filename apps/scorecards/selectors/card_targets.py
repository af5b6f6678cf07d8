"""What each rep of some cards is asked for: quotas, else the assumptions of the role, read once for all."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from apps.core.periods import Period, month_of
from apps.leads.rules.metrics import Metric, Unit
from apps.reps.models import Quota, Rep
from apps.reps.selectors import hours_for
from apps.scorecards.rules import targets
from apps.scorecards.rules.layout import Layout
from apps.scorecards.selectors.assumptions import in_force


class Targets:
    """Quotas and assumptions of many reps, read once; with ``as_of`` the assumptions that were set by then."""

    def __init__(self, reps: Sequence[Rep], over: Period, as_of: datetime | None = None) -> None:
        self._quotas: dict[tuple[int, str], list[Quota]] = {}
        for quota in Quota.objects.filter(rep__in=reps, starts_on__lt=over.end, ends_on__gt=over.start):
            self._quotas.setdefault((quota.rep_id or 0, quota.measure), []).append(quota)
        self._assumed = in_force(month_of(over.last_day), known_at=as_of)

    def target(self, rep: Rep, one: Metric, layout: Layout, basis: Period) -> tuple[Fraction | None, str]:
        """What is asked of ``rep`` over ``basis``, and where that comes from in words."""
        measure_key = dict(layout.quotas).get(one.key, "")
        quotas = [
            targets.Asked(
                Period(quota.starts_on, quota.ends_on),
                quota.target_minor if quota.target_minor is not None else quota.target_count or 0,
            )
            for quota in self._quotas.get((rep.pk, measure_key), [])
            if (one.unit is not Unit.MONEY and quota.target_count is not None)
            or (one.unit is Unit.MONEY and quota.currency == rep.team.currency)
        ]
        target = targets.target_for(basis, quotas)
        if target is not None:
            return target, "quota"
        assumption = self._assumed.get((rep.role, one.key))
        if assumption is None:
            return None, ""
        hours = hours_for(rep)
        days = (basis.start + timedelta(days=number) for number in range(basis.days))
        working = sum(1 for day in days if hours.windows_on(day)) if assumption.per == "day" else 0
        return targets.assumed(assumption, months=layout.months, working_days=working), "assumption"
