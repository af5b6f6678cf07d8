"""Plan documents of format 2: what they can say, what is wrong with them, and that nothing is lost on the way."""

import copy
import json

import pytest

from apps.compensation.rules.plan import PlanInvalid, parse_plan
from apps.compensation.rules.sentences import limits_in_words
from apps.compensation.rules.writing import write_plan
from apps.compensation.services.plans import shipped_plan
from tests.compensation.plan_documents import (
    DRAW,
    OF_EVERY_KIND,
    QUOTA,
    bands,
    component,
    graduated,
    plan,
    whole,
)


class TestEveryKindOfComponent:
    @pytest.mark.parametrize("kind", OF_EVERY_KIND)
    def test_is_read_written_and_read_the_same(self, kind):
        rules = parse_plan(plan(OF_EVERY_KIND[kind]))
        written = json.loads(json.dumps(write_plan(rules)))
        assert parse_plan(written) == rules
        assert write_plan(parse_plan(written)) == written

    @pytest.mark.parametrize("kind", OF_EVERY_KIND)
    def test_says_itself_in_words(self, kind):
        one = parse_plan(plan(OF_EVERY_KIND[kind])).components[0]
        assert one.rule_in_words
        assert one.counts_when
        assert all(sentence.endswith(".") for sentence in limits_in_words(one))

    @pytest.mark.parametrize("name", ["sdr", "ae"])
    def test_a_plan_of_the_first_format_is_written_in_the_second(self, name):
        rules = parse_plan(shipped_plan(name))
        written = write_plan(rules)
        assert written["format"] == "salesportal.plan/2"
        assert parse_plan(written) == rules

    def test_draw_days_and_notes_survive(self):
        document = plan(
            component(graduated("0.12345678901")), draw=DRAW | {"forgiven_on": "2026-12-31"},
            ends_on="2027-01-01", notes="Words.", role="manager", currency="KWD",
        )  # fmt: skip
        rules = parse_plan(document)
        assert rules.draw is not None
        assert rules.draw.amount_minor == 2_000_000
        assert parse_plan(write_plan(rules)) == rules


def changed(one, **values):
    found = copy.deepcopy(one)
    for path, value in values.items():
        target = found
        *parents, last = [int(part) if part.isdigit() else part for part in path.split("__")]
        for part in parents:
            target = target[part]
        target[last] = value
    return found


def of(kind, **values):
    return plan(changed(OF_EVERY_KIND[kind], **values))


