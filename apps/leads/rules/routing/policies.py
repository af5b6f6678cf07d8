"""The rules of a routing policy as they are written: whom, by which method, among whom, and what follows.

Pure. ``parse_rule`` reads what JSON keeps or a form sends, and says which row and field cannot be so. Ids are
those of reps and teams; whether they exist is asked by the service.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from apps.leads.rules.conditions import Condition, ConditionsInvalid, parse_conditions
from apps.leads.rules.matching import company_key

MOST_RULES = 30
MOST_ROWS = 300
"""Weights, territories' rows or named accounts of one rule."""
MOST_WEIGHT = 1_000
MOST_MONTHS = 60
MOST_EXPLORATION = 50
"""Percent: beyond half, the exception would be the rule."""


class Method(StrEnum):
    """How a rule chooses (PRODUCT section 6)."""

    BEST_RANKED = "best_ranked"
    ROUND_ROBIN = "round_robin"
    TERRITORY = "territory"
    STICKY = "sticky"
    NAMED_ACCOUNT = "named_account"


METHOD_WORDS = {
    Method.BEST_RANKED: "Best available by rank",
    Method.ROUND_ROBIN: "Weighted round robin",
    Method.TERRITORY: "Territory",
    Method.STICKY: "Sticky owner",
    Method.NAMED_ACCOUNT: "Named accounts",
}


class Otherwise(StrEnum):
    """What follows when the rule matched and nobody whom it names is free."""

    NEXT = "next"
    POOL = "pool"
    BEST = "best"


OTHERWISE_WORDS = {
    Otherwise.NEXT: "Ask the next rule",
    Otherwise.POOL: "Ask another pool, best-ranked first",
    Otherwise.BEST: "Best-ranked of all who take the team’s meetings",
}


class RuleInvalid(ValueError):
    """What cannot be so: ``part`` is a field, or a kind of rows with ``index`` from 0 and their ``field``."""

    def __init__(self, part: str, message: str, *, index: int | None = None, field: str = "") -> None:
        super().__init__(message)
        self.part, self.message, self.index, self.field = part, message, index, field


@dataclass(frozen=True)
class Pool:
    """Teams and reps; neither means everybody whom the lead's team hands off to."""

    teams: tuple[int, ...] = ()
    reps: tuple[int, ...] = ()

    @property
    def is_everybody(self) -> bool:
        return not self.teams and not self.reps

    def has(self, *, rep_id: int, team_id: int, takes_team: bool) -> bool:
        if self.is_everybody:
            return takes_team
        return rep_id in self.reps or team_id in self.teams


@dataclass(frozen=True)
class Weight:
    """How many turns ``rep`` gets beside the others, from a day on (``None``: always)."""

    rep: int
    weight: int
    from_on: date | None = None


@dataclass(frozen=True)
class Territory:
    """Leads for which all conditions hold belong to these reps."""

    name: str
    conditions: tuple[Condition, ...]
    reps: tuple[int, ...]


@dataclass(frozen=True)
class NamedAccount:
    """A company, by domain or name, and the AE it is kept for."""

    account: str
    rep: int

    @property
    def is_domain(self) -> bool:
        return "." in self.account and " " not in self.account

    @property
    def key(self) -> str:
        """What a lead's domain or company key is compared with."""
        return self.account.lower().removeprefix("www.") if self.is_domain else company_key(self.account)


@dataclass(frozen=True)
class Rule:
    """One rule, asked in its place when all its conditions hold."""

    name: str
    method: Method
    conditions: tuple[Condition, ...] = ()
    pool: Pool = Pool()
    otherwise: Otherwise = Otherwise.NEXT
    other_pool: Pool = Pool()
    exploration_percent: int = 0
    months: int = 12
    weights: tuple[Weight, ...] = ()
    territories: tuple[Territory, ...] = ()
    accounts: tuple[NamedAccount, ...] = ()

    @property
    def names(self) -> set[int]:
        """Reps whom the rule names anywhere."""
        return {
            *self.pool.reps,
            *self.other_pool.reps,
            *(one.rep for one in self.weights),
            *(one.rep for one in self.accounts),
            *(rep for one in self.territories for rep in one.reps),
        }

    @property
    def teams(self) -> set[int]:
        return {*self.pool.teams, *self.other_pool.teams}

    def weight_of(self, rep_id: int, day: date) -> int:
        """The rep's weight on ``day``: of those that have begun the latest; 1 where none was set."""
        begun = [one for one in self.weights if one.rep == rep_id and (one.from_on or date.min) <= day]
        return max(begun, key=lambda one: one.from_on or date.min).weight if begun else 1


BEST_AVAILABLE = Rule(name="Best available", method=Method.BEST_RANKED)
"""What holds while no policy is in force, and what is asked when no rule found anybody."""


def terms_of(rule: Rule) -> dict[str, Any]:
    """All but name, method and conditions, as JSON keeps it; ``parse_rule`` reads it back."""
    return {
        "pool": _lists(asdict(rule.pool)),
        "otherwise": rule.otherwise.value,
        "other_pool": _lists(asdict(rule.other_pool)),
        "exploration_percent": rule.exploration_percent,
        "months": rule.months,
        "weights": [
            {"rep": one.rep, "weight": one.weight, "from_on": one.from_on.isoformat() if one.from_on else ""}
            for one in rule.weights
        ],
        "territories": [
            {
                "name": one.name,
                "conditions": [condition.as_dict() for condition in one.conditions],
                "reps": list(one.reps),
            }
            for one in rule.territories
        ],
        "accounts": [asdict(one) for one in rule.accounts],
    }


