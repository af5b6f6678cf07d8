"""Propose another split of an event's credit, approve it with four eyes, decline, withdraw and take back.

The record stays as it is: from its approval pay counts the newest approved split instead, and a closed period gets
prior-period adjustments that name it. Who proposed a split, or gains by it, does not approve it; the database refuses
it as well.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from apps.audit import services as audit
from apps.compensation.models import CreditSplit, CreditSplitDecision, CreditSplitPart, Verdict
from apps.compensation.selectors.hand_credits import shares_of
from apps.compensation.services import split_news
from apps.core.errors import DomainError, InvalidInput
from apps.core.money import allocate
from apps.leads.models import WHOLE_SHARE, Capacity, EventKind, FunnelEvent
from apps.reps.models import Rep

MOST_REPS = 10
MOST_WORDS = 500

# What pay can be made of: credits of anything else pay nobody.
SPLITTABLE = (
    EventKind.BOOKED, EventKind.HANDED_OFF, EventKind.HELD, EventKind.ACCEPTED, EventKind.STAGE_1,
    EventKind.STAGE_2, EventKind.WON,
)  # fmt: skip


class UnableToSplit(DomainError):
    """The event was reversed or pays nobody, another split of it waits, or nothing would change."""

    code = "unable_to_split"


class UnableToDecide(DomainError):
    """It was decided already, this person may not decide it, or the credit is another by now."""

    code = "unable_to_decide"


def shares_by_weight(weights: Sequence[int]) -> list[int]:
    """Millionths of the whole by ``weights`` (such as percent in millionths), by largest remainder."""
    return allocate(WHOLE_SHARE, weights)


def _reason(text: str, field: str, says: str) -> str:
    text = text.strip()
    if not text:
        raise InvalidInput(says, field=field)
    if len(text) > MOST_WORDS:
        raise InvalidInput(f"Keep it to {MOST_WORDS} characters.", field=field)
    return text


@transaction.atomic
def propose_split(
    *,
    event: FunnelEvent,
    capacity: Capacity,
    shares: Mapping[Rep, int],
    reason: str,
    at: datetime,
    actor: Any,
    reverses: CreditSplit | None = None,
) -> CreditSplit:
    """Ask that ``shares`` (millionths, summing to the whole) take the place of what stands.

    Asking for what already waits in the same words is asking once. Raises ``InvalidInput`` naming the field, and
    ``UnableToSplit``.
    """
    reason = _reason(reason, "reason", "Say why: who approves it reads this, and it stands on the statement.")
    wanted = {rep: share for rep, share in shares.items() if share}
    if not wanted or len(wanted) > MOST_REPS:
        raise InvalidInput(f"Name one to {MOST_REPS} reps.", field="shares")
    if any(share < 0 for share in wanted.values()) or sum(wanted.values()) != WHOLE_SHARE:
        raise InvalidInput("The shares sum to 100 %, each above zero.", field="shares")
    event = FunnelEvent.objects.select_for_update().get(pk=event.pk)
    if event.kind not in SPLITTABLE:
        raise UnableToSplit(f"Nobody is paid for “{event.get_kind_display()}”, so there is nothing to split.")
    if FunnelEvent.objects.filter(reverses=event).exists():
        raise UnableToSplit("This event was reversed: it credits nobody any more.")
    before = {one.rep_id: one.share for one in shares_of(event, capacity, at)}
    after = {rep.pk: share for rep, share in wanted.items()}
    waiting = CreditSplit.objects.filter(event=event, capacity=capacity).waiting().first()
    if waiting is not None:
        asked = dict(waiting.parts.filter(share__gt=0).values_list("rep_id", "share"))
        if asked == after and waiting.reason == reason and waiting.proposed_by_id == actor.pk:
            return waiting
        raise UnableToSplit("Another split of this credit waits for its approval: have it decided first.")
    if before == after:
        raise UnableToSplit("This is how the credit stands: there is nothing to change.")
    newest = CreditSplit.objects.filter(event=event, capacity=capacity).aggregate(Max("number"))[
        "number__max"
    ]
    split = CreditSplit.objects.create(
        event=event,
        capacity=capacity,
        number=(newest or 0) + 1,
        reason=reason,
        proposed_by=actor,
        proposed_at=at,
        reverses=reverses,
    )
    CreditSplitPart.objects.bulk_create(
        [
            CreditSplitPart(
                split=split,
                event=event,
                capacity=capacity,
                rep_id=rep_id,
                share_before=before.get(rep_id, 0),
                share=after.get(rep_id, 0),
            )
            for rep_id in sorted({*before, *after})
        ]
    )
    audit.record(
        verb="compensation.split.proposed", subject=split, at=at, actor=actor, data={"event": event.pk}
    )
    split_news.tell_proposed(split=split, at=at)
    return split


def why_not_approve(*, split: CreditSplit, user: Any) -> str:
    """Why ``user`` does not approve it; "" when nothing speaks against it. Roles are the policy's matter."""
    if split.proposed_by_id == user.pk:
        return "Who proposed a split does not approve it."
    if split.gives_to(user):
        return "Who gains by a split does not approve it."
    return ""


