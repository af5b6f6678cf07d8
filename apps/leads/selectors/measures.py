"""What the funnel record holds for many reps over a few periods, in a handful of statements.

The database sums integers (shares in millionths, minor units times shares); what they mean is
``rules.metrics``. With ``as_of`` only what was recorded by then counts, and only reversals recorded by then
take back.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    Exists,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
    Window,
)
from django.db.models.functions import Coalesce, RowNumber

from apps.core.periods import Period
from apps.leads.models import Capacity, EventCredit, EventKind, FunnelEvent
from apps.leads.rules.metrics import METRICS, Extra, Metric, Part, Sums
from apps.leads.selectors.visits import by_rep, conversions_caused
from apps.reps.models import Rep

Measured = dict[int, Sums]
"""Sums by rep id; every rep asked for is in it."""


class SecondsBetween(Func):
    """Whole seconds from the first instant to the second, as an integer in both databases."""

    arity = 2
    output_field = BigIntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = (
            "(FLOOR(EXTRACT(EPOCH FROM %(later)s))::bigint - FLOOR(EXTRACT(EPOCH FROM %(earlier)s))::bigint)"
        )
        return self._written(compiler, template)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        seconds = "CAST(strftime('%%%%s', {}) AS INTEGER)"
        template = f"({seconds.format('%(later)s')} - {seconds.format('%(earlier)s')})"
        return self._written(compiler, template)

    def _written(self, compiler: Any, template: str) -> tuple[str, list[Any]]:
        earlier, earlier_params = compiler.compile(self.source_expressions[0])
        later, later_params = compiler.compile(self.source_expressions[1])
        return template % {"earlier": earlier, "later": later}, [*later_params, *earlier_params]


def bucket(periods: Sequence[Period]) -> Case | Value:
    """Which of the consecutive ``periods`` an event occurred in, as its number."""
    if len(periods) == 1:
        # Nothing to tell apart; and the database, who cannot guess at a CASE, groups without sorting.
        return Value(0, output_field=IntegerField())
    zone = settings.COMPANY_TIME_ZONE
    return Case(
        *[
            When(occurred_at__lt=period.bounds(zone)[1], then=Value(number))
            for number, period in enumerate(periods)
        ],
        output_field=IntegerField(),
    )


def bounds_of(periods: Sequence[Period]) -> tuple[datetime, datetime]:
    """The first instant of the consecutive ``periods`` and the first after them, in the company's zone."""
    zone = settings.COMPANY_TIME_ZONE
    if any(one.end != following.start for one, following in pairwise(periods)):
        raise ValueError("Periods that are measured together follow one another without a gap.")
    return periods[0].bounds(zone)[0], periods[-1].bounds(zone)[1]


def occurred_in(events: QuerySet[FunnelEvent], periods: Sequence[Period]) -> QuerySet[FunnelEvent]:
    """Those that occurred within the consecutive ``periods``, cut in the company's zone."""
    start, end = bounds_of(periods)
    return events.filter(occurred_at__gte=start, occurred_at__lt=end)


def measure(
    *,
    reps: Iterable[Rep],
    periods: Sequence[Period],
    metrics: Iterable[Metric] = tuple(METRICS.values()),
    parts: Iterable[Part] = (),
    as_of: datetime | None = None,
) -> list[Measured]:
    """For each of the consecutive ``periods``, what ``metrics`` (and further ``parts``) need of each rep.

    Reps need their ``team`` loaded: its currency is the one that their money metrics count. At most four
    statements, whatever the number of reps and periods.
    """
    currencies = {rep.pk: rep.team.currency for rep in reps}
    wanted = tuple(metrics)
    extras = {one.extra for one in wanted if one.extra}
    needed = {part for one in wanted for part in one.parts} | set(parts)
    found: list[dict[int, dict[str, Any]]] = [
        {pk: {"currency": currency} for pk, currency in currencies.items()} for _ in periods
    ]
    if currencies and needed:
        events = FunnelEvent.objects.effective(as_of, of_many=True)
        _sums(found, events, currencies, periods, needed, extras, as_of)
        if Extra.LEADS_WORKED in extras:
            _leads_worked(found, events, currencies, periods)
        if Extra.FIRST_TOUCH in extras:
            _first_touches(found, events, currencies, periods, as_of)
        if Extra.CONVERSIONS in extras:
            _conversions(found, currencies, periods, as_of)
    return [{pk: Sums(**values) for pk, values in one.items()} for one in found]


Found = list[dict[int, dict[str, Any]]]


