"""What follows from a disposition: when to try again and over which channel, or how the lead leaves.

It depends on the attempt count: after ``AGREED_TOUCHES`` without contact the next step is to recycle
(PRODUCT section 4: "typically 9 or more touches").
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

AGREED_TOUCHES = 9
RECYCLE_DAYS = 90


class Act(StrEnum):
    """What happens to the lead next."""

    RETRY = "retry"
    QUALIFY = "qualify"
    CALL_BACK = "call_back"
    RECYCLE = "recycle"
    DISQUALIFY = "disqualify"
    NEVER_CONTACT = "never_contact"


@dataclass(frozen=True)
class NextStep:
    """``act`` now; for a retry, ``wait`` until then and over ``channel``; ``reason`` when it leaves."""

    act: Act
    wait: timedelta = timedelta(0)
    channel: str = ""
    reason: str = ""

    @property
    def in_words(self) -> str:
        """For the button that logs it."""
        if self.act is Act.RETRY:
            hours = int(self.wait.total_seconds() // 3600)
            when = f"in {hours} h" if hours < 24 else f"in {hours // 24} d"
            return f"{self.channel} {when}"
        return {
            Act.QUALIFY: "fill the framework",
            Act.CALL_BACK: "pick a time",
            Act.RECYCLE: f"recycle, back in {RECYCLE_DAYS} d",
            Act.DISQUALIFY: "disqualify",
            Act.NEVER_CONTACT: "never contact",
        }[self.act]


# Disposition -> (wait, next channel) while attempts are left.
_RETRIES = {
    "voicemail": (timedelta(hours=4), "email"),
    "no_answer": (timedelta(hours=3), "call"),
    "gatekeeper": (timedelta(days=1), "call"),
    "bad_contact": (timedelta(hours=1), "social"),
    "sent": (timedelta(days=2), "call"),
}


def next_step(disposition: str, attempts: int) -> NextStep:
    """The step after this disposition was the ``attempts``-th touch. Raises ``KeyError`` if unknown."""
    if disposition == "connected":
        return NextStep(Act.QUALIFY, timedelta(days=1), "call")
    if disposition == "call_back":
        return NextStep(Act.CALL_BACK)
    if disposition == "opt_out":
        return NextStep(Act.NEVER_CONTACT, reason="Opted out")
    if disposition == "not_a_fit":
        return NextStep(Act.DISQUALIFY, reason="Not a fit")
    if disposition == "not_now":
        return NextStep(Act.RECYCLE, reason="Not now")
    wait, channel = _RETRIES[disposition]
    if attempts >= AGREED_TOUCHES:
        return NextStep(Act.RECYCLE, reason=f"No contact after {attempts} touches")
    return NextStep(Act.RETRY, wait, channel)
