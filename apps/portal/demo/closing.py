"""What the end of a month brings: rankings, frozen scorecards and their signatures, a payout run and its steps."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.accounts.models import Role, User
from apps.compensation.models import PayoutRun
from apps.compensation.services import computation, runs
from apps.core.periods import Period
from apps.portal.demo.agenda import Agenda
from apps.portal.demo.chance import Chance
from apps.portal.demo.founding import Company
from apps.portal.demo.life import Span
from apps.scorecards.models import Scorecard
from apps.scorecards.services import cards

_MONTHS_SIGNED = 2
"""Of how many of the last months there are signatures: of the last one a few, of those before most."""

_REP_NOTES = (
    "Two of the no-shows were booked more than a week ahead. I will confirm the day before from now on.",
    "August was thin in my region; the list for September looks better.",
    "Most of the month went into two large accounts. Both should close next month.",
    "I would like to listen to how Kim opens her first calls.",
)
_MANAGER_NOTES = (
    "Good month. Keep the first answer under a quarter of an hour, it shows in the acceptance.",
    "Fewer rejections on timeframe would do most: ask for the written date. Let us practise it on Thursday.",
    "Cycle is getting shorter. Next step: bring the second decision maker into the first meeting.",
    "We agreed on two shadowing sessions before the end of the month.",
)


@dataclass(frozen=True, slots=True)
class _Act:
    """``what`` is done about ``month``: the name of a method of ``Closing``."""

    what: str
    month: Period


class Closing:
    """The ends of all months of the history.

    Older runs are paid, the one before the last is locked, and the last one waits for its approval.
    """

    def __init__(self, company: Company, span: Span, chance: Chance) -> None:
        self._company, self._span, self._chance = company, span, chance
        self._agenda: Agenda[_Act] = Agenda()
        self._revops, self._finance = company.of_role(Role.REVOPS), company.of_role(Role.FINANCE)
        for place, month in enumerate(span.months):
            left = len(span.months) - place
            self._plan("freeze", month, days=1, hour=6)
            self._plan("compute", month, days=2, hour=6, minute=12)
            self._plan("submit", month, days=2, hour=9, minute=40)
            if left > 1:
                self._plan("approve", month, days=5, hour=10, minute=25)
                self._plan("lock", month, days=5, hour=15)
            if left > 2:
                self._plan("pay", month, days=24, hour=11)
            if left <= _MONTHS_SIGNED:
                self._plan("sign", month, days=6, hour=14)

    def _plan(self, what: str, month: Period, *, days: int, hour: int, minute: int = 0) -> None:
        at = self._span.instant(month.end + timedelta(days=days), hour, minute)
        # Early in a month what should have waited some days is done by now, so that nothing is missing.
        self._agenda.put(min(at, self._span.at - timedelta(minutes=1)), _Act(what, month))

    def go_on(self, end: datetime) -> None:
        """Everything up to ``end``."""
        for at, act in self._agenda.until(end):
            getattr(self, f"_{act.what}")(act.month, at)

    # --- Scorecards -----------------------------------------------------------------------------------

    def _freeze(self, month: Period, at: datetime) -> None:
        cards.freeze_month(month=month, at=at)

    def _sign(self, month: Period, at: datetime) -> None:
        chance, is_last = self._chance, month == self._span.months[-1]
        users = {worker.rep.pk: worker.user for worker in self._company.workers}
        rows = Scorecard.objects.filter(month_on=month.start).select_related("rep__team__manager")
        for card in rows.order_by("rep__name", "pk"):
            if card.rep.left_on is not None:
                continue
            manager = card.rep.team.manager
            if chance.happens(0.3 if is_last else 0.9):
                self._signed_by(card, manager, at + timedelta(minutes=chance.uniform(0, 90)), _MANAGER_NOTES)
                if chance.happens(0.5 if is_last else 0.9):
                    later = at + timedelta(minutes=chance.uniform(95, 200))
                    self._signed_by(card, users[card.rep_id], later, _REP_NOTES)

    def _signed_by(self, card: Scorecard, user: User | None, at: datetime, notes: tuple[str, ...]) -> None:
        at = min(at.replace(microsecond=0), self._span.at)
        if self._chance.happens(0.3):
            text = self._chance.one_of(notes)
            cards.write_note(rep=card.rep, month=card.month, author=user, text=text, at=at)
        cards.sign(card=card, user=user, fingerprint=card.fingerprint, at=at)

    # --- Payout runs ----------------------------------------------------------------------------------

    def _run(self, month: Period) -> PayoutRun:
        return PayoutRun.objects.get(code=month.code)

    def _compute(self, month: Period, at: datetime) -> None:
        run = runs.create_run(period=month, at=at, actor=self._revops)
        computation.compute_run(run=run, clock=lambda: at)

    def _submit(self, month: Period, at: datetime) -> None:
        runs.submit_run(run=self._run(month), at=at, actor=self._revops)

    def _approve(self, month: Period, at: datetime) -> None:
        run = self._run(month)
        runs.approve_run(run=run, fingerprint=run.fingerprint, at=at, actor=self._finance)

    def _lock(self, month: Period, at: datetime) -> None:
        run = self._run(month)
        runs.lock_run(run=run, fingerprint=run.fingerprint, at=at, actor=self._finance)

    def _pay(self, month: Period, at: datetime) -> None:
        runs.mark_paid(run=self._run(month), at=at, actor=self._finance)
