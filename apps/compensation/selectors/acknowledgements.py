"""Who has to acknowledge which version of a plan, and who has.

A version asks for the names of those whom it pays from today on: the one in force today, and approved ones
that are still to come. One that a newer version has replaced asks for nobody's name any more.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.compensation.models import PlanAcknowledgement, PlanAssignment, PlanVersion
from apps.reps.models import Rep


@dataclass(frozen=True)
class Standing:
    """One rep and one version that pays the rep: since when, and the signature, if there is one."""

    rep: Rep
    version: PlanVersion
    counts_from: date
    signed: PlanAcknowledgement | None


def _assignments(today: date) -> QuerySet[PlanAssignment]:
    return PlanAssignment.objects.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=today))


def _counting(versions: list[PlanVersion], starts: date, ends: date | None) -> list[tuple[PlanVersion, date]]:
    """The versions of one plan, by effective day and number, that count on some day from ``starts`` on."""
    edges = sorted(
        {
            starts,
            *(day for one in versions for day in (one.effective_on, one.ends_on) if day and day > starts),
        }
    )
    found: dict[int, tuple[PlanVersion, date]] = {}
    for day in edges:
        if ends is not None and day >= ends:
            break
        version = next((one for one in reversed(versions) if one.covers(day)), None)
        if version is not None:
            found.setdefault(version.pk, (version, day))
    return list(found.values())


def standings(
    *,
    today: date,
    reps: QuerySet[Rep] | None = None,
    version_ids: Iterable[int] | None = None,
    plan_id: int | None = None,
) -> list[Standing]:
    """Everybody of ``reps`` with each version that needs a name, by name; in four queries."""
    assignments = _assignments(today)
    if reps is not None:
        assignments = assignments.filter(rep__in=reps.order_by().values("pk"))
    wanted = None if version_ids is None else set(version_ids)
    if wanted is not None:
        asked = PlanVersion.objects.filter(pk__in=wanted).order_by()
        assignments = assignments.filter(plan__in=asked.values("plan"))
    if plan_id is not None:
        assignments = assignments.filter(plan_id=plan_id)
    rows = list(
        assignments.select_related("rep__team", "rep__user").order_by("rep__name", "rep_id", "starts_on")
    )
    if not rows:
        return []
    versions: dict[int, list[PlanVersion]] = defaultdict(list)
    approved = PlanVersion.objects.filter(
        plan_id__in={row.plan_id for row in rows}, state=PlanVersion.State.APPROVED
    )
    for version in approved.select_related("plan").order_by("effective_on", "number"):
        versions[version.plan_id].append(version)
    signed = {
        (one.version_id, one.rep_id): one
        for one in PlanAcknowledgement.objects.filter(rep__in={row.rep_id for row in rows})
    }
    found = []
    for row in rows:
        for version, day in _counting(versions[row.plan_id], max(row.starts_on, today), row.ends_on):
            if wanted is not None and version.pk not in wanted:
                continue
            since = day if day > today else max(row.starts_on, version.effective_on)
            found.append(Standing(row.rep, version, since, signed.get((version.pk, row.rep_id))))
    return found


def seen_reps(user: Any) -> QuerySet[Rep]:
    """The reps whose names ``user`` may look for: a manager's teams; RevOps and finance everybody's."""
    return Rep.objects.filter(team__manager=user) if user.role == "manager" else Rep.objects.all()


def waiting(**asked: Any) -> list[Standing]:
    """Those of ``standings`` that were not signed yet."""
    return [one for one in standings(**asked) if one.signed is None]


def waiting_of(user: Any, today: date) -> list[Standing]:
    """What waits for the name of ``user``."""
    return waiting(today=today, reps=Rep.objects.filter(user=user))


def signature_of(version: PlanVersion, user: Any) -> PlanAcknowledgement | None:
    """The user's own signature under ``version``."""
    return version.acknowledgements.filter(rep__user=user).select_related("rep").first()


def unsigned_query(user: Any, *, today: Any, most: int) -> QuerySet[PlanVersion]:
    """The versions in force that wait for the user's name, to be counted; ``today`` may be a marker.

    One statement: those to come are asked for by their notifications.
    """
    on_it = PlanAssignment.objects.filter(rep__user=user, starts_on__lte=today).filter(
        Q(ends_on__isnull=True) | Q(ends_on__gt=today)
    )
    counting = PlanVersion.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gt=today),
        state=PlanVersion.State.APPROVED,
        effective_on__lte=today,
    )
    replaced = counting.filter(
        Q(effective_on__gt=OuterRef("effective_on"))
        | Q(effective_on=OuterRef("effective_on"), number__gt=OuterRef("number")),
        plan=OuterRef("plan"),
    )
    signed = PlanAcknowledgement.objects.filter(version=OuterRef("pk"), rep__user=user)
    return counting.filter(
        ~Exists(replaced.order_by()),
        ~Exists(signed.order_by()),
        plan__in=on_it.order_by().values("plan"),
    ).order_by()[:most]


def with_missing_names(reps: QuerySet[Rep], today: date) -> QuerySet[Rep]:
    """Those of ``reps`` who are on a plan, now or later, whose approved versions they have not all signed.

    A wider net than ``standings``: a version that was replaced is in it as well.
    """
    unsigned = (
        PlanVersion.objects.filter(
            Q(ends_on__isnull=True) | Q(ends_on__gt=today),
            plan=OuterRef("plan"),
            state=PlanVersion.State.APPROVED,
        )
        .exclude(acknowledgements__rep=OuterRef("rep"))
        .order_by()
    )
    on_it = _assignments(today).filter(Exists(unsigned), rep=OuterRef("pk")).order_by()
    return reps.filter(Exists(on_it))
