"""Rows of one form that are added, removed and moved by its own buttons."""

from typing import Any

import pytest
from django import forms
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from apps.leads.forms.rows import RowForm, Rows, is_act


class Word(RowForm):
    word = forms.CharField(max_length=5)
    ticks = forms.MultipleChoiceField(choices=[("a", "A"), ("b", "B")], required=False)


def sent(words: list[str], act: str = "", ticks: dict[int, list[str]] | None = None) -> QueryDict:
    data = QueryDict(mutable=True)
    data["words-rows"] = str(len(words))
    for place, word in enumerate(words):
        data[f"words-{place}-word"] = word
        data.setlist(f"words-{place}-ticks", (ticks or {}).get(place, []))
    if act:
        data["act"] = act
    return data


def acted(words: list[str], act: str, least: int = 0, most: int = 40) -> Rows:
    return Rows(Word, "words", least=least, most=most).acted(sent(words, act), {"word": "new"})


def shown(rows: Rows) -> list[Any]:
    return [row["word"].value() for row in rows]


class TestActs:
    @pytest.mark.parametrize(
        ("act", "expected"),
        [
            ("words:add", ["a", "b", "c", "new"]),
            ("words:remove:1", ["a", "c"]),
            ("words:up:2", ["a", "c", "b"]),
            ("words:down:0", ["b", "a", "c"]),
            ("words:up:0", ["a", "b", "c"]),
            ("words:down:2", ["a", "b", "c"]),
            ("words:remove:9", ["a", "b", "c"]),
            ("words:remove:-1", ["a", "b", "c"]),
            ("words:shuffle:1", ["a", "b", "c"]),
            ("others:remove:1", ["a", "b", "c"]),
            ("words:remove:x", ["a", "b", "c"]),
        ],
    )
    def test_change_only_what_they_name(self, act, expected):
        assert shown(acted(["a", "b", "c"], act)) == expected

    def test_keep_what_was_typed_however_wrong_it_is_and_check_nothing(self):
        rows = Rows(Word, "words").acted(
            sent(["far too long", ""], "words:add", {0: ["a", "nonsense"]}), {"word": ""}
        )
        assert shown(rows) == ["far too long", "", ""]
        assert rows.forms[0]["ticks"].value() == ["a", "nonsense"]
        assert [list(row["word"].errors) for row in rows] == [[], [], []]

    @pytest.mark.parametrize(
        ("act", "focused"),
        [
            ("words:up:1", (0, "down")),
            ("words:up:2", (1, "up")),
            ("words:down:0", (1, "down")),
            ("words:down:1", (2, "up")),
            ("words:remove:2", (1, "remove")),
        ],
    )
    def test_leave_the_keyboard_where_it_goes_on(self, act, focused):
        rows = acted(["a", "b", "c"], act)
        assert [(place, row.focus) for place, row in enumerate(rows) if row.focus] == [focused]

    def test_adding_goes_to_the_new_row_and_removing_the_last_to_adding(self):
        assert "autofocus" in str(acted(["a"], "words:add").forms[1]["word"])
        assert acted(["a"], "words:remove:0").focus == "add"

    def test_stay_within_the_bounds(self):
        assert shown(acted(["a"], "words:remove:0", least=1)) == ["a"]
        assert shown(acted(["a", "b"], "words:add", most=2)) == ["a", "b"]

    @given(st.lists(st.text(alphabet="abc", max_size=3), max_size=6), st.data())
    def test_up_and_down_undo_each_other_and_lose_nothing(self, words, data):
        place = data.draw(st.integers(0, 7))
        up = shown(acted(words, f"words:up:{place}"))
        assert sorted(up) == sorted(words)
        assert shown(acted(up, f"words:down:{place - 1}")) == words or place == 0 or place >= len(words)


class TestChecking:
    def test_puts_errors_at_their_row_and_field(self):
        rows = Rows(Word, "words", data=sent(["ok", "far too long"]))
        assert not rows.is_valid()
        assert (rows.wrong, list(rows.forms[0].errors), list(rows.forms[1].errors)) == (1, [], ["word"])

    def test_counts_the_rows(self):
        assert not Rows(Word, "words", data=sent([]), least=1).is_valid()
        too_many = Rows(Word, "words", data=sent(["a", "b", "c"]), most=2)
        assert not too_many.is_valid()
        assert "2 at most" in too_many.error
        assert Rows(Word, "words", data=sent([])).is_valid()

    def test_a_refusal_without_a_row_stands_below_them(self):
        rows = Rows(Word, "words", data=sent(["a"]))
        rows.is_valid()
        rows.add_error(7, "word", "Nobody is there.")
        assert rows.error == "Nobody is there."

    @pytest.mark.parametrize("count", ["", "x", "-1", "99999999", "²"])
    def test_reads_a_count_that_is_none_as_no_rows(self, count):
        data = sent(["a"])
        data["words-rows"] = count
        assert len(Rows(Word, "words", data=data)) == 0

    def test_knows_a_button_of_rows_from_the_one_that_saves(self):
        assert is_act(sent(["a"], "words:add"))
        assert not is_act(sent(["a"]))
