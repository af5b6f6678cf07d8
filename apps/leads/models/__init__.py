"""The funnel: accounts, leads, what was done and agreed about them, and the record of it all."""

from apps.leads.models.accounts import Account
from apps.leads.models.definitions import Definition, Qualification, QualificationAnswer
from apps.leads.models.hand_offs import HandOff, Meeting, RejectionReason
from apps.leads.models.leads import Channel, Lead, LeadStage, QueueBucket, Score
from apps.leads.models.opportunities import LossReason, Opportunity, OpportunityStage
from apps.leads.models.record import WHOLE_SHARE, Capacity, EventCredit, EventKind, FunnelEvent, Source
from apps.leads.models.touches import Disposition, Touch

__all__ = [
    "WHOLE_SHARE",
    "Account",
    "Capacity",
    "Channel",
    "Definition",
    "Disposition",
    "EventCredit",
    "EventKind",
    "FunnelEvent",
    "HandOff",
    "Lead",
    "LeadStage",
    "LossReason",
    "Meeting",
    "Opportunity",
    "OpportunityStage",
    "Qualification",
    "QualificationAnswer",
    "QueueBucket",
    "RejectionReason",
    "Score",
    "Source",
    "Touch",
]
