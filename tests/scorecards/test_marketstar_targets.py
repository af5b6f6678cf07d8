"""The team target on a real CRM export: its six quarters to the cent and to the lead.

The data is not ours to ship; without it these are skipped. Its README says what is known of it.
"""

import csv
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from apps.core.periods import Period, parse_period, quarter_of
from apps.leads.models import EventKind
from apps.scorecards.selectors import team_target
from apps.scorecards.selectors.target_outlook import contributions, forecasts
from apps.scorecards.selectors.targets import target_periods
from tests.marketstar import MarketStar

# The import itself is shown on each database (tests/integrations); what is read from it is the same on any.
pytestmark = [pytest.mark.slow, pytest.mark.once]

# converted leads, accepted amount in cents, asked leads, asked amount in cents
QUARTERS = {
    "2021Q2": (57, 19_743_776, 50, 20_000_000),
    "2021Q3": (98, 23_619_179, 100, 30_000_000),
    "2021Q4": (126, 38_221_775, 175, 40_000_000),
    "2022Q1": (188, 55_132_511, 200, 50_000_000),
    "2022Q2": (268, 84_345_103, 250, 80_000_000),
    "2022Q3": (290, 70_209_666, 250, 80_000_000),
}


@pytest.mark.parametrize("quarter", QUARTERS)
def test_the_team_target_equals_the_known_figures(marketstar: MarketStar, quarter: str) -> None:
    found = team_target(team=marketstar.team, period=parse_period(quarter))
    leads, amount, asked_leads, asked_amount = QUARTERS[quarter]
    assert (found.converted_leads, found.accepted_amount_minor) == (leads, amount)
    assert (found.asked_converted_leads, found.asked_accepted_minor) == (asked_leads, asked_amount)
    assert found.apart == {}


@pytest.mark.parametrize("quarter", QUARTERS)
def test_its_weeks_and_its_reps_each_sum_to_the_quarter(marketstar: MarketStar, quarter: str) -> None:
    found = team_target(team=marketstar.team, period=parse_period(quarter))
    tallies = ([tally for _, tally in found.weeks], [tally for _, tally in found.by_rep])
    for parts in tallies:
        assert sum(tally.count(EventKind.HANDED_OFF) for tally in parts) == found.converted_leads
        assert sum(tally.amount(EventKind.ACCEPTED) for tally in parts) == found.accepted_amount_minor


def test_each_sdr_has_what_a_plain_reading_of_the_files_gives(marketstar: MarketStar) -> None:
    """By SDR and quarter, straight from the CSV: leads by created date, amounts by decision date."""
    leads: dict[tuple[str, str], int] = defaultdict(int)
    amounts: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    with (marketstar.folder / "Opportunities.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            sdr = row["created_by_id"]
            created, decided = (
                datetime.strptime(row[name].split(" ")[0], "%m/%d/%Y").date()
                for name in ("CreatedDate", "AcceptedDecisionDate")
            )
            leads[sdr, quarter_of(created).code] += 1
            if row["IsAccepted"] == "TRUE":
                amounts[sdr, quarter_of(decided).code] += Decimal(row["Amount"])
    for quarter in QUARTERS:
        found = team_target(team=marketstar.team, period=parse_period(quarter))
        by_rep = {rep.external_id: tally for rep, tally in found.by_rep}
        for sdr in ("1", "2", "3", "4", "5"):
            tally = by_rep[sdr]
            assert tally.count(EventKind.HANDED_OFF) == leads[sdr, quarter]
            assert tally.amount(EventKind.ACCEPTED) == Fraction(amounts[sdr, quarter] * 100)


def test_the_page_offers_every_quarter_that_has_a_target(marketstar: MarketStar) -> None:
    codes = [period.code for period in target_periods(marketstar.team)]
    assert codes == ["2022Q4", *reversed(QUARTERS)]


@pytest.mark.parametrize("quarter", QUARTERS)
def test_by_role_the_whole_accepted_amount_is_the_sdrs(marketstar: MarketStar, quarter: str) -> None:
    """The export names an SDR for every opportunity: contributions sum to the cent, all of them the SDRs'."""
    target = team_target(team=marketstar.team, period=parse_period(quarter))
    found = contributions(target=target, kind=EventKind.ACCEPTED)
    assert found.whole_minor == QUARTERS[quarter][1]
    assert sum(one.amount_minor for one in found.sourced) == QUARTERS[quarter][1]
    assert {one.role for one in found.sourced if one.amount_minor} <= {"isr", "osr"}


@pytest.mark.parametrize("quarter", QUARTERS)
def test_the_forecast_at_mid_quarter_is_stated_from_its_last_eight_weeks(
    marketstar: MarketStar, quarter: str
) -> None:
    period = parse_period(quarter)
    day = period.start + timedelta(days=45)
    so_far = team_target(team=marketstar.team, period=Period(period.start, day))
    seen = forecasts(target=team_target(team=marketstar.team, period=period), day=day)[EventKind.HANDED_OFF]
    leads = handed_off_days(marketstar)
    weekly = [
        Fraction(
            sum(1 for one in leads if day - timedelta(days=7 * n) <= one < day - timedelta(days=7 * n - 7))
        )
        for n in range(8, 0, -1)
    ]
    assert so_far.converted_leads == sum(1 for one in leads if period.start <= one < day)
    if seen is not None:
        assert seen.mean_a_week == sum(weekly) / len(weekly)


def handed_off_days(marketstar: MarketStar) -> list[date]:
    """Straight from the CSV: the day on which each opportunity was created."""
    with (marketstar.folder / "Opportunities.csv").open(newline="") as lines:
        return [
            datetime.strptime(row["CreatedDate"].split(" ")[0], "%m/%d/%Y").date()
            for row in csv.DictReader(lines)
        ]
