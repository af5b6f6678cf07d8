"""The team target's outlook: pipeline, forecast and contributions, each from the record again in plain Python."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.core.periods import quarter_of
from apps.leads.models import EventKind
from apps.leads.rules.metrics import WHOLE
from apps.reps.models import Quota, QuotaMeasure, Rep, Team
from apps.scorecards.rules.pace import forecast
from apps.scorecards.selectors import team_target
from apps.scorecards.selectors.target_outlook import contributions, forecasts
from tests.scorecards.company import Company, assemble
from tests.scorecards.plain import PlainRecord
from tests.stage import staged

QUARTER = quarter_of(date(2026, 8, 1))
DAY = date(2026, 9, 10)
KINDS = (EventKind.STAGE_1, EventKind.STAGE_2, EventKind.WON, EventKind.ACCEPTED)


@pytest.fixture
@staged
def company(db: None) -> Company:
    return assemble()


def teams(company: Company) -> list[Team]:
    return [company.ae_team, company.sdr_team]


def day_of(event: object) -> date:
    from zoneinfo import ZoneInfo

    from django.conf import settings

    return event.occurred_at.astimezone(ZoneInfo(settings.COMPANY_TIME_ZONE)).date()  # type: ignore[attr-defined]


class TestContributions:
    @pytest.mark.parametrize("kind", KINDS)
    def test_each_side_is_the_plain_sum_by_role_and_sums_to_the_whole(
        self, company: Company, kind: EventKind
    ):
        plain = PlainRecord()
        roles = dict(Rep.objects.values_list("pk", "role"))
        for team in teams(company):
            target = team_target(team=team, period=QUARTER)
            found = contributions(target=target, kind=kind)
            own = set(Rep.objects.filter(team=team).values_list("pk", flat=True))
            exact: dict[str, dict[str, Fraction]] = {"sourced": {}, "owned": {}}
            for event in plain.events:
                if event.kind != kind or day_of(event) not in QUARTER or event.currency != team.currency:
                    continue
                shares = list(event.credits.all())
                counted = sum(
                    one.share for one in shares if one.capacity == target.capacity and one.rep_id in own
                )
                if not counted or event.amount_minor is None:
                    continue
                amount = Fraction(event.amount_minor * counted, WHOLE)
                for side in ("sourced", "owned"):
                    of = [one for one in shares if one.capacity == side]
                    if side == "sourced" and not of:
                        of = [one for one in shares if one.capacity == "owned"]
                    if side == target.capacity and of and of[0].capacity == target.capacity:
                        of = [one for one in of if one.rep_id in own]
                    whole = sum(one.share for one in of) or 1
                    for one in of:
                        role = roles[one.rep_id]
                        exact[side][role] = exact[side].get(role, Fraction(0)) + amount * one.share / whole
            for side in ("sourced", "owned"):
                parts = getattr(found, side)
                assert sum(one.amount_minor for one in parts) == found.whole_minor
                for one in parts:
                    # Largest remainder moves a part by less than one minor unit.
                    assert abs(one.amount_minor - exact[side].get(one.role, Fraction(0))) < 1
            assert found.whole_minor > 0

    def test_reads_a_bounded_number_of_statements(
        self, company: Company, django_assert_max_num_queries: DjangoAssertNumQueries
    ):
        target = team_target(team=company.ae_team, period=QUARTER)
        with django_assert_max_num_queries(6):
            contributions(target=target, kind=EventKind.STAGE_2)

    def test_nothing_is_contributed_to_nothing(self, company: Company):
        target = team_target(team=company.ae_team, period=quarter_of(date(2020, 1, 1)))
        found = contributions(target=target, kind=EventKind.STAGE_2)
        assert (found.whole_minor, found.sourced, found.owned) == (0, (), ())


class TestForecasts:
    def test_it_is_made_of_the_last_eight_weeks_of_the_record(self, company: Company):
        plain = PlainRecord()
        for team in teams(company):
            target = team_target(team=team, period=QUARTER)
            own = set(Rep.objects.filter(team=team).values_list("pk", flat=True))
            weekly = [Fraction(0)] * 8
            for event in plain.events:
                place = 7 - (DAY - timedelta(days=1) - day_of(event)).days // 7
                if event.kind != EventKind.STAGE_2 or event.currency != team.currency:
                    continue
                if not DAY - timedelta(days=56) <= day_of(event) < DAY:
                    continue
                share = sum(
                    one.share
                    for one in event.credits.all()
                    if one.capacity == target.capacity and one.rep_id in own
                )
                weekly[place] += Fraction((event.amount_minor or 0) * share, WHOLE)
            expected = forecast(
                weekly=weekly,
                reached=target.total.amount(EventKind.STAGE_2),
                days_left=(QUARTER.end - DAY).days,
            )
            assert forecasts(target=target, day=DAY)[EventKind.STAGE_2] == expected
            assert expected is not None

    @pytest.mark.parametrize("day", [QUARTER.start, QUARTER.end, date(2027, 1, 1), date(2026, 1, 1)])
    def test_there_is_none_for_a_period_that_is_over_or_has_not_begun(self, company: Company, day: date):
        assert forecasts(target=team_target(team=company.ae_team, period=QUARTER), day=day) == {}

    def test_reads_two_statements_for_all_kinds(
        self, company: Company, django_assert_num_queries: DjangoAssertNumQueries
    ):
        target = team_target(team=company.ae_team, period=QUARTER)
        with django_assert_num_queries(3):
            forecasts(target=target, day=DAY)


def test_the_pipeline_target_is_the_teams_quota_by_calendar_days(company: Company):
    Quota.objects.create(
        team=company.ae_team,
        measure=QuotaMeasure.PIPELINE,
        starts_on=date(2026, 7, 1),
        ends_on=date(2026, 10, 1),
        target_minor=92_000,
        currency="EUR",
    )
    found = team_target(team=company.ae_team, period=quarter_of(date(2026, 8, 1)))
    assert found.asked_pipeline_minor == 92_000
    assert found.asked_won_minor is None
