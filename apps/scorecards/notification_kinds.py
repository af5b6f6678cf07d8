"""What people are told about the ranking (``services.ranking_notices``)."""

from apps.accounts.notification_kinds import Kind, Way

TIER_CHANGED, MOVE_HELD = "tier_changed", "tier_move_held"

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
)
