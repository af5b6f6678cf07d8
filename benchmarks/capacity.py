"""Capacity of many reps against its floor: the bare SQL statements that give the same sums.

    .venv/bin/python benchmarks/capacity.py [REPS] [TOUCHES A REP]

The budget: at most three times the bare statements, for 2,000 reps and a month, calendars and time off included.

Fills a scratch database with REPS people (2,000 when not said), half inbound and half outbound SDRs in teams of twenty,
each with TOUCHES touches (100) in October 2025 and one absence, and reads the month's capacity; prints the floor, the
capacity, and how many statements it took. The scratch database is ``benchmarks.measure``'s.
"""

import sys
from datetime import UTC, date, datetime, timedelta

from measure import compare, start_django

start_django()

from django.db import connection, transaction  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from apps.core.periods import parse_period  # noqa: E402
from apps.leads.models import EventCredit, FunnelEvent, Lead  # noqa: E402
from apps.reps.models import BusinessCalendar, Rep, Team, TimeOff  # noqa: E402
from apps.scorecards.selectors.capacity import capacity_of  # noqa: E402

MONTH = parse_period("2025-10")
TODAY = date(2025, 11, 12)
AT = datetime(2025, 11, 12, tzinfo=UTC)
START, END = datetime(2025, 9, 30, 22, tzinfo=UTC), datetime(2025, 10, 31, 23, tzinfo=UTC)
FLOORS = (
    """SELECT c.rep_id, SUM(c.share) FROM leads_eventcredit c JOIN leads_funnelevent e ON e.id = c.event_id
       WHERE c.capacity = 'sourced' AND e.kind IN ('touched', 'accepted') AND e.occurred_at >= %s AND e.occurred_at < %s
         AND NOT EXISTS (SELECT 1 FROM leads_funnelevent r WHERE r.reverses_id = e.id AND r.reverses_id IS NOT NULL)
       GROUP BY c.rep_id, e.kind""",
    """SELECT c.rep_id, COUNT(DISTINCT e.lead_id) FROM leads_eventcredit c
       JOIN leads_funnelevent e ON e.id = c.event_id
       WHERE c.capacity = 'sourced' AND e.kind = 'touched' AND e.occurred_at >= %s AND e.occurred_at < %s
         AND NOT EXISTS (SELECT 1 FROM leads_funnelevent r WHERE r.reverses_id = e.id AND r.reverses_id IS NOT NULL)
       GROUP BY c.rep_id""",
)


def fill(reps: int, touches: int) -> None:
    calendar = BusinessCalendar.objects.create(name="Benchmark hours")
    teams = [
        Team.objects.create(name=f"Benchmark team {number}", calendar=calendar)
        for number in range(max(reps // 20, 1))
    ]
    people = Rep.objects.bulk_create(
        [
            Rep(
                name=f"Rep {number:05d}",
                team=teams[number % len(teams)],
                role=("isr", "osr")[number % 2],
                hired_on=date(2024, 1, 1),
            )
            for number in range(reps)
        ],
        batch_size=500,
    )
    TimeOff.objects.bulk_create(
        [
            TimeOff(rep=rep, starts_on=date(2025, 10, 6), ends_on=date(2025, 10, 8 + number % 5))
            for number, rep in enumerate(people)
        ],
        batch_size=500,
    )
    leads = Lead.objects.bulk_create(
        [Lead(company=f"Company {number}", created_at=START, team=teams[0]) for number in range(1_000)],
        batch_size=500,
    )
    minutes = int((END - START).total_seconds() // 60)
    for first in range(0, reps, 50):
        batch = people[first : first + 50]
        events = FunnelEvent.objects.bulk_create(
            [
                FunnelEvent(
                    kind="touched",
                    occurred_at=START + timedelta(minutes=(number * 7919 + rep.pk * 31) % minutes),
                    recorded_at=AT,
                    source="demo",
                    source_key=f"{rep.pk}:{number}",
                    lead=leads[(number * 13 + rep.pk) % len(leads)],
                )
                for rep in batch
                for number in range(touches)
            ],
            batch_size=500,
        )
        EventCredit.objects.bulk_create(
            [
                EventCredit(event=event, rep=rep, capacity="sourced", share=1_000_000)
                for event, rep in zip(events, (rep for rep in batch for _ in range(touches)), strict=True)
            ],
            batch_size=500,
        )


def floor() -> None:
    with connection.cursor() as cursor:
        for statement in FLOORS:
            cursor.execute(statement, [START, END])
            cursor.fetchall()


def capacity() -> object:
    reps = list(Rep.objects.select_related("calendar", "team__calendar"))
    return capacity_of(reps=reps, month=MONTH, today=TODAY)


def main() -> None:
    reps = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    touches = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    with transaction.atomic():
        fill(reps, touches)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        print(f"{reps:,} reps, {reps * touches:,} touches in the month, {connection.vendor}")
        found = compare(("bare statements", floor), ("capacity", capacity))
        with CaptureQueriesContext(connection) as asked:
            capacity()
        met = found["capacity"] <= 3 * found["bare statements"]
        print(f"{len(asked)} statements; goal, at most 3 times the bare ones: {'met' if met else 'missed'}")
        transaction.set_rollback(True)


if __name__ == "__main__":
    main()
