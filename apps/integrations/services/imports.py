"""An import from upload to done: keep the files, check them (dry run), write them as a job."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError
from apps.core.periods import day_start
from apps.integrations.models import ImportFile, ImportMessage, ImportRun, RunState
from apps.integrations.readers import Fault, UnreadableFiles
from apps.integrations.resources import Context
from apps.integrations.rules import mappings as mapping_rules
from apps.integrations.services import mappings, passes, storage
from apps.integrations.services.passes import Listener, Opened, Tally
from apps.integrations.services.reports import ReportWriter
from apps.jobs import services as jobs
from apps.jobs.context import Clock, JobContext
from apps.jobs.models import Job
from apps.reps.services import imports as reps

WRITE_KIND = "integrations.import"
CHECK_KIND = "integrations.check"
_ONE_AT_A_TIME = "write"
"""The key of every writing job: two imports at once could each find the other's rows missing."""

MAX_FILES = 20


class UnableToCommit(DomainError):
    """The import is not one that can be written now."""

    code = "unable_to_commit"


class ImportStopped(DomainError):
    """The files or the database are not as they were when the import was checked."""

    code = "import_stopped"


# --- Upload ---------------------------------------------------------------------------------------


def start_import(
    *,
    files: Sequence[tuple[str, Iterable[bytes]]],
    at: datetime,
    document: dict[str, Any] | None = None,
    actor: Any = None,
) -> ImportRun:
    """Keep the files (name, pieces) under a mapping; without one, the first that knows them all is taken.

    Raises ``UnreadableFiles`` when there are none, too many, or one is too large.
    """
    if not files:
        raise UnreadableFiles([Fault("Upload", "There is no file. Choose one at least.")])
    if len(files) > MAX_FILES:
        raise UnreadableFiles(
            [Fault("Upload", f"There are more than {MAX_FILES} files. Import them in turn.")]
        )
    folder = storage.new_folder()
    try:
        kept = [
            storage.keep(folder=folder, position=position, name=name, pieces=pieces)
            for position, (name, pieces) in enumerate(files)
        ]
        document = document or fitting_document(
            files=[(storage.path_of(one.stored_as), one.name) for one in kept]
        )
        with transaction.atomic():
            run = ImportRun.objects.create(
                mapping_name=(document or {}).get("name", ""),
                document=document or {},
                started_at=at,
                started_by=actor if getattr(actor, "pk", None) else None,
            )
            ImportFile.objects.bulk_create(
                [
                    ImportFile(
                        run=run,
                        position=position,
                        name=one.name,
                        stored_as=one.stored_as,
                        size=one.size,
                        sha256=one.sha256,
                    )
                    for position, one in enumerate(kept)
                ]
            )
            audit.record(
                verb="integrations.import.started", subject=run, at=at, actor=actor, data={"files": len(kept)}
            )
    except BaseException:
        storage.remove_folder(folder)
        raise
    return run


def fitting_document(
    *, files: Sequence[tuple[Path, str]], readings: passes.Readings | None = None
) -> dict[str, Any] | None:
    """The document of the mapping that knows the files best; ``None`` where none knows enough of them.

    Where a column is lost the mapping is still theirs, and the check says what is missing.
    """
    best: tuple[int, dict[str, Any] | None] = (len(files) - 1, None)
    for known in mappings.every():
        try:
            mapping = mappings.parsed(known.document)
        except mappings.UnusableMapping:
            continue
        fit = sum(
            passes.fit_of(mapping=mapping, path=path, name=name, reading=(readings or {}).get(place))
            for place, (path, name) in enumerate(files)
        )
        if fit > best[0]:
            best = (fit, known.document)
    return best[1]


def _paths(run: ImportRun) -> list[tuple[Path, str]]:
    return [(storage.path_of(one.stored_as), one.name) for one in run.files.all()]


def readings_of(run: ImportRun) -> passes.Readings:
    """How somebody said that the files are read, by position."""
    return {one.position: one.reading for one in run.files.all() if one.reading}


def read_files_as(
    *, run: ImportRun, readings: passes.Readings, at: datetime, actor: Any = None
) -> Job | None:
    """Have files read as somebody said (by position: encoding, delimiter, dates by column), and checked again.

    Where no mapping knew the files it is looked for anew; no job where there still is none. Raises
    ``UnableToCommit`` once the import is being written.
    """
    if run.state not in (RunState.UPLOADED, RunState.FAULTY, RunState.CHECKED):
        raise UnableToCommit("This import was written already. Start a new one with the files.")
    with transaction.atomic():
        for file in run.files.all():
            file.reading = dict(readings.get(file.position, file.reading))
            file.save(update_fields=["reading"])
        audit.record(
            verb="integrations.import.reading_set",
            subject=run,
            at=at,
            actor=actor,
            data={"files": {str(position): dict(reading) for position, reading in readings.items()}},
        )
    run = ImportRun.objects.prefetch_related("files").get(pk=run.pk)
    document = run.document or fitting_document(files=_paths(run), readings=readings_of(run))
    return ask_for_check(run=run, at=at, document=document, actor=actor) if document else None


