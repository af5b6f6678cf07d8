"""What each role is assumed to do in a month: what was set for it, else the product's defaults."""

from datetime import datetime

from django.db.models import Q

from apps.core.periods import Period
from apps.scorecards.models import Assumption
from apps.scorecards.rules import targets

InForce = dict[tuple[str, str], targets.Assumption]
"""By role and metric."""


def in_force(month: Period, *, known_at: datetime | None = None) -> InForce:
    """The newest of each role and metric that had begun by ``month``; with ``known_at``, of those set by then. One
    statement.
    """
    found = {(one.role, one.metric): one for one in targets.DEFAULT_ASSUMPTIONS}
    kept = Assumption.objects.filter(effective_on__lte=month.start).order_by("effective_on", "pk")
    if known_at is not None:
        kept = kept.filter(Q(set_at__isnull=True) | Q(set_at__lte=known_at))
    for one in kept:
        # Of two from the same month the later one corrects the earlier.
        found[(one.role, one.metric)] = targets.Assumption(one.role, one.metric, one.value, one.per)
    return found
