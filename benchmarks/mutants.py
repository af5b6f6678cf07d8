"""Mutation testing of the modules that make money: change one thing, run the tests, see whether one notices.

    python benchmarks/mutants.py [MODULE …] [--sample N] [--seed N] [--seconds N] [--show]

Each mutant changes one operator, comparison, constant, condition or call in one place and is tried in a process of its
own, by the tests that need no database, the first failure ending it. Prints the share that was killed by module, and
each survivor with its line. Exits with 1 below 90 %. Without MODULE all of ``apps/compensation/rules`` that
``MODULES`` names and ``apps/core/money.py``; with --sample as many of them, evenly drawn.
"""

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesportal.settings.test")
os.environ["CI"] = "true"
os.environ["ORACLE_CASES"] = "250"

RULES = (
    "earn", "lines", "rates", "draws", "prorate", "spans", "deltas", "events", "conditions", "terms", "plan",
    "tables", "limits", "reading", "writing", "words",
)  # fmt: skip
MODULES = ("apps.core.money", *(f"apps.compensation.rules.{name}" for name in RULES))
# Those that kill most come first: a mutant is tried until a test fails.
TESTS = (
    "tests/compensation/test_slow_oracle.py",
    "tests/compensation/test_pay_rules.py",
    "tests/core/test_money.py",
    "tests/compensation/test_plan_documents.py",
    "tests/compensation/test_rules.py",
    "tests/compensation/test_earning.py",
)
SECONDS = 90
GOAL = 0.9

SWAPPED: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Add, ast.Pow: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
OTHER_CALL = {"min": "max", "max": "min", "any": "all", "all": "any"}


class Mutant(NamedTuple):
    module: str
    line: int
    what: str
    source: str


class _Places(ast.NodeVisitor):
    """Numbers every place of a module that can be changed; leaves out what is only said, checked or declared."""

    def __init__(self) -> None:
        self.found: list[tuple[ast.AST, str]] = []

    def visit(self, node: ast.AST) -> None:
        for name in _changes(node):
            self.found.append((node, name))
        for child in _looked_into(node):
            self.visit(child)


