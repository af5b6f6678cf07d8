"""Who may see the list of reps and teams."""

from apps.accounts.models import Role
from apps.accounts.policies import has_role
from apps.core.policies import Policy

SEE_REPS = Policy(
    "reps.see_reps",
    "RevOps and finance see every rep, managers those of their teams.",
    roles=has_role(Role.REVOPS, Role.FINANCE, Role.MANAGER),
)
