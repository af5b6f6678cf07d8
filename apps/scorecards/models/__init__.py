"""Ranking policies and snapshots; scorecards with their notes and signatures; assumptions per role."""

from apps.scorecards.models.capacity import Assumption, HiringScenario
from apps.scorecards.models.card_reviews import (
    ActionOutcome,
    ScorecardAction,
    ScorecardActionClosing,
    ScorecardPrivateNote,
)
from apps.scorecards.models.cards import (
    Scorecard,
    ScorecardNote,
    ScorecardSignature,
    ScorecardState,
    SignedAs,
    reps_with_cards_for,
    signs_as,
)
from apps.scorecards.models.coaching import (
    PracticeGoal,
    PracticeGoalEnd,
    SharedRecording,
    SupportAction,
    SupportAnswer,
)
from apps.scorecards.models.complaints import ComplaintAnswer, ComplaintReason, LeadComplaint
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
    LeadMixTotal,
    RankingTotal,
    RankingTotalMark,
    RankingTotalsBuild,
    ReceivedLead,
)
from apps.scorecards.models.review import (
    ReviewReason,
    ReviewSection,
    ReviewSetting,
    WeeklyReview,
    WhyNot,
)
from apps.scorecards.models.review_items import ReviewItem, ReviewItemEnd
from apps.scorecards.models.spend import Spend
from apps.scorecards.models.training import (
    Certification,
    CertificationResult,
    TrainingAttendance,
    TrainingDue,
    TrainingSession,
    reps_in_training_for,
)

__all__ = [
    "ActionOutcome",
    "Assumption",
    "Certification",
    "CertificationResult",
    "ComplaintAnswer",
    "ComplaintReason",
    "Decides",
    "HiringScenario",
    "LeadComplaint",
    "LeadMixTotal",
    "PeerGroup",
    "PracticeGoal",
    "PracticeGoalEnd",
    "RankingHold",
    "RankingHoldLift",
    "RankingPolicy",
    "RankingRow",
    "RankingSnapshot",
    "RankingTotal",
    "RankingTotalMark",
    "RankingTotalsBuild",
    "ReceivedLead",
    "ReviewItem",
    "ReviewItemEnd",
    "ReviewReason",
    "ReviewSection",
    "ReviewSetting",
    "Scorecard",
    "ScorecardAction",
    "ScorecardActionClosing",
    "ScorecardNote",
    "ScorecardPrivateNote",
    "ScorecardSignature",
    "ScorecardState",
    "SharedRecording",
    "SignedAs",
    "Spend",
    "SupportAction",
    "SupportAnswer",
    "TrainingAttendance",
    "TrainingDue",
    "TrainingSession",
    "WeeklyReview",
    "WhyNot",
    "reps_in_training_for",
    "reps_with_cards_for",
    "signs_as",
]
