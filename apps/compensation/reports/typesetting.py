"""Setting documents as PDF by Typst: the same data give the same bytes, and a name is text, never markup.

A template lies beside this module and reads everything from ``sys.inputs.data``, which is JSON. The date inside the
file is given, so nothing of it depends on the clock. Fonts come with the compiler and are embedded; documents are
PDF/A-2a. Letters that those fonts lack (Chinese, emoji) cannot be archived so: such a document is set as plain PDF
with the machine's fonts.
"""

import json
import threading
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import typst

ARCHIVED: Literal["a-2a"] = "a-2a"
_BESIDE = Path(__file__).parent
_of_thread = threading.local()


def typeset(template: str | Path, data: Any, *, at: datetime) -> bytes:
    """The document that ``template`` (a file beside this module, or another by its whole path) makes of ``data``,
    dated ``at``.

    ``data`` is of dicts, lists, texts, integers and truths. Letters that no document can carry are dropped.
    """
    written = json.dumps(_plain(data), ensure_ascii=False)
    try:
        return _compiled(template, written, at, archived=True)
    except typst.TypstError as error:
        if "could not be displayed" not in str(error):
            raise
        return _compiled(template, written, at, archived=False)


def _compiled(template: str | Path, written: str, at: datetime, *, archived: bool) -> bytes:
    found = _compiler(archived).compile(
        (_BESIDE / template).read_bytes(),
        format="pdf",
        sys_inputs={"data": written},
        pdf_standards=ARCHIVED if archived else [],
        timestamp=int(at.timestamp()),
    )
    assert isinstance(found, bytes), "one document"
    return found


def _compiler(archived: bool) -> typst.Compiler:
    """One compiler for each thread: it must not be used by two at once."""
    kept: dict[bool, typst.Compiler] = _of_thread.__dict__.setdefault("compilers", {})
    if archived not in kept:
        kept[archived] = typst.Compiler(ignore_system_fonts=archived)
    return kept[archived]


def _plain(data: Any) -> Any:
    if isinstance(data, str):
        return _line(data)
    if isinstance(data, dict):
        return {key: _plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(value) for value in data]
    return data


def _line(text: str) -> str:
    """``text`` in one line, without control characters and halves of letters."""
    if text.isprintable():
        return text
    spaced = "".join(" " if char in "\t\r\n" else char for char in text)
    return "".join(char for char in spaced if unicodedata.category(char) not in ("Cc", "Cs"))
