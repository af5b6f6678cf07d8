"""A run's lines as XLSX and CSV against COPY to CSV, and beside the fastest writer of plain sheets.

    .venv/bin/python benchmarks/finance_files.py [LINES] [REPS]

The budget: the XLSX of 100,000 lines of twelve columns takes at most five times as long as COPY to CSV of the same
lines, with at most 64 MB beside, and has no formula but its totals; ten times the lines at most eleven times the time.

Fills a scratch database (PostgreSQL) with one run of LINES lines (100,000 when not said) of REPS people (1,000) and
measures COPY, both files as the portal makes them from the ledger, and XlsxWriter's own cells and rustpy-xlsxwriter on
rows that are in memory already, in interleaved rounds of one run. rustpy-xlsxwriter is no requirement of the portal:
its row is left out, and said to be, where it cannot be imported (pip install --target FOLDER rustpy-xlsxwriter==0.8.0,
then PYTHONPATH=FOLDER). Memory is the highest resident size of a process of its own less that before the file was
begun. The scratch database is ``benchmarks.measure``'s.
"""

import importlib
import importlib.util
import multiprocessing
import resource
import sys
import tempfile
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from measure import compare, start_django

start_django()

from django.db import connection, connections  # noqa: E402

from apps.accounts.models import Role, User  # noqa: E402
from apps.compensation.models import FileKind, PayoutRun, RunState  # noqa: E402
from apps.compensation.reports.run_files import RunFile  # noqa: E402
from apps.compensation.selectors.reports import LINE_COLUMNS, line_rows  # noqa: E402
from apps.compensation.services import plan_drafts, plans  # noqa: E402
from apps.core.money import to_major  # noqa: E402
from apps.reps.models import BusinessCalendar, Rep, RepRole, Team  # noqa: E402

AT = datetime(2026, 2, 3, tzinfo=UTC)
FOLDER = Path(tempfile.mkdtemp(prefix="finance-files-"))
COPY = """
COPY (
    SELECT e.rep_id, r.name, r.external_id, t.name, p.name, v.number, e.component_name, e.kind, e.source_key,
           e.starts_on || '..' || e.ends_on, e.cause, e.amount_minor / 100.0
    FROM compensation_ledgerentry e
    JOIN reps_rep r ON r.id = e.rep_id
    JOIN compensation_statement s ON s.id = e.statement_id
    JOIN reps_team t ON t.id = s.team_id
    JOIN compensation_planversion v ON v.id = e.plan_version_id
    JOIN compensation_plan p ON p.id = v.plan_id
    WHERE e.run_id = %s ORDER BY e.currency, e.rep_id, e.id
) TO STDOUT WITH (FORMAT csv, HEADER)
"""


