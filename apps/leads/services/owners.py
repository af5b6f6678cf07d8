"""Pass leads on when their SDR no longer works them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError
from apps.leads.models import Lead, LeadStage
from apps.leads.services.spreading import spread_again
from apps.reps.models import Rep


class UnableToShareOut(DomainError):
    """There is nobody to take the leads."""

    code = "unable_to_share_out"


@transaction.atomic
def share_out(*, rep: Rep, among: Sequence[Rep], at: datetime, actor: Any = None) -> dict[int, int]:
    """Share the leads that ``rep`` still works among others, in turn, the oldest lead first.

    Returns the new owner's id by lead id. What was handed off or is finished keeps its owner, and so do
    the events. Raises ``UnableToShareOut`` without anybody else to take them.
    """
    takers = [taker for taker in among if taker.pk != rep.pk]
    if not takers:
        raise UnableToShareOut(f"Nobody is there to take the leads of {rep.name}.")
    leads = Lead.objects.filter(owner=rep, stage__in=LeadStage.workable(), do_not_contact=False)
    ids = list(leads.select_for_update().order_by("created_at", "pk").values_list("pk", flat=True))
    shares = {taker.pk: ids[place :: len(takers)] for place, taker in enumerate(takers)}
    for taker, share in shares.items():
        Lead.objects.filter(pk__in=share).update(
            owner_id=taker, claimed_by=None, claimed_until=None, claimed_at=None
        )
    spread_again(leads=ids, at=at)
    audit.record(
        verb="leads.shared_out",
        subject=rep,
        at=at,
        actor=actor,
        data={"leads": {str(taker): len(share) for taker, share in shares.items()}},
    )
    return {lead: taker for taker, share in shares.items() for lead in share}
