"""Enter what was spent on leads, and correct it: by a reversal, and an entry anew where there is another amount."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.scorecards.models import Spend


class UnableToReverseSpend(DomainError):
    """It is a reversal, or was reversed before."""

    code = "unable_to_reverse_spend"


class SpendKeyTaken(DomainError):
    """The same key came with another amount."""

    code = "spend_key_taken"


@dataclass(frozen=True)
class NewSpend:
    """What was spent: ``month_on`` is the first of the month, ``amount_minor`` above zero in ``currency``."""

    source: str
    campaign: str
    month_on: date
    amount_minor: int
    currency: str
    note: str = ""


def _checked(new: NewSpend) -> NewSpend:
    source, campaign = " ".join(new.source.split()), " ".join(new.campaign.split())
    if not source:
        raise InvalidInput("Say which source it was spent on.", field="source")
    if max(len(source), len(campaign)) > 80:
        raise InvalidInput("Names have 80 characters at the most.", field="source")
    if new.month_on.day != 1:
        raise InvalidInput("Spend is entered for a month: give its first day.", field="month")
    if new.amount_minor <= 0:
        raise InvalidInput("The amount must be more than zero.", field="amount")
    if len(new.currency) != 3 or not new.currency.isalpha() or not new.currency.isupper():
        raise InvalidInput("Write the currency as EUR.", field="currency")
    if len(new.note) > 300:
        raise InvalidInput("Write at most 300 characters.", field="note")
    return NewSpend(source, campaign, new.month_on, new.amount_minor, new.currency, new.note.strip())


@transaction.atomic
def enter_spend(*, new: NewSpend, source_key: str, at: datetime, actor: Any = None) -> Spend:
    """Enter one amount. The same ``source_key`` with the same fact is the same row.

    Raises ``InvalidInput`` naming the field, and ``SpendKeyTaken`` when the key came with another fact.
    """
    new = _checked(new)
    try:
        with transaction.atomic():
            spend = Spend.objects.create(**vars(new), source_key=source_key, entered_by=actor, entered_at=at)
    except IntegrityError:
        present = Spend.objects.get(source_key=source_key)
        if any(getattr(present, name) != value for name, value in vars(new).items()):
            raise SpendKeyTaken(
                "This was entered before with other figures: correct that entry instead."
            ) from None
        return present
    audit.record(
        verb="scorecards.spend.entered",
        subject=spend,
        at=at,
        actor=actor,
        data={
            "source": spend.source,
            "month": f"{spend.month_on:%Y-%m}",
            "amount_minor": spend.amount_minor,
            "currency": spend.currency,
        },
    )
    return spend


@transaction.atomic
def reverse_spend(*, spend: Spend, reason: str, at: datetime, actor: Any) -> Spend:
    """Take an entry back: it stays on record and counts no more. Raises ``InvalidInput``, ``UnableToReverseSpend``."""
    reason = reason.strip()
    if not reason:
        raise InvalidInput("Say why it is corrected.", field="reason")
    if spend.reverses_id is not None:
        raise UnableToReverseSpend("A reversal is not reversed: enter the amount anew.")
    try:
        with transaction.atomic():
            reversal = Spend.objects.create(
                source=spend.source,
                campaign=spend.campaign,
                month_on=spend.month_on,
                amount_minor=-spend.amount_minor,
                currency=spend.currency,
                note=reason[:300],
                entered_by=actor,
                entered_at=at,
                source_key=f"reverses:{spend.pk}",
                reverses=spend,
            )
    except IntegrityError:
        raise UnableToReverseSpend("This entry was corrected already: reload to see how.") from None
    audit.record(
        verb="scorecards.spend.reversed",
        subject=spend,
        at=at,
        actor=actor,
        data={"amount_minor": spend.amount_minor, "currency": spend.currency},
    )
    return reversal


@transaction.atomic
def correct_spend(*, spend: Spend, amount_minor: int, reason: str, at: datetime, actor: Any) -> Spend:
    """Reverse an entry and enter ``amount_minor`` in its place; both stay on record. Raises as the two do."""
    reversal = reverse_spend(spend=spend, reason=reason, at=at, actor=actor)
    new = NewSpend(spend.source, spend.campaign, spend.month_on, amount_minor, spend.currency, spend.note)
    return enter_spend(new=new, source_key=f"corrects:{reversal.pk}", at=at, actor=actor)
