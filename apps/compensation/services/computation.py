"""Compute a payout run: what is earned, less what was posted, as new ledger lines and statements.

The reps are laid out in parts, each posted in one transaction that also marks it, so a worker killed at any point
leaves whole parts, and going on (or beginning anew) posts what is missing and nothing twice. Several workers may
take parts of one computation; each part's pay depends on the record and on its own reps' ledger alone.
How a run gets into this state and out of it is ``services.runs``; what a line looks like,
``services.postings``.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from django.db import connection, transaction
from django.db.models import F

from apps.compensation.models import LedgerEntry, PayoutPart, PayoutRun, RunState, Statement
from apps.compensation.rules.events import UnableToEarn
from apps.compensation.rules.lines import Source
from apps.compensation.selectors import control
from apps.compensation.selectors.balances import reps_with_held_pay
from apps.compensation.selectors.credits import credits_by_rep
from apps.compensation.selectors.inputs import PeriodInputs, load_inputs
from apps.compensation.selectors.obstacles import obstacles
from apps.compensation.selectors.plain_credits import plain_pay
from apps.compensation.selectors.planning import read_by_keys
from apps.compensation.selectors.reopened import Books, Reopened, books_of, reopened
from apps.compensation.services import postings
from apps.compensation.services.agreed_changes import post_agreed_changes, reps_with_agreed_changes
from apps.compensation.services.conversions import post_conversions
from apps.compensation.services.plain_postings import post_plain, unchanged
from apps.core.errors import DomainError
from apps.core.periods import Period
from apps.reps.models import Rep

REPS_PER_BATCH = 50
CREDITS_PER_BATCH = 10_000
_NAMED = 5


CallHelp = Callable[[int, int], None]
"""Told the number of the computation and of its parts."""


class UnableToCompute(DomainError):
    """The run is not one that can be computed now, or its plans cannot be applied to what happened."""

    code = "unable_to_compute"


class CarriedOn(UnableToCompute):
    """The computation is over, or another took its place."""


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


class _Begun(NamedTuple):
    """A computation of a run: which one it is, and the instant up to which records count."""

    number: int
    as_of: datetime

    def checkpoint(self, done: int) -> dict[str, Any]:
        """What whoever goes on needs; ``done`` is the part that was posted last, 0 before the first."""
        return {"as_of": self.as_of.isoformat(), "computation": self.number, "done": done}


def compute_run(
    *,
    run: PayoutRun,
    clock: Callable[[], datetime],
    steps: Steps | None = None,
    call_help: CallHelp | None = None,
) -> PayoutRun:
    """Compute ``run`` for everybody; afterwards it is computed and its fingerprint stands.

    ``call_help`` is told once how many parts the work has: others may take some (``help_computation``). Raises
    ``UnableToCompute`` with all that is missing before anything is posted, and what ``steps`` raises.
    """
    steps = steps or Unwatched()
    begun = _begin(run, clock(), steps)
    books = books_of(run, begun.as_of)
    inputs = load_inputs(run.period, shelf=books.shelf)
    parts = PayoutPart.objects.filter(run=run, computation=begun.number)
    if not parts.exists():
        earlier = list(reopened(run, books))
        _refuse_what_cannot_be_earned(inputs, earlier, books)
        _lay_out(run, begun, inputs, earlier)
    total = sum(len(rep_ids) for rep_ids in parts.values_list("rep_ids", flat=True))
    if call_help is not None:
        call_help(begun.number, parts.count())
    while True:
        done = sum(len(rep_ids) for rep_ids in parts.filter(is_done=True).values_list("rep_ids", flat=True))
        steps.progress(done, total, "Reps computed")
        if not _compute_next(run, begun, inputs, books, steps):
            break
    _finish(run, begun, clock())
    run.refresh_from_db()
    return run


def help_computation(*, run: PayoutRun, number: int, may_go_on: Callable[[], bool]) -> int:
    """Take parts of the run's computation ``number`` for as long as there are any that nobody works on.

    Returns how many this call did. What stops a part, whoever computes the run finds again and tells.
    """
    run.refresh_from_db()
    if run.state != RunState.COMPUTING or run.computations != number or run.as_of is None:
        return 0
    begun = _Begun(number, run.as_of)
    books = books_of(run, begun.as_of)
    inputs = load_inputs(run.period, shelf=books.shelf)
    done = 0
    # Whoever computes the run may finish it between two looks: then there is nothing left to do.
    with suppress(CarriedOn):
        while may_go_on() and _compute_next(run, begun, inputs, books, None):
            done += 1
    return done


def _begin(run: PayoutRun, at: datetime, steps: Steps) -> _Begun:
    """The instant up to which records count: kept over an interruption, so that all reps share it."""
    kept = steps.checkpoint
    if "as_of" in kept and "computation" in kept:
        return _Begun(kept["computation"], datetime.fromisoformat(kept["as_of"]))
    with transaction.atomic():
        counted = PayoutRun.objects.filter(pk=run.pk, state=RunState.COMPUTING).update(
            as_of=at, computations=F("computations") + 1, fingerprint=""
        )
        if not counted:
            raise UnableToCompute("This run is not waiting to be computed: ask for a computation first.")
        number = PayoutRun.objects.values_list("computations", flat=True).get(pk=run.pk)
        PayoutPart.objects.filter(run=run).delete()
        begun = _Begun(number, at)
        steps.save_checkpoint(begun.checkpoint(0))
    return begun


def _hold(run: PayoutRun, begun: _Begun, *, together: bool) -> None:
    """Keep the run's row for the length of a transaction: nobody carries it on in between.

    ``together``: others may hold it in the same way, so that parts are computed side by side.
    """
    rows = PayoutRun.objects.filter(pk=run.pk).order_by().values_list("state", "computations")
    if together and connection.vendor == "postgresql":
        sql, parameters = rows.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(f"{sql} FOR SHARE", parameters)
            found = cursor.fetchone()
    else:
        found = rows.select_for_update().get()
    if found != (RunState.COMPUTING, begun.number):
        raise CarriedOn("The run was carried on while it was computed: compute it again.")


# --- Parts ----------------------------------------------------------------------------------------


def _lay_out(run: PayoutRun, begun: _Begun, inputs: PeriodInputs, earlier: list[Reopened]) -> None:
    """Write down the parts: some reps each, and no more credits than a process keeps in mind with ease."""
    rep_ids = _reps_of(run, inputs, earlier, begun.as_of)
    weights = credits_by_rep(period=run.period, as_of=begun.as_of)
    with transaction.atomic():
        _hold(run, begun, together=False)
        PayoutPart.objects.bulk_create(
            PayoutPart(
                run=run,
                computation=begun.number,
                place=place,
                rep_ids=part,
                looked_at_again={
                    str(one.run_id): again
                    for one in earlier
                    if (again := sorted(one.rep_ids.intersection(part)))
                },
            )
            for place, part in enumerate(_cut(rep_ids, weights), 1)
        )


def _cut(rep_ids: list[int], weights: dict[int, int]) -> Iterator[list[int]]:
    part: list[int] = []
    weight = 0
    for rep_id in rep_ids:
        own = weights.get(rep_id, 0)
        if part and (len(part) == REPS_PER_BATCH or weight + own > CREDITS_PER_BATCH):
            yield part
            part, weight = [], 0
        part.append(rep_id)
        weight += own
    if part:
        yield part


def _compute_next(
    run: PayoutRun, begun: _Begun, inputs: PeriodInputs, books: Books, steps: Steps | None
) -> bool:
    """Take a part that nobody works on and post it; with ``steps``, wait for the last ones of others.

    The part is marked in the transaction that posts it, so a killed worker leaves it as it was. Says whether there
    was one.
    """
    with transaction.atomic():
        _hold(run, begun, together=True)
        undone = PayoutPart.objects.filter(run=run, computation=begun.number, is_done=False).order_by("place")
        part = undone.select_for_update(skip_locked=True).first()
        if part is None and steps is not None:
            # Whoever holds it may yet fail.
            part = undone.select_for_update().first()
        if part is None:
            return False
        read_by_keys()
        with _collecting_later():
            _compute_batch(run, part.rep_ids, inputs, _periods_of(part), books)
        PayoutPart.objects.filter(pk=part.pk).update(is_done=True)
        if steps is not None:
            steps.save_checkpoint(begun.checkpoint(part.place))
    return True


@contextmanager
def _collecting_later() -> Iterator[None]:
    """What a part makes goes with it and holds no rings; looking for some costs a fifth of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _periods_of(part: PayoutPart) -> list[Reopened]:
    closed = PayoutRun.objects.in_bulk([int(run_id) for run_id in part.looked_at_again])
    return [
        Reopened.of(closed[int(run_id)], frozenset(rep_ids))
        for run_id, rep_ids in part.looked_at_again.items()
    ]


