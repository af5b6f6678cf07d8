"""Visits and conversions that outreach and campaigns caused, of a month and the months before it, apart by
rep, campaign, channel and month; and the events behind each figure. No pay.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import TruncMonth

from apps.core.periods import Period, day_of, month_of, trailing_months
from apps.leads.models import Channel, EventCredit, EventKind, FunnelEvent
from apps.leads.rules import attribution
from apps.leads.selectors import visits as visit_rows
from apps.leads.selectors.motions import COHORT_DAYS

MONTHS = 6
BY_CAMPAIGN, UNKNOWN = "campaign", "unknown"
"""In place of a channel: no touch caused the visit."""
_CHANNELS = {**dict(Channel.choices), BY_CAMPAIGN: "A campaign alone", UNKNOWN: "Not known"}


@dataclass(frozen=True)
class Filters:
    """Which events of a figure are asked for: ``what`` is visits or conversions; the rest may be empty."""

    what: str = "visits"
    rep: int | None = None
    campaign: str | None = None
    channel: str = ""

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> "Filters":
        rep, what, channel = asked.get("rep", ""), asked.get("what", ""), asked.get("channel", "")
        return cls(
            what if what in ("visits", "conversions") else "visits",
            int(rep) if rep.isdigit() and len(rep) < 19 else None,
            asked.get("campaign"),
            channel if channel in _CHANNELS else "",
        )

    @property
    def words(self) -> str:
        """``email, campaign Spring letter``: what the list is narrowed to, beside the rep."""
        parts = [_CHANNELS[self.channel].lower()] if self.channel else []
        if self.campaign is not None:
            parts.append(f"campaign {self.campaign}" if self.campaign else "without a campaign")
        return ", ".join(parts)

    def query(self, month: Period) -> str:
        pairs: dict[str, Any] = {"month": month.code, "what": self.what}
        pairs |= {"rep": self.rep} if self.rep else {}
        pairs |= {"channel": self.channel} if self.channel else {}
        pairs |= {"campaign": self.campaign} if self.campaign is not None else {}
        return "?" + urlencode(pairs)


@dataclass(frozen=True)
class Line:
    """One row of a table: what it is of, its two figures, and where the events behind them are."""

    name: str
    visits: int
    conversions: int
    filters: Filters
    month: Period
    rate: attribution.Rate | None = None

    @property
    def visits_query(self) -> str:
        return replace(self.filters, what="visits").query(self.month)

    @property
    def conversions_query(self) -> str:
        return replace(self.filters, what="conversions").query(self.month)


@dataclass(frozen=True)
class Outreach:
    """A month: the whole, the tables, and the rate of visit to conversion over a cohort that is complete."""

    month: Period
    by_rep: list[Line]
    by_campaign: list[Line]
    by_channel: list[Line]
    by_month: list[Line]
    caused_by_touch: int
    caused_by_campaign: int
    unknown: int
    conversions: int
    rate: attribution.Rate
    cohort: tuple[datetime, datetime]
    latest: list[visit_rows.Conversion]

    @property
    def visits(self) -> int:
        return self.caused_by_touch + self.caused_by_campaign + self.unknown


@dataclass(frozen=True)
class _Fact:
    """So many visits, or one conversion, of one kind."""

    rep: int | None
    name: str
    campaign: str
    channel: str
    month: Period
    count: int
    is_conversion: bool = False


def outreach(*, user: Any, month: Period, at: datetime) -> Outreach:
    """What the user may see of ``month``. Eight statements, whatever the number of reps and visits."""
    zone = settings.COMPANY_TIME_ZONE
    months = [*trailing_months(month.start, MONTHS - 1).months(), month]
    start, end = months[0].bounds(zone)[0], month.bounds(zone)[1]
    matured = min(end, at - attribution.CONVERTS_WITHIN)
    cohort = (matured - timedelta(days=COHORT_DAYS), matured)
    converted = _conversions(user, min(start, cohort[0]), max(end, matured + attribution.CONVERTS_WITHIN))
    details = _details({one.visit_id for one in converted})
    facts = _visits(user, start, end)
    for one in converted:
        if start <= one.occurred_at < end:
            facts.append(_fact(one, details[one.visit_id]))
    now = [fact for fact in facts if fact.month == month]
    rates = _rates(user, cohort, converted, details)
    causes = Counter[str]()
    for fact in now:
        if not fact.is_conversion:
            causes["touch" if fact.channel in Channel.values else fact.channel] += fact.count
    by_rep = _lines(now, month, lambda fact: (fact.name, {"rep": fact.rep}) if fact.rep else None)
    first, last = month.bounds(zone)
    latest = [one for one in converted if first <= one.occurred_at < last][:8]
    return Outreach(
        month=month,
        by_rep=[replace(line, rate=rates.get(line.filters.rep)) for line in by_rep],
        by_campaign=_lines(now, month, lambda fact: _campaign(fact) if fact.channel != UNKNOWN else None),
        by_channel=_lines(now, month, lambda fact: (_CHANNELS[fact.channel], {"channel": fact.channel})),
        by_month=[_month_line(facts, one) for one in reversed(months)],
        caused_by_touch=causes["touch"],
        caused_by_campaign=causes[BY_CAMPAIGN],
        unknown=causes[UNKNOWN],
        conversions=sum(fact.is_conversion for fact in now),
        rate=rates.get(None, attribution.Rate(0, 0)),
        cohort=cohort,
        latest=visit_rows.told(latest),
    )


def _campaign(fact: _Fact) -> tuple[str, dict[str, Any]]:
    return fact.campaign or "No campaign", {"campaign": fact.campaign}


def _lines(
    facts: list[_Fact], month: Period, of: Callable[[_Fact], tuple[str, dict[str, Any]] | None]
) -> list[Line]:
    visits, conversions = Counter[tuple[str, Any]](), Counter[tuple[str, Any]]()
    for fact in facts:
        found = of(fact)
        if found is not None:
            key = (found[0], tuple(found[1].items()))
            (conversions if fact.is_conversion else visits)[key] += fact.count
    lines = [
        Line(name, visits[name, given], conversions[name, given], Filters(**dict(given)), month)
        for name, given in {**visits, **conversions}
    ]
    return sorted(lines, key=lambda line: (-line.conversions, -line.visits, line.name))


def _month_line(facts: list[_Fact], month: Period) -> Line:
    own = [fact for fact in facts if fact.month == month and fact.channel != UNKNOWN]
    visits = sum(fact.count for fact in own if not fact.is_conversion)
    return Line(month.name, visits, sum(fact.is_conversion for fact in own), Filters(), month)


def _visits(user: Any, start: datetime, end: datetime) -> list[_Fact]:
    """Visits in the user's scope, counted by the database. One statement."""
    rows = (
        _visible_visits(user, start, end)
        .annotate(
            month=TruncMonth("occurred_at", tzinfo=ZoneInfo(settings.COMPANY_TIME_ZONE)),
            campaign=KT("data__campaign"),
            channel=KT("data__channel"),
            cause=KT("data__cause"),
        )
        .order_by()
        .values_list("credits__rep", "credits__rep__name", "campaign", "channel", "cause", "month")
        .annotate(n=Count("pk"))
    )
    return [
        _Fact(rep, name or "", campaign or "", channel or cause or UNKNOWN, month_of(month.date()), n)
        for rep, name, campaign, channel, cause, month, n in rows
    ]


