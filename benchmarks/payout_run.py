"""A payout run against its floor: integer SQL that computes and writes the same lines into a bare table.

    .venv/bin/python benchmarks/payout_run.py [--credits 1000000] [--reps 2000] [--helpers 1] [--rounds 5] [--times 10]

Fills a scratch PostgreSQL database, set-based, with CREDITS won deals of REPS people on ten plans of ten kinds, all in
one month, some credited in half and some reversed. Prints, in interleaved rounds, the floor, the bare writing of the
run's own lines into the ledger with its indexes and checks, the first computation alone and with HELPERS other
processes, and a computation that finds nothing to post; then one rep's pay worked out anew, and what a tenth of the
data takes. Sums of every component are held against the floor's. Goals: twice the floor, 12 x the time and 2 x the
memory at ten times the data, 50 ms for a rep. Beside each ratio stands the limit where there is one, and how far its
rounds were apart.
"""

import argparse
import multiprocessing
import resource
import statistics
import time
from datetime import UTC, date, datetime
from typing import Any

from measure import seconds, start_django

BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)
AT = datetime(2026, 2, 3, tzinfo=UTC)
QUOTA_MINOR = 400_000_00

LIMITS = {"first run, one process": "limit 2 x the floor", "one rep anew, p95": "limit 50 ms"}

COUNT = {"event": "won", "capacity": "owned", "of": "count"}
AMOUNT = {"event": "won", "capacity": "owned", "of": "amount"}


def graduated(*bands: tuple[str, str]) -> dict[str, Any]:
    """Bands by where each begins and its rate."""
    edges = [*(start for start, _ in bands[1:]), None]
    return {
        "method": "graduated",
        "bands": [
            {"from": start, "rate": rate} | ({"to": end} if end else {})
            for (start, rate), end in zip(bands, edges, strict=True)
        ],
    }


def by_unit(rates: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"key": "deals", "name": "Deals", "measure": COUNT, "pays": "per_unit", "rates": rates} | more


def by_amount(rates: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "key": "amount", "name": "Amount", "measure": AMOUNT, "pays": "percent_of_amount", "rates": rates,
    } | more  # fmt: skip


BY_QUOTA = {"bands_in": "percent_of_quota", "quota": {"measure": "amount_won"}}
LADDER = graduated(("0", "40.00"), ("10", "60.00"), ("20", "90.00"))
FLAT = graduated(("0", "1"))
PLANS: list[list[dict[str, Any]]] = [
    [by_unit(LADDER)],
    [by_amount(graduated(("0", "0.20")))],
    [by_amount(graduated(("0", "1"), ("30000", "2")) | {"method": "whole"})],
    [by_amount(graduated(("0", "1"), ("50", "2"), ("100", "3")), **BY_QUOTA)],
    [
        by_amount(
            {
                "method": "grid",
                "columns": {"by": "amount", "from": ["0", "1500"]},
                "rows": {"by": "total", "from": ["0", "400000"]},
                "rates": [["1", "1.5"], ["2", "2.5"]],
            }
        )
    ],
    [by_amount(FLAT, cap="3000.00")],
    [by_amount(FLAT, holdback={"percent": "30", "releases": [{"on": "paid"}]})],
    [by_unit(graduated(("0", "5.00")), threshold={"at": "100", "in": "units", "pays": "everything"})],
    [
        by_amount(
            FLAT,
            quota={"measure": "amount_won"},
            multipliers=[
                {
                    "name": "Accelerator", "bands_in": "percent_of_quota", "method": "graduated",
                    "bands": [{"from": "0", "to": "100", "times": "1"}, {"from": "100", "times": "1.5"}],
                }
            ],
        )
    ],
    [by_unit(LADDER), by_amount(graduated(("0", "0.20")))],
]  # fmt: skip

