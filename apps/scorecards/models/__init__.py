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
from apps.scorecards.models.ranking import (
    Decides,
    PeerGroup,
    RankingHold,
    RankingHoldLift,
    RankingPolicy,
    RankingRow,
    RankingSnapshot,
)
from apps.scorecards.models.ranking_totals import (
    RankingTotal,
    RankingTotalMark,
    RankingTotalsBuild,
    ReceivedLead,
)

__all__ = [
    "Assumption",
    "Decides",
    "PeerGroup",
    "RankingHold",
    "RankingHoldLift",
    "RankingPolicy",
    "RankingRow",
    "RankingSnapshot",
    "RankingTotal",
    "RankingTotalMark",
    "RankingTotalsBuild",
    "ReceivedLead",
    "Scorecard",
    "ScorecardNote",
    "ScorecardSignature",
    "ScorecardState",
    "SignedAs",
    "reps_with_cards_for",
    "signs_as",
]
