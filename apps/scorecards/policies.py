"""Who may open which page of scorecards and ranking, and who may act on it."""

from typing import Any

from rules.predicates import Predicate

from apps.accounts.models import Role
from apps.accounts.policies import REP_ROLES, has_role
from apps.core.policies import SIGNED_IN, Policy
from apps.scorecards.models import signs_as

SEE_OWN_CARD = Policy("scorecards.see_own_card", "A rep sees the own scorecard.", roles=has_role(*REP_ROLES))
SEE_CARDS = Policy(
    "scorecards.see_cards",
    "A manager sees the scorecards of the teams managed, RevOps all.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
SEE_CARD = Policy(
    "scorecards.see_card",
    "A rep sees the own scorecard, a manager those of the teams managed, RevOps all.",
    roles=has_role(*REP_ROLES, Role.MANAGER, Role.REVOPS),
)
WRITE_NOTE = Policy(
    "scorecards.write_note",
    "The rep and the manager of the team write on a scorecard.",
    roles=has_role(*REP_ROLES, Role.MANAGER),
    on=Predicate(lambda user, rep: signs_as(rep, user) is not None, name="is_rep_or_manager"),
)
SIGN_CARD = Policy(
    "scorecards.sign_card",
    "The rep and the manager of the team sign a scorecard, each for themselves.",
    roles=has_role(*REP_ROLES, Role.MANAGER),
    on=Predicate(lambda user, rep: signs_as(rep, user) is not None, name="is_rep_or_manager"),
)
SEE_RANKING = Policy(
    "scorecards.see_ranking",
    "An AE sees the ranking of the own peers, a manager that of the teams managed, RevOps all.",
    roles=has_role(Role.AE, Role.MANAGER, Role.REVOPS),
)
SEE_STANDING = Policy(
    "scorecards.see_standing",
    "An AE sees the own standing whole, a manager those of the teams managed, RevOps all.",
    roles=has_role(Role.AE, Role.MANAGER, Role.REVOPS),
)
HOLD_MOVE = Policy(
    "scorecards.hold_move",
    "The manager of the AE's team holds a move, and lifts the hold.",
    roles=has_role(Role.MANAGER),
    on=Predicate(lambda user, rep: rep.team.manager_id == user.pk, name="is_manager_of_ae"),
)
SEE_RANKING_POLICY = Policy(
    "scorecards.see_ranking_policy",
    "Managers and RevOps see how AEs are ranked: versions, drafts and what a draft would have done.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
WRITE_RANKING_POLICY = Policy(
    "scorecards.write_ranking_policy",
    "RevOps writes drafts of the ranking policy and puts them in force.",
    roles=has_role(Role.REVOPS),
)
RECOMPUTE_RANKING = Policy(
    "scorecards.recompute_ranking",
    "A manager and RevOps make the ranking anew.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
SEE_TEAM_TARGET = Policy("scorecards.see_team_target", SIGNED_IN.says)
SEE_TEAM_EVENTS = Policy(
    "scorecards.see_team_events",
    "A manager sees the events behind the target of the teams managed, RevOps of all.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
SEE_METRICS = Policy("scorecards.see_metrics", "Everyone may read how the metrics are defined.")


def sees_peers_of_team(user: Any, team: Any) -> bool:
    """Whether ``user`` sees a team's figures rep by rep: its manager, RevOps and its own reps do."""
    if user.role == Role.REVOPS or team.manager_id == user.pk:
        return True
    return user.role in REP_ROLES and team.reps.filter(user=user).exists()
