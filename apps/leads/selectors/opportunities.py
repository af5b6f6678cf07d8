"""Opportunities as their pages show them: a board by stage, a list, and one with all that happened to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet, Sum

from apps.core.keyset import Page, page_of
from apps.leads.models import EventCredit, EventKind, FunnelEvent, Opportunity, OpportunityStage
from apps.reps.models import Rep

PER_COLUMN = 15
"""A column of the board shows this many, the latest moved first; the list has them all."""


@dataclass(frozen=True)
class Filters:
    """What the address asks for; "" or ``None`` leaves a filter out."""

    stage: str = ""
    owner: int | None = None
    currency: str = ""
    origin: str = ""
    kind: str = ""
    due: str = ""
    text: str = ""

    @property
    def any(self) -> bool:
        return self != Filters()


@dataclass(frozen=True)
class Total:
    """How many in one stage and currency, and what they are worth together (in minor units)."""

    count: int
    amount_minor: int | None
    currency: str


@dataclass(frozen=True)
class Column:
    """A stage of the board. Amounts stay apart by currency: they are never added."""

    stage: OpportunityStage
    count: int
    totals: tuple[Total, ...]
    rows: tuple[Opportunity, ...]

    @property
    def more(self) -> int:
        return self.count - len(self.rows)


def filtered(user: Any, filters: Filters, on: date | None = None) -> QuerySet[Opportunity]:
    """The opportunities that ``user`` may see and the filters leave; ``on`` is the day that "late" is told from."""
    found = Opportunity.objects.visible_to(user)
    # What was withdrawn counts nowhere; only who asks for it by name finds it.
    if filters.stage != OpportunityStage.WITHDRAWN:
        found = found.counted()
    if filters.stage == "open":
        found = found.open()
    elif filters.stage:
        found = found.filter(stage=filters.stage)
    if filters.owner:
        found = found.filter(owner=filters.owner)
    if filters.currency:
        found = found.filter(currency=filters.currency)
    if filters.origin:
        found = found.filter(sourced_by__isnull=filters.origin == "own")
    if filters.kind:
        found = found.filter(kind=filters.kind)
    if filters.due == "unplanned":
        found = found.open().filter(expected_close_on__isnull=True)
    elif filters.due == "late" and on is not None:
        found = found.open().filter(expected_close_on__lt=on)
    if filters.text:
        found = found.filter(Q(name__icontains=filters.text) | Q(account__name__icontains=filters.text))
    return found


def listed(user: Any, filters: Filters, *, after: str, on: date | None = None) -> Page:
    """One page of the list, the latest opened first."""
    rows = filtered(user, filters, on).select_related("owner", "account", "sourced_by")
    return page_of(rows, by=("-opened_at", "-pk"), after=after)


def totals(user: Any, filters: Filters, on: date | None = None) -> list[Total]:
    """How many the list has and what they are worth, by currency. One statement."""
    sums = filtered(user, filters, on).order_by().values("currency")
    rows = sums.annotate(n=Count("pk"), worth=Sum("amount_minor")).order_by("-n", "currency")
    return [Total(row["n"], row["worth"], row["currency"]) for row in rows]


def board(user: Any, filters: Filters, *, closed_since: datetime, on: date | None = None) -> list[Column]:
    """A column per stage; won and lost are those closed from ``closed_since`` on. Five statements."""
    wanted = filtered(user, filters, on).filter(Q(closed_at__isnull=True) | Q(closed_at__gte=closed_since))
    sums = wanted.order_by().values("stage", "currency").annotate(n=Count("pk"), worth=Sum("amount_minor"))
    by_stage: dict[str, list[Total]] = {stage: [] for stage in OpportunityStage}
    for row in sums:
        by_stage[row["stage"]].append(Total(row["n"], row["worth"], row["currency"]))
    columns = []
    for stage in map(OpportunityStage, OpportunityStage.counted()):
        of_stage = sorted(by_stage[stage], key=lambda total: (-total.count, total.currency))
        rows = wanted.filter(stage=stage).select_related("owner").order_by("-stage_changed_at", "-pk")
        columns.append(
            Column(
                stage=stage,
                count=sum(total.count for total in of_stage),
                totals=tuple(of_stage),
                rows=tuple(rows[:PER_COLUMN]) if of_stage else (),
            )
        )
    return columns


def owners(user: Any) -> list[Rep]:
    """Whose opportunities ``user`` can filter by, for those who see more than their own."""
    if user.role not in ("manager", "finance", "revops"):
        return []
    return list(Rep.objects.visible_to(user).filter(role__in=("ae", "am", "csm")).only("pk", "name")[:300])


def open_query(user: Any, *, most: int) -> QuerySet[Opportunity]:
    """Those open for ``user``, ``most`` of them, to be counted."""
    return Opportunity.objects.visible_to(user).open().order_by()[:most]


def with_owner(user: Any) -> QuerySet[Opportunity]:
    """What one opportunity is looked up in, with what its page and its policies read."""
    return Opportunity.objects.visible_to(user).select_related(
        "owner__team", "owner__user", "sourced_by", "account", "lead", "hand_off__qualification"
    )


@dataclass(frozen=True)
class AmountChange:
    """That the amount became another: from → to, by which event, and whether that was taken back."""

    event: FunnelEvent
    from_minor: int | None
    from_currency: str
    is_reversed: bool


def amount_history(told: Iterable["Happening"]) -> list[AmountChange]:
    """The changes of the amount among what happened (the latest first), the latest first. No statement."""
    return [
        AmountChange(
            one.event,
            one.event.data.get("from_minor"),
            one.event.data.get("from_currency") or one.event.currency,
            one.is_reversed,
        )
        for one in told
        if one.event.kind == EventKind.AMOUNT_CHANGED
    ]


@dataclass(frozen=True)
class Happening:
    """An event of the opportunity as its timeline tells it."""

    event: FunnelEvent
    icon: str
    credits: tuple[EventCredit, ...]
    is_reversed: bool
    reason: str


_ICONS = {
    EventKind.HANDED_OFF: "route", EventKind.BOOKED: "cal", EventKind.ACCEPTED: "check",
    EventKind.HELD: "checkc", EventKind.NO_SHOW: "xc", EventKind.STAGE_1: "flag", EventKind.STAGE_2: "flag",
    EventKind.WON: "star", EventKind.LOST: "xc", EventKind.AMOUNT_CHANGED: "edit", EventKind.REVERSED: "undo",
}  # fmt: skip


def happenings(opportunity: Opportunity) -> list[Happening]:
    """What happened to it and to its hand-off, the latest first, with amounts and credits. Two statements."""
    which = Q(opportunity=opportunity)
    if opportunity.hand_off_id:
        which |= Q(hand_off=opportunity.hand_off_id)
    events = (
        FunnelEvent.objects.filter(which)
        .select_related("actor", "reverses", "reversed_by")
        .prefetch_related(
            Prefetch("credits", EventCredit.objects.select_related("rep").order_by("capacity", "pk"))
        )
        .order_by("-occurred_at", "-pk")
    )
    return [_told(event) for event in events]


def _told(event: FunnelEvent) -> Happening:
    reason = event.data.get("reason", "") if isinstance(event.data, dict) else ""
    return Happening(
        event=event,
        icon=_ICONS.get(EventKind(event.kind), "clock"),
        credits=tuple(event.credits.all()),
        is_reversed=hasattr(event, "reversed_by"),
        reason=str(reason),
    )


def stage_path(opportunity: Opportunity, told: Iterable[Happening]) -> list[tuple[str, datetime | None, str]]:
    """The stages as steps: (word, when it was reached, done | now | next | failed)."""
    reached = {
        one.event.kind: one.event.occurred_at
        for one in told
        if not one.is_reversed and one.event.kind in OpportunityStage.values
    }
    order = [OpportunityStage.STAGE_1, OpportunityStage.STAGE_2, OpportunityStage.WON]
    steps: list[tuple[str, datetime | None, str]] = []
    if opportunity.stage in (OpportunityStage.LOST, OpportunityStage.WITHDRAWN):
        for stage in order[:2]:
            if stage in reached:
                steps.append((stage.label, reached[stage], "done"))
        return [*steps, (OpportunityStage(opportunity.stage).label, opportunity.closed_at, "failed")]
    at = order.index(OpportunityStage(opportunity.stage))
    for index, stage in enumerate(order):
        won = stage == OpportunityStage.WON and index == at
        state = "done" if index < at or won else "now" if index == at else "next"
        steps.append((stage.label, reached.get(stage) if index <= at else None, state))
    return steps
