"""The real CRM export: every file of its payout runs agrees with the ledger, per rep and currency, to the cent."""

from types import SimpleNamespace

import pytest

from apps.accounts.models import User
from apps.compensation.models import PayoutRun
from apps.compensation.services import runs
from tests.compensation.test_finance_files import agree
from tests.compensation.test_marketstar_oracle import AT, on_plans, run_payouts  # noqa: F401 - a fixture among them
from tests.marketstar import MarketStar

pytestmark = [pytest.mark.slow, pytest.mark.once]


def test_every_file_of_a_quarter_agrees(on_plans: MarketStar) -> None:  # noqa: F811 - the fixture
    run = PayoutRun.objects.get(pk=run_payouts("2022Q2")["run"])
    revops = User.objects.get(email="revops@larkfield.example")
    finance = User.objects.get(email="finance@larkfield.example")
    runs.submit_run(run=run, at=AT, actor=revops)
    runs.approve_run(run=run, fingerprint=run.fingerprint, at=AT, actor=finance)
    runs.lock_run(run=run, fingerprint=run.fingerprint, at=AT, actor=finance)
    agree(run, SimpleNamespace(finance=finance))
