"""The ranking as it stands or stood: policy, peer groups, tiers as of a day, snapshots and their rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from django.db.models import Q

from apps.core.periods import Period, trailing_months
from apps.reps.models import Rep, Tier, TierChange
from apps.scorecards.models import PeerGroup, RankingPolicy, RankingRow, RankingSnapshot
from apps.scorecards.rules import ranking as rules
from apps.scorecards.rules.metrics import LOST, WON, Sums, metric
from apps.scorecards.selectors.measures import measure

FIRST_POLICY_ON = date(2000, 1, 1)


def current_policy(day: date) -> RankingPolicy:
    """The policy in force on ``day``; unsaved, with the defaults of PRODUCT section 7, where none is."""
    found = RankingPolicy.objects.filter(effective_on__lte=day).order_by("-version").first()
    return found or RankingPolicy(version=1, effective_on=FIRST_POLICY_ON)


@dataclass(frozen=True)
class Group:
    """AEs who are compared with one another, best first. Money in them is in one ``currency``."""

    key: str
    name: str
    currency: str
    standings: Sequence[rules.Standing]
    reps: Mapping[int, Rep]


def group_of(rep: Rep, policy: RankingPolicy) -> tuple[str, str]:
    """The key and the name of the peer group of ``rep`` (its team loaded)."""
    if policy.peer_group == PeerGroup.CURRENCY:
        return f"currency:{rep.team.currency}", f"AEs in {rep.team.currency}"
    return f"team:{rep.team_id}", rep.team.name


def tiers_on(reps: Iterable[Rep], day: date) -> dict[int, int]:
    """The tier that each AE held as ``day`` began: later changes undone. Without one, the lowest."""
    tiers = {rep.pk: rep.tier or Tier.THREE for rep in reps}
    later = TierChange.objects.filter(rep__in=list(tiers), effective_on__gte=day)
    for rep, before in later.order_by("-effective_on", "-pk").values_list("rep_id", "tier_before"):
        tiers[rep] = before
    return {rep: int(tier) for rep, tier in tiers.items()}


def ranked_on(day: date) -> list[Rep]:
    """The AEs who are here on ``day``, their team loaded."""
    return list(Rep.objects.aes().active_on(day).select_related("team").order_by("pk"))


def peer(rep: Rep, sums: Sums, policy: RankingPolicy, tier: int, day: date) -> rules.Peer:
    """An AE as the rule sees one."""
    return rules.Peer(
        rep_id=rep.pk,
        values={key: metric(key).read(sums).value for key, _ in policy.metrics},
        won=sums.count(WON),
        closed=sums.count(WON) + sums.count(LOST),
        revenue=sums.money(WON),
        tier=tier,
        is_ramping=rep.is_ramping_on(day),
    )


def standings_of(
    *,
    policy: RankingPolicy,
    period: Period,
    day: date,
    as_of: datetime | None = None,
    reps: Sequence[Rep] | None = None,
) -> list[Group]:
    """The ranking of ``reps`` (all AEs here on ``day``) over ``period``, from what was recorded by ``as_of``.

    Five statements at the most, whatever the number of AEs.
    """
    found = ranked_on(day) if reps is None else list(reps)
    metrics = [metric(key) for key in policy.weights]
    sums = measure(reps=found, periods=[period], metrics=metrics, parts=(WON, LOST), as_of=as_of)[0]
    tiers = tiers_on(found, period.end)
    members: dict[tuple[str, str], list[Rep]] = {}
    for rep in found:
        members.setdefault(group_of(rep, policy), []).append(rep)
    return [
        Group(
            key=key,
            name=name,
            currency=group[0].team.currency,
            standings=rules.rank(
                [peer(rep, sums[rep.pk], policy, tiers[rep.pk], day) for rep in group], policy.rules
            ),
            reps={rep.pk: rep for rep in group},
        )
        for (key, name), group in sorted(members.items(), key=lambda item: item[0][1])
    ]


# --- Snapshots ------------------------------------------------------------------------------------


def latest_snapshot(*, on: date | None = None, period: Period | None = None) -> RankingSnapshot | None:
    """The newest ranking, of those as of ``on`` or before, or of those over exactly ``period``."""
    found = RankingSnapshot.objects.select_related("policy")
    if on is not None:
        found = found.filter(as_of__lte=on)
    if period is not None:
        found = found.filter(starts_on=period.start, ends_on=period.end)
    return found.order_by("-as_of", "-policy__version").first()


def snapshot_before(snapshot: RankingSnapshot) -> RankingSnapshot | None:
    """The newest ranking of an earlier period: what "last time" compares with."""
    earlier = RankingSnapshot.objects.filter(ends_on__lt=snapshot.ends_on)
    return earlier.order_by("-ends_on", "-as_of", "-policy__version").first()


def previous_index(rep: int, period: Period) -> RankingRow | None:
    """The row of ``rep`` in the newest ranking of a period that ended before ``period`` did."""
    rows = RankingRow.objects.filter(rep=rep, snapshot__ends_on__lt=period.end)
    return rows.order_by("-snapshot__ends_on", "-snapshot__as_of").select_related("snapshot").first()


def kept(standing: rules.Standing) -> dict[str, Any]:
    """A standing's arithmetic as JSON: exact fractions in text."""
    return {
        "index": str(standing.index),
        "won": str(standing.peer.won),
        "closed": str(standing.peer.closed),
        "revenue": str(standing.peer.revenue),
        "terms": [
            {
                "key": one.key,
                "own": None if one.own is None else str(one.own),
                "mean": None if one.mean is None else str(one.mean),
                "ratio": str(one.ratio),
                "weight": str(one.weight),
                "why": one.why,
            }
            for one in standing.terms
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
) -> rules.Standing:
    """What ``kept`` made JSON of, as it was."""
    terms = tuple(
        rules.Term(
            key=one["key"],
            own=_fraction(one["own"]),
            mean=_fraction(one["mean"]),
            ratio=Fraction(one["ratio"]),
            weight=Fraction(one["weight"]),
            why=one["why"],
        )
        for one in metrics["terms"]
    )
    return rules.Standing(
        peer=rules.Peer(
            rep_id=rep_id,
            values={one.key: one.own for one in terms},
            won=Fraction(metrics["won"]),
            closed=Fraction(metrics["closed"]),
            revenue=Fraction(metrics["revenue"]),
            tier=tier_before,
            is_ramping=is_ramping,
        ),
        terms=terms,
        index=Fraction(metrics["index"]),
        rank=rank,
        of=of,
        move=rules.Move(move),
        tier_after=tier_after,
        reason=reason,
    )


def groups_in(snapshot: RankingSnapshot, reps: Iterable[int] | None = None) -> list[Group]:
    """The peer groups of a snapshot; with ``reps`` only the groups that hold one of them."""
    rows = RankingRow.objects.filter(snapshot=snapshot).select_related("rep__team")
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
