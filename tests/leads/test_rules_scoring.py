"""A lead's score: points that sum to the total, a letter by threshold, and each point in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.leads.rules.scoring import THRESHOLDS, score, tier_of_score

TARGETS = frozenset({"energy", "logistics"})


@given(
    st.text(max_size=30),
    st.none() | st.integers(0, 10**7),
    st.sampled_from(["", "Energy", "logistics", "Mining"]),
    st.text(max_size=30),
)
def test_reasons_sum_to_the_points_and_the_letter_follows(
    title: str, employees: int | None, industry: str, source: str
) -> None:
    found = score(
        title=title, employees=employees, industry=industry, source=source, target_industries=TARGETS
    )
    assert sum(points for _, _, points in found.reasons) == found.points
    assert found.letter == next(letter for letter, floor in THRESHOLDS if found.points >= floor)
    assert all(words for _, words, _ in found.reasons)


@pytest.mark.parametrize(
    ("employees", "points"), [(9, 2), (10, 6), (49, 6), (50, 12), (200, 20), (999, 20), (1000, 25)]
)
def test_the_edges_of_size(employees: int, points: int) -> None:
    found = score(title="", employees=employees, industry="", source="", target_industries=TARGETS)
    assert found.reasons[0] == ("fit", f"{employees:,} employees", points)


def test_what_is_unknown_adds_nothing_and_is_said() -> None:
    found = score(title="", employees=None, industry="", source="", target_industries=TARGETS)
    assert (found.letter, found.points) == ("D", 0)
    assert [words for _, words, _ in found.reasons] == [
        "Company size unknown",
        "Title unknown",
        "Source unknown",
    ]


def test_every_letter_has_a_tier() -> None:
    assert [tier_of_score(letter) for letter in "ABCD"] == [1, 2, 3, 3]