# --- What cannot be earned ------------------------------------------------------------------------


def _refuse_what_cannot_be_earned(inputs: PeriodInputs, earlier: list[Reopened], books: Books) -> None:
    """Find what stops somebody's pay before the first line is posted; name the first few, and how many.

    Closed periods that are worked out anew are looked at as well: a quota may be gone since.
    """
    if problems := obstacles(books.earnings(inputs, sorted(inputs.segments))):
        _refuse(problems)
    for one in earlier:
        of_period = load_inputs(one.period, shelf=books.shelf)
        if problems := obstacles(books.earnings(of_period, sorted(of_period.segments)), among=one.rep_ids):
            _refuse({rep_id: f"{one.period.name}: {says}" for rep_id, says in problems.items()})


def _refuse(problems: dict[int, str]) -> None:
    names = dict(Rep.objects.filter(pk__in=list(problems)[:_NAMED]).values_list("pk", "name"))
    sentences = [f"{names[rep_id]}: {says}" for rep_id, says in list(problems.items())[:_NAMED]]
    if len(problems) > _NAMED:
        sentences.append(f"And {len(problems) - _NAMED} more.")
    raise UnableToCompute(" ".join(sentences))


def _reps_of(run: PayoutRun, inputs: PeriodInputs, earlier: list[Reopened], as_of: datetime) -> list[int]:
    """Everybody whom the run may concern, in an order that does not depend on anything else."""
    found = {*inputs.segments, *Statement.objects.filter(run=run).values_list("rep_id", flat=True)}
    found |= reps_with_held_pay() | reps_with_agreed_changes(run=run, as_of=as_of)
    for one in earlier:
        found |= one.rep_ids
    return sorted(found)


