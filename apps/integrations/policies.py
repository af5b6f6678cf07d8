"""Who may import. What a file holds is seen by nobody else, whatever their scope."""

from apps.accounts.models import Role
from apps.accounts.policies import has_role
from apps.core.policies import Policy

IMPORT_DATA = Policy(
    "integrations.import_data",
    "RevOps imports data and keeps the mappings.",
    roles=has_role(Role.REVOPS),
)

KEEP_WEBHOOKS = Policy(
    "integrations.keep_webhooks",
    "RevOps says which other systems are told of what happens, and sees what they were told.",
    roles=has_role(Role.REVOPS),
)

KEEP_FORMS = Policy(
    "integrations.keep_forms",
    "RevOps and marketing keep the forms that capture leads.",
    roles=has_role(Role.REVOPS, Role.MARKETING),
)
SEND_CAPTURE = Policy(
    "integrations.send_capture",
    "Anyone with a form's address fills it in: a signed ticket with an age, a field that nobody sees and a limit "
    "by address keep programs out, and only its own sites may frame it.",
    public=True,
)
