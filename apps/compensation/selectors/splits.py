"""Credits by hand as pages show them: what waits, what was decided, and how one event's credit stands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet

from apps.compensation.models import CreditSplit, CreditSplitPart
from apps.compensation.selectors.hand_credits import shares_of
from apps.core.keyset import Page, page_of
from apps.leads.models import Capacity, EventCredit, FunnelEvent
from apps.reps.models import Rep

MOST_WAITING = 100


def splits_for(user: Any) -> QuerySet[CreditSplit]:
    """Splits within the user's scope, with what a row shows of them."""
    parts = CreditSplitPart.objects.select_related("rep").order_by("-share", "pk")
    return (
        CreditSplit.objects.visible_to(user)
        .select_related("event__opportunity", "event__lead", "proposed_by", "decision__by", "reverses")
        .prefetch_related(Prefetch("parts", parts))
    )


@dataclass(frozen=True)
class Worklist:
    """What waits, the oldest first; and what was decided, the newest first, page by page."""

    waiting: list[CreditSplit]
    decided: Page


def worklist(user: Any, *, after: str = "") -> Worklist:
    """Two statements and their people, however many rows."""
    waiting = splits_for(user).filter(decision__isnull=True).order_by("proposed_at", "pk")
    decided = splits_for(user).filter(decision__isnull=False)
    return Worklist(
        list(waiting[:MOST_WAITING]), page_of(decided, by=("-proposed_at", "-pk"), after=after, size=30)
    )


def waiting_query(user: Any, *, most: int) -> QuerySet[CreditSplit]:
    """What waits within the user's scope, for counting."""
    return CreditSplit.objects.visible_to(user).waiting().order_by()[:most]


@dataclass(frozen=True)
class StandingShare:
    """A rep's share of a credit as it stands."""

    rep: Rep
    share: int


@dataclass(frozen=True)
class Standing:
    """One capacity of an event's credit: who has which share, and whether a split by hand made it so."""

    capacity: Capacity
    shares: list[StandingShare]
    waiting: CreditSplit | None

    @property
    def pairs(self) -> list[tuple[int, int]]:
        return [(one.rep.pk, one.share) for one in self.shares]


def standing_of(event: FunnelEvent, capacity: Capacity, at: datetime) -> Standing:
    """How the credit stands at ``at``."""
    held = shares_of(event, capacity, at)
    reps = Rep.objects.in_bulk([one.rep_id for one in held])
    waiting = CreditSplit.objects.filter(event=event, capacity=capacity).waiting().first()
    return Standing(capacity, [StandingShare(reps[one.rep_id], one.share) for one in held], waiting)


def usual_capacity(event: FunnelEvent) -> Capacity:
    """The capacity that somebody is credited in: owning before sourcing."""
    found = set(EventCredit.objects.filter(event=event).order_by().values_list("capacity", flat=True))
    return Capacity.OWNED if Capacity.OWNED in found or not found else Capacity.SOURCED
