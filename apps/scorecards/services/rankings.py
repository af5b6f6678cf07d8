"""Make the ranking as of a day, keep it whole, and write the tiers that it decides.

As of a past day it reads what had been recorded by the end of that day, so it gives the same ranking
whenever it is made. As of today it reads what is known now; made again, it takes up what was recorded since.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError
from apps.core.money import quantize
from apps.core.periods import day_of, day_start, trailing_months
from apps.jobs import services as jobs
from apps.jobs.models import Job
from apps.reps.models import Rep, Tier, TierChange
from apps.reps.services.tiers import change_tier
from apps.scorecards.models import RankingPolicy, RankingRow, RankingSnapshot
from apps.scorecards.rules.ranking import Move, Standing
from apps.scorecards.selectors.ranking import Group, standings_of
from apps.scorecards.selectors.ranking_copies import kept
from apps.scorecards.services.ranking_notices import Moved, tell_moves
from apps.scorecards.services.ranking_policies import policy_for

JOB_KIND = "scorecards.recompute_rankings"

Progress = Callable[[int, int, str], None]


class UnableToRank(DomainError):
    """The day is still to come, or no policy was in force on it."""

    code = "unable_to_rank"


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
    rankings fall into it, and not before the policy's days to hold a move are over. Making the same ranking
    again changes nothing, and one that was frozen is never made anew. Raises ``UnableToRank``.
    """
    _refuse_the_future(as_of, at)
    policy = policy_for(day=as_of)
    if policy is None:
        raise UnableToRank(f"No ranking policy was in force on {as_of}: choose a later day.")
    frozen = RankingSnapshot.objects.filter(as_of=as_of, frozen_at__isnull=False).first()
    if frozen is not None:
        return Outcome(frozen, False, frozen.rows.count(), 0)
    known_at = min(at, day_start(as_of + timedelta(days=1), settings.COMPANY_TIME_ZONE))
    period = trailing_months(as_of, policy.months)
    groups = standings_of(policy=policy, period=period, day=as_of, as_of=known_at)
    rows = rows_of(groups=groups, as_of=as_of, period_end=period.end)
    fingerprint = fingerprint_of(rows)
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
        may_move = as_of >= period.end + timedelta(days=policy.days_to_hold)
        moved = _apply(
            groups, rows, policy, may_move=may_move, as_of=as_of, at=at, progress=progress, actor=actor
        )
        if may_move and not snapshot.is_applied:
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


def rows_of(*, groups: list[Group], as_of: date, period_end: date) -> list[RankingRow]:
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
                    adjusted=_rounded(one),
                    rank=one.rank,
                    of=one.of,
                    tier_before=one.peer.tier,
                    tier_after=tier_after,
                    move=move,
                    reason=reason,
                    is_ramping=one.peer.is_ramping,
                    hold=group.holds.get(one.peer.rep_id),
                    metrics=kept(one),
                )
            )
    return rows


def _rounded(standing: Standing) -> Decimal | None:
    found = standing.adjusted.index if standing.adjusted else None
    return None if found is None else quantize(found, 4)


def _direction(standing: Standing, tier_after: int) -> str:
    if tier_after == standing.peer.tier:
        return str(Move.STAY)
    return str(Move.UP if tier_after < standing.peer.tier else Move.DOWN)


def fingerprint_of(rows: list[RankingRow]) -> str:
    """A hash over what the ranking says, whatever order it was computed in."""
    lines = [
        [row.rep_id, row.group, row.rank, row.of, row.tier_before, row.tier_after, row.reason, row.metrics]
        for row in sorted(rows, key=lambda row: row.rep_id)
    ]
    return hashlib.sha256(json.dumps(lines, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _apply(
    groups: list[Group],
    rows: list[RankingRow],
    policy: RankingPolicy,
    *,
    may_move: bool,
    as_of: date,
    at: datetime,
    progress: Progress | None,
    actor: Any,
) -> int:
    """Write ranks and moves, and tell those who were moved; returns how many."""
    reps: dict[int, Rep] = {pk: rep for group in groups for pk, rep in group.reps.items()}
    Rep.objects.filter(pk__in=[pk for pk, rep in reps.items() if rep.tier is None]).update(tier=Tier.THREE)
    ranks = {row.rep_id: row.rank for row in rows}
    changed = [rep for pk, rep in reps.items() if rep.rank != ranks[pk]]
    for rep in changed:
        rep.rank = ranks[rep.pk]
    Rep.objects.bulk_update(changed, ["rank"], batch_size=500)
    if not may_move:
        return 0
    moved: list[Moved] = []
    names = {group.key: group.name for group in groups}
    for number, row in enumerate(rows, 1):
        if progress is not None:
            progress(number, len(rows), names[row.group])
        rep = reps[row.rep_id]
        if row.tier_after == (rep.tier or Tier.THREE) or row.move == Move.STAY:
            continue
        change = change_tier(
            rep=rep,
            tier_before=row.tier_before,
            tier_after=row.tier_after,
            effective_on=as_of,
            reason=row.reason,
            at=at,
            actor=actor,
        )
        moved.append(Moved(rep, change, row))
    tell_moves(moved=moved, edges=policy.rules, at=at)
    return len(moved)
