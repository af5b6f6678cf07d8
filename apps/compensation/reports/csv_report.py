"""The payout report as CSV: UTF-8, comma, CRLF; each text cell neutralised."""

import csv
from collections.abc import Iterable
from pathlib import Path

from apps.compensation.models import PayoutRun
from apps.compensation.selectors.reports import LINE_COLUMNS, LineRow, ReportRow
from apps.core.money import to_major
from apps.core.spreadsheets import spreadsheet_text

COLUMNS = (
    "Run", "Fingerprint", "State", "Currency", "Team", "Agency", "Rep", "Name", "External id", "Role", "Plan",
    "Plan version", "Component", "Component name", "Lines", "Earned", "Adjustments", "Payable",
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


def write_lines(path: Path, *, run: PayoutRun, rows: Iterable[LineRow]) -> None:
    """Write every line of ``run`` to ``path``. Amounts are in major units with a point."""
    text, code, fingerprint = spreadsheet_text, run.code, run.fingerprint
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("Run", "Fingerprint", "Currency", *LINE_COLUMNS))
        writer.writerows(
            (
                code,
                fingerprint,
                row.currency,
                row.rep_id,
                text(row.rep),
                text(row.external_id),
                text(row.team),
                text(row.plan),
                row.plan_version,
                text(row.component),
                row.kind,
                text(row.source),
                row.earned_in,
                text(row.cause),
                to_major(row.amount_minor, row.currency),
            )
            for row in rows
        )
