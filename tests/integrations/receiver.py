"""A receiver of webhooks on this machine that answers as it is told: well, slowly, not at all, or with lies."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


def status(code: int, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {code} Whatever", "Content-Length: 0", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines).replace("Retry_After", "Retry-After") + "\r\n\r\n").encode()


@dataclass(frozen=True)
class Got:
    """One request as it came over the wire."""

    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]


Answers = Callable[["Receiver", Got, socket.socket], None]


@dataclass
class Receiver:
    """Keeps what came; ``answer`` is bytes to say, or what to do with the connection."""

    url: str
    answer: "bytes | Answers" = OK
    got: list[Got] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    connections: int = 0

    @property
    def ids(self) -> list[str]:
        return [one.message_id for one in self.got]


def hangs(receiver: Receiver, _got: Got, _connection: socket.socket) -> None:
    """Says nothing until the test is over."""
    receiver.over.wait(60)


def drips(receiver: Receiver, _got: Got, connection: socket.socket) -> None:
    """A byte of its headers now and then, for ever."""
    with suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not receiver.over.wait(0.01):
            connection.sendall(b"z")


def goes_on(receiver: Receiver, _got: Got, connection: socket.socket) -> None:
    """Takes the message, and never ends its answer."""
    with suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not receiver.over.is_set():
            connection.sendall(b"lie" * 10_000)


def _serve(receiver: Receiver, connection: socket.socket) -> None:
    with connection:
        receiver.connections += 1
        got = _read(connection)
        if got is None:
            return
        receiver.got.append(got)
        answer = receiver.answer
        if callable(answer):
            answer(receiver, got, connection)
        else:
            with suppress(OSError):
                connection.sendall(answer)


def _read(connection: socket.socket) -> Got | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    pairs = (line.partition(": ") for line in head.decode().split("\r\n")[1:])
    headers = {name.lower(): value for name, _, value in pairs}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65_536)
    return Got(headers, body)


@contextmanager
def receiving(answer: "bytes | Answers" = OK) -> Iterator[Receiver]:
    """A receiver that listens on a port of its own until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        receiver = Receiver(f"http://127.0.0.1:{listening.getsockname()[1]}/hooks", answer)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    threading.Thread(target=_serve, args=(receiver, connection), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield receiver
        finally:
            receiver.over.set()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
