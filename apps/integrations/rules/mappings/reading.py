"""Parse a mapping's document, and say of each place that is wrong what to write instead."""

import json
import re
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from apps.integrations.rules.cells import Numbers
from apps.integrations.rules.kinds import KINDS, FieldOfKind, Kind, order_of
from apps.integrations.rules.mappings.document import (
    DELIMITERS,
    ENCODINGS,
    FORMAT,
    FieldFrom,
    FileLayout,
    Mapping,
    NotAMapping,
    Problem,
    TeamOf,
)


def parse_text(text: str) -> Mapping:
    """The mapping written in ``text``. Raises ``NotAMapping`` naming line and column, or each place."""
    try:
        document = json.loads(text)
    except ValueError as error:
        place = (
            f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        )
        says = getattr(error, "msg", str(error))
        raise NotAMapping([Problem(place, f"This is not JSON: {says}.")]) from None
    except RecursionError:
        raise NotAMapping([Problem("", "This is nested too deep to be a mapping.")]) from None
    return parse(document)


class _Reader:
    """Collects problems while a document is walked."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def problem(self, place: str, says: str) -> None:
        self.problems.append(Problem(place, says))

    def text(self, holder: dict, key: str, place: str, *, required: bool = False, fallback: str = "") -> str:
        value = holder.get(key, fallback)
        if not isinstance(value, str):
            self.problem(f"{place}{key}", "Write text in quotes.")
            return fallback
        if required and not value.strip():
            self.problem(f"{place}{key}", "This is missing.")
        return value

    def texts(self, holder: dict, key: str, place: str) -> tuple[str, ...]:
        value = holder.get(key, [])
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.problem(f"{place}{key}", "Write a list of texts.")
            return ()
        return tuple(value)

    def table(self, holder: dict, key: str, place: str) -> dict[str, Any]:
        value = holder.get(key, {})
        if not isinstance(value, dict):
            self.problem(f"{place}{key}", "Write an object in braces.")
            return {}
        return value

    def known(self, holder: dict, place: str, keys: Sequence[str]) -> None:
        for key in holder:
            if key not in keys:
                self.problem(
                    f"{place}{key}", f"Nothing here is called that. Known are {', '.join(sorted(keys))}."
                )

    def of(self, holder: dict, key: str, place: str, options: Sequence[str], fallback: str) -> str:
        value = holder.get(key, fallback)
        if value not in options:
            self.problem(f"{place}{key}", f"Choose one of {', '.join(options)}.")
            return fallback
        return str(value)


_TOP = (
    "format",
    "name",
    "system",
    "note",
    "encoding",
    "delimiter",
    "dates",
    "numbers",
    "empty",
    "as_of",
    "team",
)


def parse(document: Any) -> Mapping:
    """The checked mapping. Raises ``NotAMapping`` with every problem found, not only the first."""
    if not isinstance(document, dict):
        raise NotAMapping([Problem("", "A mapping is a JSON object in braces.")])
    read = _Reader()
    read.known(document, "", (*_TOP, "files"))
    if document.get("format") != FORMAT:
        read.problem("format", f"Write {FORMAT}: the only format there is.")
    name = read.text(document, "name", "", required=True).strip()
    if len(name) > 80:
        read.problem("name", "A name has 80 characters at most.")
    system = read.text(document, "system", "", required=True)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,29}", system):
        read.problem("system", "Name the source in small letters, digits and _ . -, 30 at most.")
    mapping = Mapping(
        name=name,
        system=system,
        note=read.text(document, "note", ""),
        team=_team(read, document),
        dates=_dates(read, document, ""),
        numbers=_numbers(read, document),
        empty=frozenset(one.casefold() for one in read.texts(document, "empty", "")),
        as_of=_as_of(read, document),
        files=_files(read, document),
    )
    if read.problems:
        raise NotAMapping(read.problems)
    return mapping


def _team(read: _Reader, document: dict) -> TeamOf:
    team = read.table(document, "team", "")
    read.known(team, "team.", ("name", "currency", "time_zone"))
    name = read.text(team, "name", "team.", required=True).strip()
    currency = read.text(team, "currency", "team.", required=True)
    zone = read.text(team, "time_zone", "team.", fallback="UTC")
    if currency and not re.fullmatch(r"[A-Z]{3}", currency):
        read.problem("team.currency", "Write a code of three capitals, such as USD.")
    if not is_zone(zone):
        read.problem("team.time_zone", "Write a zone's name, such as America/New_York.")
    return TeamOf(name, currency, zone)


def is_zone(name: str) -> bool:
    """Whether ``name`` is a time zone of the IANA list."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return bool(name)


def _dates(read: _Reader, holder: dict, place: str) -> tuple[str, ...]:
    formats = read.texts(holder, "dates", place)
    for index, form in enumerate(formats):
        if not re.fullmatch(r"(?:%[YymdHMSfpIbBjz]|[^%])+", form) or "%" not in form:
            read.problem(f"{place}dates[{index}]", "Write a format such as %Y-%m-%d or %d.%m.%Y %H:%M.")
    return formats


def _numbers(read: _Reader, document: dict) -> Numbers:
    numbers = read.table(document, "numbers", "")
    read.known(numbers, "numbers.", ("decimal", "thousands", "signs"))
    decimal = read.of(numbers, "decimal", "numbers.", (".", ","), ".")
    thousands = read.text(numbers, "thousands", "numbers.", fallback="," if decimal == "." else ".")
    if len(thousands) > 1 or thousands == decimal:
        read.problem("numbers.thousands", "Write one character that is not the decimal sign, or nothing.")
    signs = read.texts(numbers, "signs", "numbers.") if "signs" in numbers else Numbers().signs
    return Numbers(decimal, thousands, signs)


