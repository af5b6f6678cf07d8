"""Record what a customer paid for a won opportunity, and reverse a payment that was recorded by mistake."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.compensation.models import CustomerPayment
from apps.compensation.rules.currencies import ISO_4217
from apps.compensation.rules.table_files import ReadFile, WrongRow, read_day, read_decimal, read_file
from apps.core.errors import DomainError, InvalidInput, note_refusal
from apps.core.money import to_minor
from apps.core.periods import day_start
from apps.leads.models import EventKind, FunnelEvent, Opportunity


class UnableToRecordPayment(DomainError):
    """The opportunity is not won, or the source key names another payment."""

    code = "unable_to_record_payment"


class UnableToReversePayment(DomainError):
    """It is a reversal, or was reversed before."""

    code = "unable_to_reverse_payment"


@transaction.atomic
def record_payment(
    *,
    opportunity: Opportunity,
    amount_minor: int,
    currency: str,
    paid_at: datetime,
    source_key: str,
    at: datetime,
    label: str = "",
    actor: Any = None,
) -> CustomerPayment:
    """Record one payment; the same source key again is the payment that is there.

    ``amount_minor`` is in minor units of ``currency``, above zero. Raises ``UnableToRecordPayment`` and
    ``InvalidInput``.
    """
    if currency not in ISO_4217:
        raise InvalidInput(f"“{currency}” is no currency: write a code such as EUR.", field="currency")
    if len(label) > 80 or len(source_key) > 120:
        raise InvalidInput("Keep the label to 80 and the reference to 100 characters.", field="label")
    if amount_minor <= 0:
        raise InvalidInput("A payment is above zero: reverse one that was wrong.", field="amount")
    if paid_at > at:
        raise InvalidInput("A payment is recorded once it was made.", field="paid_at")
    wanted = (opportunity.pk, amount_minor, currency, label)
    same = _known(source_key, wanted)
    if same is not None:
        return same
    if not FunnelEvent.objects.filter(opportunity=opportunity, kind=EventKind.WON).effective().exists():
        raise UnableToRecordPayment(f"{opportunity.name} is not won, so there is nothing to pay for yet.")
    try:
        with transaction.atomic():
            payment = CustomerPayment.objects.create(
                opportunity=opportunity,
                label=label,
                amount_minor=amount_minor,
                currency=currency,
                paid_at=paid_at,
                recorded_at=at,
                source_key=source_key,
                by=actor,
            )
    except IntegrityError:
        # Somebody recorded the same reference between the look and the write.
        same = _known(source_key, wanted)
        if same is None:
            raise
        return same
    audit.record(verb="compensation.payment.recorded", subject=payment, at=at, actor=actor)
    return payment


def _known(source_key: str, wanted: tuple[int, int, str, str]) -> CustomerPayment | None:
    """The payment under that key. Raises ``UnableToRecordPayment`` when it is another one."""
    same = CustomerPayment.objects.filter(source_key=source_key).first()
    if same is not None and (same.opportunity_id, same.amount_minor, same.currency, same.label) != wanted:
        reference = source_key.removeprefix("payment:")
        raise UnableToRecordPayment(f"{reference} was recorded before as another payment.")
    return same


@transaction.atomic
def reverse_payment(*, payment: CustomerPayment, at: datetime, actor: Any = None) -> CustomerPayment:
    """Take a payment back that was recorded by mistake; both stay. Raises ``UnableToReversePayment``."""
    if payment.reverses_id is not None:
        raise UnableToReversePayment("A reversal is not reversed: record what is true as a new payment.")
    try:
        with transaction.atomic():
            reversal = CustomerPayment.objects.create(
                opportunity=payment.opportunity,
                label=payment.label,
                amount_minor=-payment.amount_minor,
                currency=payment.currency,
                paid_at=at,
                recorded_at=at,
                source_key=f"reversal:{payment.pk}",
                by=actor,
                reverses=payment,
            )
    except IntegrityError as error:
        raise UnableToReversePayment("This payment was reversed before.") from error
    audit.record(verb="compensation.payment.reversed", subject=payment, at=at, actor=actor)
    return reversal


PAYMENT_COLUMNS = ("opportunity", "amount", "currency", "paid_on", "reference")


@dataclass(frozen=True)
class PaymentRow:
    """A payment as a file says it; ``reference`` is what tells it from any other, such as the invoice's number."""

    opportunity_id: int
    amount_minor: int
    currency: str
    paid_on: date
    reference: str
    label: str


