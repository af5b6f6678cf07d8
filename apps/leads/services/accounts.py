"""Accounts: find one by its name, and name who looks after it since the win."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Lower

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import Account, Opportunity, OpportunityStage
from apps.reps.models import Rep, RepRole


class UnableToAssign(DomainError):
    """The account is no customer yet, or the person named does not look after accounts."""

    code = "unable_to_assign"


@transaction.atomic
def account_named(*, name: str) -> Account:
    """The account of that name, whatever its case; made when there is none."""
    name = name.strip()
    if not name:
        raise InvalidInput("Name the company.", field="company")
    known = Account.objects.alias(lowered=Lower("name")).filter(lowered=name.lower()).order_by("pk").first()
    return known or Account.objects.create(name=name)


@transaction.atomic
def assign_owner(*, account: Account, rep: Rep, at: datetime, actor: Any = None) -> Account:
    """Pass an account to the AM or CSM who looks after it from ``at`` on (PRODUCT section 6).

    Assigning the same one again changes nothing. Raises ``InvalidInput`` when ``rep`` is neither AM nor
    CSM or has left, ``UnableToAssign`` before the first win.
    """
    if rep.role not in (RepRole.AM, RepRole.CSM):
        raise InvalidInput(f"{rep.name} is neither an AM nor a CSM.", field="owner")
    if rep.left_on is not None and rep.left_on <= at.date():
        raise InvalidInput(f"{rep.name} is no longer here.", field="owner")
    account = Account.objects.select_for_update().get(pk=account.pk)
    if account.owner_id == rep.pk:
        return account
    won = Opportunity.objects.filter(account=account, stage=OpportunityStage.WON).exists()
    if not won and account.owner_id is None:
        raise UnableToAssign(f"{account.name} has bought nothing yet: it passes on with the first win.")
    before = account.owner_id
    account.owner, account.owned_since = rep, at
    account.save(update_fields=["owner", "owned_since"])
    audit.record(
        verb="leads.account.assigned",
        subject=account,
        at=at,
        actor=actor,
        data={"from_rep": before, "to_rep": rep.pk},
    )
    return account
