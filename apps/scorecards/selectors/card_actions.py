"""Agreed actions as a card shows them: those agreed over it, and those that it opens with."""

from django.conf import settings
from django.db.models import Q, QuerySet

from apps.core.periods import Period
from apps.reps.models import Rep
from apps.scorecards.models import ScorecardAction


def _listed(actions: QuerySet[ScorecardAction]) -> QuerySet[ScorecardAction]:
    return actions.select_related("owner", "agreed_by", "closing__by", "scorecard").order_by("due_on", "pk")


def agreed_over(*, rep: Rep, month: Period) -> QuerySet[ScorecardAction]:
    """Agreed over the card of ``month``."""
    return _listed(ScorecardAction.objects.filter(scorecard__rep=rep, scorecard__month_on=month.start))


def opens_with(*, rep: Rep, month: Period) -> QuerySet[ScorecardAction]:
    """What the card of ``month`` opens with: all that was agreed over the card before it, and what of older ones
    was still open when the month began.
    """
    start, _ = month.bounds(settings.COMPANY_TIME_ZONE)
    before = month.previous()
    still_open = Q(closing__isnull=True) | Q(closing__at__gte=start)
    earlier = ScorecardAction.objects.filter(scorecard__rep=rep, scorecard__month_on__lt=month.start)
    return _listed(earlier.filter(Q(scorecard__month_on=before.start) | still_open))
