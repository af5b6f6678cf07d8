"""What cadences do by themselves as time goes by: resume, look at conditions, take up who came back.

Each is idempotent: it asks again, under the lead's lock, whether there is still something to do, so that two
at once, or one that comes late, do each thing once.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef, QuerySet

from apps.core.bulk import insert_rows, update_rows
from apps.core.periods import day_of
from apps.leads.models import CadenceVersion, Enrolment, EnrolmentAct, Lead, LeadStage, Motion, QueueBucket
from apps.leads.rules.conditions import parse_conditions
from apps.leads.selectors.conditions import matching
from apps.leads.services import enrolments, queue
from apps.leads.services.advancing import Courses
from apps.leads.services.planning import Planner

BATCH = 200

_BEGINS = (
    EnrolmentAct.Kind.ENROLLED, EnrolmentAct.Kind.STEPPED, EnrolmentAct.Kind.SKIPPED,
    EnrolmentAct.Kind.RESUMED,
)  # fmt: skip
"""The acts from which "since the step before" counts."""


def sweep(*, at: datetime) -> dict[str, int]:
    """Everything, once; how many leads each part moved."""
    return {
        "resumed": resume_due(at=at),
        "passed over": check_due(at=at),
        "back": enrol_returned(at=at),
    }


def resume_due(*, at: datetime) -> int:
    """Resume the enrolments whose pause ends on the company's day of ``at``; how many this call did."""
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    due = Enrolment.objects.filter(state=Enrolment.State.PAUSED, resumes_on__lte=today)
    return _in_batches(due, lambda ids: _resume(ids, due, at))


@transaction.atomic
def _resume(ids: Sequence[int], due: QuerySet[Enrolment], at: datetime) -> int:
    leads = _locked(ids)
    found = [one for one in due.filter(pk__in=ids).select_related("version") if one.lead_id in leads]
    planner = Planner(leads.values(), at)
    resumed = []
    for enrolment in found:
        lead = leads[enrolment.lead_id]
        try:
            enrolments.take_up(enrolment=enrolment, lead=lead, planner=planner, at=at)
        except enrolments.EnrolmentMovedOn:
            # Every channel was closed meanwhile: the cadence has no way on.
            enrolments.close(
                enrolment=enrolment, state=Enrolment.State.REMOVED, reason="No channel is open", at=at
            )
        queue.settle(lead)
        resumed.append(enrolment)
    kinds = {
        Enrolment.State.ACTIVE: EnrolmentAct.Kind.RESUMED,
        Enrolment.State.REMOVED: EnrolmentAct.Kind.REMOVED,
    }
    update_rows(resumed, enrolments.ENROLMENT_FIELDS)
    update_rows([leads[one.lead_id] for one in resumed], enrolments.PLANNED_FIELDS)
    insert_rows(
        [
            enrolments.act_of(
                enrolment=one, kind=kinds[Enrolment.State(one.state)], at=at, by=None, reason=one.reason
            )
            for one in resumed
        ]
    )
    return len(resumed)


def check_due(*, at: datetime) -> int:
    """Look at the conditions of steps that fell due; how many were passed over by this call."""
    due = Enrolment.objects.filter(state=Enrolment.State.ACTIVE, check_at__lte=at)
    return _in_batches(due, lambda ids: _check(ids, due, at))


@transaction.atomic
def _check(ids: Sequence[int], due: QuerySet[Enrolment], at: datetime) -> int:
    leads = _locked(ids)
    found = [one for one in due.filter(pk__in=ids) if one.lead_id in leads]
    looked_at = [leads[one.lead_id] for one in found]
    acts = EnrolmentAct.objects.filter(enrolment__in=found, kind__in=_BEGINS)
    since = dict(acts.order_by().values_list("enrolment").annotate(Max("at")))
    courses = Courses(looked_at, at)
    passed = 0
    for enrolment in found:
        lead = leads[enrolment.lead_id]
        passed += courses.pass_over(lead, at, since.get(enrolment.pk, enrolment.enrolled_at))
        queue.settle(lead)
    courses.save()
    update_rows(looked_at, enrolments.PLANNED_FIELDS)
    return passed


def enrol_returned(*, at: datetime) -> int:
    """Enrol leads that came back from nurture in the first matching cadence; how many this call did.

    The queue offers them without this. Whoever was enrolled since the return, and removed again, is left
    alone; whom a daily limit keeps out is asked for again on the next day.
    """
    enrolled = 0
    for cadence, version in enrolments.self_enrolling(Motion.RECYCLED):
        back = _returned(at).filter(matching(parse_conditions(cadence.conditions)))
        ids = list(back.order_by("queue_sort_at", "pk").values_list("pk", flat=True)[: BATCH * 10])
        for start in range(0, len(ids), BATCH):
            enrolled += _enrol(ids[start : start + BATCH], version, at)
    return enrolled


def _returned(at: datetime) -> QuerySet[Lead]:
    since = Enrolment.objects.filter(lead=OuterRef("pk"), enrolled_at__gte=OuterRef("queue_ready_at"))
    return Lead.objects.filter(
        ~Exists(since),
        ~Exists(Enrolment.objects.open().filter(lead=OuterRef("pk"))),
        stage=LeadStage.RECYCLED,
        queue_bucket=QueueBucket.RECYCLED,
        queue_ready_at__lte=at,
    )


@transaction.atomic
def _enrol(ids: Sequence[int], version: CadenceVersion, at: datetime) -> int:
    locked = _skip_locked(Lead.objects.filter(pk__in=ids)).values_list("pk", flat=True)
    leads = list(_returned(at).filter(pk__in=list(locked)).select_related("owner").order_by("pk"))
    return len(enrolments.enrol_locked(leads=leads, version=version, at=at).enrolments) if leads else 0


# --- A batch at a time ----------------------------------------------------------------------------------


def _in_batches(due: QuerySet[Enrolment], work: Callable[[Sequence[int]], int]) -> int:
    """Each batch in a transaction of its own: one that fails takes nothing of the others with it."""
    ids = list(due.order_by("pk").values_list("pk", flat=True))
    return sum(work(ids[start : start + BATCH]) for start in range(0, len(ids), BATCH))


def _locked(enrolments_of: Sequence[int]) -> dict[int, Lead]:
    """The leads of these enrolments, by id; those that somebody holds right now wait for the next sweep."""
    leads = Lead.objects.filter(enrolments__in=enrolments_of)
    return {lead.pk: lead for lead in _skip_locked(leads).order_by("pk")}


def _skip_locked(leads: QuerySet[Lead]) -> QuerySet[Lead]:
    skips = connection.features.has_select_for_update_skip_locked
    return leads.select_for_update(skip_locked=skips, of=("self",) if skips else ())
