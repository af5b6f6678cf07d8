"""Quotas of reps and teams as spans of days, and what falls on the days that somebody asks for."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from django.db.models import Q

from apps.compensation.rules.prorate import QuotaSpan, quota_for
from apps.compensation.rules.terms import QuotaRule
from apps.core.periods import Period, year_of
from apps.reps.models import Quota, Rep

_Key = tuple[str, int, str, str]


class QuotaBook:
    """All quotas that touch the years of ``period``, of ``rep_ids`` (everybody without it) and their teams."""

    def __init__(self, period: Period, rep_ids: Iterable[int] | None = None) -> None:
        years = Period(year_of(period.start).start, year_of(period.last_day).end)
        people = Rep.objects.all() if rep_ids is None else Rep.objects.filter(pk__in=list(rep_ids))
        self._people: dict[int, tuple[int, date | None]] = {
            pk: (team_id, ramp) for pk, team_id, ramp in people.values_list("pk", "team_id", "ramp_ends_on")
        }
        self._spans: dict[_Key, list[QuotaSpan]] = defaultdict(list)
        quotas = Quota.objects.filter(starts_on__lt=years.end, ends_on__gt=years.start)
        if rep_ids is not None:
            teams = {team_id for team_id, _ in self._people.values()}
            quotas = quotas.filter(Q(rep__in=list(self._people)) | Q(team__in=teams))
        for quota in quotas.order_by("pk").iterator():
            target = quota.target_minor if quota.target_minor is not None else quota.target_count
            whose, pk = ("rep", quota.rep_id) if quota.rep_id else ("team", quota.team_id or 0)
            key = (whose, pk, quota.measure, quota.currency)
            self._spans[key].append(QuotaSpan(Period(quota.starts_on, quota.ends_on), target or 0))
        self._known: dict[tuple[int, QuotaRule, str, Period], int | None] = {}

    def goal(self, rep_id: int, rule: QuotaRule, currency: str, days: Period) -> int | None:
        """What ``rule`` asks of the rep for ``days``; a team's quota knows no ramp. ``None`` without one."""
        asked = (rep_id, rule, currency, days)
        if asked not in self._known:
            self._known[asked] = self._goal(*asked)
        return self._known[asked]

    def _goal(self, rep_id: int, rule: QuotaRule, currency: str, days: Period) -> int | None:
        team_id, ramp_ends_on = self._people[rep_id]
        money = currency if rule.is_money else ""
        if rule.of_team:
            return quota_for(days, self._spans.get(("team", team_id, rule.measure, money), ()))
        spans = self._spans.get(("rep", rep_id, rule.measure, money), ())
        return quota_for(days, spans, ramp_ends_on, rule.ramp_share)
