"""An AE as routing sees one, what was decided about each, and a decision as a whole."""

from dataclasses import dataclass

TAKEN, PASSED, NOT_NEEDED = "taken", "passed", "not_needed"
UNRANKED = 999
"""The rank of somebody without one: asked after all who have one."""


@dataclass(frozen=True)
class Candidate:
    """An AE as routing sees one. ``rank`` 1 is best; ``why_not`` is empty when free at the time.

    ``meetings_this_week`` and ``weekly_cap`` are for callers that judge the cap here; 0 of 0 is not judged.
    ``is_present``: at work at that time, so that turns of the round robin count for them. ``takes_team``: the
    lead's team hands off to them, so that they are asked when no rule found anybody.
    """

    rep_id: int
    name: str
    tier: int
    rank: int
    meetings_this_week: int = 0
    weekly_cap: int = 0
    why_not: str = ""
    team_id: int = 0
    is_present: bool = True
    takes_team: bool = True

    @property
    def is_at_cap(self) -> bool:
        return bool(self.weekly_cap) and self.meetings_this_week >= self.weekly_cap

    @property
    def closed(self) -> str:
        """Why this AE cannot take it; "" when free."""
        if self.why_not:
            return self.why_not
        return f"At cap, {self.load}" if self.is_at_cap else ""

    @property
    def load(self) -> str:
        return f"{self.meetings_this_week} of {self.weekly_cap} this week"

    @property
    def free_words(self) -> str:
        """``Free``, with the week's load where it is known."""
        return f"Free, {self.load}" if self.weekly_cap else "Free"


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


def ask_in_order(order: list[Candidate], reason: str = "") -> tuple[Candidate | None, tuple[Considered, ...]]:
    """The first of ``order`` who is free takes it; what was decided about each. ``reason`` follows "Free"."""
    considered: list[Considered] = []
    chosen: Candidate | None = None
    for candidate in order:
        if chosen is not None:
            considered.append(Considered(candidate, NOT_NEEDED, "Not needed"))
        elif candidate.closed:
            considered.append(Considered(candidate, PASSED, candidate.closed))
        else:
            chosen = candidate
            why = f"{candidate.free_words}{f', {reason}' if reason else ''}: taken"
            considered.append(Considered(candidate, TAKEN, why))
    return chosen, tuple(considered)