def _held(split: CreditSplit) -> CreditSplit:
    """The split, once nobody else decides about the same credit."""
    FunnelEvent.objects.select_for_update().get(pk=split.event_id)
    found = CreditSplit.objects.select_related("event", "proposed_by").get(pk=split.pk)
    decision = CreditSplitDecision.objects.select_related("by").filter(split=found).first()
    if decision is not None:
        when = f"{decision.at:%-d %b %Y}"
        raise UnableToDecide(
            f"This split was {decision.get_verdict_display().lower()} by {decision.by.name} on {when}."
        )
    return found


def _decide(split: CreditSplit, verdict: Verdict, at: datetime, actor: Any, words: str = "") -> CreditSplit:
    try:
        with transaction.atomic():
            CreditSplitDecision.objects.create(split=split, verdict=verdict, by=actor, at=at, words=words)
    except IntegrityError as error:
        raise UnableToDecide("Somebody was quicker: look at the split again.") from error
    audit.record(verb=f"compensation.split.{verdict}", subject=split, at=at, actor=actor)
    found = CreditSplit.objects.select_related("decision__by", "event", "proposed_by").get(pk=split.pk)
    split_news.tell_decided(split=found, at=at)
    return found


@transaction.atomic
def approve_split(*, split: CreditSplit, at: datetime, actor: Any) -> CreditSplit:
    """Let a split count from now on. Raises ``UnableToDecide``, also when the credit is another by now."""
    split = _held(split)
    if refused := why_not_approve(split=split, user=actor):
        raise UnableToDecide(refused)
    if FunnelEvent.objects.filter(reverses=split.event_id).exists():
        raise UnableToDecide("The event was reversed meanwhile: it credits nobody any more.")
    stood = dict(split.parts.filter(share_before__gt=0).values_list("rep_id", "share_before"))
    if stood != {one.rep_id: one.share for one in shares_of(split.event, split.capacity, at)}:
        raise UnableToDecide("The credit is another by now: have the split proposed anew.")
    return _decide(split, Verdict.APPROVED, at, actor)


@transaction.atomic
def decline_split(*, split: CreditSplit, words: str, at: datetime, actor: Any) -> CreditSplit:
    """Say no, and why. Raises ``InvalidInput`` without a reason, ``UnableToDecide``."""
    words = _reason(words, "words", "Say why: who asked reads it.")
    split = _held(split)
    if split.proposed_by_id == actor.pk:
        raise UnableToDecide("Withdraw what you proposed yourself.")
    return _decide(split, Verdict.DECLINED, at, actor, words)


@transaction.atomic
def withdraw_split(*, split: CreditSplit, at: datetime, actor: Any) -> CreditSplit:
    """Take back what one proposed oneself. Raises ``UnableToDecide``."""
    split = _held(split)
    if split.proposed_by_id != actor.pk:
        raise UnableToDecide("Only who proposed it withdraws it: decline it instead.")
    return _decide(split, Verdict.WITHDRAWN, at, actor)


@transaction.atomic
def propose_reversal(*, split: CreditSplit, reason: str, at: datetime, actor: Any) -> CreditSplit:
    """Ask that the credit be again as it was before an approved split: a split like any other, four eyes included.

    Raises ``UnableToSplit`` when it does not count, or when another one came after it.
    """
    if split.verdict != Verdict.APPROVED:
        raise UnableToSplit("Only a split that counts can be taken back.")
    newest = (
        CreditSplit.objects.filter(event=split.event_id, capacity=split.capacity)
        .approved()
        .order_by("-number")
        .first()
    )
    if newest is None or newest.pk != split.pk:
        raise UnableToSplit(
            "Another split came after this one: take that one back, or propose what is right."
        )
    before = {part.rep: part.share_before for part in split.parts.select_related("rep") if part.share_before}
    if not before:
        raise UnableToSplit("Nobody was credited before: propose who should be.")
    return propose_split(
        event=split.event,
        capacity=Capacity(split.capacity),
        shares=before,
        reason=reason,
        at=at,
        actor=actor,
        reverses=split,
    )
