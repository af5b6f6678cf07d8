"""Write the proof pack of a statement to a file, recorded like any other download."""

import json
import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.audit.origin import acting_from
from apps.compensation.models import Statement
from apps.compensation.services import downloads, statement_downloads
from apps.core.errors import DomainError


class Command(BaseCommand):
    help = "Export the proof pack of a statement: its inputs, lines and hashes, and the script that recomputes it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--statement", type=int, help="the statement's number")
        parser.add_argument("--run", help="or the code of the run (2026-10), with --rep")
        parser.add_argument("--rep", help="the rep's number or external id")
        parser.add_argument("--currency", help="where the rep has statements in several")
        parser.add_argument(
            "--output", type=Path, help="where to write it (proof-<number>-<period>.zip here)"
        )
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        statement = _statement(options)
        try:
            with acting_from("command:export_proof"):
                download = statement_downloads.download_proof(
                    statement=statement, fingerprint=statement.run.fingerprint, at=timezone.now()
                )
        except DomainError as error:
            raise CommandError(error.message) from error
        output = options["output"] or Path(f"proof-{statement.pk}-{statement.run.code}.zip")
        try:
            shutil.copyfile(downloads.stored_file(download), output)
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from error
        if options["json"]:
            outcome = {
                "statement": statement.pk,
                "period": statement.run.code,
                "file": str(output),
                "bytes": download.size,
                "fingerprint": download.fingerprint,
                "sha256": download.sha256,
            }
            self.stdout.write(json.dumps(outcome))
        else:
            self.stdout.write(
                f"{output}: {download.size:,} bytes. Unpack it and run: python3 -I recompute.py"
            )


def _statement(options: dict[str, Any]) -> Statement:
    rows = Statement.objects.select_related("run", "rep", "plan_version__plan")
    if options["statement"]:
        rows = rows.filter(pk=options["statement"])
    elif options["run"] and options["rep"]:
        rows = rows.filter(run__code=options["run"])
        rep = options["rep"]
        rows = rows.filter(rep=int(rep)) if rep.isdigit() else rows.filter(rep__external_id=rep)
    else:
        raise CommandError("Say which statement: --statement, or --run and --rep.")
    if options["currency"]:
        rows = rows.filter(currency=options["currency"])
    found = list(rows.order_by("currency")[:2])
    if not found:
        raise CommandError("There is no such statement.")
    if len(found) > 1:
        raise CommandError("There are statements in several currencies: say which with --currency.")
    return found[0]
