"""The real CRM export: the payout run against a plain computation from the CSV files, to the cent."""

import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.management import call_command

from apps.accounts.models import Role, User
from apps.compensation.models import LedgerEntry, Statement
from apps.compensation.services import plan_drafts, plans
from tests.compensation import marketstar_oracle as oracle
from tests.marketstar import MarketStar
from tests.stage import staged

# The import itself is shown on each database (tests/integrations); what is read from it is the same on any.
pytestmark = [pytest.mark.slow, pytest.mark.once]
AT = datetime(2022, 10, 4, tzinfo=UTC)


@pytest.fixture
@staged
def on_plans(marketstar: MarketStar) -> MarketStar:
    """Everybody of the export on the plans that come with the portal, in dollars."""
    author = User.objects.create_user("revops@larkfield.example", name="R", role=Role.REVOPS)
    approver = User.objects.create_user("finance@larkfield.example", name="F", role=Role.FINANCE)
    by_role = {}
    for role in ("sdr", "ae"):
        version = plans.load_plan_document(
            document=plans.shipped_plan(role), author=author, at=AT, currency="USD"
        )
        plan_drafts.submit_version(version=version, at=AT, actor=version.author)
        plans.approve_version(version=version, approver=approver, at=AT)
        by_role[role] = version.plan
    for rep in marketstar.reps.values():
        plan = by_role["sdr" if rep.is_sdr else "ae"]
        plans.assign_plan(rep=rep, plan=plan, starts_on=date(2021, 1, 1), at=AT)
    return marketstar


def run_payouts(period: str) -> dict:
    out = io.StringIO()
    call_command("run_payouts", period=period, json=True, stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.parametrize("quarter", ["2022Q1", "2022Q2", "2022Q3"])
def test_each_rep_is_paid_what_a_plain_computation_gives(on_plans: MarketStar, quarter: str) -> None:
    expected = oracle.due(on_plans.folder, quarter)
    outcome = run_payouts(quarter)
    paid = {
        statement.rep.external_id: Decimal(statement.payable_minor) / 100
        for statement in Statement.objects.filter(run_id=outcome["run"]).select_related("rep")
    }
    assert paid == expected
    total = sum(expected.values())
    assert total > 0
    assert outcome["totals"] == [{"currency": "USD", "statements": 8, "payable": str(total)}]


def test_a_second_run_posts_nothing(on_plans: MarketStar) -> None:
    first = run_payouts("2022Q1")
    lines = LedgerEntry.objects.count()
    assert run_payouts("2022Q1")["fingerprint"] == first["fingerprint"]
    assert LedgerEntry.objects.count() == lines
