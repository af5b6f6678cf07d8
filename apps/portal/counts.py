"""The live figures beside the places of the rail, and the bell's. Each comes from a selector of the app that owns it.

Figures that the database counts by itself are asked for together, in one statement.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.selectors import unread_query
from apps.compensation.selectors import acknowledgements, inquiries, plan_versions, run_page, splits
from apps.core.periods import day_of
from apps.core.prepared import AT, TODAY, USER, Prepared, counting
from apps.customers.selectors import home as customers
from apps.integrations.selectors import runs as imports
from apps.jobs.models import Job
from apps.leads.selectors import contests, hand_offs, meetings, opportunities
from apps.leads.selectors import queue as queue_selectors
from apps.scorecards.selectors.coaching import open_support_query
from apps.scorecards.selectors.review_items import open_actions_query, unanswered_query
from apps.slas import selectors as slas

# Beyond this nobody reads the figure, and the database need not count on.
CAP = 1000

# Behind the bell nobody reads a greater figure.
MOST_UNREAD = 9


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


def _customers(user: Any) -> Count:
    return Count(customers.waiting_count(user, most=CAP), says="to pass on or to take over")


def _team_day(user: Any) -> Count:
    pressing = slas.pressing_count(user=user, now=timezone.now())
    return Count(pressing, hot=pressing > 0, says=_risk(pressing))


def _runs(user: Any) -> Count:
    return Count(run_page.waiting_runs(user), says="waiting for your next step")


# By the names that ``navigation.Place.count`` uses: figures that take more than counting rows.
COUNTERS: dict[str, Counter] = {
    "queue": _queue,
    "hand_offs": _hand_offs,
    "customers": _customers,
    "team_day": _team_day,
    "runs": _runs,
}


# --- Counted together -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tally:
    """A figure that is how many rows there are: of which queries, and how their numbers are read."""

    queries: Callable[[Any], list[QuerySet[Any]]]
    read: Callable[..., Count]


def _read_meetings(booked: int, unanswered: int) -> Count:
    return Count(booked, hot=unanswered > 0, says=f"{unanswered} without an outcome" if unanswered else "")


def _read_imports(waiting: int) -> Count:
    return Count(waiting, says=f"{waiting} checked, not written" if waiting else "")


def _read_jobs(active: int) -> Count:
    return Count(active, says="running or waiting")


def _read_splits(waiting: int) -> Count:
    return Count(waiting, says="splits of credit wait for a decision")


def _read_inquiries(waiting: int, pressing: int, changes: int) -> Count:
    said = [f"{pressing} soon due or late"] if pressing else []
    said += [f"{changes} to approve"] if changes else []
    return Count(waiting + changes, hot=pressing > 0, says=", ".join(said))


def _read_contests(waiting: int, pressing: int) -> Count:
    return Count(waiting, hot=pressing > 0, says=_pressing_words(pressing) if waiting else "")


def _pressing_words(pressing: int) -> str:
    return f"{pressing} soon due or overdue" if pressing else "yours to judge"


def _read_contestable(number: int) -> Count:
    return Count(number, says="rejected, may still be contested" if number else "")


def _read_plans_to_sign(number: int) -> Count:
    words = "plans wait" if number != 1 else "plan waits"
    return Count(number, hot=number > 0, says=f"{words} for your name" if number else "")


def _read_review_actions(number: int) -> Count:
    return Count(number, says="open actions of yours" if number != 1 else "open action of yours")


def _read_complaints(number: int) -> Count:
    return Count(
        number, says="complaints without an answer" if number != 1 else "complaint without an answer"
    )


def _read_plans_to_approve(number: int) -> Count:
    return Count(number, says="waiting for your approval")


def _read_support(number: int) -> Count:
    return Count(number, hot=number > 0, says="on the lowest tier without an answer" if number else "")


TALLIES: dict[str, Tally] = {
    "contestable": Tally(lambda user: [contests.contestable_query(user, at=AT, most=CAP)], _read_contestable),
    "contests": Tally(lambda user: contests.to_judge_queries(user, at=AT, most=CAP), _read_contests),
    "imports": Tally(lambda user: [imports.waiting_query(user, most=CAP)], _read_imports),
    "jobs": Tally(lambda user: [Job.objects.visible_to(user).active().order_by()[:CAP]], _read_jobs),
    "inquiries": Tally(lambda user: inquiries.to_do_queries(user, at=AT, most=CAP), _read_inquiries),
    "meetings": Tally(lambda user: meetings.open_queries(user, at=AT, most=CAP), _read_meetings),
    "opportunities": Tally(lambda user: [opportunities.open_query(user, most=CAP)], Count),
    "splits": Tally(lambda user: [splits.waiting_query(user, most=CAP)], _read_splits),
    "plans_to_approve": Tally(
        lambda user: [plan_versions.to_approve_query(user, most=CAP)], _read_plans_to_approve
    ),
    "plans_to_sign": Tally(
        lambda user: [acknowledgements.unsigned_query(user, today=TODAY, most=CAP)], _read_plans_to_sign
    ),
    "review_actions": Tally(lambda user: [open_actions_query(user, most=CAP)], _read_review_actions),
    "complaints": Tally(lambda user: [unanswered_query(user, most=CAP)], _read_complaints),
    "support": Tally(lambda user: [open_support_query(user, most=CAP)], _read_support),
    "unread": Tally(lambda user: [unread_query(user, most=MOST_UNREAD + 1)], Count),
}


@lru_cache(maxsize=64)
def _together(_vendor: str, role: str, names: tuple[str, ...]) -> tuple[Prepared, list[int]]:
    """The statement of ``names`` for anybody of ``role``, and how many numbers each takes.

    What one may see is decided by the role and the key, so one statement serves all of a role.
    """
    anybody = User(pk=USER, role=role)
    queries = [TALLIES[name].queries(anybody) for name in names]
    return counting([one for found in queries for one in found], USER, AT, TODAY), [
        len(found) for found in queries
    ]


def _tallied(user: Any, names: tuple[str, ...]) -> dict[str, Count]:
    if not names:
        return {}
    statement, widths = _together(connection.vendor, user.role, names)
    at = timezone.now()
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    numbers = iter(statement.rows({USER: user.pk, AT: at, TODAY: today})[0])
    return {
        name: TALLIES[name].read(*islice(numbers, width)) for name, width in zip(names, widths, strict=True)
    }


def counts_for(user: Any, wanted: set[str]) -> Mapping[str, Count]:
    """Those of the ``wanted`` figures that can be counted, for what ``user`` may see."""
    found = {name: COUNTERS[name](user) for name in sorted(wanted) if name in COUNTERS}
    return found | _tallied(user, tuple(sorted(wanted & TALLIES.keys())))
