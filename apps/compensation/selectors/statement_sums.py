"""The sums of a statement, made by the database: by component, period and what kind of move it is.

A statement may have 50,000 lines; what its page, its PDF and the API say of it as a whole is made of one grouped
query. Lines themselves are ``selectors.statement_lines``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Case, Count, F, Max, Q, Sum, Value, When

from apps.compensation.models import EntryKind, LedgerEntry, Statement
from apps.compensation.rules import words
from apps.compensation.rules.conversion import KEY as CONVERSION
from apps.compensation.rules.draws import KEY as DRAW
from apps.core.periods import Period


class Move(StrEnum):
    """What a line does between earned and paid. In the order in which a statement tells it."""

    EARNED = "earned"
    ADJUSTMENT = "adjustment"
    CLAWBACK = "clawback"
    HOLDBACK = "holdback"
    RELEASE = "release"
    DRAW = "draw"
    CONVERSION = "conversion"

    @property
    def in_words(self) -> str:
        return _WORDS[self]


_WORDS = {
    Move.EARNED: "Earned",
    Move.ADJUSTMENT: "Adjustments",
    Move.CLAWBACK: "Clawbacks",
    Move.HOLDBACK: "Held back",
    Move.RELEASE: "Released",
    Move.DRAW: "Draw",
    Move.CONVERSION: "Conversion",
}
MOVE = Case(
    When(component_key=CONVERSION, then=Value(Move.CONVERSION.value)),
    When(component_key=DRAW, then=Value(Move.DRAW.value)),
    When(source_key__startswith="holdback:", then=Value(Move.HOLDBACK.value)),
    When(source_key__startswith="release:", then=Value(Move.RELEASE.value)),
    When(kind=EntryKind.CLAWBACK, then=Value(Move.CLAWBACK.value)),
    When(
        starts_on=F("statement__run__starts_on"),
        ends_on=F("statement__run__ends_on"),
        then=Value(Move.EARNED.value),
    ),
    default=Value(Move.ADJUSTMENT.value),
)
"""The move of a ledger line. What is corrected of a draw or of held pay belongs to that, whatever its period."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What one component moved in one way and one period, in minor units of the statement's currency."""

    statement_id: int
    component_key: str
    component_name: str
    period: Period
    move: Move
    amount_minor: int
    lines: int
    sources: int
    """How many sources have their first line here; fewer than lines where some were corrected in the run itself."""


def sums_of(statements: Iterable[Statement]) -> list[Sums]:
    """The sums of ``statements``, by component and period. One query, whatever the number of lines."""
    rows = (
        LedgerEntry.objects.filter(statement__in=[one.pk for one in statements])
        .order_by()
        .values("statement_id", "component_key", "starts_on", "ends_on", move=MOVE)
        .annotate(
            name=Max("component_name"),
            amount=Sum("amount_minor"),
            lines=Count("pk"),
            sources=Count("pk", filter=Q(sequence=1)),
        )
    )
    return [
        Sums(
            row["statement_id"],
            row["component_key"],
            row["name"],
            Period(row["starts_on"], row["ends_on"]),
            Move(row["move"]),
            row["amount"],
            row["lines"],
            row["sources"],
        )
        for row in rows
    ]


# --- From earned to paid --------------------------------------------------------------------------


def steps_of(sums: Iterable[Sums]) -> list[tuple[str, int]]:
    """The waterfall's steps: word and amount in minor units, what was earned first, nothing that is zero.

    They are a partition of the statement's lines, so that they sum to what is payable.
    """
    amounts = dict.fromkeys(Move, 0)
    for one in sums:
        amounts[one.move] += one.amount_minor
    return [(move.in_words, amount) for move, amount in amounts.items() if amount or move is Move.EARNED]


def sentence_of(steps: list[tuple[str, int]], currency: str) -> str:
    """``Earned €2,498.35; held back − €28.40, draw − €260.00; payable €2,209.95.``"""
    (first, earned), *others = steps
    said = f"{first} {words.money(earned, currency)}; "
    if others:
        said += ", ".join(f"{word.lower()} {_signed(amount, currency)}" for word, amount in others) + "; "
    return said + f"payable {words.money(sum(amount for _, amount in steps), currency)}."


def _signed(amount: int, currency: str) -> str:
    return f"+ {words.money(amount, currency)}" if amount > 0 else words.money(amount, currency)


# --- Against the period before --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compared:
    """A component of the own period now and in the statement before, in minor units."""

    name: str
    now_minor: int
    before_minor: int

    @property
    def change_minor(self) -> int:
        return self.now_minor - self.before_minor


EARLIER = "Adjustments of earlier periods"


def compared(
    now: Iterable[Sums], own: Period, before: Iterable[Sums], previous: Period, order: Sequence[str] = ()
) -> list[Compared]:
    """Component by component, then the adjustments; the rows sum to the difference of what is payable.

    ``order`` are the components' keys as the statement shows them; those that it no longer has come after them.
    """
    names: dict[str, str] = {}
    sides: list[dict[str, int]] = []
    for rows, period in ((now, own), (before, previous)):
        side: dict[str, int] = {}
        for one in rows:
            key = one.component_key if one.period == period else ""
            names.setdefault(key, one.component_name if key else EARLIER)
            side[key] = side.get(key, 0) + one.amount_minor
        sides.append(side)
    place = {key: at for at, key in enumerate(order)}
    ordered = sorted(names, key=lambda key: (key == "", place.get(key, len(place)), names[key], key))
    return [Compared(names[key], sides[0].get(key, 0), sides[1].get(key, 0)) for key in ordered]


def in_words(rows: list[Compared], previous: str, currency: str) -> str:
    """``€120.00 more than in September 2026, most of it from Accepted meetings (+ €90.00).``"""
    change = sum(row.change_minor for row in rows)
    if not change:
        return f"As much as in {previous}."
    than = "more" if change > 0 else "less"
    said = f"{words.money(abs(change), currency)} {than} than in {previous}"
    alike = [row for row in rows if row.change_minor * change > 0]
    most = max(alike, key=lambda row: abs(row.change_minor))
    return f"{said}, first of all {most.name} ({_signed(most.change_minor, currency)})."


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
