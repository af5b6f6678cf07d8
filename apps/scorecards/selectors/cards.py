"""Scorecards, computed for many reps at once or for one. What a closed month keeps: ``card_copies``."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from functools import reduce

from django.conf import settings
from django.db.models import Q

from apps.compensation.selectors.measures import measure
from apps.core.periods import Period, month_of
from apps.leads.rules.metrics import WHOLE, Metric, Sums, metric
from apps.leads.selectors.measures import Measured
from apps.reps.models import Rep
from apps.scorecards import models
from apps.scorecards.models import RankingPolicy, RankingRow
from apps.scorecards.rules import ranking as rules
from apps.scorecards.rules.layout import LAYOUTS, Layout
from apps.scorecards.selectors.card_targets import Targets
from apps.scorecards.selectors.ranking import (
    Group,
    current_policy,
    groups_in,
    latest_snapshot,
    period_ending,
    standings_of,
)
from apps.slas.models import ClockKind
from apps.slas.selectors import attainment_of_reps


@dataclass(frozen=True)
class Row:
    """One metric of a card: own figure with what it was divided from, three months, target, peers' mean."""

    metric: Metric
    own: Fraction | None
    top: Fraction | None
    bottom: Fraction | None
    apart: dict[str, Fraction]
    trend: tuple[Fraction | None, ...]
    target: Fraction | None
    target_from: str
    mean: Fraction | None
    peers: int


@dataclass(frozen=True)
class Placed:
    """The ranking on a card: the standing, whom it was among, and the policy and day that made it.

    ``nearest`` is the nearest step in words, "" where there is none.
    """

    standing: rules.Standing
    peers: tuple[tuple[int, str, Fraction], ...]
    nearest: str
    group_name: str
    policy_version: int
    rules: rules.Rules
    snapshot_as_of: str
    index_before: Fraction | None

    @property
    def is_final(self) -> bool:
        """Made by a ranking that was kept, not worked out for this look at an open month."""
        return bool(self.snapshot_as_of)


@dataclass(frozen=True)
class Promise:
    """SLA attainment of one kind of promise, over the card's month: of so many decided, so many were kept."""

    name: str
    kept: int
    decided: int

    @property
    def share(self) -> Fraction | None:
        """The part that was kept; ``None`` where none was decided."""
        return Fraction(self.kept, self.decided) if self.decided else None


@dataclass(frozen=True)
class Card:
    """A rep's month. Money is in minor units of ``currency``; ``basis`` is what the figures run over.

    ``spread`` are the peers (id, name, value) by the layout's headline metric.
    """

    rep_id: int
    rep_name: str
    role: str
    team_name: str
    currency: str
    month: Period
    basis: Period
    months: tuple[Period, ...]
    rows: tuple[Row, ...]
    funnel: tuple[tuple[str, Fraction], ...]
    spread: tuple[tuple[int, str, Fraction], ...]
    promises: tuple[Promise, ...]
    placed: Placed | None
    as_of: datetime | None

    @property
    def layout(self) -> Layout:
        return LAYOUTS[self.role]

    def row(self, key: str) -> Row:
        return next(row for row in self.rows if row.metric.key == key)


TREND_MONTHS = 3
"""How many months a card shows one by one."""


def in_month(month: Period) -> Q:
    """Reps who were here on some day of ``month``."""
    return Q(hired_on__lt=month.end) & (Q(left_on__isnull=True) | Q(left_on__gt=month.start))


def card_of(*, rep: Rep, month: Period, as_of: datetime | None = None) -> Card:
    """The card of one rep (``team__calendar`` loaded), worked out from the record."""
    return cards_of(reps=[rep], month=month, as_of=as_of)[rep.pk]


