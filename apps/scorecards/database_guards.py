"""A month that is closed stays as it was, whoever asks: the ORM, raw SQL or a superuser.

A frozen ranking is neither changed nor deleted, and its rows are neither written, changed nor deleted. A frozen
scorecard stays as well: it was signed by its fingerprint. What is not frozen is made anew as ever.
"""

from django.db import migrations

from apps.core.refusals import Refusal, refusing

SNAPSHOT, ROW, CARD = "scorecards_rankingsnapshot", "scorecards_rankingrow", "scorecards_scorecard"
_RANKING = "a frozen ranking is not changed: what was recorded since stands beside it"
_SCORECARD = "a frozen scorecard is not changed: write a note on it"


def _frozen(snapshot: str) -> str:
    return f"(SELECT frozen_at FROM {SNAPSHOT} WHERE id = {snapshot}) IS NOT NULL"  # noqa: S608 - constants only


def guards() -> migrations.RunPython:
    """A reversible migration operation that puts them in place."""
    snapshots = [
        Refusal(
            f"scorecards_ranking_no_{verb.lower()}", SNAPSHOT, verb, "OLD.frozen_at IS NOT NULL", _RANKING
        )
        for verb in ("UPDATE", "DELETE")
    ]
    rows = [
        Refusal("scorecards_ranking_row_no_insert", ROW, "INSERT", _frozen("NEW.snapshot_id"), _RANKING),
        Refusal(
            "scorecards_ranking_row_no_update",
            ROW,
            "UPDATE",
            f"{_frozen('OLD.snapshot_id')} OR {_frozen('NEW.snapshot_id')}",
            _RANKING,
        ),
        Refusal("scorecards_ranking_row_no_delete", ROW, "DELETE", _frozen("OLD.snapshot_id"), _RANKING),
    ]
    cards = [
        Refusal(f"scorecards_card_no_{verb.lower()}", CARD, verb, "OLD.state = 'frozen'", _SCORECARD)
        for verb in ("UPDATE", "DELETE")
    ]
    return refusing([*snapshots, *rows, *cards])
