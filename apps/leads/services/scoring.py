"""Score leads by the MQL definition in force, and keep with each the version that judged it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Q

from apps.leads.models import Definition, EventKind, FunnelEvent, Lead, LeadStage
from apps.leads.rules.personas import persona_of
from apps.leads.rules.points import DEFAULT_NEEDED, PointTable
from apps.leads.rules.scoring import Known, score

SCORE_FIELDS = ("score", "score_points", "score_reasons", "is_exploration", "persona", "mql_definition")
"""What ``judge`` sets on a lead."""

_MAY_QUALIFY = (LeadStage.MCL, LeadStage.WORKING, LeadStage.RECYCLED)
"""Stages from which reaching the threshold makes an MQL; further on it would tell nothing."""


@dataclass(frozen=True)
class InForce:
    """What leads are scored by on a day; ``definition`` is ``None`` where only the built-in table does."""

    definition: Definition | None
    table: PointTable
    needed: int


@dataclass(frozen=True)
class Intent:
    """How often somebody filled in a form, visited pages and came to events since they arrived."""

    forms: int = 0
    visits: int = 0
    events: int = 0


NO_INTENT = Intent()
_INTENT_KINDS = (EventKind.ASKED, EventKind.VISITED, EventKind.ATTENDED)


def table_of(definition: Definition | None) -> PointTable:
    """The table of a version; of one that carries none, and without a version, the built-in one."""
    if definition is not None and definition.points:
        return PointTable.parse(definition.points)
    return PointTable.default(settings.TARGET_INDUSTRIES)


def table_in_force(day: date) -> InForce:
    """What leads are scored by on the company's ``day``. One statement: ask once for a batch."""
    return tables_in_force([day])[day]


def tables_in_force(days: Iterable[date]) -> dict[date, InForce]:
    """Like ``table_in_force`` for several days: one statement however many."""
    wanted = set(days)
    if not wanted:
        return {}
    signed = list(Definition.objects.in_force(Definition.Kind.MQL, max(wanted)))
    tables: dict[int | None, InForce] = {}
    found = {}
    for day in wanted:
        definition = next((one for one in signed if one.effective_on <= day), None)
        key = definition.pk if definition else None
        if key not in tables:
            needed = definition.needed if definition else DEFAULT_NEEDED
            tables[key] = InForce(definition, table_of(definition), needed)
        found[day] = tables[key]
    return found


def intent_of(leads: Iterable[Lead]) -> dict[int, Intent]:
    """By lead: what they did since they arrived, from the record. One statement; nothing done, no entry."""
    rows = (
        FunnelEvent.objects.filter(lead__in=[lead.pk for lead in leads], kind__in=_INTENT_KINDS)
        .effective()
        .order_by()
        .values_list("lead")
        .annotate(
            forms=Count("pk", filter=Q(kind=EventKind.ASKED)),
            visits=Count("pk", filter=Q(kind=EventKind.VISITED)),
            events=Count("pk", filter=Q(kind=EventKind.ATTENDED)),
        )
    )
    return {lead: Intent(*counts) for lead, *counts in rows}


def known_of(*, lead: Lead, intent: Intent) -> Known:
    """What the rules know of a lead."""
    return Known(
        title=lead.title,
        employees=lead.employees,
        industry=lead.industry,
        source=lead.source,
        predictive=lead.predictive,
        forms=intent.forms,
        visits=intent.visits,
        events=intent.events,
    )


def judge(*, lead: Lead, in_force: InForce, intent: Intent = NO_INTENT) -> None:
    """Set the score, its reasons and what follows from them (``SCORE_FIELDS``); the caller saves."""
    table = in_force.table
    found = score(known_of(lead=lead, intent=intent), table)
    lead.score, lead.score_points = found.letter, found.points
    lead.score_reasons = [list(reason) for reason in found.reasons]
    lead.is_exploration = bool(lead.industry) and not table.is_target(lead.industry)
    lead.persona = persona_of(lead.title)
    lead.mql_definition = in_force.definition


def apply_score(*, lead: Lead, in_force: InForce, at: datetime, intent: Intent = NO_INTENT) -> bool:
    """Judge, and make an MQL of a lead that reaches the threshold for the first time: whether it did.

    The caller saves, and records the event.
    """
    judge(lead=lead, in_force=in_force, intent=intent)
    if lead.mql_at is not None or lead.score_points < in_force.needed or lead.stage not in _MAY_QUALIFY:
        return False
    lead.mql_at = at
    if lead.stage == LeadStage.MCL:
        lead.stage = LeadStage.MQL
    return True


def mql_data(lead: Lead) -> dict[str, Any]:
    """What the event of becoming an MQL keeps: the version that made it one, and its points."""
    version = lead.mql_definition.version if lead.mql_definition else None
    return {"definition": version, "points": lead.score_points}
