"""Why a lead stands where it does: its score point by point, its place, its owner, its next step."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from django.conf import settings
from django.db.models import Q

from apps.leads.models import Lead, Reassignment, Touch
from apps.leads.models.ordering import FOCUS_CHANNELS, FocusRank
from apps.leads.rules import calling
from apps.leads.rules import queue as queue_rules
from apps.leads.selectors.changes import moves_of
from apps.leads.selectors.definitions import made_mql_by
from apps.leads.selectors.next_touch import Enrolled, NextTouch, attempts_of, enrolled, next_touch
from apps.leads.selectors.queue import CAP, scopes_of
from apps.leads.services import follow_up, queue
from apps.leads.services.scoring import table_of
from apps.reps.models import Rep
from apps.reps.selectors import rep_of

_KINDS = {"fit": "Fit", "intent": "Intent"}
_MOST_OWNERS = 20


# --- Score ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ScorePart:
    """Fit or intent: its points in words, and their sum."""

    kind: str
    parts: list[tuple[str, int]]
    total: int


def threshold_words(lead: Lead) -> str:
    """``A from 80``: the letter and its threshold in points, by the version that judged the lead."""
    return table_of(lead.mql_definition).letter_words(lead.score)


def score_parts(lead: Lead) -> list[ScorePart]:
    """The points of a score by kind, as they were when it was judged."""
    parts: dict[str, list[tuple[str, int]]] = {}
    for reason in lead.score_reasons or []:
        kind, words, points = reason
        parts.setdefault(_KINDS.get(kind, kind.title()), []).append((words, points))
    return [ScorePart(kind, found, sum(points for _, points in found)) for kind, found in parts.items()]


# --- Place ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where the lead stands in ``whose`` queue; ``ahead`` counts those before it, up to ``CAP``."""

    whose: str
    ahead: int

    @property
    def words(self) -> str:
        if self.ahead > CAP:
            return f"More than {CAP:,} come before it in {self.whose} queue."
        return f"It is number {self.ahead + 1} in {self.whose} queue now."


def _place(lead: Lead, rep: Rep, whose: str, focus: str, now: datetime) -> Place | None:
    """How many of the rep's list come before it by the written order; ``None`` when it is not in the list."""
    scopes = scopes_of(rep, now, focus)
    if not any(scope.filter(pk=lead.pk).exists() for scope in scopes):
        return None
    before = _before_it(lead, focus)
    ahead = 0
    for scope in scopes:
        ranked = scope.annotate(its_rank=FocusRank(focus)) if focus in FOCUS_CHANNELS else scope
        ahead += len(ranked.filter(before).order_by().values_list("pk", flat=True)[: CAP + 1])
    return Place(whose, ahead)


def _before_it(lead: Lead, focus: str) -> Q:
    rank = queue_rules.focus_rank(
        bucket=lead.queue_bucket or 0, channel=lead.next_channel, persona=lead.persona, focus=focus
    )
    same = Q(queue_bucket=lead.queue_bucket)
    found = Q(queue_bucket__lt=lead.queue_bucket)
    if focus in FOCUS_CHANNELS:
        found |= same & Q(its_rank__lt=rank)
        same &= Q(its_rank=rank)
    found |= same & Q(queue_sort_at__lt=lead.queue_sort_at)
    return found | (same & Q(queue_sort_at=lead.queue_sort_at, pk__lt=lead.pk))


# --- All of it ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Explanation:
    """Why it is here, for one viewer at one instant. ``place`` is ``None`` where it is in no list."""

    sentences: list[str]
    place: Place | None
    step: NextTouch | None
    calling: str
    ownership: "Ownership"
    parts: list[ScorePart]
    threshold: str
    needed: int | None
    made_mql_by: str


def explanation_of(*, lead: Lead, user: Any, now: datetime, zone: tzinfo) -> Explanation:
    """A bounded number of statements. ``lead`` comes from ``selectors.lead.leads_for``."""
    own = rep_of(user)
    rep = own if own and own.pk == lead.owner_id else lead.owner or own
    whose = "your" if rep is not None and rep == own else f"{rep.name}’s" if rep else ""
    focus = queue.focus_channel(rep=rep, at=now) if rep else ""
    within = enrolled(lead)
    return Explanation(
        sentences=_sentences(lead, within, now, zone, focus),
        place=_place(lead, rep, whose, focus, now) if rep and lead.queue_bucket else None,
        step=_step(lead, within, now),
        calling=calling_words(lead, now),
        ownership=ownership_of(lead),
        parts=score_parts(lead),
        threshold=threshold_words(lead),
        needed=lead.mql_definition.needed if lead.mql_definition else None,
        made_mql_by=made_mql_by(lead),
    )


