"""The payout report and a statement as CSV: UTF-8, comma, CRLF; each text cell neutralised."""

import csv
from collections.abc import Iterable
from pathlib import Path

from apps.compensation.models import LedgerEntry, PayoutRun, Statement
from apps.compensation.selectors.reports import ReportRow
from apps.core.money import to_major
from apps.core.spreadsheets import spreadsheet_text

COLUMNS = (
    "Run", "Fingerprint", "State", "Currency", "Team", "Agency", "Rep", "Name", "External id", "Role", "Plan",
    "Plan version", "Component", "Component name", "Lines", "Earned", "Adjustments", "Payable",
)  # fmt: skip
STATEMENT_COLUMNS = (
    "Run", "Fingerprint", "Period", "Component", "Component name", "Kind", "Event", "Date", "Plan version",
    "Band", "Rate", "Arithmetic", "Cause", "Currency", "Amount",
)  # fmt: skip


def write_report(path: Path, *, run: PayoutRun, rows: Iterable[ReportRow]) -> None:
    """Write the report of ``run`` to ``path``. Amounts are in major units with a point."""
    text = spreadsheet_text
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow(
                [
                    text(run.code),
                    run.fingerprint,
                    run.state,
                    text(row.currency),
                    text(row.team),
                    text(row.agency),
                    row.rep_id,
                    text(row.rep),
                    text(row.external_id),
                    row.role,
                    text(row.plan),
                    row.plan_version,
                    text(row.component_key),
                    text(row.component),
                    row.lines,
                    row.major(row.earned_minor),
                    row.major(row.adjustments_minor),
                    row.major(row.payable_minor),
                ]
            )


def write_statement(path: Path, *, statement: Statement, entries: Iterable[LedgerEntry]) -> None:
    """Write every line of ``statement`` to ``path``, as posted, so that the amounts sum to it."""
    text, run = spreadsheet_text, statement.run
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(STATEMENT_COLUMNS)
        for entry in entries:
            occurred = entry.event.occurred_at if entry.event else None
            writer.writerow(
                [
                    text(run.code),
                    run.fingerprint,
                    f"{entry.starts_on}..{entry.ends_on}",
                    text(entry.component_key),
                    text(entry.component_name),
                    entry.kind,
                    entry.event_id or "",
                    occurred.isoformat() if occurred else "",
                    entry.plan_version.number,
                    text(entry.band),
                    text(entry.rate),
                    text(entry.formula),
                    text(entry.cause),
                    entry.currency,
                    to_major(entry.amount_minor, entry.currency),
                ]
            )
