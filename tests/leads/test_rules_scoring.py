"""A lead's score: points that sum to the total, a letter by the table, and each point in words."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.leads.rules.keywords import Keywords, normal_text
from apps.leads.rules.points import (
    LETTERS,
    MOST_ROWS,
    Band,
    Counted,
    PointTable,
    TableInvalid,
)
from apps.leads.rules.scoring import Known, score, tier_of_score

TABLE = PointTable.default(("Energy", "Logistics"))

points = st.integers(-1000, 1000)
counts = st.integers(0, 1000)
words = st.from_regex(r"\A[a-zäöü]{1,9}( [a-z]{1,6})?\*?\Z")
keyword_rows = st.lists(
    st.builds(Keywords, st.lists(words, min_size=1, max_size=3).map(tuple), points), max_size=5
)


@st.composite
def bands(draw: st.DrawFn) -> tuple[Band, ...]:
    if draw(st.booleans()):
        return ()
    starts = [0, *sorted(draw(st.sets(st.integers(1, 10_000_000), max_size=5)))]
    ends = [start - 1 for start in starts[1:]] + [None]
    return tuple(Band(start, end, draw(points)) for start, end in zip(starts, ends, strict=True))


@st.composite
def tables(draw: st.DrawFn) -> PointTable:
    floors = sorted(draw(st.sets(st.integers(-1000, 10_000), min_size=3, max_size=3)), reverse=True)
    predictive = sorted(draw(st.lists(points, min_size=4, max_size=4)), reverse=True)
    return PointTable(
        letters=tuple(zip("ABC", floors, strict=True)),
        predictive=tuple(zip(LETTERS, predictive, strict=True)) if draw(st.booleans()) else (),
        employees=draw(bands()),
        industries=tuple(draw(st.sets(st.from_regex(r"\A[a-z]{1,9}\Z"), max_size=4))),
        industry_points=draw(points),
        other_industry_points=draw(points),
        titles=tuple(draw(keyword_rows)),
        sources=tuple(draw(keyword_rows)),
        forms=draw(st.builds(Counted, counts, counts)),
        visits=draw(st.builds(Counted, counts, counts)),
        events=draw(st.builds(Counted, counts, counts)),
    )


leads = st.builds(
    Known,
    title=st.text(max_size=20) | words,
    employees=st.none() | st.integers(0, 10**8),
    industry=st.sampled_from(["", "Energy", "logistics", "Mining"]) | st.text(max_size=10),
    source=st.text(max_size=20) | words,
    predictive=st.sampled_from(["", *LETTERS]),
    forms=st.integers(0, 50),
    visits=st.integers(0, 500),
    events=st.integers(0, 50),
)


class TestScore:
    @given(leads, tables())
    def test_reasons_sum_to_the_points_and_the_letter_follows(self, known: Known, table: PointTable) -> None:
        found = score(known, table)
        assert sum(points for _, _, points in found.reasons) == found.points
        reached = [letter for letter, floor in table.letters if found.points >= floor]
        assert found.letter == (reached[0] if reached else "D")
        assert all(words for _, words, _ in found.reasons)

    @given(leads, tables(), st.integers(0, 20), st.integers(0, 200), st.integers(0, 20))
    def test_more_intent_never_lowers_it(
        self, known: Known, table: PointTable, forms: int, visits: int, events: int
    ) -> None:
        more = replace(
            known, forms=known.forms + forms, visits=known.visits + visits, events=known.events + events
        )
        before, after = score(known, table), score(more, table)
        assert after.points >= before.points
        assert after.letter <= before.letter

    @given(tables())
    def test_what_is_unknown_adds_nothing_and_is_said(self, table: PointTable) -> None:
        found = score(Known(), table)
        assert found.points == 0
        assert all(words.endswith("unknown") for _, words, _ in found.reasons)
        assert bool(table.employees) == (("fit", "Company size unknown", 0) in found.reasons)

    @pytest.mark.parametrize(
        ("employees", "points"), [(9, 2), (10, 6), (49, 6), (50, 12), (200, 20), (999, 20), (1000, 25)]
    )
    def test_the_edges_of_size(self, employees: int, points: int) -> None:
        assert score(Known(employees=employees), TABLE).reasons[0] == (
            "fit",
            f"{employees:,} employees",
            points,
        )

    @pytest.mark.parametrize(
        ("title", "points"),
        [
            ("Chief Operating Officer", 20),
            ("C - Level", 20),
            ("Vice President Sales", 16),
            ("Head of Operations", 16),
            ("Sales Coordinator", 0),
            ("Service technician", 0),
            ("Director, Supply Chain", 13),
            ("plant MANAGER", 9),
        ],
    )
    def test_a_title_is_matched_by_whole_words(self, title: str, points: int) -> None:
        assert ("fit", title, points) in score(Known(title=title), TABLE).reasons

    def test_intent_counts_up_to_its_most_and_says_so(self) -> None:
        reasons = score(Known(source="Demo request", forms=1, visits=9, events=1), TABLE).reasons[-4:]
        assert reasons == (
            ("intent", "Demo request", 35),
            ("intent", "1 form filled in", 10),
            ("intent", "9 page visits, the most that counts", 15),
            ("intent", "1 event attended", 8),
        )

    def test_an_industry_outside_the_profile_is_named(self) -> None:
        assert ("fit", "energy", 20) in score(Known(industry="energy"), TABLE).reasons
        assert ("fit", "Mining, not a target industry", 4) in score(Known(industry="Mining"), TABLE).reasons

    def test_a_predictive_score_from_outside_counts(self) -> None:
        assert ("fit", "Predictive score B", 12) in score(Known(predictive="B"), TABLE).reasons

    def test_every_letter_has_a_tier(self) -> None:
        assert [tier_of_score(letter) for letter in "ABCD"] == [1, 2, 3, 3]


class TestPointTable:
    @given(tables())
    def test_what_is_kept_reads_back_the_same(self, table: PointTable) -> None:
        assert PointTable.parse(json.loads(json.dumps(table.dump()))) == table

    def test_the_built_in_one_is_valid(self) -> None:
        assert PointTable.parse(TABLE.dump()) == TABLE

    @pytest.mark.parametrize(
        ("change", "place", "words"),
        [
            (
                {"employees": [{"from": 5, "to": None, "points": 1}]},
                ("employees", 0, "from"),
                "begin row 1 at 0",
            ),
            (
                {"employees": [{"from": 0, "to": 49, "points": 1}, {"from": 60, "to": None, "points": 2}]},
                ("employees", 1, "from"),
                "Row 1 ends at 49: begin row 2 at 50",
            ),
            (
                {"employees": [{"from": 0, "to": 49, "points": 1}]},
                ("employees", 0, "to"),
                "leave its end open",
            ),
            (
                {"employees": [{"from": 0, "to": None, "points": 1}, {"from": 9, "to": None, "points": 2}]},
                ("employees", 0, "to"),
                "only the last band stays open",
            ),
            (
                {"employees": [{"from": 0, "to": None, "points": 1.5}]},
                ("employees", 0, "points"),
                "Row 1: give the points as a whole number",
            ),
            ({"employees": [{"from": 0, "points": True}]}, ("employees", 0, "points"), "whole number"),
            ({"employees": "many"}, ("employees", None, ""), "list of rows"),
            ({"letters": {"A": 80, "B": 80, "C": 30}}, ("letters", None, "B"), "give less than 80"),
            ({"letters": {"A": 80, "B": 55}}, ("letters", None, "C"), "where C begins"),
            ({"letters": {"A": 80, "B": 55, "C": 30, "D": 0}}, ("letters", None, "D"), "D is below C"),
            ({"predictive": {"A": 5, "B": 9}}, ("predictive", None, "B"), "at most 5"),
            ({"predictive": {"E": 5}}, ("predictive", None, "E"), "A, B, C or D"),
            (
                {"titles": [{"words": [], "points": 1}]},
                ("titles", 0, "words"),
                "at least one word of a title",
            ),
            ({"sources": [{"words": ["*"], "points": 1}]}, ("sources", 0, "words"), "no word to look for"),
            ({"sources": [{"words": ["web"], "points": "9"}]}, ("sources", 0, "points"), "whole number"),
            ({"industries": {"targets": ["Energy", "energy "]}}, ("industries", 1, "targets"), "twice"),
            ({"visits": {"each": -1, "most": 5}}, ("visits", None, "each"), "from 0 to"),
            ({"colour": {"red": 1}}, ("colour", None, ""), "no part named colour"),
            (
                {"titles": [{"words": ["x"], "points": 1}] * (MOST_ROWS + 1)},
                ("titles", MOST_ROWS, ""),
                "Keep to",
            ),
        ],
    )
    def test_says_where_it_is_wrong_and_what_to_do(self, change, place, words) -> None:
        with pytest.raises(TableInvalid) as refused:
            PointTable.parse(TABLE.dump() | change)
        assert (refused.value.part, refused.value.row, refused.value.field) == place
        assert words in str(refused.value)

    def test_names_every_problem_at_once(self) -> None:
        wrong = TABLE.dump() | {"letters": {}, "visits": {"each": "x"}, "titles": [{"words": ["a"]}]}
        with pytest.raises(TableInvalid) as refused:
            PointTable.parse(wrong)
        assert {one.part for one in refused.value.problems} == {"letters", "visits", "titles"}

    def test_says_from_which_points_a_letter_is_given(self) -> None:
        assert [TABLE.letter_words(letter) for letter in "AD"] == ["A from 80", "D below 30"]

    def test_without_target_industries_every_industry_is_inside_the_profile(self) -> None:
        assert PointTable.default().is_target("Mining")
        assert not TABLE.is_target("Mining")


@given(
    st.text(st.characters(exclude_characters="*"), max_size=30).filter(lambda text: normal_text(text).strip())
)
def test_a_text_is_found_in_itself(text: str) -> None:
    assert Keywords((text,), 1).matches(text)
