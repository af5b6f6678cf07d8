"""Databases to begin with: migrated once, copied by every process of every run, and emptied between tests.

To migrate takes half a minute of a processor, to copy a moment. A template is known by what made it (the
migrations, what they import, the requirements), so that whoever changes a migration gets another one.

``python -m tests.databases`` makes the template of ``DATABASE_URL`` beforehand.
"""

import ast
import contextlib
import fcntl
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.db.backends.sqlite3.creation import DatabaseCreation

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "test_salesportal_template_"
KEPT_SECONDS = 7 * 24 * 3600
"""How long a template lies unused for: the next one that is made takes older ones away."""
_LOCK = 7_234_118
"""The advisory lock under which a template of PostgreSQL is made, one at a time."""


@cache
def fingerprint() -> str:
    """What a migrated database is made of, as a short hash."""
    found = {ROOT / "requirements.txt"}
    waiting = sorted(ROOT.glob("apps/*/migrations/*.py"))
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported_by(path)
    digest = hashlib.sha256()
    for path in sorted(found):
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _imported_by(path: Path) -> list[Path]:
    """The project's own modules that ``path`` imports; of models a migration takes no more than names."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    own = [name for name in names if name.startswith("apps.") and ".models" not in name]
    return [file for name in own if (file := ROOT / f"{name.replace('.', '/')}.py").is_file()]


def _migrate(**variables: str) -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "salesportal.settings.test"} | variables
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity=0"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"The migrations fail:\n{done.stdout}{done.stderr}"


# --- SQLite ---------------------------------------------------------------------------------------


@cache
def sqlite_template() -> Path:
    """The file of a migrated and empty SQLite database; made by the first who asks."""
    folder = Path(tempfile.gettempdir()) / f"salesportal-templates-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    wanted = folder / f"{PREFIX}{fingerprint()}.sqlite3"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wanted.exists():
            for old in folder.glob("*.sqlite3"):
                if old.stat().st_mtime < time.time() - KEPT_SECONDS:
                    old.unlink()
            with tempfile.TemporaryDirectory(dir=folder) as making:
                made = Path(making, "portal.sqlite3")
                _migrate(TEST_VAR_DIR=making, DATABASE_URL=f"sqlite:///{made}")
                with contextlib.closing(sqlite3.connect(made)) as database:
                    # Whatever is in the write-ahead log belongs into the file that is copied.
                    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                made.rename(wanted)
    return wanted


def _copied_sqlite(self: DatabaseCreation, verbosity: int, autoclobber: bool, keepdb: bool = False) -> str:
    """In place of Django's, which leaves no file, so that everything would be migrated into an empty one."""
    name: str = self._get_test_db_name()
    if not (keepdb and Path(name).exists()):
        for suffix in ("-wal", "-shm"):
            Path(f"{name}{suffix}").unlink(missing_ok=True)
        shutil.copy(sqlite_template(), name)
    return name


# --- PostgreSQL -----------------------------------------------------------------------------------


@cache
def postgres_template(url: str) -> str:
    """The name of a migrated and empty database beside that of ``url``; made by the first who asks."""
    import psycopg

    wanted = f"{PREFIX}{fingerprint()}"
    address = urlsplit(url)
    with psycopg.connect(address.geturl(), autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        made = {
            name: float(instant or 0)
            for name, instant in server.execute(
                "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database WHERE datname LIKE %s",
                [f"{PREFIX}%"],
            )
        }
        if wanted not in made:
            for name, instant in made.items():
                if instant < time.time() - KEPT_SECONDS:
                    server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            server.execute(f'CREATE DATABASE "{wanted}_making"')
            with tempfile.TemporaryDirectory() as folder:
                making = address._replace(path=f"/{wanted}_making").geturl()
                _migrate(TEST_VAR_DIR=folder, DATABASE_URL=making)
            server.execute(f'ALTER DATABASE "{wanted}_making" RENAME TO "{wanted}"')
            server.execute(f"COMMENT ON DATABASE \"{wanted}\" IS '{time.time():.0f}'")
    return wanted


@contextlib.contextmanager
def begun_with_template() -> Iterator[None]:
    """Within it a test database begins as a copy; what Django migrates afterwards is nothing."""
    with pytest.MonkeyPatch.context() as patch:
        if connection.vendor == "postgresql":
            patch.setitem(
                connection.settings_dict["TEST"], "TEMPLATE", postgres_template(os.environ["DATABASE_URL"])
            )
        else:
            patch.setattr(DatabaseCreation, "_create_test_db", _copied_sqlite)
        yield


# --- Emptied after a test that commits ------------------------------------------------------------

_LEFT_ALONE = {"django_content_type", "auth_permission"}
"""What Django writes about the models themselves, the same before and after any test."""


@contextlib.contextmanager
def emptied_quickly() -> Iterator[None]:
    """Within it the flush after a ``transaction=True`` test gets past append-only triggers, and is quick.

    Most of a hundred tables are empty. On PostgreSQL Django truncates them all, whose files are then made anew (some
    seconds where the disk is waited for): here the rows of the others are deleted while triggers and foreign keys
    look away, which takes a superuser; for anybody else it stays a TRUNCATE, with the tables' own triggers off. Only
    the flush is let past.
    """
    operations = type(connection.ops)
    truncate = operations.sql_flush

    def flush_postgres(self: Any, style: Any, tables: list[str], **options: Any) -> list[str]:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT usesuper FROM pg_user WHERE usename = current_user")
            if not cursor.fetchone()[0] or options.get("reset_sequences"):
                statements = truncate(self, style, tables, **options)
                return [
                    *(f'ALTER TABLE "{name}" DISABLE TRIGGER USER' for name in tables),
                    *statements,
                    *(f'ALTER TABLE "{name}" ENABLE TRIGGER USER' for name in tables),
                ]
            filled = _filled(cursor, tables)
        return [
            "SET LOCAL session_replication_role = replica",
            *(f'DELETE FROM "{name}"' for name in filled),
            "SET LOCAL session_replication_role = DEFAULT",
        ]

    def flush_sqlite(self: Any, style: Any, tables: list[str], **options: Any) -> list[str]:
        with self.connection.cursor() as cursor:
            filled = _filled(cursor, tables)
            cursor.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = [(name, sql) for name, table, sql in cursor.fetchall() if table in filled]
        return [
            *(f'DROP TRIGGER "{name}"' for name, _ in triggers),
            *(f'DELETE FROM "{name}"' for name in filled),
            *(sql for _, sql in triggers),
        ]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            operations, "sql_flush", flush_postgres if connection.vendor == "postgresql" else flush_sqlite
        )
        yield


def _filled(cursor: Any, tables: list[str]) -> list[str]:
    """Those of ``tables`` that hold rows which a test may have written."""
    asked = (
        f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\")"
        for name in tables
        if name not in _LEFT_ALONE
    )
    cursor.execute(" UNION ALL ".join(asked))
    return [name for (name,) in cursor.fetchall()]


def main() -> None:
    url = os.environ.get("DATABASE_URL", "")
    made = postgres_template(url) if url.startswith("postgres") else sqlite_template()
    sys.stdout.write(f"{made}\n")


if __name__ == "__main__":
    main()
