"""The ranking as it stands or stood: policy, peer groups, tiers as of a day, snapshots and their rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import F, Q

from apps.compensation.selectors.measures import with_splits
from apps.core.periods import Period, trailing_months
from apps.leads.rules.metrics import LOST, WON, Sums, metric
from apps.leads.selectors.measures import measure
from apps.reps.models import Rep, Tier, TierChange
from apps.scorecards.models import PeerGroup, RankingHold, RankingPolicy, RankingRow, RankingSnapshot
from apps.scorecards.rules import ranking as rules
from apps.scorecards.rules.lead_mix import Mix, standard
from apps.scorecards.rules.nearest_step import NearestStep, nearest_step
from apps.scorecards.selectors.lead_mix import mixes_of, mixes_with_splits
from apps.scorecards.selectors.ranking_copies import standing_of
from apps.scorecards.selectors.ranking_totals import ByTotals, ranked_by_totals

FIRST_POLICY_ON = date(2000, 1, 1)


def current_policy(day: date) -> RankingPolicy:
    """The policy in force on ``day``; unsaved, with the defaults of PRODUCT section 7, where none is."""
    found = RankingPolicy.objects.in_force_on(day).first()
    return found or RankingPolicy(version=1, effective_on=FIRST_POLICY_ON)


@dataclass(frozen=True)
class Group:
    """AEs who are compared with one another, best first. Money in them is in one ``currency``.

    ``holds`` are those in force, by rep.
    """

    key: str
    name: str
    currency: str
    standings: Sequence[rules.Standing]
    reps: Mapping[int, Rep]
    holds: Mapping[int, RankingHold] = field(default_factory=dict)

    def stepper(self, edges: rules.Rules) -> Callable[[rules.Standing], NearestStep | None]:
        """What finds the nearest step of one of the group; the peers' sums are made once."""
        peers = [one.peer for one in self.standings]
        totals = rules.totals(peers, [one.key for one in edges.metrics])
        against = standard([peer.mix for peer in peers], edges.least_in_cell)
        return lambda standing: nearest_step(standing.peer, totals, edges, against)


def group_of(rep: Rep, policy: RankingPolicy, tier: int) -> tuple[str, str]:
    """The key and the name of the peer group of ``rep`` (its team and agency loaded)."""
    currency = rep.team.currency
    match policy.peer_group:
        case PeerGroup.CURRENCY:
            return f"currency:{currency}", f"AEs in {currency}"
        case PeerGroup.AGENCY:
            name = rep.agency.name if rep.agency else "Own AEs"
            return f"agency:{currency}:{rep.agency_id or 0}", f"{name}, {currency}"
        case PeerGroup.TIER:
            return f"tier:{currency}:{tier}", f"Tier {tier}, {currency}"
        case _:
            return f"team:{rep.team_id}", rep.team.name


def tiers_on(reps: Iterable[Rep], day: date) -> dict[int, int]:
    """The tier that each AE held as ``day`` began: later changes undone. Without one, the lowest."""
    tiers = {rep.pk: rep.tier or Tier.THREE for rep in reps}
    later = TierChange.objects.filter(rep__in=list(tiers), effective_on__gte=day)
    for rep, before in later.order_by("-effective_on", "-pk").values_list("rep_id", "tier_before"):
        tiers[rep] = before
    return {rep: int(tier) for rep, tier in tiers.items()}


def ranked_on(day: date) -> list[Rep]:
    """The AEs who are here on ``day``, their team and agency loaded."""
    return list(Rep.objects.aes().active_on(day).select_related("team", "agency").order_by("pk"))


def holds_on(
    *, day: date, known_at: datetime | None, reps: Iterable[int] | None = None
) -> dict[int, RankingHold]:
    """By rep, the hold in force on ``day`` as known at ``known_at``; of several the one that ends last."""
    found = RankingHold.objects.filter(starts_on__lte=day, ends_on__gt=day)
    found = (
        found.filter(lift__isnull=True) if known_at is None else found.in_force(day=day, known_at=known_at)
    )
    if reps is not None:
        found = found.filter(rep__in=list(reps))
    return {hold.rep_id: hold for hold in found.order_by("ends_on", "pk").select_related("held_by")}


def peer(
    rep: Rep, sums: Sums, policy: RankingPolicy, tier: int, day: date, mix: Mix, is_held: bool = False
) -> rules.Peer:
    """An AE as the rule sees one."""
    return rules.Peer(
        rep_id=rep.pk,
        values={key: metric(key).read(sums).value for key, _ in policy.metrics},
        won=sums.count(WON),
        closed=sums.count(WON) + sums.count(LOST),
        revenue=sums.money(WON),
        tier=tier,
        is_ramping=rep.is_ramping_on(day),
        mix=mix,
        is_held=is_held,
    )


