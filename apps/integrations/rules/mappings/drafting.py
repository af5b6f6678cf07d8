"""Begin a mapping from columns that nobody mapped yet, and change one column by column."""

import json
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from apps.integrations.rules.kinds import Kind
from apps.integrations.rules.mappings.document import FORMAT
from apps.integrations.rules.mappings.suggesting import Samples, dated_today, numbers_in, suggested


@dataclass(frozen=True)
class Unmapped:
    """A file that no mapping knows: its name, what it holds, its columns, some cells of each, how it is read."""

    name: str
    kind: Kind
    header: Sequence[str]
    samples: Samples = field(default_factory=dict)
    encoding: str = ""
    delimiter: str = ""


def starter(
    *, name: str, system: str, files: Sequence[Unmapped], currency: str, zone: str, today: date
) -> dict[str, Any]:
    """A document to begin with, for files that no mapping knows."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "name": name,
        "system": system,
        "note": "",
        "dates": ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"],
        "team": {"name": "Imported team", "currency": currency, "time_zone": zone},
        "files": [_layout(one, today) for one in files],
    }
    numbers = [found for one in files if (found := numbers_in(one.samples))]
    return document | ({"numbers": numbers[0]} if numbers else {})


def _layout(file: Unmapped, today: date) -> dict[str, Any]:
    fields = suggested(file.kind, file.header, file.samples)
    if file.kind.name == "leads" and "created" not in fields:
        fields["created"] = dated_today(today)
    layout = {"kind": file.kind.name, "recognise": {"name": [file.name]}, "fields": fields, "ignored": {}}
    read_as = {"encoding": file.encoding, "delimiter": file.delimiter}
    return layout | {key: value for key, value in read_as.items() if value}


def columns_of(spec: Any) -> list[str]:
    """The columns that a field's spec names, however it is written."""
    if isinstance(spec, str):
        return [spec]
    if not isinstance(spec, dict):
        return []
    listed = spec.get("columns") or spec.get("column") or []
    return [listed] if isinstance(listed, str) else [one for one in listed if isinstance(one, str)]


def with_choices(document: dict[str, Any], index: int, choices: AnyMapping[str, str]) -> dict[str, Any]:
    """The document with file ``index`` changed: each column goes to the chosen field ("" leaves it out).

    A field that keeps its column keeps how it is read (translations, dates); a column chosen anew is read
    plainly. Columns that several fields share, or that are joined, stay as they are unless chosen away.
    """
    changed = json.loads(json.dumps(document))
    layout = changed["files"][index]
    fields: dict[str, Any] = layout.setdefault("fields", {})
    ignored: dict[str, str] = layout.setdefault("ignored", {})
    for column, wanted in choices.items():
        present = [name for name, spec in fields.items() if column in columns_of(spec)]
        if wanted in present or (not wanted and not present):
            continue
        for name in present:
            rest = [one for one in columns_of(fields[name]) if one != column]
            if rest:
                kept = fields[name] if isinstance(fields[name], dict) else {}
                fields[name] = {**{key: kept[key] for key in kept if key != "column"}, "columns": rest}
            else:
                del fields[name]
        if wanted:
            ignored.pop(column, None)
            fields[wanted] = column
        else:
            ignored.setdefault(column, "Left out.")
    return changed
