"""Turn what time has done to inquiries into facts: remind, tell the finance lead, close what nobody opened again.

A poller over stored instants: any number may run at once, late or never, and each step is taken once. A row that
somebody holds is skipped where the database can; on either a step is a row that is unique in its round.
"""

from datetime import datetime

from django.db import connection, transaction

from apps.compensation.models import Inquiry, InquiryAct
from apps.compensation.rules.inquiries import SETTLED
from apps.compensation.rules.inquiry_clock import REMIND, REMIND_FIRST
from apps.compensation.services import inquiry_clocks as clocks
from apps.compensation.services import inquiry_news as news
from apps.compensation.services.inquiry_rows import act
from apps.compensation.services.inquiry_terms import leads_of, terms_in_force

_BATCH = 100


def sweep(*, at: datetime) -> int:
    """Take every step whose instant has come; how many this call took. One that was missed is made up in order."""
    taken = 0
    while steps := _sweep_some(at):
        taken += steps
    return taken


@transaction.atomic
def _sweep_some(at: datetime) -> int:
    due = Inquiry.objects.filter(next_step_at__lte=at).order_by("next_step_at", "pk")
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True, of=("self",))
    found = list(due.select_related("rep", "owner")[:_BATCH])
    if not found:
        return 0
    leads = leads_of(terms_in_force())
    for inquiry in found:
        _step(inquiry, leads, at)
    return len(found)


def _step(inquiry: Inquiry, leads: list[int], at: datetime) -> None:
    if inquiry.state in SETTLED:
        inquiry.state, inquiry.next_step_at = Inquiry.State.CLOSED, None
        inquiry.save(update_fields=["state", "next_step_at"])
        act(inquiry=inquiry, kind=InquiryAct.Kind.CLOSED, at=at, actor=None, words="Nobody opened it again.")
        return
    found = clocks.step_of(inquiry)
    if found is not None and found[1] <= at and inquiry.is_running:
        step = found[0]
        act(inquiry=inquiry, kind=InquiryAct.Kind(step), at=at, actor=None)
        if step in (REMIND_FIRST, REMIND):
            news.tell_soon_due(inquiry=inquiry, step=step, at=at)
        else:
            news.tell_late(inquiry=inquiry, step=step, leads=leads, at=at)
    if inquiry.is_running:
        clocks.look_ahead(inquiry)
    else:
        inquiry.next_step_at = None
    inquiry.save(update_fields=["next_step_at"])
