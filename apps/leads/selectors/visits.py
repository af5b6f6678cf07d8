"""Visits to the site and the conversions that they caused, as the record holds them.

What caused a visit stands on its event, as it was known when it was recorded (``rules.attribution``); what it
caused is read here, for any number of leads in a fixed number of statements.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)

from apps.leads.models import EventCredit, EventKind, FunnelEvent, Lead, Touch
from apps.leads.rules import attribution as rules
from apps.leads.rules.suppression import normal_email
from apps.leads.services.visits import outreach_of, window

CONVERSIONS = (EventKind.QUALIFIED, EventKind.BOOKED)
_CHUNK = 1_000


def people(*, user: Any, ids: Iterable[int] = (), emails: Iterable[str] = ()) -> dict[int | str, Lead]:
    """The leads in the user's scope, by key and by address as given. One statement.

    Of several with one address the one that is not merged, and of these the latest.
    """
    wanted = {email: normal_email(email) for email in emails}
    rows = (
        Lead.objects.visible_to(user)
        .filter(Q(pk__in=set(ids)) | Q(email__in=set(wanted.values()) - {""}))
        .order_by()
    )
    by_key: dict[int | str, Lead] = {}
    by_email: dict[str, Lead] = {}
    for lead in sorted(rows, key=lambda one: (one.merged_into_id is None, one.created_at, one.pk)):
        by_key[lead.pk] = lead
        by_email[normal_email(lead.email)] = lead
    for given, email in wanted.items():
        if email and email in by_email:
            by_key[given] = by_email[email]
    return by_key


def caused_visits(as_of: datetime | None = None) -> QuerySet[FunnelEvent]:
    """Visits that a touch or a campaign caused, as they hold."""
    return FunnelEvent.objects.effective(as_of).filter(kind=EventKind.VISITED, data__cause__in=rules.CAUSED)


def conversions_caused(as_of: datetime | None = None) -> QuerySet[FunnelEvent]:
    """Conversions that a visit caused, each with ``visit_id`` and ``visited_at``; see ``rules.conversions``.

    With ``as_of`` as was known at that instant.
    """
    effective = FunnelEvent.objects.effective(as_of)
    earliest = ExpressionWrapper(
        OuterRef("occurred_at") - Value(rules.CONVERTS_WITHIN), output_field=DateTimeField()
    )
    visits = (
        caused_visits(as_of)
        .filter(lead=OuterRef("lead"), occurred_at__lte=OuterRef("occurred_at"), occurred_at__gte=earliest)
        .order_by("-occurred_at", "-pk")
    )
    before = (
        effective.filter(kind__in=CONVERSIONS, lead=OuterRef("lead"))
        .filter(
            Q(occurred_at__lt=OuterRef("occurred_at"))
            | Q(occurred_at=OuterRef("occurred_at"), pk__lt=OuterRef("pk"))
        )
        .order_by("-occurred_at", "-pk")
    )
    return (
        effective.filter(kind__in=CONVERSIONS, lead__isnull=False)
        .annotate(
            visit_id=Subquery(visits.values("pk")[:1]),
            visited_at=Subquery(visits.values("occurred_at")[:1]),
        )
        .alias(used_up_at=Subquery(before.values("occurred_at")[:1]))
        .filter(visit_id__isnull=False)
        .filter(Q(used_up_at__isnull=True) | Q(visited_at__gt=F("used_up_at")))
    )


def by_rep(conversions: QuerySet[FunnelEvent], reps: Iterable[int]) -> QuerySet[FunnelEvent]:
    """Those whose visit is credited to one of ``reps``."""
    credited = EventCredit.objects.filter(event=OuterRef("visit_id"), rep__in=list(reps))
    return conversions.filter(Exists(credited))


def in_scope_of(user: Any, conversions: QuerySet[FunnelEvent]) -> QuerySet[FunnelEvent]:
    """Those whose visit the user may see."""
    visits = FunnelEvent.objects.visible_to(user).filter(pk=OuterRef("visit_id"))
    return conversions.filter(Exists(visits))


@dataclass(frozen=True)
class Conversion:
    """A conversion with the visit that caused it and what had caused that."""

    event: FunnelEvent
    visit: FunnelEvent
    touch: Touch | None
    rep: str
    rep_id: int | None

    @property
    def lead(self) -> Lead | None:
        return self.event.lead

    @property
    def took(self) -> timedelta:
        return self.event.occurred_at - self.visit.occurred_at

    @property
    def campaign(self) -> str:
        return str(self.visit.data.get("campaign", ""))

    @property
    def channel(self) -> str:
        return str(self.visit.data.get("channel", ""))


def told(conversions: Sequence[Any]) -> list[Conversion]:
    """``conversions_caused`` rows with their visits, touches and reps. Three statements, whatever their number."""
    keys = {one.visit_id for one in conversions}
    visits = {
        visit.pk: visit for visit in FunnelEvent.objects.filter(pk__in=keys).prefetch_related("credits__rep")
    }
    touches = Touch.objects.select_related("rep").in_bulk(
        {visit.data["touch"] for visit in visits.values() if "touch" in visit.data}
    )
    found = []
    for one in conversions:
        visit = visits[one.visit_id]
        credit = next(iter(visit.credits.all()), None)
        touch = touches.get(visit.data.get("touch"))
        found.append(
            Conversion(
                one, visit, touch, credit.rep.name if credit else "", credit.rep_id if credit else None
            )
        )
    return found


# --- Attribution done again -----------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """A visit whose cause would be another one by what is known now."""

    visit: FunnelEvent
    kept: str
    kept_touch: int | None
    now: str
    now_touch: int | None

    @property
    def words(self) -> str:
        return f"{_cause(self.kept, self.kept_touch)} was known then; {_cause(self.now, self.now_touch)} now."


def _cause(kind: str, touch: int | None) -> str:
    return f"touch {touch}" if touch else {"campaign": "a campaign"}.get(kind, "no cause")


def differences(start: datetime, end: datetime, *, user: Any = None) -> list[Difference]:
    """Visits in ``[start, end)`` whose cause, done again with what is known now, is not the one kept.

    A touch logged late or undone since makes one. Nothing is changed: the record keeps what was known.
    With ``user`` only those visits that the user may see.
    """
    known = FunnelEvent.objects.all() if user is None else FunnelEvent.objects.visible_to(user)
    visits = (
        known.effective()
        .filter(kind=EventKind.VISITED, lead__isnull=False)
        .between(start, end)
        .select_related("lead")
        .order_by("occurred_at", "pk")
    )
    found: list[Difference] = []
    rows = list(visits)
    for first in range(0, len(rows), _CHUNK):
        chunk = rows[first : first + _CHUNK]
        touches = outreach_of(
            leads={row.lead_id for row in chunk if row.lead_id}, visited=[row.occurred_at for row in chunk]
        )
        for row in chunk:
            now = rules.cause_of_visit(
                row.occurred_at, touches.get(row.lead_id or 0, ()), row.data.get("campaign", ""), window()
            )
            kept = (row.data.get("cause", ""), row.data.get("touch"))
            again = (now.kind.value, now.touch.pk if now.touch else None)
            if kept != again:
                found.append(Difference(row, *kept, *again))
    return found
