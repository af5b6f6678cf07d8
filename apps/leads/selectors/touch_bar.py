"""What can be logged on a lead with one key: dispositions with what follows, channels, purposes."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from apps.leads.models import Channel, Disposition, Lead, LeadStage, Purpose
from apps.leads.rules.dispositions import Rules
from apps.leads.selectors.queue import CHANNEL_ICONS
from apps.leads.services.follow_up import what_follows

# The digit of each disposition (INTERFACE, "Keys"); the first nine are for calls.
KEYS = {
    Disposition.CONNECTED: "1",
    Disposition.VOICEMAIL: "2",
    Disposition.NO_ANSWER: "3",
    Disposition.GATEKEEPER: "4",
    Disposition.CALL_BACK: "5",
    Disposition.BAD_CONTACT: "6",
    Disposition.NOT_A_FIT: "7",
    Disposition.NOT_NOW: "8",
    Disposition.OPT_OUT: "9",
    Disposition.SENT: "0",
}
CHANNEL_KEYS = {
    Channel.CALL: "t",
    Channel.EMAIL: "m",
    Channel.SOCIAL: "s",
    Channel.CHAT: "h",
    Channel.VISIT: "v",
}
"""Letters that no other act of the panel has: telephone, mail, social, chat, visit."""

_ONLY_CALLS = (Disposition.VOICEMAIL, Disposition.NO_ANSWER, Disposition.GATEKEEPER)


@dataclass(frozen=True)
class Button:
    """A disposition as a button: its key, and what will follow. ``only`` is "call", "written" or ""."""

    disposition: str
    word: str
    key: str
    follows: str
    only: str


@dataclass(frozen=True)
class ChannelChoice:
    """A channel in the bar. ``closed`` is why it cannot be chosen, "" when it can."""

    value: str
    word: str
    icon: str
    key: str
    planned: bool
    closed: str


@dataclass(frozen=True)
class Bar:
    """The touch bar of one lead."""

    buttons: list[Button]
    channels: list[ChannelChoice]
    purposes: list[tuple[str, str]]
    purpose: str


def bar_of(*, lead: Lead, rules: Rules, bad: Collection[str], now: datetime) -> Bar:
    """Each disposition with what would follow from it now, by the ``rules`` in force. No statement.

    ``bad`` are the channels whose number or address proved bad.
    """
    planned = lead.next_channel or Channel.CALL.value
    return Bar(
        buttons=[
            Button(
                disposition.value,
                disposition.label,
                key,
                what_follows(
                    lead=lead,
                    disposition=disposition,
                    at=now,
                    rules=rules,
                    bad={*bad, planned} if disposition == Disposition.BAD_CONTACT else {*bad} - {planned},
                ).in_words,
                _only(disposition),
            )
            for disposition, key in KEYS.items()
        ],
        channels=_channels(lead),
        purposes=list(Purpose.choices),
        purpose=likely_purpose(lead),
    )


def _only(disposition: Disposition) -> str:
    if disposition in _ONLY_CALLS:
        return "call"
    return "written" if disposition == Disposition.SENT else ""


def _channels(lead: Lead) -> list[ChannelChoice]:
    """The planned channel is chosen; where it is closed, the first open one."""
    shut = set(lead.closed_channels or [])
    order = [lead.next_channel or Channel.CALL, *Channel.values]
    chosen = next((channel for channel in order if channel not in shut), "")
    return [
        ChannelChoice(
            channel.value,
            channel.label,
            CHANNEL_ICONS[channel],
            CHANNEL_KEYS[channel],
            channel == chosen,
            "They closed this channel" if channel in shut else "",
        )
        for channel in Channel
    ]


def likely_purpose(lead: Lead) -> str:
    """What the next touch is probably for: what was planned, else what the lead's state suggests."""
    if lead.next_purpose:
        return lead.next_purpose
    if lead.touch_count == 0:
        return (Purpose.ANSWER if lead.is_inbound else Purpose.QUALIFY).value
    if lead.stage == LeadStage.SQL:
        return Purpose.CONFIRM.value
    if lead.stage == LeadStage.RECYCLED:
        return Purpose.NURTURE.value
    return Purpose.FOLLOW_UP.value
