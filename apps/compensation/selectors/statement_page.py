"""A statement as its page shows it: components with bands and lines, adjustments by cause, the period before.

A source that was corrected within its own run is shown once, as it stands; what was posted for it is told
where the line is explained.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from django.db.models import QuerySet, Sum

from apps.compensation.models import LedgerEntry, PlanVersion, Statement
from apps.compensation.rules import words
from apps.compensation.rules.earn import WHOLE_SHARE
from apps.compensation.rules.rates import Grid
from apps.compensation.rules.terms import Component
from apps.core.periods import Period

LINES_SHOWN = 15
ADJUSTMENTS_SHOWN = 100


@dataclass
class BandBox:
    """One band of a component: what lay in it, at which rate, and what it paid, in minor units."""

    label: str
    rate: str
    base: Fraction = Fraction(0)
    amount_minor: int = 0
    base_in_words: str = ""
    is_reached: bool = False
    is_top: bool = False


@dataclass
class ShownComponent:
    """A component of the statement: its rule, bands, and the newest lines."""

    key: str
    name: str
    rule: str = ""
    amount_minor: int = 0
    line_count: int = 0
    bands: list[BandBox] = field(default_factory=list)
    lines: list[LedgerEntry] = field(default_factory=list)

    @property
    def more(self) -> int:
        return self.line_count - len(self.lines)

    @property
    def next_after(self) -> int:
        """Where the lines that are not shown begin; 0 when all are."""
        return len(self.lines) if self.more else 0

    @property
    def is_banded(self) -> bool:
        return len(self.bands) > 1 or any(band.label != "flat" for band in self.bands)


@dataclass
class AdjustedBy:
    """What one cause moved in one earlier period."""

    period: Period
    cause: str
    cause_event_id: int | None
    amount_minor: int = 0
    entries: list[LedgerEntry] = field(default_factory=list)


@dataclass(frozen=True)
class Compared:
    """A component now and in the statement before, in minor units."""

    name: str
    now_minor: int
    before_minor: int

    @property
    def change_minor(self) -> int:
        return self.now_minor - self.before_minor


@dataclass(frozen=True)
class StatementPage:
    statement: Statement
    components: list[ShownComponent]
    adjustments: list[AdjustedBy]
    adjustments_left_out: int
    previous: Statement | None
    compared: list[Compared]
    steps: list[tuple[str, int]]
    sentence: str


def statement_page(statement: Statement) -> StatementPage:
    """Everything the page shows, in a fixed number of queries however many lines there are."""
    components = _components(statement)
    adjustments, left_out = _adjustments(statement)
    previous = previous_statement(statement)
    return StatementPage(
        statement=statement,
        components=components,
        adjustments=adjustments,
        adjustments_left_out=left_out,
        previous=previous,
        compared=_compared(components, previous),
        steps=[("Earned", statement.earned_minor), ("Adjustments", statement.adjustments_minor)],
        sentence=_sentence(statement),
    )


def _sentence(statement: Statement) -> str:
    currency = statement.currency
    earned = f"Earned {words.money(statement.earned_minor, currency)}"
    if statement.adjustments_minor:
        taken = "taken off" if statement.adjustments_minor < 0 else "added"
        earned += (
            f"; {words.money(abs(statement.adjustments_minor), currency)} was {taken} for earlier periods"
        )
    return f"{earned}; payable {words.money(statement.payable_minor, currency)}."


def previous_statement(statement: Statement) -> Statement | None:
    """The rep's statement before this one, in the same currency."""
    return (
        Statement.objects.filter(
            rep_id=statement.rep_id, currency=statement.currency, run__starts_on__lt=statement.run.starts_on
        )
        .select_related("run")
        .order_by("-run__starts_on")
        .first()
    )


# --- Earned ---------------------------------------------------------------------------------------


def _own_period(statement: Statement) -> dict[str, object]:
    return {"statement": statement, "starts_on": statement.run.starts_on, "ends_on": statement.run.ends_on}


def _components(statement: Statement) -> list[ShownComponent]:
    rows = (
        LedgerEntry.objects.filter(**_own_period(statement))
        .order_by("pk")
        .values_list(
            "component_key",
            "source_key",
            "pk",
            "component_name",
            "plan_version_id",
            "earned_minor",
            "band",
            "rate",
            "parts",
            "base_minor",
            "share",
            "place",
        )
    )
    # The newest line of a source says how it stands.
    standing = {(row[0], row[1]): row for row in rows}
    version_ids: set[int | None] = {row[4] for row in standing.values()}
    rules = _rules_of(version_ids | {statement.plan_version_id})
    shown: dict[str, ShownComponent] = {}
    for component in _in_plan_order(statement, rules):
        shown[component.key] = ShownComponent(component.key, component.name, component.rule_in_words)
    for row in standing.values():
        key, name, version_id = row[0], row[3], row[4]
        rule = rules[version_id].get(key)
        if key not in shown:
            shown[key] = ShownComponent(key, name, rule.rule_in_words if rule else "")
        _add(shown[key], row, rule, statement.currency)
    for component in _in_plan_order(statement, rules):
        _complete_bands(shown[component.key], component, statement.currency)
    _pick_lines(shown, list(standing.values()))
    return [component for component in shown.values() if component.line_count] or list(shown.values())


