"""Who may read the audit log and look after the chain of seals."""

from typing import Any

from rules.predicates import predicate

from apps.core.policies import Policy


@predicate
def answers_for_the_record(user: Any) -> bool:
    """RevOps and finance. (Roles are named in ``accounts``, which lies above this app.)"""
    return getattr(user, "role", "") in ("revops", "finance")


SEE_LOG = Policy("audit.see_log", "RevOps and finance read the audit log.", roles=answers_for_the_record)
TAKE_LOG = Policy(
    "audit.take_log", "RevOps and finance take the audit log along as a file.", roles=answers_for_the_record
)
VERIFY = Policy(
    "audit.verify_records",
    "RevOps and finance have the records verified and take anchors of the chain.",
    roles=answers_for_the_record,
)
