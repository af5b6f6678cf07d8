"""The lists of the weekly review, each read from the record in a handful of statements.

A list is a dict of plain values, fit for a frozen copy: ``count``, ``before`` (the week before), ``reasons`` as
``[words, count, is_missing]`` and ``rows`` (at most ``MOST_ROWS``) that hold ids and never a name.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.fields.json import KT

from apps.core.money import round_half_up
from apps.core.periods import Period
from apps.leads.models import (
    Contest,
    EventKind,
    FunnelEvent,
    GatePassage,
    Lead,
    LeadStage,
    LossReason,
    RejectionReason,
)
from apps.reps.models import Quota, QuotaMeasure, Team
from apps.scorecards.models import ComplaintReason, LeadComplaint, ReviewReason, WhyNot
from apps.scorecards.rules.review import SILENT_DAYS
from apps.scorecards.rules.targets import Asked, target_for

MOST_ROWS = 300
MISSING = "No reason given"
_LEFT = {EventKind.RECYCLED: "recycled", EventKind.DISQUALIFIED: "disqualified"}
_LAST_SIGNS = (
    EventKind.MQL,
    EventKind.TOUCHED,
    EventKind.ASKED,
    EventKind.NO_SHOW,
    EventKind.CANCELLED,
    EventKind.REJECTED,
)
"""After these it is the SDR's turn; after others the lead is with the AE, or gone."""
_WORKED = (LeadStage.MCL, LeadStage.MQL, LeadStage.WORKING, LeadStage.SQL)

Listed = dict[str, Any]


class Week:
    """A team's week as its lists read it: bounds in the company's zone, what was known, reasons given so far."""

    def __init__(self, team: Team, week: Period, as_of: datetime) -> None:
        self.team, self.week, self.as_of = team, week, as_of
        self.start, self.end = week.bounds(settings.COMPANY_TIME_ZONE)
        self.before = Period(week.start - timedelta(days=7), week.start)
        given = ReviewReason.objects.filter(team=team, week_on=week.start, given_at__lte=as_of)
        self.given: Mapping[str, str] = dict(
            given.order_by("subject", "revision").values_list("subject", "reason")
        )

    def events(self, *kinds: str, before: bool = False) -> QuerySet[FunnelEvent]:
        """What occurred in the week (or in the one before it) and holds as of ``as_of``."""
        start = self.before.bounds(settings.COMPANY_TIME_ZONE)[0] if before else self.start
        end = self.start if before else self.end
        found = FunnelEvent.objects.effective(self.as_of).between(start, end)
        return found.filter(kind__in=kinds).order_by()

    def said(self, subject: str) -> str:
        """The reason that was given for it, in words; "" while nobody has."""
        reason = self.given.get(subject, "")
        return WhyNot(reason).label if reason else ""


def listed(rows: list[Listed], **more: Any) -> Listed:
    """Rows with their reasons counted, the missing ones last and by whom they are owed."""
    reasons: Counter[str] = Counter()
    owed: Counter[int] = Counter()
    for row in rows:
        times = row.get("times", 1)
        reasons[row["reason"] or MISSING] += times
        if row.get("needs"):
            owed[row.get("rep") or 0] += times
    order = sorted(reasons, key=lambda words: (words == MISSING, -reasons[words], words))
    return {
        "count": reasons.total(),
        "reasons": [[words, reasons[words], words == MISSING] for words in order],
        "missing": owed.total(),
        "owed": [[rep, count] for rep, count in sorted(owed.items(), key=lambda one: (-one[1], one[0]))],
        "rows": rows[:MOST_ROWS],
        **more,
    }


def leads(week: Week) -> Listed:
    """Leads that marketing delivered: those that became an MQL in the week and lie with the team. Three statements."""
    delivered = week.events(EventKind.MQL).filter(lead__team=week.team)
    rows = list(
        delivered.order_by("-occurred_at", "-pk").values_list(
            "pk", "lead", "occurred_at", "lead__source", "lead__score", "lead__campaign"
        )
    )
    firsts: dict[int, tuple[Any, ...]] = {row[1]: row for row in reversed(rows)}
    sources = Counter(row[3] or "Source unknown" for row in firsts.values())
    scores = Counter(row[4] for row in firsts.values())
    return {
        "count": len(firsts),
        "before": _distinct(week.events(EventKind.MQL, before=True).filter(lead__team=week.team), "lead"),
        "scores": [[letter, scores[letter]] for letter in "ABCD"],
        "reasons": [
            [name, n, False] for name, n in sorted(sources.items(), key=lambda one: (-one[1], one[0]))
        ],
        "missing": 0,
        "owed": [],
        "rows": [
            {
                "event": pk,
                "lead": lead,
                "at": at.isoformat(),
                "reason": source,
                "score": score,
                "campaign": campaign,
            }
            for pk, lead, at, source, score, campaign in list(reversed(firsts.values()))[:MOST_ROWS]
        ],
    }


