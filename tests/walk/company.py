"""A small company for the walk in a browser: two months of history, work that waits, everybody signed in.

Made in a running installation by the services that the pages use. Its calendar never closes, so that promises
and times to meet are there at whatever hour the tests run.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.test import Client
from django.utils import timezone

from apps.compensation.services import plan_drafts, plans
from apps.core.periods import Period, day_of, month_of
from apps.leads.models import HandOff, Lead, OpportunityStage, Source
from apps.leads.services import hand_offs, intake, meetings, opportunities
from apps.reps.models import BusinessCalendar, Quota, QuotaMeasure, Rep
from apps.reps.rules.business_time import WEEKDAYS
from apps.scorecards.services.cards import freeze_month
from tests.cast import Cast, assemble
from tests.leads.scenes import handed_off
from tests.settling import settle_period

QUOTA_MINOR = 40_000_00


def found() -> str:
    """Found the company in an empty installation; what a test has to know of it, as JSON.

    ``months`` are the month before last (paid), the last one (history, no payout run yet) and the present one;
    ``people`` has a session and, for reps, the rep's number, by part of the cast; ``leads`` and ``hand_offs``
    the numbers of what waits, by company.
    """
    now = timezone.now()
    present = month_of(day_of(now, settings.COMPANY_TIME_ZONE))
    last = present.previous()
    cast = assemble()
    BusinessCalendar.objects.update(weekly={day: [["00:00", "24:00"]] for day in WEEKDAYS})
    _put_on_plans(cast, months=[last.previous(), last], at=_day(last.previous(), 1))
    _live_through(cast, before=last.previous(), last=last)
    waiting = _hand_over(cast, now)
    leads = [
        _arrive(cast, "Ridgeline Foods", "Retail", now - timedelta(minutes=9)),
        _arrive(cast, "Norden Medical", "Healthcare", now - timedelta(minutes=4)),
    ]
    return json.dumps(
        {
            "months": [month.code for month in (last.previous(), last, present)],
            "month_names": [month.name for month in (last.previous(), last, present)],
            "people": _people(cast),
            "leads": {lead.company: lead.pk for lead in leads},
            "hand_offs": {hand_off.lead.company: hand_off.pk for hand_off in waiting},
        }
    )


def _day(month: Period, day: int) -> datetime:
    """Noon UTC of a day of ``month``."""
    return datetime.combine(month.start.replace(day=day), time(12), UTC)


def _put_on_plans(cast: Cast, *, months: list[Period], at: datetime) -> None:
    """The shipped plans, SDR and AE, for the two who walk; the AE with a quota."""
    for name, user in (("sdr", cast.sdr), ("ae", cast.ae)):
        version = plans.load_plan_document(document=plans.shipped_plan(name), author=cast.revops, at=at)
        plan_drafts.submit_version(version=version, at=at, actor=version.author)
        plans.approve_version(version=version, approver=cast.finance, at=at)
        plans.assign_plan(
            rep=cast.rep(user), plan=version.plan, starts_on=months[0].start, at=at, actor=cast.revops
        )
    for month in months:
        Quota.objects.create(
            rep=cast.rep(cast.ae),
            measure=QuotaMeasure.AMOUNT_WON,
            starts_on=month.start,
            ends_on=month.end,
            target_minor=QUOTA_MINOR,
            currency="EUR",
        )


def _live_through(cast: Cast, *, before: Period, last: Period) -> None:
    """One deal won in ``before``, which was paid and frozen since; one won and one opened in ``last``."""
    _deal(cast, "Aldermoor Freight", _day(before, 10), accepted_minor=20_000_00, won_minor=20_000_00)
    freeze_month(month=before, at=_day(last, 1))
    settle_period(period=before, computed_by=cast.revops, approved_by=cast.finance, at=_day(last, 3))
    _deal(cast, "Brightmoor Logistics", _day(last, 10), accepted_minor=48_000_00, won_minor=50_000_00)
    _deal(cast, "Calder Energy", _day(last, 12), accepted_minor=30_750_00)


def _deal(
    cast: Cast, company: str, at: datetime, *, accepted_minor: int, won_minor: int | None = None
) -> None:
    hand_off = handed_off(cast, company, at=at)
    opportunity = hand_offs.accept_hand_off(
        hand_off=hand_off, at=at + timedelta(minutes=20), amount_minor=accepted_minor, actor=cast.ae
    )
    assert hand_off.meeting is not None
    meetings.close_meeting(
        meeting=hand_off.meeting, held=True, at=hand_off.meeting.ends_at + timedelta(hours=1), actor=cast.ae
    )
    if won_minor is not None:
        for days, stage in ((3, OpportunityStage.STAGE_2), (9, OpportunityStage.WON)):
            opportunities.move_opportunity(
                opportunity=opportunity,
                stage=stage,
                at=at + timedelta(days=days),
                amount_minor=won_minor,
                actor=cast.ae,
            )


def _hand_over(cast: Cast, now: datetime) -> list[HandOff]:
    """Two hand-offs that wait, one for each AE; the teammate's, so that they are in no figure of the SDR."""
    by_teammate = replace(cast, sdr=cast.teammate)
    at = now - timedelta(minutes=30)
    return [
        handed_off(by_teammate, "Farrow Retail", at=at),
        # A lead of score B, which the AE of the second tier is asked for first.
        handed_off(by_teammate, "Greystone Mining", at=at, title="Operations Manager", industry="Mining"),
    ]


def _arrive(cast: Cast, company: str, industry: str, at: datetime) -> Lead:
    word = company.split()[0].lower()
    lead, _ = intake.take_in(
        incoming=intake.Incoming(
            name="Paul Ferrante",
            title="Chief Operating Officer",
            email=f"paul@{word}.example",
            phone="+49 40 5550 1234",
            company=company,
            industry=industry,
            employees=420,
            city="Hamburg",
            time_zone="Europe/Berlin",
            source="Demo request",
        ),
        team=cast.sdr_team,
        at=at,
        source=Source.PAGE,
        source_key=f"form:{word}",
    )
    return lead


def _people(cast: Cast) -> dict[str, dict[str, Any]]:
    reps = dict(Rep.objects.values_list("user_id", "pk"))
    people = {}
    for part, user in cast.everyone().items():
        client = Client()
        client.force_login(user, backend="apps.accounts.backends.PasswordBackend")
        people[part] = {
            "session": client.cookies[settings.SESSION_COOKIE_NAME].value,
            "role": str(user.role),
            "email": user.email,
            "name": user.name,
            "rep": reps.get(user.pk),
        }
    return people
