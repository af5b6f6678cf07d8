"""Leads of a period by source and campaign: what was spent, what became of them by now, and what they brought.

The cohort are the leads *collected* in the period; what became of them counts whenever it happened. Won and revenue
are those of new business (renewals and upsells are the account's, not the lead's). Spend is that of the period's
months. Everything comes from the funnel record and from ``Spend``.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import (
    BigIntegerField,
    Count,
    Exists,
    F,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    TextField,
    Value,
)
from django.db.models.fields.json import KT
from django.db.models.functions import NullIf, TruncMonth

from apps.core.periods import Period
from apps.leads.models import EventKind, FunnelEvent, Lead, LossReason, OpportunityKind, RejectionReason
from apps.leads.rules.close_rates import wilson
from apps.scorecards.models import Spend
from apps.scorecards.rules.roi import Outcome, Precision

STEP_OF = {
    EventKind.COLLECTED: "leads",
    EventKind.MQL: "mqls",
    EventKind.QUALIFIED: "sqls",
    EventKind.ACCEPTED: "accepted",
    EventKind.REJECTED: "rejected",
    EventKind.WON: "won",
}
UNKNOWN = "Source unknown"
MOST_ROWS = 200
_NEW_BUSINESS = Q(opportunity__isnull=True) | Q(opportunity__kind=OpportunityKind.NEW)


def _text(path: str) -> NullIf:
    """A text within an event's data. SQLite says "null" where there is a null, PostgreSQL says nothing."""
    return NullIf(KT(path), Value("null"), output_field=TextField())


def cohort(period: Period, *, user: Any, as_of: datetime | None = None) -> QuerySet[FunnelEvent]:
    """The events by which the period's leads were collected; a manager's are those of leads of the teams managed."""
    start, end = period.bounds(settings.COMPANY_TIME_ZONE)
    found = FunnelEvent.objects.effective(as_of).filter(kind=EventKind.COLLECTED).between(start, end)
    if user.role == "manager":
        found = found.filter(lead__team__manager=user)
    return found.order_by()


def events_of(
    period: Period,
    *,
    user: Any,
    source: str | None = None,
    campaign: str | None = None,
    as_of: datetime | None = None,
) -> QuerySet[FunnelEvent]:
    """What became of the cohort (of ``source`` and ``campaign``): its events, new business alone among the wins."""
    collected = cohort(period, user=user, as_of=as_of)
    if source is not None:
        collected = collected.filter(lead__source=source)
    if campaign is not None:
        collected = collected.filter(lead__campaign=campaign)
    events = FunnelEvent.objects.effective(as_of).filter(lead__in=collected.values("lead"))
    return events.exclude(Q(kind=EventKind.WON) & ~_NEW_BUSINESS).order_by()


@dataclass(frozen=True)
class Roi:
    """The page's figures: by source, and by campaign within each; ``rest`` are rows beyond the cap, together."""

    whole: Outcome
    sources: list[Outcome]
    campaigns: dict[str, list[Outcome]]
    rest: Outcome | None


def roi(period: Period, *, user: Any, as_of: datetime | None = None) -> Roi:
    """Three statements, whatever the number of leads. A manager's has no spend: that is kept for the whole company."""
    by_pair: dict[tuple[str, str], Outcome] = {}

    def pair(source: str, campaign: str) -> Outcome:
        return by_pair.setdefault((source, campaign), Outcome(campaign or "No campaign"))

    events = events_of(period, user=user, as_of=as_of)
    steps = events.filter(kind__in=list(STEP_OF))
    for source, campaign, kind, number in steps.values_list(
        "lead__source", "lead__campaign", "kind"
    ).annotate(n=Count("lead", distinct=True)):
        pair(source, campaign).counts[STEP_OF[EventKind(kind)]] += number
    won = events.filter(kind=EventKind.WON, amount_minor__isnull=False)
    for source, campaign, currency, amount in won.values_list(
        "lead__source", "lead__campaign", "currency"
    ).annotate(amount=Sum("amount_minor", output_field=BigIntegerField())):
        pair(source, campaign).revenue[currency] = int(amount)
    if user.role != "manager":
        for source, campaign, currency, amount in spent_in(period, as_of):
            pair(source, campaign).spend[currency] = int(amount)
    return _summed(by_pair)


def spent_in(period: Period, as_of: datetime | None = None) -> QuerySet[Any, Any]:
    """``(source, campaign, currency, amount)`` of the months that begin in ``period``."""
    spend = (
        Spend.objects.effective(as_of).filter(month_on__gte=period.start, month_on__lt=period.end).order_by()
    )
    return spend.values_list("source", "campaign", "currency").annotate(
        amount=Sum("amount_minor", output_field=BigIntegerField())
    )


def _summed(by_pair: dict[tuple[str, str], Outcome]) -> Roi:
    whole = Outcome("All leads")
    sources: dict[str, Outcome] = {}
    campaigns: defaultdict[str, list[Outcome]] = defaultdict(list)
    for (source, _), outcome in sorted(by_pair.items()):
        name = source or UNKNOWN
        sources.setdefault(name, Outcome(name)).add(outcome)
        campaigns[name].append(outcome)
        whole.add(outcome)
    for found in campaigns.values():
        found.sort(key=lambda one: (-one.count("leads"), one.name))
    ordered = sorted(sources.values(), key=lambda one: (-one.count("won"), -one.count("leads"), one.name))
    rest = None
    if len(ordered) > MOST_ROWS:
        rest = Outcome(f"{len(ordered) - MOST_ROWS:,} more sources")
        for one in ordered[MOST_ROWS:]:
            rest.add(one)
    return Roi(whole, ordered[:MOST_ROWS], dict(campaigns), rest)


