"""The ranking against its floor: one bare SQL statement that gives the same five metrics per AE.

    .venv/bin/python benchmarks/ranking.py [OPPORTUNITIES] [AES]

The budget: measures by the record at most twice the bare statement; through the monthly totals 20 ms or less for
2,000 AEs, and equal to the record; ten times the data at most twelve times the time.

Fills a scratch database with OPPORTUNITIES (50,000 when not said) of AES people (500) in teams of twenty, closed
over twelve months, half of them from hand-offs of six kinds of leads, and ranks the last three months. Prints the
floor, the measures by the record and through the totals, the ranking with its exact indexes both ways, and the
ranking made, kept and applied (rolled back), all in one run. The scratch database is ``benchmarks.measure``'s.
"""

import random
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from measure import compare, seconds, start_django

start_django()

from django.db import connection, transaction  # noqa: E402

from apps.core.bulk import insert_rows  # noqa: E402
from apps.core.periods import trailing_months  # noqa: E402
from apps.leads.models import (  # noqa: E402
    Capacity,
    EventCredit,
    EventKind,
    FunnelEvent,
    HandOff,
    Lead,
    Opportunity,
)
from apps.leads.services.record import reverse_event  # noqa: E402
from apps.reps.models import BusinessCalendar, Rep, RepRole, Team  # noqa: E402
from apps.scorecards.models import ReceivedLead  # noqa: E402
from apps.scorecards.rules.metrics import LOST, WON, metric  # noqa: E402
from apps.scorecards.selectors import current_policy, measure, standings_of  # noqa: E402
from apps.scorecards.selectors.lead_mix import mixes_of  # noqa: E402
from apps.scorecards.selectors.ranking_totals import sums_by_totals  # noqa: E402
from apps.scorecards.services.ranking_totals import (  # noqa: E402
    differences,
    rebuild_totals,
    refresh_totals,
)
from apps.scorecards.services.rankings import recompute_rankings  # noqa: E402

AS_OF = date(2026, 1, 1)
AT = datetime(2026, 1, 2, tzinfo=UTC)
PERIOD = trailing_months(AS_OF, 3)
BATCH = 5_000

SECONDS = {
    "sqlite": "(CAST(strftime('%%s', e.occurred_at) AS INTEGER) - CAST(strftime('%%s', o.occurred_at) AS INTEGER))",
    "postgresql": "EXTRACT(EPOCH FROM e.occurred_at - o.occurred_at)::bigint",
}
EFFECTIVE = "NOT EXISTS (SELECT 1 FROM leads_funnelevent r WHERE r.reverses_id = {}.id)"
FLOOR = f"""
SELECT c.rep_id,
       SUM(CASE WHEN e.kind = 'won' THEN c.share ELSE 0 END),
       SUM(CASE WHEN e.kind = 'lost' THEN c.share ELSE 0 END),
       SUM(CASE WHEN e.kind = 'won' THEN e.amount_minor * c.share ELSE 0 END),
       SUM(CASE WHEN e.kind = 'won' THEN {{seconds}} * c.share ELSE 0 END),
       SUM(CASE WHEN e.kind = 'stage_1' AND NOT EXISTS (
               SELECT 1 FROM leads_eventcredit s
               WHERE s.event_id = e.id AND s.capacity = 'sourced' AND s.rep_id <> c.rep_id)
           THEN e.amount_minor * c.share ELSE 0 END)
FROM leads_eventcredit c
JOIN leads_funnelevent e ON e.id = c.event_id
LEFT JOIN leads_funnelevent o ON e.kind = 'won' AND o.opportunity_id = e.opportunity_id
     AND o.kind = 'stage_1' AND {EFFECTIVE.format("o")}
WHERE c.capacity = 'owned' AND e.kind IN ('won', 'lost', 'stage_1')
  AND e.occurred_at >= %s AND e.occurred_at < %s AND {EFFECTIVE.format("e")}
GROUP BY c.rep_id
"""


