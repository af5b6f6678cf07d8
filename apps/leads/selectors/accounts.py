"""Accounts as AMs, CSMs and those who assign them see them: worth, opportunities, leads."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Sum

from apps.core.keyset import Page, page_of
from apps.leads.models import Account, EventKind, FunnelEvent, Lead, Opportunity, OpportunityStage
from apps.reps.models import Rep, RepRole

PER_ACCOUNT = 50


@dataclass(frozen=True)
class Worth:
    """What was won with an account in one currency; currencies are never added."""

    amount_minor: int
    currency: str


def listed(user: Any, *, text: str, show: str, after: str) -> Page:
    """A page of accounts by name. ``show``: "unassigned" for won ones that nobody looks after yet."""
    found = Account.objects.visible_to(user).select_related("owner")
    if show == "unassigned":
        found = found.filter(_is_won(), owner__isnull=True)
    elif show == "won":
        found = found.filter(_is_won())
    if text:
        found = found.filter(Q(name__icontains=text) | Q(domain__icontains=text))
    return page_of(
        found.annotate(open_count=_open_count(), lead_count=_lead_count()), by=("name", "pk"), after=after
    )


def _is_won() -> Exists:
    return Exists(Opportunity.objects.filter(account=OuterRef("pk"), stage=OpportunityStage.WON))


def _open_count() -> Subquery:
    rows = Opportunity.objects.open().filter(account=OuterRef("pk")).order_by().values("account")
    return Subquery(rows.annotate(n=Count("pk")).values("n"))


def _lead_count() -> Subquery:
    rows = Lead.objects.filter(account=OuterRef("pk")).order_by().values("account")
    return Subquery(rows.annotate(n=Count("pk")).values("n"))


def won_worth(accounts: list[int]) -> dict[int, list[Worth]]:
    """What was won with each account (by id), from the record: a win taken back does not count."""
    won = (
        FunnelEvent.objects.filter(kind=EventKind.WON, opportunity__account__in=accounts)
        .effective()
        .order_by()
        .values("opportunity__account", "currency")
        .annotate(worth=Sum("amount_minor"))
    )
    found: dict[int, list[Worth]] = defaultdict(list)
    for row in won:
        if row["worth"] is not None:
            found[row["opportunity__account"]].append(Worth(row["worth"], row["currency"]))
    return {pk: sorted(rows, key=lambda one: one.currency) for pk, rows in found.items()}


def opportunities_of(account: Account, user: Any) -> QuerySet[Opportunity]:
    """The account's opportunities that ``user`` may open, the latest first."""
    seen = Opportunity.objects.visible_to(user).filter(account=account).select_related("owner")
    return seen.order_by("-opened_at", "-pk")[:PER_ACCOUNT]


def leads_of(account: Account, user: Any) -> QuerySet[Lead]:
    """The account's leads that ``user`` may open, the latest first."""
    seen = Lead.objects.visible_to(user).filter(account=account).select_related("owner")
    return seen.order_by("-created_at", "-pk")[:PER_ACCOUNT]


def keepers(user: Any) -> QuerySet[Rep]:
    """The AMs and CSMs to whom ``user`` may pass an account."""
    return Rep.objects.visible_to(user).filter(role__in=(RepRole.AM, RepRole.CSM), left_on__isnull=True)
