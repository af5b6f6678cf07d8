"""Compute a payout run: what is earned, less what was posted, as new ledger lines and statements.

Reps are taken in batches, each in one transaction that also saves how far the work is, so a worker killed
at any point leaves whole batches, and going on (or beginning anew) posts what is missing and nothing twice.
How a run gets into this state and out of it is ``services.runs``; what a line looks like,
``services.postings``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F

from apps.compensation.models import LedgerEntry, PayoutRun, RunState, Statement
from apps.compensation.rules.earn import UnableToEarn, earn
from apps.compensation.selectors import control
from apps.compensation.selectors.credits import Credited, credited_events, reps_changed_since
from apps.compensation.selectors.inputs import PeriodInputs, PlanShelf, Segment, load_inputs
from apps.compensation.services import postings
from apps.core.errors import DomainError
from apps.core.periods import Period, day_of
from apps.reps.models import Rep

REPS_PER_BATCH = 50
_NAMED = 5


class UnableToCompute(DomainError):
    """The run is not one that can be computed now, or its plans cannot be applied to what happened."""

    code = "unable_to_compute"


class Steps(Protocol):
    """What the work tells while it goes on; ``jobs.context.JobContext`` is one."""

    checkpoint: dict[str, Any]

    def progress(self, done: int, total: int | None = None, note: str = "") -> None: ...

    def save_checkpoint(self, checkpoint: dict[str, Any]) -> None: ...


class Unwatched:
    """Steps that nobody follows: for work inside a command or the demo company's past."""

    def __init__(self) -> None:
        self.checkpoint: dict[str, Any] = {}

    def progress(self, done: int, total: int | None = None, note: str = "") -> None:
        return None

    def save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.checkpoint = checkpoint


@dataclass(frozen=True)
class _Earlier:
    """A closed run, and the reps for whom something changed since it was computed."""

    period: Period
    known_by: datetime
    rep_ids: frozenset[int]


def compute_run(*, run: PayoutRun, clock: Callable[[], datetime], steps: Steps | None = None) -> PayoutRun:
    """Compute ``run`` for everybody; afterwards it is computed and its fingerprint stands.

    Raises ``UnableToCompute`` with all that is missing before anything is posted, and what ``steps`` raises.
    """
    steps = steps or Unwatched()
    as_of = _begin(run, clock(), steps)
    shelf = PlanShelf()
    inputs = load_inputs(run.period, shelf=shelf)
    _refuse_what_cannot_be_earned(inputs, as_of)
    earlier = list(_changed_since_closed(run, shelf, as_of))
    rep_ids = _reps_of(run, inputs, earlier)
    done = int(steps.checkpoint.get("done", 0))
    left = [rep_id for rep_id in rep_ids if rep_id > done]
    finished = len(rep_ids) - len(left)
    steps.progress(finished, len(rep_ids))
    for start in range(0, len(left), REPS_PER_BATCH):
        batch = left[start : start + REPS_PER_BATCH]
        with transaction.atomic():
            _hold(run)
            _compute_batch(run, batch, inputs, earlier, shelf, as_of)
            steps.save_checkpoint({"as_of": as_of.isoformat(), "done": batch[-1]})
        finished += len(batch)
        steps.progress(finished, len(rep_ids), "Reps computed")
    _finish(run, clock())
    run.refresh_from_db()
    return run


def _begin(run: PayoutRun, at: datetime, steps: Steps) -> datetime:
    """The instant up to which records count: kept over an interruption, so that all reps share it."""
    if kept := steps.checkpoint.get("as_of"):
        return datetime.fromisoformat(kept)
    with transaction.atomic():
        begun = PayoutRun.objects.filter(pk=run.pk, state=RunState.COMPUTING).update(
            as_of=at, computations=F("computations") + 1, fingerprint=""
        )
        if not begun:
            raise UnableToCompute("This run is not waiting to be computed: ask for a computation first.")
        steps.save_checkpoint({"as_of": at.isoformat(), "done": 0})
    return at


def _hold(run: PayoutRun) -> None:
    """Keep the run's row for the length of a batch: nobody carries it on in between."""
    state = PayoutRun.objects.select_for_update().values_list("state", flat=True).get(pk=run.pk)
    if state != RunState.COMPUTING:
        raise UnableToCompute("The run was carried on while it was computed: compute it again.")


def _refuse_what_cannot_be_earned(inputs: PeriodInputs, as_of: datetime) -> None:
    """Find missing quotas before the first line is posted; name the first few, and how many there are."""
    suspects = [
        rep_id
        for rep_id, segments in inputs.segments.items()
        if any(not goal for segment in segments for goal in segment.quotas.values())
    ]
    if not suspects:
        return
    events = credited_events(period=inputs.period, as_of=as_of, kinds=inputs.events, rep_ids=suspects)
    problems: dict[int, str] = {}
    for rep_id in suspects:
        try:
            _lines(inputs.period, inputs.of(rep_id), events.get(rep_id, []))
        except UnableToEarn as error:
            problems[rep_id] = error.message
    if problems:
        _refuse(problems)


