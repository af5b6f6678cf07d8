"""Ranking policies and snapshots; scorecards with their notes and signatures; assumptions per role."""

from apps.scorecards.models.cards import (
    Assumption,
    Scorecard,
    ScorecardNote,
    ScorecardSignature,
    ScorecardState,
    SignedAs,
    reps_with_cards_for,
    signs_as,
)
from apps.scorecards.models.ranking import PeerGroup, RankingPolicy, RankingRow, RankingSnapshot

__all__ = [
    "Assumption",
    "PeerGroup",
    "RankingPolicy",
    "RankingRow",
    "RankingSnapshot",
    "Scorecard",
    "ScorecardNote",
    "ScorecardSignature",
    "ScorecardState",
    "SignedAs",
    "reps_with_cards_for",
    "signs_as",
]
