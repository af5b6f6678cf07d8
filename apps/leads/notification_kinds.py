"""What people are told about hand-offs and contests. It is sent by the services that make it true."""

from apps.accounts.notification_kinds import Kind, Way

ANSWERED, TO_JUDGE, CONTEST = "hand_off_answered", "contest_to_judge", "contest_news"
MEETING = "meeting_changed"

KINDS = (
    Kind(
        ANSWERED,
        label="Answers to hand-offs",
        says="A hand-off of yours was accepted or rejected, by the AE or by itself, or an answer was taken back.",
        many="answers to hand-offs",
        usual=Way(in_portal=True, mail="never"),
        icon="inbox",
    ),
    Kind(
        TO_JUDGE,
        label="Contests to judge",
        says="A contested rejection is yours to judge, as a manager of neither side, or is soon due.",
        many="contests to judge",
        # The credit of somebody waits for it: it goes out the same day.
        usual=Way(in_portal=True, mail="at_once"),
        icon="flag",
    ),
    Kind(
        CONTEST,
        label="News of contests",
        says="A rejection of yours or of your team was contested, or a contest was decided or withdrawn.",
        many="news of contests",
        usual=Way(in_portal=True, mail="digest"),
        icon="flag",
    ),
    Kind(
        MEETING,
        label="Changes of meetings",
        says="A meeting of yours was moved, cancelled or corrected by somebody else, or nobody came to it.",
        many="changes of meetings",
        # Who learns of a cancelled meeting the next day has waited for nobody.
        usual=Way(in_portal=True, mail="at_once"),
        icon="cal",
    ),
)
