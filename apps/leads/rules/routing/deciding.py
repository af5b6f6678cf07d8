"""Ask the rules of a policy in order until an AE is found; keep every candidate, every step, and say it in words.

The first rule whose conditions hold is asked. When nobody whom it names is free, what the rule says follows: the
next rule, another pool, or the best-ranked. At last the best-ranked of all candidates: those who take the team's
meetings, and those whom the rules that hold may name. A prospect is never left without an answer while one of them
is free (PRODUCT section 6).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from apps.leads.rules.conditions import match
from apps.leads.rules.routing import best_ranked, turns
from apps.leads.rules.routing.candidates import (
    NOT_NEEDED,
    PASSED,
    TAKEN,
    Candidate,
    Considered,
    ask_in_order,
)
from apps.leads.rules.routing.in_words import day_words, listed, turn_words
from apps.leads.rules.routing.policies import (
    BEST_AVAILABLE,
    Method,
    NamedAccount,
    Otherwise,
    Pool,
    Rule,
    Territory,
)

UNMATCHED, NOBODY, DECIDED = "unmatched", "nobody", "decided"


@dataclass(frozen=True)
class Earlier:
    """Who owned the lead, the person or the account before: when, and what of it (``how``, in words)."""

    rep_id: int
    on: date
    how: str


@dataclass(frozen=True)
class Facts:
    """What a decision knows of the lead. ``known`` is as ``rules.conditions`` judges it.

    ``domains`` and ``company`` are those of the person's addresses and of the account; ``earlier`` is in the order
    in which it is asked; ``day`` is the one on which is decided.
    """

    lead_id: int
    tier: int
    day: date
    known: Mapping[str, Any] = field(default_factory=dict)
    domains: tuple[str, ...] = ()
    company: str = ""
    earlier: tuple[Earlier, ...] = ()


Standings = Mapping[str, Mapping[int, turns.Standing]]
"""By pool of turns (the name of the rule) and rep."""


@dataclass(frozen=True)
class Step:
    """A rule that was looked at, what came of it, and whom it considered."""

    rule: str
    method: str
    outcome: str
    words: str
    considered: tuple[Considered, ...] = ()
    chosen: Candidate | None = None
    turn: turns.Turn | None = None


@dataclass(frozen=True)
class Outcome:
    """The decision: who, by which rule, in words; all candidates in the order asked; each step; the turn, if any."""

    chosen: Candidate | None
    considered: tuple[Considered, ...]
    words: str
    steps: tuple[Step, ...]

    @property
    def decisive(self) -> Step:
        """The step that found the AE; the last one where nobody was free."""
        return self.steps[-1]

    @property
    def turn(self) -> turns.Turn | None:
        return self.decisive.turn if self.chosen else None


def holds(rule: Rule, facts: Facts) -> bool:
    """Whether the rule is asked for this lead."""
    return match(rule.conditions, facts.known).ok


def decide(
    rules: Sequence[Rule], facts: Facts, candidates: Sequence[Candidate], standings: Standings
) -> Outcome:
    """Who takes the lead. The same arguments give the same answer."""
    steps: list[Step] = []
    for rule in rules:
        if not holds(rule, facts):
            steps.append(_unmatched(rule, facts))
            continue
        steps.append(_ask(rule, facts, _of(rule.pool, candidates), candidates, standings))
        if steps[-1].chosen is None and rule.otherwise == Otherwise.POOL:
            steps.append(_best(rule, facts, _of(rule.other_pool, candidates), "its other pool"))
        if steps[-1].chosen is not None or rule.otherwise != Otherwise.NEXT:
            break
    if not steps or (steps[-1].chosen is None and len(steps[-1].considered) < max(1, len(candidates))):
        steps.append(_best(BEST_AVAILABLE, facts, list(candidates), "all who may take it"))
    chosen = steps[-1].chosen
    return Outcome(chosen, _flat(steps, facts.tier, candidates), _words(steps), tuple(steps))


def reach_of(rule: Rule, facts: Facts) -> tuple[set[int], set[int]]:
    """Teams and reps whom a rule that holds may name for this lead, beside all who take the team's meetings."""
    teams = {*rule.pool.teams, *rule.other_pool.teams}
    reps = {*rule.pool.reps, *rule.other_pool.reps}
    if rule.method == Method.TERRITORY:
        territory = _territory_of(rule, facts)
        reps |= set(territory.reps) if territory else set()
    if rule.method == Method.NAMED_ACCOUNT:
        account = _account_of(rule, facts)
        reps |= {account.rep} if account else set()
    return teams, reps


