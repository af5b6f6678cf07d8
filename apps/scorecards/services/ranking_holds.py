"""Hold an AE's tier for a while, with the reason; lift the hold again. What was held, and why, stays on record."""

from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import day_of
from apps.reps.models import Rep, RepRole
from apps.scorecards.models import RankingHold, RankingHoldLift
from apps.scorecards.services.ranking_notices import tell_hold

LONGEST_DAYS = 184
"""About half a year: whoever cannot be ranked for longer needs a decision of another kind."""
SHORTEST_REASON = 10


class UnableToHold(DomainError):
    """It is held already, or the rep is not ranked."""

    code = "unable_to_hold"


class UnableToLift(DomainError):
    """The hold was lifted before, or is over."""

    code = "unable_to_lift"


@transaction.atomic
def hold_move(*, rep: Rep, last_day: date, reason: str, at: datetime, actor: Any) -> RankingHold:
    """Let no ranking move ``rep`` from today to ``last_day``; the AE is told, and may read why.

    A move that was made stays. Raises ``InvalidInput`` naming the field, and ``UnableToHold``.
    """
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise InvalidInput("Say why, in a sentence that the AE will read.", field="reason")
    if len(reason) > 500:
        raise InvalidInput("Write at most 500 characters.", field="reason")
    if not today <= last_day <= today + timedelta(days=LONGEST_DAYS):
        raise InvalidInput("Choose a day within the next half year.", field="last_day")
    # Two who hold at once do so one after the other.
    rep = Rep.objects.select_for_update(of=("self",)).select_related("team").get(pk=rep.pk)
    if rep.role != RepRole.AE:
        raise UnableToHold("Only AEs are ranked, so there is nothing to hold.")
    held = RankingHold.objects.filter(rep=rep).in_force(day=today, known_at=at).first()
    if held is not None:
        raise UnableToHold(f"It is held until {held.last_day} already. Lift that hold first.")
    hold = RankingHold.objects.create(
        rep=rep,
        starts_on=today,
        ends_on=last_day + timedelta(days=1),
        reason=reason,
        held_by=actor,
        held_at=at,
    )
    audit.record(
        verb="scorecards.ranking_hold.set",
        subject=hold,
        at=at,
        actor=actor,
        data={"rep": rep.pk, "last_day": last_day.isoformat()},
    )
    tell_hold(hold=hold, at=at)
    return hold


@transaction.atomic
def lift_hold(*, hold: RankingHold, reason: str = "", at: datetime, actor: Any) -> RankingHoldLift:
    """Hold it no more: the next ranking may move the AE again. Raises ``UnableToLift``."""
    if hold.ends_on <= day_of(at, settings.COMPANY_TIME_ZONE):
        raise UnableToLift("This hold is over by itself.")
    try:
        with transaction.atomic():
            lift = RankingHoldLift.objects.create(
                hold=hold, lifted_by=actor, lifted_at=at, reason=reason.strip()[:500]
            )
    except IntegrityError:
        raise UnableToLift("This hold was lifted already.") from None
    audit.record(
        verb="scorecards.ranking_hold.lifted",
        subject=hold,
        at=at,
        actor=actor,
        data={"rep": hold.rep_id},
    )
    tell_hold(hold=hold, lifted=lift.reason, at=at)
    return lift
