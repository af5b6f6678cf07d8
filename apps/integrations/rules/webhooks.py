"""What may be told to other systems, when a message is tried again, and which addresses may be asked.

Pure: no clock, no network. Facts are told by their numbers; no topic carries a name, an address or anybody's pay.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Topic:
    """A kind of the funnel record as other systems call it."""

    kind: str
    name: str
    says: str


_TOPICS = (
    ("collected", "lead.collected", "A lead came in"),
    ("mql", "lead.mql", "A lead became an MQL"),
    ("asked", "lead.asked_again", "Somebody known asked again"),
    ("touched", "lead.touched", "A lead was touched"),
    ("visited", "lead.visited", "A lead visited the site"),
    ("attended", "lead.attended", "A lead came to an event"),
    ("qualified", "lead.qualified", "A lead was qualified (SQL)"),
    ("disqualified", "lead.disqualified", "A lead was disqualified"),
    ("recycled", "lead.recycled", "A lead was recycled"),
    ("merged", "lead.merged", "A lead was merged with another"),
    ("booked", "meeting.booked", "A meeting was booked"),
    ("rescheduled", "meeting.rescheduled", "A meeting got another time"),
    ("cancelled", "meeting.cancelled", "A meeting was called off"),
    ("held", "meeting.held", "A meeting was held"),
    ("no_show", "meeting.no_show", "Nobody came to a meeting"),
    ("handed_off", "hand_off.created", "A lead was handed off"),
    ("accepted", "hand_off.accepted", "An AE accepted a hand-off"),
    ("rejected", "hand_off.rejected", "An AE rejected a hand-off"),
    ("contested", "hand_off.contested", "A rejection was contested"),
    ("upheld", "hand_off.contest_upheld", "A contest was upheld"),
    ("dismissed", "hand_off.contest_dismissed", "A contest was dismissed"),
    ("stage_1", "opportunity.stage_1", "An opportunity reached stage 1"),
    ("stage_2", "opportunity.stage_2", "An opportunity reached stage 2"),
    ("amount_changed", "opportunity.amount_changed", "An opportunity's amount changed"),
    ("won", "opportunity.won", "An opportunity was won"),
    ("lost", "opportunity.lost", "An opportunity was lost"),
    ("passed_on", "customer.passed_on", "A customer was passed on after the win"),
    ("health", "customer.health", "A customer's health was recorded"),
    ("nps", "customer.nps", "An NPS answer was recorded"),
    ("churned", "customer.churned", "A customer churned"),
)
TOPICS: dict[str, Topic] = {name: Topic(kind, name, says) for kind, name, says in _TOPICS}
BY_KIND: dict[str, Topic] = {topic.kind: topic for topic in TOPICS.values()}
REVERSED = "record.reversed"
"""Goes to whoever was told of the fact that is taken back; nobody subscribes to it apart."""
TEST = "portal.test"

_TELLABLE = ("score", "inbound", "campaign", "source", "channel", "after", "from", "to")
"""What of an event's own words may go out: marks and instants. Reasons are typed by people and may name others."""


def topic_of(kind: str, reverses: str = "") -> str:
    """What a fact is called; "" where nobody may be told."""
    if kind == "reversed":
        return REVERSED if reverses in BY_KIND else ""
    return BY_KIND[kind].name if kind in BY_KIND else ""


def subject_of(*, lead: int | None, opportunity: int | None, account: int | None) -> str:
    """What a fact is about: facts about one subject are told in their order."""
    for word, number in (("lead", lead), ("account", account), ("opportunity", opportunity)):
        if number is not None:
            return f"{word}:{number}"
    return "portal"


def tellable(data: Mapping[str, Any]) -> dict[str, Any]:
    """What of an event's words may leave the house."""
    return {name: data[name] for name in _TELLABLE if name in data}


# --- Trying again -----------------------------------------------------------------------------------

WAITS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 30, 120, 600, 1_800, 3_600, 3 * 3_600, 6 * 3_600, 12 * 3_600, 24 * 3_600)
)
"""After the first failed attempt, the second, …: some two days in all."""
MOST_ATTEMPTS = len(WAITS) + 1
LONGEST_ASKED = timedelta(hours=1)
"""A receiver may ask to be left alone so long (``Retry-After``)."""
SPREAD = 0.2
HUNG_BEFORE_REST = 3
"""So many attempts in a row without any answer, and the endpoint rests as a whole."""
_RESTS = tuple(timedelta(seconds=seconds) for seconds in (30, 60, 120, 300, 900))


def next_try(
    *, attempts: int, failed_at: datetime, name: str, asked: timedelta | None = None
) -> datetime | None:
    """When a message that has failed ``attempts`` times is due again; ``None``: it is given up.

    Each wait is up to a fifth longer, by the message's name, so that what failed together does not come back
    together. ``asked`` is the receiver's own wish, heeded up to an hour.
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    wait = WAITS[max(attempts, 1) - 1]
    spread = int.from_bytes(hashlib.blake2b(f"{name}:{attempts}".encode(), digest_size=2).digest()) / 0xFFFF
    wait += wait * SPREAD * spread
    if asked is not None:
        wait = max(wait, min(asked, LONGEST_ASKED))
    return failed_at + wait


def rest_after(hung_in_a_row: int) -> timedelta | None:
    """How long an endpoint rests that did not answer so many times in a row; ``None``: not yet."""
    if hung_in_a_row < HUNG_BEFORE_REST:
        return None
    return _RESTS[min(hung_in_a_row - HUNG_BEFORE_REST, len(_RESTS) - 1)]


def retry_after(words: str) -> timedelta | None:
    """The seconds of a ``Retry-After``; dates and nonsense are as good as nothing."""
    return timedelta(seconds=int(words)) if words.isascii() and words.isdigit() and len(words) < 8 else None


# --- Addresses --------------------------------------------------------------------------------------


class NotAnAddress(ValueError):
    """Why something cannot be an endpoint's address, as a sentence that does not repeat it."""


_URL = re.compile(
    r"(?P<scheme>[a-z]+)://(?P<user>[^/?#@]*@)?(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(:(?P<port>\d{1,5}))?"
    r"(?P<rest>[/?#].*)?",
    re.IGNORECASE,
)


def checked_url(url: str, *, allowed_hosts: frozenset[str] = frozenset()) -> str:
    """The address, if one may call it: https, or http to a host that the installation allows."""
    clean = url.strip()
    if not clean.isascii() or not clean.isprintable() or " " in clean:
        raise NotAnAddress("Write the address in plain letters; others as %-codes, a name as punycode.")
    parts = _URL.fullmatch(clean)
    scheme = parts["scheme"].lower() if parts else ""
    if parts is None or scheme not in ("http", "https") or not 0 < int(parts["port"] or 1) < 65_536:
        raise NotAnAddress("Give the whole address, as https://crm.example/hooks/portal.")
    if parts["user"] is not None:
        raise NotAnAddress(
            "An address with a name and a password in it is not kept: the signature says who we are."
        )
    if "#" in (parts["rest"] or ""):
        raise NotAnAddress("Leave out what follows the #: it is never sent.")
    if scheme == "http" and parts["host"].lower().strip("[]") not in allowed_hosts:
        raise NotAnAddress(
            "Give an https address: what is sent in the open can be read and changed on its way."
        )
    if len(clean) > 500:
        raise NotAnAddress("The address is longer than 500 characters.")
    return clean
