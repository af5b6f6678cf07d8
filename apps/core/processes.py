"""Which process is at work, whether it still lives, and that it ends with its parent. Not what it does.

A process is named so that a name is never taken for another's: by machine, boot and process space
(two containers may share a host name), then by process id and the instant it began (ids are used again).
"""

import os
import signal
import socket
import threading
import time
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

PARENT_CHECK_SECONDS = 0.5


@lru_cache(maxsize=1)
def this_machine() -> str:
    """A short name of the machine, its boot and its process space, the same in each process on it."""
    parts = [socket.gethostname()]
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    except OSError:
        pass  # not Linux: the host name has to do
    return sha256("|".join(parts).encode()).hexdigest()[:12]


def _began(pid: int) -> str:
    """When process ``pid`` began, in the system's own ticks; "" when it is gone or cannot be seen."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # The name in brackets may hold spaces, so count from behind it: state is 3, start time is 22.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in ("Z", "X") else fields[19]


def this_process() -> str:
    """The name of the process that asks: ``machine.pid.began``."""
    pid = os.getpid()
    return f"{this_machine()}.{pid}.{_began(pid)}"


def is_here(process: str) -> bool:
    """Whether ``process`` (from ``this_process``) ran on this machine since it was last started."""
    return process.partition(".")[0] == this_machine()


def is_dead(process: str) -> bool:
    """Whether ``process`` is known to have ended. False for one elsewhere: nothing is known about it."""
    machine, _, rest = process.partition(".")
    pid_text, _, began = rest.partition(".")
    if machine != this_machine() or not pid_text.isdigit():
        return False
    pid = int(pid_text)
    if Path("/proc/self").exists():
        return _began(pid) != began
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def end_with_parent(parent: int | None = None) -> None:
    """Kill this process soon after its parent has ended, however that ended; call it once, early.

    ``parent`` is the process id that the parent is known to have, for when it may have ended already.
    """
    expected = os.getppid() if parent is None else parent

    def watch() -> None:
        while os.getppid() == expected:
            time.sleep(PARENT_CHECK_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def end_with_supervisor() -> None:
    """``end_with_parent``, for a process that the one-command supervisor started; else nothing."""
    supervisor = os.environ.get("PORTAL_SUPERVISOR")
    if supervisor:
        end_with_parent(int(supervisor))
