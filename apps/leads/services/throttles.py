"""Throttles: the limits that hold for a rep, changing one, and what is left of a day.

The rep's own row wins over the team's, that over the company's, for each kind and channel by itself.
"""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import day_of, day_start
from apps.leads.models import Channel, Enrolment, Throttle, Touch
from apps.leads.rules.throttles import Days, Limits
from apps.reps.models import Rep, Team

MOST = 10_000


class ThrottleMovedOn(DomainError):
    """Somebody else set the same limit at the same instant."""

    code = "throttle_moved_on"


@transaction.atomic
def set_throttle(
    *,
    kind: str,
    channel: str = "",
    team: Team | None = None,
    rep: Rep | None = None,
    most: int | None,
    at: datetime,
    actor: Any,
) -> Throttle | None:
    """Set a limit of the company, a team or a rep; ``None`` takes it away. Raises ``InvalidInput``."""
    if kind not in Throttle.Kind.values:
        raise InvalidInput("Choose what is limited.", field="kind")
    if channel and (kind != Throttle.Kind.STEPS or channel not in Channel.values):
        raise InvalidInput("Only cadence steps are limited by channel.", field="channel")
    if team is not None and rep is not None:
        raise InvalidInput("A limit is a team's or a rep's, not both.", field="rep")
    if most is not None and not 0 <= most <= MOST:
        raise InvalidInput(f"A limit is a whole number from 0 to {MOST:,}.", field="most")
    key = {"kind": kind, "channel": channel, "team": team, "rep": rep}
    found = Throttle.objects.select_for_update(of=("self",)).filter(**_lookup(key)).first()
    before = found.most if found else None
    if before == most:
        return found
    if most is None:
        found.delete()  # type: ignore[union-attr]
        kept = None
    else:
        kept = found or Throttle(**key)
        kept.most = most
        try:
            with transaction.atomic():
                kept.save()
        except IntegrityError:
            raise ThrottleMovedOn("Somebody else just set this limit: look at it first.") from None
    audit.record(
        verb="leads.throttle.set",
        subject=rep or team or kept or Throttle(pk=0),
        at=at,
        actor=actor,
        data={"kind": kind, "channel": channel, "before": before, "most": most},
    )
    return kept


def _lookup(key: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in key.items() if value is not None} | {
        f"{name}__isnull": True for name, value in key.items() if value is None
    }


def limits_of(rep: Rep) -> Limits:
    """The limits that hold for ``rep``."""
    return limits_of_reps([rep])[rep.pk]


def limits_of_reps(reps: Collection[Rep]) -> dict[int, Limits]:
    """By the rep's id; one statement, whatever their number."""
    rows = list(
        Throttle.objects.filter(
            Q(rep__in=[rep.pk for rep in reps])
            | Q(team__in={rep.team_id for rep in reps})
            | Q(rep__isnull=True, team__isnull=True)
        )
    )
    return {rep.pk: _limits(rep, rows) for rep in reps}


def _limits(rep: Rep, rows: list[Throttle]) -> Limits:
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for row in rows:
        if row.rep_id not in (None, rep.pk) or row.team_id not in (None, rep.team_id):
            continue
        weight = 2 if row.rep_id else 1 if row.team_id else 0
        found[row.kind, row.channel] = max(found.get((row.kind, row.channel), (-1, 0)), (weight, row.most))
    most = {key: most for key, (_, most) in found.items()}
    return Limits(
        steps=most.get((Throttle.Kind.STEPS, "")),
        by_channel={
            channel: value
            for (kind, channel), value in most.items()
            if kind == Throttle.Kind.STEPS and channel
        },
        enrolments=most.get((Throttle.Kind.ENROLMENTS, "")),
        new_leads=most.get((Throttle.Kind.NEW_LEADS, "")),
    )


# --- What is left of a day ----------------------------------------------------------------------------


def today_of(*, rep: Rep, at: datetime) -> tuple[datetime, datetime]:
    """The bounds in UTC of the rep's own calendar day at ``at``."""
    day = day_of(at, rep.time_zone)
    return day_start(day, rep.time_zone), day_start(day + timedelta(days=1), rep.time_zone)


def new_leads_left(*, rep: Rep, at: datetime) -> int | None:
    """How many untouched leads the rep may still take today; ``None`` without a limit."""
    most = limits_of(rep).new_leads
    if most is None:
        return None
    start, end = today_of(rep=rep, at=at)
    taken = Touch.objects.filter(
        rep=rep,
        occurred_at__gte=start,
        occurred_at__lt=end,
        undone_at__isnull=True,
        lead__first_touch_at=F("occurred_at"),
    )
    return max(0, most - taken.count())


def enrolments_left(*, rep: Rep, at: datetime) -> int | None:
    """How many leads of the rep may still be enrolled today; ``None`` without a limit.

    Exact under races only while the caller holds the rep's row (``lock_reps``).
    """
    most = limits_of(rep).enrolments
    if most is None:
        return None
    start, end = today_of(rep=rep, at=at)
    enrolled = Enrolment.objects.filter(lead__owner=rep, enrolled_at__gte=start, enrolled_at__lt=end)
    return max(0, most - enrolled.count())


def lock_reps(reps: Collection[int]) -> None:
    """Hold the reps' rows until the transaction ends, so that of two at once the second counts the first's.

    Not a full lock: rows that point to the rep may still be written meanwhile.
    """
    list(Rep.objects.select_for_update(no_key=True).filter(pk__in=sorted(reps)).order_by("pk").values("pk"))


def days_of(*, rep: Rep, limits: Limits, at: datetime, without: Collection[int] = ()) -> Days:
    """What is planned for the rep from today on and was done today, as ``rules.throttles`` counts it.

    ``without`` leads (by id) whose steps are about to be planned anew.
    """
    start, _ = today_of(rep=rep, at=at)
    days = Days(limits)
    planned = Enrolment.objects.filter(lead__owner=rep, state=Enrolment.State.ACTIVE, due_at__isnull=False)
    for lead_id, due_at, channel in planned.values_list("lead_id", "due_at", "lead__next_channel"):
        if due_at is None or lead_id in without:
            continue
        # What is overdue is done today at the earliest.
        days.take(_day(max(due_at, start), rep), channel)
    done = Touch.objects.filter(
        rep=rep, occurred_at__gte=start, undone_at__isnull=True, step_number__isnull=False
    )
    for occurred_at, channel in done.values_list("occurred_at", "channel"):
        days.take(_day(occurred_at, rep), channel)
    return days


def _day(instant: datetime, rep: Rep) -> date:
    return day_of(instant, rep.time_zone)