def fill(lines: int, reps: int) -> PayoutRun:
    """One run with ``lines`` lines shared out among ``reps`` people, as a computation would have posted them."""
    author = User.objects.create_user("a@larkfield.example", name="A", role=Role.REVOPS)
    approver = User.objects.create_user("b@larkfield.example", name="B", role=Role.FINANCE)
    version = plans.load_plan_document(document=plans.shipped_plan("sdr"), author=author, at=AT)
    plan_drafts.submit_version(version=version, at=AT, actor=version.author)
    plans.approve_version(version=version, approver=approver, at=AT)
    calendar = BusinessCalendar.objects.create(name="Office")
    teams = [Team.objects.create(name=f"Team {number}", calendar=calendar) for number in range(20)]
    Rep.objects.bulk_create(
        Rep(name=f"Rep Nåme {number}", external_id=f"E{number:05}", team=teams[number % 20], role=RepRole.OSR,
            hired_on=date(2025, 1, 1))
        for number in range(reps)
    )  # fmt: skip
    run = PayoutRun.objects.create(
        code="2026-01", starts_on=date(2026, 1, 1), ends_on=date(2026, 2, 1), created_at=AT
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO compensation_statement (run_id, rep_id, currency, team_id, plan_version_id, earned_minor,
                adjustments_minor, payable_minor, line_count, basis, digest, inputs)
            SELECT %s, r.id, 'EUR', r.team_id, %s, sum(n), 0, sum(n), count(*), '', 'kept', ''
            FROM generate_series(1, %s) n
            JOIN (SELECT id, team_id, row_number() OVER (ORDER BY id) - 1 AS place FROM reps_rep) r
              ON r.place = n %% %s
            GROUP BY r.id, r.team_id
            """,
            [run.pk, version.pk, lines, reps],
        )
        cursor.execute(
            """
            INSERT INTO compensation_ledgerentry (run_id, statement_id, rep_id, plan_version_id, component_key,
                component_name, kind, source_key, sequence, starts_on, ends_on, amount_minor, earned_minor, currency,
                share, band, rate, parts, terms, exact, formula, cause, posted_at)
            SELECT s.run_id, s.id, s.rep_id, s.plan_version_id, 'accepted_meetings', 'Accepted meetings', 'earning',
                'event:' || n, 1, '2026-01-01', '2026-02-01', n, n, 'EUR', 1000000, '0 to 10', '40.00', '[]', '[]',
                n::text, 'one meeting', '', now()
            FROM generate_series(1, %s) n
            JOIN (SELECT s.*, row_number() OVER (ORDER BY s.rep_id) - 1 AS place
                  FROM compensation_statement s WHERE run_id = %s) s ON s.place = n %% %s
            """,
            [lines, run.pk, reps],
        )
        cursor.execute("ANALYZE compensation_ledgerentry, compensation_statement, reps_rep")
    PayoutRun.objects.filter(pk=run.pk).update(state=RunState.COMPUTED, fingerprint="f" * 64, computed_at=AT)
    run.refresh_from_db()
    return run


def copied(run: PayoutRun) -> None:
    with (
        connection.cursor() as cursor,
        (FOLDER / "copy.csv").open("wb") as file,
        cursor.cursor.copy(COPY % run.pk) as copy,  # the run's number is ours
    ):
        for block in copy:
            file.write(block)


def ours(run: PayoutRun, file_format: str) -> None:
    made = RunFile(run, FileKind.LINES, file_format, "Benchmark", AT)
    made.write(FOLDER / f"ours.{file_format}")


def cell_by_cell(rows: list[list]) -> None:
    import xlsxwriter

    book = xlsxwriter.Workbook(
        str(FOLDER / "cells.xlsx"), {"constant_memory": True, "strings_to_formulas": False}
    )
    sheet = book.add_worksheet("EUR")
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(number, column, value)
            else:
                sheet.write_number(number, column, value)
    book.close()


def fastest(rows: list[list]) -> None:
    records = (dict(zip(LINE_COLUMNS, row, strict=True)) for row in rows)
    writer = importlib.import_module("rustpy_xlsxwriter")
    writer.FastExcel(str(FOLDER / "fastest.xlsx")).freeze(row=1).sheet("EUR", records).save()


def memory(work: Callable[[], None]) -> int:
    """Highest resident size that ``work`` adds, in MB, in a process of its own."""

    def measured(found: "multiprocessing.queues.Queue[int]") -> None:
        connections.close_all()
        list(PayoutRun.objects.all())
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        work()
        found.put((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)

    connections.close_all()
    context = multiprocessing.get_context("fork")
    found = context.Queue()
    process = context.Process(target=measured, args=(found,))
    process.start()
    grown: int = found.get()
    process.join()
    return grown


def formulas_in(path: Path) -> int:
    with zipfile.ZipFile(path) as book:
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        return sum(book.read(name).count(b"<f>") for name in sheets)


def main(lines: int, reps: int) -> None:
    if connection.vendor != "postgresql":
        sys.exit("COPY is PostgreSQL's: name one in DATABASE_URL.")
    run = fill(lines, reps)
    megabytes = {kind: memory(lambda kind=kind: ours(run, kind)) for kind in ("xlsx", "csv")}
    rows = [[*row[1:-1], float(to_major(row.amount_minor, row.currency))] for row in line_rows(run)]
    others: list[tuple[str, Callable[[], object]]] = [
        ("our XLSX, from the ledger", lambda: ours(run, "xlsx")),
        ("our CSV, from the ledger", lambda: ours(run, "csv")),
        ("XlsxWriter cell by cell, rows at hand", lambda: cell_by_cell(rows)),
    ]
    if importlib.util.find_spec("rustpy_xlsxwriter"):
        others.append(("rustpy-xlsxwriter, rows at hand", lambda: fastest(rows)))
    else:
        print("rustpy-xlsxwriter is not installed: its row is left out.")
    found = compare(("COPY to CSV", lambda: copied(run)), *others)
    ratio = found["our XLSX, from the ledger"] / found["COPY to CSV"]
    print(f"XLSX: {ratio:.2f} x COPY (goal: at most 5)")
    for kind, grown in megabytes.items():
        print(f"{kind.upper()}: {grown} MB beside (goal: at most 64)")
    print(f"Formula cells in the XLSX: {formulas_in(FOLDER / 'ours.xlsx')} (the totals and the cover's)")


if __name__ == "__main__":
    asked = [int(one) for one in sys.argv[1:3]]
    main(*(asked + [100_000, 1_000][len(asked) :]))
