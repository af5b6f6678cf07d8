"""What a routing decision is made from: the rules in force, what is known of the lead, and every AE who may take it.

A bounded number of statements, whatever the number of AEs.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q

from apps.core.among import Among
from apps.core.periods import day_of
from apps.core.prepared import AT, TODAY, PreparedObjects, PreparedQuery
from apps.leads.models import HandOff, Lead, LeadAddress, Opportunity, RoutingPolicy, RoutingRule
from apps.leads.rules.matching import address_key, company_domain, company_key
from apps.leads.rules.routing.candidates import UNRANKED, Candidate
from apps.leads.rules.routing.deciding import Earlier, Facts, holds, reach_of
from apps.leads.rules.routing.policies import BEST_AVAILABLE, Method, Rule, parse_rule
from apps.leads.rules.scoring import tier_of_score
from apps.leads.selectors.conditions import known_of
from apps.leads.selectors.free_at import Person, plain, why_not_free
from apps.reps.models import Rep, Team, Tier
from apps.reps.rules.asked_time import Why

_NOT_AT_WORK = (Why.NOT_BEGUN, Why.LEFT, Why.AWAY, Why.HOURS)
"""Then no turn of a round robin counts for them; a busy or full AE keeps the turn."""
_MOST_EARLIER = 20
_POLICY, _TEAM, _TEAMS, _REPS = -101, -102, (-103,), (-104,)


@dataclass(frozen=True)
class InForce:
    """The rules that decide; ``policy`` is ``None`` while none is in force (then the best available)."""

    policy: RoutingPolicy | None
    rules: tuple[Rule, ...]

    @property
    def name(self) -> str:
        return str(self.policy) if self.policy else "Best available, no policy in force"


def rules_in_force(at: datetime) -> InForce:
    """Two statements."""
    statements = _statements(connection.vendor)
    policy = statements.policy.first({AT: at})
    if policy is None:
        return InForce(None, (BEST_AVAILABLE,))
    rules = statements.rules.all({_POLICY: policy.pk})
    return InForce(policy, tuple(rule_of(one) for one in rules))


def rules_of(policy: RoutingPolicy) -> tuple[Rule, ...]:
    """The rules of a version in the order in which they are asked."""
    return tuple(rule_of(one) for one in policy.rules.all())


def rule_of(row: RoutingRule) -> Rule:
    """The rule as the plain value that decides."""
    return parse_rule(name=row.name, method=row.method, conditions=row.conditions, terms=row.terms)


# --- The lead ---------------------------------------------------------------------------------------


def facts_of(*, lead: Lead, rules: Sequence[Rule], at: datetime) -> Facts:
    """What the rules may ask of the lead. Who owned it before is looked up only where a rule asks for it."""
    facts = Facts(
        lead_id=lead.pk, tier=tier_of_score(lead.score), day=day_of(at, "UTC"), known=known_of(lead)
    )
    asked = {rule.method for rule in rules if holds(rule, facts)}
    if Method.NAMED_ACCOUNT in asked or Method.STICKY in asked:
        addresses = [lead.email, *LeadAddress.objects.filter(lead=lead).values_list("email", flat=True)]
        facts = Facts(
            facts.lead_id,
            facts.tier,
            facts.day,
            facts.known,
            domains=_domains(lead, addresses),
            company=company_key(lead.company or (lead.account.name if lead.account else "")),
            earlier=tuple(_earlier(lead, addresses)) if Method.STICKY in asked else (),
        )
    return facts


def _domains(lead: Lead, addresses: Sequence[str]) -> tuple[str, ...]:
    found = [company_domain(address) for address in addresses]
    if lead.account is not None and lead.account.domain:
        found.insert(0, lead.account.domain.lower().removeprefix("www."))
    return tuple(dict.fromkeys(filter(None, found)))


def _earlier(lead: Lead, addresses: Sequence[str]) -> list[Earlier]:
    """Who had this lead, one merged into it, the person, the account: the nearest first, then the latest.

    Who rejected it did not own it.
    """
    family = _family(lead.pk)
    keys = [key for key in {address_key(one) for one in addresses if one} if key]
    emails = [one for one in addresses if one]
    person = Q(lead__address_key__in=keys) | Q(lead__addresses__email__in=emails)
    account = Q(lead__account=lead.account_id) if lead.account_id else Q(pk__in=[])
    owned = HandOff.objects.exclude(state=HandOff.State.REJECTED)
    found: list[tuple[int, date, int, str]] = []
    for place, which, how in (
        (0, Q(lead=lead.pk), "this lead"),
        (1, Q(lead__in=family - {lead.pk}), "a lead that was merged into it"),
        (2, person if keys or emails else Q(pk__in=[]), "the same person"),
        (3, account, "the account"),
    ):
        rows = owned.filter(which).order_by("-created_at", "-pk").values_list("ae_id", "created_at")
        found += [(place, day_of(when, "UTC"), ae, how) for ae, when in rows[:_MOST_EARLIER]]
    if lead.account_id:
        deals = Opportunity.objects.filter(account=lead.account_id).order_by("-opened_at", "-pk")
        found += [
            (3, day_of(when, "UTC"), owner, "an opportunity of the account")
            for owner, when in deals.values_list("owner_id", "opened_at")[:_MOST_EARLIER]
        ]
    found.sort(key=lambda one: (one[0], -one[1].toordinal(), one[2]))
    return [Earlier(ae, on, how) for _, on, ae, how in found]


def _family(lead_id: int) -> set[int]:
    """The lead and all that live on in it, also through others."""
    found, latest = {lead_id}, {lead_id}
    while latest:
        absorbed = Lead.objects.filter(merged_into__in=latest).values_list("pk", flat=True)
        latest = set(absorbed) - found
        found |= latest
    return found


# --- The AEs ----------------------------------------------------------------------------------------


def asked_aes(
    *, lead: Lead, rules: Sequence[Rule], on: date, facts: Facts | None = None
) -> tuple[list[Rep], set[int]]:
    """AEs active ``on`` whom the team hands off to or these rules name for this lead; and the ids of the former.

    ``rules`` are those that hold for it. Two statements; ``facts`` are looked up where they are not given.
    """
    teams = _teams(lead)
    aes = Rep.objects.aes().active_on(on)
    if teams:
        facts = facts or facts_of(lead=lead, rules=rules, at=datetime.combine(on, time.min, UTC))
        of_teams, named = _reached(teams, rules, facts)
        aes = aes.filter(Among("team_id", of_teams) | Among("pk", named))
    found = list(aes.order_by("pk").select_related("team"))
    return found, _takes(found, teams)


def asked_people(
    *, lead: Lead, rules: Sequence[Rule], on: date, facts: Facts
) -> tuple[list[Person], set[int]]:
    """``asked_aes`` as plain values, which is all that a decision reads of them."""
    teams, statements = _teams(lead), _statements(connection.vendor)
    if teams:
        of_teams, named = _reached(teams, rules, facts)
        rows = statements.asked.rows({TODAY: on, _TEAMS: of_teams, _REPS: named})
    else:
        rows = statements.everybody.rows({TODAY: on})
    found = [Person._make(row) for row in rows]
    return found, _takes(found, teams)


def _teams(lead: Lead) -> list[int]:
    """The teams that the lead's team hands off to."""
    if lead.team_id is None:
        return []
    return [pk for (pk,) in _statements(connection.vendor).teams.rows({_TEAM: lead.team_id})]