def _as_of(read: _Reader, document: dict) -> date | None:
    text = document.get("as_of")
    if text in (None, ""):
        return None
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        read.problem("as_of", "Write the day of the export, such as 2026-10-01, or leave it out.")
        return None


def _files(read: _Reader, document: dict) -> tuple[FileLayout, ...]:
    files = document.get("files")
    if not isinstance(files, list) or not files:
        read.problem("files", "List one file at least.")
        return ()
    found = []
    for index, one in enumerate(files):
        place = f"files[{index}]."
        if not isinstance(one, dict):
            read.problem(place[:-1], "Write an object in braces.")
            continue
        layout = _file(read, document, one, place)
        if layout is not None:
            found.append(layout)
    kinds = [layout.kind.name for layout in found]
    for kind in sorted({kind for kind in kinds if kinds.count(kind) > 1}):
        read.problem("files", f"There are two layouts of {kind}; a mapping has one.")
    return tuple(sorted(found, key=lambda layout: order_of(layout.kind.name)))


def _file(read: _Reader, document: dict, one: dict, place: str) -> FileLayout | None:
    read.known(one, place, ("kind", "recognise", "fields", "ignored", "encoding", "delimiter", "sheet"))
    kind = KINDS.get(str(one.get("kind")))
    if kind is None:
        read.problem(f"{place}kind", f"Choose one of {', '.join(KINDS)}.")
        return None
    recognise = read.table(one, "recognise", place)
    read.known(recognise, f"{place}recognise.", ("name", "columns"))
    specs = read.table(one, "fields", place)
    fields = {}
    for name, spec in specs.items():
        known = kind.field(name)
        if known is None:
            options = ", ".join(field.name for field in kind.fields)
            read.problem(f"{place}fields.{name}", f"{kind.label} have no such field. Known are {options}.")
            continue
        fields[name] = _field(read, spec, known, f"{place}fields.{name}")
    _check_whole(read, kind, fields, place)
    ignored = read.table(one, "ignored", place)
    if not all(isinstance(reason, str) for reason in ignored.values()):
        read.problem(f"{place}ignored", "Write for each column, in text, why it is left out.")
    formats = _dates(read, document, "")
    for name, spec in fields.items():
        known = kind.field(name)
        if known and known.type in ("day", "instant") and not (spec.dates or formats):
            read.problem(f"{place}fields.{name}", "Say how dates are written: list formats under dates.")
    return FileLayout(
        kind=kind,
        name_like=read.texts(recognise, "name", f"{place}recognise."),
        columns_like=read.texts(recognise, "columns", f"{place}recognise."),
        fields=fields,
        ignored={str(column): str(reason) for column, reason in ignored.items()},
        encoding=read.of({**document, **one}, "encoding", place, ENCODINGS, "auto"),
        delimiter=DELIMITERS[read.of({**document, **one}, "delimiter", place, tuple(DELIMITERS), "auto")],
        sheet=read.text(one, "sheet", place),
    )


def _check_whole(read: _Reader, kind: Kind, fields: AnyMapping[str, FieldFrom], place: str) -> None:
    for known in kind.fields:
        if known.required and known.name not in fields:
            read.problem(f"{place}fields.{known.name}", f"{kind.label} need this field. Name its column.")
    for group in kind.needs:
        if not any(all(name in fields for name in names) for names in group):
            options = " or ".join(" with ".join(names) for names in group)
            read.problem(f"{place}fields", f"{kind.label} need {options}.")


_FIELD_KEYS = (
    "column",
    "columns",
    "constant",
    "values",
    "otherwise",
    "tidy",
    "by",
    "dates",
    "optional",
)


def _field(read: _Reader, spec: Any, known: FieldOfKind, place: str) -> FieldFrom:
    if isinstance(spec, str):
        spec = {"column": spec}
    if not isinstance(spec, dict):
        read.problem(place, "Write the column's name, or an object in braces.")
        return FieldFrom()
    read.known(spec, f"{place}.", _FIELD_KEYS)
    columns = read.texts(spec, "columns", f"{place}.") or read.texts(spec, "column", f"{place}.")
    constant = read.text(spec, "constant", f"{place}.") if "constant" in spec else None
    if bool(columns) == (constant is not None):
        read.problem(place, "Name a column, or give a constant: one of the two.")
    values = read.table(spec, "values", f"{place}.")
    otherwise = read.text(spec, "otherwise", f"{place}.") if "otherwise" in spec else None
    if known.type == "choice":
        wanted = [*values.values(), *([constant] if constant else [])]
        wanted += [otherwise] if otherwise not in (None, "keep", "") else []
        for value in wanted:
            if value not in known.choices:
                read.problem(f"{place}.values", f"{value!r} is none of {', '.join(known.choices)}.")
    if known.type == "rep" and otherwise is not None and not (known.may_be_nobody and otherwise == ""):
        read.problem(f"{place}.otherwise", "A person who is not found has no stand-in here.")
    if known.type == "zone":
        for value in values.values():
            if value and not is_zone(str(value)):
                read.problem(f"{place}.values", f"{value!r} is no time zone.")
    return FieldFrom(
        columns=columns,
        constant=constant,
        values={str(text).strip().casefold(): str(value) for text, value in values.items()},
        otherwise=otherwise,
        tidy=spec.get("tidy") is True,
        by=read.of(spec, "by", f"{place}.", ("external_id", "name", "email"), "external_id"),
        dates=_dates(read, spec, f"{place}."),
        optional=spec.get("optional") is True,
    )
