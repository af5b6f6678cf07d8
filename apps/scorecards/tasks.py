"""Long and scheduled work of scorecards: the ranking and its totals, the closing of a month, training."""

from datetime import date
from typing import Any

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from apps.core.periods import Period, day_of, month_of, parse_period
from apps.jobs import services as jobs
from apps.jobs.context import JobContext
from apps.jobs.handlers import handles
from apps.reps.models import Rep, Team
from apps.scorecards.models import Scorecard
from apps.scorecards.rules.review import week_of
from apps.scorecards.selectors.cards import in_month
from apps.scorecards.selectors.review_pack import teams_with_review
from apps.scorecards.services import cards, ranking_totals, rankings, reviews, support, training_due


@handles(rankings.JOB_KIND, title="Ranking")
def recompute_rankings(job: JobContext) -> dict[str, Any]:
    """Params: ``as_of`` (a date). Whole or not at all; making it again gives the same."""
    as_of = date.fromisoformat(job.params["as_of"])
    done = rankings.recompute_rankings(as_of=as_of, at=job.now(), progress=job.progress)
    support.raise_for_newest_ranking(at=job.now())
    return {
        "summary": _ranking_summary(done),
        "url": f"/scorecards/ranking/?as_of={as_of.isoformat()}",
        "url_label": "Open the ranking",
        "snapshot": done.snapshot.pk,
        "ranked": done.ranked,
        "moved": done.moved,
        "is_new": done.is_new,
        "fingerprint": done.snapshot.fingerprint,
    }


def _ranking_summary(done: rankings.Outcome) -> str:
    aes = "1 AE" if done.ranked == 1 else f"{done.ranked:,} AEs"
    period = f"{done.snapshot.starts_on:%B} to {done.snapshot.period.last_day:%B %Y}"
    if not done.is_new and not done.moved:
        return f"{aes} over {period}: nothing has changed since it was last made."
    moved = {0: "nobody changes tier", 1: "1 changes tier"}.get(done.moved, f"{done.moved} change tier")
    past = "" if done.snapshot.is_applied else " A later ranking decides the tiers, so none was written."
    return f"{aes} over {period}; {moved}.{past}"


@handles(cards.FREEZE_KIND, title="Closing of a month's scorecards")
def freeze_month(job: JobContext) -> dict[str, Any]:
    """Params: ``month`` (2026-10). Cards frozen before stay as they are."""
    month = parse_period(job.params["month"])
    done = cards.freeze_month(month=month, at=job.now(), progress=job.progress)
    return {
        "summary": f"{done.frozen:,} scorecards of {month.name} frozen; {done.were_frozen:,} were already.",
        "url": f"/scorecards/?month={month.code}",
        "url_label": "Open the scorecards",
    }


@shared_task(name="scorecards.daily")
def daily() -> None:
    """Once a day: the ranking as of today, and the closing of last month when its days of grace are over.

    Whatever a day off left undone, the next one does: both are safe to repeat.
    """
    at = timezone.now()
    if not jobs.claim_slot(name="scorecards.daily", at=at, seconds=86_400):
        return
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    rankings.ask_for_ranking(as_of=today, at=at)
    for month in months_to_close(today):
        jobs.enqueue(kind=cards.FREEZE_KIND, key=month.code, params={"month": month.code}, at=at)


@handles(reviews.MAKE_KIND, title="Pack of a weekly review")
def make_review(job: JobContext) -> dict[str, Any]:
    """Params: ``team`` (its id), ``week`` (its Monday). A pack that was made before stays as it is."""
    team = Team.objects.get(pk=job.params["team"])
    made = reviews.make_review(team=team, week=week_of(date.fromisoformat(job.params["week"])), at=job.now())
    said = "made, and sent to the team" if made.is_new else "was made before"
    return {
        "summary": f"{team.name}, {made.review.week.name}: {said}.",
        "url": f"/scorecards/review/{made.review.pk}/",
        "url_label": "Open the pack",
        "fingerprint": made.review.fingerprint,
    }


@shared_task(name="scorecards.weekly_reviews")
def weekly_reviews() -> None:
    """Every ten minutes: ask for missing reasons, and make the packs whose hour has come; both once.

    The hour is reckoned in the company's time zone from each team's setting, so no clock change skips or repeats one.
    """
    at = timezone.now()
    if not jobs.claim_slot(name="scorecards.weekly_reviews", at=at, seconds=600):
        return
    for team in teams_with_review():
        week = reviews.week_to_ask(team=team, at=at)
        if week is not None:
            reviews.ask_for_reasons(team=team, week=week, at=at)
        for due in reviews.weeks_to_make(team=team, at=at):
            params = {"team": team.pk, "week": due.start.isoformat()}
            jobs.enqueue(kind=reviews.MAKE_KIND, key=f"{team.pk}:{due.start}", params=params, at=at)


@shared_task(name="scorecards.refresh_totals")
def refresh_totals() -> None:
    """Every few minutes: bring the ranking's monthly totals up to date. Without anything new it is one look."""
    at = timezone.now()
    if jobs.claim_slot(name="scorecards.refresh_totals", at=at, seconds=300):
        ranking_totals.refresh_totals(at=at)


@shared_task(name="scorecards.sweep_training")
def sweep_training() -> None:
    """Every few minutes: remind of certifications, ask for support on the lowest tier, tell again of what is open.

    Once a day the due days are worked out anew, for those who came and left.
    """
    at = timezone.now()
    if jobs.claim_slot(name="scorecards.training_due", at=at, seconds=86_400):
        training_due.refresh(at=at)
    training_due.sweep(at=at)
    support.raise_for_newest_ranking(at=at)
    support.sweep(at=at)


def months_to_close(today: date) -> list[Period]:
    """Last month, once its days of grace are over, and those before it back to the newest that was closed.

    That one as well where somebody's card is still open: a stop left it so, or a rep came to be known later.
    """
    last = month_of(today).previous()
    if (today - last.end).days < cards.DAYS_UNTIL_FROZEN:
        last = last.previous()
    newest = Scorecard.objects.frozen().order_by("-month_on").values_list("month_on", flat=True).first()
    if newest is None:
        return [last]
    months: list[Period] = []
    while last.start > newest:
        months.insert(0, last)
        last = last.previous()
    closed = Scorecard.objects.frozen().filter(month_on=newest)
    if (
        last.start == newest
        and Rep.objects.filter(in_month(last)).exclude(pk__in=closed.values("rep")).exists()
    ):
        months.insert(0, last)
    return months
