"""What a statement opens, moves and closes of a draw that is owed and of pay that is held back.

The rows of a balance sum to its closing figure. Balances are those of the rep in the statement's currency, by what
was posted up to its run.
"""

from dataclasses import dataclass
from datetime import date

from django.db.models import Q, Sum

from apps.compensation.models import EntryKind, LedgerEntry, Statement
from apps.compensation.rules.draws import KEY as DRAW
from apps.compensation.selectors.balances import DrawLine, owed

_DRAWN: dict[str, str] = {
    EntryKind.DRAW_ADVANCE: "Advanced with this statement",
    EntryKind.DRAW_RECOVERY: "Taken back from this pay",
}
CORRECTED, IN_ADVANCE, FORGIVEN = "Corrected for earlier periods", "Paid by payroll in advance", "Given up"


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """One move of a balance, in minor units."""

    word: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Balance:
    """``opening`` plus the rows is ``closing``; minor units of ``currency``."""

    title: str
    opening_word: str
    opening_minor: int
    rows: tuple[BalanceRow, ...]
    closing_word: str
    currency: str

    @property
    def moved_minor(self) -> int:
        return sum(row.amount_minor for row in self.rows)

    @property
    def closing_minor(self) -> int:
        return self.opening_minor + self.moved_minor


def balances_of(statement: Statement) -> list[Balance]:
    """The balances that the statement opens with or moves. Two or three queries."""
    return [one for one in (_held(statement), _owed(statement)) if one is not None]


# --- Held back ------------------------------------------------------------------------------------


def _held(statement: Statement) -> Balance | None:
    of_rep = LedgerEntry.objects.filter(rep=statement.rep_id)
    # The index of what is held back says at once that there is nothing.
    if not of_rep.filter(kind=EntryKind.HOLDBACK).exists():
        return None
    held, released = Q(source_key__startswith="holdback:"), Q(source_key__startswith="release:")
    run = statement.run
    before, now = Q(run__starts_on__lt=run.starts_on), Q(statement=statement)
    sums = of_rep.filter(held | released, before | now, currency=statement.currency).aggregate(
        opening=Sum("amount_minor", filter=before, default=0),
        held=Sum("amount_minor", filter=now & held, default=0),
        released=Sum("amount_minor", filter=now & released, default=0),
    )
    if not any(sums.values()):
        return None
    rows = (BalanceRow("Held back now", -sums["held"]), BalanceRow("Released", -sums["released"]))
    return Balance(
        "Held back",
        "Held before",
        -sums["opening"],
        tuple(row for row in rows if row.amount_minor),
        "Still held for you",
        statement.currency,
    )


# --- Draw -----------------------------------------------------------------------------------------


def _owed(statement: Statement) -> Balance | None:
    run = statement.run
    rows = list(
        LedgerEntry.objects.filter(
            Q(source_key__in=("draw", "draw:forgiven")) | Q(source_key__startswith="draw@"),
            Q(run__starts_on__lt=run.starts_on) | Q(statement=statement),
            rep=statement.rep_id,
            component_key=DRAW,
            currency=statement.currency,
        )
        .order_by("pk")
        .values_list(
            "statement_id", "kind", "starts_on", "ends_on", "source_key", "amount_minor", "base_minor"
        )
    )
    if not rows:
        return None
    forgiven_on = _forgiven_on(statement)
    earlier = [_draw_line(row) for row in rows if row[0] != statement.pk]
    everything = [_draw_line(row) for row in rows]
    opening = owed(earlier, run.starts_on, forgiven_on)
    closing = owed(everything, run.ends_on, forgiven_on)
    moves: dict[str, int] = {}
    for row in rows:
        if row[0] == statement.pk:
            word = _DRAWN.get(row[1], CORRECTED)
            moves[word] = moves.get(word, 0) + row[5]
    own = [one for one in everything if (one.starts_on, one.ends_on) == (run.starts_on, run.ends_on)]
    # A correction says the advance once more; the last line of a source says it as it stands.
    moves[IN_ADVANCE] = sum({one.source: one.in_advance_minor for one in own}.values())
    moves[FORGIVEN] = closing - opening - sum(moves.values())
    found = tuple(BalanceRow(word, amount) for word, amount in moves.items() if amount)
    if not opening and not found:
        return None
    return Balance("Draw", "Owed before", opening, found, "Owed after", statement.currency)


def _draw_line(row: tuple) -> DrawLine:
    return DrawLine(row[2], row[3], row[4], row[5], row[6] or 0)


def _forgiven_on(statement: Statement) -> date | None:
    draw = statement.plan_version.rules.draw if statement.plan_version else None
    return draw.forgiven_on if draw else None
