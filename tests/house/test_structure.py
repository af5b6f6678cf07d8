"""What the house promises about its own shape, where no ready tool looks: names, purity, direction."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import ForeignKey, ManyToManyField, OneToOneField

ROOT = Path(__file__).resolve().parents[2]
LAYERS = [
    {"portal"},
    {"integrations"},
    {"scorecards"},
    {"compensation", "slas", "customers"},
    {"leads"},
    {"reps"},
    {"accounts"},
    {"audit"},
    {"jobs"},
    {"core"},
]
DEPTH = {app: depth for depth, layer in enumerate(LAYERS) for app in layer}
FRAMEWORKS = ("django", "celery", "kombu", "redis", "psycopg", "rest_framework")
GENERIC = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc", "tools", "shared"}


def tracked(*suffixes: str) -> list[Path]:
    """The files of the project: what git knows, or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    paths = [ROOT / line for line in listed]
    return [path for path in paths if path.is_file() and (not suffixes or path.suffix in suffixes)]


def own_modules() -> list[Path]:
    return [path for path in tracked(".py") if path.relative_to(ROOT).parts[0] in ("apps", "salesportal")]


def calls_and_names(path: Path) -> set[str]:
    """The dotted names that a module reads, such as ``timezone.now``."""
    return {
        ast.unparse(node) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)
    }


class TestDirection:
    def test_the_layers_here_are_those_of_the_import_contract(self):
        contract = (ROOT / ".importlinter").read_text().partition("layers =\n")[2].partition("exhaustive")[0]
        lines = [line for line in contract.splitlines() if line.strip()]
        assert [{name.strip() for name in line.split("|")} for line in lines] == LAYERS

    def test_every_app_has_a_layer(self):
        assert {path.parent.name for path in (ROOT / "apps").glob("*/apps.py")} == set(DEPTH)

    def test_foreign_keys_point_downwards(self):
        wrong = []
        for model in apps.get_models():
            if not model.__module__.startswith("apps."):
                continue
            for field in model._meta.get_fields():
                if not isinstance(field, ForeignKey | OneToOneField | ManyToManyField):
                    continue
                target = field.related_model
                if (
                    not target.__module__.startswith("apps.")
                    or target._meta.label == settings.AUTH_USER_MODEL
                ):
                    continue
                here, there = model._meta.app_label, target._meta.app_label
                if here != there and DEPTH[there] <= DEPTH[here]:
                    wrong.append(f"{model._meta.label}.{field.name} -> {target._meta.label}")
        assert wrong == []


class TestNames:
    def test_no_module_has_a_generic_name(self):
        names = [path.relative_to(ROOT) for path in tracked(".py")]
        assert [str(path) for path in names if GENERIC & {*path.parts[:-1], path.stem}] == []

    def test_every_module_says_what_lives_in_it(self):
        silent = [
            str(path.relative_to(ROOT))
            for path in own_modules()
            if "migrations" not in path.parts
            and path.name not in ("apps.py", "__init__.py")
            and not ast.get_docstring(ast.parse(path.read_text()))
        ]
        assert silent == []

    def test_no_module_is_longer_than_a_reader_follows(self):
        """Past 400 lines a module becomes a package of domain nouns; a tenth of grace."""
        long = {
            str(path.relative_to(ROOT)): length
            for path in own_modules()
            if "migrations" not in path.parts and (length := len(path.read_text().splitlines())) > 440
        }
        assert long == {}


class TestRules:
    def test_can_be_imported_without_any_framework(self):
        """Not even by a detour: the frameworks are made impossible to import in a fresh interpreter."""
        modules = [
            ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for path in sorted((ROOT / "apps").glob("*/rules/*.py"))
        ]
        assert modules
        program = (
            "import importlib, sys\n"
            "class Refuse:\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            f"        if name.partition('.')[0] in {FRAMEWORKS!r}:\n"
            "            raise ImportError('not pure: it imports ' + name)\n"
            "sys.meta_path.insert(0, Refuse())\n"
            f"for module in {modules!r}:\n"
            "    importlib.import_module(module)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr.splitlines()[-1]

    def test_read_no_clock_no_file_and_no_chance(self):
        impure = re.compile(r"\b(now|utcnow|today|random|urandom|open|read_text|write_text|environ|getenv)$")
        found = [
            f"{path.relative_to(ROOT)}: {name}"
            for path in (ROOT / "apps").glob("*/rules/**/*.py")
            for name in calls_and_names(path)
            if impure.search(name)
        ]
        assert found == []

    def test_compute_pay_without_binary_fractions(self):
        """Integers, Decimal and Fraction; ``float`` is mentioned only to refuse one (``isinstance``)."""
        found = []
        for path in (ROOT / "apps" / "compensation" / "rules").glob("**/*.py"):
            tree = ast.parse(path.read_text())
            refusing = {
                id(name)
                for call in ast.walk(tree)
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "isinstance"
                for name in ast.walk(call)
            }
            for node in ast.walk(tree):
                uses = isinstance(node, ast.Name) and node.id == "float" and id(node) not in refusing
                if uses or (isinstance(node, ast.Constant) and isinstance(node.value, float)):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
        assert found == []


class TestClock:
    CLOCKS = {
        "timezone.now",
        "datetime.now",
        "datetime.utcnow",
        "date.today",
        "time.time",
        "timezone.localdate",
    }

    @pytest.mark.parametrize("room", ["models", "services", "selectors"])
    def test_is_not_read_where_the_instant_is_passed_in(self, room):
        found = []
        for path in own_modules():
            parts = path.relative_to(ROOT / "apps").parts if path.is_relative_to(ROOT / "apps") else ()
            if len(parts) > 1 and (parts[1] == room or parts[1] == f"{room}.py"):
                found += [f"{path.relative_to(ROOT)}: {name}" for name in calls_and_names(path) & self.CLOCKS]
        assert found == []


class TestServices:
    def test_take_keyword_arguments_and_say_their_types(self):
        """A read may take its one subject by position; whatever takes more, or acts at an instant, takes names."""
        wrong = []
        for path in own_modules():
            if "services" not in (*path.parts, path.stem) or "migrations" in path.parts:
                continue
            for node in ast.parse(path.read_text()).body:
                if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                    continue
                by_position = [*node.args.posonlyargs, *node.args.args]
                by_name = node.args.kwonlyargs
                typed = node.returns is not None and all(one.annotation for one in [*by_position, *by_name])
                acts = any(one.arg == "at" for one in by_name)
                if not typed or len(by_position) > 1 or (by_position and acts):
                    wrong.append(f"{path.relative_to(ROOT)}: {node.name}")
        assert wrong == []

    def test_models_override_no_save(self):
        wrong = [
            f"{path.relative_to(ROOT)}: {node.name}.save"
            for path in own_modules()
            if "models" in (*path.parts, path.stem)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ClassDef)
            for inner in node.body
            if isinstance(inner, ast.FunctionDef) and inner.name == "save"
        ]
        assert wrong == []


