"""What caused a visit and which visit caused a conversion, as pure rules."""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.leads.rules.attribution import (
    CONVERTS_WITHIN,
    OUTREACH,
    Caused,
    CauseKind,
    Outreach,
    Rate,
    cause_of_visit,
    conversions,
)
from tests.cast import NOW

WINDOW = timedelta(days=14)


def email(days_before: float, pk: int = 1, channel: str = "email") -> Outreach:
    return Outreach(pk, NOW - timedelta(days=days_before), 7, channel)


class TestCauseOfVisit:
    @pytest.mark.parametrize(
        ("touch", "kind"),
        [
            (email(0), CauseKind.TOUCH),
            (email(13.999), CauseKind.TOUCH),
            (email(14), CauseKind.UNKNOWN),
            (email(-0.001), CauseKind.UNKNOWN),
            (email(1, channel="visit"), CauseKind.UNKNOWN),
        ],
    )
    def test_is_outreach_before_it_within_the_window(self, touch: Outreach, kind: CauseKind) -> None:
        assert cause_of_visit(NOW, [touch], "", WINDOW).kind is kind

    def test_is_the_campaign_where_no_touch_did(self) -> None:
        assert cause_of_visit(NOW, [email(15)], "Spring letter", WINDOW).kind is CauseKind.CAMPAIGN

    def test_is_the_touch_though_a_campaign_is_named(self) -> None:
        found = cause_of_visit(NOW, [email(3)], "Spring letter", WINDOW)
        assert (found.kind, found.touch) == (CauseKind.TOUCH, email(3))

    @given(
        days=st.lists(
            st.tuples(
                st.integers(-40 * 24, 20 * 24), st.sampled_from([*OUTREACH, "visit"]), st.integers(1, 9)
            ),
            max_size=12,
        )
    )
    def test_picks_the_latest_touch_that_may_have_caused_it(self, days: list[tuple[int, str, int]]) -> None:
        touches = [
            Outreach(place, NOW + timedelta(hours=hours), rep, channel)
            for place, (hours, channel, rep) in enumerate(days)
        ]
        found = cause_of_visit(NOW, touches, "", WINDOW).touch
        eligible = [
            one for one in touches if one.channel != "visit" and timedelta(0) <= NOW - one.at < WINDOW
        ]
        if not eligible:
            assert found is None
        else:
            assert found in eligible
            assert not [one for one in eligible if (one.at, one.pk) > (found.at, found.pk)]


def on(day: float, pk: int) -> Caused:
    return Caused(pk, NOW + timedelta(days=day))


class TestConversions:
    def test_qualifying_and_booking_after_one_visit_count_once(self) -> None:
        assert conversions([on(3, 10), on(3.5, 11)], [on(1, 1), on(2, 2)]) == {10: 2}

    def test_a_second_visit_may_cause_a_second_conversion(self) -> None:
        assert conversions([on(3, 10), on(60, 11)], [on(1, 1), on(50, 2)]) == {10: 1, 11: 2}

    @pytest.mark.parametrize(("day", "caused"), [(30, True), (30.001, False), (0, True), (-0.001, False)])
    def test_a_visit_causes_for_thirty_days(self, day: float, caused: bool) -> None:
        assert bool(conversions([on(day, 10)], [on(0, 1)])) is caused

    @given(
        converted=st.lists(st.integers(0, 90), max_size=6), visits=st.lists(st.integers(0, 90), max_size=8)
    )
    def test_no_visit_causes_two_and_each_lies_before_its_conversion(
        self, converted: list[int], visits: list[int]
    ) -> None:
        ends = [on(day, place) for place, day in enumerate(converted)]
        starts = [on(day, place) for place, day in enumerate(visits)]
        found = conversions(ends, starts)
        assert len(set(found.values())) == len(found)
        for conversion, visit in found.items():
            took = ends[conversion].at - starts[visit].at
            assert timedelta(0) <= took <= CONVERTS_WITHIN


class TestRate:
    def test_of_nobody_is_no_rate(self) -> None:
        assert (Rate(0, 0).value, Rate(0, 0).interval, Rate(0, 0).verdict) == (None, None, "too_few")

    @pytest.mark.parametrize(
        ("part", "whole", "verdict"),
        [
            (7, 19, "too_few"),
            (7, 20, "expected"),
            (9, 20, "unsure"),
            (5, 20, "unsure"),
            (80, 400, "below"),
            (300, 500, "above"),
            (3500, 10_000, "expected"),
        ],
    )
    def test_says_no_more_than_the_sample_shows(self, part: int, whole: int, verdict: str) -> None:
        assert Rate(part, whole).verdict == verdict
        assert Rate(part, whole).value == Fraction(part, whole)