def cards_of(*, reps: Iterable[Rep], month: Period, as_of: datetime | None = None) -> dict[int, Card]:
    """The cards of many reps (``team__calendar`` loaded) for ``month``, from what was recorded by ``as_of``.

    The number of statements depends on the number of different roles only, not on the number of reps.
    """
    wanted = list(reps)
    layouts = {LAYOUTS[rep.role] for rep in wanted}
    peers = list(
        Rep.objects.filter(in_month(month), team__in={rep.team_id for rep in wanted})
        .select_related("calendar", "team__calendar")
        .order_by("name", "pk")
    )
    known = {rep.pk for rep in peers}
    peers += [rep for rep in wanted if rep.pk not in known]
    policy = current_policy(month.end)
    months = _months_to(month, max(TREND_MONTHS, policy.months))
    asked = Targets(wanted, Period(months[0].start, month.end), as_of)
    placed = _places(wanted, month, policy, as_of) if any(one.is_ranked for one in layouts) else {}
    promises = promises_of(wanted, month)
    cards: dict[int, Card] = {}
    for layout in sorted(layouts, key=lambda one: one.metrics):
        basis = (
            period_ending(month, policy)
            if layout.is_ranked
            else Period(months[-layout.months].start, month.end)
        )
        group = [rep for rep in peers if LAYOUTS[rep.role] is layout]
        reading = _Reading(layout, group, months[-TREND_MONTHS:], basis, as_of)
        for rep in wanted:
            if LAYOUTS[rep.role] is layout:
                cards[rep.pk] = _card(
                    rep, reading, asked, placed.get(rep.pk), promises.get(rep.pk, ()), as_of
                )
    return cards


def promises_of(reps: Sequence[Rep], month: Period) -> dict[int, tuple[Promise, ...]]:
    """The promises of each rep that were decided in ``month``, by kind. One statement."""
    start, end = month.bounds(settings.COMPANY_TIME_ZONE)
    attained = attainment_of_reps(reps=reps, start=start, end=end)
    return {
        rep: tuple(
            Promise(ClockKind(kind).label, one.met, one.decided) for kind, one in sorted(kinds.items())
        )
        for rep, kinds in attained.items()
    }


def _months_to(month: Period, count: int) -> list[Period]:
    """``count`` whole months, the last of them ``month``."""
    months = [month]
    while len(months) < count:
        months.insert(0, months[0].previous())
    return months


class _Reading:
    """What the record says of everybody of one layout: month by month, over the basis, and by team."""

    def __init__(
        self,
        layout: Layout,
        reps: Sequence[Rep],
        months: Sequence[Period],
        basis: Period,
        as_of: datetime | None,
    ) -> None:
        self.layout, self.months, self.basis = layout, tuple(months), basis
        self.metrics = [metric(key) for key in layout.metrics]
        self.by_month, self.whole = self._read(reps, as_of)
        self.figures = {
            rep.pk: {one.key: one.read(self.whole[rep.pk]) for one in self.metrics} for rep in reps
        }
        self._present: dict[tuple[int, str], list[tuple[int, str, Fraction]]] = {}
        for rep in reps:
            for key, figure in self.figures[rep.pk].items():
                if figure.value is not None:
                    self._present.setdefault((rep.team_id, key), []).append((rep.pk, rep.name, figure.value))
        self._means = {
            which: sum((value for *_, value in values), Fraction(0)) / len(values)
            for which, values in self._present.items()
        }

    def _read(self, reps: Sequence[Rep], as_of: datetime | None) -> tuple[list[Measured], Measured]:
        parts = [part for _, part in self.layout.funnel]

        def read(periods: Sequence[Period]) -> list[Measured]:
            return measure(reps=reps, periods=periods, metrics=self.metrics, parts=parts, as_of=as_of)

        by_month = read(self.months)
        if self.basis == self.months[-1]:
            return by_month, by_month[-1]
        if self.basis.start < self.months[0].start or not all(one.adds_up for one in self.metrics):
            return by_month, read([self.basis])[0]
        used = [
            measured
            for month, measured in zip(self.months, by_month, strict=True)
            if month.start >= self.basis.start
        ]
        return by_month, {rep.pk: reduce(Sums.joined, [one[rep.pk] for one in used]) for rep in reps}

    def peers(self, team: int, key: str) -> list[tuple[int, str, Fraction]]:
        """Those of a team who have a value."""
        return self._present.get((team, key), [])

    def mean(self, team: int, key: str) -> Fraction | None:
        return self._means.get((team, key))


def funnel_of(layout: Layout, own: Sums) -> tuple[tuple[str, Fraction], ...]:
    """The steps of a role's funnel: word and count, split ones by their share."""
    # An AE finds deals alone as well: only those from a hand-off belong under "hand-offs received".
    steps = [
        (word, Fraction(own.handed.get(part, 0), WHOLE) if layout.is_ranked else own.count(part))
        for word, part in layout.funnel
    ]
    if layout.starts_with_leads:
        steps.insert(0, ("Leads worked", Fraction(own.leads_worked)))
    return tuple(steps)


