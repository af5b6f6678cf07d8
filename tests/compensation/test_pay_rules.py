"""Edges of the pure rules that decide money: each case here is one that a small change of a rule would get wrong."""

from datetime import date
from fractions import Fraction

import pytest

from apps.compensation.rules import words
from apps.compensation.rules.conditions import holds
from apps.compensation.rules.draws import draw_lines, settle
from apps.compensation.rules.events import CreditedEvent, counts, weight
from apps.compensation.rules.plan import PlanInvalid, parse_plan
from apps.compensation.rules.rates import Axis, Band, Grid, Method, RateTable, within
from apps.compensation.rules.reading import Reader
from apps.compensation.rules.terms import Clawback, Condition, Draw
from apps.compensation.rules.writing import write_plan
from apps.core import money
from tests.compensation.plan_documents import DRAW, OF_EVERY_KIND, QUOTA, component, graduated, plan, whole

pytestmark = pytest.mark.once

# ISO 4217, by the number of decimals of the minor unit.
NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split()
THREE = "BHD IQD JOD KWD LYD OMR TND".split()


class TestMoney:
    @pytest.mark.parametrize(
        ("currencies", "places"),
        [(NONE, 0), (THREE, 3), (["EUR", "USD", "GBP", "XXX"], 2)],
        ids=["0", "3", "2"],
    )
    def test_every_currency_has_its_own_decimals(self, currencies, places):
        assert {money.exponent(one) for one in currencies} == {places}
        assert {money.round_money(Fraction(1), one) for one in currencies} == {10**places}

    @pytest.mark.parametrize(
        ("total", "weights", "parts"),
        [
            (0, [1, 2], [0, 0]), (1, [1, 1, 1], [1, 0, 0]), (-1, [1, 1, 1], [-1, 0, 0]), (2, [1, 1, 1], [1, 1, 0]),
            (5, [0, 1], [0, 5]), (100, [1, 2, 3], [17, 33, 50]), (10, [3, 3, 1], [4, 4, 2]), (7, [1], [7]),
            (1, [0, 0, 1], [0, 0, 1]), (9, [Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)], [5, 2, 2]),
        ],
    )  # fmt: skip
    def test_a_share_goes_by_largest_remainder(self, total, weights, parts):
        assert money.allocate(total, weights) == parts

    @pytest.mark.parametrize(
        ("value", "places", "shown"),
        [
            ("0.125", 2, "0.13"),
            ("-0.125", 2, "-0.13"),
            ("2", 0, "2"),
            ("0.0049", 2, "0.00"),
            ("1.5", 3, "1.500"),
        ],
    )
    def test_a_ratio_is_shown_rounded_half_up(self, value, places, shown):
        assert str(money.quantize(value, places)) == shown

    def test_an_amount_is_read_as_it_stands_or_not_at_all(self):
        assert money.to_minor(money.to_major(-1, "EUR"), "EUR") == -1
        assert str(money.to_major(5, "KWD")) == "0.005"
        with pytest.raises(ValueError, match=r"0\.001 has more decimal places than EUR"):
            money.to_minor(money.to_major(1, "KWD"), "EUR")


class TestWords:
    @pytest.mark.parametrize(
        ("value", "places"),
        [
            ("1", 0),
            ("0.5", 1),
            ("0.25", 2),
            ("0.04", 2),
            ("0.001", 3),
            ("1/3", None),
            ("1/6", None),
            ("7/40", 3),
        ],
    )
    def test_count_the_decimals_that_a_number_has(self, value, places):
        assert words.places_of(Fraction(value)) == places

    @pytest.mark.parametrize(
        ("value", "least", "text"),
        [
            ("1234.5", 0, "1,234.5"), ("1234.5", 2, "1,234.50"), ("-0.5", 0, "− 0.5"), ("0", 0, "0"),
            ("1/3", 0, "0.33333333…"), ("2/3", 2, "0.66666667…"), ("0.12345678", 0, "0.12345678"),
            ("0.123456785", 0, "0.12345679…"), ("1000000", 0, "1,000,000"), ("0.05", 1, "0.05"),
        ],
    )  # fmt: skip
    def test_write_a_number_out(self, value, least, text):
        assert words.decimal(Fraction(value), least) == text

    @pytest.mark.parametrize(
        ("minor", "currency", "text"),
        [
            ("871.264", "EUR", "€8.71264"), ("-871.264", "EUR", "− €8.71264"), ("150", "EUR", "€1.50"),
            ("0.5", "JPY", "¥0.5"), ("1.5", "KWD", "KWD 0.0015"), ("100/3", "EUR", "€0.33333333…"),
        ],
    )  # fmt: skip
    def test_write_money_between_two_minor_units(self, minor, currency, text):
        assert words.money(Fraction(minor), currency) == text

    def test_write_what_no_decimal_says_as_a_division(self):
        assert words.exactly(Fraction(10_000, 3), "EUR") == "(€100.00 ÷ 3)"
        assert words.exactly(Fraction(25, 2), "EUR") == "€0.125"
        # More decimals than are shown: read back it would not be the same.
        assert words.exactly(Fraction(1, 10**7), "EUR").startswith("(€0.01 ÷ 10000000")
        assert words.exactly(Fraction(1, 10**6), "EUR") == "€0.00000001"

    def test_say_only_of_what_was_rounded_that_it_was(self):
        assert words.result("x", Fraction(5), 5, "EUR") == "x = €0.05"
        assert words.result("x", Fraction(9, 2), 5, "EUR") == "x = €0.045, rounded to €0.05"

    def test_a_rate_has_two_decimals_and_a_share_what_it_needs(self):
        assert words.percent(Fraction(1, 500)) == "0.20 %"
        assert words.percent(Fraction(1, 8)) == "12.50 %"
        assert words.credit(Fraction(1, 2)) == "50 %"