def fill(opportunities: int, aes: int) -> None:
    calendar = BusinessCalendar.objects.create(name="Benchmark hours")
    teams = [
        Team.objects.create(name=f"Benchmark team {number}", calendar=calendar)
        for number in range(max(aes // 20, 1))
    ]
    reps = Rep.objects.bulk_create(
        [
            Rep(
                name=f"AE {number}",
                team=teams[number % len(teams)],
                role=RepRole.AE,
                tier=2,
                hired_on=date(2024, 1, 1),
            )
            for number in range(aes)
        ]
    )
    rng = random.Random(1)
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    for first in range(0, opportunities, BATCH):
        with transaction.atomic():
            _fill_batch(rng, reps, begin, range(first, min(first + BATCH, opportunities)))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def inserted(rows: list[Any]) -> list[Any]:
    """The rows, written as imports write them."""
    insert_rows(rows)
    return rows


def _hand_offs(rng: random.Random, reps: list[Rep], begin: datetime, numbers: range) -> dict[int, HandOff]:
    """A hand-off behind every other deal, and the kind of lead that it passed on."""
    chosen = [number for number in numbers if number % 2]
    leads = inserted(
        [Lead(company=f"Lead {number}", created_at=begin, team=reps[0].team) for number in chosen]
    )
    rows = inserted(
        [
            HandOff(
                lead=lead,
                sdr=reps[0],
                ae=reps[number % len(reps)],
                created_at=begin,
                state=HandOff.State.ACCEPTED,
                decided_at=begin,
            )
            for number, lead in zip(chosen, leads, strict=True)
        ]
    )
    inserted(
        [ReceivedLead(hand_off=row, tier=rng.randint(1, 3), is_inbound=rng.random() < 0.5) for row in rows]
    )
    return dict(zip(chosen, rows, strict=True))


def _fill_batch(rng: random.Random, reps: list[Rep], begin: datetime, numbers: range) -> None:
    given = _hand_offs(rng, reps, begin, numbers)
    rows = inserted(
        [
            Opportunity(
                name=f"Deal {number}",
                hand_off=given.get(number),
                owner=reps[number % len(reps)],
                amount_minor=rng.randint(100_00, 90_000_00),
                opened_at=begin,
                stage_changed_at=begin,
            )
            for number in numbers
        ]
    )
    events: list[FunnelEvent] = []
    owners: list[tuple[int, int | None]] = []
    for number, row in zip(numbers, rows, strict=True):
        opened = begin + timedelta(seconds=rng.randrange(330 * 86_400))
        closed = opened + timedelta(seconds=rng.randrange(86_400, 35 * 86_400))
        finder = rng.choice(reps).pk if rng.random() < 0.7 else None
        outcome = EventKind.WON if rng.random() < 0.3 else EventKind.LOST
        for kind, at in ((EventKind.STAGE_1, opened), (outcome, closed)):
            events.append(
                FunnelEvent(
                    kind=kind,
                    occurred_at=at,
                    recorded_at=at,
                    opportunity=row,
                    hand_off=given.get(number),
                    amount_minor=row.amount_minor,
                    currency="EUR",
                    source="import",
                    source_key=f"benchmark:{number}:{kind}",
                )
            )
            owners.append((row.owner_id, finder))
    made = inserted(events)
    inserted(
        [
            EventCredit(event=event, rep_id=rep, capacity=capacity)
            for event, (owner, finder) in zip(made, owners, strict=True)
            for rep, capacity in ((owner, Capacity.OWNED), (finder, Capacity.SOURCED))
            if rep is not None
        ]
    )


def bare() -> None:
    statement = FLOOR.replace("{seconds}", SECONDS[connection.vendor])
    with connection.cursor() as cursor:
        cursor.execute(statement, list(PERIOD.bounds("Europe/Berlin")))
        cursor.fetchall()


def ranked_aes() -> list[Rep]:
    return list(Rep.objects.aes().active_on(AS_OF).select_related("team", "agency"))


def measured() -> None:
    metrics = [metric(key) for key, _ in current_policy(AS_OF).metrics]
    measure(reps=ranked_aes(), periods=[PERIOD], metrics=metrics, parts=(WON, LOST))


def by_totals() -> None:
    """The sums of every AE, read from the monthly totals: the reps are known, as to ``bare``."""
    assert sums_by_totals(reps=REPS, period=PERIOD) is not None


def mixed() -> None:
    mixes_of(reps=REPS, period=PERIOD)


def ranked(as_of: datetime | None) -> Callable[[], object]:
    """The exact ranking, raw and adjusted: by the record with an instant, through the totals without."""
    return lambda: standings_of(policy=current_policy(AS_OF), period=PERIOD, day=AS_OF, as_of=as_of)


def kept() -> None:
    with transaction.atomic():
        recompute_rankings(as_of=AS_OF, at=AT)
        transaction.set_rollback(True)


def refreshed() -> None:
    """One more win, and the totals brought up to date with it."""
    with transaction.atomic():
        event = FunnelEvent.objects.filter(kind=EventKind.WON).first()
        reverse_event(event=event, reason="Benchmark", at=AT)
        refresh_totals(at=AT)
        transaction.set_rollback(True)


REPS: list[Rep] = []

if __name__ == "__main__":
    opportunities = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    people = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    fill(opportunities, people)
    REPS += ranked_aes()
    print(f"{opportunities:,} opportunities, {people:,} AEs, {connection.vendor}")
    print(f"{'Totals made anew':<48} {seconds(lambda: rebuild_totals(at=AT)) * 1000:10.2f} ms, once")
    wrong = differences(period=PERIOD)
    print(f"{'Totals equal the record':<48} {'yes' if not wrong else f'NO: {wrong[:3]}'}")
    compare(
        ("Bare SQL aggregate", bare),
        ("Measures of all AEs, by the record", measured),
        ("Measures of all AEs, through the totals", by_totals),
        ("Kinds of leads of all AEs", mixed),
        ("Ranking, raw and adjusted, by the record", ranked(AT)),
        ("Ranking, raw and adjusted, through the totals", ranked(None)),
        ("Ranking made, kept, applied", kept),
        ("A reversal, and the totals refreshed", refreshed),
    )
