"""Set practice goals of one small step, end them; name recorded meetings that somebody should listen to."""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.accounts.services.notifications import NewNotification, notify
from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.core.locks import hold
from apps.core.periods import Period, day_of, month_of
from apps.leads.models import Meeting
from apps.leads.rules.metrics import METRICS, Better
from apps.reps.models import Rep
from apps.scorecards.models import PracticeGoal, PracticeGoalEnd, SharedRecording
from apps.scorecards.notification_kinds import COACHED
from apps.scorecards.rules import coaching as rules
from apps.scorecards.rules.figures import in_figures
from apps.scorecards.rules.layout import LAYOUTS
from apps.scorecards.selectors.coaching import peers_at
from apps.scorecards.services.training import is_https

LONGEST_MONTHS = 6


class UnableToCoach(DomainError):
    """The step is too long, another goal of the metric runs, or there is nothing to listen to."""

    code = "unable_to_coach"


@transaction.atomic
def set_goal(
    *, rep: Rep, metric: str, aim: Fraction, last_month: Period, why: str = "", at: datetime, actor: Any
) -> PracticeGoal:
    """Agree that ``rep`` brings ``metric`` to ``aim`` by the end of ``last_month``: one step, one tier at the most.

    Where the rep stands is read from the record now and kept with the goal. Raises ``InvalidInput`` naming the field,
    ``UnableToCoach``.
    """
    layout = LAYOUTS[rep.role]
    if metric not in layout.metrics:
        raise InvalidInput("Choose a metric of the rep's scorecard.", field="metric")
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    running = month_of(today)
    _refuse_month(last_month, running)
    hold([f"goal:{rep.pk}:{metric}"])
    open_ones = PracticeGoal.objects.filter(rep=rep, metric=metric, ends_on__gt=today, end__isnull=True)
    if open_ones.exists():
        raise UnableToCoach("A goal for this metric runs already: end that one first.", field="metric")
    lower = METRICS[metric].better is Better.LOWER
    step = rules.next_step(rep.pk, peers_at(rep=rep, metric=metric, before=running.start), lower=lower)
    if step is None:
        raise UnableToCoach(
            "The record holds nothing of this metric to step up from: choose another one.", field="metric"
        )
    if not rules.is_within(aim, step, lower=lower):
        raise UnableToCoach(_too_far(step, metric, rep.team.currency, lower=lower), field="aim")
    goal = PracticeGoal.objects.create(
        rep=rep,
        metric=metric,
        months=layout.months,
        baseline=str(step.own),
        aim=str(aim),
        baseline_ends_on=running.start,
        ends_on=last_month.end,
        tier_from=step.from_tier,
        tier_to=step.to_tier,
        why=why.strip()[:500],
        set_by=actor,
        set_at=at,
    )
    audit.record(
        verb="scorecards.goal.set",
        subject=goal,
        at=at,
        actor=actor,
        data={
            "rep": rep.pk,
            "metric": metric,
            "from": str(step.own),
            "to": str(aim),
            "until": last_month.code,
        },
    )
    figure = in_figures(aim, METRICS[metric].unit, rep.team.currency)
    _tell(rep, f"goal:{goal.pk}", f"A practice goal until the end of {last_month.name}",
          f"{METRICS[metric].name} to {figure}.", at)  # fmt: skip
    return goal


def _refuse_month(last: Period, running: Period) -> None:
    latest = running
    for _ in range(LONGEST_MONTHS):
        latest = latest.following()
    if not running.start <= last.start <= latest.start:
        raise InvalidInput(f"Choose a month from this one to {latest.name}.", field="last_month")


def _too_far(step: rules.Step, metric: str, currency: str, *, lower: bool) -> str:
    """Why an aim is refused, with the figures that say so."""
    unit = METRICS[metric].unit
    own, limit = in_figures(step.own, unit, currency), in_figures(step.limit, unit, currency)
    reach = f"the mean of tier {step.to_tier}" if step.to_tier else "a tenth"
    side = "below" if lower else "above"
    return f"Aim {side} {own}, where it stands now, and not past {limit}, {reach}: one small step at a time."


@transaction.atomic
def end_goal(*, goal: PracticeGoal, reason: str, at: datetime, actor: Any) -> PracticeGoalEnd:
    """End a goal before its time. Raises ``InvalidInput`` without a reason, ``UnableToCoach`` for one that is over."""
    if not reason.strip() or len(reason.strip()) > 300:
        raise InvalidInput("Say why, in at most 300 characters.", field="reason")
    if goal.ends_on <= day_of(at, settings.COMPANY_TIME_ZONE):
        raise UnableToCoach("It is over by itself.")
    try:
        with transaction.atomic():
            end = PracticeGoalEnd.objects.create(
                goal=goal, reason=reason.strip(), ended_by=actor, ended_at=at
            )
    except IntegrityError:
        raise UnableToCoach("It was ended already.") from None
    audit.record(verb="scorecards.goal.ended", subject=goal, at=at, actor=actor, data={"rep": goal.rep_id})
    return end


@transaction.atomic
def share_recording(
    *, meeting: Meeting, reps: Sequence[Rep], why: str, at: datetime, actor: Any
) -> list[SharedRecording]:
    """Name the recording of ``meeting`` to ``reps``, once each; those who were told before are left out.

    Raises ``InvalidInput`` naming the field, ``UnableToCoach`` where there is no recording to open.
    """
    if not why.strip() or len(why.strip()) > 300:
        raise InvalidInput("Say what to listen for, in at most 300 characters.", field="why")
    if not reps:
        raise InvalidInput("Choose who should listen.", field="reps")
    if not is_https(meeting.recording_url):
        raise UnableToCoach("This meeting has no recording at an https:// address.")
    hold([f"recording:{meeting.pk}"])
    told = set(SharedRecording.objects.filter(meeting=meeting, rep__in=reps).values_list("rep_id", flat=True))
    made = SharedRecording.objects.bulk_create(
        SharedRecording(
            meeting=meeting,
            rep=one,
            url=meeting.recording_url,
            why=why.strip(),
            shared_by=actor,
            shared_at=at,
        )
        for one in reps
        if one.pk not in told
    )
    for one in made:
        audit.record(
            verb="scorecards.recording.shared",
            subject=one,
            at=at,
            actor=actor,
            data={"meeting": meeting.pk, "rep": one.rep_id},
        )
        _tell(one.rep, f"recording:{meeting.pk}", "A meeting to listen to", one.why, at)
    return made


def _tell(rep: Rep, key: str, title: str, body: str, at: datetime) -> None:
    if rep.user_id is not None:
        page = reverse("scorecards:own_training")
        notify(notifications=[NewNotification(rep.user_id, COACHED, key, title, body, page)], at=at)
