"""The ranking of AEs: metrics to ratios, ratios to an index, the index to a tier move (PRODUCT section 7).

Pure and exact: every value is a ``Fraction``, so that an index of exactly 1.20 moves and one just below does
not. Nothing here knows where the values come from, or that tiers are kept somewhere.

How it is made, metric by metric:

- the peers' mean is that of all peers of the group who have a value, one's own included;
- the ratio is own over mean, or mean over own where lower is better, held between the bounds;
- without a value of one's own (no win, so no average deal) the ratio is the lower bound;
- where the peers' mean is zero or below, or nobody has a value, nothing can be compared: the ratio is 1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from apps.scorecards.rules.figures import factor, plain

BEST_TIER, LOWEST_TIER = 1, 3


@dataclass(frozen=True)
class Weighted:
    """One metric of a ranking policy: its weight (parts of the whole) and which way is better."""

    key: str
    weight: Fraction
    lower_is_better: bool = False


@dataclass(frozen=True)
class Rules:
    """A ranking policy as plain values. Without ``floor`` and ``ceiling`` ratios are not held."""

    metrics: tuple[Weighted, ...]
    floor: Fraction | None = Fraction(1, 2)
    ceiling: Fraction | None = Fraction(3, 2)
    up_at: Fraction = Fraction(6, 5)
    down_at: Fraction = Fraction(4, 5)
    least_closed: int = 5

    def __post_init__(self) -> None:
        if sum((one.weight for one in self.metrics), Fraction(0)) != 1:
            raise ValueError("The weights of a ranking must sum to the whole.")


@dataclass(frozen=True)
class Peer:
    """An AE as the ranking sees one.

    ``values`` are the metrics by key (``None`` where there is none); ``won``, ``closed`` and ``revenue`` are
    what they were made of (deals, deals, minor units); ``tier`` is the one held when the period had ended.
    """

    rep_id: int
    values: Mapping[str, Fraction | None]
    won: Fraction = Fraction(0)
    closed: Fraction = Fraction(0)
    revenue: Fraction = Fraction(0)
    tier: int = LOWEST_TIER
    is_ramping: bool = False


@dataclass(frozen=True)
class Term:
    """What one metric adds to an index. ``why`` says where the ratio is not simply own over mean."""

    key: str
    own: Fraction | None
    mean: Fraction | None
    ratio: Fraction
    weight: Fraction
    why: str = ""

    @property
    def adds(self) -> Fraction:
        return self.ratio * self.weight


class Move(StrEnum):
    UP = "up"
    DOWN = "down"
    STAY = "stay"


@dataclass(frozen=True)
class Standing:
    """Where one AE stands: the index with its terms, the place among peers, and the move with its reason."""

    peer: Peer
    terms: tuple[Term, ...]
    index: Fraction
    rank: int
    of: int
    move: Move
    tier_after: int
    reason: str


Totals = Mapping[str, tuple[Fraction, int]]
"""Of each metric: the sum over the peers who have a value, and how many they are."""


def totals(peers: Sequence[Peer], keys: Sequence[str]) -> dict[str, tuple[Fraction, int]]:
    """What the means are divided from; made once a group, so that a change of one peer is quick."""
    found = {}
    for key in keys:
        values = [value for peer in peers if (value := peer.values.get(key)) is not None]
        found[key] = (sum(values, Fraction(0)), len(values))
    return found


def means(peers: Sequence[Peer], keys: Sequence[str]) -> dict[str, Fraction | None]:
    """The mean of each metric over the peers who have a value."""
    return {key: total / count if count else None for key, (total, count) in totals(peers, keys).items()}


def _hold(ratio: Fraction, rules: Rules) -> tuple[Fraction, str]:
    if rules.floor is not None and ratio < rules.floor:
        return rules.floor, f"held at {factor(rules.floor, 2)}, the lower bound"
    if rules.ceiling is not None and ratio > rules.ceiling:
        return rules.ceiling, f"held at {factor(rules.ceiling, 2)}, the upper bound"
    return ratio, ""


def term(own: Fraction | None, mean: Fraction | None, weighted: Weighted, rules: Rules) -> Term:
    """One metric of one AE against the peers' mean."""
    nothing = Fraction(0) if rules.floor is None else rules.floor
    if mean is None or (mean <= 0 and (own is None or own <= 0 or not weighted.lower_is_better)):
        ratio, why = Fraction(1), "nothing to compare with among the peers, so it counts as average"
    elif own is None:
        ratio, why = nothing, "no value in the period, so it counts as the lower bound"
    elif not weighted.lower_is_better:
        ratio, why = _hold(own / mean, rules)
    elif own <= 0:
        best = Fraction(1) if rules.ceiling is None else rules.ceiling
        ratio, why = best, "zero cannot be bettered, so it counts as the upper bound"
    else:
        ratio, why = _hold(mean / own, rules)
    return Term(weighted.key, own, mean, ratio, weighted.weight, why)


