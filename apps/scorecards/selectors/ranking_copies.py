"""A standing as JSON, fractions in text, and back: what a kept ranking and a frozen card hold."""

from collections.abc import Mapping
from dataclasses import astuple
from fractions import Fraction
from typing import Any

from apps.scorecards.models import RankingRow
from apps.scorecards.rules import ranking as rules
from apps.scorecards.rules.lead_mix import Cell, Deals, Line


def kept(standing: rules.Standing) -> dict[str, Any]:
    """A standing's arithmetic as JSON: exact fractions in text."""
    return {
        "index": str(standing.index),
        "won": str(standing.peer.won),
        "closed": str(standing.peer.closed),
        "revenue": str(standing.peer.revenue),
        "terms": [_term(one) for one in standing.terms],
        "adjusted": _adjusted(standing.adjusted) if standing.adjusted else None,
        "mix": [[cell.tier, cell.way, *astuple(deals)] for cell, deals in sorted(standing.peer.mix.items())],
    }


def _text(value: Fraction | None) -> str | None:
    return None if value is None else str(value)


def _term(one: rules.Term) -> dict[str, Any]:
    return {
        "key": one.key,
        "own": _text(one.own),
        "mean": _text(one.mean),
        "ratio": str(one.ratio),
        "weight": str(one.weight),
        "why": one.why,
    }


def _adjusted(one: rules.Adjusted) -> dict[str, Any]:
    return {
        "index": _text(one.index),
        "expected": str(one.expected),
        "why": one.why,
        "terms": [_term(term) for term in one.terms],
        "lines": [
            [
                [list(astuple(cell)) for cell in line.cells],
                *map(str, (line.closed, line.won, line.rate, line.expected)),
            ]
            for line in one.lines
        ],
    }


def _fraction(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


def standing_of(row: RankingRow) -> rules.Standing:
    """The standing that a kept row was made from, exactly."""
    return restored(
        row.metrics,
        rep_id=row.rep_id,
        rank=row.rank,
        of=row.of,
        tier_before=row.tier_before,
        tier_after=row.tier_after,
        move=row.move,
        reason=row.reason,
        is_ramping=row.is_ramping,
        is_held=row.hold_id is not None,
    )


def restored(
    metrics: Mapping[str, Any],
    *,
    rep_id: int,
    rank: int,
    of: int,
    tier_before: int,
    tier_after: int,
    move: str,
    reason: str,
    is_ramping: bool,
    is_held: bool = False,
) -> rules.Standing:
    """What ``kept`` made JSON of, as it was; copies older than the adjusted index are without one."""
    terms = _terms(metrics["terms"])
    adjusted = metrics.get("adjusted")
    return rules.Standing(
        peer=rules.Peer(
            rep_id=rep_id,
            values={one.key: one.own for one in terms},
            won=Fraction(metrics["won"]),
            closed=Fraction(metrics["closed"]),
            revenue=Fraction(metrics["revenue"]),
            tier=tier_before,
            is_ramping=is_ramping,
            mix={Cell(tier, way): Deals(*sums) for tier, way, *sums in metrics.get("mix", ())},
            is_held=is_held,
        ),
        terms=terms,
        index=Fraction(metrics["index"]),
        rank=rank,
        of=of,
        move=rules.Move(move),
        tier_after=tier_after,
        reason=reason,
        adjusted=_restored_adjusted(adjusted) if adjusted else None,
    )


def _terms(found: list[dict[str, Any]]) -> tuple[rules.Term, ...]:
    return tuple(
        rules.Term(
            key=one["key"],
            own=_fraction(one["own"]),
            mean=_fraction(one["mean"]),
            ratio=Fraction(one["ratio"]),
            weight=Fraction(one["weight"]),
            why=one["why"],
        )
        for one in found
    )


def _restored_adjusted(found: Mapping[str, Any]) -> rules.Adjusted:
    return rules.Adjusted(
        index=_fraction(found["index"]),
        terms=_terms(found["terms"]),
        lines=tuple(
            Line(tuple(Cell(*cell) for cell in cells), *map(Fraction, figures))
            for cells, *figures in found["lines"]
        ),
        expected=Fraction(found["expected"]),
        why=found["why"],
    )