class TestReading:
    @pytest.mark.parametrize(
        ("found", "least", "number", "says"),
        [
            ("0", Fraction(0), 0, None), ("-0.01", Fraction(0), None, "is below 0"), (-5, None, -5, None),
            ("1", Fraction(1), 1, None), ("0.99", Fraction(1), None, "is below 1"), (True, None, 0, "Write a number"),
            (None, None, 0, "Write a number"), (1.0, None, 0, "in quotes"), ("1e3", None, 1000, None),
            ("Infinity", None, 0, "is not a number"), ([], None, 0, "Write a number"),
        ],
    )  # fmt: skip
    def test_a_number_is_exact(self, found, least, number, says):
        read = Reader()
        got = read.number(found, "x", least)
        assert [says in said for _, said in read.problems] == ([True] if says else [])
        if number is not None:
            assert got == number

    @pytest.mark.parametrize(
        ("found", "fits"), [("0", False), ("0.01", True), ("100", True), ("100.01", False)]
    )
    def test_a_percentage_is_above_nothing_and_at_most_all(self, found, fits):
        read = Reader()
        assert read.percent(found, "x") == Fraction(found) / 100
        assert (read.problems == []) is fits

    @pytest.mark.parametrize(
        ("currency", "text", "minor"), [("EUR", "1.25", 125), ("JPY", "3", 3), ("KWD", "0.001", 1)]
    )
    def test_an_amount_is_in_minor_units(self, currency, text, minor):
        read = Reader(currency)
        assert read.whole_minor(text, "x") == minor
        assert not read.problems
        read.whole_minor(f"{text}{'.5' if '.' not in text else '5'}", "x")
        assert "no such fraction" in read.problems[0][1]

    @pytest.mark.parametrize(
        ("text", "fits"), [("x" * 80, True), ("x" * 81, False), (" ", False), (7, False)]
    )
    def test_a_text_has_its_length(self, text, fits):
        read = Reader()
        read.text({"name": text}, "name", "")
        assert (read.problems == []) is fits

    def test_a_place_is_named_from_the_document_on(self):
        read = Reader()
        read.text({}, "name", "")
        read.text({}, "name", "components[0]")
        assert [place for place, _ in read.problems] == ["name", "components[0].name"]
        assert PlanInvalid(read.problems).field == "name"
        assert str(PlanInvalid([("", "Wrong."), ("a", "Bad.")]).message) == "Wrong. a: Bad."

    def test_a_day_may_be_left_out_where_it_need_not_be(self):
        read = Reader()
        assert read.day({}, "on", "", required=False) is None
        assert not read.problems
        assert read.day({}, "on", "") is None
        assert read.day({"on": "2026-02-30"}, "on", "", required=False) is None
        assert len(read.problems) == 2
        assert read.day({"on": "2026-02-28"}, "on", "") == date(2026, 2, 28)


def wrong(document) -> list[str]:
    try:
        parse_plan(document)
    except PlanInvalid as error:
        return [place.removeprefix("components[0].") for place, _ in error.problems]
    return []


def of(**more):
    return plan(component(more.pop("rates", graduated("10")), **more))


SPIFF = {"from": "2026-01-01", "to": "2026-04-01", "budget": "10.00"}
RELEASES = [{"on": "paid", "percent": "100"}]
CLIFF = {"at": "1", "in": "units", "pays": "everything"}
PER_UNIT = {"measure": {"of": "count"}, "pays": "per_unit"}


