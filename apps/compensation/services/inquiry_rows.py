"""What the services of inquiries share: the held row, the errors, words in bounds, an act beside its audit entry."""

from datetime import datetime
from typing import Any

from apps.audit import services as audit
from apps.compensation.models import Inquiry, InquiryAct
from apps.core.errors import DomainError, InvalidInput

MOST_REASON = 500
MOST_TEXT = 4_000


class UnableToAsk(DomainError):
    """The statement is not one's own, its figures may still move, or the line is asked about already."""

    code = "unable_to_ask"


class UnableToHandle(DomainError):
    """The inquiry has another state by now, or this person may not do that to it."""

    code = "unable_to_handle"


def held(inquiry: Inquiry) -> Inquiry:
    """The inquiry, locked until the transaction ends, with its rep, owner and asker."""
    rows = Inquiry.objects.select_for_update(of=("self",)).select_related(
        "rep__team__calendar", "rep__calendar", "owner", "asked_by", "settled_by", "statement__run"
    )
    return rows.get(pk=inquiry.pk)


def text_of(text: str, *, field: str, says: str, most: int) -> str:
    """What was written, in bounds. Raises ``InvalidInput`` naming the field."""
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not text:
        raise InvalidInput(says, field=field)
    if len(text) > most:
        raise InvalidInput(f"Keep it to {most:,} characters; these are {len(text):,}.", field=field)
    return text


def reason_of(text: str, *, field: str, says: str) -> str:
    return text_of(text, field=field, says=says, most=MOST_REASON)


def refuse_unless_running(inquiry: Inquiry) -> None:
    """Raises ``UnableToHandle`` with what became of it."""
    if not inquiry.is_running:
        raise UnableToHandle(what_became(inquiry))


def what_became(inquiry: Inquiry) -> str:
    """How it ended and when, for whoever comes too late."""
    if inquiry.state == Inquiry.State.WITHDRAWN:
        return "This inquiry was withdrawn by who asked."
    by = f" by {inquiry.settled_by.name}" if inquiry.settled_by else ""
    when = f" on {inquiry.settled_at:%-d %B %Y}" if inquiry.settled_at else ""
    return f"This inquiry was settled{by}{when}: {inquiry.get_outcome_display().lower()}."


def act(
    *, inquiry: Inquiry, kind: InquiryAct.Kind, at: datetime, actor: Any, words: str = "", **data: Any
) -> None:
    """Note what happened, in the inquiry's own history and in the audit log."""
    InquiryAct.objects.create(
        inquiry=inquiry, round=inquiry.round, kind=kind, by=actor, at=at, words=words[:500]
    )
    audit.record(
        verb=f"compensation.inquiry.{kind.value}",
        subject=inquiry,
        at=at,
        actor=actor,
        data={"round": inquiry.round, **data},
    )
