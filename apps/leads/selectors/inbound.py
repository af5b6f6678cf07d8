"""Inbound over a month: how fast each SDR answered and what became of the meetings. No pay."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from apps.accounts.models import Role
from apps.core.periods import Period
from apps.leads.selectors.motions import MeetingQuality, Speed, first_answers, meetings_of
from apps.reps.models import Rep, RepRole


@dataclass(frozen=True)
class InboundLine:
    """One SDR, or everybody."""

    rep: Rep | None
    speed: Speed
    meetings: MeetingQuality


@dataclass(frozen=True)
class Inbound:
    """A month of the inbound SDRs whom the user sees, beside the whole of the month before."""

    month: Period
    lines: list[InboundLine]
    whole: InboundLine
    before: InboundLine


def inbound_reps(user: Any) -> list[Rep]:
    """Inbound SDRs of the user's scope; marketing judges the motion and sees them all."""
    reps = Rep.objects.all() if user.role == Role.MARKETING else Rep.objects.visible_to(user)
    return list(
        reps.filter(role=RepRole.ISR).select_related("calendar", "team__calendar").order_by("name", "pk")
    )


def inbound(*, user: Any, month: Period, at: datetime) -> Inbound:
    """What the user may see of ``month``, until ``at``. Three statements."""
    reps = inbound_reps(user)
    start, end = month.bounds(settings.COMPANY_TIME_ZONE)
    first = month.previous().bounds(settings.COMPANY_TIME_ZONE)[0]
    until = min(end, at + timedelta(microseconds=1))
    answers = first_answers(reps, first, until) if first < until else []
    meetings = meetings_of([rep.pk for rep in reps], first, until) if first < until else []
    lines = []
    for rep in reps:
        own = [one for one in answers if one.rep == rep.pk and one.at >= start]
        made = [(kind, why) for by, when, kind, why in meetings if by == rep.pk and when >= start]
        if own or made:
            lines.append(InboundLine(rep, Speed.of(own), MeetingQuality.of(made)))

    def whole(since: datetime, to: datetime) -> InboundLine:
        return InboundLine(
            None,
            Speed.of([one for one in answers if since <= one.at < to]),
            MeetingQuality.of([(kind, why) for _, when, kind, why in meetings if since <= when < to]),
        )

    return Inbound(month, lines, whole(start, end), whole(first, start))
