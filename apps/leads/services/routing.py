"""Name the AE for a lead and a time, keep the decision, and keep the turns of the round robins right.

``choose`` reads the policy in force, asks its rules in order, and says who, with every candidate and why; it writes
nothing. ``keep`` writes the decision and takes the turn. Both belong in one transaction of the caller, who has
locked the lead and, between them, takes the AE's time (when somebody was quicker: ``choose`` again ``without``
that AE). ``choose`` must be called in the outer transaction, not in a savepoint that may be rolled back: it locks
the turns of the round robin until the end, so that two bookings at once see each other's turns.

A booking that uses a hold is ``confirm``-ed instead: the hold's decision has the turn already. Turns come back when
a hold is let go or lapses, the meeting is cancelled or nobody came, or the AE rejects (``settle``).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Q

from apps.core import locks
from apps.core.bulk import insert_rows
from apps.core.prepared import AT, PreparedQuery
from apps.leads.models import (
    HandOff,
    Lead,
    Meeting,
    PoolTurn,
    RoutingDecision,
    SlotHold,
    TurnPool,
)
from apps.leads.rules.routing import kept, turns
from apps.leads.rules.routing.deciding import Facts, Outcome, decide, holds
from apps.leads.rules.routing.policies import Method
from apps.leads.selectors.routing import InForce, asked_people, candidates, facts_of, rules_in_force
from apps.reps.models import Rep

LOST_THE_RACE = "Just booked by somebody else"
HAD_IT = "Had it before"
_LONGEST_HOLD = timedelta(days=1)
_POOL, _LEAD, _SINCE = -101, -102, AT + timedelta(days=1)

Standings = dict[str, dict[int, turns.Standing]]


@dataclass(frozen=True)
class Chosen:
    """A decision that is not kept yet. ``ae`` is ``None`` when nobody is free."""

    ae: Rep | None
    outcome: Outcome
    facts: Facts
    in_force: InForce
    standings: Standings
    starts_at: datetime
    ends_at: datetime
    cause: str

    @property
    def words(self) -> str:
        return self.outcome.words

    def as_dict(self) -> dict[str, Any]:
        """The copy that stands on the hand-off, for its page."""
        return {
            "policy": self.in_force.name,
            "rule": self.outcome.decisive.rule,
            "lead_tier": self.facts.tier,
            "words": self.outcome.words,
            "considered": [
                {
                    "rep": one.candidate.rep_id,
                    "name": one.candidate.name,
                    "tier": one.candidate.tier,
                    "rank": one.candidate.rank,
                    "outcome": one.outcome,
                    "why": one.why,
                }
                for one in self.outcome.considered
            ],
        }


# --- Choosing ---------------------------------------------------------------------------------------


def choose(
    *,
    lead: Lead,
    starts_at: datetime,
    ends_at: datetime,
    at: datetime,
    sdr: Rep | None = None,
    without: Collection[int] | Mapping[int, str] = (),
    cause: str = "booked",
    ignore_meeting: Any = None,
    ignore_hold: Any = None,
    with_notice: bool = True,
) -> Chosen:
    """Who takes ``lead`` at ``[starts_at, ends_at)``, by the policy in force at ``at``; writes nothing lasting.

    ``without`` are AEs (ids, or ids with why in words) who are passed over; the ids alone are those to whom a
    race for the time was lost. ``sdr`` is who books, for callers that know. The rest is as in
    ``selectors.free_at.why_not_free``. Within a transaction.
    """
    in_force = rules_in_force(at)
    facts = facts_of(lead=lead, rules=in_force.rules, at=at)
    rules = [rule for rule in in_force.rules if holds(rule, facts)]
    aes, takes = asked_people(lead=lead, rules=rules, on=starts_at.date(), facts=facts)
    # The turns are locked before the calendars are read, so that what is free is as new as the turns.
    names = [rule.name for rule in rules if rule.method == Method.ROUND_ROBIN]
    standings = _locked_standings(names, _pools_of(lead), at)
    found = candidates(
        aes=aes,
        takes=takes,
        starts_at=starts_at,
        ends_at=ends_at,
        at=at,
        without=without if isinstance(without, Mapping) else dict.fromkeys(without, LOST_THE_RACE),
        ignore_meeting=ignore_meeting,
        ignore_hold=ignore_hold,
        with_notice=with_notice,
    )
    outcome = decide(in_force.rules, facts, found, standings)
    ae = Rep.objects.select_related("team").get(pk=outcome.chosen.rep_id) if outcome.chosen else None
    return Chosen(ae, outcome, facts, in_force, standings, starts_at, ends_at, cause)


def hold_turns(*, lead: Lead, at: datetime) -> None:
    """Lock what routing ``lead`` anew, or settling what it took before, may ask of turns.

    Turns are locked before an AE's row and half hours, by everybody: so nobody who has the one waits for the other.
    For whoever takes an AE's time without ``choose``, which does the same.
    """
    rules = rules_in_force(at).rules
    _lock({rule.name for rule in rules if rule.method == Method.ROUND_ROBIN} | _pools_of(lead))


def _pools_of(lead: Lead) -> set[str]:
    """The pools in which the lead has taken turns: one may be given back by what follows."""
    return {name for (name,) in _pools_taken(connection.vendor).rows({_LEAD: lead.pk})}


@lru_cache(maxsize=4)
def _pools_taken(_vendor: str) -> PreparedQuery:
    taken = RoutingDecision.objects.filter(lead=_LEAD, pool__isnull=False)
    return PreparedQuery(taken.order_by().values_list("pool__name").distinct(), _LEAD)


def _locked_standings(names: list[str], further: Collection[str], at: datetime) -> Standings:
    """Where each of these pools stands, locked until the transaction ends; lapsed holds have given back.

    ``further`` pools are only locked.
    """
    if names or further:
        _lock({*names, *further})
    if not names:
        return {}
    pools = {pool.name: pool for pool in TurnPool.objects.filter(name__in=names)}
    for pool in pools.values():
        _take_back_lapsed(pool, at)
    return {name: kept.standings_of(pools[name].standings) if name in pools else {} for name in names}


def _lock(names: Collection[str]) -> None:
    """By name, since the row of a new pool is not there yet; all at once, so that nobody waits in a ring."""
    locks.hold(f"routing:{name}" for name in names)


# --- Keeping ----------------------------------------------------------------------------------------


def keep(
    *,
    chosen: Chosen,
    lead: Lead,
    at: datetime,
    hand_off: HandOff | None = None,
    hold: SlotHold | None = None,
    because: str = "",
) -> RoutingDecision:
    """Write the decision and take the turn, in the transaction of ``choose``.

    A turn that the hand-off had by an earlier decision is given back: it holds one at most. ``because`` says
    why it was decided again, in words.
    """
    if chosen.ae is None:
        raise ValueError("Nobody was chosen: there is nothing to keep.")
    if hand_off is not None:
        _give_back_earlier(hand_off, at)
    step, turn = chosen.outcome.decisive, chosen.outcome.turn
    pool = _pool(step.rule, at) if turn else None
    decision = RoutingDecision.objects.create(
        lead=lead,
        hand_off=hand_off,
        hold=hold,
        cause=chosen.cause,
        because=because[:200],
        starts_at=chosen.starts_at,
        ends_at=chosen.ends_at,
        at=at,
        policy=chosen.in_force.policy,
        rule=step.rule,
        method=str(step.method),
        chosen=chosen.ae,
        lead_tier=chosen.facts.tier,
        words=chosen.outcome.words,
        steps=kept.step_rows(chosen.outcome.steps),
        candidates=kept.candidate_rows(chosen.outcome.considered),
        inputs=kept.inputs(chosen.facts, _judged(chosen)),
        pool=pool,
        shares=kept.share_rows(turn.shares) if turn else {},
    )
    if turn and pool:
        _take(pool, turn, decision, at)
    return decision


def _judged(chosen: Chosen) -> Standings:
    """The standings of those who were asked: all that the decision depends on."""
    asked = {one.candidate.rep_id for one in chosen.outcome.considered}
    return {
        name: {rep: one for rep, one in members.items() if rep in asked}
        for name, members in chosen.standings.items()
    }


def confirm(*, hold: SlotHold, hand_off: HandOff, at: datetime) -> RoutingDecision | None:
    """The hold became this booking: its decision stands, its turn stays taken. ``None`` where none was kept."""
    held = RoutingDecision.objects.filter(hold=hold, cause=RoutingDecision.Cause.HELD).first()
    if held is None:
        return None
    present = RoutingDecision.objects.filter(confirms=held).first()
    if present is not None:
        return present
    _give_back_earlier(hand_off, at)
    copied = (
        "lead_id",
        "policy_id",
        "rule",
        "method",
        "chosen_id",
        "lead_tier",
        "words",
        "steps",
        "candidates",
    )
    return RoutingDecision.objects.create(
        **{name: getattr(held, name) for name in copied},
        inputs=held.inputs,
        hand_off=hand_off,
        confirms=held,
        cause=RoutingDecision.Cause.BOOKED,
        starts_at=hold.starts_at,
        ends_at=hold.ends_at,
        at=at,
    )


# --- Turns ------------------------------------------------------------------------------------------


def _pool(name: str, at: datetime) -> TurnPool:
    pool, _ = TurnPool.objects.get_or_create(name=name, defaults={"changed_at": at})
    return pool


def _take(pool: TurnPool, turn: turns.Turn, decision: RoutingDecision, at: datetime) -> None:
    """The turn counts: the standings move, and the ledger says so."""
    before = kept.standings_of(pool.standings)
    members = {*turn.shares, decision.chosen_id}
    rows = [
        PoolTurn(pool=pool, rep_id=rep, kind=PoolTurn.Kind.JOINED, at=at)
        for rep in sorted(members - set(before))
    ]
    rows.append(
        PoolTurn(pool=pool, rep_id=decision.chosen_id, kind=PoolTurn.Kind.TAKEN, decision=decision, at=at)
    )
    insert_rows(rows)
    _write(pool, turns.after(before, turn), at)


def _write(pool: TurnPool, standings: Mapping[int, turns.Standing], at: datetime) -> None:
    pool.standings, pool.changed_at = kept.standing_rows(standings), at
    pool.save(update_fields=["standings", "changed_at"])


def settle(*, hand_off: HandOff, at: datetime) -> None:
    """Let the turn of the hand-off's latest decision count or not, as meeting and answer stand. Safe to repeat.

    Nobody came, cancelled, rejected: it is given back. Taken back or decided otherwise: it counts after all.
    """
    decision = _latest(hand_off)
    if decision is None or decision.pool is None:
        return
    _lock([decision.pool.name])
    # As both stand in this transaction, whatever the caller had read.
    hand_off = HandOff.objects.select_related("meeting").get(pk=hand_off.pk)
    last = decision.turns.order_by("-number").first()
    if last is None:
        return
    why_not = _why_it_does_not_count(hand_off)
    counts = last.kind != PoolTurn.Kind.GIVEN_BACK
    if why_not and counts:
        _move(decision, PoolTurn.Kind.GIVEN_BACK, last.number + 1, why_not, at)
    elif not why_not and not counts:
        _move(decision, PoolTurn.Kind.RETAKEN, last.number + 1, "It counts after all", at)


def _latest(hand_off: HandOff) -> RoutingDecision | None:
    """The decision by which the hand-off has its AE; the hold's, which has the turn, where one was confirmed."""
    rows = RoutingDecision.objects.filter(hand_off=hand_off).select_related("pool", "confirms__pool")
    found = rows.order_by("-at", "-pk").first()
    return (found.confirms or found) if found else None


