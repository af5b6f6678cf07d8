"""What a replay reads of the record beside pay: revenue and meetings of its people; and its fingerprint."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from fractions import Fraction

from django.conf import settings
from django.db import connection
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Collate

from apps.compensation.models import Replay, ReplayFigure, ReplayMeasure, ReplayPay, ReplayProblem
from apps.compensation.rules.events import WHOLE_SHARE
from apps.compensation.selectors.credits import Wanted, credited_events
from apps.compensation.selectors.replay_world import Asked
from apps.core.money import round_half_up
from apps.core.periods import Period
from apps.leads.models import EventKind, FunnelEvent


def figures_of(replay: Replay, asked: Asked, rep_ids: list[int]) -> list[ReplayFigure]:
    """By person, period and currency: the credited part of what was won, and how many meetings were accepted.

    Several credits of one person in one win count together, never above the whole.
    """
    wanted = Wanted(kinds=frozenset({EventKind.WON, EventKind.ACCEPTED}))
    credited = credited_events(period=asked.window, as_of=replay.as_of, wanted=wanted, rep_ids=rep_ids)
    found: list[ReplayFigure] = []
    for rep_id, events in credited.items():
        shares: dict[int, int] = defaultdict(int)
        whole = {}
        for _, event in events:
            shares[event.event_id] = min(shares[event.event_id] + event.share, WHOLE_SHARE)
            whole[event.event_id] = event
        sums: dict[tuple[str, date, str], tuple[Fraction, int]] = defaultdict(lambda: (Fraction(0), 0))
        for event_id, event in whole.items():
            period = _period_of(event.on, asked.periods)
            is_won = event.kind == EventKind.WON
            measure = ReplayMeasure.WON if is_won else ReplayMeasure.ACCEPTED
            part = Fraction((event.amount_minor or 0) * shares[event_id], WHOLE_SHARE)
            key = (measure, period.start, event.currency if is_won else "")
            before = sums[key]
            sums[key] = (before[0] + (part if is_won else 0), before[1] + 1)
        found += [
            ReplayFigure(
                replay=replay,
                measure=measure,
                rep_id=rep_id,
                starts_on=starts_on,
                currency=currency,
                amount_minor=round_half_up(amount),
                count=count,
            )
            for (measure, starts_on, currency), (amount, count) in sums.items()
        ]
    return found


def _period_of(day: date | None, periods: Iterable[Period]) -> Period:
    assert day is not None
    return next(one for one in periods if day in one)


def won_in(replay: Replay) -> dict[str, list[int]]:
    """By currency, the whole amount of the wins that credit one of the replay's people, each once; and their number."""
    start, end = replay.window.bounds(settings.COMPANY_TIME_ZONE)
    people = replay.people.exclude(rep__in=ReplayProblem.objects.filter(replay=replay).values("rep"))
    wins = FunnelEvent.objects.effective(replay.as_of).filter(
        kind=EventKind.WON, occurred_at__gte=start, occurred_at__lt=end, amount_minor__isnull=False
    )
    credited = wins.filter(credits__rep__in=people.order_by().values("rep")).order_by().values("pk")
    rows = (
        FunnelEvent.objects.filter(pk__in=credited)
        .order_by("currency")
        .values_list("currency")
        .annotate(total=Sum("amount_minor"), count=Count("pk"))
    )
    return {currency: [total, count] for currency, total, count in rows}


# --- Fingerprint ----------------------------------------------------------------------------------

_PAY = (
    "alternative",
    "rep_id",
    "starts_on",
    "currency",
    "component_key",
    "kind",
    "amount_minor",
    "line_count",
)
_FIGURES = ("measure", "alternative", "rep_id", "starts_on", "currency", "amount_minor", "count")
_PROBLEMS = ("rep_id", "alternative", "starts_on", "says")


def _in_code_points(field: str) -> Collate:
    """Text in an order that does not depend on the database's locale."""
    return Collate(field, "C" if connection.vendor == "postgresql" else "BINARY")


def fingerprint(replay: Replay) -> str:
    """SHA-256 over the question and all figures in canonical order, whatever the batches and the database."""
    sha = hashlib.sha256()
    head = [str(replay.starts_on), str(replay.ends_on), replay.as_of.isoformat(), replay.question]
    sha.update(json.dumps(head, sort_keys=True, ensure_ascii=False).encode())
    people = replay.people.order_by("rep_id").values_list("rep_id", "role", "team_id")
    pay = ReplayPay.objects.filter(replay=replay).order_by(
        "alternative", "rep_id", "starts_on", *map(_in_code_points, ("currency", "component_key", "kind"))
    )
    figures = ReplayFigure.objects.filter(replay=replay).order_by(
        _in_code_points("measure"), "alternative", "rep_id", "starts_on", _in_code_points("currency")
    )
    problems = ReplayProblem.objects.filter(replay=replay).order_by("rep_id")
    tables: tuple[QuerySet, ...] = (
        people,
        pay.values_list(*_PAY),
        figures.values_list(*_FIGURES),
        problems.values_list(*_PROBLEMS),
    )
    for rows in tables:
        sha.update(b"\n")
        for row in rows.iterator(chunk_size=5_000):
            sha.update(b"\n")
            sha.update("\x1f".join(str(value) for value in row).encode())
    return sha.hexdigest()
