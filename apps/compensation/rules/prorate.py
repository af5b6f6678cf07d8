"""Shares of a target by calendar days, first and last day included (PRODUCT section 9, "Proration").

Pure. Which quotas a rep has is read elsewhere; here they are spans of days with a target.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import pairwise

from apps.core.money import round_half_up
from apps.core.periods import Period

WHOLE_RAMP = Fraction(1)


@dataclass(frozen=True)
class QuotaSpan:
    """A target for the days of ``period``; ``target`` in minor units, or a count."""

    period: Period
    target: int


def prorated(target: int, whole: Period, part: Period) -> Fraction:
    """The share of ``target`` (for ``whole``) that falls on the days of ``part`` within it, exact."""
    start, end = max(whole.start, part.start), min(whole.end, part.end)
    return Fraction(target * max(0, (end - start).days), whole.days)


def quota_for(
    days: Period,
    spans: Sequence[QuotaSpan],
    ramp_ends_on: date | None = None,
    ramp_share: Fraction = WHOLE_RAMP,
) -> int | None:
    """The target for ``days``, rounded once, half up, to the minor unit (or the whole count).

    Where spans of several lengths cover a day, the shortest counts (a month's target over the year's). Days
    before ``ramp_ends_on`` count for ``ramp_share`` of themselves. ``None`` when no span covers any day.
    """
    edges = {days.start, days.end}
    for span in spans:
        edges.update(edge for edge in (span.period.start, span.period.end) if edge in days)
    if ramp_ends_on is not None and ramp_ends_on in days:
        edges.add(ramp_ends_on)
    ordered = sorted(edges)
    total, covered = Fraction(0), False
    for start, end in pairwise(ordered):
        covering = [span for span in spans if start in span.period]
        if not covering:
            continue
        covered = True
        span = min(covering, key=lambda candidate: (candidate.period.days, candidate.period.start))
        share = ramp_share if ramp_ends_on is not None and start < ramp_ends_on else WHOLE_RAMP
        total += prorated(span.target, span.period, Period(start, end)) * share
    return round_half_up(total) if covered else None
