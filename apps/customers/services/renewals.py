"""Renewals open by themselves: so many days before a contract ends, once for each contract."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse

from apps.accounts.services.notifications import NewNotification, notify
from apps.core.errors import DomainError
from apps.customers.models import Churn, Contract
from apps.customers.notification_kinds import RENEWAL
from apps.customers.services.handling import handling
from apps.leads.models import Opportunity, OpportunityKind, Source
from apps.leads.services.opportunities import open_opportunity


class UnableToRenew(DomainError):
    """The contract has its renewal, was taken back, or nobody looks after the account."""

    code = "unable_to_renew"


def due_contracts(*, today: date) -> Any:
    """Contracts that end within the company's days and have no renewal yet, of accounts that somebody keeps.

    Not of those that left, nor where another contract of the account begins afterwards.
    """
    until = today + timedelta(days=handling().renewal_days)
    gone = Churn.objects.effective().filter(account=OuterRef("account"), extent=Churn.Extent.FULL)
    later = Contract.objects.standing().filter(
        account=OuterRef("account"), starts_on__gt=OuterRef("ends_on"), currency=OuterRef("currency")
    )
    return (
        Contract.objects.standing()
        .filter(renewal__isnull=True, ends_on__gte=today, ends_on__lte=until, account__owner__isnull=False)
        .filter(~Exists(gone), ~Exists(later))
        .order_by("ends_on", "pk")
    )


def sweep_renewals(*, at: datetime, today: date) -> int:
    """Open the renewals that are due; how many. Any number of sweeps at once open each one once."""
    opened = 0
    for contract in list(due_contracts(today=today).values_list("pk", flat=True)):
        try:
            opened += renew(contract=Contract(pk=contract), at=at, source=Source.SCHEDULE) is not None
        except UnableToRenew:
            continue
    return opened


@transaction.atomic
def renew(
    *, contract: Contract, at: datetime, actor: Any = None, source: Source = Source.PAGE
) -> Opportunity | None:
    """Open the renewal of one contract, with whoever looks after the account. ``None``: it was opened meanwhile.

    Raises ``UnableToRenew``.
    """
    rows = Contract.objects.select_for_update(of=("self",)).select_related("account__owner__team")
    contract = rows.get(pk=contract.pk)
    if contract.renewal_id is not None:
        return None
    owner = contract.account.owner
    if contract.voided_at is not None or owner is None:
        raise UnableToRenew("Its win was taken back, or nobody looks after the account.")
    opened = open_opportunity(
        owner=owner,
        name=f"{contract.account.name}, renewal from {contract.ends_on + timedelta(days=1):%b %Y}",
        account=contract.account,
        kind=OpportunityKind.RENEWAL,
        amount_minor=contract.amount_minor,
        currency=contract.currency,
        expected_close_on=contract.ends_on,
        next_step="Agree the renewal",
        at=at,
        actor=actor,
        source=source,
    )
    Contract.objects.filter(pk=contract.pk, renewal__isnull=True).update(renewal=opened)
    if owner.user_id is not None:
        told = NewNotification(
            owner.user_id,
            RENEWAL,
            f"renewal:{contract.pk}",
            f"{contract.account.name}: the contract ends on {contract.ends_on:%d %b %Y}",
            url=reverse("leads:opportunity", args=[opened.pk]),
        )
        notify(notifications=[told], at=at)
    return opened
