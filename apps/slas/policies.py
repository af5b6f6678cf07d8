"""Who may take which of this app's routes."""

from apps.accounts.models import Role
from apps.accounts.policies import has_role
from apps.core.policies import Policy

SEE_BOARD = Policy(
    "slas.see_board",
    "Managers see the promises of their teams, RevOps those of every team.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
