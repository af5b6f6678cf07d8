"""What the team target adds to its weeks: how the period may end, and which role contributed what.

The forecast reads the last eight seven-day weeks before the day (``rules.pace``). Contributions share each amount
out among roles: by who sourced it (its owner where nobody else did), and by who owns it; each sums to the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from django.db.models import BigIntegerField, Exists, F, OuterRef, QuerySet, Sum

from apps.core.money import allocate, round_half_up
from apps.core.periods import Period
from apps.leads.models import Capacity, EventCredit, EventKind, FunnelEvent
from apps.leads.rules.metrics import WHOLE
from apps.leads.selectors.measures import bucket, occurred_in
from apps.reps.models import Rep, RepRole
from apps.scorecards.rules.pace import Forecast, forecast, weeks_before
from apps.scorecards.selectors.targets import TeamTarget

FORECAST_KINDS = (EventKind.HANDED_OFF, EventKind.ACCEPTED, EventKind.STAGE_2, EventKind.WON)


def forecasts(*, target: TeamTarget, day: date, as_of: datetime | None = None) -> dict[str, Forecast | None]:
    """By event kind, where the period of ``target`` may end as seen when ``day`` begins. Two statements.

    Converted leads are counted, the other kinds summed in the team's currency. Nothing for a period that is over or
    has not begun. What was already recorded of ``day`` itself is in what was reached, and its time counts as to come.
    """
    if not target.period.start < day < target.period.end:
        return {}
    reps = list(Rep.objects.filter(team=target.team).values_list("pk", flat=True))
    weeks = weeks_before(day, _first_day(target, reps))
    weekly = _weekly(target, reps, weeks, as_of) if weeks else {kind: [] for kind in FORECAST_KINDS}
    left = (target.period.end - day).days
    return {
        kind: forecast(weekly=weekly[kind], reached=_reached(target, kind), days_left=left)
        for kind in FORECAST_KINDS
    }


def _first_day(target: TeamTarget, reps: Sequence[int]) -> date | None:
    """No week before the team's first rep was here says anything of its pace."""
    return Rep.objects.filter(pk__in=reps).order_by("hired_on").values_list("hired_on", flat=True).first()


def _reached(target: TeamTarget, kind: str) -> Fraction:
    return target.total.count(kind) if kind == EventKind.HANDED_OFF else target.total.amount(kind)


def _weekly(
    target: TeamTarget, reps: Sequence[int], weeks: Sequence[Period], as_of: datetime | None
) -> dict[str, list[Fraction]]:
    rows = (
        occurred_in(FunnelEvent.objects.effective(as_of), weeks)
        .filter(kind__in=FORECAST_KINDS, credits__capacity=target.capacity, credits__rep__in=list(reps))
        .annotate(bucket=bucket(weeks))
        .values_list("bucket", "kind", "currency")
        .annotate(
            shares=Sum("credits__share"),
            amounts=Sum(F("amount_minor") * F("credits__share"), output_field=BigIntegerField()),
        )
        .order_by()
    )
    found = {str(kind): [Fraction(0)] * len(weeks) for kind in FORECAST_KINDS}
    for number, kind, currency, shares, amounts in rows:
        if kind == EventKind.HANDED_OFF:
            found[kind][number] += Fraction(shares, WHOLE)
        elif currency == target.currency and amounts is not None:
            found[kind][number] += Fraction(int(amounts), WHOLE)
    return found


@dataclass(frozen=True)
class Contribution:
    """A role's part of an amount, in minor units; the parts of one side sum to the whole."""

    role: str
    name: str
    amount_minor: int


@dataclass(frozen=True)
class Contributions:
    """Of one kind of event: by who sourced it, and by who owns it."""

    whole_minor: int
    sourced: tuple[Contribution, ...]
    owned: tuple[Contribution, ...]


def contributions(*, target: TeamTarget, kind: str, as_of: datetime | None = None) -> Contributions:
    """Each role's part in the amounts of ``kind`` that count towards ``target``. Five statements.

    An event counts with the share that the team's reps have in it, as the target counts it; that amount is shared out
    by all its credits, whatever team they are of.
    """
    reps = list(Rep.objects.filter(team=target.team).values_list("pk", flat=True))
    events = _counted(target, kind, reps, as_of)
    sides = {}
    for side in (Capacity.SOURCED, Capacity.OWNED):
        exact = _by_role(events, side, target.capacity, reps)
        if side == Capacity.SOURCED:
            alone = events.filter(~Exists(_credits(Capacity.SOURCED)))
            for role, amount in _by_role(alone, Capacity.OWNED, target.capacity, reps).items():
                exact[role] = exact.get(role, Fraction(0)) + amount
        sides[side] = exact
    total = target.total.amount(kind)
    return Contributions(
        whole_minor=round_half_up(total),
        sourced=_shared(sides[Capacity.SOURCED], total),
        owned=_shared(sides[Capacity.OWNED], total),
    )


def _credits(capacity: str) -> QuerySet[EventCredit]:
    return EventCredit.objects.filter(event=OuterRef("pk"), capacity=capacity)


def _counted(
    target: TeamTarget, kind: str, reps: Sequence[int], as_of: datetime | None
) -> QuerySet[FunnelEvent]:
    of_team = _credits(target.capacity).filter(rep__in=list(reps))
    return (
        occurred_in(FunnelEvent.objects.effective(as_of), [target.period])
        .filter(Exists(of_team), kind=kind, currency=target.currency, amount_minor__isnull=False)
        .order_by()
    )


def _by_role(
    events: QuerySet[FunnelEvent], side: str, counted_as: str, reps: Sequence[int]
) -> dict[str, Fraction]:
    """Amount × the team's share × each credit's share, summed by role: exact, in millionths of millionths."""
    found: dict[str, Fraction] = {}
    if side == counted_as:
        # The team's own credits are what counts: another team's part of the event is not in the target.
        rows = events.filter(credits__capacity=side, credits__rep__in=list(reps))
        for role, amount in rows.values_list("credits__rep__role").annotate(
            amount=Sum(F("amount_minor") * F("credits__share"), output_field=BigIntegerField())
        ):
            found[role] = found.get(role, Fraction(0)) + Fraction(int(amount), WHOLE)
        return found
    shares = dict(
        EventCredit.objects.filter(event__in=events.values("pk"), capacity=counted_as, rep__in=list(reps))
        .order_by()
        .values_list("event")
        .annotate(share=Sum("share"))
    )
    credited = events.filter(credits__capacity=side).values_list(
        "pk", "amount_minor", "credits__rep__role", "credits__share"
    )
    for event, amount, role, share in credited:
        part = Fraction((amount or 0) * share * shares[event], WHOLE * WHOLE)
        found[role] = found.get(role, Fraction(0)) + part
    return found


def _shared(exact: dict[str, Fraction], total: Fraction) -> tuple[Contribution, ...]:
    """Rounded by largest remainder, so that the parts sum to the whole; nothing where nothing counts.

    What no credit names stands apart as nobody's, rather than being shared out.
    """
    names = {**dict(RepRole.choices), "": "Nobody named"}
    parts = {role: exact.get(role, Fraction(0)) for role, _ in RepRole.choices}
    parts[""] = total - sum(parts.values(), Fraction(0))
    whole = round_half_up(total)
    if whole <= 0 or min(parts.values()) < 0:
        return ()
    shares = allocate(whole, list(parts.values()))
    return tuple(
        Contribution(role, str(names[role]), share)
        for role, share in zip(parts, shares, strict=True)
        if role or share
    )
