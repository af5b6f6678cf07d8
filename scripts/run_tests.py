"""The whole suite: on SQLite always, on PostgreSQL, Redis and Chromium where they are. Behind ``make test``.

Says plainly what was not there; with ``CI=true`` everything is required. Arguments go to pytest, for instance
``scripts/run_tests.py tests/leads``. The last line adds the passes up as pytest does.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
REQUIRED = os.environ.get("CI", "").lower() in ("1", "true")
POSTGRES = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379")
# Set but unused while a pass chooses its own database.
NOT_PASSED_ON = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PORTAL_VAR_DIR")

SUMMARY = re.compile(r"^=+ (.*\b(?:passed|failed|error|no tests ran|skipped|deselected)\b.*?) =+$")


def say(sentence: str) -> None:
    print(sentence, flush=True)


def answers(url: str, port: int) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or port), timeout=2):
            return True
    except OSError:
        return False


def postgres_lets_in() -> str:
    """Why PostgreSQL cannot be used; "" when it can."""
    if not answers(POSTGRES, 5432):
        return "PostgreSQL: nothing answers (TEST_DATABASE_URL says where to look)"
    import psycopg

    try:
        psycopg.connect(POSTGRES, connect_timeout=3).close()
    except psycopg.Error as error:
        return f"PostgreSQL: it answers and lets nobody in ({type(error).__name__}; set TEST_DATABASE_URL)"
    return ""


def missing_services() -> list[str]:
    """What is not on this machine, a line each."""
    lines = [postgres_lets_in()]
    if not answers(REDIS, 6379):
        lines.append("Redis: nothing answers (TEST_REDIS_URL says where to look)")
    browsers = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    if not os.environ.get("CHROMIUM_PATH") and not any(map(shutil.which, browsers)):
        lines.append("Chromium: not installed (CHROMIUM_PATH says where to look)")
    return [line for line in lines if line]


def run_pass(name: str, arguments: list[str], **variables: str) -> tuple[int, str]:
    """One run of pytest; returns its exit code and the words of its last line."""
    say(f"\n——— {name} ———")
    environment = {key: value for key, value in os.environ.items() if key not in NOT_PASSED_ON} | variables
    workers = os.environ.get("TEST_WORKERS", "2")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        workers,
        "--dist",
        "loadfile",
        "-p",
        "no:cacheprovider",
    ]
    process = subprocess.Popen(
        [*command, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    words = "nothing"
    for line in process.stdout:
        print(line, end="", flush=True)
        plain = re.sub(r"\x1b\[[0-9;]*m", "", line).strip()
        match = SUMMARY.match(plain) or re.match(
            r"^(\d+ (?:passed|failed|skipped|error).* in [\d.]+s.*)$", plain
        )
        if match:
            words = match[1]
    return process.wait(), words


def main() -> int:
    missing = missing_services()
    for line in missing:
        say(f"Not here: {line}.")
    if missing and REQUIRED:
        say("With CI=true all of them are required.")
        return 1
    arguments = sys.argv[1:]
    passes: list[tuple[str, list[str], dict[str, str]]] = [("SQLite", [], {})]
    if not any(line.startswith("PostgreSQL") for line in missing):
        passes.append(("PostgreSQL", ["--database-only"], {"DATABASE_URL": POSTGRES}))
    worst, words = 0, []
    for name, more, variables in passes:
        code, summary = run_pass(name, [*more, *arguments], **variables)
        # 5 is "no tests": true of a folder that never touches the database, and no fault in the second pass.
        worst = max(worst, 0 if code == 5 and name != "SQLite" else code)
        words.append(f"{name}: {summary}")
    for line in missing:
        say(f"Not tested: {line}.")
    say(f"\n=== {'; '.join(words)} ===")
    return worst


if __name__ == "__main__":
    raise SystemExit(main())