def _why_it_does_not_count(hand_off: HandOff) -> str:
    if hand_off.state == HandOff.State.REJECTED:
        return "Rejected by the AE"
    state = hand_off.meeting.state if hand_off.meeting else ""
    if state == Meeting.State.NO_SHOW:
        return "Nobody came"
    return "Cancelled" if state == Meeting.State.CANCELLED else ""


def _move(decision: RoutingDecision, kind: Any, number: int, because: str, at: datetime) -> None:
    """Take the turn out of the standings, or into them again. The pool is locked."""
    pool = TurnPool.objects.get(decisions=decision)
    shares = kept.shares_of(decision.shares)
    change = turns.without if kind == PoolTurn.Kind.GIVEN_BACK else turns.again
    PoolTurn.objects.create(
        pool=pool,
        rep_id=decision.chosen_id,
        kind=kind,
        decision=decision,
        number=number,
        at=at,
        because=because[:120],
    )
    _write(pool, change(kept.standings_of(pool.standings), shares, decision.chosen_id), at)


def _give_back_earlier(hand_off: HandOff, at: datetime) -> None:
    """What the hand-off had taken by its latest decision is given back: another AE, or another turn, follows."""
    decision = _latest(hand_off)
    if decision is not None and decision.pool is not None:
        _lock([decision.pool.name])
        _give_back(decision, "Decided again", at)


