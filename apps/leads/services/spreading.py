"""Spread planned cadence steps anew when leads pass to another rep, whose days may be full already."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from apps.core.bulk import update_rows
from apps.leads.models import Enrolment, Lead
from apps.leads.services import queue
from apps.leads.services.planning import Planner
from apps.leads.services.throttles import limits_of_reps
from apps.reps.models import Rep


@transaction.atomic
def spread_again(*, leads: Collection[int], at: datetime) -> int:
    """Plan the steps of these leads (by id) within their owners' limits; how many moved to a later time.

    In the order in which they are due, and nothing earlier than it was. Leads of owners without a limit stay as
    they are: a few statements then, whatever their number.
    """
    planned = Enrolment.objects.filter(lead__in=leads, state=Enrolment.State.ACTIVE, due_at__isnull=False)
    owners = Rep.objects.filter(pk__in=planned.order_by().values("lead__owner"))
    limits = limits_of_reps(list(owners))
    limited = [pk for pk, found in limits.items() if found.limits_steps]
    if not limited:
        return 0
    ids = planned.filter(lead__owner__in=limited).values_list("lead_id", flat=True)
    locked = {
        lead.pk: lead
        for lead in Lead.objects.select_for_update(of=("self",)).filter(pk__in=list(ids)).order_by("pk")
    }
    planner = Planner(locked.values(), at)
    moved = []
    for enrolment in planned.filter(lead__in=locked).order_by("due_at", "pk"):
        lead = locked[enrolment.lead_id]
        due_at = planner.soonest(lead, lead.next_channel, max(enrolment.due_at or at, at))
        if enrolment.due_at is not None and due_at <= max(enrolment.due_at, at):
            continue
        if enrolment.check_at is not None:
            enrolment.check_at = due_at
        if lead.next_touch_at == enrolment.due_at:
            lead.next_touch_at = due_at
        enrolment.due_at = due_at
        queue.settle(lead)
        moved.append(enrolment)
    update_rows(moved, ("due_at", "check_at"))
    update_rows(
        [locked[one.lead_id] for one in moved],
        ("next_touch_at", "queue_bucket", "queue_sort_at", "queue_ready_at"),
    )
    return len(moved)
