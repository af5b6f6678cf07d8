"""``manage.py import_data --mapping FILE FILE…``: check files and import them, as the page does."""

import csv
import json
import sys
import time
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.core.errors import DomainError
from apps.integrations.models import ImportRun, RunState
from apps.integrations.readers import Fault, UnreadableFiles
from apps.integrations.resources.base import Said
from apps.integrations.rules.cells import neutralised
from apps.integrations.services import imports, mappings, passes, storage
from apps.integrations.services.passes import Listener, Opened, Tally
from apps.jobs import services as jobs
from apps.jobs.models import JobState

LISTED = 200
FAILED, NOT_ALL = 1, 2
_FIGURES = ("rows", "new", "changed", "same", "skipped", "refused", "warned")


class _Collected(Listener):
    """What the check said: the first refused and skipped rows, and everything to a file where asked."""

    def __init__(self, writer: Any = None) -> None:
        self.listed: list[dict[str, Any]] = []
        self.figures: dict[int, dict[str, Any]] = {}
        self.writer = writer

    def said(self, opened: Opened, row: int, said: Said, column: str, value: str, personal: bool) -> None:
        if self.writer is not None:
            self.writer.writerow(
                [
                    neutralised(text)
                    for text in (opened.name, str(row), column, said.severity, value, said.says)
                ]
            )
        if said.severity in ("refused", "skipped") and len(self.listed) < LISTED:
            # Names and addresses stay out of what a schedule may keep as its log.
            self.listed.append(
                {
                    "file": opened.name,
                    "row": row,
                    "column": column,
                    "what": said.severity,
                    "value": "" if personal else value,
                    "says": said.says,
                }
            )

    def file_done(self, opened: Opened, tally: Tally, notes: Any) -> None:
        self.figures[opened.position] = {
            "position": opened.position,
            "file": opened.name,
            "kind": opened.layout.kind.name,
            "notes": list(notes),
        }

    def count(self, tallies: dict[int, Tally]) -> None:
        for position, figures in self.figures.items():
            figures.update(tallies[position].as_json())