def _looked_into(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that decide something: no annotations, decorators, asserts, messages or docstrings."""
    if isinstance(node, (ast.JoinedStr, ast.Assert, ast.Raise, ast.Import, ast.ImportFrom)):
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "wrong":
        return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases", "keywords") and not (
            name == "keywords" and isinstance(node, ast.Call)
        ):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child


def _changes(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return ["compare"]
    if isinstance(node, ast.BinOp) and type(node.op) in SWAPPED and not _is_text(node):
        return ["operator"]
    if isinstance(node, ast.AugAssign) and type(node.op) in SWAPPED and not _is_text(node.value):
        return ["operator"]
    if isinstance(node, ast.BoolOp):
        return ["operator"]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        return ["unary"]
    if isinstance(node, ast.Constant) and type(node.value) in (int, bool):
        return ["constant"]
    if isinstance(node, (ast.If, ast.IfExp)) and not isinstance(node.test, (ast.Compare, ast.BoolOp)):
        return ["condition"]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in OTHER_CALL:
        return ["call"]
    if isinstance(node, (ast.Continue, ast.Break)):
        return ["jump"]
    return []


def _is_text(node: ast.AST) -> bool:
    return any(
        isinstance(part, ast.JoinedStr) or (isinstance(part, ast.Constant) and isinstance(part.value, str))
        for part in ast.walk(node)
    )


def _change(node: Any) -> str:
    """Change ``node`` in place; returns what was done, for people."""
    before = ast.unparse(node).split("\n")[0]
    if isinstance(node, ast.Compare):
        node.ops = [SWAPPED[type(node.ops[0])]()]
    elif isinstance(node, (ast.BinOp, ast.AugAssign, ast.BoolOp)):
        node.op = SWAPPED[type(node.op)]()
    elif isinstance(node, ast.UnaryOp):
        node.op = ast.UAdd() if isinstance(node.op, ast.USub) else ast.Not()
        if isinstance(node.op, ast.Not):
            node.operand = ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Constant):
        node.value = (not node.value) if isinstance(node.value, bool) else node.value + 1
    elif isinstance(node, (ast.If, ast.IfExp)):
        node.test = ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.Call):
        node.func.id = OTHER_CALL[node.func.id]
    return f"{before}  →  {ast.unparse(node).split(chr(10))[0]}"


def mutants_of(module: str) -> list[Mutant]:
    path = REPOSITORY / f"{module.replace('.', '/')}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    places = _Places()
    places.visit(tree)
    found = []
    for at in range(len(places.found)):
        changed = copy.deepcopy(tree)
        again = _Places()
        again.visit(changed)
        node: Any = again.found[at][0]
        line = node.lineno
        if isinstance(node, (ast.Continue, ast.Break)):
            said = f"{ast.unparse(node)}  →  pass"
            _put_pass(changed, node)
        else:
            said = _change(node)
        found.append(Mutant(module, line, said, ast.unparse(ast.fix_missing_locations(changed))))
    return found


def _put_pass(tree: ast.AST, node: ast.AST) -> None:
    for parent in ast.walk(tree):
        for value in vars(parent).values():
            if isinstance(value, list) and node in value:
                value[value.index(node)] = ast.Pass()


# --- Trying one -------------------------------------------------------------------------------------


class _Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the mutant where its module is imported."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname != self.mutant.module:
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def exec_module(self, module: Any) -> None:
        exec(compile(self.mutant.source, f"<mutant of {self.mutant.module}>", "exec"), module.__dict__)


class _Few:
    """Fewer examples of each property: hundreds of mutants see them."""

    @staticmethod
    def pytest_collection_modifyitems() -> None:
        from hypothesis import Phase, settings

        settings.register_profile(
            "mutants",
            deadline=None,
            max_examples=5,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
        )
        settings.load_profile("mutants")


def _forget() -> None:
    """Leave what depends on the rules to be imported anew; models and services keep what they have."""
    for name in list(sys.modules):
        if name in MODULES or name.startswith(
            ("apps.compensation.rules", "tests.compensation", "tests.core")
        ):
            del sys.modules[name]


class Outcome(StrEnum):
    """What became of a mutant. One that keeps a test running on and on counts as killed, and is told apart."""

    SURVIVED = "survived"
    KILLED = "killed"
    ENDLESS = "ran on"


def outcome(mutant: Mutant | None, tests: Sequence[str]) -> Outcome:
    """Try ``mutant`` (or none) in a process of its own, which is given so much time of a processor."""
    child = os.fork()
    if child == 0:
        code = 2
        try:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
            _forget()
            if mutant is not None:
                sys.meta_path.insert(0, _Instead(mutant))
            import pytest

            code = int(
                pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *tests], [_Few()])
            )
        finally:
            os._exit(code)
    deadline = time.monotonic() + 10 * SECONDS
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            if code in (-signal.SIGXCPU, -signal.SIGKILL):
                return Outcome.ENDLESS
            return Outcome.KILLED if code else Outcome.SURVIVED
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return Outcome.ENDLESS


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("modules", nargs="*", default=list(MODULES))
    asked.add_argument("--sample", type=int, default=0)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    asked.add_argument("--show", action="store_true", help="only list the mutants")
    given = asked.parse_args()
    os.chdir(REPOSITORY)
    found = [mutant for module in given.modules for mutant in mutants_of(module)]
    print(f"{len(found):,} mutants in {len(given.modules)} modules")
    if given.sample and given.sample < len(found):
        found = Random(given.seed).sample(found, given.sample)
        print(f"{len(found):,} of them, drawn with seed {given.seed}")
    if given.show:
        for mutant in found:
            print(f"{mutant.module}:{mutant.line}: {mutant.what}")
        return
    import django

    django.setup()
    import hypothesis
    import pytest  # noqa: F401 - imported once for all children

    tests = [test for test in TESTS if (REPOSITORY / test).exists()]
    assert hypothesis.__version__
    if outcome(None, tests) is not Outcome.SURVIVED:
        sys.exit("The tests fail without any mutant: mend them first.")
    killed, tried, endless = Counter[str](), Counter[str](), 0
    started = time.perf_counter()
    for mutant in found:
        if time.perf_counter() - started > given.seconds:
            print(f"stopped after {tried.total()}")
            break
        tried[mutant.module] += 1
        found_out = outcome(mutant, tests)
        endless += found_out is Outcome.ENDLESS
        if found_out is Outcome.KILLED:
            killed[mutant.module] += 1
            continue
        killed[mutant.module] += found_out is Outcome.ENDLESS
        print(f"{found_out:<9} {mutant.module}:{mutant.line}: {mutant.what}", flush=True)
    for module in given.modules:
        if tried[module]:
            print(f"{killed[module]:5} of {tried[module]:5}  {killed[module] / tried[module]:6.1%}  {module}")
    share = killed.total() / max(tried.total(), 1)
    running = f", {endless} of them by running on" if endless else ""
    print(
        f"{killed.total()} of {tried.total()} killed{running}, {share:.1%} ({time.perf_counter() - started:.0f} s)"
    )
    sys.exit(share < GOAL)


if __name__ == "__main__":
    main()
