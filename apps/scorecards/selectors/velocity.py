"""Qualified leads by month: the counts behind the lead velocity rate."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Count

from apps.core.periods import Period
from apps.leads.models import EventKind, FunnelEvent
from apps.leads.selectors.measures import bucket, occurred_in
from apps.scorecards.rules.velocity import Velocity, velocity

MONTHS = 6
KINDS = {"mql": EventKind.MQL, "sql": EventKind.QUALIFIED}
"""What counts as qualified: by marketing (MQL) or by an SDR (SQL)."""


def months_until(month: Period, count: int = MONTHS) -> list[Period]:
    """``month`` and the ``count`` before it, oldest first: the first is the base of the growth."""
    found = [month]
    while len(found) <= count:
        found.insert(0, found[0].previous())
    return found


def qualified_leads(
    *, months: Sequence[Period], kind: str, teams: Sequence[int] | None, as_of: datetime | None = None
) -> list[tuple[Period, int]]:
    """Different leads that qualified in each of the consecutive ``months``; of ``teams`` (``None``: all).

    One statement.
    """
    events = occurred_in(FunnelEvent.objects.effective(as_of, of_many=True), months).filter(kind=KINDS[kind])
    if teams is not None:
        events = events.filter(lead__team__in=teams)
    counts = dict(
        events.annotate(bucket=bucket(months))
        .values_list("bucket")
        .annotate(leads=Count("lead", distinct=True))
        .order_by()
    )
    return [(month, counts.get(number, 0)) for number, month in enumerate(months)]


def velocity_of(
    *, month: Period, kind: str, teams: Sequence[int] | None, as_of: datetime | None = None
) -> Velocity:
    """Growth of the last six months up to ``month``."""
    return velocity(qualified_leads(months=months_until(month), kind=kind, teams=teams, as_of=as_of))
