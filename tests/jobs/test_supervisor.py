"""``make run``'s supervisor: it starts everything, says so, mends what dies, and leaves nothing behind."""

import contextlib
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.processes import ROOT, Installation, free_port, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.xdist_group("supervisor")]


class Supervised:
    """A supervisor that was started in a folder of its own, and what it has said."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.said = folder / "said"
        variables = {"PORT": str(self.port), "HOST": "127.0.0.1", "DEMO_MODE": "false", "WEB_WORKERS": "1"}
        self.environment = Installation(folder, variables).environment
        self.process = self.start()

    def start(self) -> subprocess.Popen:
        with self.said.open("ab") as out:
            return subprocess.Popen(
                [sys.executable, "scripts/serve.py"],
                cwd=ROOT,
                env={**self.environment, "PYTHONUNBUFFERED": "1"},
                stdout=out,
                stderr=out,
            )

    def wait_for(self, words: str) -> None:
        wait_until(lambda: words in self.said.read_text(), what=f"{words!r}")

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz/", timeout=10).status == 200
        return False

    def children(self) -> dict[str, int]:
        """The processes that it started, by what they are."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_text().split("\0")
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == self.process.pid:
                name = next((word for word in ("gunicorn", "worker", "beat") if word in command), "other")
                found[name] = int(folder.name)
        return found

    def is_complete(self) -> bool:
        return {"gunicorn", "worker", "beat"} <= set(self.children())


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture
def supervised(tmp_path, migrated):
    import shutil

    shutil.copy(migrated / "portal.sqlite3", tmp_path / "portal.sqlite3")
    supervised = Supervised(tmp_path)
    yield supervised
    if supervised.process.poll() is None:
        supervised.process.terminate()
        supervised.process.wait(timeout=120)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes as Linux shows them")
class TestSupervisor:
    def test_starts_all_three_mends_one_and_ends_them_with_ctrl_c(self, supervised):
        supervised.wait_for("The portal is at")
        assert supervised.answers()
        wait_until(
            lambda: {"gunicorn", "worker", "beat"} <= set(supervised.children()), what="three processes"
        )
        before = supervised.children()

        second = subprocess.run(
            [sys.executable, "scripts/serve.py"],
            cwd=ROOT,
            env=supervised.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1
        assert f"PORT={supervised.port + 1} make run" in second.stdout

        os.kill(before["worker"], signal.SIGKILL)
        supervised.wait_for("worker   | ended by signal 9; starting it again in 1 s")
        wait_until(supervised.is_complete, what="a new worker")
        assert supervised.children()["worker"] != before["worker"]

        last = supervised.children()
        supervised.process.send_signal(signal.SIGINT)
        assert supervised.process.wait(timeout=120) == 0
        supervised.wait_for("Stopped.")
        assert [name for name, pid in last.items() if not is_gone(pid)] == []

    def test_leaves_nothing_behind_when_it_is_killed(self, supervised):
        supervised.wait_for("The portal is at")
        wait_until(
            lambda: {"gunicorn", "worker", "beat"} <= set(supervised.children()), what="three processes"
        )
        left = supervised.children()
        supervised.process.kill()
        supervised.process.wait()
        for name, pid in left.items():
            wait_until(lambda pid=pid: is_gone(pid), what=f"the end of {name}")
        wait_until(lambda: not supervised.answers(), what="the port to be free")
