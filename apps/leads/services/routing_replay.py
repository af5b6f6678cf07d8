"""Replay the past under a routing policy: who would have got what, beside who did. Writes nothing but its job.

Every hand-off of the last months whose meeting time was kept is routed again, in the order in which they were made,
at the customer's time: by the calendars as they are recorded (hours, time off, busy times, caps) and with the
meetings as the policy would have dealt them, not as they were. AEs have the tier and the rank, and the round robins
begin with the turns, of that time (``selectors.past_standing``); leads are judged by what is known of them today. The
same record gives the same report.
"""

import hashlib
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from apps.core.errors import InvalidInput
from apps.jobs import services as jobs
from apps.jobs.models import Job, JobState
from apps.leads.models import HandOff, Lead, RoutingPolicy
from apps.leads.rules.routing import turns
from apps.leads.rules.routing.candidates import UNRANKED, Candidate
from apps.leads.rules.routing.deciding import Facts, Outcome, decide, holds, reach_of
from apps.leads.rules.routing.policies import Rule, terms_of
from apps.leads.rules.scoring import tier_of_score
from apps.leads.selectors.availability import Why, diaries
from apps.leads.selectors.past_standing import AsTheyWere, standings_at
from apps.leads.selectors.routing import facts_of, rules_of
from apps.reps.models import Rep, Team, Tier
from apps.reps.rules.availability import Diary, monday_of, why_closed
from apps.reps.rules.open_time import micros

JOB_KIND = "leads.routing_replay"
MONTHS = (1, 3, 6)
MOST_IN_REQUEST = 250
"""Hand-offs that are replayed while a person waits; more are left to a job."""
_NEWEST = 60
_DAYS = 30

Progress = Callable[[int, int, str], None]


@dataclass
class Tally:
    """What one AE got: hand-offs, by tier of the lead, and the hours that the customers waited for them."""

    count: int = 0
    tiers: dict[str, int] = field(default_factory=dict)
    hours: int = 0

    def add(self, tier: int, wait: timedelta) -> None:
        self.count += 1
        self.tiers[str(tier)] = self.tiers.get(str(tier), 0) + 1
        self.hours += int(wait.total_seconds() // 3600)

    @property
    def by_tier(self) -> list[int]:
        """Of tier 1, 2 and 3."""
        return [self.tiers.get(tier, 0) for tier in "123"]

    @property
    def wait_words(self) -> str:
        """``31 h``; a dash without any."""
        return "–" if self.wait is None else f"{round(self.wait)} h"

    @property
    def wait(self) -> Fraction | None:
        """Mean hours from booking to the meeting."""
        return Fraction(self.hours, self.count) if self.count else None


@dataclass
class Changed:
    """A hand-off that would have gone to another: both AEs (0: nobody was free) and both explanations."""

    hand_off: int
    lead: int
    was: int
    tried: int
    was_words: str
    tried_words: str


@dataclass
class Report:
    """``happened`` and ``tried`` by rep id; ``rules``: how many each rule decided. JSON without personal data."""

    months: int
    at: datetime
    examined: int = 0
    left_out: int = 0
    same: int = 0
    nobody: int = 0
    happened: dict[int, Tally] = field(default_factory=dict)
    tried: dict[int, Tally] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)
    changed: list[Changed] = field(default_factory=list)
    changed_in_all: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at.isoformat()}

    @classmethod
    def of(cls, raw: dict[str, Any]) -> "Report":
        plain = dict(raw)
        for name in ("happened", "tried"):
            plain[name] = {int(rep): Tally(**one) for rep, one in raw[name].items()}
        plain["changed"] = [Changed(**one) for one in raw["changed"]]
        plain["at"] = datetime.fromisoformat(raw["at"])
        return cls(**plain)


# --- Asking -----------------------------------------------------------------------------------------


def hand_offs_of(*, months: int, at: datetime) -> Any:
    """Those made in the ``months`` of thirty days before ``at``, in order. Raises ``InvalidInput``."""
    if months not in MONTHS:
        raise InvalidInput("Choose one, three or six months.", field="months")
    since = at - timedelta(days=months * _DAYS)
    return HandOff.objects.filter(created_at__gte=since, created_at__lt=at).order_by("created_at", "pk")


