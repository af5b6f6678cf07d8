"""One lead as the panel and its page show it."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.db.models import QuerySet

from apps.leads import policies
from apps.leads.models import (
    Channel,
    HandOff,
    Lead,
    Qualification,
    Touch,
)
from apps.leads.rules import calling
from apps.leads.rules import queue as queue_rules
from apps.leads.rules.dispositions import AGREED_TOUCHES, Rules
from apps.leads.selectors.queue import CHANNEL_ICONS, deadline_of
from apps.leads.selectors.timeline import Timeline, timeline_of
from apps.leads.selectors.touch_bar import Bar, bar_of
from apps.leads.services import queue
from apps.leads.services.scoring import table_of
from apps.reps.selectors import hours_of

_KINDS = {"fit": "Fit", "intent": "Intent"}


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
    def bar(self) -> Bar:
        """What can be logged with one key."""
        return bar_of(lead=self.lead, rules=Rules.default(), now=self.now)

    @property
    def is_held(self) -> bool:
        return bool(self.lead.claimed_until and self.lead.claimed_until > self.now and self.can_work)


def leads_for(user: Any) -> QuerySet[Lead]:
    """Leads within the user's scope, with what a page reads of each joined in."""
    return Lead.objects.visible_to(user).select_related(
        "team__calendar", "owner", "account", "claimed_by", "mql_definition"
    )


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
    """``A from 80``: the letter and its threshold in points, by the version that judged the lead."""
    return table_of(lead.mql_definition).letter_words(lead.score)


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
