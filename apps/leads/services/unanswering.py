"""Take an answer to a hand-off back, within a minute: its events are reversed, and everybody waits as before.

The opportunity is withdrawn (accepted again later, it is opened again, not made anew), the lead stands where it
stood, and the meeting that a rejection cancelled is booked again if its time is still free. The promise of an
answer goes on with its old due instant: ``slas`` judges it again when the event is reversed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError
from apps.leads.models import (
    AnsweredHow,
    Contest,
    EventKind,
    FunnelEvent,
    HandOff,
    Lead,
    LeadStage,
    Opportunity,
    OpportunityStage,
    Source,
)
from apps.leads.services import answer_news, answered_meetings, queue
from apps.leads.services.hand_offs import RESTORED, locked_lead
from apps.leads.services.record import reverse_event
from apps.leads.signals import answer_undoing, answer_undone

UNDO_WITHIN = timedelta(minutes=1)


class UnableToTakeBack(DomainError):
    """It waits, the minute is over, it is nobody's own answer, or something was built on it."""

    code = "unable_to_take_back"


@dataclass(frozen=True)
class TakenBack:
    """``meeting_back``: whether the cancelled meeting stands again; ``None`` when none was cancelled."""

    hand_off: HandOff
    was: str
    meeting_back: bool | None

    @property
    def in_words(self) -> str:
        """For whoever took it back."""
        name = self.hand_off.lead.company or self.hand_off.lead.label
        said = f"{name} waits again: the answer is taken back."
        if self.meeting_back is True:
            return f"{said} The meeting stands again."
        if self.meeting_back is False:
            return f"{said} The time of the meeting is taken meanwhile: a new one is needed."
        return said


def undo_until(hand_off: HandOff) -> datetime | None:
    """Until when the AE's own answer can be taken back; ``None`` for any other. Asks the database nothing."""
    if hand_off.decided_at is None or hand_off.answered_how != AnsweredHow.AE or not hand_off.answer_before:
        return None
    return hand_off.decided_at + UNDO_WITHIN


@transaction.atomic
def take_answer_back(
    *, hand_off: HandOff, at: datetime, actor: Any = None, source: Source = Source.PAGE
) -> TakenBack:
    """Take the AE's answer back; the hand-off waits again, under its old promise.

    Raises ``UnableToTakeBack`` after the minute, for what was accepted by itself or by a judge, and when somebody
    has built on the answer; ``UnableToDecide`` where a receiver of ``answer_undoing`` says so (pay).
    """
    lead = locked_lead(hand_off)
    hand_off = (
        HandOff.objects.select_for_update(of=("self",))
        .select_related("ae__team", "sdr", "meeting", "lead__account")
        .get(pk=hand_off.pk)
    )
    opportunity = Opportunity.objects.select_for_update(of=("self",)).filter(hand_off=hand_off).first()
    _refuse(hand_off, lead, opportunity, at)
    was, before = hand_off.state, hand_off.answer_before
    events = _events(hand_off)
    answer_undoing.send(sender=HandOff, hand_off=hand_off, events=events, at=at)
    meeting_back = _restore(hand_off, lead, opportunity, before, at)
    for event in events:
        reverse_event(event=event, reason="Answer taken back", at=at, actor=actor, source=source)
    audit.record(
        verb="leads.hand_off.answer_taken_back",
        subject=hand_off,
        at=at,
        actor=actor,
        data={"was": was, "meeting_back": meeting_back},
    )
    answer_undone.send(sender=HandOff, hand_off=hand_off, was=was, at=at)
    answer_news.tell_taken_back(hand_off=hand_off, was=was, at=at)
    return TakenBack(hand_off, was, meeting_back)


_ANSWERS = (EventKind.ACCEPTED, EventKind.REJECTED, EventKind.STAGE_1)


def _events(hand_off: HandOff) -> list[FunnelEvent]:
    return list(FunnelEvent.objects.filter(hand_off=hand_off, kind__in=_ANSWERS).effective().order_by("-pk"))


def _refuse(hand_off: HandOff, lead: Lead, opportunity: Opportunity | None, at: datetime) -> None:
    if hand_off.state == HandOff.State.PENDING:
        raise UnableToTakeBack("This hand-off waits for an answer: there is none to take back.")
    until = undo_until(hand_off)
    if until is None:
        raise UnableToTakeBack("This was not answered by the AE by hand: it cannot be taken back.")
    if at > until:
        raise UnableToTakeBack("An answer can be taken back for a minute, and that is over.")
    if hand_off.state == HandOff.State.ACCEPTED:
        _refuse_moved(hand_off, opportunity)
    elif Contest.objects.filter(hand_off=hand_off).exists():
        raise UnableToTakeBack("The SDR contests this rejection: the judge decides now.")
    _refuse_worked(hand_off, lead)


def _refuse_moved(hand_off: HandOff, opportunity: Opportunity | None) -> None:
    if opportunity is None:
        return
    later = FunnelEvent.objects.filter(opportunity=opportunity, recorded_at__gt=hand_off.decided_at)
    if opportunity.stage != OpportunityStage.STAGE_1 or later.exclude(kind__in=_ANSWERS).effective().exists():
        raise UnableToTakeBack("The opportunity was worked on since: take that back first.")


def _refuse_worked(hand_off: HandOff, lead: Lead) -> None:
    stage = LeadStage.SAL if hand_off.state == HandOff.State.ACCEPTED else LeadStage.WORKING
    since = hand_off.decided_at
    if (
        lead.stage != stage
        or lead.merged_into_id is not None
        or lead.do_not_contact
        or lead.touches.filter(occurred_at__gt=since, undone_at__isnull=True).exists()
        or lead.qualifications.filter(qualified_at__gt=since).exists()
        or lead.hand_offs.filter(created_at__gt=since).exclude(pk=hand_off.pk).exists()
    ):
        raise UnableToTakeBack("Somebody worked the lead since: it cannot be taken back any more.")


def _restore(
    hand_off: HandOff, lead: Lead, opportunity: Opportunity | None, before: dict[str, Any], at: datetime
) -> bool | None:
    for name in RESTORED:
        value = before["lead"][name]
        if name == "next_touch_at" and value:
            value = datetime.fromisoformat(value)
        setattr(lead, name, value)
    lead.claimed_by = lead.claimed_until = None
    queue.settle(lead)
    lead.save()
    if opportunity is not None and opportunity.is_open:
        Opportunity.objects.filter(pk=opportunity.pk).update(
            stage=OpportunityStage.WITHDRAWN, stage_changed_at=at, closed_at=at
        )
    meeting = before.get("meeting")
    meeting_back = (
        answered_meetings.book_again(hand_off=hand_off, meeting_id=meeting, at=at) if meeting else None
    )
    hand_off.state = HandOff.State.PENDING
    hand_off.decided_at = hand_off.decided_by = hand_off.contest_until = None
    hand_off.rejected_criterion = hand_off.rejection_reason = hand_off.comment = ""
    hand_off.answer_before = {}
    hand_off.save()
    return meeting_back
