"""Geometry of the pictures: it never disagrees with the figures, and stays on its scale."""

import re
from decimal import Decimal
from itertools import pairwise

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from apps.portal import pictures

MINOR = st.integers(min_value=-(10**12), max_value=10**12)


def places(column: dict) -> tuple[float, float, float]:
    low, height, start = (float(value) for value in re.findall(r":(-?[\d.]+)%", column["place"]))
    return low, height, start


class TestInFigures:
    @pytest.mark.parametrize(
        "value, currency, unit, said",
        [
            (249835, "EUR", "", "2,498.35"),
            (-1400, "EUR", "", "− 14.00"),
            (1234, "JPY", "", "1,234"),
            (47, "", "days", "47 days"),
            (Decimal("1.20"), "", "", "1.20"),
            (-3.5, "", "", "− 3.5"),
            (None, "EUR", "", "–"),
        ],
    )
    def test_is_written_as_people_read_it(self, value, currency, unit, said):
        assert pictures.in_figures(value, currency, unit) == said


class TestTicks:
    @given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
    def test_cover_the_values_with_few_round_steps(self, one, other):
        low, high = sorted((one, other))
        ticks = pictures.nice_ticks(low, high)
        slack = max(abs(low), abs(high), 1) * 1e-6
        assert ticks[0] <= low + slack
        assert ticks[-1] >= high - slack
        assert 2 <= len(ticks) <= 9

    @pytest.mark.parametrize("pair", [(5, 5), (0, 0), (-3, -3), (999999999.9999999, 1e9), (1e9, 1e9)])
    def test_equal_values_still_make_a_scale(self, pair):
        assert 2 <= len(pictures.nice_ticks(*pair)) <= 9


class TestWaterfall:
    def test_the_total_is_the_sum_of_its_steps(self):
        picture = pictures.waterfall([("Earned", 249835), ("Holdback", -2840), ("Draw", -26000)], "EUR")
        assert picture["rows"][-1] == {"word": "Payable", "figure": "2,209.95"}
        assert picture["full"][-1]["figure"] == "2,209.95"

    @given(st.lists(st.tuples(st.text(max_size=5), MINOR), min_size=1, max_size=8))
    def test_every_bar_stays_inside_the_picture(self, steps):
        picture = pictures.waterfall(steps, "EUR")
        for columns in filter(None, (picture["full"], picture["short"])):
            assert len(columns) == len(steps) + 1
            for column in columns:
                low, height, start = places(column)
                assert -0.01 <= low <= 88.02
                assert -0.01 <= height <= 88.02
                assert low + height <= 88.02
                assert -0.01 <= start <= 88.02

    @given(st.lists(st.tuples(st.just("step"), MINOR), min_size=1, max_size=8))
    def test_one_bar_begins_where_the_last_one_ended(self, steps):
        columns = pictures.waterfall(steps, "EUR")["full"]
        for before, after in pairwise(columns[:-1]):
            low, height, _ = places(before)
            assert any(abs(places(after)[2] - edge) < 0.03 for edge in (low, low + height))

    def test_is_cut_where_deductions_would_be_too_thin_and_says_at_what(self):
        picture = pictures.waterfall([("Earned", 249835), ("Holdback", -2840)], "EUR")
        assert picture["short"]
        assert Decimal(picture["cut_at"].replace(",", "")) < Decimal("2469.95")

    def test_is_not_cut_where_the_full_axis_shows_enough(self):
        assert pictures.waterfall([("Earned", 160000), ("Clawback", -90000)], "EUR")["short"] is None

    def test_is_not_cut_below_zero(self):
        assert pictures.waterfall([("Earned", 1000), ("Clawback", -5000)], "EUR")["short"] is None

    def test_nothing_earned_is_still_a_picture(self):
        assert pictures.waterfall([("Earned", 0)], "EUR")["rows"][-1]["figure"] == "0.00"


class TestFunnel:
    def test_says_the_share_that_goes_on_and_how_many_do_not(self):
        rows = pictures.funnel([("MQL", 200), ("SQL", 40)])["rows"]
        assert (rows[1]["share"], rows[1]["lost"]) == ("20.0 %", "160")
        assert rows[0]["share"] == ""

    def test_nothing_before_gives_no_share(self):
        assert pictures.funnel([("MQL", 0), ("SQL", 0)])["rows"][1]["share"] == ""