def standings_of(
    *,
    policy: RankingPolicy,
    period: Period,
    day: date,
    as_of: datetime | None = None,
    reps: Sequence[Rep] | None = None,
    tiers: Mapping[int, int] | None = None,
) -> list[Group]:
    """The ranking of ``reps`` (all AEs here on ``day``) over ``period``, from what was recorded by ``as_of``.

    ``tiers`` stand in place of those that the AEs held. Without ``as_of`` from all that is on record now,
    through the monthly totals where they were made. Seven statements at the most, whatever the number of AEs
    (three more through the totals), and as many again as splits by hand are read in where there are any.
    """
    found = ranked_on(day) if reps is None else list(reps)
    sums, mixes = _made_of(found, policy, period, as_of)
    tiers = {**tiers_on(found, period.end), **(tiers or {})}
    holds = holds_on(day=day, known_at=as_of)
    members: dict[tuple[str, str], list[Rep]] = {}
    for rep in found:
        members.setdefault(group_of(rep, policy, tiers[rep.pk]), []).append(rep)
    edges = policy.rules
    return [
        Group(
            key=key,
            name=name,
            currency=group[0].team.currency,
            standings=rules.rank(
                [
                    peer(rep, sums[rep.pk], policy, tiers[rep.pk], day, mixes[rep.pk], rep.pk in holds)
                    for rep in group
                ],
                edges,
            ),
            reps={rep.pk: rep for rep in group},
            holds={rep.pk: holds[rep.pk] for rep in group if rep.pk in holds},
        )
        for (key, name), group in sorted(members.items(), key=lambda item: (item[0][1], item[0][0]))
    ]


def _made_of(reps: Sequence[Rep], policy: RankingPolicy, period: Period, as_of: datetime | None) -> ByTotals:
    """The sums of the record, through the totals where nothing is asked of the past; approved splits over either."""
    metrics = [metric(key) for key in policy.weights]
    found = ranked_by_totals(reps=reps, period=period) if as_of is None else None
    if found is None:
        sums = measure(reps=reps, periods=[period], metrics=metrics, parts=(WON, LOST), as_of=as_of)[0]
        found = ByTotals(sums, mixes_of(reps=reps, period=period, as_of=as_of))
    return ByTotals(
        with_splits([found.sums], periods=[period], metrics=metrics, parts=(WON, LOST), as_of=as_of)[0],
        mixes_with_splits(found.mixes, reps=reps, period=period, as_of=as_of),
    )


# --- Snapshots ------------------------------------------------------------------------------------


def latest_snapshot(*, on: date | None = None, period: Period | None = None) -> RankingSnapshot | None:
    """The newest ranking, of those as of ``on`` or before, or of those over exactly ``period``.

    Over a period it is the one that was frozen when its last month closed, if one was.
    """
    found = RankingSnapshot.objects.select_related("policy")
    if on is not None:
        found = found.filter(as_of__lte=on)
    if period is not None:
        found = found.filter(starts_on=period.start, ends_on=period.end)
        found = found.order_by(F("frozen_at").desc(nulls_last=True), "-as_of", "-policy__version")
        return found.first()
    return found.order_by("-as_of", "-policy__version").first()


def snapshot_before(snapshot: RankingSnapshot) -> RankingSnapshot | None:
    """The newest ranking of an earlier period: what "last time" compares with."""
    earlier = RankingSnapshot.objects.filter(ends_on__lt=snapshot.ends_on)
    return earlier.order_by("-ends_on", "-as_of", "-policy__version").first()


def groups_in(snapshot: RankingSnapshot, reps: Iterable[int] | None = None) -> list[Group]:
    """The peer groups of a snapshot; with ``reps`` only the groups that hold one of them."""
    rows = RankingRow.objects.filter(snapshot=snapshot).select_related("rep__team", "hold__held_by")
    if reps is not None:
        own = RankingRow.objects.filter(snapshot=snapshot, rep__in=list(reps))
        rows = rows.filter(group__in=own.values("group"))
    members: dict[str, list[RankingRow]] = {}
    for row in rows.order_by("group_name", "group", "rank", "rep_id"):
        members.setdefault(row.group, []).append(row)
    return [
        Group(
            key=key,
            name=group[0].group_name,
            currency=group[0].currency,
            standings=[standing_of(row) for row in group],
            reps={row.rep_id: row.rep for row in group},
            holds={row.rep_id: row.hold for row in group if row.hold is not None},
        )
        for key, group in members.items()
    ]


def period_ending(month: Period, policy: RankingPolicy) -> Period:
    """The period of the ranking that a month's scorecard shows: so many months, the month being the last."""
    return trailing_months(month.end, policy.months)


def recent_moves(user: Any, since: date) -> list[TierChange]:
    """Tier changes since ``since`` of the AEs that ``user`` may see, newest first."""
    changes = TierChange.objects.filter(effective_on__gte=since).select_related("rep")
    if user.role == "revops":
        own = Q()
    elif user.role == "manager":
        own = Q(rep__team__manager=user)
    else:
        own = Q(rep__user=user)
    return list(changes.filter(own).order_by("-effective_on", "rep__name")[:20])
