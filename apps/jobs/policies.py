"""Who may watch, stop and resume jobs. Which jobs they see is ``JobQuerySet.visible_to``."""

from typing import Any

from rules.predicates import predicate

from apps.core.policies import Policy
from apps.jobs.models import SEES_EVERY_JOB


@predicate
def answers_for(user: Any, job: Any) -> bool:
    """Whoever asked for the job, and those who look after all of them."""
    return job.requested_by_id == user.pk or getattr(user, "role", "") in SEES_EVERY_JOB


WATCH_JOBS = Policy(
    "jobs.watch", "People watch the jobs that they asked for; RevOps and finance watch all.", on=answers_for
)
STEER_JOB = Policy(
    "jobs.steer",
    "Whoever asked for a job may stop and resume it, and so may RevOps and finance.",
    on=answers_for,
)
