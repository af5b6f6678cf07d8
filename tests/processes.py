"""Real processes for tests: a worker, a web server, an installation of their own folder and database.

Everything runs under ``salesportal.settings.local``, as ``make run`` does, with SQLite and the embedded
broker unless variables say otherwise.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOT_INHERITED = (
    "DATABASE_URL",
    "REDIS_URL",
    "DJANGO_SETTINGS_MODULE",
    "PORTAL_VAR_DIR",
    "PORTAL_SUPERVISOR",
    "PYTHONDONTWRITEBYTECODE",
)
WORKER = ["-m", "celery", "--app", "salesportal", "--quiet", "worker", "--pool=prefork", "--concurrency=2"]

INTERPRETER = """
import json, os, sys, traceback
import django
django.setup()
for line in sys.stdin:
    code, said, complained = json.loads(line)
    child = os.fork()
    if child == 0:
        outcome = 1
        for number, path in ((1, said), (2, complained)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        try:
            exec(code, {"__name__": "__main__"})
            outcome = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(outcome)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Runs each line's code in a fork of itself; what that prints goes to files."""


def wait_until(condition: Callable[[], object], *, seconds: float = 180, what: str = "it") -> None:
    """Wait for ``condition``; fail, saying ``what`` was waited for, after ``seconds``: many, for a busy machine."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"Waited {seconds:.0f} s for {what}.")
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Installation:
    """A portal of its own: a folder, the variables that point to it, and the processes started in it."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _interpreter: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        inherited = {key: value for key, value in os.environ.items() if key not in NOT_INHERITED}
        own = {
            "DJANGO_SETTINGS_MODULE": "salesportal.settings.local",
            "PORTAL_VAR_DIR": str(self.folder),
            # A test's own process is its supervisor: nothing outlives a suite that is killed.
            "PORTAL_SUPERVISOR": str(os.getpid()),
            "PYTHONPATH": str(ROOT),
        }
        return {**inherited, **own, **self.variables}

    def run(self, *arguments: str, seconds: float = 300) -> str:
        """Run Python with ``arguments`` to its end; returns what it printed, or fails with its complaint."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return done.stdout

    def manage(self, *arguments: str, seconds: float = 300) -> str:
        return self.run("manage.py", *arguments, seconds=seconds)

    def python(self, code: str) -> str:
        """Run ``code`` in a process of its own with Django set up, and give what it printed.

        That process is forked from one that was set up once: to set Django up takes a second or two each time.
        """
        if self._interpreter is None or self._interpreter.poll() is not None:
            self._interpreter = self.start("-c", INTERPRETER, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        asking, answering = self._interpreter.stdin, self._interpreter.stdout
        assert asking is not None
        assert answering is not None
        said, complained = self.folder / "said", self.folder / "complained"
        asking.write(f"{json.dumps([code, str(said), str(complained)])}\n".encode())
        asking.flush()
        is_there, _, _ = select.select([answering], [], [], 300)
        outcome = answering.readline().strip() if is_there else b"nothing after 300 s"
        assert outcome == b"0", f"{outcome!r} {self.log()}" + "".join(
            path.read_text(errors="replace")[-4000:] for path in (said, complained) if path.exists()
        )
        return said.read_text().strip()

    def start(
        self, *arguments: str, stdin: int = subprocess.DEVNULL, stdout: int | None = None
    ) -> subprocess.Popen[bytes]:
        """Start Python with ``arguments``; what it says goes to ``log`` in the folder."""
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=self.environment,
                stdin=stdin,
                stdout=log if stdout is None else stdout,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def start_worker(self, *, include: str = "") -> subprocess.Popen[bytes]:
        """Start a worker; ``include`` names a module with further handlers."""
        more = ("--include", include) if include else ()
        return self.start(*WORKER, "--loglevel=WARNING", "-n", f"test-{time.time_ns()}@%h", *more)

    def start_web(self) -> str:
        """Start a web server; returns its address once it answers."""
        port = free_port()
        self.variables |= {"HOST": "127.0.0.1", "PORT": str(port), "WEB_WORKERS": "1"}
        process = self.start(
            "-m", "gunicorn", "--config", "scripts/gunicorn.conf.py", "salesportal.wsgi:application"
        )
        address = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            assert process.poll() is None, self.log()
            with contextlib.suppress(OSError):
                return bool(urllib.request.urlopen(f"{address}/healthz/", timeout=5).status == 200)
            return False

        wait_until(answers, what="the web server")
        return address

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def stop(self) -> None:
        """End every process that was started, and what they started."""
        for process in self.processes:
            kill(process)


@dataclass(frozen=True)
class LivePortal:
    """An installation with a web server that answers at ``url`` and a worker."""

    portal: Installation
    url: str

    def manage(self, *arguments: str, seconds: float = 300) -> str:
        return self.portal.manage(*arguments, seconds=seconds)

    def python(self, code: str) -> str:
        return self.portal.python(code)


def kill(process: subprocess.Popen[bytes]) -> None:
    """``kill -9`` of a process and of its whole group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def installation(
    folder: Path, *, like: Path | None = None, is_migrated: bool = False, **variables: str
) -> Iterator[Installation]:
    """A migrated installation in ``folder``; all its processes end with the block.

    ``like`` is the folder of another whose SQLite database it begins with, which is quicker than to migrate;
    ``is_migrated`` says that the database of ``DATABASE_URL`` is so already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    portal = Installation(folder, dict(variables))
    try:
        if like is not None:
            shutil.copy(like / "portal.sqlite3", folder / "portal.sqlite3")
        elif not is_migrated:
            portal.manage("migrate", "--no-input", "--verbosity=0")
        yield portal
    finally:
        portal.stop()