WRONG = [
    (of("graduated", basis="week"), "basis", "Choose one of"),
    (of("graduated", scope="everybody"), "scope", "Choose one of"),
    (of("grid", rates__rates__1=["9"]), "rates.rates[1]", "Give 2 rates"),
    (of("grid", rates__columns__by="mood"), "rates.columns.by", "figure:NAME"),
    (of("grid", rates__rows__from=["0", "20", "15"]), "rates.rows.from[2]", "above the one before"),
    (of("grid", rates__rows__from=["1", "2", "3"]), "rates.rows.from[0]", "starts at 0"),
    (of("grid", rates__columns__by="attainment"), "quota", "which quota"),
    (of("accelerator", multipliers__0__bands__1__from="110"), "multipliers[0].bands[1].from", "has no rate"),
    (of("accelerator", multipliers__0__bands__1__times="-1"), "multipliers[0].bands[1].times", "is below 0"),
    (of("accelerator", rates=whole("10")), "multipliers[0].method", "Only graduated rates"),
    (of("cliff", threshold__at="0"), "threshold.at", "leave it out"),
    (of("cliff", threshold__pays="some"), "threshold.pays", "Choose one of"),
    (of("cap and floor", floor="9000.01"), "floor", "above the cap"),
    (of("cap and floor", cap="9000.005"), "cap", "no such fraction"),
    (of("cap and floor", cap="-1"), "cap", "is below 0"),
    (of("split", split={"sourced": "15", "owned": "80"}), "split", "sum to 95 %"),
    (of("split", split={"sourced": "100", "owned": "0"}), "split.owned", "above 0"),
    (of("holdback", holdback__releases__1__percent="40"), "holdback.releases", "sum to 90 %"),
    (of("holdback", holdback__percent="130"), "holdback.percent", "at most 100"),
    (of("holdback", holdback__releases__1__label="setup invoice"), "holdback.releases", "the same thing"),
    (of("clawback", clawback__within_days="0"), "clawback.within_days", "is below 1"),
    (of("clawback", clawback__method="half"), "clawback.method", "Choose one of"),
    (of("spiff", bonus__to="2026-01-01"), "bonus.to", "ends after it starts"),
    (of("spiff", bonus__from="soon"), "bonus.from", "Write a day"),
    (of("margin", measure__unit="hours"), "measure.unit", "Choose one of"),
    (of("margin", measure__of="amount"), "measure.figure", "Only a measure of a figure"),
    (of("multi-year", measure__term__years="1.5"), "measure.term.years", "whole years"),
    (of("within the definition", measure__where__0__field="mood"), "measure.where[0].field", "Choose one of"),
    (of("within the definition", measure__where__0__value="maybe"), "measure.where[0].value", "yes or no"),
    (of("within the definition", measure__where__0__is="below"), "measure.where[0].is", "Only numbers"),
    (of("target by band", rates=graduated("0", "100", "100")), "rates.method", "write whole"),
    (of("team pool", cap="100.00"), "scope", "takes no cap"),
    (plan(component(graduated("1"), key="draw")), "key", "is the draw's"),
]


class TestWhatIsWrong:
    @pytest.mark.parametrize(("document", "place", "says"), WRONG, ids=[place for _, place, _ in WRONG])
    def test_is_named_by_its_place(self, document, place, says):
        with pytest.raises(PlanInvalid) as caught:
            parse_plan(document)
        places = dict(caught.value.problems)
        assert f"components[0].{place}" in places
        assert says in places[f"components[0].{place}"]

    def test_everything_is_found_at_once(self):
        one = component(
            graduated("4", "80", "-6"), bands_in="percent_of_quota", quota=QUOTA, cap="1.001",
            split={"sourced": "1", "owned": "1"}, clawback={"within_days": "x", "method": "full"},
        )  # fmt: skip
        with pytest.raises(PlanInvalid) as caught:
            parse_plan(plan(one, draw=DRAW | {"recoverable": "perhaps"}))
        assert [place for place, _ in caught.value.problems] == [
            "components[0].rates.bands[1].rate",
            "components[0].cap",
            "components[0].split",
            "components[0].clawback.within_days",
            "draw.recoverable",
        ]

    @pytest.mark.parametrize(
        ("kind", "place"),
        [("cap and floor", "cap"), ("clawback", "clawback"), ("year to date", "basis")],
    )
    def test_the_first_format_knows_nothing_of_the_second(self, kind, place):
        with pytest.raises(PlanInvalid, match=rf"components\[0\]\.{place}: .* is not known here"):
            parse_plan(plan(OF_EVERY_KIND[kind], format="salesportal.plan/1"))

    def test_a_bare_decimal_is_refused_wherever_it_stands(self):
        one = component(graduated("10"), cap=9000.5)
        with pytest.raises(PlanInvalid, match=r"cap: Write 9000.5 in quotes"):
            parse_plan(plan(one))

    def test_two_graduated_multipliers_are_one_too_many(self):
        twice = OF_EVERY_KIND["accelerator"]["multipliers"] * 2
        with pytest.raises(PlanInvalid, match="One multiplier at most is graduated"):
            parse_plan(plan(component(graduated("10"), quota=QUOTA, multipliers=twice)))


def test_bands_of_a_test_are_those_of_a_plan():
    assert bands("10", "100", "20") == [
        {"from": "0", "rate": "10", "to": "100"},
        {"from": "100", "rate": "20"},
    ]
