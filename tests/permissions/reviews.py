"""A pack, an action, a complaint and an entry of spend of each one's team, for the permission table."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q

from apps.leads.models import Lead
from apps.reps.models import Rep
from apps.scorecards.models import ReviewItem, WeeklyReview
from apps.scorecards.services.complaints import complain
from apps.scorecards.services.spend import NewSpend, enter_spend
from tests.cast import NOW, Cast


def keep_reviews(cast: Cast, sdrs: dict[str, Rep], keep: Callable[[str, str, Any], None]) -> None:
    """Of the own, the team's and the foreign one."""
    teams = {"own": cast.sdr_team, "team": cast.ae_team, "foreign": cast.other_team}
    for whose, team in teams.items():
        review = WeeklyReview.objects.create(
            team=team,
            week_on=date(2026, 11, 2),
            made_at=NOW,
            meeting_at=NOW,
            copy={"version": 1, "team": team.pk, "week": "2026-11-02", "lists": _empty()},
            fingerprint="0" * 64,
        )
        keep("weekly_review", whose, review)
        keep("reviewed_team", whose, team)
        item = ReviewItem.objects.create(
            review=review,
            team=team,
            kind="action",
            text="Call them again",
            owner=team.manager,
            due_on=NOW.date() + timedelta(days=7),
            written_by=team.manager,
            written_at=NOW,
        )
        keep("review_item", whose, item)
        keep("complaint", whose, _complaint(sdrs[whose], NOW))
        new = NewSpend("Webinar", whose, date(2026, 10, 1), 120_000, "EUR")
        keep("spend", whose, enter_spend(new=new, source_key=f"table:{whose}", at=NOW))


def _empty() -> dict[str, Any]:
    plain: dict[str, Any] = {"count": 0, "before": 0, "reasons": [], "missing": 0, "owed": [], "rows": []}
    return {
        "leads": plain | {"scores": [["A", 0]], "agreed": None},
        "appointments": plain | {"agreed": None},
        "cold": plain | {"silent": 0},
        "promises": plain | {"decided": 0},
        "touches": plain | {"planned": 0, "made": 0, "before": None},
        "complaints": plain,
        "rejected": plain | {"answered": 0, "usual": [0, 0], "contested": 0, "let_through": []},
    }


def _complaint(sdr: Rep, at: datetime) -> Any:
    lead = Lead.objects.filter(Q(owner=sdr)).order_by("pk").first()
    assert lead is not None
    return complain(
        lead=lead,
        reason="wrong_contact",
        comment="The number belongs to somebody else.",
        at=at,
        actor=sdr.user,
    )
