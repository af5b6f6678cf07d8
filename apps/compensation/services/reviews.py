"""Approve the pay of single people in a run, or send it back, before the whole run is approved.

Finance says what counts; a manager's word on the own teams stands beside it. Each verdict keeps the digest of the
statements that it is about, so a recomputation outdates those alone whose pay moved. Nobody reviews their own pay,
and finance not what the same person prepared; the database refuses it too (``review_guards``).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.compensation.models import PayoutRun, PayReview, ReviewSide, ReviewVerdict, RunState
from apps.compensation.selectors import reviews as selector
from apps.compensation.services.runs import RunChanged, UnableToCarryRun
from apps.core.errors import InvalidInput
from apps.reps.models import Rep

LONGEST_REASON = 500


def side_of(actor: Any) -> ReviewSide:
    """On which side ``actor`` speaks."""
    return ReviewSide.MANAGER if actor.role == "manager" else ReviewSide.FINANCE


@transaction.atomic
def review_pay(
    *, run: PayoutRun, seen: Mapping[int, str], verdict: str, at: datetime, actor: Any, reason: str = ""
) -> int:
    """Say ``verdict`` of the pay of the reps in ``seen`` (rep id → digest as it was looked at).

    Returns how many verdicts are new: saying the same again says nothing. Raises ``RunChanged`` when the pay of one
    is another by now, ``UnableToCarryRun`` when this person may not, ``InvalidInput`` without a reason to send back.
    """
    reason = _checked_reason(verdict, reason)
    # Held until this is kept: an approval of the whole run waits for it, or goes before it.
    locked = PayoutRun.objects.select_for_update().get(pk=run.pk)
    if locked.state != RunState.SUBMITTED:
        raise UnableToCarryRun(
            f"The run is {locked.get_state_display().lower()}: pay is reviewed while it is in approval."
        )
    side = side_of(actor)
    reps = {rep.pk: rep for rep in Rep.objects.filter(pk__in=seen).select_related("team")}
    _refuse_own(locked, reps, side, actor)
    now = selector.digests(locked, seen)
    changed = [rep_id for rep_id, digest in seen.items() if now.get(rep_id) != digest]
    if changed:
        raise RunChanged("The pay changed since you looked at it: reload and look at it anew.")
    said = selector.reviews_of(locked)
    fresh = [
        PayReview(
            run=locked,
            rep_id=rep_id,
            side=side,
            verdict=verdict,
            digest=digest,
            reason=reason,
            by=actor,
            at=at,
        )
        for rep_id, digest in seen.items()
        if not _says_so(said.get(rep_id, []), side, verdict, digest)
    ]
    PayReview.objects.bulk_create(fresh)
    if fresh:
        audit.record(
            verb=f"compensation.pay.{verdict}",
            subject=locked,
            at=at,
            actor=actor,
            data={
                "side": str(side),
                "reps": sorted(one.rep_id for one in fresh),
                "reason": reason,
                "fingerprint": locked.fingerprint,
            },
        )
    return len(fresh)


def _checked_reason(verdict: str, reason: str) -> str:
    if verdict not in ReviewVerdict.values:
        raise InvalidInput("Approve the pay, or send it back.", field="verdict")
    reason = reason.strip()
    if verdict == ReviewVerdict.APPROVED:
        return ""
    if not reason or len(reason) > LONGEST_REASON:
        raise InvalidInput("Say in at most 500 characters why it goes back.", field="reason")
    return reason


def _refuse_own(run: PayoutRun, reps: Mapping[int, Rep], side: str, actor: Any) -> None:
    if side == ReviewSide.FINANCE and actor.pk in (run.computed_by_id, run.submitted_by_id):
        raise UnableToCarryRun("You computed or submitted this run, so somebody else reviews it.")
    for rep in reps.values():
        if rep.user_id == actor.pk:
            raise UnableToCarryRun("This is your own pay, so somebody else reviews it.")
        if side == ReviewSide.MANAGER and rep.team.manager_id != actor.pk:
            raise UnableToCarryRun("A manager reviews the pay of the own teams.")


def _says_so(verdicts: list[PayReview], side: str, verdict: str, digest: str) -> bool:
    newest = next((one for one in reversed(verdicts) if one.side == side), None)
    return (
        newest is not None and newest.verdict == verdict == ReviewVerdict.APPROVED and newest.digest == digest
    )
