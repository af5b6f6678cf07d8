"""What people are told about plans and pay (``services.acknowledgements``, ``services.plan_drafts``)."""

from apps.accounts.notification_kinds import Kind, Way

PLAN_TO_SIGN, PLAN_SUBMITTED, PLAN_SENT_BACK = "plan_to_sign", "plan_submitted", "plan_sent_back"
SPLIT_TO_APPROVE, SPLIT_DECIDED = "split_to_approve", "split_decided"
INQUIRY, INQUIRY_TO_ANSWER, INQUIRY_LATE = "inquiry", "inquiry_to_answer", "inquiry_late"
ADJUSTMENT_TO_APPROVE = "adjustment_to_approve"

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
    Kind(
        INQUIRY,
        label="Inquiries of yours",
        says="Somebody answered, asks you back about, or settled an inquiry that you made.",
        many="inquiries of yours with news",
        usual=Way(in_portal=True, mail="at_once"),
        icon="info",
    ),
    Kind(
        INQUIRY_TO_ANSWER,
        label="Inquiries to answer",
        says="An inquiry about pay is yours to answer, has something new from who asked, or is soon due.",
        many="inquiries to answer",
        usual=Way(in_portal=True, mail="at_once"),
        icon="info",
    ),
    Kind(
        INQUIRY_LATE,
        label="Inquiries that are late",
        says="An inquiry about pay had no answer or no outcome by when it was promised.",
        many="inquiries that are late",
        usual=Way(in_portal=True, mail="at_once"),
        icon="clock",
    ),
    Kind(
        ADJUSTMENT_TO_APPROVE,
        label="Adjustments of pay to approve",
        says="Somebody proposes a change of somebody’s pay, and you may approve it.",
        many="adjustments of pay to approve",
        usual=Way(in_portal=True, mail="digest"),
        icon="money",
    ),
)
