"""Plans and who is on them; payout runs, statements and the ledger; what was downloaded."""

from apps.compensation.models.acknowledgements import PlanAcknowledgement
from apps.compensation.models.adjustments import PayAdjustment, PayAdjustmentDecision
from apps.compensation.models.downloads import FORMATS_OF, Download, FileKind, KeptFile, ReportFormat
from apps.compensation.models.inquiries import (
    Inquiry,
    InquiryAct,
    InquiryAttachment,
    InquiryMessage,
    InquirySeen,
    InquiryState,
    InquiryTerms,
)
from apps.compensation.models.layouts import PayrollLayout, PayrollLayoutVersion
from apps.compensation.models.ledger import EntryKind, LedgerEntry
from apps.compensation.models.parts import PayoutPart
from apps.compensation.models.payments import CustomerPayment
from apps.compensation.models.plans import Plan, PlanAssignment, PlanRole, PlanVersion
from apps.compensation.models.rates import ExchangeRate, PayoutCurrency
from apps.compensation.models.replays import (
    Replay,
    ReplayFigure,
    ReplayMeasure,
    ReplayOutcome,
    ReplayPay,
    ReplayPerson,
    ReplayProblem,
)
from apps.compensation.models.reviews import PayReview, ReviewSide, ReviewVerdict
from apps.compensation.models.runs import PayoutRun, RunState
from apps.compensation.models.splits import CreditSplit, CreditSplitDecision, CreditSplitPart, Verdict
from apps.compensation.models.statements import Statement

__all__ = [
    "FORMATS_OF",
    "CreditSplit",
    "CreditSplitDecision",
    "CreditSplitPart",
    "CustomerPayment",
    "Download",
    "EntryKind",
    "ExchangeRate",
    "FileKind",
    "Inquiry",
    "InquiryAct",
    "InquiryAttachment",
    "InquiryMessage",
    "InquirySeen",
    "InquiryState",
    "InquiryTerms",
    "KeptFile",
    "LedgerEntry",
    "PayAdjustment",
    "PayAdjustmentDecision",
    "PayReview",
    "PayoutCurrency",
    "PayoutPart",
    "PayoutRun",
    "PayrollLayout",
    "PayrollLayoutVersion",
    "Plan",
    "PlanAcknowledgement",
    "PlanAssignment",
    "PlanRole",
    "PlanVersion",
    "Replay",
    "ReplayFigure",
    "ReplayMeasure",
    "ReplayOutcome",
    "ReplayPay",
    "ReplayPerson",
    "ReplayProblem",
    "ReportFormat",
    "ReviewSide",
    "ReviewVerdict",
    "RunState",
    "Statement",
    "Verdict",
]
