"""What follows from a disposition: when to try again and over which channel, or how the lead leaves.

PRODUCT section 4: a disposition decides the next step, and that can depend on the attempt count and the age
of the lead; typically nine or more touches are needed, and after the agreed number without contact the
portal *proposes* to disqualify or recycle. The decision is the SDR's.

The answers are ordered rows; the first that matches wins. Two answers are nobody's to change: an opt-out
always means never to contact them, and a callback is always made when it was promised. *Attempts* are touches
in a row without contact: a talk (``connected``, ``call_back``) and a return from nurture start the count anew.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

AGREED_TOUCHES = 9
RECYCLE_DAYS = 90
POSTPONED_BY = 3
"""How many more touches a declined proposal waits."""

DISPOSITIONS = (
    "connected", "voicemail", "no_answer", "gatekeeper", "call_back", "bad_contact", "not_a_fit", "not_now",
    "opt_out", "sent",
)  # fmt: skip
CONTACTS = frozenset({"connected", "call_back"})
"""Somebody was spoken to: attempts count from one again."""
FIXED = frozenset({"call_back", "opt_out"})
"""Their answers do not depend on a company's rules."""
CHANNELS = ("call", "email", "social", "chat", "visit")
PASSED_ON_TO = ("call", "email", "social", "chat")
"""In whose order a closed channel is replaced. Nobody is sent on a visit by a closed telephone."""


class Act(StrEnum):
    """What happens to the lead next."""

    RETRY = "retry"
    QUALIFY = "qualify"
    CALL_BACK = "call_back"
    RECYCLE = "recycle"
    DISQUALIFY = "disqualify"
    NEVER_CONTACT = "never_contact"
    PROPOSE = "propose"


ROW_ACTS = (Act.RETRY, Act.QUALIFY, Act.RECYCLE, Act.DISQUALIFY, Act.PROPOSE)
PROPOSALS = ("recycle", "disqualify")
_LEAVES = (Act.RECYCLE, Act.DISQUALIFY)
_LONGEST_REASON = 80
_LONGEST_WAIT = timedelta(days=365)


