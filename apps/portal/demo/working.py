"""The SDRs' part of the story: touches, calls that lead somewhere, meetings booked, leads that come back."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from apps.leads.models import Channel, Disposition, HandOff, Lead, Source
from apps.leads.rules import calling
from apps.leads.rules.dispositions import CONTACTS, RECYCLE_DAYS, Act, NextStep, Rules, next_step
from apps.leads.services import booking, intake, owners, proposals, qualifications, touches
from apps.portal.demo import life, words
from apps.portal.demo.agenda import Agenda
from apps.portal.demo.chance import Chance
from apps.portal.demo.founding import Desk, Worker
from apps.portal.demo.inflow import Newcomer
from apps.portal.demo.life import Span
from apps.portal.demo.prospects import HandedOver, Prospect, Step, deal_size

CRITERIA = ("budget", "authority", "need", "timeframe")
_ASKED_FIRST = ("authority", "need")

_FIRST_CHANNEL = {
    True: {Channel.CALL: 6.0, Channel.EMAIL: 3.2, Channel.CHAT: 0.8},
    False: {Channel.CALL: 4.5, Channel.EMAIL: 4.0, Channel.SOCIAL: 1.5},
}
_REACHED = {
    True: {Channel.CALL: 0.45, Channel.EMAIL: 0.22, Channel.SOCIAL: 0.18, Channel.CHAT: 0.75},
    False: {Channel.CALL: 0.29, Channel.EMAIL: 0.14, Channel.SOCIAL: 0.16, Channel.CHAT: 0.5},
}
"""How often an attempt reaches the person, inbound and outbound."""
_MISSED = {
    Channel.CALL: {
        Disposition.NO_ANSWER: 45,
        Disposition.VOICEMAIL: 38,
        Disposition.GATEKEEPER: 13,
        Disposition.BAD_CONTACT: 4,
    },
    Channel.EMAIL: {Disposition.SENT: 95, Disposition.BAD_CONTACT: 5},
    Channel.SOCIAL: {Disposition.SENT: 100},
    Channel.CHAT: {Disposition.SENT: 100},
}
_QUALIFIES = {"A": 0.32, "B": 0.22, "C": 0.14, "D": 0.06}
"""How often somebody who was reached can be qualified, by the lead's score."""
_ELSE = {
    Disposition.CALL_BACK: 19, Disposition.NOT_NOW: 40, Disposition.NOT_A_FIT: 28, Disposition.CONNECTED: 10,
    Disposition.OPT_OUT: 3,
}  # fmt: skip
_HASTE = {"A": 0.7, "B": 1.0, "C": 2.2, "D": 14.0}
"""How long the first answer to a score waits beside the usual."""


