"""Take in touches that another system kept: many at once, as history that plans no next step."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.core.bulk import insert_rows, update_rows
from apps.leads.models import Disposition, EventKind, Lead, LeadStage, Source, Touch
from apps.leads.rules import dispositions
from apps.leads.services import queue, suppressions
from apps.leads.services.record import NewEvent, record_events, sourced
from apps.leads.services.undoing import hold_names
from apps.reps.models import Rep

_COUNTED = (
    "stage", "first_touch_at", "last_touch_at", "touch_count", "attempts", "queue_bucket", "queue_sort_at",
    "queue_ready_at",
)  # fmt: skip
_MOST_COUNTED = 32_767


@dataclass(frozen=True)
class ImportedTouch:
    """A touch as another system kept it."""

    external_id: str
    lead: Lead
    rep: Rep
    occurred_at: datetime
    channel: str
    disposition: str
    note: str = ""


def request_key(*, system: str, external_id: str) -> str:
    """By what an imported touch is known again."""
    text = f"{system}:touches:{external_id}"
    return f"import:{hashlib.blake2b(text.encode(), digest_size=20).hexdigest()}"


@transaction.atomic
def take_in_touches(
    *, touches: Sequence[ImportedTouch], system: str, at: datetime, actor: Any = None
) -> list[Touch]:
    """Touches new to the portal, counted on their leads. A lead that was touched is worked; opt-outs always win.

    No next step is planned and no promise starts: it is history.
    """
    hold_names(leads=[one.lead.pk for one in touches if one.disposition == Disposition.OPT_OUT])
    ids = sorted({one.lead.pk for one in touches})
    leads = {
        lead.pk: lead
        for lead in Lead.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
    }
    rows = [
        Touch(
            lead=leads[one.lead.pk],
            rep=one.rep,
            channel=one.channel,
            disposition=one.disposition,
            persona=leads[one.lead.pk].persona,
            note=one.note,
            occurred_at=one.occurred_at,
            request_key=request_key(system=system, external_id=one.external_id),
        )
        for one in touches
    ]
    insert_rows(rows)
    recount_touches(leads=list(leads.values()))
    record_events(
        events=[
            NewEvent(
                kind=EventKind.TOUCHED,
                occurred_at=one.occurred_at,
                source=Source.IMPORT,
                source_key=f"{system}:touches:{one.external_id}:touched",
                lead=row.lead,
                credits=sourced(one.rep),
                actor=actor,
                data={"channel": one.channel, "disposition": one.disposition},
            )
            for one, row in zip(touches, rows, strict=True)
        ],
        at=at,
    )
    opted_out = {row.lead_id: row.lead for row in rows if row.disposition == Disposition.OPT_OUT}
    suppressions.close_leads(
        leads=[lead for lead in opted_out.values() if not lead.do_not_contact], at=at, actor=actor
    )
    return rows


def recount_touches(*, leads: Sequence[Lead]) -> None:
    """Count the touches of leads that the caller holds, from all that stand, in the order in which they were made."""
    by_lead: dict[int, list[tuple[datetime, str]]] = {lead.pk: [] for lead in leads}
    rows = Touch.objects.filter(lead__in=by_lead, undone_at__isnull=True).order_by("occurred_at", "pk")
    for lead_id, occurred_at, disposition in rows.values_list("lead_id", "occurred_at", "disposition"):
        by_lead[lead_id].append((occurred_at, disposition))
    for lead in leads:
        made = by_lead[lead.pk]
        lead.touch_count = min(len(made), _MOST_COUNTED)
        lead.first_touch_at = made[0][0] if made else None
        lead.last_touch_at = made[-1][0] if made else None
        lead.attempts = min(_in_a_row(made), _MOST_COUNTED)
        if made and lead.stage in (LeadStage.MCL, LeadStage.MQL):
            lead.stage = LeadStage.WORKING
        queue.settle(lead)
    update_rows(leads, _COUNTED)


def _in_a_row(made: Iterable[tuple[datetime, str]]) -> int:
    """Touches since the last contact."""
    count = 0
    for _, disposition in made:
        count = 0 if disposition in dispositions.CONTACTS else count + 1
    return count