def _distinct(events: QuerySet[FunnelEvent], name: str) -> int:
    return events.aggregate(n=Count(name, distinct=True))["n"]


def appointments(week: Week) -> Listed:
    """Meetings booked by the team's SDRs in the week, and what AEs have said of them by now. Four statements."""
    booked = week.events(EventKind.BOOKED).filter(hand_off__sdr__team=week.team)
    rows = list(
        booked.order_by("-occurred_at", "-pk").values_list(
            "pk", "hand_off", "lead", "occurred_at", "hand_off__sdr", "hand_off__ae"
        )
    )
    answers = dict(
        FunnelEvent.objects.effective(week.as_of)
        .filter(hand_off__in=[row[1] for row in rows], kind__in=(EventKind.ACCEPTED, EventKind.REJECTED))
        .order_by("occurred_at", "pk")
        .values_list("hand_off", "kind")
    )
    words = {EventKind.ACCEPTED: "Accepted", EventKind.REJECTED: "Rejected", "": "Waiting for the AE"}
    shown = [
        {
            "event": pk,
            "hand_off": hand_off,
            "lead": lead,
            "at": at.isoformat(),
            "rep": sdr,
            "ae": ae,
            "reason": words[answers.get(hand_off, "")],
        }
        for pk, hand_off, lead, at, sdr, ae in rows
    ]
    before = week.events(EventKind.BOOKED, before=True).filter(hand_off__sdr__team=week.team)
    return listed(shown, before=_distinct(before, "pk"), agreed=_agreed_appointments(week))


def _agreed_appointments(week: Week) -> int | None:
    """The team's quota of converted leads, by its calendar days in the week."""
    quotas = Quota.objects.filter(
        team=week.team,
        measure=QuotaMeasure.CONVERTED_LEADS,
        target_count__isnull=False,
        starts_on__lt=week.week.end,
        ends_on__gt=week.week.start,
    )
    asked = target_for(
        week.week, [Asked(Period(one.starts_on, one.ends_on), one.target_count or 0) for one in quotas]
    )
    return None if asked is None else round_half_up(asked)


def cold(week: Week) -> Listed:
    """Leads of the team that left the funnel, and those that fell silent, with why. Three statements.

    Silent: the last sign of work fell into the week ``SILENT_DAYS`` before, nothing followed by the week's end,
    and nothing is planned. So a lead stands in one week's list.
    """
    left = week.events(*_LEFT).filter(lead__team=week.team)
    rows = [
        {
            "event": pk,
            "lead": lead,
            "rep": owner,
            "at": at.isoformat(),
            "how": _LEFT[EventKind(kind)],
            "reason": _reason_words(reason or "") or week.said(f"event:{pk}"),
            "subject": f"event:{pk}",
            "needs": not (reason or week.said(f"event:{pk}")),
        }
        for pk, lead, owner, at, kind, reason in left.annotate(reason=KT("data__reason"))
        .order_by("-occurred_at", "-pk")
        .values_list("pk", "lead", "lead__owner", "occurred_at", "kind", "reason")
    ]
    for pk, lead, owner, at in _silent(week):
        subject = f"silent:{lead}:{week.week.start}"
        said = week.said(subject)
        rows.append(
            {
                "event": pk,
                "lead": lead,
                "rep": owner,
                "at": at.isoformat(),
                "how": "silent",
                "reason": said,
                "subject": subject,
                "needs": not said,
            }
        )
    before = _distinct(week.events(*_LEFT, before=True).filter(lead__team=week.team), "lead")
    return listed(rows, before=before, silent=sum(1 for row in rows if row["how"] == "silent"))


def _reason_words(code: str) -> str:
    return str(dict(LossReason.choices).get(code, code))


def _silent(week: Week) -> Iterable[tuple[int, int, int | None, datetime]]:
    window = timedelta(days=SILENT_DAYS)
    later = (
        FunnelEvent.objects.effective(week.as_of)
        .filter(lead=OuterRef("lead"), occurred_at__lt=week.end)
        .exclude(kind=EventKind.VISITED)
        .filter(
            Q(occurred_at__gt=OuterRef("occurred_at"))
            | Q(occurred_at=OuterRef("occurred_at"), pk__gt=OuterRef("pk"))
        )
    )
    planned = Q(lead__next_touch_at__gte=week.end) | Q(lead__callback_at__gte=week.end)
    found = (
        FunnelEvent.objects.effective(week.as_of)
        .between(week.start - window, week.end - window)
        .filter(kind__in=_LAST_SIGNS, lead__team=week.team, lead__stage__in=_WORKED)
        .filter(lead__merged_into__isnull=True)
        .exclude(planned)
        .filter(~Exists(later))
    )
    return list(found.order_by("occurred_at", "pk").values_list("pk", "lead", "lead__owner", "occurred_at"))


