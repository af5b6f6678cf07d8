"""The ranking against its floor: one bare SQL statement that gives the same five metrics per AE.

    .venv/bin/python benchmarks/ranking.py [OPPORTUNITIES] [AES]

Fills a scratch database with OPPORTUNITIES (50,000 when not said) of AES people (500) in teams of twenty,
closed over twelve months, and ranks the last three of them. Prints the floor, the measures alone, the
ranking with its exact index, and the ranking made, kept and applied (rolled back). DATABASE_URL names a
PostgreSQL database that may be filled.
"""

import random
import sys
from datetime import UTC, date, datetime, timedelta

from measure import compare, start_django

start_django()

from django.db import connection, transaction  # noqa: E402

from apps.core.periods import trailing_months  # noqa: E402
from apps.leads.models import Capacity, EventCredit, EventKind, FunnelEvent, Opportunity  # noqa: E402
from apps.reps.models import BusinessCalendar, Rep, RepRole, Team  # noqa: E402
from apps.scorecards.rules.metrics import LOST, WON, metric  # noqa: E402
from apps.scorecards.selectors import current_policy, measure, standings_of  # noqa: E402
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


def _fill_batch(rng: random.Random, reps: list[Rep], begin: datetime, numbers: range) -> None:
    rows = Opportunity.objects.bulk_create(
        [
            Opportunity(
                name=f"Deal {number}",
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
                    amount_minor=row.amount_minor,
                    currency="EUR",
                    source="import",
                    source_key=f"benchmark:{number}:{kind}",
                )
            )
            owners.append((row.owner_id, finder))
    made = FunnelEvent.objects.bulk_create(events)
    EventCredit.objects.bulk_create(
        EventCredit(event=event, rep_id=rep, capacity=capacity)
        for event, (owner, finder) in zip(made, owners, strict=True)
        for rep, capacity in ((owner, Capacity.OWNED), (finder, Capacity.SOURCED))
        if rep is not None
    )


def bare() -> None:
    statement = FLOOR.replace("{seconds}", SECONDS[connection.vendor])
    with connection.cursor() as cursor:
        cursor.execute(statement, list(PERIOD.bounds("Europe/Berlin")))
        cursor.fetchall()


def measured() -> None:
    policy = current_policy(AS_OF)
    reps = list(Rep.objects.aes().active_on(AS_OF).select_related("team"))
    metrics = [metric(key) for key, _ in policy.metrics]
    measure(reps=reps, periods=[PERIOD], metrics=metrics, parts=(WON, LOST))


def ranked() -> None:
    standings_of(policy=current_policy(AS_OF), period=PERIOD, day=AS_OF)


def kept() -> None:
    with transaction.atomic():
        recompute_rankings(as_of=AS_OF, at=AT)
        transaction.set_rollback(True)


if __name__ == "__main__":
    opportunities = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    aes = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    fill(opportunities, aes)
    print(f"{opportunities:,} opportunities, {aes:,} AEs, {connection.vendor}")
    compare(
        ("Bare SQL aggregate", bare),
        ("Measures of all AEs", measured),
        ("Ranking, exact", ranked),
        ("Ranking made, kept, applied", kept),
    )
