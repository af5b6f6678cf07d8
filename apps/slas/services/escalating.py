"""What each step of escalation does, for a batch of clocks: who is told, who gets it, in a few statements."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q
from django.urls import reverse

from apps.accounts.services.notifications import NewNotification, notify
from apps.core.bulk import insert_rows, update_rows
from apps.core.periods import day_of
from apps.leads.models import AnsweredHow, Lead, Source
from apps.leads.services import hand_offs, owners
from apps.leads.services.hand_offs import UnableToDecide
from apps.leads.services.rerouting import UnableToReroute, reroute
from apps.reps.models import Rep
from apps.reps.selectors import away_on
from apps.slas.models import Clock, EscalationAct
from apps.slas.notification_kinds import AT_RISK, OVERDUE
from apps.slas.rules import escalation
from apps.slas.services import clocks


def next_act(clock: Clock) -> str:
    """What the clock's next step does, one of ``rules.escalation.WORDS``."""
    return escalation.parse_steps(clock.terms.get("steps", []))[clock.next_step].act


@dataclass
class Round:
    """One batch: what was done and who is told, written at its end in a few statements."""

    at: datetime
    acts: list[EscalationAct] = field(default_factory=list)
    told: list[NewNotification] = field(default_factory=list)
    given: dict[int, str] = field(default_factory=dict)
    """What became of a lead that was to be given on, in words."""

    def take(self, clock: Clock) -> None:
        """Take the clock's next step and name the one after it."""
        act = next_act(clock)
        outcome = getattr(self, f"_{act}")(clock)
        self.acts.append(
            EscalationAct(
                clock=clock,
                step=clock.next_step,
                act=act,
                planned_at=clock.next_step_at or self.at,
                at=self.at,
                outcome=outcome[:200],
            )
        )
        clock.next_step += 1
        clock.next_step_at = (
            None
            if clock.answered_at is not None
            else clocks.step_at(
                clock=clock,
                hours=clocks.hours_of_clock(clock),
                pauses=clocks.pauses_of(clock=clock, until=self.at),
            )
        )

    def write(self, found: Sequence[Clock]) -> None:
        # ``rep`` is written by hand_over, which a reassignment calls.
        update_rows(found, ("next_step", "next_step_at"))
        insert_rows(self.acts)
        notify(notifications=self.told, at=self.at)

    # --- What each act does; each returns its outcome in words ---

    def _remind(self, clock: Clock) -> str:
        rep = clock.rep
        if rep is None:
            return "Nobody to remind: it lies in the pool"
        if rep.user_id is None:
            return f"{rep.name} has no sign-in to be reminded at"
        self._tell(clock, rep.user_id, AT_RISK if clock.due_at > self.at else OVERDUE)
        return f"{rep.name} was reminded"

    def _notify_manager(self, clock: Clock) -> str:
        manager = clock.team.manager if clock.team else None
        if manager is None:
            return "Nobody to tell: the team has no manager"
        self._tell(clock, manager.pk, OVERDUE if clock.due_at <= self.at else AT_RISK)
        return f"{manager.name} was told"

    def _reassign(self, clock: Clock) -> str:
        return self.given.get(clock.lead_id, "Nobody to give it to: the lead has no team")

    def give_on(self, found: Sequence[Clock]) -> None:
        """Give the leads of these clocks on, all in one act; ``take`` then says of each what became of it."""
        takers = Takers(self.at)
        chosen: dict[int, Rep] = {}
        for clock in found:
            if clock.team_id is None or clock.lead_id in chosen:
                continue
            taker = takers.next_for(clock)
            if taker is None:
                self.given[clock.lead_id] = "Nobody else of the team is there today"
            else:
                chosen[clock.lead_id] = taker
        moved = owners.pass_on_many(takers=chosen, because="its promise was broken", at=self.at)
        told: set[int] = set()
        for clock in found:
            taker = chosen.get(clock.lead_id)
            if taker is None:
                continue
            if clock.lead_id not in moved:
                self.given[clock.lead_id] = "It stays: somebody works it at this moment"
                continue
            self.given[clock.lead_id] = f"Given to {taker.name}"
            clock.rep = taker
            if taker.user_id is not None and clock.lead_id not in told:
                told.add(clock.lead_id)
                self._tell(clock, taker.user_id, OVERDUE, given=True)

    def _reroute(self, clock: Clock) -> str:
        assert clock.hand_off is not None
        try:
            with transaction.atomic():
                taker = reroute(hand_off=clock.hand_off, because="no answer in time", at=self.at)
        except (UnableToReroute, UnableToDecide) as error:
            return str(error)
        # This promise stays the first AE's; the one who has it now gets a promise of their own.
        clock.hand_off.refresh_from_db()
        clocks.start_ae_answer(hand_off=clock.hand_off, at=self.at)
        if taker.user_id is not None:
            self._tell(clock, taker.user_id, AT_RISK, given=True)
        return f"Routed again, to {taker.name}"

    def _auto_accept(self, clock: Clock) -> str:
        assert clock.hand_off is not None
        try:
            with transaction.atomic():
                hand_offs.accept_hand_off(
                    hand_off=clock.hand_off, at=self.at, source=Source.SCHEDULE, how=AnsweredHow.SILENCE
                )
        except UnableToDecide as error:
            return str(error)
        clock.answered_at = self.at  # the receiver wrote it; here so that no step is planned any more
        return "Accepted by itself, as the policy says"

    def _tell(self, clock: Clock, user_id: int, kind: str, given: bool = False) -> None:
        what = clock.get_kind_display()
        when = "overdue" if kind == OVERDUE else "soon due"
        title = f"{clock.lead.label}: {what.lower()} {when}"
        url = (
            reverse("leads:hand_off", args=[clock.hand_off_id])
            if clock.hand_off_id
            else reverse("leads:lead", args=[clock.lead_id])
        )
        self.told.append(
            NewNotification(
                user_id=user_id,
                kind=kind,
                key=f"clock:{clock.pk}:{clock.next_step}:{'given' if given else 'told'}",
                title=(f"Now yours: {title}" if given else title)[:160],
                body=f"Promised by {clock.terms.get('policy', 'a policy')}.",
                url=url,
            )
        )


class Takers:
    """Whom a broken promise goes to: of the team's SDRs who are there today, whoever has least before them."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.today = day_of(at, settings.COMPANY_TIME_ZONE)
        self.teams: dict[int, list[Rep]] = {}
        self.load: Counter[int] = Counter()

    def next_for(self, clock: Clock) -> Rep | None:
        """Somebody else than the present owner; ``None`` when nobody is there."""
        team_id = clock.team_id
        assert team_id is not None
        if team_id not in self.teams:
            self._read(team_id)
        there = [rep for rep in self.teams[team_id] if rep.pk != clock.rep_id]
        if not there:
            return None
        taker = min(there, key=lambda rep: (self.load[rep.pk], rep.pk))
        self.load[taker.pk] += 1
        return taker

    def _read(self, team_id: int) -> None:
        reps = list(
            Rep.objects.sdrs()
            .active_on(self.today)
            .filter(team=team_id)
            .select_related("user")
            .order_by("pk")
        )
        away = away_on(self.today, [rep.pk for rep in reps])
        self.teams[team_id] = [rep for rep in reps if rep.pk not in away]
        waiting = (
            Lead.objects.filter(owner__in=[rep.pk for rep in reps])
            .filter(Q(queue_bucket__isnull=False, queue_ready_at__lte=self.at))
            .order_by()
            .values_list("owner")
            .annotate(n=Count("pk"))
        )
        self.load.update(dict(waiting))
