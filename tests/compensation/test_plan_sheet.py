"""The designer's sheet, its buttons, the pay curve and the words between versions: pure."""

import copy
from fractions import Fraction

import pytest

from apps.compensation.presentation_plan_curve import curve_picture, worked_example
from apps.compensation.presentation_plan_sheet import Sheet
from apps.compensation.presentation_plans import DRAW, OPTIONAL_PARTS
from apps.compensation.rules.curve import curve, meeting_points, pay_at, usual_quota
from apps.compensation.rules.described import changes, described, in_words
from apps.compensation.rules.plan import PlanInvalid, parse_plan
from apps.compensation.rules.sheet import from_fields, mends, to_fields
from apps.compensation.rules.sheet_acts import apply
from tests.compensation.plan_documents import OF_EVERY_KIND, bands, component, graduated, plan, whole

PARTS = {name: value for name, (_, value) in OPTIONAL_PARTS.items()} | {"draw": DRAW}
BANDS = "components[0].rates.bands"


def one_of(document):
    return parse_plan(plan(document)).components[0]


def problems(document):
    try:
        parse_plan(document)
    except PlanInvalid as error:
        return dict(error.problems)
    return {}


def acted(document, *acts, kinds=None):
    sheet = from_fields(to_fields(document))
    for act in acts:
        apply(sheet, act, PARTS, kinds or {})
    return sheet


class TestSheet:
    def test_keeps_what_was_typed_wrong(self):
        fields = to_fields(plan(component(graduated("5", "10", "6"))))
        fields[f"{BANDS}[1].from"] = "ten"
        fields["components[0].cap"] = "  "
        document = from_fields(fields)
        assert document["components"][0]["rates"]["bands"][1]["from"] == "ten"
        assert "cap" not in document["components"][0]
        with pytest.raises(PlanInvalid) as found:
            parse_plan(document)
        assert (f"{BANDS}[1].from", "'ten' is not a number.") in found.value.problems

    @pytest.mark.parametrize(
        "name", ["csrfmiddlewaretoken", "act", "components[0]..x", "a[", "__class__", "x" * 900]
    )
    def test_leaves_out_what_is_no_place(self, name):
        assert from_fields({name: "x"}) == {}

    def test_a_field_below_a_text_is_left_out(self):
        assert from_fields({"draw": "yes", "draw.amount": "5"}) == {"draw": "yes"}

    def test_every_field_of_every_kind_has_a_cell(self):
        for kind, document in OF_EVERY_KIND.items():
            whole_plan = plan(document)
            sheet = Sheet(whole_plan)
            shown = set()
            for section in [sheet.head(), *sheet.component(0)]:
                cells = [*section.cells, *(cell for row in section.rows for cell in row.cells)]
                if grid := section.extra.get("grid"):
                    cells += [grid["columns_by"], grid["rows_by"], *grid["columns"]]
                    cells += [cell for start, rates in grid["rows"] for cell in (start, *rates)]
                shown |= {cell.place for cell in cells} | {section.extra.get("method_cell")}
            assert set(to_fields(whole_plan)) - shown == {"format"}, kind

    def test_problems_stand_at_their_cell_or_at_the_part_around_it(self):
        document = copy.deepcopy(plan(OF_EVERY_KIND["holdback"]))
        document["components"][0]["holdback"]["releases"][0]["percent"] = "40"
        found = list(problems(document).items())
        sheet = Sheet(document, found)
        sections = {one.title: one for one in sheet.component(0)}
        assert [one.says for one in sections["Holdback"].problems] == [
            "The releases sum to 90 %, not to 100 %."
        ]
        assert sheet.left_over() == []

    def test_shows_what_a_band_paid_before(self):
        before, now = (
            plan(component(graduated("40.00", "10", "60.00"))),
            plan(component(graduated("30.00", "10", "60.00", "20", "9"))),
        )
        rows = next(one for one in Sheet(now, (), before).component(0) if one.title == "Rates").rows
        assert [(row.was, row.change) for row in rows] == [
            ("40.00", "− 10.00"),
            ("60.00", "same"),
            ("–", "new"),
        ]