def folder_of(run: ImportRun) -> Path:
    """Where the import's files are."""
    first = run.files.first()
    if first is None:
        raise UnableToCommit("This import has no files any more.")
    return storage.path_of(first.stored_as).parent


# --- Check ----------------------------------------------------------------------------------------


def ask_for_check(
    *, run: ImportRun, at: datetime, document: dict[str, Any] | None = None, actor: Any = None
) -> Job:
    """Have the import checked by a worker, under another mapping if one is given."""
    if run.state in (RunState.COMMITTING, RunState.DONE):
        raise UnableToCommit("This import was written already. Start a new one with the files.")
    with transaction.atomic():
        if document is not None:
            run.document, run.mapping_name = document, mappings.parsed(document).name
        run.state = RunState.UPLOADED
        run.job = jobs.enqueue(
            kind=CHECK_KIND, key=f"import:{run.pk}", params={"run_id": run.pk}, requested_by=actor, at=at
        )
        run.save()
    return run.job


def check_import(
    *,
    run: ImportRun,
    at: datetime,
    progress: Callable[[int], None] | None = None,
    listener: Listener | None = None,
) -> ImportRun:
    """Read every row and say what would become of it; nothing of the funnel or the people is written.

    ``progress`` is told of the rows done; ``listener`` hears every message as well.
    The run is ``checked`` afterwards, or ``faulty`` with ``faults`` where a file cannot be read as a whole.
    """
    started = perf_counter()
    files = {one.position: one for one in run.files.all()}
    try:
        mapping = mappings.parsed(run.document)
        opened = passes.open_files(mapping=mapping, files=_paths(run), readings=readings_of(run))
        context = context_for(mapping=mapping, at=at, run=run)
        with ReportWriter(folder=folder_of(run), files=files, progress=progress, also=listener) as report:
            tallies = passes.go_over(files=opened, context=context, listener=report)
    except UnreadableFiles as error:
        return _faulty(run, error.faults, at)
    except mappings.UnusableMapping as error:
        return _faulty(run, [Fault("Mapping", str(problem)) for problem in error.problems], at)
    with transaction.atomic():
        ImportMessage.objects.filter(file__run=run).delete()
        ImportMessage.objects.bulk_create(report.messages, batch_size=1_000)
        for one in opened:
            file = files[one.position]
            file.kind, file.header = one.layout.kind.name, one.source.header
            file.checked = tallies[one.position].as_json()
            file.samples = report.samples.get(one.position, {})
            file.notes = report.notes.get(one.position, [])
            file.save()
        run.as_of = _as_of(mapping, context)
        run.state, run.faults = RunState.CHECKED, []
        run.checked_at = at
        run.check_seconds = round(perf_counter() - started, 1)
        run.save()
    return run


def _as_of(mapping: mapping_rules.Mapping, context: Context) -> datetime:
    if mapping.as_of is not None:
        return min(day_start(mapping.as_of, context.zone), context.at)
    return context.newest or context.at


def _faulty(run: ImportRun, faults: Sequence[Fault], at: datetime) -> ImportRun:
    with transaction.atomic():
        ImportMessage.objects.filter(file__run=run).delete()
        run.faults = [
            {"file": one.file, "row": one.row, "column": one.column, "says": one.says} for one in faults
        ]
        run.state, run.checked_at = RunState.FAULTY, at
        run.save()
    return run


def context_for(
    *, mapping: mapping_rules.Mapping, at: datetime, run: ImportRun | None = None, actor: Any = None
) -> Context:
    """What rows may refer to at the beginning of a pass. Dates begin in the company's zone."""
    context = Context(
        mapping=mapping,
        at=at,
        zone=settings.COMPANY_TIME_ZONE,
        actor=actor,
        run_id=run.pk if run else None,
        as_of=run.as_of if run else None,
    )
    context.load_reps()
    return context


# --- Write ----------------------------------------------------------------------------------------


def refused_rows(run: ImportRun) -> int:
    """How many rows the check refused."""
    return sum(one.checked.get("refused", 0) for one in run.files.all())


