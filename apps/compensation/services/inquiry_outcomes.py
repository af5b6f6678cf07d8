"""What comes of an inquiry without money: it is explained, the data was corrected elsewhere, or it is declined."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.urls import Resolver404, resolve

from apps.compensation.models import Inquiry, InquiryAct, InquiryMessage, InquiryState
from apps.compensation.rules.attachments import Checked
from apps.compensation.services import inquiry_clocks as clocks
from apps.compensation.services import inquiry_news as news
from apps.compensation.services.inquiry_rows import UnableToHandle, act, held, refuse_unless_running, text_of
from apps.compensation.services.inquiry_thread import refuse_concerned, say
from apps.core.errors import InvalidInput

MOST_OUTCOME = 2_000
LONGEST_LINK = 200


@transaction.atomic
def explain(
    *, inquiry: Inquiry, text: str, at: datetime, actor: Any, files: Sequence[Checked] = ()
) -> Inquiry:
    """Answer that the figure is right, and why. Raises ``InvalidInput``, ``UnableToHandle``."""
    return _settle(
        inquiry, InquiryState.ANSWERED, Inquiry.Outcome.EXPLAINED, text, at=at, actor=actor, files=files
    )


@transaction.atomic
def say_corrected(
    *, inquiry: Inquiry, text: str, link: str, at: datetime, actor: Any, files: Sequence[Checked] = ()
) -> Inquiry:
    """Answer that what the figure is made of was corrected, with the page of that. Raises as ``explain``."""
    return _settle(
        inquiry, InquiryState.ANSWERED, Inquiry.Outcome.CORRECTED, text, at=at, actor=actor, files=files,
        link=within_portal(link),
    )  # fmt: skip


@transaction.atomic
def decline(
    *, inquiry: Inquiry, text: str, at: datetime, actor: Any, files: Sequence[Checked] = ()
) -> Inquiry:
    """Say no, and why. Raises as ``explain``."""
    return _settle(
        inquiry, InquiryState.DECLINED, Inquiry.Outcome.DECLINED, text, at=at, actor=actor, files=files
    )


def within_portal(link: str) -> str:
    """The path of a page of the portal, from its address. Raises ``InvalidInput`` for any other."""
    found = urlsplit(link.strip())
    path = f"{found.path}?{found.query}" if found.query else found.path
    says = (
        "Paste the address of the portal’s page that shows what was corrected, such as /leads/events/48213/."
    )
    if found.netloc and not found.scheme:
        raise InvalidInput(says, field="link")
    if found.scheme not in ("", "http", "https") or not path.startswith("/") or len(path) > LONGEST_LINK:
        raise InvalidInput(says, field="link")
    try:
        resolve(found.path)
    except Resolver404:
        raise InvalidInput(says, field="link") from None
    return path


def _settle(
    inquiry: Inquiry,
    state: InquiryState,
    outcome: Inquiry.Outcome,
    text: str,
    *,
    at: datetime,
    actor: Any,
    files: Sequence[Checked],
    link: str = "",
) -> Inquiry:
    text = text_of(text, field="text", says="Say why: who asked reads it.", most=MOST_OUTCOME)
    inquiry = held(inquiry)
    refuse_unless_running(inquiry)
    refuse_concerned(inquiry=inquiry, actor=actor)
    if inquiry.adjustments.waiting().exists():
        raise UnableToHandle("A change waits for its approval: have it decided or withdrawn first.")
    say(inquiry=inquiry, kind=InquiryMessage.Kind.OUTCOME, text=text, at=at, actor=actor, files=files)
    settle(inquiry=inquiry, state=state, outcome=outcome, words=text, at=at, actor=actor, link=link)
    return inquiry


def settle(
    *,
    inquiry: Inquiry,
    state: InquiryState,
    outcome: Inquiry.Outcome,
    words: str,
    at: datetime,
    actor: Any,
    link: str = "",
) -> None:
    """Give a held, running inquiry its outcome; who asked is told, and may open it again for some time."""
    clocks.first_answer(inquiry=inquiry, at=at)
    inquiry.state, inquiry.outcome = state, outcome
    inquiry.outcome_words, inquiry.corrected_link = words[:MOST_OUTCOME], link
    inquiry.settled_at, inquiry.settled_by = at, actor
    clocks.end(inquiry=inquiry, at=at)
    inquiry.save()
    act(inquiry=inquiry, kind=InquiryAct.Kind(state.value), at=at, actor=actor, outcome=outcome.value)
    news.tell_settled(inquiry=inquiry, at=at)
