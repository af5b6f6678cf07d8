"""The AEs' part of the story: answers, meetings, deals won, lost and taken back; and accounts after the win."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from apps.leads.models import (
    Account,
    HandOff,
    LossReason,
    Meeting,
    Opportunity,
    OpportunityKind,
    OpportunityStage,
    RejectionReason,
    Source,
)
from apps.leads.services import accounts, hand_offs, meetings, opportunities
from apps.portal.demo import life, words
from apps.portal.demo.agenda import Agenda
from apps.portal.demo.chance import Chance
from apps.portal.demo.companies import Company, World
from apps.portal.demo.contesting import Contesting
from apps.portal.demo.founding import Desk, Worker
from apps.portal.demo.life import Span
from apps.portal.demo.prospects import HandedOver, Prospect, deal_size, unmet

_STAGE = OpportunityStage
_WINS = {"A": 1.28, "B": 1.05, "C": 0.8, "D": 0.55}
"""How readily a deal is won, by the score of its lead."""
_WON_OF_STAGE_2 = 0.4
_LOST_FOR = {
    LossReason.NO_DECISION: 30, LossReason.COMPETITOR: 24, LossReason.NO_BUDGET: 20, LossReason.TIMING: 17,
    LossReason.UNQUALIFIED: 6, LossReason.OTHER: 3,
}  # fmt: skip
_REJECTED_FOR = {
    RejectionReason.UNSUPPORTED: 42, RejectionReason.WRONG_PERSON: 22, RejectionReason.TOO_FAR_OUT: 20,
    RejectionReason.DUPLICATE: 9, RejectionReason.OTHER: 7,
}  # fmt: skip
_TAKEN_BACK_EVERY = 21
_DAY = 480.0


@dataclass(slots=True)
class Deal:
    """A hand-off and what became of it, as the story follows it; after the win, an account's next deal."""

    owner: Worker
    company: Company
    score: str = "C"
    hand_off: int = 0
    prospect: Prospect | None = None
    returned: bool = False
    contest: int = 0
    met: int = 4
    meeting: int = 0
    opportunity: int = 0
    account: int = 0
    amount: int = 0
    kind: str = "new"
    """``new`` business, ``renewal`` or ``upsell`` of an account."""
    times_won: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """What is done to a deal: the name of a method of ``Selling``."""

    act: str
    deal: Deal


