"""Possible duplicates as a list, and two leads side by side."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from apps.core.keyset import Page, page_of
from apps.leads.models import HandOff, Lead, LeadMerge, Opportunity, PossibleDuplicate, Touch

_SHOWN = (
    ("Name", "name"), ("Title", "title"), ("E-mail", "email"), ("Phone", "phone"), ("Company", "company"),
    ("Industry", "industry"), ("Employees", "employees"), ("City", "city"), ("Source", "source"),
    ("Campaign", "campaign"),
)  # fmt: skip
MOST_FOUND = 20


def pairs_for(user: Any) -> QuerySet[PossibleDuplicate]:
    """Open pairs within the user's scope, of leads that are still two."""
    rows = PossibleDuplicate.objects.visible_to(user).open()
    return rows.filter(first__merged_into__isnull=True, second__merged_into__isnull=True).select_related(
        "first__owner", "first__team", "first__account", "second__owner", "second__team", "second__account"
    )


def page(*, user: Any, after: str) -> Page:
    """Fifty pairs, those found last first. One statement."""
    return page_of(pairs_for(user), by=("-found_at", "-pk"), after=after)


def recent_merges(user: Any, most: int = 10) -> list[LeadMerge]:
    """The last merges that stand, newest first. One statement."""
    rows = LeadMerge.objects.visible_to(user).filter(undone_at__isnull=True)
    return list(rows.select_related("survivor", "absorbed", "by")[:most])


@dataclass(frozen=True)
class Side:
    """One of the two, with what hangs on it."""

    lead: Lead
    touches: int
    is_with_ae: bool

    @property
    def rank(self) -> tuple[bool, bool, bool, float]:
        """The one to keep has the greatest: with an AE, then worked, then contactable, then the older."""
        lead = self.lead
        return self.is_with_ae, lead.is_workable, not lead.do_not_contact, -lead.created_at.timestamp()


@dataclass(frozen=True)
class Row:
    """One thing known of either; ``differs`` where both know it and say otherwise."""

    label: str
    values: tuple[Any, Any]

    @property
    def differs(self) -> bool:
        first, second = (str(value or "").strip().lower() for value in self.values)
        return bool(first) and bool(second) and first != second


@dataclass(frozen=True)
class Comparison:
    """Two leads side by side."""

    sides: tuple[Side, Side]
    rows: list[Row]

    @property
    def keep(self) -> Lead:
        """Which of the two to keep, unless somebody knows better."""
        return max(self.sides, key=lambda side: side.rank).lead


def compare(first: Lead, second: Lead) -> Comparison:
    """Both with their histories counted. Three statements."""
    ids = [first.pk, second.pk]
    touches = dict(
        Touch.objects.filter(lead__in=ids, undone_at__isnull=True)
        .order_by()
        .values_list("lead")
        .annotate(Count("pk"))
    )
    sold = set(
        HandOff.objects.filter(lead__in=ids, state=HandOff.State.PENDING).values_list("lead", flat=True)
    )
    sold |= set(Opportunity.objects.filter(lead__in=ids).open().values_list("lead", flat=True))
    sides = [Side(lead, touches.get(lead.pk, 0), lead.pk in sold) for lead in (first, second)]
    rows = [Row(label, (getattr(first, name), getattr(second, name))) for label, name in _SHOWN]
    return Comparison((sides[0], sides[1]), [row for row in rows if any(row.values)])


def leads_to_merge(user: Any) -> QuerySet[Lead]:
    """Leads within the user's scope that stand for themselves."""
    rows = Lead.objects.visible_to(user).filter(merged_into__isnull=True)
    return rows.select_related("owner", "team", "account")


def found_for(*, user: Any, lead: Lead, text: str) -> list[Lead]:
    """Whom ``lead`` may be merged with, by address, number or the beginning of a name; without any text those
    of the same account. One statement."""
    rows = leads_to_merge(user).exclude(pk=lead.pk)
    if not text:
        same = Q(account=lead.account) if lead.account_id else Q(pk__in=[])
        return list(rows.filter(same).order_by("-created_at", "-pk")[:MOST_FOUND])
    wanted = Q(name__istartswith=text) | Q(company__istartswith=text) | Q(name__icontains=f" {text}")
    if "@" in text:
        wanted = Q(email=text.lower()) | Q(addresses__email=text.lower())
    elif text.isdigit() and len(text) < 19:
        wanted |= Q(pk=int(text))
    return list(rows.filter(wanted).distinct().order_by("-created_at", "-pk")[:MOST_FOUND])
