"""One event of the record, for whoever may see it."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from apps.leads.models import FunnelEvent, HandOff, Lead, Opportunity


def event_for(user: Any) -> QuerySet[FunnelEvent]:
    """Events within the user's scope, with what the explanation reads joined in.

    Whoever may see the lead of an event may see the event: it stands in the lead's timeline. So does that
    of a lead merged into it.
    """
    # Correlated, so that one event costs one look-up however many there are.
    leads = Lead.objects.visible_to(user)
    return (
        FunnelEvent.objects.filter(
            Exists(leads.filter(pk=OuterRef("lead_id")))
            | Exists(leads.filter(pk=OuterRef("lead__merged_into_id")))
            | Exists(FunnelEvent.objects.visible_to(user).filter(pk=OuterRef("pk")))
        )
        .select_related("lead", "hand_off", "opportunity", "actor", "reverses", "reversed_by")
        .prefetch_related("credits__rep__team", "credits__rule")
    )


def reachable(event: FunnelEvent, user: Any) -> set[str]:
    """Which of the event's lead, hand-off and opportunity the user may open."""
    found = set()
    for name, related in (("lead", Lead), ("hand_off", HandOff), ("opportunity", Opportunity)):
        pk = getattr(event, f"{name}_id")
        if pk is not None and related.objects.visible_to(user).filter(pk=pk).exists():
            found.add(name)
    return found
