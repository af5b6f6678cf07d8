"""What the pages of routing show: versions and their rules in words, decisions explained, turns and fairness."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.db.models import Count, Q

from apps.audit.models import AuditEntry
from apps.core.periods import day_of
from apps.core.policies import visible_or_404
from apps.leads.models import (
    HandOff,
    Lead,
    PoolTurn,
    RoutingDecision,
    RoutingPolicy,
    RoutingRule,
    TurnPool,
)
from apps.leads.rules.routing import kept
from apps.leads.rules.routing.in_words import day_words, hundredths, listed, turn_words
from apps.leads.rules.routing.policies import METHOD_WORDS, Method, Otherwise, Pool, Rule
from apps.leads.rules.routing.turns import Standing
from apps.leads.selectors.routing import rule_of, rules_in_force
from apps.reps.models import Rep, Team

MOST_DECISIONS = 20
MOST_HISTORY = 50


# --- Versions ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Version:
    """A policy with where it stands at an instant, and how many it decided."""

    policy: RoutingPolicy
    stands: str
    rules: list["RuleLine"]
    decided: int

    @property
    def is_draft(self) -> bool:
        return self.stands == "draft"


@dataclass(frozen=True)
class RuleLine:
    """A rule in words."""

    row: RoutingRule
    rule: Rule
    method: str
    whom: list[str]
    how: list[str]
    otherwise: str


def stands_at(policy: RoutingPolicy, at: datetime) -> str:
    """``draft``, ``put_away``, ``coming``, ``in_force`` or ``past``."""
    if policy.state != RoutingPolicy.State.ON or policy.from_at is None:
        return str(policy.state)
    if policy.until_at is not None and (policy.until_at <= at or policy.until_at == policy.from_at):
        return "past"
    return "coming" if policy.from_at > at else "in_force"


def versions(at: datetime) -> list[Version]:
    """All of them: in force, coming, drafts, then the past, the latest first. Five statements at most."""
    found = list(
        RoutingPolicy.objects.select_related("written_by", "switched_on_by").prefetch_related("rules")
    )
    names = Names.of([rule_of(row) for one in found for row in one.rules.all()])
    decided = dict(
        RoutingDecision.objects.filter(policy__isnull=False)
        .order_by()
        .values_list("policy")
        .annotate(count=Count("pk"))
    )
    order = {"in_force": 0, "coming": 1, "draft": 2, "past": 3, "put_away": 4}
    lines = [_version(one, at, names, decided.get(one.pk, 0)) for one in found]
    return sorted(lines, key=lambda one: (order[one.stands], -one.policy.number))


def version(policy: RoutingPolicy, at: datetime) -> Version:
    """One of them."""
    names = Names.of([rule_of(row) for row in policy.rules.all()])
    return _version(policy, at, names, RoutingDecision.objects.filter(policy=policy).count())


def _version(policy: RoutingPolicy, at: datetime, names: "Names", decided: int) -> Version:
    lines = [_line(row, names, day_of(at, settings.COMPANY_TIME_ZONE)) for row in policy.rules.all()]
    return Version(policy, stands_at(policy, at), lines, decided)


@dataclass(frozen=True)
class Names:
    """Reps and teams by id."""

    reps: dict[int, str]
    teams: dict[int, str]

    @classmethod
    def of(cls, rules: Sequence[Rule]) -> "Names":
        """Two statements, whatever the number of rules."""
        reps = {rep for rule in rules for rep in rule.names}
        teams = {team for rule in rules for team in rule.teams}
        return cls(
            dict(Rep.objects.filter(pk__in=reps).values_list("pk", "name")),
            dict(Team.objects.filter(pk__in=teams).values_list("pk", "name")),
        )

    def rep(self, pk: int) -> str:
        return self.reps.get(pk, "somebody unknown")

    def pool(self, pool: Pool) -> str:
        if pool.is_everybody:
            return "everybody who takes the team’s meetings"
        return listed([*(self.teams.get(one, "?") for one in pool.teams), *map(self.rep, pool.reps)])


def _line(row: RoutingRule, names: Names, day: date) -> RuleLine:
    rule = rule_of(row)
    otherwise = {
        Otherwise.NEXT: "When nobody is free, the next rule is asked",
        Otherwise.POOL: f"When nobody is free, the best-ranked of {names.pool(rule.other_pool)}",
        Otherwise.BEST: "When nobody is free, the best-ranked of all who take the team’s meetings",
    }[rule.otherwise]
    return RuleLine(
        row=row,
        rule=rule,
        method=METHOD_WORDS[rule.method],
        whom=[one.in_words for one in rule.conditions],
        how=_how(rule, names, day),
        otherwise=otherwise,
    )


def _how(rule: Rule, names: Names, day: date) -> list[str]:
    if rule.method == Method.BEST_RANKED:
        explored = (
            [f"{rule.exploration_percent} % of tier 1 leads go to lower tiers first"]
            if rule.exploration_percent
            else []
        )
        return [f"The lead’s tier first, best rank first, among {names.pool(rule.pool)}", *explored]
    if rule.method == Method.ROUND_ROBIN:
        return [f"In turn among {names.pool(rule.pool)}", *_weights(rule, names, day)]
    if rule.method == Method.STICKY:
        months = "month" if rule.months == 1 else f"{rule.months} months"
        return [f"Who owned lead, person or account in the last {months}, among {names.pool(rule.pool)}"]
    if rule.method == Method.TERRITORY:
        return [
            f"{one.name} ({'; '.join(row.in_words for row in one.conditions) or 'every lead'}): "
            f"{listed([names.rep(rep) for rep in one.reps])}"
            for one in rule.territories
        ]
    return [f"{one.account}: {names.rep(one.rep)}" for one in rule.accounts]


def _weights(rule: Rule, names: Names, day: date) -> list[str]:
    if not rule.weights:
        return ["All weigh the same"]
    found = []
    for one in rule.weights:
        begins = f" from {day_words(one.from_on)}" if one.from_on and one.from_on > day else ""
        found.append(f"{names.rep(one.rep)} weighs {one.weight}{begins}")
    return ["; ".join([*found, "everybody else 1"])]


# --- History ----------------------------------------------------------------------------------------

_WORDS = {
    "created": "Begun",
    "described": "Named",
    "rule_added": "Rule added",
    "rule_changed": "Rule changed",
    "rule_moved": "Rule moved",
    "rule_removed": "Rule removed",
    "switched_on": "Switched on",
    "put_away": "Put away",
    "ended": "Ended",
}


def history(policy: RoutingPolicy) -> list[tuple[AuditEntry, str, str]]:
    """What was done to a version, the latest first: entry, word, which rule. One statement."""
    entries = AuditEntry.objects.filter(
        subject_type=RoutingPolicy._meta.label,
        subject_id=str(policy.pk),
        verb__startswith="leads.routing_policy.",
    )
    return [
        (one, _WORDS.get(one.verb.rpartition(".")[2], one.verb), str(one.data.get("rule", "")))
        for one in entries.select_related("actor").order_by("-pk")[:MOST_HISTORY]
    ]


# --- Decisions explained ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A candidate in the table of a decision."""

    rep_id: int
    name: str
    place: str
    outcome: str
    why: str


