"""The whole suite: on SQLite always, on PostgreSQL, Redis and Chromium where they are. Behind ``make test``.

Both databases have their pass at the same time; what the second says is printed when the first is over. Says
plainly what was not there; with ``CI=true`` everything is required. Arguments go to pytest, for instance
``scripts/run_tests.py tests/leads``. The last line adds the passes up as pytest does.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
REQUIRED = os.environ.get("CI", "").lower() in ("1", "true")
POSTGRES = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379")
# Set but unused while a pass chooses its own database.
NOT_PASSED_ON = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PORTAL_VAR_DIR")

SUMMARY = re.compile(r"^=+ (.*\b(?:passed|failed|error|no tests ran|skipped|deselected)\b.*?) =+$")
PLAIN_SUMMARY = re.compile(r"^(\d+ (?:passed|failed|skipped|error).* in [\d.]+s.*)$")


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


def environment_of(variables: dict[str, str]) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if key not in NOT_PASSED_ON}
    return inherited | {"DJANGO_SETTINGS_MODULE": "salesportal.settings.test"} | variables


def make_templates(all_variables: list[dict[str, str]]) -> bool:
    """Migrate the databases that the workers begin with copies of, all at once; whether it went well."""
    command = [sys.executable, "-m", "tests.databases"]
    making = [
        subprocess.Popen(command, cwd=ROOT, env=environment_of(variables), stdout=subprocess.DEVNULL)
        for variables in all_variables
    ]
    codes = [process.wait() for process in making]
    return not any(codes)


def begin_pass(
    arguments: list[str], variables: dict[str, str], output: IO[bytes]
) -> "subprocess.Popen[bytes]":
    """Start one run of pytest, which writes what it says to ``output``."""
    # Whole files, so that what the tests of one share is made once; the longest come first (tests/conftest.py).
    how = ["-n", os.environ.get("TEST_WORKERS", "2"), "--dist", "loadfile", "--no-loadscope-reorder"]
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", *how, "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env=environment_of(variables),
        stdout=output,
        stderr=subprocess.STDOUT,
    )


def tell(name: str, process: "subprocess.Popen[bytes]", path: Path) -> tuple[int, str]:
    """Print what a pass says while it goes on; its exit code and the words of its last line."""
    say(f"\n——— {name} ———")
    words = "nothing"
    with path.open(encoding="utf-8", errors="replace") as output:
        is_over, line = False, ""
        while True:
            line += output.readline()
            if not line.endswith("\n"):
                # A line in the making, or no more to come: what was written before the end is read once more.
                if is_over and not line:
                    break
                is_over = process.poll() is not None
                if not is_over:
                    time.sleep(0.2)
                    continue
                if not line:
                    continue
            print(line, end="", flush=True)
            plain = re.sub(r"\x1b\[[0-9;]*m", "", line).strip()
            match = SUMMARY.match(plain) or PLAIN_SUMMARY.match(plain)
            words = match[1] if match else words
            line = ""
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
    if not make_templates([variables for _, _, variables in passes]):
        say("The migrations fail.")
        return 1
    worst, words = 0, []
    with tempfile.TemporaryDirectory(prefix="salesportal-tests-") as folder, contextlib.ExitStack() as begun:
        # All at once: while one waits for a browser or for a worker that starts, the other has the processor.
        running = []
        for name, more, variables in passes:
            path = Path(folder, name)
            output = begun.enter_context(path.open("wb"))
            running.append((name, begin_pass([*more, *arguments], variables, output), path))
        try:
            for name, process, path in running:
                code, summary = tell(name, process, path)
                # 5 is "no tests": true of a folder that never touches the database, and no fault in the second pass.
                worst = max(worst, 0 if code == 5 and name != "SQLite" else code)
                words.append(f"{name}: {summary}")
        finally:
            for _, process, _ in running:
                process.terminate()
    for line in missing:
        say(f"Not tested: {line}.")
    say(f"\n=== {'; '.join(words)} ===")
    return worst


if __name__ == "__main__":
    raise SystemExit(main())
