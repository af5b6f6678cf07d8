"""A statement's page, CSV, PDF and proof pack against bare SQL and a csv writer.

    .venv/bin/python benchmarks/statement.py [LINES] [TIMES]

Fills a scratch PostgreSQL database with one rep whose month has LINES (500) lines, then with one of TIMES (100) as
many, computed by a run. Prints the medians of five interleaved rounds and their ratio to the floor, which reads the
same lines by one SQL statement and writes them with Python's csv; and what each takes in memory beside it, in a process
of its own. Goal: the page of 50,000 lines opens within a second, and sums of all files are the statement's.
"""

import csv
import io
import os
import resource
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from measure import compare, start_django

start_django()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from apps.accounts.models import Role, User  # noqa: E402
from apps.compensation.models import Statement  # noqa: E402
from apps.compensation.reports import proof_pack, statement_csv, statement_pdf  # noqa: E402
from apps.compensation.services import plan_drafts, plans, runs  # noqa: E402
from apps.compensation.services.computation import compute_run  # noqa: E402
from apps.core.periods import Period, parse_period  # noqa: E402
from apps.reps.models import BusinessCalendar, Rep, RepRole, Team  # noqa: E402

EVENTS = """
INSERT INTO leads_funnelevent (kind, occurred_at, recorded_at, amount_minor, currency, source, source_key, data)
SELECT 'won', %(begin)s + n %% 2500000 * interval '1 second', %(begin)s + interval '28 days',
       100000 + n * 7919 %% 97700, 'EUR', 'import', %(mark)s || n, '{}'
FROM generate_series(1, %(count)s) n
"""
CREDITS = """
INSERT INTO leads_eventcredit (event_id, rep_id, capacity, share)
SELECT id, %(rep)s, 'owned', CASE WHEN id %% 7 = 0 THEN 500000 ELSE 1000000 END
FROM leads_funnelevent WHERE source_key LIKE %(mark)s || '%%'
"""
BARE = """
SELECT r.code, r.fingerprint, l.starts_on, l.ends_on, l.component_key, l.component_name, l.kind, l.event_id,
       e.occurred_at, v.number, l.band, l.rate, l.formula, l.cause, l.currency, l.amount_minor, l.id, o.name, d.company,
       e.hand_off_id, l.place, l.share, l.earned_minor, l.source_key
FROM compensation_ledgerentry l JOIN compensation_payoutrun r ON r.id = l.run_id
JOIN compensation_planversion v ON v.id = l.plan_version_id
LEFT JOIN leads_funnelevent e ON e.id = l.event_id LEFT JOIN leads_opportunity o ON o.id = e.opportunity_id
LEFT JOIN leads_lead d ON d.id = e.lead_id
WHERE l.statement_id = %s ORDER BY l.id
"""
PLAN = {
    "format": "salesportal.plan/2", "name": "Plan", "role": "ae", "currency": "EUR", "effective_on": "2025-01-01",
    "components": [
        {
            "key": "deals", "name": "Deals", "pays": "per_unit",
            "measure": {"event": "won", "capacity": "owned", "of": "count"},
            "rates": {"method": "graduated", "bands": [
                {"from": "0", "to": "100", "rate": "40.00"}, {"from": "100", "rate": "60.00"}]},
        },
        {
            "key": "amount", "name": "Amount", "pays": "percent_of_amount",
            "measure": {"event": "won", "capacity": "owned", "of": "amount"},
            "rates": {"method": "graduated", "bands": [{"from": "0", "rate": "0.20"}]},
        },
    ],
}  # fmt: skip