def why_cold(
    period: Period, *, user: Any, source: str | None = None, as_of: datetime | None = None
) -> list[tuple[str, int]]:
    """Why leads of the cohort were recycled or disqualified, most frequent first. One statement."""
    events = events_of(period, user=user, source=source, as_of=as_of)
    rows = (
        events.filter(kind__in=(EventKind.RECYCLED, EventKind.DISQUALIFIED))
        .values(reason=_text("data__reason"))
        .annotate(n=Count("pk"))
    )
    words = dict(LossReason.choices)
    found: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        found[str(words.get(row["reason"], row["reason"]) or "No reason given")] += row["n"]
    return sorted(found.items(), key=lambda one: (-one[1], one[0]))


def rejected_by(
    period: Period, *, user: Any, source: str | None = None, as_of: datetime | None = None
) -> list[tuple[str, int, str]]:
    """Rejected hand-offs of the cohort by criterion, with the reason given most. One statement."""
    events = events_of(period, user=user, source=source, as_of=as_of)
    rows = (
        events.filter(kind=EventKind.REJECTED)
        .values(criterion=_text("data__criterion"), reason=_text("data__reason"))
        .annotate(n=Count("pk"))
    )
    words = dict(RejectionReason.choices)
    counts: dict[str, int] = defaultdict(int)
    reasons: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row in rows:
        criterion = (row["criterion"] or "No criterion").replace("_", " ").capitalize()
        counts[criterion] += row["n"]
        reasons[criterion].append((row["n"], str(words.get(row["reason"], row["reason"] or ""))))
    return [
        (name, count, max(reasons[name], key=lambda one: (one[0], one[1]))[1])
        for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    ]


def precision(
    *, user: Any, since: datetime, as_of: datetime | None = None, source: str | None = None
) -> list[Precision]:
    """Of the leads that each version of the MQL definition called MQL since ``since``, by month, how many went on.

    A lead counts in the month it first became an MQL, under the version that judged it then. Two statements.
    """
    effective = FunnelEvent.objects.effective(as_of)
    called = effective.filter(kind=EventKind.MQL, occurred_at__gte=since, lead__isnull=False)
    if user.role == "manager":
        called = called.filter(lead__team__manager=user)
    if source is not None:
        called = called.filter(lead__source=source)
    earlier = effective.filter(kind=EventKind.MQL, lead=OuterRef("lead")).filter(
        Q(occurred_at__lt=OuterRef("occurred_at"))
        | Q(occurred_at=OuterRef("occurred_at"), pk__lt=OuterRef("pk"))
    )
    firsts = called.filter(~Exists(earlier))

    def reached(kind: EventKind) -> Exists:
        later = FunnelEvent.objects.effective(as_of).filter(kind=kind, lead=OuterRef("lead"))
        return Exists(later.filter(_NEW_BUSINESS) if kind == EventKind.WON else later)

    rows = (
        firsts.annotate(
            month=TruncMonth("occurred_at", tzinfo=ZoneInfo(settings.COMPANY_TIME_ZONE)),
            version=_text("data__definition"),
            is_sql=reached(EventKind.QUALIFIED),
            is_accepted=reached(EventKind.ACCEPTED),
            is_won=reached(EventKind.WON),
        )
        .order_by()
        .values_list("month", "version")
        .annotate(
            called=Count("pk"),
            sqls=Count("pk", filter=Q(is_sql=True)),
            accepted=Count("pk", filter=Q(is_accepted=True)),
            won=Count("pk", filter=Q(is_won=True)),
        )
    )
    found = [
        Precision(int(version or 0), f"{month:%Y-%m}", n, {"sqls": sqls, "accepted": accepted, "won": won})
        for month, version, n, sqls, accepted, won in rows
    ]
    return sorted(found, key=lambda one: (one.version, one.month), reverse=True)


def interval(part: int, whole: int) -> tuple[float, float] | None:
    """Between which shares the true one lies with 95 % confidence."""
    return wilson(part, whole) if whole else None


def leads_behind(
    period: Period, *, user: Any, step: str, source: str, campaign: str | None, as_of: datetime | None = None
) -> QuerySet[Lead]:
    """The leads of one figure: those of the cohort that reached ``step``, and that ``user`` sees."""
    kind = next(kind for kind, name in STEP_OF.items() if name == step)
    events = events_of(period, user=user, source=source, campaign=campaign, as_of=as_of).filter(kind=kind)
    return Lead.objects.visible_to(user).filter(pk__in=events.values("lead"))


def sources_known(most: int = 300) -> list[str]:
    """The sources that leads or spend carry, for the form. Two statements."""
    leads = (
        Lead.objects.exclude(source="").order_by("source").values_list("source", flat=True).distinct()[:most]
    )
    spend = Spend.objects.order_by("source").values_list("source", flat=True).distinct()[:most]
    return sorted({*leads, *spend})


def first_collected() -> datetime | None:
    """When the record begins."""
    return FunnelEvent.objects.filter(kind=EventKind.COLLECTED).aggregate(first=Min(F("occurred_at")))[
        "first"
    ]