class TestADocument:
    @pytest.mark.parametrize(
        ("document", "places"),
        [
            (of(cap="5.00", floor="5.00"), []),
            (of(cap="5.00"), []),
            (of(floor="5.00"), []),
            (of(threshold={"at": "1", "in": "units", "pays": "what_is_above"}, rates=whole("1")), ["threshold.pays"]),
            (of(threshold=CLIFF, rates=whole("1")), []),
            (of(threshold=CLIFF | {"in": "percent_of_quota"}), ["threshold.in"]),
            (of(threshold=CLIFF | {"in": "percent_of_quota"}, quota=QUOTA), []),
            (of(split={"sourced": "0", "owned": "100"}), []),
            (of(split={"owned": "100"}), []),
            (of(split={"sourced": "50.5", "owned": "49.5"}), []),
            (of(clawback={"within_days": "1", "method": "full"}), []),
            (of(clawback={"within_days": "1.5", "method": "full"}), ["clawback.within_days"]),
            (of(holdback={"percent": "100", "releases": RELEASES}), []),
            (of(holdback={"percent": "30", "releases": [{"on": "won", "label": "x"}]}), ["holdback.releases[0].label"]),
            (of(holdback={"percent": "30", "releases": [{"on": "won"}]}), []),
            (of(holdback={"percent": "30", "releases": RELEASES}, basis="quarter"), []),
            (of(holdback={"percent": "30", "releases": RELEASES}, basis="quarter", rates=whole("1")), ["holdback"]),
            (of(holdback={"percent": "30", "releases": RELEASES}, rates=whole("1")), []),
            (of(bonus=SPIFF), []),
            (of(bonus=SPIFF, basis="quarter"), ["bonus.budget"]),
            (of(bonus=SPIFF, scope="team"), ["bonus.budget"]),
            (of(bonus=SPIFF, cap="1.00"), ["bonus.budget"]),
            (of(bonus={"from": "2026-01-01", "to": "2026-01-02"}, scope="team"), []),
            (of(bonus=SPIFF | {"to": "2026-01-01"}), ["bonus.to"]),
            (of(scope="team_pool", floor="1.00"), ["scope"]),
            (of(scope="team_pool", holdback={"percent": "30", "releases": RELEASES}), ["scope"]),
            (of(scope="team_pool"), []),
            (of(quota=QUOTA | {"ramp_percent": "0"}), ["quota.ramp_percent"]),
            (of(quota=QUOTA | {"ramp_percent": "100"}), []),
            (of(quota=QUOTA | {"ramp_percent": "101"}), ["quota.ramp_percent"]),
            (of(quota={"measure": "meetings_accepted"}), ["quota.measure"]),
            (of(quota=QUOTA, **PER_UNIT), ["quota.measure"]),
            (of(quota={"measure": "meetings_accepted"}, **PER_UNIT), []),
            (of(target="5.00"), ["target"]),
            (of(measure={"of": "count", "term": {"figure": "years"}}, pays="per_unit"), ["measure.term"]),
            (of(measure={"term": {"figure": "years", "years": "0"}}), ["measure.term.years"]),
            (of(measure={"term": {"figure": "x" * 40}}), []),
            (of(measure={"term": {"figure": "x" * 41}}), ["measure.term.figure"]),
            (of(key="k" * 40), []),
            (of(key="k" * 41), ["key"]),
            (of(key="a-b"), ["key"]),
            (of(pays="percent_of_target", target="1.00", quota=QUOTA), ["bands_in"]),
            (of(pays="percent_of_target", target="1.00", quota=QUOTA, bands_in="percent_of_quota"), []),
            (of(pays="target_by_band", target="1.00", rates=whole("1"), cap="1.00"), []),
            *[
                (of(pays="target_by_band", target="1.00", rates=whole("1"), **more), ["pays"])
                for more in (
                    {"threshold": CLIFF},
                    {"scope": "team_pool"},
                    {"clawback": {"within_days": "9", "method": "full"}},
                    {"holdback": {"percent": "30", "releases": RELEASES}},
                    {"multipliers": [{"name": "x", "times": "2", "where": [
                        {"field": "city", "is": "is", "value": "Bergen"}]}]},
                )
            ],
        ],
    )  # fmt: skip
    def test_says_what_goes_together(self, document, places):
        assert wrong(document) == places

    @pytest.mark.parametrize(
        ("more", "places"),
        [
            ({"draw": DRAW}, []),
            ({"draw": DRAW | {"recoverable": "no"}}, []),
            ({"draw": DRAW | {"forgiven_on": "2026-12-31"}}, []),
            ({"draw": DRAW | {"recoverable": "no", "forgiven_on": "2026-12-31"}}, ["draw.forgiven_on"]),
            ({"draw": DRAW | {"amount": "0.005"}}, ["draw.amount"]),
            ({"ends_on": "2020-01-01"}, ["ends_on"]),
            ({"ends_on": "2020-01-02"}, []),
            ({"notes": 7}, ["notes"]),
            ({"role": "manager"}, []),
        ],
    )
    def test_has_a_head_that_agrees(self, more, places):
        assert wrong(of() | more) == places

    def test_is_written_with_all_that_it_says(self):
        rich = [
            component(
                graduated("4", "80", "6"), key="a", bands_in="percent_of_quota", basis="quarter_to_date",
                quota=QUOTA | {"ramp_percent": "50", "of": "team"}, split={"sourced": "15", "owned": "85"},
                clawback={"within_days": "90", "method": "full"}, cap="9.00", floor="0.50",
                measure={"not_below_zero": "yes", "no_shows": "left_out"},
            ),
            component(
                graduated("4"), key="b", threshold={"at": "12.5", "in": "units", "pays": "what_is_above"},
                bonus={"from": "2026-01-01", "to": "2026-02-01"}, scope="managed",
                holdback={"percent": "12.5", "releases": [
                    {"on": "paid", "label": "first", "percent": "40"}, {"on": "held", "percent": "60"}]},
            ),
        ]  # fmt: skip
        document = plan(*rich, draw=DRAW | {"paid": "in_advance"}, notes="Words", ends_on="2027-01-01")
        written = write_plan(parse_plan(document))
        assert parse_plan(written) == parse_plan(document)
        for place, one in enumerate(rich):
            assert {*one} - {*written["components"][place]} == set()
        assert written["components"][0]["split"] == {"sourced": "15", "owned": "85"}
        assert written["components"][1]["holdback"] == rich[1]["holdback"]
        assert (written["draw"], written["notes"]) == (document["draw"], "Words")


