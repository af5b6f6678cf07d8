"""The AE's answer: accept, or reject on a criterion. One answer per hand-off, whoever is faster."""

from datetime import UTC, datetime, tzinfo
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import (
    AnsweredHow,
    Definition,
    EventKind,
    FunnelEvent,
    HandOff,
    Lead,
    LeadStage,
    Opportunity,
    OpportunityStage,
    RejectionReason,
    Source,
)
from apps.leads.services import answer_news, answered_meetings, contest_terms, queue
from apps.leads.services.record import NewEvent, owned, record_event, record_events, sourced
from apps.leads.signals import hand_off_decided


class UnableToDecide(DomainError):
    """The hand-off was answered before."""

    code = "unable_to_decide"


def criteria_of(hand_off: HandOff) -> list[tuple[str, str]]:
    """The criteria (key, name) that a rejection can name: those it was judged by.

    One that came without a qualification (an import) is rejected on the definition in force when it came.
    """
    if hand_off.qualification:
        return [(answer.criterion, answer.name) for answer in hand_off.qualification.answers.all()]
    day = hand_off.created_at.date()
    definition = Definition.objects.in_force(Definition.Kind.SQL, day).first()
    return [(one["key"], one["name"]) for one in definition.criteria] if definition else []


def answered_already(*, hand_off: HandOff, zone: tzinfo = UTC) -> str:
    """Who answered a decided hand-off and when, in ``zone``, as a full sentence for whoever comes second."""
    whose = {
        AnsweredHow.SILENCE: "by itself, for want of an answer",
        AnsweredHow.CONTEST: "by the judge of its contest",
    }.get(AnsweredHow(hand_off.answered_how))
    whose = whose or f"by {hand_off.decided_by.name if hand_off.decided_by else hand_off.ae.name}"
    when = f" on {hand_off.decided_at.astimezone(zone):%-d %B %Y at %H:%M %Z}" if hand_off.decided_at else ""
    done = hand_off.get_state_display().lower()
    return f"This hand-off was {done} already, {whose}{when}; an answer is given once."


def locked_lead(hand_off: HandOff) -> Lead:
    """The hand-off's lead, locked: before the hand-off, as everybody locks (``Lead``, then what hangs on it)."""
    return Lead.objects.select_for_update(of=("self",)).get(pk=hand_off.lead_id)


def _decide(hand_off: HandOff, at: datetime, **fields: Any) -> None:
    # Whoever answers answers for the AE they saw: it may have been routed to another one meanwhile.
    changed = HandOff.objects.filter(pk=hand_off.pk, state=HandOff.State.PENDING, ae=hand_off.ae_id).update(
        decided_at=at, **fields
    )
    # As it stands now, with all whom the answer concerns, in one statement.
    hand_off.refresh_from_db(
        from_queryset=HandOff.objects.select_related(
            "lead__account", "ae__team", "sdr__team__calendar", "sdr__calendar", "meeting", "decided_by"
        )
    )
    if not changed and hand_off.state == HandOff.State.PENDING:
        raise UnableToDecide(f"It went to {hand_off.ae.name} meanwhile, who answers now.")
    if not changed:
        raise UnableToDecide(answered_already(hand_off=hand_off))


RESTORED = ("stage", "stage_reason", "next_channel", "next_touch_at")
"""Fields of the lead that an answer changes, and that taking it back restores."""


def _before(lead: Lead) -> dict[str, Any]:
    """The lead as it was before the answer, as JSON."""
    kept = {name: getattr(lead, name) for name in RESTORED}
    kept["next_touch_at"] = lead.next_touch_at.isoformat() if lead.next_touch_at else None
    return {"lead": kept}


@transaction.atomic
def accept_hand_off(
    *,
    hand_off: HandOff,
    at: datetime,
    amount_minor: int | None = None,
    currency: str = "",
    actor: Any = None,
    source: Source = Source.PAGE,
    how: AnsweredHow = AnsweredHow.AE,
) -> Opportunity:
    """Accept: the lead is a SAL, and an opportunity opens at stage 1.

    ``amount_minor`` is the AE's estimate, in minor units of ``currency`` (the team's when empty). ``how`` says
    whose answer it is. Raises ``UnableToDecide`` when it was answered before.
    """
    lead = locked_lead(hand_off)
    _decide(
        hand_off,
        at,
        state=HandOff.State.ACCEPTED,
        decided_by=actor,
        answered_how=how,
        answer_before=_before(lead),
    )
    opportunity = admit(
        hand_off=hand_off, at=at, amount_minor=amount_minor, currency=currency, actor=actor, source=source
    )
    audit.record(verb="leads.hand_off.accepted", subject=hand_off, at=at, actor=actor, data={"how": str(how)})
    hand_off_decided.send(sender=HandOff, hand_off=hand_off, at=at)
    answer_news.tell_answered(hand_off=hand_off, at=at, source=source)
    return opportunity


