"""Runs the whole portal in the foreground: web, worker and schedule, until Ctrl-C. Behind ``make run``.

It starts each as a process of its own, prints what they say with their name before it, starts one that dies
again, and ends all of them when it ends. They watch it too: if it is killed, they end by themselves.
For several machines each process is run on its own (``Procfile``).
"""

import contextlib
import hashlib
import http.client
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
HOST = os.environ.get("HOST") or "127.0.0.1"
PORT = int(os.environ.get("PORT") or 8000)

STOP_GRACE_SECONDS = 3.0
LONGEST_BACKOFF_SECONDS = 30.0
HEALTHY_AFTER_SECONDS = 60.0

CELERY = [PYTHON, "-m", "celery", "--app", "salesportal", "--quiet"]
PROCESSES = {
    "web": [PYTHON, "-m", "gunicorn", "--config", "scripts/gunicorn.conf.py", "salesportal.wsgi:application"],
    "worker": [*CELERY, "worker", "--pool=prefork", "--concurrency=2", "--loglevel=WARNING"],
    "schedule": [*CELERY, "beat", "--loglevel=WARNING", "--pidfile="],
}


def say(sentence: str) -> None:
    print(sentence, flush=True)


def visible_address() -> str:
    """What to type into a browser; an address that means "any" is reached as this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(HOST, HOST)  # noqa: S104 - compared, not bound
    return f"http://{host}:{PORT}"


@dataclass
class Child:
    """One of the processes, and what is known about it."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    start_again: float | None = None
    backoff: float = 1.0
    partial: bytes = field(default=b"", repr=False)

    def start(self, selector: selectors.BaseSelector) -> None:
        # A session of its own: Ctrl-C reaches the supervisor alone, which ends the others in order.
        self.process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env={
                **os.environ,
                "HOST": HOST,
                "PORT": str(PORT),
                "PORTAL_SUPERVISOR": str(os.getpid()),
                "PYTHONUNBUFFERED": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.started, self.start_again = time.monotonic(), None
        os.set_blocking(self.output.fileno(), False)
        selector.register(self.output, selectors.EVENT_READ, self)

    @property
    def output(self) -> IO[bytes]:
        assert self.process is not None
        assert self.process.stdout is not None
        return self.process.stdout

    def read(self, selector: selectors.BaseSelector) -> None:
        """Print the whole lines that it has said."""
        said = self.output.read()
        if said == b"":
            selector.unregister(self.output)
        *lines, self.partial = (self.partial + (said or b"")).split(b"\n")
        for line in lines:
            if line.strip():
                say(f"{self.name:<8} | {line.decode(errors='replace')}")

    def look_after(self, selector: selectors.BaseSelector) -> None:
        """Start it if it was not started, and again if it has died, a little later each time."""
        now = time.monotonic()
        if self.start_again is not None:
            if now >= self.start_again:
                self.start(selector)
            return
        if self.process is None:
            self.start(selector)
            return
        code = self.process.poll()
        if code is None:
            return
        with contextlib.suppress(KeyError):
            selector.unregister(self.output)
        self.kill_group()
        if now - self.started > HEALTHY_AFTER_SECONDS:
            self.backoff = 1.0
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        say(f"{self.name:<8} | ended {how}; starting it again in {self.backoff:.0f} s")
        self.start_again = now + self.backoff
        self.backoff = min(self.backoff * 2, LONGEST_BACKOFF_SECONDS)

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        if self.process is not None and self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()

    def kill_group(self) -> None:
        """Whatever is left of it and of what it started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Supervisor:
    """All of them together."""

    def __init__(self) -> None:
        self.preparation = Preparation()
        self.children = [Child(name, command) for name, command in PROCESSES.items()]
        self.selector = selectors.DefaultSelector()
        self.stopping = False
        self.wake, wake_writer = socket.socketpair()
        self.wake.setblocking(False)
        wake_writer.setblocking(False)
        self._wake_writer = wake_writer
        signal.set_wakeup_fd(wake_writer.fileno())
        self.selector.register(self.wake, selectors.EVENT_READ, None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        # Under make: if make is killed, nobody is left to press Ctrl-C.
        self._make = os.getppid() if os.environ.get("MAKELEVEL") else None

    def _stop(self, *_: object) -> None:
        self.stopping = True

    def turn(self, seconds: float) -> None:
        """Wait for output or a signal, at most ``seconds``, and deal with it."""
        for key, _ in self.selector.select(seconds):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    self.wake.recv(1024)
            else:
                key.data.read(self.selector)
        if self._make is not None and os.getppid() != self._make:
            self.stopping = True

    def run(self) -> None:
        """Web first, so that the first page comes soon; worker and schedule once it answers.

        Raises ``SystemExit`` when the database cannot be prepared.
        """
        web, *others = self.children
        if self.preparation.is_certain:
            web.start(self.selector)
        while not self.stopping and not self.preparation.is_over:
            self.turn(0.05)
        if self.preparation.failed and not self.stopping:
            say("The database could not be prepared; it says why above.")
            raise SystemExit(1)
        while not self.stopping and not answers():
            web.look_after(self.selector)
            self.turn(0.05)
        if not self.stopping:
            for child in others:
                child.start(self.selector)
            say(f"\n  The portal is at {visible_address()}\n\n{self.preparation.welcome()}")
            say("\n  Ctrl-C ends it.\n")
        while not self.stopping:
            self.turn(0.5)
            for child in self.children:
                child.look_after(self.selector)

    def stop(self) -> None:
        """Ask each to stop; soon after, make them. A job that is cut short goes on at the next start."""
        say("Stopping …")
        for child in reversed(self.children):
            child.ask_to_stop()
        if not self.preparation.is_over:
            self.preparation.process.terminate()
        deadline = time.monotonic() + STOP_GRACE_SECONDS
        while time.monotonic() < deadline and any(child.is_alive for child in self.children):
            self.turn(0.1)
        for child in self.children:
            child.kill_group()
            if child.process is not None:
                child.process.wait()
        say("Stopped.")


def answers() -> bool:
    """Whether the web process answers."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(HOST, HOST)  # noqa: S104
    connection = http.client.HTTPConnection(host, PORT, timeout=5)
    try:
        connection.request("GET", "/healthz/", headers={"Host": "127.0.0.1"})
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def port_is_free() -> bool:
    family = socket.AF_INET6 if ":" in HOST else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, PORT))
        except OSError:
            return False
    return True


