"""What people are told about plans and pay (``services.acknowledgements``, ``services.plan_drafts``)."""

from apps.accounts.notification_kinds import Kind, Way

PLAN_TO_SIGN, PLAN_SUBMITTED, PLAN_SENT_BACK = "plan_to_sign", "plan_submitted", "plan_sent_back"
SPLIT_TO_APPROVE, SPLIT_DECIDED = "split_to_approve", "split_decided"

KINDS = (
    Kind(
        PLAN_TO_SIGN,
        label="Plans to acknowledge",
        says="A version of the plan that pays you waits for your name; and again while it still does.",
        many="plans to acknowledge",
        usual=Way(in_portal=True, mail="at_once"),
        icon="doc",
    ),
    Kind(
        PLAN_SUBMITTED,
        label="Plans to approve",
        says="Somebody submitted a version of a plan that you may approve.",
        many="plans to approve",
        usual=Way(in_portal=True, mail="digest"),
        icon="doc",
    ),
    Kind(
        PLAN_SENT_BACK,
        label="Plans sent back or approved",
        says="A version that you wrote was approved, or sent back with a reason.",
        many="plans sent back or approved",
        usual=Way(in_portal=True, mail="digest"),
        icon="doc",
    ),
    Kind(
        SPLIT_TO_APPROVE,
        label="Splits of credit to approve",
        says="Somebody asks that the credit of an event be split in another way, and you may approve it.",
        many="splits of credit to approve",
        usual=Way(in_portal=True, mail="digest"),
        icon="people",
    ),
    Kind(
        SPLIT_DECIDED,
        label="Splits of credit decided",
        says="A split that you asked for, or that moves your share, was approved or declined.",
        many="splits of credit decided",
        usual=Way(in_portal=True, mail="digest"),
        icon="people",
    ),
)
