"""A plan on the real month of a real rep: what it would have earned, beside what is in force. Nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction

from django.db.models import Q

from apps.compensation.models import Plan, PlanAssignment
from apps.compensation.rules import words
from apps.compensation.rules.described import QUOTAS
from apps.compensation.rules.events import in_measure
from apps.compensation.rules.lines import Line
from apps.compensation.rules.terms import Component, PlanRules, QuotaRule
from apps.compensation.selectors.budgets import Budgets
from apps.compensation.selectors.circles import Circles
from apps.compensation.selectors.earnings import Earnings
from apps.compensation.selectors.inputs import PeriodInputs, PlanShelf, load_inputs
from apps.compensation.selectors.quotas import QuotaBook
from apps.core.errors import DomainError
from apps.core.periods import Period, month_of
from apps.reps.models import Rep

_EARNED = ("earning", "bonus")


@dataclass(frozen=True)
class ExampleRow:
    """One component: its arithmetic under the plan looked at, and what each of the two earns (minor units)."""

    name: str
    arithmetic: str
    before_minor: int | None
    after_minor: int | None

    @property
    def change_minor(self) -> int:
        return (self.after_minor or 0) - (self.before_minor or 0)


@dataclass(frozen=True)
class Example:
    """A rep's month in one currency. ``missing`` says why there is nothing to see, if so."""

    rep: Rep
    period: Period
    currency: str
    rows: Sequence[ExampleRow] = ()
    quotas: Sequence[tuple[str, int, bool]] = ()
    missing: str = ""

    @property
    def before_minor(self) -> int:
        return sum(row.before_minor or 0 for row in self.rows)

    @property
    def after_minor(self) -> int:
        return sum(row.after_minor or 0 for row in self.rows)

    @property
    def change_minor(self) -> int:
        return self.after_minor - self.before_minor


def people_on(plan: Plan, period: Period) -> list[Rep]:
    """Who is on ``plan`` on some day of ``period``, by name."""
    on_it = PlanAssignment.objects.filter(
        Q(ends_on__isnull=True) | Q(ends_on__gt=period.start), plan=plan, starts_on__lt=period.end
    )
    return list(Rep.objects.filter(pk__in=on_it.order_by().values("rep")).order_by("name", "pk"))


def example_of(*, plan: Plan, rules: PlanRules, rep: Rep, period: Period, as_of: datetime) -> Example:
    """What ``rep`` earned in ``period`` under the plan in force, and would have under ``rules``."""
    shelf = PlanShelf()
    try:
        inputs = load_inputs(period, rep_ids=[rep.pk], shelf=shelf)
        before = _lines(inputs, rep.pk, as_of, shelf)
        instead = _instead(inputs, plan, rules)
        after = _lines(instead, rep.pk, as_of, shelf)
    except DomainError as error:
        return Example(rep, period, rules.currency, missing=error.message)
    currency = rules.currency
    rows = []
    for component in rules.components:
        mine = [line for line in after if line.component_key == component.key and line.currency == currency]
        was = [line for line in before if line.component_key == component.key and line.currency == currency]
        had = any(line.component_key == component.key for line in before) or any(
            one.key == component.key for one in inputs.components()
        )
        rows.append(
            ExampleRow(
                component.name,
                arithmetic(component, mine, currency),
                sum(line.amount_minor for line in was) if had else None,
                sum(line.amount_minor for line in mine),
            )
        )
    keys = {component.key for component in rules.components}
    gone: dict[str, list[Line]] = {}
    for line in before:
        if line.component_key not in keys and line.currency == currency:
            gone.setdefault(line.component_name, []).append(line)
    rows += [
        ExampleRow(name, "no longer part of the plan", sum(line.amount_minor for line in lines), None)
        for name, lines in gone.items()
    ]
    return Example(rep, period, currency, rows, quotas=_quotas(instead, rep.pk))


def _instead(inputs: PeriodInputs, plan: Plan, rules: PlanRules) -> PeriodInputs:
    """The same with ``rules`` in place of the version of ``plan`` that is in force."""
    segments = {
        rep_id: [replace(one, plan=rules) if one.plan_id == plan.pk else one for one in found]
        for rep_id, found in inputs.segments.items()
    }
    return replace(inputs, segments=segments)


def _lines(inputs: PeriodInputs, rep_id: int, as_of: datetime, shelf: PlanShelf) -> list[Line]:
    horizon = inputs.period.end
    earnings = Earnings(
        inputs=inputs,
        rep_ids=[rep_id],
        as_of=as_of,
        horizon=horizon,
        shelf=shelf,
        circles=Circles(),
        budgets=Budgets(as_of, horizon),
    )
    return [one.line for one in earnings.of(rep_id) if one.line.kind in _EARNED]


def arithmetic(component: Component, lines: Sequence[Line], currency: str) -> str:
    """What the lines of one component come to, band by band: ``10 meetings × €30.00 + 3 meetings × €60.00``."""
    sums: dict[str, Fraction] = {}
    for line in lines:
        for one in line.parts:
            sums[one.rate] = sums.get(one.rate, Fraction(0)) + one.base
    said = [
        f"{in_measure(component.measure, base, currency)} × {rate}" for rate, base in sums.items() if base
    ]
    said += [
        f"{line.source_key.partition('@')[0]} {words.money(line.amount_minor, currency)}"
        for line in lines
        if line.source_key.partition("@")[0] in ("cap", "floor")
    ]
    return " + ".join(said) or "nothing counted"


def _quotas(inputs: PeriodInputs, rep_id: int) -> list[tuple[str, int, bool]]:
    """The quotas of the period by component key: target, and whether it is money."""
    found = []
    for segment in inputs.of(rep_id):
        for component in segment.plan.components:
            if component.quota is not None:
                goal = segment.goal(component, segment.days)
                if goal:
                    found.append((component.key, goal, component.quota.is_money))
    return found


@dataclass(frozen=True)
class QuotaShown:
    """What those on a plan are to reach in a month: the least and the most, of how many people."""

    rule: QuotaRule
    least: int
    most: int
    people: int
    without: Sequence[str]

    @property
    def word(self) -> str:
        return QUOTAS[self.rule.measure]


def quotas_of(plan: Plan, rules: PlanRules, period: Period) -> list[QuotaShown]:
    """The quotas that ``rules`` ask for, over everybody who is on the plan in ``period``."""
    people = people_on(plan, period)
    if not people:
        return []
    book = QuotaBook(period, [rep.pk for rep in people])
    found = []
    for rule in dict.fromkeys(one.quota for one in rules.components if one.quota is not None):
        goals = {rep.name: book.goal(rep.pk, rule, rules.currency, period) for rep in people}
        known = [goal for goal in goals.values() if goal]
        without = [name for name, goal in goals.items() if not goal]
        found.append(QuotaShown(rule, min(known, default=0), max(known, default=0), len(known), without))
    return found


def months_before(today: date, count: int = 6) -> list[Period]:
    """The last full months, the newest first."""
    found = [month_of(today).previous()]
    while len(found) < count:
        found.append(found[-1].previous())
    return found