def terms_of(peer: Peer, averages: Mapping[str, Fraction | None], rules: Rules) -> tuple[Term, ...]:
    """Every metric of ``peer`` against the peers' means."""
    return tuple(term(peer.values.get(one.key), averages.get(one.key), one, rules) for one in rules.metrics)


def index_of(terms: Sequence[Term]) -> Fraction:
    """The weighted mean of the ratios."""
    return sum((one.adds for one in terms), Fraction(0))


def shown(index: Fraction, rules: Rules) -> str:
    """The index with four decimals, or as many more as set it apart from an edge that it does not reach."""
    for places in range(4, 13):
        text = factor(index, places)
        near = Fraction(text)
        if (near >= rules.up_at) == (index >= rules.up_at) and (near <= rules.down_at) == (
            index <= rules.down_at
        ):
            break
    return text


def decide(index: Fraction, peer: Peer, rules: Rules, group_size: int) -> tuple[Move, int, str]:
    """The move that ``index`` makes: one step at the most, and the edges belong to the move.

    Returns the move, the tier after it and the reason in words.
    """
    up, down = factor(rules.up_at, 2), factor(rules.down_at, 2)
    text = shown(index, rules)
    if group_size < 2:
        return Move.STAY, peer.tier, "There are no peers to compare with, so nothing moves."
    if peer.is_ramping:
        return Move.STAY, peer.tier, f"The index is {text}; still ramping, so nothing moves."
    if peer.closed < rules.least_closed:
        least = (
            f"{plain(peer.closed, 2)} closed deals are fewer than the {rules.least_closed} that a move needs"
        )
        return Move.STAY, peer.tier, f"The index is {text}; {least}."
    if index >= rules.up_at:
        if peer.tier <= BEST_TIER:
            return (
                Move.STAY,
                peer.tier,
                f"The index is {text}, {up} or more; tier {peer.tier} is the best already.",
            )
        return Move.UP, peer.tier - 1, f"The index is {text}; {up} or more moves one tier up."
    if index <= rules.down_at:
        if peer.tier >= LOWEST_TIER:
            return (
                Move.STAY,
                peer.tier,
                f"The index is {text}, {down} or less; tier {peer.tier} is the lowest.",
            )
        return Move.DOWN, peer.tier + 1, f"The index is {text}; {down} or less moves one tier down."
    return Move.STAY, peer.tier, f"The index is {text}, between {down} and {up}: the tier stays."


def rank(peers: Sequence[Peer], rules: Rules) -> list[Standing]:
    """Everyone of one peer group, best first; equal indexes share a place, in order of ``rep_id``."""
    averages = means(peers, [one.key for one in rules.metrics])
    scored = []
    for peer in peers:
        terms = terms_of(peer, averages, rules)
        scored.append((peer, terms, index_of(terms)))
    scored.sort(key=lambda one: (-one[2], one[0].rep_id))
    standings: list[Standing] = []
    for place, (peer, terms, index) in enumerate(scored, 1):
        shared = standings and standings[-1].index == index
        move, tier_after, reason = decide(index, peer, rules, len(peers))
        standings.append(
            Standing(
                peer=peer,
                terms=terms,
                index=index,
                rank=standings[-1].rank if shared else place,
                of=len(peers),
                move=move,
                tier_after=tier_after,
                reason=reason,
            )
        )
    return standings


