"""Give what will not make it to those who still have room."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.core.errors import DomainError
from apps.leads.models import Lead, Reassignment
from apps.leads.services.reassignment import reassign
from apps.reps.models import Team
from apps.slas.rules import forecast as rules
from apps.slas.selectors.forecast import team_forecast


class UnableToMove(DomainError):
    """The day has moved on since the moves were shown."""

    code = "unable_to_move"


@dataclass(frozen=True)
class Moved:
    """A ``Reassignment`` for each taker, by the taker's id; ``before`` and ``after`` are promises that break."""

    done: dict[int, Reassignment]
    before: int
    after: int


@transaction.atomic
def move_what_breaks(
    *, team: Team, moves: Mapping[int, int], at: datetime, actor: Any, request_key: str
) -> Moved:
    """Give each lead (by id) to the rep that it is mapped to; all or none, but for what the record refuses.

    Forecast again first: raises ``UnableToMove`` where a lead or a taker is not of the team's day any more, or
    the moves would keep no promise by now. The same ``request_key`` does it once.
    """
    takers = {to: key_of(request_key=request_key, to=to) for to in sorted(set(moves.values()))}
    known = {
        one.request_key: one for one in Reassignment.objects.filter(request_key__in=takers.values(), by=actor)
    }
    if takers and len(known) == len(takers):
        return Moved({to: known[key] for to, key in takers.items()}, 0, 0)
    one = team_forecast(team=team, at=at)
    _refuse(one.reps, {waiting.lead_id for waiting in one.waiting}, moves)
    found = one.found
    again = rules.forecast(
        waiting=rules.given(one.waiting, moves), workers=found.workers, now=found.at, until=found.until
    )
    if not again.broken_leads < found.broken_leads:
        raise UnableToMove("The day has moved on: these moves would keep no promise by now. Look again.")
    leads = Lead.objects.in_bulk(list(moves))
    done = {
        to: reassign(
            leads=[leads[pk] for pk in moves if moves[pk] == to],
            to=[one.reps[to]],
            at=at,
            actor=actor,
            request_key=key,
        )
        for to, key in takers.items()
    }
    return Moved(done, len(found.breaking), len(again.breaking))


def key_of(*, request_key: str, to: int) -> str:
    """One press is a reassignment for each taker."""
    return f"{request_key[:48]}:{to}"


def _refuse(reps: Mapping[int, Any], waiting: set[int], moves: Mapping[int, int]) -> None:
    if not moves:
        raise UnableToMove("Nothing is to be moved by now. Look again.")
    if not set(moves.values()) <= set(reps) or not set(moves) <= waiting:
        raise UnableToMove("The day has moved on: some of these leads do not wait any more. Look again.")
