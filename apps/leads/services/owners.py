"""Pass leads on when their SDR no longer works them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.bulk import update_rows
from apps.core.errors import DomainError
from apps.leads.models import Lead, LeadStage
from apps.leads.services.spreading import spread_again
from apps.leads.signals import owners_changed
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
    owners = {lead: taker for taker, share in shares.items() for lead in share}
    owners_changed.send(sender=Lead, owners=owners, at=at)
    return owners


@transaction.atomic
def pass_on(*, lead: Lead, rep: Rep, because: str, at: datetime, actor: Any = None) -> bool:
    """Give one lead to ``rep``, unless somebody works it at this moment; whether it was given.

    The lead must still be worked by SDRs: what was handed off or is finished stays where it is.
    """
    if not pass_on_many(takers={lead.pk: rep}, because=because, at=at, actor=actor):
        return False
    lead.owner = rep
    return True


@transaction.atomic
def pass_on_many(
    *, takers: Mapping[int, Rep], because: str, at: datetime, actor: Any = None
) -> frozenset[int]:
    """Like ``pass_on`` for many leads (whom each goes to, by lead id); the ids of those that were given.

    A few statements, whatever the number.
    """
    free = Lead.objects.unclaimed(at).filter(
        pk__in=list(takers), stage__in=LeadStage.workable(), do_not_contact=False, merged_into__isnull=True
    )
    moved = []
    before = {}
    for lead in free.select_for_update(of=("self",)).order_by("pk"):
        if lead.owner_id == takers[lead.pk].pk:
            continue
        before[lead.pk] = lead.owner_id
        lead.owner_id = takers[lead.pk].pk
        lead.claimed_by_id = lead.claimed_until = lead.claimed_at = None
        moved.append(lead)
    if not moved:
        return frozenset()
    update_rows(moved, ("owner", "claimed_by", "claimed_until", "claimed_at"))
    spread_again(leads=list(before), at=at)
    owners_changed.send(sender=Lead, owners={lead.pk: lead.owner_id for lead in moved}, at=at)
    audit.record_many(
        verb="leads.passed_on",
        subjects=[
            (lead, {"from_rep": before[lead.pk], "to_rep": lead.owner_id, "because": because})
            for lead in moved
        ],
        at=at,
        actor=actor,
    )
    return frozenset(before)
