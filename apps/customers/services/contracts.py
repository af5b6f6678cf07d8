"""Contracts: made of a win, changed with a trace, void when the win is taken back."""

import calendar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.customers.models import Contract
from apps.leads.models import Opportunity, OpportunityKind, OpportunityStage

USUAL_MONTHS = 12


class UnableToContract(DomainError):
    """The opportunity is not won, or it is under contract already."""

    code = "unable_to_contract"


@dataclass(frozen=True)
class Terms:
    """From when to when (both days included), for how much altogether, in minor units of the win's currency."""

    starts_on: date
    ends_on: date
    amount_minor: int


def last_day(*, starts_on: date, months: int) -> date:
    """The last day of a term of so many months: a year from 1 March ends on the last day of February."""
    year, month = divmod(starts_on.month - 1 + months, 12)
    year, month = starts_on.year + year, month + 1
    day = min(starts_on.day, calendar.monthrange(year, month)[1])
    return date(year, month, day) - timedelta(days=1)


def usual_terms(*, opportunity: Opportunity, on: date) -> Terms:
    """What a contract of this win is taken to be until somebody says otherwise.

    A renewal goes on where the renewed contract ends, as long as it did; an upsell runs with the contract that
    ends last; new business begins on ``on`` and runs a year.
    """
    amount = opportunity.amount_minor or 0
    renewed = Contract.objects.standing().filter(renewal=opportunity).first()
    if renewed is not None:
        starts_on = renewed.ends_on + timedelta(days=1)
        return Terms(starts_on, starts_on + timedelta(days=renewed.days - 1), amount)
    if opportunity.kind == OpportunityKind.UPSELL and opportunity.account_id is not None:
        running = Contract.objects.running(on).filter(account=opportunity.account_id)
        latest = running.order_by("-ends_on", "-pk").first()
        if latest is not None:
            return Terms(on, latest.ends_on, amount)
    return Terms(on, last_day(starts_on=on, months=USUAL_MONTHS), amount)


@transaction.atomic
def make_contract(*, opportunity: Opportunity, terms: Terms, at: datetime, actor: Any = None) -> Contract:
    """Put a win under contract, once.

    Raises ``InvalidInput`` naming the field, ``UnableToContract`` for what is not won or has one.
    """
    _check(terms)
    found = Opportunity.objects.select_for_update(of=("self",)).get(pk=opportunity.pk)
    if found.stage != OpportunityStage.WON or found.account_id is None:
        raise UnableToContract("Only a won opportunity of an account is under contract.")
    try:
        with transaction.atomic():
            contract, made = Contract.objects.select_for_update(of=("self",)).get_or_create(
                opportunity=found,
                defaults={
                    "account_id": found.account_id,
                    "starts_on": terms.starts_on,
                    "ends_on": terms.ends_on,
                    "amount_minor": terms.amount_minor,
                    "currency": found.currency,
                    "created_at": at,
                    "created_by": actor if getattr(actor, "pk", None) else None,
                },
            )
    except IntegrityError:
        raise UnableToContract("It is under contract already.") from None
    if not made:
        if contract.voided_at is None:
            raise UnableToContract("It is under contract already.")
        # Won again after the win was taken back: the same row, on the new terms.
        _write(contract, terms, currency=found.currency, voided_at=None)
    audit.record(verb="customers.contract.made", subject=contract, at=at, actor=actor, data=_said(terms))
    return contract


@transaction.atomic
def change_contract(*, contract: Contract, terms: Terms, at: datetime, actor: Any = None) -> Contract:
    """Correct the dates or the amount, with what they were in the audit log. The same again changes nothing.

    What was won stays as the record has it. Raises ``InvalidInput`` naming the field, ``UnableToContract``.
    """
    _check(terms)
    contract = Contract.objects.select_for_update(of=("self",)).get(pk=contract.pk)
    if contract.voided_at is not None:
        raise UnableToContract("The win of this contract was taken back.")
    before = Terms(contract.starts_on, contract.ends_on, contract.amount_minor)
    if before == terms:
        return contract
    _write(contract, terms)
    audit.record(
        verb="customers.contract.changed",
        subject=contract,
        at=at,
        actor=actor,
        data={"from": _said(before), "to": _said(terms)},
    )
    return contract


@transaction.atomic
def void_contract(*, opportunity: Opportunity, at: datetime, actor: Any = None) -> bool:
    """The win was taken back: its contract counts no more. Whether there was one that stood."""
    voided = Contract.objects.standing().filter(opportunity=opportunity).update(voided_at=at)
    if voided:
        contract = Contract.objects.get(opportunity=opportunity)
        audit.record(verb="customers.contract.voided", subject=contract, at=at, actor=actor)
    return bool(voided)


def _write(contract: Contract, terms: Terms, **more: Any) -> None:
    fields = {
        "starts_on": terms.starts_on,
        "ends_on": terms.ends_on,
        "amount_minor": terms.amount_minor,
        **more,
    }
    for name, value in fields.items():
        setattr(contract, name, value)
    contract.save(update_fields=list(fields))


def _said(terms: Terms) -> dict[str, Any]:
    return {
        "starts_on": str(terms.starts_on),
        "ends_on": str(terms.ends_on),
        "amount_minor": terms.amount_minor,
    }


def _check(terms: Terms) -> None:
    if terms.ends_on < terms.starts_on:
        raise InvalidInput("The last day comes after the first.", field="ends_on")
    if (terms.ends_on - terms.starts_on).days > 3_660:
        raise InvalidInput("A contract of ten years at most.", field="ends_on")
    if terms.amount_minor <= 0:
        raise InvalidInput("Say the amount of the whole term.", field="amount")
