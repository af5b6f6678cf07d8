"""Answer what the portal proposes after the agreed number of touches: recycle or disqualify, or keep working.

The proposal stands on the lead (``Lead.proposal``), put there by the touch that reached the agreed number. It
is the SDR's to accept or to decline; an acceptance can be taken back for ten minutes, like a touch.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError
from apps.core.periods import day_of
from apps.leads.models import Channel, Enrolment, EventKind, FunnelEvent, Lead, LeadStage, Proposal, Source
from apps.leads.rules.dispositions import POSTPONED_BY
from apps.leads.services import enrolments, follow_up, queue
from apps.leads.services.planning import callable_from
from apps.leads.services.record import NewEvent, record_event, reverse_event, sourced
from apps.reps.models import Rep

UNDO_WITHIN = timedelta(minutes=10)
_RESTORED = (
    "stage", "stage_reason", "proposal", "proposal_reason", "attempts", "postponed_to", "next_channel",
    "next_purpose", "next_touch_at", "reentry_on",
)  # fmt: skip


class NothingProposed(DomainError):
    """The lead has no proposal: it was answered, or a touch moved the lead on."""

    code = "nothing_proposed"


class UnableToUndo(DomainError):
    """Nothing to take back, not one's own, too long ago, or something happened since."""

    code = "unable_to_undo"


@transaction.atomic
def accept(*, lead: Lead, rep: Rep, at: datetime, actor: Any = None, source: Source = Source.PAGE) -> Lead:
    """Recycle or disqualify as proposed, on the record, with the reason.

    Raises ``NothingProposed``, and ``AnothersLead`` when somebody else works it.
    """
    lead = _locked(lead, rep, at)
    before = {name: _plain(getattr(lead, name)) for name in _RESTORED}
    proposal, reason = Proposal(lead.proposal), lead.proposal_reason
    recycles = proposal == Proposal.RECYCLE
    lead.stage = LeadStage.RECYCLED if recycles else LeadStage.DISQUALIFIED
    lead.stage_reason = reason
    lead.reentry_on = _reentry(at) if recycles else None
    lead.next_touch_at = lead.callback_at = lead.due_at = lead.warn_at = None
    lead.next_channel = lead.next_purpose = ""
    lead.attempts = lead.postponed_to = 0
    _save(lead)
    enrolments.remove_open(leads=[lead], reason=reason, at=at, actor=actor)
    kind = EventKind.RECYCLED if recycles else EventKind.DISQUALIFIED
    record_event(
        event=NewEvent(
            kind=kind,
            occurred_at=at,
            source=source,
            source_key=f"proposal:{lead.pk}:{at.isoformat()}",
            lead=lead,
            credits=sourced(rep),
            actor=actor,
            data={"reason": reason, "proposed": True, "before": before},
        ),
        at=at,
    )
    audit.record(
        verb="leads.proposal.accepted", subject=lead, at=at, actor=actor, data={"proposal": proposal.value}
    )
    return lead


@transaction.atomic
def decline(*, lead: Lead, rep: Rep, at: datetime, actor: Any = None) -> Lead:
    """Keep working: the next touch is due in a day, and nothing is proposed for some more touches.

    Raises ``NothingProposed``, and ``AnothersLead`` when somebody else works it.
    """
    lead = _locked(lead, rep, at)
    proposal = lead.proposal
    lead.postponed_to = lead.attempts + POSTPONED_BY
    enrolment = lead.enrolments.filter(state=Enrolment.State.ACTIVE).first()
    lead.next_touch_at = _after_decline(lead, enrolment, at)
    _save(lead)
    audit.record(
        verb="leads.proposal.declined",
        subject=lead,
        at=at,
        actor=actor,
        data={"proposal": proposal, "postponed_to": lead.postponed_to},
    )
    return lead


@transaction.atomic
def undo_accept(*, lead: Lead, rep: Rep, at: datetime, actor: Any = None) -> Lead:
    """Take back an acceptance: its event is reversed, the proposal stands again. Raises ``UnableToUndo``.

    A cadence that ended with it stays ended; an opt-out that came meanwhile stays.
    """
    lead = Lead.objects.select_for_update(of=("self",)).get(pk=lead.pk)
    event = (
        FunnelEvent.objects.filter(lead=lead, source_key__startswith=f"proposal:{lead.pk}:")
        .effective()
        .order_by("-occurred_at", "-pk")
        .first()
    )
    if event is None or not event.credits.filter(rep=rep).exists():
        raise UnableToUndo("There is no decision of yours to take back.")
    if at - event.occurred_at > UNDO_WITHIN:
        raise UnableToUndo("A decision can be undone for ten minutes.")
    later = lead.events.filter(recorded_at__gte=event.recorded_at, pk__gt=event.pk).effective()
    if later.exists() or lead.merged_into_id is not None or lead.do_not_contact:
        raise UnableToUndo("Something happened after this decision: it stands.")
    for name, value in event.data["before"].items():
        setattr(lead, name, _restored(name, value))
    queue.settle(lead)
    lead.save(update_fields=[*_RESTORED, "queue_bucket", "queue_sort_at", "queue_ready_at"])
    reverse_event(event=event, reason="Decision undone", at=at, actor=actor)
    return lead


def _locked(lead: Lead, rep: Rep, at: datetime) -> Lead:
    lead = Lead.objects.select_for_update(of=("self",)).get(pk=lead.pk)
    if not lead.is_workable or not lead.proposal:
        raise NothingProposed("Nothing is proposed for this lead any more.")
    queue.refuse_anothers(lead=lead, rep=rep, at=at)
    return lead


def _after_decline(lead: Lead, enrolment: Enrolment | None, at: datetime) -> datetime:
    """When a lead that somebody keeps working is touched next: as its cadence planned, else in a day."""
    if enrolment is not None and enrolment.due_at is not None:
        return enrolment.due_at
    tomorrow = at + timedelta(days=1)
    return callable_from(lead=lead, at=tomorrow) if lead.next_channel == Channel.CALL else tomorrow


def _save(lead: Lead) -> None:
    lead.proposal = lead.proposal_reason = ""
    lead.claimed_by_id = lead.claimed_until = lead.claimed_at = None
    queue.settle(lead)
    lead.save()


def _reentry(at: datetime) -> date:
    _, rules = follow_up.rules_in_force(at)
    return day_of(at, settings.COMPANY_TIME_ZONE) + timedelta(days=rules.recycle_days)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _restored(name: str, value: Any) -> Any:
    if isinstance(value, str) and name.endswith("_at"):
        return datetime.fromisoformat(value)
    if isinstance(value, str) and name.endswith("_on"):
        return date.fromisoformat(value)
    return value