def credited(
    events: QuerySet[FunnelEvent], reps: Iterable[int], capacity: str, periods: Sequence[Period]
) -> QuerySet[FunnelEvent]:
    """Those of the consecutive ``periods`` that credit one of ``reps`` in ``capacity``, joined to that credit."""
    return occurred_in(events, periods).filter(credits__capacity=capacity, credits__rep__in=list(reps))


def _sums(
    found: Found,
    events: QuerySet[FunnelEvent],
    reps: dict[int, str],
    periods: Sequence[Period],
    parts: set[Part],
    extras: set[Extra],
    as_of: datetime | None,
) -> None:
    """Shares and amounts of every part, what was found alone and cycles: one grouped statement over the events."""
    read = parts | {part for extra, part in _READ_WITH.items() if extra in extras}
    kinds: dict[str, list[str]] = {}
    for part in sorted(read):
        kinds.setdefault(part.capacity, []).append(part.kind)
    either = Q()
    for capacity, of in kinds.items():
        either |= Q(credits__capacity=capacity, kind__in=of)
    rows = (
        occurred_in(events, periods)
        .filter(either, credits__rep__in=list(reps), kind__in={part.kind for part in read})
        # The owner is that of the joined credit; named by a path in a subquery it would be any credit's.
        .alias(owner_id=F("credits__rep"), opened_at=opened_at(as_of))
        .annotate(bucket=bucket(periods))
        .values_list("credits__rep", "bucket", "kind", "credits__capacity", "currency")
        .annotate(**_aggregates(extras))
        .order_by()
    )
    for rep, number, kind, capacity, currency, shares, handed, priced, amounts, alone, seconds, timed in rows:
        values, part = found[number][rep], Part(kind, capacity)
        if part in parts:
            _add(values, part, currency, shares, handed, priced, amounts)
        if alone is not None:
            values.setdefault("self_sourced", {})[currency] = int(alone)
        if timed:
            values["cycle_seconds"] = values.get("cycle_seconds", 0) + int(seconds)
            values["cycle_share"] = values.get("cycle_share", 0) + timed


_READ_WITH = {
    Extra.SELF_SOURCED: Part(EventKind.STAGE_1, Capacity.OWNED),
    Extra.CYCLE: Part(EventKind.WON, Capacity.OWNED),
}


def _aggregates(extras: set[Extra]) -> dict[str, Any]:
    """What is summed of each rep, kind, capacity and currency; nothing where an extra is not asked for."""
    share, whole = F("credits__share"), BigIntegerField()
    amount = Sum(F("amount_minor") * share, output_field=whole)
    nothing = Value(None, output_field=whole)
    found: dict[str, Any] = {
        "shares": Sum(share),
        "from_hand_offs": Sum(share, filter=Q(hand_off__isnull=False)),
        "priced": Sum(share, filter=Q(amount_minor__isnull=False)),
        "amounts": amount,
        "alone": nothing,
        "seconds": nothing,
        "timed": nothing,
    }
    if Extra.SELF_SOURCED in extras:
        opened = Q(kind=EventKind.STAGE_1, credits__capacity=Capacity.OWNED, amount_minor__isnull=False)
        found["alone"] = Sum(
            F("amount_minor") * share, filter=opened & Q(~_found_by_others()), output_field=whole
        )
    if Extra.CYCLE in extras:
        # A win whose opening is not on record is left out.
        won = Q(kind=EventKind.WON, credits__capacity=Capacity.OWNED)
        between = SecondsBetween(F("opened_at"), F("occurred_at"))
        found["seconds"] = Sum(between * share, filter=won, output_field=whole)
        found["timed"] = Sum(share, filter=won & Q(opened_at__isnull=False))
    return found


def _found_by_others() -> Exists:
    """Whether the event, joined to its owner's credit (``owner_id``), credits somebody else with sourcing it."""
    others = EventCredit.objects.filter(event=OuterRef("pk"), capacity=Capacity.SOURCED)
    return Exists(others.exclude(rep=OuterRef("owner_id")))


def _add(
    values: dict[str, Any],
    part: Part,
    currency: str,
    shares: int,
    handed: int | None,
    priced: int | None,
    amounts: int | None,
) -> None:
    by_part = values.setdefault("shares", {})
    by_part[part] = by_part.get(part, 0) + shares
    if handed:
        from_hand_off = values.setdefault("handed", {})
        from_hand_off[part] = from_hand_off.get(part, 0) + handed
    if amounts is not None:
        values.setdefault("amounts", {})[(part, currency)] = int(amounts)
        values.setdefault("priced", {})[(part, currency)] = priced


