"""The team target's page."""

from datetime import date
from fractions import Fraction
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core.money import in_words, round_half_up
from apps.core.periods import NotAPeriod, Period, parse_period, quarter_of
from apps.core.policies import guarded, visible_or_404
from apps.leads.models import EventKind
from apps.reps.models import Team
from apps.scorecards import policies
from apps.scorecards.presentation_targets import contribution_sides, outlook, pipeline_side
from apps.scorecards.rules.figures import plain
from apps.scorecards.rules.targets import run_rate, running_total
from apps.scorecards.selectors.target_outlook import contributions, forecasts
from apps.scorecards.selectors.targets import TeamTarget, default_team, target_periods, team_target
from apps.scorecards.views import asked

MOST_TEAMS = 40


@require_safe
@guarded(policies.SEE_TEAM_TARGET)
def target(request: HttpRequest) -> HttpResponse:
    """The target of ``?team=`` for ``?period=`` (a quarter, or any other period), week by week."""
    user: Any = request.user
    today = asked.today()
    visible = Team.objects.visible_to(user).filter(is_open=True)
    teams = list(visible[:MOST_TEAMS])
    team = _team(request, visible, teams)
    if team is None:
        return render(request, "scorecards/no_target.html")
    periods = target_periods(team)
    period, wrong = _period(request, periods, today)
    found = team_target(team=team, period=period, as_of=asked.as_of(request))
    seen = forecasts(target=found, day=today, as_of=asked.as_of(request))
    sees_reps = policies.sees_peers_of_team(user, team)
    context = {
        "team": team,
        "teams": teams,
        "period": period,
        "periods": periods[:12],
        "before": period.previous(),
        "after": period.following() if period.end <= today else None,
        "wrong": wrong,
        "target": found,
        "leads": _side(found, today, leads=True)
        | {
            "outlook": outlook(
                seen.get(EventKind.HANDED_OFF), found.asked_converted_leads, "", found.converted_leads
            )
        },
        "amount": _side(found, today, leads=False)
        | {
            "outlook": outlook(
                seen.get(EventKind.ACCEPTED),
                found.asked_accepted_minor,
                team.currency,
                found.total.amount(EventKind.ACCEPTED),
            )
        },
        "pipeline": pipeline_side(found, today, seen.get(EventKind.STAGE_2)),
        "roles": contribution_sides(
            contributions(target=found, kind=EventKind.STAGE_2, as_of=asked.as_of(request)), found
        ),
        "accepted": plain(found.accepted, 1),
        "rejected": plain(found.rejected, 1),
        "weeks": _weeks(found, today),
        "reps": _reps(found) if sees_reps else [],
        "sees_reps": sees_reps,
        "sees_events": user.role == "revops" or team.manager_id == user.pk,
        "apart": [in_words(amount, currency) for currency, amount in found.apart.items()],
    }
    return render(request, "scorecards/team_target.html", context)


def _team(request: HttpRequest, visible: QuerySet[Team], teams: list[Team]) -> Team | None:
    wanted = request.GET.get("team", "")
    return visible_or_404(visible, pk=wanted) if wanted else default_team(teams)


def _period(request: HttpRequest, periods: list[Period], today: date) -> tuple[Period, str]:
    """The period asked for; else the one that runs, else the newest with a target that has begun."""
    running = next((one for one in periods if today in one), None)
    begun = next((one for one in periods if one.start <= today), None)
    usual = running or (begun if begun and not running and begun.end > today else None) or quarter_of(today)
    text = request.GET.get("period", "")
    if not text:
        return usual, ""
    try:
        return parse_period(text), ""
    except NotAPeriod as error:
        return usual, str(error)


def _side(found: TeamTarget, today: date, *, leads: bool) -> dict[str, Any]:
    """One of the two measures: what was reached, asked and is still needed, and the points of its chart."""
    kind = EventKind.HANDED_OFF if leads else EventKind.ACCEPTED
    asked_for = found.asked_converted_leads if leads else found.asked_accepted_minor
    weekly = [tally.count(kind) if leads else tally.amount(kind) for _, tally in found.weeks]
    reached = found.converted_leads if leads else Fraction(found.accepted_amount_minor)
    currency = "" if leads else found.currency

    def shown(value: Fraction) -> str:
        return plain(value, 1) if leads else in_words(round_half_up(value), currency)

    points = []
    for (week, _), total in zip(found.weeks, running_total(weekly), strict=True):
        to_date = asked_for * (week.end - found.period.start).days / found.period.days if asked_for else None
        points.append(
            (
                f"{week.last_day.day} {week.last_day:%b}",
                _whole(total) if week.start <= today else None,
                _whole(to_date) if to_date is not None else None,
            )
        )
    side: dict[str, Any] = {
        "reached": shown(reached),
        "asked": shown(asked_for) if asked_for is not None else "",
        "bullet": (float(reached), float(asked_for)) if asked_for else None,
        "points": points,
        "currency": currency,
        "is_over": found.period.end <= today,
        "is_ahead": found.period.start > today,
        "share": f"{plain(reached * 100 / asked_for, 1)} %" if asked_for else "",
    }
    if asked_for:
        rate = run_rate(reached=reached, target=asked_for, period=found.period, day=today)
        side |= {
            "is_met": not rate.missing,
            "missing": shown(rate.missing),
            "needed": shown(rate.needed_a_week) if rate.needed_a_week is not None else "",
            "so_far": shown(rate.so_far_a_week),
            "days_left": rate.days_left,
        }
    return side


def _whole(value: Fraction) -> int:
    """For the chart and its table: whole leads, whole minor units."""
    return round_half_up(value)


def _weeks(found: TeamTarget, today: date) -> list[dict[str, Any]]:
    def money(value: Fraction) -> str:
        return in_words(round_half_up(value), found.currency)

    return [
        {
            "name": f"{week.start.day} {week.start:%b} to {week.last_day.day} {week.last_day:%b}",
            "leads": plain(tally.count(EventKind.HANDED_OFF), 1),
            "accepted": plain(tally.count(EventKind.ACCEPTED), 1),
            "rejected": plain(tally.count(EventKind.REJECTED), 1),
            "amount": money(tally.amount(EventKind.ACCEPTED)),
            "stage_1": money(tally.amount(EventKind.STAGE_1)),
            "stage_2": money(tally.amount(EventKind.STAGE_2)),
            "won": money(tally.amount(EventKind.WON)),
            "is_running": today in week,
        }
        for week, tally in found.weeks
        if week.start <= today
    ]


def _reps(found: TeamTarget) -> list[dict[str, Any]]:
    rows = sorted(
        found.by_rep,
        key=lambda one: (-one[1].amount(EventKind.ACCEPTED), one[0].name),
    )
    return [
        {
            "rep": rep,
            "leads": plain(tally.count(EventKind.HANDED_OFF), 1),
            "accepted": plain(tally.count(EventKind.ACCEPTED), 1),
            "amount": in_words(round_half_up(tally.amount(EventKind.ACCEPTED)), found.currency),
            "won": in_words(round_half_up(tally.amount(EventKind.WON)), found.currency),
        }
        for rep, tally in rows
    ]
