"""Set all daily limits of one owner at once, as the settings page does."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.leads.services.throttles import set_throttle
from apps.reps.models import Rep, Team


@transaction.atomic
def set_limits(
    *,
    limits: Sequence[tuple[str, str, int | None]],
    team: Team | None,
    rep: Rep | None,
    at: datetime,
    actor: Any,
) -> None:
    """Each of ``limits`` is (kind, channel, the most; ``None`` takes it away). Raises what ``set_throttle`` raises.

    What is as it was is not touched, and not recorded.
    """
    for kind, channel, most in limits:
        set_throttle(kind=kind, channel=channel, team=team, rep=rep, most=most, at=at, actor=actor)
