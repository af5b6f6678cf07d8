"""A past period taken through every step of its payout run, as tests of what follows need it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from apps.compensation.models import PayoutRun, RunState
from apps.compensation.services import runs
from apps.compensation.services.computation import compute_run
from apps.core.periods import Period


def settle_period(
    *, period: Period, computed_by: Any, approved_by: Any, at: datetime, until: RunState = RunState.PAID
) -> PayoutRun:
    """Compute, submit, approve, lock and pay here and now, up to ``until``, by the services that pages call."""
    run = runs.create_run(period=period, at=at, actor=computed_by)
    compute_run(run=run, clock=lambda: at)
    steps: list[tuple[RunState, Callable[[], Any]]] = [
        (RunState.SUBMITTED, lambda: runs.submit_run(run=run, at=at, actor=computed_by)),
        (
            RunState.APPROVED,
            lambda: runs.approve_run(run=run, fingerprint=run.fingerprint, at=at, actor=approved_by),
        ),
        (
            RunState.LOCKED,
            lambda: runs.lock_run(run=run, fingerprint=run.fingerprint, at=at, actor=approved_by),
        ),
        (RunState.PAID, lambda: runs.mark_paid(run=run, at=at, actor=approved_by)),
    ]
    order = list(RunState)
    for state, step in steps:
        if order.index(state) <= order.index(until):
            step()
    return run