def _reached(
    teams: Sequence[int], rules: Sequence[Rule], facts: Facts
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The ids of the teams and of the reps who are asked."""
    reached = [reach_of(rule, facts) for rule in rules]
    further = {team for named, _ in reached for team in named}
    return tuple({*teams, *further}), tuple({rep for _, reps in reached for rep in reps})


def _takes(aes: Sequence[Rep] | Sequence[Person], teams: Collection[int]) -> set[int]:
    return {one.pk for one in aes if not teams or one.team_id in teams}


def candidates(
    *,
    aes: Sequence[Person],
    takes: Collection[int],
    starts_at: datetime,
    ends_at: datetime,
    at: datetime,
    without: Mapping[int, str],
    **overlooked: Any,
) -> list[Candidate]:
    """Each AE as routing sees one, with why not where one is not free; ``without`` says why by id, in words.

    ``overlooked`` is passed on to ``selectors.free_at.why_not_free``.
    """
    closed = why_not_free(aes=aes, starts_at=starts_at, ends_at=ends_at, at=at, **overlooked)

    def words(ae: Person) -> str:
        return without.get(ae.pk) or (closed[ae.pk].words if ae.pk in closed else "")

    return [
        Candidate(
            rep_id=ae.pk,
            name=ae.name,
            tier=ae.tier or Tier.THREE,
            rank=ae.rank or UNRANKED,
            why_not=words(ae),
            team_id=ae.team_id,
            is_present=ae.pk not in closed or closed[ae.pk].kind not in _NOT_AT_WORK,
            takes_team=ae.pk in takes,
        )
        for ae in aes
    ]


# --- Statements -------------------------------------------------------------------------------------


class _Statements(NamedTuple):
    """What every decision reads, worded once a process."""

    policy: PreparedObjects[RoutingPolicy]
    rules: PreparedObjects[RoutingRule]
    teams: PreparedQuery
    asked: PreparedQuery
    everybody: PreparedQuery


@lru_cache(maxsize=4)
def _statements(_vendor: str) -> _Statements:
    handing = Team.hands_off_to.through.objects.filter(from_team=_TEAM)
    aes = Rep.objects.aes().active_on(TODAY).order_by("pk")
    asked = aes.filter(Among("team_id", _TEAMS) | Among("pk", _REPS))
    return _Statements(
        PreparedObjects(RoutingPolicy.objects.in_force(AT)[:1], AT),
        PreparedObjects(RoutingRule.objects.filter(policy=_POLICY).order_by("position", "pk"), _POLICY),
        PreparedQuery(handing.values_list("to_team_id"), _TEAM),
        PreparedQuery(plain(asked), TODAY, _TEAMS, _REPS),
        PreparedQuery(plain(aes), TODAY),
    )