class TestBars:
    def test_marks_those_below_the_target(self):
        rows = pictures.hbars([("Leila", 262), ("Vera", 146)], target=200)["rows"]
        assert [row["below"] for row in rows] == [False, True]

    @given(st.lists(st.integers(0, 10**9), max_size=20))
    def test_stays_on_its_scale(self, values):
        for row in pictures.hbars([("x", value) for value in values])["rows"]:
            assert 0 <= float(row["width"]) <= 100


class TestTargetChart:
    POINTS = (("w1", 20, 25), ("w2", 48, 50), ("w3", None, 75), ("w4", None, 100))

    def test_draws_what_is_known_and_the_rate_still_needed(self):
        picture = pictures.target_chart(self.POINTS)
        assert len(picture["actual"].split()) == 2
        assert len(picture["target"].split()) == 4
        assert picture["need"].split()[0] == picture["actual"].split()[-1]
        assert picture["need"].split()[-1] == picture["target"].split()[-1]

    def test_says_how_far_from_the_line_it_is(self):
        assert pictures.target_chart(self.POINTS)["sentence"] == "48 by w2, 2 behind the line to 100."

    def test_needs_no_rate_when_the_time_is_over(self):
        assert pictures.target_chart([("w1", 90, 100)])["need"] == ""

    def test_nothing_reached_yet_is_said(self):
        assert pictures.target_chart([("w1", None, 100)])["sentence"] == "Nothing has been reached yet."

    def test_nothing_at_all_does_not_break(self):
        assert pictures.target_chart([])["rows"] == []

    def test_the_table_behind_has_every_point(self):
        rows = pictures.target_chart([("w1", 125000, 100000)], currency="EUR")["rows"]
        point = {"word": "w1", "actual": "1,250.00", "target": "1,000.00", "gap": "250.00"}
        assert rows == [point | {"others": []}]


class TestSpread:
    PEERS = (("Kim", Decimal("1.31")), ("Jonas", Decimal("1.24")), ("Noor", Decimal("0.63")))

    def test_marks_ones_own_and_names_the_others(self):
        picture = pictures.spread(self.PEERS, "Jonas")
        assert picture["own"]["word"] == "You 1.24"
        assert [peer["name"] for peer in picture["peers"]] == ["Noor", "Kim"]

    def test_ranks_from_the_better_end(self):
        up = pictures.spread(self.PEERS, "Jonas")["rows"]
        down = pictures.spread(self.PEERS, "Jonas", better="down")["rows"]
        assert [row["name"] for row in up] == ["Kim", "Jonas", "Noor"]
        assert [row["name"] for row in down] == ["Noor", "Jonas", "Kim"]

    def test_the_better_end_is_always_at_the_right(self):
        for better, best in (("up", "Kim"), ("down", "Noor")):
            peers = pictures.spread(self.PEERS, "Jonas", better=better)["peers"]
            assert max(peers, key=lambda peer: float(peer["left"]))["name"] == best

    def test_names_that_would_run_into_each_other_are_left_to_the_table(self):
        crowd = [(f"Somebody {number}", Decimal("1.0")) for number in range(6)]
        rows = [peer["row"] for peer in pictures.spread([*crowd, ("Far", Decimal(3))])["peers"]]
        assert rows.count("bare") == 4

    def test_without_peers_there_is_nothing_to_compare(self):
        assert pictures.spread([])["empty"]


@pytest.mark.parametrize(
    "tag",
    [
        '{% waterfall steps "EUR" %}',
        "{% funnel steps %}",
        "{% hbars steps target=5 %}",
        "{% target_chart points %}",
        "{% spread steps own %}",
    ],
)
def test_every_picture_escapes_its_words(tag):
    hostile = '"><script>alert(1)</script>'
    context = {"steps": [(hostile, 10), (hostile, 5)], "points": [(hostile, 1, 2)], "own": hostile}
    assert "<script>" not in Template(tag).render(Context(context))
