"""Leads that come in: by themselves, unevenly over days and hours, and from lists that outbound works."""

from dataclasses import dataclass
from datetime import date, datetime

from apps.leads.models import Source
from apps.leads.services.intake import Arrival, Incoming
from apps.portal.demo import life
from apps.portal.demo.chance import Chance
from apps.portal.demo.companies import Company, Person, World
from apps.portal.demo.founding import Desk, Worker
from apps.portal.demo.life import Span
from apps.portal.demo.people import WHOLE_OUTBOUND

# A whole office, an average weekday.
INBOUND_A_DAY = 6.4
LISTED_A_WEEK = 2.4
"""Leads on the list of one outbound SDR."""

_SOURCES = {
    "Demo request": 14,
    "Pricing page": 9,
    "Contact form": 10,
    "Web registration": 19,
    "Webinar": 14,
    "Website chat": 8,
    "Partner referral": 5,
    "Trade fair": 9,
    "Newsletter": 16,
}
_CAMPAIGNS = {
    "Webinar": ("Quotes in a day", "What the audit asks", "Order desk of tomorrow"),
    "Trade fair": ("Logistik Forum", "Industrietage", "Retail Days"),
    "Newsletter": ("Spring letter", "Customer stories"),
    "Demo request": ("Search", "Search", ""),
    "Pricing page": ("Search", "Retargeting", ""),
}  # fmt: skip
_LISTS = ("Purchased list", "Trade fair list", "Outbound research")
_GROWTH = 0.25
"""How much more comes in at the end of the history than at its start."""


@dataclass(frozen=True)
class Newcomer:
    """An arrival with what the story knows beyond it. ``worker`` is given for listed leads."""

    arrival: Arrival
    company: Company
    person: Person
    worker: Worker | None = None


class Inflow:
    """What comes in at one desk."""

    def __init__(self, desk: Desk, world: World, span: Span, chance: Chance) -> None:
        self._desk, self._world, self._span, self._chance = desk, world, span, chance
        self._count = 0

    def on(self, day: date) -> list[Newcomer]:
        """Everybody who arrives on ``day``, by the clock."""
        found = [*self._inbound(day), *self._listed(day)]
        return sorted(found, key=lambda one: one.arrival.at)

    def _volume(self, day: date) -> float:
        gone = (day - self._span.start).days / max(1, self._span.days)
        return life.season(day) * self._desk.office.share * (1 - _GROWTH / 2 + _GROWTH * gone)

    def _inbound(self, day: date) -> list[Newcomer]:
        expected = INBOUND_A_DAY * life.weekday(day) * self._volume(day)
        return [
            self.inbound_at(life.form_time(self._chance, self._span, day))
            for _ in range(self._chance.times(expected))
        ]

    def inbound_at(self, at: datetime, source: str = "") -> Newcomer:
        """Somebody who gets in touch at ``at``."""
        return self._newcomer("Inbound SDRs", at, source or self._chance.pick(_SOURCES))

    def listed_at(self, at: datetime, worker: Worker) -> Newcomer:
        """Somebody on a list that ``worker`` gets at ``at``."""
        return self._newcomer("Outbound SDRs", at, self._chance.one_of(_LISTS), worker)

    def from_fair_at(self, at: datetime) -> Newcomer:
        """A card from a trade fair, put into the inbound pool: nobody waits for an answer."""
        return self._newcomer("Inbound SDRs", at, "Trade fair list", asked=False)

    def _listed(self, day: date) -> list[Newcomer]:
        """On Monday mornings (or the first open day after) each outbound SDR gets a part of a list."""
        hours = self._desk.hours["Outbound SDRs"]
        opened = life.working_day(hours, date.fromordinal(day.toordinal() - day.weekday() - 1), 1)
        if day != opened:
            return []
        at = self._span.instant(day, 8, self._chance.randrange(20, 40))
        found: list[Newcomer] = []
        # A smaller office has fewer outbound SDRs already, though never fewer than a few.
        per_head = self._desk.office.share * WHOLE_OUTBOUND / len(self._desk.outbound)
        for worker in self._desk.outbound:
            if not worker.is_here(day):
                continue
            expected = LISTED_A_WEEK * life.season(day) * worker.habits.load * worker.pace(day) * per_head
            for _ in range(self._chance.times(expected)):
                found.append(self.listed_at(at, worker))
        return found

    def _newcomer(
        self, team: str, at: datetime, source: str, worker: Worker | None = None, asked: bool = True
    ) -> Newcomer:
        company = self._world.company()
        person = self._world.person(company)
        self._count += 1
        campaigns = _CAMPAIGNS.get(source, ("",))
        # Not everybody fills in every field.
        tells_size = self._chance.happens(0.93)
        arrival = Arrival(
            incoming=Incoming(
                name=person.name,
                title=person.title if self._chance.happens(0.96) else "",
                email=person.email,
                phone=person.phone if self._chance.happens(0.8) or worker else "",
                company=company.name,
                industry=company.industry,
                employees=company.employees if tells_size else None,
                city=company.city,
                time_zone=company.zone,
                source=source,
                campaign=self._chance.one_of(campaigns),
                is_inbound=asked and worker is None,
            ),
            team=self._desk.teams[team],
            at=at,
            source=Source.DEMO,
            source_key=f"demo:{team[:3].lower()}{self._desk.office.suffix}:{self._count}",
            owner=worker.rep if worker else None,
        )
        return Newcomer(arrival, company, person, worker)
