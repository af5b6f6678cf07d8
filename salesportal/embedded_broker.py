"""Celery's messages as files, for one machine without Redis. What a job is and where it stands is not here.

Kombu's own file transport reads a file that may be half written, and loses what a killed worker had taken.
Here a message is written as a draft and renamed into its queue, taken by renaming it into a folder named
after the process that takes it, and deleted when it is acknowledged. A rename happens once or not at all, so
any number of processes may send and take at once; what a dead process had taken goes back to its queue.

::

    folder/drafts/<name>                          being written: nobody reads here
    folder/queues/<queue>/<name>                  waiting; names sort by the instant they were sent
    folder/taken/<process>/<queue>/<name>         taken and not acknowledged
"""

import logging
import time
from collections import deque
from pathlib import Path
from queue import Empty
from typing import Any
from urllib.parse import quote

from kombu.transport import virtual
from kombu.utils.json import dumps, loads

from apps.core.processes import is_dead, is_here, this_process

logger = logging.getLogger(__name__)

RECOVER_EVERY_SECONDS = 2.0


class QoS(virtual.QoS):
    """Deletes a message's file when it is acknowledged, and puts it back when it is not."""

    def ack(self, delivery_tag: str) -> None:
        self.channel.forget(delivery_tag)
        super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if requeue:
            self.channel.put_back(delivery_tag)
        else:
            self.channel.forget(delivery_tag)
        self._quick_ack(delivery_tag)


class Channel(virtual.Channel):
    """One process's door to the folder. Acknowledgements may come from another thread than the taking."""

    QoS = QoS
    supports_fanout = False
    do_restore = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._taken: dict[str, tuple[Path, Path]] = {}
        self._seen: dict[str, deque[str]] = {}
        self._recover_at = 0.0

    # --- what kombu asks for ---------------------------------------------------------------------

    def basic_consume(self, queue: str, no_ack: bool, *args: Any, **kwargs: Any) -> Any:
        if no_ack:
            raise NotImplementedError("The embedded broker keeps each message until it is acknowledged.")
        self._recover(at_start=True)
        return super().basic_consume(queue, no_ack, *args, **kwargs)

    def basic_get(self, queue: str, no_ack: bool = False, **kwargs: Any) -> Any:
        message = super().basic_get(queue, no_ack=no_ack, **kwargs)
        if message is not None and no_ack:
            self.forget(message.delivery_tag)
        return message

    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        self._queue(queue).mkdir(parents=True, exist_ok=True)

    def _has_queue(self, queue: str, **kwargs: Any) -> bool:
        return self._queue(queue).is_dir()

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        name = f"{time.time_ns():020d}-{message['properties']['delivery_tag']}"
        draft = self._folder / "drafts" / name
        text = dumps(message)
        try:
            draft.write_text(text)
        except FileNotFoundError:
            draft.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(text)
        self._new_queue(queue)
        draft.rename(self._queue(queue) / name)

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        if time.monotonic() >= self._recover_at:
            self._recover(at_start=False)
        names = self._seen.setdefault(queue, deque())
        if not names:
            names.extend(self._waiting(queue))
        while names:
            message = self._take(queue, names.popleft())
            if message is not None:
                return message
        raise Empty

    def _size(self, queue: str) -> int:
        return len(self._waiting(queue))

    def _purge(self, queue: str) -> int:
        names = self._waiting(queue)
        for name in names:
            (self._queue(queue) / name).unlink(missing_ok=True)
        return len(names)

    def _delete(self, queue: str, *args: Any, **kwargs: Any) -> None:
        self._purge(queue)

    def _restore(self, message: Any) -> None:
        self.put_back(message.delivery_tag)

    # --- files -----------------------------------------------------------------------------------

    @property
    def _folder(self) -> Path:
        return Path(self.connection.client.transport_options["folder"])

    def _queue(self, queue: str) -> Path:
        return self._folder / "queues" / quote(queue, safe="")

    def _waiting(self, queue: str) -> list[str]:
        try:
            return sorted(path.name for path in self._queue(queue).iterdir())
        except FileNotFoundError:
            return []

    def _take(self, queue: str, name: str) -> dict[str, Any] | None:
        """Take one message; ``None`` when another process was quicker."""
        waiting = self._queue(queue) / name
        taken = self._folder / "taken" / this_process() / waiting.parent.name / name
        taken.parent.mkdir(parents=True, exist_ok=True)
        try:
            waiting.rename(taken)
        except FileNotFoundError:
            return None
        try:
            message: dict[str, Any] = loads(taken.read_text())
            tag = message["properties"]["delivery_tag"]
        except (ValueError, KeyError, TypeError):
            # Only a machine that lost power leaves such a file. The job's row is kept; the reaper sends anew.
            logger.error("message %s cannot be read and is dropped", name)
            taken.unlink()
            return None
        self._taken[tag] = (taken, waiting)
        return message

    def forget(self, delivery_tag: str) -> None:
        """Delete a message that was taken: it is done with."""
        paths = self._taken.pop(delivery_tag, None)
        if paths is not None:
            paths[0].unlink(missing_ok=True)

    def put_back(self, delivery_tag: str) -> None:
        """Return a message that was taken to its place in its queue."""
        paths = self._taken.pop(delivery_tag, None)
        if paths is not None:
            _move_back(*paths)

    def _recover(self, *, at_start: bool) -> None:
        """Put back what dead processes had taken; at the start also what another boot of this machine had."""
        self._recover_at = time.monotonic() + RECOVER_EVERY_SECONDS
        for process in (self._folder / "taken").glob("*"):
            if not (is_dead(process.name) or (at_start and not is_here(process.name))):
                continue
            for taken in process.glob("*/*"):
                _move_back(taken, self._folder / "queues" / taken.parent.name / taken.name)
            for empty in [*process.glob("*"), process]:
                try:
                    empty.rmdir()
                except OSError:
                    pass  # another process is putting back the same messages


def _move_back(taken: Path, waiting: Path) -> None:
    waiting.parent.mkdir(parents=True, exist_ok=True)
    try:
        taken.rename(waiting)
    except FileNotFoundError:
        pass  # another process put it back first


class Transport(virtual.Transport):
    """The transport behind ``embedded://``. Its option ``folder`` says where the messages lie."""

    Channel = Channel
    driver_type = "embedded"
    driver_name = "embedded"
    polling_interval = 0.05

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        # Which queue an exchange feeds is declared by each process for itself.
        self.state = _STATE

    def drain_events(self, connection: Any, timeout: float | None = None) -> None:  # type: ignore[override]
        # The worker looks whether it shall stop only between two drains, and asks for two seconds each.
        super().drain_events(connection, timeout=min(timeout, 0.5) if timeout else timeout)

    def driver_version(self) -> str:
        return "1"


_STATE = virtual.BrokerState()
