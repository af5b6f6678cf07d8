"""The funnel: accounts, leads, what was done and agreed about them, and the record of it all."""

from apps.leads.models.accounts import Account
from apps.leads.models.cadences import (
    Cadence,
    CadenceVersion,
    Enrolment,
    EnrolmentAct,
    FollowUpPolicy,
    Motion,
    Throttle,
)
from apps.leads.models.day import ExplorationBudget, FocusBlock
from apps.leads.models.definitions import Definition, Framework, Qualification, QualificationAnswer
from apps.leads.models.duplicates import LeadAddress, LeadMerge, PossibleDuplicate
from apps.leads.models.hand_offs import HandOff, Meeting, RejectionReason
from apps.leads.models.leads import Channel, Lead, LeadStage, Persona, Proposal, QueueBucket, Score
from apps.leads.models.opportunities import LossReason, Opportunity, OpportunityStage
from apps.leads.models.reassignments import Reassignment
from apps.leads.models.record import WHOLE_SHARE, Capacity, EventCredit, EventKind, FunnelEvent, Source
from apps.leads.models.suppressions import Suppression
from apps.leads.models.touches import Disposition, Purpose, Touch

__all__ = [
    "WHOLE_SHARE",
    "Account",
    "Cadence",
    "CadenceVersion",
    "Capacity",
    "Channel",
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
    "HandOff",
    "Lead",
    "LeadAddress",
    "LeadMerge",
    "LeadStage",
    "LossReason",
    "Meeting",
    "Motion",
    "Opportunity",
    "OpportunityStage",
    "Persona",
    "PossibleDuplicate",
    "Proposal",
    "Purpose",
    "Qualification",
    "QualificationAnswer",
    "QueueBucket",
    "Reassignment",
    "RejectionReason",
    "Score",
    "Source",
    "Suppression",
    "Throttle",
    "Touch",
]
