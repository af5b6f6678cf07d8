"""How one cell is read."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.integrations.rules import cells
from apps.integrations.rules.cells import Numbers

DATES = ("%Y%m%d", "%m/%d/%Y", "%m/%d/%Y %H:%M")


class TestMoments:
    @pytest.mark.parametrize(
        "text, expected",
        [
            ("20210105", datetime(2021, 1, 5)),
            ("1/11/2021", datetime(2021, 1, 11)),
            ("1/18/2021 0:00", datetime(2021, 1, 18)),
            ("12/31/2022 23:59", datetime(2022, 12, 31, 23, 59)),
        ],
    )
    def test_each_format_of_the_list_is_tried(self, text: str, expected: datetime) -> None:
        assert cells.read_moment(text, DATES) == expected

    @pytest.mark.parametrize("text", ["31/11/2026", "20210230", "tomorrow", "0", "٢٠٢١"])
    def test_what_is_no_date_says_how_to_write_one(self, text: str) -> None:
        with pytest.raises(ValueError, match="20260131, 01/31/2026, 01/31/2026 14:05"):
            cells.read_moment(text, DATES)

    @pytest.mark.parametrize("text", ["19000101", "29990101"])
    def test_a_year_that_cannot_be_meant_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="the year"):
            cells.read_moment(text, DATES)


class TestAmounts:
    @pytest.mark.parametrize(
        "text, expected",
        [
            ("3558.5", "3558.5"),
            ("$200,000 ", "200000"),
            ("-136.15", "-136.15"),
            ("−136.15", "-136.15"),
            ("(136.15)", "-136.15"),
            ("-$1,234.50", "-1234.50"),
            ("0", "0"),
        ],
    )
    def test_reads_what_exports_write(self, text: str, expected: str) -> None:
        assert cells.read_amount(text, Numbers()) == Decimal(expected)

    def test_reads_a_decimal_comma_where_the_mapping_says_so(self) -> None:
        assert cells.read_amount("1.234,50 €", Numbers(",", ".")) == Decimal("1234.50")

    @pytest.mark.parametrize(
        "text", ["abc", "1,23,4", "1.2.3", "1e5", "NaN", "inf", "--1", "12 apples", "$", "1,5", "٣", "9" * 21]
    )
    def test_refuses_what_is_no_amount(self, text: str) -> None:
        with pytest.raises(ValueError, match="amount"):
            cells.read_amount(text, Numbers())

    @given(minor=st.integers(min_value=-(10**14), max_value=10**14))
    def test_an_amount_that_was_written_out_reads_back_the_same(self, minor: int) -> None:
        amount = Decimal(minor).scaleb(-2)
        assert cells.read_amount(f"{amount:,}", Numbers()) == amount
        assert cells.read_amount(f"{amount:f}", Numbers()) == amount


class TestOthers:
    def test_whole_numbers_may_carry_thousands_and_an_idle_decimal(self) -> None:
        assert cells.read_whole("1,050", Numbers()) == 1050
        assert cells.read_whole("50.0", Numbers()) == 50

    @pytest.mark.parametrize("text", ["-1", "1.5", "many", "99999999999"])
    def test_what_is_no_whole_number_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError):
            cells.read_whole(text, Numbers())

    def test_yes_and_no_in_many_spellings(self) -> None:
        assert [cells.read_yes_no(text) for text in ("TRUE", "yes", "1")] == [True] * 3
        assert [cells.read_yes_no(text) for text in ("False", "n", "0")] == [False] * 3
        with pytest.raises(ValueError, match="neither yes nor no"):
            cells.read_yes_no("maybe")

    def test_an_address_is_checked_for_its_shape(self) -> None:
        assert cells.read_email("Ada@Example.com") == "ada@example.com"
        for text in ("p.ferrante(at)ridgeline", "a@b", "a b@c.de", "a@b.de,c@d.ef"):
            with pytest.raises(ValueError, match="no e-mail address"):
                cells.read_email(text)

    @pytest.mark.parametrize(
        "text, expected",
        [
            ("advertising_&_marketing", "Advertising & Marketing"),
            ("Government &amp; Politics", "Government & Politics"),
            ("SHOPPING_RETAIL", "Shopping Retail"),
            ("software", "Software"),
            ("Internet Software & Services", "Internet Software & Services"),
            ("SaaS", "SaaS"),
            ("CPG", "CPG"),
            ("B2B", "B2B"),
        ],
    )
    def test_labels_get_one_spelling(self, text: str, expected: str) -> None:
        assert cells.tidied(text) == expected

    @given(st.text(max_size=60))
    def test_a_label_that_was_tidied_stays_as_it_is(self, text: str) -> None:
        once = cells.tidied(text)
        assert cells.tidied(once).casefold() == cells.tidied(cells.tidied(once)).casefold()


class TestGoingOut:
    @pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+cmd|'/c calc'!A1", "-2+3", "\t=1", " =1", "＝1"])
    def test_what_a_spreadsheet_would_run_is_made_text(self, text: str) -> None:
        assert cells.neutralised(text).startswith("'")

    @pytest.mark.parametrize("text", ["-136.15", "+49", "1,234.50", "Ada", ""])
    def test_numbers_and_words_stay(self, text: str) -> None:
        assert cells.neutralised(text) == text
