"""Fetch a calendar feed over the web, with bounds: time, size, redirects, and never an address inside the house.

A name is resolved first, every address it gives is judged, and the connection goes to the address that was
judged: a name that answers differently a second time gains nothing. Redirects are followed by the same rules.
"""

import http.client
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from django.conf import settings

from apps.core.addresses import is_public
from apps.reps.rules.ical_text import MOST_BYTES

TIMEOUT_SECONDS = 10.0
TOTAL_SECONDS = 30.0
MOST_REDIRECTS = 4
_REDIRECTS = (301, 302, 303, 307, 308)
_PIECE = 65_536


class FeedUnreadable(Exception):
    """Why a feed could not be fetched, as a sentence without its address."""


@dataclass(frozen=True)
class Fetched:
    """What a feed answered, and what to ask with the next time."""

    content: bytes
    etag: str = ""
    last_modified: str = ""


def fetch(address: str, *, etag: str = "", last_modified: str = "") -> Fetched | None:
    """The content at ``address``; ``None`` when it is unchanged since. Raises ``FeedUnreadable``."""
    until = time.monotonic() + TOTAL_SECONDS
    asked = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    conditions = {name: value for name, value in asked.items() if value}
    try:
        for _ in range(MOST_REDIRECTS + 1):
            answer = _answer(urlsplit(address), conditions, until)
            if isinstance(answer, str):
                address = urljoin(address, answer)
                continue
            return answer
    except TimeoutError as error:
        raise FeedUnreadable("It did not answer in time.") from error
    except ssl.SSLError as error:
        raise FeedUnreadable("Its certificate could not be trusted.") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FeedUnreadable("It could not be reached.") from error
    raise FeedUnreadable("It leads from one address to the next without end.")


def _answer(parts: SplitResult, conditions: dict[str, str], until: float) -> Fetched | str | None:
    """The answer of one address: the content, where it sends us, or ``None`` for unchanged."""
    if parts.scheme not in ("http", "https"):
        raise FeedUnreadable("It leads to an address that is not of the web.")
    connection = _Judged(parts, until)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(
            "GET", path, headers={"Accept": "text/calendar, */*;q=0.1", **_AGENT, **conditions}
        )
        response = connection.getresponse()
        if response.status in _REDIRECTS:
            return response.getheader("Location") or ""
        if response.status == 304:
            return None
        if response.status != 200:
            raise FeedUnreadable(_refusal(response.status))
        return Fetched(
            _content(response, until),
            response.getheader("ETag") or "",
            response.getheader("Last-Modified") or "",
        )
    finally:
        connection.close()


_AGENT = {"User-Agent": "sales-portal-calendar/1", "Accept-Encoding": "identity"}


def _refusal(status: int) -> str:
    if status in (401, 403):
        return f"It may not be read ({status}). Was the address made new?"
    if status in (404, 410):
        return f"There is nothing at the address any more ({status})."
    return f"It answered with an error ({status})."


def _content(response: http.client.HTTPResponse, until: float) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while piece := response.read1(_PIECE):
        size += len(piece)
        if size > MOST_BYTES:
            raise FeedUnreadable(f"It is larger than {MOST_BYTES // 1_000_000} MB.")
        if time.monotonic() > until:
            raise FeedUnreadable("It did not answer in time.")
        pieces.append(piece)
    return b"".join(pieces)


class _Judged(http.client.HTTPConnection):
    """A connection to an address that was judged; the certificate is still that of the name."""

    def __init__(self, parts: SplitResult, until: float) -> None:
        secure = parts.scheme == "https"
        super().__init__(parts.hostname or "", parts.port or (443 if secure else 80), timeout=TIMEOUT_SECONDS)
        self.default_port = 443 if secure else 80
        self._secure, self._until = secure, until

    def connect(self) -> None:
        address = resolved(self.host, int(self.port or 0))
        left = min(TIMEOUT_SECONDS, self._until - time.monotonic())
        if left <= 0:
            raise TimeoutError
        plain = socket.create_connection((address, self.port), timeout=left)
        self.sock: Any = plain
        if self._secure:
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)


def resolved(host: str, port: int) -> str:
    """The first address of ``host``, once all of them are judged. Raises ``FeedUnreadable`` for one inside."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if host.lower() not in settings.FEED_HOSTS_ALLOWED and not all(map(is_public, addresses)):
        raise FeedUnreadable("It leads to an address within a private network, which is not read.")
    if not addresses:
        raise FeedUnreadable("It could not be reached.")
    return addresses[0]
