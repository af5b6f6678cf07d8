"""Goals and strengths as pages show them: figures in words. No queries, no rules."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from apps.leads.rules.metrics import Better, Unit
from apps.scorecards.presentation import period_words
from apps.scorecards.rules.capacity import percent
from apps.scorecards.rules.figures import in_figures
from apps.scorecards.selectors.coaching import GoalProgress, Strength


def goal_rows(found: Sequence[GoalProgress], today: date) -> list[dict[str, Any]]:
    """Each goal with where it stands, in words and as a bar."""
    rows = []
    for one in found:
        unit, currency = one.metric.unit, one.goal.rep.team.currency
        tier = f"tier {one.goal.tier_from} to {one.goal.tier_to}" if one.goal.tier_to else ""
        rows.append(
            {
                "goal": one.goal,
                "metric": one.metric.name,
                "lower": one.metric.better is Better.LOWER,
                "from": in_figures(one.baseline, unit, currency),
                "to": in_figures(one.aim, unit, currency),
                "now": in_figures(one.now, unit, currency),
                "basis": period_words(one.basis) if one.basis.months() else one.basis.name,
                "state": one.state.value,
                "way": percent(one.way, 0),
                "bar_width": f"{float(one.way) * 100:.0f}",
                "code": one.basis.code,
                "step": tier or "a tenth",
                "until": one.goal.ends_on - timedelta(days=1),
                "is_running": one.state.value == "running",
                "may_end": one.goal.ends_on > today and one.state.value in ("running", "reached"),
            }
        )
    return rows


def strength_context(found: Strength) -> dict[str, Any]:
    """The strongest at a metric, against the mean of all."""
    unit = found.metric.unit

    def shown(value: Any) -> str:
        return in_figures(value, unit, found.currency)

    best = found.strongest
    mean = found.mean
    sentence = ""
    if best and mean is not None:
        sentence = (
            f"{best[0].name} leads {len(found.peers)} with {shown(best[0].value)}; the mean is {shown(mean)}."
        )
    return {
        "metric": found.metric,
        "currency": found.currency if unit is Unit.MONEY else "",
        "basis": period_words(found.basis),
        "sentence": sentence,
        "rows": [
            {
                "place": place,
                "name": one.name,
                "rep_id": one.rep_id,
                "value": shown(one.value),
                "tier": found.tiers[one.rep_id],
            }
            for place, one in enumerate(found.peers, 1)
        ],
        "code": found.basis.code,
    }
