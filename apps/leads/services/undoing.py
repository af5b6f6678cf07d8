"""Take back one's own latest touch, within ten minutes: what it moved is as it was.

Not everything goes back. What closed the lead meanwhile by another way (a suppression of the address, of the
whole company) stays, and so does what somebody did to the cadence since.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from apps.core import locks
from apps.core.errors import DomainError
from apps.leads.models import Disposition, Enrolment, EnrolmentAct, FunnelEvent, Lead, Touch
from apps.leads.rules.dispositions import open_channel
from apps.leads.services import queue, suppressions
from apps.leads.services.enrolments import ENROLMENT_FIELDS, act_of
from apps.leads.services.record import reverse_event
from apps.reps.models import Rep

UNDO_WITHIN = timedelta(minutes=10)

UNDONE_FIELDS = (
    "stage", "stage_reason", "owner_id", "do_not_contact", "first_touch_at", "last_touch_at", "touch_count",
    "next_channel", "callback_at", "next_touch_at", "reentry_on", "due_at", "warn_at", "attempts",
    "postponed_to", "proposal", "proposal_reason", "next_purpose",
)  # fmt: skip
_ENROLMENT = "enrolment"


class UnableToUndo(DomainError):
    """Not the latest touch, not one's own, undone before, too long ago, or overtaken by something else."""

    code = "unable_to_undo"


def snapshot(*, lead: Lead, enrolment: Enrolment | None) -> dict[str, Any]:
    """What undo restores, as JSON: the lead's fields and, where it is in a cadence, the enrolment's."""
    kept = {name: _plain(getattr(lead, name)) for name in UNDONE_FIELDS}
    if enrolment is not None:
        state = {name: _plain(getattr(enrolment, name)) for name in ENROLMENT_FIELDS}
        kept[_ENROLMENT] = {"id": enrolment.pk} | state
    return kept


def hold_names(*, leads: Sequence[int]) -> None:
    """Hold the addresses and numbers of these leads (by id) until the transaction ends.

    Whoever closes or opens them does so before locking any lead: the order in which suppressions lock.
    """
    if leads:
        rows = list(Lead.objects.filter(pk__in=leads).select_related("account"))
        locks.hold(f"{kind}:{value}" for one in suppressions.contacts_of(rows) for kind, value in one.names)


@transaction.atomic
def undo_touch(*, touch: Touch, rep: Rep, at: datetime, actor: Any = None) -> Lead:
    """Take back one's own latest touch: its events are reversed, the lead and its cadence are as they were.

    Raises ``UnableToUndo``. A promise that the touch kept runs again.
    """
    opted_out = touch.disposition == Disposition.OPT_OUT
    hold_names(leads=[touch.lead_id] if opted_out else [])
    lead = Lead.objects.select_for_update(of=("self",)).get(pk=touch.lead_id)
    touch = Touch.objects.select_for_update(of=("self",)).get(pk=touch.pk)
    enrolment = _enrolment_of(touch)
    _refuse(touch, lead, enrolment, rep, at)
    closed_meanwhile = lead.do_not_contact and not opted_out
    for name in UNDONE_FIELDS:
        if name in touch.lead_before:
            setattr(lead, name, _restored(name, touch.lead_before[name]))
    lead.do_not_contact = lead.do_not_contact or closed_meanwhile
    if opted_out:
        suppressions.take_back(lead=lead, opted_out_at=touch.occurred_at, at=at, actor=actor)
    if lead.next_channel:
        lead.next_channel = open_channel(lead.next_channel, lead.closed_channels)
    if lead.do_not_contact:
        lead.due_at = lead.warn_at = None
    queue.settle(lead)
    lead.save()
    touch.undone_at = at
    touch.save(update_fields=["undone_at"])
    if enrolment is not None and lead.is_workable:
        _restore(enrolment, touch, at, actor)
    for event in FunnelEvent.objects.filter(source_key__startswith=f"touch:{touch.pk}:").effective():
        reverse_event(event=event, reason="Touch undone", at=at, actor=actor)
    return lead


def _enrolment_of(touch: Touch) -> Enrolment | None:
    before = touch.lead_before.get(_ENROLMENT)
    return Enrolment.objects.filter(pk=before["id"]).first() if before else None


def _refuse(touch: Touch, lead: Lead, enrolment: Enrolment | None, rep: Rep, at: datetime) -> None:
    if touch.rep_id != rep.pk:
        raise UnableToUndo("Only the person who logged a touch can undo it.")
    if touch.undone_at is not None:
        raise UnableToUndo("This touch was undone already.")
    if at - touch.occurred_at > UNDO_WITHIN:
        raise UnableToUndo("A touch can be undone for ten minutes; log a new one with what is true.")
    later = Touch.objects.filter(lead=lead, undone_at__isnull=True, pk__gt=touch.pk).exists()
    if (
        later
        or lead.merged_into_id is not None
        or lead.hand_offs.filter(created_at__gte=touch.occurred_at).exists()
        or lead.qualifications.filter(qualified_at__gte=touch.occurred_at).exists()
        or _decided_since(lead, touch)
        or _cadence_changed_since(lead, touch, enrolment)
    ):
        raise UnableToUndo("Something happened after this touch: undo that first.")


def _decided_since(lead: Lead, touch: Touch) -> bool:
    """Whether what the touch proposed was accepted since."""
    decisions = FunnelEvent.objects.filter(lead=lead, source_key__startswith=f"proposal:{lead.pk}:")
    return decisions.filter(occurred_at__gte=touch.occurred_at).effective().exists()


def _cadence_changed_since(lead: Lead, touch: Touch, enrolment: Enrolment | None) -> bool:
    """Whether somebody enrolled the lead, or paused, resumed or removed it, after the touch.

    What the portal does by itself is no reason to refuse: it does it again. Of a lead that was closed meanwhile
    the cadence stays ended.
    """
    if lead.do_not_contact:
        return False
    acts = EnrolmentAct.objects.filter(enrolment__lead=lead, at__gt=touch.occurred_at, by__isnull=False)
    if acts.exclude(kind=EnrolmentAct.Kind.UNDONE).exists():
        return True
    if enrolment is None:
        return False
    return Enrolment.objects.open().filter(lead=lead).exclude(pk=enrolment.pk).exists()


def _restore(enrolment: Enrolment, touch: Touch, at: datetime, actor: Any) -> None:
    before = touch.lead_before[_ENROLMENT]
    for name in ENROLMENT_FIELDS:
        setattr(enrolment, name, _restored(name, before[name]))
    enrolment.save(update_fields=ENROLMENT_FIELDS)
    act_of(enrolment=enrolment, kind=EnrolmentAct.Kind.UNDONE, at=at, by=actor, reason="Touch undone").save()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _restored(name: str, value: Any) -> Any:
    if isinstance(value, str) and name.endswith("_at"):
        return datetime.fromisoformat(value)
    if isinstance(value, str) and name.endswith("_on"):
        return date.fromisoformat(value)
    return value
