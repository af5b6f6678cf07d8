"""Files of a whole run: small ones at once, large ones by a worker that shows how far it is.

A worker writes the file aside, asks whether the run is still as it was seen, and keeps the file; who asked takes it
then (``downloads.take``). Killed or stopped half way it leaves nothing, and goes on by writing anew.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.audit import services as audit
from apps.compensation.models import Download, FileKind, KeptFile, PayoutRun, PayrollLayoutVersion, RunState
from apps.compensation.reports.run_files import RunFile, row_count
from apps.compensation.rules.payroll_layout import read_layout
from apps.compensation.services import downloads
from apps.compensation.services.downloads import (
    UnableToDownload,
    check_format,
    keep,
    refuse_another_state,
    refuse_unseen,
)
from apps.core.errors import InvalidInput
from apps.jobs import services as jobs
from apps.jobs.context import JobContext
from apps.jobs.models import Job

JOB_KIND = "compensation.make_file"
KINDS = (FileKind.REPORT, FileKind.LINES, FileKind.PAYROLL)


def request_file(
    *,
    run: PayoutRun,
    kind: str,
    file_format: str,
    fingerprint: str,
    at: datetime,
    actor: Any,
    layout: PayrollLayoutVersion | None = None,
    at_once: bool = False,
) -> Download | Job:
    """A file of ``run`` as it was seen: the download, or the job that makes it when it is large.

    Raises ``InvalidInput`` for an unknown kind or format, ``UnableToDownload`` when the run is another by now or a
    payroll file is asked of a run that is not locked.
    """
    _check(run, kind, file_format, layout)
    about = str(layout) if layout is not None else ""
    if at_once or row_count(run, FileKind(kind)) <= settings.PAYOUT_FILE_ROWS_AT_ONCE:
        made = _file(run, kind, file_format, layout, downloads.name_of(actor), at)
        return keep(
            kind=FileKind(kind),
            run=run,
            file_format=file_format,
            fingerprint=fingerprint,
            at=at,
            actor=actor,
            write=made.write,
            about=about,
        )
    refuse_unseen(run=run, fingerprint=fingerprint)
    version = layout.pk if layout is not None else None
    return jobs.enqueue(
        kind=JOB_KIND,
        key=f"{run.code}:{kind}:{file_format}:{version or ''}:{fingerprint[:16]}",
        params={
            "run_id": run.pk, "kind": str(kind), "format": file_format, "fingerprint": fingerprint,
            "layout": version, "actor": getattr(actor, "pk", None), "at": at.isoformat(),
        },
        at=at,
        requested_by=actor,
    )  # fmt: skip


def _check(run: PayoutRun, kind: str, file_format: str, layout: PayrollLayoutVersion | None) -> None:
    if kind not in KINDS:
        raise InvalidInput("Choose the payout report, all lines or the payroll file.", field="kind")
    check_format(kind=FileKind(kind), file_format=file_format)
    if kind != FileKind.PAYROLL:
        return
    if layout is None:
        raise InvalidInput("Choose the layout of the payroll file.", field="layout")
    if run.state not in RunState.closed():
        raise UnableToDownload(
            "The payroll file opens once the run is locked: until then its pay may change."
        )


def _file(
    run: PayoutRun,
    kind: str,
    file_format: str,
    layout: PayrollLayoutVersion | None,
    made_by: str,
    at: datetime,
) -> RunFile:
    document = read_layout(layout.document) if layout is not None else None
    return RunFile(run, FileKind(kind), file_format, made_by, at, document)


def make_file(job: JobContext) -> KeptFile:
    """Write the file that ``job`` asks for and keep it; who follows a killed worker finds it kept or begins anew."""
    known = KeptFile.objects.filter(job=job.job_id).first()
    if known is not None:
        return known
    asked = job.params
    run = PayoutRun.objects.get(pk=asked["run_id"])
    refuse_another_state(run=run, fingerprint=asked["fingerprint"])
    layout = PayrollLayoutVersion.objects.select_related("layout").filter(pk=asked["layout"]).first()
    total = row_count(run, FileKind(asked["kind"]))
    by = Job.objects.select_related("requested_by").get(pk=job.job_id).requested_by
    at = datetime.fromisoformat(asked["at"])
    made = _file(run, asked["kind"], asked["format"], layout, downloads.name_of(by), at)
    job.progress(0, total, "Reading")
    stored = downloads.store(
        folder_name=f"payouts/{run.code}",
        file_format=asked["format"],
        at=job.now(),
        write=lambda path: made.write(path, lambda done: job.progress(done, total, "Writing")),
    )
    try:
        kept = _kept(job, run, layout, stored, by)
    except Exception:
        (Path(settings.PRIVATE_FILES_DIR) / stored.path).unlink(missing_ok=True)
        raise
    job.progress(total, total, "Kept")
    return kept


def _kept(
    job: JobContext, run: PayoutRun, layout: PayrollLayoutVersion | None, stored: downloads.Stored, by: Any
) -> KeptFile:
    asked = job.params
    with transaction.atomic():
        PayoutRun.objects.select_for_update().get(pk=run.pk)
        run.refresh_from_db()
        # Reading took a while, and nobody waited for it.
        refuse_another_state(run=run, fingerprint=asked["fingerprint"])
        kept = KeptFile.objects.create(
            run=run,
            kind=asked["kind"],
            format=asked["format"],
            about=str(layout) if layout is not None else "",
            job_id=job.job_id,
            made_by=by,
            made_at=job.now(),
            fingerprint=run.fingerprint,
            sha256=stored.sha256,
            size=stored.size,
            path=stored.path,
        )
        audit.record(
            verb="compensation.file.made",
            subject=kept,
            at=job.now(),
            actor=by,
            data={
                "kind": kept.kind,
                "format": kept.format,
                "fingerprint": kept.fingerprint,
                "sha256": kept.sha256,
            },
        )
    return kept


def jobs_of(run: PayoutRun) -> list[Job]:
    """The jobs that make a file of ``run``, or failed to, the newest first."""
    return list(Job.objects.filter(kind=JOB_KIND, key__startswith=f"{run.code}:").order_by("-pk")[:6])
