"""The funnel: accounts, leads, what was done and agreed about them, and the record of it all."""

from apps.leads.models.accounts import Account
from apps.leads.models.booking import (
    BookingRules,
    Invitation,
    MeetingComment,
    PartOfDay,
    PreferredTime,
    Weekday,
)
from apps.leads.models.cadences import (
    Cadence,
    CadenceVersion,
    Enrolment,
    EnrolmentAct,
    FollowUpPolicy,
    Motion,
    Throttle,
)
from apps.leads.models.contests import Contest, ContestState, ContestTerms
from apps.leads.models.credit_rules import CreditRule
from apps.leads.models.day import ExplorationBudget, FocusBlock
from apps.leads.models.definitions import Definition, Framework, Qualification, QualificationAnswer
from apps.leads.models.duplicates import LeadAddress, LeadMerge, PossibleDuplicate
from apps.leads.models.gates import GateAnswer, GatePassage, StageGate
from apps.leads.models.hand_offs import AnsweredHow, HandOff, Meeting, RejectionReason
from apps.leads.models.leads import Channel, Lead, LeadStage, Persona, Proposal, QueueBucket, Score
from apps.leads.models.opportunities import LossReason, Opportunity, OpportunityKind, OpportunityStage
from apps.leads.models.reassignments import Reassignment
from apps.leads.models.record import WHOLE_SHARE, Capacity, EventCredit, EventKind, FunnelEvent, Source
from apps.leads.models.requests import AnsweredRequest
from apps.leads.models.routing import (
    PoolTurn,
    RoutingDecision,
    RoutingPolicy,
    RoutingRule,
    TurnPool,
)
from apps.leads.models.slots import SlotHold, TakenSlot
from apps.leads.models.suppressions import Suppression
from apps.leads.models.touches import Disposition, Purpose, Touch

__all__ = [
    "WHOLE_SHARE",
    "Account",
    "AnsweredHow",
    "AnsweredRequest",
    "BookingRules",
    "Cadence",
    "CadenceVersion",
    "Capacity",
    "Channel",
    "Contest",
    "ContestState",
    "ContestTerms",
    "CreditRule",
    "Definition",
    "Disposition",
    "Enrolment",
    "EnrolmentAct",
    "EventCredit",
    "EventKind",
    "ExplorationBudget",
    "FocusBlock",
    "FollowUpPolicy",
    "Framework",
    "FunnelEvent",
    "GateAnswer",
    "GatePassage",
    "HandOff",
    "Invitation",
    "Lead",
    "LeadAddress",
    "LeadMerge",
    "LeadStage",
    "LossReason",
    "Meeting",
    "MeetingComment",
    "Motion",
    "Opportunity",
    "OpportunityKind",
    "OpportunityStage",
    "PartOfDay",
    "Persona",
    "PoolTurn",
    "PossibleDuplicate",
    "PreferredTime",
    "Proposal",
    "Purpose",
    "Qualification",
    "QualificationAnswer",
    "QueueBucket",
    "Reassignment",
    "RejectionReason",
    "RoutingDecision",
    "RoutingPolicy",
    "RoutingRule",
    "Score",
    "SlotHold",
    "Source",
    "StageGate",
    "Suppression",
    "TakenSlot",
    "Throttle",
    "Touch",
    "TurnPool",
    "Weekday",
]
