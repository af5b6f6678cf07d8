"""The files of imports on the disk: outside the database and outside what is served.

What is kept per import: the files as they came, all messages as CSV, the refused rows of each file.
"""

import hashlib
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from apps.integrations.models import ImportFile
from apps.integrations.readers import MEGABYTE, Fault, UnreadableFiles, max_bytes

_PIECE = 1024 * 1024


def root() -> Path:
    return Path(settings.PRIVATE_FILES_DIR) / "imports"


def path_of(stored_as: str) -> Path:
    """Where a stored file is. Raises ``ValueError`` for a name that leads elsewhere."""
    path = (root() / stored_as).resolve()
    if root().resolve() not in path.parents:
        raise ValueError(f"{stored_as!r} is not a stored file.")
    return path


@dataclass(frozen=True)
class Stored:
    """A file as it was kept."""

    name: str
    stored_as: str
    size: int
    sha256: str


def read_as(file: ImportFile) -> dict[str, str]:
    """How somebody said that the file is to be opened: encoding, delimiter; nothing where nobody did."""
    return {key: file.reading[key] for key in ("encoding", "delimiter") if file.reading.get(key)}


def new_folder() -> str:
    """A fresh folder for one import; its name says nothing."""
    name = uuid.uuid4().hex
    (root() / name).mkdir(parents=True, mode=0o700)
    return name


def remove_folder(name: str) -> None:
    shutil.rmtree(root() / name, ignore_errors=True)


def keep(*, folder: str, position: int, name: str, pieces: Iterable[bytes]) -> Stored:
    """Write a file as it comes, no more of it than is allowed. Raises ``UnreadableFiles`` beyond that."""
    suffix = Path(name).suffix.lower()[:6]
    stored_as = f"{folder}/{position}{suffix if suffix.isascii() else ''}"
    target = root() / stored_as
    draft = target.with_name(f"{target.name}.part")
    digest, size = hashlib.sha256(), 0
    with draft.open("wb") as file:
        for piece in pieces:
            size += len(piece)
            if size > max_bytes():
                draft.unlink()
                most = max_bytes() // MEGABYTE
                raise UnreadableFiles([Fault(name, f"The file is larger than {most} MB. Split it.")])
            digest.update(piece)
            file.write(piece)
    draft.chmod(0o600)
    draft.rename(target)
    return Stored(name[-200:], stored_as, size, digest.hexdigest())


def pieces_of(path: Path) -> Iterable[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    for piece in pieces_of(path):
        digest.update(piece)
    return digest.hexdigest()
