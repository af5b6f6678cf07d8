"""The live figures beside the places of the rail. Each comes from a selector of the app that owns it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from apps.compensation.selectors import run_page
from apps.integrations import selectors as imports
from apps.jobs.models import Job
from apps.leads.selectors import hand_offs, meetings, opportunities
from apps.leads.selectors import queue as queue_selectors
from apps.slas import selectors as slas

# Beyond this nobody reads the figure, and the database need not count on.
CAP = 1000


@dataclass(frozen=True)
class Count:
    """A figure beside a place. ``hot`` asks for attention, and ``says`` why ("2 at risk")."""

    number: int
    hot: bool = False
    says: str = ""

    @property
    def shown(self) -> str:
        return f"{CAP:,}+" if self.number >= CAP else f"{self.number:,}"

    def __bool__(self) -> bool:
        return self.number > 0


Counter = Callable[[Any], Count]


def _risk(hot: int) -> str:
    return f"{hot} at risk or late" if hot else ""


def _queue(user: Any) -> Count:
    found = queue_selectors.queue_count(user=user, at=timezone.now())
    return Count(found.number, hot=found.at_risk > 0, says=_risk(found.at_risk))


def _hand_offs(user: Any) -> Count:
    waiting, hot = hand_offs.waiting_counts(user, at=timezone.now(), most=CAP)
    return Count(waiting, hot=hot > 0, says=_risk(hot))


def _meetings(user: Any) -> Count:
    booked, unanswered = meetings.open_counts(user, at=timezone.now(), most=CAP)
    return Count(booked, hot=unanswered > 0, says=f"{unanswered} without an outcome" if unanswered else "")


def _opportunities(user: Any) -> Count:
    return Count(opportunities.open_count(user, most=CAP))


def _team_day(user: Any) -> Count:
    pressing = slas.pressing_count(user=user, now=timezone.now())
    return Count(pressing, hot=pressing > 0, says=_risk(pressing))


def _imports(user: Any) -> Count:
    waiting = imports.waiting_count(user)
    return Count(waiting, says=f"{waiting} checked, not written" if waiting else "")


def _runs(user: Any) -> Count:
    return Count(run_page.waiting_runs(user), says="waiting for your next step")


def _jobs(user: Any) -> Count:
    return Count(Job.objects.visible_to(user).active().order_by()[:CAP].count(), says="running or waiting")


# By the names that ``navigation.Place.count`` uses.
COUNTERS: dict[str, Counter] = {
    "queue": _queue,
    "hand_offs": _hand_offs,
    "meetings": _meetings,
    "opportunities": _opportunities,
    "team_day": _team_day,
    "imports": _imports,
    "runs": _runs,
    "jobs": _jobs,
}


def counts_for(user: Any, wanted: set[str]) -> Mapping[str, Count]:
    """Those of the ``wanted`` figures that can be counted, for what ``user`` may see."""
    return {name: COUNTERS[name](user) for name in sorted(wanted) if name in COUNTERS}
