"""A statement as CSV: every line as posted, so that the amounts sum to what is payable.

The layout is documented in ``docs/statements.md`` and is stable: columns are added at the end only. Rows come from
the database as plain values and go straight to the file, since a statement may have 50,000 lines.
"""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from apps.compensation.models import LedgerEntry, Statement
from apps.compensation.selectors.statement_sums import MOVE
from apps.core.money import exponent
from apps.core.spreadsheets import spreadsheet_text

COLUMNS = (
    "Run", "Fingerprint", "Period", "Component", "Component name", "Kind", "Event", "Date", "Plan version",
    "Band", "Rate", "Arithmetic", "Cause", "Currency", "Amount",
    "Line", "Move", "What", "Hand-off", "Number in period", "Credit in millionths", "Earned in all", "Source",
)  # fmt: skip
_READ = (
    "starts_on", "ends_on", "component_key", "component_name", "kind", "event_id", "event__occurred_at",
    "plan_version__number", "band", "rate", "formula", "cause", "currency", "amount_minor", "pk", "move",
    "event__opportunity__name", "event__lead__company", "event__hand_off_id", "place", "share", "earned_minor",
    "source_key",
)  # fmt: skip


def write_statement(path: Path, *, statement: Statement) -> None:
    """Write every line of ``statement`` to ``path``. Amounts are in major units with a point. One query."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(_rows(statement))


def _rows(statement: Statement) -> Iterator[tuple]:
    text, major = spreadsheet_text, major_of(statement.currency)
    head = (text(statement.run.code), statement.run.fingerprint)
    for (
        starts_on, ends_on, key, name, kind, event_id, occurred_at, version, band, rate, formula, cause, currency,
        amount, pk, move, opportunity, company, hand_off, place, share, earned, source,
    ) in raw_lines(statement):  # fmt: skip
        yield (
            *head,
            f"{starts_on}..{ends_on}",
            text(key),
            text(name),
            kind,
            event_id or "",
            occurred_at.isoformat() if occurred_at else "",
            version,
            text(band),
            text(rate),
            text(formula),
            text(cause),
            currency,
            major(amount),
            pk,
            move,
            text(opportunity or company or ""),
            hand_off or "",
            place or "",
            share,
            major(earned),
            text(source),
        )


def raw_lines(statement: Statement) -> Iterator[tuple[Any, ...]]:
    """Every line as posted, its columns as the database has them, in the order of ``_READ``."""
    lines = LedgerEntry.objects.filter(statement=statement).order_by("pk").annotate(move=MOVE)
    return lines.values_list(*_READ).iterator(chunk_size=5_000)


def major_of(currency: str) -> Callable[[int], str]:
    """Minor units as text of major units, by integers: ``-1234.50``."""
    places = exponent(currency)
    size = 10**places

    def written(minor: int) -> str:
        whole, rest = divmod(abs(minor), size)
        sign = "-" if minor < 0 else ""
        return f"{sign}{whole}.{rest:0{places}d}" if places else f"{sign}{whole}"

    return written
