"""What a check leaves behind: messages for the page, and complete CSV files for download.

Every cell that goes out is neutralised. The page gets a bounded number of messages; the files have all.
"""

import csv
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from apps.integrations.models import ImportFile, ImportMessage, Severity
from apps.integrations.readers import Cell, Row
from apps.integrations.resources.base import Said
from apps.integrations.rules.cells import neutralised
from apps.integrations.services.passes import Listener, Opened, Tally

KEPT_FOR_PAGE = 1_000
"""Messages in the database per file and severity."""

SAMPLES = 3

MESSAGES_HEADER = ("file", "row", "column", "what", "value", "before", "says")


def messages_path(folder: Path) -> Path:
    return folder / "messages.csv"


def refused_path(*, folder: Path, position: int) -> Path:
    return folder / f"refused-{position}.csv"


def _text(cell: Cell) -> str:
    return neutralised(cell.isoformat(sep=" ") if isinstance(cell, datetime) else str(cell))


class ReportWriter(Listener):
    """Listens to a check. Files are drafts until the check is over, so a killed one leaves no half report."""

    def __init__(
        self,
        *,
        folder: Path,
        files: dict[int, ImportFile],
        progress: Callable[[int], None] | None = None,
        also: Listener | None = None,
    ) -> None:
        self.folder, self.files = folder, files
        self._also = also or Listener()
        self.messages: list[ImportMessage] = []
        self.notes: dict[int, list[str]] = {}
        self.samples: dict[int, dict[str, list[str]]] = {}
        self._kept: dict[tuple[int, str], int] = {}
        self._stack = ExitStack()
        self._writers: dict[Path, Any] = {}
        self._progress = progress

    def __enter__(self) -> Self:
        self._writer(messages_path(self.folder), MESSAGES_HEADER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        for path in self._writers:
            draft = path.with_name(f"{path.name}.part")
            if kind is None:
                draft.replace(path)
            else:
                draft.unlink(missing_ok=True)

    def _writer(self, path: Path, header: Sequence[str]) -> Any:
        if path not in self._writers:
            draft = path.with_name(f"{path.name}.part")
            file = self._stack.enter_context(draft.open("w", newline="", encoding="utf-8-sig"))
            self._writers[path] = csv.writer(file)
            self._writers[path].writerow([neutralised(name) for name in header])
        return self._writers[path]

    def said(self, opened: Opened, row: int, said: Said, column: str, value: str, personal: bool) -> None:
        self._also.said(opened, row, said, column, value, personal)
        name = Severity(said.severity).label
        self._writer(messages_path(self.folder), MESSAGES_HEADER).writerow(
            [_text(opened.name), row, *map(_text, (column, name, value, said.before, said.says))]
        )
        place = (opened.position, said.severity)
        kept = self._kept.get(place, 0)
        if kept < KEPT_FOR_PAGE:
            self._kept[place] = kept + 1
            self.messages.append(
                ImportMessage(
                    file=self.files[opened.position],
                    severity=said.severity,
                    row=row,
                    column=column[:200],
                    code=said.code,
                    value=value[:120],
                    before=said.before[:120],
                    says=said.says[:400],
                )
            )

    def refused(self, opened: Opened, row: int, cells: Sequence[Cell], said: Sequence[Said]) -> None:
        path = refused_path(folder=self.folder, position=opened.position)
        header = ["" if name.startswith("#") else name for name in opened.source.header]
        why = " ".join(f"{_column_words(opened, one)}{one.says}" for one in said)
        row_cells = [_text(cell) for cell in cells]
        row_cells += [""] * (len(header) - len(row_cells))
        self._writer(path, [*header, "Why it was refused"]).writerow([*row_cells, _text(why)])

    def rows(self, opened: Opened, batch: Sequence[Row]) -> None:
        if opened.position in self.samples:
            return
        found = self.samples[opened.position] = {}
        for place, name in enumerate(opened.source.header):
            values = (str(cells[place]).strip() for _, cells in batch if place < len(cells))
            found[name] = list(dict.fromkeys(value[:60] for value in values if value))[:SAMPLES]

    def file_done(self, opened: Opened, tally: Tally, notes: Sequence[str]) -> None:
        self._also.file_done(opened, tally, notes)
        self.notes[opened.position] = list(notes)

    def progress(self, done: int) -> None:
        if self._progress is not None:
            self._progress(done)


def _column_words(opened: Opened, said: Said) -> str:
    """``Amount: `` before what is said of it."""
    spec = opened.layout.fields.get(said.field)
    return f"{' + '.join(spec.columns)}: " if spec is not None and spec.columns else ""
