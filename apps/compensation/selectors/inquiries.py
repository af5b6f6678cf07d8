"""Inquiries as pages show them: the worklist, one's own, and one inquiry with all that was said and done."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, IntegerField, OuterRef, Prefetch, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from apps.accounts.models import Role
from apps.compensation.models import (
    Inquiry,
    InquiryAct,
    InquiryMessage,
    InquirySeen,
    InquiryState,
    LedgerEntry,
    PayAdjustment,
    Statement,
    Verdict,
)
from apps.compensation.rules.inquiries import RUNNING
from apps.core.keyset import Page, page_of

PER_PAGE = 50

SHOWS = {
    "": "To do",
    "mine": "Mine",
    "late": "Late",
    "waiting": "Waiting for the asker",
    "approve": "Changes to approve",
    "settled": "Settled",
}
"""Filters of the worklist, with their words."""
OWN_SHOWS = {"": "Running", "settled": "Settled"}


def answers(user: Any) -> bool:
    """Whether the user is of those who answer inquiries."""
    return user.role in (Role.REVOPS, Role.FINANCE)


def inquiries_for(user: Any) -> QuerySet[Inquiry]:
    """Inquiries within the user's scope, with what a row shows; ``seen_number`` is up to where the user has read."""
    seen = InquirySeen.objects.filter(inquiry=OuterRef("pk"), user=user).values("number")[:1]
    return (
        Inquiry.objects.visible_to(user)
        .select_related(
            "rep__team", "statement__run", "owner", "asked_by", "settled_by", "line__event__lead",
            "line__event__opportunity", "line__plan_version", "statement__plan_version", "statement__rep",
        )
        .annotate(seen_number=Coalesce(Subquery(seen), Value(0), output_field=IntegerField()))
    )  # fmt: skip


def _waiting_change(user: Any) -> QuerySet[PayAdjustment]:
    """Changes that wait for a decision that ``user`` may give."""
    return (
        PayAdjustment.objects.waiting()
        .exclude(proposed_by=user)
        .exclude(inquiry__asked_by=user)
        .exclude(rep__user=user)
    )


def _late(at: datetime) -> Q:
    return Q(state=InquiryState.OPEN, next_due_at__lte=at)


def _narrowed(rows: QuerySet[Inquiry], user: Any, show: str, at: datetime) -> QuerySet[Inquiry]:
    if show == "mine":
        return rows.filter(owner=user, state__in=RUNNING)
    if show == "late":
        return rows.filter(_late(at))
    if show == "waiting":
        return rows.filter(state=InquiryState.WAITING)
    if show == "approve":
        return rows.filter(Exists(_waiting_change(user).filter(inquiry=OuterRef("pk"))))
    if show == "settled":
        return rows.exclude(state__in=RUNNING)
    return rows.filter(state__in=RUNNING)


@dataclass(frozen=True)
class Worklist:
    """A page of inquiries, the chips above it, and how it is ordered in words."""

    page: Page
    chips: list[tuple[str, str, bool]]
    order: str


def worklist(user: Any, *, show: str, at: datetime, after: str = "") -> Worklist:
    """One statement: what is running by its oldest promise, what is settled by the newest question."""
    shows = SHOWS if answers(user) else OWN_SHOWS
    show = show if show in shows else ""
    rows = _narrowed(inquiries_for(user), user, show, at)
    by = ("-asked_at", "-pk") if show == "settled" else ("next_due_at", "pk")
    order = "newest first" if show == "settled" else "oldest promise first"
    return Worklist(
        page_of(rows, by=by, after=after, size=PER_PAGE),
        [(key, words, key == show) for key, words in shows.items()],
        order,
    )


def to_do_queries(user: Any, *, at: Any, most: int) -> list[QuerySet[Any]]:
    """For the rail: what waits for the user, and what of it presses; up to ``most`` of each.

    For who answers, open inquiries and changes to approve; for who asked, what waits for a reply of theirs.
    """
    if answers(user):
        open_ones = Inquiry.objects.filter(state=InquiryState.OPEN).order_by()
        pressing = open_ones.filter(
            Q(first_answered_at__isnull=True, first_warn_at__lte=at) | Q(warn_at__lte=at)
        )
        return [open_ones[:most], pressing[:most], _waiting_change(user).order_by()[:most]]
    own = Inquiry.objects.filter(rep__user=user, state=InquiryState.WAITING).order_by()
    return [own[:most], own[:most], own.none()]


# --- One inquiry --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """Something in the thread: a message, or an act between messages."""

    at: datetime
    message: InquiryMessage | None = None
    act: InquiryAct | None = None
    is_new: bool = False
    seen_by_other: bool = False


