"""A payout run against its floor: integer SQL that computes and writes the same lines into a bare table.

    .venv/bin/python benchmarks/payout_run.py [CREDITS] [REPS]

Fills a scratch database with CREDITS accepted meetings (20,000 when not said) of REPS people (200), all in
one month, and prints the floor, the first computation, and a computation that finds nothing to post. Every
round is rolled back. DATABASE_URL names a PostgreSQL database that may be filled.
"""

import resource
import sys
from datetime import UTC, date, datetime, timedelta

from measure import compare, start_django

start_django()

from django.db import connection, transaction  # noqa: E402

from apps.accounts.models import Role, User  # noqa: E402
from apps.compensation.models import LedgerEntry, PayoutRun, RunState  # noqa: E402
from apps.compensation.services import plans, runs  # noqa: E402
from apps.compensation.services.computation import compute_run  # noqa: E402
from apps.core.periods import parse_period  # noqa: E402
from apps.leads.models import WHOLE_SHARE, Capacity, EventCredit, FunnelEvent  # noqa: E402
from apps.reps.models import BusinessCalendar, Rep, RepRole, Team  # noqa: E402

PERIOD = parse_period("2026-01")
BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)
AT = datetime(2026, 2, 3, tzinfo=UTC)

FLOOR_TABLE = """
CREATE TABLE benchmark_floor (
    rep_id bigint, component varchar(40), event_id bigint, starts_on date, amount_minor bigint,
    currency varchar(3), band varchar(20), rate varchar(20), UNIQUE (rep_id, component, event_id)
)
"""
FLOOR = """
INSERT INTO benchmark_floor
WITH credited AS (
    SELECT c.rep_id, e.id AS event_id, e.amount_minor, e.currency,
           ROW_NUMBER() OVER (PARTITION BY c.rep_id ORDER BY e.occurred_at, e.id) AS place
    FROM leads_eventcredit c JOIN leads_funnelevent e ON e.id = c.event_id
    WHERE e.kind = 'accepted' AND c.capacity = 'sourced' AND e.occurred_at >= %s AND e.occurred_at < %s
      AND NOT EXISTS (SELECT 1 FROM leads_funnelevent r WHERE r.reverses_id = e.id)
)
SELECT rep_id, 'accepted_meetings', event_id, CAST('2026-01-01' AS date),
       CASE WHEN place <= 10 THEN 4000 WHEN place <= 20 THEN 6000 ELSE 9000 END, currency,
       CASE WHEN place <= 10 THEN '0 to 10' WHEN place <= 20 THEN '10 to 20' ELSE '20 and more' END,
       CASE WHEN place <= 10 THEN '40.00' WHEN place <= 20 THEN '60.00' ELSE '90.00' END
FROM credited
UNION ALL
SELECT rep_id, 'accepted_amount', event_id, CAST('2026-01-01' AS date), (amount_minor * 2 + 500) / 1000, currency,
       'flat', '0.20 %%'
FROM credited
"""


def fill(count: int, reps: int) -> User:
    author = User.objects.create_user("author@example.test", None, name="Author", role=Role.REVOPS)
    approver = User.objects.create_user("approver@example.test", None, name="Approver", role=Role.FINANCE)
    version = plans.load_plan_document(document=plans.shipped_plan("sdr"), author=author, at=BEGIN)
    plans.approve_version(version=version, approver=approver, at=BEGIN)
    calendar = BusinessCalendar.objects.create(name="Benchmark hours")
    team = Team.objects.create(name="Benchmark team", calendar=calendar)
    people = [
        Rep.objects.create(name=f"Rep {number}", team=team, role=RepRole.OSR, hired_on=date(2025, 1, 1))
        for number in range(reps)
    ]
    for rep in people:
        plans.assign_plan(rep=rep, plan=version.plan, starts_on=date(2026, 1, 1), at=BEGIN)
    for start in range(0, count, 10_000):
        events = FunnelEvent.objects.bulk_create(
            [
                FunnelEvent(
                    kind="accepted",
                    occurred_at=BEGIN + timedelta(seconds=number % 2_500_000),
                    recorded_at=BEGIN + timedelta(days=30),
                    amount_minor=100_000 + number % 977,
                    currency="EUR",
                    source="import",
                    source_key=f"benchmark:{number}",
                )
                for number in range(start, min(start + 10_000, count))
            ],
            batch_size=1_000,
        )
        EventCredit.objects.bulk_create(
            [
                EventCredit(
                    event=event,
                    rep=people[(start + place) % reps],
                    capacity=Capacity.SOURCED,
                    share=WHOLE_SHARE,
                )
                for place, event in enumerate(events)
            ],
            batch_size=2_000,
        )
    with connection.cursor() as cursor:
        cursor.execute(FLOOR_TABLE)
        cursor.execute("ANALYZE")
    return author


def floor() -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(FLOOR, PERIOD.bounds("Europe/Berlin"))
        transaction.set_rollback(True)


def first_run(author: User) -> None:
    with transaction.atomic():
        run = runs.create_run(period=PERIOD, at=AT, actor=author)
        compute_run(run=run, clock=lambda: AT)
        transaction.set_rollback(True)


def agree(author: User) -> int:
    """The floor and the product pay the same, or the ratio would mean nothing; gives the number of lines."""
    with transaction.atomic():
        run = runs.create_run(period=PERIOD, at=AT, actor=author)
        compute_run(run=run, clock=lambda: AT)
        with connection.cursor() as cursor:
            cursor.execute(FLOOR, PERIOD.bounds("Europe/Berlin"))
            cursor.execute("SELECT count(*), sum(amount_minor) FROM benchmark_floor")
            expected = cursor.fetchone()
            cursor.execute("SELECT count(*), sum(amount_minor) FROM compensation_ledgerentry")
            assert cursor.fetchone() == expected, "the floor computes something else"
        transaction.set_rollback(True)
    return int(expected[0])


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    reps = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    author = fill(count, reps)
    lines = agree(author)
    print(f"{count:,} credits, {reps:,} reps, {lines:,} lines, {connection.vendor}")
    compare(("integer SQL, computed and written", floor), ("first run", lambda: first_run(author)))

    run = runs.create_run(period=PERIOD, at=AT, actor=author)
    compute_run(run=run, clock=lambda: AT)

    def again() -> None:
        PayoutRun.objects.filter(pk=run.pk).update(state=RunState.COMPUTING)
        compute_run(run=run, clock=lambda: AT)

    compare(("integer SQL, computed and written", floor), ("a run with nothing to post", again))
    assert LedgerEntry.objects.count() == lines
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
