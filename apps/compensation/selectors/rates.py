"""Exchange rates as they were known at an instant, and who is paid in which currency.

The rate of a day is the newest of those published on that day or, where none was, on the last day before it for
which one was; but never one older than ``REACH``. A pair that is published the other way round serves as well.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from django.db.models import QuerySet

from apps.compensation.models import ExchangeRate, LedgerEntry, PayoutCurrency
from apps.compensation.rules.conversion import Conversion
from apps.compensation.rules.events import UnableToEarn
from apps.core.periods import Period

REACH = timedelta(days=31)
"""How long a rate serves when no newer one is published: monthly rates are usual."""


class NoRate(UnableToEarn):
    """No rate between two currencies is known for a day."""

    code = "no_rate"


@dataclass(frozen=True, slots=True)
class Published:
    """A rate of one day."""

    on: date
    rate: Fraction
    source: str


class RateBook:
    """The rates that had come to the record by ``as_of``. A pair is read once, when it is first asked for."""

    def __init__(self, as_of: datetime) -> None:
        self._as_of = as_of
        self._pairs: dict[tuple[str, str], list[Published]] = {}

    def conversion(self, from_currency: str, to_currency: str, day: date) -> Conversion:
        """How ``from_currency`` is converted on ``day``. Raises ``NoRate``, which names pair and day."""
        straight = self._newest(from_currency, to_currency, day)
        inverse = self._newest(to_currency, from_currency, day)
        if straight is not None and (inverse is None or inverse.on <= straight.on):
            return Conversion(from_currency, to_currency, straight.rate, straight.on, straight.source)
        if inverse is not None:
            return Conversion(
                from_currency, to_currency, 1 / inverse.rate, inverse.on, inverse.source, inverted=True
            )
        last = day - REACH + timedelta(days=1)
        raise NoRate(
            f"There is no exchange rate from {from_currency} to {to_currency} for {_day(day)}, nor for a day "
            f"from {_day(last)} on: enter one, then compute again."
        )

    def _newest(self, from_currency: str, to_currency: str, day: date) -> Published | None:
        known = self._pair(from_currency, to_currency)
        place = bisect_right(known, day, key=lambda one: one.on)
        found = known[place - 1] if place else None
        return found if found is not None and day - found.on < REACH else None

    def _pair(self, from_currency: str, to_currency: str) -> list[Published]:
        pair = (from_currency, to_currency)
        if pair not in self._pairs:
            rows = ExchangeRate.objects.filter(
                from_currency=from_currency, to_currency=to_currency, recorded_at__lte=self._as_of
            )
            newest: dict[date, Published] = {}
            for on, rate, source in rows.order_by("on", "number").values_list("on", "rate", "source"):
                newest[on] = Published(on, Fraction(rate), source)
            self._pairs[pair] = list(newest.values())
        return self._pairs[pair]


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def rates_since(since: datetime, as_of: datetime) -> QuerySet[ExchangeRate]:
    """Rates that came to the record after ``since``, up to ``as_of``."""
    return ExchangeRate.objects.filter(recorded_at__gt=since, recorded_at__lte=as_of)


def reps_converted_anew(period: Period, since: datetime, as_of: datetime) -> set[int]:
    """Whose pay of ``period`` was converted at a rate that may be another by what came to record after ``since``.

    What could not be converted was not computed, so the ledger's lines name everybody.
    """
    # The rate of a month's end may lie behind a period that is no whole month.
    before = (period.end.replace(day=28) + timedelta(days=4)).replace(day=1)
    rates = rates_since(since, as_of).filter(on__gt=period.start - REACH, on__lt=before).order_by()
    pairs = {frozenset(pair) for pair in rates.values_list("from_currency", "to_currency").distinct()}
    if not pairs:
        return set()
    lines = LedgerEntry.objects.filter(
        starts_on=period.start, ends_on=period.end, conversion__isnull=False
    ).order_by()
    rows = lines.values_list("rep_id", "conversion__from", "conversion__to").distinct()
    return {rep_id for rep_id, one, other in rows if frozenset((one, other)) in pairs}


def payout_currencies(rep_ids: Iterable[int], day: date, as_of: datetime) -> dict[int, str]:
    """By rep, the currency that was asked for on ``day``; those without one are left out. One query."""
    rows = PayoutCurrency.objects.filter(rep_id__in=list(rep_ids), starts_on__lte=day, set_at__lte=as_of)
    found = dict(rows.order_by("starts_on", "pk").values_list("rep_id", "currency"))
    return {rep_id: currency for rep_id, currency in found.items() if currency}
