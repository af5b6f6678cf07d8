"""Try a policy on past leads before it is switched on; writes nothing but, for many leads, the job that does it.

What is asked: which of the leads that arrived lately the policy would have taken at its place in the order, which
policy has them now, and what its promises would have come to by the record (touches, dispositions, AEs' answers),
beside what the promises that were really made to the same leads came to. A lead is matched by what is known of it
today, and its promises count by its team's calendar of today.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apps.core.errors import InvalidInput
from apps.jobs import services as jobs
from apps.jobs.models import Job, JobState
from apps.leads.models import FunnelEvent, HandOff, Lead, Touch
from apps.leads.rules.conditions import match
from apps.leads.selectors.conditions import known_of, matching
from apps.reps.models import Rep, Team
from apps.reps.rules.hours import Hours
from apps.reps.selectors import hours_of, own_hours
from apps.slas.models import Clock, ClockPause, ClockState, Policy
from apps.slas.rules.dry_run import KINDS, Happened, Played, Tally, counted, play
from apps.slas.rules.promises import AE_ANSWER, TOUCHES, Done, first_match
from apps.slas.services.policies import terms_of
from apps.slas.services.verdicts import ANSWERED_BY, LEFT

JOB_KIND = "slas.dry_run"
DAYS = (30, 90)
MOST_IN_REQUEST = 3_000
"""Leads that are tried while a person waits; more are left to a job."""
_BATCH = 2_000
_NEWEST = 25

Progress = Callable[[int, int, str], None]
Span = tuple[datetime, datetime]


@dataclass
class Report:
    """What the trial found; ``as_dict`` is JSON without personal data, ``of`` reads it back.

    ``examined`` leads arrived in the ``days`` before ``at``; the conditions hold for ``matching`` of them.
    ``before`` counts those that a policy asked earlier takes, ``taken`` those that this one gets, and ``now_with``
    who has these now ("" is nobody). ``kinds``: by kind of promise (tried, recorded). ``people``: by team and rep
    id (0 is the pool). ``newest``: (lead, its policy now, verdict by kind).
    """

    days: int
    at: datetime
    examined: int = 0
    matching: int = 0
    taken: int = 0
    before: dict[str, int] = field(default_factory=dict)
    now_with: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, tuple[Tally, Tally]] = field(default_factory=dict)
    people: dict[tuple[int, int], tuple[Tally, Tally]] = field(default_factory=dict)
    newest: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)

    @property
    def tried(self) -> Tally:
        return sum((tried for tried, _ in self.kinds.values()), Tally())

    @property
    def recorded(self) -> Tally:
        return sum((recorded for _, recorded in self.kinds.values()), Tally())

    def count(self, kind: str, who: tuple[int, int], *, tried: Tally, recorded: Tally) -> None:
        self.kinds[kind] = _added(self.kinds.get(kind), tried, recorded)
        self.people[who] = _added(self.people.get(who), tried, recorded)

    def as_dict(self) -> dict[str, Any]:
        return {
            "days": self.days,
            "at": self.at.isoformat(),
            "examined": self.examined,
            "matching": self.matching,
            "taken": self.taken,
            "before": dict(self.before),
            "now_with": dict(self.now_with),
            "kinds": {kind: [astuple(one) for one in pair] for kind, pair in sorted(self.kinds.items())},
            "people": [[*who, *(astuple(one) for one in pair)] for who, pair in sorted(self.people.items())],
            "newest": [list(one) for one in self.newest],
        }

    @classmethod
    def of(cls, raw: dict[str, Any]) -> "Report":
        return cls(
            days=raw["days"],
            at=datetime.fromisoformat(raw["at"]),
            examined=raw["examined"],
            matching=raw["matching"],
            taken=raw["taken"],
            before=dict(raw["before"]),
            now_with=dict(raw["now_with"]),
            kinds={kind: (Tally(*one), Tally(*other)) for kind, (one, other) in raw["kinds"].items()},
            people={(team, rep): (Tally(*one), Tally(*other)) for team, rep, one, other in raw["people"]},
            newest=[(pk, name, verdicts) for pk, name, verdicts in raw["newest"]],
        )


def _added(was: tuple[Tally, Tally] | None, tried: Tally, recorded: Tally) -> tuple[Tally, Tally]:
    before, before_recorded = was or (Tally(), Tally())
    return before + tried, before_recorded + recorded


# --- Asking -----------------------------------------------------------------------------------------


def candidates(*, policy: Policy, days: int, at: datetime, most: int | None = None) -> list[int]:
    """The ids of leads with a team that arrived in the ``days`` before ``at`` and meet its conditions, in order.

    One statement; ``most`` cuts it short. Raises ``InvalidInput`` for another number of days.
    """
    found = _arrived(days, at).filter(matching(terms_of(policy).conditions)).order_by("pk")
    return list(found.values_list("pk", flat=True)[:most])


def dry_run(
    *,
    policy: Policy,
    days: int,
    at: datetime,
    leads: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Try the policy at its place among those in force; the same record gives the same report.

    Six statements for each 2,000 of the leads that meet the conditions, and five more. ``leads`` are the
    ``candidates``, where the caller has them already. ``progress`` may raise to stop.
    """
    ids = candidates(policy=policy, days=days, at=at) if leads is None else list(leads)
    report = Report(days, at, examined=_arrived(days, at).count(), matching=len(ids))
    trial = _Trial(policy, report)
    for start in range(0, len(ids), _BATCH):
        if progress is not None:
            progress(start, len(ids), "Trying the policy on past leads")
        trial.take(ids[start : start + _BATCH])
    if progress is not None:
        progress(len(ids), len(ids), "")
    return report


