"""Close a month's scorecards, write on one (for both or for oneself), sign one."""

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
from apps.core.locks import hold
from apps.core.periods import Period, day_of, month_of
from apps.reps.models import Rep
from apps.scorecards.models import (
    Scorecard,
    ScorecardNote,
    ScorecardPrivateNote,
    ScorecardSignature,
    ScorecardState,
    SignedAs,
    signs_as,
)
from apps.scorecards.selectors.card_copies import as_json
from apps.scorecards.selectors.cards import cards_of, in_month
from apps.scorecards.services import card_notices
from apps.scorecards.services.frozen_rankings import freeze_ranking

FREEZE_KIND = "scorecards.freeze_month"
DAYS_UNTIL_FROZEN = 1
"""A month is closed this many days after its end, so that what was done on its last day is written down."""

Progress = Callable[[int, int, str], None]


class UnableToFreeze(DomainError):
    """The month is not over."""

    code = "unable_to_freeze"


class UnableToWrite(DomainError):
    """It is not theirs to write on."""

    code = "unable_to_write"


class UnableToSign(DomainError):
    """The card is still open, was signed already, is another than was read, or is not theirs to sign."""

    code = "unable_to_sign"


def _fingerprint(copy: dict[str, Any]) -> str:
    """A hash of a frozen copy in canonical order."""
    return hashlib.sha256(json.dumps(copy, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True)
class Frozen:
    """What closing a month did."""

    frozen: int
    were_frozen: int


REPS_AT_ONCE = 250
"""So many cards are read, written and committed together: what a stop loses, and what memory holds."""


def freeze_month(
    *, month: Period, at: datetime, progress: Progress | None = None, actor: Any = None
) -> Frozen:
    """Keep the card of every rep who was here in ``month``; those frozen before stay as they are.

    The ranking that the month ends with is frozen first, so that an AE's card shows the index of the same
    record and the tier move that it made. A month closes as of one instant: what is left of it when this stops
    halfway, or comes later, is closed as of the same. Raises ``UnableToFreeze`` while the month runs;
    ``progress`` is told after each lot, which is committed by then, and may raise to stop.
    """
    if month != month_of(month.start):
        raise InvalidInput("Scorecards are frozen by the month.")
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    if today < month.end:
        raise UnableToFreeze(f"{month.name} is not over: its scorecards are still open.")
    freeze_ranking(month=month, at=closed_as_of(month) or at, actor=actor)
    present = Rep.objects.filter(in_month(month)).select_related("calendar", "team__calendar")
    frozen = set(
        Scorecard.objects.frozen().filter(month_on=month.start).order_by().values_list("rep_id", flat=True)
    )
    # By team, so that peers are read with one lot and not with several.
    everybody = list(present.order_by("team_id", "pk"))
    missing = [rep for rep in everybody if rep.pk not in frozen]
    done = 0
    for start in range(0, len(missing), REPS_AT_ONCE):
        if progress is not None:
            progress(start, len(missing), missing[start].team.name)
        done += _freeze(missing[start : start + REPS_AT_ONCE], month, at, actor)
    if progress is not None:
        progress(len(missing), len(missing), "")
    return Frozen(done, len(everybody) - done)


def closed_as_of(month: Period) -> datetime | None:
    """As of which instant ``month`` was closed; ``None`` where no card of it is frozen."""
    first = Scorecard.objects.frozen().filter(month_on=month.start).order_by("frozen_at", "pk")
    return first.values_list("frozen_at", flat=True).first()


@transaction.atomic
def _freeze(reps: list[Rep], month: Period, at: datetime, actor: Any) -> int:
    """Freeze the cards of ``reps`` that are not by now. How many."""
    # Whoever else closes the month waits here, and then closes it as of the same instant.
    hold([f"scorecards.month:{month.code}"])
    closed_at = closed_as_of(month) or at
    rows = {
        card.rep_id: card
        for card in Scorecard.objects.select_for_update().filter(month_on=month.start, rep__in=reps)
    }
    missing = [rep for rep in reps if rep.pk not in rows or not rows[rep.pk].is_frozen]
    if not missing:
        return 0
    cards = cards_of(reps=missing, month=month, as_of=closed_at)
    for rep in missing:
        row = rows.setdefault(rep.pk, Scorecard(rep=rep, month_on=month.start))
        row.copy = as_json(cards[rep.pk])
        row.state, row.frozen_at, row.fingerprint = ScorecardState.FROZEN, closed_at, _fingerprint(row.copy)
    closed = [rows[rep.pk] for rep in missing]
    written = [row for row in closed if row.pk is not None]
    Scorecard.objects.bulk_update(written, ["copy", "state", "frozen_at", "fingerprint"], batch_size=100)
    Scorecard.objects.bulk_create([row for row in closed if row.pk is None], batch_size=200)
    card_notices.tell_closed(cards=closed, month=month, at=at)
    audit.record(
        verb="scorecards.month.frozen",
        subject=Scorecard.objects.get(rep=missing[0], month_on=month.start),
        at=at,
        actor=actor,
        data={"month": month.code, "cards": len(closed)},
    )
    return len(closed)


def card_row(*, rep: Rep, month: Period) -> Scorecard:
    """The row of a card, made when somebody writes on it."""
    return Scorecard.objects.get_or_create(rep=rep, month_on=month.start)[0]


def _checked(text: str, most: int = 2000) -> str:
    text = text.strip()
    if not text:
        raise InvalidInput("Write what you want to say.", field="text")
    if len(text) > most:
        raise InvalidInput(f"A note has {most:,} characters at the most.", field="text")
    return text


def part_of(*, rep: Rep, user: Any) -> SignedAs:
    """As what ``user`` speaks about a card of ``rep``. Raises ``UnableToWrite`` for anybody but the two."""
    part = signs_as(rep, user)
    if part is None:
        raise UnableToWrite("Only the rep and the manager of the team write on a scorecard.")
    return part


@transaction.atomic
def write_note(*, rep: Rep, month: Period, author: Any, text: str, at: datetime) -> ScorecardNote:
    """Say something about a card, open or frozen; both the rep and the manager read it.

    Raises ``InvalidInput`` for an empty or overlong text, ``UnableToWrite`` for anybody but the two.
    """
    text, part = _checked(text), part_of(rep=rep, user=author)
    note = ScorecardNote.objects.create(
        scorecard=card_row(rep=rep, month=month), author=author, written_at=at, text=text
    )
    audit.record(verb="scorecards.note.written", subject=note, at=at, actor=author)
    card_notices.tell_other(
        rep=rep, month=month, by=part, key=f"note:{note.pk}", title=f"{author.name} wrote on", at=at
    )
    return note


@transaction.atomic
def write_private_note(
    *, rep: Rep, month: Period, author: Any, text: str, at: datetime
) -> ScorecardPrivateNote:
    """Keep something about a card to oneself, as the manager. The audit log says that, never what.

    Raises as ``write_note``; a rep keeps no private notes here.
    """
    text = _checked(text)
    if part_of(rep=rep, user=author) is not SignedAs.MANAGER:
        raise UnableToWrite("Only the manager of the team keeps private notes about a scorecard.")
    note = ScorecardPrivateNote.objects.create(
        scorecard=card_row(rep=rep, month=month), author=author, written_at=at, text=text
    )
    audit.record(verb="scorecards.private_note.written", subject=note, at=at, actor=author)
    return note


@transaction.atomic
def sign(*, card: Scorecard, user: Any, fingerprint: str, at: datetime) -> ScorecardSignature:
    """Sign a frozen card as the rep whom it is about, or as the manager of the rep's team.

    ``fingerprint`` is that of the copy that was read. Nobody signs for another, nor for both. Raises
    ``UnableToSign``.
    """
    card = Scorecard.objects.select_related("rep__team").get(pk=card.pk)
    signed_as = signs_as(card.rep, user)
    if signed_as is None:
        raise UnableToSign("Only the rep and the manager of the team sign a scorecard.")
    if not card.is_frozen:
        raise UnableToSign(f"{card.month.name} is still open: it can be signed once it is frozen.")
    if fingerprint != card.fingerprint or _fingerprint(card.copy) != card.fingerprint:
        raise UnableToSign("This is not the scorecard that was frozen: open it again, read it, then sign.")
    try:
        with transaction.atomic():
            signature = ScorecardSignature.objects.create(
                scorecard=card, signed_as=signed_as, user=user, signed_at=at, fingerprint=fingerprint
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
    card_notices.tell_other(
        rep=card.rep,
        month=card.month,
        by=signed_as,
        key=f"sign:{signature.pk}",
        title=f"{user.name} signed",
        at=at,
    )
    return signature
