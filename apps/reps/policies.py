"""Who may see reps and teams, and who may see and change business calendars."""

from apps.accounts.models import Role
from apps.accounts.policies import has_role
from apps.core.policies import Policy

SEE_REPS = Policy(
    "reps.see_reps",
    "RevOps and finance see every rep, managers those of their teams.",
    roles=has_role(Role.REVOPS, Role.FINANCE, Role.MANAGER),
)
SEE_CALENDARS = Policy(
    "reps.see_calendars",
    "Everybody sees the calendar that applies to them, managers those of their teams, RevOps all.",
)
SET_CALENDARS = Policy(
    "reps.set_calendars",
    "RevOps makes and changes business calendars and says who works by which.",
    roles=has_role(Role.REVOPS),
)
