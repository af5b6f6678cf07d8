"""Offer times, book one, and hand the lead to the AE whom routing names."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.leads.models import EventKind, HandOff, Lead, LeadStage, Meeting, Qualification, Source
from apps.leads.rules import routing
from apps.leads.rules.scoring import tier_of_score
from apps.leads.services import exploration, queue
from apps.leads.services.record import NewEvent, owned, record_events, sourced
from apps.leads.signals import hand_off_created, owners_changed
from apps.reps.models import BusinessCalendar, BusyTime, Rep, Tier
from apps.reps.rules.business_time import is_open
from apps.reps.selectors import away_on, hours_of

SLOT = timedelta(minutes=30)
"""Meetings fill one slot of a half-hour grid, so that a unique start is a free AE."""


class UnableToBook(DomainError):
    """The lead may not be handed off yet, or nobody is free at that time."""

    code = "unable_to_book"


@dataclass(frozen=True)
class Slot:
    """A time that can be booked, and how many AEs are free then."""

    starts_at: datetime
    free_aes: int


def _receiving_aes(lead: Lead, at: datetime) -> list[Rep]:
    # Many AEs share a calendar with all its holidays: each is read once, not beside every AE.
    aes = Rep.objects.aes().active_on(at.date()).prefetch_related("team__calendar")
    teams = list(lead.team.hands_off_to.values_list("pk", flat=True)) if lead.team else []
    if teams:
        aes = aes.filter(team__in=teams)
    return list(aes.order_by("pk"))


def _busy(
    aes: Iterable[Rep], start: datetime, end: datetime
) -> dict[int, list[tuple[datetime, datetime, str]]]:
    """Meetings and busy times of each AE that overlap ``[start, end)``; the words are in the AE's own time."""
    zones = {ae.pk: ZoneInfo(ae.team.calendar.time_zone) for ae in aes}
    ids = list(zones)
    found: dict[int, list[tuple[datetime, datetime, str]]] = {pk: [] for pk in ids}
    meetings = Meeting.objects.filter(ae__in=ids, starts_at__lt=end, ends_at__gt=start).exclude(
        state=Meeting.State.CANCELLED
    )
    for ae, starts, ends in meetings.values_list("ae_id", "starts_at", "ends_at"):
        found[ae].append((starts, ends, f"In a meeting {_span(starts, ends, zones[ae])}"))
    busy = BusyTime.objects.filter(rep__in=ids, starts_at__lt=end, ends_at__gt=start)
    for ae, starts, ends in busy.values_list("rep_id", "starts_at", "ends_at"):
        found[ae].append((starts, ends, f"Busy {_span(starts, ends, zones[ae])}"))
    return found


def _span(starts: datetime, ends: datetime, zone: ZoneInfo) -> str:
    """``13:30 to 14:30 CET``."""
    return f"{starts.astimezone(zone):%H:%M} to {ends.astimezone(zone):%H:%M %Z}"


def offered_slots(*, lead: Lead, at: datetime, days: int = 7, most: int = 60) -> list[Slot]:
    """Times from the next half hour on at which one AE at least is free, soonest first."""
    aes = _receiving_aes(lead, at)
    first = _next_slot(at + timedelta(minutes=30))
    end = first + timedelta(days=days)
    busy = _busy(aes, first, end)
    load = _weekly_load([ae.pk for ae in aes], first, end)
    calendars = {ae.team.calendar_id: ae.team.calendar for ae in aes}
    away: dict[Any, set[int]] = {}
    slots: list[Slot] = []
    start = first
    while start < end and len(slots) < most:
        open_calendars = _open_calendars(calendars.values(), start)
        day, week = start.date(), _monday(start)
        if open_calendars and day not in away:
            away[day] = away_on(day, [ae.pk for ae in aes])
        free = sum(
            ae.team.calendar_id in open_calendars
            and ae.pk not in away[day]
            and (ae.left_on is None or ae.left_on > day)
            and load[ae.pk, week] < ae.weekly_meeting_cap
            and not any(begins < start + SLOT and ends > start for begins, ends, _ in busy[ae.pk])
            for ae in aes
        )
        if free:
            slots.append(Slot(start, free))
        start += SLOT
    return slots


