"""Write a file of a run (report, all lines, payroll file) or the accruals, recorded like any other download."""

import json
import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.audit.origin import acting_from
from apps.compensation.models import Download, FileKind, PayoutRun, PayrollLayout, PayrollLayoutVersion
from apps.compensation.services import accrual_downloads, downloads, finance_files, payroll_layouts
from apps.core.errors import DomainError

KINDS = (*finance_files.KINDS, FileKind.ACCRUALS)


class Command(BaseCommand):
    help = "Export the payout report of a run, all of its lines, its payroll file, or the accruals as of now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--run", help="the run's number, or its period's code (2026-10)")
        parser.add_argument("--kind", choices=[kind.value for kind in KINDS], default=FileKind.REPORT.value)
        parser.add_argument("--format", required=True, choices=["csv", "xlsx", "pdf"])
        parser.add_argument("--layout", help="the payroll file's layout by name (the default without it)")
        parser.add_argument("--output", type=Path, help="where to write it (its own name here)")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with acting_from("command:export_payouts"):
                download = _made(options)
        except DomainError as error:
            raise CommandError(error.message) from error
        what = download.run.code if download.run else download.about
        stem = "payouts" if download.kind == FileKind.REPORT else download.kind
        output = options["output"] or Path(f"{stem}-{what}.{download.format}")
        try:
            shutil.copyfile(downloads.stored_file(download), output)
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from error
        if options["json"]:
            outcome = {
                "run": download.run_id,
                "period": what,
                "file": str(output),
                "bytes": download.size,
                "fingerprint": download.fingerprint,
                "sha256": download.sha256,
            }
            self.stdout.write(json.dumps(outcome))
        else:
            self.stdout.write(f"{output}: {download.size:,} bytes, fingerprint {download.fingerprint}")


def _made(options: dict[str, Any]) -> Download:
    now = timezone.now()
    if options["kind"] == FileKind.ACCRUALS:
        return accrual_downloads.download_accruals(file_format=options["format"], at=now)
    if not options["run"]:
        raise CommandError("Say which run: --run 2026-10.")
    run = _run(options["run"])
    layout = _layout(options["layout"]) if options["kind"] == FileKind.PAYROLL else None
    made = finance_files.request_file(
        run=run,
        kind=options["kind"],
        file_format=options["format"],
        fingerprint=run.fingerprint,
        layout=layout,
        at=now,
        actor=None,
        at_once=True,
    )
    assert isinstance(made, Download)
    return made


def _run(asked: str) -> PayoutRun:
    found = PayoutRun.objects.filter(code=asked).first()
    # A year's code is digits as well: the code is asked first.
    if found is None and asked.isdigit():
        found = PayoutRun.objects.filter(pk=int(asked)).first()
    if found is None:
        raise CommandError(f"There is no payout run {asked}.")
    return found


def _layout(name: str | None) -> PayrollLayoutVersion:
    layouts = PayrollLayout.objects.filter(retired_at__isnull=True)
    found = layouts.filter(name=name) if name else layouts.filter(is_default=True)
    layout = found.first()
    if layout is None:
        raise CommandError(
            f"There is no payroll layout {name}."
            if name
            else "There is no payroll layout yet: save one first."
        )
    return payroll_layouts.newest_of(layout)
