"""Search, as the command palette uses it. Each kind of thing has a provider, which keeps to one's scope."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Role
from apps.leads.models import Account, Lead, Opportunity
from apps.portal.navigation import places_for
from apps.reps.models import Rep

# A palette is read at a glance: whoever needs more narrows the words.
MOST_PER_GROUP = 6


@dataclass(frozen=True)
class Hit:
    """Something found. ``group`` heads it in the palette; ``keys`` lead there without it."""

    group: str
    label: str
    url: str
    icon: str = "right"
    detail: str = ""
    keys: tuple[str, ...] = ()


Provider = Callable[[Any, str], Iterable[Hit]]


def _places(user: Any, text: str) -> Iterable[Hit]:
    wanted = text.casefold()
    for place in places_for(user):
        if wanted in place.label.casefold():
            yield Hit("Go to", place.label, place.url, place.icon, keys=("g", place.key))


def _leads(user: Any, text: str) -> Iterable[Hit]:
    wanted = Q(name__icontains=text) | Q(company__icontains=text) | Q(email__istartswith=text)
    for lead in Lead.objects.visible_to(user).filter(wanted).order_by("-created_at", "-pk")[:MOST_PER_GROUP]:
        yield Hit("Leads", lead.label, reverse("leads:lead", args=[lead.pk]), "user", lead.company)


def _opportunities(user: Any, text: str) -> Iterable[Hit]:
    found = Opportunity.objects.visible_to(user).filter(name__icontains=text)
    for one in found.order_by("-opened_at", "-pk")[:MOST_PER_GROUP]:
        address = reverse("leads:opportunity", args=[one.pk])
        yield Hit("Opportunities", one.name, address, "flag", one.get_stage_display())


def _accounts(user: Any, text: str) -> Iterable[Hit]:
    for account in Account.objects.visible_to(user).filter(name__icontains=text)[:MOST_PER_GROUP]:
        yield Hit("Accounts", account.name, reverse("leads:account", args=[account.pk]), "building")


def _reps(user: Any, text: str) -> Iterable[Hit]:
    if user.role not in (Role.MANAGER, Role.REVOPS):
        return
    month = f"{timezone.now():%Y-%m}"
    found = Rep.objects.visible_to(user).filter(name__icontains=text).select_related("team")
    for rep in found[:MOST_PER_GROUP]:
        address = reverse("scorecards:scorecard_of", args=[rep.pk, month])
        yield Hit("People", rep.name, address, "people", rep.team.name)


# In the order of their groups. A provider takes (user, text) and looks only at what the user may see.
PROVIDERS: list[Provider] = [_places, _leads, _opportunities, _accounts, _reps]


def search(user: Any, text: str) -> list[tuple[str, list[Hit]]]:
    """Groups of hits for ``text``; without text, the user's places.

    Providers other than places are asked from the second letter on.
    """
    text = text.strip()
    hits: list[Hit] = []
    for provider in PROVIDERS:
        if provider is not _places and len(text) < 2:
            continue
        for number, hit in enumerate(provider(user, text)):
            if number >= MOST_PER_GROUP and text:
                break
            hits.append(hit)
    return [(group, list(found)) for group, found in groupby(hits, key=lambda hit: hit.group)]
