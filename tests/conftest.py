"""What every test may lean on: the two databases, services that may be absent, jobs, real processes.

The cast (an SDR, a teammate, an AE, a manager …) stands in ``tests/cast.py``.
"""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction
from hypothesis import settings

from tests.cast import Cast, assemble
from tests.marketstar import _marketstar_imported, marketstar  # noqa: F401 - fixtures for every test
from tests.processes import LivePortal, installation

# No test is timed (a busy machine would fail it). With CI=true the examples are the same each time, so that a
# change is judged by what it changed; elsewhere they are new each time, and a failing one prints its seed.
settings.register_profile("here", deadline=None, print_blob=True)
settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI", "").lower() in ("1", "true") else "here")

# Playwright keeps an event loop in the main thread once a browser test has run; the tests after it on the
# same worker use the database from there as usual, which is safe: nothing runs beside them.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

REPOSITORY = Path(__file__).resolve().parents[1]
REQUIRE_ALL = os.environ.get("CI", "").lower() in ("1", "true")


# --- What is there --------------------------------------------------------------------------------


def _answers(url: str, default_port: int) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or default_port), timeout=1):
            return True
    except OSError:
        return False


def redis_url() -> str:
    """A database of Redis that belongs to this test process alone."""
    base = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379").rstrip("/")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return f"{base}/{8 + int(worker) % 8}"


def chromium_path() -> str | None:
    """Where a Chromium of the system is; Playwright's own is not downloaded."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return os.environ.get("CHROMIUM_PATH") or next(filter(None, map(shutil.which, names)), None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-only",
        action="store_true",
        help="Only tests that use the database and start no process: the second pass, on PostgreSQL.",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--database-only"):
        return
    kept, dropped = [], []
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        uses_database = item.get_closest_marker("django_db") or fixtures & {"db", "transactional_db"}
        own_process = any(item.get_closest_marker(name) for name in ("browser", "processes", "sqlite"))
        (kept if uses_database and not own_process else dropped).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=dropped)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot show; with ``CI=true`` a missing service fails the test instead."""
    for name in ("postgres", "sqlite"):
        wanted = {"postgres": "postgresql", "sqlite": "sqlite"}[name]
        if item.get_closest_marker(name) and connection.vendor != wanted:
            pytest.skip(f"says something about {wanted}; this pass is on {connection.vendor}")
    if item.get_closest_marker("redis") and not _answers(redis_url(), 6379):
        _missing("No Redis answers.")
    if item.get_closest_marker("browser") and chromium_path() is None:
        _missing("There is no Chromium.")


def _missing(what: str) -> None:
    if REQUIRE_ALL:
        pytest.fail(f"{what} With CI=true it is required.", pytrace=False)
    pytest.skip(what)


@pytest.fixture(scope="session")
def marketstar_dir() -> Path:
    """The folder of the real CRM export. It is not ours to ship, so its tests are skipped without it."""
    folder = Path(os.environ.get("MARKETSTAR_DIR") or REPOSITORY.parent / "shared" / "data" / "marketstar")
    if not (folder / "Leads.csv").exists():
        pytest.skip(f"The CRM export is not at {folder} (set MARKETSTAR_DIR).")
    return folder


# --- Database -------------------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def _flush_past_append_only_triggers() -> Iterator[None]:
    """Let the flush after a ``transaction=True`` test empty append-only tables on SQLite (a DELETE there).

    (On PostgreSQL it is a TRUNCATE, which triggers on rows do not see.) Only the flush is let past.
    """
    from django.db.backends.sqlite3.base import DatabaseOperations

    flush = DatabaseOperations.execute_sql_flush

    def flush_without_triggers(self: DatabaseOperations, sql_list: list[str]) -> None:
        with transaction.atomic(using=self.connection.alias), self.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
            for name, _ in triggers:
                cursor.execute(f'DROP TRIGGER "{name}"')
            flush(self, sql_list)
            for _, sql in triggers:
                cursor.execute(sql)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", flush_without_triggers)
        yield


# --- Time, jobs -----------------------------------------------------------------------------------


@pytest.fixture
def at() -> datetime:
    """An ordinary instant: a Tuesday morning in Berlin."""
    return datetime(2026, 3, 10, 9, 30, tzinfo=UTC)


@pytest.fixture
def run_jobs(db: None) -> Callable[[], int]:
    """Do every queued job here and now, as a worker would; returns how many. No message is needed."""
    from django.utils import timezone

    from apps.jobs import services
    from apps.jobs.models import Job, JobState

    def run_all() -> int:
        done = 0
        while job := Job.objects.filter(state=JobState.QUEUED).order_by("pk").first():
            done += services.run(job_id=job.pk, clock=timezone.now)
        return done

    return run_all


# --- The cast -------------------------------------------------------------------------------------


@pytest.fixture
def cast(db: None) -> Cast:
    """Everybody whom a test talks about (``tests/cast.py``)."""
    return assemble()


# --- Real processes, a real browser ---------------------------------------------------------------


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a migrated and empty installation, for others to begin with."""
    folder = tmp_path_factory.mktemp("migrated")
    with installation(folder) as portal:
        # Whatever is in the write-ahead log belongs into the file that is copied.
        portal.python("from django.db import connection; connection.cursor().execute('VACUUM')")
    return folder


@pytest.fixture(scope="module")
def live_portal(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    """A running portal of its own: web server, worker, SQLite, the embedded broker; empty at first.

    ``live_portal.url`` is its address; ``manage(...)`` and ``python(...)`` act in it from outside.
    """
    with installation(tmp_path_factory.mktemp("live"), like=migrated) as portal:
        # It can do the suite's own job as well, which takes as many steps as a test wants.
        portal.start_worker(include="tests.jobs.steps")
        yield LivePortal(portal, portal.start_web())


_playwright: list[Any] = []


def running_playwright() -> Any:
    """The one Playwright of this process: a second one beside it would find the loop of the first running."""
    if not _playwright:
        from playwright.sync_api import sync_playwright

        _playwright.append(sync_playwright().start())
    return _playwright[0]


@pytest.fixture(scope="session")
def playwright() -> Any:
    """In place of pytest-playwright's own, so that its fixtures and ``browser_page`` share one."""
    return running_playwright()


def pytest_sessionfinish() -> None:
    while _playwright:
        _playwright.pop().stop()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium. Without its sandbox where the suite runs as root, as in containers."""
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": chromium_path(), "args": options}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1440, "height": 900}, "locale": "en-GB"}
