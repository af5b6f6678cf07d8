"""The ranking that a month ends with: frozen once, never made anew; what was recorded since stands beside it."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import InvalidInput
from apps.core.periods import Period, day_of, month_of
from apps.scorecards.models import RankingSnapshot
from apps.scorecards.selectors.ranking import standings_of
from apps.scorecards.services.rankings import UnableToRank, fingerprint_of, recompute_rankings, rows_of


@transaction.atomic
def freeze_ranking(*, month: Period, at: datetime, actor: Any = None) -> RankingSnapshot | None:
    """Freeze the ranking over the whole months that end with ``month``; the same one when asked again.

    Within the month that follows it is made as of today, with the moves that it decides; later, as of the last
    day of that month, which moves nobody. ``None`` where no policy was in force then. Raises ``UnableToRank``
    while the month runs.
    """
    if month != month_of(month.start):
        raise InvalidInput("Rankings are frozen by the month.")
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    if today < month.end:
        raise UnableToRank(f"{month.name} is not over: its ranking is still open.")
    frozen = RankingSnapshot.objects.filter(month_on=month.start).first()
    if frozen is not None:
        return frozen
    following = month.following()
    as_of = today if today in following else following.last_day
    try:
        snapshot = recompute_rankings(as_of=as_of, at=at, actor=actor).snapshot
    except UnableToRank:
        return None
    # Whoever was quicker has frozen it: the month is unique.
    changed = RankingSnapshot.objects.filter(pk=snapshot.pk, frozen_at__isnull=True).update(
        month_on=month.start, frozen_at=at
    )
    snapshot.refresh_from_db()
    if changed:
        audit.record(
            verb="scorecards.ranking.frozen",
            subject=snapshot,
            at=at,
            actor=actor,
            data={"month": month.code, "fingerprint": snapshot.fingerprint},
        )
    return snapshot


def is_as_recorded(snapshot: RankingSnapshot) -> bool:
    """Whether the record gives the same ranking again: same policy, day and instant of knowledge."""
    groups = standings_of(
        policy=snapshot.policy, period=snapshot.period, day=snapshot.as_of, as_of=snapshot.known_at
    )
    rows = rows_of(groups=groups, as_of=snapshot.as_of, period_end=snapshot.ends_on)
    return fingerprint_of(rows) == snapshot.fingerprint
