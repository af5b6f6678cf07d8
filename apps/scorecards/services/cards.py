"""Close a month's scorecards, write on one, sign one."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import Period, day_of, month_of
from apps.reps.models import Rep
from apps.scorecards.models import (
    Scorecard,
    ScorecardNote,
    ScorecardSignature,
    ScorecardState,
    signs_as,
)
from apps.scorecards.selectors.card_copies import as_json
from apps.scorecards.selectors.cards import cards_of, in_month
from apps.scorecards.services.frozen_rankings import freeze_ranking

FREEZE_KIND = "scorecards.freeze_month"
DAYS_UNTIL_FROZEN = 1
"""A month is closed this many days after its end, so that what was done on its last day is written down."""

Progress = Callable[[int, int, str], None]


class UnableToFreeze(DomainError):
    """The month is not over."""

    code = "unable_to_freeze"


class UnableToSign(DomainError):
    """The card is still open, was signed already, or is not theirs to sign."""

    code = "unable_to_sign"


def _fingerprint(copy: dict[str, Any]) -> str:
    """A hash of a frozen copy in canonical order."""
    return hashlib.sha256(json.dumps(copy, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True)
class Frozen:
    """What closing a month did."""

    frozen: int
    were_frozen: int


@transaction.atomic
def freeze_month(
    *, month: Period, at: datetime, progress: Progress | None = None, actor: Any = None
) -> Frozen:
    """Keep the card of every rep who was here in ``month`` as it stands at ``at``; those frozen before stay.

    The ranking that the month ends with is frozen first, so that an AE's card shows the index of the same
    record and the tier move that it made. Raises ``UnableToFreeze`` while the month runs.
    """
    if month != month_of(month.start):
        raise InvalidInput("Scorecards are frozen by the month.")
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    if today < month.end:
        raise UnableToFreeze(f"{month.name} is not over: its scorecards are still open.")
    freeze_ranking(month=month, at=at, actor=actor)
    present = Rep.objects.filter(in_month(month)).select_related("calendar", "team__calendar").order_by("pk")
    rows = {card.rep_id: card for card in Scorecard.objects.select_for_update().filter(month_on=month.start)}
    missing = [rep for rep in present if rep.pk not in rows or not rows[rep.pk].is_frozen]
    cards = cards_of(reps=missing, month=month, as_of=at)
    fresh: list[Scorecard] = []
    for number, rep in enumerate(missing, 1):
        if progress is not None:
            progress(number, len(missing), rep.name)
        row = rows.get(rep.pk) or Scorecard(rep=rep, month_on=month.start)
        row.copy = as_json(cards[rep.pk])
        row.state, row.frozen_at, row.fingerprint = ScorecardState.FROZEN, at, _fingerprint(row.copy)
        if row.pk is None:
            fresh.append(row)
        else:
            row.save(update_fields=["copy", "state", "frozen_at", "fingerprint"])
    Scorecard.objects.bulk_create(fresh, batch_size=200)
    if missing:
        first = Scorecard.objects.filter(month_on=month.start, rep=missing[0]).get()
        audit.record(
            verb="scorecards.month.frozen",
            subject=first,
            at=at,
            actor=actor,
            data={"month": month.code, "cards": len(missing)},
        )
    return Frozen(len(missing), len(present) - len(missing))


def _card_row(rep: Rep, month: Period) -> Scorecard:
    return Scorecard.objects.get_or_create(rep=rep, month_on=month.start)[0]


@transaction.atomic
def write_note(*, rep: Rep, month: Period, author: Any, text: str, at: datetime) -> ScorecardNote:
    """Say something about a card, open or frozen; both the rep and the manager read it.

    Raises ``InvalidInput`` for an empty or overlong text.
    """
    text = text.strip()
    if not text:
        raise InvalidInput("Write what you want to say.", field="text")
    if len(text) > 2000:
        raise InvalidInput("A note has 2,000 characters at the most.", field="text")
    note = ScorecardNote.objects.create(
        scorecard=_card_row(rep, month), author=author, written_at=at, text=text
    )
    audit.record(verb="scorecards.note.written", subject=note, at=at, actor=author)
    return note


@transaction.atomic
def sign(*, card: Scorecard, user: Any, at: datetime) -> ScorecardSignature:
    """Sign a frozen card as the rep whom it is about, or as the manager of the rep's team.

    Nobody signs for another. Raises ``UnableToSign``.
    """
    card = Scorecard.objects.select_related("rep__team").get(pk=card.pk)
    signed_as = signs_as(card.rep, user)
    if signed_as is None:
        raise UnableToSign("Only the rep and the manager of the team sign a scorecard.")
    if not card.is_frozen:
        raise UnableToSign(f"{card.month.name} is still open: it can be signed once it is frozen.")
    try:
        with transaction.atomic():
            signature = ScorecardSignature.objects.create(
                scorecard=card, signed_as=signed_as, user=user, signed_at=at, fingerprint=card.fingerprint
            )
    except IntegrityError:
        raise UnableToSign(f"This scorecard was signed by the {signed_as} already.") from None
    audit.record(
        verb="scorecards.scorecard.signed",
        subject=card,
        at=at,
        actor=user,
        data={"as": str(signed_as), "fingerprint": card.fingerprint},
    )
    return signature
