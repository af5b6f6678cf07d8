"""What every test may lean on: the two databases, services that may be absent, jobs, real processes.

The cast (an SDR, a teammate, an AE, a manager …) stands in ``tests/cast.py``.
"""

import asyncio
import gc
import os
import shutil
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection, connections
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from tests.cast import Cast, assemble
from tests.databases import begun_with_template, emptied_quickly, sqlite_template
from tests.marketstar import marketstar  # noqa: F401 - fixtures for every test
from tests.processes import LivePortal, installation
from tests.stage import commits, note_fixture, stage, staged, stands_for, tests_on_stage, wanted_by

# No test is timed (a busy machine would fail it). With CI=true the examples are the same each time, so that a
# change is judged by what it changed; elsewhere they are new each time, and a failing one prints its seed.
settings.register_profile("here", deadline=None, print_blob=True)
settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI", "").lower() in ("1", "true") else "here")

# Playwright keeps an event loop in the main thread once a browser test has run; browser tests use the database
# from there as usual, which is safe: nothing runs beside them. For all others it is hidden (``_without_the_loop``).
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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--database-only"):
        kept, dropped = [], []
        for item in items:
            fixtures = set(getattr(item, "fixturenames", ()))
            uses_database = item.get_closest_marker("django_db") or fixtures & {"db", "transactional_db"}
            run_before = any(map(item.get_closest_marker, ("browser", "processes", "sqlite", "once")))
            (kept if uses_database and not run_before else dropped).append(item)
        items[:] = kept
        config.hook.pytest_deselected(items=dropped)
    if hasattr(config, "workerinput"):
        _longest_first(items)


def _longest_first(items: list[pytest.Item]) -> None:
    """Give out what takes long first: a file of it begun last would leave the other workers idle to its end."""
    seconds = {"slow": 20.0, "processes": 10.0, "browser": 3.0}
    of_share: dict[str, float] = defaultdict(float)
    for item in items:
        expected = [seconds[name] for name in seconds if item.get_closest_marker(name)]
        of_share[share_of(item.nodeid)] += max(expected, default=0.2)
    # Of the export's files those tests come last that do without it: it is taken away for them.
    items.sort(
        key=lambda item: (
            -of_share[share := share_of(item.nodeid)],
            share,
            share == EXPORT and "marketstar" not in getattr(item, "fixturenames", ()),
            str(item.path),
        )
    )


EXPORT = "the export"


@cache
def _file_share(path: str) -> str:
    return EXPORT if "import MarketStar" in (REPOSITORY / path).read_text() else path


def share_of(nodeid: str) -> str:
    """What one worker does as a whole: a file, or all files about the real export, which is imported once for them."""
    return _file_share(nodeid.split("::", 1)[0])


class Shares(LoadFileScheduling):
    """Gives each worker a whole share at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares | None:
    return Shares(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """Some hundred thousand objects of code and tests stay to the end: the collector need not look at them again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


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
    stage.await_test([] if commits(item) else wanted_by(item))


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
    note_fixture(fixturedef, request)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """What stands for the tests of a file does so until the last of them, or until one that commits."""
    yield
    if not stands_for(item, nextitem):
        stage.clear()


# Django keeps a thread's connections apart by whether a loop runs in it: a fixture that opened a transaction while the
# loop was seen would hold the lock that its tests, which do not see it, wait for. One connection a thread it is.
connections._connections = threading.local()


@contextmanager
def _without_the_loop(item: pytest.Item) -> Iterator[None]:
    """Hide the loop that Playwright keeps from a test that is not about it: async code would refuse to wait there."""
    loop = asyncio._get_running_loop()
    if loop is None or item.get_closest_marker("browser"):
        yield
        return
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with _without_the_loop(item):
        stage.settle()
        return (yield)


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


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_use_migrations: bool
) -> Iterator[None]:
    """The test database begins as a copy of one that is migrated already (``--no-migrations`` needs none)."""
    with begun_with_template() if django_db_use_migrations else nullcontext():
        yield


@pytest.fixture(scope="session", autouse=True)
def _emptied_quickly() -> Iterator[None]:
    with emptied_quickly():
        yield


@pytest.fixture(scope="session", autouse=True)
def _on_stage(django_db_blocker: Any) -> Iterator[None]:
    stage.unblock = django_db_blocker.unblock
    with tests_on_stage():
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
@staged
def cast(db: None) -> Cast:
    """Everybody whom a test talks about (``tests/cast.py``)."""
    return assemble()


# --- Real processes, a real browser ---------------------------------------------------------------


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a migrated and empty installation, for others to begin with."""
    folder = tmp_path_factory.mktemp("migrated")
    shutil.copy(sqlite_template(), folder / "portal.sqlite3")
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
        from playwright.sync_api import expect, sync_playwright

        # Five seconds are few where the other processor makes a thousand promises.
        expect.set_options(timeout=60_000)
        _playwright.append(sync_playwright().start())
    return _playwright[0]


_browser: list[Any] = []


def running_browser() -> Any:
    """The one Chromium of this process for whoever opens a context of its own in it; to start one takes seconds."""
    if not (_browser and _browser[-1].is_connected()):
        launch = running_playwright().chromium.launch
        _browser.append(launch(executable_path=chromium_path(), args=["--no-sandbox"]))
    return _browser[-1]


@pytest.fixture(scope="session")
def playwright() -> Any:
    """In place of pytest-playwright's own, so that its fixtures and ``browser_page`` share one."""
    return running_playwright()


def pytest_sessionfinish() -> None:
    while _browser:
        _browser.pop().close()
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