class TestConditions:
    @pytest.mark.parametrize(
        ("field", "operator", "values", "known", "true"),
        [
            ("amount", "at_least", "5", Fraction(5), True), ("amount", "at_least", "5", Fraction(4), False),
            ("amount", "below", "5", Fraction(5), False), ("amount", "below", "5", Fraction(4), True),
            ("employees", "one_of", "5 7", 7, True), ("employees", "is_not", "5 7", 7, False),
            ("employees", "is", "5", "many", False), ("employees", "is_not", "5", "many", True),
            ("city", "is", "bergen", "Bergen", True), ("city", "is_not", "bergen", "Bergen", False),
            ("city", "one_of", "oslo bergen", "BERGEN", True), ("city", "is", "oslo", "", False),
            ("city", "is_not", "oslo", "", True), ("city", "is", "oslo", None, False),
            ("inbound", "is", "yes", True, True), ("inbound", "is", "yes", False, False),
            ("inbound", "is_not", "no", True, True), ("figure:x", "at_least", "2.5", "2.50", True),
        ],
    )  # fmt: skip
    def test_hold_for_what_is_known(self, field, operator, values, known, true):
        assert holds(Condition(field, operator, tuple(values.split())), {field: known}) is true


class TestEvents:
    @pytest.mark.parametrize(
        ("day", "counted"),
        [
            (date(2025, 12, 31), False),
            (date(2026, 1, 1), True),
            (date(2026, 3, 31), True),
            (date(2026, 4, 1), False),
        ],
    )
    def test_of_a_spiff_are_those_of_its_days(self, day, counted):
        one = parse_plan(of(bonus=SPIFF)).components[0]
        assert counts(one, CreditedEvent(1, "won", "owned", on=day)) is counted

    @pytest.mark.parametrize(
        ("kind", "capacity"), [("won", "sourced"), ("held", "owned"), ("held", "sourced")]
    )
    def test_of_another_kind_or_capacity_are_passed_over(self, kind, capacity):
        one = parse_plan(of()).components[0]
        assert not counts(one, CreditedEvent(1, kind, capacity))
        assert counts(one, CreditedEvent(1, "won", "owned"))

    def test_weigh_what_years_and_split_leave(self):
        like = component(
            graduated("1"), measure={"term": {"figure": "years", "years": "2"}}, split={"owned": "100"}
        )
        one = parse_plan(plan(like)).components[0]
        for years, base in ((1, 100), (2, 100), (4, 50)):
            event = CreditedEvent(1, "won", "owned", amount_minor=100, figures={"years": Fraction(years)})
            assert weight(one, event, "EUR").base == base

    @pytest.mark.parametrize(
        ("pro_rata", "days", "kept"),
        [(True, 0, "0"), (True, 45, "1/2"), (True, 89, "89/90"), (True, 90, "1"), (True, -3, "0"),
         (False, 89, "0"), (False, 90, "1")],
    )  # fmt: skip
    def test_that_are_reversed_keep_what_the_days_say(self, pro_rata, days, kept):
        assert Clawback(90, pro_rata).kept(days) == Fraction(kept)