FLOOR_TABLE = """
CREATE TABLE benchmark_floor (
    rep_id bigint, component varchar(40), source varchar(40), event_id bigint, starts_on date, amount_minor bigint,
    currency varchar(3), band varchar(40), rate varchar(40), UNIQUE (rep_id, component, source)
)
"""
# Amounts times shares are in millionths of a minor unit; (2 n + d) / (2 d) rounds half up.
FLOOR = """
INSERT INTO benchmark_floor
WITH credited AS (
    SELECT c.rep_id, p.kind, e.id AS event_id, e.currency, e.amount_minor AS whole, c.share,
           e.amount_minor * c.share AS base,
           SUM(c.share) OVER so_far - c.share AS units_before,
           CAST(SUM(e.amount_minor * c.share) OVER so_far AS bigint) - e.amount_minor * c.share AS before,
           SUM(c.share) OVER of_rep AS units,
           CAST(SUM(e.amount_minor * c.share) OVER of_rep AS bigint) AS total
    FROM leads_eventcredit c JOIN leads_funnelevent e ON e.id = c.event_id
    JOIN benchmark_people p ON p.rep_id = c.rep_id
    WHERE e.kind = 'won' AND c.capacity = 'owned' AND e.occurred_at >= %(start)s AND e.occurred_at < %(end)s
      AND NOT EXISTS (SELECT 1 FROM leads_funnelevent r WHERE r.reverses_id = e.id)
    WINDOW of_rep AS (PARTITION BY c.rep_id), so_far AS (
        PARTITION BY c.rep_id ORDER BY e.occurred_at, e.id ROWS UNBOUNDED PRECEDING)
), earned AS (
    SELECT rep_id, 'deals' AS component, event_id, currency,
           CASE WHEN kind = 7 THEN CASE WHEN units >= 100000000 THEN share * 500 ELSE 0 END
           ELSE GREATEST(LEAST(units_before + share, 10000000) - units_before, 0) * 4000
              + GREATEST(LEAST(units_before + share, 20000000) - GREATEST(units_before, 10000000), 0) * 6000
              + GREATEST(units_before + share - GREATEST(units_before, 20000000), 0) * 9000 END AS pay,
           1000000::bigint AS per, CASE WHEN units_before < 10000000 THEN '0 to 10' ELSE '10 and more' END AS band,
           '40.00' AS rate
    FROM credited WHERE kind IN (0, 7, 9)
    UNION ALL
    SELECT rep_id, 'amount', event_id, currency,
           CASE kind
           WHEN 1 THEN base * 20 WHEN 9 THEN base * 20
           WHEN 2 THEN base * CASE WHEN total >= 3000000000000 THEN 200 ELSE 100 END
           WHEN 3 THEN GREATEST(LEAST(before + base, 20000000000000) - before, 0) * 100
                     + GREATEST(LEAST(before + base, 40000000000000) - GREATEST(before, 20000000000000), 0) * 200
                     + GREATEST(before + base - GREATEST(before, 40000000000000), 0) * 300
           WHEN 4 THEN base * (CASE WHEN total >= 40000000000000 THEN 200 ELSE 100 END
                             + CASE WHEN whole >= 150000 THEN 50 ELSE 0 END)
           WHEN 8 THEN GREATEST(LEAST(before + base, 40000000000000) - before, 0) * 100
                     + GREATEST(before + base - GREATEST(before, 40000000000000), 0) * 150
           ELSE base * 100 END,
           10000000000, CASE kind WHEN 2 THEN '30,000 and more' ELSE 'flat' END, '1.00 %%'
    FROM credited WHERE kind NOT IN (0, 7)
), lines AS (
    SELECT rep_id, component, event_id, currency, (2 * pay + per) / (2 * per) AS amount_minor, band, rate FROM earned
)
SELECT rep_id, component, 'event:' || event_id, event_id, DATE '2026-01-01', amount_minor, currency, band, rate
FROM lines
UNION ALL
SELECT rep_id, component, 'holdback:event:' || event_id, event_id, DATE '2026-01-01',
       -((2 * amount_minor * 30 + 100) / 200), currency, '', ''
FROM lines WHERE rep_id IN (SELECT rep_id FROM benchmark_people WHERE kind = 6) AND amount_minor <> 0
UNION ALL
SELECT rep_id, component, 'cap', NULL, DATE '2026-01-01', 300000 - SUM(amount_minor), 'EUR', '', ''
FROM lines WHERE rep_id IN (SELECT rep_id FROM benchmark_people WHERE kind = 5)
GROUP BY rep_id, component HAVING SUM(amount_minor) > 300000
"""
SUMS = (
    "SELECT component, count(*), sum(amount_minor) FROM benchmark_floor GROUP BY 1 ORDER BY 1",
    "SELECT component_key, count(*), sum(amount_minor) FROM compensation_ledgerentry GROUP BY 1 ORDER BY 1",
)
EVENTS = """
INSERT INTO leads_funnelevent (kind, occurred_at, recorded_at, amount_minor, currency, source, source_key, data)
SELECT 'won', %(begin)s + n %% 2500000 * interval '1 second', %(begin)s + interval '30 days',
       100000 + n * 7919 %% 97700, 'EUR', 'import', %(mark)s || n, '{}'
FROM generate_series(1, %(count)s) n
"""
CREDITS = """
INSERT INTO leads_eventcredit (event_id, rep_id, capacity, share)
SELECT e.id, p.rep_id, 'owned', CASE WHEN e.id %% 7 = 0 THEN 500000 ELSE 1000000 END
FROM leads_funnelevent e JOIN benchmark_people p ON p.place = e.id %% %(reps)s WHERE e.kind = 'won'
"""
REVERSALS = """
INSERT INTO leads_funnelevent (kind, occurred_at, recorded_at, currency, source, source_key, data, reverses_id)
SELECT 'reversed', occurred_at, recorded_at, '', 'import', 'reversal:' || id, '{}', id
FROM leads_funnelevent WHERE kind = 'won' AND id %% 211 = 0
"""


