"""The metrics equal a plain recomputation, event by event; as known now and as known earlier."""

from datetime import UTC, date, datetime

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.core.periods import Period, month_of
from apps.leads.rules.metrics import METRICS
from apps.reps.models import Rep
from apps.scorecards.selectors import events_behind, measure
from tests.scorecards.company import assemble
from tests.scorecards.plain import PlainRecord
from tests.stage import staged

AUGUST, SEPTEMBER, OCTOBER = (month_of(date(2026, month, 1)) for month in (8, 9, 10))
TRAILING = Period(AUGUST.start, OCTOBER.end)
EARLIER = datetime(2026, 10, 15, 12, tzinfo=UTC)


@pytest.fixture
@staged
def reps(db: None) -> list[Rep]:
    assemble()
    return list(Rep.objects.select_related("team").order_by("pk"))


class TestMeasure:
    @pytest.mark.parametrize("as_of", [None, EARLIER], ids=["now", "as of an earlier day"])
    def test_every_metric_equals_a_plain_recomputation(self, reps: list[Rep], as_of: datetime | None) -> None:
        measured = measure(reps=reps, periods=[TRAILING], as_of=as_of)[0]
        plain = PlainRecord(as_of)
        wrong = {
            (key, rep.name): (metric.read(measured[rep.pk]).value, expected)
            for key, metric in METRICS.items()
            for rep in reps
            if metric.read(measured[rep.pk]).value != (expected := plain.value(key, rep, TRAILING))
        }
        assert wrong == {}

    def test_the_generated_record_holds_something_for_every_metric(self, reps: list[Rep]) -> None:
        measured = measure(reps=reps, periods=[TRAILING])[0]
        for key, metric in METRICS.items():
            assert any(metric.read(sums).value for sums in measured.values()), key

    def test_what_is_recorded_later_leaves_the_earlier_view_as_it_was(self, reps: list[Rep]) -> None:
        then = measure(reps=reps, periods=[TRAILING], as_of=EARLIER)[0]
        now = measure(reps=reps, periods=[TRAILING])[0]
        assert then != now, "the record has late events and later reversals"

    def test_months_measured_together_equal_each_measured_alone(self, reps: list[Rep]) -> None:
        together = measure(reps=reps, periods=[AUGUST, SEPTEMBER, OCTOBER])
        for month, measured in zip((AUGUST, SEPTEMBER, OCTOBER), together, strict=True):
            assert measured == measure(reps=reps, periods=[month])[0]

    def test_months_joined_equal_the_whole_for_what_adds_up(self, reps: list[Rep]) -> None:
        adding = [metric for metric in METRICS.values() if metric.adds_up]
        months = measure(reps=reps, periods=[AUGUST, SEPTEMBER, OCTOBER], metrics=adding)
        whole = measure(reps=reps, periods=[TRAILING], metrics=adding)[0]
        for rep in reps:
            joined = months[0][rep.pk].joined(months[1][rep.pk]).joined(months[2][rep.pk])
            assert joined == whole[rep.pk]

    def test_periods_with_a_gap_are_refused(self, reps: list[Rep]) -> None:
        with pytest.raises(ValueError, match="without a gap"):
            measure(reps=reps, periods=[AUGUST, OCTOBER])

    def test_five_statements_whatever_the_number_of_reps(
        self, reps: list[Rep], django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(5):
            measure(reps=reps, periods=[AUGUST, SEPTEMBER, OCTOBER])
        with django_assert_num_queries(5):
            measure(reps=reps[:1], periods=[OCTOBER])

    def test_another_currency_is_shown_apart_and_never_added(self, reps: list[Rep]) -> None:
        measured = measure(reps=reps, periods=[TRAILING])[0]
        figures = [METRICS["revenue_won"].read(measured[rep.pk]) for rep in reps]
        assert any(figure.apart for figure in figures)
        assert all(rep.team.currency not in figure.apart for rep, figure in zip(reps, figures, strict=True))


class TestEventsBehind:
    @pytest.mark.parametrize("as_of", [None, EARLIER], ids=["now", "as of an earlier day"])
    def test_the_shares_of_the_events_behind_a_count_make_the_count(
        self, reps: list[Rep], as_of: datetime | None
    ) -> None:
        measured = measure(reps=reps, periods=[TRAILING], as_of=as_of)[0]
        for key in ("deals_won", "meetings_accepted", "touches", "hand_offs_rejected"):
            metric = METRICS[key]
            for rep in reps:
                events = events_behind(metric=metric, rep=rep, period=TRAILING, as_of=as_of)
                shares = sum(
                    credit.share
                    for event in events
                    for credit in event.credits.all()
                    if credit.rep_id == rep.pk and credit.capacity == metric.parts[0].capacity
                )
                assert shares == measured[rep.pk].shares.get(metric.parts[0], 0)

    def test_the_events_behind_the_self_sourced_pipeline_sum_to_it(self, reps: list[Rep]) -> None:
        metric = METRICS["self_sourced_pipeline"]
        measured = measure(reps=reps, periods=[TRAILING])[0]
        for rep in reps:
            events = events_behind(metric=metric, rep=rep, period=TRAILING)
            total = sum(
                event.amount_minor * credit.share
                for event in events
                for credit in event.credits.all()
                if credit.rep_id == rep.pk
                and credit.capacity == "owned"
                and event.currency == rep.team.currency
            )
            assert total == measured[rep.pk].self_sourced.get(rep.team.currency, 0)

    def test_only_first_touches_stand_behind_the_speed_to_first_touch(self, reps: list[Rep]) -> None:
        metric = METRICS["first_touch_minutes"]
        sdr = next(rep for rep in reps if rep.is_sdr)
        leads = [event.lead_id for event in events_behind(metric=metric, rep=sdr, period=TRAILING)]
        assert leads
        assert len(leads) == len(set(leads))

    def test_the_conversions_behind_the_figure_are_as_many(self, reps: list[Rep]) -> None:
        metric = METRICS["conversions_caused"]
        measured = measure(reps=reps, periods=[TRAILING])[0]
        counts = {rep.pk: events_behind(metric=metric, rep=rep, period=TRAILING).count() for rep in reps}
        assert counts == {rep.pk: measured[rep.pk].conversions for rep in reps}
        assert any(counts.values())
