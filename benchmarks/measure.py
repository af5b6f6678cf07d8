"""How every benchmark here measures: a scratch database of its own, interleaved rounds, medians, ratios of one run.

Machines are noisy, so only the ratio of two things measured side by side counts. A result whose floor
itself spreads by more than half between rounds is called noisy and is not to be quoted.

The scratch database is made beside the one that DATABASE_URL names (postgres://postgres@127.0.0.1:5432/postgres
when unset) and dropped when the benchmark ends, so a benchmark can run twice, and two can run at once.
DATABASE_URL=sqlite:// measures on SQLite instead, in a folder that goes too.
"""

import atexit
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

ROUNDS = 5
SERVER = "postgres://postgres@127.0.0.1:5432/postgres"


def start_django() -> None:
    """Set Django up on a scratch database of this process's own, which is gone when the process ends."""
    repository = Path(__file__).resolve().parents[1]
    sys.path.insert(0, str(repository))
    # A benchmark that is told to stop tidies up as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ["DATABASE_URL"] = _scratch(os.environ.get("DATABASE_URL") or SERVER)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesportal.settings.local")
    import django
    from django.core.management import call_command
    from django.db import connections

    django.setup()
    atexit.register(connections.close_all)
    call_command("migrate", verbosity=0)


def _scratch(server: str) -> str:
    """The address of a new database, and the promise that it is dropped; files lie in a folder of their own."""
    folder = tempfile.mkdtemp(prefix="portal-benchmark-")
    owner = os.getpid()
    atexit.register(lambda: os.getpid() == owner and shutil.rmtree(folder, ignore_errors=True))
    os.environ.setdefault("PORTAL_VAR_DIR", folder)
    if server.startswith("sqlite"):
        return f"sqlite:///{folder}/benchmark.sqlite3"
    name = f"salesportal_benchmark_{owner}"

    def drop() -> None:
        # A worker that was forked has this promise too, and must not keep it.
        if os.getpid() == owner:
            _administer(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    _administer(server, "CREATE DATABASE {}", name)
    atexit.register(drop)
    return urlsplit(server)._replace(path=f"/{name}").geturl()


def copied() -> str:
    """Another scratch database, as this one is now, that goes as well; its name, for ``use``.

    So that one amount of data is measured beside another in turns, not one after the other.
    """
    from django.db import connection

    connection.close()
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        name = f"{given['NAME']}-copy"
        shutil.copy(given["NAME"], name)
        return name
    name, owner = f"{given['NAME']}_copy", os.getpid()
    server = os.environ["DATABASE_URL"].replace(f"/{given['NAME']}", "/postgres")
    _administer(server, f"CREATE DATABASE {{}} TEMPLATE {given['NAME']}", name)

    def drop() -> None:
        if os.getpid() == owner:
            connection.close()
            _administer(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    atexit.register(drop)
    return name


def use(name: str) -> None:
    """Go on in the scratch database called so; the first statements there are prepared anew."""
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = name


def _administer(server: str, statement: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(SQL(statement).format(Identifier(name)))  # type: ignore[arg-type]


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compare(
    floor: tuple[str, Callable[[], object]], *others: tuple[str, Callable[[], object]]
) -> dict[str, float]:
    """Print the median of each and its ratio to the floor, over interleaved rounds; the medians in seconds, by name."""
    found: dict[str, list[float]] = {name: [] for name, _ in (floor, *others)}
    for _, work in (floor, *others):
        work()
    for _ in range(ROUNDS):
        for name, work in (floor, *others):
            found[name].append(seconds(work))
    base = statistics.median(found[floor[0]])
    spread = max(found[floor[0]]) / max(min(found[floor[0]]), 1e-9)
    for name, _ in (floor, *others):
        median = statistics.median(found[name])
        print(f"{name:<48} {median * 1000:10.2f} ms   {median / base:8.2f} x the floor")
    if spread > 1.5:
        print(f"NOISY: the floor spread by {spread:.2f} between rounds; do not quote these ratios.")
    return {name: statistics.median(times) for name, times in found.items()}
