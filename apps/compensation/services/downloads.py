"""Make a file of a run or a statement, keep it, and record who took it.

A file is made only of a run whose figures stand and are the ones that the person looked at: each carries the
fingerprint, which is taken anew from the ledger before the file is written.
"""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.audit import services as audit
from apps.compensation.models import (
    FORMATS_OF,
    Download,
    FileKind,
    KeptFile,
    PayoutRun,
    Statement,
)
from apps.compensation.reports.run_files import RunFile
from apps.compensation.selectors import control
from apps.core.errors import DomainError, InvalidInput


class UnableToDownload(DomainError):
    """The run is being computed, or changed since the person looked at it."""

    code = "unable_to_download"


def stored_file(download: Download | KeptFile) -> Path:
    """Where the file of ``download`` is kept."""
    return Path(settings.PRIVATE_FILES_DIR) / download.path


def file_name(download: Download) -> str:
    """What a browser calls the file: no name of a person in it."""
    kind = {FileKind.REPORT: "payouts", FileKind.PROOF: "proof"}.get(FileKind(download.kind), download.kind)
    parts = [kind]
    if download.replay_id:
        parts.append(str(download.replay_id))
    if download.statement_id:
        parts.append(str(download.statement_id))
    if download.run is not None:
        parts.append(download.run.code)
    if download.kind == FileKind.ACCRUALS:
        parts.append(download.about)
    return f"{'-'.join(parts)}-{download.fingerprint[:8]}.{download.format}"


@dataclass(frozen=True)
class Stored:
    """A file that was put away: its path below ``PRIVATE_FILES_DIR``, its SHA-256, its bytes."""

    path: str
    sha256: str
    size: int


def store(*, folder_name: str, file_format: str, at: datetime, write: Callable[[Path], None]) -> Stored:
    """Have ``write`` make a file and put it away under a name of its own below ``folder_name``."""
    folder = Path(settings.PRIVATE_FILES_DIR) / folder_name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        draft = Path(scratch) / f"draft.{file_format}"
        write(draft)
        with draft.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = draft.stat().st_size
        kept = folder / f"{at:%Y%m%dT%H%M%S%f}-{digest[:12]}.{file_format}"
        draft.replace(kept)
    return Stored(str(kept.relative_to(settings.PRIVATE_FILES_DIR)), digest, size)


def download_report(
    *, run: PayoutRun, file_format: str, fingerprint: str, at: datetime, actor: Any = None
) -> Download:
    """Make the payout report of ``run`` and record that it was taken; raises as ``keep``."""
    check_format(kind=FileKind.REPORT, file_format=file_format)
    made = RunFile(run, FileKind.REPORT, file_format, name_of(actor), at)
    return keep(
        kind=FileKind.REPORT,
        run=run,
        file_format=file_format,
        fingerprint=fingerprint,
        at=at,
        actor=actor,
        write=made.write,
    )


def name_of(actor: Any) -> str:
    """Who made a file, for its cover."""
    return str(actor) if actor is not None else "Command line"


@transaction.atomic
def keep(
    *,
    kind: FileKind,
    run: PayoutRun,
    file_format: str,
    fingerprint: str,
    at: datetime,
    actor: Any,
    write: Callable[[Path], None],
    statement: Statement | None = None,
    about: str = "",
) -> Download:
    """Have ``write`` make a file of ``run`` (or of one ``statement`` of it), keep it, record that it was taken.

    The one door for every file of a run. ``fingerprint`` is that of the run as the person saw it; ``about`` says
    what else the file was made of (a layout, a month), without names. Raises ``UnableToDownload`` when the run is
    another by now, ``InvalidInput`` for a format in which this kind does not come.
    """
    check_format(kind=kind, file_format=file_format)
    # Held until the file is recorded: the run cannot be computed again under it.
    PayoutRun.objects.select_for_update().get(pk=run.pk)
    run.refresh_from_db()
    refuse_another_state(run=run, fingerprint=fingerprint)
    stored = store(folder_name=f"payouts/{run.code}", file_format=file_format, at=at, write=write)
    download = Download.objects.create(
        kind=kind,
        run=run,
        statement=statement,
        about=about,
        format=file_format,
        by=actor if getattr(actor, "pk", None) else None,
        at=at,
        fingerprint=run.fingerprint,
        sha256=stored.sha256,
        size=stored.size,
        path=stored.path,
    )
    audit.record(
        verb="compensation.run.downloaded" if statement is None else "compensation.statement.downloaded",
        subject=run if statement is None else statement,
        at=at,
        actor=actor,
        data={
            "kind": str(kind),
            "format": file_format,
            "about": about,
            "fingerprint": run.fingerprint,
            "sha256": stored.sha256,
        },
    )
    return download


