"""What the contest pages show: whose turn it is, what is at stake, and both sides of one contest."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from apps.accounts.models import Role
from apps.core.keyset import Page, page_of
from apps.leads.models import Contest, ContestState, HandOff, RoutingDecision
from apps.leads.selectors import hand_offs
from apps.leads.selectors.availability import why_not_free
from apps.leads.selectors.happenings import Happening
from apps.leads.selectors.timeline import timeline_of
from apps.leads.services import assigning, succession
from apps.reps.models import Rep

MOST_OPEN = 200
HAPPENINGS = 30


def contest_rows(user: Any) -> Any:
    """Contests within the user's scope, with what lists and pages read joined in."""
    return Contest.objects.visible_to(user).select_related(
        "hand_off__lead__account",
        "hand_off__sdr__team",
        "hand_off__ae__team",
        "hand_off__successor__team",
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


# --- Another AE who continues -------------------------------------------------------------------------


@dataclass(frozen=True)
class Others:
    """The AEs of whom routing would name one, at the time by which it would go: who is free then, and who not."""

    starts_at: datetime | None
    is_the_meetings: bool
    free: list[str]
    closed: list[tuple[str, str]]


def others_for(contest: Contest, *, now: datetime) -> Others:
    """What the judge may know before deciding; routing itself names the AE when it is decided."""
    hand_off, without = contest.hand_off, succession.passed_over(contest)
    aes = assigning.receiving_aes(lead=hand_off.lead, at=now)
    meeting = hand_off.meeting
    if meeting is not None and meeting.state == meeting.State.CANCELLED and meeting.starts_at > now:
        why = _closed(aes, without, meeting.starts_at, meeting.ends_at, now, with_notice=False)
        if len(why) < len(aes):
            return _others(aes, why, meeting.starts_at, is_the_meetings=True)
    starts_at = succession.soonest(hand_off=hand_off, without=without, at=now)
    if starts_at is None:
        return _others(
            aes, {one.pk: without.get(one.pk, "No time in the weeks to come") for one in aes}, None
        )
    ends_at = starts_at + timedelta(minutes=meeting.minutes if meeting is not None else 30)
    return _others(aes, _closed(aes, without, starts_at, ends_at, now), starts_at)


def _closed(
    aes: list[Rep], without: dict[int, str], starts_at: datetime, ends_at: datetime, now: datetime, **how: Any
) -> dict[int, str]:
    """Why each of those who cannot take it cannot, in words."""
    why = why_not_free(aes=aes, starts_at=starts_at, ends_at=ends_at, at=now, **how)
    return {
        one.pk: without.get(one.pk) or why[one.pk].words for one in aes if one.pk in without or one.pk in why
    }


def _others(
    aes: list[Rep], why: dict[int, str], starts_at: datetime | None, is_the_meetings: bool = False
) -> Others:
    free = [one.name for one in aes if one.pk not in why]
    return Others(starts_at, is_the_meetings, free, [(one.name, why[one.pk]) for one in aes if one.pk in why])


def succession_of(contest: Contest) -> RoutingDecision | None:
    """Why it was this AE who continues: routing's decision, where the judge wanted another."""
    if contest.hand_off.successor_id is None:
        return None
    decisions = RoutingDecision.objects.filter(hand_off=contest.hand_off, cause=RoutingDecision.Cause.CONTEST)
    return decisions.select_related("chosen").order_by("-at", "-pk").first()


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
