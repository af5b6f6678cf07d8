"""What must be posted so that the ledger says what is earned now: D − P, and nothing where they agree.

Pure. D is what the rules give today for a source, P what was posted for it so far. So a repeated run posts
nothing, and a late or reversed event posts the difference, whatever was locked before (PRODUCT section 9,
"Runs").
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Posted:
    """What stands in the ledger for a source: the sum of its lines, and the last line's sequence."""

    amount_minor: int
    sequence: int


# Not frozen, as lines are not: a run makes millions of them.
@dataclass(slots=True)
class Delta(Generic[Key]):
    """A line to post: it adds ``amount_minor`` to ``posted_minor``, which makes ``earned_minor``."""

    key: Key
    amount_minor: int
    earned_minor: int
    posted_minor: int
    sequence: int

    @property
    def is_first(self) -> bool:
        return self.sequence == 1


def deltas(
    desired: Mapping[Key, int], posted: Mapping[Key, Posted], *, keep_zero: bool = False
) -> list[Delta[Key]]:
    """The lines to post, those of ``desired`` in its order, then what is no longer earned.

    With ``keep_zero`` a source that earns nothing is posted once, as a line of zero, so that its arithmetic
    can be read; without it such a source is passed over.
    """
    found = []
    for key, earned in desired.items():
        before = posted.get(key)
        if before is None:
            if earned or keep_zero:
                found.append(Delta(key, earned, earned, 0, 1))
        elif earned != before.amount_minor:
            change = earned - before.amount_minor
            found.append(Delta(key, change, earned, before.amount_minor, before.sequence + 1))
    for key, before in posted.items():
        if key not in desired and before.amount_minor:
            found.append(Delta(key, -before.amount_minor, 0, before.amount_minor, before.sequence + 1))
    return found
