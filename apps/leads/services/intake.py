"""Take a lead in: deduplicate, score, record, and let promises start."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Lower
from django.db.models.lookups import In

from apps.core.bulk import insert_rows
from apps.core.errors import InvalidInput
from apps.core.periods import day_of
from apps.leads.models import Account, EventKind, FunnelEvent, Lead, LeadStage, Source
from apps.leads.services import queue, scoring
from apps.leads.services.record import NewEvent, record_events, sourced
from apps.leads.signals import leads_arrived
from apps.reps.models import Rep, Team


@dataclass(frozen=True)
class Incoming:
    """What is known of somebody when they arrive; only the company or the e-mail is needed."""

    name: str = ""
    title: str = ""
    email: str = ""
    phone: str = ""
    company: str = ""
    industry: str = ""
    employees: int | None = None
    city: str = ""
    time_zone: str = ""
    source: str = ""
    campaign: str = ""
    is_inbound: bool = True


@dataclass(frozen=True)
class Arrival:
    """Somebody who arrives at ``at``, for ``team``; ``source_key`` names the fact at its source."""

    incoming: Incoming
    team: Team
    at: datetime
    source: Source
    source_key: str
    owner: Rep | None = None
    actor: Any = None

    @property
    def email(self) -> str:
        return self.incoming.email.strip().lower()


def take_in(
    *,
    incoming: Incoming,
    team: Team,
    at: datetime,
    source: Source,
    source_key: str,
    owner: Rep | None = None,
    actor: Any = None,
) -> tuple[Lead, bool]:
    """The lead and whether it is new. The same ``source_key`` is the same lead, and so is the same e-mail
    address while it is still worked.

    Raises ``InvalidInput`` without a company and without an e-mail address.
    """
    return take_in_many(arrivals=[Arrival(incoming, team, at, source, source_key, owner, actor)])[0]


@transaction.atomic
def take_in_many(*, arrivals: Sequence[Arrival]) -> list[tuple[Lead, bool]]:
    """Take many in, in their order; for each the lead and whether it is new. All of them or none.

    Set-based: a handful of statements for up to some thousands. Raises what ``take_in`` raises.
    """
    if any(not one.incoming.company and not one.email for one in arrivals):
        raise InvalidInput("A lead needs a company or an e-mail address.", field="company")
    known = _worked_already(arrivals)
    taken_before = _taken_before(arrivals)
    accounts = accounts_for(
        [one for one in arrivals if one.email not in known and one.source_key not in taken_before]
    )
    judges = scoring.tables_in_force(day_of(one.at, settings.COMPANY_TIME_ZONE) for one in arrivals)
    taken: list[tuple[Lead, bool]] = []
    fresh: list[tuple[Arrival, Lead]] = []
    for one in arrivals:
        if (same := taken_before.get(one.source_key) or known.get(one.email)) is not None:
            taken.append((same, False))
            continue
        in_force = judges[day_of(one.at, settings.COMPANY_TIME_ZONE)]
        lead = _new_lead(one, accounts.find(one), in_force)
        taken_before[one.source_key] = lead
        if one.email:
            known[one.email] = lead
        fresh.append((one, lead))
        taken.append((lead, True))
    if not fresh:
        return taken
    insert_rows([lead for _, lead in fresh])
    record_events(
        events=[
            NewEvent(
                kind=kind,
                occurred_at=one.at,
                recorded_at=one.at,
                source=one.source,
                source_key=f"{one.source_key}:{kind}",
                lead=lead,
                credits=sourced(one.owner),
                actor=one.actor,
                data={
                    "source": lead.source,
                    "campaign": lead.campaign,
                    "score": lead.score,
                    **(scoring.mql_data(lead) if kind == EventKind.MQL else {}),
                },
            )
            for one, lead in fresh
            for kind in ([EventKind.COLLECTED, EventKind.MQL] if lead.mql_at else [EventKind.COLLECTED])
        ],
        at=max(one.at for one, _ in fresh),
    )
    leads_arrived.send(sender=Lead, leads=[lead for _, lead in fresh], at=max(one.at for one, _ in fresh))
    return taken


def _taken_before(arrivals: Sequence[Arrival]) -> dict[str, Lead]:
    """By source key: the lead that the same message, row or click brought before."""
    ending = f":{EventKind.COLLECTED}"
    keys = {f"{one.source_key}{ending}" for one in arrivals}
    events = FunnelEvent.objects.filter(source_key__in=keys, lead__isnull=False).select_related("lead")
    return {event.source_key.removesuffix(ending): event.lead for event in events if event.lead}


def _worked_already(arrivals: Sequence[Arrival]) -> dict[str, Lead]:
    """By e-mail address: the newest lead of it, where it is still worked or must not be contacted."""
    emails = {one.email for one in arrivals if one.email}
    newest: dict[str, Lead] = {}
    for lead in Lead.objects.filter(email__in=emails).order_by("-created_at") if emails else ():
        newest.setdefault(lead.email, lead)
    return {
        email: lead
        for email, lead in newest.items()
        if lead.stage in LeadStage.workable() or lead.do_not_contact
    }


def _new_lead(one: Arrival, account: Account | None, in_force: scoring.InForce) -> Lead:
    """Scored and in its place in the queue, not saved yet."""
    incoming = one.incoming
    lead = Lead(
        name=incoming.name,
        title=incoming.title,
        email=one.email,
        phone=incoming.phone,
        company=incoming.company,
        account=account,
        industry=incoming.industry,
        employees=incoming.employees,
        city=incoming.city,
        time_zone=incoming.time_zone,
        source=incoming.source,
        campaign=incoming.campaign,
        is_inbound=incoming.is_inbound,
        team=one.team,
        owner=one.owner,
        created_at=one.at,
    )
    scoring.apply_score(lead, in_force, one.at)
    queue.settle(lead)
    return lead


_FREE_MAIL = frozenset({"gmail.com", "outlook.com", "hotmail.com", "yahoo.com", "icloud.com", "gmx.de"})


@dataclass
class _Accounts:
    """Companies by e-mail domain and by lowered name."""

    by_domain: dict[str, Account]
    by_name: dict[str, Account]

    def find(self, one: Arrival) -> Account | None:
        return self.by_domain.get(_domain(one)) or self.by_name.get(one.incoming.company.lower())


def _domain(one: Arrival) -> str:
    domain = one.email.rpartition("@")[2]
    return "" if domain in _FREE_MAIL else domain


def accounts_for(arrivals: Sequence[Arrival]) -> _Accounts:
    """The companies' accounts, by e-mail domain, then by name; made where they are not there."""
    domains = {_domain(one) for one in arrivals} - {""}
    found = _Accounts({account.domain: account for account in Account.objects.filter(domain__in=domains)}, {})
    names = {one.incoming.company.lower() for one in arrivals if _domain(one) not in found.by_domain} - {""}
    # Through the index on the lowered name: intake must not slow down as accounts grow.
    for account in Account.objects.filter(In(Lower("name"), sorted(names))).order_by("pk") if names else ():
        found.by_name.setdefault(account.name.lower(), account)
    made: list[Account] = []
    for one in arrivals:
        if not one.incoming.company or found.find(one) is not None:
            continue
        account = Account(
            name=one.incoming.company,
            domain=_domain(one),
            industry=one.incoming.industry,
            employees=one.incoming.employees,
            city=one.incoming.city,
        )
        made.append(account)
        found.by_name[account.name.lower()] = account
        if account.domain:
            found.by_domain[account.domain] = account
    insert_rows(made)
    return found
