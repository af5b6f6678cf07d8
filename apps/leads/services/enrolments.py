"""Enrol leads in cadences, pause, resume and remove them. How touches advance them is in ``services.advancing``.

Whoever changes an enrolment holds the lead's row, so that of two acts at once the second sees the first. What
was done is kept for good (``EnrolmentAct``).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from apps.audit import services as audit
from apps.core.bulk import insert_rows, update_rows
from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import day_of, day_start
from apps.leads.models import Cadence, CadenceVersion, Enrolment, EnrolmentAct, Lead, LeadStage, Motion
from apps.leads.rules import cadences as rules
from apps.leads.rules.conditions import match, parse_conditions
from apps.leads.rules.dispositions import open_channel
from apps.leads.selectors.conditions import known_of
from apps.leads.services import queue
from apps.leads.services.planning import Planner
from apps.leads.services.throttles import enrolments_left, limits_of_reps, lock_reps
from apps.reps.models import Rep

UNTIL_CALLBACK = "Until the callback"
"""The reason of a pause that the callback's touch ends."""

PLANNED_FIELDS = (
    "next_channel", "next_purpose", "next_touch_at", "queue_bucket", "queue_sort_at", "queue_ready_at",
)  # fmt: skip
ENROLMENT_FIELDS = ("state", "step", "due_at", "check_at", "resumes_on", "ended_at", "reason")
_LONGEST_REASON = 120


class UnableToEnrol(DomainError):
    """The cadence takes nobody."""

    code = "unable_to_enrol"


class EnrolmentMovedOn(DomainError):
    """The enrolment has ended, or is not in the state that the act needs."""

    code = "enrolment_moved_on"


@dataclass(frozen=True)
class Refusal:
    """A lead that was not enrolled, and why, as a sentence."""

    lead: Lead
    why: str


@dataclass
class Enrolled:
    """What came of enrolling many: the good ones are in, each of the others has its reason."""

    enrolments: list[Enrolment] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


@transaction.atomic
def enrol(*, leads: Sequence[Lead], cadence: Cadence, at: datetime, actor: Any = None) -> Enrolled:
    """Enrol leads in the newest version of a cadence; the good ones, with a refusal for each of the others.

    An SDR enrols own leads and unowned ones. Raises ``UnableToEnrol`` for a retired or empty cadence.
    """
    version = _version_of(cadence)
    ids = sorted({lead.pk for lead in leads})
    # The owner's name is read for refusals; only the lead's row is locked.
    locked = Lead.objects.select_for_update(of=("self",)).select_related("owner", "claimed_by")
    found = list(locked.filter(pk__in=ids).order_by("pk"))
    result = enrol_locked(leads=found, version=version, at=at, actor=actor)
    audit.record(
        verb="leads.enrolled",
        subject=cadence,
        at=at,
        actor=actor,
        data={
            "version": version.number,
            "leads": len(result.enrolments),
            "refused": len(result.refusals),
        },
    )
    return result


def enrol_locked(
    *, leads: Sequence[Lead], version: CadenceVersion, at: datetime, actor: Any = None
) -> Enrolled:
    """Enrol leads whose rows the caller holds, each that may be; a refusal for each of the others."""
    taken = set(Enrolment.objects.open().filter(lead__in=leads).values_list("lead_id", flat=True))
    steps = rules.parse_steps(version.steps)
    is_sdr = getattr(actor, "role", "") == "sdr"
    rep = (Rep.objects.filter(user=actor).first() or Rep(pk=0)) if is_sdr else None
    result = Enrolled()
    good = []
    for lead in leads:
        why = _why_not(lead, taken, steps, at) or (_anothers(lead, rep, at) if rep else "")
        if why:
            result.refusals.append(Refusal(lead, why))
        else:
            good.append(lead)
    good = _within_limits(good, at, result)
    result.enrolments = _open(good, version, steps, at, actor)
    return result


def _version_of(cadence: Cadence) -> CadenceVersion:
    cadence.refresh_from_db(fields=["is_active"])
    version = cadence.versions.order_by("-number").first()
    if not cadence.is_active:
        raise UnableToEnrol(f"{cadence} is retired: it takes nobody any more.")
    if version is None:
        raise UnableToEnrol(f"{cadence} has no steps.")
    return version


