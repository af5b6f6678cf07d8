"""Every library that the code imports is one that ``requirements.in`` names, so that a clean install has it."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
OURS = {"apps", "salesportal", "scripts", "tests", "benchmarks"}
LEAVE_THE_PORTAL = ROOT / "apps/compensation/reports/proof"
"""Scripts that are sent with a proof pack: they import each other by name, and nothing but the standard library."""


def plain(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(file: str) -> set[str]:
    lines = (ROOT / file).read_text().splitlines()
    return {plain(re.split(r"[\[<>=~! ]", line)[0]) for line in lines if line and line[0] not in "#-"}


def imported(folders: tuple[str, ...]) -> dict[str, str]:
    """Top-level module → one file that imports it, wherever in the file the import stands."""
    found: dict[str, str] = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    names = [node.module or ""]
                else:
                    continue
                for name in names:
                    found.setdefault(name.partition(".")[0], str(path.relative_to(ROOT)))
    siblings = {path.stem for folder in folders for path in (ROOT / folder).glob("*.py")}
    siblings |= {path.stem for path in LEAVE_THE_PORTAL.glob("*.py")}
    return {
        name: path for name, path in found.items() if name not in sys.stdlib_module_names | OURS | siblings
    }


@pytest.mark.parametrize(
    ("folders", "files"),
    [
        (("apps", "salesportal"), ("requirements.in",)),
        (("tests", "benchmarks"), ("requirements.in", "requirements-dev.in")),
    ],
    ids=["the portal", "its tests"],
)
def test_every_library_that_is_imported_is_named_in_the_requirements(folders, files):
    named = set().union(*(declared(file) for file in files))
    providers = packages_distributions()
    modules = imported(folders)
    assert modules, "nothing was read"
    strangers = {
        f"{module} ({path})"
        for module, path in modules.items()
        if not {plain(name) for name in providers.get(module, [])} & named
    }
    assert not strangers, f"not named in {' or '.join(files)}: {sorted(strangers)}"
