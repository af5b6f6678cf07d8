"""Who reads, writes and approves the rules that share credit, and who asks for another split."""

from typing import Any

from rules.predicates import Predicate

from apps.accounts.models import Role
from apps.accounts.policies import has_role
from apps.core.policies import Policy

SEE_CREDIT_RULES = Policy(
    "leads.see_credit_rules",
    "Everybody who is credited, and whoever pays for it, reads by which rules credit is shared.",
    roles=has_role(Role.SDR, Role.AE, Role.AM, Role.CSM, Role.MANAGER, Role.FINANCE, Role.REVOPS),
)
WRITE_CREDIT_RULE = Policy(
    "leads.write_credit_rule",
    "RevOps writes rules that share credit, and ends them.",
    roles=has_role(Role.REVOPS),
)


def _did_not_write_rule(user: Any, rule: Any) -> bool:
    return user.pk != rule.author_id


APPROVE_CREDIT_RULE = Policy(
    "leads.approve_credit_rule",
    "RevOps or finance approves a rule that shares credit, but never its author.",
    roles=has_role(Role.REVOPS, Role.FINANCE),
    on=Predicate(_did_not_write_rule, name="did_not_write_rule"),
)
ASK_FOR_SPLIT = Policy(
    "leads.ask_for_split",
    "Reps ask, managers and RevOps propose that a credit be split in another way.",
    roles=has_role(Role.SDR, Role.AE, Role.AM, Role.CSM, Role.MANAGER, Role.REVOPS),
)