class Working:
    """The inbound and outbound SDRs of one desk."""

    def __init__(self, desk: Desk, span: Span, chance: Chance) -> None:
        self._desk, self._span, self._chance = desk, span, chance
        self._agenda: Agenda[Step] = Agenda()
        self._passed_on: dict[int, Worker] = {}
        self._proposed: list[tuple[Prospect, Worker, datetime]] = []

    # --- What comes to the SDRs -------------------------------------------------------------------

    def take(self, newcomers: list[Newcomer]) -> list[tuple[Prospect, datetime]]:
        """Take leads in; those that are new, and when they arrived."""
        taken = intake.take_in_many(arrivals=[one.arrival for one in newcomers])
        found: list[tuple[Prospect, datetime]] = []
        for newcomer, (lead, is_new) in zip(newcomers, taken, strict=True):
            if not is_new:
                continue
            prospect = Prospect(
                lead.pk, lead.score, lead.is_inbound, newcomer.company, newcomer.person, newcomer.worker
            )
            found.append((prospect, newcomer.arrival.at))
        return found

    def plan_first_touch(self, prospect: Prospect, arrived_at: datetime) -> None:
        if prospect.worker is not None:
            # Listed leads are worked through over the week.
            at = life.after(prospect.worker.hours, arrived_at, self._chance.uniform(30, 5 * 480))
            self._put(at, prospect)
            return
        hours = self._desk.hours["Inbound SDRs"]
        start = life.within(hours, arrived_at, self._chance, lag=14)
        worker = self._pick_inbound(self._local(start))
        prospect.worker = worker
        wait = self._chance.about(6.0, 0.85) * worker.habits.speed * _HASTE[prospect.score]
        if self._chance.happens(0.06 + (1 - worker.habits.care) * 0.4):
            # Lunch, a training, a colleague who is ill.
            wait += self._chance.uniform(35, 260)
        self._put(life.after(hours, start, wait), prospect)

    def come_back(self, prospect: Prospect, at: datetime) -> None:
        """An AE rejected it: the SDR looks again on one of the next days."""
        assert prospect.worker is not None
        hours = prospect.worker.hours
        prospect.is_known = True
        prospect.channel = Channel.CALL
        self._put(life.after(hours, at, self._chance.about(400, 0.6)), prospect)

    def say_goodbye(self, day: date) -> None:
        """Share out the leads of whoever is here no more from ``day`` on."""
        for team in (self._desk.inbound, self._desk.outbound):
            for leaver in team:
                if leaver.rep.left_on != day:
                    continue
                stay = {worker.rep.pk: worker for worker in team if worker.is_here(day)}
                shared = owners.share_out(
                    rep=leaver.rep,
                    among=[worker.rep for worker in stay.values()],
                    at=self._span.instant(day, 8),
                    actor=leaver.rep.team.manager,
                )
                self._passed_on |= {lead: stay[rep] for lead, rep in shared.items()}

    # --- A day --------------------------------------------------------------------------------------

    def work(self, end: datetime) -> list[HandedOver]:
        """Everything up to ``end``: log the touches together, then qualify and book one by one."""
        made: list[tuple[Prospect, touches.NewTouch]] = []
        talks: list[tuple[datetime, Prospect]] = []
        for at, step in self._agenda.until(end):
            worker = self._worker_of(step.prospect)
            if not worker.is_here(self._local(at)):
                self._put(self._when_back(worker, at), step.prospect, step.what)
            elif step.what == "touch":
                made.append((step.prospect, self._touch(step.prospect, worker, at)))
            else:
                talks.append((at, step.prospect))
        made = self._still_open(made)
        if made:
            self._log(made)
        leads = Lead.objects.in_bulk(sorted(prospect.pk for _, prospect in talks))
        booked = (
            self._talk(prospect, leads[prospect.pk], at)
            for at, prospect in talks
            if leads[prospect.pk].is_workable
        )
        return [one for one in booked if one is not None]

    def _still_open(
        self, made: list[tuple[Prospect, touches.NewTouch]]
    ) -> list[tuple[Prospect, touches.NewTouch]]:
        """Without those whom a colleague's opt-out closed as well: they share an address or a number."""
        ids = {prospect.pk for prospect, _ in made}
        shut = set(Lead.objects.filter(pk__in=ids, do_not_contact=True).values_list("pk", flat=True))
        self._proposed = [one for one in self._proposed if one[0].pk not in shut]
        return [one for one in made if one[0].pk not in shut]

    def _log(self, made: list[tuple[Prospect, touches.NewTouch]]) -> None:
        seen: set[int] = set()
        for prospect, new in made:
            if prospect.pk not in seen and self._chance.happens(0.004):
                self._mislog(new)
            seen.add(prospect.pk)
        touches.log_touches(touches=[new for _, new in made])
        self._decide()

    def _decide(self) -> None:
        """Do what the portal proposes after the agreed touches; the last ones still wait for an answer."""
        asked = Lead.objects.filter(pk__in=[prospect.pk for prospect, _, _ in self._proposed])
        waits = set(asked.exclude(proposal="").filter(do_not_contact=False).values_list("pk", flat=True))
        for prospect, worker, at in self._proposed:
            if prospect.pk in waits and self._span.at - at > timedelta(days=2):
                decided_at = at + timedelta(minutes=2)
                lead = Lead(pk=prospect.pk)
                proposals.accept(
                    lead=lead, rep=worker.rep, at=decided_at, actor=worker.user, source=Source.DEMO
                )
        self._proposed.clear()

    def _mislog(self, new: touches.NewTouch) -> None:
        """The wrong key first: undone within minutes."""
        at = new.at - timedelta(minutes=3)
        slip = touches.log_touch(
            lead=new.lead,
            rep=new.rep,
            channel=Channel.CALL,
            disposition=Disposition.NOT_A_FIT,
            at=at,
            they_asked=True,
            actor=new.actor,
            source=Source.DEMO,
        )
        touches.undo_touch(touch=slip, rep=new.rep, at=at + timedelta(minutes=1), actor=new.actor)

    # --- A touch ------------------------------------------------------------------------------------

    def _touch(self, prospect: Prospect, worker: Worker, at: datetime) -> touches.NewTouch:
        chance = self._chance
        channel = Channel(prospect.channel or chance.pick(_FIRST_CHANNEL[prospect.is_inbound]))
        if channel == Channel.CALL and not self._may_call(prospect, at):
            channel = Channel.EMAIL
        disposition, leads_on = self._came_of(prospect, worker, channel, at)
        # The history is shorter than a year: the age of a lead decides nothing yet.
        step = next_step(disposition, attempts=prospect.attempts + 1, age_days=0, rules=Rules.default())
        goes_on = disposition not in CONTACTS and step.act is Act.RETRY
        prospect.attempts = prospect.attempts + 1 if goes_on else 0
        if step.act is Act.PROPOSE:
            self._proposed.append((prospect, worker, at))
        callback_at = self._callback(worker, at) if step.act is Act.CALL_BACK else None
        if leads_on:
            self._put(at + timedelta(minutes=chance.uniform(9, 28)), prospect, "qualify")
        else:
            self._plan_next(prospect, worker, at, step, callback_at)
        return touches.NewTouch(
            # Only the key is read of it: the service locks and loads the row itself.
            lead=Lead(pk=prospect.pk),
            rep=worker.rep,
            channel=channel,
            disposition=disposition,
            at=at,
            callback_at=callback_at,
            note=words.note(chance, disposition),
            actor=worker.user,
            source=Source.DEMO,
        )

    def _may_call(self, prospect: Prospect, at: datetime) -> bool:
        """Whether it is a time to call at the prospect's, whose day may have begun or ended earlier."""
        theirs = calling.their_time(prospect.company.zone, at, fallback=self._span.zone)
        return theirs.is_proper

    def _came_of(
        self, prospect: Prospect, worker: Worker, channel: Channel, at: datetime
    ) -> tuple[Disposition, bool]:
        """What came of it, and whether the talk goes on into the framework."""
        chance = self._chance
        reached = _REACHED[prospect.is_inbound][channel] * (1.5 if prospect.is_known else 1.0)
        if not chance.happens(reached):
            return chance.pick(_MISSED[channel]), False
        skill = worker.habits.skill * worker.pace(self._local(at))
        qualifies = _QUALIFIES[prospect.score] * skill * (1.0 if prospect.is_inbound else 0.8)
        if chance.happens(min(0.9, qualifies)):
            prospect.is_known = True
            return Disposition.CONNECTED, True
        disposition = chance.pick(_ELSE)
        if disposition in (Disposition.CALL_BACK, Disposition.CONNECTED):
            prospect.is_known = True
        return disposition, False

    def _plan_next(
        self, prospect: Prospect, worker: Worker, at: datetime, step: NextStep, callback_at: datetime | None
    ) -> None:
        chance = self._chance
        if step.act is Act.RETRY:
            prospect.channel = step.channel
            self._put(self._in_own_time(worker, at + step.wait), prospect)
        elif step.act is Act.CALL_BACK and callback_at is not None:
            prospect.channel = Channel.CALL
            late = chance.about(5, 0.8) if chance.happens(worker.habits.care) else chance.uniform(40, 400)
            self._put(life.after(worker.hours, callback_at, late), prospect)
        elif step.act is Act.RECYCLE or step.proposal == "recycle":
            # Some of those who come back are left lying.
            if chance.happens(0.8):
                back_on = at.date() + timedelta(days=RECYCLE_DAYS)
                back_at = self._span.instant(back_on, 9) + timedelta(days=chance.about(1.5, 0.8))
                prospect.channel, prospect.is_known = Channel.CALL, True
                self._put(life.within(worker.hours, back_at, chance, lag=120), prospect)
        elif step.act is Act.QUALIFY:
            prospect.channel = Channel.CALL
            self._put(self._in_own_time(worker, at + timedelta(days=chance.choice((1, 2, 3)))), prospect)

    def _in_own_time(self, worker: Worker, at: datetime) -> datetime:
        """When the next step is really taken: a few hours of work after it is due, sometimes days."""
        lag = self._chance.about(140, 0.9)
        if not self._chance.happens(worker.habits.care):
            lag += self._chance.uniform(1.5, 9) * 480
        return life.after(worker.hours, at, lag)

    def _callback(self, worker: Worker, at: datetime) -> datetime:
        wait = self._chance.choice((90, 150, 480, 540, 960, 1_500))
        when = life.after(worker.hours, at, wait)
        return when.replace(minute=when.minute // 15 * 15, second=0) + timedelta(minutes=15)

    # --- A talk that leads somewhere ------------------------------------------------------------------

    def _talk(self, prospect: Prospect, lead: Lead, at: datetime) -> HandedOver | None:
        chance, worker = self._chance, self._worker_of(prospect)
        count = chance.pick({4: 46, 3: 41, 2: 13})
        met = set(chance.sample(CRITERIA, count))
        if self._asks_little(at):
            # Two questions only: they are asked first, and answered.
            others = [one for one in CRITERIA if one in met and one not in _ASKED_FIRST]
            met = {*_ASKED_FIRST, *others[: count - len(_ASKED_FIRST)]}
        amount = max(3, round(deal_size(chance, prospect.company) / 1000))
        qualification = qualifications.qualify(
            lead=lead,
            rep=worker.rep,
            answers=words.answers(chance, list(CRITERIA), met, prospect.company, prospect.person, amount),
            at=at,
            actor=worker.user,
            source=Source.DEMO,
        )
        explores = not qualification.meets_definition and chance.happens(0.3)
        if qualification.meets_definition or explores:
            booked_at = at + timedelta(minutes=chance.uniform(2, 6))
            hand_off = self.book(lead, worker, booked_at, explores)
            if hand_off is not None:
                return HandedOver(hand_off, prospect, count)
        prospect.channel = Channel.CALL
        self._put(self._in_own_time(worker, at + timedelta(days=chance.choice((3, 4, 6)))), prospect)
        return None

    def _asks_little(self, at: datetime) -> bool:
        """Whether the framework then in force asks for no more than authority and need."""
        return self._local(at) < self._span.month_start(4)

    def book(self, lead: Lead, worker: Worker, at: datetime, explores: bool) -> HandOff | None:
        """At a time that suits the customer; another one when nobody is free then."""
        for attempt in range(10):
            starts_at = self._preferred(at, attempt)
            try:
                return booking.book_meeting(
                    lead=lead,
                    sdr=worker.rep,
                    starts_at=starts_at,
                    at=at.replace(microsecond=0),
                    as_exploration=explores,
                    actor=worker.user,
                    source=Source.DEMO,
                )
            except booking.UnableToBook as refused:
                if refused.field != "starts_at":
                    raise
        return None

    def _preferred(self, at: datetime, attempt: int) -> datetime:
        hours = self._desk.hours["Mid-market AEs"]
        ahead = 1 + int(self._chance.about(1.6, 0.6)) + attempt // 3
        day = life.working_day(hours, self._local(at), min(ahead, 12))
        half_hour = self._chance.randrange(18, 33)
        return self._span.instant(day, half_hour // 2, half_hour % 2 * 30)

    # --- Who and when ---------------------------------------------------------------------------------

    def _put(self, at: datetime, prospect: Prospect, what: str = "touch") -> None:
        self._agenda.put(at.replace(microsecond=0), Step(what, prospect))

    def _local(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self._span.zone)).date()

    def _worker_of(self, prospect: Prospect) -> Worker:
        passed_on = self._passed_on.get(prospect.pk)
        if passed_on is not None:
            prospect.worker = passed_on
        assert prospect.worker is not None
        return prospect.worker

    def _pick_inbound(self, day: date) -> Worker:
        here = [worker for worker in self._desk.inbound if worker.is_here(day)] or self._desk.inbound[:1]
        return self._chance.choices(here, [worker.habits.load * worker.pace(day) for worker in here])[0]

    def _when_back(self, worker: Worker, at: datetime) -> datetime:
        """On the first day back, after the mail; a leaver's leads wait for whoever gets them."""
        day = self._local(at)
        for _ in range(60):
            day += timedelta(days=1)
            if worker.is_here(day) and worker.hours.windows_on(day):
                break
        return life.within(worker.hours, self._span.instant(day, 9), self._chance, lag=150)