class TestTables:
    def test_a_grid_cell_is_that_of_both_sides(self):
        sides = Axis("amount", (Fraction(0), Fraction(10)), ("low", "high"))
        grid = Grid(sides, sides, ((Fraction(1), Fraction(2)), (Fraction(3), Fraction(4))))
        for column, row, rate in [(-1, -1, 1), (10, 9, 2), (9, 10, 3), (10, 10, 4)]:
            assert grid.cell(Fraction(column), Fraction(row)).rate == rate
        assert not grid.is_flat
        assert not grid.compares_totals

    def test_an_edge_outside_the_bands_cuts_nothing(self):
        table = RateTable(Method.GRADUATED, (Band(Fraction(0), None, Fraction(1)),))
        assert table.above(Fraction(0)) is table
        assert [band.rate for band in table.above(Fraction(5)).bands] == [0, 1]

    def test_days_are_said_with_the_last_one(self):
        assert within(date(2026, 3, 1), date(2026, 4, 1)) == "1 Mar 2026 to 31 Mar 2026"

    def test_shown_bands_are_in_the_words_of_the_plan(self):
        one = parse_plan(plan(OF_EVERY_KIND["graduated"])).components[0]
        assert [band.upper for band in one.shown_bands()] == [Fraction(80, 100), None]
        assert one.rule_in_words == "graduated, percent of the amount won"
        flat = parse_plan(plan(OF_EVERY_KIND["margin"])).components[0]
        assert flat.rule_in_words == "flat, percent of the margin"
        assert flat.counts_when.endswith("credited to who owns it, by its date")
        grid = parse_plan(plan(OF_EVERY_KIND["grid"])).components[0]
        assert (grid.shown_bands(), grid.rule_in_words) == ([], "by grid, percent of the amount won")
        assert (
            parse_plan(plan(OF_EVERY_KIND["year to date"]))
            .components[0]
            .rule_in_words.endswith("by year to date")
        )


class TestDraws:
    @pytest.mark.parametrize(
        ("recoverable", "in_advance", "earned", "balance", "settled"),
        [
            (True, False, 100, 0, (400, 0, 400)),
            (True, False, 500, 70, (0, 0, 70)),
            (True, False, 530, 70, (0, 30, 40)),
            (True, False, 900, 70, (0, 70, 0)),
            (True, False, -50, 10, (550, 0, 560)),
            (False, False, 100, 0, (400, 0, 0)),
            (False, False, 900, 0, (0, 0, 0)),
            (True, True, 100, 50, (0, 100, 450)),
            (True, True, 900, 50, (0, 550, 0)),
            (True, True, -5, 50, (0, 0, 550)),
            (False, True, 100, 0, (0, 100, 0)),
        ],
    )
    def test_advance_and_take_back(self, recoverable, in_advance, earned, balance, settled):
        found = settle(Draw("Draw", 500, recoverable, in_advance), 500, earned, balance)
        assert (found.advance_minor, found.recovery_minor, found.balance_minor) == settled
        assert found.change_minor == settled[0] - settled[1]

    def test_say_what_is_owed(self):
        def said(recoverable: bool, earned: int, balance: int, **more) -> list[tuple[str, int, str]]:
            draw = Draw("Draw", 500, recoverable, more.pop("in_advance", False))
            lines = draw_lines(
                draw, "EUR", earned, balance, Fraction(1), forgives=more.get("forgives", False)
            )
            return [(line.source, line.amount_minor, line.formula.partition("; ")[2]) for line in lines]

        assert said(True, 100, 30) == [("draw", 400, "owed now €4.30")]
        assert said(False, 100, 0) == [("guarantee", 400, "not taken back")]
        assert said(True, 700, 30) == [("draw", -30, "owed now €0.00")]
        assert said(True, 500, 0) == []
        assert said(True, 100, 30, forgives=True)[0][:2] == ("draw:forgiven", 0)
        assert said(True, 100, 0, forgives=True) == [("draw", 400, "owed now €4.00")]
        assert said(True, 100, 0, in_advance=True) == [
            ("draw", -100, "the draw of €5.00 was paid in advance; owed now €4.00")
        ]
