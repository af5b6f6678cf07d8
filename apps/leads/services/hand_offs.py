"""The AE's answer: accept, or reject on a criterion. One answer per hand-off, whoever is faster."""

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import (
    Definition,
    EventKind,
    HandOff,
    Lead,
    LeadStage,
    Meeting,
    Opportunity,
    RejectionReason,
    Source,
)
from apps.leads.services import queue
from apps.leads.services.record import NewEvent, owned, record_event, record_events, sourced


class UnableToDecide(DomainError):
    """The hand-off was answered before."""

    code = "unable_to_decide"


class UnableToCloseMeeting(DomainError):
    """The meeting has its outcome already, or is still to come."""

    code = "unable_to_close_meeting"


def criteria_of(hand_off: HandOff) -> list[tuple[str, str]]:
    """The criteria (key, name) that a rejection can name: those it was judged by.

    One that came without a qualification (an import) is rejected on the definition in force when it came.
    """
    if hand_off.qualification:
        return [(answer.criterion, answer.name) for answer in hand_off.qualification.answers.all()]
    day = hand_off.created_at.date()
    definition = Definition.objects.in_force(Definition.Kind.SQL, day).first()
    return [(one["key"], one["name"]) for one in definition.criteria] if definition else []


def _decide(hand_off: HandOff, at: datetime, **fields: Any) -> None:
    changed = HandOff.objects.filter(pk=hand_off.pk, state=HandOff.State.PENDING).update(
        decided_at=at, **fields
    )
    if not changed:
        hand_off.refresh_from_db()
        raise UnableToDecide(
            f"This hand-off was {hand_off.get_state_display().lower()} already; an answer is given once."
        )
    # As it stands now, with all whom the answer concerns, in one statement.
    hand_off.refresh_from_db(
        from_queryset=HandOff.objects.select_related("lead__account", "ae__team", "sdr", "meeting")
    )


@transaction.atomic
def accept_hand_off(
    *,
    hand_off: HandOff,
    at: datetime,
    amount_minor: int | None = None,
    currency: str = "",
    actor: Any = None,
    source: Source = Source.PAGE,
) -> Opportunity:
    """Accept: the lead is a SAL, and an opportunity opens at stage 1.

    ``amount_minor`` is the AE's estimate, in minor units of ``currency`` (the team's when empty).
    Raises ``UnableToDecide`` when it was answered before.
    """
    _decide(hand_off, at, state=HandOff.State.ACCEPTED, decided_by=actor)
    lead, ae, sdr = hand_off.lead, hand_off.ae, hand_off.sdr
    currency = currency or ae.team.currency
    opportunity = Opportunity.objects.create(
        name=lead.company or lead.label,
        account=lead.account,
        lead=lead,
        hand_off=hand_off,
        owner=ae,
        sourced_by=sdr,
        amount_minor=amount_minor,
        currency=currency,
        opened_at=at,
        stage_changed_at=at,
    )
    Lead.objects.filter(pk=lead.pk).update(stage=LeadStage.SAL)
    record_events(
        events=[
            NewEvent(
                kind=kind,
                occurred_at=at,
                source=source,
                source_key=key,
                lead=lead,
                hand_off=hand_off,
                opportunity=opportunity,
                credits=[*sourced(sdr), *owned(ae)],
                amount_minor=amount_minor,
                currency=currency if amount_minor is not None else "",
                actor=actor,
            )
            for kind, key in (
                (EventKind.ACCEPTED, f"hand_off:{hand_off.pk}:accepted"),
                (EventKind.STAGE_1, f"opportunity:{opportunity.pk}:stage_1"),
            )
        ],
        at=at,
    )
    audit.record(verb="leads.hand_off.accepted", subject=hand_off, at=at, actor=actor)
    return opportunity


@transaction.atomic
def reject_hand_off(
    *,
    hand_off: HandOff,
    criterion: str,
    reason: RejectionReason,
    comment: str,
    at: datetime,
    actor: Any = None,
    source: Source = Source.PAGE,
) -> HandOff:
    """Reject on a named criterion with a reason; the lead goes back to its SDR's queue.

    Raises ``InvalidInput`` for an unknown criterion or reason, or when the reason is "other" without a
    comment; ``UnableToDecide`` when it was answered before.
    """
    if criterion not in [key for key, _ in criteria_of(hand_off)]:
        raise InvalidInput("Name the criterion that is not met.", field="criterion")
    if reason not in RejectionReason.values:
        raise InvalidInput("Choose why it is rejected.", field="reason")
    if reason == RejectionReason.OTHER and not comment.strip():
        raise InvalidInput("Say in the comment what would make it acceptable.", field="comment")
    _decide(
        hand_off,
        at,
        state=HandOff.State.REJECTED,
        decided_by=actor,
        rejected_criterion=criterion,
        rejection_reason=reason,
        comment=comment.strip(),
    )
    lead = Lead.objects.select_for_update().get(pk=hand_off.lead_id)
    lead.stage = LeadStage.WORKING
    lead.stage_reason = f"Rejected on {criterion}"
    lead.next_touch_at = at
    lead.next_channel = "call"
    queue.settle(lead)
    lead.save()
    if hand_off.meeting is not None and hand_off.meeting.starts_at > at:
        Meeting.objects.filter(pk=hand_off.meeting.pk, state=Meeting.State.BOOKED).update(
            state=Meeting.State.CANCELLED, state_changed_at=at
        )
    record_event(
        event=NewEvent(
            kind=EventKind.REJECTED,
            occurred_at=at,
            source=source,
            source_key=f"hand_off:{hand_off.pk}:rejected",
            lead=lead,
            hand_off=hand_off,
            credits=[*sourced(hand_off.sdr), *owned(hand_off.ae)],
            actor=actor,
            data={"criterion": criterion, "reason": reason},
        ),
        at=at,
    )
    audit.record(
        verb="leads.hand_off.rejected",
        subject=hand_off,
        at=at,
        actor=actor,
        data={"criterion": criterion, "reason": reason},
    )
    return hand_off


@transaction.atomic
def close_meeting(
    *, meeting: Meeting, held: bool, at: datetime, actor: Any = None, source: Source = Source.PAGE
) -> Meeting:
    """Say whether the customer came. Raises ``UnableToCloseMeeting`` when it is too early or was said."""
    if meeting.starts_at > at:
        raise UnableToCloseMeeting("The meeting is still to come.")
    state = Meeting.State.HELD if held else Meeting.State.NO_SHOW
    changed = Meeting.objects.filter(pk=meeting.pk, state=Meeting.State.BOOKED).update(
        state=state, state_changed_at=at
    )
    if not changed:
        raise UnableToCloseMeeting("This meeting has its outcome already.")
    meeting.refresh_from_db(from_queryset=Meeting.objects.select_related("lead", "ae"))
    hand_off = HandOff.objects.filter(meeting=meeting).select_related("sdr").first()
    kind = EventKind.HELD if held else EventKind.NO_SHOW
    record_event(
        event=NewEvent(
            kind=kind,
            occurred_at=at,
            source=source,
            source_key=f"meeting:{meeting.pk}:{kind}",
            lead=meeting.lead,
            hand_off=hand_off,
            credits=[*sourced(hand_off.sdr if hand_off else None), *owned(meeting.ae)],
            actor=actor,
        ),
        at=at,
    )
    return meeting
