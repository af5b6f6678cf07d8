"""Make two leads of one person one, and take that back.

Both histories stay where they are: events, touches, qualifications and hand-offs keep their lead, and whoever
reads the survivor reads the absorbed one through ``merged_into``. What the survivor gains is kept with the
merge, so that it can be undone as long as nothing was built on it.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from apps.audit import services as audit
from apps.core.errors import DomainError
from apps.leads.models import (
    Capacity,
    EventKind,
    FunnelEvent,
    HandOff,
    Lead,
    LeadMerge,
    LeadStage,
    Opportunity,
    PossibleDuplicate,
    Source,
)
from apps.leads.rules.suppression import Closed
from apps.leads.services import duplicates, enrolments, queue, scoring, suppressions
from apps.leads.services.record import Credit, NewEvent, record_event, record_events, reverse_event
from apps.leads.signals import leads_closed, leads_reopened, owners_changed

_FILLED = ("name", "title", "email", "phone", "company", "account_id", "industry", "employees", "city", "time_zone",
           "source", "campaign", "predictive", "team_id", "owner_id", "callback_at", "mql_at")  # fmt: skip
"""What the survivor takes over where it has nothing itself. A promised callback is one of them."""
_LATEST = ("inquired_at", "last_visit_at")
_GAINED = (*_FILLED, *_LATEST, "stage", "next_touch_at", "next_channel", "due_at", "warn_at")
_GIVEN_UP = ("due_at", "warn_at")
_COUNTED_ONCE = (EventKind.COLLECTED, EventKind.MQL)


class UnableToMerge(DomainError):
    """The two are one lead already, or one of them is too far on to be absorbed."""

    code = "unable_to_merge"


class UnableToUndoMerge(DomainError):
    """It was undone before, or something was built on it since."""

    code = "unable_to_undo_merge"


# --- Merge --------------------------------------------------------------------------------------------


@transaction.atomic
def merge(*, survivor: Lead, absorbed: Lead, why: str, at: datetime, actor: Any = None) -> LeadMerge:
    """``absorbed`` lives on in ``survivor``; of leads that were merged before, those they live on in.

    The survivor keeps what it has and takes the rest; opt-outs of either hold for both; the absorbed one
    leaves queue and cadence, and what it counted for as a lead is reversed where the survivor counts already.
    Raises ``UnableToMerge``.
    """
    survivor, absorbed = _locked(survivor, absorbed)
    _refuse(survivor, absorbed)
    before = {name: getattr(survivor, name) for name in _GAINED}
    given_up = {name: _plain(getattr(absorbed, name)) for name in _GIVEN_UP}
    opted_out = survivor.do_not_contact or absorbed.do_not_contact
    _take_over(survivor, absorbed)
    carried = list(absorbed.absorbed.values_list("pk", flat=True))
    Lead.objects.filter(pk__in=carried).update(merged_into=survivor)
    absorbed.merged_into = survivor
    absorbed.due_at = absorbed.warn_at = absorbed.claimed_by = absorbed.claimed_until = None
    closed = Closed(opted_out, tuple({*survivor.closed_channels, *absorbed.closed_channels}))
    suppressions.close(lead=survivor, closed=closed)
    done = LeadMerge.objects.create(
        survivor=survivor,
        absorbed=absorbed,
        why=why.strip()[:120] or "Same person",
        at=at,
        by=actor if getattr(actor, "pk", None) else None,
        survivor_before={
            name: [_plain(value), _plain(getattr(survivor, name))]
            for name, value in before.items()
            if value != getattr(survivor, name)
        },
        absorbed_before={**given_up, "carried": carried},
    )
    for lead in (absorbed, survivor):
        queue.settle(lead)
        lead.save()
    _tell_owner(survivor, before["owner_id"], at)
    _leave(survivor, absorbed, at, actor)
    _record(done, at, actor)
    _settle_pairs(survivor, absorbed, at, actor)
    return done


def _locked(first: Lead, second: Lead) -> tuple[Lead, Lead]:
    """Both as they are now, each followed to the lead that it was merged into; locked in one order."""
    pairs = Lead.objects.filter(pk__in=[first.pk, second.pk], merged_into__isnull=False)
    followed = {lead.pk: lead.merged_into_id for lead in pairs.only("pk", "merged_into")}
    keys = [followed.get(lead.pk) or lead.pk for lead in (first, second)]
    rows = {
        lead.pk: lead
        for lead in Lead.objects.select_for_update(of=("self",))
        .select_related("account", "owner", "team", "mql_definition")
        .filter(pk__in=keys)
        .order_by("pk")
    }
    return rows[keys[0]], rows[keys[1]]


def _refuse(survivor: Lead, absorbed: Lead) -> None:
    if survivor.pk == absorbed.pk:
        raise UnableToMerge("These are one lead already.")
    if survivor.merged_into_id or absorbed.merged_into_id:
        raise UnableToMerge("One of the two was merged just now: reload the page.")
    sold = {lead.pk for lead in (survivor, absorbed) if _is_with_an_ae(lead)}
    if len(sold) == 2:
        raise UnableToMerge("Both are with an AE: let one of the two hand-offs end first.")
    if absorbed.pk in sold:
        raise UnableToMerge(f"{absorbed.label} is with an AE: keep that one, and merge the other into it.")
    if absorbed.is_workable and survivor.stage == LeadStage.DISQUALIFIED and not survivor.do_not_contact:
        raise UnableToMerge(f"{absorbed.label} is still worked: keep that one, and merge the other into it.")


def _is_with_an_ae(lead: Lead) -> bool:
    """A hand-off waits for its answer, or its opportunity is open."""
    waits = lead.hand_offs.filter(state=HandOff.State.PENDING).exists()
    return waits or Opportunity.objects.filter(lead=lead).open().exists()


def _take_over(survivor: Lead, absorbed: Lead) -> None:
    for name in _FILLED:
        if getattr(survivor, name) in ("", None) and getattr(absorbed, name) not in ("", None):
            setattr(survivor, name, getattr(absorbed, name))
    for name in _LATEST:
        setattr(
            survivor,
            name,
            max(filter(None, (getattr(survivor, name), getattr(absorbed, name))), default=None),
        )
    if survivor.stage == LeadStage.MCL and survivor.mql_at:
        survivor.stage = LeadStage.MQL
    if survivor.is_workable and absorbed.is_workable:
        dates = [one for one in (survivor.next_touch_at, absorbed.next_touch_at) if one]
        survivor.next_touch_at = min(dates, default=None)
        survivor.next_channel = survivor.next_channel or absorbed.next_channel
    survivor.set_keys()
    _judge(survivor)


def _judge(lead: Lead) -> None:
    """Score by the version that judged it before: a title or a size that it gained or lost may matter."""
    definition = lead.mql_definition
    in_force = scoring.InForce(
        definition, scoring.table_of(definition), definition.needed if definition else 0
    )
    scoring.judge(
        lead=lead, in_force=in_force, intent=scoring.intent_of([lead]).get(lead.pk, scoring.NO_INTENT)
    )


def _leave(survivor: Lead, absorbed: Lead, at: datetime, actor: Any) -> None:
    """Cadences and promises of whoever is not to be worked any more end."""
    ended = [absorbed, survivor] if survivor.do_not_contact else [absorbed]
    enrolments.remove_open(leads=ended, reason=f"Merged into lead {survivor.pk}", at=at, actor=actor)
    leads_closed.send(sender=Lead, leads=ended, at=at)


def _tell_owner(survivor: Lead, before: int | None, at: datetime) -> None:
    if survivor.owner_id != before:
        owners_changed.send(sender=Lead, owners={survivor.pk: survivor.owner_id}, at=at)


def _record(done: LeadMerge, at: datetime, actor: Any) -> None:
    """One person counts once; what was done is on the record, and in the audit."""
    own = Q(lead=done.survivor) | Q(lead__merged_into=done.survivor) & ~Q(lead=done.absorbed)
    counted = set(
        FunnelEvent.objects.filter(own, kind__in=_COUNTED_ONCE)
        .effective()
        .order_by()
        .values_list("kind", flat=True)
    )
    for event in FunnelEvent.objects.filter(lead=done.absorbed, kind__in=counted).effective():
        reverse_event(event=event, reason="merged", at=at, actor=actor)
    record_event(
        event=NewEvent(
            kind=EventKind.MERGED,
            occurred_at=at,
            source=Source.PAGE,
            source_key=f"merge:{done.pk}:{EventKind.MERGED}",
            lead=done.survivor,
            actor=actor,
            data={"absorbed": done.absorbed_id, "reason": done.why},
        ),
        at=at,
    )
    audit.record(
        verb="leads.merged", subject=done.survivor, at=at, actor=actor, data={"absorbed": done.absorbed_id}
    )


def _settle_pairs(survivor: Lead, absorbed: Lead, at: datetime, actor: Any) -> None:
    """This pair is settled; what the absorbed one perhaps was, the survivor perhaps is."""
    pairs = PossibleDuplicate.objects.open().filter(Q(first=absorbed) | Q(second=absorbed))
    others = []
    for pair in pairs.select_related("first", "second"):
        other = pair.second if pair.first_id == absorbed.pk else pair.first
        if other.pk == survivor.pk:
            duplicates.settle_pair(pair=pair, outcome=PossibleDuplicate.Outcome.MERGED, at=at, actor=actor)
        elif other.merged_into_id is None:
            others.append((survivor, other, pair.why))
    duplicates.keep_pairs(pairs=others, at=at)


# --- Undo ---------------------------------------------------------------------------------------------


@transaction.atomic
def undo_merge(*, merge: LeadMerge, at: datetime, actor: Any = None) -> LeadMerge:
    """Two leads again, each with what it had; what was changed since by somebody stays changed.

    Its cadence stays ended. Raises ``UnableToUndoMerge`` when something was built on the merge.
    """
    done = LeadMerge.objects.select_for_update(of=("self",)).get(pk=merge.pk)
    if done.undone_at is not None:
        raise UnableToUndoMerge("This merge was undone already.")
    ids = sorted((done.survivor_id, done.absorbed_id))
    locked = Lead.objects.select_for_update(of=("self",)).select_related("account", "mql_definition")
    rows = {lead.pk: lead for lead in locked.filter(pk__in=ids).order_by("pk")}
    survivor, absorbed = rows[done.survivor_id], rows[done.absorbed_id]
    _refuse_undo(done, survivor, absorbed)
    Lead.objects.filter(pk__in=done.absorbed_before.get("carried", [])).update(merged_into=absorbed)
    owner_before = survivor.owner_id
    for name, (before, after) in done.survivor_before.items():
        if _plain(getattr(survivor, name)) == after:
            setattr(survivor, name, _restored(name, before))
    survivor.set_keys()
    _judge(survivor)
    absorbed.merged_into = None
    for name in _GIVEN_UP:
        setattr(absorbed, name, _restored(name, done.absorbed_before.get(name)))
    for lead in (survivor, absorbed):
        queue.settle(lead)
        lead.save()
    _tell_owner(survivor, owner_before, at)
    suppressions.look_again(leads=[survivor, absorbed])
    done.undone_at, done.undone_by = at, actor if getattr(actor, "pk", None) else None
    done.save(update_fields=["undone_at", "undone_by"])
    _record_undone(done, absorbed, at, actor)
    leads_reopened.send(sender=Lead, leads=[absorbed], at=at)
    return done


def _refuse_undo(done: LeadMerge, survivor: Lead, absorbed: Lead) -> None:
    if survivor.merged_into_id is not None:
        raise UnableToUndoMerge(f"{survivor.label} was merged into another lead since: undo that first.")
    if absorbed.merged_into_id != survivor.pk:
        raise UnableToUndoMerge("The absorbed lead is not part of this one any more.")
    if survivor.hand_offs.filter(created_at__gte=done.at).exists():
        raise UnableToUndoMerge(f"{survivor.label} was handed off since, on what is known of both.")
    if survivor.qualifications.filter(qualified_at__gte=done.at).exists():
        raise UnableToUndoMerge(f"{survivor.label} was qualified since, on what is known of both.")


def _record_undone(done: LeadMerge, absorbed: Lead, at: datetime, actor: Any) -> None:
    """The absorbed lead counts again: what was reversed is recorded anew, when it occurred."""
    merged = FunnelEvent.objects.filter(source_key=f"merge:{done.pk}:{EventKind.MERGED}").effective()
    for event in merged:
        reverse_event(event=event, reason="Merge undone", at=at, actor=actor)
    record_events(events=list(_counted_again(done, absorbed, actor)), at=at)
    first, second = sorted((done.survivor_id, done.absorbed_id))
    PossibleDuplicate.objects.filter(first=first, second=second).update(
        outcome=PossibleDuplicate.Outcome.DIFFERENT
    )
    audit.record(
        verb="leads.merge.undone", subject=absorbed, at=at, actor=actor, data={"from": done.survivor_id}
    )


def _counted_again(done: LeadMerge, absorbed: Lead, actor: Any) -> Iterable[NewEvent]:
    reversals = FunnelEvent.objects.filter(
        lead=absorbed, kind=EventKind.REVERSED, data__reason="merged", recorded_at=done.at
    )
    for reversal in reversals.select_related("reverses").prefetch_related("credits__rep"):
        event = reversal.reverses
        if event is not None and event.kind in _COUNTED_ONCE:
            yield NewEvent(
                kind=EventKind(event.kind),
                occurred_at=event.occurred_at,
                source=Source.PAGE,
                source_key=f"merge:{done.pk}:undone:{event.kind}",
                lead=absorbed,
                credits=[
                    Credit(one.rep, Capacity(one.capacity), one.share) for one in reversal.credits.all()
                ],
                actor=actor,
                data=event.data,
            )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _restored(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) and name.endswith("_at") else value
