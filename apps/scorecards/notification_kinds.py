"""What people are told about the ranking (``services.ranking_notices``), training and coaching."""

from typing import Any

from apps.accounts.notification_kinds import Kind, Letter, Way

TIER_CHANGED, MOVE_HELD = "tier_changed", "tier_move_held"
SCORECARD_CLOSED, SCORECARD_ANSWERED = "scorecard_closed", "scorecard_answered"
REVIEW_MADE, REASONS_ASKED, REVIEW_ACTION = "weekly_review", "review_reasons", "review_action"
COMPLAINT_MADE, COMPLAINT_ANSWERED = "lead_complaint", "lead_complaint_answered"


def review_letter(notification: Any) -> Letter | None:
    """The pack as a mail. (Imported when it is sent: models are not ready when kinds are declared.)"""
    from apps.scorecards.review_letter import letter_for

    return letter_for(notification)


TRAINING_DUE, SUPPORT_ASKED, COACHED = "training_due", "support_asked", "coached"

KINDS = (
    Kind(
        TIER_CHANGED,
        label="Tier changes",
        says="The ranking moved you, or an AE of your team, to another tier; with the arithmetic.",
        many="tier changes",
        usual=Way(in_portal=True, mail="digest"),
        icon="medal",
    ),
    Kind(
        MOVE_HELD,
        label="Held tier moves",
        says="Your manager holds your tier for a while, or holds it no more.",
        many="held tier moves",
        usual=Way(in_portal=True, mail="digest"),
        icon="pause",
    ),
    Kind(
        TRAINING_DUE,
        label="Certifications",
        says="A certification of yours is due soon, or one of your team is overdue; or you are asked to a training.",
        many="certifications",
        usual=Way(in_portal=True, mail="digest"),
        icon="star",
    ),
    Kind(
        SUPPORT_ASKED,
        label="Support on the lowest tier",
        says="An AE of yours stands on the lowest tier and nothing has been agreed yet; told again until it is.",
        many="requests for support",
        usual=Way(in_portal=True, mail="at_once"),
        icon="handshake",
    ),
    Kind(
        COACHED,
        label="Coaching",
        says="Your manager set a practice goal with you, agreed support, or named a meeting to listen to.",
        many="coaching notes",
        usual=Way(in_portal=True, mail="digest"),
        icon="play",
    ),
    Kind(
        REVIEW_MADE,
        label="Weekly review",
        says="The pack of your team's weekly review was made; the mail holds all of it.",
        many="weekly reviews",
        usual=Way(in_portal=True, mail="at_once"),
        icon="doc",
        letter=review_letter,
    ),
    Kind(
        REASONS_ASKED,
        label="Reasons for the weekly review",
        says="A lead of yours went cold, a promise broke or a touch did not take place, and nobody has said why.",
        many="requests for reasons",
        usual=Way(in_portal=True, mail="at_once"),
        icon="question",
    ),
    Kind(
        REVIEW_ACTION,
        label="Actions of the weekly review",
        says="An action that was agreed in a weekly review is yours.",
        many="actions of weekly reviews",
        usual=Way(in_portal=True, mail="digest"),
        icon="check",
    ),
    Kind(
        COMPLAINT_MADE,
        label="Complaints about leads",
        says="An SDR or AE complained about the quality of a lead.",
        many="complaints about leads",
        usual=Way(in_portal=True, mail="digest"),
        icon="flag",
    ),
    Kind(
        COMPLAINT_ANSWERED,
        label="Answers to your complaints",
        says="Marketing answered a complaint of yours about a lead.",
        many="answers to complaints",
        usual=Way(in_portal=True, mail="digest"),
        icon="flag",
    ),
    Kind(
        SCORECARD_CLOSED,
        label="Closed scorecards",
        says="A month was closed: your scorecard, or those of your teams, wait to be read and signed.",
        many="closed scorecards",
        usual=Way(in_portal=True, mail="digest"),
        icon="chart",
    ),
    Kind(
        SCORECARD_ANSWERED,
        label="Answers on scorecards",
        says="The rep or the manager wrote on a scorecard of yours, agreed an action or signed it.",
        many="answers on scorecards",
        usual=Way(in_portal=True, mail="digest"),
        icon="chart",
    ),
)