def _why_not(lead: Lead, taken: set[int], steps: Sequence[rules.Step], at: datetime) -> str:
    """Why this lead may not be in a cadence now; "" when it may."""
    if lead.do_not_contact:
        return f"{lead} has opted out: nobody may contact them."
    if lead.merged_into_id is not None:
        return f"{lead} was merged into another lead: enrol that one."
    if not lead.is_workable:
        return f"{lead} is {lead.get_stage_display().lower()}: there is nothing to do for an SDR."
    if lead.pk in taken:
        return f"{lead} is in a cadence already: remove it from that one first."
    resting = lead.stage == LeadStage.RECYCLED and lead.queue_ready_at and lead.queue_ready_at > at
    if resting and lead.reentry_on:
        return f"{lead} is in nurture until {lead.reentry_on.day} {lead.reentry_on:%b %Y}."
    if not any(open_channel(step.channel, lead.closed_channels) for step in steps):
        return f"{lead} closed every channel."
    return ""


def _anothers(lead: Lead, rep: Rep, at: datetime) -> str:
    try:
        queue.refuse_anothers(lead=lead, rep=rep, at=at)
    except queue.AnothersLead as refused:
        return f"{lead}: {refused.message}"
    return ""


def _within_limits(leads: list[Lead], at: datetime, result: Enrolled) -> list[Lead]:
    """Those whom the owners' daily limits let in, in the order given; the others are refused by its name."""
    owners = {lead.owner.pk: lead.owner for lead in leads if lead.owner is not None}
    most = (
        {pk: found.enrolments for pk, found in limits_of_reps(list(owners.values())).items()}
        if owners
        else {}
    )
    limited = [pk for pk, limit in most.items() if limit is not None]
    if not limited:
        return leads
    lock_reps(limited)
    left = {pk: enrolments_left(rep=owners[pk], at=at) or 0 for pk in limited}
    good = []
    for lead in leads:
        owner = lead.owner_id or 0
        if left.get(owner, 1) <= 0:
            why = f"{lead}: the limit of {most[owner]} leads enrolled a day for {lead.owner} is used up."
            result.refusals.append(Refusal(lead, why))
            continue
        if owner in left:
            left[owner] -= 1
        good.append(lead)
    return good


def _open(
    leads: Sequence[Lead],
    version: CadenceVersion,
    steps: Sequence[rules.Step],
    at: datetime,
    actor: Any,
) -> list[Enrolment]:
    """Write the enrolments, plan the first step of each, and put the leads where that belongs."""
    if not leads:
        return []
    planner = Planner(leads, at)
    by = actor if getattr(actor, "pk", None) else None
    opened = []
    for lead in leads:
        enrolment = Enrolment(lead=lead, version=version, enrolled_at=at, enrolled_by=by)
        # What may pass a step over at once looks at what happens from now on: the first is never passed over
        # but for its channel, and ``_why_not`` has seen that one is open.
        first = next(step for step in steps if open_channel(step.channel, lead.closed_channels))
        if lead.callback_at is not None:
            # A promised callback comes first; its touch lets the cadence begin.
            enrolment.step = first.number
            enrolment.state, enrolment.reason = Enrolment.State.PAUSED, UNTIL_CALLBACK
        else:
            plan(enrolment=enrolment, lead=lead, step=first, planner=planner, since=at)
        queue.settle(lead)
        opened.append(enrolment)
    insert_rows(opened)
    insert_rows([act_of(enrolment=one, kind=EnrolmentAct.Kind.ENROLLED, at=at, by=by) for one in opened])
    update_rows(leads, PLANNED_FIELDS)
    return opened