def verified(kept: Download | KeptFile) -> Path:
    """Where the file of ``kept`` lies. Raises ``UnableToDownload`` when it is gone or is not what was kept."""
    path = stored_file(kept)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnableToDownload(
            "The kept file is no longer there, so it cannot be sent again. Make it anew, and tell an operator."
        ) from error
    if digest != kept.sha256:
        raise UnableToDownload(
            "The kept file is not the one that was made: its SHA-256 is another. It is not sent. Make it anew, and "
            "tell an operator."
        )
    return path


@transaction.atomic
def take(*, kept: Download | KeptFile, at: datetime, actor: Any) -> Download:
    """Record that a file which is kept is taken (again), byte for byte as it was.

    Raises ``UnableToDownload`` when its run changed since, and when the file is gone or altered.
    """
    if kept.run is not None:
        run = PayoutRun.objects.select_for_update().get(pk=kept.run.pk)
        if not run.is_computed or run.fingerprint != kept.fingerprint:
            raise UnableToDownload(
                "The run changed since this file was made, so it is not sent again: make it anew from the run."
            )
    verified(kept)
    before = kept if isinstance(kept, Download) else None
    download = Download.objects.create(
        kind=kept.kind,
        run=kept.run,
        replay=before.replay if before else None,
        statement=before.statement if before else None,
        about=kept.about,
        format=kept.format,
        by=actor if getattr(actor, "pk", None) else None,
        at=at,
        fingerprint=kept.fingerprint,
        sha256=kept.sha256,
        size=kept.size,
        path=kept.path,
        again_of=before,
    )
    audit.record(
        verb="compensation.file.taken" if before is None else "compensation.file.taken_again",
        subject=download,
        at=at,
        actor=actor,
        data={
            "kind": kept.kind,
            "format": kept.format,
            "about": kept.about,
            "fingerprint": kept.fingerprint,
            "sha256": kept.sha256,
        },
    )
    return download


def check_format(*, kind: FileKind, file_format: str) -> None:
    """Raise ``InvalidInput`` unless a file of ``kind`` comes in ``file_format``."""
    known = FORMATS_OF[kind]
    if file_format not in known:
        words = " or ".join(one.label for one in known)
        raise InvalidInput(f"{FileKind(kind).label}: choose {words}.", field="format")


def refuse_another_state(*, run: PayoutRun, fingerprint: str) -> None:
    """Raise ``UnableToDownload`` unless ``run`` stands as it was seen, and its lines as they were computed."""
    refuse_unseen(run=run, fingerprint=fingerprint)
    if control.fingerprint(run) != run.fingerprint:
        raise UnableToDownload(
            "The ledger no longer gives the fingerprint that this run was computed with, so no file is made "
            "of it. Ask an operator to verify the records."
        )


def refuse_unseen(*, run: PayoutRun, fingerprint: str) -> None:
    """Raise ``UnableToDownload`` unless ``run`` stands as it was seen; its lines are not read."""
    if not run.is_computed:
        raise UnableToDownload("The run is being computed: its figures do not stand yet.")
    if fingerprint != run.fingerprint:
        raise UnableToDownload("The run changed since you looked at it: reload, look again, then download.")