class TestActs:
    def test_a_band_more_leaves_no_gap(self):
        document = acted(plan(component(graduated("5", "10", "6"))), f"band:{BANDS}", f"band:{BANDS}")
        assert problems(document) == {}
        assert [one["from"] for one in document["components"][0]["rates"]["bands"]] == ["0", "10", "20", "30"]

    def test_a_gap_and_an_overlap_are_mended_as_offered(self):
        for typed in ("12", "8"):
            document = plan(component(graduated("5", "10", "6")))
            document["components"][0]["rates"]["bands"][1]["from"] = typed
            place = f"{BANDS}[1].from"
            assert place in problems(document)
            ways = mends(document, place)
            assert len(ways) == 2
            for _, where, text in ways:
                assert problems(acted(document, f"set:{where}={text}")) == {}

    def test_shape_turns_bands_into_a_grid_and_back(self):
        document = acted(plan(component(graduated("5"))), "shape:components[0]:grid")
        assert document["components"][0]["rates"]["method"] == "grid"
        document = acted(document, "column:components[0].rates", "row:components[0].rates")
        assert [len(row) for row in document["components"][0]["rates"]["rates"]] == [3, 3, 3]
        document = acted(document, "uncolumn:components[0].rates:0", "unrow:components[0].rates:2")
        assert [len(row) for row in document["components"][0]["rates"]["rates"]] == [2, 2]
        back = acted(document, "shape:components[0]:whole")["components"][0]["rates"]
        assert (back["method"], len(back["bands"])) == ("whole", 1)

    def test_graduated_and_whole_keep_the_bands(self):
        document = acted(plan(component(graduated("5", "10", "6"))), "shape:components[0]:whole")
        assert document["components"][0]["rates"] == whole("5", "10", "6")

    @pytest.mark.parametrize("name", PARTS)
    def test_an_optional_part_comes_and_goes(self, name):
        document = plan(component(graduated("5")))
        place = "draw" if name == "draw" else f"components[0].{name}"
        with_it = acted(document, f"put:{place}")
        assert to_fields(with_it).keys() > to_fields(document).keys()
        assert acted(with_it, f"take:{place}") == from_fields(to_fields(document))

    def test_components_are_added_under_a_key_of_their_own_moved_and_removed(self):
        kinds = {"same": component(graduated("7"))}
        document = acted(plan(component(graduated("5"))), "component:same", "component:same", kinds=kinds)
        assert [one["key"] for one in document["components"]] == ["only", "only_2", "only_3"]
        document = acted(document, "up:components[2]", "remove:components[0]")
        assert [one["key"] for one in document["components"]] == ["only_3", "only_2"]

    @pytest.mark.parametrize(
        "act",
        [
            "",
            "remove:components[9]",
            "band:nowhere",
            "up:components[0]",
            "set:a.b.c=1",
            "zap:x",
            "component:none",
            "unrow:components[0].rates:x",
        ],
    )
    def test_what_is_not_there_changes_nothing(self, act):
        document = from_fields(to_fields(plan(component(graduated("5")))))
        assert acted(document, act)["components"] == document["components"]