def _rules_of(version_ids: set[int | None]) -> dict[int, dict[str, Component]]:
    versions = PlanVersion.objects.in_bulk([pk for pk in version_ids if pk is not None])
    return {pk: {one.key: one for one in version.rules.components} for pk, version in versions.items()}


def _in_plan_order(statement: Statement, rules: dict[int, dict[str, Component]]) -> list[Component]:
    return list(rules[statement.plan_version_id].values()) if statement.plan_version_id else []


def _add(shown: ShownComponent, row: tuple, component: Component | None, currency: str) -> None:
    earned, band, rate, parts, base_minor, share = row[5:11]
    shown.line_count += 1
    shown.amount_minor += earned
    counted = component is not None and not component.measure.sums_amounts
    base = Fraction(share if counted else (base_minor or 0) * share, WHOLE_SHARE)
    if not band:
        return  # taken back: it lies in no band
    for label, at_rate, minor, part_base in parts or [[band, rate, earned, base]]:
        box = next((one for one in shown.bands if (one.label, one.rate) == (label, at_rate)), None)
        if box is None:
            box = BandBox(label, at_rate)
            shown.bands.append(box)
        box.base += Fraction(part_base)
        box.amount_minor += minor
        box.is_reached = True
        box.base_in_words = words.decimal(box.base) if counted else words.money(box.base, currency)


def _complete_bands(shown: ShownComponent, component: Component, currency: str) -> None:
    """All bands of the table in its order, those not reached as well; the highest reached stands out."""
    if not shown.bands or component.is_flat or not component.shown_bands():
        return
    labels = {box.label for box in shown.bands}
    for band in component.shown_bands():
        if band.label not in labels:
            shown.bands.append(BandBox(band.label, component.rate_in_words(band, currency)))
    order = {band.label: place for place, band in enumerate(component.shown_bands())}
    shown.bands.sort(key=lambda box: order.get(box.label, -1))
    [box for box in shown.bands if box.is_reached][-1].is_top = True


def _pick_lines(shown: dict[str, ShownComponent], standing: list[tuple]) -> None:
    """The newest lines of each component, as rows with what the list says of them. One query."""
    chosen: dict[str, list[int]] = defaultdict(list)
    for row in sorted(standing, key=lambda row: (row[11] or 0, row[2]), reverse=True):
        if len(chosen[row[0]]) < LINES_SHOWN:
            chosen[row[0]].append(row[2])
    entries = with_events().in_bulk([pk for pks in chosen.values() for pk in pks])
    for key, pks in chosen.items():
        shown[key].lines = [entries[pk] for pk in pks]


def with_events() -> QuerySet[LedgerEntry]:
    """Lines with the event, lead, hand-off and opportunity that the page names."""
    return LedgerEntry.objects.select_related(
        "event__lead", "event__opportunity", "event__hand_off__ae", "event__hand_off__sdr"
    )


def component_lines(
    statement: Statement, component_key: str, after: int, size: int = 200
) -> list[LedgerEntry]:
    """The lines of a component behind the ``after`` newest, as they stand."""
    rows = (
        LedgerEntry.objects.filter(**_own_period(statement), component_key=component_key)
        .order_by("pk")
        .values_list("source_key", "pk", "place")
    )
    standing = {row[0]: row for row in rows}
    ordered = sorted(standing.values(), key=lambda row: (row[2] or 0, row[1]), reverse=True)
    pks = [row[1] for row in ordered[after : after + size]]
    entries = with_events().in_bulk(pks)
    return [entries[pk] for pk in pks]


# --- Adjustments, comparison ----------------------------------------------------------------------


