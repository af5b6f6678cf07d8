"""The default: the lead's tier first, then the next; in each the best-ranked who is free at the customer's time.

PRODUCT section 6, "then the next tier, so that nobody waits because one person is busy". A share of good leads may
go to lower tiers first (section 7, exploration), chosen by the lead's number, so that the same lead is always one
of them or never is.
"""

import hashlib
from collections.abc import Sequence

from apps.leads.rules.routing.candidates import Candidate, Decision, ask_in_order

GOOD_TIER = 1
"""Leads of this tier are good ones: of them a share may be explored with."""
_LOTS = 10_000


def order_of_asking(
    lead_tier: int, candidates: Sequence[Candidate], explores: bool = False
) -> list[Candidate]:
    """The lead's tier first, then the tiers below it, then those above; best rank first in each.

    When it ``explores``, the tiers below come first and the lead's own after them. Of equal rank the smaller id.
    """

    def key(candidate: Candidate) -> tuple[int, int, int, int]:
        distance = candidate.tier - lead_tier
        if distance == 0:
            place = 1 if explores else 0
        elif distance > 0:
            place = 0 if explores else 1
        else:
            place = 2
        return (place, abs(distance), candidate.rank, candidate.rep_id)

    return sorted(candidates, key=key)


def is_explored(lead_id: int, lead_tier: int, percent: int) -> bool:
    """Whether the lead is one of the ``percent`` of good leads that go to lower tiers first.

    By a digest of its number: no count has to be kept, and a lead routed again is judged alike.
    """
    if lead_tier != GOOD_TIER or percent <= 0:
        return False
    digest = hashlib.blake2b(f"exploration:{lead_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % _LOTS < percent * _LOTS // 100


def choose(
    lead_tier: int, candidates: Sequence[Candidate], *, lead_id: int = 0, exploration_percent: int = 0
) -> Decision:
    """Ask in order; the first who is free and within the caps takes it."""
    lower = [one for one in candidates if one.tier > lead_tier]
    explores = bool(lower) and is_explored(lead_id, lead_tier, exploration_percent)
    chosen, considered = ask_in_order(order_of_asking(lead_tier, candidates, explores))
    return Decision(
        chosen, considered, _words(lead_tier, candidates, chosen, exploration_percent if explores else 0)
    )


def _words(lead_tier: int, candidates: Sequence[Candidate], chosen: Candidate | None, explored: int) -> str:
    if chosen is None:
        return "Nobody is free at this time."
    there = any(candidate.tier == lead_tier for candidate in candidates)
    if explored:
        begun = (
            f"This is one of the {explored} % of tier {lead_tier} leads that go to lower tiers first, "
            "so that those AEs can show what they make of them"
        )
        if chosen.tier > lead_tier:
            return f"{begun}: tier {chosen.tier} took it."
        return f"{begun}; nobody there was free, so tier {chosen.tier} was asked next."
    if chosen.tier == lead_tier:
        return f"The lead is tier {lead_tier}, so tier {lead_tier} was asked first, best rank first."
    why = "nobody there was free" if there else "nobody has that tier"
    return f"The lead is tier {lead_tier}; {why}, so tier {chosen.tier} was asked next."
