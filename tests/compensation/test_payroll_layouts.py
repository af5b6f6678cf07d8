"""Layouts of the payroll file: what they say, how they are saved, what they make of pay."""

from datetime import date

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from apps.compensation.models import PayrollLayout
from apps.compensation.rules import payroll_layout as rules
from apps.compensation.rules.payroll_layout import DEFAULT, Layout, NotALayout, cells, read_layout
from apps.compensation.services import payroll_layouts as services
from apps.core.errors import InvalidInput
from tests.compensation.conftest import noon

ROW = {
    "external_id": "E1", "name": "=cmd|'/c calc'!A1", "rep": 7, "role": "sdr", "team": "@SUM(A1)", "agency": "",
    "plan": "SDR", "currency": "EUR", "payable": -1234_50, "earned": 1000_00, "adjustments": -2234_50, "lines": 3,
    "run": "2026-10", "period_start": date(2026, 10, 1), "period_end": date(2026, 10, 31), "statement": 5,
    "fingerprint": "ab",
}  # fmt: skip


def document(**changes):
    return {**DEFAULT.as_document(), **changes}


class TestReading:
    def test_what_is_written_reads_back_the_same(self):
        assert read_layout(DEFAULT.as_document()) == DEFAULT

    @given(
        st.lists(st.sampled_from(sorted(rules.FIELDS)), max_size=12),
        st.sampled_from(sorted(rules.DELIMITERS)),
        st.sampled_from(sorted(rules.ENCODINGS)),
        st.sampled_from(sorted(rules.DECIMAL_SIGNS)),
        st.sampled_from(sorted(rules.DATES)),
        st.booleans(),
    )
    def test_any_layout_reads_back_the_same(self, fields, delimiter, encoding, decimal, day, truth):
        columns = tuple(rules.Column(field, f"T {field}") for field in (*fields, "payable"))
        layout = Layout(columns, delimiter, encoding, decimal, day, truth, not truth)
        if delimiter == decimal:
            with pytest.raises(NotALayout, match="cannot both"):
                read_layout(layout.as_document())
        else:
            assert read_layout(layout.as_document()) == layout

    @pytest.mark.parametrize(
        ("changes", "place"),
        [
            ({"columns": []}, "columns"),
            ({"columns": [{"field": "name", "title": "Name"}]}, "columns"),
            ({"columns": [{"field": "salary", "title": "x"}]}, "columns[0].field"),
            ({"columns": [{"field": "payable", "title": " "}]}, "columns[0].title"),
            ({"delimiter": "x"}, "delimiter"),
            ({"encoding": "klingon"}, "encoding"),
            ({"header": "yes"}, "header"),
            ({"formula": "=1"}, "formula"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_named_by_its_place(self, changes, place):
        with pytest.raises(NotALayout) as caught:
            read_layout(document(**changes))
        assert place in [one for one, _ in caught.value.problems]


class TestCells:
    def test_texts_are_neutralised_and_negative_amounts_stay_numbers(self):
        layout = Layout(tuple(rules.Column(field, field) for field in ("name", "team", "payable")))
        assert cells(layout, ROW) == ["'=cmd|'/c calc'!A1", "'@SUM(A1)", "-1234.50"]

    @pytest.mark.parametrize(
        ("decimal", "currency", "said"),
        [
            (".", "EUR", "-1234.50"),
            (",", "EUR", "-1234,50"),
            ("", "EUR", "-123450"),
            (",", "JPY", "-123450"),
            (".", "KWD", "-123.450"),
        ],
    )
    def test_figures_have_the_layout_s_sign_and_the_currency_s_places(self, decimal, currency, said):
        layout = Layout((rules.Column("payable", "Pay"),), decimal=decimal)
        assert cells(layout, ROW | {"currency": currency}) == [said]

    def test_constants_days_and_the_control_row(self):
        columns = (
            rules.Column("constant", "Company", "1000"),
            rules.Column("period_end", "Day"),
            rules.Column("currency", "Cur"),
            rules.Column("payable", "Pay"),
        )
        layout = Layout(columns, date="%d.%m.%Y", control_row=True)
        assert cells(layout, ROW) == ["1000", "31.10.2026", "EUR", "-1234.50"]
        assert rules.control_row(layout, "EUR", 3, {"payable": 99}) == ["CONTROL 3", "", "EUR", "0.99"]

    def test_a_letter_that_the_encoding_lacks_is_found(self):
        layout = Layout((rules.Column("name", "Name"), rules.Column("payable", "Pay")), encoding="cp1252")
        assert rules.unwritable(layout, [["a"], ["日本"]]) == 2


@pytest.mark.django_db
class TestSaving:
    def make(self, cast, name="Payroll"):
        return services.create_layout(
            name=name, document=DEFAULT.as_document(), at=noon(1), actor=cast.finance
        )

    def test_the_first_is_the_default_and_each_change_a_version(self, cast):
        first = self.make(cast)
        assert first.layout.is_default
        changed = document(decimal=",")
        second = services.save_layout(
            layout=first.layout, seen=1, document=changed, at=noon(2), actor=cast.finance
        )
        again = services.save_layout(
            layout=first.layout, seen=1, document=changed, at=noon(2), actor=cast.finance
        )
        assert (second.number, again) == (2, second)

    def test_two_who_save_at_once_are_told(self, cast):
        layout = self.make(cast).layout
        services.save_layout(
            layout=layout, seen=1, document=document(decimal=","), at=noon(2), actor=cast.finance
        )
        with pytest.raises(services.UnableToSaveLayout, match="version 2 meanwhile"):
            services.save_layout(
                layout=layout, seen=1, document=document(header=False), at=noon(2), actor=cast.finance
            )

    def test_the_default_moves_and_is_never_retired(self, cast):
        one, other = self.make(cast).layout, self.make(cast, "Other").layout
        services.make_default(layout=other, at=noon(2), actor=cast.finance)
        assert list(PayrollLayout.objects.filter(is_default=True)) == [other]
        with pytest.raises(services.UnableToSaveLayout, match="default layout cannot be retired"):
            services.retire_layout(layout=other, at=noon(2), actor=cast.finance)
        services.retire_layout(layout=one, at=noon(2), actor=cast.finance)

    def test_a_name_is_taken_once(self, cast):
        self.make(cast)
        with pytest.raises(InvalidInput, match="called Payroll already"):
            self.make(cast)


@pytest.mark.django_db
class TestPages:
    def sent(self, **more):
        said = {
            "name": "Bank",
            "delimiter": ";",
            "encoding": "utf-8",
            "decimal": ",",
            "date": "%d.%m.%Y",
            "header": "on",
        }
        columns = {
            "place-0": "2", "field-0": "payable", "title-0": "Betrag",
            "place-1": "1", "field-1": "external_id", "title-1": "",
        }  # fmt: skip
        return said | columns | more

    def test_columns_are_chosen_ordered_and_named_on_the_page(self, client, cast):
        client.force_login(cast.finance)
        answer = client.post(reverse("compensation:payroll_layout_new"), self.sent())
        assert answer.status_code == 302
        saved = services.newest_of(PayrollLayout.objects.get()).document
        assert saved["columns"] == [
            {"field": "external_id", "title": "External id"},
            {"field": "payable", "title": "Betrag"},
        ]

    def test_what_is_wrong_keeps_what_was_typed(self, client, cast):
        client.force_login(cast.finance)
        answer = client.post(reverse("compensation:payroll_layout_new"), self.sent(**{"field-0": "name"}))
        assert answer.status_code == 422
        page = answer.content.decode()
        assert "Without the payable amount" in page
        assert "Betrag" in page

    def test_the_preview_writes_nothing(self, client, cast):
        client.force_login(cast.finance)
        assert client.post(reverse("compensation:payroll_preview"), self.sent()).status_code == 200
        assert not PayrollLayout.objects.exists()

    def test_a_layout_is_copied_and_made_the_default(self, client, cast):
        client.force_login(cast.finance)
        client.post(reverse("compensation:payroll_layout_new"), self.sent())
        layout = PayrollLayout.objects.get()
        client.post(reverse("compensation:payroll_layout_act", args=[layout.pk, "copy"]))
        copy = PayrollLayout.objects.get(name="Bank, copy")
        client.post(reverse("compensation:payroll_layout_act", args=[copy.pk, "default"]))
        assert PayrollLayout.objects.get(is_default=True) == copy
        page = client.get(reverse("compensation:payroll_layouts")).content.decode()
        assert page.index("Bank, copy") < page.index("Bank</a>")
