"""The audit log as pages, the API and files list it: filtered, the latest first."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from apps.audit.models import AuditEntry
from apps.core.keyset import Page, page_of
from apps.core.periods import Period

# The first word of a verb: where the act happened, in the words of the navigation.
GROUPS = {
    "access": "Doors and files",
    "accounts": "People and sign-in",
    "audit": "Audit",
    "compensation": "Pay",
    "customers": "Customers",
    "integrations": "Imports",
    "jobs": "Jobs",
    "leads": "Leads, meetings, opportunities",
    "records": "Records that refused",
    "reps": "Reps, teams, calendars",
    "scorecards": "Ranking and scorecards",
    "slas": "Promises",
}


@dataclass(frozen=True)
class Filters:
    """What the address asks for.

    ``verb`` is the beginning of one, ``group`` its first word; ``actor`` part of a name, or a user's number;
    ``subject`` a type, a type and a key ("leads.HandOff 12"), or a key alone; ``starts`` and ``ends`` are the company's
    days, both counted in; ``origin`` is the beginning of an address or name.
    """

    group: str = ""
    verb: str = ""
    actor: str = ""
    subject: str = ""
    origin: str = ""
    starts: date | None = None
    ends: date | None = None

    @property
    def any(self) -> bool:
        return self != Filters()

    def plain(self) -> dict[str, Any]:
        """For JSON and for reading: what was asked for, no more. A name is left out: it is a person's."""
        given = {name: value for name, value in vars(self).items() if value}
        if not self.actor.isdigit():
            given.pop("actor", None)
        return {
            name: value.isoformat() if isinstance(value, date) else value for name, value in given.items()
        }


def entries(filters: Filters) -> QuerySet[AuditEntry]:
    """The entries that pass, in no order."""
    found = AuditEntry.objects.select_related("actor").order_by()
    if filters.group:
        found = found.filter(verb__startswith=f"{filters.group}.")
    if filters.verb:
        found = found.filter(verb__startswith=filters.verb)
    if filters.origin:
        found = found.filter(origin__startswith=filters.origin)
    found = _by_subject(_by_actor(found, filters.actor), filters.subject)
    zone = settings.COMPANY_TIME_ZONE
    if filters.starts:
        found = found.filter(at__gte=_day(filters.starts).bounds(zone)[0])
    if filters.ends:
        found = found.filter(at__lt=_day(filters.ends).bounds(zone)[1])
    return found


def log(filters: Filters, *, after: str, size: int = 50) -> Page:
    """One page of entries, the latest first."""
    return page_of(entries(filters), by=("-pk",), after=after, size=size)


def _day(day: date) -> Period:
    return Period(day, day + timedelta(days=1))


def _by_actor(found: QuerySet[AuditEntry], actor: str) -> QuerySet[AuditEntry]:
    if not actor:
        return found
    if actor.isascii() and actor.isdigit():
        return found.filter(actor=int(actor[:18]))
    return found.filter(actor__name__icontains=actor)


def _by_subject(found: QuerySet[AuditEntry], subject: str) -> QuerySet[AuditEntry]:
    kind, _, key = subject.strip().partition(" ")
    if not kind:
        return found
    if "." not in kind:
        return found.filter(subject_id=subject.strip())
    found = found.filter(subject_type__iexact=kind)
    return found.filter(subject_id=key.strip()) if key.strip() else found


@dataclass(frozen=True)
class Change:
    """One value that an entry tells of; ``before`` is ``None`` where it says only what is now."""

    name: str
    before: Any
    after: Any

    @property
    def told_both(self) -> bool:
        return self.before is not None


def changes(entry: AuditEntry) -> list[Change]:
    """What changed, before and after, from the shapes in which acts tell it.

    ``{"from": a, "to": b}``, ``{"before": {...}, "after": {...}}``, ``{"changed": {name: [a, b]}}``, ``{name:
    {"from": a, "to": b}}``, ``{name_before: a, name_after: b}``; anything else stands as it is.
    """
    data = dict(entry.data) if isinstance(entry.data, dict) else {"said": entry.data}
    found: list[Change] = []
    before, after = data.get("before"), data.get("after")
    if isinstance(before, dict) and isinstance(after, dict):
        data.pop("before"), data.pop("after")
        found += [
            Change(name, _or_nothing(before.get(name)), after.get(name))
            for name in sorted({*before, *after})
            if before.get(name) != after.get(name)
        ]
    if "from" in data and "to" in data:
        found.append(Change("value", _or_nothing(data.pop("from")), data.pop("to")))
    changed = data.get("changed")
    if isinstance(changed, dict):
        data.pop("changed")
        data = {**changed, **data}
    for name in list(data):
        if name.endswith("_before") and (stem := name.removesuffix("_before")) + "_after" in data:
            found.append(Change(stem, _or_nothing(data.pop(name)), data.pop(f"{stem}_after")))
    found += [_change(name, value) for name, value in data.items()]
    return found


def _change(name: str, value: Any) -> Change:
    if isinstance(value, dict) and set(value) == {"from", "to"}:
        return Change(name, _or_nothing(value["from"]), value["to"])
    return Change(name, None, value)


def _or_nothing(value: Any) -> Any:
    return "nothing" if value in (None, "") else value
