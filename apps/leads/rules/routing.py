"""Which AE takes a meeting: the customer's time first, then the best-ranked free AE of the lead's tier.

PRODUCT section 6. When nobody of that tier is free at that time the next tier is asked, so that
nobody waits because one person is busy. Every candidate is kept with the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """An AE as routing sees one. ``rank`` 1 is best; ``why_not`` is empty when free at the time."""

    rep_id: int
    name: str
    tier: int
    rank: int
    meetings_this_week: int
    weekly_cap: int
    why_not: str = ""


@dataclass(frozen=True)
class Considered:
    """A candidate and what was decided: ``taken``, ``passed`` over, or ``not_needed``."""

    candidate: Candidate
    outcome: str
    why: str


@dataclass(frozen=True)
class Decision:
    """``chosen`` is ``None`` when nobody is free; ``considered`` holds all, in the order asked."""

    chosen: Candidate | None
    considered: tuple[Considered, ...]
    words: str


def order_of_asking(lead_tier: int, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The lead's tier first, then the tiers below it, then those above; best rank first in each."""

    def key(candidate: Candidate) -> tuple[int, int, int, int]:
        below = candidate.tier >= lead_tier
        distance = abs(candidate.tier - lead_tier)
        return (0 if below else 1, distance, candidate.rank, candidate.rep_id)

    return sorted(candidates, key=key)


def choose(lead_tier: int, candidates: Sequence[Candidate]) -> Decision:
    """Ask in order; the first who is free and under the weekly cap takes it."""
    considered: list[Considered] = []
    chosen: Candidate | None = None
    for candidate in order_of_asking(lead_tier, candidates):
        load = f"{candidate.meetings_this_week} of {candidate.weekly_cap} this week"
        if chosen is not None:
            considered.append(Considered(candidate, "not_needed", "Not needed"))
        elif candidate.why_not:
            considered.append(Considered(candidate, "passed", candidate.why_not))
        elif candidate.meetings_this_week >= candidate.weekly_cap:
            considered.append(Considered(candidate, "passed", f"At cap, {load}"))
        else:
            chosen = candidate
            considered.append(Considered(candidate, "taken", f"Free, {load}: taken"))
    if chosen is None:
        words = "Nobody is free at this time."
    elif chosen.tier == lead_tier:
        words = f"The lead is tier {lead_tier}, so tier {lead_tier} was asked first, best rank first."
    else:
        there = any(candidate.tier == lead_tier for candidate in candidates)
        why = "nobody there was free" if there else "nobody has that tier"
        words = f"The lead is tier {lead_tier}; {why}, so tier {chosen.tier} was asked next."
    return Decision(chosen, tuple(considered), words)
