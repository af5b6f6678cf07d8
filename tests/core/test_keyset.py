"""Pages by key: every row once, whatever the order and the page size; any cursor is survived."""

import base64
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Role, User
from apps.core.keyset import page_of
from tests.stage import staged


@pytest.fixture
@staged
def people(db) -> list[User]:
    names = ["Ida", "Ada", "Ida", "Ole", "Ada", "Ida", "Åse", "ada"]
    return [
        User.objects.create(email=f"{number}@larkfield.example", name=name, role=Role.AE)
        for number, name in enumerate(names)
    ]


def walk(by: tuple[str, ...], size: int) -> list[int]:
    seen, after = [], ""
    for _ in range(50):
        page = page_of(User.objects.all(), by=by, after=after, size=size)
        seen += [row.pk for row in page.rows]
        after = page.next_after
        if not after:
            return seen
    raise AssertionError("The pages never end.")


class TestPageOf:
    @pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9])
    @pytest.mark.parametrize(
        "by", [("name", "pk"), ("-name", "pk"), ("name", "-pk"), ("-joined_at", "-pk"), ("-pk",)]
    )
    def test_shows_each_row_once_in_order(self, people, by, size):
        assert walk(by, size) == list(User.objects.order_by(*by).values_list("pk", flat=True))

    def test_is_not_shifted_by_a_row_that_arrives(self, people):
        first = page_of(User.objects.all(), by=("-pk",), size=3)
        User.objects.create(email="new@larkfield.example", name="New", role=Role.AE)
        second = page_of(User.objects.all(), by=("-pk",), after=first.next_after, size=3)
        assert not {row.pk for row in first.rows} & {row.pk for row in second.rows}

    def test_says_whether_it_is_the_first(self, people):
        first = page_of(User.objects.all(), by=("-pk",), size=3)
        assert first.first
        assert not page_of(User.objects.all(), by=("-pk",), after=first.next_after, size=3).first

    def test_takes_one_statement(self, people, django_assert_num_queries):
        with django_assert_num_queries(1):
            page_of(User.objects.all(), by=("name", "pk"), size=3)

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
    @given(
        st.one_of(
            st.text(max_size=60), st.recursive(st.none() | st.text() | st.integers() | st.floats(), st.lists)
        )
    )
    def test_begins_anew_at_a_cursor_that_means_nothing(self, people, junk):
        made = base64.urlsafe_b64encode(json.dumps(junk).encode()).decode()
        for after in (made, junk if isinstance(junk, str) else ""):
            page_of(User.objects.all(), by=("-joined_at", "-pk"), after=after, size=3)
