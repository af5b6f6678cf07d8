"""What the nearest step of an AE needs: the ranking's own rule, run again on changed values (PRODUCT section 7).

"Two more wins, or 6 days off the cycle": each taken alone, all else equal. Where the index adjusted for the lead
mix decides, a further win is one of the kind of lead that the AE closed most often. Pure.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from apps.scorecards.rules.figures import factor
from apps.scorecards.rules.lead_mix import Standard, expected_wins, lines_of, with_days_off, with_win
from apps.scorecards.rules.ranking import (
    ADJUSTED,
    BEST_TIER,
    LOWEST_TIER,
    Peer,
    Rules,
    Totals,
    adjusted_terms,
    index_of,
    terms_of,
)

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
    mix = with_win(peer.mix, more, deal)
    return replace(peer, values=values, won=won, closed=closed, revenue=revenue, mix=mix)


def with_shorter_cycle(peer: Peer, days: int) -> Peer:
    """The peer with ``days`` off the sales cycle, all else equal."""
    cycle = peer.values.get("sales_cycle")
    assert cycle is not None
    values = {**peer.values, "sales_cycle": cycle - days}
    return replace(peer, values=values, mix=with_days_off(peer.mix, days))


def index_if(
    changed: Peer, original: Peer, group: Totals, rules: Rules, against: Standard | None = None
) -> Fraction | None:
    """The deciding index that ``changed`` has in place of ``original``: what the peers make moves with it.

    ``against`` is the group's standard, needed where the adjusted index decides; ``None`` comes back where
    fewer wins are expected than an adjustment needs.
    """
    averages: dict[str, Fraction | None] = {}
    for one in rules.metrics:
        total, count = group[one.key]
        old, new = original.values.get(one.key), changed.values.get(one.key)
        total += (new or 0) - (old or 0)
        count += (new is not None) - (old is not None)
        averages[one.key] = total / count if count else None
    if rules.decides != ADJUSTED or against is None:
        return index_of(terms_of(changed, averages, rules))
    moved = against.replaced(original.mix, changed.mix)
    if expected_wins(lines_of(changed.mix, moved)) < rules.least_expected:
        return None
    return index_of(adjusted_terms(changed, averages, moved, rules))


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


def nearest_step(
    peer: Peer, group: Totals, rules: Rules, against: Standard | None = None
) -> NearestStep | None:
    """The fewest wins (of the own average deal, or the peers' where there is none), and the fewest days off
    the cycle, that would move ``peer`` up; or keep from moving down. ``None`` at the best tier.

    ``group`` are the ``totals`` of the rules' metrics over all peers, ``peer`` included, and ``against`` is
    their standard.
    """
    index = index_if(peer, peer, group, rules, against)
    falling = index is not None and index <= rules.down_at and peer.tier < LOWEST_TIER
    if not falling and peer.tier <= BEST_TIER:
        return None

    def enough(changed: Peer) -> bool:
        if changed.closed < rules.least_closed and not falling:
            return False
        reached = index_if(changed, peer, group, rules, against)
        if reached is None:
            return False
        return reached > rules.down_at if falling else reached >= rules.up_at

    if not falling and enough(peer):
        return None
    aim = f"keep tier {peer.tier}" if falling else f"reach {factor(rules.up_at, 2)} and tier {peer.tier - 1}"
    deal = _deal(peer, group)
    wins = fewest(lambda more: enough(with_wins(peer, more, deal)), MOST_WINS) if deal else None
    cycle = peer.values.get("sales_cycle")
    most_days = int(cycle) - (1 if cycle == int(cycle) else 0) if cycle else 0
    days = fewest(lambda off: enough(with_shorter_cycle(peer, off)), most_days)
    return NearestStep(aim, wins, days)


def _deal(peer: Peer, group: Totals) -> Fraction | None:
    """The worth of a further win: the own average deal, or the peers' where there is none."""
    deal = peer.values.get("average_deal")
    peers_deals = group.get("average_deal")
    if not deal and peers_deals and peers_deals[1]:
        deal = peers_deals[0] / peers_deals[1]
    return deal or None
