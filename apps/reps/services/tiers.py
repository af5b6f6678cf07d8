"""Move an AE to a neighbouring tier."""

from datetime import date, datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError
from apps.reps.models import Rep, Tier, TierChange


class UnableToChangeTier(DomainError):
    """A move of more than one step, or from a tier that the rep is no longer on."""

    code = "tier_change_refused"


@transaction.atomic
def change_tier(
    *,
    rep: Rep,
    tier_before: int,
    tier_after: int,
    effective_on: date,
    reason: str,
    at: datetime,
    actor: Any = None,
) -> TierChange:
    """Move ``rep`` one step and keep why. Running it again for the same day changes nothing.

    Raises ``UnableToChangeTier`` when the step is not one tier or the rep has moved meanwhile.
    """
    done = TierChange.objects.filter(rep=rep, effective_on=effective_on).first()
    if done is not None:
        return done
    if abs(tier_after - tier_before) != 1 or tier_after not in Tier.values:
        raise UnableToChangeTier("A tier changes one step at a time, within the tiers that exist.")
    moved = Rep.objects.filter(pk=rep.pk, tier=tier_before).update(tier=tier_after)
    if not moved:
        raise UnableToChangeTier(f"{rep.name} is no longer on tier {tier_before}: recompute the ranking.")
    change = TierChange.objects.create(
        rep=rep,
        tier_before=tier_before,
        tier_after=tier_after,
        effective_on=effective_on,
        decided_at=at,
        reason=reason,
    )
    audit.record(
        verb="reps.tier.changed",
        subject=rep,
        at=at,
        actor=actor,
        data={"before": tier_before, "after": tier_after, "effective_on": effective_on.isoformat()},
    )
    rep.tier = tier_after
    return change
