"""What a role is assumed to take against what its people took: unused capacity, and how far a few carry the rest.

Pure. A rep's figure is brought to the unit of the assumption (a month, a working day, a share) by the working days
that the rep was there, so that nobody is judged for a holiday; who ramps is shown and not counted (PRODUCT section 8).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from apps.core.money import quantize
from apps.scorecards.rules.figures import plain
from apps.scorecards.rules.targets import Assumption

UNUSED_ABOVE = Fraction(1, 4)
"""More than this share of reps below their assumption is unused capacity; exactly this share is not."""

CARRIED_ABOVE = Fraction(1, 4)
"""A mean that falls by more than this without its top ones is theirs, not the team's."""

FEWEST = 4
"""Of fewer people it is shown how the mean falls, and nothing is concluded from it."""

MOST_NAMED = 4

MONTH, DAY, LEVEL = "month", "day", "level"


@dataclass(frozen=True)
class Presence:
    """Working days of one rep: ``days`` worked within the span looked at, ``whole`` in all of the month."""

    days: int
    whole: int


@dataclass(frozen=True)
class Taken:
    """What one rep took. ``rate`` is in the unit of the assumption; ``why_not`` says why it is not counted.

    ``total`` is the plain figure of the record behind it, ``missing`` what the rate falls short of over the days
    that the rep was there.
    """

    rep_id: int
    name: str
    total: Fraction | None
    rate: Fraction | None
    missing: Fraction
    days: int
    why_not: str = ""

    @property
    def is_counted(self) -> bool:
        return not self.why_not

    @property
    def is_below(self) -> bool:
        return self.is_counted and self.missing > 0


def taken(
    *, rep_id: int, name: str, total: Fraction | None, presence: Presence, assumption: Assumption,
    is_ramping: bool,
) -> Taken:  # fmt: skip
    """``total`` (of the record, over the span) of one rep against ``assumption``."""
    assumed, days = Fraction(assumption.value), presence.days
    rate: Fraction | None = None
    share = Fraction(1)
    if assumption.per == LEVEL:
        rate = total
    elif days and presence.whole:
        share = Fraction(days, presence.whole) if assumption.per == MONTH else Fraction(days)
        rate = (total or Fraction(0)) / share
    why = ""
    if is_ramping:
        why = "ramping"
    elif not days:
        why = "not there"
    elif rate is None:
        why = "nothing to divide by"
    missing = max(assumed - rate, Fraction(0)) * share if rate is not None and not why else Fraction(0)
    return Taken(rep_id, name, total, rate, missing, days, why)


@dataclass(frozen=True)
class Verdict:
    """Whether a role has unused capacity, with the figures of the rule."""

    assumption: Assumption
    people: tuple[Taken, ...]

    @property
    def counted(self) -> tuple[Taken, ...]:
        return tuple(one for one in self.people if one.is_counted)

    @property
    def below(self) -> tuple[Taken, ...]:
        return tuple(one for one in self.people if one.is_below)

    @property
    def share(self) -> Fraction | None:
        """Of the reps who count, how many are below; ``None`` where nobody counts."""
        return Fraction(len(self.below), len(self.counted)) if self.counted else None

    @property
    def is_unused(self) -> bool:
        return self.share is not None and self.share > UNUSED_ABOVE

    @property
    def mean(self) -> Fraction | None:
        return _mean([one.rate for one in self.counted if one.rate is not None])

    @property
    def missing(self) -> Fraction:
        """What all who are below fall short of together; of a share there is no sum."""
        return sum((one.missing for one in self.below), Fraction(0))

    @property
    def ratio(self) -> Fraction | None:
        mean, assumed = self.mean, Fraction(self.assumption.value)
        return mean / assumed if mean is not None and assumed else None

    @property
    def rule_words(self) -> str:
        """The rule with its numbers: ``5 ÷ 14 = 36 % > 25 %``."""
        if self.share is None:
            return "Nobody counts in this month, so there is nothing to say of it."
        sign = ">" if self.is_unused else "≤"
        return (
            f"{len(self.below)} ÷ {len(self.counted)} = {percent(self.share)} {sign} {percent(UNUSED_ABOVE)}."
        )

    @property
    def not_counted_words(self) -> str:
        """Who is not counted and why; "" where everybody is."""
        by_reason: dict[str, list[str]] = {}
        for one in self.people:
            if one.why_not:
                by_reason.setdefault(one.why_not, []).append(one.name)
        told = [f"{listed(names)}: {why}" for why, names in sorted(by_reason.items())]
        return f"Not counted: {'; '.join(told)}." if told else ""


RULE = "Rule: more than 25 % of reps below their assumption is unused capacity."
SKEW_RULE = (
    "Rule: where the mean of four or more falls by more than 25 % without its top ones, they carry the rest."
)


def verdict(assumption: Assumption, people: Iterable[Taken]) -> Verdict:
    """The verdict on one role; whoever comes first, it is the same."""
    return Verdict(
        assumption, tuple(sorted(people, key=lambda one: (-(one.rate or Fraction(0)), one.name, one.rep_id)))
    )


# --- Who carries the mean -----------------------------------------------------------------------


@dataclass(frozen=True)
class Skew:
    """How far a mean falls without its ``top``: ``fall`` is a share of it, ``None`` where it cannot be said."""

    count: int
    total: Fraction
    top: tuple[tuple[str, Fraction], ...]

    @property
    def mean(self) -> Fraction | None:
        return self.total / self.count if self.count else None

    @property
    def left(self) -> int:
        return self.count - len(self.top)

    @property
    def rest(self) -> Fraction:
        """The sum of all but the top."""
        return self.total - sum((value for _, value in self.top), Fraction(0))

    @property
    def mean_without(self) -> Fraction | None:
        return self.rest / self.left if self.left > 0 else None

    @property
    def fall(self) -> Fraction | None:
        mean, without = self.mean, self.mean_without
        return (mean - without) / mean if mean is not None and mean > 0 and without is not None else None

    @property
    def is_carried(self) -> bool:
        return self.count >= FEWEST and self.fall is not None and self.fall > CARRIED_ABOVE


def skew(values: Sequence[tuple[str, Fraction]], top: int) -> Skew:
    """The mean of ``values`` (name, figure) with and without its ``top`` highest."""
    ordered = sorted(values, key=lambda one: (-one[1], one[0]))
    return Skew(len(ordered), sum((value for _, value in ordered), Fraction(0)), tuple(ordered[:top]))


def _mean(values: Sequence[Fraction]) -> Fraction | None:
    return sum(values, Fraction(0)) / len(values) if values else None


# --- Words ----------------------------------------------------------------------------------------


def percent(share: Fraction, places: int = 1) -> str:
    """``35.7 %``, without decimals that are zero; below zero with a sign."""
    return f"{plain(Fraction(quantize(share * 100, places)), places)} %"


def listed(names: Sequence[str]) -> str:
    """``Kim and Jonas``; a roll call ends after a few."""
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""
