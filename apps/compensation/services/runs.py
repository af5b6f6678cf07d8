"""Carry a payout run from computed to paid, each step by who may (PRODUCT sections 1 and 9).

A state changes by one conditional UPDATE whose row count says who won. Duties are separate: who computed or
submitted does not approve, and nobody approves or locks a run that pays them; the database refuses it too.
What a computation does is ``services.computation``.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.audit import services as audit
from apps.compensation.models import PayoutRun, RunState, Statement
from apps.compensation.selectors import reviews
from apps.core import locks
from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import Period, day_of
from apps.jobs import services as jobs
from apps.jobs.models import Job

JOB_KIND = "compensation.run_payouts"
HELP_KIND = "compensation.help_with_payouts"


class UnableToStartRun(DomainError):
    """The period has a run already, shares days with one, or has not begun."""

    code = "unable_to_start_run"


class UnableToCarryRun(DomainError):
    """The run is in another state, or this person may not take this step."""

    code = "unable_to_carry_run"


class RunChanged(DomainError):
    """The run is no longer as it was when the person looked at it."""

    code = "run_changed"


def job_of(run: PayoutRun) -> Job | None:
    """The newest job that computes, or computed, ``run``."""
    return Job.objects.filter(kind=JOB_KIND, key=run.job_key).order_by("-pk").first()


@transaction.atomic
def create_run(*, period: Period, at: datetime, actor: Any = None) -> PayoutRun:
    """Begin the run of ``period``, to be computed. Raises ``UnableToStartRun``, naming the run in the way."""
    if day_of(at, settings.COMPANY_TIME_ZONE) < period.start:
        raise UnableToStartRun(f"{period.name} has not begun.")
    # Periods that share days are told apart by no unique column: PostgreSQL lets two such rows wait for each
    # other until one dies of it, so whoever comes second waits here instead.
    locks.hold(["payout_runs"])
    _refuse_overlap(period)
    run = PayoutRun.objects.create(
        code=period.code,
        starts_on=period.start,
        ends_on=period.end,
        created_at=at,
        computed_by=actor,
    )
    audit.record(verb="compensation.run.created", subject=run, at=at, actor=actor, data={"code": run.code})
    return run


def _refuse_overlap(period: Period) -> None:
    other = PayoutRun.objects.filter(starts_on__lt=period.end, ends_on__gt=period.start).first()
    if other is None:
        return
    if other.period == period:
        raise UnableToStartRun(f"{period.name} has a run already: open it and compute it again.")
    raise UnableToStartRun(f"{period.name} shares days with the run of {other.name}: no day is paid by two.")


@transaction.atomic
def request_computation(*, run: PayoutRun, at: datetime, actor: Any = None) -> Job:
    """Have the run computed (again) by a worker. Asking twice gives the job that is at it.

    Raises ``UnableToCarryRun`` once the run was submitted: it must be sent back first.
    """
    again = PayoutRun.objects.filter(pk=run.pk, state=RunState.COMPUTED).update(
        state=RunState.COMPUTING, computed_by=actor, fingerprint="", computed_at=None
    )
    run.refresh_from_db()
    if run.state != RunState.COMPUTING:
        raise UnableToCarryRun(
            f"The run is {run.get_state_display().lower()}: send it back before it is computed again."
            if not run.is_closed
            else "A locked run is never computed again: what changed is paid with the open run."
        )
    job = jobs.enqueue(kind=JOB_KIND, key=run.job_key, params={"run_id": run.pk}, requested_by=actor, at=at)
    if again:
        audit.record(verb="compensation.run.recomputed", subject=run, at=at, actor=actor)
    return job


@transaction.atomic
def start_run(*, period: Period, at: datetime, actor: Any = None) -> tuple[PayoutRun, Job]:
    """Begin the run of ``period`` and have it computed."""
    run = create_run(period=period, at=at, actor=actor)
    return run, request_computation(run=run, at=at, actor=actor)


def _carry(run: PayoutRun, before: RunState, after: RunState, **fields: Any) -> None:
    moved = PayoutRun.objects.filter(pk=run.pk, state=before).update(state=after, **fields)
    if not moved:
        now = PayoutRun.objects.get(pk=run.pk).get_state_display().lower()
        raise UnableToCarryRun(f"The run is {now} by now: reload to see where it stands.")
    run.refresh_from_db()


def _same_as_seen(run: PayoutRun, fingerprint: str) -> None:
    present = PayoutRun.objects.values_list("fingerprint", flat=True).get(pk=run.pk)
    if not present or fingerprint != present:
        raise RunChanged("The run was computed again since you looked at it: reload and look at it anew.")


def _not_paid_by(run: PayoutRun, actor: Any, step: str) -> None:
    if Statement.objects.filter(run=run, rep__user=actor).exists():
        raise UnableToCarryRun(f"This run pays you, so somebody else {step} it.")


@transaction.atomic
def submit_run(*, run: PayoutRun, at: datetime, actor: Any) -> PayoutRun:
    """Hand a computed run to finance. Raises ``UnableToCarryRun``, also while its period goes on."""
    if day_of(at, settings.COMPANY_TIME_ZONE) < run.ends_on:
        raise UnableToCarryRun(f"{run.name} is not over: submit the run once it is.")
    _carry(
        run,
        RunState.COMPUTED,
        RunState.SUBMITTED,
        submitted_by=actor,
        submitted_at=at,
        sent_back_because="",
    )
    audit.record(
        verb="compensation.run.submitted",
        subject=run,
        at=at,
        actor=actor,
        data={"fingerprint": run.fingerprint},
    )
    return run


@transaction.atomic
def approve_run(*, run: PayoutRun, fingerprint: str, at: datetime, actor: Any) -> PayoutRun:
    """Approve the run as it was seen (``fingerprint``). Raises ``UnableToCarryRun`` and ``RunChanged``."""
    run.refresh_from_db()
    if actor.pk in (run.computed_by_id, run.submitted_by_id):
        raise UnableToCarryRun("You computed or submitted this run, so somebody else approves it.")
    _not_paid_by(run, actor, "approves")
    # Whoever sends somebody's pay back waits for this, or was first.
    PayoutRun.objects.select_for_update().get(pk=run.pk)
    _same_as_seen(run, fingerprint)
    _nobody_sent_back(run)
    _carry(run, RunState.SUBMITTED, RunState.APPROVED, approved_by=actor, approved_at=at)
    audit.record(
        verb="compensation.run.approved",
        subject=run,
        at=at,
        actor=actor,
        data={"fingerprint": run.fingerprint},
    )
    return run


def _nobody_sent_back(run: PayoutRun) -> None:
    count = len(reviews.sent_back_reps(run))
    if count:
        who = "the pay of one person is" if count == 1 else f"the pay of {count:,} people is"
        raise UnableToCarryRun(
            f"In this run {who} sent back: send the run back to have it corrected, or approve that pay first."
        )


@transaction.atomic
def recall_run(*, run: PayoutRun, at: datetime, actor: Any) -> PayoutRun:
    """Take a submitted run back to correct the pay that was sent back. Raises ``UnableToCarryRun`` without any."""
    PayoutRun.objects.select_for_update().get(pk=run.pk)
    if not reviews.sent_back_reps(run):
        raise UnableToCarryRun("Nobody's pay is sent back, so there is nothing to correct.")
    reason = "RevOps took it back to correct the pay that was sent back."
    _carry(
        run,
        RunState.SUBMITTED,
        RunState.COMPUTED,
        submitted_by=None,
        submitted_at=None,
        sent_back_because=reason,
    )
    audit.record(verb="compensation.run.recalled", subject=run, at=at, actor=actor)
    return run


@transaction.atomic
def send_back(*, run: PayoutRun, reason: str, at: datetime, actor: Any) -> PayoutRun:
    """Give a submitted or approved run back with a reason, to be computed again."""
    reason = reason.strip()
    if not reason or len(reason) > 500:
        raise InvalidInput("Say in at most 500 characters why the run goes back.", field="reason")
    sent = PayoutRun.objects.filter(pk=run.pk, state__in=(RunState.SUBMITTED, RunState.APPROVED)).update(
        state=RunState.COMPUTED,
        submitted_by=None,
        submitted_at=None,
        approved_by=None,
        approved_at=None,
        sent_back_because=reason,
    )
    run.refresh_from_db()
    if not sent:
        raise UnableToCarryRun(
            f"The run is {run.get_state_display().lower()}: there is nothing to send back."
        )
    audit.record(verb="compensation.run.sent_back", subject=run, at=at, actor=actor, data={"reason": reason})
    return run


@transaction.atomic
def lock_run(*, run: PayoutRun, fingerprint: str, at: datetime, actor: Any) -> PayoutRun:
    """Lock an approved run: from here on nothing of it changes. Raises as ``approve_run``."""
    _not_paid_by(run, actor, "locks")
    _same_as_seen(run, fingerprint)
    _carry(run, RunState.APPROVED, RunState.LOCKED, locked_by=actor, locked_at=at)
    audit.record(
        verb="compensation.run.locked",
        subject=run,
        at=at,
        actor=actor,
        data={"fingerprint": run.fingerprint},
    )
    return run


@transaction.atomic
def mark_paid(*, run: PayoutRun, at: datetime, actor: Any) -> PayoutRun:
    """Say that the money of a locked run has left. Raises ``UnableToCarryRun``."""
    _carry(run, RunState.LOCKED, RunState.PAID, paid_by=actor, paid_at=at)
    audit.record(verb="compensation.run.paid", subject=run, at=at, actor=actor)
    return run
