"""Contest a rejection, say one more thing, withdraw it; and the judge's decision, which moves the credit."""

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import (
    AnsweredHow,
    Contest,
    ContestState,
    EventKind,
    FunnelEvent,
    HandOff,
    Lead,
    LeadStage,
    Opportunity,
    Source,
)
from apps.leads.services import answer_news, answered_meetings, judges, queue, succession
from apps.leads.services.hand_offs import admit, locked_lead, next_key
from apps.leads.services.record import NewEvent, owned, record_event, reverse_event, sourced
from apps.leads.signals import hand_off_decided

UPHELD_REASON = "Contest upheld"
"""On the reversal of a rejection that a judge did not let stand: the AE had answered all the same."""
MOST_WORDS = 1000


class UnableToContest(DomainError):
    """It was not rejected, the window is over, or it was contested before."""

    code = "unable_to_contest"


class UnableToState(DomainError):
    """The contest is closed, or this side has said its piece."""

    code = "unable_to_state"


class UnableToJudge(DomainError):
    """The contest is decided or withdrawn, or somebody else judges it."""

    code = "unable_to_judge"


def _written(text: str, field: str, says: str) -> str:
    """What was written, in bounds. Raises ``InvalidInput`` naming the field."""
    text = text.strip()
    if not text:
        raise InvalidInput(says, field=field)
    if len(text) > MOST_WORDS:
        raise InvalidInput(f"Keep it to {MOST_WORDS:,} characters.", field=field)
    return text


def _held_hand_off(pk: int) -> HandOff:
    return (
        HandOff.objects.select_for_update(of=("self",))
        .select_related(
            "lead__account", "ae__team", "sdr__team__calendar", "sdr__calendar", "meeting", "decided_by"
        )
        .get(pk=pk)
    )


def why_not(*, hand_off: HandOff, at: datetime) -> str:
    """Why this hand-off cannot be contested (now); "" when it can. Read with ``contest`` joined in."""
    if hasattr(hand_off, "contest"):
        return "This rejection was contested before: that is done once."
    if hand_off.state != HandOff.State.REJECTED:
        return "Only a rejection can be contested."
    if hand_off.contest_until is None:
        return "It was rejected before there was a window for contests."
    if at > hand_off.contest_until:
        return "The time in which it could be contested is over."
    return ""


@transaction.atomic
def open_contest(
    *, hand_off: HandOff, reason: str, at: datetime, actor: Any, source: Source = Source.PAGE
) -> Contest:
    """Contest a rejection, with a written reason; a neutral judge is named and told.

    Raises ``InvalidInput`` without a reason, ``UnableToContest`` when it is late or not the first,
    ``judges.NobodyNeutral`` when nobody could judge it.
    """
    reason = _written(reason, "reason", "Say why the rejection is wrong: the judge and the AE read it.")
    locked_lead(hand_off)
    hand_off = _held_hand_off(hand_off.pk)
    refusal = why_not(hand_off=hand_off, at=at)
    if refusal:
        raise UnableToContest(refusal)
    assert hand_off.decided_at is not None
    judge = judges.neutral_judge(hand_off=hand_off)
    warn_at, due_at = judges.instants(hand_off=hand_off, at=at)
    contest = Contest.objects.create(
        hand_off=hand_off,
        opened_at=at,
        opened_by=actor,
        reason=reason,
        criterion=hand_off.rejected_criterion,
        rejection_reason=hand_off.rejection_reason,
        comment=hand_off.comment,
        rejected_at=hand_off.decided_at,
        rejected_by=hand_off.decided_by,
        judge=judge.user,
        judge_because=judge.because,
        warn_at=warn_at,
        due_at=due_at,
    )
    _record(contest, EventKind.CONTESTED, at, actor, source)
    audit.record(
        verb="leads.contest.opened", subject=contest, at=at, actor=actor, data={"judge": judge.user.pk}
    )
    if source != Source.DEMO:
        answer_news.tell_opened(contest=contest, at=at)
    return contest


def _record(contest: Contest, kind: EventKind, at: datetime, actor: Any, source: Source) -> FunnelEvent:
    hand_off = contest.hand_off
    return record_event(
        event=NewEvent(
            kind=kind,
            occurred_at=at,
            source=source,
            source_key=f"contest:{contest.pk}:{kind}",
            lead=hand_off.lead,
            hand_off=hand_off,
            credits=[*sourced(hand_off.sdr), *owned(hand_off.ae)],
            actor=actor,
            data={"criterion": contest.criterion},
        ),
        at=at,
    )


