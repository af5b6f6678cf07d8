"""The last hours before the present instant: every part of the queues filled, hand-offs waiting, meetings ahead.

Chance alone would leave one desk without a callback and another without a hand-off on the day on which somebody
looks. What is added here goes through the same services.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apps.leads.models import (
    Account,
    Channel,
    Disposition,
    Lead,
    LeadStage,
    Opportunity,
    QueueBucket,
    Source,
)
from apps.leads.rules.points import PointTable
from apps.leads.rules.scoring import Known, score, tier_of_score
from apps.leads.services import booking, intake, opportunities, qualifications, routing, scoring, touches
from apps.portal.demo import words
from apps.portal.demo.chance import Chance
from apps.portal.demo.founding import Desk, Worker
from apps.portal.demo.inflow import Inflow, Newcomer
from apps.portal.demo.life import Span
from apps.portal.demo.people import SIGN_IN_NAMES
from apps.portal.demo.prospects import deal_size
from apps.portal.demo.working import CRITERIA
from apps.reps.rules.business_time import Hours, is_open

_JUST_IN = (
    (3, "Demo request"),
    (9, "Pricing page"),
    (16, "Webinar"),
    (23, "Demo request"),
    (36, "Contact form"),
)
"""Minutes ago, and from where."""
_CALLBACKS = (-12, 25, 95)
"""Minutes from now; below zero it is overdue."""
_WAITING = (222, 140, 65, 18)
"""How many business minutes ago the hand-offs of an AE were made; the promise is 240 for scores A and B."""


class Today:
    """The present day of one desk."""

    def __init__(self, desk: Desk, inflow: Inflow, span: Span, chance: Chance) -> None:
        self._desk, self._inflow, self._span, self._chance = desk, inflow, span, chance
        self._now = {name: _last_open(hours, span) for name, hours in desk.hours.items()}

    def fill(self) -> None:
        """Make the day what a visitor should find."""
        self._leads_just_in()
        for worker in self._desk.inbound + self._desk.outbound:
            if worker.is_here(self._span.today):
                self._callbacks(worker)
            if worker.rep.name in SIGN_IN_NAMES:
                self._touches_due(worker)
        self._hand_offs()
        for worker in self._desk.accounts:
            if worker.rep.name in SIGN_IN_NAMES:
                self._open_deal(worker)

    def _open_deal(self, worker: Worker) -> None:
        """Whoever looks after accounts has one thing at least under way."""
        if Opportunity.objects.filter(owner=worker.rep).open().exists():
            return
        account = Account.objects.filter(owner=worker.rep).order_by("-owned_since", "pk").first()
        at = _earlier(worker.hours, self._now["Account management"], 600, self._span)
        if account is not None:
            opportunities.open_opportunity(
                owner=worker.rep,
                name=f"{account.name}, renewal",
                at=at,
                amount_minor=round(self._chance.about(12, 0.4)) * 500_00,
                account=account,
                actor=worker.user,
                source=Source.DEMO,
            )

    # --- The queue ------------------------------------------------------------------------------------

    def _now_of(self, worker: Worker) -> datetime:
        return self._now["Inbound SDRs" if worker in self._desk.inbound else "Outbound SDRs"]

    def _leads_just_in(self) -> None:
        now, share = self._now["Inbound SDRs"], self._desk.office.share
        newcomers = [
            self._inflow.inbound_at(now - timedelta(minutes=ago), source)
            for ago, source in _JUST_IN[: 2 + round(3 * share)]
        ]
        this_morning = _earlier(self._desk.hours["Inbound SDRs"], now, 60, self._span)
        newcomers += [self._inflow.from_fair_at(this_morning) for _ in range(1 + round(3 * share))]
        intake.take_in_many(arrivals=[one.arrival for one in newcomers])

    def _callbacks(self, worker: Worker) -> None:
        signs_in, now = worker.rep.name in SIGN_IN_NAMES, self._now_of(worker)
        wanted = _CALLBACKS if signs_in else (self._chance.one_of(_CALLBACKS),)
        asked_at = _earlier(worker.hours, now, 130, self._span)
        leads = self._due(worker, asked_at)
        while signs_in and len(leads) < len(wanted):
            leads.append(self._new_lead(worker, _earlier(worker.hours, asked_at, 40, self._span))[0])
        for number, (lead, minutes) in enumerate(zip(leads, wanted, strict=False)):
            callback_at = _to_five(now + timedelta(minutes=minutes))
            at = asked_at + timedelta(minutes=4 * number)
            self._touch(lead, worker, Disposition.CALL_BACK, at, callback_at)

    def _touches_due(self, worker: Worker) -> None:
        now = self._now_of(worker)
        for _ in range(3 - len(self._due(worker, now))):
            arrived_at = _earlier(worker.hours, now, self._chance.uniform(260, 500), self._span)
            lead, _ = self._new_lead(worker, arrived_at)
            self._touch(lead, worker, Disposition.VOICEMAIL, arrived_at + timedelta(minutes=9))

    def _due(self, worker: Worker, before: datetime) -> list[Lead]:
        """The worker's own leads with a touch due, the longest waiting first."""
        rows = Lead.objects.filter(
            owner=worker.rep,
            stage=LeadStage.WORKING,
            do_not_contact=False,
            queue_bucket=QueueBucket.TOUCH_DUE,
            last_touch_at__lt=before - timedelta(hours=1),
            queue_ready_at__lte=self._span.at,
        )
        return list(rows.order_by("queue_sort_at", "pk")[:6])

    def _new_lead(self, worker: Worker, at: datetime, tier: int | None = None) -> tuple[Lead, Newcomer]:
        """Somebody who came in at ``at`` for ``worker``; if ``tier`` is given, of a score that belongs to it."""
        while True:
            newcomer = self._newcomer(worker, at, tier)
            lead, _ = intake.take_in_many(arrivals=[newcomer.arrival])[0]
            # Whoever comes from a company that a colleague knows may have gone to that colleague.
            if lead.owner_id in (None, worker.rep.pk):
                return lead, newcomer

    def _newcomer(self, worker: Worker, at: datetime, tier: int | None) -> Newcomer:
        table = scoring.table_in_force(self._span.today).table
        for _ in range(40):
            newcomer = (
                self._inflow.inbound_at(at)
                if worker in self._desk.inbound
                else self._inflow.listed_at(at, worker)
            )
            if tier is None or _tier_of(newcomer, table) == tier:
                break
        return newcomer

    def _touch(
        self,
        lead: Lead,
        worker: Worker,
        disposition: Disposition,
        at: datetime,
        callback_at: datetime | None = None,
    ) -> None:
        touches.log_touch(
            lead=lead,
            rep=worker.rep,
            channel=Channel.CALL,
            disposition=disposition,
            at=at,
            # The office may be open while the prospect's day is over.
            they_asked=True,
            callback_at=callback_at,
            note=words.note(self._chance, disposition),
            actor=worker.user,
            source=Source.DEMO,
        )

    # --- Hand-offs ------------------------------------------------------------------------------------

    def _hand_offs(self) -> None:
        """Several wait for the AE whom one signs in as; some more for whoever routing names."""
        sdrs = [worker for worker in self._desk.inbound if worker.is_here(self._span.today)]
        for ae in self._desk.closing:
            if ae.rep.name in SIGN_IN_NAMES:
                ae.rep.refresh_from_db()
                for number, minutes in enumerate(_WAITING):
                    self._hand_over(sdrs[number % len(sdrs)], minutes, ae)
        for number, minutes in enumerate(_WAITING[: round(4 * self._desk.office.share)], 1):
            self._hand_over(sdrs[number % len(sdrs)], minutes + 9, None)

    def _hand_over(self, worker: Worker, minutes: int, wanted: Worker | None) -> None:
        """Somebody comes in, is called, qualified and booked, ``minutes`` of business time ago."""
        chance, hours = self._chance, self._desk.hours["Mid-market AEs"]
        at = _earlier(hours, self._now["Mid-market AEs"], minutes, self._span)
        arrived_at = _earlier(hours, at, 32, self._span)
        lead, newcomer = self._new_lead(worker, arrived_at, wanted.rep.tier if wanted else None)
        self._touch(lead, worker, Disposition.CONNECTED, arrived_at + timedelta(minutes=7))
        met = set(CRITERIA) if chance.happens(0.5) else set(CRITERIA) - {chance.one_of(CRITERIA)}
        amount = max(3, round(deal_size(chance, newcomer.company) / 1000))
        answers = words.answers(chance, list(CRITERIA), met, newcomer.company, newcomer.person, amount)
        talked_at = arrived_at + timedelta(minutes=24)
        qualifications.qualify(
            lead=lead, rep=worker.rep, answers=answers, at=talked_at, actor=worker.user, source=Source.DEMO
        )
        starts_at = self._slot(lead, wanted)
        if starts_at is not None:
            booking.book_meeting(
                lead=lead, sdr=worker.rep, starts_at=starts_at, at=at, actor=worker.user, source=Source.DEMO
            )

    def _slot(self, lead: Lead, wanted: Worker | None) -> datetime | None:
        """A time from this afternoon on at which routing names ``wanted``; with no such time, anybody."""
        hours, day = self._desk.hours["Mid-market AEs"], self._span.today
        slots: list[datetime] = []
        while len(slots) < 60:
            if hours.windows_on(day):
                found = (self._span.instant(day, half // 2, half % 2 * 30) for half in range(18, 33))
                slots += [slot for slot in found if slot > self._span.at + timedelta(minutes=40)]
            day += timedelta(days=1)
        anybody = None
        for starts_at in slots[:5] + self._chance.sample(slots[5:], 16):
            chosen = routing.choose(
                lead=lead, starts_at=starts_at, ends_at=starts_at + booking.SLOT, at=self._span.at
            ).ae
            if chosen is not None and (wanted is None or chosen.pk == wanted.rep.pk):
                return starts_at
            if chosen is not None and anybody is None:
                anybody = starts_at
        return anybody


def _tier_of(newcomer: Newcomer, table: PointTable) -> int:
    """The tier that intake will give by ``table``."""
    known = newcomer.arrival.incoming
    found = score(
        Known(title=known.title, employees=known.employees, industry=known.industry, source=known.source),
        table,
    )
    return tier_of_score(found.letter)


def _last_open(hours: Hours, span: Span) -> datetime:
    """The present instant when the office is open, else shortly before it closed last."""
    if is_open(hours, span.at):
        return span.at
    day = span.today
    while True:
        for _, closes in reversed(hours.windows_on(day)):
            hour, minute = map(int, closes.split(":"))
            closed_at = span.instant(day, hour, minute)
            if closed_at <= span.at:
                return closed_at - timedelta(minutes=5)
        day -= timedelta(days=1)


def _earlier(hours: Hours, now: datetime, minutes: float, span: Span) -> datetime:
    """``minutes`` of open time before ``now``, which lies within an opening."""
    day, end = now.astimezone(ZoneInfo(span.zone)).date(), now
    while True:
        for opens, closes in reversed(hours.windows_on(day)):
            (first_hour, first_minute), (hour, minute) = (
                map(int, text.split(":")) for text in (opens, closes)
            )
            start = span.instant(day, first_hour, first_minute)
            last = min(end, span.instant(day, hour, minute))
            length = (last - start).total_seconds() / 60
            if length > minutes:
                return (last - timedelta(minutes=minutes)).replace(second=0, microsecond=0)
            minutes -= max(0.0, length)
        day -= timedelta(days=1)


def _to_five(instant: datetime) -> datetime:
    return instant.replace(minute=instant.minute // 5 * 5, second=0, microsecond=0)
