"""Who may open capacity, hiring, training and coaching, and who may act on them."""

from typing import Any

from rules.predicates import Predicate

from apps.accounts.models import Role
from apps.accounts.policies import REP_ROLES, has_role
from apps.core.policies import Policy


def _manages(user: Any, rep: Any) -> bool:
    return bool(rep.team.manager_id == user.pk)


SEE_CAPACITY = Policy(
    "scorecards.see_capacity",
    "A manager sees what the teams managed took against what is assumed, RevOps of all.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
WRITE_ASSUMPTION = Policy(
    "scorecards.write_assumption", "RevOps sets what a role is assumed to take.", roles=has_role(Role.REVOPS)
)
PLAN_HIRING = Policy(
    "scorecards.plan_hiring",
    "A manager and RevOps write hiring scenarios: their own; RevOps sees all.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
SEE_TRAINING = Policy(
    "scorecards.see_training",
    "A manager sees the training of the teams managed, RevOps of all.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
SEE_OWN_TRAINING = Policy(
    "scorecards.see_own_training",
    "A rep sees the own certifications, trainings, goals and meetings to listen to.",
    roles=has_role(*REP_ROLES),
)
WRITE_CERTIFICATION = Policy(
    "scorecards.write_certification",
    "RevOps writes what is asked of a role.",
    roles=has_role(Role.REVOPS),
)
TRAIN = Policy(
    "scorecards.train",
    "A manager plans trainings for the teams managed and records their results, RevOps for all.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
SEE_COACHING = Policy(
    "scorecards.see_coaching",
    "A manager sees goals, recordings and support asked for the teams managed, RevOps for all.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
COACH = Policy(
    "scorecards.coach",
    "The manager of the rep's team sets goals with the rep and ends them.",
    roles=has_role(Role.MANAGER),
    on=Predicate(_manages, name="manages_rep"),
)
SHARE_RECORDING = Policy(
    "scorecards.share_recording",
    "A manager names recorded meetings that they may see to people of the teams managed.",
    roles=has_role(Role.MANAGER),
)
ANSWER_SUPPORT = Policy(
    "scorecards.answer_support",
    "The manager of the AE's team says what is done; RevOps may in their place.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
