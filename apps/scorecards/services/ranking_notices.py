"""Tell an AE and the manager that a tier changed, with the arithmetic; and that a move is held, or no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from apps.accounts.services.notifications import NewNotification, notify
from apps.leads.rules.metrics import METRICS
from apps.reps.models import Rep, TierChange
from apps.scorecards.models import RankingHold, RankingRow
from apps.scorecards.notification_kinds import MOVE_HELD, TIER_CHANGED
from apps.scorecards.rules import ranking as rules
from apps.scorecards.rules.figures import factor, plain
from apps.scorecards.selectors.ranking_copies import standing_of


@dataclass(frozen=True)
class Moved:
    """An AE (``team`` loaded) who was moved, and the row of the ranking that decided it."""

    rep: Rep
    change: TierChange
    row: RankingRow


def arithmetic(*, standing: rules.Standing, edges: rules.Rules) -> str:
    """The index that decided, in words: ``Revenue won 1.298 × 30 %, … = 1.2387``."""
    adjusted = standing.adjusted
    decided = adjusted if edges.decides == rules.ADJUSTED and adjusted and adjusted.index else None
    terms = decided.terms if decided else standing.terms
    parts = ", ".join(
        f"{METRICS[one.key].name} {factor(one.ratio, 3)} × {plain(one.weight * 100, 1)} %" for one in terms
    )
    return f"{parts} = {rules.shown(standing.deciding(edges), edges)}."


def tell_moves(*, moved: Sequence[Moved], edges: rules.Rules, at: datetime) -> None:
    """One notification to each AE who was moved and one to the manager, once for each change."""
    found: list[NewNotification] = []
    for one in moved:
        rep, change = one.rep, one.change
        words = f"from tier {change.tier_before} to tier {change.tier_after}"
        body = f"{change.reason} {arithmetic(standing=standing_of(one.row), edges=edges)}"
        told = ((rep.user_id, "You", True), (rep.team.manager_id, rep.name, False))
        # Each is led to the page that is theirs to open.
        found += [
            NewNotification(
                user_id=user,
                kind=TIER_CHANGED,
                key=f"tier:{change.pk}",
                title=f"{who} moved {words}",
                body=body,
                url=_standing_url(rep, is_own=is_own),
            )
            for user, who, is_own in told
            if user is not None
        ]
    notify(notifications=found, at=at)


def tell_hold(*, hold: RankingHold, lifted: str | None = None, at: datetime) -> None:
    """Tell the AE that a move is held, or with ``lifted`` (why; may be "") that it is held no more."""
    rep = hold.rep
    if rep.user_id is None:
        return
    title = f"Your tier is held until {hold.last_day.day} {hold.last_day:%B %Y}"
    body = f"{hold.held_by.name}: {hold.reason}"
    if lifted is not None:
        title, body = "Your tier is held no more", lifted or "The next ranking may move it again."
    key = f"hold:{hold.pk}:{'set' if lifted is None else 'lifted'}"
    one = NewNotification(rep.user_id, MOVE_HELD, key, title, body, _standing_url(rep, is_own=True))
    notify(notifications=[one], at=at)


def _standing_url(rep: Rep, *, is_own: bool) -> str:
    return reverse("scorecards:own_standing") if is_own else reverse("scorecards:standing_of", args=[rep.pk])
