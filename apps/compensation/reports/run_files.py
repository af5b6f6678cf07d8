"""Every file of a whole run by its kind and format: what writes it, and how many rows it has."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from django.db.models import Sum

from apps.compensation.models import FileKind, PayoutRun, ReportFormat, Statement
from apps.compensation.reports import csv_report, payroll_file, pdf_report, xlsx_report
from apps.compensation.rules.payroll_layout import Layout
from apps.compensation.selectors import control, reports

Row = TypeVar("Row")
Tell = Callable[[int], None]
TOLD_EVERY = 500


@dataclass(frozen=True)
class RunFile:
    """One file of ``run``: ``layout`` for a payroll file only; ``made_by`` is a name for the cover."""

    run: PayoutRun
    kind: FileKind
    format: str
    made_by: str
    made_at: datetime
    layout: Layout | None = None

    def write(self, path: Path, tell: Tell | None = None) -> None:
        """Write the file to ``path``. ``tell`` is told now and then how many rows are written; it may stop the work."""
        # Rows are closed before whatever ends the transaction, also when one of them fails: their cursor with them.
        with ExitStack() as opened:
            self._write(path, lambda rows: opened.enter_context(closing(_told(rows, tell))))

    def _write(self, path: Path, told: Callable[[Iterable[Any]], Iterator[Any]]) -> None:
        run, cover = self.run, xlsx_report.Cover(self.made_by, self.made_at)
        is_csv = self.format == ReportFormat.CSV
        if self.kind == FileKind.PAYROLL:
            assert self.layout is not None
            rows = told(reports.payroll_rows(run))
            if is_csv:
                payroll_file.write_csv(path, layout=self.layout, rows=rows)
            else:
                payroll_file.write_xlsx(path, run=run, layout=self.layout, rows=rows, made_at=self.made_at)
        elif self.kind == FileKind.LINES:
            lines = told(reports.line_rows(run))
            if is_csv:
                csv_report.write_lines(path, run=run, rows=lines)
            else:
                totals = control.control_totals(run)
                xlsx_report.write_lines(path, run=run, rows=lines, totals=totals, cover=cover)
        elif is_csv:
            csv_report.write_report(path, run=run, rows=told(reports.report_rows(run)))
        else:
            self._write_summed(path, cover, told)

    def _write_summed(
        self, path: Path, cover: xlsx_report.Cover, told: Callable[[Iterable[Any]], Iterator[Any]]
    ) -> None:
        run, totals = self.run, control.control_totals(self.run)
        summaries = reports.summaries(run)
        if self.format == ReportFormat.PDF:
            people = reports.by_person(run)
            pdf_report.write_report(
                path, run=run, people=people, summaries=summaries, totals=totals, cover=cover
            )
        else:
            rows = told(reports.report_rows(run))
            xlsx_report.write_report(
                path, run=run, rows=rows, summaries=summaries, totals=totals, cover=cover
            )


def row_count(run: PayoutRun, kind: FileKind) -> int:
    """How many rows the file has, at most. One query."""
    statements = Statement.objects.filter(run=run)
    if kind == FileKind.PAYROLL:
        return statements.count()
    found: int | None = statements.aggregate(lines=Sum("line_count"))["lines"]
    return found or 0


def _told(rows: Iterable[Row], tell: Tell | None) -> Generator[Row, None, None]:
    for number, row in enumerate(rows, 1):
        if tell is not None and number % TOLD_EVERY == 0:
            tell(number)
        yield row
