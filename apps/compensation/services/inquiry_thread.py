"""What is said in an inquiry: replies of either side, asking back, and up to where somebody has read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.compensation.models import Inquiry, InquiryAct, InquiryAttachment, InquiryMessage, InquirySeen
from apps.compensation.rules.attachments import Checked
from apps.compensation.services import inquiry_clocks as clocks
from apps.compensation.services import inquiry_files as files_of
from apps.compensation.services import inquiry_news as news
from apps.compensation.services.inquiry_rows import (
    MOST_TEXT,
    UnableToHandle,
    act,
    held,
    refuse_unless_running,
    text_of,
)

Kind = InquiryMessage.Kind


@transaction.atomic
def reply(
    *,
    inquiry: Inquiry,
    text: str,
    at: datetime,
    actor: Any,
    files: Sequence[Checked] = (),
    source_key: str = "",
) -> InquiryMessage:
    """Say something. Who asked sets a waiting inquiry going again; anybody else gives the first answer by it.

    The same ``source_key`` says it once. Raises ``InvalidInput`` naming the field, ``UnableToHandle`` once it is
    settled.
    """
    text = text_of(text, field="text", says="Write something: the other side reads it.", most=MOST_TEXT)
    inquiry = held(inquiry)
    if said := _said_before(inquiry, source_key):
        return said
    refuse_unless_running(inquiry)
    by_asker = actor.pk == inquiry.asked_by_id
    if not by_asker:
        refuse_concerned(inquiry=inquiry, actor=actor)
    message = say(
        inquiry=inquiry, kind=Kind.REPLY, text=text, at=at, actor=actor, files=files, source_key=source_key
    )
    if by_asker and inquiry.state == Inquiry.State.WAITING:
        inquiry.state = Inquiry.State.OPEN
        clocks.go_on(inquiry=inquiry, at=at)
        act(inquiry=inquiry, kind=InquiryAct.Kind.RESUMED, at=at, actor=actor)
    elif not by_asker:
        clocks.first_answer(inquiry=inquiry, at=at)
    inquiry.save()
    news.tell_message(message=message, at=at)
    return message


@transaction.atomic
def ask_back(
    *,
    inquiry: Inquiry,
    text: str,
    at: datetime,
    actor: Any,
    files: Sequence[Checked] = (),
    source_key: str = "",
) -> InquiryMessage:
    """Ask who asked for something: the inquiry stands still until they reply. Raises as ``reply``."""
    text = text_of(text, field="text", says="Write what you need to know.", most=MOST_TEXT)
    inquiry = held(inquiry)
    if said := _said_before(inquiry, source_key):
        return said
    refuse_unless_running(inquiry)
    refuse_concerned(inquiry=inquiry, actor=actor)
    message = say(
        inquiry=inquiry,
        kind=Kind.ASKS_BACK,
        text=text,
        at=at,
        actor=actor,
        files=files,
        source_key=source_key,
    )
    clocks.first_answer(inquiry=inquiry, at=at)
    if inquiry.state == Inquiry.State.OPEN:
        inquiry.state = Inquiry.State.WAITING
        clocks.stand_still(inquiry=inquiry, at=at)
        act(inquiry=inquiry, kind=InquiryAct.Kind.WAITED, at=at, actor=actor)
    inquiry.save()
    news.tell_message(message=message, at=at)
    return message


def refuse_concerned(*, inquiry: Inquiry, actor: Any) -> None:
    """Raises ``UnableToHandle`` for who asked, or is paid by it."""
    if inquiry.concerns(actor):
        raise UnableToHandle("Nobody answers an inquiry about their own pay.")


def _said_before(inquiry: Inquiry, source_key: str) -> InquiryMessage | None:
    if not source_key:
        return None
    return InquiryMessage.objects.filter(inquiry=inquiry, source_key=source_key).first()


def say(
    *,
    inquiry: Inquiry,
    kind: InquiryMessage.Kind,
    text: str,
    at: datetime,
    actor: Any,
    files: Sequence[Checked] = (),
    source_key: str = "",
) -> InquiryMessage:
    """Write the next message of a held inquiry, with its files; the caller saves the inquiry."""
    inquiry.messages_count += 1
    with files_of.kept(inquiry=inquiry, files=files) as kept, transaction.atomic():
        message = InquiryMessage.objects.create(
            inquiry=inquiry,
            number=inquiry.messages_count,
            kind=kind,
            by=actor,
            at=at,
            text=text,
            source_key=source_key,
        )
        InquiryAttachment.objects.bulk_create(
            InquiryAttachment(
                message=message,
                name=one.file.name,
                ending=one.file.kind.ending,
                size=len(one.file.content),
                sha256=one.sha256,
                path=one.path,
            )
            for one in kept
        )
        Inquiry.objects.filter(pk=inquiry.pk).update(messages_count=inquiry.messages_count)
        mark_seen(inquiry=inquiry, user=actor, number=message.number, at=at)
        audit.record(
            verb="compensation.inquiry.said",
            subject=inquiry,
            at=at,
            actor=actor,
            data={"message": message.number, "kind": kind.value, "files": [one.sha256 for one in kept]},
        )
    return message


def mark_seen(*, inquiry: Inquiry, user: Any, number: int, at: datetime) -> None:
    """Note that ``user`` has read up to message ``number``; what was noted before never goes back."""
    number = min(number, inquiry.messages_count)
    InquirySeen.objects.bulk_create(
        [InquirySeen(inquiry=inquiry, user=user, number=number, at=at)], ignore_conflicts=True
    )
    InquirySeen.objects.filter(inquiry=inquiry, user=user, number__lt=number).update(number=number, at=at)
