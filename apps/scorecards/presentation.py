"""Cards and standings as a page shows them: figures in words, points for pictures. No queries, no rules."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.urls import reverse

from apps.core.money import exponent, quantize
from apps.core.periods import Period
from apps.leads.rules.metrics import METRICS, Better, Metric, Unit
from apps.scorecards.rules import ranking as rules
from apps.scorecards.rules.figures import factor, in_figures, plain
from apps.scorecards.rules.layout import KEY_FIGURES
from apps.scorecards.selectors.cards import Card, Placed, Row


def _point(value: Fraction | None) -> float | None:
    """A place on the screen; never a figure that is read."""
    return None if value is None else float(value)


def figure(value: Fraction | None, metric: Metric, currency: str) -> str:
    return in_figures(value, metric.unit, currency)


def made_of(row: Row, currency: str) -> str:
    """What a rate or a mean was divided from: ``12 of 42``."""
    if row.top is None or row.bottom is None or row.own is None:
        return ""
    if row.metric.unit is Unit.RATE:
        return f"{plain(row.top, 2)} of {plain(row.bottom, 2)}"
    deals = "deal" if row.bottom == 1 else "deals"
    return f"{in_figures(row.top, row.metric.unit, currency)} over {plain(row.bottom, 2)} {deals}"


def period_words(period: Period) -> str:
    """``Aug to Oct 2026`` for some months, ``October 2026`` for one."""
    months = period.months()
    if len(months) <= 1:
        return period.name
    return f"{months[0].start:%b} to {months[-1].start:%b %Y}"


def _trend_words(row: Row, card: Card) -> str:
    values = [figure(value, row.metric, card.currency) for value in row.trend]
    return f"{card.months[0].start:%b} to {card.months[-1].start:%b}: {', '.join(values)}"


def metric_row(row: Row, card: Card, term: rules.Term | None) -> dict[str, Any]:
    """One row of the card's table; with ``term`` it carries its part of the index."""
    metric, currency = row.metric, card.currency
    mean = term.mean if term else row.mean
    own = term.own if term else row.own
    shown: dict[str, Any] = {
        "key": metric.key,
        "name": metric.name,
        "says": metric.says,
        "better": str(metric.better),
        "own": figure(own, metric, currency),
        "made_of": made_of(row, currency),
        "apart": [in_figures(amount, Unit.MONEY, other) for other, amount in row.apart.items()],
        "trend": [_point(value) for value in row.trend],
        "trend_words": _trend_words(row, card),
        "target": figure(row.target, metric, currency) if row.target is not None else "",
        "target_from": row.target_from,
        "bullet": (_point(own), _point(row.target)) if own is not None and row.target else None,
        "mean": figure(mean, metric, currency),
        "url": reverse("scorecards:events", args=[card.rep_id, card.basis.code, metric.key])
        + (f"?as_of={card.as_of.isoformat().replace('+00:00', 'Z')}" if card.as_of else ""),
    }
    if term is not None:
        shown |= term_row(term, currency)
    return shown


def term_row(term: rules.Term, currency: str) -> dict[str, Any]:
    """A metric's part of an index, with the arithmetic in words."""
    metric = METRICS[term.key]
    own, mean = figure(term.own, metric, currency), figure(term.mean, metric, currency)
    lower = metric.better is Better.LOWER
    words = f"{mean} ÷ {own}, lower is better" if lower else f"{own} ÷ {mean}"
    if term.why:
        words = f"{words}: {term.why}" if term.own is not None and term.mean else f"{term.why}".capitalize()
    return {
        "key": term.key,
        "name": metric.name,
        "own": own,
        "mean": mean,
        "ratio": factor(term.ratio, 3),
        "ratio_words": words,
        "is_held": bool(term.why),
        "weight": f"{plain(term.weight * 100, 1)} %",
        "adds": factor(term.adds, 4),
    }


def tier_words(placed: Placed) -> dict[str, Any]:
    """The tier and the move of a standing."""
    one = placed.standing
    return {
        "before": one.peer.tier,
        "after": one.tier_after,
        "moves": one.tier_after != one.peer.tier,
        "up": one.tier_after < one.peer.tier,
        "reason": one.reason,
    }


_ORDINALS = (
    "",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
)


def _ordinal(rank: int) -> str:
    if rank < len(_ORDINALS):
        return _ORDINALS[rank]
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank}{ending}"


def short_names(peers: Sequence[tuple[int, str, Any]]) -> dict[int, str]:
    """First names where they tell the peers apart, whole names elsewhere."""
    firsts: dict[str, int] = {}
    for _, name, _ in peers:
        first = name.split(" ")[0]
        firsts[first] = firsts.get(first, 0) + 1
    return {pk: first if firsts[first := name.split(" ")[0]] == 1 else name for pk, name, _ in peers}


MOST_NAMED = 6


def _are(names: Sequence[str], where: str) -> str:
    """``Kim, you and Ola are at or above 1.20``; nothing where it would be a roll call."""
    if not names or len(names) > MOST_NAMED:
        return ""
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{listed} {'is' if len(names) == 1 and names[0] != 'you' else 'are'} {where}"


def index_spread(placed: Placed, rep_id: int, you: str) -> dict[str, Any]:
    """Where the index stands among the peers', with the edges of the tier moves."""
    names = short_names(placed.peers)
    up, down = factor(placed.rules.up_at, 2), factor(placed.rules.down_at, 2)
    called = {**names, rep_id: "you"} if you == "You" else names
    above = [called[pk] for pk, _, index in placed.peers if index >= placed.rules.up_at]
    below = [called[pk] for pk, _, index in placed.peers if index <= placed.rules.down_at]
    clauses = [_are(above, f"at or above {up}"), _are(below, f"at or below {down}")]
    rest = "; ".join(clause for clause in clauses if clause)
    sentence = (
        f"{you} {'are' if you == 'You' else 'is'} {_ordinal(placed.standing.rank)} of {placed.standing.of}."
    )
    return {
        "points": [(names[pk], quantize(index, 2)) for pk, _, index in placed.peers],
        "own": names.get(rep_id, ""),
        "marks": [
            (Decimal(down), f"{down} down"),
            (Decimal("1.00"), "1.00 average"),
            (Decimal(up), f"{up} up"),
        ],
        "sentence": f"{sentence} {rest[:1].upper()}{rest[1:]}." if rest else sentence,
    }


