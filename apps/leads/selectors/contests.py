"""What the contest pages show: whose turn it is, what is at stake, and both sides of one contest."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from apps.accounts.models import Role
from apps.core.keyset import Page, page_of
from apps.leads.models import Contest, ContestState, HandOff
from apps.leads.selectors import hand_offs
from apps.leads.selectors.happenings import Happening
from apps.leads.selectors.timeline import timeline_of

MOST_OPEN = 200
HAPPENINGS = 30


def contest_rows(user: Any) -> Any:
    """Contests within the user's scope, with what lists and pages read joined in."""
    return Contest.objects.visible_to(user).select_related(
        "hand_off__lead__account",
        "hand_off__sdr__team",
        "hand_off__ae__team",
        "hand_off__meeting",
        "hand_off__qualification__definition",
        "judge",
        "opened_by",
        "closed_by",
        "rejected_by",
    )


@dataclass(frozen=True)
class Worklist:
    """What waits for the viewer's decision, what else is open in scope, and a page of what ended."""

    to_judge: list[Contest]
    others: list[Contest]
    closed: Page


def worklist(user: Any, *, after: str = "") -> Worklist:
    """Two statements; of a great many open ones the ``MOST_OPEN`` due first."""
    rows = contest_rows(user)
    found = list(rows.open()[:MOST_OPEN])
    closed = rows.exclude(state=ContestState.OPEN)
    return Worklist(
        to_judge=[one for one in found if one.judge_id == user.pk],
        others=[one for one in found if one.judge_id != user.pk],
        closed=page_of(closed, by=("-closed_at", "-pk"), after=after),
    )


def to_judge_queries(user: Any, *, at: datetime, most: int) -> list[QuerySet[Contest]]:
    """Contests that wait for ``user``'s decision, and those of them soon due or overdue; up to ``most`` of each."""
    own = Contest.objects.filter(judge=user, state=ContestState.OPEN).order_by()
    return [own[:most], own.filter(warn_at__lte=at)[:most]]


@dataclass(frozen=True)
class ContestPage:
    """One contest: the evidence as the AE had it, and what happened to the lead since."""

    contest: Contest
    dossier: hand_offs.Dossier
    timeline: list[Happening]
    criterion_name: str


def contest_page(contest: Contest) -> ContestPage:
    """A bounded number of statements, whatever the lead's history."""
    dossier = hand_offs.dossier(contest.hand_off, None)
    names = dict(dossier.criteria)
    return ContestPage(
        contest=contest,
        dossier=dossier,
        timeline=timeline_of(contest.hand_off.lead, most=HAPPENINGS).happenings,
        criterion_name=names.get(contest.criterion, contest.criterion.replace("_", " ")),
    )


# --- The hand-offs that were made ---------------------------------------------------------------------

MADE = {
    "": ("All", Q()),
    "waiting": ("Waiting", Q(state=HandOff.State.PENDING)),
    "accepted": ("Accepted", Q(state=HandOff.State.ACCEPTED)),
    "rejected": ("Rejected", Q(state=HandOff.State.REJECTED)),
    "contested": ("Contested", Q(contest__isnull=False)),
}
"""Filters of the list: word, and which hand-offs."""


def made(user: Any, *, show: str = "", after: str = "") -> Page:
    """Hand-offs made by the SDRs in the user's scope, the latest first: outcome, reason, contest."""
    rows = HandOff.objects.visible_to(user).filter(MADE[show][1])
    if user.role == Role.SDR:
        rows = rows.filter(sdr__user=user)
    rows = rows.select_related("lead", "ae", "sdr", "meeting", "contest__judge", "opportunity")
    return page_of(rows, by=("-created_at", "-pk"), after=after)


def contestable_query(user: Any, *, at: datetime, most: int) -> QuerySet[HandOff]:
    """Rejections that the SDR may still contest, up to ``most``."""
    open_to_it = HandOff.objects.filter(
        sdr__user=user, state=HandOff.State.REJECTED, contest_until__gte=at, contest__isnull=True
    )
    return open_to_it.order_by()[:most]