@dataclass(frozen=True)
class Explained:
    """A decision for reading: candidates asked and those not needed, and each rule that was looked at."""

    decision: RoutingDecision
    asked: list[Row]
    spared: list[Row]
    turn: str

    @property
    def steps(self) -> list[dict[str, Any]]:
        return list(self.decision.steps)


def routed_lead(*, user: Any, pk: int) -> Lead:
    """A lead that the user sees, or of which the user sees a hand-off; else 404."""
    hand_offs = HandOff.objects.visible_to(user).filter(lead=pk).values("lead")
    visible = Lead.objects.visible_to(user).filter(pk=pk).values("pk")
    return visible_or_404(Lead.objects.filter(Q(pk__in=visible) | Q(pk__in=hand_offs)), pk=pk)


def decisions_of(*, lead: Lead, user: Any) -> list[Explained]:
    """All decisions about a lead, the latest first; a booking of a hold stands for the hold's. One statement."""
    rows = (
        RoutingDecision.objects.visible_to(user)
        .filter(lead=lead)
        .select_related("chosen", "policy", "hand_off", "hold", "pool", "confirms__pool")
        .order_by("-at", "-pk")[:MOST_DECISIONS]
    )
    confirmed = {one.confirms_id for one in rows if one.confirms_id}
    return [explained(one) for one in rows if one.pk not in confirmed]


