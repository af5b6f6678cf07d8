"""Enter exchange rates, one or a whole file, and say in which currency somebody is paid.

A rate that is entered again as it stands is the one that is there; another for the same day corrects it, and what
was computed with the old one is posted anew as a difference.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Max

from apps.audit import services as audit
from apps.compensation.models import ExchangeRate, PayoutCurrency, PayoutRun
from apps.compensation.rules.currencies import ISO_4217
from apps.compensation.rules.table_files import ReadFile, read_day, read_decimal, read_file
from apps.core.errors import DomainError, InvalidInput
from apps.core.locks import hold
from apps.reps.models import Rep

_LARGEST = Decimal(10) ** 9


class UnableToSetPayout(DomainError):
    """The day lies in a period that is closed."""

    code = "unable_to_set_payout"


@dataclass(frozen=True)
class NewRate:
    """A rate to be recorded: one unit of ``from_currency`` in ``to_currency``."""

    from_currency: str
    to_currency: str
    on: date
    rate: Decimal
    source: str


@dataclass(frozen=True)
class Recorded:
    """What became of a batch: how many rates are new, how many corrected one, how many stood already."""

    new: int
    corrected: int
    known: int


def check_rate(rate: NewRate, *, today: date) -> None:
    """Raises ``InvalidInput`` that names the field."""
    for field, code in (("from_currency", rate.from_currency), ("to_currency", rate.to_currency)):
        if code not in ISO_4217:
            raise InvalidInput(f"“{code}” is no currency: write a code such as EUR.", field=field)
    if rate.from_currency == rate.to_currency:
        raise InvalidInput("A rate is between two currencies.", field="to_currency")
    if not rate.rate.is_finite() or not 0 < rate.rate < _LARGEST:
        raise InvalidInput("A rate is above zero.", field="rate")
    if -int(rate.rate.normalize().as_tuple().exponent) > 10:
        raise InvalidInput("A rate has at most ten decimals.", field="rate")
    if not 0 < len(rate.source.strip()) <= 80:
        raise InvalidInput("Say who published it, in at most 80 characters.", field="source")
    if rate.on > today:
        raise InvalidInput("A rate is recorded once its day has come.", field="on")


RATE_COLUMNS = ("from", "to", "on", "rate", "source")


def read_rates(content: bytes, *, today: date) -> ReadFile[NewRate]:
    """The rates of a CSV file with the columns from, to, on, rate, source. Raises ``InvalidInput``."""

    def read(cells: dict[str, str]) -> NewRate:
        rate = NewRate(
            cells["from"].upper(),
            cells["to"].upper(),
            read_day(cells["on"], "on"),
            read_decimal(cells["rate"], "rate"),
            cells["source"],
        )
        check_rate(rate, today=today)
        return rate

    return read_file(content, RATE_COLUMNS, read)


@transaction.atomic
def record_rates(*, rates: Iterable[NewRate], today: date, at: datetime, actor: Any = None) -> Recorded:
    """Record rates, all or none. Raises ``InvalidInput``; pages name the row of a file before it comes to that."""
    wanted = list(rates)
    for rate in wanted:
        check_rate(rate, today=today)
    hold(["compensation.rates"])
    standing = _standing(wanted)
    fresh: list[ExchangeRate] = []
    new = corrected = 0
    for rate in wanted:
        key = (rate.from_currency, rate.to_currency, rate.on)
        before = standing.get(key)
        if before is not None and before.rate == rate.rate and before.source == rate.source.strip():
            continue
        row = ExchangeRate(
            from_currency=rate.from_currency,
            to_currency=rate.to_currency,
            on=rate.on,
            number=before.number + 1 if before else 1,
            rate=rate.rate,
            source=rate.source.strip(),
            recorded_at=at,
            by=actor if getattr(actor, "pk", None) else None,
        )
        new, corrected = (new, corrected + 1) if before else (new + 1, corrected)
        standing[key] = row
        fresh.append(row)
    ExchangeRate.objects.bulk_create(fresh, batch_size=500)
    if len(fresh) == 1:
        audit.record(verb="compensation.rate.recorded", subject=fresh[0], at=at, actor=actor)
    if len(fresh) > 1:
        data = {"new": new, "corrected": corrected}
        audit.record(verb="compensation.rates.imported", subject=fresh[0], at=at, actor=actor, data=data)
    return Recorded(new, corrected, len(wanted) - len(fresh))


def _standing(wanted: list[NewRate]) -> dict[tuple[str, str, date], ExchangeRate]:
    """The newest rate of each pair and day that is asked for."""
    if not wanted:
        return {}
    rows = ExchangeRate.objects.filter(
        on__gte=min(one.on for one in wanted),
        on__lte=max(one.on for one in wanted),
        from_currency__in={one.from_currency for one in wanted},
    )
    return {(row.from_currency, row.to_currency, row.on): row for row in rows.order_by("number")}


def first_open_day() -> date | None:
    """The day after the last closed run; ``None`` where none is closed."""
    return PayoutRun.objects.closed().aggregate(ends=Max("ends_on"))["ends"]


@transaction.atomic
def set_payout_currency(
    *, rep: Rep, currency: str, starts_on: date, at: datetime, actor: Any = None
) -> PayoutCurrency:
    """From ``starts_on`` the rep is paid in ``currency``; "" is as the plans say.

    Raises ``InvalidInput``, and ``UnableToSetPayout`` for a day in a closed period: what was paid there was paid.
    """
    if currency and currency not in ISO_4217:
        raise InvalidInput(f"“{currency}” is no currency: write a code such as EUR.", field="currency")
    Rep.objects.select_for_update().get(pk=rep.pk)
    first = first_open_day()
    if first is not None and starts_on < first:
        last = first - timedelta(days=1)
        raise UnableToSetPayout(
            f"Pay is closed up to {last.day} {last:%b %Y}: choose a day after it.", field="starts_on"
        )
    newest = PayoutCurrency.objects.filter(rep=rep, starts_on=starts_on).order_by("pk").last()
    if newest is not None and newest.currency == currency:
        return newest
    row = PayoutCurrency.objects.create(rep=rep, currency=currency, starts_on=starts_on, set_at=at, by=actor)
    audit.record(
        verb="compensation.payout_currency.set", subject=row, at=at, actor=actor, data={"currency": currency}
    )
    return row
