"""Keep a lead's place in the queue, and hand out one lead at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from apps.core.bulk import update_rows
from apps.core.errors import DomainError
from apps.core.periods import day_start
from apps.core.prepared import AT, Prepared, PreparedObjects
from apps.leads.models import Lead, QueueBucket
from apps.leads.models.ordering import FocusRank
from apps.leads.rules import queue as rules
from apps.leads.selectors.prepared import REP, TEAM, ZONES, Given
from apps.leads.services import focus as focus_blocks
from apps.leads.services import throttles
from apps.reps.models import Rep

HOLD = timedelta(minutes=15)
"""How long a lead stays claimed without a sign of life before it is offered again."""

LONGEST_HOLD = timedelta(hours=1)
"""However active its holder is: after that the next one has waited long enough."""


class AnothersLead(DomainError):
    """Somebody else owns the lead, or holds it right now."""

    code = "anothers_lead"


_QUEUE_FIELDS = ("queue_bucket", "queue_sort_at", "queue_ready_at")


def refuse_anothers(*, lead: Lead, rep: Rep, at: datetime) -> None:
    """Raise ``AnothersLead`` unless ``rep`` may work the lead now. The caller has locked its row."""
    if lead.owner_id not in (None, rep.pk):
        raise AnothersLead(
            f"{lead.owner} works this lead." if lead.owner else "Somebody else works this lead."
        )
    held = lead.claimed_until is not None and lead.claimed_until > at
    if held and lead.claimed_by_id not in (None, rep.pk):
        raise AnothersLead(f"{lead.claimed_by} is working this lead right now. Take the next one.")


def standing_of(lead: Lead) -> rules.Standing:
    """What the lead's place follows from, as the plain value that ``rules.queue`` decides on."""
    # An import may carry a zone that is none; the company's day then decides.
    zone = rules.effective_zone(lead.time_zone, settings.COMPANY_TIME_ZONE)
    return rules.Standing(
        workable=lead.is_workable,
        do_not_contact=lead.do_not_contact,
        is_inbound=lead.is_inbound,
        touch_count=lead.touch_count,
        arrived_at=lead.mql_at or lead.created_at,
        response_due_at=lead.due_at,
        callback_at=lead.callback_at,
        next_touch_at=lead.next_touch_at,
        reentry_at=day_start(lead.reentry_on, zone) if lead.reentry_on else None,
        asked_again_at=asked_again_at(lead),
        channel=lead.next_channel,
        persona=lead.persona,
        time_zone=zone,
        proposal=lead.proposal,
        attempts=lead.attempts,
    )


def asked_again_at(lead: Lead) -> datetime | None:
    """When they asked by themselves after they had come, where nobody has answered that yet."""
    asked = lead.inquired_at
    if asked is None or asked <= lead.created_at:
        return None
    return asked if lead.last_touch_at is None or asked > lead.last_touch_at else None


def settle(lead: Lead) -> None:
    """Set the lead's queue fields from its standing; the caller saves."""
    found = rules.place(standing_of(lead))
    lead.queue_bucket = found.bucket if found else None
    lead.queue_sort_at = found.sort_at if found else None
    lead.queue_ready_at = found.ready_at if found else None


@transaction.atomic
def promise(*, lead: Lead, due_at: datetime | None, warn_at: datetime | None) -> None:
    """Write the promise that runs out first on the lead, and its place with it (called by ``slas``)."""
    promise_many(promises=[(lead, due_at, warn_at)])


@transaction.atomic
def promise_many(*, promises: Sequence[tuple[Lead, datetime | None, datetime | None]]) -> None:
    """Like ``promise`` for many leads (lead, due, warn), in one statement."""
    leads = []
    for lead, due_at, warn_at in promises:
        lead.due_at, lead.warn_at = due_at, warn_at
        settle(lead)
        leads.append(lead)
    update_rows(leads, ("due_at", "warn_at", *_QUEUE_FIELDS))


# --- One lead at a time -----------------------------------------------------------------------------

_CLAIM = """
WITH own AS MATERIALIZED ({own}), pool AS MATERIALIZED ({pool}),
     best AS (SELECT * FROM own UNION ALL SELECT * FROM pool ORDER BY {order} LIMIT 1)
UPDATE leads_lead SET
    claimed_by_id = CASE WHEN id = (SELECT id FROM best) THEN %s END,
    claimed_at = CASE WHEN id = (SELECT id FROM best) THEN %s END,
    claimed_until = CASE WHEN id = (SELECT id FROM best) THEN %s END
WHERE (id = (SELECT id FROM best) AND (claimed_until IS NULL OR claimed_until <= %s OR claimed_by_id = %s))
   OR (claimed_by_id = %s AND claimed_until > %s)
RETURNING {columns}
"""
"""The better of the first own lead and the first of the pool, claimed; what the rep held besides, let go of.

All in one statement, which is a transaction of its own. Each list gives one row and is read no further. A row of
the pool that is locked here and not taken is let go of at once; who passes it over meanwhile gets the one after it.
"""

_UNTIL = datetime(1000, 1, 4, tzinfo=UTC)
_AFTER = -103
_BY_REP = (REP, AT, _UNTIL, AT, REP, REP, AT)


