"""A scorecard as a file, and the record that it was taken."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.periods import Period
from apps.reps.models import Rep
from apps.scorecards.models import Scorecard
from apps.scorecards.reports.scorecard_pdf import scorecard_pdf
from apps.scorecards.selectors.card_copies import from_json
from apps.scorecards.selectors.cards import card_of


@dataclass(frozen=True)
class CardFile:
    """A file as it is sent: its name has no name of a person in it."""

    name: str
    content: bytes


@transaction.atomic
def download_card(*, rep: Rep, month: Period, at: datetime, actor: Any) -> CardFile:
    """Make the PDF of a rep's card and record who took which bytes. The file is dated when the card was closed."""
    row = Scorecard.objects.filter(rep=rep, month_on=month.start).first()
    frozen = row is not None and row.is_frozen
    card = from_json(row.copy) if row is not None and frozen else card_of(rep=rep, month=month)
    content = scorecard_pdf(card=card, rep=rep, row=row, at=card.as_of or at)
    audit.record(
        verb="scorecards.scorecard.downloaded",
        subject=row or rep,
        at=at,
        actor=actor,
        data={
            "month": month.code,
            "sha256": hashlib.sha256(content).hexdigest(),
            "fingerprint": row.fingerprint if row is not None else "",
        },
    )
    return CardFile(f"scorecard-{rep.pk}-{month.code}.pdf", content)