def plan(
    *,
    enrolment: Enrolment,
    lead: Lead,
    step: rules.Step,
    planner: Planner,
    since: datetime,
    bad: Collection[str] = (),
    at_once: bool = False,
) -> None:
    """Make ``step`` the one that comes next, on the enrolment and on the lead; nothing is saved.

    ``bad`` channels are passed on like closed ones. ``at_once`` drops the wait: the step is taken up again
    after a pause. ``rules.cadences.next_step`` chose the step, so that a channel is open for it.
    """
    channel = open_channel(step.channel, {*lead.closed_channels, *bad})
    due = planner.soonest(lead, channel, since) if at_once else planner.step_due(lead, step, channel, since)
    enrolment.step, enrolment.due_at = step.number, due
    enrolment.check_at = None if step.when is rules.When.ALWAYS else due
    lead.next_touch_at, lead.next_channel = due, channel
    lead.next_purpose = step.purpose


def act_of(
    *,
    enrolment: Enrolment,
    kind: str,
    at: datetime,
    by: Any,
    reason: str = "",
    step: int | None = None,
) -> EnrolmentAct:
    """An act on record, not saved yet; at the step that comes next, unless ``step`` names another."""
    return EnrolmentAct(
        enrolment=enrolment,
        kind=kind,
        step=enrolment.step if step is None else step,
        at=at,
        by=by if getattr(by, "pk", None) else None,
        reason=reason[:_LONGEST_REASON],
    )


# --- By itself ----------------------------------------------------------------------------------------


@transaction.atomic
def enrol_arrivals(*, leads: Sequence[Lead], at: datetime) -> Enrolled:
    """Enrol leads that just came, each in the first cadence by position whose conditions match.

    Only active cadences that enrol by themselves; what may not be enrolled is left as it is.
    """
    result = Enrolled()
    cadences = self_enrolling(Motion.INBOUND, Motion.OUTBOUND)
    groups: dict[int, list[Lead]] = {}
    for lead in leads if cadences else ():
        motion = Motion.INBOUND if lead.is_inbound else Motion.OUTBOUND
        for cadence, version in cadences:
            if cadence.motion == motion and match(parse_conditions(cadence.conditions), known_of(lead)).ok:
                groups.setdefault(version.pk, []).append(lead)
                break
    for _, version in cadences:
        if version.pk in groups:
            found = enrol_locked(leads=groups[version.pk], version=version, at=at)
            result.enrolments += found.enrolments
            result.refusals += found.refusals
    return result


def self_enrolling(*motions: str) -> list[tuple[Cadence, CadenceVersion]]:
    """The active cadences that enrol by themselves, by position, with their newest versions."""
    cadences = Cadence.objects.filter(is_active=True, enrols_by_itself=True, motion__in=motions)
    newest: dict[int, CadenceVersion] = {}
    versions = CadenceVersion.objects.filter(cadence__in=cadences).select_related("cadence")
    for version in versions.order_by("number"):
        newest[version.cadence_id] = version
    found = sorted(newest.values(), key=lambda version: (version.cadence.position, version.cadence_id))
    return [(version.cadence, version) for version in found]


# --- Pause, resume, remove ------------------------------------------------------------------------------


@transaction.atomic
def pause(
    *, enrolment: Enrolment, until: date | None, reason: str, at: datetime, actor: Any = None
) -> Enrolment:
    """Pause until a day, on which it resumes by itself, or until somebody resumes it.

    Until a day, the lead rests as well. An open pause stops the cadence and not the lead, which stays in the
    queue where it was planned: nobody is forgotten. Raises ``InvalidInput``, ``EnrolmentMovedOn``.
    """
    reason = _reason(reason)
    if until is not None and until <= day_of(at, settings.COMPANY_TIME_ZONE):
        raise InvalidInput("Choose a day that is still to come.", field="until")
    enrolment, lead = _locked(enrolment, (Enrolment.State.ACTIVE,))
    enrolment.state, enrolment.reason, enrolment.resumes_on = Enrolment.State.PAUSED, reason, until
    enrolment.due_at = enrolment.check_at = None
    if until is not None:
        lead.next_touch_at = day_start(until, settings.COMPANY_TIME_ZONE)
    return _save(enrolment, lead, EnrolmentAct.Kind.PAUSED, at, actor, reason)