def _visible_visits(user: Any, start: datetime, end: datetime) -> QuerySet[FunnelEvent]:
    visible = FunnelEvent.objects.visible_to(user).effective()
    return visible.filter(kind=EventKind.VISITED).between(start, end)


def _conversions(user: Any, start: datetime, end: datetime) -> list[Any]:
    """Conversions whose visit the user may see, the latest first. One statement."""
    found = visit_rows.in_scope_of(user, visit_rows.conversions_caused())
    return list(
        found.filter(occurred_at__gte=start, occurred_at__lt=end)
        .select_related("lead")
        .order_by("-occurred_at", "-pk")
    )


@dataclass(frozen=True)
class _Visit:
    rep: int | None
    name: str
    data: dict[str, Any]


def _details(keys: set[int]) -> dict[int, _Visit]:
    rows = FunnelEvent.objects.filter(pk__in=keys).order_by()
    values = rows.values_list("pk", "credits__rep", "credits__rep__name", "data")
    return {pk: _Visit(rep, name or "", data) for pk, rep, name, data in values}


def _fact(conversion: Any, visit: _Visit) -> _Fact:
    day = day_of(conversion.occurred_at, settings.COMPANY_TIME_ZONE)
    channel = visit.data.get("channel") or visit.data.get("cause") or UNKNOWN
    return _Fact(
        visit.rep, visit.name, visit.data.get("campaign", ""), channel, month_of(day), 1, is_conversion=True
    )


