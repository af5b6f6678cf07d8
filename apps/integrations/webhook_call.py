"""Send one message to one address, within bounds: never inside the house, never longer than it may take.

A name is resolved first, every address it gives is judged, and the connection goes to the address that was judged:
a name that answers differently a second time gains nothing. Redirects are not followed. Of the answer only its
status is heeded; nothing of its body is read, so that it cannot be too long, too slow or dangerous. One deadline
holds for everything from the first packet on: a receiver that sends a byte now and then gains no time by it.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from apps.core.addresses import is_public
from apps.integrations.rules.webhooks import retry_after

SECONDS = 10.0


@dataclass(frozen=True)
class Answer:
    """What became of one attempt. ``status`` is ``None`` where there was no answer that could be read."""

    status: int | None
    words: str
    milliseconds: int
    asked: timedelta | None = None

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class _Inside(Exception):
    """The name leads to an address within a private network."""


def post(url: str, headers: Mapping[str, str], body: bytes, *, seconds: float = SECONDS) -> Answer:
    """Send ``body``; the answer, or why there was none, as words without the address."""
    began = time.monotonic()
    status, words, asked = _tried(url, headers, body, began + seconds)
    return Answer(status, words, round((time.monotonic() - began) * 1000), asked)


def _tried(
    url: str, headers: Mapping[str, str], body: bytes, until: float
) -> tuple[int | None, str, timedelta | None]:
    try:
        status, asked = _sent(url, headers, body, until)
    except _Inside:
        return None, "It leads to an address within a private network, which is not called", None
    except TimeoutError:
        return None, "It did not answer in time", None
    except ssl.SSLError:
        return None, "Its certificate could not be trusted", None
    except http.client.HTTPException:
        return None, "Its answer was not HTTP, or broke off", None
    except (OSError, ValueError):
        return None, "It could not be reached", None
    if 300 <= status < 400:
        return status, "It answered with a redirect, which is not followed", None
    return status, "" if 200 <= status < 300 else "It answered with an error", asked


def _sent(url: str, headers: Mapping[str, str], body: bytes, until: float) -> tuple[int, timedelta | None]:
    parts = urlsplit(url)
    connection = _Judged(parts.scheme == "https", parts.hostname or "", parts.port, until)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body=body, headers={**_ALWAYS, **headers})
        response = connection.getresponse()
        return response.status, retry_after(response.getheader("Retry-After") or "")
    finally:
        connection.close()


_ALWAYS = {
    "Content-Type": "application/json",
    "User-Agent": "sales-portal-webhooks/1",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


class _Judged(http.client.HTTPConnection):
    """A connection to an address that was judged; the certificate is still that of the name."""

    def __init__(self, secure: bool, host: str, port: int | None, until: float) -> None:
        usual = 443 if secure else 80
        super().__init__(host, port or usual)
        self.default_port = usual
        self._secure, self._until = secure, until

    def connect(self) -> None:
        address = resolved(self.host, int(self.port or 0))
        plain = socket.create_connection((address, self.port), timeout=left(self._until))
        try:
            found = plain
            if self._secure:
                plain.settimeout(left(self._until))
                found = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise
        self.sock: Any = _Bounded(found, self._until)


class _Bounded:
    """A socket of which every read and write ends at one deadline: what ``http.client`` asks of a socket."""

    def __init__(self, found: socket.socket, until: float) -> None:
        self._socket, self._until = found, until

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(left(self._until))
        self._socket.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Pieces(self._socket, self._until))

    def close(self) -> None:
        self._socket.close()


class _Pieces(io.RawIOBase):
    def __init__(self, found: socket.socket, until: float) -> None:
        super().__init__()
        self._socket, self._until = found, until

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        self._socket.settimeout(left(self._until))
        return self._socket.recv_into(into)


def left(until: float) -> float:
    """Seconds until the deadline. Raises ``TimeoutError`` when it is past."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def resolved(host: str, port: int) -> str:
    """The first address of ``host``, once all of them are judged. Raises ``_Inside`` for one inside."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if host.lower() not in settings.WEBHOOK_HOSTS_ALLOWED and not all(map(is_public, addresses)):
        raise _Inside
    if not addresses:
        raise OSError("no address")
    return addresses[0]
