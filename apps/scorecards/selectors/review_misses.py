"""What was promised or planned in a week and not done: promises that broke, touches that did not take place."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Q

from apps.core.periods import day_of
from apps.leads.models import Capacity, Disposition, EnrolmentAct, EventKind, Lead, Touch
from apps.reps.models import TimeOff
from apps.scorecards.models import WhyNot
from apps.scorecards.selectors.review_lists import Listed, Week, listed
from apps.slas.models import BreachReason, Clock, ClockKind, ClockState
from apps.slas.selectors.attainment import decided_in

_TOUCH_KINDS = (ClockKind.TOUCHES,)


def _why(clock_reason: str) -> str:
    return str(BreachReason(clock_reason).label) if clock_reason else ""


def promises(week: Week) -> Listed:
    """Leads not answered or dispositioned as promised: the team's clocks that ran out. Three statements."""
    clocks = Clock.objects.filter(team=week.team).exclude(kind__in=_TOUCH_KINDS)
    broken = (
        clocks.filter(state=ClockState.BREACHED, breached_at__gte=week.start, breached_at__lt=week.end)
        .order_by("-breached_at", "-pk")
        .values_list("pk", "lead", "rep", "kind", "breached_at", "breach_reason")
    )
    rows = [
        {
            "clock": pk,
            "lead": lead,
            "rep": rep,
            "at": at.isoformat() if at else "",
            "how": str(ClockKind(kind).label),
            "reason": _why(reason),
            "needs": not reason,
        }
        for pk, lead, rep, kind, at, reason in broken
    ]
    decided = decided_in(clocks, week.start, week.end).count()
    start = week.before.bounds(settings.COMPANY_TIME_ZONE)[0]
    before = clocks.filter(
        state=ClockState.BREACHED, breached_at__gte=start, breached_at__lt=week.start
    ).count()
    return listed(rows, before=before, decided=decided)


def touches(week: Week) -> Listed:
    """Touches that did not take place, and why. Six statements.

    Three things make one: a promise of touches that ran out (each touch that is missing), a step of a cadence that
    was passed over, and a touch or callback planned for the week that nobody had made when the list was read.
    """
    rows = [*_promised(week), *_passed_over(week), *_overdue(week)]
    made = (
        week.events(EventKind.TOUCHED)
        .filter(credits__capacity=Capacity.SOURCED, credits__rep__team=week.team)
        .aggregate(n=Count("pk", distinct=True))["n"]
    )
    found = listed(rows)
    return {**found, "made": made, "planned": made + found["count"]}


def _promised(week: Week) -> list[Listed]:
    broken = Clock.objects.filter(
        team=week.team,
        kind=ClockKind.TOUCHES,
        state=ClockState.BREACHED,
        breached_at__gte=week.start,
        breached_at__lt=week.end,
    ).order_by("-breached_at", "-pk")
    return [
        {
            "clock": one.pk,
            "lead": one.lead_id,
            "rep": one.rep_id,
            "at": one.due_at.isoformat(),
            "how": f"{one.done} of {one.wanted} promised touches",
            "times": max(one.wanted - one.done, 1),
            "reason": _why(one.breach_reason),
            "needs": not one.breach_reason,
        }
        for one in broken
    ]


def _passed_over(week: Week) -> list[Listed]:
    acts = EnrolmentAct.objects.filter(
        kind=EnrolmentAct.Kind.SKIPPED,
        at__gte=week.start,
        at__lt=week.end,
        enrolment__lead__team=week.team,
    ).order_by("-at", "-pk")
    return [
        _asked(
            week,
            f"step:{pk}",
            reason,
            {
                "lead": lead,
                "rep": owner,
                "at": at.isoformat(),
                "how": f"Step {step} passed over",
                "enrolment": enrolment,
            },
        )
        for pk, lead, owner, at, step, reason, enrolment in acts.values_list(
            "pk", "enrolment__lead", "enrolment__lead__owner", "at", "step", "reason", "enrolment"
        )
    ]


def _asked(week: Week, subject: str, known: str, row: Listed) -> Listed:
    reason = known or week.said(subject)
    return {**row, "subject": subject, "reason": reason, "needs": not reason}


def _overdue(week: Week) -> list[Listed]:
    def within(name: str) -> Q:
        return Q(**{f"{name}__gte": week.start, f"{name}__lt": week.end})

    waiting = list(
        Lead.objects.filter(within("callback_at") | within("next_touch_at"), team=week.team)
        .filter(merged_into__isnull=True, do_not_contact=False)
        .order_by("pk")
        .values_list("pk", "owner", "callback_at", "next_touch_at", "last_touch_at")
    )
    due = [
        (lead, owner, _planned_at(week, callback, touch), callback is not None)
        for lead, owner, callback, touch, last in waiting
        if last is None or last < _planned_at(week, callback, touch)
    ]
    away = _away({owner for _, owner, _, _ in due if owner}, week)
    bad = _bad_contacts([lead for lead, *_ in due])
    rows = []
    for lead, owner, at, is_callback in due:
        known = ""
        if owner and any(
            start <= day_of(at, settings.COMPANY_TIME_ZONE) < end for start, end in away.get(owner, ())
        ):
            known = str(WhyNot.AWAY.label)
        elif lead in bad:
            known = str(WhyNot.BAD_CONTACT.label)
        how = "Callback promised" if is_callback else "Touch planned"
        row = {"lead": lead, "rep": owner, "at": at.isoformat(), "how": how}
        rows.append(_asked(week, f"touch:{lead}:{at:%Y-%m-%dT%H:%M}", known, row))
    return sorted(rows, key=lambda row: (row["at"], row["lead"]))


def _planned_at(week: Week, callback: datetime | None, touch: datetime | None) -> datetime:
    """The earlier of the two that falls into the week."""
    return min(at for at in (callback, touch) if at is not None and week.start <= at < week.end)


def _away(reps: set[int], week: Week) -> dict[int, list[tuple[Any, Any]]]:
    found: dict[int, list[tuple[Any, Any]]] = {}
    absences = TimeOff.objects.filter(rep__in=reps, starts_on__lt=week.week.end, ends_on__gt=week.week.start)
    for rep, start, end in absences.values_list("rep", "starts_on", "ends_on"):
        found.setdefault(rep, []).append((start, end))
    return found


def _bad_contacts(leads: Sequence[int]) -> set[int]:
    """Those whose last touch found the number or the address wrong."""
    last: dict[int, str] = dict(
        Touch.objects.filter(lead__in=leads, undone_at__isnull=True)
        .order_by("occurred_at", "pk")
        .values_list("lead", "disposition")
    )
    return {lead for lead, disposition in last.items() if disposition == Disposition.BAD_CONTACT}
