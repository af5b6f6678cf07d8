"""The clock on an inquiry's row: started, stood still, going on, ended. Callers hold the row and save it."""

from datetime import datetime, timedelta
from typing import Any

from apps.compensation.models import Inquiry, InquiryAct
from apps.compensation.rules.inquiry_clock import Promised, Targets, next_step, promised
from apps.compensation.services.inquiry_terms import hours_in


def start(*, inquiry: Inquiry, targets: Targets, hours: dict[str, Any], at: datetime) -> None:
    """Begin a round: targets and hours are copied, so that no later change of either moves it."""
    inquiry.started_at, inquiry.hours = at, hours
    inquiry.first_answer_minutes = targets.first_answer_minutes
    inquiry.outcome_minutes = targets.outcome_minutes
    inquiry.warn_percent, inquiry.reopen_days = targets.warn_percent, targets.reopen_days
    inquiry.pauses, inquiry.paused_at, inquiry.first_answered_at = [], None, None
    _write(inquiry, _promised(inquiry))
    inquiry.next_step_at = min(inquiry.first_warn_at, inquiry.warn_at)


def first_answer(*, inquiry: Inquiry, at: datetime) -> None:
    """Note that the asker heard something; the steps for that are spared from here on."""
    if inquiry.first_answered_at is None:
        inquiry.first_answered_at = at
        inquiry.next_due_at = inquiry.due_at
        look_ahead(inquiry)


def stand_still(*, inquiry: Inquiry, at: datetime) -> None:
    """The asker is to say something: no time runs, and no step is due."""
    if inquiry.paused_at is None:
        inquiry.paused_at, inquiry.next_step_at = at, None


def go_on(*, inquiry: Inquiry, at: datetime) -> None:
    """Time runs again; what is left of it is left."""
    if inquiry.paused_at is None:
        return
    inquiry.pauses = [
        *inquiry.pauses,
        [inquiry.paused_at.isoformat(), max(at, inquiry.paused_at).isoformat()],
    ]
    inquiry.paused_at = None
    _write(inquiry, _promised(inquiry))
    look_ahead(inquiry)


def end(*, inquiry: Inquiry, at: datetime) -> None:
    """It has an outcome; the sweep closes it once nobody may open it again."""
    go_on(inquiry=inquiry, at=at)
    inquiry.reopen_until = at + timedelta(days=inquiry.reopen_days)
    inquiry.next_step_at = inquiry.reopen_until


def look_ahead(inquiry: Inquiry) -> None:
    """Write when the next step is due."""
    found = step_of(inquiry)
    inquiry.next_step_at = found[1] if found and inquiry.paused_at is None else None


def step_of(inquiry: Inquiry) -> tuple[str, datetime] | None:
    """The next step of this round, and from when."""
    acts = InquiryAct.objects.filter(inquiry=inquiry, round=inquiry.round).order_by()
    return next_step(
        promised=Promised(inquiry.first_warn_at, inquiry.first_due_at, inquiry.warn_at, inquiry.due_at),
        first_answered=inquiry.first_answered_at is not None,
        taken=set(acts.values_list("kind", flat=True)),
    )


def _promised(inquiry: Inquiry) -> Promised:
    return promised(
        hours=hours_in(inquiry),
        started_at=inquiry.started_at,
        targets=Targets(
            inquiry.first_answer_minutes, inquiry.outcome_minutes, inquiry.warn_percent, inquiry.reopen_days
        ),
        pauses=[
            (datetime.fromisoformat(begin), datetime.fromisoformat(end)) for begin, end in inquiry.pauses
        ],
    )


def _write(inquiry: Inquiry, found: Promised) -> None:
    inquiry.first_warn_at, inquiry.first_due_at = found.first_warn_at, found.first_due_at
    inquiry.warn_at, inquiry.due_at = found.warn_at, found.due_at
    answered = inquiry.first_answered_at is not None
    inquiry.next_due_at = found.due_at if answered else min(found.first_due_at, found.due_at)