def _of(pool: Pool, candidates: Sequence[Candidate]) -> list[Candidate]:
    return [
        one
        for one in candidates
        if pool.has(rep_id=one.rep_id, team_id=one.team_id, takes_team=one.takes_team)
    ]


def _unmatched(rule: Rule, facts: Facts) -> Step:
    failed = match(rule.conditions, facts.known).failed[0]
    return Step(rule.name, rule.method, UNMATCHED, f"Not asked: {failed.in_words}.")


def _step(rule: Rule, words: str, considered: Sequence[Considered], chosen: Candidate | None) -> Step:
    return Step(rule.name, rule.method, DECIDED if chosen else NOBODY, words, tuple(considered), chosen)


# --- Methods ----------------------------------------------------------------------------------------


def _ask(
    rule: Rule,
    facts: Facts,
    pool: list[Candidate],
    candidates: Sequence[Candidate],
    standings: Standings,
) -> Step:
    if rule.method == Method.BEST_RANKED:
        return _best(rule, facts, pool, "its pool")
    if rule.method == Method.ROUND_ROBIN:
        return _round_robin(rule, facts, pool, standings.get(rule.name, {}))
    if rule.method == Method.TERRITORY:
        return _territory(rule, facts, candidates)
    if rule.method == Method.STICKY:
        return _sticky(rule, facts, pool)
    return _named(rule, facts, candidates)


def _best(rule: Rule, facts: Facts, pool: list[Candidate], where: str) -> Step:
    decision = best_ranked.choose(
        facts.tier, pool, lead_id=facts.lead_id, exploration_percent=rule.exploration_percent
    )
    words = decision.words
    if decision.chosen is None:
        words = f"Nobody in {where} is free at this time." if pool else f"There is nobody in {where}."
    step = _step(rule, words, decision.considered, decision.chosen)
    return replace(step, method=Method.BEST_RANKED)


def _round_robin(
    rule: Rule, facts: Facts, pool: list[Candidate], standings: Mapping[int, turns.Standing]
) -> Step:
    weights = {one.rep_id: rule.weight_of(one.rep_id, facts.day) for one in pool}
    turn = turns.next_turn(
        [
            turns.Member(one.rep_id, weights[one.rep_id], one.is_present, not one.closed, one.rank)
            for one in pool
        ],
        standings,
    )
    by_id = {one.rep_id: one for one in pool}
    chosen = by_id[turn.chosen] if turn.chosen is not None else None
    considered: list[Considered] = []
    for rep_id in turn.order:
        one, owed = by_id[rep_id], turn_words(turn.before.get(rep_id, turns.Fraction(0)))
        if chosen is not None and rep_id == chosen.rep_id:
            considered.append(Considered(one, TAKEN, f"{one.free_words}, {owed}: taken"))
        elif one.closed:
            keeps = "; keeps the turn" if rep_id in turn.shares else ""
            considered.append(Considered(one, PASSED, f"{one.closed}{keeps}"))
        else:
            considered.append(Considered(one, NOT_NEEDED, f"{owed[:1].upper()}{owed[1:]}: comes later"))
    words = f"Nobody in “{rule.name}” is free at this time." if pool else "There is nobody in its pool."
    if chosen is not None:
        total = sum(weights[rep_id] for rep_id in turn.shares)
        share = f"weight {weights[chosen.rep_id]} of {total}" if total else "no weights"
        owed = turn_words(turn.before.get(chosen.rep_id, turns.Fraction(0)))
        words = f"It was {chosen.name}’s turn in “{rule.name}” ({share}, {owed})."
    return replace(_step(rule, words, considered, chosen), turn=turn if chosen else None)


