"""What was earned and is not paid yet, by the month it was earned in and currency; and what reps owe of draws.

Five kinds, none counted twice: pay in runs that are not locked, pay in runs that are locked and not paid, pay that is
held back (it is no part of what its run pays), an estimate of the months that no run covers yet, and, on the other
side, draws that are to be taken back. All by what is posted now; the estimate is worked out by the engine of the
runs on what is recorded by now, and posts nothing.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Q, Sum

from apps.compensation.models import LedgerEntry, PayoutRun, PlanAssignment, PlanVersion, RunState, Statement
from apps.compensation.rules.draws import KEY as DRAW
from apps.compensation.rules.events import UnableToEarn
from apps.compensation.selectors.balances import DrawLine, owed
from apps.compensation.selectors.inputs import NoPlanInForce, load_inputs
from apps.compensation.selectors.reopened import books_of
from apps.core.periods import Period, month_of

OPEN, LOCKED, HELD, ESTIMATED, OWED = "open", "locked", "held", "estimated", "owed"
KINDS = {
    OPEN: "Computed, not locked",
    LOCKED: "Locked, not paid",
    HELD: "Held back",
    ESTIMATED: "Estimated, no run yet",
    OWED: "Draws owed by reps",
}
MOST_MONTHS = 6
MOST_ESTIMATED_AT_ONCE = 300
_NO_EARNING = ("draw", "holdback", "release")


@dataclass(frozen=True)
class Month:
    """One month and currency: minor units by kind. ``total_minor`` leaves out what reps owe."""

    starts_on: date
    currency: str
    minor: dict[str, int]

    @property
    def code(self) -> str:
        return month_of(self.starts_on).code

    @property
    def name(self) -> str:
        return month_of(self.starts_on).name

    @property
    def figures(self) -> list[int]:
        return [self.minor.get(kind, 0) for kind in KINDS]

    @property
    def total_minor(self) -> int:
        return sum(minor for kind, minor in self.minor.items() if kind != OWED)


@dataclass
class Accruals:
    """Months by currency, the oldest first; ``problem``: why the open months could not be estimated."""

    at: datetime
    months: list[Month] = field(default_factory=list)
    problem: str = ""
    estimated: bool = False

    def totals(self) -> list[Month]:
        """The sums of each currency, as a month without a day of its own."""
        sums: dict[str, dict[str, int]] = {}
        for one in self.months:
            known = sums.setdefault(one.currency, defaultdict(int))
            for kind, minor in one.minor.items():
                known[kind] += minor
        return [Month(date.min, currency, dict(minor)) for currency, minor in sorted(sums.items())]


Found = dict[tuple[str, date], dict[str, int]]


def accruals(*, today: date, at: datetime, estimate: bool = True) -> Accruals:
    """What is accrued as of ``at``; ``today`` is the company's day. ``estimate`` works out the months without a run."""
    found: Found = defaultdict(lambda: defaultdict(int))
    _of_runs(found)
    _held(found)
    _owed(found)
    problem = _estimated(found, today, at) if estimate else ""
    months = [
        Month(day, currency, {kind: minor for kind, minor in kinds.items() if minor})
        for (currency, day), kinds in sorted(found.items())
        if any(kinds.values())
    ]
    return Accruals(at, months, problem, estimate)


def _first(day: date) -> date:
    return day.replace(day=1)


def _of_runs(found: Found) -> None:
    """Payable by currency of the runs that are not paid. One query."""
    waiting = (RunState.COMPUTED, RunState.SUBMITTED, RunState.APPROVED, RunState.LOCKED)
    rows = (
        Statement.objects.filter(run__state__in=waiting)
        .order_by()
        .values_list("run__state", "run__starts_on", "currency")
        .annotate(total=Sum("payable_minor"))
    )
    for state, starts_on, currency, total in rows:
        found[currency, _first(starts_on)][LOCKED if state == RunState.LOCKED else OPEN] += total


