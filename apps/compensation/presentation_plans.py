"""What the designer of plans is made of: cells, rows and sections, and the words of the choices. No queries."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.compensation.rules.conditions import FIGURE
from apps.compensation.rules.sheet import number_of
from apps.compensation.rules.terms import (
    NUMBER_FIELDS,
    TEXT_FIELDS,
    YES_NO_FIELDS,
)

Choices = Sequence[tuple[str, str]]


def slug(place: str) -> str:
    """A place as the id of an element."""
    return "at-" + re.sub(r"[^a-z0-9_]+", "-", place.lower()).strip("-")


@dataclass
class Problem:
    """A sentence about a cell or section, with buttons that would mend it: (words, place, text)."""

    at: str
    says: str
    mends: Sequence[tuple[str, str, str]] = ()


@dataclass
class Cell:
    """One field of the document; ``was`` is what the version compared with says there."""

    place: str
    label: str
    value: str = ""
    choices: Choices = ()
    kind: str = "text"
    hint: str = ""
    affix: str = ""
    after: str = ""
    only_if: str = ""
    listed: str = ""
    problems: list[Problem] = field(default_factory=list)

    @property
    def id(self) -> str:
        return slug(self.place)

    @property
    def is_picked_day(self) -> bool:
        """Whether a calendar can show it; what is no day stays as it was typed."""
        return self.kind == "day" and re.fullmatch(r"(\d{4}-\d{2}-\d{2})?", self.value) is not None


@dataclass
class Row:
    """Cells that belong together in a list, and what can be done to the row."""

    place: str
    word: str
    cells: list[Cell]
    is_first: bool = False
    is_last: bool = False
    was: str = ""
    change: str = ""
    problems: list[Problem] = field(default_factory=list)

    @property
    def id(self) -> str:
        return slug(self.place)


@dataclass
class Section:
    """A part of a component. ``adds`` are (act, words); ``drop`` takes the whole part away."""

    place: str
    title: str
    kind: str = "fields"
    note: str = ""
    cells: list[Cell] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    adds: list[tuple[str, str]] = field(default_factory=list)
    drop: str = ""
    problems: list[Problem] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return slug(self.place or "plan")


def named(values: Sequence[str], names: Mapping[str, str] | None = None) -> Choices:
    return [(one, (names or {}).get(one, one.replace("_", " "))) for one in values]


YES_NO: Choices = (("no", "no"), ("yes", "yes"))
ROLE_NAMES = {
    "sdr": "SDR", "ae": "Account executive", "am": "Account manager", "csm": "Customer success manager",
    "manager": "Manager",
}  # fmt: skip
SCOPE_NAMES = {
    "own": "the rep’s own", "team": "everybody’s in the team", "team_pool": "a pool of the team",
    "managed": "those managed (override)",
}  # fmt: skip
BASIS_NAMES = {
    "run": "each payout run", "month": "a month", "quarter": "a quarter", "year": "a year",
    "quarter_to_date": "the quarter to date", "year_to_date": "the year to date",
}  # fmt: skip
PAYS_NAMES = {
    "per_unit": "money for each unit", "percent_of_amount": "percent of the amount",
    "percent_of_target": "percent of a target incentive", "target_by_band": "target incentive by band",
}  # fmt: skip
BANDS_IN: Choices = (("units", "the measure’s own units"), ("percent_of_quota", "percent of the quota"))
FACTOR_ON: Choices = (("graduated", "what lies in it"), ("whole", "everything"))
METHODS: Choices = (("graduated", "Graduated"), ("whole", "Whole"), ("grid", "Grid"))
METHOD_SAYS = {
    "graduated": "Each band at its own rate. A value on an edge belongs to the higher band.",
    "whole": "The rate of the band that the total reaches, on everything. An edge belongs to the higher band.",
    "grid": "Each event takes the rate of its cell. A side goes by amount, total, attainment or figure:NAME.",
}
CONDITION_FIELDS = (*NUMBER_FIELDS, *TEXT_FIELDS, *YES_NO_FIELDS)
AXES = ("amount", "total", "attainment", "figure:margin_percent")
OTHER_CURRENCIES: Choices = (
    ("", "as usual"), ("refused", "stop the run"), ("own", "pay in their own"),
    ("event_day", "convert at the event’s day"), ("month_end", "convert at the month’s end"),
)  # fmt: skip

OPTIONAL_PARTS: dict[str, tuple[str, Any]] = {
    "quota": ("Quota", {"measure": "amount_won", "of": "rep"}),
    "split": ("Split", {"sourced": "15", "owned": "85"}),
    "threshold": ("Threshold", {"at": "50", "in": "units", "pays": "everything"}),
    "holdback": ("Holdback", {"percent": "20", "releases": [{"on": "paid", "percent": "100"}]}),
    "clawback": ("Clawback", {"within_days": "180", "method": "pro_rata"}),
    "bonus": ("SPIFF", {"from": "", "to": "", "budget": ""}),
    "measure.term": ("Several years", {"figure": "term_years", "years": "1"}),
}
DRAW = {"name": "Monthly draw", "amount": "2000.00", "recoverable": "yes", "paid": "with_the_run"}


def condition_fields() -> list[str]:
    """What a condition can be about, for the list below the field."""
    return [*CONDITION_FIELDS, f"{FIGURE}margin"]


def rate_change(compared: list[Any], number: int, typed: str) -> tuple[str, str]:
    """What the band of the same number paid before, and the change in words."""
    old = (
        compared[number].get("rate")
        if number < len(compared) and isinstance(compared[number], dict)
        else None
    )
    if old is None:
        return "–", "new"
    before, now = number_of(old), number_of(typed)
    if before is None or now is None:
        return str(old), ""
    if before == now:
        return str(old), "same"
    gap = now - before
    places = max(len(str(one).partition(".")[2]) for one in (old, typed.strip()))
    size = f"{abs(gap) * 10**places // 1}".rjust(places + 1, "0")
    figure = f"{size[:-places]}.{size[-places:]}" if places else size
    return str(old), f"{'+' if gap > 0 else '−'} {figure}"