class TestCurve:
    def test_has_a_point_at_each_edge_and_just_below(self):
        one = one_of(component(whole("10", "100", "20"), measure={"of": "count"}, pays="per_unit"))
        found = {point.total: point.pay_minor for point in curve(one, "EUR", None).points}
        assert found[Fraction(100)] == 2_000_00
        assert max(total for total in found if total < 100) > 99
        assert found[max(total for total in found if total < 100)] < 1_000_01

    @pytest.mark.parametrize("kind", OF_EVERY_KIND)
    def test_is_what_the_engine_pays(self, kind):
        one = one_of(OF_EVERY_KIND[kind])
        quota = usual_quota(one, "EUR") if one.quota else None
        found = curve(one, "EUR", quota)
        assert found.points[0].total == 0
        for point in found.points[::7]:
            assert point.pay_minor == pay_at(one, point.total, "EUR", quota)
        picture = curve_picture(one, "EUR", quota, None, "", "draft 1")
        assert picture["sentence"].endswith(".")
        assert len(picture["rows"]) == 5

    def test_a_cap_and_an_accelerator_show(self):
        capped = one_of(OF_EVERY_KIND["cap and floor"])
        assert pay_at(capped, Fraction(10_000_000_00), "EUR", None) == 9_000_00
        assert pay_at(capped, Fraction(0), "EUR", None) == 500_00
        faster = one_of(OF_EVERY_KIND["accelerator"])
        assert pay_at(faster, Fraction(130_000_00), "EUR", 100_000_00) == 10_000_00 + 3_000_00 + 2_000_00

    def test_two_curves_meet_where_they_pay_the_same(self):
        one = curve(
            one_of(component(graduated("40.00", "10", "60.00"), measure={"of": "count"}, pays="per_unit")),
            "EUR",
            None,
        )
        other = curve(
            one_of(component(graduated("30.00", "10", "100.00"), measure={"of": "count"}, pays="per_unit")),
            "EUR",
            None,
            one.most,
        )
        (met,) = meeting_points(one, other)
        assert abs(one.pay_at(met) - other.pay_at(met)) <= 10_00

    def test_a_worked_example_adds_up_band_by_band(self):
        one = one_of(component(graduated("40.00", "10", "60.00"), measure={"of": "count"}, pays="per_unit"))
        found = worked_example(one, "EUR", None, Fraction(15))
        assert [(band.base, band.pay) for band in found["bands"]] == [
            ("10 wins", "€400.00"),
            ("5 wins", "€300.00"),
        ]
        assert found["pay"] == "€700.00"


class TestWords:
    @pytest.mark.parametrize("kind", OF_EVERY_KIND)
    def test_every_kind_is_described(self, kind):
        one = one_of(OF_EVERY_KIND[kind])
        items = described(one, "EUR")
        assert len(dict(items)) == len(items)
        assert all(label and says for label, says in items)
        assert in_words(one, "EUR").endswith(".")

    @pytest.mark.parametrize("kind", OF_EVERY_KIND)
    def test_nothing_changes_against_itself(self, kind):
        rules = parse_plan(plan(OF_EVERY_KIND[kind]))
        assert changes(rules, rules) == []

    def test_says_what_changed_came_and_went(self):
        accelerated = OF_EVERY_KIND["accelerator"] | {"key": "gone", "name": "Gone"}
        before = parse_plan(
            plan(
                component(graduated("40.00", "10", "60.00"), measure={"of": "count"}, pays="per_unit"),
                accelerated,
            )
        )
        after = parse_plan(
            plan(
                component(
                    graduated("30.00", "10", "60.00"), measure={"of": "count"}, pays="per_unit", cap="900.00"
                ),
                OF_EVERY_KIND["margin"] | {"key": "fresh", "name": "Fresh"},
                draw=DRAW,
            )
        )
        found = {(one.part, one.label): (one.was, one.now) for one in changes(before, after)}
        assert found["The only component", "Rate, 0 to 10"] == ("€40.00", "€30.00")
        assert found["The only component", "Cap"] == ("", "€900.00")
        assert found["Gone", "Component"][1] == ""
        assert found["Fresh", "Component"][1].startswith("new: ")
        assert found["Draw", "Each pay period"] == ("", "€2,000.00")
        assert ("The only component", "Rate, 10 and more") not in found

    def test_every_optional_part_that_differs_is_told(self):
        base = component(graduated("10"), quota={"measure": "amount_won"})
        for more in (
            {"threshold": {"at": "50", "in": "percent_of_quota", "pays": "everything"}},
            {"floor": "5.00"},
            {"clawback": {"within_days": "30", "method": "full"}},
            {"split": {"sourced": "15", "owned": "85"}},
            {"scope": "team"},
            {"basis": "year"},
            {"bonus": {"from": "2026-01-01", "to": "2026-02-01"}},
            {
                "multipliers": [
                    {
                        "name": "Fast",
                        "bands_in": "units",
                        "method": "whole",
                        "bands": bands("2", value="times"),
                    }
                ]
            },
        ):
            assert changes(parse_plan(plan(base)), parse_plan(plan(base | more))), more
