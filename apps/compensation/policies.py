"""Who may see pay and who may move it (PRODUCT section 1). Which rows one sees is ``visible_to``."""

from typing import Any

from rules.predicates import Predicate

from apps.accounts.models import Role
from apps.accounts.policies import REP_ROLES, has_role
from apps.core.policies import Policy

SEE_OWN_PAY = Policy(
    "compensation.see_own_pay", "Reps see their own pay.", roles=has_role(*REP_ROLES, Role.MANAGER)
)
SEE_STATEMENT = Policy(
    "compensation.see_statement",
    "A statement is seen by the rep, the rep's manager, finance and RevOps.",
    roles=has_role(*REP_ROLES, Role.MANAGER, Role.FINANCE, Role.REVOPS),
)
SEE_RUNS = Policy(
    "compensation.see_runs",
    "Finance and RevOps see payout runs; managers see the rows of their teams.",
    roles=has_role(Role.FINANCE, Role.REVOPS, Role.MANAGER),
)
COMPUTE_RUN = Policy(
    "compensation.compute_run", "RevOps computes and submits payout runs.", roles=has_role(Role.REVOPS)
)
SETTLE_RUN = Policy(
    "compensation.settle_run",
    "Finance approves, sends back, locks and pays a payout run.",
    roles=has_role(Role.FINANCE),
)


def _did_not_prepare(user: Any, run: Any) -> bool:
    return user.pk not in (run.computed_by_id, run.submitted_by_id)


APPROVE_RUN = Policy(
    "compensation.approve_run",
    "Finance approves a run, but never one that the same person computed or submitted.",
    roles=has_role(Role.FINANCE),
    on=Predicate(_did_not_prepare, name="did_not_prepare"),
)
DOWNLOAD_REPORT = Policy(
    "compensation.download_report", "Finance downloads payout reports.", roles=has_role(Role.FINANCE)
)
SEE_DOWNLOADS = Policy(
    "compensation.see_downloads",
    "Finance and RevOps see who downloaded what.",
    roles=has_role(Role.FINANCE, Role.REVOPS),
)
SEE_PLANS = Policy(
    "compensation.see_plans",
    "RevOps and finance see all plans; others those that pay them or their team.",
    roles=has_role(*REP_ROLES, Role.MANAGER, Role.FINANCE, Role.REVOPS),
)


def _did_not_write(user: Any, version: Any) -> bool:
    return user.pk != version.author_id


APPROVE_PLAN = Policy(
    "compensation.approve_plan",
    "RevOps or finance approves a plan version, but never its author.",
    roles=has_role(Role.REVOPS, Role.FINANCE),
    on=Predicate(_did_not_write, name="did_not_write"),
)
