"""What people are told about their own calendars (``services.feed_news``)."""

from apps.accounts.notification_kinds import Kind, Way

FEED_FAILING = "calendar_feed_failing"

KINDS = (
    Kind(
        FEED_FAILING,
        label="Calendar feeds that fail",
        says="A calendar of yours could not be read for some hours, or is read again.",
        many="notes on calendar feeds",
        usual=Way(in_portal=True, mail="digest"),
        icon="calendar",
    ),
)
