"""Reads of scorecards and ranking over the funnel record; nothing here writes."""

from apps.compensation.selectors.measures import measure
from apps.scorecards.selectors.cards import Card, card_of, cards_of
from apps.scorecards.selectors.events import events_behind
from apps.scorecards.selectors.ranking import current_policy, latest_snapshot, standings_of, tiers_on
from apps.scorecards.selectors.targets import TeamTarget, team_target

__all__ = [
    "Card",
    "TeamTarget",
    "card_of",
    "cards_of",
    "current_policy",
    "events_behind",
    "latest_snapshot",
    "measure",
    "standings_of",
    "team_target",
    "tiers_on",
]
