"""Record visits to the site (and to events): what caused each, what it says of the lead, when the lead is next.

A visit is written once, whatever is sent twice. Who is opted out is recorded and never offered for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2s
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from apps.core.bulk import update_rows
from apps.core.periods import day_of
from apps.leads.models import EventKind, FunnelEvent, Lead, LeadStage, Source, Touch
from apps.leads.rules import attribution as rules
from apps.leads.services import queue, scoring
from apps.leads.services.record import NewEvent, record_events, sourced
from apps.reps.models import Rep

BATCH = 1_000
MOVES_UP_FOR = timedelta(hours=24)
"""A visit this recent moves the next touch up; an older one that came to light late does not."""
SKEW = timedelta(minutes=5)
"""How far another system's clock may be ahead of ours."""
_LONGEST_PAGE, _LONGEST_CAMPAIGN = 200, 80
_MOVED_FIELDS = (
    "last_visit_at", "visit_count", "next_touch_at", "stage", "mql_at", *scoring.SCORE_FIELDS,
    "queue_bucket", "queue_sort_at", "queue_ready_at",
)  # fmt: skip


@dataclass(frozen=True)
class NewVisit:
    """Somebody was on ``page`` at ``occurred_at``; ``campaign`` is what their address named, if anything.

    ``key`` names the visit at its source; without one it is known by its lead, instant and page. With
    ``event`` they came to that event (a webinar, a fair) instead: it counts into the score like a visit and
    moves the next touch up, but is none of the visits that outreach is measured by.
    """

    lead: Lead
    occurred_at: datetime
    page: str = ""
    campaign: str = ""
    key: str = ""
    source: Source = Source.API
    actor: Any = None
    event: str = ""

    @property
    def kind(self) -> EventKind:
        return EventKind.ATTENDED if self.event.strip() else EventKind.VISITED


@dataclass(frozen=True)
class Outcome:
    """What became of one visit: its event, whether that was written now, or why there is none."""

    event: FunnelEvent | None = None
    is_new: bool = False
    refused: str = ""
    field: str = ""


def window() -> timedelta:
    """How long after a touch a visit counts as caused by it (``OUTREACH_WINDOW_DAYS``)."""
    return timedelta(days=settings.OUTREACH_WINDOW_DAYS)


def page_of(address: str) -> str:
    """The path of a page: what stands after ``?`` may name a person."""
    return urlsplit(address.strip()).path[:_LONGEST_PAGE]


def source_key_of(visit: NewVisit) -> str:
    """The same for the same visit."""
    if visit.key:
        return f"visit:{visit.key}"
    where = visit.event.strip() or page_of(visit.page)
    page = blake2s(where.encode(), digest_size=8).hexdigest()
    return f"visit:{visit.lead.pk}:{visit.occurred_at.timestamp():.6f}:{page}"


def record_visits(*, visits: Sequence[NewVisit], at: datetime) -> list[Outcome]:
    """Record visits as they came to be known at ``at``; an outcome for each, in order.

    A visit to come, or a key that named another visit before, is refused by itself; the others are kept.
    Set-based: a fixed number of statements for each thousand, whatever the number of leads and touches.
    """
    found: list[Outcome] = []
    for start in range(0, len(visits), BATCH):
        found += _record(visits[start : start + BATCH], at)
    return found


@transaction.atomic
def _record(visits: Sequence[NewVisit], at: datetime) -> list[Outcome]:
    leads = _locked(visits)
    keys = [source_key_of(visit) for visit in visits]
    known = {event.source_key: event for event in FunnelEvent.objects.filter(source_key__in=set(keys))}
    fresh: dict[str, NewVisit] = {}
    refused: dict[int, Outcome] = {}
    for place, (visit, key) in enumerate(zip(visits, keys, strict=True)):
        if visit.occurred_at > at + SKEW:
            refused[place] = Outcome(refused="This visit is still to come.", field="occurred_at")
        elif key not in known:
            first = fresh.setdefault(key, visit)
            if not _is_same(first, visit):
                refused[place] = Outcome(refused="This key names another visit of the batch.", field="key")
        elif not _is_of(known[key], leads[visit.lead.pk], visit):
            refused[place] = Outcome(refused="This key was recorded as another visit.", field="key")
    written = _write(fresh, leads, at)
    known |= written
    counted: set[str] = set()
    outcomes = []
    for place, key in enumerate(keys):
        if place in refused:
            outcomes.append(refused[place])
            continue
        outcomes.append(Outcome(known[key], is_new=key in written and key not in counted))
        counted.add(key)
    return outcomes


def _is_same(one: NewVisit, other: NewVisit) -> bool:
    return (one.lead.pk, one.occurred_at) == (other.lead.pk, other.occurred_at)


def _is_of(event: FunnelEvent, lead: Lead, visit: NewVisit) -> bool:
    """Whether ``event`` is this visit; one of a lead that was merged since still is."""
    same_time = abs(event.occurred_at - visit.occurred_at) <= SKEW
    return event.kind == visit.kind and event.lead_id in (lead.pk, visit.lead.pk) and same_time


def _locked(visits: Iterable[NewVisit]) -> dict[int, Lead]:
    """The leads by the key that the visit named, locked; for one that was merged, who survived it."""
    wanted = {visit.lead.pk for visit in visits}
    rows = Lead.objects.select_for_update(of=("self",)).select_related("owner").order_by("pk")
    loaded = {lead.pk: lead for lead in rows.filter(pk__in=wanted)}
    while missing := {
        lead.merged_into_id
        for lead in loaded.values()
        if lead.merged_into_id is not None and lead.merged_into_id not in loaded
    }:
        loaded |= {lead.pk: lead for lead in rows.filter(pk__in=missing)}
    return {pk: _survivor(loaded, pk) for pk in wanted}


