"""Ask for a replay: what the past would have paid under other plans. Nothing of pay is written.

The question is fixed when it is asked (periods, people, instant of the record, documents of the plans tried), so
that going on after an interruption goes on with the same. It is worked out in ``services.replay_computation``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.compensation.models import (
    PayoutRun,
    Plan,
    PlanVersion,
    Replay,
    ReplayPerson,
    RunState,
)
from apps.compensation.rules.moves import Who, changed_reps
from apps.compensation.rules.plan import parse_plan
from apps.compensation.selectors.replay_world import worlds_of
from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import Period, day_of, month_of
from apps.jobs import services as jobs
from apps.jobs.models import Job
from apps.reps.models import Rep

JOB_KIND = "compensation.replay"
MOST_MONTHS = 36
MOST_ALTERNATIVES = 4


class UnableToReplay(DomainError):
    """There is nobody, or nothing, to replay."""

    code = "unable_to_replay"


@dataclass(frozen=True)
class Target:
    """Where a move leads: a plan as it was in force, one of its versions, or a document that was uploaded."""

    plan: Plan | None = None
    version: PlanVersion | None = None
    document: Mapping[str, Any] | None = None
    name: str = ""

    def written(self) -> dict[str, Any]:
        """As the question keeps it. Raises ``PlanInvalid`` for a document that is no plan."""
        if self.plan is not None:
            return {"plan": self.plan.pk, "says": self.plan.name}
        document = self.version.document if self.version is not None else self.document
        plan = parse_plan(document)
        if self.version is not None:
            says = f"{plan.name}, {version_words(self.version)}"
            return {"version": self.version.pk, "document": document, "says": says}
        return {"document": document, "says": f"{plan.name}, from {self.name or 'a file'}"}


def version_words(version: PlanVersion) -> str:
    """``draft 4`` or ``version 3``."""
    return f"{'version' if version.is_approved else 'draft'} {version.number}"


@dataclass(frozen=True)
class AskedMove:
    """Whom a move takes (``rules.moves.Who``), said in words, and where it leads."""

    who: Who
    ids: Sequence[int | str]
    says: str
    to: Target


@dataclass(frozen=True)
class Alternative:
    """One set of moves, under the name that its figures carry."""

    name: str
    moves: Sequence[AskedMove]


@transaction.atomic
def ask_replay(
    *,
    name: str,
    months: int,
    until: date,
    alternatives: Sequence[Alternative],
    everybody: bool,
    request_key: str,
    at: datetime,
    actor: Any,
) -> tuple[Replay, Job]:
    """Keep the question and have it worked out; the same ``request_key`` again gives what is there.

    ``months`` calendar months up to and with that of ``until``, widened to whole pay periods where runs were of
    others. ``everybody``: all on a plan, else those whom an alternative concerns. A manager's is about the people
    whom the manager sees. Another question under the same key is refused.
    Raises ``InvalidInput``, ``UnableToReplay`` and ``rules.plan.PlanInvalid``.
    """
    _check(months, until, alternatives, at)
    periods = pay_periods(months=months, until=until)
    window = Period(periods[0].start, periods[-1].end)
    tried = [_written(one) for one in alternatives]
    question = {
        "periods": [[str(one.start), str(one.end)] for one in periods],
        "alternatives": tried,
        "everybody": everybody,
        "horizon": str(_horizon(window)),
    }
    known = Replay.objects.filter(request_key=request_key, asked_by=actor).first()
    if known is not None:
        return _same(known, question), _enqueue(known, at, actor)
    replay = Replay(
        name=name.strip()[:120] or _named(tried),
        starts_on=window.start,
        ends_on=window.end,
        as_of=at,
        question=question,
        asked_by=actor,
        asked_at=at,
        request_key=request_key,
    )
    people = _people(replay, everybody=everybody, actor=actor)
    try:
        with transaction.atomic():
            replay.save()
            ReplayPerson.objects.bulk_create(
                [ReplayPerson(replay=replay, rep=rep, role=rep.role, team_id=rep.team_id) for rep in people],
                batch_size=1_000,
            )
    except IntegrityError:
        # The second click came in the same moment.
        replay = Replay.objects.get(request_key=request_key, asked_by=actor)
        return _same(replay, question), _enqueue(replay, at, actor)
    audit.record(
        verb="compensation.replay.asked",
        subject=replay,
        at=at,
        actor=actor,
        data={"window": str(window), "people": len(people)},
    )
    return replay, _enqueue(replay, at, actor)


def _same(known: Replay, question: Mapping[str, Any]) -> Replay:
    """The replay that is there for a key. Raises ``UnableToReplay`` when it asks something else."""
    for part in ("periods", "alternatives", "everybody"):
        if known.question[part] != question[part]:
            raise UnableToReplay("Another question was asked under this key: use a new one.")
    return known


def _enqueue(replay: Replay, at: datetime, actor: Any) -> Job:
    present = job_of(replay)
    if present is not None:
        return present
    return jobs.enqueue(
        kind=JOB_KIND, key=replay.job_key, at=at, params={"replay_id": replay.pk}, requested_by=actor
    )


def job_of(replay: Replay) -> Job | None:
    """The job that works ``replay`` out, or did."""
    return Job.objects.filter(kind=JOB_KIND, key=replay.job_key).order_by("-pk").first()


def jobs_of(found: Iterable[Replay]) -> dict[str, int]:
    """By the key of the job, the newest one of each replay. One query."""
    keys = [one.job_key for one in found]
    return dict(Job.objects.filter(kind=JOB_KIND, key__in=keys).order_by("pk").values_list("key", "pk"))


def _check(months: int, until: date, alternatives: Sequence[Alternative], at: datetime) -> None:
    if not 1 <= months <= MOST_MONTHS:
        raise InvalidInput(f"Ask for 1 to {MOST_MONTHS} months.", field="months")
    if month_of(until).start > day_of(at, settings.COMPANY_TIME_ZONE):
        raise InvalidInput("That month has not begun: a replay is of the past.", field="until")
    if not 1 <= len(alternatives) <= MOST_ALTERNATIVES:
        raise InvalidInput(f"Compare 1 to {MOST_ALTERNATIVES} alternatives.", field="alternatives")
    for one in alternatives:
        if not one.moves:
            raise InvalidInput("Say who would have been on which plan.", field="alternatives")


def _written(one: Alternative) -> dict[str, Any]:
    moves: list[dict[str, Any]] = [
        {"who": move.who.value, "ids": list(move.ids), "says": move.says, "to": move.to.written()}
        for move in one.moves
    ]
    return {"name": one.name.strip()[:60] or moves[0]["to"]["says"][:60], "moves": moves}


def _named(alternatives: Sequence[Mapping[str, Any]]) -> str:
    return " and ".join(one["name"] for one in alternatives)[:90] + " against what was in force"


def pay_periods(*, months: int, until: date) -> list[Period]:
    """The pay periods of ``months`` months up to that of ``until``: those of the runs, else calendar months."""
    end = month_of(until).end
    start = month_of(until).start
    for _ in range(months - 1):
        start = month_of(start).previous().start
    runs = [
        run.period
        for run in PayoutRun.objects.filter(starts_on__lt=end, ends_on__gt=start).order_by("starts_on")
    ]
    if runs:
        start, end = min(start, runs[0].start), max(end, runs[-1].end)
    found, day = [], start
    for period in [*runs, None]:
        stop = period.start if period else end
        while day < stop:
            part = Period(day, min(month_of(day).end, stop))
            found.append(part)
            day = part.end
        if period:
            found.append(period)
            day = period.end
    return found


def _horizon(window: Period) -> date:
    """How far a year to date reaches: as far as for the runs, or what they paid could not come out."""
    ends = PayoutRun.objects.exclude(state=RunState.COMPUTING).values_list("ends_on", flat=True)
    return max([window.end, *ends.order_by()])


def _people(replay: Replay, *, everybody: bool, actor: Any) -> list[Rep]:
    """Whom the replay is about. Raises ``UnableToReplay`` when that is nobody."""
    real, *others = worlds_of(replay)
    window = replay.window
    concerned: set[int] = set()
    for world in others:
        concerned |= changed_reps(real.assigned, world.assigned, window)
    if not concerned:
        raise UnableToReplay(
            "Nobody would have been on another plan in these months: choose others, or other months."
        )
    if everybody:
        for world in (real, *others):
            concerned |= {row.rep_id for row in world.roster.within(window)}
    visible = Rep.objects.visible_to(actor).filter(pk__in=concerned)
    people = list(visible.order_by("pk"))
    if not people:
        raise UnableToReplay("None of the people whom this would have moved is yours to see.")
    return people
