"""How an import's files are read, before they are: encoding, delimiter, dates, with their first rows as read.

What is found in the file is proposed where the mapping does not say it; what cannot be told for sure is a doubt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings

from apps.integrations.models import ImportFile, ImportRun
from apps.integrations.readers import Cell, Source, UnreadableFiles, open_source
from apps.integrations.rules import encodings, looks
from apps.integrations.rules import mappings as rules
from apps.integrations.services import mappings, storage

ROWS_SHOWN = 6
ROWS_LOOKED_AT = 500
EXAMPLES = 3

ENCODINGS = (
    ("utf-8", "UTF-8"),
    ("utf-16", "UTF-16"),
    ("cp1252", "Windows (western)"),
    ("mac-roman", "Mac (western)"),
    ("cp437", "DOS"),
    ("latin-1", "Latin-1"),
)
DELIMITERS = ((",", "Comma ,"), (";", "Semicolon ;"), ("\t", "Tab"), ("|", "Bar |"))


@dataclass(frozen=True)
class DateColumn:
    """A column of dates: the format it is read by, the others that fit, and cells beside what they become."""

    place: int
    name: str
    chosen: str
    options: list[tuple[str, str]]
    examples: list[tuple[str, str]]
    is_unclear: bool


@dataclass
class FilePreview:
    """One file as it will be read. ``doubts`` are what a person should look at."""

    position: int
    name: str
    is_text: bool
    encoding: str = ""
    delimiter: str = ""
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    dates: list[DateColumn] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    fault: str = ""

    @property
    def as_chosen(self) -> dict[str, Any]:
        """What is kept when somebody says that this is how it is to be read."""
        kept: dict[str, Any] = {"dates": {one.name: one.chosen for one in self.dates if one.chosen}}
        if self.is_text and not self.fault:
            kept |= {"encoding": self.encoding, "delimiter": self.delimiter}
        return kept


Choices = Mapping[int, Mapping[str, Any]]


def previews(run: ImportRun, choices: Choices | None = None) -> list[FilePreview]:
    """Every file of the import; ``choices`` (by position, as ``ImportFile.reading``) go before all else."""
    mapping = _mapping(run)
    return [_preview(one, mapping, (choices or {}).get(one.position, one.reading)) for one in run.files.all()]


def has_doubts(run: ImportRun) -> bool:
    """Whether something of how the files are read cannot be told for sure."""
    return any(one.doubts or one.fault for one in previews(run))


def _mapping(run: ImportRun) -> rules.Mapping | None:
    if not run.document:
        return None
    try:
        return mappings.parsed(run.document)
    except mappings.UnusableMapping:
        return None


def _preview(file: ImportFile, mapping: rules.Mapping | None, reading: Mapping[str, Any]) -> FilePreview:
    path = storage.path_of(file.stored_as)
    is_text = not file.name.lower().endswith((".xlsx", ".xlsm"))
    found = FilePreview(file.position, file.name, is_text)
    layout = rules.recognised(mapping, file.name, ())[0] if mapping else None
    encoding, delimiter = "auto", ""
    if is_text:
        said = layout.encoding if layout else "auto"
        encoding = reading.get("encoding") or (said if said != "auto" else "")
        delimiter = reading.get("delimiter") or (layout.delimiter if layout else "")
        if not encoding:
            encoding = encodings.likeliest(path.read_bytes()) if path.exists() else "utf-8"
            if encoding not in ("utf-8", "utf-16"):
                label = dict(ENCODINGS)[encoding]
                found.doubts.append(
                    f"It is not written in UTF-8; {label} fits best. Look at the letters below."
                )
    try:
        source = open_source(path, file.name, encoding=encoding, delimiter=delimiter)
        rows = list(islice(source.rows(), ROWS_LOOKED_AT))
    except (UnreadableFiles, OSError) as error:
        found.encoding, found.delimiter = encoding, delimiter
        found.fault = error.faults[0].says if isinstance(error, UnreadableFiles) else "The file is gone."
        return found
    found.encoding, found.delimiter, found.header = source.encoding, source.delimiter, source.header
    found.rows = [[_text(cell) for cell in cells] for _, cells in rows[:ROWS_SHOWN]]
    if is_text and len(source.header) == 1 and rows:
        found.doubts.append("There is one column only. Is the delimiter another one?")
    if mapping is not None:
        layout = rules.recognised(mapping, file.name, source.header)[0] or layout
    _add_dates(found, source, [cells for _, cells in rows], mapping, layout, reading.get("dates") or {})
    return found


def _text(cell: Cell) -> str:
    return cell.isoformat(sep=" ") if isinstance(cell, datetime) else cell.strip()


def _add_dates(
    found: FilePreview,
    source: Source,
    rows: Sequence[Sequence[Cell]],
    mapping: rules.Mapping | None,
    layout: rules.FileLayout | None,
    chosen: Mapping[str, str],
) -> None:
    columns: dict[int, tuple[list[str], list[str]]] = {}
    for place, _name in enumerate(source.header):
        cells = [row[place] for row in rows if place < len(row)]
        if any(isinstance(cell, datetime) for cell in cells):
            continue  # a true date of a spreadsheet is read as it is
        values = [text for cell in cells if (text := _text(cell))]
        if formats := looks.date_formats(values):
            columns[place] = (values, formats)
    by_month = _month_comes_first(columns)
    for place, (values, formats) in columns.items():
        name = source.header[place]
        known = _said(mapping, layout, name)
        first = chosen.get(name) or next((form for form in known if form in formats), "")
        unclear = looks.is_unclear(formats)
        if not first:
            first = _likeliest(formats, by_month)
            if unclear:
                found.doubts.append(f"{name}: it is not clear whether the day or the month comes first.")
            elif known:
                found.doubts.append(f"{name}: dates are not written as the mapping says.")
        if first not in formats and first:
            formats = [first, *formats]
        found.dates.append(
            DateColumn(
                place,
                name,
                first,
                [(form, in_words(form)) for form in formats],
                [(value, _read(value, first)) for value in list(dict.fromkeys(values))[:EXAMPLES]],
                unclear and not chosen.get(name) and not known,
            )
        )


def _said(mapping: rules.Mapping | None, layout: rules.FileLayout | None, column: str) -> list[str]:
    """The formats that the mapping has for a column; none where it does not read it as a date."""
    if mapping is None or layout is None:
        return []
    for name, spec in layout.fields.items():
        known = layout.kind.field(name)
        if column in spec.columns and known is not None and known.type in ("day", "instant"):
            return list(spec.dates or mapping.dates)
    return []


def _month_comes_first(columns: Mapping[int, tuple[list[str], list[str]]]) -> bool:
    """Told by a column that leaves no choice; failing that, by what the company pays in."""
    sure = [formats[0] for _, formats in columns.values() if not looks.is_unclear(formats)]
    for form in sure:
        if form.startswith(("%m/", "%d/", "%m-", "%d-")):
            return form.startswith("%m")
    return settings.COMPANY_CURRENCY == "USD"


def _likeliest(formats: Sequence[str], month_first: bool) -> str:
    wanted = "%m" if month_first else "%d"
    return next((form for form in formats if form.startswith(wanted)), formats[0])


_EXAMPLE = datetime(2026, 1, 31, 14, 5)  # noqa: DTZ001 - shown in a sentence, never stored


def in_words(form: str) -> str:
    """``31/01/2026, day first``: a format by what it looks like."""
    shown = _EXAMPLE.strftime(form)
    if looks.day_and_month_swapped(form) == form:
        return shown
    return f"{shown}, {'month' if form.startswith(('%m', '%b', '%B')) else 'day'} first"


def _read(value: str, form: str) -> str:
    try:
        found = datetime.strptime(value, form)  # noqa: DTZ007 - shown, never stored
    except ValueError:
        return ""
    day = f"{found.day} {found:%b %Y}"
    return f"{day}, {found:%H:%M}" if "%H" in form or "%I" in form else day
