"""A refresh brings a list to how it is, touching as few rows as can be."""

from hypothesis import given
from hypothesis import strategies as st

from apps.leads.rules.refresh import MOST, changes, parse_shown

_lists = st.lists(
    st.tuples(st.sampled_from("abcdefghij"), st.sampled_from("123")),
    unique_by=lambda line: line[0],
    max_size=10,
)


def _applied(shown: list[tuple[str, str]], now: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What a browser makes of the changes, one by one."""
    prints = dict(now)
    todo = changes(shown, now)
    screen = [line for line in shown if line[0] not in todo.removed]
    screen = [(key, prints[key] if key in todo.renewed else mark) for key, mark in screen]
    for key, after in todo.placed:
        keys = [one for one, _ in screen]
        screen.insert(keys.index(after) + 1 if after else 0, (key, prints[key]))
    return screen


@given(_lists, _lists)
def test_done_in_order_the_list_is_as_it_should_be(
    shown: list[tuple[str, str]], now: list[tuple[str, str]]
) -> None:
    assert _applied(shown, now) == now


@given(_lists)
def test_nothing_is_done_where_nothing_changed(shown: list[tuple[str, str]]) -> None:
    assert not changes(shown, shown)


@given(_lists, st.data())
def test_one_row_that_moved_moves_alone(shown: list[tuple[str, str]], data: st.DataObject) -> None:
    if len(shown) < 2:
        return
    now = list(shown)
    line = now.pop(data.draw(st.integers(0, len(now) - 1)))
    now.insert(data.draw(st.integers(0, len(now))), line)
    todo = changes(shown, now)
    assert len(todo.placed) <= 1
    assert len(todo.removed) == len(todo.placed)
    assert todo.renewed == ()


def test_says_what_went_what_changed_and_what_came() -> None:
    todo = changes([("a", "1"), ("b", "1"), ("c", "1")], [("n", "1"), ("a", "1"), ("c", "2")])
    assert (todo.removed, todo.renewed, todo.placed) == (("b",), ("c",), (("n", ""),))


def test_reads_what_a_page_says_and_nothing_worse() -> None:
    assert parse_shown("top:ab, 12:cd,g2:ef") == [("top", "ab"), ("12", "cd"), ("g2", "ef")]
    assert parse_shown("") == []
    assert parse_shown(":x,12,12:,:,12:a,12:b") == [("12", "a")]
    assert len(parse_shown(",".join(f"{n}:a" for n in range(2 * MOST)))) == MOST