def _held(found: Found) -> None:
    """Held back less released, in the month it was held back in. One query."""
    rows = (
        LedgerEntry.objects.filter(
            Q(source_key__startswith="holdback:") | Q(source_key__startswith="release:")
        )
        .exclude(run__state=RunState.COMPUTING)
        .order_by("starts_on")
        .values_list("rep_id", "component_key", "currency", "source_key", "starts_on")
        .annotate(total=Sum("amount_minor"))
    )
    held: dict[tuple, int] = defaultdict(int)
    since: dict[tuple, date] = {}
    for rep_id, component, currency, source, starts_on, total in rows:
        # holdback:<source>, and release:<place>:<source>
        is_held = source.startswith("holdback:")
        key = (rep_id, component, currency, source.split(":", 1 if is_held else 2)[-1])
        held[key] -= total
        since.setdefault(key, starts_on)
    for key, minor in held.items():
        if minor:
            found[key[2], _first(since[key])][HELD] += minor


def _owed(found: Found) -> None:
    """What is owed of recoverable draws, in the newest month in which it moved. Two queries."""
    rows = (
        LedgerEntry.objects.filter(
            Q(source_key__in=("draw", "draw:forgiven")) | Q(source_key__startswith="draw@"),
            component_key=DRAW,
        )
        .exclude(run__state=RunState.COMPUTING)
        .order_by("pk")
    )
    lines: dict[tuple[int, str], list[DrawLine]] = defaultdict(list)
    under: dict[tuple[int, str], int] = {}
    columns = (
        "rep_id", "currency", "plan_version_id", "starts_on", "ends_on", "source_key", "amount_minor", "base_minor",
    )  # fmt: skip
    for rep_id, currency, version, starts_on, ends_on, source, amount, base in rows.values_list(*columns):
        lines[rep_id, currency].append(DrawLine(starts_on, ends_on, source, amount, base or 0))
        under[rep_id, currency] = version
    forgiven = _forgiven_days(under.values())
    for key, own in lines.items():
        last = max(one.ends_on for one in own)
        minor = owed(own, last, forgiven[under[key]])
        if minor:
            found[key[1], _first(max(one.starts_on for one in own))][OWED] += minor


def _forgiven_days(version_ids: Iterable[int]) -> dict[int, date | None]:
    versions = PlanVersion.objects.filter(pk__in=set(version_ids))
    return {one.pk: one.rules.draw.forgiven_on if one.rules.draw else None for one in versions}


def _estimated(found: Found, today: date, at: datetime) -> str:
    """Months that no run covers, up to today's; says why that could not be done, or nothing."""
    for period in open_months(today):
        pretended = PayoutRun(code=period.code, starts_on=period.start, ends_on=period.end, created_at=at)
        books = books_of(pretended, at)
        try:
            inputs = load_inputs(period, shelf=books.shelf)
            rep_ids = sorted(inputs.segments)
            earnings = books.earnings(inputs, rep_ids)
            for rep_id in rep_ids:
                for earned in earnings.of(rep_id):
                    # A draw is no earning; what is held back is earned, and what is released was counted then.
                    if earned.line.kind.startswith(_NO_EARNING):
                        continue
                    found[earned.line.currency, period.start][ESTIMATED] += earned.line.amount_minor
        except (UnableToEarn, NoPlanInForce) as error:
            for key in [key for key in found if key[1] == period.start]:
                found[key].pop(ESTIMATED, None)
            return f"{period.name} could not be estimated: {error}"
    return ""


def is_quick(today: date) -> bool:
    """Whether the estimate is worked out while somebody waits for the page. One query."""
    on_a_plan = PlanAssignment.objects.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=today))
    return on_a_plan.count() <= MOST_ESTIMATED_AT_ONCE


def open_months(today: date) -> list[Period]:
    """The months after the newest run up to today's, a few at most, the oldest first."""
    newest = PayoutRun.objects.order_by("-ends_on").first()
    found: list[Period] = []
    period = month_of(today)
    while len(found) < MOST_MONTHS and (newest is None or period.start >= newest.ends_on):
        found.insert(0, period)
        period = period.previous()
        if newest is None:
            break
    return found


__all__ = ["KINDS", "Accruals", "Month", "accruals", "is_quick", "open_months"]