def _refuse(problems: dict[int, str]) -> None:
    names = dict(Rep.objects.filter(pk__in=list(problems)[:_NAMED]).values_list("pk", "name"))
    sentences = [f"{names[rep_id]}: {says}" for rep_id, says in list(problems.items())[:_NAMED]]
    if len(problems) > _NAMED:
        sentences.append(f"And {len(problems) - _NAMED} more.")
    raise UnableToCompute(" ".join(sentences))


def _changed_since_closed(run: PayoutRun, shelf: PlanShelf, as_of: datetime) -> Iterator[_Earlier]:
    """For each closed run, whom to look at again: new or reversed events, another plan, version or quota."""
    for closed in PayoutRun.objects.closed().exclude(pk=run.pk).order_by("starts_on"):
        known_by = closed.as_of or closed.created_at
        changed = reps_changed_since(period=closed.period, since=known_by, as_of=as_of)
        inputs = load_inputs(closed.period, shelf=shelf)
        computed_with = dict(
            Statement.objects.filter(run=closed).order_by("pk").values_list("rep_id", "basis")
        )
        for rep_id in {*inputs.segments, *computed_with}:
            if inputs.basis(rep_id) != computed_with.get(rep_id, ""):
                changed.add(rep_id)
        if changed:
            yield _Earlier(closed.period, known_by, frozenset(changed))


def _reps_of(run: PayoutRun, inputs: PeriodInputs, earlier: list[_Earlier]) -> list[int]:
    """Everybody whom the run may concern, in an order that does not depend on anything else."""
    found = {*inputs.segments, *Statement.objects.filter(run=run).values_list("rep_id", flat=True)}
    for one in earlier:
        found |= one.rep_ids
    return sorted(found)


def _compute_batch(
    run: PayoutRun,
    rep_ids: list[int],
    inputs: PeriodInputs,
    earlier: list[_Earlier],
    shelf: PlanShelf,
    as_of: datetime,
) -> None:
    new = postings.Postings(run=run, as_of=as_of)
    new.add_period(run.period, rep_ids, _desired(inputs, rep_ids, as_of))
    for one in earlier:
        concerned = sorted(one.rep_ids.intersection(rep_ids))
        if concerned:
            then = load_inputs(one.period, rep_ids=concerned, shelf=shelf)
            new.add_period(one.period, concerned, _desired(then, concerned, as_of), one.known_by)
    new.post({rep_id: inputs for rep_id in rep_ids if inputs.of(rep_id)})


def _desired(inputs: PeriodInputs, rep_ids: list[int], as_of: datetime) -> postings.Desired:
    """What the rules give today for each source, for these reps and the period of ``inputs``."""
    events = credited_events(period=inputs.period, as_of=as_of, kinds=inputs.events, rep_ids=rep_ids)
    desired: postings.Desired = {}
    problems: dict[int, str] = {}
    for rep_id in rep_ids:
        try:
            for wanted in _lines(inputs.period, inputs.of(rep_id), events.get(rep_id, [])):
                desired[postings.Source.of(rep_id, wanted.line)] = wanted
        except UnableToEarn as error:
            problems[rep_id] = error.message
    if problems:
        _refuse(problems)
    return desired


def _lines(period: Period, segments: list[Segment], credited: list[Credited]) -> list[postings.Wanted]:
    """What a rep's events of ``period`` earn, each under the plan of its day."""
    found = []
    for segment in segments:
        events = [
            event
            for occurred_at, event in credited
            if segment.days == period or day_of(occurred_at, settings.COMPANY_TIME_ZONE) in segment.days
        ]
        for line in earn(segment.plan, events, segment.quotas):
            found.append(postings.Wanted(segment.version_id, line))
    return found


def _finish(run: PayoutRun, at: datetime) -> None:
    """Close the computation: statements agree with the ledger, and the fingerprint is taken."""
    with transaction.atomic():
        _hold(run)
        if apart := control.differences(run):
            raise AssertionError(f"Statements of run {run.pk} do not agree with its ledger: {apart}")
        events = LedgerEntry.objects.filter(run=run, starts_on=run.starts_on, ends_on=run.ends_on)
        counted = events.aggregate(count=Count("event_id", distinct=True))["count"]
        PayoutRun.objects.filter(pk=run.pk, state=RunState.COMPUTING).update(
            state=RunState.COMPUTED,
            computed_at=at,
            fingerprint=control.fingerprint(run),
            event_count=counted,
        )
