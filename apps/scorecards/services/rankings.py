"""Make the ranking as of a day, keep it whole, and write the tiers that it decides.

As of a past day it reads what had been recorded by the end of that day, so it gives the same ranking
whenever it is made. As of today it reads what is known now; made again, it takes up what was recorded since.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.core.money import quantize
from apps.core.periods import day_of, day_start, trailing_months
from apps.jobs import services as jobs
from apps.jobs.models import Job
from apps.reps.models import Rep, Tier, TierChange
from apps.reps.services.tiers import change_tier
from apps.scorecards.models import PeerGroup, RankingPolicy, RankingRow, RankingSnapshot
from apps.scorecards.models.ranking import default_weights
from apps.scorecards.rules.metrics import METRICS
from apps.scorecards.rules.ranking import Move, Standing
from apps.scorecards.selectors.ranking import FIRST_POLICY_ON, Group, kept, standings_of

JOB_KIND = "scorecards.recompute_rankings"

Progress = Callable[[int, int, str], None]


class UnableToRank(DomainError):
    """The day is still to come."""

    code = "unable_to_rank"


@transaction.atomic
def policy_for(*, day: date) -> RankingPolicy:
    """The policy in force on ``day``, locked against a second ranking; the first is made of the defaults."""
    in_force = RankingPolicy.objects.select_for_update().filter(effective_on__lte=day)
    found = in_force.order_by("-version").first()
    if found is not None:
        return found
    RankingPolicy.objects.get_or_create(version=1, defaults={"effective_on": FIRST_POLICY_ON})
    found = in_force.order_by("-version").first()
    if found is None:
        raise UnableToRank(f"No ranking policy was in force on {day}: choose a later day.")
    return found


@transaction.atomic
def write_policy(
    *,
    weights: Mapping[str, int],
    effective_on: date,
    at: datetime,
    floor: Decimal = Decimal("0.50"),
    ceiling: Decimal = Decimal("1.50"),
    up_at: Decimal = Decimal("1.20"),
    down_at: Decimal = Decimal("0.80"),
    least_closed: int = 5,
    months: int = 3,
    peer_group: str = PeerGroup.TEAM,
    actor: Any = None,
) -> RankingPolicy:
    """A new version of how AEs are ranked.

    Raises ``InvalidInput`` unless five metrics of an AE make 100 percent, with the average between the edges.
    """
    allowed = set(default_weights()) | {"deals_won", "hand_off_acceptance_rate"}
    unknown = sorted(set(weights) - (allowed & set(METRICS)))
    if unknown:
        raise InvalidInput(f"AEs cannot be ranked by {', '.join(unknown)}.", field="weights")
    if len(weights) != 5 or sum(weights.values()) != 100 or min(weights.values()) <= 0:
        raise InvalidInput("A ranking has five metrics, and their weights make 100 percent.", field="weights")
    if not (0 <= floor < 1 < ceiling and down_at < 1 < up_at):
        raise InvalidInput(
            "The average of 1.00 lies between the bounds, and between the edges.", field="floor"
        )
    last = RankingPolicy.objects.select_for_update().order_by("-version").first()
    policy = RankingPolicy.objects.create(
        version=last.version + 1 if last else 1,
        effective_on=effective_on,
        weights=dict(weights),
        floor=floor,
        ceiling=ceiling,
        up_at=up_at,
        down_at=down_at,
        least_closed=least_closed,
        months=months,
        peer_group=peer_group,
    )
    audit.record(
        verb="scorecards.ranking_policy.written",
        subject=policy,
        at=at,
        actor=actor,
        data={"version": policy.version, "weights": dict(weights)},
    )
    return policy


def ask_for_ranking(*, as_of: date, at: datetime, requested_by: Any = None) -> Job:
    """Ask for the ranking as of ``as_of`` in the background. Raises ``UnableToRank`` for a day to come."""
    _refuse_the_future(as_of, at)
    return jobs.enqueue(
        kind=JOB_KIND,
        key=f"as_of:{as_of.isoformat()}",
        params={"as_of": as_of.isoformat()},
        requested_by=requested_by,
        at=at,
    )


def _refuse_the_future(as_of: date, at: datetime) -> None:
    if as_of > day_of(at, settings.COMPANY_TIME_ZONE):
        raise UnableToRank(f"{as_of} is still to come: a ranking is as of today or a day before.")


@dataclass(frozen=True)
class Outcome:
    """What a recompute did. ``is_new`` is false when the same ranking was there already."""

    snapshot: RankingSnapshot
    is_new: bool
    ranked: int
    moved: int


@transaction.atomic
def recompute_rankings(
    *,
    as_of: date,
    at: datetime,
    apply: bool = True,
    progress: Progress | None = None,
    actor: Any = None,
) -> Outcome:
    """Rank all AEs over the whole months before ``as_of`` and keep it as a snapshot.

    With ``apply``, ranks and tiers are written too, unless a ranking of a later day has been kept: the past
    is looked at, never written over the present. An AE moves one step a period at the most, however many
    rankings fall into it. Making the same ranking again changes nothing. Raises ``UnableToRank``.
    """
    _refuse_the_future(as_of, at)
    zone = settings.COMPANY_TIME_ZONE
    policy = policy_for(day=as_of)
    known_at = min(at, day_start(as_of + timedelta(days=1), zone))
    period = trailing_months(as_of, policy.months)
    groups = standings_of(policy=policy, period=period, day=as_of, as_of=known_at)
    rows = _rows(groups, as_of, period.end)
    fingerprint = _fingerprint(rows)
    existing = RankingSnapshot.objects.filter(policy=policy, as_of=as_of).first()
    newer = RankingSnapshot.objects.filter(as_of__gt=as_of).exists()
    snapshot = existing
    is_new = existing is None or existing.fingerprint != fingerprint
    if existing is not None and is_new:
        existing.delete()
    if is_new:
        snapshot = RankingSnapshot.objects.create(
            policy=policy,
            as_of=as_of,
            starts_on=period.start,
            ends_on=period.end,
            known_at=known_at,
            computed_at=at,
            fingerprint=fingerprint,
        )
        for row in rows:
            row.snapshot = snapshot
        RankingRow.objects.bulk_create(rows, batch_size=500)
    assert snapshot is not None
    moved = 0
    if apply and not newer:
        moved = _apply(groups, rows, as_of=as_of, at=at, progress=progress, actor=actor)
        if not snapshot.is_applied:
            RankingSnapshot.objects.filter(pk=snapshot.pk).update(is_applied=True)
            snapshot.is_applied = True
    if is_new:
        audit.record(
            verb="scorecards.ranking.computed",
            subject=snapshot,
            at=at,
            actor=actor,
            data={"as_of": as_of.isoformat(), "fingerprint": fingerprint, "moved": moved},
        )
    return Outcome(snapshot, is_new, len(rows), moved)


def _rows(groups: list[Group], as_of: date, period_end: date) -> list[RankingRow]:
    """A row per AE. Who was moved within this period already stays where that move led."""
    moved = {
        change.rep_id: change
        for change in TierChange.objects.filter(
            effective_on__gte=period_end, effective_on__lte=as_of
        ).order_by("-effective_on", "-pk")
    }
    rows = []
    for group in groups:
        for one in group.standings:
            move, tier_after, reason = str(one.move), one.tier_after, one.reason
            change = moved.get(one.peer.rep_id)
            if change is not None and change.tier_after != tier_after:
                move, tier_after = _direction(one, change.tier_after), change.tier_after
                moved_on = f"{change.effective_on.day} {change.effective_on:%B}"
                reason = f"{reason} Moved on {moved_on} already: one step a period."
            rows.append(
                RankingRow(
                    rep_id=one.peer.rep_id,
                    group=group.key,
                    group_name=group.name,
                    currency=group.currency,
                    index=quantize(one.index, 4),
                    rank=one.rank,
                    of=one.of,
                    tier_before=one.peer.tier,
                    tier_after=tier_after,
                    move=move,
                    reason=reason,
                    is_ramping=one.peer.is_ramping,
                    metrics=kept(one),
                )
            )
    return rows


def _direction(standing: Standing, tier_after: int) -> str:
    if tier_after == standing.peer.tier:
        return str(Move.STAY)
    return str(Move.UP if tier_after < standing.peer.tier else Move.DOWN)


def _fingerprint(rows: list[RankingRow]) -> str:
    """A hash over what the ranking says, whatever order it was computed in."""
    lines = [
        [row.rep_id, row.group, row.rank, row.of, row.tier_before, row.tier_after, row.reason, row.metrics]
        for row in sorted(rows, key=lambda row: row.rep_id)
    ]
    return hashlib.sha256(json.dumps(lines, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _apply(
    groups: list[Group],
    rows: list[RankingRow],
    *,
    as_of: date,
    at: datetime,
    progress: Progress | None,
    actor: Any,
) -> int:
    """Write ranks and moves; returns how many AEs were moved now."""
    reps: dict[int, Rep] = {pk: rep for group in groups for pk, rep in group.reps.items()}
    Rep.objects.filter(pk__in=[pk for pk, rep in reps.items() if rep.tier is None]).update(tier=Tier.THREE)
    ranks = {row.rep_id: row.rank for row in rows}
    changed = [rep for pk, rep in reps.items() if rep.rank != ranks[pk]]
    for rep in changed:
        rep.rank = ranks[rep.pk]
    Rep.objects.bulk_update(changed, ["rank"], batch_size=500)
    moved = 0
    names = {group.key: group.name for group in groups}
    for number, row in enumerate(rows, 1):
        if progress is not None:
            progress(number, len(rows), names[row.group])
        rep = reps[row.rep_id]
        if row.tier_after == (rep.tier or Tier.THREE) or row.move == Move.STAY:
            continue
        change_tier(
            rep=rep,
            tier_before=row.tier_before,
            tier_after=row.tier_after,
            effective_on=as_of,
            reason=row.reason,
            at=at,
            actor=actor,
        )
        moved += 1
    return moved
