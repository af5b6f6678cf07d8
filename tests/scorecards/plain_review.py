"""The lists of the weekly review and what leads brought, worked out again event by event, apart from the code.

Slow and obvious on purpose: it reads all events, drops what was taken back, and counts.
"""

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from apps.core.periods import Period
from apps.leads.models import FunnelEvent, HandOff, Lead, Opportunity
from apps.reps.models import Rep, Team
from apps.scorecards.models import Spend
from apps.slas.models import Clock

SIGNS = {"mql", "touched", "asked", "no_show", "cancelled", "rejected"}
WORKED = {"mcl", "mql", "working", "sql"}


class PlainWeek:
    """A team's week from the record as was known at ``as_of``."""

    def __init__(self, team: Team, week: Period, as_of: datetime) -> None:
        known = [one for one in FunnelEvent.objects.order_by("occurred_at", "pk") if one.recorded_at <= as_of]
        taken_back = {one.reverses_id for one in known if one.reverses_id}
        self.events = [one for one in known if one.kind != "reversed" and one.pk not in taken_back]
        self.leads = {one.pk: one for one in Lead.objects.all()}
        self.team, self.week = team, week
        reps = set(Rep.objects.filter(team=team).values_list("pk", flat=True))
        self.made_by_team = {one.pk for one in HandOff.objects.all() if one.sdr_id in reps}
        zone = ZoneInfo(settings.COMPANY_TIME_ZONE)
        self.start = datetime(week.start.year, week.start.month, week.start.day, tzinfo=zone)
        self.end = datetime(week.end.year, week.end.month, week.end.day, tzinfo=zone)

    def _in(self, kind: str) -> list[FunnelEvent]:
        return [one for one in self.events if one.kind == kind and self.start <= one.occurred_at < self.end]

    def _of_team(self, one: FunnelEvent) -> bool:
        return one.lead_id is not None and self.leads[one.lead_id].team_id == self.team.pk

    def delivered(self) -> int:
        return len({one.lead_id for one in self._in("mql") if self._of_team(one)})

    def appointments(self) -> Counter[str]:
        """By what the AE has said, by now."""
        answers: dict[int | None, str] = {}
        for one in self.events:
            if one.kind in ("accepted", "rejected"):
                answers[one.hand_off_id] = one.kind
        words = {"accepted": "Accepted", "rejected": "Rejected"}
        return Counter(
            words.get(answers.get(one.hand_off_id, ""), "Waiting for the AE")
            for one in self._in("booked")
            if one.hand_off_id in self.made_by_team
        )

    def left(self) -> int:
        """Recycled and disqualified."""
        return sum(1 for kind in ("recycled", "disqualified") for one in self._in(kind) if self._of_team(one))

    def silent(self) -> set[int]:
        """Leads whose last sign of work fell into the week that ended fourteen days before this one did."""
        last: dict[int, FunnelEvent] = {}
        for one in self.events:
            if one.lead_id is not None and one.kind != "visited" and one.occurred_at < self.end:
                last[one.lead_id] = one
        window = timedelta(days=14)
        found = set()
        for pk, one in last.items():
            lead = self.leads[pk]
            planned = [
                at for at in (lead.next_touch_at, lead.callback_at) if at is not None and at >= self.end
            ]
            if (
                one.kind in SIGNS
                and self.start.astimezone(one.occurred_at.tzinfo) - window <= one.occurred_at
                and one.occurred_at < self.end.astimezone(one.occurred_at.tzinfo) - window
                and lead.team_id == self.team.pk
                and lead.stage in WORKED
                and lead.merged_into_id is None
                and not planned
            ):
                found.add(pk)
        return found

    def broken(self) -> int:
        return sum(
            1
            for one in Clock.objects.filter(team=self.team, state="breached")
            if one.kind != "touches" and one.breached_at and self.start <= one.breached_at < self.end
        )

    def rejected(self) -> Counter[str]:
        """By criterion."""
        return Counter(
            str(one.data.get("criterion") or "No criterion").replace("_", " ").capitalize()
            for one in self._in("rejected")
            if one.hand_off_id in self.made_by_team
        )


def plain_roi(period: Period) -> dict[tuple[str, str], dict[str, object]]:
    """By source and campaign: leads by step, won amounts and spend by currency."""
    zone = ZoneInfo(settings.COMPANY_TIME_ZONE)
    events = list(FunnelEvent.objects.order_by("occurred_at", "pk"))
    taken_back = {one.reverses_id for one in events if one.reverses_id}
    holds = [one for one in events if one.kind != "reversed" and one.pk not in taken_back]
    kinds = {one.pk: one.kind for one in Opportunity.objects.all()}

    def day(one: FunnelEvent) -> date:
        return one.occurred_at.astimezone(zone).date()

    cohort = {one.lead_id for one in holds if one.kind == "collected" and day(one) in period}
    steps = {
        "collected": "leads",
        "mql": "mqls",
        "qualified": "sqls",
        "accepted": "accepted",
        "rejected": "rejected",
        "won": "won",
    }
    leads = {one.pk: one for one in Lead.objects.all()}
    reached: dict[tuple[str, str], dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    revenue: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for one in holds:
        if one.lead_id not in cohort or one.lead_id is None or one.kind not in steps:
            continue
        if one.kind == "won" and one.opportunity_id and kinds[one.opportunity_id] != "new":
            continue
        lead = leads[one.lead_id]
        pair = (lead.source, lead.campaign)
        reached[pair][steps[one.kind]].add(one.lead_id)
        if one.kind == "won" and one.amount_minor is not None:
            revenue[pair][one.currency] += one.amount_minor
    spend: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for entry in Spend.objects.all():
        if entry.month_on in period:
            # A reversal carries its amount below zero, so that everything may simply be added.
            spend[entry.source, entry.campaign][entry.currency] += entry.amount_minor
    return {
        pair: {
            "counts": {step: len(reached[pair][step]) for step in steps.values()},
            "revenue": {currency: amount for currency, amount in revenue[pair].items() if amount},
            "spend": {currency: amount for currency, amount in spend[pair].items() if amount},
        }
        for pair in {*reached, *(pair for pair, found in spend.items() if any(found.values()))}
    }