def explained(decision: RoutingDecision) -> Explained:
    """One decision."""
    rows = [
        Row(
            rep_id=one["rep"],
            name=one["name"],
            place=f"tier {one['tier']}" + (f", rank {one['rank']}" if one["rank"] < 999 else ", not ranked"),
            outcome=one["outcome"],
            why=one["why"],
        )
        for one in decision.candidates
    ]
    holder = decision.confirms or decision
    return Explained(
        decision=decision,
        asked=[one for one in rows if one.outcome != "not_needed"],
        spared=[one for one in rows if one.outcome == "not_needed"],
        turn=f"A turn in “{holder.pool.name}”" if holder.pool else "",
    )


# --- Turns ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TurnLine:
    """An AE in a pool: what was due by weight and presence, what was taken, what is owed."""

    rep: Rep
    weight: int | None
    share: Fraction | None
    taken: int
    given_back: int
    due: Fraction
    owed: Fraction
    is_here: bool

    @property
    def due_words(self) -> str:
        return hundredths(self.due)

    @property
    def owed_words(self) -> str:
        return turn_words(self.owed)


@dataclass(frozen=True)
class PoolLine:
    """A pool of turns with its members; ``in_force``: a rule in force counts in it."""

    pool: TurnPool
    lines: list[TurnLine]
    in_force: bool

    @property
    def taken(self) -> int:
        return sum(one.taken for one in self.lines)

    @property
    def given_back(self) -> int:
        return sum(one.given_back for one in self.lines)


def pools(at: datetime) -> list[PoolLine]:
    """Every pool with who took how many turns. Five statements."""
    found = list(TurnPool.objects.all())
    rules = {rule.name: rule for rule in rules_in_force(at).rules if rule.method == Method.ROUND_ROBIN}
    counts = Counter(
        {
            (pool, rep): count
            for pool, rep, count in PoolTurn.objects.filter(
                kind__in=(PoolTurn.Kind.GIVEN_BACK, PoolTurn.Kind.RETAKEN)
            )
            .order_by()
            .values_list("pool", "rep")
            .annotate(
                net=Count("pk", filter=Q(kind=PoolTurn.Kind.GIVEN_BACK))
                - Count("pk", filter=Q(kind=PoolTurn.Kind.RETAKEN))
            )
        }
    )
    reps = Rep.objects.select_related("team").in_bulk(
        {rep for pool in found for rep in kept.standings_of(pool.standings)}
    )
    day = day_of(at, settings.COMPANY_TIME_ZONE)
    return [_pool(pool, rules.get(pool.name), reps, counts, day) for pool in found]


def _pool(
    pool: TurnPool, rule: Rule | None, reps: dict[int, Rep], counts: Counter[tuple[int, int]], day: date
) -> PoolLine:
    standings: dict[int, Standing] = kept.standings_of(pool.standings)
    here = {pk for pk in standings if pk in reps and _is_here(reps[pk], rule, day)}
    total = sum(rule.weight_of(pk, day) for pk in here) if rule else 0
    lines = [
        TurnLine(
            rep=reps[pk],
            weight=rule.weight_of(pk, day) if rule and pk in here else None,
            share=Fraction(rule.weight_of(pk, day), total) if rule and total and pk in here else None,
            taken=one.taken,
            given_back=counts[pool.pk, pk],
            due=one.due,
            owed=one.owed,
            is_here=pk in here,
        )
        for pk, one in standings.items()
        if pk in reps
    ]
    lines.sort(key=lambda one: (not one.is_here, -one.taken, one.rep.name, one.rep.pk))
    return PoolLine(pool, lines, rule is not None)


def _is_here(rep: Rep, rule: Rule | None, day: date) -> bool:
    if rep.left_on is not None and rep.left_on <= day:
        return False
    return rule is None or rule.pool.has(rep_id=rep.pk, team_id=rep.team_id, takes_team=True)
