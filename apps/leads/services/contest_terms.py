"""How long an SDR may contest a rejection and a judge may take: the terms in force, and setting them."""

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import InvalidInput
from apps.leads.models import ContestTerms, HandOff
from apps.leads.rules.contests import MOST_DAYS, Terms, ends_at
from apps.reps.selectors import hours_for


def terms_in_force() -> Terms:
    """The latest that were set, or the usual ones. One statement."""
    row = ContestTerms.objects.first()
    return Terms(row.window_days, row.judge_days, row.counts) if row else Terms()


def window_of(*, hand_off: HandOff, at: datetime) -> datetime:
    """By when (UTC) a rejection given at ``at`` may be contested; later terms do not move it."""
    terms = terms_in_force()
    return ends_at(hours=hours_for(hand_off.sdr), start=at, days=terms.window_days, counts=terms.counts)


@transaction.atomic
def set_terms(
    *, window_days: int, judge_days: int, counts: str, at: datetime, actor: Any = None
) -> ContestTerms:
    """Set the terms for rejections and contests from now on. Raises ``InvalidInput`` naming the field."""
    for field, days in (("window_days", window_days), ("judge_days", judge_days)):
        if not 1 <= days <= MOST_DAYS:
            raise InvalidInput(f"Write a whole number from 1 to {MOST_DAYS}.", field=field)
    if counts not in ContestTerms.Counts.values:
        raise InvalidInput("Choose how days are counted.", field="counts")
    before = terms_in_force()
    row = ContestTerms.objects.create(
        window_days=window_days,
        judge_days=judge_days,
        counts=counts,
        set_at=at,
        set_by=actor if getattr(actor, "pk", None) else None,
    )
    after = Terms(window_days, judge_days, counts)
    audit.record(
        verb="leads.contest_terms.set",
        subject=row,
        at=at,
        actor=actor,
        data={"before": before.in_words, "after": after.in_words},
    )
    return row
