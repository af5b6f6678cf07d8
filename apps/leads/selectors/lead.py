"""One lead as the panel and its page show it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from django.db.models import QuerySet

from apps.leads import policies
from apps.leads.models import (
    Channel,
    Disposition,
    FunnelEvent,
    HandOff,
    Lead,
    Opportunity,
    Qualification,
    Touch,
)
from apps.leads.rules import calling, scoring
from apps.leads.rules import queue as queue_rules
from apps.leads.rules.dispositions import AGREED_TOUCHES, next_step
from apps.leads.selectors.queue import CHANNEL_ICONS, deadline_of
from apps.leads.selectors.timeline import Timeline, timeline_of
from apps.leads.services import booking, queue
from apps.reps.selectors import hours_of

# The digit of each disposition (INTERFACE, "Keys"); the first nine are for calls.
KEYS = {
    Disposition.CONNECTED: "1",
    Disposition.VOICEMAIL: "2",
    Disposition.NO_ANSWER: "3",
    Disposition.GATEKEEPER: "4",
    Disposition.CALL_BACK: "5",
    Disposition.BAD_CONTACT: "6",
    Disposition.NOT_A_FIT: "7",
    Disposition.NOT_NOW: "8",
    Disposition.OPT_OUT: "9",
    Disposition.SENT: "0",
}
_ONLY_CALLS = (Disposition.VOICEMAIL, Disposition.NO_ANSWER, Disposition.GATEKEEPER)
_KINDS = {"fit": "Fit", "intent": "Intent"}


@dataclass(frozen=True)
class Button:
    """A disposition as a button: its key, and what will follow. ``only`` is "call", "written" or ""."""

    disposition: str
    word: str
    key: str
    follows: str
    only: str


@dataclass(frozen=True)
class Step:
    """A touch in the strip of agreed ones: done, next or still open."""

    icon: str
    word: str
    state: str


@dataclass(frozen=True)
class ScorePart:
    """Fit or intent: its points in words, and their sum."""

    kind: str
    parts: list[tuple[str, int]]
    total: int


@dataclass(frozen=True)
class Dossier:
    """What is known of a lead, for one viewer at one instant."""

    lead: Lead
    now: datetime
    zone: tzinfo
    can_work: bool
    why_not: str
    theirs: calling.TheirTime | None
    due_at: datetime | None
    warn_at: datetime | None
    timeline: Timeline
    qualification: Qualification | None
    hand_off: HandOff | None
    steps: list[Step]
    score_parts: list[ScorePart]

    @property
    def threshold_words(self) -> str:
        return threshold_words(self.lead)

    @property
    def tries(self) -> str:
        return f"{self.lead.touch_count} of {AGREED_TOUCHES}"

    @property
    def buttons(self) -> list[Button]:
        """Each disposition with what would follow from it now."""
        attempts = self.lead.touch_count + 1
        return [
            Button(
                disposition.value,
                disposition.label,
                key,
                next_step(disposition, attempts).in_words,
                "call"
                if disposition in _ONLY_CALLS
                else "written"
                if disposition == Disposition.SENT
                else "",
            )
            for disposition, key in KEYS.items()
        ]

    @property
    def channels(self) -> list[tuple[str, str, str, bool]]:
        """(value, word, icon, whether planned) for the choice of channel."""
        planned = self.lead.next_channel or Channel.CALL
        return [
            (channel.value, channel.label, CHANNEL_ICONS[channel], channel == planned) for channel in Channel
        ]

    @property
    def is_held(self) -> bool:
        return bool(self.lead.claimed_until and self.lead.claimed_until > self.now and self.can_work)


def leads_for(user: Any) -> QuerySet[Lead]:
    """Leads within the user's scope, with what a page reads of each joined in."""
    return Lead.objects.visible_to(user).select_related("team__calendar", "owner", "account", "claimed_by")


def dossier_of(*, lead: Lead, user: Any, now: datetime, zone: tzinfo) -> Dossier:
    """A bounded number of statements. ``lead`` comes from ``leads_for``."""
    why_not = _why_not(lead, user, now)
    hours = hours_of(lead.team.calendar) if lead.team else None
    due_at, warn_at = deadline_of(lead, hours) if hours else (lead.due_at, lead.warn_at)
    return Dossier(
        lead=lead,
        now=now,
        zone=zone,
        can_work=not why_not,
        why_not=why_not,
        theirs=calling.at_prospect(lead.time_zone, now),
        due_at=due_at if lead.queue_bucket else None,
        warn_at=warn_at,
        timeline=timeline_of(lead),
        qualification=lead.qualifications.select_related("definition", "rep")
        .prefetch_related("answers")
        .first(),
        hand_off=lead.hand_offs.select_related("ae__team", "sdr", "meeting").first(),
        steps=_steps(lead, now, zone),
        score_parts=score_parts(lead),
    )


def _why_not(lead: Lead, user: Any, now: datetime) -> str:
    """Why this user may not work the lead now; "" when they may."""
    if lead.do_not_contact:
        return "They opted out. Nobody may contact them, over any channel."
    if not policies.WORK_LEAD.admits(user):
        return policies.WORK_LEAD.says
    if not policies.WORK_LEAD.allows(user, lead):
        return f"{lead.owner} works this lead." if lead.owner else "Another team works this lead."
    if not lead.is_workable:
        return f"It is {lead.get_stage_display().lower()}: there is nothing to do for an SDR."
    held = lead.claimed_until is not None and lead.claimed_until > now
    if held and lead.claimed_by_id != user.rep.pk:
        return f"{lead.claimed_by} is working this lead right now."
    return ""


