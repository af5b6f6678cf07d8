"""Agree on an action over a scorecard, and say what became of it."""

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import Period, day_of
from apps.reps.models import Rep
from apps.scorecards.models import ActionOutcome, ScorecardAction, ScorecardActionClosing, SignedAs
from apps.scorecards.services import card_notices
from apps.scorecards.services.cards import card_row, part_of

MOST_WORDS = 300


class UnableToClose(DomainError):
    """It was closed already."""

    code = "unable_to_close"


@transaction.atomic
def agree_action(
    *, rep: Rep, month: Period, text: str, owner: SignedAs, due_on: date, at: datetime, actor: Any
) -> ScorecardAction:
    """Write down what was agreed over a card: who of the two does it, and by when.

    Raises ``InvalidInput`` naming the field, and ``UnableToWrite`` for anybody but the two.
    """
    text, part = text.strip(), part_of(rep=rep, user=actor)
    if not text:
        raise InvalidInput("Say what is to be done.", field="text")
    if len(text) > MOST_WORDS:
        raise InvalidInput(f"Keep it to {MOST_WORDS} characters.", field="text")
    person = rep.user if owner is SignedAs.REP else rep.team.manager
    if person is None:
        raise InvalidInput(f"No {owner.label.lower()} has a sign-in: choose the other one.", field="owner")
    if due_on < day_of(at, settings.COMPANY_TIME_ZONE):
        raise InvalidInput("Choose a day that is not over.", field="due_on")
    action = ScorecardAction.objects.create(
        scorecard=card_row(rep=rep, month=month),
        text=text,
        owner=person,
        due_on=due_on,
        agreed_by=actor,
        agreed_at=at,
    )
    audit.record(
        verb="scorecards.action.agreed",
        subject=action,
        at=at,
        actor=actor,
        data={"owner": str(owner), "due_on": due_on.isoformat()},
    )
    card_notices.tell_other(
        rep=rep,
        month=month,
        by=part,
        key=f"action:{action.pk}",
        title=f"{actor.name} wrote down an action on",
        at=at,
    )
    return action


@transaction.atomic
def close_action(
    *, action: ScorecardAction, outcome: ActionOutcome, words: str = "", at: datetime, actor: Any
) -> ScorecardActionClosing:
    """Say that an action is done, or dropped (then say why). Either of the two may.

    Raises ``InvalidInput``, ``UnableToWrite`` and, for one that is closed already, ``UnableToClose``.
    """
    action = ScorecardAction.objects.select_related(
        "scorecard__rep__team__manager", "scorecard__rep__user"
    ).get(pk=action.pk)
    rep, words = action.scorecard.rep, words.strip()
    part_of(rep=rep, user=actor)
    if len(words) > MOST_WORDS:
        raise InvalidInput(f"Keep it to {MOST_WORDS} characters.", field="words")
    if outcome is ActionOutcome.DROPPED and not words:
        raise InvalidInput("Say why it is dropped.", field="words")
    try:
        with transaction.atomic():
            closing = ScorecardActionClosing.objects.create(
                action=action, outcome=outcome, by=actor, at=at, words=words
            )
    except IntegrityError:
        raise UnableToClose("This action was closed already: open the scorecard again.") from None
    audit.record(
        verb="scorecards.action.closed", subject=action, at=at, actor=actor, data={"outcome": str(outcome)}
    )
    return closing
