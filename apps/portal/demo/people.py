"""Who works at the demo company: teams, reps with the habits that the story tells them by, and the others.

The named first office is always the same; larger sizes add offices whose people are drawn.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from apps.accounts.models import Role
from apps.portal.demo.chance import Chance
from apps.portal.demo.companies import COUNTRIES, ascii_of
from apps.portal.demo.life import Span
from apps.reps.models import RepRole, TimeOff


@dataclass(frozen=True)
class Habits:
    """How somebody works; 1.0 is usual. The story draws by these, the portal never sees them."""

    skill: float = 1.0
    """How readily talks turn into qualified leads, or deals into wins."""
    speed: float = 1.0
    """How long answers take: 2.0 is twice the usual time."""
    load: float = 1.0
    """The share of the work taken up."""
    care: float = 0.95
    """The share of next steps that are taken when they are due."""
    strictness: float = 1.0
    """How readily an AE rejects."""
    deal: float = 1.0
    """The size of deals."""
    cycle: float = 1.0
    """The length of deals."""


@dataclass(frozen=True)
class Member:
    """Somebody of a sales team. ``joined`` and ``leaves`` are shares of the history; 0 is its first day."""

    name: str
    role: RepRole
    habits: Habits = Habits()
    joined: float = -1.5
    leaves: float | None = None
    agency: bool = False
    tier: int | None = None

    @property
    def email(self) -> str:
        first, *rest = self.name.split()
        return f"{ascii_of(first)}.{ascii_of(' '.join(rest))}@larkfield.example"

    def hired_on(self, span: Span) -> date:
        return span.day(self.joined).replace(day=1)

    def left_on(self, span: Span) -> date | None:
        return None if self.leaves is None else span.day(self.leaves).replace(day=1)

    def ramp_ends_on(self, span: Span) -> date:
        """SDRs ramp for three months, others for four."""
        days = 92 if self.role in RepRole.sdr() else 122
        return (self.hired_on(span) + timedelta(days=days)).replace(day=1)


@dataclass(frozen=True)
class Colleague:
    """Somebody who is not credited: a manager, marketing, finance, RevOps."""

    name: str
    role: Role

    @property
    def email(self) -> str:
        first, *rest = self.name.split()
        return f"{ascii_of(first)}.{ascii_of(' '.join(rest))}@larkfield.example"


@dataclass(frozen=True)
class Office:
    """One office's people. ``inbound`` and ``closing`` have one manager, the other teams one each."""

    suffix: str
    managers: tuple[Colleague, Colleague, Colleague]
    inbound: tuple[Member, ...]
    outbound: tuple[Member, ...]
    closing: tuple[Member, ...]
    accounts: tuple[Member, ...]
    share: float = field(default=1.0)
    """Its volume beside that of a whole office."""

    @property
    def members(self) -> tuple[Member, ...]:
        return self.inbound + self.outbound + self.closing + self.accounts


AGENCY = "Tern Outreach"

SIGN_IN_NAMES = (
    "Maya Lindqvist",
    "Ivo Marek",
    "Jonas Berg",
    "Paula Nowak",
    "Didier Morel",
    "Ruth Adeyemi",
    "Eva Brandt",
    "Henrik Vass",
    "Sanne de Wit",
)
"""One for each role; each heads its list below, so that the smallest company has them all."""

COLLEAGUES = (
    Colleague("Eva Brandt", Role.MARKETING),
    Colleague("Milan Horvat", Role.MARKETING),
    Colleague("Henrik Vass", Role.FINANCE),
    Colleague("Odile Garnier", Role.FINANCE),
    Colleague("Sanne de Wit", Role.REVOPS),
    Colleague("Kofi Mensah", Role.REVOPS),
)

_ISR, _OSR, _AE, _AM, _CSM = RepRole.ISR, RepRole.OSR, RepRole.AE, RepRole.AM, RepRole.CSM