def _monday(instant: datetime) -> datetime:
    """When the week of ``instant`` began, in UTC; caps count by it."""
    return (instant - timedelta(days=instant.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)


def _weekly_load(aes: list[int], first: datetime, last: datetime) -> Counter[tuple[int, datetime]]:
    """Meetings of each AE (by id) in each week from that of ``first`` to that of ``last``."""
    weeks = Meeting.objects.filter(
        ae__in=aes, starts_at__gte=_monday(first), starts_at__lt=_monday(last) + timedelta(days=7)
    ).exclude(state=Meeting.State.CANCELLED)
    return Counter((ae, _monday(starts_at)) for ae, starts_at in weeks.values_list("ae_id", "starts_at"))


def _open_calendars(calendars: Iterable[BusinessCalendar], start: datetime) -> set[int]:
    """Those (by id) that are open for a whole slot from ``start``."""
    last = start + SLOT - timedelta(seconds=1)
    found = set()
    for calendar in calendars:
        hours = hours_of(calendar)
        if is_open(hours, start) and is_open(hours, last):
            found.add(calendar.pk)
    return found


def _next_slot(at: datetime) -> datetime:
    at = at.astimezone(UTC)
    floor = at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0)
    return floor if floor == at else floor + SLOT


def candidates_at(*, lead: Lead, starts_at: datetime) -> list[routing.Candidate]:
    """Every AE who may take this lead, with why not when not free at ``starts_at``."""
    aes = _receiving_aes(lead, starts_at)
    ids = [ae.pk for ae in aes]
    busy = _busy(aes, starts_at, starts_at + SLOT)
    away = away_on(starts_at.date(), ids)
    week = _monday(starts_at)
    load = _weekly_load(ids, starts_at, starts_at)
    open_calendars = _open_calendars(
        {ae.team.calendar_id: ae.team.calendar for ae in aes}.values(), starts_at
    )

    def why_not(ae: Rep) -> str:
        if ae.pk in away:
            return "On leave"
        if ae.team.calendar_id not in open_calendars:
            return "Outside working hours"
        return busy[ae.pk][0][2] if busy[ae.pk] else ""

    return [
        routing.Candidate(
            rep_id=ae.pk,
            name=ae.name,
            tier=ae.tier or Tier.THREE,
            rank=ae.rank or 999,
            meetings_this_week=load[ae.pk, week],
            weekly_cap=ae.weekly_meeting_cap,
            why_not=why_not(ae),
        )
        for ae in aes
    ]


