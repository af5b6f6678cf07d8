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
ESTIMATE_PAY = Policy(
    "compensation.estimate_pay",
    "Reps estimate their own pay, managers that of the reps of their teams too; nobody else sees it.",
    roles=has_role(*REP_ROLES, Role.MANAGER),
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
REVIEW_PAY = Policy(
    "compensation.review_pay",
    "Finance approves or sends back anybody's pay in a run, managers that of the own teams; nobody the own.",
    roles=has_role(Role.FINANCE, Role.MANAGER),
)
DOWNLOAD_REPORT = Policy(
    "compensation.download_report",
    "Finance downloads payout reports, payroll files and accruals, and takes kept files again.",
    roles=has_role(Role.FINANCE),
)
SEE_ACCRUALS = Policy(
    "compensation.see_accruals",
    "Finance and RevOps see what is earned and not paid yet.",
    roles=has_role(Role.FINANCE, Role.REVOPS),
)
KEEP_LAYOUTS = Policy(
    "compensation.keep_layouts",
    "Finance keeps the layouts of the payroll file.",
    roles=has_role(Role.FINANCE),
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


def _wrote(user: Any, version: Any) -> bool:
    return user.pk == version.author_id


WRITE_PLAN = Policy(
    "compensation.write_plan",
    "RevOps writes plans, loads them from files and begins drafts.",
    roles=has_role(Role.REVOPS),
)
CHANGE_DRAFT = Policy(
    "compensation.change_draft",
    "A draft is changed, submitted, withdrawn and dropped by whoever wrote it, and by nobody else.",
    roles=has_role(Role.REVOPS),
    on=Predicate(_wrote, name="wrote"),
)
ASSIGN_PLAN = Policy(
    "compensation.assign_plan", "RevOps puts reps on plans and ends it.", roles=has_role(Role.REVOPS)
)


def _is_paid_by(user: Any, version: Any) -> bool:
    return version.plan.assignments.filter(rep__user=user).exists()


ACKNOWLEDGE_PLAN = Policy(
    "compensation.acknowledge_plan",
    "A rep acknowledges the plan that pays them, for nobody else.",
    roles=has_role(*REP_ROLES, Role.MANAGER),
    on=Predicate(_is_paid_by, name="is_paid_by"),
)
SEE_ACKNOWLEDGEMENTS = Policy(
    "compensation.see_acknowledgements",
    "RevOps, finance and managers (of their teams) see who has acknowledged a plan, and ask again.",
    roles=has_role(Role.MANAGER, Role.FINANCE, Role.REVOPS),
)
APPROVE_PLAN = Policy(
    "compensation.approve_plan",
    "RevOps or finance approves a plan version, but never its author.",
    roles=has_role(Role.REVOPS, Role.FINANCE),
    on=Predicate(_did_not_write, name="did_not_write"),
)


PROPOSE_SPLIT = Policy(
    "compensation.propose_split",
    "Reps ask, managers and RevOps propose that a credit be split in another way; who asked withdraws it.",
    roles=has_role(*REP_ROLES, Role.MANAGER, Role.REVOPS),
)
SEE_SPLITS = Policy(
    "compensation.see_splits",
    "RevOps and finance see all splits of credit, managers their teams', reps their own and what they asked for.",
    roles=has_role(*REP_ROLES, Role.MANAGER, Role.FINANCE, Role.REVOPS),
)


def _neither_proposed_nor_gains(user: Any, split: Any) -> bool:
    return user.pk != split.proposed_by_id and not split.gives_to(user)


DECIDE_SPLIT = Policy(
    "compensation.decide_split",
    "RevOps or finance approves or declines a split, but nobody who proposed it or gains by it.",
    roles=has_role(Role.REVOPS, Role.FINANCE),
    on=Predicate(_neither_proposed_nor_gains, name="neither_proposed_nor_gains"),
)
SEE_RATES = Policy(
    "compensation.see_rates",
    "Finance and RevOps see exchange rates and payout currencies.",
    roles=has_role(Role.FINANCE, Role.REVOPS),
)
RECORD_RATES = Policy(
    "compensation.record_rates",
    "Finance enters exchange rates and says in which currency somebody is paid.",
    roles=has_role(Role.FINANCE),
)
SEE_PAYMENTS = Policy(
    "compensation.see_payments",
    "Finance and RevOps see what customers paid.",
    roles=has_role(Role.FINANCE, Role.REVOPS),
)
RECORD_PAYMENTS = Policy(
    "compensation.record_payments",
    "Finance records what customers paid, and takes back what was wrong.",
    roles=has_role(Role.FINANCE),
)
REPLAY_PLANS = Policy(
    "compensation.replay_plans",
    "RevOps and finance replay the past under other plans; managers for the people of their teams.",
    roles=has_role(Role.REVOPS, Role.FINANCE, Role.MANAGER),
)
