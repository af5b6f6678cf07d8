"""Fill in what a newcomer was not asked: from the domain's account, from earlier leads, from a source of one's own.

A source is a callable, named by the setting ``CAPTURE_ENRICHMENT``: it takes a domain and gives what it knows of the
company (``company``, ``industry``, ``employees``, ``city``). It bounds its own time, and raises
``EnrichmentUnavailable`` when it cannot say. What somebody typed is never replaced.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from apps.leads.models import Account, Lead
from apps.leads.rules.matching import company_domain
from apps.leads.services.arrivals import Incoming

logger = logging.getLogger(__name__)

FACTS = {"company": 160, "industry": 80, "employees": 0, "city": 80}
"""What may be filled in, and how long it may be."""
_EARLIER = 20

Source = Callable[[str], Mapping[str, Any]]


class EnrichmentUnavailable(Exception):
    """The source cannot be asked now: the lead is taken in without it."""


def filled(incoming: Incoming) -> Incoming:
    """``incoming`` with the facts of its company that it lacks. Two statements, none for free mail."""
    domain = company_domain(incoming.email)
    missing = [name for name in FACTS if getattr(incoming, name) in ("", None)]
    if not domain or not missing:
        return incoming
    found: dict[str, Any] = {}
    for known in (_of_account, _of_earlier_leads, _of_source):
        for name, value in known(domain).items():
            if name in missing and name not in found:
                found[name] = value
        if len(found) == len(missing):
            break
    return replace(incoming, **found)


def _of_account(domain: str) -> dict[str, Any]:
    account = Account.objects.filter(domain=domain).first()
    if account is None:
        return {}
    named = {"company": account.name if account.name != domain else ""}
    return _known({**named, **{name: getattr(account, name) for name in ("industry", "employees", "city")}})


def _of_earlier_leads(domain: str) -> dict[str, Any]:
    """What the latest of them says, fact by fact."""
    rows = (
        Lead.objects.filter(account__domain=domain).order_by("-created_at", "-pk").values(*FACTS)[:_EARLIER]
    )
    found: dict[str, Any] = {}
    for row in rows:
        found = _known(row) | found
    return found


def _of_source(domain: str) -> dict[str, Any]:
    if not settings.CAPTURE_ENRICHMENT:
        return {}
    look_up: Source = import_string(settings.CAPTURE_ENRICHMENT)
    try:
        return _known(look_up(domain))
    except EnrichmentUnavailable:
        logger.warning("The enrichment source cannot be asked: a lead is taken in without it.")
        return {}


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Those that say something and can be kept."""
    found: dict[str, Any] = {}
    for name, longest in FACTS.items():
        value = facts.get(name)
        if name == "employees":
            if isinstance(value, int) and 0 < value <= 10_000_000:
                found[name] = value
        elif isinstance(value, str) and value.strip():
            found[name] = value.strip()[:longest]
    return found