def _survivor(leads: dict[int, Lead], pk: int) -> Lead:
    lead = leads[pk]
    while lead.merged_into_id is not None:
        lead = leads[lead.merged_into_id]
    return lead


def _write(fresh: dict[str, NewVisit], leads: dict[int, Lead], at: datetime) -> dict[str, FunnelEvent]:
    """The events of visits not on record yet, with what they do to their leads."""
    if not fresh:
        return {}
    visited = {lead.pk: lead for lead in (leads[visit.lead.pk] for visit in fresh.values())}
    touches = outreach_of(leads=visited, visited=[visit.occurred_at for visit in fresh.values()])
    causes = {
        key: rules.cause_of_visit(
            visit.occurred_at, touches.get(leads[visit.lead.pk].pk, ()), visit.campaign.strip(), window()
        )
        for key, visit in fresh.items()
    }
    reps = Rep.objects.in_bulk({cause.touch.rep for cause in causes.values() if cause.touch})
    rows = record_events(
        events=[
            _event(key, visit, leads[visit.lead.pk], causes[key], reps, at) for key, visit in fresh.items()
        ],
        at=at,
    )
    for visit in fresh.values():
        _note(leads[visit.lead.pk], visit, at)
    _rescore(list(visited.values()), {row.lead_id: row for row in rows}, at)
    return {row.source_key: row for row in rows}


def _event(
    key: str, visit: NewVisit, lead: Lead, cause: rules.Cause, reps: dict[int, Rep], at: datetime
) -> NewEvent:
    data: dict[str, Any] = {"page": page_of(visit.page), "cause": cause.kind.value}
    if visit.kind == EventKind.ATTENDED:
        data = {"event": visit.event.strip()[:_LONGEST_CAMPAIGN], "cause": cause.kind.value}
    if campaign := visit.campaign.strip()[:_LONGEST_CAMPAIGN]:
        data["campaign"] = campaign
    if cause.touch is not None:
        data |= {"touch": cause.touch.pk, "channel": cause.touch.channel}
    return NewEvent(
        kind=visit.kind,
        occurred_at=min(visit.occurred_at, at),
        source=visit.source,
        source_key=key,
        lead=lead,
        credits=sourced(reps[cause.touch.rep]) if cause.touch else [],
        actor=visit.actor,
        data=data,
    )


def _note(lead: Lead, visit: NewVisit, at: datetime) -> None:
    """What a visit changes on its lead; the caller settles its place and saves."""
    visited_at = min(visit.occurred_at, at)
    if visit.kind == EventKind.VISITED:
        lead.last_visit_at = max(lead.last_visit_at or visited_at, visited_at)
        lead.visit_count += 1
    is_worked = lead.is_workable and lead.stage != LeadStage.RECYCLED and lead.touch_count > 0
    is_recent = visited_at > at - MOVES_UP_FOR and visited_at >= (lead.last_touch_at or visited_at)
    if is_worked and is_recent and lead.callback_at is None and (lead.next_touch_at or at) > at:
        # A promised callback stays where it was promised, and nurture lasts until its date.
        lead.next_touch_at = at


def _rescore(leads: list[Lead], last: dict[int | None, FunnelEvent], at: datetime) -> None:
    """Score the leads anew with their visits, place them, save; who became an MQL by it is recorded."""
    in_force = scoring.table_in_force(day_of(at, settings.COMPANY_TIME_ZONE))
    intents = scoring.intent_of(leads)
    qualified = []
    for lead in leads:
        if scoring.apply_score(
            lead=lead, in_force=in_force, at=at, intent=intents.get(lead.pk, scoring.NO_INTENT)
        ):
            qualified.append(lead)
        queue.settle(lead)
    update_rows(leads, _MOVED_FIELDS)
    record_events(
        events=[
            NewEvent(
                kind=EventKind.MQL,
                occurred_at=at,
                source=Source(last[lead.pk].source),
                source_key=f"visited:{last[lead.pk].pk}:{EventKind.MQL}",
                lead=lead,
                credits=sourced(lead.owner),
                data={
                    "source": lead.source,
                    "campaign": lead.campaign,
                    "score": lead.score,
                    **scoring.mql_data(lead),
                },
            )
            for lead in qualified
        ],
        at=at,
    )


def outreach_of(*, leads: Iterable[int], visited: Sequence[datetime]) -> dict[int, list[rules.Outreach]]:
    """By lead, the outreach that stands and may have caused a visit at one of these instants.

    Touches of leads that were merged into one count as its own. Two statements.
    """
    keys = set(leads)
    absorbed = dict(Lead.objects.filter(merged_into__in=keys).values_list("pk", "merged_into_id"))
    rows = Touch.objects.filter(
        lead__in=keys | set(absorbed),
        channel__in=rules.OUTREACH,
        occurred_at__lte=max(visited),
        occurred_at__gt=min(visited) - window(),
        undone_at__isnull=True,
    ).order_by()
    found: dict[int, list[rules.Outreach]] = {}
    for pk, lead, at, rep, channel in rows.values_list("pk", "lead_id", "occurred_at", "rep_id", "channel"):
        found.setdefault(absorbed.get(lead, lead) or lead, []).append(rules.Outreach(pk, at, rep, channel))
    return found