def _sentences(lead: Lead, within: Enrolled | None, now: datetime, zone: tzinfo, focus: str) -> list[str]:
    step = within.queue_step if within and not within.is_paused else None
    standing = queue.standing_of(lead)
    return queue_rules.explain(standing=standing, now=now, zone=zone, focus=focus, step=step)


def _step(lead: Lead, within: Enrolled | None, now: datetime) -> NextTouch | None:
    policy, _ = follow_up.rules_in_force(now)
    last = attempts_of(lead, most=1)
    words = (
        f"by the follow-up rules, version {policy.version}" if policy else "by the built-in follow-up rules"
    )
    return next_touch(lead=lead, last=last[-1] if last else None, within=within, rules_words=words, now=now)


# --- Calling --------------------------------------------------------------------------------------------


def calling_words(lead: Lead, now: datetime) -> str:
    """Whether one may call now, and why."""
    if lead.do_not_contact:
        return "Nobody may call: they opted out of everything."
    if "call" in (lead.closed_channels or []):
        return "Nobody may call: they closed this channel."
    theirs = calling.their_time(lead.time_zone, now, fallback=settings.COMPANY_TIME_ZONE)
    hours = f"{calling.OPENS:%H:%M} to {calling.CLOSES:%H:%M}, Monday to Friday, their time"
    if not theirs.is_known:
        state = "is proper" if theirs.is_proper else f"is proper {theirs.hour_words}"
        return f"Their time zone is not known, so the company’s stands in for it: calling {state}."
    if theirs.is_proper:
        return f"It is {theirs.local:%a %H:%M} for them: calling is proper ({hours})."
    return (
        f"It is {theirs.local:%a %H:%M} for them, outside their calling hours ({hours}). Calls are proper"
        f" {theirs.hour_words}; before that only a promised callback, or when they ask for it themselves."
    )


# --- Owner ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Holder:
    """Somebody who had or touched the lead: ``how`` says since when and in which way."""

    name: str
    how: str
    at: datetime | None


@dataclass(frozen=True)
class Ownership:
    """``words`` says how the owner came to be; ``before`` are those who had or touched it, latest first."""

    words: str
    before: list[Holder]


def ownership_of(lead: Lead) -> Ownership:
    """From the reassignments and the touches. Three statements at most."""
    changes = list(
        Reassignment.objects.filter(moves_of([lead.pk]), undone_at__isnull=True)
        .select_related("by")
        .order_by("-at", "-pk")[:_MOST_OWNERS]
    )
    moves = [(one, *_ends(one, lead)) for one in changes]
    touches = list(
        Touch.objects.filter(lead=lead, undone_at__isnull=True)
        .order_by("occurred_at", "pk")
        .values_list("rep_id", "occurred_at")[:200]
    )
    named = {before for _, before, _ in moves} | {pk for pk, _ in touches}
    names = dict(Rep.objects.filter(pk__in=[pk for pk in named if pk]).values_list("pk", "name"))
    return Ownership(_owner_words(lead, moves, touches), _before(lead, moves, touches, names))


_Move = tuple[Reassignment, int | None, int | None]


def _ends(one: Reassignment, lead: Lead) -> tuple[int | None, int | None]:
    """Who had the lead before that act, and after it."""
    before, _, after, _ = one.moves[str(lead.pk)]
    return before, after


def _owner_words(lead: Lead, moves: list[_Move], touches: list[tuple[int, datetime]]) -> str:
    if lead.owner is None:
        team = lead.team.name if lead.team else "no team"
        return f"Nobody owns it: it lies in the pool of {team}, and whoever touches it first has it."
    if moves and moves[0][2] == lead.owner_id:
        return f"{lead.owner.name} has it: {moves[0][0].by.name} passed it on."
    if touches and lead.owner_id in {pk for pk, _ in touches}:
        return f"{lead.owner.name} has it: whoever touches a lead of the pool first has it."
    return f"{lead.owner.name} was given it."


def _before(
    lead: Lead, moves: list[_Move], touches: list[tuple[int, datetime]], names: dict[int, str]
) -> list[Holder]:
    found: dict[int, Holder] = {}
    for one, before, _ in moves:
        if before in names and before != lead.owner_id:
            found.setdefault(before, Holder(names[before], "had it until", one.at))
    for pk, at in reversed(touches):
        if pk in names and pk != lead.owner_id:
            found.setdefault(pk, Holder(names[pk], "touched it last", at))
    return list(found.values())
