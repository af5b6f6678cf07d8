"""Who arrives, and what becomes of them: the plain values that ``services.intake`` takes and gives back."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from apps.leads.models import Lead, Source
from apps.leads.rules.matching import Person, company_domain, company_key, name_key
from apps.leads.rules.suppression import normal_email, normal_phone
from apps.leads.services.accounts import Employer
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
    predictive: str = ""

    @property
    def employer(self) -> Employer:
        domain = company_domain(self.email)
        return Employer(self.company.strip(), domain[:120], self.industry, self.employees, self.city)

    @property
    def person(self) -> Person:
        return Person(self.name, (self.email,), self.phone, self.company)

    @property
    def names(self) -> list[str]:
        """Everything by which somebody is told apart, to be held while it is looked up."""
        email, phone, name = normal_email(self.email), normal_phone(self.phone), name_key(self.name)
        domain, company = company_domain(self.email), company_key(self.company)
        named = (
            ("email", email),
            ("phone", phone),
            ("domain", domain),
            ("company", company[:160]),
            ("person", f"{name}@{domain}" if name and domain else ""),
            ("person", f"{name}@{company}" if name and company else ""),
        )
        return [f"{kind}:{value}" for kind, value in named if value]


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


class Outcome(StrEnum):
    """What became of an arrival."""

    NEW = "new"
    ASKED_AGAIN = "asked_again"
    WITH_AN_AE = "with_an_ae"
    KNOWN = "known"
    OPTED_OUT = "opted_out"


@dataclass(frozen=True)
class Received:
    """The lead that an arrival is, what became of it, and the finished lead of the same person, if any."""

    lead: Lead
    outcome: Outcome
    is_new: bool = False
    earlier: Lead | None = None
