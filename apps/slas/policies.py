"""Who may take which of this app's routes."""

from apps.accounts.models import Role
from apps.accounts.policies import REP_ROLES, has_role
from apps.core.policies import Policy

SEE_BOARD = Policy(
    "slas.see_board",
    "Managers see the promises of their teams, RevOps those of every team.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
SEE_POLICIES = Policy(
    "slas.see_policies",
    "Managers and RevOps see what is promised to whom, and how it was kept.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
EDIT_POLICIES = Policy(
    "slas.edit_policies",
    "RevOps writes, orders, tries, switches on and retires what is promised.",
    roles=has_role(Role.REVOPS),
)
SEE_CLOCK = Policy(
    "slas.see_clock",
    "Reps see their own promises, managers those of their teams, RevOps all.",
    roles=has_role(*REP_ROLES, Role.MANAGER, Role.REVOPS),
)
CHANGE_CLOCK = Policy(
    "slas.change_clock",
    "The team's manager and RevOps let a promise stand still or go on, and set it anew, with a reason.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
GIVE_REASON = Policy(
    "slas.give_reason",
    "Reps say why their own promises were broken, managers why their team's were.",
    roles=has_role(*REP_ROLES, Role.MANAGER, Role.REVOPS),
)
SEE_FORECAST = Policy(
    "slas.see_forecast",
    "SDRs see which of their own promises will break, managers their teams', RevOps every team's.",
    roles=has_role(Role.SDR, Role.MANAGER, Role.REVOPS),
)
MOVE_WHAT_BREAKS = Policy(
    "slas.move_what_breaks",
    "Managers give leads that will not be answered in time to those of the team with room; RevOps in every team.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
