"""How leads in cadences advance: by touches, and by the instant at which a step's condition is looked at.

- A touch over the channel that the cadence planned is that step, done. One over another channel is an attempt
  like any, and the planned step stays where it was planned.
- While a lead is in a cadence, the cadence says when and over which channel the next touch comes; what the
  disposition rules say beside that (leaving, a proposal, a callback) holds as ever.
- What makes the lead leave ends the enrolment. A promised callback pauses it until that touch. After a talk it
  goes on, but for the steps that are only for those nobody reached; once it is through, the rules go on alone.
- A pause by hand is nobody's to end but by hand or by its date: touches meanwhile are attempts.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q

from apps.core.bulk import insert_rows, update_rows
from apps.leads.models import Channel, Disposition, Enrolment, EnrolmentAct, Lead, Touch
from apps.leads.rules import cadences as rules
from apps.leads.rules.dispositions import CONTACTS, Act, NextStep, open_channel
from apps.leads.services.enrolments import ENROLMENT_FIELDS, UNTIL_CALLBACK, act_of, close, plan
from apps.leads.services.planning import Planner

_ENDS = (Act.RECYCLE, Act.DISQUALIFY, Act.NEVER_CONTACT)


def bad_channels(leads: Collection[int]) -> dict[int, set[str]]:
    """By lead: channels whose number or address proved bad, and that carried nothing since. One statement."""
    since = Touch.objects.filter(
        lead=OuterRef("lead"), channel=OuterRef("channel"), undone_at__isnull=True,
        occurred_at__gt=OuterRef("occurred_at"),
    ).exclude(disposition=Disposition.BAD_CONTACT)  # fmt: skip
    bad = Touch.objects.filter(
        ~Exists(since), lead__in=leads, disposition=Disposition.BAD_CONTACT, undone_at__isnull=True
    )
    found: dict[int, set[str]] = {}
    for lead, channel in bad.order_by().values_list("lead_id", "channel"):
        found.setdefault(lead, set()).add(channel)
    return found


@dataclass
class Course:
    """One lead's way: the cadence it is in, if any, and what the conditions of its steps look at."""

    enrolment: Enrolment | None
    bad: set[str] = field(default_factory=set)
    spoken_at: datetime | None = None
    emailed_at: datetime | None = None

    def note(self, channel: str, disposition: str, at: datetime) -> None:
        """Know of a touch."""
        if disposition == Disposition.BAD_CONTACT:
            self.bad.add(channel)
        else:
            self.bad.discard(channel)
        if disposition in CONTACTS:
            self.spoken_at = at
        if channel == Channel.EMAIL:
            self.emailed_at = at

    def facts(self, lead: Lead, since: datetime) -> rules.Facts:
        assert self.enrolment is not None
        return rules.Facts(
            enrolled_at=self.enrolment.enrolled_at,
            since=since,
            score=lead.score,
            spoken_at=self.spoken_at,
            replied_at=lead.inquired_at,
            emailed_at=self.emailed_at,
            visited_at=lead.last_visit_at,
        )

    def planned(self, lead: Lead) -> tuple[rules.Step | None, str]:
        """The step that comes next and the channel over which it is to be done."""
        if self.enrolment is None or self.enrolment.state not in Enrolment.OPEN:
            return None, ""
        step = rules.parse_steps(self.enrolment.version.steps)[self.enrolment.step - 1]
        return step, open_channel(step.channel, {*lead.closed_channels, *self.bad})