class Selling:
    """The AEs, AMs and CSMs of one desk."""

    def __init__(self, desk: Desk, world: World, span: Span, chance: Chance, contesting: Contesting) -> None:
        self._desk, self._world, self._span, self._chance = desk, world, span, chance
        self._contesting = contesting
        self._agenda: Agenda[Event] = Agenda()
        self._aes = {worker.rep.pk: worker for worker in desk.closing}
        self._next_keeper = self._won = 0
        self.returned: list[tuple[Prospect, datetime]] = []
        """Prospects whose hand-off was rejected, for their SDRs; emptied by whoever reads it."""

    # --- What comes to the AEs ------------------------------------------------------------------------

    def receive(self, handed: HandedOver, at: datetime) -> None:
        """Plan the answer and the meeting of a new hand-off."""
        chance, hand_off, meeting = self._chance, handed.hand_off, handed.hand_off.meeting
        ae, prospect = self._aes[hand_off.ae_id], handed.prospect
        assert meeting is not None
        deal = Deal(
            owner=ae,
            company=prospect.company,
            score=prospect.score,
            hand_off=hand_off.pk,
            prospect=prospect,
            met=handed.met,
            meeting=meeting.pk,
        )
        wait = chance.about(75, 0.8) * ae.habits.speed
        answer_at = self._when_here(ae, life.after(ae.hours, at, wait))
        # Nobody goes into a meeting without having looked at it, however late that is.
        self._put(
            min(answer_at, meeting.starts_at + timedelta(minutes=chance.uniform(3, 25))), "answer", deal
        )
        self._put(meeting.ends_at + timedelta(minutes=chance.about(14, 0.8)), "close_meeting", deal)

    def carry_over(self) -> None:
        """Deals that were open before the portal was there, as each AE brought them along."""
        for ae in self._desk.closing:
            if not ae.is_here(self._span.start):
                continue
            for _ in range(self._chance.times(5)):
                opened_on = self._span.start - timedelta(days=self._chance.randrange(5, 60))
                self._find(ae, self._span.instant(opened_on, self._chance.randrange(9, 17)))

    def look_around(self, day: date) -> None:
        """Now and then an AE finds a deal without an SDR."""
        for ae in self._desk.closing:
            if not ae.is_here(day) or not ae.hours.windows_on(day):
                continue
            if self._chance.happens(0.028 * ae.habits.skill * ae.pace(day)):
                self._find(
                    ae, self._span.instant(day, self._chance.randrange(9, 17), self._chance.randrange(60))
                )

    def _find(self, ae: Worker, at: datetime) -> None:
        deal = Deal(owner=ae, company=self._world.company(), score="B")
        deal.amount = self._amount(deal)
        self._put(at, "open", deal)

    def go_on(self, end: datetime) -> None:
        """Everything up to ``end``."""
        for at, event in self._agenda.until(end):
            getattr(self, f"_{event.act}")(event.deal, at)

    # --- Answers and meetings ---------------------------------------------------------------------------

    def _answer(self, deal: Deal, at: datetime) -> None:
        chance, ae = self._chance, deal.owner
        hand_off = HandOff.objects.get(pk=deal.hand_off)
        rejects = 0.065 + (0.09 if deal.met < 4 else 0.0) + (0.25 if deal.met < 3 else 0.0)
        if chance.happens(min(0.7, rejects * ae.habits.strictness)):
            self._reject(deal, hand_off, at)
            return
        deal.amount = self._amount(deal)
        opportunity = hand_offs.accept_hand_off(
            hand_off=hand_off,
            at=at,
            amount_minor=deal.amount if chance.happens(0.94) else None,
            actor=ae.user,
            source=Source.DEMO,
        )
        deal.opportunity, deal.prospect = opportunity.pk, None

    def _reject(self, deal: Deal, hand_off: HandOff, at: datetime) -> None:
        chance, reason = self._chance, self._chance.pick(_REJECTED_FOR)
        open_criteria = unmet(hand_off)
        criterion = "timeframe" if reason == RejectionReason.TOO_FAR_OUT else ""
        if reason == RejectionReason.WRONG_PERSON:
            criterion = "authority"
        # What the framework then in force did not ask for cannot be what is missing.
        asked = [key for key, _ in hand_offs.criteria_of(hand_off)]
        if criterion not in asked:
            criterion = chance.one_of(open_criteria or asked)
        hand_offs.reject_hand_off(
            hand_off=hand_off,
            criterion=criterion,
            reason=reason,
            comment=words.rejection(chance, reason, criterion),
            at=at,
            actor=deal.owner.user,
            source=Source.DEMO,
        )
        deal.returned = True
        if deal.prospect is None:
            return
        if self._contesting.is_contested():
            self._later(deal, at, self._contesting.days_until_it_is(), "contest")
        else:
            self.returned.append((deal.prospect, at))

    def _contest(self, deal: Deal, at: datetime) -> None:
        """The SDR does not let it stand; until it is decided, the lead rests."""
        rows = HandOff.objects.select_related("lead", "sdr__user", "ae__user", "contest")
        deal.contest = self._contesting.contest(rows.get(pk=deal.hand_off), at)
        if deal.contest:
            self._later(deal, at, self._contesting.days_until_decided(), "judge")
        elif deal.prospect is not None:
            self.returned.append((deal.prospect, at))

    def _judge(self, deal: Deal, at: datetime) -> None:
        done = self._contesting.decide(deal.contest, at)
        if not done.opportunity:
            if deal.prospect is not None:
                self.returned.append((deal.prospect, at))
            return
        deal.opportunity, deal.prospect, deal.returned = done.opportunity, None, not done.meets
        deal.owner = self._aes[done.owner]
        deal.amount = self._amount(deal)
        if not done.meets:
            self._plan_stage_2(deal, at, 0.4)

    def _close_meeting(self, deal: Deal, at: datetime) -> None:
        if deal.returned:
            return
        chance = self._chance
        meeting = Meeting.objects.get(pk=deal.meeting)
        held = chance.happens(0.875)
        meetings.close_meeting(meeting=meeting, held=held, at=at, actor=deal.owner.user, source=Source.DEMO)
        if deal.opportunity:
            self._plan_stage_2(deal, at, 0.62 if held else 0.2)

    # --- A deal -------------------------------------------------------------------------------------------

    def _open(self, deal: Deal, at: datetime) -> None:
        names = {"new": "", "renewal": ", renewal", "upsell": ", more users"}
        opportunity = opportunities.open_opportunity(
            owner=deal.owner.rep,
            name=deal.company.name + names[deal.kind],
            at=at,
            amount_minor=deal.amount,
            account=Account.objects.get(pk=deal.account) if deal.account else None,
            company=deal.company.name,
            kind=OpportunityKind(deal.kind),
            actor=deal.owner.user,
            source=Source.DEMO,
        )
        deal.opportunity = opportunity.pk
        self._plan_stage_2(deal, at, 0.7 if deal.kind == "new" else 0.85)

    def _plan_stage_2(self, deal: Deal, at: datetime, share: float) -> None:
        chance, ae = self._chance, deal.owner
        if chance.happens(share):
            self._later(deal, at, chance.about(6, 0.6) * ae.habits.cycle, "reach_stage_2")
        else:
            self._later(deal, at, chance.about(17, 0.6) * ae.habits.cycle, "lose")

    def _reach_stage_2(self, deal: Deal, at: datetime) -> None:
        chance = self._chance
        if chance.happens(0.5):
            deal.amount = _rounded(deal.amount / 100 * chance.uniform(0.75, 1.35))
        self._move(deal, _STAGE.STAGE_2, at)
        wins = _WON_OF_STAGE_2 * deal.owner.habits.skill * _WINS[deal.score]
        if deal.kind != "new":
            wins = 0.72 * deal.owner.habits.skill
        long = 1.0 + min(0.5, deal.amount / 100 / 120_000)
        days = chance.about(19 if deal.kind == "new" else 9, 0.5) * deal.owner.habits.cycle * long
        if chance.happens(0.2):
            self._later(deal, at, days * 0.6, "change_amount")
        self._later(deal, at, days, "win" if chance.happens(min(0.85, wins)) else "lose")

    def _change_amount(self, deal: Deal, at: datetime) -> None:
        deal.amount = _rounded(deal.amount / 100 * self._chance.uniform(0.8, 1.25))
        opportunities.change_amount(
            opportunity=self._row(deal),
            amount_minor=deal.amount,
            at=at,
            actor=deal.owner.user,
            source=Source.DEMO,
        )

    def _win(self, deal: Deal, at: datetime) -> None:
        chance = self._chance
        if chance.happens(0.45):
            # A discount at the end, to the euro.
            deal.amount = round(deal.amount / 100 * chance.uniform(0.86, 0.98)) * 100
        opportunity = self._move(deal, _STAGE.WON, at)
        deal.times_won += 1
        if deal.kind == "new" and deal.times_won == 1:
            deal.account = opportunity.account_id or 0
            self._later(deal, at, chance.about(2, 0.5), "pass_on")
        self._won += 1
        # Evenly rather than by chance, so that the smallest company has some as well.
        if deal.times_won == 1 and self._won % _TAKEN_BACK_EVERY == 6:
            self._later(deal, at, chance.uniform(6, 26), "take_back")

    def _lose(self, deal: Deal, at: datetime) -> None:
        self._move(deal, _STAGE.LOST, at, loss_reason=self._chance.pick(_LOST_FOR))

    def _take_back(self, deal: Deal, at: datetime) -> None:
        opportunities.take_win_back(
            opportunity=self._row(deal),
            reason=words.taking_back(self._chance),
            at=at,
            actor=deal.owner.rep.team.manager,
            source=Source.DEMO,
        )
        self._later(deal, at, self._chance.about(9, 0.5), "win" if self._chance.happens(0.25) else "lose")

    # --- After the win ------------------------------------------------------------------------------------

    def _pass_on(self, deal: Deal, at: datetime) -> None:
        """The manager names an AM or a CSM; most accounts buy again in time."""
        chance, keepers = self._chance, self._desk.accounts
        here = [worker for worker in keepers if worker.is_here(self._local(at))] or keepers
        account = Account.objects.get(pk=deal.account)
        if account.owner_id is None:
            if self._row(deal).stage != _STAGE.WON:
                return
            keeper = here[self._next_keeper % len(here)]
            self._next_keeper += 1
            accounts.assign_owner(account=account, rep=keeper.rep, at=at, actor=keeper.rep.team.manager)
        else:
            known = [worker for worker in keepers if worker.rep.pk == account.owner_id]
            if not known:
                # Another office looks after it already.
                return
            keeper = known[0]
        if chance.happens(0.62):
            more = Deal(owner=keeper, company=deal.company, account=deal.account)
            more.kind = chance.choice(("upsell", "upsell", "renewal"))
            more.amount = _rounded(deal.amount / 100 * chance.uniform(0.18, 0.6))
            self._later(more, at, chance.about(24, 0.6), "open")

    # --- Rows, figures and times ----------------------------------------------------------------------------

    def _row(self, deal: Deal) -> Opportunity:
        return Opportunity.objects.get(pk=deal.opportunity)

    def _move(self, deal: Deal, stage: OpportunityStage, at: datetime, loss_reason: str = "") -> Opportunity:
        return opportunities.move_opportunity(
            opportunity=self._row(deal),
            stage=stage,
            at=at,
            amount_minor=deal.amount,
            loss_reason=loss_reason,
            actor=deal.owner.user,
            source=Source.DEMO,
        )

    def _amount(self, deal: Deal) -> int:
        """A first estimate in minor units: round thousands or half thousands."""
        return _rounded(deal_size(self._chance, deal.company) * deal.owner.habits.deal, to=500)

    def _later(self, deal: Deal, at: datetime, days: float, act: str) -> None:
        """``days`` working days on, when the owner is at work."""
        when = life.after(deal.owner.hours, at, days * _DAY + self._chance.uniform(0, 240))
        self._put(self._when_here(deal.owner, when), act, deal)

    def _put(self, at: datetime, act: str, deal: Deal) -> None:
        self._agenda.put(at.replace(microsecond=0), Event(act, deal))

    def _local(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self._span.zone)).date()

    def _when_here(self, worker: Worker, at: datetime) -> datetime:
        day = first = self._local(at)
        for _ in range(60):
            if worker.is_here(day) and worker.hours.windows_on(day):
                break
            day += timedelta(days=1)
        if day == first:
            return at
        return life.within(worker.hours, self._span.instant(day, 9), self._chance, lag=90)


def _rounded(amount: float, to: int = 50) -> int:
    """Whole currency units to minor units, rounded to ``to`` units, at least that."""
    return max(to, round(amount / to) * to) * 100
