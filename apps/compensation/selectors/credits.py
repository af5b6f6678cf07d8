"""Credited events from the funnel record, for many reps at once, in the order that decides their band.

The order is that of the record: when it occurred, then the event's number. Nothing is computed here. What only
some plans ask for (conditions, figures, reversed events, no-shows, payments) is read only for those.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from apps.compensation.models import CreditSplitPart, CustomerPayment
from apps.compensation.rules.events import CreditedEvent, Ended
from apps.compensation.rules.rates import Grid
from apps.compensation.rules.terms import Component, Condition
from apps.compensation.selectors.hand_credits import (
    CreditKey,
    approved_parts,
    occurred_parts,
    reps_split_since,
    standing_parts,
)
from apps.compensation.selectors.rates import reps_converted_anew
from apps.core.money import NotExact, exact
from apps.core.periods import Period
from apps.leads.models import EventCredit, EventKind, FunnelEvent

# A transaction that began before a computation may commit after it, with an earlier recording instant.
# Looking back this far finds it; looking at what is known already costs time and changes nothing.
COMMIT_MARGIN = timedelta(days=1)
PAID = "paid"

Credited = tuple[datetime, CreditedEvent]

_ALWAYS = (
    "rep_id", "event__occurred_at", "event_id", "event__kind", "capacity", "share", "event__amount_minor",
    "event__currency", "event__hand_off__is_exploration",
)  # fmt: skip
# By the field of a condition: where the record has it.
_FACTS = {
    "source": "event__lead__source",
    "campaign": "event__lead__campaign",
    "industry": "event__lead__industry",
    "city": "event__lead__city",
    "score": "event__lead__score",
    "persona": "event__lead__persona",
    "employees": "event__lead__employees",
    "score_points": "event__lead__score_points",
    "inbound": "event__lead__is_inbound",
    "meets_definition": "event__hand_off__qualification__meets_definition",
}


@dataclass(frozen=True)
class Wanted:
    """What some plans ask of events beside their amount."""

    kinds: frozenset[str] = frozenset()
    facts: tuple[str, ...] = ()
    figures: bool = False
    reversed_too: bool = False
    no_shows: bool = False

    @classmethod
    def by(cls, components: Iterable[Component]) -> "Wanted":
        kinds, facts = set(), set()
        figures = reversed_too = no_shows = False
        for one in components:
            kinds.add(one.measure.event)
            conditions = _conditions(one)
            facts |= {row.field for row in conditions} & set(_FACTS)
            figures = figures or _asks_figures(one, conditions)
            reversed_too = reversed_too or one.clawback is not None
            no_shows = no_shows or not one.measure.no_shows_pay
        return cls(frozenset(kinds), tuple(sorted(facts)), figures, reversed_too, no_shows)


def _conditions(one: Component) -> list[Condition]:
    return [*one.measure.conditions, *(row for times in one.multipliers for row in times.conditions)]


def _asks_figures(one: Component, conditions: Iterable[Condition]) -> bool:
    grid = one.rates if isinstance(one.rates, Grid) else None
    sides = (grid.columns.by, grid.rows.by) if grid else ()
    asked = [*sides, *(row.field for row in conditions)]
    return (
        one.measure.of == "figure"
        or one.measure.term is not None
        or any(field.startswith("figure:") for field in asked)
    )


def _occurred_in(period: Period, as_of: datetime) -> QuerySet[EventCredit]:
    start, end = period.bounds(settings.COMPANY_TIME_ZONE)
    return EventCredit.objects.filter(
        event__occurred_at__gte=start, event__occurred_at__lt=end, event__recorded_at__lte=as_of
    )


Credits = QuerySet[EventCredit] | QuerySet[CreditSplitPart]
"""Credits of the record, or parts of approved splits: both have rep, event, capacity and share."""


def _reversal(**recorded: datetime) -> Exists:
    return Exists(FunnelEvent.objects.filter(reverses=OuterRef("event_id"), **recorded))


def _missed(as_of: datetime) -> Exists:
    """Whether nobody came to the meeting of the hand-off, and none was held later."""

    def holds(kind: EventKind) -> QuerySet[FunnelEvent]:
        same = FunnelEvent.objects.filter(hand_off=OuterRef("event__hand_off"), kind=kind)
        return same.effective(as_of)

    return Exists(holds(EventKind.NO_SHOW)) & ~Exists(holds(EventKind.HELD))  # type: ignore[return-value]


def credited_events(
    *, period: Period, as_of: datetime, wanted: Wanted, rep_ids: Iterable[int]
) -> dict[int, list[Credited]]:
    """By rep, what ``wanted`` asks for that holds as of ``as_of``, each with its instant. One or two queries."""
    ids = list(rep_ids)
    asked: dict[str, Any] = {"rep_id__in": ids, "event__kind__in": wanted.kinds - {PAID}}
    by_hand = standing_parts(occurred_parts(period, as_of).filter(**asked))
    found: dict[int, list[Credited]] = defaultdict(list)
    for key, at, event in _read(_occurred_in(period, as_of).filter(**asked), wanted, as_of):
        if key not in by_hand:
            found[key[0]].append((at, event))
    given = [pk for pk, share in by_hand.values() if share]
    if given:
        for key, at, event in _read(CreditSplitPart.objects.filter(pk__in=given), wanted, as_of):
            found[key[0]].append((at, event))
        _in_order(found, {rep_id for rep_id, _, _ in by_hand})
    if PAID in wanted.kinds:
        _add_payments(found, period, as_of, ids, wanted)
    return found


def _in_order(found: dict[int, list[Credited]], rep_ids: Iterable[int]) -> None:
    for rep_id in rep_ids:
        if rep_id in found:
            found[rep_id].sort(key=lambda one: (one[0], one[1].event_id, one[1].source))


def _read(
    rows: Credits, wanted: Wanted, as_of: datetime
) -> Iterator[tuple[CreditKey, datetime, CreditedEvent]]:
    """The credits that hold, by rep in the order of the record, with all that is wanted of them. One query."""
    columns = list(_ALWAYS)
    if wanted.reversed_too:
        columns += [
            "event__reversed_by__id",
            "event__reversed_by__occurred_at",
            "event__reversed_by__recorded_at",
        ]
    else:
        rows = rows.filter(~_reversal(recorded_at__lte=as_of))
    columns += [_FACTS[name] for name in wanted.facts]
    columns += ["event__data"] if wanted.figures else []
    if wanted.no_shows:
        rows = rows.annotate(missed=_missed(as_of))
        columns.append("missed")
    zone = ZoneInfo(settings.COMPANY_TIME_ZONE)
    ordered = rows.order_by("rep_id", "event__occurred_at", "event_id").values_list(*columns)
    plain = len(columns) == len(_ALWAYS)
    for row in ordered.iterator():
        occurred_at = row[1]
        on = occurred_at.astimezone(zone).date()
        if plain:
            event_id, kind, capacity, share, amount, currency, exploration = row[2:9]
            event = CreditedEvent(event_id, kind, capacity, share, amount, currency, bool(exploration), on=on)
        else:
            event = _rich(dict(zip(columns, row, strict=True)), on, wanted, as_of, zone)
        yield (row[0], row[2], row[4]), occurred_at, event


def _rich(row: dict[str, Any], on: date, wanted: Wanted, as_of: datetime, zone: ZoneInfo) -> CreditedEvent:
    ended = None
    recorded = row.get("event__reversed_by__recorded_at")
    if recorded is not None and recorded <= as_of:
        reversed_on = row["event__reversed_by__occurred_at"].astimezone(zone).date()
        ended = Ended(max((reversed_on - on).days, 0), row["event__reversed_by__id"])
    return CreditedEvent(
        row["event_id"],
        row["event__kind"],
        row["capacity"],
        row["share"],
        row["event__amount_minor"],
        row["event__currency"],
        bool(row["event__hand_off__is_exploration"]),
        figures=figures_of(row["event__data"]) if wanted.figures else None,
        facts={name: row[_FACTS[name]] for name in wanted.facts} if wanted.facts else None,
        is_no_show=bool(row.get("missed")),
        ended=ended,
        on=on,
    )


def figures_of(data: Any) -> dict[str, Fraction]:
    """The numbers that came with an event: ``data["figures"]``, decimals in quotes; what is none is left out."""
    written = data.get("figures") if isinstance(data, dict) else None
    found: dict[str, Fraction] = {}
    for name, value in (written or {}).items() if isinstance(written, dict) else ():
        try:
            found[str(name)] = exact(value)
        except NotExact:
            continue
    return found


def _add_payments(
    found: dict[int, list[Credited]],
    period: Period,
    as_of: datetime,
    rep_ids: list[int],
    wanted: Wanted,
) -> None:
    """Payments of the period, credited as the win of their opportunity is by now."""
    zone = ZoneInfo(settings.COMPANY_TIME_ZONE)
    start, end = period.bounds(settings.COMPANY_TIME_ZONE)
    payments = list(
        payments_as_of(as_of).filter(paid_at__gte=start, paid_at__lt=end).order_by("paid_at", "pk")
    )
    if not payments:
        return
    # A win that was taken back credits nobody with what was paid for it.
    of_wins = replace(wanted, reversed_too=False, no_shows=False)
    won = {
        "event__kind": EventKind.WON,
        "event__opportunity__in": {payment.opportunity_id for payment in payments},
        "event__recorded_at__lte": as_of,
        "rep_id__in": rep_ids,
    }
    by_hand = standing_parts(approved_parts(as_of).filter(**won))
    wins = [
        (key[0], event)
        for key, _, event in _read(EventCredit.objects.filter(**won), of_wins, as_of)
        if key not in by_hand
    ]
    given = CreditSplitPart.objects.filter(pk__in=[pk for pk, share in by_hand.values() if share])
    if by_hand:
        wins += [(key[0], event) for key, _, event in _read(given, of_wins, as_of)]
    deals = dict(
        FunnelEvent.objects.filter(pk__in={event.event_id for _, event in wins}).values_list(
            "pk", "opportunity_id"
        )
    )
    shares: dict[int | None, list[tuple[int, CreditedEvent]]] = defaultdict(list)
    for rep_id, win in sorted(wins, key=lambda one: (one[1].event_id, one[0], one[1].capacity)):
        shares[deals[win.event_id]].append((rep_id, win))
    for payment in payments:
        for rep_id, win in shares[payment.opportunity_id]:
            paid = replace(
                win, kind=PAID, amount_minor=payment.amount_minor, currency=payment.currency,
                source=f"payment:{payment.pk}", on=payment.paid_at.astimezone(zone).date(),
            )  # fmt: skip
            found[rep_id].append((payment.paid_at, paid))
    _in_order(found, list(found))


def payments_as_of(as_of: datetime) -> QuerySet[CustomerPayment]:
    """Payments that hold as of ``as_of``: neither a reversal nor reversed."""
    reversals = CustomerPayment.objects.filter(reverses=OuterRef("pk"), recorded_at__lte=as_of)
    return CustomerPayment.objects.filter(reverses__isnull=True, recorded_at__lte=as_of).filter(
        ~Exists(reversals)
    )


def reps_changed_since(
    *, period: Period, since: datetime, as_of: datetime, rep_ids: Iterable[int] | None = None
) -> set[int]:
    """Reps (of ``rep_ids``, or all) credited in ``period`` by what was recorded, or reversed, after ``since``.

    A no-show, a meeting held or a payment that came to the record since concerns whom its hand-off or win
    credits; a split that was approved since, all whom it lists; a rate, whose pay was converted.
    """
    after = since - COMMIT_MARGIN
    asked = None if rep_ids is None else set(rep_ids)
    of_these = Q() if asked is None else Q(rep_id__in=asked)
    both: tuple[Credits, Credits] = (_occurred_in(period, as_of), occurred_parts(period, as_of))
    late = Q(event__recorded_at__gt=after)
    reversed_since = Q(_reversal(recorded_at__gt=after, recorded_at__lte=as_of))
    outcome = FunnelEvent.objects.filter(recorded_at__gt=after, recorded_at__lte=as_of).filter(
        Q(kind__in=(EventKind.NO_SHOW, EventKind.HELD))
        | Q(reverses__kind__in=(EventKind.NO_SHOW, EventKind.HELD))
    )
    told_since = Q(event__hand_off__in=outcome.filter(hand_off__isnull=False).values("hand_off"))
    found = {
        rep_id
        for credited in both
        for condition in (late, reversed_since, told_since)
        for rep_id in credited.exclude(event__kind=EventKind.REVERSED)
        .filter(of_these, condition)
        .order_by()
        .values_list("rep_id", flat=True)
        .distinct()
    }
    moved_by_hand = reps_split_since(period, after, as_of) | reps_converted_anew(period, after, as_of)
    found |= moved_by_hand if asked is None else moved_by_hand & asked
    start, end = period.bounds(settings.COMPANY_TIME_ZONE)
    payments = CustomerPayment.objects.filter(recorded_at__gt=after, recorded_at__lte=as_of)
    moved = payments.filter(
        Q(paid_at__gte=start, paid_at__lt=end) | Q(reverses__paid_at__gte=start, reverses__paid_at__lt=end)
    )
    paid = CustomerPayment.objects.filter(paid_at__gte=start, paid_at__lt=end, recorded_at__lte=as_of)
    # A payment pays whom its win credits: one that came or went since moves it, whenever it was won.
    of_moved = Q(event__opportunity__in=moved.values("opportunity"))
    moved_win = Q(event__opportunity__in=paid.values("opportunity")) & (late | reversed_since)
    for shared in (EventCredit.objects.all(), approved_parts(as_of)):
        rows = shared.filter(of_these, of_moved | moved_win, event__kind=EventKind.WON)
        found |= set(rows.order_by().values_list("rep_id", flat=True).distinct())
    return found


def foreign_currencies(
    *, period: Period, as_of: datetime, kinds: Iterable[str], usual: Iterable[str]
) -> set[tuple[int, str]]:
    """Rep and currency of what happened in the period in a currency that is none of ``usual``.

    Events of ``kinds``, and payments where those are asked for: they concern whom their win credits.
    """
    asked, known = set(kinds), ["", *usual]
    both: tuple[Credits, Credits] = (_occurred_in(period, as_of), occurred_parts(period, as_of))
    found: set[tuple[int, str]] = set()
    for rows in both:
        foreign = rows.filter(event__kind__in=asked - {PAID}).exclude(event__currency__in=known)
        found |= set(foreign.order_by().values_list("rep_id", "event__currency").distinct())
    if PAID not in asked:
        return found
    start, end = period.bounds(settings.COMPANY_TIME_ZONE)
    payments = payments_as_of(as_of).filter(paid_at__gte=start, paid_at__lt=end).exclude(currency__in=known)
    won = {"event__kind": EventKind.WON, "event__opportunity__payments__in": payments}
    for rows in (EventCredit.objects.filter(**won), approved_parts(as_of).filter(**won)):
        paid_for = rows.order_by().values_list("rep_id", "event__opportunity__payments__currency").distinct()
        found |= {(rep_id, currency) for rep_id, currency in paid_for if currency not in known}
    return found


def credits_by_rep(*, period: Period, as_of: datetime) -> dict[int, int]:
    """How many credits of the period each rep has, reversed ones too: what working out their pay weighs."""
    rows = _occurred_in(period, as_of).order_by().values_list("rep_id").annotate(count=Count("pk"))
    return dict(rows)


def reps_credited(*, period: Period, as_of: datetime, kinds: Iterable[str]) -> QuerySet[EventCredit]:
    """Credits of ``kinds`` in the period that hold, for counting who earned without being on a plan."""
    return (
        _occurred_in(period, as_of)
        .filter(event__kind__in=list(kinds))
        .filter(~_reversal(recorded_at__lte=as_of))
    )