def ask(*, policy: RoutingPolicy, months: int, at: datetime, requested_by: Any) -> Job:
    """Leave it to a job; the one that runs already for the same draft as it is, if there is one."""
    hand_offs_of(months=months, at=at)
    key = key_of(policy=policy, months=months)
    return jobs.enqueue(
        kind=JOB_KIND,
        key=key,
        params={"policy": policy.pk, "months": months, "at": at.isoformat(), "as_it_is": key},
        at=at,
        requested_by=requested_by,
    )


def key_of(*, policy: RoutingPolicy, months: int) -> str:
    """Changes whenever the outcome could for another reason than the record: what the rules say, and their order."""
    says = repr([(one.name, one.method, one.conditions, terms_of(one)) for one in rules_of(policy)])
    return f"{policy.pk}:{months}:{hashlib.sha256(says.encode()).hexdigest()[:16]}"


def latest_job(*, policy: RoutingPolicy, months: int) -> Job | None:
    """The newest job that replays the policy as it is now."""
    return Job.objects.filter(kind=JOB_KIND, key=key_of(policy=policy, months=months)).first()


def report_of(job: Job | None) -> Report | None:
    """What a job found, once it is done."""
    if job is None or job.state != JobState.DONE or "report" not in job.result:
        return None
    return Report.of(job.result["report"])


# --- Replaying --------------------------------------------------------------------------------------


def replay(*, policy: RoutingPolicy, months: int, at: datetime, progress: Progress | None = None) -> Report:
    """Route the past again. ``progress`` may raise to stop."""
    found = list(
        hand_offs_of(months=months, at=at)
        .select_related("lead__account", "meeting")
        .order_by("created_at", "pk")
    )
    timed = [one for one in found if one.meeting is not None]
    report = Report(months, at, examined=len(timed), left_out=len(found) - len(timed))
    if timed:
        world = _World(rules_of(policy), timed)
        for number, hand_off in enumerate(timed):
            if progress is not None and number % 20 == 0:
                progress(number, len(timed), "Routing past hand-offs again")
            _count(report, hand_off, world.route(hand_off))
    if progress is not None:
        progress(len(timed), len(timed), "")
    return report


def _count(report: Report, hand_off: HandOff, outcome: Outcome) -> None:
    assert hand_off.meeting is not None
    tier = tier_of_score(hand_off.lead.score)
    wait = max(hand_off.meeting.starts_at - hand_off.created_at, timedelta())
    report.happened.setdefault(hand_off.ae_id, Tally()).add(tier, wait)
    tried = outcome.chosen.rep_id if outcome.chosen else 0
    rule = outcome.decisive.rule
    report.rules[rule] = report.rules.get(rule, 0) + 1
    if tried:
        report.tried.setdefault(tried, Tally()).add(tier, wait)
    else:
        report.nobody += 1
    if tried == hand_off.ae_id:
        report.same += 1
        return
    report.changed_in_all += 1
    report.changed.insert(
        0,
        Changed(
            hand_off=hand_off.pk,
            lead=hand_off.lead_id,
            was=hand_off.ae_id,
            tried=tried,
            was_words=str((hand_off.routing or {}).get("words", "")),
            tried_words=outcome.words,
        ),
    )
    del report.changed[_NEWEST:]