def ask(*, policy: Policy, days: int, at: datetime, requested_by: Any) -> Job:
    """Leave the trial to a job; the one that runs already for the same policy as it is, if there is one."""
    _arrived(days, at)
    params = {
        "policy": policy.pk,
        "days": days,
        "at": at.isoformat(),
        "as_it_is": key_of(policy=policy, days=days),
    }
    return jobs.enqueue(
        kind=JOB_KIND, key=key_of(policy=policy, days=days), params=params, at=at, requested_by=requested_by
    )


def key_of(*, policy: Policy, days: int) -> str:
    """Changes whenever the outcome could for another reason than the record: what any policy says, or the order."""
    rows = [
        (one.pk, one.position, one.state, str(one.changed_at))
        for one in Policy.objects.order_by("pk")
        if one.state == Policy.State.ON or one.pk == policy.pk
    ]
    return f"{policy.pk}:{days}:{hashlib.sha256(repr(rows).encode()).hexdigest()[:16]}"


def latest_job(*, policy: Policy, days: int) -> Job | None:
    """The newest job that tries the policy as it is now."""
    return Job.objects.filter(kind=JOB_KIND, key=key_of(policy=policy, days=days)).first()


def report_of(job: Job | None) -> Report | None:
    """What a job found, once it is done."""
    if job is None or job.state != JobState.DONE or "report" not in job.result:
        return None
    return Report.of(job.result["report"])


def _arrived(days: int, at: datetime) -> Any:
    if days not in DAYS:
        raise InvalidInput(f"Choose {' or '.join(str(one) for one in DAYS)} days.", field="days")
    return Lead.objects.filter(
        created_at__gte=at - timedelta(days=days), created_at__lte=at, team__isnull=False
    )


# --- Trying -----------------------------------------------------------------------------------------


@dataclass
class _Facts:
    """The record of a batch of leads, by lead."""

    events: dict[int, list[tuple[str, datetime, int | None]]]
    touches: dict[int, list[Done]]
    hand_offs: dict[int, list[tuple[int, int, datetime]]]
    clocks: dict[int, list[Clock]]
    pauses: dict[int, list[tuple[datetime, datetime | None]]]


