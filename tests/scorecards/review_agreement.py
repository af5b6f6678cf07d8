"""That the weekly packs, what leads cost and brought, and the team targets agree with the record, whatever made it."""

from datetime import date, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from apps.core.periods import Period, day_of, quarter_of, year_of
from apps.leads.models import EventKind
from apps.leads.rules.metrics import WHOLE
from apps.reps.models import Rep, Team
from apps.scorecards.models import WeeklyReview
from apps.scorecards.selectors import roi, team_target
from apps.scorecards.selectors.review_pack import is_intact
from apps.scorecards.selectors.target_outlook import contributions
from tests.scorecards.plain import PlainRecord
from tests.scorecards.plain_review import PlainWeek, plain_roi

SUMMED = (EventKind.STAGE_1, EventKind.STAGE_2, EventKind.WON, EventKind.ACCEPTED)


def told(found: roi.Roi) -> dict[tuple[str, str], dict[str, object]]:
    """The page's rows in the shape of the plain recomputation."""
    return {
        (
            "" if source == roi.UNKNOWN else source,
            "" if one.name == "No campaign" else one.name,
        ): {
            "counts": one.counts,
            "revenue": {currency: amount for currency, amount in one.revenue.items() if amount},
            "spend": one.spend,
        }
        for source, campaigns in found.campaigns.items()
        for one in campaigns
    }


def packs_agree(week_on: date) -> int:
    """Each pack of the week against the record as it was known when the pack was made; how many there are."""
    packs = list(WeeklyReview.objects.filter(week_on=week_on).select_related("team"))
    for pack in packs:
        plain, lists = PlainWeek(pack.team, pack.week, pack.made_at), pack.copy["lists"]
        assert is_intact(pack)
        assert lists["leads"]["count"] == plain.delivered()
        assert {words: n for words, n, _ in lists["appointments"]["reasons"]} == plain.appointments()
        assert lists["cold"]["count"] - lists["cold"]["silent"] == plain.left()
        assert lists["promises"]["count"] == plain.broken()
        assert {words: n for words, n, _ in lists["rejected"]["reasons"]} == plain.rejected()
    return len(packs)


def roi_agrees(reader: Any, day: date) -> roi.Roi:
    """The year of ``day``, every source and campaign, as ``reader`` (marketing) has it."""
    period = year_of(day)
    found = roi.roi(period, user=reader)
    assert told(found) == plain_roi(period)
    return found


def targets_agree(at: datetime) -> int:
    """Every team's quarter: amounts by stage, the weeks and the contributions; how many teams reached anything."""
    plain, reached = PlainRecord(), 0
    zone, period = ZoneInfo(settings.COMPANY_TIME_ZONE), quarter_of(day_of(at, settings.COMPANY_TIME_ZONE))
    for team in Team.objects.filter(is_open=True):
        target = team_target(team=team, period=period)
        own = set(Rep.objects.filter(team=team).values_list("pk", flat=True))
        for kind in SUMMED:
            exact = sum(
                (
                    Fraction((event.amount_minor or 0) * share, WHOLE)
                    for (event_id, capacity, rep), share in plain.recorded.items()
                    if capacity == target.capacity
                    and rep in own
                    and (event := by_id(plain)[event_id]).kind == kind
                    and event.occurred_at.astimezone(zone).date() in period
                    and event.currency == team.currency
                ),
                Fraction(0),
            )
            assert target.total.amount(kind) == exact
            assert sum((tally.amount(kind) for _, tally in target.weeks), Fraction(0)) == exact
            found = contributions(target=target, kind=kind)
            for side in (found.sourced, found.owned):
                assert sum(one.amount_minor for one in side) == (found.whole_minor if side else 0)
            reached += found.whole_minor > 0
    return reached


def by_id(plain: PlainRecord) -> dict[int, Any]:
    """The record's events by their key."""
    if not hasattr(plain, "_by_id"):
        plain._by_id = {event.pk: event for event in plain.events}  # type: ignore[attr-defined]
    return plain._by_id  # type: ignore[attr-defined]


def last_week(at: datetime) -> date:
    """The Monday of the week whose pack is the newest at ``at``, on the day of its meeting."""
    day = day_of(at, settings.COMPANY_TIME_ZONE)
    return Period(date.fromordinal(day.toordinal() - day.weekday() - 7), day).start