def complaints(week: Week) -> Listed:
    """Complaints about leads of the team that were made in the week and stand. Two statements."""
    standing = LeadComplaint.objects.filter(team=week.team, made_at__lte=week.as_of).standing()
    rows = standing.filter(made_at__gte=week.start, made_at__lt=week.end).values_list(
        "pk", "lead", "rep", "made_at", "reason", "source"
    )
    words = dict(ComplaintReason.choices)
    shown = [
        {
            "complaint": pk,
            "lead": lead,
            "rep": rep,
            "at": at.isoformat(),
            "reason": str(words[reason]),
            "source": source,
        }
        for pk, lead, rep, at, reason, source in rows
    ]
    start = week.before.bounds(settings.COMPANY_TIME_ZONE)[0]
    return listed(shown, before=standing.filter(made_at__gte=start, made_at__lt=week.start).count())


def rejected(week: Week) -> Listed:
    """Meetings of the team that AEs rejected in the week, by criterion; and stages entered by override.

    Beside it what AEs usually reject: of all answers of the twelve weeks before. Five statements.
    """
    answers = week.events(EventKind.REJECTED, EventKind.ACCEPTED).filter(hand_off__sdr__team=week.team)
    rows = list(
        answers.filter(kind=EventKind.REJECTED)
        .annotate(criterion=KT("data__criterion"), why=KT("data__reason"))
        .annotate(contested=Exists(Contest.objects.filter(hand_off=OuterRef("hand_off"))))
        .order_by("-occurred_at", "-pk")
        .values_list(
            "pk",
            "hand_off",
            "lead",
            "hand_off__sdr",
            "hand_off__ae",
            "occurred_at",
            "criterion",
            "why",
            "contested",
        )
    )
    words = dict(RejectionReason.choices)
    shown = [
        {
            "event": pk,
            "hand_off": hand_off,
            "lead": lead,
            "rep": sdr,
            "ae": ae,
            "at": at.isoformat(),
            "reason": (criterion or "No criterion").replace("_", " ").capitalize(),
            "why": str(words.get(why, why or "")),
            "contested": contested,
        }
        for pk, hand_off, lead, sdr, ae, at, criterion, why, contested in rows
    ]
    before = week.events(EventKind.REJECTED, before=True).filter(hand_off__sdr__team=week.team)
    return listed(
        shown,
        before=before.count(),
        answered=answers.count(),
        contested=sum(1 for row in shown if row["contested"]),
        usual=_usual_rejections(week),
        let_through=_let_through(week),
    )


def _usual_rejections(week: Week) -> list[int]:
    """``[rejected, answered]`` of the whole company in the twelve weeks before."""
    start = Period(week.week.start - timedelta(days=84), week.week.start).bounds(settings.COMPANY_TIME_ZONE)[
        0
    ]
    found = (
        FunnelEvent.objects.effective(week.as_of)
        .between(start, week.start)
        .filter(kind__in=(EventKind.ACCEPTED, EventKind.REJECTED))
        .aggregate(rejected=Count("pk", filter=Q(kind=EventKind.REJECTED)), answered=Count("pk"))
    )
    return [found["rejected"], found["answered"]]


def _let_through(week: Week) -> list[Listed]:
    """Opportunities from the team's meetings that entered a stage against its gate (PRODUCT section 6)."""
    found = (
        GatePassage.objects.overrides()
        .filter(passed_at__gte=week.start, passed_at__lt=week.end, opportunity__sourced_by__team=week.team)
        .annotate(lead=F("opportunity__lead"), rep=F("opportunity__sourced_by"))
        .order_by("-passed_at", "-pk")
    )
    return [
        {
            "opportunity": one.opportunity_id,
            "stage": one.stage,
            "at": one.passed_at.isoformat(),
            "passage": one.pk,
        }
        for one in found[:MOST_ROWS]
    ]


def owners_of(rows: Iterable[Listed]) -> set[int]:
    """The leads that rows name."""
    return {row["lead"] for row in rows if row.get("lead")}


def leads_by_id(ids: Iterable[int]) -> dict[int, Lead]:
    """The leads of some rows, in one statement."""
    return Lead.objects.in_bulk(set(ids))
