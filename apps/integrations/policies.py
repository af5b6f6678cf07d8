"""Who may import. What a file holds is seen by nobody else, whatever their scope."""

from apps.accounts.models import Role
from apps.accounts.policies import has_role
from apps.core.policies import Policy

IMPORT_DATA = Policy(
    "integrations.import_data",
    "RevOps imports data and keeps the mappings.",
    roles=has_role(Role.REVOPS),
)
