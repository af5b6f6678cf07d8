"""Contests of the story: some SDRs do not let a rejection stand, and a manager of neither side decides."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from apps.core.errors import InvalidInput
from apps.leads.models import Contest, ContestState, HandOff, Meeting, Opportunity, Source
from apps.leads.services import contests
from apps.leads.services.judges import NobodyNeutral
from apps.leads.services.succession import NobodyElse
from apps.portal.demo.chance import Chance

_CONTESTED = 0.2
_UPHELD = 0.4
_STATED = 0.5
_WITH_ANOTHER_EVERY = 3
"""Of the contests that are upheld, the first and each so many after it go on with another AE."""
_WHY = (
    "{name} said it on the call: it is in the notes, with the date.",
    "The answer comes from the person who signs, and I quoted it.",
    "The definition asks whether a date was named. One was, by the customer.",
    "I asked {name} again this morning, and the answer is the same.",
    "It was met as the definition puts it; nothing in it asks for more than that.",
)
_SDR_SAYS = (
    "The recording of the second call has it in their own words.",
    "I can forward their e-mail.",
)
_AE_SAYS = (
    "I called them before I answered, and they spoke of next year.",
    "What is quoted is a wish, not a plan: nobody has released the money.",
)
_UPHELD_FOR = (
    "The quote is clear and the person may say so. That is what the definition asks for.",
    "It was met as agreed. What is missing would be a question for stage 2.",
)
_DISMISSED_FOR = (
    "The answer is the SDR’s own reading; the customer is not quoted anywhere.",
    "The person who spoke does not decide on this, and nobody asked who does.",
)
_GOES_ON = " The two of them will not get on over this customer any more: somebody else goes on with it."


@dataclass(frozen=True)
class Decided:
    """What the judge made of it: the opportunity that opened (its id), if one did, and who has it (the rep's id);
    whether the meeting stands."""

    opportunity: int = 0
    owner: int = 0
    meets: bool = False


class Contesting:
    """The contests of one desk. Its own stream of chance, so that the rest of the story stays as it is."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._upheld = 0

    def is_contested(self) -> bool:
        return self._chance.happens(_CONTESTED)

    def days_until_it_is(self) -> float:
        """Working days after the rejection; well within the window."""
        return self._chance.uniform(0.2, 2.5)

    def days_until_decided(self) -> float:
        return self._chance.uniform(0.8, 4.5)

    def contest(self, hand_off: HandOff, at: datetime) -> int:
        """Contest it; which (id), or 0 where it cannot be."""
        chance, name = self._chance, hand_off.lead.name or "The customer"
        if hand_off.sdr.user is None or contests.why_not(hand_off=hand_off, at=at):
            return 0
        try:
            contest = contests.open_contest(
                hand_off=hand_off,
                reason=chance.one_of(_WHY).format(name=name),
                at=at,
                actor=hand_off.sdr.user,
                source=Source.DEMO,
            )
        except NobodyNeutral:
            return 0
        if hand_off.ae.user is not None and chance.happens(_STATED):
            contests.add_statement(
                contest=contest, text=chance.one_of(_AE_SAYS), at=at, actor=hand_off.ae.user
            )
        if chance.happens(_STATED):
            contests.add_statement(
                contest=contest, text=chance.one_of(_SDR_SAYS), at=at, actor=hand_off.sdr.user
            )
        return contest.pk

    def decide(self, pk: int, at: datetime) -> Decided:
        """The judge's decision, and what followed."""
        chance = self._chance
        contest = Contest.objects.select_related("judge", "hand_off").get(pk=pk)
        uphold = chance.happens(_UPHELD)
        reason = chance.one_of(_UPHELD_FOR if uphold else _DISMISSED_FOR)
        contest = self._decided(contest, uphold, reason, at)
        if contest.state != ContestState.UPHELD:
            return Decided()
        opened = Opportunity.objects.filter(hand_off=contest.hand_off_id).values_list("pk", "owner").first()
        meets = Meeting.objects.filter(
            hand_off=contest.hand_off_id, state=Meeting.State.BOOKED, starts_at__gt=at
        ).exists()
        return Decided(*opened, meets) if opened else Decided(meets=meets)

    def _decided(self, contest: Contest, uphold: bool, reason: str, at: datetime) -> Contest:
        """By its judge; where it is another one's turn to go on with the customer, with whom routing names."""
        self._upheld += uphold

        def decide(with_another: bool) -> Contest:
            return contests.decide_contest(
                contest=contest,
                uphold=uphold,
                reason=f"{reason}{_GOES_ON if with_another else ''}",
                at=at,
                actor=contest.judge,
                source=Source.DEMO,
                with_another=with_another,
            )

        if uphold and self._upheld % _WITH_ANOTHER_EVERY == 1:
            # The lead may have gone on by itself, and everybody else may be busy or on a side.
            with suppress(NobodyElse, InvalidInput):
                return decide(with_another=True)
        return decide(with_another=False)
