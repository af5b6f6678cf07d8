"""A lead as the story follows it, what is done to it next, and what is handed to the AEs' part of the story."""

from dataclasses import dataclass

from apps.leads.models import HandOff, QualificationAnswer
from apps.portal.demo.chance import Chance
from apps.portal.demo.companies import Company, Person
from apps.portal.demo.founding import Worker


@dataclass(slots=True)
class Prospect:
    """A lead as the story follows it."""

    pk: int
    score: str
    is_inbound: bool
    company: Company
    person: Person
    worker: Worker | None
    attempts: int = 0
    channel: str = ""
    is_known: bool = False
    """They were reached before, so the next talk is likely to lead somewhere."""


@dataclass(frozen=True, slots=True)
class Step:
    """``touch`` or ``qualify`` a prospect."""

    what: str
    prospect: Prospect


@dataclass(frozen=True)
class HandedOver:
    """A meeting that was booked: for the AEs' part of the story."""

    hand_off: HandOff
    prospect: Prospect
    met: int


def deal_size(chance: Chance, company: Company) -> float:
    """What a deal with ``company`` is worth, in whole currency units."""
    return chance.about(8_000 + 850 * company.employees**0.5, 0.45)


def unmet(hand_off: HandOff) -> list[str]:
    """The criteria of a hand-off that are not met, in their order."""
    if hand_off.qualification is None:
        return []
    verdict = QualificationAnswer.Verdict.MET
    return [one.criterion for one in hand_off.qualification.answers.all() if one.verdict != verdict]