def _territory_of(rule: Rule, facts: Facts) -> Territory | None:
    return next((one for one in rule.territories if match(one.conditions, facts.known).ok), None)


def _territory(rule: Rule, facts: Facts, candidates: Sequence[Candidate]) -> Step:
    found = _territory_of(rule, facts)
    if found is None:
        return _step(rule, "The lead lies in none of its territories.", (), None)
    reps = [one for one in candidates if one.rep_id in found.reps]
    chosen, considered = ask_in_order(
        best_ranked.order_of_asking(facts.tier, reps), f"of the territory {found.name}"
    )
    if chosen is None:
        return _step(rule, f"The lead lies in {found.name}, where nobody is free.", considered, None)
    return _step(rule, f"The lead lies in {found.name}, so {chosen.name} takes it.", considered, chosen)


def _sticky(rule: Rule, facts: Facts, pool: list[Candidate]) -> Step:
    since = _months_before(facts.day, rule.months)
    by_id = {one.rep_id: one for one in pool}
    kept: dict[int, Earlier] = {}
    for one in facts.earlier:
        if one.on >= since and one.rep_id in by_id:
            kept.setdefault(one.rep_id, one)
    if not kept:
        return _step(rule, f"Nobody of its pool had this lead, person or account in {_span(rule)}.", (), None)
    chosen, considered = ask_in_order([by_id[rep_id] for rep_id in kept], "had it before")
    if chosen is None:
        return _step(
            rule,
            f"{listed([by_id[one].name for one in kept])} had it before, and is not free.",
            considered,
            None,
        )
    before = kept[chosen.rep_id]
    return _step(
        rule,
        f"{chosen.name} had {before.how} on {day_words(before.on)}, within {_span(rule)}, so it stays there.",
        considered,
        chosen,
    )


def _span(rule: Rule) -> str:
    return "a month" if rule.months == 1 else f"{rule.months} months"


def _months_before(day: date, months: int) -> date:
    """The same day of the month so many months earlier, the last one where there is none."""
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(years, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError("Every month has 28 days.")


def _account_of(rule: Rule, facts: Facts) -> NamedAccount | None:
    for one in rule.accounts:
        if one.key in facts.domains if one.is_domain else bool(facts.company) and one.key == facts.company:
            return one
    return None


def _named(rule: Rule, facts: Facts, candidates: Sequence[Candidate]) -> Step:
    found = _account_of(rule, facts)
    if found is None:
        return _step(rule, "The company is none of its accounts.", (), None)
    reps = [one for one in candidates if one.rep_id == found.rep]
    chosen, considered = ask_in_order(reps, f"{found.account} is kept for this AE")
    if chosen is not None:
        return _step(rule, f"{found.account} is a named account of {chosen.name}.", considered, chosen)
    who = f"{reps[0].name}, who is not free" if reps else "somebody who is no AE any more"
    return _step(rule, f"{found.account} is a named account of {who}.", considered, None)


# --- The whole --------------------------------------------------------------------------------------


def _flat(steps: Sequence[Step], lead_tier: int, candidates: Sequence[Candidate]) -> tuple[Considered, ...]:
    """Every candidate once, in the order in which they were first asked; then those whom nothing asked."""
    found: dict[int, Considered] = {}
    for step in steps:
        for one in step.considered:
            was = found.get(one.candidate.rep_id)
            if was is None or was.outcome == NOT_NEEDED or one.outcome == TAKEN:
                found[one.candidate.rep_id] = one
    for candidate in best_ranked.order_of_asking(lead_tier, candidates):
        found.setdefault(candidate.rep_id, Considered(candidate, NOT_NEEDED, "Not asked"))
    return tuple(found.values())


def _words(steps: Sequence[Step]) -> str:
    """What was asked in vain, then what decided."""
    asked = [one for one in steps if one.outcome != UNMATCHED]
    said = [_said(one) for one in asked]
    if asked[-1].chosen is None:
        # That the last found nobody either is what the sentence says.
        return " ".join([*said[:-1], "Nobody is free at this time."])
    return " ".join(said)


def _said(step: Step) -> str:
    return step.words if step.rule == BEST_AVAILABLE.name else f"Rule “{step.rule}”: {step.words}"