@dataclass(frozen=True)
class Change:
    """A change of pay with its line, once a run posted it, and what may be done with it."""

    adjustment: PayAdjustment
    posted: LedgerEntry | None
    is_taken_back: bool

    @property
    def counts(self) -> bool:
        return self.adjustment.verdict == Verdict.APPROVED


@dataclass(frozen=True)
class InquiryPage:
    """All that stands in an inquiry; ``sees_statement`` says whether the reader may open it."""

    inquiry: Inquiry
    items: list[Item]
    changes: list[Change]
    waiting: PayAdjustment | None
    sees_statement: bool


_SHOWN_ACTS = (
    InquiryAct.Kind.ASSIGNED, InquiryAct.Kind.CLOSED, InquiryAct.Kind.REOPENED, InquiryAct.Kind.WITHDRAWN,
    InquiryAct.Kind.WAITED, InquiryAct.Kind.RESUMED, InquiryAct.Kind.REMIND_FIRST,
    InquiryAct.Kind.ESCALATE_FIRST, InquiryAct.Kind.REMIND, InquiryAct.Kind.ESCALATE, InquiryAct.Kind.AGREED,
)  # fmt: skip


def inquiry_page(inquiry: Inquiry, user: Any) -> InquiryPage:
    """A fixed number of statements, however much was said. ``inquiry`` comes from ``inquiries_for``."""
    changes = changes_of(inquiry)
    return InquiryPage(
        inquiry=inquiry,
        items=list(_thread(inquiry, user)),
        changes=changes,
        waiting=next((one.adjustment for one in changes if not one.adjustment.verdict), None),
        sees_statement=Statement.objects.visible_to(user).filter(pk=inquiry.statement_id).exists(),
    )


def _thread(inquiry: Inquiry, user: Any) -> Iterator[Item]:
    messages = inquiry.messages.select_related("by").prefetch_related("attachments").order_by("number")
    acts = inquiry.acts.filter(kind__in=_SHOWN_ACTS).select_related("by").order_by("pk")
    read = dict(inquiry.seen.order_by().values_list("user_id", "number"))
    own = getattr(inquiry, "seen_number", read.get(user.pk, 0))
    found = []
    for message in messages:
        others = (
            number
            for reader, number in read.items()
            if (message.by_id == inquiry.asked_by_id) != (reader == inquiry.asked_by_id)
        )
        found.append(
            Item(
                message.at,
                message=message,
                is_new=message.number > own and message.by_id != user.pk,
                seen_by_other=any(number >= message.number for number in others),
            )
        )
    found += [Item(act.at, act=act) for act in acts]
    return iter(sorted(found, key=lambda item: (item.at, item.message is None)))


def changes_of(inquiry: Inquiry) -> list[Change]:
    """The changes of an inquiry in their order, each with its line in the ledger. Two statements."""
    rows = inquiry.adjustments.select_related("decision__by", "proposed_by", "rep", "reverses")
    found = list(rows.order_by("number"))
    if not found:
        return []
    for one in found:
        one.inquiry = inquiry
    lines = LedgerEntry.objects.filter(
        rep=inquiry.rep_id, source_key__in={one.source_key for one in found}
    ).select_related("run")
    posted = {(line.source_key, line.sequence): line for line in lines}
    back = {one.reverses_id for one in found if one.verdict == Verdict.APPROVED}
    return [
        Change(
            one,
            posted.get((one.source_key, one.sequence)) if one.verdict == Verdict.APPROVED else None,
            one.pk in back,
        )
        for one in found
    ]


def running_of_lines(line_ids: list[int]) -> dict[int, int]:
    """By line, the inquiry that is running about it. One statement, for lists of lines."""
    rows = Inquiry.objects.running().filter(line__in=line_ids)
    return {line: pk for line, pk in rows.values_list("line_id", "pk") if line is not None}


def adjustments_for(user: Any) -> QuerySet[PayAdjustment]:
    """Changes of the inquiries within the user's scope."""
    return PayAdjustment.objects.filter(inquiry__in=Inquiry.objects.visible_to(user)).select_related(
        "inquiry__rep", "inquiry__asked_by", "rep", "proposed_by", "decision__by", "reverses"
    )


def messages_of(inquiry: Inquiry) -> QuerySet[InquiryMessage]:
    """What was said, in order, with files."""
    attachments = Prefetch("attachments")
    return inquiry.messages.select_related("by").prefetch_related(attachments).order_by("number")