def metric_spread(card: Card, you: str) -> dict[str, Any] | None:
    """The peers by the headline metric, where there is no index."""
    row = card.row(card.layout.headline)
    if len(card.spread) < 2:
        return None
    names = short_names(card.spread)
    money = row.metric.unit is Unit.MONEY
    scale, places = (10 ** exponent(card.currency), 0) if money else (1, 1)

    def shown(value: Fraction) -> Decimal:
        return Decimal(plain(value / scale, places).replace(",", "").replace("− ", "-"))

    own = next((value for pk, _, value in card.spread if pk == card.rep_id), None)
    sentence = f"{row.metric.name} of {len(card.spread)} in {card.team_name}."
    if own is not None:
        place = _ordinal(1 + sum(1 for *_, value in card.spread if value > own))
        figures = f"{row.metric.name.lower()} {figure(own, row.metric, card.currency)}"
        sentence = f"{you} {'are' if you == 'You' else 'is'} {place} of {len(card.spread)}: {figures}."
    if money:
        sentence += f" The scale is in {card.currency}."
    mean = [(shown(row.mean), f"mean {shown(row.mean):,}")] if row.mean is not None else []
    return {
        "points": [(names[pk], shown(value)) for pk, _, value in card.spread],
        "own": names.get(card.rep_id, ""),
        "marks": mean,
        "sentence": sentence,
    }


def funnel_steps(card: Card) -> dict[str, Any]:
    """The funnel of the card's basis, with a sentence of its ends."""
    first, last = card.funnel[0], card.funnel[-1]
    ends = f"{plain(first[1], 2)} {first[0].lower()}, {plain(last[1], 2)} {last[0].lower()}"
    sentence = f"{ends} in {period_words(card.basis)}."
    return {
        "steps": list(card.funnel),
        "sentence": sentence,
        "is_empty": not any(count for _, count in card.funnel),
    }


def card_context(card: Card, *, is_own: bool) -> dict[str, Any]:
    """All of a card for its page."""
    you = "You" if is_own else card.rep_name.split(" ")[0]
    placed = card.placed
    terms = {one.key: one for one in placed.standing.terms} if placed else {}
    index_rows = [metric_row(card.row(key), card, terms[key]) for key in terms if _has(card, key)]
    others = [metric_row(row, card, None) for row in card.rows if row.metric.key not in terms]
    context: dict[str, Any] = {
        "card": card,
        "you": you,
        "is_own": is_own,
        "basis": period_words(card.basis),
        "index_rows": index_rows,
        "rows": others,
        "key_rows": [row for row in others if row["key"] in KEY_FIGURES[card.role]] if not placed else [],
        "funnel": funnel_steps(card),
        "promises": [
            (one.name, f"{plain(Fraction(one.kept * 100, one.decided), 1)} %", one.kept, one.decided)
            for one in card.promises
            if one.decided
        ],
        "spread": None if placed else metric_spread(card, you),
    }
    if placed:
        one = placed.standing
        context |= {
            "index": factor(one.index, 2),
            "index_exact": rules.shown(one.index, placed.rules),
            "adjusted": factor(one.adjusted.index, 2)
            if one.adjusted and one.adjusted.index is not None
            else "",
            "adjusted_decides": placed.rules.decides == rules.ADJUSTED,
            "index_before": factor(placed.index_before, 2) if placed.index_before is not None else "",
            "before_month": card.month.previous(),
            "rank": one.rank,
            "of": one.of,
            "tier": tier_words(placed),
            "nearest": placed.nearest,
            "spread": index_spread(placed, card.rep_id, you),
            "bounds": " and ".join(
                factor(bound, 2) for bound in (placed.rules.floor, placed.rules.ceiling) if bound is not None
            ),
            "placed": placed,
        }
    return context


def _has(card: Card, key: str) -> bool:
    return any(row.metric.key == key for row in card.rows)


def key_figures(card: Card) -> list[dict[str, Any]]:
    """The three figures of a card in the manager's list."""
    found = []
    for key in KEY_FIGURES[card.role]:
        row = card.row(key)
        found.append(
            {
                "name": row.metric.name,
                "shown": figure(row.own, row.metric, card.currency),
                "bullet": (_point(row.own), _point(row.target))
                if row.own is not None and row.target
                else None,
                "better": str(row.metric.better),
                "trend": [_point(value) for value in row.trend],
                "trend_words": _trend_words(row, card),
            }
        )
    return found


def ranking_row(standing: rules.Standing, name: str, currency: str, edges: rules.Rules) -> dict[str, Any]:
    """One AE of the ranking's table, with the arithmetic behind it."""
    return {
        "rep_id": standing.peer.rep_id,
        "name": name,
        "rank": standing.rank,
        "of": standing.of,
        "index": factor(standing.index, 2),
        "index_exact": rules.shown(standing.index, edges),
        "tier_before": standing.peer.tier,
        "tier_after": standing.tier_after,
        "move": str(standing.move),
        "reason": standing.reason,
        "is_ramping": standing.peer.is_ramping,
        "closed": plain(standing.peer.closed, 2),
        "terms": [term_row(one, currency) for one in standing.terms],
    }
