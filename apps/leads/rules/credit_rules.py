"""How a rule shares the credit of an event: between whom was credited, others who had a part in it, and named reps.

Pure. Shares are in millionths and sum to the whole, by largest remainder. Who cannot be told (an event without a
hand-off has no SDR) leaves the share with whom was credited.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from apps.core.errors import InvalidInput
from apps.core.money import allocate

WHOLE = 1_000_000
MOST_SHARES = 6
CREDITED = "credited"
NAMED = "rep:"

RECIPIENTS = {
    CREDITED: "Who is credited",
    "sdr": "The SDR of the hand-off",
    "ae": "The AE of the hand-off",
    "opener": "Who sourced the opportunity",
    "owner": "The owner of the opportunity",
    "lead_owner": "The owner of the lead",
}
"""Who may get a share, beside a rep by name (``rep:12``)."""

KINDS = ("booked", "handed_off", "held", "accepted", "stage_1", "stage_2", "won")
"""What pay can be made of, and so what rules share."""


@dataclass(frozen=True)
class Share:
    """``to`` is one of ``RECIPIENTS`` or ``rep:NUMBER``; ``share`` is in millionths."""

    to: str
    share: int

    @property
    def rep_id(self) -> int | None:
        return int(self.to.removeprefix(NAMED)) if self.to.startswith(NAMED) else None

    def as_dict(self) -> dict[str, Any]:
        return {"to": self.to, "share": self.share}


def parse_shares(raw: Any) -> tuple[Share, ...]:
    """From what is kept or sent. Raises ``InvalidInput`` that names the place."""
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not 1 <= len(raw) <= MOST_SHARES:
        raise InvalidInput(f"Give one to {MOST_SHARES} shares.", field="shares")
    found = []
    for number, one in enumerate(raw, 1):
        to, share = (one.get("to"), one.get("share")) if isinstance(one, Mapping) else (None, None)
        if not isinstance(to, str) or not _known(to):
            raise InvalidInput(
                f"Share {number}: choose one of {', '.join(RECIPIENTS)}, or a rep by name.", field="shares"
            )
        if isinstance(share, bool) or not isinstance(share, int) or not 0 < share <= WHOLE:
            raise InvalidInput(f"Share {number}: above 0 and at most 100 %.", field="shares")
        found.append(Share(to, share))
    if len({one.to for one in found}) < len(found):
        raise InvalidInput("Name everybody once.", field="shares")
    total = sum(one.share for one in found)
    if total != WHOLE:
        said = f"{Fraction(total, 10_000).limit_denominator(10_000)}"
        raise InvalidInput(f"The shares sum to 100 %; these sum to {said} %.", field="shares")
    return tuple(found)


def _known(to: str) -> bool:
    return to in RECIPIENTS or (to.startswith(NAMED) and to.removeprefix(NAMED).isdecimal())


def share_out(
    credited: Sequence[tuple[int, int]], shares: Sequence[Share], people: Mapping[str, int | None]
) -> list[tuple[int, int]]:
    """Rep and share, in millionths, of everybody who gets a part.

    ``credited`` are rep and share as they would be without the rule; ``people`` says who the recipients are.
    """
    weights: dict[int, Fraction] = {}
    for one in shares:
        to = one.rep_id if one.rep_id is not None else people.get(one.to)
        if one.to == CREDITED or to is None:
            for rep_id, share in credited:
                weights[rep_id] = weights.get(rep_id, Fraction(0)) + Fraction(one.share * share, WHOLE)
        else:
            weights[to] = weights.get(to, Fraction(0)) + one.share
    parts = allocate(WHOLE, list(weights.values()))
    return [(rep_id, part) for rep_id, part in zip(weights, parts, strict=True) if part]