def claim_next(*, rep: Rep, at: datetime, after: Lead | None = None, focus: str | None = None) -> Lead | None:
    """Claim the best lead for ``rep``, own ones and the team's unowned ones, in the order that the page shows.

    What the rep held is released first; ``after`` is offered again only when nothing else is there. ``focus``
    is the channel of the rep's focus block; left out, it is looked up. Once the rep's new leads of the day are
    used up, untouched ones are passed over; fresh inbound never is, since an answer was promised.

    Two people never get the same lead: on PostgreSQL a locked row is skipped, and on either database the claim
    succeeds only while the lead is still free. Only when nothing free was left unlocked is a lock waited for,
    so that nobody is told that the queue is empty while another still makes up their mind.
    """
    focus = focus_channel(rep=rep, at=at) if focus is None else focus
    skip = after.pk if after else None
    lead = _claim(rep, at, focus, skip, wait=False)
    for again in (skip, None) if skip else (None,):
        if lead is not None:
            break
        lead = _claim(rep, at, focus, again, wait=True)
    return lead


def focus_channel(*, rep: Rep, at: datetime) -> str:
    """The channel of the focus block that the rep is in at ``at``; "" outside all, or in one for none."""
    block = focus_blocks.block_at(rep=rep, at=at)
    return block.channel if block else ""


def _claim(rep: Rep, at: datetime, focus: str, skip: int | None, *, wait: bool) -> Lead | None:
    lead = _take_best(rep, at, focus, skip, wait=wait)
    if (
        lead is None
        or lead.queue_bucket != QueueBucket.UNTOUCHED
        or throttles.new_leads_left(rep=rep, at=at) != 0
    ):
        return lead
    # The same statement lets go of the untouched one.
    return _take_best(rep, at, focus, skip, wait=wait, with_untouched=False)


def _take_best(
    rep: Rep, at: datetime, focus: str, skip: int | None, *, wait: bool, with_untouched: bool = True
) -> Lead | None:
    zones = rules.waiting_zones(at, settings.COMPANY_TIME_ZONE)
    asked = _Asked(connection.vendor, focus, zones.all_but, skip is not None, wait, with_untouched)
    given = Given(rep.pk, rep.team_id, at, zones).values | {_UNTIL: at + HOLD, _AFTER: skip}
    found = claim_statement(asked).all(given)
    return next((lead for lead in found if lead.claimed_by_id is not None), None)


@dataclass(frozen=True)
class _Asked:
    """What decides the text of a claim, as against what is given to it."""

    vendor: str
    focus: str
    all_but: bool
    skips: bool
    wait: bool
    with_untouched: bool


@lru_cache(maxsize=64)
def claim_statement(asked: _Asked) -> PreparedObjects[Lead]:
    """The claim whose rows are those that it changed: the one claimed, and what the rep held before."""
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=AT) | Q(claimed_by=REP)
    leads = Lead.objects.queued(AT, asked.focus, rules.Zones(ZONES, asked.all_but)).filter(free)
    if asked.skips:
        leads = leads.exclude(pk=_AFTER)
    if not asked.with_untouched:
        leads = leads.exclude(queue_bucket=QueueBucket.UNTOUCHED)
    # Django words a lock in a transaction only. What is worded is kept, and run where it is asked for.
    with transaction.atomic():
        own, own_params = _first_of(leads.filter(owner=REP), asked)
        pool, pool_params = _first_of(leads.filter(owner__isnull=True, team=TEAM), asked)
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in Lead._meta.concrete_fields)
    # Only text that Django wrote is put into the statement; values are parameters.
    order = ", ".join(_place_columns(asked.focus))
    text = _CLAIM.format(own=own, pool=pool, order=order, columns=columns)
    markers = (REP, TEAM, AT, _UNTIL, ZONES, *((_AFTER,) if asked.skips else ()))
    claim = Prepared.of(text, (*own_params, *pool_params, *_BY_REP), markers)
    return PreparedObjects(Lead.objects.order_by(), instead=claim)


def _first_of(leads: QuerySet[Lead], asked: _Asked) -> tuple[str, tuple[Any, ...]]:
    """The SQL of the first row's place, locked where the database locks rows."""
    if connection.features.has_select_for_update_skip_locked:
        leads = leads.select_for_update(skip_locked=not asked.wait, of=("self",))
    ranked = leads.annotate(focus_rank=FocusRank(asked.focus)) if asked.focus else leads
    return ranked.values(*_place_columns(asked.focus))[:1].query.sql_with_params()


def _place_columns(focus: str) -> tuple[str, ...]:
    return ("queue_bucket", *(("focus_rank",) if focus else ()), "queue_sort_at", "id")


def keep(*, rep: Rep, at: datetime, lead: Lead) -> datetime | None:
    """A sign of life of whoever holds ``lead``: the hold runs on, up to ``LONGEST_HOLD`` since it began.

    Returns until when it is held now; ``None`` where ``rep`` does not hold it any more.
    """
    held = Lead.objects.filter(pk=lead.pk, claimed_by=rep, claimed_until__gt=at)
    began = held.values_list("claimed_at", flat=True).first()
    if began is None:
        # Held without a beginning: claimed before those were kept. Its time runs out as it stands.
        return held.values_list("claimed_until", flat=True).first()
    until = min(at + HOLD, began + LONGEST_HOLD)
    if until <= at or not held.filter(claimed_at=began).update(claimed_until=until):
        return None
    return until


def release(*, rep: Rep, at: datetime, lead: Lead | None = None) -> int:
    """Let go of what ``rep`` holds (or of ``lead`` alone, if held); how many leads that was."""
    held = Lead.objects.filter(claimed_by=rep, claimed_until__gt=at)
    if lead is not None:
        held = held.filter(pk=lead.pk)
    return held.update(claimed_by=None, claimed_until=None, claimed_at=None)