class Company:
    """A scratch company with people on ten plans, and what it is measured by."""

    def __init__(self, count: int, reps: int) -> None:
        from django.db import connection

        from apps.accounts.models import Role, User
        from apps.compensation.services import plan_drafts, plans
        from apps.core.periods import parse_period
        from apps.reps.models import BusinessCalendar, Quota, QuotaMeasure, Rep, RepRole, Team

        self.period = parse_period("2026-01")
        self.author = User.objects.create_user("author@example.test", None, name="A", role=Role.REVOPS)
        approver = User.objects.create_user("approver@example.test", None, name="B", role=Role.FINANCE)
        made = []
        for number, components in enumerate(PLANS):
            document = {
                "format": "salesportal.plan/2", "name": f"Plan {number}", "role": "ae", "currency": "EUR",
                "effective_on": "2025-01-01", "components": components,
            }  # fmt: skip
            version = plans.load_plan_document(document=document, author=self.author, at=BEGIN)
            plan_drafts.submit_version(version=version, at=BEGIN, actor=version.author)
            plans.approve_version(version=version, approver=approver, at=BEGIN)
            made.append(version.plan)
        team = Team.objects.create(
            name="Benchmark team", calendar=BusinessCalendar.objects.create(name="Hours")
        )
        people = Rep.objects.bulk_create(
            Rep(name=f"Rep {number}", team=team, role=RepRole.AE, hired_on=date(2025, 1, 1))
            for number in range(reps)
        )
        for number, rep in enumerate(people):
            plans.assign_plan(rep=rep, plan=made[number % 10], starts_on=date(2025, 1, 1), at=BEGIN)
        Quota.objects.bulk_create(
            Quota(
                rep=rep, measure=QuotaMeasure.AMOUNT_WON, starts_on=self.period.start, ends_on=self.period.end,
                target_minor=QUOTA_MINOR, currency="EUR",
            )
            for rep in people
        )  # fmt: skip
        self.rep_ids = [rep.pk for rep in people]
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE benchmark_people (place int, rep_id bigint PRIMARY KEY, kind int)")
            cursor.executemany(
                "INSERT INTO benchmark_people VALUES (%s, %s, %s)",
                [(number, rep.pk, number % 10) for number, rep in enumerate(people)],
            )
            cursor.execute(EVENTS, {"begin": BEGIN, "count": count, "mark": "benchmark:"})
            cursor.execute(CREDITS, {"reps": reps})
            cursor.execute(REVERSALS, {})
            cursor.execute(FLOOR_TABLE)
            cursor.execute("VACUUM ANALYZE")

    def floor(self) -> None:
        start, end = self.period.bounds("Europe/Berlin")
        _execute(FLOOR, {"start": start, "end": end})

    def compute(self, call_help: Any = None) -> None:
        from apps.compensation.models import PayoutRun, RunState
        from apps.compensation.services import runs
        from apps.compensation.services.computation import compute_run

        run = PayoutRun.objects.filter(code=self.period.code).first()
        if run is None:
            run = runs.create_run(period=self.period, at=AT, actor=self.author)
        else:
            PayoutRun.objects.filter(pk=run.pk).update(state=RunState.COMPUTING)
        compute_run(run=run, clock=lambda: AT, call_help=call_help)

    def one_rep(self, rep_id: int) -> None:
        """Work one rep's pay out anew and hold it against what the run posted."""
        from apps.compensation.models import LedgerEntry, PayoutRun
        from apps.compensation.selectors.reopened import earned_by

        run = PayoutRun.objects.get(code=self.period.code)
        found = {
            one.line.source_key + one.line.component_key: one.line.amount_minor
            for one in earned_by(run, rep_id)
        }
        rows = LedgerEntry.objects.filter(run=run, rep=rep_id).values_list(
            "source_key", "component_key", "amount_minor"
        )
        assert found == {source + component: amount for source, component, amount in rows}


def _execute(sql: str, parameters: dict[str, Any] | None = None) -> list[tuple]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def _empty_ledger() -> None:
    _execute("SET session_replication_role = replica")
    _execute("TRUNCATE compensation_ledgerentry CASCADE")
    _execute("SET session_replication_role = DEFAULT")


def clear() -> None:
    # What is append-only refuses to be emptied; this is how one empties it all the same.
    _execute("SET session_replication_role = replica")
    _execute("TRUNCATE benchmark_floor")
    _execute(
        "TRUNCATE compensation_ledgerentry, compensation_statement, compensation_payoutpart, compensation_payoutrun "
        "CASCADE"
    )
    _execute("SET session_replication_role = DEFAULT")