def _compute_batch(
    run: PayoutRun, rep_ids: list[int], inputs: PeriodInputs, earlier: list[Reopened], books: Books
) -> None:
    """Post a batch: who is unchanged needs nothing, plain pay is posted set-based, everybody else line by line."""
    again = {rep_id for one in earlier for rep_id in one.rep_ids} | reps_with_agreed_changes(
        run=run, as_of=books.as_of
    )
    plain = plain_pay(inputs, rep_ids, books.as_of, but=again)
    done = unchanged(run=run, plain=plain) if plain else set()
    plain = {rep_id: one for rep_id, one in plain.items() if rep_id not in done}
    if plain:
        done |= post_plain(run=run, inputs=inputs, books=books, plain=plain)
    if rest := [rep_id for rep_id in rep_ids if rep_id not in done]:
        follows_from = {rep_id: plain[rep_id].digest for rep_id in rest if rep_id in plain}
        _compute_line_by_line(run, rest, inputs, earlier, books, follows_from)


def _compute_line_by_line(
    run: PayoutRun,
    rep_ids: list[int],
    inputs: PeriodInputs,
    earlier: list[Reopened],
    books: Books,
    follows_from: dict[int, str],
) -> None:
    """Post a batch, oldest period first: a draw's balance and held pay are read from what was posted."""
    new = postings.Postings(run=run, as_of=books.as_of, rep_ids=rep_ids)
    new.follows_from = follows_from
    new.open_statements({rep_id: inputs for rep_id in rep_ids if inputs.of(rep_id)})
    periods: list[tuple[Period, datetime | None, list[int]]] = [(run.period, None, rep_ids)]
    for one in earlier:
        concerned = sorted(one.rep_ids.intersection(rep_ids))
        if concerned:
            periods.append((one.period, one.known_by, concerned))
    for period, known_by, concerned in sorted(periods, key=lambda one: one[0]):
        own = period == run.period
        of_period = inputs if own else load_inputs(period, rep_ids=concerned, shelf=books.shelf)
        new.post_period(period, concerned, _desired(of_period, concerned, books), known_by)
    post_agreed_changes(new)
    post_conversions(new=new, run=run, closed=[one for one in periods if one[0] != run.period])
    new.write_sums()


def _desired(inputs: PeriodInputs, rep_ids: list[int], books: Books) -> postings.Desired:
    """What the rules give today for each source, for these reps and the period of ``inputs``."""
    earnings = books.earnings(inputs, rep_ids)
    desired: postings.Desired = {}
    problems: dict[int, str] = {}
    for rep_id in rep_ids:
        try:
            for earned in earnings.of(rep_id):
                desired[Source.of(rep_id, earned.line)] = earned
        except UnableToEarn as error:
            problems[rep_id] = error.message
    if problems:
        _refuse(problems)
    return desired


def _finish(run: PayoutRun, begun: _Begun, at: datetime) -> None:
    """Close the computation: statements agree with the ledger, and the fingerprint is taken."""
    with transaction.atomic():
        _hold(run, begun, together=False)
        if apart := control.differences(run):
            raise AssertionError(f"Statements of run {run.pk} do not agree with its ledger: {apart}")
        events = LedgerEntry.objects.filter(run=run, starts_on=run.starts_on, ends_on=run.ends_on)
        counted = events.filter(event__isnull=False).order_by().values("event_id").distinct().count()
        PayoutRun.objects.filter(pk=run.pk, state=RunState.COMPUTING).update(
            state=RunState.COMPUTED,
            computed_at=at,
            fingerprint=control.kept_fingerprint(run),
            event_count=counted,
        )
