"""An SDR's day for the browser: leads that wait, and one lead in each state that its panel tells apart.

Made in a running installation by the services that the pages use. Every lead that waits asked by itself, since
fresh inbound is offered at whatever hour the tests run; the calendar never closes.
"""

import json
from datetime import timedelta

from django.utils import timezone

from apps.leads.models import Lead, Source
from apps.leads.services import booking, cadences, enrolments, intake, qualifications, touches, wishes
from apps.reps.models import BusinessCalendar
from apps.reps.rules.business_time import WEEKDAYS
from tests.cast import Cast, assemble
from tests.walk.company import _people

WAITING = 11
"""Ten are worked, and one is left."""

_NAMES = (
    "Amira Haddad", "Bruno Keller", "Carla Rossi", "Dmitri Volkov", "Elif Aydin", "Farid Nasser", "Greta Lund",
    "Hugo Martin", "Ines Duarte", "Jonas Wolf", "Katja Novak",
)  # fmt: skip


def found() -> str:
    """Found the company in an empty installation; as JSON, whom it employs and which leads it has."""
    cast = assemble()
    BusinessCalendar.objects.update(weekly={day: [["00:00", "24:00"]] for day in WEEKDAYS})
    waiting = [_arrive(cast, name, number) for number, name in enumerate(_NAMES)]
    assert len(waiting) == WAITING
    return json.dumps(
        {
            "people": _people(cast),
            "waiting": {str(lead.pk): lead.name for lead in waiting},
            "states": {name: lead.pk for name, lead in _states(cast).items()},
        }
    )


def _arrive(cast: Cast, name: str, number: int, *, own: bool = False, zone: str = "Europe/Berlin") -> Lead:
    word = name.split()[0].lower()
    lead, _ = intake.take_in(
        incoming=intake.Incoming(
            name=name,
            title="Chief Operating Officer",
            email=f"{word}@{word}-works.example",
            phone=f"+49 40 5550 {1000 + number}",
            company=f"{name.split()[1]} Works",
            industry="Logistics",
            employees=420,
            city="Hamburg",
            time_zone=zone,
            source="Demo request",
        ),
        team=cast.sdr_team,
        owner=cast.rep(cast.teammate) if own else None,
        at=timezone.now() - timedelta(minutes=20 - number % 20),
        source=Source.PAGE,
        source_key=f"form:{word}",
    )
    return lead


def _states(cast: Cast) -> dict[str, Lead]:
    """The teammate's, so that they are not among what the SDR is offered."""
    rep, at = cast.rep(cast.teammate), timezone.now()
    names = (
        "Lena Proposed",
        "Milan Enrolled",
        "Nora Optedout",
        "Otto Booked",
        "Pia Closedcall",
        "Quinn Faraway",
    )
    leads = {
        name.split()[1].lower(): _arrive(
            cast, name, 50 + number, own=True, zone="Pacific/Auckland" if number == 5 else "Europe/Berlin"
        )
        for number, name in enumerate(names)
    }
    Lead.objects.filter(pk=leads["proposed"].pk).update(
        proposal="recycle", proposal_reason="No contact after 9 touches", attempts=9, touch_count=9
    )
    _enrol(cast, leads["enrolled"])
    touches.log_touch(
        lead=leads["optedout"], rep=rep, channel="email", disposition="opt_out", at=at, actor=cast.teammate
    )
    wishes.keep(
        lead=leads["closedcall"],
        channel="call",
        reason="opt_out",
        at=at,
        actor=cast.teammate,
        note="“No calls.”",
    )
    answers = {
        key: qualifications.Answer("met", f"Yes to {key}", f"They said so about {key}.", "Otto Booked")
        for key in ("budget", "authority", "need", "timeframe")
    }
    qualifications.qualify(lead=leads["booked"], rep=rep, answers=answers, at=at)
    slot = booking.offered_slots(lead=leads["booked"], at=at)[0]
    booking.book_meeting(lead=leads["booked"], sdr=rep, starts_at=slot.starts_at, at=at, actor=cast.teammate)
    return leads


def _enrol(cast: Cast, lead: Lead) -> None:
    steps = [
        {"channel": "call", "purpose": "answer", "script": "Ask what made them write.\n\nName one customer."},
        {"channel": "email", "wait_days": 1, "when": "not_reached", "purpose": "follow_up"},
        {"channel": "social", "wait_days": 2, "purpose": "follow_up"},
    ]
    made = cadences.create_cadence(
        name="Inbound, first week",
        motion="inbound",
        conditions=[],
        position=1,
        enrols_by_itself=False,
        steps=steps,
        at=timezone.now(),
        actor=cast.manager,
    )
    enrolments.enrol(leads=[lead], cadence=made, at=timezone.now(), actor=cast.teammate)