def _held(contest: Contest) -> Contest:
    """The contest, locked after its lead and its hand-off."""
    locked_lead(contest.hand_off)
    hand_off = _held_hand_off(contest.hand_off_id)
    found = Contest.objects.select_for_update(of=("self",)).select_related("judge").get(pk=contest.pk)
    found.hand_off = hand_off
    return found


def closed_already(contest: Contest) -> str:
    """How a contest ended and when, for whoever comes too late."""
    by = f" by {contest.closed_by.name}" if contest.closed_by else ""
    when = f" on {contest.closed_at:%-d %B %Y at %H:%M} UTC" if contest.closed_at else ""
    return f"This contest was {contest.get_state_display().lower()} already{by}{when}."


@transaction.atomic
def add_statement(*, contest: Contest, text: str, at: datetime, actor: Any) -> Contest:
    """Add what one side has to say, once: the SDR's beyond the reason given, or the AE's.

    Raises ``InvalidInput`` without words, ``UnableToState`` for anybody else, a second one, or a closed contest.
    """
    text = _written(text, "statement", "Write what the judge should know.")
    contest = _held(contest)
    if not contest.is_open:
        raise UnableToState(closed_already(contest))
    hand_off = contest.hand_off
    side = {hand_off.sdr.user_id: "sdr", hand_off.ae.user_id: "ae"}.get(actor.pk)
    if side is None:
        raise UnableToState("Only the SDR and the AE of the hand-off add a statement.")
    if getattr(contest, f"{side}_statement"):
        raise UnableToState("You have added your statement: each side adds one.")
    setattr(contest, f"{side}_statement", text)
    setattr(contest, f"{side}_stated_at", at)
    contest.save(update_fields=[f"{side}_statement", f"{side}_stated_at"])
    audit.record(verb="leads.contest.stated", subject=contest, at=at, actor=actor, data={"side": side})
    return contest


@transaction.atomic
def withdraw_contest(*, contest: Contest, at: datetime, actor: Any) -> Contest:
    """The SDR lets the rejection stand; it cannot be contested again. Raises ``UnableToJudge`` when closed."""
    contest = _held(contest)
    if not contest.is_open:
        raise UnableToJudge(closed_already(contest))
    _close(contest, ContestState.WITHDRAWN, "", "The rejection stands: it was not pursued.", at, actor)
    audit.record(verb="leads.contest.withdrawn", subject=contest, at=at, actor=actor)
    answer_news.tell_closed(contest=contest, at=at)
    return contest


@transaction.atomic
def decide_contest(
    *,
    contest: Contest,
    uphold: bool,
    reason: str,
    at: datetime,
    actor: Any,
    source: Source = Source.PAGE,
    with_another: bool = False,
) -> Contest:
    """The judge upholds or dismisses, with a reason both sides read.

    Upheld, the rejection is reversed and the acceptance recorded, which moves the credit to the SDR; the
    opportunity opens with the AE, or ``with_another`` whom routing names, unless the lead went on by another way:
    then the credit alone moves. Raises ``InvalidInput`` without a reason, or for another AE where the lead went
    on; ``UnableToJudge`` for anybody but the judge, and when it is closed; ``succession.NobodyElse``.
    """
    reason = _written(reason, "reason", "Say why: both sides read it.")
    contest = _held(contest)
    if not contest.is_open:
        raise UnableToJudge(closed_already(contest))
    if contest.judge_id != getattr(actor, "pk", None):
        raise UnableToJudge(f"{contest.judge.name} judges this contest.")
    if contest.judge_id in judges.sides_of(contest.hand_off).people:
        raise UnableToJudge("You belong to one of the sides by now: RevOps names another judge.")
    if uphold:
        _record(contest, EventKind.UPHELD, at, actor, source)
        followed = _uphold(contest, at, actor, source, with_another)
    else:
        _record(contest, EventKind.DISMISSED, at, actor, source)
        followed = "The rejection stands."
    state = ContestState.UPHELD if uphold else ContestState.DISMISSED
    _close(contest, state, reason, followed, at, actor)
    audit.record(
        verb=f"leads.contest.{state}",
        subject=contest,
        at=at,
        actor=actor,
        data={"followed": followed} | ({"continues": contest.hand_off.continues_with.pk} if uphold else {}),
    )
    if uphold:
        hand_off_decided.send(sender=HandOff, hand_off=contest.hand_off, at=at)
    if source != Source.DEMO:
        answer_news.tell_closed(contest=contest, at=at)
    return contest