# --- What the nearest step needs: the rule itself, run again on changed values -----------------------

MOST_WINS = 50


def with_wins(peer: Peer, more: int, deal: Fraction) -> Peer:
    """The peer with ``more`` wins of ``deal`` minor units each, all else equal."""
    won, closed, revenue = peer.won + more, peer.closed + more, peer.revenue + more * deal
    changed: dict[str, Fraction | None] = {
        "revenue_won": revenue,
        "deals_won": won,
        "win_rate": won / closed,
        "average_deal": revenue / won,
    }
    values = {key: changed.get(key, value) for key, value in peer.values.items()}
    return replace(peer, values=values, won=won, closed=closed, revenue=revenue)


def with_shorter_cycle(peer: Peer, days: int) -> Peer:
    """The peer with ``days`` off the sales cycle, all else equal."""
    cycle = peer.values.get("sales_cycle")
    assert cycle is not None
    return replace(peer, values={**peer.values, "sales_cycle": cycle - days})


def index_if(changed: Peer, original: Peer, group: Totals, rules: Rules) -> Fraction:
    """The index that ``changed`` has in place of ``original``: the peers' means move with it."""
    averages: dict[str, Fraction | None] = {}
    for one in rules.metrics:
        total, count = group[one.key]
        old, new = original.values.get(one.key), changed.values.get(one.key)
        total += (new or 0) - (old or 0)
        count += (new is not None) - (old is not None)
        averages[one.key] = total / count if count else None
    return index_of(terms_of(changed, averages, rules))


def fewest(change: Callable[[int], bool], most: int) -> int | None:
    """The smallest count from 1 to ``most`` for which ``change`` holds (it holds from there on)."""
    if most < 1 or not change(most):
        return None
    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if change(middle) else (middle + 1, high)
    return low


@dataclass(frozen=True)
class NearestStep:
    """What would be enough, taken alone: so many wins more, or so many days off the cycle."""

    aim: str
    wins: int | None
    days: int | None

    @property
    def words(self) -> str:
        ways = []
        if self.wins is not None:
            ways.append("one more win" if self.wins == 1 else f"{_number(self.wins)} more wins")
        if self.days is not None:
            ways.append(f"{self.days} {'day' if self.days == 1 else 'days'} off the cycle")
        if not ways:
            return f"No number of wins alone would {self.aim} this time: the bounds hold."
        text = ", or ".join(ways)
        return f"{text[0].upper()}{text[1:]} would {self.aim}."


def _number(count: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[count] if count < len(words) else str(count)


def nearest_step(peer: Peer, group: Totals, rules: Rules) -> NearestStep | None:
    """The fewest wins (of the own average deal, or the peers' where there is none), and the fewest days off
    the cycle, that would move ``peer`` up; or keep from moving down. ``None`` at the best tier.

    ``group`` are the ``totals`` of the rules' metrics over all peers, ``peer`` included. Found by running
    the rule again on the changed values (PRODUCT section 7).
    """
    index = index_if(peer, peer, group, rules)
    falling = index <= rules.down_at and peer.tier < LOWEST_TIER
    if not falling and peer.tier <= BEST_TIER:
        return None

    def enough(changed: Peer) -> bool:
        if changed.closed < rules.least_closed and not falling:
            return False
        reached = index_if(changed, peer, group, rules)
        return reached > rules.down_at if falling else reached >= rules.up_at

    if not falling and enough(peer):
        return None
    aim = f"keep tier {peer.tier}" if falling else f"reach {factor(rules.up_at, 2)} and tier {peer.tier - 1}"
    deal = peer.values.get("average_deal")
    if not deal and (peers_deals := group.get("average_deal")) and peers_deals[1]:
        deal = peers_deals[0] / peers_deals[1]
    wins = fewest(lambda more: enough(with_wins(peer, more, deal)), MOST_WINS) if deal else None
    cycle = peer.values.get("sales_cycle")
    most_days = int(cycle) - (1 if cycle == int(cycle) else 0) if cycle else 0
    days = fewest(lambda off: enough(with_shorter_cycle(peer, off)), most_days)
    return NearestStep(aim, wins, days)