@transaction.atomic
def book_meeting(
    *,
    lead: Lead,
    sdr: Rep,
    starts_at: datetime,
    at: datetime,
    as_exploration: bool = False,
    actor: Any = None,
    source: Source = Source.PAGE,
) -> HandOff:
    """Book ``starts_at`` with the AE whom routing names, and hand the lead over.

    Raises ``UnableToBook`` when the lead does not meet the definition (and is not explored on
    purpose), waits for another AE already, or when nobody is free then; ``AnothersLead`` when somebody else
    works it; ``OverBudget`` for an exploration beyond the quarter's; ``InvalidInput`` for a time that is past
    or off the half-hour grid.
    """
    starts_at = starts_at.astimezone(UTC)
    if starts_at <= at:
        raise InvalidInput("Choose a time that is still to come.", field="starts_at")
    if starts_at != _next_slot(starts_at):
        raise InvalidInput("Meetings start on the hour or the half hour.", field="starts_at")
    lead = Lead.objects.select_for_update(of=("self",)).select_related("team").get(pk=lead.pk)
    qualification = _qualification_to_book(lead, as_exploration)
    queue.refuse_anothers(lead=lead, rep=sdr, at=at)
    if as_exploration or lead.is_exploration:
        exploration.refuse_over_budget(rep=sdr, at=at)
    decision, meeting = _take_slot(lead, starts_at, at)
    ae = meeting.ae
    hand_off = HandOff.objects.create(
        lead=lead,
        qualification=qualification,
        meeting=meeting,
        sdr=sdr,
        ae=ae,
        created_at=at,
        is_exploration=as_exploration or lead.is_exploration,
        routing=kept_decision(decision=decision, lead=lead),
    )
    lead.stage = LeadStage.HANDED_OFF
    from_pool = lead.owner_id is None
    lead.owner_id = lead.owner_id or sdr.pk
    lead.callback_at = lead.next_touch_at = lead.reentry_on = lead.due_at = lead.warn_at = None
    lead.claimed_by = lead.claimed_until = None
    queue.settle(lead)
    lead.save()
    if from_pool:
        owners_changed.send(sender=Lead, owners={lead.pk: sdr.pk}, at=at)
    record_events(
        events=[
            NewEvent(
                kind=kind,
                occurred_at=at,
                source=source,
                source_key=f"hand_off:{hand_off.pk}:{kind}",
                lead=lead,
                hand_off=hand_off,
                credits=[*sourced(sdr), *owned(ae)],
                actor=actor,
            )
            for kind in (EventKind.BOOKED, EventKind.HANDED_OFF)
        ],
        at=at,
    )
    audit.record(
        verb="leads.hand_off.created", subject=hand_off, at=at, actor=actor, data={"ae": ae.pk, "sdr": sdr.pk}
    )
    hand_off_created.send(sender=HandOff, hand_off=hand_off, at=at)
    return hand_off


def _qualification_to_book(lead: Lead, as_exploration: bool) -> Qualification:
    if lead.do_not_contact:
        raise UnableToBook("This lead has opted out: nobody may contact them.")
    if lead.merged_into_id is not None:
        raise UnableToBook(f"This lead lives on in lead {lead.merged_into_id}: book that one.")
    if lead.stage not in LeadStage.workable():
        raise UnableToBook(f"This lead is {lead.get_stage_display().lower()}: it cannot be booked again.")
    qualification = lead.qualifications.order_by("-qualified_at", "-pk").first()
    if qualification is None:
        raise UnableToBook("Qualify the lead first: fill the framework.")
    if lead.hand_offs.filter(qualification=qualification, state=HandOff.State.REJECTED).exists():
        raise UnableToBook("An AE rejected it on these answers: qualify it again first.")
    if not qualification.meets_definition and not as_exploration:
        raise UnableToBook(
            "The lead does not meet the SQL definition. Qualify it further, or book it as exploration."
        )
    return qualification


def _take_slot(lead: Lead, starts_at: datetime, at: datetime) -> tuple[routing.Decision, Meeting]:
    """Let routing choose until the database grants the slot: a race lost is a candidate less."""
    candidates = candidates_at(lead=lead, starts_at=starts_at)
    while True:
        decision = routing.choose(tier_of_score(lead.score), candidates)
        if decision.chosen is None:
            raise UnableToBook("Nobody is free at that time any more: choose another.", field="starts_at")
        taken = decision.chosen
        try:
            with transaction.atomic():
                meeting = Meeting.objects.create(
                    lead=lead,
                    ae_id=taken.rep_id,
                    starts_at=starts_at,
                    ends_at=starts_at + SLOT,
                    state_changed_at=at,
                )
                return decision, meeting
        except IntegrityError:
            candidates = [
                routing.Candidate(**{**asdict(one), "why_not": "Just booked by somebody else"})
                if one.rep_id == taken.rep_id
                else one
                for one in candidates
            ]


def kept_decision(*, decision: routing.Decision, lead: Lead) -> dict[str, Any]:
    """The decision as it is kept on the hand-off."""
    return {
        "policy": "Best ranked, customer’s time first",
        "lead_tier": tier_of_score(lead.score),
        "words": decision.words,
        "considered": [
            {
                "rep": one.candidate.rep_id,
                "name": one.candidate.name,
                "tier": one.candidate.tier,
                "rank": one.candidate.rank,
                "outcome": one.outcome,
                "why": one.why,
            }
            for one in decision.considered
        ],
    }
