"""Set what a role is assumed to take, from a month on. What was assumed before stays with its months."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.audit import services as audit
from apps.core.errors import InvalidInput
from apps.core.locks import hold
from apps.core.periods import Period, day_of, month_of
from apps.leads.rules.metrics import METRICS, Unit
from apps.reps.models import RepRole
from apps.scorecards.models import Assumption
from apps.scorecards.selectors.assumptions import in_force

LARGEST = Decimal(1_000_000)


@transaction.atomic
def set_assumption(
    *, role: str, metric: str, value: Decimal, per: str, month: Period, at: datetime, actor: Any = None
) -> Assumption | None:
    """Assume ``value`` of ``metric`` of ``role`` from ``month`` on; ``None`` where that is assumed already.

    ``per`` is "month" or "day" for a count, "level" for a rate (a fraction of one). What is over has been judged:
    the first month is this one. Raises ``InvalidInput`` naming the field.
    """
    _refuse(role, metric, value, per)
    if month.start < month_of(day_of(at, settings.COMPANY_TIME_ZONE)).start:
        raise InvalidInput("Choose this month or a later one: what is over has been judged.", field="month")
    hold([f"assumption:{role}:{metric}"])
    before = in_force(month).get((role, metric))
    if before is not None and (before.value, before.per) == (value, per):
        return None
    made = Assumption.objects.create(
        role=role,
        metric=metric,
        value=value,
        per=per,
        effective_on=month.start,
        set_by=actor,
        set_at=at,
    )
    audit.record(
        verb="scorecards.assumption.set",
        subject=made,
        at=at,
        actor=actor,
        data={"role": role, "metric": metric, "value": str(value), "per": per, "from": month.code},
    )
    return made


def _refuse(role: str, metric: str, value: Decimal, per: str) -> None:
    if role not in RepRole.values:
        raise InvalidInput("Choose a role from the list.", field="role")
    found = METRICS.get(metric)
    if found is None or found.unit not in (Unit.COUNT, Unit.RATE):
        raise InvalidInput("Choose a metric that counts something, or a rate.", field="metric")
    if not value.is_finite() or value < 0 or value > LARGEST:
        raise InvalidInput("Write a number from 0 to 1,000,000.", field="value")
    if value != round(value, 4):
        raise InvalidInput("Write at most four places after the point.", field="value")
    if found.unit is Unit.RATE:
        if per != Assumption.Per.LEVEL:
            raise InvalidInput("A rate is assumed as it stands, neither a month nor a day.", field="per")
        if value > 1:
            raise InvalidInput("A rate is at most 100 %.", field="value")
    elif per not in (Assumption.Per.MONTH, Assumption.Per.DAY):
        raise InvalidInput("Say whether that is a month or a working day.", field="per")
