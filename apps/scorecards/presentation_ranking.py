"""A ranking as a page shows it: the adjusted index in words, the course over months, a policy and what changed."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from apps.core.money import quantize
from apps.leads.rules.metrics import METRICS
from apps.reps.models import Rep
from apps.scorecards.models import RankingPolicy
from apps.scorecards.presentation import figure, ranking_row, term_row
from apps.scorecards.rules import ranking as rules
from apps.scorecards.rules.figures import factor, plain
from apps.scorecards.rules.lead_mix import FOUND_ALONE, Cell, Line
from apps.scorecards.selectors.ranking import Group
from apps.scorecards.selectors.ranking_replay import Replay, Side
from apps.scorecards.selectors.ranking_standing import Past, Since, Strong


def cell_words(cell: Cell) -> str:
    return "found alone" if cell == FOUND_ALONE else f"tier {cell.tier} {cell.way}"


def pool_words(cells: Sequence[Cell]) -> str:
    """``tier 1 inbound``, or ``tier 2 outbound and tier 3 inbound together``."""
    words = [cell_words(cell) for cell in cells]
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} and {words[-1]} together"


def line_row(line: Line) -> dict[str, str]:
    """One kind of lead in the arithmetic of the wins expected."""
    return {
        "kind": pool_words(line.cells),
        "closed": plain(line.closed, 2),
        "rate": f"{quantize(line.rate * 100, 1)} %",
        "expected": plain(line.expected, 2),
        "won": plain(line.won, 2),
    }


def adjusted_words(adjusted: rules.Adjusted) -> str:
    """``21 deals closed: 9 of tier 1 inbound at 40.0 %, …; 6.2 wins expected, 7 won, 1.13.``"""
    if not adjusted.lines:
        return "Nothing was closed in the period, so no wins were expected."
    kinds = ", ".join(
        f"{row['closed']} {'' if line.cells == (FOUND_ALONE,) else 'of '}{row['kind']} at {row['rate']}"
        for line, row in ((line, line_row(line)) for line in adjusted.lines)
    )
    ratio = adjusted.wins_ratio
    tail = f", {factor(ratio, 2)}" if ratio is not None else ""
    deals = "1 deal" if adjusted.closed == 1 else f"{plain(adjusted.closed, 2)} deals"
    return (
        f"{deals} closed: {kinds}; {plain(adjusted.expected, 2)} wins expected, "
        f"{plain(adjusted.won, 2)} won{tail}."
    )


def standing_row(standing: rules.Standing, name: str, currency: str, edges: rules.Rules) -> dict[str, Any]:
    """One AE of a ranking, the raw index and the adjusted one side by side with their arithmetic."""
    row = ranking_row(standing, name, currency, edges)
    adjusted = standing.adjusted
    row |= {
        "is_held": standing.peer.is_held,
        "deciding": factor(standing.deciding(edges), 2),
        "deciding_exact": rules.shown(standing.deciding(edges), edges),
        "has_adjusted": adjusted is not None,
    }
    if adjusted is not None:
        row |= {
            "adjusted": factor(adjusted.index, 2) if adjusted.index is not None else "",
            "adjusted_exact": rules.shown(adjusted.index, edges) if adjusted.index is not None else "",
            "adjusted_why": f"{adjusted.why[:1].upper()}{adjusted.why[1:]}." if adjusted.why else "",
            "adjusted_words": adjusted_words(adjusted),
            "adjusted_terms": [term_row(one, currency) for one in adjusted.terms],
            "lines": [line_row(line) for line in adjusted.lines],
            "expected": plain(adjusted.expected, 2),
            "won": plain(adjusted.won, 2),
            "closed_mix": plain(adjusted.closed, 2),
            "wins_ratio": factor(adjusted.wins_ratio, 2) if adjusted.wins_ratio is not None else "–",
        }
    return row


def strong_rows(found: Sequence[Strong], currency: str) -> list[dict[str, Any]]:
    """Peers who do well on each metric: their numbers, never their pay."""
    return [
        {
            "name": METRICS[one.key].name,
            "key": one.key,
            "peers": [(name, figure(value, METRICS[one.key], currency)) for name, value in one.best],
        }
        for one in found
    ]


def course_chart(course: Sequence[Past], edges: rules.Rules, name: str) -> dict[str, Any]:
    """Points and rows of the index over months; the adjusted one where it decides. Empty below two months."""
    adjusted = edges.decides == rules.ADJUSTED

    def decides(past: Past) -> Fraction:
        return past.adjusted if adjusted and past.adjusted is not None else past.index

    rows = [
        {
            "month": past.month.name,
            "raw": factor(past.index, 2),
            "adjusted": factor(past.adjusted, 2) if past.adjusted is not None else "–",
            "place": f"{past.row.rank} of {past.row.of}",
            "tier": past.row.tier_after,
            "move": past.row.move,
            "as_of": past.row.snapshot.as_of,
            "is_frozen": past.row.snapshot.is_frozen,
        }
        for past in course
    ]
    if len(course) < 2:
        return {"points": [], "rows": rows, "sentence": ""}
    first, last = decides(course[0]), decides(course[-1])
    word = "stayed" if first == last else "rose" if last > first else "fell"
    moves = sum(1 for past in course if past.row.move != "stay")
    moved = {0: "no change of tier", 1: "one change of tier"}.get(moves, f"{moves} changes of tier")
    went = f"at {factor(first, 2)}" if first == last else f"from {factor(first, 2)} to {factor(last, 2)}"
    sentence = (
        f"{name} {'adjusted ' if adjusted else ''}index {word} {went} "
        f"between {course[0].month.name} and {course[-1].month.name}, with {moved}."
    )
    points = [
        (f"{past.month.start:%b}", quantize(decides(past), 2), quantize(Fraction(1), 2)) for past in course
    ]
    return {"points": points, "rows": rows, "sentence": sentence}


# --- Policies -----------------------------------------------------------------------------------------


def policy_words(policy: RankingPolicy) -> list[tuple[str, str]]:
    """What a policy says, line by line: the word and the value."""
    held = f"{policy.days_to_hold} days after the period" if policy.days_to_hold else "at once"
    return [
        *((METRICS[key].name, f"{percent} %") for key, percent in policy.metrics),
        ("Months", f"{policy.months} whole months"),
        ("Compared with", policy.get_peer_group_display()),
        ("Lower bound of a ratio", f"{policy.floor}"),
        ("Upper bound of a ratio", f"{policy.ceiling}"),
        ("Moves up at", f"{policy.up_at} or more"),
        ("Moves down at", f"{policy.down_at} or less"),
        ("Closed deals that a move needs", f"{policy.least_closed}"),
        ("What decides", policy.get_decides_display()),
        ("Wins expected that an adjustment needs", f"{policy.least_expected}"),
        ("Closed deals that a kind of lead needs", f"{policy.least_in_cell}"),
        ("Moves are applied", held),
    ]


def changes_between(before: RankingPolicy | None, after: RankingPolicy) -> list[tuple[str, str, str]]:
    """What ``after`` says otherwise: word, was, is."""
    if before is None:
        return []
    was, now = dict(policy_words(before)), dict(policy_words(after))
    return [
        (word, was.get(word, "not weighed"), now.get(word, "not weighed"))
        for word in {**was, **now}
        if was.get(word) != now.get(word)
    ]


def _side(side: Side | None) -> dict[str, Any] | None:
    if side is None:
        return None
    return {
        "index": factor(side.index, 2),
        "before": side.tier_before,
        "after": side.tier_after,
        "moves": side.tier_after != side.tier_before,
        "up": side.tier_after < side.tier_before,
        "reason": side.reason,
    }


def replay_rows(found: Replay) -> dict[str, Any]:
    """A replay for its page: months newest first, each with who would have ended otherwise."""
    months = [
        {
            "name": month.month.name,
            "count": len(month.lines),
            "then": month.moves("then"),
            "draft": month.moves("draft"),
            "lines": [
                {
                    "rep": line.rep,
                    "then": _side(line.then),
                    "draft": _side(line.draft),
                    "differs": line.differs,
                }
                for line in month.lines
            ],
            "differing": len(month.differing),
        }
        for month in reversed(found.months)
    ]
    changed = [
        {"rep": rep, "then": then, "draft": draft, "up": draft < then} for rep, then, draft in found.changed
    ]
    return {"months": months, "changed": changed, "aes": len(found.ends)}


def since_rows(found: Sequence[Since], groups: Sequence[Group], edges: rules.Rules) -> list[dict[str, Any]]:
    """What came since a ranking was frozen, AE by AE."""
    currency = {pk: group.currency for group in groups for pk in group.reps}
    rows = []
    for one in found:
        changes = [
            (
                METRICS[key].name,
                figure(one.then.peer.values.get(key), METRICS[key], currency[one.rep.pk]),
                figure(value, METRICS[key], currency[one.rep.pk]),
            )
            for key, value in one.now.peer.values.items()
            if value != one.then.peer.values.get(key)
        ]
        rows.append(
            {
                "rep": one.rep,
                "then": factor(one.then.deciding(edges), 4),
                "now": factor(one.now.deciding(edges), 4),
                "changes": changes,
            }
        )
    return rows


def sees_group(user: Any, group: Group) -> bool:
    """As ``RankingRow.visible_to``: RevOps all, an AE the own peers, a manager those of the people managed."""
    if user.role == "revops":
        return True
    if user.role == "manager":
        return any(rep.team.manager_id == user.pk for rep in group.reps.values())
    return any(rep.user_id == user.pk for rep in group.reps.values())


def may_hold(user: Any, rep: Rep) -> bool:
    """Whether ``user`` is the manager of the AE's team."""
    return user.role == "manager" and rep.team.manager_id == user.pk
