"""Record how a customer does: health, answers, departures. Each is an event; a mistake is reversed."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.core.money import round_half_up
from apps.customers.models import Churn, Contract, HealthReading, NpsAnswer
from apps.customers.rules.retention import Running
from apps.leads.models import (
    Account,
    EventKind,
    FunnelEvent,
    LossReason,
    Opportunity,
    OpportunityKind,
    OpportunityStage,
    Source,
)
from apps.leads.services.opportunities import move_opportunity
from apps.leads.services.record import NewEvent, owned, record_event, reverse_event


class UnableToRecord(DomainError):
    """The account is no customer, left already, or the departure was taken back before."""

    code = "unable_to_record"


@transaction.atomic
def record_health(
    *,
    account: Account,
    status: HealthReading.Status,
    why: str,
    at: datetime,
    drivers: Sequence[str] = (),
    actor: Any = None,
    source: Source = Source.PAGE,
) -> HealthReading:
    """How the account is doing, and why. Raises ``InvalidInput`` naming the field, ``UnableToRecord``."""
    if status not in HealthReading.Status.values:
        raise InvalidInput("Choose green, amber or red.", field="status")
    if not 0 < len(why.strip()) <= 300:
        raise InvalidInput("Say why, in at most 300 characters.", field="why")
    known = [one for one in HealthReading.Driver.values if one in set(drivers)]
    if len(known) < len(set(drivers)):
        raise InvalidInput("Choose among the drivers.", field="drivers")
    account = _customer(account)
    event = _event(account, EventKind.HEALTH, at, at, actor, source, data={"status": str(status)})
    reading = HealthReading.objects.create(
        account=account,
        event=event,
        status=status,
        why=why.strip(),
        drivers=known,
        recorded_at=at,
        recorded_by=actor if getattr(actor, "pk", None) else None,
    )
    audit.record(
        verb="customers.health.recorded", subject=account, at=at, actor=actor, data={"status": str(status)}
    )
    return reading


@transaction.atomic
def record_nps(
    *,
    account: Account,
    score: int,
    respondent: str,
    answered_on: date,
    today: date,
    at: datetime,
    comment: str = "",
    actor: Any = None,
    source: Source = Source.PAGE,
) -> NpsAnswer:
    """An answer from 0 to 10, and whose. Raises ``InvalidInput`` naming the field, ``UnableToRecord``."""
    if isinstance(score, bool) or not 0 <= score <= 10:
        raise InvalidInput("Give a number from 0 to 10.", field="score")
    if not 0 < len(respondent.strip()) <= 120:
        raise InvalidInput("Say who answered.", field="respondent")
    if len(comment.strip()) > 500:
        raise InvalidInput("Keep the comment to 500 characters.", field="comment")
    if answered_on > today:
        raise InvalidInput("This day is still to come.", field="answered_on")
    account = _customer(account)
    event = _event(account, EventKind.NPS, at, at, actor, source, data={"score": score})
    answer = NpsAnswer.objects.create(
        account=account,
        event=event,
        score=score,
        respondent=respondent.strip(),
        comment=comment.strip(),
        answered_on=answered_on,
        recorded_at=at,
        recorded_by=actor if getattr(actor, "pk", None) else None,
    )
    audit.record(verb="customers.nps.recorded", subject=account, at=at, actor=actor, data={"score": score})
    return answer


@transaction.atomic
def record_churn(
    *,
    account: Account,
    extent: Churn.Extent,
    churned_on: date,
    reason: Churn.Reason,
    at: datetime,
    note: str = "",
    contract: Contract | None = None,
    lost_minor: int | None = None,
    actor: Any = None,
    source: Source = Source.PAGE,
) -> Churn:
    """A customer leaves, altogether or with a part of one contract (``lost_minor`` a year in its currency).

    What a full departure loses a year is worked out from the contracts of that day; its open renewals and
    upsells close as lost. Raises ``InvalidInput`` naming the field, ``UnableToRecord``.
    """
    if extent not in Churn.Extent.values:
        raise InvalidInput("Choose whether all or a part is given up.", field="extent")
    if reason not in Churn.Reason.values:
        raise InvalidInput("Choose why.", field="reason")
    if len(note.strip()) > 300:
        raise InvalidInput("Keep this to 300 characters.", field="note")
    account = _customer(account)
    if full_churn_of(account) is not None:
        raise UnableToRecord(f"{account.name} has left already.")
    partial = extent == Churn.Extent.PARTIAL
    lost = _part(account, contract, lost_minor, churned_on) if partial else _all(account, churned_on)
    single = lost[0] if len(lost) == 1 else None
    event = _event(
        account,
        EventKind.CHURNED,
        at,
        at,
        actor,
        source,
        amount_minor=single["amount_minor"] if single else None,
        currency=single["currency"] if single else "",
        data={"extent": str(extent), "reason": str(reason), "churned_on": str(churned_on), "lost": lost},
    )
    churn = Churn.objects.create(
        account=account,
        event=event,
        extent=extent,
        contract=contract if partial else None,
        churned_on=churned_on,
        reason=reason,
        note=note.strip(),
        lost=lost,
        recorded_at=at,
        recorded_by=actor if getattr(actor, "pk", None) else None,
    )
    if not partial:
        _close_open_ones(account, at, actor, source)
    audit.record(
        verb="customers.churn.recorded",
        subject=account,
        at=at,
        actor=actor,
        data={"extent": str(extent), "reason": str(reason)},
    )
    return churn


@transaction.atomic
def take_churn_back(
    *, churn: Churn, reason: str, at: datetime, actor: Any = None, source: Source = Source.PAGE
) -> FunnelEvent:
    """They stayed after all, or it was a mistake: the departure is reversed. What was lost with it stays lost.

    Raises ``InvalidInput`` without a reason, ``UnableToReverse`` the second time.
    """
    if not reason.strip():
        raise InvalidInput("Say why the departure is taken back.", field="reason")
    reversal = reverse_event(
        event=churn.event, reason=reason.strip()[:200], at=at, actor=actor, source=source
    )
    audit.record(verb="customers.churn.taken_back", subject=churn.account, at=at, actor=actor)
    return reversal


def full_churn_of(account: Account) -> Churn | None:
    """The departure that holds, if it left. One statement."""
    return Churn.objects.effective().filter(account=account, extent=Churn.Extent.FULL).first()


def _customer(account: Account) -> Account:
    account = Account.objects.select_for_update(of=("self",)).select_related("owner").get(pk=account.pk)
    won = Opportunity.objects.filter(account=account, stage=OpportunityStage.WON).exists()
    if not won:
        raise UnableToRecord(f"{account.name} has bought nothing yet.")
    return account


def _event(
    account: Account,
    kind: EventKind,
    occurred_at: datetime,
    at: datetime,
    actor: Any,
    source: Source,
    **more: Any,
) -> FunnelEvent:
    number = FunnelEvent.objects.filter(account=account, kind=kind).count() + 1
    return record_event(
        event=NewEvent(
            kind=kind,
            occurred_at=occurred_at,
            source=source,
            source_key=f"account:{account.pk}:{kind}:{number}",
            account=account,
            credits=owned(account.owner),
            actor=actor,
            **more,
        ),
        at=at,
    )


def _part(
    account: Account, contract: Contract | None, lost_minor: int | None, on: date
) -> list[dict[str, Any]]:
    if contract is None or contract.account_id != account.pk or contract.voided_at is not None:
        raise InvalidInput("Say of which contract a part is given up.", field="contract")
    worth = running_of(contract).yearly(on)
    if not worth:
        raise InvalidInput("This contract does not run on that day.", field="churned_on")
    if lost_minor is None or lost_minor <= 0:
        raise InvalidInput("Say what is lost a year.", field="lost")
    if lost_minor >= worth:
        raise InvalidInput("That is all of the contract: record that they left altogether.", field="lost")
    return [{"amount_minor": lost_minor, "currency": contract.currency}]


def running_of(contract: Contract) -> Running:
    """A contract as the figures read it, without what was given up of it."""
    return Running(
        contract.account_id, contract.currency, contract.starts_on, contract.ends_on, contract.amount_minor
    )


def _all(account: Account, on: date) -> list[dict[str, Any]]:
    totals: dict[str, Any] = {}
    for contract in Contract.objects.running(on).filter(account=account):
        totals[contract.currency] = totals.get(contract.currency, 0) + running_of(contract).yearly(on)
    return [
        {"amount_minor": round_half_up(worth), "currency": currency}
        for currency, worth in sorted(totals.items())
    ]


def _close_open_ones(account: Account, at: datetime, actor: Any, source: Source) -> None:
    """Who left renews nothing and buys no more: what is open of it is lost for that reason."""
    of_customer = (OpportunityKind.RENEWAL, OpportunityKind.UPSELL)
    rows = Opportunity.objects.open().filter(account=account, kind__in=of_customer)
    for one in rows.select_related("owner__team", "lead", "hand_off", "sourced_by").order_by("pk"):
        move_opportunity(
            opportunity=one,
            stage=OpportunityStage.LOST,
            loss_reason=LossReason.CHURNED,
            at=at,
            actor=actor,
            source=source,
        )
