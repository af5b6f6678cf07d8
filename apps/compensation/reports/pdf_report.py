"""The payout report as PDF: control totals, sums by team, plan and component, and everybody's pay, by currency."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from apps.compensation.models import PayoutRun
from apps.compensation.reports.typesetting import typeset
from apps.compensation.reports.xlsx_report import Cover
from apps.compensation.selectors.control import ControlTotal
from apps.compensation.selectors.reports import SummaryRow
from apps.core.money import to_major

_MONEY = ("Earned", "Adjustments", "Payable")


def write_report(
    path: Path,
    *,
    run: PayoutRun,
    people: Sequence[SummaryRow],
    summaries: Sequence[tuple[str, Sequence[SummaryRow]]],
    totals: Sequence[ControlTotal],
    cover: Cover,
) -> None:
    """Set the report of ``run`` and write it to ``path``: the same bytes for the same figures, person and instant."""
    parts = [_controls(totals)]
    parts += [_part(f"By {by}", by.capitalize(), "Statements", rows) for by, rows in summaries]
    parts.append(_part("Everybody", "Name", "Lines", people))
    local = cover.made_at.astimezone(ZoneInfo(settings.COMPANY_TIME_ZONE))
    data = {
        "title": f"Payout report, {run.name}",
        "head": settings.COMPANY_NAME,
        "foot": f"Run {run.code}, fingerprint {run.fingerprint[:16]}",
        "texts": 2,
        "facts": [
            ["Run", run.code],
            ["Period", f"{run.starts_on} to {run.period.last_day}, both included"],
            ["State", run.get_state_display()],
            ["Fingerprint", run.fingerprint],
            ["Made by", cover.made_by],
            ["Made at", f"{local:%Y-%m-%d %H:%M %Z}"],
        ],
        "parts": parts,
    }
    path.write_bytes(typeset("report.typ", data, at=cover.made_at))


def figure(minor: int, currency: str) -> str:
    """``1,234.50``; a true minus, so that it is not parted from its number."""
    text = f"{abs(to_major(minor, currency)):,}"
    return f"\N{MINUS SIGN}{text}" if minor < 0 else text


def _controls(totals: Iterable[ControlTotal]) -> dict[str, Any]:
    rows = [
        _row(
            [
                "Agree" if one.agrees else "Differ",
                one.currency,
                f"{one.statements:,}",
                *(
                    figure(minor, one.currency)
                    for minor in (one.statement_minor, one.ledger_minor, one.difference_minor)
                ),
            ]
        )
        for one in totals
    ]
    heads = ["Control totals", "Currency", "Statements", "Statements sum", "Ledger sum", "Difference"]
    return {"title": "Control totals", "heads": heads, "rows": rows}


def _part(title: str, first: str, counted: str, rows: Sequence[SummaryRow]) -> dict[str, Any]:
    found = []
    for currency, group in groupby(rows, key=attrgetter("currency")):
        sums = [0, 0, 0]
        for row in group:
            figures = (row.earned_minor, row.adjustments_minor, row.payable_minor)
            sums = [known + minor for known, minor in zip(sums, figures, strict=True)]
            cells = [
                row.word,
                currency,
                f"{row.statements:,}",
                *(figure(minor, currency) for minor in figures),
            ]
            found.append(_row(cells))
        total = [f"Total {currency}", currency, "", *(figure(minor, currency) for minor in sums)]
        found.append(_row(total, total=True))
    return {"title": title, "heads": [first, "Currency", counted, *_MONEY], "rows": found}


def _row(cells: list[str], *, total: bool = False) -> dict[str, Any]:
    return {"cells": cells, "total": total}