class _Trial:
    """Takes leads a batch at a time and adds what it finds to the report."""

    def __init__(self, policy: Policy, report: Report) -> None:
        others = [one for one in Policy.objects.in_force() if one.pk != policy.pk]
        last = policy.state == Policy.State.RETIRED
        place = (float("inf") if last else policy.position, policy.pk)
        self.report, self.terms = report, terms_of(policy)
        self.earlier = [terms_of(one) for one in others if (one.position, one.pk) < place]
        self.later = [terms_of(one) for one in others if (one.position, one.pk) > place]
        self.is_on = policy.state == Policy.State.ON
        self.hours: dict[int, Hours] = {
            team.pk: hours_of(team.calendar) for team in Team.objects.select_related("calendar")
        }
        self.team_of = dict(Rep.objects.values_list("pk", "team"))
        self.own_hours = own_hours(self.team_of)

    def take(self, ids: Sequence[int]) -> None:
        leads = [lead for lead in Lead.objects.filter(pk__in=ids).order_by("pk") if self._gets(lead)]
        facts = _facts_of([lead.pk for lead in leads], self.report.at)
        for lead in leads:
            self.report.taken += 1
            now_with = self._now_with(lead)
            self.report.now_with[now_with] = self.report.now_with.get(now_with, 0) + 1
            played = self._play(lead, facts)
            self.report.newest.append((lead.pk, now_with, {one.kind: one.verdict for one in played}))
        self.report.newest = sorted(self.report.newest, reverse=True)[:_NEWEST]

    def _gets(self, lead: Lead) -> bool:
        known = known_of(lead)
        if not match(self.terms.conditions, known).ok:
            return False
        taker = first_match(self.earlier, known)
        if taker is not None:
            before = self.report.before
            before[taker.name] = before.get(taker.name, 0) + 1
        return taker is None

    def _now_with(self, lead: Lead) -> str:
        if self.is_on:
            return self.terms.name
        found = first_match(self.later, known_of(lead))
        return found.name if found else ""

    def _play(self, lead: Lead, facts: _Facts) -> list[Played]:
        """The lead's promises as tried; they and those really made are counted."""
        found = []
        for kind, who, hours, happened in self._asked(lead, facts):
            played = play(happened, terms=self.terms, hours=hours, now=self.report.at)
            if played is not None:
                found.append(played)
                self.report.count(kind, who, tried=counted(played.verdict), recorded=Tally())
        for clock in facts.clocks.get(lead.pk, []):
            who = self._who(lead, None if clock.hand_off_id is None else clock.rep_id)
            self.report.count(clock.kind, who, tried=Tally(), recorded=counted(_state(clock, self.report.at)))
        return found

    def _asked(self, lead: Lead, facts: _Facts) -> Iterator[tuple[str, tuple[int, int], Hours, Happened]]:
        """Each promise that a policy could have made to the lead: whom it counts for, by which hours, the facts."""
        clocks = {(one.kind, one.hand_off_id): one for one in facts.clocks.get(lead.pk, [])}
        own = next((one for one in clocks.values() if one.hand_off_id is None), None)
        closed_at = _closed_at(lead, clocks.values(), own)
        started_at = own.started_at if own else lead.created_at
        events = facts.events.get(lead.pk, [])
        for kind in KINDS[:-1]:
            answers = [at for found, at, _ in events if found in ANSWERED_BY.get(kind, ())]
            left = [at for found, at, _ in events if found in LEFT and at >= started_at]
            pauses, paused = _pauses(facts, clocks.get((kind, None)), self.report.at)
            yield (
                kind,
                self._who(lead),
                self.own_hours.get(lead.owner_id or 0) or self.hours[lead.team_id or 0],
                Happened(
                    kind,
                    started_at,
                    answers=answers,
                    touches=facts.touches.get(lead.pk, []) if kind == TOUCHES else (),
                    left_at=min(left, default=None),
                    closed_at=closed_at,
                    pauses=pauses,
                    paused=paused,
                ),
            )
        for hand_off_id, ae_id, created_at in facts.hand_offs.get(lead.pk, []):
            clock = clocks.get((AE_ANSWER, hand_off_id))
            pauses, paused = _pauses(facts, clock, self.report.at)
            answers = [
                at for kind, at, one in events if one == hand_off_id and kind in ANSWERED_BY[AE_ANSWER]
            ]
            yield (
                AE_ANSWER,
                self._who(lead, ae_id),
                self.own_hours.get(ae_id) or self.hours[self.team_of[ae_id]],
                Happened(
                    AE_ANSWER,
                    clock.started_at if clock else created_at,
                    answers=answers,
                    pauses=pauses,
                    paused=paused,
                ),
            )

    def _who(self, lead: Lead, ae_id: int | None = None) -> tuple[int, int]:
        """Team and rep for whom a promise counts: the AE of a hand-off, else the lead's owner now."""
        if ae_id is not None:
            return self.team_of[ae_id], ae_id
        return lead.team_id or 0, lead.owner_id or 0


