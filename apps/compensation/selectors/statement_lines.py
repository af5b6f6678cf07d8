"""The lines of a statement as they stand: a component's rows page by page, its bands, adjustments by cause.

A source that was corrected within its own run is shown once, as it stands; what was posted for it is told
where the line is explained. Sorting, cutting and adding up are the database's, so that 50,000 lines cost about
what 500 do.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from django.db.models import Count, Exists, F, OuterRef, QuerySet, Sum, Window
from django.db.models.functions import Coalesce, RowNumber

from apps.compensation.models import LedgerEntry, Statement
from apps.compensation.rules import words
from apps.compensation.rules.events import WHOLE_SHARE
from apps.compensation.rules.terms import Component
from apps.core.periods import Period

LINES_SHOWN = 15
ADJUSTMENTS_SHOWN = 100
CAUSES_SHOWN = 50
_NEWEST_FIRST = (Coalesce(F("place"), 0).desc(), F("pk").desc())

Corrected = frozenset[str]
"""Keys of the components of which something was corrected within the run itself."""


def with_events() -> QuerySet[LedgerEntry]:
    """Lines with the event, lead, hand-off and opportunity that the page names."""
    return LedgerEntry.objects.select_related(
        "event__lead", "event__opportunity", "event__hand_off__ae", "event__hand_off__sdr"
    )


def own_lines(statement: Statement, rows: QuerySet[LedgerEntry] | None = None) -> QuerySet[LedgerEntry]:
    """The lines of the run's own period, all that were posted."""
    rows = LedgerEntry.objects.all() if rows is None else rows
    return rows.filter(statement=statement, starts_on=statement.run.starts_on, ends_on=statement.run.ends_on)


def standing(rows: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry]:
    """Without those that a later line of the same statement corrects."""
    later = LedgerEntry.objects.filter(
        rep=OuterRef("rep"),
        component_key=OuterRef("component_key"),
        starts_on=OuterRef("starts_on"),
        ends_on=OuterRef("ends_on"),
        source_key=OuterRef("source_key"),
        sequence__gt=OuterRef("sequence"),
        statement=OuterRef("statement"),
    )
    return rows.filter(~Exists(later))


def component_lines(
    statement: Statement, component_key: str, after: int, size: int = 200
) -> list[LedgerEntry]:
    """The lines of a component behind the ``after`` newest, as they stand. One query."""
    rows = standing(own_lines(statement, with_events()).filter(component_key=component_key))
    return list(rows.order_by(*_NEWEST_FIRST)[after : after + size])


def newest_lines(
    statement: Statement, corrected: Corrected, size: int = LINES_SHOWN
) -> dict[str, list[LedgerEntry]]:
    """The newest lines of every component, as they stand. Two queries."""
    rows = own_lines(statement)
    if corrected:
        rows = standing(rows)
    by_component = Window(RowNumber(), partition_by=F("component_key"), order_by=_NEWEST_FIRST)
    numbered = rows.annotate(number=by_component).filter(number__lte=size)
    chosen = numbered.order_by("component_key", "number").values_list("component_key", "pk")
    keys = list(chosen)
    entries = with_events().in_bulk([pk for _, pk in keys])
    found: dict[str, list[LedgerEntry]] = defaultdict(list)
    for key, pk in keys:
        found[key].append(entries[pk])
    return found


# --- Bands ----------------------------------------------------------------------------------------


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