class Company:
    """One rep; each month a statement of another length."""

    def __init__(self) -> None:
        self.author = User.objects.create_user("author@example.test", None, name="A", role=Role.REVOPS)
        self.finance = User.objects.create_user("finance@example.test", None, name="B", role=Role.FINANCE)
        version = plans.load_plan_document(document=PLAN, author=self.author, at=instant(1))
        plan_drafts.submit_version(version=version, at=instant(1), actor=version.author)
        plans.approve_version(version=version, approver=self.finance, at=instant(1))
        team = Team.objects.create(name="Team", calendar=BusinessCalendar.objects.create(name="Hours"))
        self.rep = Rep.objects.create(name="Rep", team=team, role=RepRole.AE, hired_on=date(2025, 1, 1))
        plans.assign_plan(rep=self.rep, plan=version.plan, starts_on=date(2025, 1, 1), at=instant(1))
        self.client = Client()
        self.client.force_login(self.finance)

    def statement(self, period: Period, lines: int) -> Statement:
        """Each event has two lines."""
        mark = f"benchmark:{period.code}:"
        begin = datetime(period.start.year, period.start.month, 1, 12, tzinfo=UTC)
        with connection.cursor() as cursor:
            cursor.execute(EVENTS, {"begin": begin, "count": lines // 2, "mark": mark})
            cursor.execute(CREDITS, {"rep": self.rep.pk, "mark": mark})
        at = datetime(period.end.year, period.end.month, 3, tzinfo=UTC)
        run = compute_run(run=runs.create_run(period=period, at=at, actor=self.author), clock=lambda: at)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        rows = Statement.objects.select_related("run", "rep", "plan_version__plan")
        return rows.get(run=run, rep=self.rep)


def instant(day: int) -> datetime:
    return datetime(2026, 1, day, 12, tzinfo=UTC)


def bare(statement: Statement, path: Path) -> None:
    with connection.cursor() as cursor, path.open("w", encoding="utf-8", newline="") as file:
        cursor.execute(BARE, [statement.pk])
        csv.writer(file).writerows(cursor)


def works(company: Company, statement: Statement, folder: Path) -> dict[str, Callable[[], object]]:
    address = reverse("compensation:statement", args=[statement.pk])
    more = reverse("compensation:component_lines", args=[statement.pk, "amount"])

    def page() -> None:
        assert company.client.get(address).status_code == 200

    def lines() -> None:
        assert company.client.get(more, {"after": "200"}, headers={"HX-Request": "true"}).status_code == 200

    return {
        "bare SQL and csv writer": lambda: bare(statement, folder / "bare.csv"),
        "page": page,
        "200 more lines": lines,
        "CSV": lambda: statement_csv.write_statement(folder / "made.csv", statement=statement),
        "PDF": lambda: statement_pdf.write_statement(folder / "made.pdf", statement=statement),
        "proof pack": lambda: proof_pack.write_proof(folder / "made.zip", statement=statement),
    }


def extra_memory(work: Callable[[], object]) -> int:
    """What ``work`` adds to a process of its own at its peak, in MB."""
    connection.close()
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        work()
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        os.write(writes, str((after - before) // 1024).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writes)
    with os.fdopen(reads) as answer:
        return int(answer.read() or -1)


def check(statement: Statement, folder: Path) -> None:
    """The file's amounts sum to the statement."""
    rows = csv.DictReader(io.StringIO((folder / "made.csv").read_text(encoding="utf-8")))
    total = sum(int(row["Amount"].replace(".", "")) for row in rows)
    assert total == statement.payable_minor, (total, statement.payable_minor)


def main() -> None:
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    settings.ALLOWED_HOSTS = ["testserver"]
    company = Company()
    statements = [
        company.statement(parse_period(code), count)
        for code, count in (("2026-01", lines), ("2026-02", lines * times))
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Memory first: a compiler of documents that was at work here would not come along into a forked process.
        taken = [
            {word: extra_memory(work) for word, work in works(company, statement, folder).items()}
            for statement in statements
        ]
        for statement, memory in zip(statements, taken, strict=True):
            print(f"\n{statement.line_count:,} lines")
            done = works(company, statement, folder)
            (floor, *others) = done.items()
            compare(floor, *others)
            check(statement, folder)
            for word, megabytes in memory.items():
                print(f"{word:<48} {megabytes:6d} MB more at its peak")


if __name__ == "__main__":
    main()