def _adjustments(statement: Statement) -> tuple[list[AdjustedBy], int]:
    """Lines for earlier periods, by what caused them; the number that the page leaves out."""
    earlier = (
        with_events()
        .filter(statement=statement)
        .exclude(starts_on=statement.run.starts_on, ends_on=statement.run.ends_on)
        .order_by("-starts_on", "pk")
    )
    entries = list(earlier[: ADJUSTMENTS_SHOWN + 1])
    left_out = 0
    if len(entries) > ADJUSTMENTS_SHOWN:
        left_out = earlier.count() - ADJUSTMENTS_SHOWN
        entries = entries[:ADJUSTMENTS_SHOWN]
    groups: dict[tuple, AdjustedBy] = {}
    for entry in entries:
        own = entry.cause if entry.cause_event_id is None else ""
        key = (entry.starts_on, entry.ends_on, entry.cause_event_id, own)
        group = groups.setdefault(
            key, AdjustedBy(Period(entry.starts_on, entry.ends_on), entry.cause, entry.cause_event_id)
        )
        if not entry.cause.startswith("Moved"):
            group.cause = entry.cause
        group.amount_minor += entry.amount_minor
        group.entries.append(entry)
    return list(groups.values()), left_out


def _compared(components: list[ShownComponent], previous: Statement | None) -> list[Compared]:
    if previous is None:
        return []
    before = {
        row["component_key"]: (row["component_name"], row["total"])
        for row in LedgerEntry.objects.filter(**_own_period(previous))
        .order_by()
        .values("component_key", "component_name")
        .annotate(total=Sum("amount_minor"))
    }
    now = {component.key: component for component in components}
    names = {key: one.name for key, one in now.items()} | {key: row[0] for key, row in before.items()}
    return [
        Compared(name, now[key].amount_minor if key in now else 0, before[key][1] if key in before else 0)
        for key, name in names.items()
    ]


# --- One line explained ---------------------------------------------------------------------------


@dataclass(frozen=True)
class ExplainedLine:
    """A line with its arithmetic, its rule, and everything posted for the same source."""

    entry: LedgerEntry
    component: Component | None
    words: str
    rounding: str
    credit: str
    postings: list[LedgerEntry]
    occurred_at: datetime | None


def explain(entry: LedgerEntry) -> ExplainedLine:
    """Why a line is what it is. Three queries, whatever the statement's length."""
    component = entry.plan_version.rules.component(entry.component_key)
    postings = list(
        LedgerEntry.objects.filter(
            rep_id=entry.rep_id,
            component_key=entry.component_key,
            starts_on=entry.starts_on,
            ends_on=entry.ends_on,
            source_key=entry.source_key,
        )
        .select_related("run")
        .order_by("sequence")
    )
    return ExplainedLine(
        entry=entry,
        component=component,
        words=_in_words(entry, component),
        rounding=_rounding(entry),
        credit=words.credit(Fraction(entry.share, WHOLE_SHARE)),
        postings=postings,
        occurred_at=entry.event.occurred_at if entry.event else None,
    )


def _in_words(entry: LedgerEntry, component: Component | None) -> str:
    period = Period(entry.starts_on, entry.ends_on).name
    if not entry.band:
        return _without_band(entry, period)
    if component is None or entry.place is None:
        return f"Earned in {period}."
    nth = f"Number {entry.place} of {period} in “{component.name}”."
    if component.is_flat:
        return f"{nth} All of it pays {entry.rate}."
    if isinstance(component.rates, Grid):
        return f"{nth} It lies in the cell {entry.band}, which pays {entry.rate}."
    if component.rates.method == "whole":
        return (
            f"{nth} The total of the period reached the band {entry.band}, whose rate applies to everything."
        )
    if entry.parts:
        return f"{nth} It passes from one band into another, and each part is paid at its band’s own rate."
    return (
        f"{nth} It lies in the band {entry.band}, which pays {entry.rate}; bands below keep their own rates."
    )


_OF_A_KIND = {
    "holdback": "Earned in {period}, and held back until it is released.",
    "release": "Held back before, and released in {period}.",
    "draw_advance": "Advanced for {period}: what was earned is below the draw.",
    "draw_recovery": "Taken back in {period} of the draw that is owed.",
    "draw_forgiveness": "What was owed of the draw is given up in {period}.",
}


def _without_band(entry: LedgerEntry, period: str) -> str:
    if said := _OF_A_KIND.get(entry.kind):
        return said.format(period=period)
    if entry.source_key.partition("@")[0] in ("cap", "floor"):
        return f"The {entry.source_key.partition('@')[0]} of {period}."
    if entry.earned_minor:
        return f"Corrected for {period}."
    return f"This counted in {period} and counts no more, so what was posted for it is taken back."


def _rounding(entry: LedgerEntry) -> str:
    exact = Fraction(entry.exact)
    if exact.denominator == 1:
        return "Half up to the minor unit, once, on this line: nothing to round"
    return (
        f"Half up to the minor unit, once, on this line: {words.money(exact, entry.currency)} "
        f"is {words.money(entry.earned_minor, entry.currency)}"
    )