def _close(
    contest: Contest, state: ContestState, reason: str, followed: str, at: datetime, actor: Any
) -> None:
    contest.state, contest.closed_at, contest.closed_by = state, at, actor
    contest.decision_reason, contest.followed = reason, followed[:200]
    contest.save(update_fields=["state", "closed_at", "closed_by", "decision_reason", "followed"])


def _uphold(contest: Contest, at: datetime, actor: Any, source: Source, with_another: bool) -> str:
    """Reverse the rejection, record the acceptance, open what may be opened; what followed, in words."""
    hand_off = contest.hand_off
    lead = hand_off.lead
    credit_only = _went_on(lead, hand_off)
    if credit_only and with_another:
        raise InvalidInput(f"{credit_only} Uphold it as it is: the credit alone moves.", field="decision")
    rejected = FunnelEvent.objects.filter(hand_off=hand_off, kind=EventKind.REJECTED).effective()
    for event in rejected:
        reverse_event(event=event, reason=UPHELD_REASON, at=at, actor=actor, source=source)
    hand_off.state, hand_off.answered_how = HandOff.State.ACCEPTED, AnsweredHow.CONTEST
    hand_off.decided_at, hand_off.decided_by = at, actor
    hand_off.contest_until, hand_off.answer_before = None, {}
    hand_off.save()
    if credit_only:
        record_event(event=_acceptance(hand_off, at, actor, source), at=at)
        return f"The credit moved to {hand_off.sdr.name}. {credit_only}"
    meeting = succession.name_successor(contest=contest, at=at) if with_another else ""
    admit(hand_off=hand_off, at=at, amount_minor=None, currency="", actor=actor, source=source)
    _take_from_queue(lead)
    whose = f"the opportunity is with {hand_off.continues_with.name}"
    if with_another:
        whose += f", whom routing named in place of {hand_off.ae.name}"
    words = f"The credit moved to {hand_off.sdr.name}; {whose}."
    return f"{words} {meeting if with_another else _meeting_words(hand_off, at)}".strip()


def _acceptance(hand_off: HandOff, at: datetime, actor: Any, source: Source) -> NewEvent:
    return NewEvent(
        kind=EventKind.ACCEPTED,
        occurred_at=at,
        source=source,
        source_key=next_key(subject=hand_off, kind=EventKind.ACCEPTED),
        lead=hand_off.lead,
        hand_off=hand_off,
        credits=[*sourced(hand_off.sdr), *owned(hand_off.ae)],
        actor=actor,
    )


def _went_on(lead: Lead, hand_off: HandOff) -> str:
    """Why no opportunity opens although the contest is upheld: the lead went on by another way; else ""."""
    later = HandOff.objects.filter(lead=lead, created_at__gt=hand_off.created_at).exclude(pk=hand_off.pk)
    if later.exclude(state=HandOff.State.REJECTED).exists():
        return "The lead was handed off again meanwhile: no second opportunity opens."
    if Opportunity.objects.counted().filter(lead=lead).exclude(hand_off=hand_off).exists():
        return "The lead has an opportunity already: no second one opens."
    if lead.merged_into_id is not None or lead.do_not_contact or lead.stage == LeadStage.DISQUALIFIED:
        return "The lead was closed meanwhile: no opportunity opens."
    return ""


def _take_from_queue(lead: Lead) -> None:
    """It is an opportunity now: its SDR has nothing more to do with it."""
    lead = Lead.objects.get(pk=lead.pk)
    lead.stage_reason = ""
    lead.next_touch_at = lead.callback_at = lead.reentry_on = lead.due_at = lead.warn_at = None
    lead.claimed_by = lead.claimed_until = None
    queue.settle(lead)
    lead.save()


def _meeting_words(hand_off: HandOff, at: datetime) -> str:
    meeting = hand_off.meeting
    if meeting is None or meeting.state != meeting.State.CANCELLED:
        return ""
    if answered_meetings.book_again(hand_off=hand_off, meeting_id=meeting.pk, at=at):
        return "The meeting stands again."
    return "The meeting needs a new time."
