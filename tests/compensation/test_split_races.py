"""Several at once about one credit: one split waits, one decision counts, one rate corrects another."""

from datetime import date
from decimal import Decimal

import pytest

from apps.compensation.models import CreditSplit, CreditSplitDecision, CustomerPayment, ExchangeRate
from apps.compensation.services import credit_splits, payments, rates
from apps.core.errors import DomainError
from apps.leads.models import WHOLE_SHARE, Capacity
from tests.compensation.conftest import Payroll, noon
from tests.jobs.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def outcome(act):
    try:
        return act()
    except DomainError as error:
        return type(error)


def test_of_four_proposals_at_once_one_waits(payroll: Payroll):
    event = payroll.won(payroll.cast.rep(payroll.cast.ae), noon(5), 1_000_00)
    others = [payroll.cast.rep(payroll.cast.second_ae), payroll.cast.rep(payroll.cast.am)] * 2
    turns = iter(enumerate(others))

    def propose():
        number, rep = next(turns)
        return credit_splits.propose_split(
            event=event, capacity=Capacity.OWNED, shares={rep: WHOLE_SHARE}, reason=f"Case {number}", at=noon(8),
            actor=payroll.cast.manager,
        )  # fmt: skip

    found = at_once(4, lambda: outcome(propose))
    assert CreditSplit.objects.count() == 1
    assert found.count(credit_splits.UnableToSplit) == 3


def test_of_four_decisions_at_once_one_counts(payroll: Payroll):
    event = payroll.won(payroll.cast.rep(payroll.cast.ae), noon(5), 1_000_00)
    split = credit_splits.propose_split(
        event=event, capacity=Capacity.OWNED, shares={payroll.cast.rep(payroll.cast.am): WHOLE_SHARE},
        reason="Theirs.", at=noon(8), actor=payroll.cast.manager,
    )  # fmt: skip
    people = iter([payroll.cast.finance, payroll.cast.revops] * 2)
    found = at_once(
        4, lambda: outcome(lambda: credit_splits.approve_split(split=split, at=noon(9), actor=next(people)))
    )
    assert CreditSplitDecision.objects.count() == 1
    assert found.count(credit_splits.UnableToDecide) == 3


def test_the_same_payment_and_the_same_rate_at_once_are_one(payroll: Payroll):
    rep = payroll.cast.rep(payroll.cast.ae)
    deal = payroll.deal(rep)
    payroll.won(rep, noon(5), 1_000_00, opportunity=deal)
    found = at_once(
        4,
        lambda: (
            payments.record_payment(
                opportunity=deal,
                amount_minor=1,
                currency="EUR",
                paid_at=noon(6),
                source_key="payment:1",
                at=noon(7),
            ).pk
        ),
    )
    assert len(set(found)) == CustomerPayment.objects.count() == 1
    one = rates.NewRate("USD", "EUR", date(2026, 1, 5), Decimal("0.92"), "ECB")
    at_once(4, lambda: rates.record_rates(rates=[one], today=date(2026, 1, 6), at=noon(6)).new)
    assert ExchangeRate.objects.count() == 1
