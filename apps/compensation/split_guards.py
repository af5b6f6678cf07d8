"""What the database refuses of credits by hand, whoever asks: approving one's own, and parts that do not sum.

The tables themselves are append-only. As ``database_guards``: a later migration that alters one of these tables,
or the reps', lists ``split_guards()`` again.
"""

from typing import Any

from django.db import migrations

from apps.compensation.database_guards import Refusal

SPLIT, PART, DECISION = (
    "compensation_creditsplit",
    "compensation_creditsplitpart",
    "compensation_creditsplitdecision",
)
WHOLE = 1_000_000

_PROPOSER = f"(SELECT proposed_by_id FROM {SPLIT} WHERE id = NEW.split_id)"  # noqa: S608 - constants only
_GAINS = (
    f"EXISTS (SELECT 1 FROM {PART} p JOIN reps_rep r ON r.id = p.rep_id "  # noqa: S608 - constants only
    "WHERE p.split_id = NEW.split_id AND r.user_id = NEW.by_id AND p.share > p.share_before)"
)
_SUM = f"(SELECT COALESCE(SUM(share), 0) FROM {PART} WHERE split_id = NEW.split_id)"  # noqa: S608
_DECIDED = f"EXISTS (SELECT 1 FROM {DECISION} WHERE split_id = NEW.split_id)"  # noqa: S608


def _refusals() -> list[Refusal]:
    return [
        Refusal(
            "compensation_split_four_eyes",
            DECISION,
            "INSERT",
            f"NEW.verdict = 'approved' AND (NEW.by_id = {_PROPOSER} OR {_GAINS})",
            "nobody approves a split that they proposed or gain by",
        ),
        Refusal(
            "compensation_split_withdrawn",
            DECISION,
            "INSERT",
            f"NEW.verdict = 'withdrawn' AND NEW.by_id <> {_PROPOSER}",
            "a split is withdrawn by who proposed it",
        ),
        Refusal(
            "compensation_split_whole",
            DECISION,
            "INSERT",
            f"NEW.verdict = 'approved' AND {_SUM} <> {WHOLE}",
            "the parts of a split sum to the whole",
        ),
        Refusal(
            "compensation_split_closed", PART, "INSERT", _DECIDED, "a decided split takes no further part"
        ),
    ]


def _apply(_apps: Any, schema_editor: Any) -> None:
    vendor = schema_editor.connection.vendor
    _remove(_apps, schema_editor)
    for refusal in _refusals():
        for statement in refusal.create(vendor):
            schema_editor.execute(statement)


def _remove(_apps: Any, schema_editor: Any) -> None:
    for refusal in _refusals():
        for statement in refusal.drop(schema_editor.connection.vendor):
            schema_editor.execute(statement)


def split_guards() -> migrations.RunPython:
    """A reversible migration operation that puts these guards in place."""
    return migrations.RunPython(_apply, _remove)
