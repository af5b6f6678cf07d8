"""A file's columns as the import pages show them: a few values of each, and the fields that read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from apps.integrations.models import ImportFile, ImportRun
from apps.integrations.readers import Cell, UnreadableFiles, open_source
from apps.integrations.rules import mappings as rules
from apps.integrations.rules.kinds import KINDS, FieldOfKind
from apps.integrations.services import storage
from apps.integrations.services.reports import SAMPLES

SAMPLED = 500
"""Rows of a file that suggestions are made from."""


@dataclass(frozen=True)
class Column:
    """A column of a file: a few of its values, and the fields that read it (first of them to choose)."""

    name: str
    samples: list[str]
    goes_to: list[FieldOfKind]
    why: str


@dataclass(frozen=True)
class FileColumns:
    """A layout of a mapping with its columns; ``index`` is its place in the document."""

    index: int
    kind_label: str
    recognise: str
    columns: list[Column]
    constants: list[tuple[str, str]]
    file_name: str = ""


def columns_of_document(document: dict[str, Any], run: ImportRun | None = None) -> list[FileColumns]:
    """Every layout with its columns: those of the run's files with samples, else those that it names."""
    found = []
    for index, layout in enumerate(document.get("files", [])):
        kind = KINDS.get(layout.get("kind", ""))
        if kind is None:
            continue
        file = _file_of(run, document, index) if run is not None else None
        samples = _samples(file) if file is not None else {}
        names = list(samples) or _named(layout)
        recognise = layout.get("recognise", {})
        patterns = recognise.get("name", [])
        found.append(
            FileColumns(
                index=index,
                kind_label=kind.label,
                recognise=", ".join([patterns] if isinstance(patterns, str) else patterns)
                or "by its columns",
                columns=[_column(kind.fields, layout, name, samples.get(name, [])) for name in names],
                constants=[
                    (known.label, str(spec["constant"]))
                    for known in kind.fields
                    if isinstance(spec := layout.get("fields", {}).get(known.name), dict)
                    and "constant" in spec
                ],
                file_name=file.name if file is not None else "",
            )
        )
    return found


def _named(layout: dict[str, Any]) -> list[str]:
    used = [column for spec in layout.get("fields", {}).values() for column in rules.columns_of(spec)]
    return list(dict.fromkeys([*used, *layout.get("ignored", {})]))


def _column(fields: Sequence[FieldOfKind], layout: dict[str, Any], name: str, samples: list[str]) -> Column:
    specs = layout.get("fields", {})
    goes_to = [known for known in fields if name in rules.columns_of(specs.get(known.name, {}))]
    return Column(name, samples, goes_to, _why(layout, name, [specs[known.name] for known in goes_to]))


def _why(layout: dict[str, Any], name: str, specs: Sequence[Any]) -> str:
    if not specs:
        return layout.get("ignored", {}).get(name, "not in the mapping")
    said = []
    for spec in specs:
        if not isinstance(spec, dict):
            continue
        if len(rules.columns_of(spec)) > 1:
            said.append("joined from " + " and ".join(rules.columns_of(spec)))
        if spec.get("tidy"):
            said.append("spellings tidied")
        if spec.get("values"):
            count = len(spec["values"])
            said.append(f"{count} value{'' if count == 1 else 's'} translated")
        if spec.get("by") in ("name", "email"):
            said.append({"name": "named by name", "email": "named by e-mail address"}[spec["by"]])
    return ", ".join(dict.fromkeys(said)) or "read as it stands"


def _file_of(run: ImportRun, document: dict[str, Any], index: int) -> ImportFile | None:
    """The run's file that this layout reads."""
    kind = document["files"][index].get("kind")
    patterns = document["files"][index].get("recognise", {}).get("name", [])
    for one in run.files.all():
        if one.kind == kind or one.name in patterns:
            return one
    return None


def _samples(file: ImportFile) -> dict[str, list[str]]:
    """A few values of each column: those kept by the check, else from the file itself."""
    if file.samples:
        return file.samples
    try:
        source = open_source(storage.path_of(file.stored_as), file.name, **storage.read_as(file))
        rows = [cells for _, cells in islice(source.rows(), 50)]
    except (UnreadableFiles, OSError):
        return {name: [] for name in file.header}
    found: dict[str, list[str]] = {}
    for place, name in enumerate(source.header):
        values = (str(row[place]).strip() for row in rows if place < len(row))
        found[name] = list(dict.fromkeys(value for value in values if value))[:SAMPLES]
    return found


@dataclass(frozen=True)
class Sampled:
    """A file's columns with the cells of its first rows; nothing where it cannot be opened."""

    header: list[str]
    samples: dict[str, list[str]]


def sampled(file: ImportFile) -> Sampled:
    """As much of a file as suggestions are made from."""
    try:
        source = open_source(storage.path_of(file.stored_as), file.name, **storage.read_as(file))
        rows = [cells for _, cells in islice(source.rows(), SAMPLED)]
    except (UnreadableFiles, OSError):
        return Sampled([], {})
    return Sampled(
        source.header,
        {
            name: [_as_text(row[place]) for row in rows if place < len(row)]
            for place, name in enumerate(source.header)
        },
    )


def _as_text(cell: Cell) -> str:
    return cell.isoformat(sep=" ") if isinstance(cell, datetime) else cell.strip()


def guessed_kinds(run: ImportRun) -> dict[int, str]:
    """What each file of an import probably holds, from its name, its columns and its cells."""
    found = {}
    for file in run.files.all():
        seen = sampled(file)
        found[file.position] = rules.most_like(file.name, seen.header, seen.samples)
    return found
