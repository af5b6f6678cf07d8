"""A team's pack of a week as plain values, and what has changed of it since it was frozen."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from apps.core.periods import Period
from apps.reps.models import Rep, RepRole, Team
from apps.scorecards.models import ReviewSection, ReviewSetting, WeeklyReview
from apps.scorecards.selectors import review_lists, review_misses
from apps.scorecards.selectors.review_lists import Listed, Week

VERSION = 1
"""Of the JSON. A copy is never rewritten, so a later reader must still know the earlier versions."""

LISTS = {
    ReviewSection.LEADS: review_lists.leads,
    ReviewSection.APPOINTMENTS: review_lists.appointments,
    ReviewSection.COLD: review_lists.cold,
    ReviewSection.PROMISES: review_misses.promises,
    ReviewSection.TOUCHES: review_misses.touches,
    ReviewSection.COMPLAINTS: review_lists.complaints,
    ReviewSection.REJECTED: review_lists.rejected,
}
FOR_MARKETING = (
    ReviewSection.LEADS,
    ReviewSection.APPOINTMENTS,
    ReviewSection.COLD,
    ReviewSection.COMPLAINTS,
    ReviewSection.REJECTED,
)
"""The parts on lead quality: how reps keep promises and make touches is between them and their manager."""
ASKED_FOR = (ReviewSection.COLD, ReviewSection.PROMISES, ReviewSection.TOUCHES)
"""Where a reason may be missing."""


def setting_of(team: Team) -> ReviewSetting:
    """The team's setting, or the usual one (not saved)."""
    return ReviewSetting.objects.filter(team=team).first() or ReviewSetting(team=team)


def teams_with_review() -> QuerySet[Team]:
    """Open teams with SDRs: leads come to them, so they hold the review of sales and marketing."""
    with_sdrs = Rep.objects.filter(role__in=RepRole.sdr(), left_on__isnull=True).values("team_id")
    return Team.objects.filter(is_open=True, pk__in=with_sdrs)


def pack_of(*, team: Team, week: Period, as_of: datetime) -> dict[str, Any]:
    """Every list of ``team`` and ``week`` as known at ``as_of``, as JSON; about twenty-five statements, whatever
    the number of leads and reps."""
    reading = Week(team, week, as_of)
    lists: dict[str, Listed] = {str(section): read(reading) for section, read in LISTS.items()}
    lists[ReviewSection.LEADS]["agreed"] = setting_of(team).agreed_mqls
    return {"version": VERSION, "team": team.pk, "week": week.start.isoformat(), "lists": lists}


def fingerprint(copy: dict[str, Any]) -> str:
    """A hash of a copy in canonical order."""
    return hashlib.sha256(json.dumps(copy, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def is_intact(review: WeeklyReview) -> bool:
    """Whether the copy still has the fingerprint it was frozen with."""
    return fingerprint(review.copy) == review.fingerprint


def sections_for(user: Any, review: WeeklyReview) -> list[ReviewSection]:
    """The lists that ``user`` reads of a pack: marketing those on leads, everybody else all."""
    lists = [section for section in LISTS if str(section) in review.copy["lists"]]
    if user.role == "marketing":
        return [section for section in lists if section in FOR_MARKETING]
    return lists


@dataclass(frozen=True)
class Changed:
    """A list's count when the pack was made, and now."""

    section: ReviewSection
    then: int
    now: int


def since_made(*, review: WeeklyReview, at: datetime, sections: Iterable[ReviewSection]) -> list[Changed]:
    """Lists that would count otherwise if the pack were made at ``at``. The pack itself stays as it is."""
    reading = Week(review.team, review.week, at)
    found = []
    for section in sections:
        then, now = review.copy["lists"][section]["count"], LISTS[section](reading)["count"]
        if then != now:
            found.append(Changed(section, then, now))
    return found


@dataclass(frozen=True)
class Owed:
    """A reason that nobody has given: of which list, and the row."""

    section: ReviewSection
    row: Listed


def owed_in(*, team: Team, week: Period, at: datetime) -> list[Owed]:
    """The reasons of ``week`` that are missing at ``at``, list by list."""
    reading = Week(team, week, at)
    return [
        Owed(section, row) for section in ASKED_FOR for row in LISTS[section](reading)["rows"] if row["needs"]
    ]
