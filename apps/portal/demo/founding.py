"""Found the company: calendars, teams, people, their time, quotas and agreements, before anything happens."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import make_password

from apps.accounts.models import Role, User
from apps.core.periods import Period, quarter_of
from apps.portal.demo import calendars, own_time, people
from apps.portal.demo.chance import Chance
from apps.portal.demo.life import Span
from apps.portal.demo.people import Habits, Member, Office
from apps.portal.demo.sign_ins import PASSWORD
from apps.reps.models import (
    Agency,
    BusinessCalendar,
    BusyTime,
    Quota,
    QuotaMeasure,
    Rep,
    RepRole,
    Team,
    TimeOff,
)
from apps.reps.rules.business_time import Hours
from apps.reps.selectors import hours_for, hours_of
from apps.slas.services import policies as sla_policies

CURRENCY = "EUR"

# What a rep is asked for in a month once ramped: a count, or minor units.
_MONTHLY = {
    RepRole.ISR: (QuotaMeasure.MEETINGS_ACCEPTED, 5),
    RepRole.OSR: (QuotaMeasure.MEETINGS_ACCEPTED, 3),
    RepRole.AE: (QuotaMeasure.AMOUNT_WON, 36_000_00),
    RepRole.AM: (QuotaMeasure.AMOUNT_WON, 15_000_00),
    RepRole.CSM: (QuotaMeasure.AMOUNT_WON, 10_000_00),
}
# What a whole team is asked for in a quarter.
_QUARTERLY = {
    "Inbound SDRs": {QuotaMeasure.CONVERTED_LEADS: 165, QuotaMeasure.AMOUNT_ACCEPTED: 3_500_000_00},
    "Outbound SDRs": {QuotaMeasure.CONVERTED_LEADS: 66, QuotaMeasure.AMOUNT_ACCEPTED: 1_300_000_00},
    "Mid-market AEs": {
        QuotaMeasure.CONVERTED_LEADS: 230,
        QuotaMeasure.AMOUNT_ACCEPTED: 4_800_000_00,
        QuotaMeasure.PIPELINE: 3_000_000_00,
        QuotaMeasure.AMOUNT_WON: 1_050_000_00,
    },
    "Account management": {QuotaMeasure.AMOUNT_WON: 280_000_00},
}
_COUNTS = (QuotaMeasure.MEETINGS_ACCEPTED, QuotaMeasure.CONVERTED_LEADS)
_BUSY_TITLES = (
    "Customer call",
    "Team meeting",
    "Demo preparation",
    "Forecast call",
    "Contract review",
    "Focus time",
)


@dataclass
class Worker:
    """A rep of the story: the row, who they are, and when they are away."""

    rep: Rep
    habits: Habits
    user: User
    hours: Hours
    away: tuple[tuple[date, date], ...]

    def is_here(self, day: date) -> bool:
        rep = self.rep
        if day < rep.hired_on or (rep.left_on is not None and day >= rep.left_on):
            return False
        return not any(first <= day < back for first, back in self.away)

    def pace(self, day: date) -> float:
        """How much of the usual is managed on ``day``: a newcomer grows from 0.45 to 1."""
        rep = self.rep
        if rep.ramp_ends_on is None or day >= rep.ramp_ends_on:
            return 1.0
        ramp = (rep.ramp_ends_on - rep.hired_on).days
        return 0.45 + 0.55 * max(0, (day - rep.hired_on).days) / ramp


@dataclass
class Desk:
    """One office at work: its teams and their workers."""

    office: Office
    inbound: list[Worker]
    outbound: list[Worker]
    closing: list[Worker]
    accounts: list[Worker]
    teams: dict[str, Team]
    hours: dict[str, Hours]

    @property
    def workers(self) -> list[Worker]:
        return self.inbound + self.outbound + self.closing + self.accounts


@dataclass
class Company:
    """Everybody, as rows."""

    desks: list[Desk]
    colleagues: dict[str, User]

    def of_role(self, role: Role) -> User:
        """The first colleague of ``role``: who acts where nobody else is named."""
        return next(user for user in self.colleagues.values() if user.role == role)

    @property
    def workers(self) -> list[Worker]:
        return [worker for desk in self.desks for worker in desk.workers]


def found(span: Span, offices: list[Office], seed: int) -> Company:
    """Write everything that is there on the first day, and what is planned ahead."""
    colleagues = {one.name: _user(one.name, one.email, one.role, span) for one in people.COLLEAGUES}
    agency = Agency.objects.create(name=people.AGENCY)
    hours = calendars.build(span)
    desks = [_desk(span, office, agency, hours, Chance(seed, f"office{office.suffix}")) for office in offices]
    company = Company(desks, colleagues)
    _put_quotas(company, span)
    sla_policies.put_defaults()
    return company


def _user(name: str, email: str, role: Role, span: Span) -> User:
    user = User.objects.create_user(email, None, name=name, role=role)
    fields: dict[str, object] = {"joined_at": span.instant(span.start, 8)}
    if name in people.SIGN_IN_NAMES:
        # The password is public and the same for all, so one hash of a fixed salt does; it is slow to make.
        fields["password"] = _password_hash()
    User.objects.filter(pk=user.pk).update(**fields)
    user.refresh_from_db()
    return user


_hashes: dict[str, str] = {}


def _password_hash() -> str:
    if PASSWORD not in _hashes:
        _hashes[PASSWORD] = make_password(PASSWORD, salt="larkfield-demo-company")
    return _hashes[PASSWORD]


def _desk(
    span: Span, office: Office, agency: Agency, hours: dict[str, BusinessCalendar], chance: Chance
) -> Desk:
    first, second, third = (
        _user(manager.name, manager.email, manager.role, span) for manager in office.managers
    )
    plan = (
        ("Mid-market AEs", first, calendars.OFFICE_NAME, office.closing),
        ("Inbound SDRs", first, calendars.DESK_NAME, office.inbound),
        ("Outbound SDRs", second, calendars.OFFICE_NAME, office.outbound),
        ("Account management", third, calendars.OFFICE_NAME, office.accounts),
    )
    teams: dict[str, Team] = {}
    workers: dict[str, list[Worker]] = {}
    for name, manager, calendar, members in plan:
        team = Team.objects.create(
            name=name + office.suffix, manager=manager, calendar=hours[calendar], currency=CURRENCY
        )
        teams[name] = team
        workers[name] = [_worker(span, member, team, agency, hours, chance) for member in members]
    for name in ("Inbound SDRs", "Outbound SDRs"):
        teams[name].hands_off_to.add(teams["Mid-market AEs"])
    _first_ranks(workers["Mid-market AEs"])
    _fill_calendars(workers["Mid-market AEs"], span, chance)
    return Desk(
        office=office,
        inbound=workers["Inbound SDRs"],
        outbound=workers["Outbound SDRs"],
        closing=workers["Mid-market AEs"],
        accounts=workers["Account management"],
        teams=teams,
        hours={name: hours_of(team.calendar) for name, team in teams.items()},
    )


def _worker(
    span: Span,
    member: Member,
    team: Team,
    agency: Agency,
    hours: dict[str, BusinessCalendar],
    chance: Chance,
) -> Worker:
    role = Role.SDR if member.role in RepRole.sdr() else Role(member.role)
    user = _user(member.name, member.email, role, span)
    left_on = member.left_on(span)
    rep = Rep.objects.create(
        user=user,
        name=member.name,
        team=team,
        role=member.role,
        agency=agency if member.agency else None,
        hired_on=member.hired_on(span),
        left_on=left_on,
        ramp_ends_on=member.ramp_ends_on(span),
        tier=member.tier,
        weekly_meeting_cap=4 if member.habits.skill > 1.1 else 3,
        time_zone="Europe/Lisbon" if member.agency else span.zone,
        calendar=hours.get(calendars.OWN_HOURS.get(member.name, "")),
    )
    if left_on is not None:
        User.objects.filter(pk=user.pk).update(is_active=False)
    away = people.time_off(member, span, chance)
    TimeOff.objects.bulk_create(
        [TimeOff(rep=rep, starts_on=first, ends_on=back, kind=kind) for first, back, kind in away]
    )
    days = tuple((first, back) for first, back, _ in away)
    return Worker(rep, member.habits, user, hours_for(rep), days)


def _first_ranks(aes: Iterable[Worker]) -> None:
    """Places to start from: by tier, then in the order of the list. The first ranking replaces them."""
    ordered = sorted(aes, key=lambda worker: worker.rep.tier or 3)
    for place, worker in enumerate(ordered, 1):
        worker.rep.rank = place
        worker.rep.save(update_fields=["rank"])


def _fill_calendars(aes: Iterable[Worker], span: Span, chance: Chance) -> None:
    """AEs have other things to do: three or four hours a day that routing cannot book."""
    zone = ZoneInfo(span.zone)
    rows: list[BusyTime] = []
    aes = list(aes)
    kept_in = own_time.calendars_of([worker.rep for worker in aes], span)
    for worker in aes:
        calendar = kept_in[worker.rep.pk]
        day, last = span.start, span.today + timedelta(days=21)
        while day < last:
            if worker.hours.windows_on(day) and worker.is_here(day):
                for first_hour, last_hour in ((9, 11), (11, 13), (13, 15), (15, 17)):
                    if not chance.happens(0.42):
                        continue
                    half_hours = chance.choice((2, 3, 4))
                    start = datetime.combine(day, time(chance.randrange(first_hour, last_hour)), zone)
                    end = start + timedelta(minutes=30 * half_hours)
                    title = chance.one_of(_BUSY_TITLES)
                    rows.append(
                        BusyTime(rep=worker.rep, calendar=calendar, starts_at=start, ends_at=end, title=title)
                    )
            day += timedelta(days=1)
    BusyTime.objects.bulk_create(rows, batch_size=1_000)


def _put_quotas(company: Company, span: Span) -> None:
    months = [*span.months, span.months[-1].following(), span.months[-1].following().following()]
    quarters: list[Period] = []
    for month in months:
        if quarter_of(month.start) not in quarters:
            quarters.append(quarter_of(month.start))
    rows: list[Quota] = []
    for desk in company.desks:
        for worker in desk.workers:
            measure, amount = _MONTHLY[RepRole(worker.rep.role)]
            rows += [
                _quota(measure, amount, month, rep=worker.rep)
                for month in months
                if worker.rep.hired_on < month.end
                and (worker.rep.left_on is None or worker.rep.left_on > month.start)
            ]
        for name, team in desk.teams.items():
            rows += [
                _quota(measure, round(amount * desk.office.share), quarter, team=team)
                for measure, amount in _QUARTERLY[name].items()
                for quarter in quarters
            ]
    Quota.objects.bulk_create(rows, batch_size=1_000)


def _quota(
    measure: QuotaMeasure, amount: int, period: Period, *, rep: Rep | None = None, team: Team | None = None
) -> Quota:
    counts = measure in _COUNTS
    return Quota(
        rep=rep,
        team=team,
        measure=measure,
        starts_on=period.start,
        ends_on=period.end,
        target_count=amount if counts else None,
        target_minor=None if counts else amount,
        currency="" if counts else CURRENCY,
    )
