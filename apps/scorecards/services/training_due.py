"""When each person's certification is due, kept as rows; and the sweep that reminds on stored instants.

``refresh`` works the rows out from the results and may run any number of times: the same results give the same rows.
A reminder is claimed by a conditional update of the instant that was read, so that two sweeps at once send one; it is
keyed by due day and stage, so that a sweep that dies behind the claim tells nobody twice.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.urls import reverse

from apps.accounts.services.notifications import NewNotification, notify
from apps.core.locks import hold
from apps.core.periods import day_of, day_start
from apps.reps.models import Rep
from apps.scorecards.models import Certification, CertificationResult, TrainingDue
from apps.scorecards.notification_kinds import TRAINING_DUE
from apps.scorecards.rules import training as rules

_BATCH = 200


def refresh(*, at: datetime, reps: Iterable[int] | None = None) -> int:
    """Bring the rows of ``reps`` (all who are here without) up to what the results say; how many changed.

    Who left, and what was retired, has no row any more. A due day that moved begins its reminders anew.
    """
    with transaction.atomic():
        hold(["training_due"])
        return _refresh(at, None if reps is None else list(reps))


def _refresh(at: datetime, ids: list[int] | None) -> int:
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    people = Rep.objects.active_on(today)
    kept = TrainingDue.objects.all()
    if ids is not None:
        people, kept = people.filter(pk__in=ids), kept.filter(rep__in=ids)
    certifications: dict[str, list[Certification]] = {}
    for asked in Certification.objects.in_use():
        certifications.setdefault(asked.role, []).append(asked)
    passed = dict(_passed(ids))
    wanted: dict[tuple[int, int], TrainingDue] = {}
    for pk, role, hired_on in people.values_list("pk", "role", "hired_on"):
        for certification in certifications.get(role, ()):
            until = passed.get((pk, certification.pk))
            due = rules.due_on(passed_until=until, hired_on=hired_on, asked_from=certification.asked_from)
            wanted[pk, certification.pk] = TrainingDue(
                rep_id=pk, certification=certification, due_on=due, was_passed=until is not None
            )
    there = {(one.rep_id, one.certification_id): one for one in kept}
    gone = [one.pk for key, one in there.items() if key not in wanted]
    TrainingDue.objects.filter(pk__in=gone).delete()
    new = [one for key, one in wanted.items() if key not in there]
    for one in new:
        one.remind_at = _first_reminder(one.due_on, today)
    TrainingDue.objects.bulk_create(new, batch_size=500)
    moved = []
    for key, one in wanted.items():
        row = there.get(key)
        if row is not None and (row.due_on, row.was_passed) != (one.due_on, one.was_passed):
            row.due_on, row.was_passed = one.due_on, one.was_passed
            row.remind_at = _first_reminder(row.due_on, today)
            moved.append(row)
    TrainingDue.objects.bulk_update(moved, ["due_on", "was_passed", "remind_at"], batch_size=500)
    return len(gone) + len(new) + len(moved)


def _passed(ids: list[int] | None) -> Any:
    """Until when each (rep, certification) holds, of the passes that stand."""
    passes = CertificationResult.objects.standing().filter(is_pass=True)
    if ids is not None:
        passes = passes.filter(rep__in=ids)
    rows = passes.order_by().values_list("rep", "certification").annotate(until=Max("valid_until"))
    return (((rep, certification), until) for rep, certification, until in rows)


def _first_reminder(due: date, today: date) -> datetime:
    """When it is told first: at once for a stage that has come, else when the next one does."""
    found = rules.reminder_at(today, due) or rules.reminder_after(today, due)
    return day_start(found.on, settings.COMPANY_TIME_ZONE)


def sweep(*, at: datetime) -> int:
    """Tell of everything whose instant has come; how many this call told. What was missed is told once, as it is."""
    told = 0
    while batch := list(
        TrainingDue.objects.to_remind(at)
        .select_related("rep__team", "rep__user", "certification")
        .order_by("remind_at", "pk")[:_BATCH]
    ):
        for one in batch:
            told += _remind(one, at)
    return told


@transaction.atomic
def _remind(due: TrainingDue, at: datetime) -> bool:
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    following = day_start(rules.reminder_after(today, due.due_on).on, settings.COMPANY_TIME_ZONE)
    claimed = TrainingDue.objects.filter(pk=due.pk, remind_at=due.remind_at, due_on=due.due_on).update(
        remind_at=following
    )
    reminder = rules.reminder_at(today, due.due_on)
    if not claimed or reminder is None:
        return False
    notify(notifications=_news(due, reminder), at=at)
    return True


def _news(due: TrainingDue, reminder: rules.Reminder) -> list[NewNotification]:
    """To the rep; and, once it is overdue, to the manager."""
    rep, day = due.rep, f"{due.due_on.day} {due.due_on:%B %Y}"
    late = reminder.stage is rules.Stage.OVERDUE
    words = f"overdue since {day}" if late else f"due before {day}"
    body = (
        f"A pass holds {due.certification.valid_months} months."
        if due.was_passed
        else "It has not been passed yet."
    )
    key = f"training:{rep.pk}:{due.certification_id}:{due.due_on}:{reminder.key}"
    found = []
    if rep.user_id is not None:
        own = reverse("scorecards:own_training")
        title = f"{due.certification.name} is {words}"
        found.append(NewNotification(rep.user_id, TRAINING_DUE, key, title, body, own))
    if late and rep.team.manager_id is not None:
        page = f"{reverse('scorecards:training')}?state=overdue"
        title = f"{rep.name}: {due.certification.name} is {words}"
        found.append(NewNotification(rep.team.manager_id, TRAINING_DUE, key, title, body, page))
    return found
