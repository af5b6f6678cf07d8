"""The demo company's cadences: two inbound, one outbound, one for who comes back; leads in them in every state.

The rules of follow-up are in force from the first day, as version 1. Cadences are new here: some of the leads
of those whom one can sign in as are in them, and whoever arrives from now on is enrolled by itself.
"""

from datetime import datetime, timedelta
from typing import Any

from apps.accounts.models import Role
from apps.leads.models import (
    Cadence,
    Channel,
    Disposition,
    Enrolment,
    Lead,
    LeadStage,
    Motion,
    QueueBucket,
    Source,
)
from apps.leads.rules.dispositions import Rules
from apps.leads.services import cadences, enrolments, follow_up, throttles, touches
from apps.portal.demo.founding import Company, Worker
from apps.portal.demo.life import Span
from apps.portal.demo.people import SIGN_IN_NAMES

_HOT = [{"field": "score", "operator": "in", "value": ["A", "B"]}]
_CADENCES: tuple[dict[str, Any], ...] = (
    {
        "name": "Inbound, hot",
        "motion": Motion.INBOUND,
        "conditions": _HOT,
        "steps": [
            {"channel": "call", "purpose": "answer", "script": "Thank them for asking; what made them look?"},
            {"channel": "email", "wait_hours": 1, "when": "not_reached", "script": "Two times for a call."},
            {"channel": "call", "wait_days": 1, "when": "not_reached"},
            {"channel": "social", "wait_days": 1, "when": "not_reached"},
            {"channel": "call", "wait_days": 2, "purpose": "qualify"},
            {
                "channel": "email",
                "wait_days": 3,
                "when": "no_reply",
                "script": "Shall we close this for now?",
            },
        ],
    },
    {
        "name": "Inbound, all others",
        "motion": Motion.INBOUND,
        "conditions": [],
        "steps": [
            {"channel": "email", "purpose": "answer", "script": "Answer the question; offer a call."},
            {"channel": "call", "wait_days": 2, "when": "not_reached"},
            {"channel": "email", "wait_days": 4, "when": "no_reply"},
            {"channel": "call", "wait_days": 5, "when": "visited", "purpose": "qualify"},
        ],
    },
    {
        "name": "Outbound, operations leaders",
        "motion": Motion.OUTBOUND,
        "conditions": [{"field": "persona", "operator": "in", "value": ["1", "2", "3"]}],
        "steps": [
            {"channel": "email", "script": "One figure from their industry, one question."},
            {"channel": "call", "wait_days": 1},
            {"channel": "social", "wait_days": 1, "when": "not_reached"},
            {"channel": "call", "wait_days": 2, "when": "visited", "purpose": "qualify"},
            {"channel": "email", "wait_days": 2, "when": "no_reply"},
            {"channel": "call", "wait_days": 3, "when": "not_reached"},
            {
                "channel": "email",
                "wait_days": 5,
                "when": "no_reply",
                "script": "A last note, and the door open.",
            },
        ],
    },
    {
        "name": "Back from nurture",
        "motion": Motion.RECYCLED,
        "conditions": [],
        "steps": [
            {"channel": "email", "purpose": "nurture", "script": "What changed since we last talked?"},
            {"channel": "call", "wait_days": 2, "purpose": "nurture"},
            {"channel": "social", "wait_days": 3, "when": "not_reached"},
        ],
    },
)
_SHORT: dict[str, Any] = {
    "name": "After the fair",
    "motion": Motion.OUTBOUND,
    "conditions": [{"field": "source", "operator": "contains", "value": ["fair"]}],
    "steps": [{"channel": "email", "script": "The slides, as promised."}],
}
_STEPS_A_DAY, _CALLS_A_DAY, _ENROLMENTS_A_DAY = 120, 80, 60


