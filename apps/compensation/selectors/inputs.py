"""What a period's pay is computed with: who was on which plan version, and against which quota.

A version is chosen by the first day that the rep is on the plan within the period and counts for the rest of
it, so bands never begin anew in the middle. What happened is ``selectors.credits``.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from apps.compensation.models import Plan, PlanVersion
from apps.compensation.rules.spans import Span, far, spans_of
from apps.compensation.rules.terms import Component, PlanRules
from apps.compensation.selectors.quotas import QuotaBook
from apps.compensation.selectors.rosters import Roster
from apps.core.errors import DomainError
from apps.core.periods import Period


class NoPlanInForce(DomainError):
    """Somebody is on a plan that has no approved version on the day."""

    code = "no_plan_in_force"


@dataclass(frozen=True)
class Segment:
    """The days of a period on which a rep is on one plan, the version that counts, and the quotas."""

    rep_id: int
    days: Period
    assigned: Period
    plan_id: int
    version_id: int
    plan: PlanRules
    quotas: QuotaBook = field(hash=False, compare=False, repr=False)

    def spans(self, component: Component, horizon: date) -> list[Span]:
        """Over which days ``component`` runs on, as seen from these."""
        return spans_of(component.basis, self.days, self.assigned, horizon)

    def goal(self, component: Component, days: Period) -> int | None:
        """The quota that ``component`` is measured against; ``None`` without one."""
        if component.quota is None:
            return None
        return self.quotas.goal(self.rep_id, component.quota, self.plan.currency, days)

    def goals(self) -> list[tuple[str, str, int | None]]:
        """Every quota of the period as it stands: component, days, target."""
        return [
            (component.key, str(span.quota_days), self.goal(component, span.quota_days))
            for component in self.plan.components
            if component.quota is not None
            for span in self.spans(component, self.days.end)
        ]


@dataclass
class PeriodInputs:
    """Segments by rep, for those who are on a plan in the period."""

    period: Period
    segments: dict[int, list[Segment]]

    def of(self, rep_id: int) -> list[Segment]:
        return self.segments.get(rep_id, [])

    def basis(self, rep_id: int) -> str:
        """A hash of all that the rep's pay depends on besides the record; empty without a plan."""
        parts = [
            (
                str(segment.days.start),
                str(segment.days.end),
                segment.version_id,
                sorted(segment.goals(), key=str),
            )
            for segment in self.of(rep_id)
        ]
        return hashlib.sha256(repr(parts).encode()).hexdigest() if parts else ""

    def components(self) -> list[Component]:
        """Every component of every plan that somebody is on, once."""
        plans = {one.version_id: one.plan for found in self.segments.values() for one in found}
        return [component for plan in plans.values() for component in plan.components]


class PlanShelf:
    """Approved versions of all plans, each document read once."""

    def __init__(self) -> None:
        self._versions: dict[int, list[PlanVersion]] = defaultdict(list)
        self._by_id: dict[int, PlanVersion] = {}
        approved = PlanVersion.objects.filter(state=PlanVersion.State.APPROVED)
        for version in approved.order_by("effective_on", "number"):
            self._versions[version.plan_id].append(version)
            self._by_id[version.pk] = version
        self._rules: dict[int, PlanRules] = {}

    def in_force(self, plan_id: int, day: date) -> PlanVersion | None:
        """The newest approved version that covers ``day``."""
        return next((one for one in reversed(self._versions[plan_id]) if one.covers(day)), None)

    def rules(self, version: PlanVersion) -> PlanRules:
        if version.pk not in self._rules:
            self._rules[version.pk] = version.rules
        return self._rules[version.pk]

    def by_id(self, version_id: int) -> PlanRules:
        """The rules of a version that something was posted under."""
        return self.rules(self._by_id[version_id])


def load_inputs(
    period: Period,
    *,
    rep_ids: Iterable[int] | None = None,
    shelf: PlanShelf | None = None,
    roster: Roster | None = None,
    quotas: QuotaBook | None = None,
) -> PeriodInputs:
    """The inputs of ``period`` for ``rep_ids`` (everybody without it), in four queries.

    ``quotas`` is a book that was read already for the years of ``period`` and these reps.

    Raises ``NoPlanInForce``, naming each plan that has no approved version for somebody on it.
    """
    shelf = shelf or PlanShelf()
    rows = (roster or Roster()).within(period, rep_ids=rep_ids)
    quotas = quotas or QuotaBook(period, {row[0] for row in rows} if rep_ids is not None else None)
    segments: dict[int, list[Segment]] = defaultdict(list)
    missing: dict[int, date] = {}
    for rep_id, plan_id, starts_on, ends_on in rows:
        days = Period(max(starts_on, period.start), min(ends_on or period.end, period.end))
        version = shelf.in_force(plan_id, days.start)
        if version is None:
            missing.setdefault(plan_id, days.start)
            continue
        segments[rep_id].append(
            Segment(rep_id, days, far(starts_on, ends_on), plan_id, version.pk, shelf.rules(version), quotas)
        )
    if missing:
        names = Plan.objects.in_bulk(missing)
        raise NoPlanInForce(
            " ".join(
                f"“{names[plan_id].name}” has no approved version on {day:%d %b %Y}: approve one that is "
                "effective by then, or change who is on the plan."
                for plan_id, day in missing.items()
            )
        )
    return PeriodInputs(period, dict(segments))