def _rates(
    user: Any, cohort: tuple[datetime, datetime], converted: list[Any], details: dict[int, _Visit]
) -> dict[int | None, attribution.Rate]:
    """By rep (``None`` is everybody): people whom a touch brought in the cohort, and who converted."""
    brought: dict[int | None, set[int]] = {}
    won: dict[int | None, set[int]] = {}
    rows = (
        _visible_visits(user, *cohort)
        .filter(data__cause=attribution.CauseKind.TOUCH.value)
        .order_by()
        .values_list("credits__rep", "lead")
        .distinct()
    )
    for rep, lead in rows:
        for key in (rep, None):
            brought.setdefault(key, set()).add(lead)
    for one in converted:
        credited = details[one.visit_id].rep
        if credited is not None and cohort[0] <= one.visited_at < cohort[1]:
            for key in (credited, None):
                won.setdefault(key, set()).add(one.lead_id)
    return {
        key: attribution.Rate(len(won.get(key, set()) & leads), len(leads)) for key, leads in brought.items()
    }


def events_behind(*, user: Any, filters: Filters, month: Period) -> QuerySet[FunnelEvent]:
    """The events of one figure: visits, or conversions (with ``visit_id``), within the user's scope."""
    start, end = month.bounds(settings.COMPANY_TIME_ZONE)
    if filters.what == "visits":
        visits = _visible_visits(user, start, end)
        return _narrowed(visits, filters, "pk").select_related("lead").prefetch_related("credits__rep")
    found = visit_rows.in_scope_of(user, visit_rows.conversions_caused())
    rows = found.filter(occurred_at__gte=start, occurred_at__lt=end).select_related("lead")
    if filters.campaign is not None or filters.channel:
        visits = _narrowed(
            FunnelEvent.objects.filter(pk=OuterRef("visit_id")), replace(filters, rep=None), "pk"
        )
        rows = rows.filter(Exists(visits))
    return visit_rows.by_rep(rows, [filters.rep]) if filters.rep else rows


def _narrowed(visits: QuerySet[FunnelEvent], filters: Filters, key: str) -> QuerySet[FunnelEvent]:
    if filters.channel != UNKNOWN:
        visits = visits.filter(data__cause__in=attribution.CAUSED)
    if filters.rep:
        visits = visits.filter(Exists(EventCredit.objects.filter(event=OuterRef(key), rep=filters.rep)))
    if filters.campaign:
        visits = visits.filter(data__campaign=filters.campaign)
    elif filters.campaign is not None:
        visits = visits.filter(data__campaign__isnull=True)
    if filters.channel in (BY_CAMPAIGN, UNKNOWN):
        visits = visits.filter(data__cause=filters.channel)
    elif filters.channel:
        visits = visits.filter(data__channel=filters.channel)
    return visits
