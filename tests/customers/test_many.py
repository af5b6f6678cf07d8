"""Pages of customers ask as many statements for ten customers as for five hundred, and each says something of them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.customers.models import Churn, Contract, HealthReading, NpsAnswer, PassOn
from apps.leads.models import Account, EventKind, FunnelEvent, Opportunity, OpportunityStage, Source
from tests.cast import NOW, Cast

TODAY = NOW.date()
YEAR = timedelta(days=365)


@pytest.fixture(autouse=True)
def _now(time_machine):
    time_machine.move_to(NOW, tick=False)


def customers(cast: Cast, begin: int, end: int) -> None:
    """So many customers of the AM: won by the AE, under contract, with a reading, an answer, and what waits."""
    am, ae = cast.rep(cast.am), cast.rep(cast.ae)
    accounts = Account.objects.bulk_create(
        Account(name=f"Company {n:03}", owner=am, owned_since=NOW) for n in range(begin, end)
    )
    deals = Opportunity.objects.bulk_create(
        Opportunity(
            name=f"Deal {one.name}",
            account=one,
            owner=ae,
            stage=OpportunityStage.WON,
            amount_minor=50_000_00,
            opened_at=NOW - YEAR,
            stage_changed_at=NOW - YEAR,
            closed_at=NOW - YEAR,
        )
        for one in accounts
    )
    contracts = Contract.objects.bulk_create(
        Contract(
            account=one,
            opportunity=deal,
            starts_on=TODAY - YEAR,
            ends_on=TODAY + timedelta(days=20),
            amount_minor=50_000_00,
            currency="EUR",
            created_at=NOW,
        )
        for one, deal in zip(accounts, deals, strict=True)
    )
    PassOn.objects.bulk_create(
        PassOn(
            account=one,
            opportunity=deal,
            giver=ae,
            receiver=am,
            state="offered",
            created_at=NOW,
            offered_at=NOW,
        )
        for one, deal in zip(accounts, deals, strict=True)
    )
    events = {
        kind: FunnelEvent.objects.bulk_create(
            FunnelEvent(
                kind=kind,
                occurred_at=NOW,
                recorded_at=NOW,
                account=one,
                source=Source.IMPORT,
                source_key=f"many:{kind}:{one.pk}",
            )
            for one in accounts
        )
        for kind in (EventKind.HEALTH, EventKind.NPS, EventKind.CHURNED)
    }
    HealthReading.objects.bulk_create(
        HealthReading(account=one, event=event, recorded_at=NOW, status="red", why="Quiet")
        for one, event in zip(accounts, events[EventKind.HEALTH], strict=True)
    )
    NpsAnswer.objects.bulk_create(
        NpsAnswer(account=one, event=event, recorded_at=NOW, score=3, respondent="Kim", answered_on=TODAY)
        for one, event in zip(accounts, events[EventKind.NPS], strict=True)
    )
    Churn.objects.bulk_create(
        Churn(
            account=one,
            event=event,
            recorded_at=NOW,
            extent="partial",
            contract=contract,
            churned_on=TODAY,
            reason="price",
            lost=[{"amount_minor": 10_000_00, "currency": "EUR"}],
        )
        for one, event, contract in zip(accounts, events[EventKind.CHURNED], contracts, strict=True)
    )


def test_ten_and_five_hundred_customers_cost_the_same(cast: Cast, client: Client) -> None:
    pages = [reverse("customers:home"), reverse("customers:retention")]

    def statements() -> list[int]:
        found = []
        for user in (cast.am, cast.manager, cast.revops):
            client.force_login(user)
            for page in pages:
                client.get(page)
                with CaptureQueriesContext(connection) as seen:
                    assert client.get(page).status_code == 200
                found.append(len(seen))
        return found

    customers(cast, 0, 10)
    few = statements()
    client.force_login(cast.am)
    text = client.get(pages[0]).content.decode()
    assert all(f"Company {n:03}" in text for n in range(10))
    customers(cast, 10, 500)
    assert statements() == few
    assert max(few) <= 24
    text = client.get(pages[0]).content.decode()
    assert "Kim gave 3 of 10" in text
