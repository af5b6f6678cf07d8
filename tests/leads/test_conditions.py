"""Conditions on leads: what they take, how they judge, and that the query finds whom the judgement finds."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.leads.models import Lead, Persona, Score
from apps.leads.rules.conditions import (
    CHOICE,
    FIELDS,
    NUMBER,
    OPERATOR_WORDS,
    OPERATORS,
    Condition,
    ConditionsInvalid,
    match,
    parse_conditions,
)
from apps.leads.rules.scoring import tier_of_score
from apps.leads.selectors.conditions import known_of, matching
from tests.cast import NOW


def _one(field: str, operator: str, *value: Any) -> tuple[Condition, ...]:
    return parse_conditions([{"field": field, "operator": operator, "value": list(value)}])


class TestParse:
    def test_what_it_reads_it_writes(self) -> None:
        rows = [
            {"field": "score", "operator": "in", "value": ["A", "B"]},
            {"field": "size", "operator": "between", "value": [50, 250]},
            {"field": "title", "operator": "known", "value": []},
        ]
        parsed = parse_conditions(rows)
        assert [one.as_dict() for one in parsed] == rows
        assert [one.in_words for one in parsed] == [
            "Score is A or B",
            "Employees is between 50 and 250",
            "Title is known",
        ]

    def test_knows_the_choices_of_the_models(self) -> None:
        assert {value for value, _ in FIELDS["score"].choices} == set(Score.values)
        assert [(int(value), word) for value, word in FIELDS["persona"].choices] == list(Persona.choices)
        assert {value for value, _ in FIELDS["tier"].choices} == {
            str(tier_of_score(one)) for one in Score.values
        }
        assert {operator for found in OPERATORS.values() for operator in found} == set(OPERATOR_WORDS)

    @pytest.mark.parametrize(
        ("row", "field"),
        [
            ("score", "field"),
            ({"field": "shoe", "operator": "in", "value": ["A"]}, "field"),
            ({"field": "score", "operator": "contains", "value": ["A"]}, "operator"),
            ({"field": "score", "operator": "in", "value": ["E"]}, "value"),
            ({"field": "score", "operator": "in", "value": []}, "value"),
            ({"field": "size", "operator": "at_least", "value": ["ten"]}, "value"),
            ({"field": "size", "operator": "at_least", "value": [-1]}, "value"),
            ({"field": "size", "operator": "between", "value": [5]}, "value"),
            ({"field": "size", "operator": "between", "value": [5, 4]}, "value"),
            ({"field": "city", "operator": "in", "value": ["x" * 161]}, "value"),
            ({"field": "country", "operator": "in", "value": ["Germany", "Ruritania"]}, "value"),
        ],
    )
    def test_names_the_row_and_the_field(self, row: Any, field: str) -> None:
        with pytest.raises(ConditionsInvalid) as refused:
            parse_conditions([{"field": "size", "operator": "known"}, row])
        assert (refused.value.index, refused.value.field) == (1, field)


class TestMatch:
    def test_says_which_held_and_which_did_not(self) -> None:
        rows = [*_one("score", "in", "A"), *_one("size", "at_least", 100), *_one("city", "known")]
        found = match(rows, {"score": "B", "size": 120, "city": ""})
        assert not found.ok
        assert [one.held for one in found.judged] == [False, True, False]
        assert [one.in_words for one in found.failed] == [
            "Score is A: does not hold (B)",
            "City is known: does not hold (nothing is known)",
        ]

    def test_a_country_is_named_or_coded_and_follows_from_the_time_zone(self) -> None:
        rows = _one("country", "in", "de", "Germany", "at")
        assert [one.in_words for one in rows] == ["Country is Germany or Austria"]
        zones = {
            "Europe/Berlin": True,
            "Europe/Vienna": True,
            "Europe/Zurich": False,
            "UTC": False,
            "": False,
        }
        for zone, holds in zones.items():
            assert match(rows, known_of(Lead(time_zone=zone))).ok is holds
        # An older name of a zone is in the same country.
        assert match(_one("country", "in", "Ukraine"), known_of(Lead(time_zone="Europe/Kiev"))).ok
        assert match(_one("country", "unknown"), known_of(Lead(time_zone="CET"))).ok

    def test_without_conditions_everybody_matches(self) -> None:
        assert match([], {}).ok

    @pytest.mark.parametrize("operator", ["in", "not_in", "contains", "not_contains", "starts_with"])
    def test_the_unknown_matches_only_unknown(self, operator: str) -> None:
        assert not match(_one("title", operator, "Head"), {"title": "  "}).ok
        assert match(_one("title", "unknown"), {"title": None}).ok


_WORDS = st.sampled_from(
    ["", "  ", "Retail", "retail ", "Möbel", "MÖBEL & Co. (*)", "Logistics", "a.c", "abc"]
)
_LEADS = st.fixed_dictionaries(
    {
        "score": st.sampled_from("ABCD"),
        "employees": st.none() | st.integers(0, 300),
        "industry": _WORDS,
        "title": _WORDS,
        "source": _WORDS,
        "campaign": _WORDS,
        "city": _WORDS,
        "time_zone": st.sampled_from(["", "UTC", "Europe/Berlin", "America/New_York"]),
        "is_inbound": st.booleans(),
        "persona": st.sampled_from(Persona.values),
    }
)


@st.composite
def _rows(draw: Any) -> dict[str, Any]:
    field = FIELDS[draw(st.sampled_from(sorted(FIELDS)))]
    operator = draw(st.sampled_from(OPERATORS[field.kind]))
    if operator in ("known", "unknown"):
        value: list[Any] = []
    elif field.kind == NUMBER:
        count = 2 if operator == "between" else 1
        value = sorted(draw(st.lists(st.integers(0, 300), min_size=count, max_size=count)))
    elif field.kind == CHOICE:
        value = draw(st.lists(st.sampled_from([one for one, _ in field.choices]), min_size=1, max_size=3))
    elif field.name == "country" and operator in ("in", "not_in"):
        value = draw(st.lists(st.sampled_from(["Germany", "us", "Japan"]), min_size=1, max_size=2))
    else:
        texts = st.sampled_from(
            ["retail", "RETAIL", "möbel", "Möbel & co. (*)", ".", "a.c", "Logi", "(", "Europe"]
        )
        value = draw(st.lists(texts, min_size=1, max_size=3))
    return {"field": field.name, "operator": operator, "value": value}


class TestQuery(TestCase):
    @settings(max_examples=60)
    @given(leads=st.lists(_LEADS, min_size=1, max_size=8), rows=st.lists(_rows(), max_size=3))
    def test_finds_whom_the_judgement_finds(
        self, leads: list[dict[str, Any]], rows: list[dict[str, Any]]
    ) -> None:
        saved = Lead.objects.bulk_create([Lead(created_at=NOW, company="X", **one) for one in leads])
        conditions = parse_conditions(rows)
        judged = {lead.pk for lead in saved if match(conditions, known_of(lead)).ok}
        queried = set(Lead.objects.filter(matching(conditions)).values_list("pk", flat=True))
        assert queried == judged
