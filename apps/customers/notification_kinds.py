"""What people are told about customers: what is passed to them, and what comes back."""

from apps.accounts.notification_kinds import Kind, Way

PASS_ON, RENEWAL = "customer_passed_on", "renewal_opened"

KINDS = (
    Kind(
        PASS_ON,
        label="Customers passed on",
        says="A customer was won and waits for your words, was passed on to you, or came back with a question.",
        many="customers passed on",
        usual=Way(in_portal=True, mail="digest"),
        icon="handshake",
    ),
    Kind(
        RENEWAL,
        label="Renewals",
        says="A contract of a customer of yours ends soon, and its renewal was opened.",
        many="renewals opened",
        usual=Way(in_portal=True, mail="digest"),
        icon="refresh",
    ),
)
