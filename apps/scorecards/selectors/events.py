"""The events behind a figure: metrics of a scorecard and counts of the team target open to these."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from apps.compensation.selectors.measures import split_events
from apps.core.periods import Period
from apps.leads.models import EventCredit, FunnelEvent
from apps.leads.rules.metrics import Extra, Metric, Part
from apps.leads.selectors.measures import first_touches, occurred_in, self_sourced
from apps.leads.selectors.visits import by_rep, conversions_caused
from apps.reps.models import Rep, Team


def _credit(part_capacity: str, **whose: object) -> Exists:
    return Exists(EventCredit.objects.filter(event=OuterRef("pk"), capacity=part_capacity, **whose))


def _listed(events: QuerySet[FunnelEvent]) -> QuerySet[FunnelEvent]:
    with_reps = Prefetch("credits", EventCredit.objects.select_related("rep"))
    return (
        events.select_related("lead", "opportunity", "hand_off__lead")
        .prefetch_related(with_reps)
        .order_by("-occurred_at", "-pk")
    )


def events_behind(
    *, metric: Metric, rep: Rep, period: Period, as_of: datetime | None = None
) -> QuerySet[FunnelEvent]:
    """The events from which ``metric`` of ``rep`` over ``period`` was made, newest first.

    An event is there by the credit that stands: by the newest approved split, else as recorded.
    """
    events = occurred_in(FunnelEvent.objects.effective(as_of), [period])
    if metric.extra is Extra.CONVERSIONS:
        return _listed(by_rep(occurred_in(conversions_caused(as_of), [period]), [rep.pk]))
    splits = split_events(periods=[period], kinds={part.kind for part in metric.parts}, as_of=as_of)
    if metric.extra is Extra.SELF_SOURCED:
        own = events.filter(credits__rep=rep, credits__capacity=metric.parts[0].capacity)
        owned = (rep.pk, metric.parts[0].capacity)
        there = [one.pk for one in splits if one.standing.get(owned) and one.is_alone(one.standing, rep.pk)]
        alone = self_sourced(own).exclude(pk__in=[one.pk for one in splits]).values("pk")
        return _listed(events.filter(Q(pk__in=alone) | Q(pk__in=there)))
    either = Q()
    for part in metric.parts:
        split = [one for one in splits if one.kind == part.kind]
        there = [one.pk for one in split if one.standing.get((rep.pk, part.capacity))]
        gone = [one.pk for one in split if one.pk not in there]
        credited = Q(_credit(part.capacity, rep=rep)) & ~Q(pk__in=gone)
        either |= Q(kind=part.kind) & (credited | Q(pk__in=there))
    events = events.filter(either)
    if metric.extra is Extra.FIRST_TOUCH:
        events = first_touches(events, as_of)
    return _listed(events)


def team_events(
    *, team: Team, part: Part, period: Period, as_of: datetime | None = None
) -> QuerySet[FunnelEvent]:
    """The events of ``part`` in ``period`` with which reps of ``team`` are credited, newest first."""
    events = occurred_in(FunnelEvent.objects.effective(as_of), [period])
    return _listed(events.filter(_credit(part.capacity, rep__team=team), kind=part.kind))
