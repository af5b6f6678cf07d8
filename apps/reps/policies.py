"""Who may see reps and teams, business calendars, and when somebody can be booked."""

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
SEE_BOOKABLE = Policy(
    "reps.see_bookable",
    "Whoever takes meetings sees and enters the own bookable time; managers that of their teams, RevOps all.",
    roles=has_role(Role.AE, Role.AM, Role.CSM, Role.MANAGER, Role.REVOPS),
)
SEE_BOOKABLE_TEAM = Policy(
    "reps.see_bookable_team",
    "Managers see the bookable time of their teams, RevOps everybody's.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
SET_CAPS = Policy(
    "reps.set_caps",
    "Managers say how many meetings those of their teams take, RevOps of everybody.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
)
