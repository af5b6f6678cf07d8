"""Capacity and lead velocity on a real CRM export, beside a plain reading of its files.

The data is not ours to ship; without it these are skipped. Its README says what is known of it.
"""

import csv
from collections import defaultdict
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings

from apps.core.periods import parse_period
from apps.reps.models import Rep
from apps.scorecards.selectors.capacity import capacity_of
from apps.scorecards.selectors.velocity import months_until, qualified_leads
from tests.marketstar import MarketStar
from tests.scorecards.plain import PlainRecord

# The import itself is shown on each database (tests/integrations); what is read from it is the same on any.
pytestmark = [pytest.mark.slow, pytest.mark.once]

MONTH = parse_period("2022-08")


def test_each_sdr_has_what_the_record_holds_over_the_days_there(marketstar: MarketStar) -> None:
    reps = list(Rep.objects.filter(team=marketstar.team).select_related("calendar", "team__calendar"))
    found = capacity_of(reps=reps, month=MONTH, today=marketstar.at.date())
    plain = PlainRecord()
    for role in found.roles:
        for one in role.verdict.people:
            rep = next(rep for rep in reps if rep.pk == one.rep_id)
            assert one.total == plain.value(role.metric.key, rep, role.basis)
    for skew in found.skews:
        assert skew.without_two.fall is None or 0 <= skew.without_two.fall <= 1


def test_who_carries_the_mean_is_what_a_plain_reading_of_the_files_gives(marketstar: MarketStar) -> None:
    """Accepted meetings by SDR in the month, straight from the CSV."""
    accepted: dict[str, int] = defaultdict(int)
    with (marketstar.folder / "Opportunities.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            decided = datetime.strptime(row["AcceptedDecisionDate"].split(" ")[0], "%m/%d/%Y").date()
            if row["IsAccepted"] == "TRUE" and decided in MONTH:
                accepted[row["created_by_id"]] += 1
    reps = list(Rep.objects.filter(team=marketstar.team).select_related("calendar", "team__calendar"))
    found = capacity_of(reps=reps, month=MONTH, today=marketstar.at.date())
    assert found.skews
    for skew in found.skews:
        values = sorted(
            (accepted[rep.external_id] for rep in reps if rep.name in dict(skew.values)), reverse=True
        )
        assert [value for _, value in skew.values] == values
        rest = values[2:]
        assert skew.without_two.mean_without == Fraction(sum(rest), len(rest))


def test_qualified_leads_are_those_of_the_record_counted_one_by_one(marketstar: MarketStar) -> None:
    zone = ZoneInfo(settings.COMPANY_TIME_ZONE)
    plain = PlainRecord()
    for kind, recorded in (("mql", "mql"), ("sql", "qualified")):
        for month, count in qualified_leads(months=months_until(MONTH), kind=kind, teams=None):
            leads = {
                one.lead_id
                for one in plain.events
                if one.kind == recorded and one.occurred_at.astimezone(zone).date() in month
            }
            assert count == len(leads)