def commit_import(*, run: ImportRun, at: datetime, take_good_rows: bool = False, actor: Any = None) -> Job:
    """Have the checked import written by a worker.

    Raises ``UnableToCommit`` when it is not checked, when rows are refused and the good ones are not to be
    taken without them, or while another import is being written.
    """
    with transaction.atomic():
        run = ImportRun.objects.select_for_update().get(pk=run.pk)
        if run.state != RunState.CHECKED:
            raise UnableToCommit("Only an import that was checked can be written, and only once.")
        refused = refused_rows(run)
        if refused and not take_good_rows:
            raise UnableToCommit(
                f"{refused:,} rows are refused. Mend them and check again, or take only the good rows."
            )
        job = jobs.enqueue(
            kind=WRITE_KIND, key=_ONE_AT_A_TIME, params={"run_id": run.pk}, requested_by=actor, at=at
        )
        if job.params.get("run_id") != run.pk:
            raise UnableToCommit(
                f"Import {job.params.get('run_id')} is being written. Start this one when it is done."
            )
        run.state, run.take_good_rows, run.job = RunState.COMMITTING, take_good_rows, job
        run.save()
        audit.record(
            verb="integrations.import.committed",
            subject=run,
            at=at,
            actor=actor,
            data={"refused_rows": refused, "take_good_rows": take_good_rows},
        )
    return job


def finish_interrupted(*, clock: Clock) -> ImportRun | None:
    """Finish the import whose writing was interrupted, if there is one and no worker is at it.

    For a command, where no worker may be running to take it up. Returns the import it finished.
    """
    job = Job.objects.active().filter(kind=WRITE_KIND, key=_ONE_AT_A_TIME).first()
    if job is None or not jobs.run(job_id=job.pk, clock=clock):
        return None
    return ImportRun.objects.filter(pk=job.params.get("run_id")).first()


class _Writing(Listener):
    """Keeps the checkpoint with each batch, and shows how far the writing is."""

    def __init__(self, job: JobContext, order: Sequence[Opened], total: int) -> None:
        self.job, self.total = job, total
        self.index = {one.position: index for index, one in enumerate(order)}
        self.unexpected: dict[int, list[str]] = {}

    def batch(self, opened: Opened, row: int, tallies: dict[int, Tally]) -> None:
        figures = {str(position): tally.as_json() for position, tally in tallies.items()}
        self.job.save_checkpoint({"file": self.index[opened.position], "row": row, "tallies": figures})
        self.name = opened.name

    def progress(self, done: int) -> None:
        self.job.progress(done, self.total, f"Writing {self.name}" if hasattr(self, "name") else "")


def write_import(*, run: ImportRun, job: JobContext) -> ImportRun:
    """Write the import batch by batch; goes on after the last batch that an earlier attempt finished.

    Each batch is one transaction with the note that it is done, so that a kill loses or doubles nothing.
    """
    if run.state == RunState.DONE:
        return run
    at = job.now()
    mapping = mappings.parsed(run.document)
    _check_files_unchanged(run)
    opened = passes.open_files(mapping=mapping, files=_paths(run), readings=readings_of(run))
    reps.team_for(
        name=mapping.team.name,
        currency=mapping.team.currency,
        time_zone=mapping.team.time_zone,
        at=at,
        actor=run.started_by,
    )
    context = context_for(mapping=mapping, at=at, run=run, actor=run.started_by)
    kept = job.checkpoint
    tallies = {int(position): Tally.of(figures) for position, figures in kept.get("tallies", {}).items()}
    total = sum(one.checked.get("rows", 0) for one in run.files.all())
    tallies = passes.go_over(
        files=opened,
        context=context,
        listener=_Writing(job, opened, total),
        write=True,
        transaction=transaction.atomic,
        since=(kept["file"], kept["row"]) if kept else None,
        tallies=tallies,
    )
    return _done(run, tallies, at=job.now())


def _check_files_unchanged(run: ImportRun) -> None:
    for one in run.files.all():
        path = storage.path_of(one.stored_as)
        if not path.exists() or storage.sha256_of(path) != one.sha256:
            raise ImportStopped(f"{one.name} is not the file that was checked. Upload it again.")


@transaction.atomic
def _done(run: ImportRun, tallies: dict[int, Tally], at: datetime) -> ImportRun:
    totals: dict[str, int] = {}
    for one in run.files.all():
        one.written = tallies[one.position].as_json()
        one.save(update_fields=["written"])
        for name in ("new", "changed", "same", "skipped", "refused"):
            totals[name] = totals.get(name, 0) + one.written[name]
    run.state, run.done_at = RunState.DONE, at
    run.save()
    audit.record(
        verb="integrations.import.done", subject=run, at=at, actor=run.started_by, data={"rows": totals}
    )
    return run
