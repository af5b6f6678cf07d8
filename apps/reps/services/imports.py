"""Take in people and targets that another system knows: set-based, for ``integrations``.

What a row of a file means is decided there; here reps and quotas are written and the act is recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import DomainError
from apps.core.periods import Period
from apps.reps.models import BusinessCalendar, Quota, Rep, RepRole, Team, Tier, TimeOff
from apps.reps.services.time_off import add_time_off, change_time_off


class TeamDiffers(DomainError):
    """A team of that name is there with another currency."""

    code = "team_differs"


@dataclass(frozen=True)
class ImportedRep:
    """A rep as another system knows one."""

    external_id: str
    name: str
    role: RepRole
    hired_on: date
    left_on: date | None = None


@dataclass(frozen=True)
class ImportedQuota:
    """A target over a period: ``count``, or ``minor`` units in the team's currency; one of the two."""

    period: Period
    measure: str
    rep: Rep | None = None
    count: int | None = None
    minor: int | None = None


@transaction.atomic
def team_for(*, name: str, currency: str, time_zone: str, at: datetime, actor: Any = None) -> Team:
    """The team of that name; made, with office hours in ``time_zone``, when it is not there.

    Raises ``TeamDiffers`` when it is there with another currency: amounts would be read wrongly.
    """
    team = Team.objects.filter(name=name).first()
    if team is not None:
        if team.currency != currency:
            raise TeamDiffers(
                f"The team {name} works in {team.currency}, the mapping says {currency}: correct one of them."
            )
        return team
    calendar, _ = BusinessCalendar.objects.get_or_create(
        name=f"{name} hours"[:80], defaults={"time_zone": time_zone}
    )
    team = Team.objects.create(name=name, currency=currency, calendar=calendar)
    audit.record(verb="reps.team.imported", subject=team, at=at, actor=actor)
    return team


@transaction.atomic
def take_in_reps(
    *, reps: Sequence[ImportedRep], team: Team, system: str, at: datetime, actor: Any = None
) -> list[Rep]:
    """Reps new to the portal, in ``team``. A new AE begins on the lowest tier (PRODUCT section 7)."""
    zone = team.calendar.time_zone
    made = Rep.objects.bulk_create(
        [
            Rep(
                name=one.name,
                team=team,
                role=one.role,
                hired_on=one.hired_on,
                left_on=one.left_on,
                tier=Tier.THREE if one.role == RepRole.AE else None,
                time_zone=zone,
                source_system=system,
                external_id=one.external_id,
            )
            for one in reps
        ]
    )
    for rep in made:
        audit.record(verb="reps.rep.imported", subject=rep, at=at, actor=actor, data={"system": system})
    return made


@transaction.atomic
def change_reps(*, changes: Sequence[tuple[Rep, ImportedRep]], at: datetime, actor: Any = None) -> None:
    """Bring name and days of employment up to what the other system says now; the role stays."""
    for rep, one in changes:
        rep.name, rep.hired_on, rep.left_on = one.name, one.hired_on, one.left_on
        rep.save(update_fields=["name", "hired_on", "left_on"])
        audit.record(verb="reps.rep.changed_by_import", subject=rep, at=at, actor=actor)


@transaction.atomic
def set_quotas(
    *, quotas: Sequence[ImportedQuota], team: Team, at: datetime, actor: Any = None
) -> list[Quota]:
    """Set each target, in place of the one of the same measure and period."""
    written = []
    for one in quotas:
        quota, _ = Quota.objects.update_or_create(
            team=None if one.rep else team,
            rep=one.rep,
            measure=one.measure,
            starts_on=one.period.start,
            ends_on=one.period.end,
            defaults={
                "target_count": one.count,
                "target_minor": one.minor,
                "currency": "" if one.minor is None else team.currency,
            },
        )
        written.append(quota)
        audit.record(
            verb="reps.quota.imported",
            subject=quota,
            at=at,
            actor=actor,
            data={"count": one.count, "minor": one.minor},
        )
    return written


@dataclass(frozen=True)
class ImportedTimeOff:
    """Days on which a rep is away; ``ends_on`` is the first day back."""

    rep: Rep
    starts_on: date
    ends_on: date
    kind: TimeOff.Kind


@transaction.atomic
def set_time_off(*, time_off: Sequence[ImportedTimeOff], at: datetime, actor: Any = None) -> list[TimeOff]:
    """Time off by rep and first day, in place of what began on that day. Raises ``TimeOffOverlaps``."""
    written = []
    for one in time_off:
        present = TimeOff.objects.select_related("rep").filter(rep=one.rep, starts_on=one.starts_on).first()
        if present is None:
            row = add_time_off(
                rep=one.rep, starts_on=one.starts_on, ends_on=one.ends_on, kind=one.kind, at=at, actor=actor
            )
        else:
            row = change_time_off(
                time_off=present,
                starts_on=one.starts_on,
                ends_on=one.ends_on,
                kind=one.kind,
                at=at,
                actor=actor,
            )
        written.append(row)
    return written
