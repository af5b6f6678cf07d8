"""How long one lead usually takes somebody, from the gaps between touches. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median_low

LEAST_GAPS = 10
"""So many gaps between touches tell somebody's usual handling time; fewer are chance."""
LEAST_HANDLING = timedelta(minutes=1)


@dataclass(frozen=True)
class Handling:
    """How long one lead usually takes, and where that is known from (``words``)."""

    time: timedelta
    words: str

    @property
    def minutes(self) -> str:
        """``8`` or ``7.5``."""
        return f"{self.time / timedelta(minutes=1):.1f}".removesuffix(".0")


def usual(
    *, name: str, own: Sequence[timedelta], team: Sequence[timedelta], otherwise: timedelta
) -> Handling:
    """The median gap between touches: the rep's, else the team's, else what is set; the words say which."""
    for gaps, words in ((own, f"median of {len(own)} gaps between {name}’s touches"),
                        (team, f"median of {len(team)} gaps between the team’s touches")):  # fmt: skip
        if len(gaps) >= LEAST_GAPS:
            return Handling(max(median_low(gaps), LEAST_HANDLING), words)
    return Handling(otherwise, "as set: too few touches to tell")


def gaps_of(touches: Sequence[tuple[date, datetime]]) -> list[timedelta]:
    """The gaps between consecutive touches of one local day, given in order; a night is no handling time."""
    return [
        later - one for (day, one), (next_day, later) in pairwise(touches) if later > one and day == next_day
    ]
