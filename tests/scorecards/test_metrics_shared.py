"""A metric is defined once: what pay measures under a name is what a card shows under it, on the same record."""

from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import product
from typing import Any

import pytest

from apps.accounts.models import Role, User
from apps.compensation.rules.events import weights
from apps.compensation.rules.plan import parse_plan
from apps.compensation.rules.terms import CAPACITIES, PAYABLE_EVENTS, QUOTA_MEASURES, Component
from apps.compensation.selectors.credits import Wanted, credited_events
from apps.compensation.services import credit_splits
from apps.core.periods import Period, month_of
from apps.leads.models import Capacity, EventKind, FunnelEvent
from apps.leads.rules.metrics import METRICS, OF_QUOTA, Metric, metric_measured
from apps.reps.models import QuotaMeasure, Rep
from apps.scorecards.selectors import events_behind, measure
from tests.compensation.plan_documents import component, graduated, plan
from tests.scorecards.company import assemble
from tests.scorecards.plain import PlainRecord
from tests.stage import staged

TRAILING = Period(date(2026, 8, 1), date(2026, 11, 1))
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MEASURES = [one for one in product(PAYABLE_EVENTS, CAPACITIES, ("count", "amount")) if metric_measured(*one)]


@pytest.fixture
@staged
def reps(db: None) -> list[Rep]:
    """The generated company, some of whose wins, openings and hand-offs were split by hand since."""
    assemble()
    people = list(Rep.objects.select_related("team").order_by("pk"))
    manager = User.objects.create_user("m@larkfield.example", "x", name="M", role=Role.MANAGER)
    finance = User.objects.create_user("f@larkfield.example", "x", name="F", role=Role.FINANCE)
    for kind, capacity in (
        (EventKind.WON, Capacity.OWNED),
        (EventKind.STAGE_1, Capacity.OWNED),
        (EventKind.STAGE_1, Capacity.SOURCED),
        (EventKind.ACCEPTED, Capacity.SOURCED),
    ):
        events = FunnelEvent.objects.effective().filter(kind=kind, credits__capacity=capacity)
        for number, event in enumerate(events.order_by("pk").distinct()[3:60:8]):
            others = [rep for rep in people if not event.credits.filter(rep=rep).exists()]
            shares = {others[0]: 1_000_000} if number % 3 == 2 else {others[0]: 300_000, others[1]: 700_000}
            split = credit_splits.propose_split(
                event=event, capacity=capacity, shares=shares, reason="Agreed.", at=NOW, actor=manager
            )
            credit_splits.approve_split(split=split, at=NOW, actor=finance)
    return people


def paid_on(event: str, capacity: str, of: str, reps: list[Rep]) -> dict[int, Fraction]:
    """What a component with this measure sums for each rep, by pay's own selectors and rules."""
    measured: dict[str, Any] = {"event": event, "capacity": capacity, "of": of}
    pays = "per_unit" if of == "count" else "percent_of_amount"
    (only,) = parse_plan(plan(component(graduated("1"), measure=measured, pays=pays))).components
    assert isinstance(only, Component)
    found = credited_events(
        period=TRAILING, as_of=NOW, wanted=Wanted.by([only]), rep_ids=[rep.pk for rep in reps]
    )
    sums = {}
    for rep in reps:
        own = [
            one
            for _, one in found.get(rep.pk, ())
            if one.capacity == capacity and (of == "count" or one.currency in ("", rep.team.currency))
        ]
        sums[rep.pk] = sum((one.base for one in weights(only, own, rep.team.currency)), Fraction(0))
    return sums


class TestPayAndCards:
    @pytest.mark.parametrize(("event", "capacity", "of"), MEASURES)
    def test_a_measure_of_pay_gives_the_figure_of_the_metric_of_its_name(
        self, reps: list[Rep], event: str, capacity: str, of: str
    ) -> None:
        one = metric_measured(event, capacity, of)
        assert one is not None
        shown = measure(reps=reps, periods=[TRAILING], metrics=[one], as_of=NOW)[0]
        paid = paid_on(event, capacity, of, reps)
        assert {rep.pk: one.read(shown[rep.pk]).value for rep in reps} == paid
        assert any(paid.values())

    def test_the_metrics_that_pay_measures_are_most_of_what_pay_can_count(self) -> None:
        named = {metric_measured(*one).key for one in MEASURES}
        assert {"revenue_won", "deals_won", "meetings_accepted", "accepted_amount"} <= named
        assert len(MEASURES) == 14

    def test_a_measure_with_a_condition_is_not_called_by_the_metrics_name(self) -> None:
        condition = {"where": [{"field": "exploration", "is": "is", "value": "yes"}]}
        (only,) = parse_plan(plan(component(graduated("1"), measure=condition))).components
        (whole,) = parse_plan(plan(component(graduated("1")))).components
        assert whole.measure.metric is METRICS["revenue_won"]
        assert only.measure.metric is None

    def test_every_quota_asks_for_a_metric(self) -> None:
        assert set(OF_QUOTA) == set(QuotaMeasure.values) == set(QUOTA_MEASURES)


class TestSplitsByHand:
    @pytest.mark.parametrize("as_of", [None, datetime(2026, 11, 15, tzinfo=UTC)], ids=["now", "before them"])
    def test_every_metric_equals_a_plain_recomputation(self, reps: list[Rep], as_of: datetime | None) -> None:
        months = [month_of(date(2026, month, 1)) for month in (8, 9, 10)]
        plain = PlainRecord(as_of)
        wrong = {
            (key, rep.name, month.code): found
            for month, measured in zip(months, measure(reps=reps, periods=months, as_of=as_of), strict=True)
            for key, metric in METRICS.items()
            for rep in reps
            if (found := metric.read(measured[rep.pk]).value) != plain.value(key, rep, month)
        }
        assert wrong == {}

    def test_move_figures(self, reps: list[Rep]) -> None:
        before = measure(reps=reps, periods=[TRAILING], as_of=datetime(2026, 11, 15, tzinfo=UTC))[0]
        after = measure(reps=reps, periods=[TRAILING])[0]
        for key in ("revenue_won", "sales_cycle", "self_sourced_pipeline", "meetings_accepted"):
            read = METRICS[key].read
            assert {rep.pk: read(before[rep.pk]).value for rep in reps} != {
                rep.pk: read(after[rep.pk]).value for rep in reps
            }, key

    @pytest.mark.parametrize("key", ["deals_won", "win_rate", "self_sourced_pipeline", "meetings_accepted"])
    def test_the_events_behind_a_figure_are_those_that_count(self, reps: list[Rep], key: str) -> None:
        one: Metric = METRICS[key]
        plain = PlainRecord()
        for rep in reps:
            counted = {
                event.pk
                for part in one.parts
                for event, _ in plain.of(rep, TRAILING, part.kind, part.capacity)
            }
            if key == "self_sourced_pipeline":
                counted = {
                    pk
                    for pk in counted
                    if not any(
                        capacity == "sourced" and other != rep.pk and plain.shares[pk, capacity, other]
                        for capacity, other in plain.credited[pk]
                    )
                }
            assert (
                set(events_behind(metric=one, rep=rep, period=TRAILING).values_list("pk", flat=True))
                == counted
            )