def _lists(raw: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) for name, value in raw.items()}


# --- Reading ----------------------------------------------------------------------------------------


def parse_rule(
    *, name: str, method: str, conditions: Any = (), terms: Mapping[str, Any] | None = None
) -> Rule:
    """From what a policy keeps or a form sends. Raises ``RuleInvalid``."""
    terms = terms or {}
    name = " ".join(str(name).split())
    if not 1 <= len(name) <= 80:
        raise RuleInvalid("name", "Give the rule a name of 80 characters at most.")
    if method not in set(Method):
        raise RuleInvalid("method", "Choose a method.")
    if terms.get("otherwise", "next") not in set(Otherwise):
        raise RuleInvalid("otherwise", "Choose what follows.")
    rule = Rule(
        name=name,
        method=Method(method),
        conditions=_conditions(conditions, "conditions"),
        pool=_pool(terms.get("pool")),
        otherwise=Otherwise(terms.get("otherwise", "next")),
        other_pool=_pool(terms.get("other_pool")),
        exploration_percent=_whole(terms, "exploration_percent", 0, 0, MOST_EXPLORATION, "Give a percentage"),
        months=_whole(terms, "months", 12, 1, MOST_MONTHS, "Give a number of months"),
        weights=_weights(_rows(terms, "weights")),
        territories=_territories(_rows(terms, "territories")),
        accounts=_accounts(_rows(terms, "accounts")),
    )
    _check_whole(rule)
    return rule


def _check_whole(rule: Rule) -> None:
    if rule.otherwise == Otherwise.POOL and rule.other_pool.is_everybody:
        raise RuleInvalid("other_pool", "Name the teams or AEs who are asked then.")
    if rule.method == Method.TERRITORY and not rule.territories:
        raise RuleInvalid("territories", "Add a territory at least.")
    if rule.method == Method.NAMED_ACCOUNT and not rule.accounts:
        raise RuleInvalid("accounts", "Add an account at least.")


def _conditions(raw: Any, part: str) -> tuple[Condition, ...]:
    try:
        return parse_conditions(raw)
    except ConditionsInvalid as error:
        raise RuleInvalid(part, error.message, index=error.index, field=error.field) from None


def _pool(raw: Any) -> Pool:
    raw = raw or {}
    return Pool(_ids(raw.get("teams")), _ids(raw.get("reps")))


def _ids(raw: Any) -> tuple[int, ...]:
    return tuple(dict.fromkeys(int(one) for one in raw or ()))


def _whole(terms: Mapping[str, Any], name: str, usual: int, least: int, most: int, asks: str) -> int:
    value = terms.get(name)
    value = usual if value is None else value
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise RuleInvalid(name, f"{asks} from {least} to {most}.")
    return value


def _rows(terms: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    rows = terms.get(name) or ()
    if len(rows) > MOST_ROWS:
        raise RuleInvalid(name, f"Keep to {MOST_ROWS} rows at most.")
    return rows


def _weights(rows: Sequence[Mapping[str, Any]]) -> tuple[Weight, ...]:
    found: list[Weight] = []
    for index, row in enumerate(rows):
        weight, begins = row.get("weight"), _day(row.get("from_on"), index)
        if not isinstance(weight, int) or isinstance(weight, bool) or not 0 <= weight <= MOST_WEIGHT:
            raise RuleInvalid(
                "weights", f"Give a whole number from 0 to {MOST_WEIGHT}.", index=index, field="weight"
            )
        one = Weight(int(row["rep"]), weight, begins)
        if any((other.rep, other.from_on) == (one.rep, one.from_on) for other in found):
            raise RuleInvalid(
                "weights", "This AE has a weight from that day already.", index=index, field="rep"
            )
        found.append(one)
    return tuple(found)


def _day(raw: Any, index: int) -> date | None:
    if raw in (None, ""):
        return None
    if isinstance(raw, date):
        return raw
    try:
        return date.fromisoformat(str(raw))
    except ValueError:
        raise RuleInvalid(
            "weights", "Write a day such as 2026-12-01.", index=index, field="from_on"
        ) from None


def _territories(rows: Sequence[Mapping[str, Any]]) -> tuple[Territory, ...]:
    found: list[Territory] = []
    for index, row in enumerate(rows):
        name = " ".join(str(row.get("name", "")).split())
        if not 1 <= len(name) <= 80:
            raise RuleInvalid(
                "territories", "Give it a name of 80 characters at most.", index=index, field="name"
            )
        try:
            conditions = parse_conditions(row.get("conditions", ()))
        except ConditionsInvalid as error:
            raise RuleInvalid("territories", error.message, index=index, field=error.field) from None
        reps = _ids(row.get("reps"))
        if not reps:
            raise RuleInvalid("territories", "Choose who it belongs to.", index=index, field="reps")
        found.append(Territory(name, conditions, reps))
    return tuple(found)


def _accounts(rows: Sequence[Mapping[str, Any]]) -> tuple[NamedAccount, ...]:
    found: list[NamedAccount] = []
    seen: Collection[str] = set()
    for index, row in enumerate(rows):
        account = " ".join(str(row.get("account", "")).split())
        if not 1 <= len(account) <= 160:
            raise RuleInvalid("accounts", "Write a domain or a company.", index=index, field="account")
        one = NamedAccount(account, int(row["rep"]))
        if not one.key:
            raise RuleInvalid("accounts", "Write a domain or a company.", index=index, field="account")
        if one.key in seen:
            raise RuleInvalid(
                "accounts", "This company stands in the list already.", index=index, field="account"
            )
        seen = {*seen, one.key}
        found.append(one)
    return tuple(found)
