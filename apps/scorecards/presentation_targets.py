"""The team target in words and points: the pipeline against its target, the forecast, what each role contributed."""

from datetime import date
from fractions import Fraction
from typing import Any

from apps.core.money import in_words, round_half_up
from apps.leads.models import EventKind
from apps.scorecards.rules.figures import plain
from apps.scorecards.rules.pace import Forecast
from apps.scorecards.rules.targets import run_rate, running_total
from apps.scorecards.selectors.target_outlook import Contribution, Contributions
from apps.scorecards.selectors.targets import TeamTarget


def _shown(value: Fraction, currency: str) -> str:
    return in_words(round_half_up(value), currency) if currency else plain(value, 1)


def outlook(
    seen: Forecast | None, asked: Fraction | None, currency: str, reached: Fraction
) -> dict[str, str] | None:
    """A forecast in words, with the rule it was made by and its figures; against the target while it is not met."""
    if seen is None:
        return None
    low, high, expected = (_shown(one, currency) for one in (seen.low, seen.high, seen.expected))
    mean, spread = _shown(seen.mean_a_week, currency), _shown(seen.spread_a_week, currency)
    against = seen.chance_words(asked) if asked is not None and reached < asked else ""
    return {
        "says": f"At this pace it ends at {expected}; eight times in ten between {low} and {high}.",
        "against": f"The target {against}." if against else "",
        "rule": (
            f"The last {seen.weeks} weeks brought {mean} a week, give or take {spread} (their standard deviation). "
            f"{plain(seen.weeks_left, 1)} weeks are left: what was reached plus {mean} for each of them. The band is "
            f"1.28 × {spread} × √{plain(seen.weeks_left, 1)} on either side, never below what was reached. It holds "
            "while weeks go on as these did, and knows nothing of what lies in the pipeline."
        ),
    }


def pipeline_side(found: TeamTarget, today: date, seen: Forecast | None) -> dict[str, Any]:
    """Stage 1, stage 2 and won to date by week, against the pipeline target and the run rate it still needs."""
    asked = found.asked_pipeline_minor

    def to_date(kind: str) -> list[int | None]:
        totals = running_total([tally.amount(kind) for _, tally in found.weeks])
        return [
            round_half_up(total) if week.start <= today else None
            for (week, _), total in zip(found.weeks, totals, strict=True)
        ]

    stage_2 = to_date(EventKind.STAGE_2)
    points = [
        (
            f"{week.last_day.day} {week.last_day:%b}",
            total,
            round_half_up(asked * (week.end - found.period.start).days / found.period.days)
            if asked
            else None,
        )
        for (week, _), total in zip(found.weeks, stage_2, strict=True)
    ]
    reached, currency = found.total.amount(EventKind.STAGE_2), found.currency
    side: dict[str, Any] = {
        "reached": _shown(reached, currency),
        "asked": _shown(asked, currency) if asked else "",
        "stage_1": in_words(found.stage_1_minor, currency),
        "won": in_words(found.won_minor, currency),
        "asked_won": _shown(found.asked_won_minor, currency) if found.asked_won_minor else "",
        "bullet": (float(reached), float(asked)) if asked else None,
        "points": points if found.period.start <= today else [],
        "others": [("stage 1", to_date(EventKind.STAGE_1)), ("won", to_date(EventKind.WON))],
        "currency": currency,
        "is_over": found.period.end <= today,
        "is_ahead": found.period.start > today,
        "outlook": outlook(seen, asked, currency, reached),
        "sentence": _pipeline_sentence(found, asked),
    }
    if asked:
        rate = run_rate(reached=reached, target=asked, period=found.period, day=today)
        side |= {
            "is_met": not rate.missing,
            "missing": _shown(rate.missing, currency),
            "needed": _shown(rate.needed_a_week, currency) if rate.needed_a_week is not None else "",
            "so_far": _shown(rate.so_far_a_week, currency),
            "days_left": rate.days_left,
        }
    return side


def _pipeline_sentence(found: TeamTarget, asked: Fraction | None) -> str:
    currency = found.currency
    said = (
        f"{in_words(found.stage_1_minor, currency)} entered stage 1, {in_words(found.stage_2_minor, currency)} "
        f"stage 2, and {in_words(found.won_minor, currency)} were won"
    )
    if not asked:
        return f"{said}; no pipeline target is set."
    share = plain(found.total.amount(EventKind.STAGE_2) * 100 / asked, 1)
    return f"{said}: stage 2 is {share} % of the target of {_shown(asked, currency)}."


def contribution_sides(found: Contributions, target: TeamTarget) -> list[dict[str, Any]]:
    """By who sourced it and by who owns it: bars, a table and a sentence each; nothing where nothing counts."""
    sides = (("sourced", found.sourced), ("owned", found.owned))
    return [_side(word, parts, found.whole_minor, target.currency) for word, parts in sides if parts]


def _side(word: str, parts: tuple[Contribution, ...], whole: int, currency: str) -> dict[str, Any]:
    most = max(parts, key=lambda one: one.amount_minor)
    share = plain(Fraction(most.amount_minor * 100, whole), 1)
    return {
        "bars": [(one.name, one.amount_minor) for one in parts if one.amount_minor],
        "rows": [
            {
                "name": one.name,
                "amount": in_words(one.amount_minor, currency),
                "share": f"{plain(Fraction(one.amount_minor * 100, whole), 1)} %",
            }
            for one in parts
        ],
        "sentence": f"By who {word} it: {most.name} {in_words(most.amount_minor, currency)}, {share} % of the whole.",
    }