class Courses:
    """The courses of a batch of leads, whose rows the caller holds; saved together."""

    def __init__(self, leads: Sequence[Lead], at: datetime, reps: Iterable[int] = ()) -> None:
        self._leads = {lead.pk: lead for lead in leads}
        self._at, self._reps = at, set(reps)
        self._planner: Planner | None = None
        self._acts: list[EnrolmentAct] = []
        self._changed: dict[int, Enrolment] = {}
        opened = {
            one.lead_id: one
            for one in Enrolment.objects.open().filter(lead__in=self._leads).select_related("version")
        }
        bad = bad_channels(self._leads)
        self._courses = {pk: Course(opened.get(pk), bad.get(pk, set())) for pk in self._leads}
        if opened:
            self._load_talks(opened)

    def _load_talks(self, leads: Collection[int]) -> None:
        rows = Touch.objects.filter(lead__in=leads, undone_at__isnull=True).order_by().values("lead_id")
        talks = rows.annotate(
            spoken=Max("occurred_at", filter=Q(disposition__in=CONTACTS)),
            emailed=Max("occurred_at", filter=Q(channel=Channel.EMAIL)),
        )
        for row in talks:
            course = self._courses[row["lead_id"]]
            course.spoken_at, course.emailed_at = row["spoken"], row["emailed"]

    def of(self, lead: Lead) -> Course:
        return self._courses[lead.pk]

    def advance(
        self, lead: Lead, *, planned: str, channel: str, step: NextStep, at: datetime, by: Any
    ) -> int | None:
        """Move the lead's enrolment by a touch; the number of the step that it was, if it was one.

        ``planned`` is the channel of the coming step as it stood before the touch (``Course.planned``), and
        ``step`` what the disposition rules say. The lead's next touch is set where the cadence names it.
        """
        course = self.of(lead)
        enrolment = course.enrolment
        if enrolment is None or enrolment.state not in Enrolment.OPEN:
            return None
        if step.act in _ENDS:
            done = self._done(enrolment, planned, channel, at, by)
            self._end(enrolment, Enrolment.State.REMOVED, EnrolmentAct.Kind.REMOVED, at, by, step.reason)
            return done
        if enrolment.state == Enrolment.State.PAUSED:
            if enrolment.reason != UNTIL_CALLBACK:
                return None
            enrolment.state, enrolment.reason = Enrolment.State.ACTIVE, ""
            self._keep(enrolment, EnrolmentAct.Kind.RESUMED, at, by)
        done = self._done(enrolment, planned, channel, at, by)
        if done:
            self._plan().keep(lead, channel, at)
        self._go_on(lead, course, enrolment, done, step, at, by)
        return done

    def _done(self, enrolment: Enrolment, planned: str, channel: str, at: datetime, by: Any) -> int | None:
        if channel != planned or enrolment.state != Enrolment.State.ACTIVE:
            return None
        self._keep(enrolment, EnrolmentAct.Kind.STEPPED, at, by)
        return enrolment.step

    def _go_on(
        self,
        lead: Lead,
        course: Course,
        enrolment: Enrolment,
        done: int | None,
        step: NextStep,
        at: datetime,
        by: Any,
    ) -> None:
        """Plan the step that comes now, or finish."""
        before = enrolment.step
        coming = self._pass_over(lead, course, enrolment, before if done else before - 1, at, by)
        if coming is None:
            self._end(enrolment, Enrolment.State.FINISHED, EnrolmentAct.Kind.FINISHED, at, by, "")
            return
        if step.act is Act.CALL_BACK:
            enrolment.step, enrolment.due_at, enrolment.check_at = coming.number, None, None
            enrolment.state, enrolment.reason = Enrolment.State.PAUSED, UNTIL_CALLBACK
            self._keep(enrolment, EnrolmentAct.Kind.PAUSED, at, by, UNTIL_CALLBACK)
            return
        if coming.number == before and enrolment.due_at is not None:
            self._stay(lead, course, coming, enrolment.due_at)
        else:
            plan(enrolment=enrolment, lead=lead, step=coming, planner=self._plan(), since=at, bad=course.bad)
        self._changed[enrolment.pk] = enrolment
        if step.act is Act.PROPOSE:
            # The proposal asks for an answer now; declined, the cadence's own time holds (``services.proposals``).
            lead.next_touch_at = at

    def _stay(self, lead: Lead, course: Course, coming: rules.Step, due_at: datetime) -> None:
        lead.next_channel = open_channel(coming.channel, {*lead.closed_channels, *course.bad})
        lead.next_purpose = coming.purpose
        lead.next_touch_at = due_at
        self._plan().keep(lead, lead.next_channel, due_at)

    def pass_over(self, lead: Lead, at: datetime, since: datetime) -> bool:
        """Look at the condition of the step that is due. Where it does not hold, plan the next or finish.

        Whether the step was passed over; one that holds is not looked at again.
        """
        course = self.of(lead)
        enrolment = course.enrolment
        if enrolment is None or enrolment.state != Enrolment.State.ACTIVE or enrolment.check_at is None:
            return False
        step, _ = course.planned(lead)
        assert step is not None
        self._changed[enrolment.pk] = enrolment
        if rules.holds(step.when, course.facts(lead, since)):
            enrolment.check_at = None
            return False
        self._keep(enrolment, EnrolmentAct.Kind.SKIPPED, at, None, step.when_words)
        coming = self._pass_over(lead, course, enrolment, step.number, at, None)
        if coming is None:
            # The lead stays where it is: due now, for the rep and the disposition rules to go on.
            self._end(enrolment, Enrolment.State.FINISHED, EnrolmentAct.Kind.FINISHED, at, None, "")
            return True
        plan(enrolment=enrolment, lead=lead, step=coming, planner=self._plan(), since=at, bad=course.bad)
        return True

    def _pass_over(
        self, lead: Lead, course: Course, enrolment: Enrolment, after: int, at: datetime, by: Any
    ) -> rules.Step | None:
        steps = rules.parse_steps(enrolment.version.steps)
        closed = {*lead.closed_channels, *course.bad}
        coming, passed = rules.next_step(steps, after, course.facts(lead, at), closed)
        for step in passed:
            self._keep(enrolment, EnrolmentAct.Kind.SKIPPED, at, by, step.when_words, step.number)
        return coming

    def _end(self, enrolment: Enrolment, state: str, kind: str, at: datetime, by: Any, reason: str) -> None:
        self._keep(enrolment, kind, at, by, reason)
        close(enrolment=enrolment, state=state, reason=reason, at=at)

    def _keep(
        self,
        enrolment: Enrolment,
        kind: str,
        at: datetime,
        by: Any,
        reason: str = "",
        step: int | None = None,
    ) -> None:
        self._acts.append(act_of(enrolment=enrolment, kind=kind, at=at, by=by, reason=reason, step=step))
        self._changed[enrolment.pk] = enrolment

    def _plan(self) -> Planner:
        if self._planner is None:
            enrolled = [lead for lead in self._leads.values() if self._courses[lead.pk].enrolment is not None]
            self._planner = Planner(enrolled, self._at, self._reps)
        return self._planner

    def save(self) -> None:
        """Write what changed; the leads are the caller's to save."""
        update_rows(list(self._changed.values()), ENROLMENT_FIELDS)
        insert_rows(self._acts)
        self._changed, self._acts = {}, []