def _facts_of(ids: Sequence[int], at: datetime) -> _Facts:
    """Five statements."""
    facts = _Facts(*({} for _ in range(5)))
    kinds = {kind for kinds in ANSWERED_BY.values() for kind in kinds} | set(LEFT)
    events = FunnelEvent.objects.filter(lead__in=ids, kind__in=kinds, occurred_at__lte=at).effective()
    rows = events.order_by("occurred_at", "pk").values_list("lead_id", "kind", "occurred_at", "hand_off_id")
    for lead_id, kind, occurred_at, hand_off_id in rows:
        facts.events.setdefault(lead_id or 0, []).append((kind, occurred_at, hand_off_id))
    touches = Touch.objects.filter(lead__in=ids, undone_at__isnull=True, occurred_at__lte=at)
    for lead_id, occurred_at, channel in touches.values_list("lead_id", "occurred_at", "channel"):
        facts.touches.setdefault(lead_id, []).append(Done(occurred_at, channel))
    hand_offs = HandOff.objects.filter(lead__in=ids, created_at__lte=at).order_by("pk")
    for pk, lead_id, ae_id, created_at in hand_offs.values_list("pk", "lead_id", "ae_id", "created_at"):
        facts.hand_offs.setdefault(lead_id, []).append((pk, ae_id, created_at))
    for clock in Clock.objects.filter(lead__in=ids, started_at__lte=at).order_by("pk"):
        facts.clocks.setdefault(clock.lead_id, []).append(clock)
    pauses = ClockPause.objects.filter(clock__lead__in=ids).order_by("pk")
    for clock_id, from_at, until_at in pauses.values_list("clock_id", "from_at", "until_at"):
        facts.pauses.setdefault(clock_id, []).append((from_at, until_at))
    return facts


def _pauses(facts: _Facts, clock: Clock | None, at: datetime) -> tuple[list[Span], bool]:
    """What the customer asked for holds under any policy; whether the last of it still lasts."""
    rows = facts.pauses.get(clock.pk, []) if clock else []
    spans = [(from_at, until_at or max(at, from_at)) for from_at, until_at in rows]
    return spans, any(until_at is None for _, until_at in rows)


def _closed_at(lead: Lead, clocks: Any, own: Clock | None) -> datetime | None:
    """When nobody was to work the lead any more. Without a clock of its own to tell, it never was to be."""
    ends = [
        one.cancelled_at
        for one in clocks
        if one.hand_off_id is None and one.cancelled_at and one.cancelled_because not in LEFT.values()
    ]
    if ends:
        return min(ends)
    if own is None and (lead.do_not_contact or lead.merged_into_id is not None):
        return lead.created_at
    return None


def _state(clock: Clock, at: datetime) -> str:
    """The clock's verdict as it holds at ``at``, whether or not the sweep came by."""
    overdue = clock.state == ClockState.RUNNING and clock.paused_at is None and clock.due_at < at
    return ClockState.BREACHED.value if overdue else str(clock.state)