def admit(
    *,
    hand_off: HandOff,
    at: datetime,
    amount_minor: int | None,
    currency: str,
    actor: Any,
    source: Source,
) -> Opportunity:
    """What an acceptance brings: the opportunity (the withdrawn one again, if there is one), the stage, the events.

    For whoever holds the lead's lock and has decided the hand-off.
    """
    lead, ae, sdr = hand_off.lead, hand_off.continues_with, hand_off.sdr
    opportunity = _opened(hand_off, at, amount_minor, currency or ae.team.currency)
    # Also out of the queue, where its SDR had it back for a new time.
    Lead.objects.filter(pk=lead.pk).update(
        stage=LeadStage.SAL, queue_bucket=None, queue_sort_at=None, queue_ready_at=None, next_touch_at=None
    )
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
                currency=opportunity.currency if amount_minor is not None else "",
                actor=actor,
            )
            for kind, key in (
                (EventKind.ACCEPTED, next_key(subject=hand_off, kind=EventKind.ACCEPTED)),
                (EventKind.STAGE_1, next_key(subject=opportunity, kind=EventKind.STAGE_1)),
            )
        ],
        at=at,
    )
    return opportunity


def next_key(*, subject: HandOff | Opportunity, kind: EventKind) -> str:
    """The source key of the subject's next event of this kind: an answer that was taken back is given again."""
    name = "hand_off" if isinstance(subject, HandOff) else "opportunity"
    times = FunnelEvent.objects.filter(**{name: subject}, kind=kind).count()
    return f"{name}:{subject.pk}:{kind}" + (f":{times + 1}" if times else "")


def _opened(hand_off: HandOff, at: datetime, amount_minor: int | None, currency: str) -> Opportunity:
    lead, ae = hand_off.lead, hand_off.continues_with
    fields: dict[str, Any] = {
        "name": lead.company or lead.label,
        "account": lead.account,
        "lead": lead,
        "owner": ae,
        "sourced_by": hand_off.sdr,
        "stage": OpportunityStage.STAGE_1,
        "amount_minor": amount_minor,
        "currency": currency,
        "opened_at": at,
        "stage_changed_at": at,
        "closed_at": None,
        "loss_reason": "",
    }
    # Accepted again after the answer was taken back, it is the same opportunity, not a second one.
    opportunity, _ = Opportunity.objects.update_or_create(hand_off=hand_off, defaults=fields)
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

    The SDR may contest it until ``hand_off.contest_until``. Raises ``InvalidInput`` for an unknown criterion or
    reason, or when the reason is "other" without a comment; ``UnableToDecide`` when it was answered before.
    """
    if criterion not in [key for key, _ in criteria_of(hand_off)]:
        raise InvalidInput("Name the criterion that is not met.", field="criterion")
    if reason not in RejectionReason.values:
        raise InvalidInput("Choose why it is rejected.", field="reason")
    if reason == RejectionReason.OTHER and not comment.strip():
        raise InvalidInput("Say in the comment what would make it acceptable.", field="comment")
    lead = locked_lead(hand_off)
    _decide(
        hand_off,
        at,
        state=HandOff.State.REJECTED,
        decided_by=actor,
        answered_how=AnsweredHow.AE,
        rejected_criterion=criterion,
        rejection_reason=reason,
        comment=comment.strip()[:1000],
    )
    before = _before(lead)
    before["meeting"] = answered_meetings.cancel_for_rejection(hand_off=hand_off, at=at, source=source)
    hand_off.answer_before = before
    hand_off.contest_until = contest_terms.window_of(hand_off=hand_off, at=at)
    hand_off.save(update_fields=["answer_before", "contest_until"])
    _give_back(lead, criterion, at)
    _record_rejection(hand_off, at, actor, source)
    hand_off_decided.send(sender=HandOff, hand_off=hand_off, at=at)
    answer_news.tell_answered(hand_off=hand_off, at=at, source=source)
    return hand_off


def _give_back(lead: Lead, criterion: str, at: datetime) -> None:
    """To its SDR's queue, to be called now."""
    lead.stage = LeadStage.WORKING
    lead.stage_reason = f"Rejected on {criterion}"
    lead.next_touch_at = at
    lead.next_channel = "call"
    queue.settle(lead)
    lead.save()


def _record_rejection(hand_off: HandOff, at: datetime, actor: Any, source: Source) -> None:
    data = {"criterion": hand_off.rejected_criterion, "reason": hand_off.rejection_reason}
    record_event(
        event=NewEvent(
            kind=EventKind.REJECTED,
            occurred_at=at,
            source=source,
            source_key=next_key(subject=hand_off, kind=EventKind.REJECTED),
            lead=hand_off.lead,
            hand_off=hand_off,
            credits=[*sourced(hand_off.sdr), *owned(hand_off.ae)],
            actor=actor,
            data=data,
        ),
        at=at,
    )
    audit.record(verb="leads.hand_off.rejected", subject=hand_off, at=at, actor=actor, data=data)
