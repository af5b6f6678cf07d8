"""What a mapping holds, once it is checked."""

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from apps.integrations.rules.cells import Numbers
from apps.integrations.rules.kinds import Kind

FORMAT = 1
ENCODINGS = ("auto", "utf-8", "utf-16", "cp1252", "latin-1", "mac-roman", "cp437")
DELIMITERS = {"auto": "", ",": ",", ";": ";", "tab": "\t", "|": "|"}


@dataclass(frozen=True)
class Problem:
    """Where a document is wrong (``files[1].fields.stage``) and what to write instead."""

    place: str
    says: str

    def __str__(self) -> str:
        return f"{self.place}: {self.says}" if self.place else self.says


class NotAMapping(ValueError):
    """The document cannot be used; ``problems`` names each place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class FieldFrom:
    """Where a field's text comes from: columns (joined by a blank), or a constant.

    ``values`` translates spellings, compared without case; what it does not know is refused unless
    ``otherwise`` is given (``keep`` takes it as it is, anything else is put in its place).
    ``by`` says by what a person is named: ``external_id``, ``name`` or ``email``.
    """

    columns: tuple[str, ...] = ()
    constant: str | None = None
    values: AnyMapping[str, str] = field(default_factory=dict)
    otherwise: str | None = None
    tidy: bool = False
    by: str = "external_id"
    dates: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class FileLayout:
    """One kind of file of an export."""

    kind: Kind
    name_like: tuple[str, ...]
    columns_like: tuple[str, ...]
    fields: AnyMapping[str, FieldFrom]
    ignored: AnyMapping[str, str]
    encoding: str
    delimiter: str
    sheet: str

    @property
    def needed_columns(self) -> list[str]:
        """Columns without which the file is not this one."""
        wanted = [column for one in self.fields.values() if not one.optional for column in one.columns]
        return list(dict.fromkeys([*self.columns_like, *wanted]))

    @property
    def known_columns(self) -> set[str]:
        return {column for one in self.fields.values() for column in one.columns} | set(self.ignored)


@dataclass(frozen=True)
class TeamOf:
    """The team that imported reps, leads and quotas belong to; made when it is not there."""

    name: str
    currency: str
    time_zone: str


@dataclass(frozen=True)
class Mapping:
    """A whole mapping, checked."""

    name: str
    system: str
    note: str
    team: TeamOf
    dates: tuple[str, ...]
    numbers: Numbers
    empty: frozenset[str]
    as_of: date | None
    files: tuple[FileLayout, ...]

    def layout_of(self, kind: str) -> FileLayout | None:
        return next((layout for layout in self.files if layout.kind.name == kind), None)
