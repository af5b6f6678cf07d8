"""Prepared statements answer what the queryset itself does, for every value that is put in."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Notification, User
from apps.core.prepared import AT, USER, Prepared, PreparedObjects, PreparedQuery, counting
from apps.reps.models import Rep
from apps.reps.selectors import rep_of
from tests.cast import NOW, Cast

pytestmark = pytest.mark.django_db


class TestObjects:
    def test_are_those_of_the_queryset_with_what_it_joins_in(
        self, cast: Cast, django_assert_num_queries
    ) -> None:
        found = PreparedObjects(
            Rep.objects.select_related("calendar", "team__calendar").filter(user_id=USER).order_by(), USER
        )
        for user in (cast.sdr, cast.ae):
            plain = Rep.objects.select_related("calendar", "team__calendar").get(user=user)
            with django_assert_num_queries(1):
                own = found.first({USER: user.pk})
                assert own is not None
                team_hours = own.team.calendar.weekly
                assert own.calendar == plain.calendar
            assert team_hours == plain.team.calendar.weekly
            for field in Rep._meta.concrete_fields:
                assert getattr(own, field.attname) == getattr(plain, field.attname)

    def test_nobody_is_nobody(self, cast: Cast) -> None:
        assert rep_of(cast.finance) is None

    def test_may_be_changed_and_saved(self, cast: Cast) -> None:
        rep = rep_of(cast.sdr)
        assert rep is not None
        rep.name = "Another name"
        rep.save()
        assert Rep.objects.get(pk=rep.pk).name == "Another name"


class TestValues:
    def test_come_as_the_queryset_gives_them(self, cast: Cast) -> None:
        query = Rep.objects.filter(user_id=USER).values_list("hired_on", "team__calendar__weekly", "name")
        found = PreparedQuery(query, USER).rows({USER: cast.sdr.pk})
        plain = Rep.objects.filter(user=cast.sdr).values_list("hired_on", "team__calendar__weekly", "name")
        assert [tuple(row) for row in found] == list(plain)

    def test_an_instant_is_put_in_as_the_database_takes_it(self, cast: Cast) -> None:
        for number in range(3):
            Notification.objects.create(
                user=cast.sdr, kind="x", key=f"{number}", title="x", at=NOW + timedelta(hours=number)
            )
        query = PreparedQuery(
            Notification.objects.filter(user_id=USER, at__lte=AT).order_by("at").values_list("key", "at"),
            USER,
            AT,
        )
        rows = query.rows({USER: cast.sdr.pk, AT: NOW + timedelta(hours=1)})
        assert [tuple(row) for row in rows] == [("0", NOW), ("1", NOW + timedelta(hours=1))]

    def test_a_marker_that_is_nowhere_is_refused(self) -> None:
        with pytest.raises(ValueError, match="not among the parameters"):
            Prepared.of("SELECT 1", (), (USER,))

    def test_what_is_reckoned_from_a_marker_is_refused(self) -> None:
        late = Notification.objects.filter(at__lte=AT - timedelta(hours=1)).order_by()
        with pytest.raises(ValueError, match="a marker of its own"):
            counting([late[:5]], AT)


class TestCounting:
    def test_counts_each_in_one_statement(self, cast: Cast) -> None:
        people = User.objects.order_by()
        statement = counting([people.filter(pk=USER)[:5], people.none(), people[:2]], USER)
        with CaptureQueriesContext(connection) as asked:
            (row,) = statement.rows({USER: cast.sdr.pk})
        assert (tuple(row), len(asked)) == ((1, 0, 2), 1)
