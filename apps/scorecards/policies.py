"""Who may open which page of scorecards and ranking, and who may act on it."""

from typing import Any

from rules.predicates import Predicate

from apps.accounts.models import Role
from apps.accounts.policies import REP_ROLES, has_role
from apps.core.policies import SIGNED_IN, Policy
from apps.scorecards.models import SignedAs, signs_as

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
AGREE_ACTION = Policy(
    "scorecards.agree_action",
    "The rep and the manager of the team agree actions over a scorecard and say what became of them.",
    roles=has_role(*REP_ROLES, Role.MANAGER),
    on=Predicate(lambda user, rep: signs_as(rep, user) is not None, name="is_rep_or_manager"),
)
KEEP_PRIVATE_NOTE = Policy(
    "scorecards.keep_private_note",
    "The manager of the team keeps private notes about a scorecard, which nobody else reads.",
    roles=has_role(Role.MANAGER),
    on=Predicate(lambda user, rep: signs_as(rep, user) is SignedAs.MANAGER, name="is_manager_of_rep"),
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

SEE_REVIEW = Policy(
    "scorecards.see_review",
    "Reps read their team's weekly review, managers those of the teams managed, marketing the parts on leads, "
    "RevOps all.",
    roles=has_role(*REP_ROLES, Role.MANAGER, Role.MARKETING, Role.REVOPS),
)
WRITE_REVIEW = Policy(
    "scorecards.write_review",
    "The team's manager and RevOps hold the weekly review: decisions, actions, when it is, and what is asked.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
    on=Predicate(lambda user, team: writes_review_of(user, team), name="is_manager_or_revops"),
)
END_REVIEW_ITEM = Policy(
    "scorecards.end_review_item",
    "Whose action it is, the team's manager and RevOps call it done or drop it.",
    roles=has_role(*REP_ROLES, Role.MANAGER, Role.MARKETING, Role.REVOPS),
    on=Predicate(
        lambda user, item: item.owner_id == user.pk or writes_review_of(user, item.team),
        name="is_owner_or_manager",
    ),
)
GIVE_REVIEW_REASON = Policy(
    "scorecards.give_review_reason",
    "Reps say why their own leads went cold or touches did not take place, managers for their teams.",
    roles=has_role(*REP_ROLES, Role.MANAGER),
)
COMPLAIN = Policy(
    "scorecards.complain",
    "An SDR or AE complains about the quality of a lead that they see.",
    roles=has_role(Role.SDR, Role.AE),
)
SEE_COMPLAINTS = Policy(
    "scorecards.see_complaints",
    "Marketing and RevOps see complaints about leads, managers those of their teams, an SDR or AE the own ones.",
    roles=has_role(Role.SDR, Role.AE, Role.MANAGER, Role.MARKETING, Role.REVOPS),
)
ANSWER_COMPLAINT = Policy(
    "scorecards.answer_complaint", "Marketing answers complaints about leads.", roles=has_role(Role.MARKETING)
)
WITHDRAW_COMPLAINT = Policy(
    "scorecards.withdraw_complaint",
    "Who complained takes it back.",
    roles=has_role(Role.SDR, Role.AE),
    on=Predicate(lambda user, complaint: complaint.rep.user_id == user.pk, name="is_author"),
)
SEE_ROI = Policy(
    "scorecards.see_roi",
    "Marketing, finance and RevOps see what leads cost and brought; managers what leads of their teams brought.",
    roles=has_role(Role.MARKETING, Role.FINANCE, Role.MANAGER, Role.REVOPS),
)
SEE_SPEND = Policy(
    "scorecards.see_spend",
    "Marketing, finance and RevOps see what was spent on leads.",
    roles=has_role(Role.MARKETING, Role.FINANCE, Role.REVOPS),
)
ENTER_SPEND = Policy(
    "scorecards.enter_spend",
    "Marketing and RevOps enter and correct what was spent on leads.",
    roles=has_role(Role.MARKETING, Role.REVOPS),
)


def writes_review_of(user: Any, team: Any) -> bool:
    """Whether ``user`` holds the weekly review of ``team``."""
    return bool(user.role == Role.REVOPS or (team.manager_id is not None and team.manager_id == user.pk))


def sees_peers_of_team(user: Any, team: Any) -> bool:
    """Whether ``user`` sees a team's figures rep by rep: its manager, RevOps and its own reps do."""
    if user.role == Role.REVOPS or team.manager_id == user.pk:
        return True
    return user.role in REP_ROLES and team.reps.filter(user=user).exists()
