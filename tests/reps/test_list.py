"""The list of reps: who is on it for whom, and what narrows it."""

import pytest
from django.urls import reverse

from tests.cast import Cast

LIST = "reps:list"


class TestRepsPage:
    @pytest.mark.parametrize(
        ("part", "names"),
        [
            ("revops", {"Sdr", "Teammate", "Ae", "Second Ae", "Am", "Outsider"}),
            ("finance", {"Sdr", "Teammate", "Ae", "Second Ae", "Am", "Outsider"}),
            ("manager", {"Sdr", "Teammate", "Ae", "Second Ae", "Am"}),
            ("outside_manager", {"Outsider"}),
        ],
    )
    def test_shows_each_what_is_in_scope(self, cast: Cast, client, part, names):
        client.force_login(getattr(cast, part))
        assert {rep.name for rep in client.get(reverse(LIST)).context["page"].rows} == names

    @pytest.mark.parametrize("part", ["sdr", "ae", "am", "marketing"])
    def test_is_not_for_the_rest(self, cast, client, part):
        client.force_login(getattr(cast, part))
        assert client.get(reverse(LIST)).status_code == 403

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ("q=second", 1),
            ("role=ae", 2),
            ("role=king", 6),
            ("team=x", 6),
            ("team=" + "9" * 40, 0),
            ("after=%00", 6),
        ],
    )
    def test_takes_any_address_bar(self, cast, client, query, count):
        client.force_login(cast.revops)
        assert len(client.get(f"{reverse(LIST)}?{query}").context["page"].rows) == count

    def test_asks_a_bounded_number_of_statements(self, cast, client, django_assert_max_num_queries):
        client.force_login(cast.revops)
        client.get(reverse(LIST))
        with django_assert_max_num_queries(8):
            client.get(reverse(LIST))
