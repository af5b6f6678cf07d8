"""Write the payout report of a run to a file, recorded like any other download."""

import json
import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.audit.origin import acting_from
from apps.compensation.models import FORMATS_OF, FileKind, PayoutRun
from apps.compensation.services import downloads
from apps.core.errors import DomainError


class Command(BaseCommand):
    help = "Export the payout report of a run as CSV or XLSX."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--run", required=True, help="the run's number, or its period's code (2026-10)")
        parser.add_argument(
            "--format", required=True, choices=[one.value for one in FORMATS_OF[FileKind.REPORT]]
        )
        parser.add_argument("--output", type=Path, help="where to write it (payouts-<period>.<format> here)")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        run = _run(options["run"])
        try:
            with acting_from("command:export_payouts"):
                download = downloads.download_report(
                    run=run,
                    file_format=options["format"],
                    fingerprint=run.fingerprint,
                    at=timezone.now(),
                )
        except DomainError as error:
            raise CommandError(error.message) from error
        output = options["output"] or Path(f"payouts-{run.code}.{download.format}")
        try:
            shutil.copyfile(downloads.stored_file(download), output)
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from error
        if options["json"]:
            outcome = {
                "run": run.pk,
                "period": run.code,
                "file": str(output),
                "bytes": download.size,
                "fingerprint": download.fingerprint,
                "sha256": download.sha256,
            }
            self.stdout.write(json.dumps(outcome))
        else:
            self.stdout.write(f"{output}: {download.size:,} bytes, fingerprint {download.fingerprint}")


def _run(asked: str) -> PayoutRun:
    found = PayoutRun.objects.filter(code=asked).first()
    # A year's code is digits as well: the code is asked first.
    if found is None and asked.isdigit():
        found = PayoutRun.objects.filter(pk=int(asked)).first()
    if found is None:
        raise CommandError(f"There is no payout run {asked}.")
    return found
