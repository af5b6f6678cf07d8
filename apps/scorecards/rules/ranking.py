"""The ranking of AEs: metrics to ratios, ratios to an index, the index to a tier move (PRODUCT section 7).

Pure and exact: every value is a ``Fraction``, so that an index of exactly 1.20 moves and one just below does
not. Nothing here knows where the values come from, or that tiers are kept somewhere.

How it is made, metric by metric:

- the peers' mean is that of all peers of the group who have a value, one's own included;
- the ratio is own over mean, or mean over own where lower is better, held between the bounds;
- without a value of one's own (no win, so no average deal) the ratio is the lower bound;
- where the peers' mean is zero or below, or nobody has a value, nothing can be compared: the ratio is 1.

The index adjusted for the lead mix is made the same way, but for one thing: in place of the peers' mean stands
what the peers would have made of the AE's own leads (``rules.lead_mix``), for every metric that leads have a part
in. ``Rules.decides`` says which of the two orders the peers and makes the moves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction

from apps.scorecards.rules.figures import factor, plain
from apps.scorecards.rules.lead_mix import (
    DEPENDS_ON_LEADS,
    Line,
    Mix,
    Standard,
    expected_of,
    expected_wins,
    lines_of,
    standard,
)

BEST_TIER, LOWEST_TIER = 1, 3
RAW, ADJUSTED = "raw", "adjusted"


@dataclass(frozen=True)
class Weighted:
    """One metric of a ranking policy: its weight (parts of the whole) and which way is better."""

    key: str
    weight: Fraction
    lower_is_better: bool = False


@dataclass(frozen=True)
class Rules:
    """A ranking policy as plain values. Without ``floor`` and ``ceiling`` ratios are not held.

    ``decides`` is ``RAW`` or ``ADJUSTED``; the latter needs ``least_expected`` wins, and joins kinds of leads
    with fewer than ``least_in_cell`` closed deals among the peers.
    """

    metrics: tuple[Weighted, ...]
    floor: Fraction | None = Fraction(1, 2)
    ceiling: Fraction | None = Fraction(3, 2)
    up_at: Fraction = Fraction(6, 5)
    down_at: Fraction = Fraction(4, 5)
    least_closed: int = 5
    decides: str = RAW
    least_expected: Fraction = Fraction(2)
    least_in_cell: int = 10

    def __post_init__(self) -> None:
        if sum((one.weight for one in self.metrics), Fraction(0)) != 1:
            raise ValueError("The weights of a ranking must sum to the whole.")


@dataclass(frozen=True)
class Peer:
    """An AE as the ranking sees one.

    ``values`` are the metrics by key (``None`` where there is none); ``won``, ``closed`` and ``revenue`` are
    what they were made of (deals, deals, minor units); ``tier`` is the one held when the period had ended.
    ``mix`` is what was closed by kind of lead; ``is_held`` where a manager holds any move.
    """

    rep_id: int
    values: Mapping[str, Fraction | None]
    won: Fraction = Fraction(0)
    closed: Fraction = Fraction(0)
    revenue: Fraction = Fraction(0)
    tier: int = LOWEST_TIER
    is_ramping: bool = False
    mix: Mix = field(default_factory=dict)
    is_held: bool = False


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
class Adjusted:
    """The index adjusted for the lead mix, with its arithmetic.

    ``terms`` hold what was expected in place of the mean; ``lines`` are the wins expected, kind by kind. The
    ``index`` is ``None`` where there is too little to adjust by; ``why`` then says so.
    """

    index: Fraction | None
    terms: tuple[Term, ...]
    lines: tuple[Line, ...]
    expected: Fraction
    why: str = ""

    @property
    def won(self) -> Fraction:
        return sum((line.won for line in self.lines), Fraction(0))

    @property
    def closed(self) -> Fraction:
        return sum((line.closed for line in self.lines), Fraction(0))

    @property
    def wins_ratio(self) -> Fraction | None:
        """Wins over wins expected, before any bound."""
        return self.won / self.expected if self.expected else None


@dataclass(frozen=True)
class Standing:
    """Where one AE stands: the index with its terms, the place among peers, and the move with its reason.

    ``index`` is the raw one; ``adjusted`` stands beside it (``None`` on copies older than it).
    """

    peer: Peer
    terms: tuple[Term, ...]
    index: Fraction
    rank: int
    of: int
    move: Move
    tier_after: int
    reason: str
    adjusted: Adjusted | None = None

    def deciding(self, rules: Rules) -> Fraction:
        """The index that orders and moves: the raw one too where the adjusted one has too little to go by."""
        if rules.decides == ADJUSTED and self.adjusted is not None and self.adjusted.index is not None:
            return self.adjusted.index
        return self.index


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


def adjusted_terms(
    peer: Peer, averages: Mapping[str, Fraction | None], against: Standard, rules: Rules
) -> tuple[Term, ...]:
    """As ``terms_of``, but against what was expected from the own leads, where leads have a part in a metric."""
    return tuple(
        term(
            peer.values.get(one.key),
            expected_of(one.key, peer.mix, against) if one.key in DEPENDS_ON_LEADS else averages.get(one.key),
            one,
            rules,
        )
        for one in rules.metrics
    )


def adjusted_of(
    peer: Peer, averages: Mapping[str, Fraction | None], against: Standard, rules: Rules
) -> Adjusted:
    """The index adjusted for the lead mix of ``peer``."""
    lines = lines_of(peer.mix, against)
    expected = expected_wins(lines)
    terms = adjusted_terms(peer, averages, against, rules)
    if expected < rules.least_expected:
        least = plain(rules.least_expected, 2)
        why = f"{plain(expected, 2)} wins expected are fewer than the {least} that an adjustment needs"
        return Adjusted(None, terms, lines, expected, why)
    return Adjusted(index_of(terms), terms, lines, expected)


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


def decide(
    index: Fraction | None, peer: Peer, rules: Rules, group_size: int, too_little: str = ""
) -> tuple[Move, int, str]:
    """The move that ``index`` makes: one step at the most, and the edges belong to the move.

    ``index`` is the one that decides; ``None`` where it could not be adjusted, ``too_little`` says why. Returns
    the move, the tier after it and the reason in words.
    """
    name = "The adjusted index" if rules.decides == ADJUSTED else "The index"
    stay = (Move.STAY, peer.tier)
    if group_size < 2:
        return *stay, "There are no peers to compare with, so nothing moves."
    if index is None:
        return *stay, f"{too_little[:1].upper()}{too_little[1:]}, so nothing moves."
    text = f"{name} is {shown(index, rules)}"
    if peer.is_ramping:
        return *stay, f"{text}; still ramping, so nothing moves."
    if peer.closed < rules.least_closed:
        least = f"are fewer than the {rules.least_closed} that a move needs"
        return *stay, f"{text}; {plain(peer.closed, 2)} closed deals {least}."
    step, edge = _step(index, rules)
    if not step:
        down, up = factor(rules.down_at, 2), factor(rules.up_at, 2)
        return *stay, f"{text}, between {down} and {up}: the tier stays."
    if not BEST_TIER <= peer.tier + step <= LOWEST_TIER:
        which = "best already" if step < 0 else "lowest"
        return *stay, f"{text}, {edge}; tier {peer.tier} is the {which}."
    way = "up" if step < 0 else "down"
    if peer.is_held:
        return (
            *stay,
            f"{text}; {edge} would move one tier {way}, but the move is held: tier {peer.tier} stays.",
        )
    return Move(way), peer.tier + step, f"{text}; {edge} moves one tier {way}."


def _step(index: Fraction, rules: Rules) -> tuple[int, str]:
    """By how many tiers, and past which edge; the better tier has the lower number."""
    if index >= rules.up_at:
        return -1, f"{factor(rules.up_at, 2)} or more"
    if index <= rules.down_at:
        return 1, f"{factor(rules.down_at, 2)} or less"
    return 0, ""


def rank(peers: Sequence[Peer], rules: Rules) -> list[Standing]:
    """Everyone of one peer group, best first by the index that decides; equal indexes share a place, in order
    of ``rep_id``."""
    averages = means(peers, [one.key for one in rules.metrics])
    against = standard([peer.mix for peer in peers], rules.least_in_cell)
    scored = [_standing(peer, averages, against, rules, len(peers)) for peer in peers]
    scored.sort(key=lambda one: (-one.deciding(rules), one.peer.rep_id))
    placed: list[Standing] = []
    for place, one in enumerate(scored, 1):
        shared = placed and placed[-1].deciding(rules) == one.deciding(rules)
        placed.append(replace(one, rank=placed[-1].rank if shared else place))
    return placed


def _standing(
    peer: Peer, averages: Mapping[str, Fraction | None], against: Standard, rules: Rules, of: int
) -> Standing:
    terms = terms_of(peer, averages, rules)
    index = index_of(terms)
    adjusted = adjusted_of(peer, averages, against, rules)
    deciding = adjusted.index if rules.decides == ADJUSTED else index
    move, tier_after, reason = decide(deciding, peer, rules, of, adjusted.why)
    return Standing(peer, terms, index, 0, of, move, tier_after, reason, adjusted)
