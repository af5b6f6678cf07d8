"""The ranking computed again in plain Python, event by event, apart from the code under test.

Raw index, adjusted index, place and move, by what docs/ranking.md says; slow and obvious on purpose. Nothing of
``apps.scorecards.rules`` or of its selectors is used.
"""

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

from apps.core.periods import Period
from apps.leads.models import FunnelEvent
from apps.reps.models import Rep
from tests.scorecards.plain import PlainRecord

LOWER_IS_BETTER = {"sales_cycle"}
OF_LEADS = {"revenue_won", "deals_won", "win_rate", "average_deal", "sales_cycle"}
ALONE = (0, "alone")


@dataclass
class Terms:
    """A ranking policy in plain values; weights in percent."""

    weights: dict[str, int]
    floor: Fraction = Fraction(1, 2)
    ceiling: Fraction = Fraction(3, 2)
    up_at: Fraction = Fraction(12, 10)
    down_at: Fraction = Fraction(8, 10)
    least_closed: int = 5
    decides: str = "raw"
    least_expected: Fraction = Fraction(2)
    least_in_cell: int = 10


@dataclass
class Plain:
    """What came out for one AE."""

    index: Fraction
    adjusted: Fraction | None
    expected: Fraction
    place: int
    move: str
    tier_after: int


def ratio_of(own: Fraction | None, other: Fraction | None, lower: bool, terms: Terms) -> Fraction:
    if other is None:
        return Fraction(1)
    if other <= 0 and not (lower and own is not None and own > 0):
        return Fraction(1)
    if own is None:
        return terms.floor
    if lower and own <= 0:
        return terms.ceiling
    ratio = other / own if lower else own / other
    return min(max(ratio, terms.floor), terms.ceiling)


class PlainMix:
    """What each AE closed, deal by deal, and what the peers made of leads of each kind."""

    def __init__(self, record: PlainRecord, reps: list[Rep], period: Period, terms: Terms) -> None:
        handed: dict[int, tuple[int, str]] = {}
        for event in FunnelEvent.objects.filter(kind="handed_off", hand_off__isnull=False).order_by("pk"):
            if event.hand_off_id not in handed:
                tier = {"A": 1, "B": 2}.get(event.data["score"], 3)
                handed[event.hand_off_id] = (tier, "inbound" if event.data["inbound"] else "outbound")
        self.reps, self.deals = reps, defaultdict(list)
        for rep in reps:
            for kind in ("won", "lost"):
                for event, share in record.of(rep, period, kind, "owned"):
                    cell = handed[event.hand_off_id] if event.hand_off_id else ALONE
                    own = kind == "won" and event.amount_minor is not None
                    own = own and event.currency == rep.team.currency
                    amount = event.amount_minor * share if own else None
                    days = self._days(record, event) if kind == "won" else None
                    self.deals[rep.pk].append((cell, kind == "won", share, amount, days))
        self.pools = self._pools(terms)

    @staticmethod
    def _days(record: PlainRecord, event: FunnelEvent) -> Fraction | None:
        opened = [
            other.occurred_at
            for other in record.events
            if other.kind == "stage_1"
            and other.opportunity_id is not None
            and other.opportunity_id == event.opportunity_id
        ]
        if not opened:
            return None
        return Fraction(int(event.occurred_at.timestamp()) - int(min(opened).timestamp()), 86_400)

    def _pools(self, terms: Terms) -> list[set[tuple[int, str]]]:
        closed: dict[tuple[int, str], Fraction] = defaultdict(Fraction)
        for deals in self.deals.values():
            for cell, _, share, _, _ in deals:
                closed[cell] += share
        pools = [{cell} for cell in sorted(closed) if cell != ALONE]
        while len(pools) > 1:
            sizes = sorted((sum(closed[cell] for cell in pool), sorted(pool)) for pool in pools)
            if sizes[0][0] >= terms.least_in_cell:
                break
            thin = set(sizes[0][1])
            apart = []
            for size, cells in sizes[1:]:
                distance = min(abs(one[0] - other[0]) for one in cells for other in thin)
                apart.append((distance, size, cells))
            chosen = set(min(apart)[2])
            pools = [pool for pool in pools if pool not in (thin, chosen)] + [thin | chosen]
        return [*pools, {ALONE}]

    def among(self, cell: tuple[int, str]) -> list[tuple]:
        pool = next(pool for pool in self.pools if cell in pool)
        return [deal for deals in self.deals.values() for deal in deals if deal[0] in pool]

    def wins_expected(self, rep: Rep) -> Fraction:
        total = Fraction(0)
        for cell, _, share, _, _ in self.deals[rep.pk]:
            peers = self.among(cell)
            total += (
                share * sum((one[2] for one in peers if one[1]), Fraction(0)) / sum(one[2] for one in peers)
            )
        return total

    def expected(self, key: str, rep: Rep) -> Fraction | None:
        own = self.deals[rep.pk]
        if key == "win_rate":
            closed = sum((deal[2] for deal in own), Fraction(0))
            return self.wins_expected(rep) / closed if closed else None
        if key in ("revenue_won", "deals_won"):
            total = Fraction(0)
            for cell, _, share, _, _ in own:
                if cell != ALONE:
                    peers = self.among(cell)
                    total += share * self._worth(key, peers) / sum(one[2] for one in peers)
            alone = [deal for deals in self.deals.values() for deal in deals if deal[0] == ALONE]
            return total + self._worth(key, alone) / len(self.reps)
        place = 3 if key == "average_deal" else 4
        total, count = Fraction(0), Fraction(0)
        for deal in own:
            if not deal[1] or deal[place] is None:
                continue
            peers = [one for one in self.among(deal[0]) if one[1] and one[place] is not None]
            worth = sum((one[3] if place == 3 else one[4] * one[2] for one in peers), Fraction(0))
            total += deal[2] * worth / sum(one[2] for one in peers)
            count += deal[2]
        return total / count if count else None

    @staticmethod
    def _worth(key: str, deals: list[tuple]) -> Fraction:
        if key == "deals_won":
            return sum((deal[2] for deal in deals if deal[1]), Fraction(0))
        return sum((deal[3] for deal in deals if deal[3] is not None), Fraction(0))


