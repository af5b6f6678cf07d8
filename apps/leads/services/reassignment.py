"""Pass leads to a rep, share them out among several, or put them back into the pool; and take it back.

For a manager's hand on single rows and lists. Sharing out everything of somebody who left is ``services.owners``.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.bulk import update_rows
from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import day_of
from apps.leads.models import Lead, LeadStage, Reassignment
from apps.leads.services.spreading import spread_again
from apps.leads.signals import owners_changed
from apps.reps.models import Rep

MOST = 1_000
"""So many leads in one act: as many as a list counts."""

UNDO_WITHIN = timedelta(minutes=10)

_FIELDS = ("owner", "team", "claimed_by", "claimed_until", "claimed_at")


class UnableToTakeBack(DomainError):
    """Taken back already, or too long ago."""

    code = "unable_to_take_back"


def reassign(
    *, leads: Sequence[Lead], to: Sequence[Rep], at: datetime, actor: Any, request_key: str
) -> Reassignment:
    """Give ``leads`` to the one rep of ``to``, share them out in turn among several, or to nobody: the pool.

    What cannot move stays, and ``refused`` says why by name: somebody works it at this moment, it was handed
    off, it is finished, its owner is the one meant. The same ``request_key`` does it once. Raises
    ``InvalidInput`` for no or too many leads, and for somebody who works no queue today.
    """
    if not leads:
        raise InvalidInput("Choose one lead at least.", field="lead")
    if len(leads) > MOST:
        raise InvalidInput(f"Choose {MOST:,} leads at most in one go.", field="lead")
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    for rep in to:
        if not rep.is_sdr or rep.hired_on > today or (rep.left_on is not None and rep.left_on <= today):
            raise InvalidInput(f"{rep.name} works no queue today.", field="to")
    try:
        with transaction.atomic():
            return _reassign([lead.pk for lead in leads], to, at, actor, request_key)
    except IntegrityError:
        # Two clicks at once: the other one was first.
        return _done_before(request_key, actor) or _not_ours()


def _not_ours() -> Reassignment:
    raise InvalidInput("This click did something else before: reload the page.")


def _done_before(request_key: str, actor: Any) -> Reassignment | None:
    found = Reassignment.objects.filter(request_key=request_key).first()
    return _not_ours() if found is not None and found.by_id != actor.pk else found


def _reassign(
    ids: Sequence[int], to: Sequence[Rep], at: datetime, actor: Any, request_key: str
) -> Reassignment:
    locked = {
        lead.pk: lead
        for lead in Lead.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
    }
    done = _done_before(request_key, actor)
    if done is not None:
        return done
    known = _Known(locked.values())
    moved: list[Lead] = []
    moves: dict[str, list[int | None]] = {}
    refused: list[list[str]] = []
    for pk in dict.fromkeys(ids):
        lead = locked[pk]
        taker = _next_taker(to, len(moved), lead)
        why = _why_not(lead, taker, at, known)
        if why:
            refused.append([lead.label, why])
            continue
        # In the pool a lead lies with a team, so that somebody is offered it.
        team = taker.team_id if taker else lead.team_id or known.teams.get(lead.owner_id or 0)
        owner = taker.pk if taker else None
        moves[str(pk)] = [lead.owner_id, lead.team_id, owner, team]
        lead.owner_id, lead.team_id = owner, team
        lead.claimed_by_id = lead.claimed_until = lead.claimed_at = None
        moved.append(lead)
    update_rows(moved, _FIELDS)
    # Who takes them over may have full days already.
    spread_again(leads=[lead.pk for lead in moved], at=at)
    owners_changed.send(sender=Lead, owners={lead.pk: lead.owner_id for lead in moved}, at=at)
    found = Reassignment.objects.create(
        at=at, by=actor, request_key=request_key, moves=moves, refused=refused
    )
    audit.record(
        verb="leads.reassigned",
        subject=found,
        at=at,
        actor=actor,
        data={"moves": moves, "refused": len(refused)},
    )
    return found


def _next_taker(to: Sequence[Rep], turn: int, lead: Lead) -> Rep | None:
    """Whose turn it is; of several, one who does not have the lead already."""
    if not to:
        return None
    taker = to[turn % len(to)]
    return to[(turn + 1) % len(to)] if taker.pk == lead.owner_id else taker


class _Known:
    """Names and teams of the reps whom these leads name, read at once."""

    def __init__(self, leads: Any) -> None:
        ids = {lead.owner_id for lead in leads} | {lead.claimed_by_id for lead in leads}
        reps = list(Rep.objects.filter(pk__in=ids - {None}))
        self.names = {rep.pk: rep.name for rep in reps}
        self.teams = {rep.pk: rep.team_id for rep in reps}


def _why_not(lead: Lead, taker: Rep | None, at: datetime, known: _Known) -> str:
    """Why the lead stays where it is, as the end of a sentence; "" when it may move."""
    if lead.merged_into_id is not None:
        return "was merged into another"
    if lead.do_not_contact:
        return "opted out"
    if lead.stage not in LeadStage.workable():
        return f"is {lead.get_stage_display().lower()}"
    if lead.claimed_until is not None and lead.claimed_until > at:
        holder = known.names.get(lead.claimed_by_id or 0, "somebody")
        return f"is being worked by {holder} right now"
    if taker is not None and lead.owner_id == taker.pk:
        return f"is {taker.name}’s already"
    if taker is None and lead.owner_id is None:
        return "lies in the pool already"
    return ""


@transaction.atomic
def take_back(*, reassignment: Reassignment, at: datetime, actor: Any) -> list[Lead]:
    """Give the leads back to whoever had them; within ten minutes. Returns those that moved back.

    A lead that was touched, taken or passed on since stays where it is. Raises ``UnableToTakeBack``.
    """
    found = Reassignment.objects.select_for_update(of=("self",)).get(pk=reassignment.pk)
    if found.undone_at is not None:
        raise UnableToTakeBack("This was taken back already.")
    if at - found.at > UNDO_WITHIN:
        raise UnableToTakeBack("This can be taken back for ten minutes; give the leads on instead.")
    ids = sorted(int(pk) for pk in found.moves)
    back = []
    for lead in Lead.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk"):
        owner_before, team_before, owner_after, _ = found.moves[str(lead.pk)]
        touched = lead.last_touch_at is not None and lead.last_touch_at > found.at
        held = lead.claimed_until is not None and lead.claimed_until > at
        if lead.owner_id != owner_after or touched or held or not lead.is_workable:
            continue
        lead.owner_id, lead.team_id = owner_before, team_before
        back.append(lead)
    update_rows(back, ("owner", "team"))
    owners_changed.send(sender=Lead, owners={lead.pk: lead.owner_id for lead in back}, at=at)
    found.undone_at = at
    found.save(update_fields=["undone_at"])
    audit.record(
        verb="leads.reassignment_taken_back",
        subject=found,
        at=at,
        actor=actor,
        data={"leads": [lead.pk for lead in back]},
    )
    return back
