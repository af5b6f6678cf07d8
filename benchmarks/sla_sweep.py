"""Promises falling due and their escalation, against the bare SQL that writes the same rows; and their start.

    .venv/bin/python benchmarks/sla_sweep.py [--clocks 10000] [--leads 1000]

The scratch database is ``benchmarks.measure``'s. Each round is rolled back, so that all begin with the same rows.
Prints clocks a second beside the ratios.
"""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from measure import ROUNDS, compare, seconds, start_django

start_django()

from django.db import connection, transaction  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from apps.core.bulk import insert_rows  # noqa: E402
from apps.leads.models import Lead, Source  # noqa: E402
from apps.leads.services.intake import Arrival, Incoming, take_in_many  # noqa: E402
from apps.slas.models import Clock, EscalationAct, Policy  # noqa: E402
from apps.slas.services import clocks, sweep  # noqa: E402
from tests.slas import falling_due  # noqa: E402

NOW = datetime.now(UTC)
BARE_BREACH = (
    "UPDATE slas_clock SET state = 'breached', breached_at = due_at"
    " WHERE state = 'running' AND paused_at IS NULL AND due_at < %s"
)
BARE_ACTS = (
    "INSERT INTO slas_escalationact (clock_id, step, act, planned_at, at, outcome)"
    " SELECT id, next_step, 'remind', next_step_at, %s, 'Sdr was reminded' FROM slas_clock"
    " WHERE next_step_at <= %s"
)
BARE_TOLD = (
    "INSERT INTO accounts_notification (user_id, kind, key, title, body, url, at, in_portal)"
    " SELECT %s, 'promise_overdue', 'clock:' || id, 'Overdue', '', '', %s, true FROM slas_clock"
    " WHERE next_step_at <= %s"
)
BARE_ADVANCE = "UPDATE slas_clock SET next_step = next_step + 1, next_step_at = NULL WHERE next_step_at <= %s"


def rolled_back(work: Callable[[], object]) -> Callable[[], object]:
    def run() -> None:
        with transaction.atomic():
            work()
            transaction.set_rollback(True)

    return run


def bare(*statements: tuple[str, list[Any]]) -> Callable[[], object]:
    def run() -> None:
        with connection.cursor() as cursor:
            for statement, values in statements:
                cursor.execute(statement, values)

    return run


def told_only(count: int) -> int:
    """Ten thousand promises whose one step reminds the owner; the id of who is reminded."""
    cast = falling_due.fill(count=count, first_due=NOW - timedelta(hours=1), spread=timedelta(minutes=30))
    rep = cast.rep(cast.sdr)
    # All alike: whose step is to remind, of one rep.
    steps = [{"act": "remind", "at_percent": 100}]
    terms = {"policy": "Five minutes", "warn_percent": 70, "steps": steps, "channels": []}
    Clock.objects.update(rep=rep, terms=terms, next_step_at=NOW - timedelta(minutes=30))
    return int(rep.user_id or 0)


def measure_sweep(count: int) -> None:
    user_id = told_only(count)
    print(f"{count:,} promises fall due ({connection.vendor})")
    compare(
        ("one bare UPDATE", rolled_back(bare((BARE_BREACH, [NOW])))),
        ("sweep", rolled_back(lambda: sweep.sweep(at=NOW))),
    )
    print(f"{count:,} steps are taken, each a reminder")
    compare(
        (
            "bare INSERTs and UPDATE of the same rows",
            rolled_back(
                bare((BARE_ACTS, [NOW, NOW]), (BARE_TOLD, [user_id, NOW, NOW]), (BARE_ADVANCE, [NOW]))
            ),
        ),
        ("escalate", rolled_back(lambda: sweep.escalate(at=NOW))),
    )
    passed = sorted(seconds(rolled_back(lambda: _both())) for _ in range(ROUNDS))[ROUNDS // 2]
    print(f"{'both, promises a second':<48} {count / passed:10.0f}")
    with CaptureQueriesContext(connection) as captured, transaction.atomic():
        sweep.escalate(at=NOW)
        transaction.set_rollback(True)
    batches = -(-count // 200)
    print(f"{'statements for each 200 steps':<48} {len(captured) / batches:10.1f}")


def _both() -> None:
    sweep.sweep(at=NOW)
    sweep.escalate(at=NOW)
    assert not Clock.objects.filter(next_step_at__isnull=False).exists()
    assert EscalationAct.objects.exists()


def measure_start(count: int) -> None:
    Policy.objects.update(first_response_minutes=60, touch_count=3, touch_days=2, disposition_minutes=600)
    team = Lead.objects.exclude(team=None).select_related("team__calendar")[0].team
    assert team is not None

    def arrivals() -> list[Arrival]:
        return [
            Arrival(
                Incoming(company=f"Company {n}", email=f"p{n}@company{n}.example", source="Demo request"),
                team,
                NOW,
                Source.IMPORT,
                f"benchmark:{n}",
            )
            for n in range(count)
        ]

    taken = [lead for lead, _ in take_in_many(arrivals=arrivals())]
    Clock.objects.filter(lead__in=taken).delete()
    made = clocks.start_for_leads(leads=taken, at=NOW)
    Clock.objects.filter(lead__in=taken).delete()
    print(f"{count:,} leads come in: {len(made):,} promises start")

    def insert_bare() -> None:
        insert_rows(made)

    compare(
        ("bare insert of the same clocks", rolled_back(insert_bare)),
        ("start_for_leads", rolled_back(lambda: clocks.start_for_leads(leads=taken, at=NOW))),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clocks", type=int, default=10_000)
    parser.add_argument("--leads", type=int, default=1_000)
    options = parser.parse_args()
    measure_sweep(options.clocks)
    measure_start(options.leads)


if __name__ == "__main__":
    main()