def plain_ranking(
    record: PlainRecord,
    reps: list[Rep],
    period: Period,
    terms: Terms,
    tiers: dict[int, int],
    *,
    ramping: frozenset[int] = frozenset(),
    held: frozenset[int] = frozenset(),
) -> dict[int, Plain]:
    """One peer group ranked, by rep id."""
    values = {rep.pk: {key: record.value(key, rep, period) for key in terms.weights} for rep in reps}
    mix = PlainMix(record, reps, period, terms)
    raw, adjusted, expected = {}, {}, {}
    for rep in reps:
        index = fair = Fraction(0)
        for key, percent in terms.weights.items():
            known = [values[one.pk][key] for one in reps if values[one.pk][key] is not None]
            mean = sum(known, Fraction(0)) / len(known) if known else None
            lower = key in LOWER_IS_BETTER
            index += Fraction(percent, 100) * ratio_of(values[rep.pk][key], mean, lower, terms)
            other = mix.expected(key, rep) if key in OF_LEADS else mean
            fair += Fraction(percent, 100) * ratio_of(values[rep.pk][key], other, lower, terms)
        raw[rep.pk], expected[rep.pk] = index, mix.wins_expected(rep)
        adjusted[rep.pk] = fair if expected[rep.pk] >= terms.least_expected else None
    found = {}
    for rep in reps:
        one = {pk: raw[pk] if terms.decides == "raw" or adjusted[pk] is None else adjusted[pk] for pk in raw}
        place = 1 + sum(1 for value in one.values() if value > one[rep.pk])
        deciding = raw[rep.pk] if terms.decides == "raw" else adjusted[rep.pk]
        closed = record.count(rep, period, "won", "owned") + record.count(rep, period, "lost", "owned")
        tier, move = tiers[rep.pk], "stay"
        may = len(reps) > 1 and rep.pk not in ramping | held and closed >= terms.least_closed
        if may and deciding is not None and deciding >= terms.up_at and tier > 1:
            move, tier = "up", tier - 1
        elif may and deciding is not None and deciding <= terms.down_at and tier < 3:
            move, tier = "down", tier + 1
        found[rep.pk] = Plain(raw[rep.pk], adjusted[rep.pk], expected[rep.pk], place, move, tier)
    return found
