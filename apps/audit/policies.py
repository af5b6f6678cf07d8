"""Who may read the audit log."""

from typing import Any

from rules.predicates import predicate

from apps.core.policies import Policy


@predicate
def looks_after_the_portal(user: Any) -> bool:
    """RevOps. (Roles are named in ``accounts``, which lies above this app.)"""
    return getattr(user, "role", "") == "revops"


SEE_LOG = Policy("audit.see_log", "RevOps reads the audit log.", roles=looks_after_the_portal)
