"""What the database refuses of scorecards' reviews, whoever asks: words, actions and signatures of anybody else.

A card is talked about by two people: the rep whom it is about and the manager of the rep's team. The rep signs as the
rep, the manager as the manager, nobody as both, and each for the fingerprint of the frozen copy. The tables themselves
are append-only. As ``database_guards``: a later migration that alters one of these tables lists the operation again.
"""

from django.db import migrations

from apps.core.refusals import Refusal, refusing

CARD = "scorecards_scorecard"
SIGNATURE, NOTE = "scorecards_scorecardsignature", "scorecards_scorecardnote"
PRIVATE_NOTE = "scorecards_scorecardprivatenote"
ACTION, CLOSING = "scorecards_scorecardaction", "scorecards_scorecardactionclosing"


def _rep(card: str) -> str:
    """The user of the rep whom the card is about; 0 where there is none."""
    return (
        f"COALESCE((SELECT r.user_id FROM {CARD} s JOIN reps_rep r ON r.id = s.rep_id "  # noqa: S608 - constants only
        f"WHERE s.id = {card}), 0)"
    )


def _manager(card: str) -> str:
    """The manager of the rep's team; 0 where there is none."""
    return (
        f"COALESCE((SELECT t.manager_id FROM {CARD} s JOIN reps_rep r ON r.id = s.rep_id "  # noqa: S608
        f"JOIN reps_team t ON t.id = r.team_id WHERE s.id = {card}), 0)"
    )


def _stranger(person: str, card: str) -> str:
    return f"({person} <> {_rep(card)} AND {person} <> {_manager(card)})"


_HERE = "NEW.scorecard_id"
_PRINT = f"(SELECT s.fingerprint FROM {CARD} s WHERE s.id = {_HERE} AND s.state = 'frozen')"  # noqa: S608
_SIGNED = f"EXISTS (SELECT 1 FROM {SIGNATURE} o WHERE o.scorecard_id = {_HERE} AND o.user_id = NEW.user_id)"  # noqa: S608
_OF_ACTION = f"(SELECT a.scorecard_id FROM {ACTION} a WHERE a.id = NEW.action_id)"  # noqa: S608


def card_guards() -> migrations.RunPython:
    """A reversible migration operation that puts them in place."""
    return refusing(
        [
            Refusal(
                "scorecards_signature_of_the_copy",
                SIGNATURE,
                "INSERT",
                f"NEW.fingerprint IS DISTINCT FROM {_PRINT}",
                "a signature carries the fingerprint of the frozen scorecard",
            ),
            Refusal(
                "scorecards_signature_own",
                SIGNATURE,
                "INSERT",
                f"(NEW.signed_as = 'rep' AND NEW.user_id <> {_rep(_HERE)}) OR (NEW.signed_as = 'manager' AND "
                f"(NEW.user_id <> {_manager(_HERE)} OR NEW.user_id = {_rep(_HERE)}))",
                "a scorecard is signed by its rep and by the manager of the team, each for themselves",
            ),
            Refusal(
                "scorecards_signature_never_both",
                SIGNATURE,
                "INSERT",
                _SIGNED,
                "nobody signs a scorecard twice",
            ),
            Refusal(
                "scorecards_note_of_the_two",
                NOTE,
                "INSERT",
                _stranger("NEW.author_id", _HERE),
                "only the rep and the manager write on a scorecard",
            ),
            Refusal(
                "scorecards_private_note_of_manager",
                PRIVATE_NOTE,
                "INSERT",
                f"NEW.author_id <> {_manager(_HERE)} OR NEW.author_id = {_rep(_HERE)}",
                "only the manager keeps private notes about a scorecard",
            ),
            Refusal(
                "scorecards_action_of_the_two",
                ACTION,
                "INSERT",
                f"{_stranger('NEW.agreed_by_id', _HERE)} OR {_stranger('NEW.owner_id', _HERE)}",
                "an action is agreed by the rep or the manager and owned by one of them",
            ),
            Refusal(
                "scorecards_closing_of_the_two",
                CLOSING,
                "INSERT",
                _stranger("NEW.by_id", _OF_ACTION),
                "only the rep and the manager say what became of an action",
            ),
        ]
    )
