"""Whether capacity and lead velocity say what a plain reading of the record gives; for whatever company is loaded."""

from datetime import date
from fractions import Fraction
from zoneinfo import ZoneInfo

from django.conf import settings

from apps.core.periods import Period
from apps.leads.rules.metrics import Unit
from apps.reps.models import Rep
from apps.scorecards.selectors.capacity import capacity_of
from apps.scorecards.selectors.velocity import months_until, qualified_leads
from tests.scorecards.plain import PlainRecord


def capacity_agrees(record: PlainRecord, month: Period, today: date) -> int:
    """Look at every figure; how many there were."""
    reps = {rep.pk: rep for rep in Rep.objects.select_related("calendar", "team__calendar")}
    found = capacity_of(reps=reps.values(), month=month, today=today)
    figures = 0
    for role in found.roles:
        for one in role.verdict.people:
            assert one.total == record.value(role.metric.key, reps[one.rep_id], role.basis)
            figures += 1
        below = [one for one in role.verdict.counted if (one.rate or 0) < role.verdict.assumption.value]
        assert len(below) == len(role.verdict.below)
    for skew in found.skews:
        money = skew.metric.unit is Unit.MONEY
        by_name = {
            rep.name: record.value(skew.metric.key, rep, skew.basis)
            for rep in reps.values()
            if rep.role == skew.role and (not money or rep.team.currency == skew.currency)
        }
        assert all(by_name[name] == value for name, value in skew.values)
        ordered = sorted((value for _, value in skew.values), reverse=True)
        if len(ordered) > 2:
            assert skew.without_two.mean_without == Fraction(sum(ordered[2:])) / (len(ordered) - 2)
        figures += len(skew.values)
    zone = ZoneInfo(settings.COMPANY_TIME_ZONE)
    for kind, recorded in (("mql", "mql"), ("sql", "qualified")):
        for one, count in qualified_leads(months=months_until(month), kind=kind, teams=None):
            leads = {
                event.lead_id
                for event in record.events
                if event.kind == recorded and event.occurred_at.astimezone(zone).date() in one
            }
            assert count == len(leads)
            figures += 1
    return figures
