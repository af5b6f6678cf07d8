"""Accounts: find one by its domain or name, and name who looks after it since the win."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core import locks
from apps.core.bulk import insert_rows, update_rows
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import Account, Opportunity, OpportunityStage
from apps.leads.rules.matching import company_key
from apps.reps.models import Rep, RepRole

_BATCH = 5_000


class UnableToAssign(DomainError):
    """The account is no customer yet, or the person named does not look after accounts."""

    code = "unable_to_assign"


@transaction.atomic
def account_named(*, name: str) -> Account:
    """The account of that name, whatever its case and legal form; made when there is none."""
    name = name.strip()
    if not name:
        raise InvalidInput("Name the company.", field="company")
    employer = Employer(company=name)
    locks.hold(employer.names)
    accounts = accounts_of([employer])
    found = accounts.make(employer)
    accounts.save()
    assert found is not None, "an employer with a name has an account"
    return found


@dataclass(frozen=True)
class Employer:
    """What is known of somebody's company when they arrive; ``domain`` is "" for free mail."""

    company: str = ""
    domain: str = ""
    industry: str = ""
    employees: int | None = None
    city: str = ""

    @property
    def key(self) -> str:
        return company_key(self.company)[:160]

    @property
    def names(self) -> list[str]:
        """What to hold (``core.locks``) so that two arrivals at once make one account."""
        named = (("domain", self.domain), ("company", self.key))
        return [f"{kind}:{value}" for kind, value in named if value]


@dataclass
class Accounts:
    """Accounts of a batch, found by e-mail domain, then by normalised name; new ones until ``save``."""

    by_domain: dict[str, Account] = field(default_factory=dict)
    by_key: dict[str, Account] = field(default_factory=dict)
    _made: list[Account] = field(default_factory=list)
    _changed: dict[int, Account] = field(default_factory=dict)

    def find(self, employer: Employer) -> Account | None:
        """The account of an employer, as it learns its domain; ``None`` where there is none yet."""
        found = self.by_domain.get(employer.domain) if employer.domain else None
        return found or (self.by_key.get(employer.key) if employer.key else None)

    def make(self, employer: Employer) -> Account | None:
        """The account, made where there is none; ``None`` where neither a company nor a domain is known."""
        found = self.find(employer)
        if found is not None:
            self._learn(found, employer)
            return found
        if not employer.company and not employer.domain:
            return None
        # Without a company's name its domain is what people know it by, until somebody names it.
        account = Account(
            name=employer.company or employer.domain,
            domain=employer.domain,
            industry=employer.industry,
            employees=employer.employees,
            city=employer.city,
        )
        account.set_keys()
        self._made.append(account)
        self._know(account)
        return account

    def _know(self, account: Account) -> None:
        if account.name_key:
            self.by_key.setdefault(account.name_key, account)
        if account.domain:
            self.by_domain[account.domain] = account

    def _learn(self, account: Account, employer: Employer) -> None:
        """An account that had no domain, or was called by it, takes what the newcomer brings."""
        before = (account.domain, account.name)
        if not account.domain and employer.domain not in self.by_domain:
            account.domain = employer.domain
        if account.name == account.domain and employer.company:
            account.name = employer.company
        if before != (account.domain, account.name):
            account.set_keys()
            self._know(account)
            if account.pk is not None:
                self._changed[account.pk] = account

    def save(self) -> None:
        """Write what was made and learnt: a statement for each."""
        insert_rows(self._made)
        update_rows(list(self._changed.values()), ("name", "domain", "name_key"))
        self._made, self._changed = [], {}


def accounts_of(employers: Iterable[Employer]) -> Accounts:
    """The accounts that are there already. Two statements (a batch), through indexes."""
    known = list(employers)
    found = Accounts()
    domains, keys = {one.domain for one in known} - {""}, {one.key for one in known} - {""}
    for part in _parts(domains):
        for account in Account.objects.filter(domain__in=part):
            found.by_domain[account.domain] = account
    same = {account.pk: account for account in found.by_domain.values()}
    for part in _parts(keys):
        for account in Account.objects.filter(name_key__in=part).order_by("pk"):
            # One row is one instance here, whichever way it was found.
            found.by_key.setdefault(account.name_key, same.get(account.pk, account))
    return found


def _parts(values: set[str]) -> Iterable[list[str]]:
    ordered = sorted(values)
    return (ordered[start : start + _BATCH] for start in range(0, len(ordered), _BATCH))


@transaction.atomic
def assign_owner(*, account: Account, rep: Rep, at: datetime, actor: Any = None) -> Account:
    """Pass an account to the AM or CSM who looks after it from ``at`` on (PRODUCT section 6).

    Assigning the same one again changes nothing. Raises ``InvalidInput`` when ``rep`` is neither AM nor
    CSM or has left, ``UnableToAssign`` before the first win.
    """
    if rep.role not in (RepRole.AM, RepRole.CSM):
        raise InvalidInput(f"{rep.name} is neither an AM nor a CSM.", field="owner")
    if rep.left_on is not None and rep.left_on <= at.date():
        raise InvalidInput(f"{rep.name} is no longer here.", field="owner")
    account = Account.objects.select_for_update().get(pk=account.pk)
    if account.owner_id == rep.pk:
        return account
    won = Opportunity.objects.filter(account=account, stage=OpportunityStage.WON).exists()
    if not won and account.owner_id is None:
        raise UnableToAssign(f"{account.name} has bought nothing yet: it passes on with the first win.")
    before = account.owner_id
    account.owner, account.owned_since = rep, at
    account.save(update_fields=["owner", "owned_since"])
    audit.record(
        verb="leads.account.assigned",
        subject=account,
        at=at,
        actor=actor,
        data={"from_rep": before, "to_rep": rep.pk},
    )
    return account
