"""Which files may be attached, told by what is in them and not by their names alone. Pure.

A file is taken when its name ends in a kind that is allowed, its bytes are of that kind, and nothing in it runs. What
is refused is refused with a sentence that names the file and says what to do.
"""

import io
import re
import struct
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

MEGABYTE = 1024 * 1024
LARGEST = 5 * MEGABYTE
MOST_FILES = 5
MOST_IN_ALL = 50 * MEGABYTE
"""Bytes of all files of one inquiry."""
LONGEST_NAME = 120

_MOST_UNPACKED = 100 * MEGABYTE
_MOST_PARTS = 2_000


class FileRefused(ValueError):
    """A file that is not taken; the message is for the person who chose it."""


@dataclass(frozen=True)
class Kind:
    """A kind of file: how its name ends, and the type with which it is sent."""

    ending: str
    content_type: str


@dataclass(frozen=True)
class Checked:
    """A file that may be kept: the name as it is shown, its kind and bytes."""

    name: str
    kind: Kind
    content: bytes


def checked(name: str, content: bytes) -> Checked:
    """The file, if it may be kept. Raises ``FileRefused``."""
    shown = shown_name(name)
    if not content:
        raise FileRefused(f"“{shown}” is empty. Choose the file again.")
    if len(content) > LARGEST:
        raise FileRefused(f"“{shown}” is larger than {LARGEST // MEGABYTE} MB. Attach a smaller copy.")
    ending = shown.rpartition(".")[2].lower() if "." in shown else ""
    known = _KINDS.get(ending)
    if known is None:
        raise FileRefused(f"“{shown}” is of a kind that is not taken. Attach {ALLOWED_WORDS}.")
    kind, problem_of = known
    if problem := problem_of(content):
        raise FileRefused(f"“{shown}” {problem}")
    return Checked(shown, kind, content)


def shown_name(name: str) -> str:
    """The file's own name without folders. Raises ``FileRefused`` for one that hides what it is."""
    own = name.replace("\\", "/").rpartition("/")[2].strip()
    if any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for char in own):
        raise FileRefused("A file’s name has invisible characters in it. Rename it, then attach it.")
    if not own or own.startswith("."):
        raise FileRefused("A file has no name. Rename it, then attach it.")
    if len(own) > LONGEST_NAME:
        raise FileRefused(f"A file’s name is longer than {LONGEST_NAME} characters. Shorten it.")
    return own


# --- What is in it ---------------------------------------------------------------------------------------

_NOT_THAT = "is not what its name says. Save it anew as {} and attach that."
_PDF_RUNS = re.compile(rb"/(JavaScript|JS|Launch|EmbeddedFile|RichMedia|XFA)(?![A-Za-z0-9])")


def _pdf(content: bytes) -> str:
    if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-2048:]:
        return _NOT_THAT.format("PDF")
    # A name may be written with escapes, #4A for J: read as a viewer reads it.
    plain = re.sub(rb"#([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), content)
    return (
        "has a script or a file inside. Print it to a PDF and attach that." if _PDF_RUNS.search(plain) else ""
    )


def _png(content: bytes) -> str:
    whole = content.startswith(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR") and content.endswith(
        b"\x00\x00\x00\x00IEND\xaeB`\x82"
    )
    return "" if whole else _NOT_THAT.format("PNG")


def _jpeg(content: bytes) -> str:
    whole = content.startswith(b"\xff\xd8\xff") and b"\xff\xd9" in content[3:]
    return "" if whole else _NOT_THAT.format("JPEG")


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "is not text in UTF-8. Save it so, or attach it as PDF."
    if any(unicodedata.category(char) == "Cc" and char not in "\t\r\n\f" for char in text):
        return _NOT_THAT.format("text")
    begins = text.lstrip()[:512].lower()
    if begins.startswith(("<", "#!")) or "<script" in text.lower():
        return "is a page or a program and no plain text. Attach it as PDF."
    return ""


def _office(part: str, words: str) -> Callable[[bytes], str]:
    def problem_of(content: bytes) -> str:
        if not content.startswith(b"PK\x03\x04"):
            return _NOT_THAT.format(words)
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                parts = archive.infolist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError, struct.error):
            return "cannot be read. Save it anew and attach that."
        names = [one.filename.lower() for one in parts]
        if "[content_types].xml" not in names or part not in names:
            return _NOT_THAT.format(words)
        if len(parts) > _MOST_PARTS or sum(one.file_size for one in parts) > _MOST_UNPACKED:
            return "unpacks to far more than it seems. Attach a smaller copy, or a PDF."
        if any("vbaproject" in name or "activex" in name or "embeddings/" in name for name in names):
            return "has macros or other files inside. Save a copy without them, or attach a PDF."
        return ""

    return problem_of


_KINDS: dict[str, tuple[Kind, Callable[[bytes], str]]] = {
    "pdf": (Kind("pdf", "application/pdf"), _pdf),
    "png": (Kind("png", "image/png"), _png),
    "jpg": (Kind("jpg", "image/jpeg"), _jpeg),
    "jpeg": (Kind("jpg", "image/jpeg"), _jpeg),
    "txt": (Kind("txt", "text/plain; charset=utf-8"), _text),
    "csv": (Kind("csv", "text/csv; charset=utf-8"), _text),
    "xlsx": (
        Kind("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        _office("xl/workbook.xml", "XLSX"),
    ),
    "docx": (
        Kind("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        _office("word/document.xml", "DOCX"),
    ),
}
ALLOWED_WORDS = "PDF, PNG, JPEG, TXT, CSV, XLSX or DOCX"
ACCEPT = ",".join(f".{ending}" for ending in _KINDS)
"""For the ``accept`` of a file input."""


def type_of(ending: str) -> str:
    """The type with which a kept file is sent; what is not known is bytes."""
    known = _KINDS.get(ending)
    return known[0].content_type if known else "application/octet-stream"
