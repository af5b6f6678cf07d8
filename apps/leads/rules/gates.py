"""What a stage asks before an opportunity may enter it, and whether what is known of it is enough. Pure.

A gate is a list of criteria, all needed. One is met by an answer with evidence, given by hand, or, where the
criterion says so, by the answer that the lead's qualification has already (PRODUCT section 6, "Stage gates").
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MOST_CRITERIA = 12
LONGEST_NAME, LONGEST_QUESTION = 60, 200


@dataclass(frozen=True)
class GateCriterion:
    """One thing asked. ``fills_from`` is the criterion of the qualification that answers it, "" for none."""

    key: str
    name: str
    asks: str = ""
    fills_from: str = ""

    def as_dict(self) -> dict[str, str]:
        return {"key": self.key, "name": self.name, "asks": self.asks, "fills_from": self.fills_from}


@dataclass(frozen=True)
class Known:
    """What is known of one criterion: whether it is met, by which evidence, and whether the SDR's call said so."""

    is_met: bool
    evidence: str = ""
    from_qualification: bool = False


@dataclass(frozen=True)
class Judged:
    """A criterion with what is known of it; ``known`` is ``None`` where nobody answered."""

    criterion: GateCriterion
    known: Known | None

    @property
    def is_met(self) -> bool:
        return self.known is not None and self.known.is_met and bool(self.known.evidence.strip())


def judge(
    criteria: Iterable[GateCriterion], answers: Mapping[str, Known], qualified: Mapping[str, Known]
) -> tuple[Judged, ...]:
    """Each criterion with what is known: the answer given by hand wins over the qualification's.

    ``answers`` are by the criterion's own key, ``qualified`` by the key of the qualification's criterion.
    """
    return tuple(
        Judged(one, answers.get(one.key) or (qualified.get(one.fills_from) if one.fills_from else None))
        for one in criteria
    )


def unmet(judged: Iterable[Judged]) -> tuple[Judged, ...]:
    """Those that keep the gate shut. An answer without evidence is none."""
    return tuple(one for one in judged if not one.is_met)


def key_of(name: str, taken: Iterable[str] = ()) -> str:
    """A stable key for a criterion of that name: lower letters and digits, told apart by a number if need be."""
    plain = "".join(letter if letter.isalnum() else "_" for letter in name.strip().lower()).strip("_")[:20]
    used, key, number = set(taken), plain or "criterion", 2
    while key in used:
        key, number = f"{plain[:17] or 'criterion'}_{number}", number + 1
    return key


@dataclass(frozen=True)
class Change:
    """How one criterion (or the right to override) differs between two versions; "" is nothing there."""

    what: str
    before: str
    after: str

    @property
    def kind(self) -> str:
        return "added" if not self.before else "removed" if not self.after else "changed"


def _said(one: GateCriterion | None) -> str:
    if one is None:
        return ""
    filled = f" (filled from {one.fills_from})" if one.fills_from else ""
    return f"{one.name}: {one.asks}{filled}" if one.asks else f"{one.name}{filled}"


def changes(before: Iterable[GateCriterion], after: Iterable[GateCriterion]) -> tuple[Change, ...]:
    """What is asked differently, in the order of the newer version; what was dropped stands last."""
    was = {one.key: one for one in before}
    now = {one.key: one for one in after}
    keys = [*now, *(key for key in was if key not in now)]
    found = [(key, _said(was.get(key)), _said(now.get(key))) for key in keys]
    return tuple(Change((now.get(key) or was[key]).name, old, new) for key, old, new in found if old != new)
