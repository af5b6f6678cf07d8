"""One import-export resource per kind of row: its cells are read, its row judged, then written in bulk.

``base`` has what all share, ``fields`` how a cell becomes a value, ``context`` what rows may refer to.
"""

from apps.integrations.resources.base import KindResource, Record, Verdict
from apps.integrations.resources.context import Context, RepKnown
from apps.integrations.resources.hand_offs import HandOffResource
from apps.integrations.resources.leads import LeadResource
from apps.integrations.resources.opportunities import OpportunityResource
from apps.integrations.resources.quotas import QuotaResource
from apps.integrations.resources.reps import RepResource
from apps.integrations.resources.spend import SpendResource
from apps.integrations.resources.time_off import TimeOffResource
from apps.integrations.resources.touches import TouchResource

RESOURCES: dict[str, type[KindResource]] = {
    "reps": RepResource,
    "quotas": QuotaResource,
    "time_off": TimeOffResource,
    "leads": LeadResource,
    "hand_offs": HandOffResource,
    "opportunities": OpportunityResource,
    "touches": TouchResource,
    "spend": SpendResource,
}

__all__ = ["RESOURCES", "Context", "KindResource", "Record", "RepKnown", "Verdict"]
