"""The next step of a lead: what, over which channel, when, for what purpose, and why; and the strip of steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from apps.leads.models import (
    Cadence,
    Channel,
    Disposition,
    Enrolment,
    Lead,
    LeadStage,
    Motion,
    Purpose,
    Touch,
)
from apps.leads.rules import cadences
from apps.leads.rules import queue as queue_rules
from apps.leads.rules.conditions import match, parse_conditions
from apps.leads.rules.dispositions import Rules, open_channel
from apps.leads.selectors.conditions import known_of
from apps.leads.selectors.queue import CHANNEL_ICONS
from apps.reps.rules.business_time import Hours

_CHANNELS = dict(Channel.choices)
_PURPOSES = dict(Purpose.choices)
_DISPOSITIONS = dict(Disposition.choices)


@dataclass(frozen=True)
class Attempt:
    """A touch that counts, as far as the strip and the reasons need it."""

    channel: str
    disposition: str
    at: datetime
    enrolment_id: int | None
    step_number: int | None


@dataclass(frozen=True)
class NextTouch:
    """``at`` is ``None`` for "now"; ``script`` is what the cadence's step says to say or write."""

    what: str
    icon: str
    at: datetime | None
    is_due: bool
    why: str
    purpose: str
    script: str = ""


@dataclass(frozen=True)
class Step:
    """A step in the strip: ``state`` is done, now or "" (still to come); ``about`` says it in full."""

    icon: str
    word: str
    state: str
    about: str


@dataclass(frozen=True)
class Enrolled:
    """The open enrolment, with its version's steps. ``step`` counts from 1."""

    enrolment: Enrolment
    steps: tuple[cadences.Step, ...]

    @property
    def name(self) -> str:
        return self.enrolment.version.cadence.name

    @property
    def is_paused(self) -> bool:
        return self.enrolment.state == Enrolment.State.PAUSED

    @property
    def number(self) -> int:
        """The step that comes next, never beyond the last."""
        return min(self.enrolment.step, len(self.steps))

    @property
    def current(self) -> cadences.Step:
        return self.steps[self.number - 1]

    @property
    def words(self) -> str:
        return f"step {self.number} of {len(self.steps)}"

    @property
    def queue_step(self) -> queue_rules.Step:
        """As the explanation of the queue reads it."""
        return queue_rules.Step(self.number, len(self.steps), self.name)


def attempts_of(lead: Lead, *, most: int) -> list[Attempt]:
    """The latest touches that were not undone, oldest first. One statement."""
    rows = (
        Touch.objects.filter(lead=lead, undone_at__isnull=True)
        .order_by("-occurred_at", "-pk")
        .values_list("channel", "disposition", "occurred_at", "enrolment_id", "step_number")[:most]
    )
    return [Attempt(*row) for row in rows][::-1]


def bad_channels(attempts: Sequence[Attempt]) -> set[str]:
    """Channels whose number or address proved bad at the last attempt over them."""
    last = {one.channel: one.disposition for one in attempts}
    return {channel for channel, disposition in last.items() if disposition == Disposition.BAD_CONTACT}


def enrolled(lead: Lead) -> Enrolled | None:
    """The cadence in which the lead is. One statement."""
    found = lead.enrolments.open().select_related("version__cadence").first()
    if found is None:
        return None
    return Enrolled(found, cadences.parse_steps(found.version.steps))


def next_touch(
    *, lead: Lead, last: Attempt | None, within: Enrolled | None, rules_words: str, now: datetime
) -> NextTouch | None:
    """What comes next for a lead that is worked; ``None`` when nothing does. No statement."""
    if not lead.is_workable:
        return None
    at = lead.callback_at or lead.next_touch_at
    channel = _channel(lead) if lead.next_channel or at or lead.touch_count == 0 else ""
    why, script = _why(lead, last, within, rules_words)
    purpose = lead.next_purpose or (within.current.purpose if within else "")
    return NextTouch(
        what="Call back" if lead.callback_at else _CHANNELS.get(channel, "Decide"),
        icon=CHANNEL_ICONS.get(Channel(channel), "phone") if channel else "flag",
        at=at,
        is_due=at is None or at <= now,
        why=why,
        purpose=_PURPOSES.get(purpose, ""),
        script=script,
    )


def _channel(lead: Lead) -> str:
    """The planned channel, or the usual one; where that is closed the next open one, "" where none is."""
    return open_channel(lead.next_channel or Channel.CALL.value, lead.closed_channels or ())


def _why(lead: Lead, last: Attempt | None, within: Enrolled | None, rules_words: str) -> tuple[str, str]:
    """The one reason that holds, and the script of the cadence's step where that is the reason."""
    came = _DISPOSITIONS.get(last.disposition, "").lower() if last else ""
    if lead.callback_at:
        return "They asked to be called back then; a promised callback comes before everything else.", ""
    if lead.proposal:
        return f"{lead.proposal_reason or 'The agreed touches are used up'}: decide whether to go on.", ""
    if last and lead.last_visit_at and lead.last_visit_at > last.at:
        return "They were on the site since the last touch: the next one was moved up.", ""
    if within and not within.is_paused:
        step = within.current
        when = "" if step.when is cadences.When.ALWAYS else f", {step.when_words}"
        wait = f", {step.wait_words}" if step.number > 1 else ""
        version = within.enrolment.version.number
        return f"It is {within.words} of {within.name}, version {version}{wait}{when}.", step.script
    if lead.stage == LeadStage.RECYCLED:
        return f"It was recycled ({(lead.stage_reason or 'no reason given').lower()}) and comes back.", ""
    if lead.stage == LeadStage.SQL:
        return "It meets the SQL definition: book a meeting with an AE.", ""
    if last:
        return f"After “{came}”, {rules_words}.", ""
    if lead.is_inbound:
        return "They came by themselves and wait for a first answer.", ""
    return "Nobody has tried them yet.", ""


