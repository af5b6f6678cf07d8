"""Whom leads may be given to, and what is meant by everything of somebody."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from apps.core.periods import day_of
from apps.leads.models import Lead, LeadStage
from apps.leads.services.reassignment import MOST
from apps.reps.models import Rep
from apps.reps.selectors import away_on


@dataclass(frozen=True)
class Takers:
    """The SDRs within the viewer's scope who work a queue today; ``present`` are those not away."""

    reps: list[Rep]
    away: set[int]

    @property
    def present(self) -> list[Rep]:
        return [rep for rep in self.reps if rep.pk not in self.away]

    @property
    def choices(self) -> list[tuple[int, str]]:
        return [(rep.pk, f"{rep.name} (away)" if rep.pk in self.away else rep.name) for rep in self.reps]


def takers(*, user: Any, at: datetime) -> Takers:
    """Whom ``user`` may give leads to. Two statements."""
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    reps = list(Rep.objects.visible_to(user).sdrs().active_on(today).order_by("name", "pk"))
    return Takers(reps, away_on(today, [rep.pk for rep in reps]))


def workable_of(*, user: Any, rep: int | None = None, pool: int | None = None) -> list[Lead]:
    """What a rep still works, or what lies unowned in a team's pool, within the user's scope.

    In the order of the queue, leads that are in none last; at most as many as one act may move.
    """
    leads = Lead.objects.visible_to(user).filter(
        stage__in=LeadStage.workable(), do_not_contact=False, merged_into__isnull=True
    )
    leads = leads.filter(owner=rep) if rep is not None else leads.filter(owner__isnull=True, team=pool)
    return list(leads.only("pk").order_by("queue_bucket", "queue_sort_at", "pk")[:MOST])
