"""What the database refuses of inquiries and agreed changes, whoever asks.

The thread, the acts and the adjustments are append-only tables. As ``database_guards``: a later migration that alters
one of these tables, or the reps', lists ``refusing(inquiry_refusals())`` again.
"""

from apps.compensation.rules.inquiries import FOLLOWS
from apps.core.refusals import Refusal

INQUIRY, ADJUSTMENT, DECISION = (
    "compensation_inquiry",
    "compensation_payadjustment",
    "compensation_payadjustmentdecision",
)
_OF = (
    f"FROM {ADJUSTMENT} a JOIN {INQUIRY} i ON i.id = a.inquiry_id "
    "JOIN reps_rep r ON r.id = a.rep_id WHERE a.id = NEW.adjustment_id"
)
_REVERSED = (
    f"SELECT 1 FROM {ADJUSTMENT} a JOIN {DECISION} d ON d.adjustment_id = a.id "  # noqa: S608 - constants only
    "WHERE a.id = NEW.reverses_id AND d.verdict = 'approved' AND a.reverses_id IS NULL "
    "AND a.amount_minor = -NEW.amount_minor AND a.currency = NEW.currency AND a.rep_id = NEW.rep_id "
    "AND a.component_key = NEW.component_key AND a.source_key = NEW.source_key "
    "AND a.starts_on = NEW.starts_on AND a.ends_on = NEW.ends_on"
)
_TAKEN_BACK = (
    f"SELECT 1 FROM {ADJUSTMENT} a JOIN {ADJUSTMENT} b ON b.reverses_id = a.reverses_id "  # noqa: S608 - constants only
    f"JOIN {DECISION} d ON d.adjustment_id = b.id WHERE a.id = NEW.adjustment_id AND d.verdict = 'approved'"
)
_PAYEE = "EXISTS (SELECT 1 FROM reps_rep r WHERE r.id = NEW.rep_id AND r.user_id = NEW.owner_id)"


def inquiry_refusals() -> list[Refusal]:
    """The triggers, for ``core.refusals.refusing``."""
    allowed = " OR ".join(
        f"(OLD.state = '{old}' AND NEW.state = '{new}')" for old, after in FOLLOWS.items() for new in after
    )
    kept = ("rep_id", "statement_id", "about", "line_id", "asked_by_id", "asked_at")
    changed = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in kept)
    payee = "nobody owns an inquiry about their own pay"
    return [
        Refusal("compensation_inquiry_owner_new", INQUIRY, "INSERT", _PAYEE, payee),
        Refusal("compensation_inquiry_owner", INQUIRY, "UPDATE", _PAYEE, payee),
        Refusal(
            "compensation_inquiry_transition",
            INQUIRY,
            "UPDATE",
            f"NEW.state <> OLD.state AND NOT ({allowed})",
            "this state of an inquiry does not follow the present one",
        ),
        Refusal("compensation_inquiry_asked", INQUIRY, "UPDATE", changed, "what was asked does not change"),
        Refusal("compensation_inquiry_kept", INQUIRY, "DELETE", "OLD.id > 0", "an inquiry is not deleted"),
        Refusal(
            "compensation_adjustment_four_eyes",
            DECISION,
            "INSERT",
            "NEW.verdict = 'approved' AND NEW.by_id IN ("
            f"SELECT a.proposed_by_id {_OF} UNION SELECT i.asked_by_id {_OF} "
            f"UNION SELECT r.user_id {_OF} AND r.user_id IS NOT NULL)",
            "nobody approves an adjustment that they proposed, asked for or are paid by",
        ),
        Refusal(
            "compensation_adjustment_withdrawn",
            DECISION,
            "INSERT",
            f"NEW.verdict = 'withdrawn' AND NEW.by_id NOT IN (SELECT a.proposed_by_id {_OF})",
            "an adjustment is withdrawn by who proposed it",
        ),
        Refusal(
            "compensation_adjustment_reversed_once",
            DECISION,
            "INSERT",
            f"NEW.verdict = 'approved' AND EXISTS ({_TAKEN_BACK})",
            "an adjustment is taken back once",
        ),
        Refusal(
            "compensation_adjustment_reverses",
            ADJUSTMENT,
            "INSERT",
            f"NEW.reverses_id IS NOT NULL AND NOT EXISTS ({_REVERSED})",
            "a reversal takes back all of an adjustment that counts",
        ),
        Refusal(
            "compensation_adjustment_of_its_rep",
            ADJUSTMENT,
            "INSERT",
            f"NOT EXISTS (SELECT 1 FROM {INQUIRY} i WHERE i.id = NEW.inquiry_id AND i.rep_id = NEW.rep_id)",  # noqa: S608
            "an adjustment pays the rep of its inquiry",
        ),
    ]
