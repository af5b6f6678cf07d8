"""Ask about a statement; withdraw, accept what came of it, open it again. What its owner does is beside this."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.compensation.models import (
    Inquiry,
    InquiryAct,
    InquiryMessage,
    LedgerEntry,
    RunState,
    Statement,
)
from apps.compensation.rules.attachments import Checked
from apps.compensation.rules.inquiries import SETTLED
from apps.compensation.services import inquiry_clocks as clocks
from apps.compensation.services import inquiry_news as news
from apps.compensation.services.inquiry_owners import owner_for
from apps.compensation.services.inquiry_rows import (
    MOST_TEXT,
    UnableToAsk,
    UnableToHandle,
    act,
    held,
    reason_of,
    text_of,
    what_became,
)
from apps.compensation.services.inquiry_terms import hours_of_clock, plain, terms_in_force
from apps.compensation.services.inquiry_thread import say
from apps.core.errors import InvalidInput
from apps.core.locks import hold

MOST_RUNNING = 25
"""Inquiries that one person may have running about one statement."""
MOST_EXPECTED_MINOR = 10**12
LONGEST_EXPECTED = 200


@dataclass(frozen=True)
class Question:
    """What is asked: about a line of the statement, something that is missing on it, or all of it.

    ``expected`` says for what pay was expected, ``expected_minor`` how much, in the statement's currency.
    """

    statement: Statement
    text: str
    line: LedgerEntry | None = None
    expected: str = ""
    expected_minor: int | None = None

    @property
    def about(self) -> Inquiry.About:
        if self.line is not None:
            return Inquiry.About.LINE
        return Inquiry.About.MISSING if self.expected else Inquiry.About.STATEMENT


@transaction.atomic
def ask(
    *,
    question: Question,
    at: datetime,
    actor: Any,
    files: Sequence[Checked] = (),
    source_key: str = "",
) -> Inquiry:
    """Ask about one's own statement; somebody is named to answer, and the clock starts.

    The same ``source_key`` asks once. Raises ``InvalidInput`` naming the field, ``UnableToAsk``, and
    ``NobodyToAnswer``.
    """
    text = text_of(question.text, field="text", says="Write what you question, and why.", most=MOST_TEXT)
    hold([f"inquiry of statement {question.statement.pk}"])
    if source_key and (asked := Inquiry.objects.filter(source_key=source_key).first()):
        return asked
    statement = _statement(question, actor)
    expected = _expected(question)
    terms = terms_in_force()
    rep = statement.rep
    owner, because = owner_for(concerned=_concerned(rep.user_id, actor.pk), terms=terms)
    inquiry = Inquiry(
        rep=rep,
        statement=statement,
        about=question.about,
        line=question.line,
        expected=expected,
        expected_minor=question.expected_minor,
        source_key=source_key,
        asked_by=actor,
        asked_at=at,
        owner=owner,
        owner_because=because,
    )
    clocks.start(inquiry=inquiry, targets=terms.targets, hours=plain(hours_of_clock(rep)), at=at)
    try:
        with transaction.atomic():
            inquiry.save()
    except IntegrityError as error:
        raise UnableToAsk("You asked about this line already, and it is being answered.") from error
    say(inquiry=inquiry, kind=InquiryMessage.Kind.QUESTION, text=text, at=at, actor=actor, files=files)
    act(
        inquiry=inquiry,
        kind=InquiryAct.Kind.ASKED,
        at=at,
        actor=actor,
        owner=owner.pk,
        statement=statement.pk,
    )
    news.tell_owner(inquiry=inquiry, at=at, actor=actor)
    return inquiry


def _concerned(*users: int | None) -> frozenset[int]:
    return frozenset(user for user in users if user is not None)


def _statement(question: Question, actor: Any) -> Statement:
    """The statement as it stands. Raises ``UnableToAsk`` when it cannot be asked about."""
    rows = Statement.objects.select_related("run", "rep__team__calendar", "rep__calendar")
    statement = rows.get(pk=question.statement.pk)
    if statement.rep.user_id != actor.pk:
        raise UnableToAsk("Only who is paid by a statement asks about it.")
    if statement.run.state in RunState.unsettled():
        raise UnableToAsk("The figures of this statement may still move: ask once they were submitted.")
    line = question.line
    if line is not None:
        if line.statement_id != statement.pk:
            raise InvalidInput("This line is of another statement.", field="line")
        running = Inquiry.objects.running().filter(line=line).first()
        if running is not None:
            raise UnableToAsk(f"You asked about this line already: inquiry {running.pk} is being answered.")
    if Inquiry.objects.running().filter(statement=statement).count() >= MOST_RUNNING:
        raise UnableToAsk(
            f"{MOST_RUNNING} inquiries about this statement are being answered: wait for some of them."
        )
    return statement


def _expected(question: Question) -> str:
    expected = question.expected.strip()
    if len(expected) > LONGEST_EXPECTED:
        raise InvalidInput(f"Keep it to {LONGEST_EXPECTED} characters.", field="expected")
    amount = question.expected_minor
    if amount is not None and not 0 <= amount <= MOST_EXPECTED_MINOR:
        raise InvalidInput("Write an amount that is not below zero.", field="expected_amount")
    if amount is not None and not expected and question.line is None:
        raise InvalidInput("Say for what you expected it.", field="expected")
    return expected


@transaction.atomic
def withdraw(*, inquiry: Inquiry, at: datetime, actor: Any) -> Inquiry:
    """The asker lets it go. Raises ``UnableToHandle`` once it is settled, or while a change waits for approval."""
    inquiry = held(inquiry)
    _refuse_others(inquiry, actor)
    if not inquiry.is_running:
        raise UnableToHandle(what_became(inquiry))
    if inquiry.adjustments.waiting().exists():
        raise UnableToHandle("A change of your pay waits for its approval: that is decided first.")
    inquiry.state = Inquiry.State.WITHDRAWN
    clocks.go_on(inquiry=inquiry, at=at)
    inquiry.next_step_at = None
    inquiry.save()
    act(inquiry=inquiry, kind=InquiryAct.Kind.WITHDRAWN, at=at, actor=actor)
    news.tell_by_asker(inquiry=inquiry, what="withdrawn", at=at)
    return inquiry


@transaction.atomic
def accept(*, inquiry: Inquiry, at: datetime, actor: Any) -> Inquiry:
    """The asker accepts what came of it, and it is closed. Raises ``UnableToHandle`` without an outcome."""
    inquiry = held(inquiry)
    _refuse_others(inquiry, actor)
    if inquiry.state == Inquiry.State.CLOSED:
        return inquiry
    if inquiry.state not in SETTLED:
        raise UnableToHandle("It has no outcome yet: withdraw it if it is settled for you.")
    inquiry.state, inquiry.next_step_at = Inquiry.State.CLOSED, None
    inquiry.save(update_fields=["state", "next_step_at"])
    act(inquiry=inquiry, kind=InquiryAct.Kind.CLOSED, at=at, actor=actor)
    return inquiry


@transaction.atomic
def reopen(*, inquiry: Inquiry, reason: str, at: datetime, actor: Any) -> Inquiry:
    """Open it again within its window, with a reason: another round, with a clock by the terms of today.

    Raises ``InvalidInput`` without a reason, ``UnableToHandle`` when the window is over or it is open.
    """
    reason = reason_of(reason, field="reason", says="Say what is still wrong: its owner reads it.")
    inquiry = held(inquiry)
    _refuse_others(inquiry, actor)
    if not inquiry.may_be_reopened(at):
        raise UnableToHandle(
            "The time in which it could be opened again is over: ask anew from the statement."
            if inquiry.state in (*SETTLED, Inquiry.State.CLOSED)
            else "Only an inquiry that has an outcome is opened again."
        )
    same = Inquiry.objects.running().filter(line=inquiry.line_id).exclude(pk=inquiry.pk)
    if inquiry.line_id is not None and same.exists():
        raise UnableToHandle("You asked about this line anew meanwhile: that inquiry is being answered.")
    inquiry.round += 1
    inquiry.state, inquiry.outcome, inquiry.outcome_words = Inquiry.State.OPEN, "", ""
    inquiry.corrected_link, inquiry.settled_at, inquiry.settled_by = "", None, None
    inquiry.reopen_until = None
    clocks.start(
        inquiry=inquiry, targets=terms_in_force().targets, hours=plain(hours_of_clock(inquiry.rep)), at=at
    )
    say(inquiry=inquiry, kind=InquiryMessage.Kind.REPLY, text=reason, at=at, actor=actor)
    inquiry.save()
    act(inquiry=inquiry, kind=InquiryAct.Kind.REOPENED, at=at, actor=actor, words=reason)
    news.tell_by_asker(inquiry=inquiry, what="reopened", at=at)
    return inquiry


def _refuse_others(inquiry: Inquiry, actor: Any) -> None:
    if inquiry.asked_by_id != actor.pk:
        raise UnableToHandle("Only who asked does that.")
