"""What can be imported: the kinds of rows, in the order in which they build on one another, and their fields.

A mapping (``rules.mappings``) says from which column each field comes; ``rules.cells`` reads the cell.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class FieldOfKind:
    """One field of a kind. ``type`` says how its cell is read; a ``personal`` value is never printed."""

    name: str
    label: str
    type: str
    required: bool = False
    personal: bool = False
    choices: tuple[str, ...] = ()
    says: str = ""
    longest: int = 200
    may_be_nobody: bool = False
    """Of a person: a mapping may have a row taken without one where nobody here is meant."""


@dataclass(frozen=True)
class Kind:
    """A kind of row. ``needs`` names groups of fields of which one must be mapped whole."""

    name: str
    label: str
    one: str
    fields: tuple[FieldOfKind, ...]
    needs: tuple[tuple[tuple[str, ...], ...], ...] = ()

    def field(self, name: str) -> FieldOfKind | None:
        return next((field for field in self.fields if field.name == name), None)


ID_LONGEST = 60
"""Of an external id: with the system's name and the fact it makes an event's source key."""

_ID = "The row's own number or code in the other system."

REPS = Kind(
    "reps",
    "Reps",
    "rep",
    (
        FieldOfKind("external_id", "Id", "id", required=True, says=_ID),
        FieldOfKind("name", "Name", "text", required=True, personal=True, longest=120),
        FieldOfKind(
            "role",
            "Role",
            "choice",
            required=True,
            choices=("isr", "osr", "ae", "am", "csm"),
            says="isr inbound SDR, osr outbound SDR, ae, am, csm.",
        ),
        FieldOfKind("hired_on", "Hired on", "day", required=True),
        FieldOfKind("left_on", "Left on", "day", says="The first day no longer here."),
    ),
)

MEASURES = ("meetings_accepted", "converted_leads", "amount_accepted", "pipeline", "amount_won")
SUMMED_MEASURES = ("amount_accepted", "pipeline", "amount_won")

QUOTAS = Kind(
    "quotas",
    "Quotas",
    "quota",
    (
        FieldOfKind("period", "Period", "period", says="2026-10, 2026Q4 or 2026."),
        FieldOfKind("year", "Year", "whole"),
        FieldOfKind("quarter", "Quarter", "whole", says="1 to 4, beside a year."),
        FieldOfKind("month", "Month", "whole", says="1 to 12, beside a year."),
        FieldOfKind("rep", "Rep", "rep", says="Empty: the quota is the team's."),
        FieldOfKind("meetings_accepted", "Accepted meetings", "whole"),
        FieldOfKind("converted_leads", "Converted leads", "whole", says="Handed off in the period."),
        FieldOfKind("amount_accepted", "Accepted amount", "amount"),
        FieldOfKind("pipeline", "Pipeline", "amount", says="Amount that reached stage 2."),
        FieldOfKind("amount_won", "Amount won", "amount"),
    ),
    needs=(
        (("period",), ("year",)),
        tuple((measure,) for measure in MEASURES),
    ),
)

LEAD_STAGES = ("mcl", "mql", "working", "sql", "converted", "recycled", "disqualified")
"""Of a lead in a file: those of the portal, and ``converted`` where a hand-off says what came of it."""

LEADS = Kind(
    "leads",
    "Leads",
    "lead",
    (
        FieldOfKind("external_id", "Id", "id", required=True, says=_ID),
        FieldOfKind("created", "Collected on", "instant", required=True),
        FieldOfKind("stage", "Stage", "choice", choices=LEAD_STAGES),
        FieldOfKind("stage_changed", "Stage since", "instant", says="When it reached the stage it is at."),
        FieldOfKind("reason", "Disqualify reason", "text", longest=80),
        FieldOfKind("do_not_contact", "Do not contact", "yes_no"),
        FieldOfKind(
            "owner",
            "Owner",
            "rep",
            says="The SDR who works it; empty: the team's pool.",
            may_be_nobody=True,
        ),
        FieldOfKind("hand_off", "Became hand-off", "hand_off", says="The id of the hand-off it became."),
        FieldOfKind("name", "Contact name", "text", personal=True, longest=120),
        FieldOfKind("title", "Job title", "text", longest=120),
        FieldOfKind("email", "E-mail", "email", personal=True),
        FieldOfKind("phone", "Phone", "text", personal=True, longest=40),
        FieldOfKind("company", "Company", "text", longest=160),
        FieldOfKind("industry", "Industry", "text", longest=80),
        FieldOfKind("employees", "Employees", "whole"),
        FieldOfKind("city", "City", "text", longest=80),
        FieldOfKind("time_zone", "Time zone", "zone", says="Such as Europe/Berlin."),
        FieldOfKind("source", "Source", "text", longest=80),
        FieldOfKind("campaign", "Campaign", "text", longest=80),
        FieldOfKind("is_inbound", "Came to us (inbound)", "yes_no"),
    ),
)

HAND_OFFS = Kind(
    "hand_offs",
    "Hand-offs",
    "hand-off",
    (
        FieldOfKind("external_id", "Id", "id", required=True, says=_ID),
        FieldOfKind("created", "Handed off on", "instant", required=True),
        FieldOfKind("sdr", "SDR", "rep", required=True, says="Who made it and is credited as its source."),
        FieldOfKind("ae", "AE", "rep", required=True, says="Who was to accept it and owns what follows."),
        FieldOfKind("lead", "Lead", "lead", says="Not needed where the lead's row names its hand-off."),
        FieldOfKind("accepted", "Accepted", "yes_no", says="Empty: no answer yet."),
        FieldOfKind("decided", "Answered on", "instant"),
        FieldOfKind("amount", "Amount", "amount"),
        FieldOfKind("comment", "Comment", "text", longest=1000),
    ),
)

OPPORTUNITY_STAGES = ("stage_1", "stage_2", "won", "lost")
OPPORTUNITY_KINDS = ("new", "renewal", "upsell")
LOSS_REASONS = ("no_budget", "competitor", "no_decision", "timing", "unqualified", "churned", "other")

OPPORTUNITIES = Kind(
    "opportunities",
    "Opportunities",
    "opportunity",
    (
        FieldOfKind("external_id", "Id", "id", required=True, says=_ID),
        FieldOfKind("name", "Name", "text", required=True, longest=160),
        FieldOfKind("created", "Opened on", "instant", required=True),
        FieldOfKind("owner", "Owner", "rep", required=True, says="The AE who owns it."),
        FieldOfKind("stage", "Stage", "choice", required=True, choices=OPPORTUNITY_STAGES),
        FieldOfKind(
            "outcome",
            "Won or lost",
            "choice",
            choices=("open", "won", "lost"),
            says="Where the stage does not say it.",
        ),
        FieldOfKind("stage_changed", "Stage since", "instant", says="When it reached the stage it is at."),
        FieldOfKind("closed", "Closed on", "instant", says="When it was won or lost."),
        FieldOfKind("amount", "Amount", "amount"),
        FieldOfKind("currency", "Currency", "currency", says="Such as EUR; empty: the team's."),
        FieldOfKind("company", "Company", "text", longest=160),
        FieldOfKind("lead", "Lead", "lead", says="The id of the lead it came from, in the same system."),
        FieldOfKind(
            "sdr", "SDR", "rep", says="Who sourced it; empty: the owner found it.", may_be_nobody=True
        ),
        FieldOfKind("kind", "Type", "choice", choices=OPPORTUNITY_KINDS),
        FieldOfKind("reason", "Loss reason", "choice", choices=LOSS_REASONS),
        FieldOfKind("expected_close", "Expected to close on", "day"),
        FieldOfKind("next_step", "Next step", "text"),
    ),
)

CHANNELS = ("call", "email", "social", "chat", "visit")
DISPOSITIONS = (
    "connected", "voicemail", "no_answer", "gatekeeper", "call_back", "bad_contact", "not_a_fit", "not_now", "opt_out",
    "sent",
)  # fmt: skip

TOUCHES = Kind(
    "touches",
    "Touches",
    "touch",
    (
        FieldOfKind("external_id", "Id", "id", required=True, says=_ID),
        FieldOfKind("occurred", "Made on", "instant", required=True),
        FieldOfKind("rep", "Rep", "rep", required=True, says="Who made it."),
        FieldOfKind("lead", "Lead", "lead", says="The lead's id in the same system."),
        FieldOfKind(
            "person", "E-mail of the lead", "email", personal=True, says="Where no id names the lead."
        ),
        FieldOfKind("channel", "Channel", "choice", required=True, choices=CHANNELS),
        FieldOfKind("disposition", "Disposition", "choice", required=True, choices=DISPOSITIONS),
        FieldOfKind("note", "Note", "text", personal=True, longest=500),
    ),
    needs=((("lead",), ("person",)),),
)

TIME_OFF = Kind(
    "time_off",
    "Time off",
    "time off",
    (
        FieldOfKind("rep", "Rep", "rep", required=True),
        FieldOfKind("starts_on", "First day off", "day", required=True),
        FieldOfKind("last_day", "Last day off", "day"),
        FieldOfKind("ends_on", "First day back", "day", says="In place of the last day off."),
        FieldOfKind("kind", "Kind", "choice", choices=("holiday", "sick", "parental", "other")),
    ),
    needs=((("last_day",), ("ends_on",)),),
)

SPEND = Kind(
    "spend",
    "Spend",
    "spend",
    (
        FieldOfKind("source", "Source", "text", required=True, longest=80, says="As leads carry it."),
        FieldOfKind("campaign", "Campaign", "text", longest=80),
        FieldOfKind("month", "Month", "period", required=True, says="2026-10."),
        FieldOfKind("amount", "Amount", "amount", required=True),
        FieldOfKind("currency", "Currency", "currency", says="Such as EUR; empty: the team's."),
        FieldOfKind("note", "Note", "text", longest=300),
    ),
)

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (REPS, QUOTAS, TIME_OFF, LEADS, HAND_OFFS, OPPORTUNITIES, TOUCHES, SPEND)
}
"""In the order of import: each builds on those before it, whatever the order in which files are given."""


def order_of(kind: str) -> int:
    return list(KINDS).index(kind)