@pytest.mark.django_db
class TestAppendOnlyTables:
    def listed(self) -> set[str]:
        """The tables that migrations declare append-only."""
        found: set[str] = set()
        for path in (ROOT / "apps").glob("*/migrations/*.py"):
            found |= set(re.findall(r"append_only\(\s*[\"'](\w+)[\"']", path.read_text()))
        return found

    def guarded(self) -> set[str]:
        """The tables that this database refuses to have altered, update and delete alike."""
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'")
                rows = set(cursor.fetchall())
                return {
                    table
                    for table, _ in rows
                    if {(table, f"{table}_no_update"), (table, f"{table}_no_delete")} <= rows
                }
            cursor.execute(
                "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
                " WHERE t.tgname = c.relname || '_append_only' AND t.tgenabled = 'O' AND t.tgtype & 24 = 24"
            )
            return {row[0] for row in cursor.fetchall()}

    def test_there_are_some(self):
        assert "leads_funnelevent" in self.listed()

    def test_the_database_guards_each(self):
        assert self.listed() - self.guarded() == set()


class TestNothingLocal:
    # A requirement that names where it is fetched from ties the project to one machine's settings.
    WHENCE = re.compile(r"^\s*(?:-i|--index-url|--extra-index-url|--find-links|-f)\b|://", re.MULTILINE)

    def test_no_file_names_the_folder_it_is_checked_out_in(self):
        here = re.compile(re.escape(str(ROOT)) + r"(?![\w-])")
        found = [
            str(path.relative_to(ROOT))
            for path in tracked(
                ".py", ".html", ".md", ".toml", ".txt", ".in", ".sh", ".js", ".css", ".yml", ""
            )
            if here.search(path.read_text(errors="ignore"))
        ]
        assert found == []

    def test_no_requirement_says_where_it_is_fetched_from(self):
        for name in ("requirements.in", "requirements.txt", "requirements-dev.in", "requirements-dev.txt"):
            assert not self.WHENCE.search((ROOT / name).read_text()), name

    def test_requirements_are_pinned_with_hashes(self):
        for name in ("requirements.txt", "requirements-dev.txt"):
            text = (ROOT / name).read_text().replace("\\\n", " ")
            lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
            assert lines
            assert [line for line in lines if "==" not in line or "--hash=sha256:" not in line] == []


class TestVendoredFiles:
    def test_have_their_licence_beside_them(self):
        folders = {path.parent for path in tracked() if path.is_relative_to(ROOT / "static" / "vendor")}
        versions = {folder for folder in folders if folder != ROOT / "static" / "vendor"}
        assert versions
        without = [
            str(folder.relative_to(ROOT))
            for folder in versions
            if not any(re.match(r"licen[cs]e|copying", path.name, re.IGNORECASE) for path in folder.iterdir())
        ]
        assert without == []


class TestDoorsOfPay:
    def test_each_that_puts_a_refusal_into_words_notes_it(self):
        """A refusal that a page shows beside its form is as much on record as one that ends the request."""
        silent = []
        for room in ("views", "api"):
            for path in sorted((ROOT / "apps" / "compensation" / room).glob("*.py")):
                for caught in ast.walk(ast.parse(path.read_text())):
                    if not isinstance(caught, ast.ExceptHandler) or caught.type is None:
                        continue
                    if "DomainError" in ast.unparse(caught.type) and "note_refusal(error)" not in ast.unparse(
                        caught
                    ):
                        silent.append(f"{path.relative_to(ROOT)}:{caught.lineno}")
        assert silent == []