@dataclass(frozen=True)
class NextStep:
    """``act`` now; for a retry, ``wait`` until then and over ``channel``; ``reason`` when it leaves.

    ``proposal`` is what is proposed (``recycle`` or ``disqualify``) by an act of ``PROPOSE``; ``wait`` and
    ``channel`` then say how to go on if the proposal is declined. ``recycle_days`` are calendar days.
    """

    act: Act
    wait: timedelta = timedelta(0)
    channel: str = ""
    reason: str = ""
    proposal: str = ""
    recycle_days: int = RECYCLE_DAYS

    @property
    def in_words(self) -> str:
        """For the button that logs it."""
        if self.act is Act.RETRY:
            hours = int(self.wait.total_seconds() // 3600)
            when = f"in {hours} h" if hours < 24 else f"in {hours // 24} d"
            return f"{self.channel} {when}"
        if self.act is Act.PROPOSE:
            return f"propose to {self.proposal}"
        return {
            Act.QUALIFY: "fill the framework",
            Act.CALL_BACK: "pick a time",
            Act.RECYCLE: f"recycle, back in {self.recycle_days} d",
            Act.DISQUALIFY: "disqualify",
            Act.NEVER_CONTACT: "never contact",
        }[self.act]


class RulesInvalid(ValueError):
    """A row that cannot be used: ``row`` counts from 0 (``None`` for the whole), ``field`` is its key."""

    def __init__(self, row: int | None, field: str, message: str) -> None:
        super().__init__(message if row is None else f"Row {row + 1}, {field.replace('_', ' ')}: {message}")
        self.row, self.field, self.message = row, field, message


@dataclass(frozen=True)
class Row:
    """One answer: for which dispositions (none means all), attempts and days of age, both ends included."""

    act: Act
    dispositions: frozenset[str] = frozenset()
    attempts_from: int = 1
    attempts_to: int | None = None
    age_from: int = 0
    age_to: int | None = None
    wait: timedelta = timedelta(0)
    channel: str = ""
    proposal: str = ""
    reason: str = ""

    def matches(self, disposition: str, attempts: int, age_days: int) -> bool:
        return (
            (not self.dispositions or disposition in self.dispositions)
            and self.attempts_from <= attempts
            and (self.attempts_to is None or attempts <= self.attempts_to)
            and self.age_from <= age_days
            and (self.age_to is None or age_days <= self.age_to)
        )


@dataclass(frozen=True)
class Rules:
    """The rows in force, the agreed number of touches, and calendar days until re-entry."""

    rows: tuple[Row, ...]
    agreed_touches: int = AGREED_TOUCHES
    recycle_days: int = RECYCLE_DAYS

    @classmethod
    def default(cls) -> "Rules":
        """What holds until a company writes its own."""
        return _DEFAULT

    @classmethod
    def parse(
        cls,
        rows: Any,
        *,
        agreed_touches: int = AGREED_TOUCHES,
        recycle_days: int = RECYCLE_DAYS,
    ) -> "Rules":
        """From the rows that a ``FollowUpPolicy`` keeps. Raises ``RulesInvalid`` naming row and field."""
        if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
            raise RulesInvalid(None, "rules", "Write at least one row.")
        if not 1 <= agreed_touches <= 99:
            raise RulesInvalid(None, "agreed_touches", "Agree on 1 to 99 touches.")
        if not 1 <= recycle_days <= 1_000:
            raise RulesInvalid(None, "recycle_days", "Choose 1 to 1,000 days until re-entry.")
        parsed = tuple(_row(number, row, agreed_touches) for number, row in enumerate(rows))
        rules = cls(parsed, agreed_touches, recycle_days)
        gap = first_gap(rules)
        if gap is not None:
            raise RulesInvalid(None, "rules", f"No row says what follows from {gap}.")
        return rules

    def as_rows(self) -> list[dict[str, Any]]:
        """The rows as JSON, which ``parse`` reads back to the same rules."""
        return [_as_json(row) for row in self.rows]


def next_step(
    disposition: str,
    *,
    attempts: int,
    age_days: int,
    rules: Rules,
    closed: Collection[str] = (),
    postponed_to: int = 0,
) -> NextStep:
    """The step after this disposition was the ``attempts``-th touch without contact, of a lead that old.

    ``closed`` channels (closed by the prospect, or whose number or address proved bad) are never the next:
    the next open one is; with none left, disqualifying is proposed. ``postponed_to``: an earlier proposal was
    declined, and none comes before so many attempts. Raises ``KeyError`` for an unknown disposition.
    """
    if disposition not in DISPOSITIONS:
        raise KeyError(disposition)
    if disposition == "opt_out":
        return NextStep(Act.NEVER_CONTACT, reason="Opted out")
    if disposition == "call_back":
        return NextStep(Act.CALL_BACK)
    row = next(row for row in rules.rows if row.matches(disposition, attempts, age_days))
    reason = row.reason.replace("{attempts}", str(attempts))
    found = NextStep(row.act, row.wait, row.channel, reason, row.proposal, rules.recycle_days)
    if row.act in _LEAVES:
        return replace(found, wait=timedelta(0), channel="")
    channel = open_channel(row.channel, closed)
    if not channel:
        return replace(
            found,
            act=Act.PROPOSE,
            proposal="disqualify",
            reason="No channel is open",
            channel="",
            wait=row.wait,
        )
    if row.act is Act.PROPOSE and attempts < postponed_to:
        return NextStep(Act.RETRY, row.wait, channel)
    return replace(found, channel=channel)


def open_channel(wanted: str, closed: Collection[str]) -> str:
    """``wanted`` itself where it is open, else the next open one in their order; "" where none is."""
    if wanted not in closed:
        return wanted
    start = PASSED_ON_TO.index(wanted) if wanted in PASSED_ON_TO else 0
    order = PASSED_ON_TO[start:] + PASSED_ON_TO[:start]
    return next((channel for channel in order if channel not in closed), "")


def first_gap(rules: Rules) -> str | None:
    """The first disposition, attempt count and age without an answer, in words; ``None`` where all have one.

    Between the edges that the rows name nothing changes, so that looking at the edges is looking at all.
    """
    attempts = sorted(
        {1, *(row.attempts_from for row in rules.rows), *_after(row.attempts_to for row in rules.rows)}
    )
    ages = sorted({0, *(row.age_from for row in rules.rows), *_after(row.age_to for row in rules.rows)})
    for disposition in DISPOSITIONS:
        if disposition in FIXED:
            continue
        for attempt in attempts:
            for age in ages:
                if not any(row.matches(disposition, attempt, age) for row in rules.rows):
                    return f"{disposition.replace('_', ' ')}, touch {attempt}, at {age} days of age"
    return None


def _after(ends: Any) -> list[int]:
    return [end + 1 for end in ends if end is not None]


# --- Reading rows -----------------------------------------------------------------------------------

_KEYS = {
    "dispositions", "attempts_from", "attempts_to", "age_from", "age_to", "act", "wait_hours", "wait_days",
    "channel", "proposal", "reason",
}  # fmt: skip


def _row(number: int, raw: Any, agreed: int) -> Row:
    if not isinstance(raw, Mapping):
        raise RulesInvalid(number, "act", "a row is a set of named values.")
    for key in raw:
        if key not in _KEYS:
            raise RulesInvalid(number, str(key), "nothing is called that here.")
    dispositions = _dispositions(number, raw.get("dispositions") or [])
    act = raw.get("act")
    if act not in ROW_ACTS:
        raise RulesInvalid(number, "act", f"choose one of {', '.join(ROW_ACTS)}.")
    act = Act(act)
    attempts_from, attempts_to = _range(number, raw, "attempts", agreed if act is Act.PROPOSE else 1, 1)
    age_from, age_to = _range(number, raw, "age", 0, 0)
    if act is Act.PROPOSE and attempts_from < agreed:
        raise RulesInvalid(
            number, "attempts_from", f"leaving is proposed after the agreed {agreed} touches, not before."
        )
    row = Row(
        act=act,
        dispositions=dispositions,
        attempts_from=attempts_from,
        attempts_to=attempts_to,
        age_from=age_from,
        age_to=age_to,
        wait=_wait(number, raw, act),
        channel=_channel(number, raw, act),
        proposal=_proposal(number, raw, act),
        reason=_reason(number, raw, act),
    )
    if act in _LEAVES and not row.dispositions <= {"not_a_fit", "not_now", "connected"}:
        raise RulesInvalid(number, "act", "without a talk the portal only proposes: choose propose.")
    if act in _LEAVES and not row.dispositions:
        raise RulesInvalid(number, "dispositions", "say after which talk the lead leaves.")
    return row


def _dispositions(number: int, raw: Any) -> frozenset[str]:
    if not isinstance(raw, Sequence) or isinstance(raw, str):
        raise RulesInvalid(number, "dispositions", "give a list.")
    for name in raw:
        if name not in DISPOSITIONS:
            raise RulesInvalid(number, "dispositions", f"{name} is no disposition.")
        if name in FIXED:
            words = "never contacted" if name == "opt_out" else "called back when it was promised"
            raise RulesInvalid(
                number, "dispositions", f"after {name.replace('_', ' ')} they are always {words}."
            )
    return frozenset(raw)


def _range(number: int, raw: Mapping[str, Any], name: str, start: int, least: int) -> tuple[int, int | None]:
    first = _count(number, f"{name}_from", raw.get(f"{name}_from"), least)
    first = start if first is None else first
    last = _count(number, f"{name}_to", raw.get(f"{name}_to"), least)
    if last is not None and last < first:
        raise RulesInvalid(number, f"{name}_to", f"must not be below {first}, where the row begins.")
    return first, last


def _count(number: int, field: str, value: Any, least: int) -> int | None:
    if value in (None, ""):
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= 10_000:
        raise RulesInvalid(number, field, f"give a whole number from {least} on.")
    return value


def _wait(number: int, raw: Mapping[str, Any], act: Act) -> timedelta:
    hours, days = (_count(number, key, raw.get(key), 0) for key in ("wait_hours", "wait_days"))
    if hours is not None and days is not None:
        raise RulesInvalid(number, "wait_days", "give hours or days, not both.")
    if act in _LEAVES:
        return timedelta(0)
    if hours is None and days is None:
        raise RulesInvalid(number, "wait_hours", "say how long to wait.")
    wait = timedelta(hours=hours or 0, days=days or 0)
    if wait > _LONGEST_WAIT:
        raise RulesInvalid(number, "wait_days" if days else "wait_hours", "wait a year at most.")
    return wait


def _channel(number: int, raw: Mapping[str, Any], act: Act) -> str:
    channel = raw.get("channel") or ""
    if act in _LEAVES:
        return ""
    if channel not in CHANNELS:
        raise RulesInvalid(number, "channel", f"choose one of {', '.join(CHANNELS)}.")
    return str(channel)


def _proposal(number: int, raw: Mapping[str, Any], act: Act) -> str:
    if act is not Act.PROPOSE:
        return ""
    if raw.get("proposal") not in PROPOSALS:
        raise RulesInvalid(number, "proposal", "propose to recycle or to disqualify.")
    return str(raw["proposal"])


def _reason(number: int, raw: Mapping[str, Any], act: Act) -> str:
    reason = str(raw.get("reason") or "").strip()
    if not reason and act in (*_LEAVES, Act.PROPOSE):
        raise RulesInvalid(number, "reason", "say why, in a few words.")
    if len(reason) > _LONGEST_REASON - 4:
        raise RulesInvalid(number, "reason", f"use {_LONGEST_REASON - 4} characters at most.")
    return reason


def _as_json(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {"act": row.act.value, "dispositions": sorted(row.dispositions)}
    for name in ("attempts_from", "attempts_to", "age_from", "age_to"):
        found[name] = getattr(row, name)
    if row.act not in _LEAVES:
        hours = int(row.wait.total_seconds() // 3600)
        found |= {"wait_days": hours // 24} if hours and hours % 24 == 0 else {"wait_hours": hours}
        found["channel"] = row.channel
    return found | {"proposal": row.proposal, "reason": row.reason}


# --- What holds until a company writes its own ------------------------------------------------------

_OLD_DAYS = 365
"""Without contact for so long, a lead is not worth another round of nurture."""

_DEFAULT = Rules.parse(
    [
        {
            "dispositions": ["bad_contact"], "act": "propose", "proposal": "disqualify",
            "wait_days": 1, "channel": "social", "reason": "Bad number or address after {attempts} touches",
        },
        {
            "dispositions": ["voicemail", "no_answer", "gatekeeper", "sent"], "age_to": _OLD_DAYS,
            "act": "propose", "proposal": "recycle", "wait_days": 1, "channel": "call",
            "reason": "No contact after {attempts} touches",
        },
        {
            "dispositions": ["voicemail", "no_answer", "gatekeeper", "sent"], "age_from": _OLD_DAYS + 1,
            "act": "propose", "proposal": "disqualify", "wait_days": 1, "channel": "call",
            "reason": "No contact in over a year",
        },
        {"dispositions": ["connected"], "act": "qualify", "wait_days": 1, "channel": "call"},
        {"dispositions": ["not_a_fit"], "act": "disqualify", "reason": "Not a fit"},
        {"dispositions": ["not_now"], "act": "recycle", "reason": "Not now"},
        {"dispositions": ["voicemail"], "act": "retry", "wait_hours": 4, "channel": "email"},
        {"dispositions": ["no_answer"], "act": "retry", "wait_hours": 3, "channel": "call"},
        {"dispositions": ["gatekeeper"], "act": "retry", "wait_days": 1, "channel": "call"},
        {"dispositions": ["bad_contact"], "act": "retry", "wait_hours": 1, "channel": "social"},
        {"dispositions": ["sent"], "act": "retry", "wait_days": 2, "channel": "call"},
    ]
)  # fmt: skip
