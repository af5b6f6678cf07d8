"""A statement as PDF: what its page shows, with every line while there are no more than ``LINES_IN_PDF``.

The data are texts made here; how they are set is ``statement.typ``. A statement of 50,000 lines would be a document
of 2,000 pages that nobody reads: of what is left out its number and sum are said, and the CSV has all of it.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count

from apps.compensation.models import LedgerEntry, PayoutRun, Statement
from apps.compensation.presentation_statement import figure, waterfall
from apps.compensation.reports.typesetting import typeset
from apps.compensation.selectors.statement_balances import Balance
from apps.compensation.selectors.statement_lines import AdjustedBy
from apps.compensation.selectors.statement_page import ShownComponent, StatementPage, statement_page
from apps.core.money import in_words

LINES_IN_PDF = 2_000
"""In all. The compiler holds the whole document: about fifty megabytes for a thousand lines."""


def write_statement(path: Path, *, statement: Statement) -> None:
    """Set ``statement`` and write it to ``path``: the same bytes for the same figures."""
    page = statement_page(statement, shown=lines_shown(_line_counts(statement)))
    dated = statement.run.computed_at or statement.run.created_at
    path.write_bytes(typeset("statement.typ", data_of(page), at=dated))


def _line_counts(statement: Statement) -> list[int]:
    lines = LedgerEntry.objects.filter(statement=statement).order_by()
    return list(lines.values("component_key").annotate(lines=Count("pk")).values_list("lines", flat=True))


def lines_shown(counts: Iterable[int]) -> int:
    """How many lines of each component are set, at most: all of the short ones, and of the long ones as many as fit."""
    left, waiting = LINES_IN_PDF, sorted(counts)
    for place, count in enumerate(waiting):
        share = left // (len(waiting) - place)
        if count > share:
            return max(share, 1)
        left -= count
    return LINES_IN_PDF


def data_of(page: StatementPage) -> dict[str, Any]:
    """What the template says, as plain texts and numbers."""
    statement, run = page.statement, page.statement.run
    currency = statement.currency
    way = waterfall(page.steps, currency)
    return {
        "title": f"Statement, {run.name}",
        "head": statement.rep.name,
        "who": f"{statement.rep.name}, {statement.plan_version or 'adjustments only'}",
        "foot": f"Run {run.code} ({currency}), fingerprint {run.fingerprint[:16]}",
        "currency": currency,
        "payable": in_words(statement.payable_minor, currency),
        "note": _note(run),
        "way": [list(row) for row in way.rows],
        "picture": way.label,
        "bars": [
            {
                "word": bar.word, "figure": bar.figure, "kind": bar.kind, "x": bar.x, "y": bar.y,
                "width": bar.width, "height": bar.height, "middle": bar.middle,
            }
            for bar in way.bars
        ],
        "sentence": page.sentence + (f" Bars are cut at {way.cut_at}." if way.cut_at else ""),
        "components": [_component(one, currency) for one in page.components],
        "adjusted": figure(statement.adjustments_minor, currency),
        "adjustments": [_adjustment(one, currency) for one in page.adjustments],
        "adjustments_more": _more_causes(page, currency),
        "balances": [_balance(one) for one in page.balances],
        "against": f"Against {page.previous.run.name}" if page.previous else "",
        "comparison": page.comparison,
        "compared": _compared(page, currency),
        "trail": [
            [step.word, f"{_moment(step.at)}{f', {step.by}' if step.by else ''}" if step.at else "not yet"]
            for step in page.trail
        ],
        "proof": f"Counts what was recorded by {_moment(run.as_of)}. Fingerprint of the run {run.fingerprint}, digest "
        f"of the statement {statement.digest or 'none'}.",
    }  # fmt: skip


def _note(run: PayoutRun) -> str:
    if run.paid_at:
        return f"On top of the base. Paid {_day(run.paid_at)}."
    return f"On top of the base. {'Final: the run is locked.' if run.is_closed else 'Final once the run is locked.'}"


def _component(one: ShownComponent, currency: str) -> dict[str, Any]:
    more = ""
    if one.more:
        more = f"{one.more:,} more lines, {figure(one.more_minor, currency)} in sum: the CSV has them all."
    return {
        "name": one.name,
        "rule": one.rule,
        "amount": figure(one.amount_minor, currency),
        "bands": [
            [
                band.label,
                f"{band.base_in_words} × {band.rate}" if band.is_reached else f"not reached, {band.rate}",
                figure(band.amount_minor, currency) if band.is_reached else "",
            ]
            for band in (one.bands if one.is_banded else [])
        ],
        "lines": [_line(line, currency) for line in one.lines],
        "more": more,
    }


def _line(line: LedgerEntry, currency: str) -> list[str]:
    event = line.event
    said = []
    if event is not None:
        said.append(f"{event.get_kind_display()}, event {event.pk}")
        if event.hand_off_id:
            said.append(f"hand-off {event.hand_off_id}")
    if line.is_of_a_kind:
        said.append(line.get_kind_display())
    if line.band:
        said.append(f"band {line.band}")
    words = f"{', '.join(said)}. " if said else ""
    return [
        _day(event.occurred_at) if event else "",
        line.title,
        words + line.formula,
        line.rate,
        figure(line.earned_minor, currency),
    ]


def _adjustment(one: AdjustedBy, currency: str) -> dict[str, Any]:
    lines = [
        [f"{line.title}, {line.component_name}: {line.formula}", figure(line.amount_minor, currency)]
        for line in one.entries
    ]
    if one.left_out:
        lines.append([f"{one.left_out:,} more lines are in the CSV.", ""])
    cause = f"{one.cause}{f' (event {one.cause_event_id})' if one.cause_event_id else ''}"
    return {
        "period": one.period.name,
        "cause": cause,
        "amount": figure(one.amount_minor, currency),
        "lines": lines,
    }


def _more_causes(page: StatementPage, currency: str) -> str:
    if not page.adjustments_left_out:
        return ""
    return (
        f"{len(page.adjustments_left_out):,} more causes, {figure(page.left_out_minor, currency)} in sum: the CSV has "
        "them all."
    )


def _balance(one: Balance) -> dict[str, Any]:
    rows = [[one.opening_word, figure(one.opening_minor, one.currency)]]
    rows += [[row.word, figure(row.amount_minor, one.currency)] for row in one.rows]
    rows.append([one.closing_word, figure(one.closing_minor, one.currency)])
    return {"title": one.title, "rows": rows}


def _compared(page: StatementPage, currency: str) -> list[list[str]]:
    if page.previous is None:
        return []
    rows = [
        [
            one.name,
            figure(one.now_minor, currency),
            figure(one.before_minor, currency),
            figure(one.change_minor, currency),
        ]
        for one in page.compared
    ]
    now, before = page.statement.payable_minor, page.previous.payable_minor
    return [
        *rows,
        ["Payable", figure(now, currency), figure(before, currency), figure(now - before, currency)],
    ]


def _local(at: datetime) -> datetime:
    return at.astimezone(ZoneInfo(settings.COMPANY_TIME_ZONE))


def _day(at: datetime) -> str:
    local = _local(at)
    return f"{local.day} {local:%b %Y}"


def _moment(at: datetime | None) -> str:
    return f"{_day(at)}, {_local(at):%H:%M}" if at else "–"
