"""One lead as the panel and its page show it, for one viewer at one instant."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from apps.core.periods import day_of
from apps.leads import policies
from apps.leads.models import Account, FollowUpPolicy, HandOff, Lead, Qualification
from apps.leads.rules import calling
from apps.leads.rules.dispositions import Rules
from apps.leads.rules.exploration import Budget
from apps.leads.selectors.contact import Twin, Way, twins_of, ways_of
from apps.leads.selectors.next_touch import (
    Choice,
    Enrolled,
    NextTouch,
    Step,
    attempts_of,
    bad_channels,
    choices_for,
    enrolled,
    next_touch,
    strip_of,
)
from apps.leads.selectors.queue import deadline_of
from apps.leads.selectors.timeline import Timeline, timeline_of
from apps.leads.selectors.touch_bar import Bar, bar_of
from apps.leads.selectors.why import ScorePart, score_parts, threshold_words
from apps.leads.services import exploration, follow_up
from apps.reps.selectors import hours_of

_MOST_ATTEMPTS = 60


@dataclass(frozen=True)
class Dossier:
    """What is known of a lead. ``why_not`` says why the viewer may not work it now; "" when they may."""

    lead: Lead
    now: datetime
    zone: tzinfo
    why_not: str
    bad: set[str]
    theirs: calling.TheirTime
    due_at: datetime | None
    warn_at: datetime | None
    timeline: Timeline
    qualification: Qualification | None
    hand_off: HandOff | None
    policy: FollowUpPolicy | None
    rules: Rules
    within: Enrolled | None
    next_touch: NextTouch | None
    steps: list[Step]
    ways: list[Way]
    twins: list[Twin]
    account: Account | None
    budget: Budget | None
    may_close: bool
    may_steer: bool
    cadences: list[Choice]

    @property
    def can_work(self) -> bool:
        return not self.why_not

    @property
    def score_parts(self) -> list[ScorePart]:
        return score_parts(self.lead)

    @property
    def threshold_words(self) -> str:
        return threshold_words(self.lead)

    @property
    def tries(self) -> str:
        return f"{self.lead.touch_count} of {self.rules.agreed_touches}"

    @property
    def bar(self) -> Bar:
        """What can be logged with one key."""
        return bar_of(lead=self.lead, rules=self.rules, bad=self.bad, now=self.now)

    @property
    def is_held(self) -> bool:
        return bool(self.lead.claimed_until and self.lead.claimed_until > self.now and self.can_work)

    @property
    def closed_ways(self) -> list[Way]:
        """The channels that they closed one by one; an opt-out from all is told apart."""
        return [] if self.lead.do_not_contact else [way for way in self.ways if way.is_closed]

    @property
    def call(self) -> Way:
        return self.ways[0]

    @property
    def their_clock(self) -> str:
        """Their wall clock. (A template's own date filter would turn it into the server's zone.)"""
        return f"{self.theirs.local:%H:%M}"

    @property
    def their_day_and_clock(self) -> str:
        return f"{self.theirs.local:%a %H:%M}"

    @property
    def asks_for_wish(self) -> bool:
        """A call now would be outside their hours: only at their own wish, unless a promised callback."""
        return not self.theirs.is_proper


def leads_for(user: Any) -> QuerySet[Lead]:
    """Leads within the user's scope, with what a page reads of each joined in."""
    return Lead.objects.visible_to(user).select_related(
        "team__calendar", "owner__calendar", "account", "claimed_by", "mql_definition", "merged_into"
    )


def dossier_of(*, lead: Lead, user: Any, now: datetime, zone: tzinfo) -> Dossier:
    """A bounded number of statements. ``lead`` comes from ``leads_for``."""
    own = lead.owner.calendar if lead.owner else None
    hours = hours_of(own or lead.team.calendar) if lead.team else None
    due_at, warn_at = deadline_of(lead, hours) if hours else (lead.due_at, lead.warn_at)
    policy, rules = follow_up.rules_in_force(now)
    attempts = attempts_of(lead, most=_MOST_ATTEMPTS)
    within = enrolled(lead)
    may_steer = policies.ENROL_LEAD.allows(user, lead) and lead.is_workable
    return Dossier(
        lead=lead,
        now=now,
        zone=zone,
        why_not=_why_not(lead, user, now),
        bad=bad_channels(attempts),
        theirs=calling.their_time(lead.time_zone, now, fallback=settings.COMPANY_TIME_ZONE),
        due_at=due_at if lead.queue_bucket else None,
        warn_at=warn_at,
        timeline=timeline_of(lead),
        qualification=lead.qualifications.select_related("definition", "rep")
        .prefetch_related("answers")
        .first(),
        hand_off=lead.hand_offs.select_related("ae__team", "sdr", "meeting").first(),
        policy=policy,
        rules=rules,
        within=within,
        next_touch=next_touch(
            lead=lead,
            last=attempts[-1] if attempts else None,
            within=within,
            rules_words=rules_words(policy),
            now=now,
        ),
        steps=strip_of(
            lead=lead, attempts=attempts, within=within, rules=rules, hours=hours, now=now, zone=zone
        ),
        ways=ways_of(lead),
        twins=twins_of(lead, user),
        account=_account(lead, user),
        budget=_budget(lead, user, now),
        may_close=policies.CLOSE_CHANNEL.allows(user, lead) and lead.merged_into_id is None,
        may_steer=may_steer,
        cadences=choices_for(lead) if may_steer and within is None else [],
    )


def rules_words(policy: FollowUpPolicy | None) -> str:
    """Which follow-up rules named the next step."""
    return (
        f"by the follow-up rules, version {policy.version}" if policy else "by the built-in follow-up rules"
    )


def _account(lead: Lead, user: Any) -> Account | None:
    """The account where the viewer may open it."""
    if lead.account is None or not policies.SEE_ACCOUNTS.admits(user):
        return None
    return Account.objects.visible_to(user).filter(pk=lead.account.pk).first()


def _budget(lead: Lead, user: Any, now: datetime) -> Budget | None:
    """What the viewer may still hand over outside the profile this quarter, where the lead would be that."""
    if not lead.is_exploration or not policies.WORK_LEAD.allows(user, lead):
        return None
    return exploration.budget_of(rep=user.rep, day=day_of(now, settings.COMPANY_TIME_ZONE))


def _why_not(lead: Lead, user: Any, now: datetime) -> str:
    if lead.merged_into_id is not None:
        return "It was merged into another lead, which goes on."
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