class Preparation:
    """Brings the database up to date and fills an empty one, as a process of its own (``prepare.py``).

    A stamp beside the database says which migrations it last saw through. While that still holds, the web
    process need not wait for it: it only makes sure.
    """

    def __init__(self) -> None:
        self.folder = Path(os.environ.get("PORTAL_VAR_DIR") or ROOT / "var")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.stamp, self.sign_ins = self.folder / "prepared", self.folder / "sign-ins"
        self.is_certain = self.stamp.exists() and self.stamp.read_text() == self._state()
        self.process = subprocess.Popen(
            [PYTHON, "scripts/prepare.py", str(self.sign_ins)],
            cwd=ROOT,
            env={**os.environ, "PORTAL_SUPERVISOR": str(os.getpid())},
            start_new_session=True,
        )

    def _state(self) -> str:
        """Which database this is and which migrations there are, in one sum."""
        file = self.folder / "portal.sqlite3"
        database = os.environ.get("DATABASE_URL") or (str(file.stat().st_ino) if file.exists() else "none")
        migrations = sorted(str(path) for path in ROOT.glob("apps/*/migrations/*.py"))
        return hashlib.sha256("\n".join([database, *migrations]).encode()).hexdigest()

    @property
    def is_over(self) -> bool:
        return self.process.poll() is not None

    @property
    def failed(self) -> bool:
        return self.process.poll() not in (None, 0)

    def welcome(self) -> str:
        """What to tell whoever started it, once it is over."""
        self.stamp.write_text(self._state())
        return self.sign_ins.read_text()


def main() -> None:
    if not port_is_free():
        say(
            f"Something answers at {visible_address()} already; most likely the portal runs elsewhere.\n"
            f"Use that one, end it with Ctrl-C, or take another port: PORT={PORT + 1} make run"
        )
        raise SystemExit(1)
    supervisor = Supervisor()
    try:
        supervisor.run()
    finally:
        supervisor.stop()


if __name__ == "__main__":
    main()