@dataclass(frozen=True)
class Imported:
    """How many payments are new, and how many stood already."""

    new: int
    known: int


def source_key_of(reference: str) -> str:
    """Under which key a payment with a reference is recorded, whichever way it comes."""
    return f"payment:{reference.strip()}"


def read_payments(content: bytes, *, today: date) -> ReadFile[PaymentRow]:
    """The payments of a CSV file: opportunity (its number), amount, currency, paid_on, reference, and maybe label.

    Raises ``InvalidInput`` for a file that is no such table.
    """

    def read(cells: dict[str, str]) -> PaymentRow:
        if not cells["opportunity"].isdecimal():
            raise InvalidInput(
                f"opportunity “{cells['opportunity']}” is no number of one.", field="opportunity"
            )
        currency = cells["currency"].upper()
        if currency not in ISO_4217:
            raise InvalidInput(f"currency “{currency}” is none: write a code such as EUR.", field="currency")
        try:
            amount = to_minor(read_decimal(cells["amount"], "amount"), currency)
        except ValueError as error:
            raise InvalidInput(str(error), field="amount") from error
        if not 0 < amount < 10**15:
            raise InvalidInput("A payment is above zero: reverse one that was wrong.", field="amount")
        paid_on = read_day(cells["paid_on"], "paid_on")
        if paid_on > today:
            raise InvalidInput("A payment is recorded once it was made.", field="paid_on")
        reference, label = cells["reference"], cells.get("label", "")
        if not 0 < len(reference) <= 100 or len(label) > 80:
            raise InvalidInput(
                "Give a reference of 1 to 100 characters, a label of 80 at most.", field="reference"
            )
        return PaymentRow(int(cells["opportunity"]), amount, currency, paid_on, reference, label)

    return read_file(content, PAYMENT_COLUMNS, read)


def paid_at(*, day: date, zone: str, at: datetime) -> datetime:
    """The instant that a payment of ``day`` is recorded with: the day's beginning, and never after ``at``."""
    return min(day_start(day, zone), at)


@transaction.atomic
def import_payments(
    *, rows: Sequence[tuple[int, PaymentRow]], zone: str, at: datetime, actor: Any = None
) -> Imported | list[WrongRow]:
    """Record all rows of a file, or none: then what is wrong, row by row. The same file again changes nothing."""
    deals = Opportunity.objects.in_bulk({row.opportunity_id for _, row in rows})
    wrong: list[WrongRow] = []
    known = new = 0
    before = set(
        CustomerPayment.objects.filter(
            source_key__in=[source_key_of(row.reference) for _, row in rows]
        ).values_list("source_key", flat=True)
    )
    for number, row in rows:
        key = source_key_of(row.reference)
        deal = deals.get(row.opportunity_id)
        if deal is None:
            wrong.append(WrongRow(number, f"There is no opportunity {row.opportunity_id}."))
            continue
        try:
            record_payment(
                opportunity=deal,
                amount_minor=row.amount_minor,
                currency=row.currency,
                paid_at=paid_at(day=row.paid_on, zone=zone, at=at),
                source_key=key,
                at=at,
                label=row.label,
                actor=actor,
            )
        except DomainError as error:
            note_refusal(error)
            wrong.append(WrongRow(number, error.message))
            continue
        known, new = (known + 1, new) if key in before else (known, new + 1)
        before.add(key)
    if wrong:
        transaction.set_rollback(True)
        return wrong
    return Imported(new, known)
