"""Context switches per rep and day, counted by the database from the touches that stand.

A day is the company's calendar day, like every other figure's. What a switch is stands in ``rules.switches``.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import F, Value, Window
from django.db.models.functions import Coalesce, Lag, TruncDate

from apps.core.periods import day_of, day_start
from apps.leads.models import Persona, Touch
from apps.leads.rules.switches import USUAL_DAYS, Comparison, DayOfSwitches
from apps.reps.models import Rep
from apps.reps.selectors import hours_for

REACH = timedelta(days=60)
"""How far back the usual days are looked for; who was away longer begins anew."""

_COUNT = """
SELECT rep_id, day, COUNT(*),
       SUM(CASE WHEN channel_before <> channel THEN 1 ELSE 0 END),
       SUM(CASE WHEN group_before <> persona_group THEN 1 ELSE 0 END)
FROM ({touches}) AS told
GROUP BY rep_id, day
ORDER BY rep_id, day
"""


def switches_by_day(reps: Sequence[int], start: datetime, end: datetime) -> dict[int, list[DayOfSwitches]]:
    """By rep id, the days in ``[start, end)`` with touches, oldest first. One statement.

    Touches that were undone are left out, as if they had not been.
    """
    if not reps:
        return {}
    day = TruncDate("occurred_at", tzinfo=ZoneInfo(settings.COMPANY_TIME_ZONE))
    before: dict[str, Any] = {
        "partition_by": [F("rep_id"), F("day")],
        "order_by": [F("occurred_at").asc(), F("pk").asc()],
    }
    touches = (
        Touch.objects.filter(
            rep__in=list(reps), occurred_at__gte=start, occurred_at__lt=end, undone_at__isnull=True
        )
        .order_by()
        .annotate(day=day, persona_group=Coalesce("persona", Value(Persona.UNKNOWN.value)))
        .values("rep_id", "day", "channel", "persona_group")
        .annotate(
            channel_before=Window(Lag("channel"), **before),
            group_before=Window(Lag("persona_group"), **before),
        )
    )
    inner, params = touches.query.sql_with_params()
    found: dict[int, list[DayOfSwitches]] = {}
    with connection.cursor() as cursor:
        # Only Django's own text is put into the statement; values are parameters.
        cursor.execute(_COUNT.format(touches=inner), params)
        for rep, told, count, channels, personas in cursor.fetchall():
            on = told if isinstance(told, date) else date.fromisoformat(told)
            found.setdefault(rep, []).append(DayOfSwitches(on, count, channels, personas))
    return found


def compare(*, reps: Sequence[Rep], at: datetime) -> dict[int, Comparison]:
    """By rep id, today until ``at`` beside the rep's last working days with touches. One statement.

    A working day is one on which the rep's own calendar opens, else the team's; reps need ``calendar`` and
    ``team__calendar`` loaded.
    """
    today = day_of(at, settings.COMPANY_TIME_ZONE)
    start = day_start(today - REACH, settings.COMPANY_TIME_ZONE)
    told = switches_by_day([rep.pk for rep in reps], start, at + timedelta(microseconds=1))
    found = {}
    for rep in reps:
        hours = hours_for(rep)
        days = told.get(rep.pk, [])
        own = next((one for one in days if one.day == today), DayOfSwitches(today, 0, 0, 0))
        past = [one for one in days if one.day < today and hours.windows_on(one.day)]
        found[rep.pk] = Comparison(own, tuple(past[-USUAL_DAYS:]))
    return found
