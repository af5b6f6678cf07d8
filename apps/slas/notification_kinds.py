"""What people are told about promises. It is sent by the steps of escalation (``services.escalating``)."""

from apps.accounts.notification_kinds import Kind, Way

AT_RISK, OVERDUE = "promise_at_risk", "promise_overdue"

KINDS = (
    Kind(
        AT_RISK,
        label="Promises at risk",
        says="A promise of yours or of your team is soon due, and nobody has kept it yet.",
        many="promises at risk",
        # A digest would tell it when it is too late.
        usual=Way(in_portal=True, mail="never"),
        icon="alert",
    ),
    Kind(
        OVERDUE,
        label="Promises overdue",
        says="A promise of yours or of your team was not kept in time, or a late lead was given to you.",
        many="promises overdue",
        usual=Way(in_portal=True, mail="digest"),
        icon="stop",
    ),
)