class _World:
    """The AEs, their calendars without the meetings in question, and what the policy has dealt them so far."""

    def __init__(self, rules: Sequence[Rule], hand_offs: Sequence[HandOff]) -> None:
        self.rules = rules
        self.aes = list(Rep.objects.aes().select_related("team").order_by("pk"))
        starts = [one.meeting.starts_at for one in hand_offs if one.meeting]
        first, last = min(starts), max(starts) + timedelta(hours=2)
        known = diaries(aes=self.aes, first=first, last=last, at=first, with_notice=False)
        self.diaries: dict[int, Diary] = {
            pk: replace(one, meetings=(), holds=()) for pk, one in known.items()
        }
        self.busy_starts = {pk: [start for start, _ in one.busy] for pk, one in known.items()}
        self.dealt: dict[int, set[int]] = defaultdict(set)
        self.days: Counter[tuple[int, Any]] = Counter()
        self.weeks: Counter[tuple[int, Any]] = Counter()
        begins = hand_offs[0].created_at
        self.standings = standings_at(names=[rule.name for rule in rules], at=begins)
        self.as_they_were = AsTheyWere(self.aes, since=begins)
        self.takes = {
            team.pk: {one.pk for one in team.hands_off_to.all()}
            for team in Team.objects.prefetch_related("hands_off_to")
        }

    def route(self, hand_off: HandOff) -> Outcome:
        """Decide for one hand-off, and deal it."""
        assert hand_off.meeting is not None
        starts_at, ends_at = hand_off.meeting.starts_at, hand_off.meeting.ends_at
        facts = self._facts(hand_off)
        self.as_they_were.move_to(hand_off.created_at)
        candidates = self._candidates(hand_off.lead, facts, starts_at, ends_at)
        outcome = decide(self.rules, facts, candidates, self.standings)
        if outcome.chosen is not None:
            self._deal(outcome.chosen.rep_id, starts_at, ends_at)
        if outcome.turn is not None:
            pool = outcome.decisive.rule
            self.standings[pool] = turns.after(self.standings.get(pool, {}), outcome.turn)
        return outcome

    def _facts(self, hand_off: HandOff) -> Facts:
        facts = facts_of(lead=hand_off.lead, rules=self.rules, at=hand_off.created_at)
        # What came later was not known then.
        return replace(facts, earlier=tuple(one for one in facts.earlier if one.on < facts.day))

    def _candidates(
        self, lead: Lead, facts: Facts, starts_at: datetime, ends_at: datetime
    ) -> list[Candidate]:
        reached = [reach_of(rule, facts) for rule in self.rules if holds(rule, facts)]
        teams = {team for named, _ in reached for team in named}
        reps = {rep for _, named in reached for rep in named}
        takes = self.takes.get(lead.team_id or 0) or set()
        found = []
        for ae in self.aes:
            takes_team = not takes or ae.team_id in takes
            if not (takes_team or ae.team_id in teams or ae.pk in reps):
                continue
            closed = why_closed(self._near(ae.pk, starts_at, ends_at), starts_at, ends_at, starts_at)
            if closed is not None and closed.kind in (Why.NOT_BEGUN, Why.LEFT):
                continue
            tier, rank = self.as_they_were.tier_and_rank(ae.pk)
            found.append(
                Candidate(
                    rep_id=ae.pk,
                    name=ae.name,
                    tier=tier or Tier.THREE,
                    rank=rank or UNRANKED,
                    why_not=closed.words if closed else self._dealt_words(ae.pk, starts_at, ends_at),
                    team_id=ae.team_id,
                    is_present=closed is None or closed.kind not in (Why.AWAY, Why.HOURS),
                    takes_team=takes_team,
                )
            )
        return found

    def _near(self, pk: int, starts_at: datetime, ends_at: datetime) -> Diary:
        """The diary with those busy times alone that may reach into the time: none is longer than a day."""
        diary, starts = self.diaries[pk], self.busy_starts[pk]
        low = bisect_left(starts, micros(starts_at - timedelta(days=1)))
        high = bisect_left(starts, micros(ends_at))
        return replace(diary, busy=diary.busy[low:high])

    def _dealt_words(self, pk: int, starts_at: datetime, ends_at: datetime) -> str:
        """Why this AE has no room by what the policy has dealt so far; "" where there is."""
        if self.dealt[pk] & set(_halves(starts_at, ends_at)):
            return "In a meeting"
        diary = self.diaries[pk]
        day = diary.day_of(micros(starts_at))
        if self.days[pk, day] >= diary.day_cap:
            return f"At cap, {self.days[pk, day]} of {diary.day_cap} that day"
        week = self.weeks[pk, monday_of(day)]
        return f"At cap, {week} of {diary.week_cap} that week" if week >= diary.week_cap else ""

    def _deal(self, pk: int, starts_at: datetime, ends_at: datetime) -> None:
        day = self.diaries[pk].day_of(micros(starts_at))
        self.dealt[pk].update(_halves(starts_at, ends_at))
        self.days[pk, day] += 1
        self.weeks[pk, monday_of(day)] += 1


def _halves(starts_at: datetime, ends_at: datetime) -> range:
    """The half hours of UTC that a time touches, by number."""
    first = int(starts_at.timestamp()) // 1800
    return range(first, max(first + 1, -(-int(ends_at.timestamp()) // 1800)))
