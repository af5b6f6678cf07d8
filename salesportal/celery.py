"""The Celery app and the table of scheduled work. What the work does lives in each app's ``tasks.py``.

The schedule is static and counts UTC seconds, so that no clock change skips or repeats a run. Sweeps compare
and swap, and daily work claims its slot (``jobs.services.claim_slot``): two schedules at once do no harm.
"""

import os
import warnings
from typing import Any

from celery import Celery
from celery.beat import Scheduler
from celery.platforms import SecurityWarning
from celery.signals import beat_init, worker_init, worker_process_init, worker_ready
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesportal.settings.local")

# The broker on the disk, for one machine without Redis: broker_url "embedded://".
TRANSPORT_ALIASES["embedded"] = "salesportal.embedded_broker:Transport"

app = Celery("salesportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def every(seconds: int, task: str) -> dict[str, Any]:
    """An entry of the table: ``task`` each ``seconds``. A message that waits a whole round is dropped."""
    return {"task": task, "schedule": float(seconds), "options": {"expires": seconds, "retry": False}}


app.conf.beat_schedule = {
    "put back abandoned jobs": every(15, "jobs.reap"),
    "drop old slots": every(3_600, "jobs.forget_slots"),
    "call broken promises breached": every(30, "slas.sweep"),
    "mail notifications that are due": every(60, "accounts.mail_notifications"),
    "open renewals that are due": every(3_600, "customers.sweep_renewals"),
    "tidy up after holds": every(300, "leads.sweep_holds"),
    "mail invitations": every(30, "leads.send_invitations"),
    "go on with cadences": every(60, "leads.sweep_cadences"),
    "remind of inquiries, and close old ones": every(300, "compensation.sweep_inquiries"),
    "remind judges of contests": every(300, "leads.remind_judges"),
    "read calendar feeds": every(300, "reps.read_feeds"),
    "seal what is on record": every(60, "audit.seal"),
    "send webhooks": every(10, "integrations.send_webhooks"),
    "forget delivered webhooks": every(3_600, "integrations.forget_webhooks"),
    # Daily work comes round more often and claims its slot inside the task (jobs.services.claim_slot): so a
    # day is not missed because the machine was off at some instant.
    "verify the records": every(3_600, "audit.verify_daily"),
    "rank, and close the month": every(600, "scorecards.daily"),
    "remind of plans to sign": every(3_600, "compensation.remind_of_plans"),
    "remind of training, ask for support": every(300, "scorecards.sweep_training"),
    "keep the ranking's totals": every(300, "scorecards.refresh_totals"),
    "ask for reasons, and make weekly packs": every(600, "scorecards.weekly_reviews"),
}


class MemoryScheduler(Scheduler):
    """The static table and nothing else: no file that a ``kill -9`` could leave broken.

    Nothing is lost by forgetting when a task last ran: what must run once a slot claims it in the database.
    """

    def setup_schedule(self) -> None:
        self.merge_inplace(self.app.conf.beat_schedule)


@worker_init.connect
@beat_init.connect
def tie_to_supervisor(**_: Any) -> None:
    """Under ``make run`` the worker and the schedule end with it, even if it is killed."""
    from apps.core.processes import end_with_supervisor

    end_with_supervisor()


if os.environ.get("PORTAL_SUPERVISOR"):
    # On one's own machine, often in a container, being root is no news.
    warnings.filterwarnings("ignore", category=SecurityWarning)


@worker_ready.connect
def reap_at_start(**_: Any) -> None:
    """A worker that comes up takes back at once what one that was killed on this machine left behind."""
    from django.db import DatabaseError, connections
    from django.utils import timezone

    from apps.jobs import services

    try:
        services.reap(at=timezone.now())
    except DatabaseError:
        pass  # the schedule reaps again
    finally:
        connections.close_all()


@worker_process_init.connect
def tie_to_worker(**_: Any) -> None:
    """A process of the pool must not outlive its worker: the message would be delivered again beside it."""
    from apps.core.processes import end_with_parent

    end_with_parent()
