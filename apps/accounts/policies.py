"""Predicates on a user's role, to build policies from, and the policies of this app's own pages."""

from typing import Any

from rules.predicates import Predicate

from apps.accounts.models import Role
from apps.core.policies import Policy


def has_role(*roles: Role) -> Predicate:
    """Whether the user's role is one of ``roles``. A superuser has no role but the one given."""

    def test(user: Any) -> bool:
        return getattr(user, "role", None) in roles

    return Predicate(test, name="has_role:" + ",".join(sorted(roles)))


REP_ROLES = (Role.SDR, Role.AE, Role.AM, Role.CSM)

SEE_PEOPLE = Policy("accounts.see_people", "RevOps sees who may sign in.", roles=has_role(Role.REVOPS))
OWN_NOTIFICATIONS = Policy(
    "accounts.own_notifications",
    "Everybody reads what they were told and chooses how they are told; nobody does so for others.",
)
MANAGE_PEOPLE = Policy(
    "accounts.manage_people",
    "RevOps makes users, changes their roles and lets them go; nobody the own self.",
    roles=has_role(Role.REVOPS),
)