def _card(
    rep: Rep,
    reading: _Reading,
    asked: Targets,
    placed: Placed | None,
    promises: tuple[Promise, ...],
    as_of: datetime | None,
) -> Card:
    layout = reading.layout
    return Card(
        rep_id=rep.pk,
        rep_name=rep.name,
        role=rep.role,
        team_name=rep.team.name,
        currency=rep.team.currency,
        month=reading.months[-1],
        basis=reading.basis,
        months=reading.months,
        rows=tuple(_row(rep, one, reading, asked) for one in reading.metrics),
        funnel=funnel_of(layout, reading.whole[rep.pk]),
        spread=tuple(reading.peers(rep.team_id, layout.headline)),
        promises=promises,
        placed=placed,
        as_of=as_of,
    )


def _row(rep: Rep, one: Metric, reading: _Reading, asked: Targets) -> Row:
    figure = reading.figures[rep.pk][one.key]
    target, target_from = asked.target(rep, one, reading.layout, reading.basis)
    return Row(
        metric=one,
        own=figure.value,
        top=figure.top,
        bottom=figure.bottom,
        apart=figure.apart,
        trend=tuple(one.read(measured[rep.pk]).value for measured in reading.by_month),
        target=target,
        target_from=target_from,
        mean=reading.mean(rep.team_id, one.key),
        peers=len(reading.peers(rep.team_id, one.key)),
    )


# --- The ranking on a card --------------------------------------------------------------------------


def _places(
    reps: Sequence[Rep], month: Period, policy: RankingPolicy, as_of: datetime | None
) -> dict[int, Placed]:
    """From the ranking kept for the period that ends with ``month``; worked out where there is none."""
    ranked = [rep for rep in reps if LAYOUTS[rep.role].is_ranked]
    period = period_ending(month, policy)
    snapshot = latest_snapshot(period=period)
    before = _indexes_before([rep.pk for rep in ranked], period)
    if snapshot is not None:
        groups = groups_in(snapshot, [rep.pk for rep in ranked])
        return _placed(ranked, groups, snapshot.policy, snapshot.as_of.isoformat(), before)
    day = min(month.end, as_of.date()) if as_of else month.end
    aes = Rep.objects.aes().active_on(day).filter(team__in={rep.team_id for rep in ranked})
    if policy.peer_group != models.PeerGroup.TEAM:
        aes = (
            Rep.objects.aes().active_on(day).filter(team__currency__in={rep.team.currency for rep in ranked})
        )
    peers = list(aes.select_related("team", "agency").order_by("pk"))
    if not {rep.pk for rep in ranked} & {rep.pk for rep in peers}:
        return {}
    groups = standings_of(policy=policy, period=period, day=day, as_of=as_of, reps=peers)
    return _placed(ranked, groups, policy, "", before)


MOST_PEERS = 60
"""In a larger group a card names the peers of the own team only."""


def _placed(
    reps: Sequence[Rep],
    groups: Iterable[Group],
    policy: RankingPolicy,
    as_of: str,
    before: Mapping[int, Fraction],
) -> dict[int, Placed]:
    wanted = {rep.pk: rep for rep in reps}
    found = {}
    for group in groups:
        edges = policy.rules
        step = group.stepper(edges)
        for one in group.standings:
            rep = wanted.get(one.peer.rep_id)
            if rep is None:
                continue
            nearest = step(one)
            found[rep.pk] = Placed(
                standing=one,
                peers=tuple(
                    (other.peer.rep_id, group.reps[other.peer.rep_id].name, other.deciding(edges))
                    for other in group.standings
                    if one.of <= MOST_PEERS or group.reps[other.peer.rep_id].team_id == rep.team_id
                ),
                nearest=nearest.words if nearest else "",
                group_name=group.name,
                policy_version=policy.version or 0,
                rules=edges,
                snapshot_as_of=as_of,
                index_before=before.get(rep.pk),
            )
    return found


def _indexes_before(reps: Sequence[int], period: Period) -> dict[int, Fraction]:
    """The index of each AE in the kept ranking whose period ended a month before ``period`` does."""
    earlier = latest_snapshot_ending(month_of(period.last_day).start)
    if earlier is None:
        return {}
    rows = RankingRow.objects.filter(snapshot=earlier, rep__in=reps)
    return {row.rep_id: Fraction(row.metrics["index"]) for row in rows}


def latest_snapshot_ending(day: date) -> models.RankingSnapshot | None:
    """The newest ranking of a period that ended on ``day``."""
    found = models.RankingSnapshot.objects.filter(ends_on=day)
    return found.order_by("-as_of", "-policy__version").first()