def what_is_next(lead: Lead, now: datetime, zone: tzinfo) -> str:
    """After an act, in a few words: ``email today, 14:10``, ``back on Fri 20 Feb``; what is, not what a rule says."""
    if lead.do_not_contact:
        return "nobody contacts them"
    if lead.proposal:
        return f"{lead.get_proposal_display().lower()} it, or keep working"
    if lead.stage == LeadStage.RECYCLED and lead.reentry_on:
        return f"back on {lead.reentry_on:%a} {lead.reentry_on.day} {lead.reentry_on:%b}"
    if not lead.is_workable:
        return f"none, it is {lead.get_stage_display().lower()}"
    at = lead.callback_at or lead.next_touch_at
    what = "call back" if lead.callback_at else _CHANNELS.get(lead.next_channel, "decide").lower()
    if at is None or at <= now:
        return f"{what} now"
    local = at.astimezone(zone)
    today = local.date() == now.astimezone(zone).date()
    day = "today" if today else f"{local:%a} {local.day} {local:%b}"
    return f"{what} {day}, {local:%H:%M}"


# --- The strip ------------------------------------------------------------------------------------------


def strip_of(
    *,
    lead: Lead,
    attempts: Sequence[Attempt],
    within: Enrolled | None,
    rules: Rules,
    hours: Hours | None,
    now: datetime,
    zone: tzinfo,
) -> list[Step]:
    """The cadence's steps where the lead is in one, else the touches so far of the agreed number."""
    if within:
        return _of_cadence(within, attempts, hours, now, zone)
    agreed = rules.agreed_touches
    steps = [
        _done(one.channel, _day(one.at, now, zone), one.disposition) for one in attempts[-(agreed - 1) :]
    ]
    if lead.is_workable:
        channel = _channel(lead) or Channel.CALL.value
        planned = lead.callback_at or lead.next_touch_at
        steps.append(_to_come(channel, planned, now, zone, state="now"))
        steps += [
            Step("minus", str(number), "", f"Touch {number}, not planned yet")
            for number in range(len(steps) + 1, agreed + 1)
        ]
    return steps


def _of_cadence(
    within: Enrolled, attempts: Sequence[Attempt], hours: Hours | None, now: datetime, zone: tzinfo
) -> list[Step]:
    """Steps done with their day, the next one, and those after it on the days on which they would fall due."""
    made = {one.step_number: one for one in attempts if one.enrolment_id == within.enrolment.pk}
    planned = within.enrolment.due_at
    steps = []
    for step in within.steps:
        if step.number < within.enrolment.step:
            touch = made.get(step.number)
            word = _day(touch.at, now, zone) if touch else "Passed"
            steps.append(
                _done(touch.channel if touch else step.channel, word, touch.disposition if touch else "")
            )
            continue
        if step.number > within.enrolment.step and planned is not None and hours is not None:
            planned = cadences.due_at(step, since=max(planned, now), hours=hours)
        state = "now" if step.number == within.enrolment.step else ""
        word = "Paused" if within.is_paused else ""
        steps.append(_to_come(step.channel, planned, now, zone, state=state, word=word))
    return steps


def _done(channel: str, word: str, disposition: str) -> Step:
    came = _DISPOSITIONS.get(disposition, "passed over").lower()
    return Step(
        CHANNEL_ICONS.get(Channel(channel), "phone"), word, "done", f"{_CHANNELS[channel]}, {word}: {came}"
    )


def _to_come(
    channel: str, planned: datetime | None, now: datetime, zone: tzinfo, *, state: str, word: str = ""
) -> Step:
    known = channel if channel in _CHANNELS else Channel.CALL.value
    due = planned is None or planned <= now
    if not word:
        word = ("Now" if state else "Later") if due else _day(planned, now, zone)  # type: ignore[arg-type]
    return Step(CHANNEL_ICONS[Channel(known)], word, state, f"{_CHANNELS[known]}, {word.lower()}")


def _day(at: datetime, now: datetime, zone: tzinfo) -> str:
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    if local.date() == today:
        return "Today"
    if abs(local.date() - today) < timedelta(days=6):
        return f"{local:%a}"
    return f"{local.day} {local:%b}"


# --- Which cadence it could be in ----------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """An active cadence; ``fits`` when the lead meets its motion and conditions."""

    pk: int
    name: str
    fits: bool


def choices_for(lead: Lead) -> list[Choice]:
    """Active cadences, those that fit first, in the order in which they are asked. One statement."""
    known = known_of(lead)
    motion = Motion.INBOUND if lead.is_inbound else Motion.OUTBOUND
    wanted = {Motion.RECYCLED} if lead.stage == LeadStage.RECYCLED else {motion}
    found = [
        Choice(
            cadence.pk,
            cadence.name,
            cadence.motion in wanted and match(parse_conditions(cadence.conditions), known).ok,
        )
        for cadence in Cadence.objects.filter(is_active=True).order_by("position", "pk")
    ]
    return sorted(found, key=lambda one: not one.fits)
