"""Plans and who is on them; payout runs, statements and the ledger; what was downloaded."""

from apps.compensation.models.downloads import Download, ReportFormat
from apps.compensation.models.ledger import EntryKind, LedgerEntry
from apps.compensation.models.plans import Plan, PlanAssignment, PlanRole, PlanVersion
from apps.compensation.models.runs import PayoutRun, RunState
from apps.compensation.models.statements import Statement

__all__ = [
    "Download",
    "EntryKind",
    "LedgerEntry",
    "PayoutRun",
    "Plan",
    "PlanAssignment",
    "PlanRole",
    "PlanVersion",
    "ReportFormat",
    "RunState",
    "Statement",
]
