"""A card as JSON (fractions in text) and back: what a closed month keeps."""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from apps.core.periods import parse_period
from apps.leads.rules.metrics import metric
from apps.scorecards.rules import ranking as rules
from apps.scorecards.selectors.cards import Card, Placed, Promise, Row
from apps.scorecards.selectors.ranking_copies import kept, restored

VERSION = 1
"""Of the JSON. A copy is never rewritten, so a later reader must still know the earlier versions."""


def _text(value: Fraction | None) -> str | None:
    return None if value is None else str(value)


def _number(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


def as_json(card: Card) -> dict[str, Any]:
    """``card`` as JSON that ``from_json`` reads back exactly."""
    return {
        "version": VERSION,
        "rep": {"id": card.rep_id, "name": card.rep_name, "role": card.role, "team": card.team_name},
        "currency": card.currency,
        "month": card.month.code,
        "basis": card.basis.code,
        "months": [month.code for month in card.months],
        "as_of": card.as_of.isoformat() if card.as_of else None,
        "rows": [
            {
                "metric": row.metric.key,
                "own": _text(row.own),
                "top": _text(row.top),
                "bottom": _text(row.bottom),
                "apart": {currency: str(value) for currency, value in row.apart.items()},
                "trend": [_text(value) for value in row.trend],
                "target": _text(row.target),
                "target_from": row.target_from,
                "mean": _text(row.mean),
                "peers": row.peers,
            }
            for row in card.rows
        ],
        "funnel": [[word, str(count)] for word, count in card.funnel],
        "promises": [[one.name, one.kept, one.decided] for one in card.promises],
        "spread": [[pk, name, str(value)] for pk, name, value in card.spread],
        "ranking": _ranking_as_json(card.placed) if card.placed else None,
    }


def _ranking_as_json(placed: Placed) -> dict[str, Any]:
    one = placed.standing
    return {
        "policy": placed.policy_version,
        "snapshot_as_of": placed.snapshot_as_of,
        "group": placed.group_name,
        "rank": one.rank,
        "of": one.of,
        "tier_before": one.peer.tier,
        "tier_after": one.tier_after,
        "move": str(one.move),
        "reason": one.reason,
        "is_ramping": one.peer.is_ramping,
        "index_before": _text(placed.index_before),
        "floor": _text(placed.rules.floor),
        "ceiling": _text(placed.rules.ceiling),
        "up_at": str(placed.rules.up_at),
        "down_at": str(placed.rules.down_at),
        "least_closed": placed.rules.least_closed,
        "decides": placed.rules.decides,
        "least_expected": str(placed.rules.least_expected),
        "least_in_cell": placed.rules.least_in_cell,
        "lower_is_better": [term.key for term in placed.rules.metrics if term.lower_is_better],
        "arithmetic": kept(one),
        "peers": [[pk, name, str(index)] for pk, name, index in placed.peers],
        "nearest": placed.nearest,
    }


def from_json(data: Mapping[str, Any]) -> Card:
    """The card that ``as_json`` wrote."""
    return Card(
        rep_id=data["rep"]["id"],
        rep_name=data["rep"]["name"],
        role=data["rep"]["role"],
        team_name=data["rep"]["team"],
        currency=data["currency"],
        month=parse_period(data["month"]),
        basis=parse_period(data["basis"]),
        months=tuple(parse_period(code) for code in data["months"]),
        as_of=datetime.fromisoformat(data["as_of"]) if data["as_of"] else None,
        rows=tuple(
            Row(
                metric=metric(row["metric"]),
                own=_number(row["own"]),
                top=_number(row["top"]),
                bottom=_number(row["bottom"]),
                apart={currency: Fraction(value) for currency, value in row["apart"].items()},
                trend=tuple(_number(value) for value in row["trend"]),
                target=_number(row["target"]),
                target_from=row["target_from"],
                mean=_number(row["mean"]),
                peers=row["peers"],
            )
            for row in data["rows"]
        ),
        funnel=tuple((word, Fraction(count)) for word, count in data["funnel"]),
        promises=tuple(Promise(*one) for one in data["promises"]),
        spread=tuple((pk, name, Fraction(value)) for pk, name, value in data["spread"]),
        placed=_ranking_from_json(data["ranking"], data["rep"]["id"]) if data["ranking"] else None,
    )


def _ranking_from_json(data: Mapping[str, Any], rep_id: int) -> Placed:
    standing = restored(
        data["arithmetic"],
        rep_id=rep_id,
        rank=data["rank"],
        of=data["of"],
        tier_before=data["tier_before"],
        tier_after=data["tier_after"],
        move=data["move"],
        reason=data["reason"],
        is_ramping=data["is_ramping"],
    )
    lower = set(data["lower_is_better"])
    return Placed(
        standing=standing,
        peers=tuple((pk, name, Fraction(index)) for pk, name, index in data["peers"]),
        nearest=data["nearest"],
        group_name=data["group"],
        policy_version=data["policy"],
        rules=rules.Rules(
            metrics=tuple(rules.Weighted(one.key, one.weight, one.key in lower) for one in standing.terms),
            floor=_number(data["floor"]),
            ceiling=_number(data["ceiling"]),
            up_at=Fraction(data["up_at"]),
            down_at=Fraction(data["down_at"]),
            least_closed=data["least_closed"],
            # Copies older than the adjusted index were decided by the raw one.
            decides=data.get("decides", rules.RAW),
            least_expected=Fraction(data.get("least_expected", "2")),
            least_in_cell=data.get("least_in_cell", 10),
        ),
        snapshot_as_of=data["snapshot_as_of"],
        index_before=_number(data["index_before"]),
    )
