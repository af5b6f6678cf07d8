"""What ``core.prepared`` asks is planned once a connection on PostgreSQL; whatever else is asked is not kept."""

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.core import kept_plans
from apps.core.prepared import USER, PreparedQuery
from apps.reps.models import BusinessCalendar
from tests.cast import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def plans_of(words: str) -> list[tuple[int, int]]:
    """Of each kept statement with these words in it: how often its general and its special plans were used."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements")
        return [(general, special) for text, general, special in cursor.fetchall() if words in text]


def names(*, wording: str) -> PreparedQuery:
    """The name of a user, in a statement of its own."""
    people = User.objects.filter(pk=USER).order_by().annotate(**{wording: F("name")})
    return PreparedQuery(people.values_list(wording), USER)


class TestPlans:
    def test_are_made_once_for_any_value(self, cast: Cast) -> None:
        query = names(wording="planned_once")
        for user in (cast.sdr, cast.ae, cast.finance):
            assert [tuple(row) for row in query.rows({USER: user.pk})] == [(user.name,)]
        assert plans_of("planned_once") == [(3, 0)]

    def test_are_not_kept_for_what_django_asks_by_itself(self, cast: Cast) -> None:
        for _ in range(8):
            list(User.objects.annotate(planned_by_django=F("name")))
        assert plans_of("planned_by_django") == []

    def test_are_not_kept_where_a_pooler_is_between(self, cast: Cast, settings) -> None:
        settings.KEEP_PLANS = False
        query = names(wording="planned_behind_a_pooler")
        assert [tuple(row) for row in query.rows({USER: cast.sdr.pk})] == [(cast.sdr.name,)]
        assert plans_of("planned_behind_a_pooler") == []

    def test_hold_what_is_always_the_same_as_it_is(self, cast: Cast) -> None:
        people = User.objects.filter(pk=USER, is_active=True, name__contains="%", email__gt="always so")
        PreparedQuery(people.order_by().values_list("name"), USER).rows({USER: cast.sdr.pk})
        assert plans_of("'always so'") == [(1, 0)]


class TestAnswers:
    def test_json_comes_as_the_queryset_gives_it(self, cast: Cast) -> None:
        plain = BusinessCalendar.objects.order_by("pk").values_list("weekly", "holidays", "time_zone")
        assert [tuple(row) for row in PreparedQuery(plain).rows({})] == list(plain)

    def test_each_is_among_the_statements_of_a_page(self, cast: Cast) -> None:
        with CaptureQueriesContext(connection) as asked, kept_plans.cursor() as cursor:
            cursor.execute("SELECT name FROM accounts_user WHERE id = %s", [cast.sdr.pk])
        assert [one["sql"] for one in asked] == [f"SELECT name FROM accounts_user WHERE id = {cast.sdr.pk}"]