def _give_back(decision: RoutingDecision, because: str, at: datetime) -> None:
    last = decision.turns.order_by("-number").first()
    if last is not None and last.kind != PoolTurn.Kind.GIVEN_BACK:
        _move(decision, PoolTurn.Kind.GIVEN_BACK, last.number + 1, because, at)


def _take_back_lapsed(pool: TurnPool, at: datetime) -> None:
    """Holds that were let go or lapsed, and never became a booking, give their turns back. The pool is locked."""
    lapsed = _lapsed(connection.vendor).rows({AT: at, _SINCE: at - _LONGEST_HOLD, _POOL: pool.pk})
    found = RoutingDecision.objects.filter(pk__in=[pk for (pk,) in lapsed]).order_by("pk") if lapsed else []
    for decision in found:
        _give_back(decision, "The time was held, but not booked", at)
    if found:
        pool.refresh_from_db()


@lru_cache(maxsize=4)
def _lapsed(_vendor: str) -> PreparedQuery:
    """Decisions of a pool whose holds are over, with the turn still taken: asked by every round robin."""
    over = Q(hold__state__in=(SlotHold.State.RELEASED, SlotHold.State.LAPSED)) | Q(
        hold__state=SlotHold.State.HELD, hold__expires_at__lte=AT
    )
    held = RoutingDecision.objects.filter(
        over, pool=_POOL, hold__isnull=False, confirmed_by__isnull=True, at__gte=_SINCE
    )
    standing = held.exclude(turns__kind=PoolTurn.Kind.GIVEN_BACK)
    return PreparedQuery(standing.order_by().values_list("pk"), AT, _SINCE, _POOL)
