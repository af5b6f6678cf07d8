"""What changed about a lead besides what was done to reach it: wishes, merges taken back, who was given it.

Sources of ``selectors.timeline``, like those in ``selectors.happenings``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from apps.audit.models import AuditEntry
from apps.leads.models import Channel, Lead, Reassignment, Suppression
from apps.leads.rules import suppression
from apps.leads.selectors.happenings import CHANGES, Asked, Happening
from apps.reps.models import Rep


def closed(asked: Asked, rank: int) -> list[Happening]:
    """When an address, a number or the company of these leads was closed."""
    return [_suppressed(one, one.added_at, rank) for one in _suppressions(asked, "added_at", rank)]


def reopened(asked: Asked, rank: int) -> list[Happening]:
    """When one of these was lifted again."""
    found = _suppressions(asked, "lifted_at", rank)
    return [_suppressed(one, one.lifted_at, rank) for one in found if one.lifted_at]


def _suppressions(asked: Asked, at: str, rank: int) -> list[Suppression]:
    of_leads = matching(asked.leads)
    if not asked.wants(CHANGES) or of_leads is None:
        return []
    rows = Suppression.objects.filter(of_leads, **{f"{at}__isnull": False})
    return asked.cut(rows.select_related("added_by", "lifted_by"), at, rank)


def matching(leads: Sequence[Lead]) -> Q | None:
    """The suppressions of these people, by address, number and domain; none when nothing is known of them."""
    values: dict[str, set[str]] = {}
    for lead in leads:
        for kind, value in suppression.Contact((lead.email,), (lead.phone,)).names:
            values.setdefault(kind, set()).add(value)
    found = Q()
    for kind, known in sorted(values.items()):
        found |= Q(kind=kind, value__in=sorted(known))
    return found or None


_OVER = {"call": "calls", "email": "e-mails", "social": "social touches", "chat": "chats", "visit": "visits"}


def _suppressed(one: Suppression, at: datetime, rank: int) -> Happening:
    over = _OVER.get(one.channel, "every channel")
    lifted = one.lifted_at is not None and at == one.lifted_at
    by = one.lifted_by if lifted else one.added_by
    whole = {"email": "Their address", "phone": "Their number", "domain": "Their whole company"}[one.kind]
    return Happening(
        at=at,
        rank=rank,
        pk=one.pk,
        kind=CHANGES,
        icon="undo" if lifted else "ban",
        what=f"{whole} {'opened again' if lifted else 'closed'} for {over}",
        who=by.name if by else "by itself",
        note=one.lifted_because if lifted else one.note,
        detail="" if lifted else one.get_reason_display().lower(),
        undone="lifted" if one.lifted_at is not None and not lifted else "",
    )


@dataclass(frozen=True)
class _Verb:
    """An act on a lead that the audit log keeps and the record does not, in words."""

    icon: str
    words: Callable[[Mapping[str, Any]], str]


def _opted_out(data: Mapping[str, Any]) -> str:
    channel = Channel(data["channel"]) if data.get("channel") in Channel.values else None
    return f"Closed for {_OVER[channel.value]}" if channel else "Opted out of everything"


_NOTED = "leads.lead.opted_out"
_VERBS = {
    "leads.merge.undone": _Verb("undo", lambda data: "Parted again from the lead it was merged into"),
    "leads.proposal.declined": _Verb(
        "play", lambda data: f"Kept working: {data.get('proposal')} was proposed"
    ),
    _NOTED: _Verb("ban", _opted_out),
}


def acts(asked: Asked, rank: int) -> list[Happening]:
    """What only the audit log keeps of these leads."""
    if not asked.wants(CHANGES):
        return []
    # With an address or a number, the suppressions tell of an opt-out themselves.
    named = [str(lead.pk) for lead in asked.leads if lead.email or lead.phone]
    rows = (
        AuditEntry.objects.filter(
            subject_type=Lead._meta.label,
            subject_id__in=[str(pk) for pk in asked.ids],
            verb__in=list(_VERBS),
        )
        .exclude(verb=_NOTED, subject_id__in=named)
        .select_related("actor")
    )
    return [
        Happening(
            at=entry.at,
            rank=rank,
            pk=entry.pk,
            kind=CHANGES,
            icon=_VERBS[entry.verb].icon,
            what=_VERBS[entry.verb].words(entry.data),
            lead_id=int(entry.subject_id),
            who=entry.actor.name if entry.actor else "by itself",
            detail=str(entry.data.get("reason") or ""),
        )
        for entry in asked.cut(rows, "at", rank)
    ]


def moves_of(leads: Iterable[int]) -> Q:
    """The reassignments that moved any of these leads; no statement of its own."""
    found = Q(pk__in=[])
    for pk in leads:
        found |= Q(moves__has_key=str(pk))
    return found


def passed_on(asked: Asked, rank: int) -> list[Happening]:
    """Who had the lead before, and who was given it."""
    if not asked.wants(CHANGES):
        return []
    rows = Reassignment.objects.filter(moves_of(asked.ids)).select_related("by")
    found = asked.cut(rows, "at", rank)
    moves = [(one, pk, one.moves[str(pk)]) for one in found for pk in asked.ids if str(pk) in one.moves]
    named = {rep for _, _, move in moves for rep in (move[0], move[2]) if rep is not None}
    reps = dict(Rep.objects.filter(pk__in=named).values_list("pk", "name")) if named else {}
    return [
        Happening(
            at=one.at,
            rank=rank,
            pk=one.pk,
            kind=CHANGES,
            icon="people",
            what=_move_words(reps.get(move[0]), reps.get(move[2])),
            lead_id=pk,
            who=one.by.name,
            undone="taken back" if one.undone_at else "",
        )
        for one, pk, move in moves
    ]


def _move_words(before: str | None, after: str | None) -> str:
    if after is None:
        return f"Given back to the pool by {before}" if before else "Given back to the pool"
    return f"Passed on from {before} to {after}" if before else f"Given to {after}"
