"""Customers to begin from: won, passed on, under contract; made by the services that the pages use."""

from datetime import date, timedelta

from apps.customers.models import Contract, PassOn
from apps.customers.services import pass_ons
from apps.customers.services.contracts import Terms
from apps.customers.services.pass_ons import Item
from apps.leads.models import Account, Opportunity
from tests.cast import NOW, Cast
from tests.leads.scenes import won

WON_ON = date(2026, 11, 21)
"""``scenes.won`` wins nine days after ``NOW``."""
STARTS, ENDS = date(2026, 12, 1), date(2027, 11, 30)
YEAR = Terms(STARTS, ENDS, 60_000_00)


def begun(cast: Cast, company: str = "Brightmoor Logistics") -> PassOn:
    """A win that waits to be written about."""
    return PassOn.objects.get(opportunity=won(cast, company))


def offered(cast: Cast, company: str = "Brightmoor Logistics", terms: Terms = YEAR) -> PassOn:
    """Written by the AE, offered by the rule."""
    return pass_ons.offer_pass_on(
        pass_on=begun(cast, company),
        promises=[Item("Training for two teams", date(2026, 12, 15)), Item("A named contact")],
        terms=terms,
        contacts="Hanna Vogel, COO",
        at=NOW + timedelta(days=10),
        today=WON_ON,
        actor=cast.ae,
    )


def kept(cast: Cast, company: str = "Brightmoor Logistics", terms: Terms = YEAR) -> Account:
    """Accepted by the AM: a customer."""
    found = pass_ons.accept_pass_on(
        pass_on=offered(cast, company, terms), at=NOW + timedelta(days=11), actor=cast.am
    )
    return Account.objects.select_related("owner__team").get(pk=found.account_id)


def contract_of(account: Account) -> Contract:
    """The latest contract."""
    return Contract.objects.standing().filter(account=account).latest("starts_on", "pk")


def deal(account: Account) -> Opportunity:
    """The latest opportunity."""
    return Opportunity.objects.filter(account=account).latest("opened_at", "pk")
