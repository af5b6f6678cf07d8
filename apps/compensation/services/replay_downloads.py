"""Make a file of a replay, keep it, and record who took it."""

from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.compensation.models import Download, FileKind, Replay, ReplayOutcome, ReportFormat
from apps.compensation.reports import replay_files
from apps.compensation.selectors import replay_record
from apps.compensation.services.downloads import UnableToDownload, check_format, store


@transaction.atomic
def download_replay(*, replay: Replay, file_format: str, at: datetime, actor: Any) -> Download:
    """Make the file of ``replay`` and record that it was taken.

    The fingerprint is taken anew from the figures before the file is written. Raises ``UnableToDownload`` while it
    is not worked out (or when its figures are others by now), ``InvalidInput`` for an unknown format.
    """
    check_format(kind=FileKind.REPLAY, file_format=file_format)
    outcome = ReplayOutcome.objects.filter(replay=replay).first()
    if outcome is None:
        raise UnableToDownload("The replay is not worked out yet: there is nothing whole to download.")
    if replay_record.fingerprint(replay) != outcome.fingerprint:
        raise UnableToDownload(
            "The figures no longer give the fingerprint that this replay ended with, so no file is made of it. Ask "
            "an operator to verify the records."
        )

    def write(path: Path) -> None:
        if file_format == ReportFormat.CSV:
            replay_files.write_csv(path, replay=replay, outcome=outcome)
        else:
            replay_files.write_xlsx(path, replay=replay, outcome=outcome, made_by=str(actor), made_at=at)

    stored = store(folder_name=f"replays/{replay.pk}", file_format=file_format, at=at, write=write)
    download = Download.objects.create(
        kind=FileKind.REPLAY,
        replay=replay,
        format=file_format,
        by=actor,
        at=at,
        fingerprint=outcome.fingerprint,
        sha256=stored.sha256,
        size=stored.size,
        path=stored.path,
    )
    audit.record(
        verb="compensation.replay.downloaded",
        subject=replay,
        at=at,
        actor=actor,
        data={"format": file_format, "fingerprint": outcome.fingerprint, "sha256": stored.sha256},
    )
    return download
