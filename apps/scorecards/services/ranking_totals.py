"""The monthly totals of the ranking: marked as behind, brought up to date, made anew from the record.

An event that counts leaves a mark in its own transaction. Bringing up to date takes the marks that are there,
reads whom they credit from the record anew, and removes those marks alone: what is recorded meanwhile leaves
marks of its own, so nothing is lost, and doing it twice changes nothing. Late and reversed events are nothing
special: the months of whoever they credit are read whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Min

from apps.core.periods import Period, day_of, month_of
from apps.leads.models import EventKind, FunnelEvent
from apps.leads.rules.metrics import LOST, WON, Sums
from apps.leads.rules.scoring import tier_of_score
from apps.leads.selectors.measures import measure
from apps.reps.models import Rep
from apps.scorecards.models import RankingTotal, RankingTotalMark, RankingTotalsBuild, ReceivedLead
from apps.scorecards.selectors.ranking_totals import METRICS, PARTS, reps_of_marks, sums_by_totals

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
    RankingTotal.objects.filter(rep__in=reps).delete()
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
    RankingTotal.objects.all().delete()
    reps = list(Rep.objects.select_related("team").order_by("pk"))
    rows = _write(reps)
    RankingTotalMark.objects.filter(pk__in=marks).delete()
    return Refreshed(len(reps), rows)


def _write(reps: Sequence[Rep]) -> int:
    """The totals of ``reps`` over all months of the record; how many rows."""
    if not reps:
        return 0
    rows: list[RankingTotal] = []
    for periods in _years():
        for period, found in zip(
            periods, measure(reps=reps, periods=periods, metrics=METRICS, parts=(WON, LOST)), strict=True
        ):
            for rep, sums in found.items():
                rows += _rows(rep, period.start, sums)
    RankingTotal.objects.bulk_create(rows, batch_size=1_000)
    return len(rows)


def _years() -> list[list[Period]]:
    """The months of the record, some at a time."""
    counted = FunnelEvent.objects.filter(kind__in=COUNTED)
    ends = counted.aggregate(first=Min("occurred_at"), last=Max("occurred_at"))
    if ends["first"] is None:
        return []
    zone = settings.COMPANY_TIME_ZONE
    month, last = month_of(day_of(ends["first"], zone)), month_of(day_of(ends["last"], zone))
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
    kept = sums_by_totals(reps=reps, period=period)
    if kept is None:
        return ["The totals were never made."]
    raw = measure(reps=reps, periods=[period], metrics=METRICS, parts=(WON, LOST))[0]
    return [
        f"{rep.name}, {one.name}: {one.read(kept[rep.pk]).value} in the totals, "
        f"{one.read(raw[rep.pk]).value} on record"
        for rep in reps
        for one in METRICS
        if one.read(kept[rep.pk]) != one.read(raw[rep.pk])
    ]
