"""A decision as it is written down, and decided again from what was written.

``replay(rules, kept)`` must name the same AE for ever: the candidates as they were, what was known of the lead,
and what each was owed stand in the row; the rules are those of the policy's version, which never change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from fractions import Fraction
from typing import Any

from apps.leads.rules.routing.candidates import Candidate, Considered
from apps.leads.rules.routing.deciding import Earlier, Facts, Outcome, Standings, Step, decide
from apps.leads.rules.routing.policies import Rule
from apps.leads.rules.routing.turns import Standing

_CANDIDATE = {
    "rep": "rep_id",
    "name": "name",
    "tier": "tier",
    "rank": "rank",
    "team": "team_id",
    "why_not": "why_not",
    "present": "is_present",
    "takes": "takes_team",
}


def candidate_rows(considered: Sequence[Considered]) -> list[dict[str, Any]]:
    """Each candidate in the order asked: as they were, and what was decided."""
    return [
        {key: getattr(one.candidate, name) for key, name in _CANDIDATE.items()}
        | {"outcome": one.outcome, "why": one.why}
        for one in considered
    ]


def step_rows(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Each rule that was looked at, with the ids of those it asked."""
    return [
        {
            "rule": one.rule,
            "method": str(one.method),
            "outcome": one.outcome,
            "words": one.words,
            "asked": [[row.candidate.rep_id, row.outcome, row.why] for row in one.considered],
        }
        for one in steps
    ]


def inputs(facts: Facts, standings: Standings) -> dict[str, Any]:
    """What was known, and what each was due and had taken before."""
    return {
        "facts": {
            **asdict(facts),
            "day": facts.day.isoformat(),
            "known": dict(facts.known),
            "domains": list(facts.domains),
            "earlier": [[one.rep_id, one.on.isoformat(), one.how] for one in facts.earlier],
        },
        "turns": {pool: standing_rows(members) for pool, members in standings.items()},
    }


def standing_rows(members: Mapping[int, Standing]) -> dict[str, list[Any]]:
    """``{"7": ["12/5", 2]}``: due and taken by rep."""
    return {str(rep): [str(one.due), one.taken] for rep, one in members.items()}


def standings_of(rows: Mapping[str, Sequence[Any]]) -> dict[int, Standing]:
    """The other way round."""
    return {int(rep): Standing(_fraction(due), taken) for rep, (due, taken) in rows.items()}


def share_rows(shares: Mapping[int, Fraction]) -> dict[str, str]:
    """What each was due by one turn: ``{"7": "2/5"}``."""
    return {str(rep): str(share) for rep, share in shares.items()}


def shares_of(rows: Mapping[str, str]) -> dict[int, Fraction]:
    """The other way round."""
    return {int(rep): _fraction(share) for rep, share in rows.items()}


def _fraction(text: str) -> Fraction:
    """``2/5`` or ``3`` as it was written here: reading it by ``Fraction`` costs its pattern each time."""
    numerator, _, denominator = text.partition("/")
    return Fraction(int(numerator), int(denominator or 1))


def facts_of(raw: Mapping[str, Any]) -> Facts:
    """The facts of a kept decision."""
    return Facts(
        lead_id=raw["lead_id"],
        tier=raw["tier"],
        day=date.fromisoformat(raw["day"]),
        known=raw["known"],
        domains=tuple(raw["domains"]),
        company=raw["company"],
        earlier=tuple(Earlier(rep, date.fromisoformat(on), how) for rep, on, how in raw["earlier"]),
    )


def candidates_of(rows: Sequence[Mapping[str, Any]]) -> list[Candidate]:
    """The candidates of a kept decision, as they were."""
    return [Candidate(**{name: row[key] for key, name in _CANDIDATE.items()}) for row in rows]


def replay(
    rules: Sequence[Rule], kept_inputs: Mapping[str, Any], candidates: Sequence[Mapping[str, Any]]
) -> Outcome:
    """Decide again from what was kept."""
    standings = {pool: standings_of(rows) for pool, rows in kept_inputs["turns"].items()}
    return decide(rules, facts_of(kept_inputs["facts"]), candidates_of(candidates), standings)
