"""Frameworks, and what changed between two versions in words."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.leads.rules.agreements import Change, Terms, changes
from apps.leads.rules.frameworks import FRAMEWORKS, Criterion, framework_of, mismatch
from apps.leads.rules.keywords import Keywords
from apps.leads.rules.points import Band, PointTable

TABLE = PointTable.default(("Energy",))
MQL = Terms("Points", 30, table=TABLE)
BANT = Terms("BANT", 3, "bant", FRAMEWORKS["bant"].criteria, (25, 35))


def words(before: Terms, after: Terms) -> list[str]:
    return [change.words for change in changes(before, after)]


class TestChanges:
    @pytest.mark.parametrize("terms", [MQL, BANT])
    def test_none_against_itself(self, terms):
        assert changes(terms, terms) == []

    def test_every_value_of_an_sql_definition(self):
        renamed = (
            Criterion("Budget", "How much?"),
            Criterion("Urgency", "Why now?"),
            *BANT.criteria[1:3],
        )
        assert changes(BANT, Terms("Ours", 2, "own", renamed)) == [
            Change("changed", "Framework: Own framework, was BANT."),
            Change("changed", "Needed: 2 of 4 criteria, was 3 of 4 criteria."),
            Change("changed", "Expected to close: nothing agreed, was 25–35 %."),
            Change("added", "Criterion Urgency: Why now?"),
            Change("removed", "Criterion Timeframe"),
            Change("changed", "Budget asks “How much?”, was “What is set aside, and who approved it?”."),
            Change("changed", "Name: “Ours”, was “BANT”."),
        ]

    def test_another_order_of_the_criteria(self):
        after = replace(BANT, criteria=BANT.criteria[::-1])
        assert words(BANT, after) == ["Asked in this order: Timeframe, Need, Authority, Budget."]

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"letters": (("A", 90), ("B", 55), ("C", 30))}, ["Score A begins at: 90 points, was 80."]),
            (
                {"employees": (*TABLE.employees[:4], Band(1000, None, 30))},
                ["Employees 1,000 or more: 30 points, was 25."],
            ),
            (
                {"employees": (Band(0, None, 1),)},
                [
                    "Employees 0 or more: 1 point",
                    "Employees 0 to 9: 2 points",
                    "Employees 10 to 49: 6 points",
                    "Employees 50 to 199: 12 points",
                    "Employees 200 to 999: 20 points",
                    "Employees 1,000 or more: 25 points",
                ],
            ),
            ({"industries": ("Retail",)}, ["Target industry Retail", "Target industry Energy"]),
            ({"other_industry_points": 0}, ["Another industry: 0 points, was 4."]),
            (
                {"predictive": ()},
                [f"Predictive score {one} points" for one in ("A: 20", "B: 12", "C: 5", "D: 0")],
            ),
            (
                {"titles": (*TABLE.titles, Keywords(("buyer",), 7))},
                ["Title “buyer”: 7 points"],
            ),
            (
                {"titles": (TABLE.titles[1], TABLE.titles[0], *TABLE.titles[2:])},
                [
                    (
                        "Title words are looked for in another order: chief, ceo, coo, cfo, cio, cto, c level, owner, "
                        "founder, president; vp, vice, svp, evp, head; director; manager."
                    )
                ],
            ),
        ],
    )
    def test_every_part_of_a_table(self, change, expected):
        assert words(MQL, replace(MQL, table=replace(TABLE, **change))) == expected

    @given(st.integers(1, 100), st.integers(1, 100))
    def test_the_fingerprint_is_the_words(self, first: int, second: int):
        one, other = replace(MQL, needed=first), replace(MQL, needed=second)
        assert (one.fingerprint == other.fingerprint) == (changes(one, other) == [])


class TestFrameworks:
    @pytest.mark.parametrize("key", ["bant", "an", "anum"])
    def test_is_known_by_what_it_asks(self, key):
        assert framework_of(FRAMEWORKS[key].keys).key == key

    def test_anything_else_is_the_own_one(self):
        assert framework_of(["need"]).key == "own"

    def test_a_looser_one_is_expected_to_close_less(self):
        assert {key: one.expected for key, one in FRAMEWORKS.items()} == {
            "bant": (25, 35), "an": (10, 20), "anum": (10, 20), "own": (10, 20),
        }  # fmt: skip

    def test_says_what_is_missing_and_what_is_too_much(self):
        given = [Criterion("Authority"), Criterion("Champion")]
        assert mismatch(FRAMEWORKS["an"], given) == (
            "AN asks for Need as well: add it; Champion is not part of AN: take it out, or choose the own framework."
        )
        assert mismatch(FRAMEWORKS["own"], given) == ""

    @given(st.text(max_size=60))
    def test_a_key_is_a_short_word(self, name: str):
        key = Criterion(name).key
        assert len(key) <= 20
        assert key == key.strip("_")
        assert " " not in key
