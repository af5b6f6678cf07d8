"""Keep a lead's place in the queue, and hand out one lead at a time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from apps.core.bulk import update_rows
from apps.core.errors import DomainError
from apps.core.periods import day_start
from apps.leads.models import Lead
from apps.leads.rules import queue as rules
from apps.leads.rules.calling import zone_named
from apps.reps.models import Rep

HOLD = timedelta(minutes=15)
"""How long a lead stays claimed without a touch before it is offered again."""


class AnothersLead(DomainError):
    """Somebody else owns the lead, or holds it right now."""

    code = "anothers_lead"


_QUEUE_FIELDS = ("queue_bucket", "queue_sort_at", "queue_ready_at")


def refuse_anothers(*, lead: Lead, rep: Rep, at: datetime) -> None:
    """Raise ``AnothersLead`` unless ``rep`` may work the lead now. The caller has locked its row."""
    if lead.owner_id not in (None, rep.pk):
        raise AnothersLead(
            f"{lead.owner} works this lead." if lead.owner else "Somebody else works this lead."
        )
    held = lead.claimed_until is not None and lead.claimed_until > at
    if held and lead.claimed_by_id not in (None, rep.pk):
        raise AnothersLead(f"{lead.claimed_by} is working this lead right now. Take the next one.")


def standing_of(lead: Lead) -> rules.Standing:
    """What the lead's place follows from, as the plain value that ``rules.queue`` decides on."""
    # An import may carry a zone that is none; the company's day then decides.
    zone = lead.time_zone if zone_named(lead.time_zone) else settings.COMPANY_TIME_ZONE
    return rules.Standing(
        workable=lead.is_workable,
        do_not_contact=lead.do_not_contact,
        is_inbound=lead.is_inbound,
        touch_count=lead.touch_count,
        arrived_at=lead.mql_at or lead.created_at,
        response_due_at=lead.due_at,
        callback_at=lead.callback_at,
        next_touch_at=lead.next_touch_at,
        reentry_at=day_start(lead.reentry_on, zone) if lead.reentry_on else None,
    )


def settle(lead: Lead) -> None:
    """Set the lead's queue fields from its standing; the caller saves."""
    found = rules.place(standing_of(lead))
    lead.queue_bucket = found.bucket if found else None
    lead.queue_sort_at = found.sort_at if found else None
    lead.queue_ready_at = found.ready_at if found else None


@transaction.atomic
def promise(*, lead: Lead, due_at: datetime | None, warn_at: datetime | None) -> None:
    """Write the promise that runs out first on the lead, and its place with it (called by ``slas``)."""
    promise_many(promises=[(lead, due_at, warn_at)])


@transaction.atomic
def promise_many(*, promises: Sequence[tuple[Lead, datetime | None, datetime | None]]) -> None:
    """Like ``promise`` for many leads (lead, due, warn), in one statement."""
    leads = []
    for lead, due_at, warn_at in promises:
        lead.due_at, lead.warn_at = due_at, warn_at
        settle(lead)
        leads.append(lead)
    update_rows(leads, ("due_at", "warn_at", *_QUEUE_FIELDS))


def claim_next(*, rep: Rep, at: datetime, after: Lead | None = None) -> Lead | None:
    """Claim the best lead for ``rep``: own ones and the team's unowned ones, in queue order.

    What the rep held is released first; ``after`` is offered again only when nothing else is there.
    Two people never get the same lead: on PostgreSQL a locked row is skipped, and on either database
    the claim is an update that succeeds only while the lead is still free.
    """
    release(rep=rep, at=at)
    while True:
        with transaction.atomic():
            lead = _best(rep, at, exclude=after.pk if after else None)
            if lead is None and after is not None:
                lead = _best(rep, at, exclude=None)
            if lead is None:
                return None
            taken = (
                Lead.objects.unclaimed(at)
                .filter(pk=lead.pk, queue_bucket__isnull=False, queue_ready_at__lte=at)
                .filter(Q(owner=rep) | Q(owner__isnull=True))
                .update(claimed_by=rep, claimed_until=at + HOLD)
            )
        if taken:
            lead.claimed_by, lead.claimed_until = rep, at + HOLD
            return lead


def _best(rep: Rep, at: datetime, exclude: int | None) -> Lead | None:
    """The first free lead of the two indexed lists: the rep's own, and the team's unowned."""
    found: list[Lead] = []
    for scope in (Q(owner=rep), Q(owner__isnull=True, team=rep.team_id)):
        leads = Lead.objects.queued(at).unclaimed(at).filter(scope)
        if exclude is not None:
            leads = leads.exclude(pk=exclude)
        if connection.features.has_select_for_update_skip_locked:
            leads = leads.select_for_update(skip_locked=True, of=("self",))
        found.extend(leads[:1])
    return min(found, key=lambda lead: (lead.queue_bucket, lead.queue_sort_at, lead.pk), default=None)


def release(*, rep: Rep, at: datetime, lead: Lead | None = None) -> int:
    """Let go of what ``rep`` holds (or of ``lead`` alone, if held); how many leads that was."""
    held = Lead.objects.filter(claimed_by=rep, claimed_until__gt=at)
    if lead is not None:
        held = held.filter(pk=lead.pk)
    return held.update(claimed_by=None, claimed_until=None)