def bands_of(
    statement: Statement, rules: Mapping[str, Component], corrected: Corrected
) -> dict[str, list[BandBox]]:
    """By component, its bands in the order of the table with what each paid. Two queries."""
    rows = own_lines(statement)
    if corrected:
        rows = standing(rows)
    boxes: dict[str, dict[tuple[str, str], BandBox]] = defaultdict(dict)

    def add(key: str, label: str, rate: str, base: Fraction, minor: int) -> None:
        box = boxes[key].setdefault((label, rate), BandBox(label, rate, is_reached=True))
        box.base += base
        box.amount_minor += minor

    plain = rows.filter(parts=[]).exclude(band="").order_by()
    grouped = plain.values_list("component_key", "band", "rate", "share").annotate(
        Sum("earned_minor"), Sum("base_minor"), Count("pk")
    )
    for key, band, rate, share, earned, base_minor, lines in grouped:
        whole = lines if _counts(rules.get(key)) else base_minor or 0
        add(key, band, rate, Fraction(whole * share, WHOLE_SHARE), earned)
    # What spans bands says itself what lay in each; mostly that is one line in an edge.
    for key, parts in rows.exclude(parts=[]).exclude(band="").values_list("component_key", "parts"):
        for label, rate, minor, base in parts:
            add(key, label, rate, Fraction(base), minor)
    return {
        key: _in_order(list(found.values()), rules.get(key), statement.currency)
        for key, found in boxes.items()
    }


def _counts(rule: Component | None) -> bool:
    return rule is not None and not rule.measure.sums_amounts


def _in_order(boxes: list[BandBox], rule: Component | None, currency: str) -> list[BandBox]:
    """All bands of the table in its order, those not reached as well; the highest reached stands out."""
    for box in boxes:
        box.base_in_words = words.decimal(box.base) if _counts(rule) else words.money(box.base, currency)
    if rule is None or rule.is_flat or not rule.shown_bands():
        return sorted(boxes, key=lambda box: (box.label, box.rate))
    shown = rule.shown_bands()
    labels = {box.label for box in boxes}
    boxes += [
        BandBox(band.label, rule.rate_in_words(band, currency)) for band in shown if band.label not in labels
    ]
    order = {band.label: place for place, band in enumerate(shown)}
    boxes.sort(key=lambda box: (order.get(box.label, -1), box.rate))
    [box for box in boxes if box.is_reached][-1].is_top = True
    return boxes


# --- Earlier periods ------------------------------------------------------------------------------


@dataclass
class AdjustedBy:
    """What one cause moved in one earlier period, with its first lines."""

    period: Period
    cause: str
    cause_event_id: int | None
    amount_minor: int
    line_count: int
    entries: list[LedgerEntry] = field(default_factory=list)

    @property
    def left_out(self) -> int:
        return self.line_count - len(self.entries)


_Cause = tuple[object, object, int | None, str]


def _earlier(statement: Statement, rows: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry]:
    return rows.filter(statement=statement).exclude(
        starts_on=statement.run.starts_on, ends_on=statement.run.ends_on
    )


def adjusted_by(statement: Statement) -> list[AdjustedBy]:
    """Lines for earlier periods by what caused them, the newest period first. Two queries.

    Sums are of all lines; the lines themselves are the first ``ADJUSTMENTS_SHOWN``.
    """
    counted = (
        _earlier(statement, LedgerEntry.objects.all())
        .order_by("-starts_on", "cause_event_id", "cause")
        .values_list("starts_on", "ends_on", "cause_event_id", "cause")
        .annotate(Sum("amount_minor"), Count("pk"))
    )
    groups: dict[_Cause, AdjustedBy] = {}
    for starts_on, ends_on, event_id, cause, amount, lines in counted:
        key = _cause_key(starts_on, ends_on, event_id, cause)
        group = groups.setdefault(key, AdjustedBy(Period(starts_on, ends_on), cause, event_id, 0, 0))
        # Of one event: what it did itself says more than what moved along with it.
        if not cause.startswith("Moved"):
            group.cause = cause
        group.amount_minor += amount
        group.line_count += lines
    if groups:
        first = _earlier(statement, with_events()).order_by("-starts_on", "pk")[:ADJUSTMENTS_SHOWN]
        for entry in first:
            key = _cause_key(entry.starts_on, entry.ends_on, entry.cause_event_id, entry.cause)
            groups[key].entries.append(entry)
    return list(groups.values())


def _cause_key(starts_on: object, ends_on: object, event_id: int | None, cause: str) -> _Cause:
    return (starts_on, ends_on, event_id, cause if event_id is None else "")
