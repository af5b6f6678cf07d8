"""How a lead can be reached, what they closed and why, and who may be the same person."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from apps.leads.models import Channel, Lead, PossibleDuplicate, Suppression
from apps.leads.selectors.changes import matching
from apps.leads.selectors.queue import CHANNEL_ICONS

MOST_TWINS = 3


@dataclass(frozen=True)
class Way:
    """One channel: open, or closed with why. ``via`` is the address or number, ``href`` what opens it."""

    channel: str
    word: str
    icon: str
    via: str
    href: str
    is_closed: bool
    why: str


@dataclass(frozen=True)
class Twin:
    """A lead that may be the same person; ``pair`` is settled on the page of duplicates."""

    pair: PossibleDuplicate
    other: Lead


def ways_of(lead: Lead) -> list[Way]:
    """Every channel in its order. One statement for why what is closed is closed."""
    shut = set(Channel.values) if lead.do_not_contact else set(lead.closed_channels or [])
    why = _closed_because(lead) if shut else {}
    links = {Channel.CALL: ("tel:", lead.phone.replace(" ", "")), Channel.EMAIL: ("mailto:", lead.email)}
    shown = {Channel.CALL: lead.phone, Channel.EMAIL: lead.email}
    ways = []
    for channel in Channel:
        scheme, address = links.get(channel, ("", ""))
        closed = channel.value in shut
        ways.append(
            Way(
                channel.value,
                channel.label,
                CHANNEL_ICONS[channel],
                "" if lead.do_not_contact else shown.get(channel, ""),
                f"{scheme}{address}" if address and not closed else "",
                closed,
                (why.get(channel.value) or why.get("") or "they closed it") if closed else "",
            )
        )
    return ways


def _closed_because(lead: Lead) -> dict[str, str]:
    """By channel ("" for all of them): the reason in words, with who noted it."""
    of_lead = matching([lead])
    if of_lead is None:
        return {}
    found = Suppression.objects.in_force().filter(of_lead).select_related("added_by")
    words: dict[str, str] = {}
    for one in found.order_by("-added_at", "-pk")[:20]:
        by = f", noted by {one.added_by.name}" if one.added_by else ""
        whole = "the whole company: " if one.kind == Suppression.Kind.DOMAIN else ""
        words.setdefault(one.channel, f"{whole}{one.get_reason_display().lower()}{by}")
    return words


def twins_of(lead: Lead, user: Any) -> list[Twin]:
    """Pairs still to be settled of whom the user sees both. One statement."""
    pairs = (
        PossibleDuplicate.objects.visible_to(user)
        .open()
        .filter(Q(first=lead) | Q(second=lead))
        .select_related("first", "second")[:MOST_TWINS]
    )
    return [Twin(pair, pair.second if pair.first_id == lead.pk else pair.first) for pair in pairs]
