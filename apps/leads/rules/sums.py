"""What the funnel record holds for one rep over one period, added up by kind of event: metrics are read from it.

Pure: kinds of events are named by word. Shares are in millionths (``leads.EventCredit``), so that a split meeting
counts its part.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple

WHOLE = 1_000_000
"""A whole share, in millionths."""


class Part(NamedTuple):
    """Events of one kind, credited in one capacity: ``Part("won", "owned")``."""

    kind: str
    capacity: str


@dataclass(frozen=True)
class Sums:
    """What the record holds for one rep over one period.

    ``shares`` and ``handed`` (those of events that came from a hand-off) are millionths by part; ``amounts``
    are millionths of minor units by part and currency, and ``priced`` the shares that these amounts are of;
    ``cycle_seconds`` is weighted by share. ``conversions`` are those that visits caused by the rep led to.
    """

    currency: str
    shares: dict[Part, int] = field(default_factory=dict)
    handed: dict[Part, int] = field(default_factory=dict)
    amounts: dict[tuple[Part, str], int] = field(default_factory=dict)
    priced: dict[tuple[Part, str], int] = field(default_factory=dict)
    self_sourced: dict[str, int] = field(default_factory=dict)
    cycle_seconds: int = 0
    cycle_share: int = 0
    leads_worked: int = 0
    conversions: int = 0
    first_touch_seconds: Fraction | None = None

    def count(self, part: Part) -> Fraction:
        """How many events of ``part``, split ones by their share."""
        return Fraction(self.shares.get(part, 0), WHOLE)

    def money(self, part: Part) -> Fraction:
        """The amount of ``part`` in minor units of the rep’s own currency."""
        return Fraction(self.amounts.get((part, self.currency), 0), WHOLE)

    def apart(self, part: Part) -> dict[str, Fraction]:
        """Amounts of ``part`` in other currencies: shown beside, never added."""
        return {
            currency: Fraction(amount, WHOLE)
            for (of, currency), amount in sorted(self.amounts.items())
            if of == part and currency != self.currency and amount
        }

    def joined(self, later: "Sums") -> "Sums":
        """Both periods together. Raises ``ValueError`` for what cannot be added (``Metric.adds_up``)."""
        if self.currency != later.currency:
            raise ValueError("Sums of two currencies are never added.")
        if self.leads_worked or later.leads_worked or self.first_touch_seconds or later.first_touch_seconds:
            raise ValueError("Distinct leads and medians of two periods do not add up: read them whole.")

        def both(name: str) -> dict:
            one, other = getattr(self, name), getattr(later, name)
            return {key: one.get(key, 0) + other.get(key, 0) for key in {*one, *other}}

        return replace(
            self,
            shares=both("shares"),
            handed=both("handed"),
            amounts=both("amounts"),
            priced=both("priced"),
            self_sourced=both("self_sourced"),
            cycle_seconds=self.cycle_seconds + later.cycle_seconds,
            cycle_share=self.cycle_share + later.cycle_share,
            conversions=self.conversions + later.conversions,
        )