def _steps(lead: Lead, now: datetime, zone: tzinfo) -> list[Step]:
    """The touches so far, the next one, and those still open of the agreed number."""
    touches = list(
        Touch.objects.filter(lead=lead, undone_at__isnull=True)
        .order_by("-occurred_at", "-pk")
        .values_list("channel", "occurred_at")[: AGREED_TOUCHES - 1]
    )[::-1]
    steps = [Step(CHANNEL_ICONS[Channel(channel)], _day(at, now, zone), "done") for channel, at in touches]
    if lead.is_workable:
        planned = lead.callback_at or lead.next_touch_at
        word = "Now" if planned is None or planned <= now else _day(planned, now, zone)
        steps.append(Step(CHANNEL_ICONS[Channel(lead.next_channel or Channel.CALL)], word, "now"))
        steps += [Step("minus", str(number), "") for number in range(len(steps) + 1, AGREED_TOUCHES + 1)]
    return steps


def _day(at: datetime, now: datetime, zone: tzinfo) -> str:
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    if local.date() == today:
        return "Today"
    if abs(local.date() - today) < timedelta(days=6):
        return f"{local:%a}"
    return f"{local.day} {local:%b}"


def threshold_words(lead: Lead) -> str:
    """``A from 80``: the letter and its threshold in points."""
    return f"{lead.score} from {dict(scoring.THRESHOLDS)[lead.score]}"


def score_parts(lead: Lead) -> list[ScorePart]:
    """The points of a score by kind, as they were when the lead came."""
    parts: dict[str, list[tuple[str, int]]] = {}
    for reason in lead.score_reasons or []:
        kind, words, points = reason
        parts.setdefault(_KINDS.get(kind, kind.title()), []).append((words, points))
    return [ScorePart(kind, found, sum(points for _, points in found)) for kind, found in parts.items()]


# --- Why it stands where it does --------------------------------------------------------------------


def position_of(*, lead: Lead, now: datetime, zone: tzinfo) -> list[str]:
    """The sentences behind a lead's place in the queue."""
    return queue_rules.explain(standing=queue.standing_of(lead), now=now, zone=zone)


# --- Booking --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OfferedDay:
    """The times of one day, local to the customer."""

    day: date
    slots: list[tuple[booking.Slot, datetime]]


@dataclass(frozen=True)
class Offer:
    """Times at which somebody is free, in the customer's zone (the viewer's where that is not known)."""

    days: list[OfferedDay]
    zone: tzinfo
    is_theirs: bool
    left_out: int

    @property
    def zone_words(self) -> str:
        city = str(self.zone).rpartition("/")[2].replace("_", " ")
        return (
            f"{city} time, the customer’s" if self.is_theirs else f"{city} time: the customer’s is not known"
        )


def offer_for(*, lead: Lead, now: datetime, zone: tzinfo) -> Offer:
    """Free times within the customer's day; all of them where none lies within it."""
    theirs = calling.zone_named(lead.time_zone)
    shown_in = theirs or zone
    # Everybody may be at the weekly cap: then the weeks after are asked.
    found = booking.offered_slots(lead=lead, at=now) or booking.offered_slots(lead=lead, at=now, days=21)
    slots = [(slot, slot.starts_at.astimezone(shown_in)) for slot in found]
    proper = [(slot, local) for slot, local in slots if calling.is_proper(local)]
    chosen = proper or slots
    days: dict[date, list[tuple[booking.Slot, datetime]]] = {}
    for slot, local in chosen:
        days.setdefault(local.date(), []).append((slot, local))
    return Offer(
        [OfferedDay(day, times) for day, times in days.items()],
        shown_in,
        theirs is not None,
        len(slots) - len(chosen),
    )


def callback_times(*, lead: Lead, now: datetime, zone: tzinfo) -> list[tuple[datetime, str]]:
    """A few likely instants for a callback, with how they read in the customer's zone."""
    local = now.astimezone(calling.zone_named(lead.time_zone) or zone)
    hour = local.replace(minute=0, second=0, microsecond=0)
    tomorrow = hour + timedelta(days=1)
    while tomorrow.weekday() >= 5:
        tomorrow += timedelta(days=1)
    wanted = [
        hour + timedelta(hours=1 if local.minute < 30 else 2),
        hour + timedelta(hours=3),
        tomorrow.replace(hour=9),
        tomorrow.replace(hour=14),
    ]
    found: dict[datetime, str] = {}
    for instant in wanted:
        if calling.is_proper(instant) and instant > now:
            today = instant.date() == local.date()
            found[instant] = (
                f"Today, {instant:%H:%M}"
                if today
                else f"{instant:%a} {instant.day} {instant:%b}, {instant:%H:%M}"
            )
    return list(found.items())


# --- One event explained ----------------------------------------------------------------------------------


def event_for(user: Any) -> QuerySet[FunnelEvent]:
    """Events within the user's scope, with what the explanation reads joined in.

    Whoever may see the lead of an event may see the event: it stands in the lead's timeline.
    """
    visible = FunnelEvent.objects.visible_to(user).values("pk")
    of_leads = FunnelEvent.objects.filter(lead__in=Lead.objects.visible_to(user).values("pk")).values("pk")
    return (
        (FunnelEvent.objects.filter(pk__in=visible) | FunnelEvent.objects.filter(pk__in=of_leads))
        .select_related("lead", "hand_off", "opportunity", "actor", "reverses", "reversed_by")
        .prefetch_related("credits__rep__team")
    )


def reachable(event: FunnelEvent, user: Any) -> set[str]:
    """Which of the event's lead, hand-off and opportunity the user may open."""
    found = set()
    for name, related in (("lead", Lead), ("hand_off", HandOff), ("opportunity", Opportunity)):
        pk = getattr(event, f"{name}_id")
        if pk is not None and related.objects.visible_to(user).filter(pk=pk).exists():
            found.add(name)
    return found