_INBOUND = (
    Member("Maya Lindqvist", _ISR, Habits(1.12, 0.8, 1.1, 0.97), joined=-1.1),
    Member("Leila Amrani", _ISR, Habits(1.5, 0.55, 1.35, 0.99), joined=-2.6),
    Member("Duarte Reis", _ISR, Habits(0.9, 1.4, 0.9, 0.9), joined=-2.0, leaves=0.66),
    Member("Freya Lund", _ISR, Habits(0.85, 2.1, 0.9, 0.86), joined=-0.6),
    Member("Anouk Meijer", _ISR, Habits(1.1, 0.9, 1.05, 0.96), joined=-1.9),
    Member("Tomas Rey", _ISR, Habits(1.0, 1.0, 1.0, 0.95), joined=-0.9),
    Member("Emil Strand", _ISR, Habits(0.7, 1.3, 0.7, 0.94), joined=0.8),
    Member("Nadia Brandl", _ISR, Habits(1.0, 1.1, 1.0, 0.93), joined=-3.0),
    Member("Bruno Castell", _ISR, Habits(0.95, 1.0, 0.95, 0.94), joined=-1.3),
    Member("Piet Vos", _ISR, Habits(0.8, 1.5, 0.85, 0.84), joined=-4.2),
    Member("Elsa Holmgren", _ISR, Habits(1.05, 0.85, 1.0, 0.97), joined=-0.4),
    Member("Rita Salgado", _ISR, Habits(0.98, 1.2, 0.95, 0.95), joined=0.35),
)
_OUTBOUND = (
    Member("Ivo Marek", _OSR, Habits(1.1, 0.9, 1.1, 0.97), joined=-1.6),
    Member("Nkechi Obi", _OSR, Habits(1.4, 0.8, 1.15, 0.98), joined=-0.8),
    Member("Axel Lindh", _OSR, Habits(0.9, 1.0, 0.9, 0.92), joined=0.72),
    Member("Joana Teles", _OSR, Habits(1.0, 1.0, 1.0, 0.95), joined=-0.5, agency=True),
    Member("Marek Dudek", _OSR, Habits(0.75, 1.4, 1.1, 0.85), joined=-0.5, agency=True),
    Member("Signe Aalto", _OSR, Habits(1.05, 1.0, 1.0, 0.96), joined=-2.2),
    Member("Vera Matos", _OSR, Habits(0.7, 1.5, 0.9, 0.82), joined=-0.3, agency=True),
    Member("Callum Reid", _OSR, Habits(0.95, 1.1, 1.0, 0.93), joined=-1.0),
    Member("Amira Haddad", _OSR, Habits(1.0, 1.2, 1.0, 0.9), joined=0.1, agency=True),
    Member("Ruben Prins", _OSR, Habits(0.85, 1.2, 0.95, 0.9), joined=-1.4),
)
_CLOSING = (
    Member("Jonas Berg", _AE, Habits(1.08, 0.9, deal=1.05, cycle=0.92), joined=-2.1, tier=2),
    Member(
        "Kim Sørensen", _AE, Habits(1.35, 0.7, strictness=0.9, deal=1.35, cycle=0.82), joined=-3.4, tier=1
    ),
    Member("Clara Weiss", _AE, Habits(1.05, 1.0, strictness=1.1, deal=1.1), joined=-2.8, tier=1),
    Member("Farid Nazari", _AE, Habits(0.95, 3.4, strictness=1.2, cycle=1.25), joined=-1.7, tier=2),
    Member("Lotte Janssen", _AE, Habits(1.2, 0.8, deal=1.15, cycle=0.9), joined=-0.7, tier=3),
    Member("Stefan Orlow", _AE, Habits(0.8, 1.2, strictness=0.0, deal=0.95), joined=-1.2, tier=1),
    Member("Inês Carvalho", _AE, Habits(1.0, 1.0, strictness=1.0), joined=-1.5, tier=2),
    Member("Gareth Pugh", _AE, Habits(0.78, 2.8, strictness=2.6, deal=0.9, cycle=1.2), joined=-3.0, tier=2),
    Member("Yara Lemaire", _AE, Habits(1.0, 0.9, deal=0.95), joined=-0.9, tier=3),
    Member("Noor Aziz", _AE, Habits(0.9, 1.0), joined=0.62, tier=3),
)
_ACCOUNTS = (
    Member("Paula Nowak", _AM, Habits(1.1), joined=-2.0),
    Member("Didier Morel", _CSM, Habits(1.0), joined=-1.2),
    Member("Astrid Bakke", _AM, Habits(1.0), joined=-1.4),
    Member("Luca Ferri", _CSM, Habits(0.95), joined=-0.6),
    Member("Theo Winkler", _AM, Habits(0.9), joined=-0.8),
    Member("Hanne Dijk", _CSM, Habits(1.05), joined=-1.8),
    Member("Sofia Prado", _AM, Habits(0.95), joined=0.2),
    Member("Jakub Zych", _CSM, Habits(0.9), joined=-0.4),
)

WHOLE_OUTBOUND = len(_OUTBOUND)
"""Outbound SDRs of a whole office."""