def self_sourced(credited: QuerySet[FunnelEvent]) -> QuerySet[FunnelEvent]:
    """Openings at stage 1, of events joined to their owner's credit, that only the owner is credited with."""
    return credited.alias(owner_id=F("credits__rep")).filter(~_found_by_others(), kind=EventKind.STAGE_1)


def opened_at(as_of: datetime | None) -> Subquery:
    """When the opportunity of an event came to stage 1."""
    opened = (
        FunnelEvent.objects.effective(as_of)
        .filter(kind=EventKind.STAGE_1, opportunity=OuterRef("opportunity"))
        .order_by("occurred_at", "pk")
    )
    return Subquery(opened.values("occurred_at")[:1])


def _leads_worked(
    found: Found, events: QuerySet[FunnelEvent], reps: dict[int, str], periods: Sequence[Period]
) -> None:
    rows = (
        credited(events, reps, Capacity.SOURCED, periods)
        .filter(kind=EventKind.TOUCHED)
        .annotate(bucket=bucket(periods))
        .values_list("credits__rep", "bucket")
        .annotate(leads=Count("lead", distinct=True))
        .order_by()
    )
    for rep, number, leads in rows:
        found[number][rep]["leads_worked"] = leads


def first_touches(events: QuerySet[FunnelEvent], as_of: datetime | None) -> QuerySet[FunnelEvent]:
    """Touches before which their lead had none."""
    earlier = (
        FunnelEvent.objects.effective(as_of)
        .filter(kind=EventKind.TOUCHED, lead=OuterRef("lead"))
        .filter(
            Q(occurred_at__lt=OuterRef("occurred_at"))
            | Q(occurred_at=OuterRef("occurred_at"), pk__lt=OuterRef("pk"))
        )
    )
    return events.filter(~Exists(earlier), kind=EventKind.TOUCHED, lead__isnull=False)


def _arrived(kind: EventKind, as_of: datetime | None) -> Subquery:
    arrivals = (
        FunnelEvent.objects.effective(as_of)
        .filter(kind=kind, lead=OuterRef("lead"), occurred_at__lte=OuterRef("occurred_at"))
        .order_by("occurred_at", "pk")
    )
    return Subquery(arrivals.values("occurred_at")[:1])


def _first_touches(
    found: Found,
    events: QuerySet[FunnelEvent],
    reps: dict[int, str],
    periods: Sequence[Period],
    as_of: datetime | None,
) -> None:
    """The median of the seconds from arrival to first touch: the database orders, and gives the middle."""
    partition = [F("credits__rep"), F("bucket")]
    touched = (
        first_touches(credited(events, reps, Capacity.SOURCED, periods), as_of)
        .annotate(
            bucket=bucket(periods),
            arrived_at=Coalesce(_arrived(EventKind.MQL, as_of), _arrived(EventKind.COLLECTED, as_of)),
        )
        .filter(arrived_at__isnull=False)
        .annotate(seconds=SecondsBetween(F("arrived_at"), F("occurred_at")))
        .annotate(
            place=Window(RowNumber(), partition_by=partition, order_by=[F("seconds"), F("pk")]),
            of=Window(Count("pk"), partition_by=partition),
        )
        .filter(place__gte=(F("of") + 1) / 2, place__lte=(F("of") + 2) / 2)
        .order_by()
        .values_list("credits__rep", "bucket", "seconds")
    )
    middle: dict[tuple[int, int], list[int]] = {}
    for rep, number, seconds in touched:
        middle.setdefault((rep, number), []).append(seconds)
    for (rep, number), values in middle.items():
        found[number][rep]["first_touch_seconds"] = Fraction(sum(values), len(values))


def _conversions(
    found: Found, reps: dict[int, str], periods: Sequence[Period], as_of: datetime | None
) -> None:
    """Conversions by the rep whose touch caused the visit before them."""
    credit = EventCredit.objects.filter(
        event=OuterRef("visit_id"), capacity=Capacity.SOURCED, rep__in=list(reps)
    )
    rows = (
        occurred_in(by_rep(conversions_caused(as_of), reps), periods)
        .annotate(bucket=bucket(periods), by=Subquery(credit.values("rep")[:1]))
        .values_list("by", "bucket")
        .annotate(conversions=Count("pk"))
        .order_by()
    )
    for rep, number, conversions in rows:
        found[number][rep]["conversions"] = conversions