def helper(line: Any) -> None:
    """Another worker: waits to be told of a computation, and takes parts of it."""
    import django

    django.setup()
    from apps.compensation.models import PayoutRun
    from apps.compensation.services.computation import help_computation

    while (number := line.recv()) is not None:
        help_computation(run=PayoutRun.objects.get(), number=number, may_go_on=lambda: True)
        line.send("done")


def measured(company: Company, helpers: list[Any], rounds: int) -> dict[str, list[float]]:
    """Seconds of each work, in interleaved rounds after one that warms up and checks the sums."""

    def with_help() -> None:
        company.compute(lambda number, _: [line.send(number) for line in helpers])
        for line in helpers:
            line.recv()

    def store() -> None:
        _execute("INSERT INTO compensation_ledgerentry SELECT * FROM benchmark_lines ORDER BY id")

    found: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        taken = {"integer SQL, computed and written": seconds(company.floor)}
        taken["first run, one process"] = seconds(company.compute)
        if number == 0:
            floor, ledger = (_execute(sql) for sql in SUMS)
            assert floor == ledger, f"the floor computes something else: {floor} and {ledger}"
            print(f"{sum(row[1] for row in floor):,} lines; every component's sum is the floor's")
            for rep_id in company.rep_ids[:20]:
                company.one_rep(rep_id)
        taken["a run with nothing to post"] = seconds(company.compute)
        reps = company.rep_ids[:: max(1, len(company.rep_ids) // 100)]
        one = sorted(seconds(lambda rep_id=rep_id: company.one_rep(rep_id)) for rep_id in reps)
        taken["one rep anew, p95"] = one[int(len(one) * 0.95)]
        _execute("CREATE TABLE benchmark_lines AS SELECT * FROM compensation_ledgerentry")
        _empty_ledger()
        _execute("UPDATE compensation_payoutrun SET state = 'computing'")
        taken["the same lines into the ledger by SQL"] = seconds(store)
        _execute("DROP TABLE benchmark_lines")
        clear()
        if helpers:
            taken[f"first run, {1 + len(helpers)} processes"] = seconds(with_help)
            clear()
        if number:
            for name, took in taken.items():
                found.setdefault(name, []).append(took)
    return found


def show(found: dict[str, list[float]]) -> dict[str, float]:
    medians = {name: statistics.median(taken) for name, taken in found.items()}
    base = next(iter(medians.values()))
    for name, median in medians.items():
        spread = max(found[name]) / min(found[name])
        print(
            f"{name:<44} {median * 1000:10.1f} ms   {median / base:8.2f} x the floor   "
            f"spread {spread:.2f}   {LIMITS.get(name, '')}"
        )
    floors = next(iter(found.values()))
    if max(floors) / min(floors) > 1.5:
        print(f"NOISY: the floor spread by {max(floors) / min(floors):.2f}; do not quote these ratios.")
    return medians


def measure_at(count: int, options: argparse.Namespace) -> tuple[dict[str, float], float]:
    """In a process of its own, so that its peak memory is that of this size: medians, and megabytes."""
    theirs, own = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_sized, args=(count, options, own))
    process.start()
    own.close()
    try:
        return theirs.recv()
    finally:
        process.join()


def _sized(count: int, options: argparse.Namespace, answer: Any) -> None:
    start_django()
    context = multiprocessing.get_context("spawn")
    began = time.perf_counter()
    company = Company(count, options.reps)
    print(
        f"\n{count:,} credits, {options.reps:,} reps, ten plans; filled in {time.perf_counter() - began:.0f} s"
    )
    lines, processes = [], []
    for _ in range(options.helpers):
        mine, theirs = context.Pipe()
        processes.append(context.Process(target=helper, args=(theirs,), daemon=True))
        lines.append(mine)
        processes[-1].start()
        # Whoever dies is noticed where it is waited for.
        theirs.close()
    medians = show(measured(company, lines, options.rounds))
    for line in lines:
        line.send(None)
    for process in processes:
        process.join()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:,.0f} MB")
    answer.send((medians, peak))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--credits", type=int, default=1_000_000)
    parser.add_argument("--reps", type=int, default=2_000)
    parser.add_argument("--helpers", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--times", type=int, default=10, help="a TIMES-th of the data is measured first; 1 leaves it out"
    )
    options = parser.parse_args()
    if options.times > 1:
        small, small_peak = measure_at(options.credits // options.times, options)
    medians, peak = measure_at(options.credits, options)
    if options.times > 1:
        print(f"\nwith {options.times} x the data: memory {peak / small_peak:.2f} x   limit 2 x")
        for name, median in medians.items():
            print(f"{name:<44} {median / small[name]:8.2f} x the time   limit {1.2 * options.times:.0f} x")


if __name__ == "__main__":
    main()