_FIRST = Office(
    suffix="",
    managers=(
        Colleague("Ruth Adeyemi", Role.MANAGER),
        Colleague("Tobias Falk", Role.MANAGER),
        Colleague("Camille Roux", Role.MANAGER),
    ),
    inbound=_INBOUND,
    outbound=_OUTBOUND,
    closing=_CLOSING,
    accounts=_ACCOUNTS,
)


def offices(size: float, chance: Chance) -> list[Office]:
    """The offices of a company ``size`` times the usual one; the volume of work follows the size.

    Below 1 the first office is smaller; above it there are more of them.
    """
    count = max(1, round(size))
    share = size / count
    first = replace(
        _FIRST,
        inbound=_some(_INBOUND, share),
        outbound=_some(_OUTBOUND, share),
        closing=_some(_CLOSING, share),
        accounts=_some(_ACCOUNTS, share),
        share=share,
    )
    taken = {member.email for member in _FIRST.members}
    taken |= {colleague.email for colleague in (*COLLEAGUES, *_FIRST.managers)}
    return [first, *(_another(number, share, chance, taken) for number in range(2, count + 1))]


def _some(members: tuple[Member, ...], share: float) -> tuple[Member, ...]:
    return members[: max(3, round(len(members) * share))]


def _another(number: int, share: float, chance: Chance, taken: set[str]) -> Office:
    """An office like the first, with other people whose habits differ a little."""

    def name() -> str:
        while True:
            country = COUNTRIES[chance.one_of(sorted(COUNTRIES))]
            drawn = f"{chance.one_of(country.first)} {chance.one_of(country.last)}"
            address = Colleague(drawn, Role.MANAGER).email
            if address not in taken:
                taken.add(address)
                return drawn
            # Names run out in a very large company: a middle initial tells people apart.
            drawn = drawn.replace(" ", f" {chance.one_of('ABCDEFGHJKLMNPRSTVW')}. ", 1)
            address = Colleague(drawn, Role.MANAGER).email
            if address not in taken:
                taken.add(address)
                return drawn

    def vary(member: Member) -> Member:
        habits = replace(
            member.habits,
            skill=member.habits.skill * chance.uniform(0.9, 1.1),
            speed=member.habits.speed * chance.uniform(0.85, 1.15),
        )
        return replace(member, name=name(), habits=habits)

    suffix = f" {number}"
    managers = [Colleague(name(), Role.MANAGER) for _ in range(3)]
    return Office(
        suffix=suffix,
        managers=(managers[0], managers[1], managers[2]),
        inbound=tuple(map(vary, _some(_INBOUND, share))),
        outbound=tuple(map(vary, _some(_OUTBOUND, share))),
        closing=tuple(map(vary, _some(_CLOSING, share))),
        accounts=tuple(map(vary, _some(_ACCOUNTS, share))),
        share=share,
    )


def time_off(member: Member, span: Span, chance: Chance) -> list[tuple[date, date, TimeOff.Kind]]:
    """(first day away, first day back, why), over the history and some weeks ahead; none overlap."""
    found: list[tuple[date, date, TimeOff.Kind]] = []

    def take(first: date, days: int, kind: TimeOff.Kind) -> None:
        back = first + timedelta(days=days)
        if all(back <= other or first >= other_back for other, other_back, _ in found):
            found.append((first, back, kind))

    for year in sorted({span.start.year, span.today.year}):
        # Two or three weeks in summer, one in winter, a long weekend in spring.
        summer = date(year, 7, 1) + timedelta(days=7 * chance.randrange(9))
        take(summer - timedelta(days=summer.weekday()), chance.choice((7, 12, 14)), TimeOff.Kind.HOLIDAY)
        winter = date(year, 12, 15) + timedelta(days=chance.randrange(8))
        take(winter, chance.choice((5, 8, 12)), TimeOff.Kind.HOLIDAY)
        spring = date(year, 4, 1) + timedelta(days=chance.randrange(60))
        take(spring, chance.choice((3, 4, 9)), TimeOff.Kind.HOLIDAY)
        autumn = date(year, 10, 1) + timedelta(days=chance.randrange(50))
        if chance.happens(0.6):
            take(autumn, chance.choice((2, 4, 5, 9)), TimeOff.Kind.HOLIDAY)
    for _ in range(chance.times(1.4)):
        take(span.day(chance.random()), chance.choice((1, 2, 2, 3, 5)), TimeOff.Kind.SICK)
    hired = member.hired_on(span)
    ahead = span.today + timedelta(days=45)
    # Whoever can be signed in as is at work today.
    at_work = member.name in SIGN_IN_NAMES
    return sorted(
        (first, back, kind)
        for first, back, kind in found
        if first > hired
        and first < ahead
        and back > span.start
        and not (at_work and first <= span.today < back)
    )
