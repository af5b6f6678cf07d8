"""Accruals: earned and not paid yet, each kind once, by month and currency, as page, API and files."""

import csv
from datetime import date

import openpyxl
import pytest
from django.urls import reverse

from apps.compensation.models import Download, PayoutRun, Statement
from apps.compensation.selectors.accruals import ESTIMATED, HELD, LOCKED, OPEN, OWED, accruals, open_months
from apps.compensation.services import accrual_downloads, downloads, runs
from tests.compensation import files_read_back as read
from tests.compensation.conftest import FEBRUARY, JANUARY, Payroll, banded_plan, flat_plan, noon

pytestmark = pytest.mark.django_db
TODAY, AT = date(2026, 3, 9), noon(9, 3)


def by_kind(estimate: bool = False) -> dict[tuple[str, str], int]:
    found = accruals(today=TODAY, at=AT, estimate=estimate)
    return {(month.code, kind): minor for month in found.months for kind, minor in month.minor.items()}


@pytest.fixture
def company(payroll: Payroll) -> Payroll:
    """An AE on ten percent with a fifth held back until the customer pays; January locked, February computed."""
    plan = flat_plan(rate="10") | {"format": "salesportal.plan/2"}
    held = {"percent": "20", "releases": [{"on": "paid", "percent": "100"}]}
    plan["components"][0]["holdback"] = held
    ae = payroll.cast.rep(payroll.cast.ae)
    payroll.assign(ae, payroll.plan(plan))
    payroll.won(ae, noon(5), 1_000_00, opportunity=payroll.deal(ae))
    payroll.won(ae, noon(6, 2), 3_000_00)
    payroll.settle(JANUARY)
    payroll.compute(FEBRUARY)
    return payroll


def test_runs_that_are_not_paid_and_what_is_held_back_stand_in_their_months(company):
    assert by_kind() == {
        ("2026-01", LOCKED): 80_00,
        ("2026-01", HELD): 20_00,
        ("2026-02", OPEN): 240_00,
        ("2026-02", HELD): 60_00,
    }


def test_a_paid_run_is_accrued_no_more(company):
    run = PayoutRun.objects.get(code="2026-01")
    runs.mark_paid(run=run, at=AT, actor=company.cast.finance)
    assert ("2026-01", LOCKED) not in by_kind()
    assert by_kind()["2026-01", HELD] == 20_00


def test_the_open_month_is_estimated_by_the_engine_of_the_runs(company):
    company.won(company.cast.rep(company.cast.ae), noon(2, 3), 500_00)
    found = by_kind(estimate=True)
    assert found["2026-03", ESTIMATED] == 50_00
    assert not PayoutRun.objects.filter(code="2026-03").exists()
    assert not Statement.objects.filter(run__code="2026-03").exists()


def test_what_stops_the_estimate_is_said_and_the_rest_shown(company):
    ae = company.cast.rep(company.cast.second_ae)
    plan = banded_plan([["0", "50", "1"], ["50", None, "2"]], name="Attainment") | {
        "format": "salesportal.plan/2"
    }
    plan["components"][0] |= {"bands_in": "percent_of_quota", "quota": {"measure": "amount_won"}}
    company.assign(ae, company.plan(plan), date(2026, 3, 1))
    company.won(ae, noon(3, 3), 10_00)
    found = accruals(today=TODAY, at=AT)
    assert "March 2026 could not be estimated" in found.problem
    assert {month.code for month in found.months} == {"2026-01", "2026-02"}


def test_open_months_follow_the_newest_run(company):
    assert [one.code for one in open_months(date(2026, 5, 2))] == ["2026-03", "2026-04", "2026-05"]
    assert open_months(date(2026, 2, 27)) == []


def test_draws_owed_by_reps_stand_apart_from_the_sum(payroll):
    rep = payroll.cast.rep(payroll.cast.ae)
    plan = flat_plan(rate="10") | {"format": "salesportal.plan/2"}
    plan["draw"] = {"name": "Draw", "amount": "500.00", "recoverable": "yes", "paid": "with_the_run"}
    payroll.assign(rep, payroll.plan(plan))
    payroll.won(rep, noon(4), 1_000_00)
    payroll.settle(JANUARY)
    found = accruals(today=TODAY, at=AT, estimate=False).months
    assert [(month.minor, month.total_minor) for month in found] == [({LOCKED: 500_00, OWED: 400_00}, 500_00)]


def test_the_files_say_what_the_page_says(company, client):
    expected = {
        (month.currency, month.code, kind): minor
        for month in accruals(today=TODAY, at=AT).months
        for kind, minor in month.minor.items()
    }
    made = accrual_downloads.download_accruals(file_format="csv", at=AT, actor=company.cast.finance)
    with downloads.stored_file(made).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {
        (row["Currency"], row["Month"], row["Kind"]): read.minor(row["Amount"], row["Currency"])
        for row in rows
    } == expected
    made = accrual_downloads.download_accruals(file_format="xlsx", at=AT, actor=company.cast.finance)
    sheet = openpyxl.load_workbook(downloads.stored_file(made), data_only=True)["EUR"]
    head, *months, total = ([cell.value for cell in row] for row in sheet.iter_rows())
    assert head[0] == "Month"
    whole = sum(minor for (_, _, kind), minor in expected.items() if kind != OWED)
    assert read.minor(total[-1], "EUR") == whole == sum(read.minor(row[-1], "EUR") for row in months)
    assert Download.objects.filter(kind="accruals").count() == 2


@pytest.mark.parametrize(
    ("part", "status"), [("finance", 200), ("revops", 200), ("manager", 403), ("sdr", 403)]
)
def test_who_sees_them(company, client, part, status):
    client.force_login(getattr(company.cast, part))
    assert client.get(reverse("compensation:accruals")).status_code == status
    assert client.get(reverse("api:accruals")).status_code == status
