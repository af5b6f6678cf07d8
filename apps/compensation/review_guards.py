"""What the database refuses of reviews of pay, whoever asks: of one's own, of what one prepared, of other teams.

The table itself is append-only. As ``database_guards``: a later migration that alters it lists ``review_guards()``
again.
"""

from typing import Any

from django.db import migrations

from apps.core.refusals import Refusal, refusing

REVIEW = "compensation_payreview"
_RUN = "compensation_payoutrun"


def _refusals() -> list[Refusal]:
    return [
        Refusal(
            "compensation_review_payee",
            REVIEW,
            "INSERT",
            "EXISTS (SELECT 1 FROM reps_rep r WHERE r.id = NEW.rep_id AND r.user_id = NEW.by_id)",
            "nobody reviews their own pay",
        ),
        Refusal(
            "compensation_review_four_eyes",
            REVIEW,
            "INSERT",
            f"NEW.side = 'finance' AND EXISTS (SELECT 1 FROM {_RUN} p WHERE p.id = NEW.run_id "  # noqa: S608
            "AND (p.computed_by_id = NEW.by_id OR p.submitted_by_id = NEW.by_id))",
            "who computed or submitted a run does not review it for finance",
        ),
        Refusal(
            "compensation_review_manager",
            REVIEW,
            "INSERT",
            "NEW.side = 'manager' AND NOT EXISTS (SELECT 1 FROM reps_rep r JOIN reps_team t ON t.id = r.team_id "
            "WHERE r.id = NEW.rep_id AND t.manager_id = NEW.by_id)",
            "a manager reviews the pay of the own teams",
        ),
        Refusal(
            "compensation_review_submitted",
            REVIEW,
            "INSERT",
            f"(SELECT state FROM {_RUN} WHERE id = NEW.run_id) <> 'submitted'",  # noqa: S608
            "pay is reviewed while its run is in approval",
        ),
    ]


def _approvals() -> list[Refusal]:
    """No run is approved over pay that was sent back since it was submitted and that nobody approved after that.

    While a run is in approval its pay does not change, so of those verdicts none is outdated. Whether one of an
    earlier submission still stands is told by digests, which the service compares.
    """
    return [
        Refusal(
            "compensation_run_sent_back",
            _RUN,
            "UPDATE",
            "NEW.state = 'approved' AND OLD.state <> 'approved' AND EXISTS ("  # noqa: S608 - constants only
            f"SELECT 1 FROM {REVIEW} r WHERE r.run_id = NEW.id AND r.verdict = 'sent_back' "
            "AND r.at >= NEW.submitted_at AND NOT EXISTS ("
            f"SELECT 1 FROM {REVIEW} later WHERE later.run_id = r.run_id AND later.rep_id = r.rep_id "
            "AND later.id > r.id AND (later.side = r.side OR later.side = 'finance')))",
            "no run is approved while the pay of somebody in it is sent back",
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


def review_guards() -> migrations.RunPython:
    """A reversible migration operation that puts these guards in place."""
    return migrations.RunPython(_apply, _remove)


def approval_guards() -> migrations.RunPython:
    """A reversible migration operation for what runs are guarded by on account of reviews."""
    return refusing(_approvals())
