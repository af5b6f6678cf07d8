"""What a period's pay is computed with: who was on which plan version, and against which quota.

A version is chosen by the first day that the rep is on the plan within the period and counts for the rest of
it, so bands never begin anew in the middle. What happened is ``selectors.credits``.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Q

from apps.compensation.models import Plan, PlanAssignment, PlanVersion
from apps.compensation.rules.earn import Quotas
from apps.compensation.rules.plan import PlanRules, QuotaRule
from apps.compensation.rules.prorate import QuotaSpan, quota_for
from apps.core.errors import DomainError
from apps.core.periods import Period
from apps.reps.models import Quota, Rep


class NoPlanInForce(DomainError):
    """Somebody is on a plan that has no approved version on the day."""

    code = "no_plan_in_force"


@dataclass(frozen=True)
class Segment:
    """The days of a period on which a rep is on one plan, the version that counts, and the quotas."""

    days: Period
    version_id: int
    plan: PlanRules
    quotas: Quotas = field(hash=False)


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
                sorted((rule.measure, str(rule.ramp_share), goal) for rule, goal in segment.quotas.items()),
            )
            for segment in self.of(rep_id)
        ]
        return hashlib.sha256(repr(parts).encode()).hexdigest() if parts else ""

    @property
    def events(self) -> set[str]:
        """The kinds of event that some plan pays for."""
        return {kind for found in self.segments.values() for segment in found for kind in segment.plan.events}


class PlanShelf:
    """Approved versions of all plans, each document read once."""

    def __init__(self) -> None:
        self._versions: dict[int, list[PlanVersion]] = defaultdict(list)
        approved = PlanVersion.objects.filter(state=PlanVersion.State.APPROVED)
        for version in approved.order_by("effective_on", "number"):
            self._versions[version.plan_id].append(version)
        self._rules: dict[int, PlanRules] = {}

    def in_force(self, plan_id: int, day: date) -> PlanVersion | None:
        """The newest approved version that covers ``day``."""
        return next((one for one in reversed(self._versions[plan_id]) if one.covers(day)), None)

    def rules(self, version: PlanVersion) -> PlanRules:
        if version.pk not in self._rules:
            self._rules[version.pk] = version.rules
        return self._rules[version.pk]


def load_inputs(
    period: Period, *, rep_ids: Iterable[int] | None = None, shelf: PlanShelf | None = None
) -> PeriodInputs:
    """The inputs of ``period`` for ``rep_ids`` (everybody without it), in four queries.

    Raises ``NoPlanInForce``, naming each plan that has no approved version for somebody on it.
    """
    shelf = shelf or PlanShelf()
    assignments = PlanAssignment.objects.filter(starts_on__lt=period.end).filter(
        Q(ends_on__isnull=True) | Q(ends_on__gt=period.start)
    )
    if rep_ids is not None:
        assignments = assignments.filter(rep_id__in=list(rep_ids))
    rows = list(
        assignments.order_by("rep_id", "starts_on").values_list("rep_id", "plan_id", "starts_on", "ends_on")
    )
    spans = _quota_spans(period, {row[0] for row in rows} if rep_ids is not None else None)
    ramps = dict(Rep.objects.filter(ramp_ends_on__isnull=False).values_list("pk", "ramp_ends_on"))
    segments: dict[int, list[Segment]] = defaultdict(list)
    missing: dict[int, date] = {}
    for rep_id, plan_id, starts_on, ends_on in rows:
        days = Period(max(starts_on, period.start), min(ends_on or period.end, period.end))
        version = shelf.in_force(plan_id, days.start)
        if version is None:
            missing.setdefault(plan_id, days.start)
            continue
        plan = shelf.rules(version)
        goals = {
            rule: quota_for(
                days, spans.get(_quota_key(rep_id, rule, plan), ()), ramps.get(rep_id), rule.ramp_share
            )
            for rule in plan.quota_rules
        }
        segments[rep_id].append(Segment(days, version.pk, plan, goals))
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


def _quota_key(rep_id: int, rule: QuotaRule, plan: PlanRules) -> tuple[int, str, str]:
    return rep_id, rule.measure, plan.currency if rule.is_money else ""


def _quota_spans(period: Period, rep_ids: set[int] | None) -> dict[tuple[int, str, str], list[QuotaSpan]]:
    quotas = Quota.objects.filter(rep__isnull=False, starts_on__lt=period.end, ends_on__gt=period.start)
    if rep_ids is not None:
        quotas = quotas.filter(rep_id__in=rep_ids)
    spans: dict[tuple[int, str, str], list[QuotaSpan]] = defaultdict(list)
    for quota in quotas.order_by("pk"):
        target = quota.target_minor if quota.target_minor is not None else quota.target_count
        key = (quota.rep_id or 0, quota.measure, quota.currency)
        spans[key].append(QuotaSpan(Period(quota.starts_on, quota.ends_on), target or 0))
    return spans
