"""Scenes that stand: what many tests of a file begin with is made once, and each test gets it as new.

``staged`` marks a fixture that writes rows. The first test that asks for it has it made beneath its own savepoint;
at the end of the test everything is taken back to there, so that the next test of the file finds the rows as they
were, and is given copies of what the fixture returned: nothing that a test does reaches another. Scenes lie on
each other in the order in which they were asked for, and a test that wants others has those taken away first. None
outlives its file, nor a test that commits (``transaction=True``), which begins with an empty database as ever.

What such a fixture returns is copied deeply: rows and plain data, never a function that remembers rows, a client, a
file. Whatever fixtures ran before it (a clock that was set) belong to what it is: with others it is made anew.
"""

import copy
import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from django.db import connection, transaction
from django.test import TestCase

Function = TypeVar("Function", bound=Callable[..., Any])

_NO_PART = {"db", "_django_db_helper", "request", "client", "tmp_path"}
"""Fixtures that change nothing about a scene that is made after them."""


@dataclass
class Scene:
    """What one fixture made: its rows lie above ``savepoint``, ``value`` is what it returned, touched by no test."""

    key: tuple[Any, ...]
    savepoint: transaction.Atomic
    value: Any


@dataclass
class Stage:
    """The scenes of this process, and what is known of the test that plays on them."""

    scenes: list[Scene] = field(default_factory=list)
    ground: transaction.Atomic | None = None
    """The transaction around them all."""
    raw: Any = None
    """The connection below the ground; on another there is nothing of it."""
    wanted: list[Any] = field(default_factory=list)
    """The functions of the fixtures that the running test will ask for, in their order."""
    test: transaction.Atomic | None = None
    """What the running test does is taken back with this."""
    asked: int = 0
    """How many of the scenes it has asked for."""
    before: list[Any] = field(default_factory=list)
    """The other fixtures that ran for it."""
    is_settled: bool = True
    """It has written something itself, or has begun: no scene can be made beneath it any more."""
    is_making: bool = False
    copies: dict[int, Any] = field(default_factory=dict)
    """The copies it was given, as ``copy.deepcopy`` remembers them: who is told of twice is one object."""
    originals: dict[int, Any] = field(default_factory=dict)
    """What each copy is a copy of."""
    unblock: Callable[[], AbstractContextManager[None]] = nullcontext
    """Between two tests pytest-django lets nobody to the database: within this it does."""

    # --- A test begins and ends -------------------------------------------------------------------

    def await_test(self, wanted: list[Any]) -> None:
        self.wanted, self.before = wanted, []

    def open(self) -> None:
        """Begin the test on the scenes that it has in common with the one before."""
        if self.ground is not None and not self._is_there():
            self._forget()
        if self.ground is None and self.wanted:
            self.ground = _entered()
            self.raw = connection.connection
        agreed = 0
        for scene, function in zip(self.scenes, self.wanted, strict=False):
            if scene.key[0] is not function:
                break
            agreed += 1
        self._strike(agreed)
        self.asked, self.copies, self.originals, self.is_settled = 0, {}, {}, False
        self.test = _entered()
        connection.execute_wrappers.append(self._notice)

    def settle(self) -> None:
        """Nothing more can be made beneath the test; scenes that it has not asked for are taken away."""
        if self.test is None or self.is_settled:
            return
        self.is_settled = True
        connection.execute_wrappers.remove(self._notice)
        if self.asked < len(self.scenes):
            _taken_back(self.test)
            self._strike(self.asked)
            self.test = _entered()

    def close(self) -> None:
        """Take back what the test did."""
        assert self.test is not None
        if not self.is_settled:
            self.is_settled = True
            connection.execute_wrappers.remove(self._notice)
        test, self.test = self.test, None
        _taken_back(test)

    def clear(self) -> None:
        """Take everything away: the database is as it was before the first scene."""
        if self.ground is not None:
            with self.unblock():
                self._forget()

    def _is_there(self) -> bool:
        return self.raw is connection.connection and not connection.closed_in_transaction

    def _forget(self) -> None:
        self._strike(0)
        ground, self.ground, self.raw = self.ground, None, None
        assert ground is not None
        _taken_back(ground)

    def _strike(self, kept: int) -> None:
        while len(self.scenes) > kept:
            _taken_back(self.scenes.pop().savepoint)

    def _notice(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Whoever writes, or begins a transaction to write in, does so on the scenes asked for so far."""
        if not self.is_making and not str(sql).startswith("SELECT"):
            self.settle()
        return execute(sql, params, many, context)

    # --- A fixture is asked for --------------------------------------------------------------------

    def give(self, function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        """What ``function`` makes; made anew only if it does not stand yet."""
        if self.test is None or self.ground is None or self.is_settled or self.is_making:
            return function(**arguments)
        key = (function,) if hasattr(function, "for_files") else (function, *self.before)
        if self.asked == len(self.scenes) or self.scenes[self.asked].key != key:
            self._make(key, function, arguments)
        value = self.scenes[self.asked].value
        self.asked += 1
        given = copy.deepcopy(value, self.copies)
        self.originals[id(given)] = value
        return given

    def _make(self, key: tuple[Any, ...], function: Callable[..., Any], arguments: dict[str, Any]) -> None:
        assert self.test is not None
        self.is_making = True
        _taken_back(self.test)
        self._strike(self.asked)
        savepoint = _entered()
        try:
            # Made of the originals, so that what it holds of other scenes is theirs.
            value = function(**{name: self.originals.get(id(one), one) for name, one in arguments.items()})
            if connection.vendor == "postgresql":
                # What is put off to the end of the transaction is looked at here, not with each test again.
                connection.check_constraints()
        except BaseException:
            _taken_back(savepoint)
            raise
        else:
            self.scenes.append(Scene(key, savepoint, value))
        finally:
            self.test = _entered()
            self.is_making = False


def _entered() -> transaction.Atomic:
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]
    block.__enter__()
    return block


def _taken_back(block: transaction.Atomic) -> None:
    transaction.set_rollback(True)
    block.__exit__(None, None, None)


stage = Stage()


def staged(function: Function) -> Function:
    """Mark the function of a fixture; ``@pytest.fixture`` stands above it."""

    @functools.wraps(function)
    def given(**arguments: Any) -> Any:
        return stage.give(function, arguments)

    given.stages = function  # type: ignore[attr-defined]
    return given  # type: ignore[return-value]


def staged_for_files(function: Function) -> Function:
    """The same for what takes long to make, is alike with any clock, and stands for the next file that begins so."""
    function.for_files = True  # type: ignore[attr-defined]
    return staged(function)


# --- With pytest ----------------------------------------------------------------------------------


@contextmanager
def tests_on_stage() -> Iterator[None]:
    """Within it the transactions of tests are those of the stage."""
    enter, roll_back = (vars(TestCase)[name].__func__ for name in ("_enter_atomics", "_rollback_atomics"))

    def is_of_pytest(case: type) -> bool:
        """Classes of unittest keep their own transactions, one around all tests of the class."""
        return case.__qualname__.startswith("_django_db_helper.")

    def begin(case: type) -> Any:
        if is_of_pytest(case):
            return stage.open()
        stage.clear()
        return enter(case)

    def end(case: type, atomics: Any) -> None:
        stage.close() if is_of_pytest(case) else roll_back(case, atomics)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TestCase, "_enter_atomics", classmethod(begin))
        patch.setattr(TestCase, "_rollback_atomics", classmethod(end))
        yield


def wanted_by(item: pytest.Item) -> list[Any]:
    """The functions of the staged fixtures that a test will ask for, in their order."""
    known = getattr(item, "_fixtureinfo").name2fixturedefs  # noqa: B009 - pytest has no other way to ask
    found: dict[str, Any] = {}
    seen: set[str] = set()

    def visit(name: str) -> None:
        if name in seen or not known.get(name):
            return
        seen.add(name)
        definition = known[name][-1]
        for argument in definition.argnames:
            visit(argument)
        if hasattr(definition.func, "stages"):
            found[name] = definition.func.stages

    for name in getattr(item, "fixturenames", ()):
        visit(name)
    return list(found.values())


def commits(item: pytest.Item) -> bool:
    """Whether a test commits what it writes, and begins with an empty database."""
    marker = item.get_closest_marker("django_db")
    fixtures = {"transactional_db", "live_server"} & set(getattr(item, "fixturenames", ()))
    return bool(fixtures or (marker and (marker.kwargs.get("transaction") or marker.args[:1] == (True,))))


def stands_for(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Whether what stands after ``item`` may stand for ``nextitem``."""
    if nextitem is None or commits(nextitem):
        return False
    first = stage.scenes[0].key[0] if stage.scenes else None
    return nextitem.path == item.path or (hasattr(first, "for_files") and wanted_by(nextitem)[:1] == [first])


def note_fixture(definition: Any, request: Any) -> None:
    """A fixture is about to run for the test: it belongs to the scenes that are made after it."""
    is_plain = (
        definition.argname in _NO_PART
        or definition.argname.startswith("_dj")
        or hasattr(definition.func, "stages")
    )
    if not is_plain and definition.scope in ("function", "class"):
        stage.before.append((definition.func, str(getattr(request, "param", ""))))