def put_policy(company: Company, span: Span) -> None:
    """The rules of follow-up and the limits of a day, from the first day on."""
    revops, at = company.of_role(Role.REVOPS), span.instant(span.start, 8)
    rules = Rules.default()
    follow_up.publish(
        rules=rules.as_rows(),
        agreed_touches=rules.agreed_touches,
        recycle_days=rules.recycle_days,
        at=at,
        actor=revops,
        note="As agreed when the portal began",
    )
    for kind, channel, most in (
        ("steps", "", _STEPS_A_DAY),
        ("steps", "call", _CALLS_A_DAY),
        ("enrolments", "", _ENROLMENTS_A_DAY),
    ):
        throttles.set_throttle(kind=kind, channel=channel, most=most, at=at, actor=revops)


def put_cadences(company: Company, span: Span) -> None:
    """The cadences, and leads of the signed-in SDRs in them: waiting, under way, paused, finished, removed."""
    revops = company.of_role(Role.REVOPS)
    at = span.at - timedelta(days=1)
    made = {
        str(given["name"]): cadences.create_cadence(
            **given,
            position=number,
            enrols_by_itself=given is not _SHORT and given["motion"] != Motion.OUTBOUND,
            at=at,
            actor=revops,
        )
        for number, given in enumerate((*_CADENCES, _SHORT), 1)
    }
    for desk in company.desks:
        for worker in desk.inbound + desk.outbound:
            if worker.rep.name in SIGN_IN_NAMES:
                inbound = worker in desk.inbound
                cadence = made["Inbound, all others" if inbound else "Outbound, operations leaders"]
                _enrol(worker, cadence, made["After the fair"], made["Back from nurture"], span)


def _waiting(worker: Worker, at: datetime, span: Span) -> list[Lead]:
    """A dozen of the worker's leads whose next touch is still to come, or who came back from nurture."""
    own = Lead.objects.filter(owner=worker.rep, proposal="", last_touch_at__lt=at, do_not_contact=False)
    later = own.filter(
        stage=LeadStage.WORKING, queue_bucket=QueueBucket.TOUCH_DUE, queue_ready_at__gt=span.at
    )
    returned = own.filter(stage=LeadStage.RECYCLED, queue_bucket=QueueBucket.RECYCLED, queue_ready_at__lte=at)
    found = [*later.order_by("queue_sort_at", "pk")[:8], *returned.order_by("-queue_sort_at", "pk")[:12]]
    return found[:12]


def _enrol(worker: Worker, cadence: Cadence, short: Cadence, back: Cadence, span: Span) -> None:
    """A dozen of the worker's leads."""
    at = (span.at - timedelta(minutes=50)).replace(second=0)
    leads = _waiting(worker, at, span)
    enrolments.enrol(leads=leads[:6], cadence=cadence, at=at, actor=worker.user)
    enrolments.enrol(leads=leads[6:8], cadence=short, at=at, actor=worker.user)
    enrolments.enrol(leads=leads[8:], cadence=back, at=at, actor=worker.user)
    for lead in (*leads[2:4], *leads[6:9]):
        _write_to(lead, worker, at + timedelta(minutes=12))
    opened = {one.lead_id: one for one in Enrolment.objects.open().filter(lead__in=leads)}
    waiting = [opened[lead.pk] for lead in leads if lead.pk in opened]
    soon = at + timedelta(minutes=20)
    for enrolment, reason, days in zip(
        waiting[4:6], ("On holiday until then", "Tender runs, no contact asked"), (6, 0), strict=False
    ):
        until = span.today + timedelta(days=days) if days else None
        enrolments.pause(enrolment=enrolment, until=until, reason=reason, at=soon, actor=worker.user)
    for enrolment in waiting[1:2]:
        enrolments.remove(enrolment=enrolment, reason="Asked for another contact", at=soon, actor=worker.user)


def _write_to(lead: Lead, worker: Worker, at: datetime) -> None:
    touches.log_touch(
        lead=lead,
        rep=worker.rep,
        channel=Channel.EMAIL,
        disposition=Disposition.SENT,
        at=at,
        actor=worker.user,
        source=Source.DEMO,
    )