@transaction.atomic
def resume(*, enrolment: Enrolment, at: datetime, actor: Any = None) -> Enrolment:
    """Go on with the step that comes next, as soon as hours and limits allow. Raises ``EnrolmentMovedOn``."""
    enrolment, lead = _locked(enrolment, (Enrolment.State.PAUSED,))
    take_up(enrolment=enrolment, lead=lead, planner=Planner([lead], at), at=at)
    return _save(enrolment, lead, EnrolmentAct.Kind.RESUMED, at, actor)


def take_up(*, enrolment: Enrolment, lead: Lead, planner: Planner, at: datetime) -> None:
    """Bring a paused enrolment back to its step; nothing is saved."""
    enrolment.state, enrolment.reason, enrolment.resumes_on = Enrolment.State.ACTIVE, "", None
    steps = rules.parse_steps(enrolment.version.steps)
    step = next(
        (one for one in steps[enrolment.step - 1 :] if open_channel(one.channel, lead.closed_channels)), None
    )
    if step is None:
        raise EnrolmentMovedOn(f"{lead} closed every channel meanwhile: remove it from the cadence.")
    plan(enrolment=enrolment, lead=lead, step=step, planner=planner, since=at, at_once=True)


@transaction.atomic
def remove(*, enrolment: Enrolment, reason: str, at: datetime, actor: Any = None) -> Enrolment:
    """Take a lead out of its cadence; its next touch stays planned. Raises ``EnrolmentMovedOn``."""
    reason = _reason(reason)
    enrolment, lead = _locked(enrolment, Enrolment.OPEN)
    close(enrolment=enrolment, state=Enrolment.State.REMOVED, reason=reason, at=at)
    return _save(enrolment, lead, EnrolmentAct.Kind.REMOVED, at, actor, reason)


@transaction.atomic
def remove_open(
    *, leads: Sequence[Lead] | QuerySet[Lead], reason: str, at: datetime, actor: Any = None
) -> int:
    """End whatever cadence these leads are in; how many. Set-based; the caller settles the leads' places."""
    if isinstance(leads, QuerySet):
        # Else the order of the leads would be part of the subquery.
        leads = leads.order_by()
    opened = Enrolment.objects.select_for_update().open().filter(lead__in=leads)
    ended = list(opened.order_by("pk"))
    if not ended:
        return 0
    for enrolment in ended:
        close(enrolment=enrolment, state=Enrolment.State.REMOVED, reason=reason[:_LONGEST_REASON], at=at)
    update_rows(ended, ENROLMENT_FIELDS)
    insert_rows(
        [
            act_of(enrolment=one, kind=EnrolmentAct.Kind.REMOVED, at=at, by=actor, reason=reason)
            for one in ended
        ]
    )
    return len(ended)


def close(*, enrolment: Enrolment, state: str, reason: str, at: datetime) -> None:
    """End an enrolment; nothing is saved."""
    enrolment.state, enrolment.reason, enrolment.ended_at = state, reason, at
    enrolment.due_at = enrolment.check_at = enrolment.resumes_on = None


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not 1 <= len(reason) <= _LONGEST_REASON:
        raise InvalidInput(f"Say why, in {_LONGEST_REASON} characters at most.", field="reason")
    return reason


def _locked(enrolment: Enrolment, states: Sequence[str]) -> tuple[Enrolment, Lead]:
    """The lead's row first, then the enrolment as it is now."""
    lead = Lead.objects.select_for_update(of=("self",)).get(pk=enrolment.lead_id)
    enrolment = Enrolment.objects.select_related("version").get(pk=enrolment.pk)
    if enrolment.state not in states:
        raise EnrolmentMovedOn(f"This enrolment is {enrolment.get_state_display().lower()} by now.")
    return enrolment, lead


def _save(
    enrolment: Enrolment, lead: Lead, kind: str, at: datetime, actor: Any, reason: str = ""
) -> Enrolment:
    queue.settle(lead)
    lead.save(update_fields=PLANNED_FIELDS)
    enrolment.save(update_fields=ENROLMENT_FIELDS)
    act_of(enrolment=enrolment, kind=kind, at=at, by=actor, reason=reason).save()
    return enrolment