class Command(BaseCommand):
    """Import files through a saved mapping."""

    help = (
        "Check files and import them through a mapping. Nothing is imported while a row is refused, unless "
        "--take-good-rows. The same files a second time change nothing. Exit: 0 all of it, 1 nothing, "
        "2 the good rows only."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="CSV or XLSX, in any order")
        parser.add_argument(
            "--mapping", required=True, help="a mapping's JSON file, or the name of a saved one"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and write nothing")
        parser.add_argument("--take-good-rows", action="store_true", help="import although rows are refused")
        parser.add_argument("--messages", type=Path, metavar="FILE", help="write every message there, as CSV")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._handle(options)
        except UnreadableFiles as error:
            self._print_json(options, {"state": "faulty", "faults": [vars(one) for one in error.faults]})
            raise CommandError(f"Nothing was imported.\n{error}", returncode=FAILED) from None
        except DomainError as error:
            self._print_json(options, {"state": "failed", "error": error.message})
            raise CommandError(f"Nothing was imported. {error.message}", returncode=FAILED) from None

    def _handle(self, options: dict[str, Any]) -> None:
        document = _document(options["mapping"])
        if not options["dry_run"]:
            before = imports.finish_interrupted(clock=timezone.now)
            if before is not None:
                self.stderr.write(f"Import {before.pk} had been interrupted: it was finished first.")
        files = [_readable(path) for path in options["files"]]
        run = None
        with ExitStack() as stack:
            collected = _Collected(_messages_writer(options["messages"], stack))
            if options["dry_run"]:
                self._dry_run(document, files, collected)
            else:
                run = self._checked(document, files, collected)
        outcome = {
            "import": run.pk if run else None,
            "mapping": document["name"],
            "dry_run": options["dry_run"],
            "state": "checked" if options["dry_run"] else "refused",
            "files": list(collected.figures.values()),
            "listed": collected.listed,
        }
        if run is not None and (options["take_good_rows"] or not _refused(outcome)):
            self._write(run, options["take_good_rows"], outcome)
        self._print(options, outcome)
        self._end(outcome)

    def _end(self, outcome: dict[str, Any]) -> None:
        """Exit as schedules expect it: not all of it done is not zero."""
        refused = _refused(outcome)
        if outcome["state"] == "refused":
            raise CommandError(
                f"Nothing was imported: {refused:,} rows are refused. Mend them, or give --take-good-rows.",
                returncode=FAILED,
            )
        if refused and outcome["dry_run"]:
            raise CommandError(f"{refused:,} rows would be refused.", returncode=FAILED)
        if refused:
            raise CommandError(f"{refused:,} rows were refused; the others are imported.", returncode=NOT_ALL)

    @staticmethod
    def _dry_run(document: dict[str, Any], files: list[Path], collected: "_Collected") -> None:
        mapping = mappings.parsed(document)
        opened = passes.open_files(mapping=mapping, files=[(path, path.name) for path in files])
        context = imports.context_for(mapping=mapping, at=timezone.now())
        tallies = passes.go_over(files=opened, context=context, listener=collected)
        collected.count(tallies)

    @staticmethod
    def _checked(document: dict[str, Any], files: list[Path], collected: "_Collected") -> ImportRun:
        run = imports.start_import(
            files=[(path.name, storage.pieces_of(path)) for path in files],
            document=document,
            at=timezone.now(),
        )
        run = imports.check_import(run=run, at=timezone.now(), listener=collected)
        if run.state == RunState.FAULTY:
            raise UnreadableFiles([Fault(**one) for one in run.faults])
        collected.count({one.position: Tally.of(one.checked) for one in run.files.all()})
        return run

    @staticmethod
    def _write(run: ImportRun, take_good_rows: bool, outcome: dict[str, Any]) -> None:
        job = imports.commit_import(run=run, at=timezone.now(), take_good_rows=take_good_rows)
        if not jobs.run(job_id=job.pk, clock=timezone.now):
            # A worker was quicker; the outcome is the same.
            while job.is_active:
                time.sleep(0.5)
                job.refresh_from_db()
        job.refresh_from_db()
        run.refresh_from_db()
        if job.state != JobState.DONE or run.state != RunState.DONE:
            raise CommandError(
                f"Import {run.pk} stopped: {job.error or job.get_state_display()} What was written is kept; "
                "resume it on its page.",
                returncode=FAILED,
            )
        written = {one.position: one.written for one in run.files.all()}
        for figures in outcome["files"]:
            figures.update({key: written[figures["position"]][key] for key in (*_FIGURES, "codes")})
        outcome["state"] = "done"

    # --- Printing ---------------------------------------------------------------------------------

    def _print_json(self, options: dict[str, Any], outcome: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(outcome, indent=2, ensure_ascii=False))

    def _print(self, options: dict[str, Any], outcome: dict[str, Any]) -> None:
        if options["json"]:
            self._print_json(options, outcome)
            return
        heads = ("file", *_FIGURES)
        rows = [[str(one["file"]), *(f"{one[name]:,}" for name in _FIGURES)] for one in outcome["files"]]
        widths = [max(len(head), *(len(row[place]) for row in rows)) for place, head in enumerate(heads)]
        for line in [list(heads), *rows]:
            first, rest = line[0].ljust(widths[0]), zip(line[1:], widths[1:], strict=True)
            self.stdout.write("  ".join([first, *(text.rjust(width) for text, width in rest)]))
        for one in outcome["files"]:
            for note in one["notes"]:
                self.stdout.write(f"{one['file']}: {note}")
            for code, count in sorted(one["codes"].items()):
                self.stdout.write(f"{one['file']}: {count:,} × {code.replace('_', ' ')}")
        for one in outcome["listed"]:
            where = f"{one['file']}, row {one['row']}"
            where += f", column {one['column']}" if one["column"] else ""
            value = f" “{one['value']}”" if one["value"] else ""
            self.stdout.write(f"{one['what']}: {where}:{value} {one['says']}")
        if len(outcome["listed"]) == LISTED:
            self.stdout.write(f"Only {LISTED} are listed: --messages FILE writes them all.")
        if outcome["state"] == "done":
            self.stdout.write(f"Import {outcome['import']} is done.")
        elif outcome["dry_run"]:
            self.stdout.write("Dry run: nothing was written.")
        sys.stdout.flush()


def _refused(outcome: dict[str, Any]) -> int:
    return sum(one["refused"] for one in outcome["files"])


def _messages_writer(path: Path | None, stack: ExitStack) -> Any:
    if path is None:
        return None
    writer = csv.writer(stack.enter_context(path.open("w", newline="", encoding="utf-8-sig")))
    writer.writerow(["file", "row", "column", "what", "value", "says"])
    return writer


def _document(given: str) -> dict[str, Any]:
    path = Path(given)
    if path.is_file():
        try:
            return mappings.load(text=path.read_text(encoding="utf-8-sig"), where=path.name)
        except UnicodeDecodeError:
            raise CommandError(f"{path.name} is not written in UTF-8.", returncode=FAILED) from None
    for known in mappings.every():
        if given in (known.name, known.key.partition(":")[2]):
            return known.document
    raise CommandError(f"There is no mapping {given}: give its JSON file or its name.", returncode=FAILED)


def _readable(path: Path) -> Path:
    if not path.is_file():
        raise CommandError(f"There is no file {path}.", returncode=FAILED)
    return path
