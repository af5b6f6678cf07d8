"""The fixed cast: the people whom every test talks about.

``Cast`` makes them once a test: an SDR and a teammate, an AE and a second one, a manager, finance,
RevOps, marketing, an AM, and an outsider of another team with a manager of their own.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from apps.accounts.models import Role, User
from apps.leads.models import Definition
from apps.reps.models import BusinessCalendar, Rep, RepRole, Team

NOW = datetime(2026, 11, 12, 9, 42, tzinfo=UTC)
"""A Thursday, within working hours in Berlin."""

PASSWORD = "correct-horse-battery"


@dataclass
class Cast:
    """Users by part, their reps and teams."""

    sdr: User
    teammate: User
    ae: User
    second_ae: User
    am: User
    manager: User
    finance: User
    revops: User
    marketing: User
    outsider: User
    outside_manager: User
    sdr_team: Team
    ae_team: Team
    other_team: Team

    def rep(self, user: User) -> Rep:
        return Rep.objects.select_related("team__calendar").get(user=user)

    def everyone(self) -> dict[str, User]:
        return {name: value for name, value in vars(self).items() if isinstance(value, User)}


def _user(part: str, role: Role) -> User:
    return User.objects.create_user(
        f"{part.replace('_', '.')}@larkfield.example",
        PASSWORD,
        name=part.replace("_", " ").title(),
        role=role,
    )


def assemble() -> Cast:
    """Everybody, in their teams, with a signed SQL definition (BANT, three of four)."""
    users = {
        "sdr": _user("sdr", Role.SDR),
        "teammate": _user("teammate", Role.SDR),
        "ae": _user("ae", Role.AE),
        "second_ae": _user("second_ae", Role.AE),
        "am": _user("am", Role.AM),
        "manager": _user("manager", Role.MANAGER),
        "finance": _user("finance", Role.FINANCE),
        "revops": _user("revops", Role.REVOPS),
        "marketing": _user("marketing", Role.MARKETING),
        "outsider": _user("outsider", Role.SDR),
        "outside_manager": _user("outside_manager", Role.MANAGER),
    }
    calendar = BusinessCalendar.objects.create(name="Berlin office", time_zone="Europe/Berlin")
    ae_team = Team.objects.create(name="Mid-market AEs", manager=users["manager"], calendar=calendar)
    sdr_team = Team.objects.create(name="Inbound SDRs", manager=users["manager"], calendar=calendar)
    sdr_team.hands_off_to.add(ae_team)
    other_team = Team.objects.create(name="Other team", manager=users["outside_manager"], calendar=calendar)
    parts = (
        ("sdr", sdr_team, RepRole.ISR, None),
        ("teammate", sdr_team, RepRole.ISR, None),
        ("ae", ae_team, RepRole.AE, 1),
        ("second_ae", ae_team, RepRole.AE, 2),
        ("am", ae_team, RepRole.AM, None),
        ("outsider", other_team, RepRole.ISR, None),
    )
    for part, team, role, tier in parts:
        Rep.objects.create(
            user=users[part],
            name=users[part].name,
            team=team,
            role=role,
            tier=tier,
            hired_on=date(2025, 1, 1),
        )
    Definition.objects.create(
        kind=Definition.Kind.SQL,
        version=1,
        name="BANT",
        effective_on=date(2025, 1, 1),
        marketing_signed_by=users["marketing"],
        marketing_signed_at=NOW,
        sales_signed_by=users["manager"],
        sales_signed_at=NOW,
    )
    return Cast(**users, sdr_team=sdr_team, ae_team=ae_team, other_team=other_team)
