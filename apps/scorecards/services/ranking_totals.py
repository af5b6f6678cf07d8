"""The monthly totals of the ranking: marked as behind, brought up to date, made anew from the record.

An event that counts leaves a mark in its own transaction. Bringing up to date takes the marks that are there,
reads whom they credit from the record anew, and removes those marks alone: what is recorded meanwhile leaves
marks of its own, so nothing is lost, and doing it twice changes nothing. Late and reversed events are nothing
special: the months of whoever they credit are read whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Min

from apps.core.bulk import insert_rows
from apps.core.periods import Period, day_of, month_of
from apps.leads.models import Capacity, EventCredit, EventKind, FunnelEvent
from apps.leads.rules.metrics import LOST, WON, Sums
from apps.leads.rules.scoring import tier_of_score
from apps.leads.selectors.measures import measure
from apps.reps.models import Rep
from apps.scorecards.models import (
    LeadMixTotal,
    RankingTotal,
    RankingTotalMark,
    RankingTotalsBuild,
    ReceivedLead,
)
from apps.scorecards.selectors.lead_mix import Closed, closed_by_kind, mixes_of
from apps.scorecards.selectors.ranking_totals import METRICS, PARTS, ranked_by_totals, reps_of_marks

COUNTED = (EventKind.WON, EventKind.LOST, EventKind.STAGE_1, EventKind.ACCEPTED, EventKind.REJECTED)
MONTHS_AT_ONCE = 12


def mark(events: Sequence[FunnelEvent]) -> None:
    """Note that the totals do not hold ``events`` yet. One statement, and none where nothing counts."""
    counted = [event for event in events if _kind(event) in COUNTED]
    if counted:
        RankingTotalMark.objects.bulk_create(
            [RankingTotalMark(event=event) for event in counted], batch_size=500
        )


def _kind(event: FunnelEvent) -> str:
    """What happened, or what was taken back."""
    return event.reverses.kind if event.reverses is not None else event.kind


def keep_received(events: Iterable[FunnelEvent]) -> None:
    """Keep the kind of lead that each hand-off passed on; the first time it was handed off stands."""
    rows = [
        ReceivedLead(
            hand_off_id=event.hand_off_id,
            tier=tier_of_score(event.data["score"]),
            is_inbound=event.data["inbound"],
        )
        for event in events
        if event.kind == EventKind.HANDED_OFF and event.hand_off_id and "score" in event.data
    ]
    if rows:
        ReceivedLead.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


@dataclass(frozen=True)
class Refreshed:
    """How many reps were read anew, and how many rows they have."""

    reps: int
    rows: int


@transaction.atomic
def refresh_totals(*, at: datetime) -> Refreshed:
    """Bring the totals up to date with what was recorded; the first time they are made whole."""
    build = RankingTotalsBuild.objects.select_for_update().filter(pk=RankingTotalsBuild.ONLY).first()
    if build is None:
        return rebuild_totals(at=at)
    marks = list(RankingTotalMark.objects.values_list("pk", flat=True))
    if not marks:
        return Refreshed(0, 0)
    reps = list(Rep.objects.filter(pk__in=reps_of_marks(marks)).select_related("team").order_by("pk"))
    for total in (RankingTotal, LeadMixTotal):
        total.objects.filter(rep__in=reps).delete()
    rows = _write(reps)
    RankingTotalMark.objects.filter(pk__in=marks).delete()
    RankingTotalsBuild.objects.filter(pk=build.pk).update(refreshed_at=at)
    return Refreshed(len(reps), rows)


@transaction.atomic
def rebuild_totals(*, at: datetime) -> Refreshed:
    """Make all of them anew from the record, whatever stood there."""
    RankingTotalsBuild.objects.update_or_create(
        pk=RankingTotalsBuild.ONLY, defaults={"built_at": at, "refreshed_at": at}
    )
    marks = list(RankingTotalMark.objects.values_list("pk", flat=True))
    for total in (RankingTotal, LeadMixTotal):
        total.objects.all().delete()
    reps = list(Rep.objects.select_related("team").order_by("pk"))
    rows = _write(reps)
    RankingTotalMark.objects.filter(pk__in=marks).delete()
    return Refreshed(len(reps), rows)


def _write(reps: Sequence[Rep]) -> int:
    """The totals of ``reps`` over all months of the record; how many rows."""
    if not reps:
        return 0
    _keep_what_was_not(reps)
    ids, count = [rep.pk for rep in reps], 0
    for periods in _years():
        rows: list[RankingTotal] = []
        for period, found in zip(
            periods, measure(reps=reps, periods=periods, metrics=METRICS, parts=(WON, LOST)), strict=True
        ):
            for rep, sums in found.items():
                rows += _rows(rep, period.start, sums)
        mixes = [_mix_row(one, periods) for one in closed_by_kind(reps=ids, periods=periods)]
        insert_rows(rows)
        insert_rows(mixes)
        count += len(rows) + len(mixes)
    return count


def _keep_what_was_not(reps: Sequence[Rep]) -> None:
    """Of what these closed: hand-offs whose kind of lead was never kept have the one that they count as today.

    A lead's score moves on without an event, so what is added up by kind must not go by it.
    """
    unknown = EventCredit.objects.filter(
        rep__in=reps,
        capacity=Capacity.OWNED,
        event__kind__in=(EventKind.WON, EventKind.LOST),
        event__hand_off__isnull=False,
        event__hand_off__received__isnull=True,
    )
    columns = ("event__hand_off", "event__hand_off__lead__score", "event__hand_off__lead__is_inbound")
    rows = [
        ReceivedLead(hand_off_id=pk, tier=tier_of_score(score), is_inbound=inbound)
        for pk, score, inbound in unknown.order_by().values_list(*columns).distinct()
    ]
    if rows:
        ReceivedLead.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


def _mix_row(closed: Closed, periods: Sequence[Period]) -> LeadMixTotal:
    return LeadMixTotal(
        rep_id=closed.rep_id,
        month_on=periods[closed.number].start,
        tier=closed.cell.tier,
        way=closed.cell.way,
        currency=closed.currency,
        **asdict(closed.deals),
    )


def _years() -> list[list[Period]]:
    """The months of the record, some at a time."""
    # Kind by kind: of one the database finds both ends in its index, of several it reads them all.
    both = [
        FunnelEvent.objects.filter(kind=kind).aggregate(first=Min("occurred_at"), last=Max("occurred_at"))
        for kind in COUNTED
    ]
    known = [one for one in both if one["first"] is not None]
    if not known:
        return []
    zone = settings.COMPANY_TIME_ZONE
    month = month_of(day_of(min(one["first"] for one in known), zone))
    last = month_of(day_of(max(one["last"] for one in known), zone))
    months = []
    while month.start <= last.start:
        months.append(month)
        month = month.following()
    return [months[place : place + MONTHS_AT_ONCE] for place in range(0, len(months), MONTHS_AT_ONCE)]


def _rows(rep: int, month_on: date, sums: Sums) -> list[RankingTotal]:
    """One row for what has no currency, and one for each currency."""
    counts = {name: sums.shares.get(part, 0) for name, part in PARTS.items()}
    rows = []
    if any(counts.values()) or sums.cycle_share:
        rows.append(
            RankingTotal(
                rep_id=rep,
                month_on=month_on,
                currency="",
                cycle_seconds=sums.cycle_seconds,
                cycle_share=sums.cycle_share,
                **counts,
            )
        )
    currencies = {currency for part, currency in sums.priced if part == WON} | set(sums.self_sourced)
    for currency in sorted(currencies):
        rows.append(
            RankingTotal(
                rep_id=rep,
                month_on=month_on,
                currency=currency,
                revenue=sums.amounts.get((WON, currency), 0),
                priced=sums.priced.get((WON, currency), 0),
                self_sourced=sums.self_sourced.get(currency, 0),
            )
        )
    return rows


def differences(*, period: Period) -> list[str]:
    """Where the totals over ``period`` are not what the record says, in words; nothing where they are."""
    reps = list(Rep.objects.aes().select_related("team").order_by("pk"))
    kept = ranked_by_totals(reps=reps, period=period)
    if kept is None:
        return ["The totals were never made."]
    raw = measure(reps=reps, periods=[period], metrics=METRICS, parts=(WON, LOST))[0]
    mixes = mixes_of(reps=reps, period=period)
    sums = [
        f"{rep.name}, {one.name}: {one.read(kept.sums[rep.pk]).value} in the totals, "
        f"{one.read(raw[rep.pk]).value} on record"
        for rep in reps
        for one in METRICS
        if one.read(kept.sums[rep.pk]) != one.read(raw[rep.pk])
    ]
    return sums + [
        f"{rep.name}, leads of tier {cell.tier}, {cell.way}: {kept.mixes[rep.pk].get(cell)} in the totals, "
        f"{mixes[rep.pk].get(cell)} on record"
        for rep in reps
        for cell in sorted({*kept.mixes[rep.pk], *mixes[rep.pk]})
        if kept.mixes[rep.pk].get(cell) != mixes[rep.pk].get(cell)
    ]
