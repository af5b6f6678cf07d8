"""The team target: what was agreed for a team and a period against what the record holds, week by week.

A team's figures are those of the events that its present reps are credited with: as their source in a team
of SDRs, as their owner elsewhere. Its targets are quotas of the team (``reps.Quota``), in its currency.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from django.db.models import BigIntegerField, F, Sum

from apps.core.money import round_half_up
from apps.core.periods import Period
from apps.leads.models import Capacity, EventKind, FunnelEvent
from apps.leads.rules.metrics import WHOLE
from apps.leads.selectors.measures import bucket, occurred_in
from apps.reps.models import Quota, QuotaMeasure, Rep, RepRole, Team
from apps.scorecards.rules.targets import Asked, target_for, weeks_of

KINDS = (
    EventKind.HANDED_OFF,
    EventKind.ACCEPTED,
    EventKind.REJECTED,
    EventKind.STAGE_1,
    EventKind.STAGE_2,
    EventKind.WON,
)


@dataclass(frozen=True)
class Tally:
    """Counts and amounts (minor units) of one stretch of time or one rep, by event kind."""

    counts: dict[str, Fraction]
    amounts: dict[str, Fraction]

    def count(self, kind: str) -> Fraction:
        return self.counts.get(kind, Fraction(0))

    def amount(self, kind: str) -> Fraction:
        return self.amounts.get(kind, Fraction(0))


@dataclass(frozen=True)
class TeamTarget:
    """A team's period: its weeks, its reps, what was reached and what was asked.

    Amounts are minor units of ``currency``; ``apart`` holds what came in other currencies, never added.
    """

    team: Team
    period: Period
    capacity: str
    currency: str
    total: Tally
    weeks: tuple[tuple[Period, Tally], ...]
    by_rep: tuple[tuple[Rep, Tally], ...]
    apart: dict[str, int]
    asked_converted_leads: Fraction | None
    asked_accepted_minor: Fraction | None
    asked_pipeline_minor: Fraction | None
    asked_won_minor: Fraction | None

    @property
    def converted_leads(self) -> Fraction:
        """Leads handed off in the period."""
        return self.total.count(EventKind.HANDED_OFF)

    @property
    def accepted_amount_minor(self) -> int:
        """The amount of hand-offs accepted in the period, corrections below zero included."""
        return round_half_up(self.total.amount(EventKind.ACCEPTED))

    @property
    def accepted(self) -> Fraction:
        return self.total.count(EventKind.ACCEPTED)

    @property
    def rejected(self) -> Fraction:
        return self.total.count(EventKind.REJECTED)

    @property
    def stage_1_minor(self) -> int:
        return round_half_up(self.total.amount(EventKind.STAGE_1))

    @property
    def stage_2_minor(self) -> int:
        return round_half_up(self.total.amount(EventKind.STAGE_2))

    @property
    def won_minor(self) -> int:
        return round_half_up(self.total.amount(EventKind.WON))


def capacity_of(team: Team, reps: Iterable[Rep]) -> str:
    """As what a team's events are credited to it: sourced where it has SDRs, else owned."""
    return Capacity.SOURCED if any(rep.role in RepRole.sdr() for rep in reps) else Capacity.OWNED


def team_target(*, team: Team, period: Period, as_of: datetime | None = None) -> TeamTarget:
    """What ``team`` reached and was asked for in ``period``, as was recorded by ``as_of``.

    Three statements, whatever the number of reps and weeks.
    """
    reps = list(Rep.objects.filter(team=team).order_by("name", "pk"))
    capacity = capacity_of(team, reps)
    weeks = weeks_of(period)
    rows = (
        occurred_in(FunnelEvent.objects.effective(as_of), weeks)
        .filter(kind__in=KINDS, credits__capacity=capacity, credits__rep__in=[rep.pk for rep in reps])
        .annotate(bucket=bucket(weeks))
        .values_list("bucket", "credits__rep", "kind", "currency")
        .annotate(
            shares=Sum("credits__share"),
            amounts=Sum(F("amount_minor") * F("credits__share"), output_field=BigIntegerField()),
        )
        .order_by()
    )
    total, by_week, by_rep = _Adding(), [_Adding() for _ in weeks], {rep.pk: _Adding() for rep in reps}
    apart: dict[str, Fraction] = {}
    for number, rep, kind, currency, shares, amounts in rows:
        own = currency in ("", team.currency)
        if not own and amounts and kind == EventKind.ACCEPTED:
            apart[currency] = apart.get(currency, Fraction(0)) + Fraction(int(amounts), WHOLE)
        for adding in (total, by_week[number], by_rep[rep]):
            adding.add(kind, shares, amounts if own else None)
    return TeamTarget(
        team=team,
        period=period,
        capacity=capacity,
        currency=team.currency,
        total=total.tally,
        weeks=tuple((week, adding.tally) for week, adding in zip(weeks, by_week, strict=True)),
        by_rep=tuple(
            (rep, by_rep[rep.pk].tally)
            for rep in reps
            if by_rep[rep.pk].counts or (rep.left_on is None and rep.hired_on < period.end)
        ),
        apart={currency: round_half_up(amount) for currency, amount in sorted(apart.items())},
        **_asked(team, period),
    )


class _Adding:
    """A tally while it is added up, in millionths."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.amounts: dict[str, int] = {}

    def add(self, kind: str, shares: int, amounts: int | None) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + shares
        if amounts is not None:
            self.amounts[kind] = self.amounts.get(kind, 0) + int(amounts)

    @property
    def tally(self) -> Tally:
        return Tally(
            {kind: Fraction(shares, WHOLE) for kind, shares in self.counts.items()},
            {kind: Fraction(amount, WHOLE) for kind, amount in self.amounts.items()},
        )


_ASKED = {
    "asked_converted_leads": QuotaMeasure.CONVERTED_LEADS,
    "asked_accepted_minor": QuotaMeasure.AMOUNT_ACCEPTED,
    "asked_pipeline_minor": QuotaMeasure.PIPELINE,
    "asked_won_minor": QuotaMeasure.AMOUNT_WON,
}
_MEASURES = tuple(_ASKED.values())


def _asked(team: Team, period: Period) -> dict[str, Fraction | None]:
    """What the team's quotas ask of ``period``, by measure; amounts in the team's currency alone."""
    quotas = list(Quota.objects.filter(team=team, starts_on__lt=period.end, ends_on__gt=period.start))

    def asked(measure: str) -> Fraction | None:
        found = []
        for quota in quotas:
            amount = quota.target_count if quota.target_count is not None else quota.target_minor
            own = quota.target_count is not None or quota.currency == team.currency
            if quota.measure == measure and own and amount is not None:
                found.append(Asked(Period(quota.starts_on, quota.ends_on), amount))
        return target_for(period, found)

    return {name: asked(measure) for name, measure in _ASKED.items()}


def target_periods(team: Team) -> list[Period]:
    """The periods for which ``team`` has a target, newest first."""
    spans = (
        Quota.objects.filter(measure__in=_MEASURES, team=team)
        .order_by("-starts_on")
        .values_list("starts_on", "ends_on")
        .distinct()
    )
    return [Period(start, end) for start, end in spans]


def default_team(teams: Iterable[Team]) -> Team | None:
    """Of the teams one may see, the first that has a target, else the first."""
    found = list(teams)
    if not found:
        return None
    with_target = set(
        Quota.objects.filter(team__in=found, measure__in=_MEASURES).values_list("team_id", flat=True)
    )
    return next((team for team in found if team.pk in with_target), found[0])
