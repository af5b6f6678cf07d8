"""In which currency reps are paid a period, and the pairs of lines that turn their pay into it. Nothing is written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property

from apps.compensation.rules.conversion import Conversion
from apps.compensation.rules.lines import Line
from apps.compensation.rules.payout import payout_lines
from apps.compensation.selectors.rates import RateBook, payout_currencies
from apps.core.periods import Period


@dataclass
class Payouts:
    """The payout currencies of ``rep_ids`` in force on the period's last day, and that day's rates."""

    period: Period
    rep_ids: Iterable[int]
    as_of: datetime
    rates: RateBook = field(init=False)

    def __post_init__(self) -> None:
        self.rates = RateBook(self.as_of)

    @property
    def day(self) -> date:
        """The day whose rate counts: the period's last."""
        return self.period.end - timedelta(days=1)

    @cached_property
    def currencies(self) -> dict[int, str]:
        """By rep, where one was asked for."""
        return payout_currencies(self.rep_ids, self.day, self.as_of)

    def conversion(self, from_currency: str, to_currency: str) -> Conversion:
        return self.rates.conversion(from_currency, to_currency, self.day)

    def lines(self, rep_id: int, sums: Mapping[str, int]) -> list[Line]:
        """The pairs for what a rep is paid of the period, by currency in minor units. Raises ``NoRate``."""
        wanted = self.currencies.get(rep_id)
        if wanted is None:
            return []
        return payout_lines(sums, wanted, lambda other: self.conversion(other, wanted))
