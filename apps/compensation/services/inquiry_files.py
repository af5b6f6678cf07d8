"""Files that come with a message of an inquiry: checked, kept under a name of the portal's own, read again.

A path says the inquiry's number and chance, never a person's name or the file's. A file is written before its row and
taken away again if the row does not come to be.
"""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Sum

from apps.compensation.models import Inquiry, InquiryAttachment
from apps.compensation.rules.attachments import (
    LARGEST,
    MEGABYTE,
    MOST_FILES,
    MOST_IN_ALL,
    Checked,
    FileRefused,
    checked,
)
from apps.core.errors import InvalidInput

FOLDER = "inquiries"
FIELD = "files"


@dataclass(frozen=True)
class Kept:
    """A checked file and the path below ``PRIVATE_FILES_DIR`` under which it was written."""

    file: Checked
    path: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.file.content).hexdigest()


def read(uploads: Sequence[UploadedFile]) -> list[Checked]:
    """The files that were sent along, each looked into. Raises ``InvalidInput`` with all that is wrong."""
    if len(uploads) > MOST_FILES:
        raise InvalidInput(f"Attach {MOST_FILES} files at most; these are {len(uploads)}.", field=FIELD)
    found, wrong = [], []
    for upload in uploads:
        try:
            found.append(checked(upload.name or "", upload.read(LARGEST + 1)))
        except FileRefused as error:
            wrong.append(str(error))
    if wrong:
        raise InvalidInput(" ".join(wrong), field=FIELD)
    return found


@contextmanager
def kept(*, inquiry: Inquiry, files: Sequence[Checked]) -> Iterator[list[Kept]]:
    """Write ``files`` for the length of the block; what fails in it takes them away again.

    Raises ``InvalidInput`` when the inquiry would hold too much. The caller holds the inquiry's row.
    """
    _refuse_too_many(inquiry, files)
    folder = Path(settings.PRIVATE_FILES_DIR) / FOLDER / str(inquiry.pk)
    written: list[Path] = []
    try:
        found = []
        for one in files:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = folder / f"{secrets.token_hex(16)}.{one.kind.ending}"
            written.append(path)
            path.write_bytes(one.content)
            path.chmod(0o600)
            found.append(Kept(one, str(path.relative_to(settings.PRIVATE_FILES_DIR))))
        yield found
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def _refuse_too_many(inquiry: Inquiry, files: Sequence[Checked]) -> None:
    if not files:
        return
    if len(files) > MOST_FILES:
        raise InvalidInput(f"Attach {MOST_FILES} files at most; these are {len(files)}.", field=FIELD)
    before = InquiryAttachment.objects.filter(message__inquiry=inquiry).aggregate(size=Sum("size"))["size"]
    if (before or 0) + sum(len(one.content) for one in files) > MOST_IN_ALL:
        raise InvalidInput(
            f"All files of an inquiry come to {MOST_IN_ALL // MEGABYTE} MB at most. Attach fewer or smaller ones.",
            field=FIELD,
        )


def stored_file(attachment: InquiryAttachment) -> Path:
    """Where its bytes are."""
    return Path(settings.PRIVATE_FILES_DIR) / attachment.path


def attachments_for(user: Any) -> Any:
    """Attachments of the inquiries that ``user`` may see."""
    return InquiryAttachment.objects.filter(message__inquiry__in=Inquiry.objects.visible_to(user))
