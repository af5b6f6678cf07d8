"""Work a replay out: batch by batch, under every alternative, every pay period in its order.

Each batch of people is one transaction that also keeps how far the work is; what was found is never changed.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, Sum

from apps.audit import services as audit
from apps.compensation.models import (
    LedgerEntry,
    PayoutRun,
    PlanVersion,
    Replay,
    ReplayFigure,
    ReplayOutcome,
    ReplayPay,
    ReplayProblem,
    RunState,
)
from apps.compensation.models.adjustments import SOURCE_PREFIX
from apps.compensation.rules.events import UnableToEarn
from apps.compensation.selectors import replay_record
from apps.compensation.selectors.earnings import Earned
from apps.compensation.selectors.replay_world import Asked, ReplayBalances, World, worlds_of
from apps.compensation.services.computation import Steps, Unwatched
from apps.core.periods import Period

REPS_PER_BATCH = 50


def compute_replay(
    *, replay: Replay, clock: Callable[[], datetime], steps: Steps | None = None
) -> ReplayOutcome:
    """Work ``replay`` out, or go on with it; what was worked out stays as it is.

    Raises what stops everybody (``NoPlanInForce``) and what ``steps`` raises.
    """
    present = ReplayOutcome.objects.filter(replay=replay).first()
    if present is not None:
        return present
    steps = steps or Unwatched()
    worlds = worlds_of(replay)
    rep_ids = list(replay.people.order_by("rep_id").values_list("rep_id", flat=True))
    done = int(steps.checkpoint.get("done", 0))
    left = [rep_id for rep_id in rep_ids if rep_id > done]
    finished = len(rep_ids) - len(left)
    steps.progress(finished, len(rep_ids))
    for start in range(0, len(left), REPS_PER_BATCH):
        batch = left[start : start + REPS_PER_BATCH]
        with transaction.atomic():
            _replay_batch(replay, batch, worlds)
            steps.save_checkpoint({"done": batch[-1]})
        finished += len(batch)
        steps.progress(finished, len(rep_ids), "People replayed")
    return _finish(replay, worlds, clock())


def _replay_batch(replay: Replay, rep_ids: list[int], worlds: Sequence[World]) -> None:
    """The figures of a batch under every alternative; whom one cannot work out is left out of all."""
    pay: list[ReplayPay] = []
    figures: list[ReplayFigure] = []
    problems: dict[int, ReplayProblem] = {}
    for alternative, world in enumerate(worlds, ReplayPay.IN_FORCE):
        balances = ReplayBalances(replay.starts_on)
        for period, earnings in world.months_of(rep_ids, balances):
            for rep_id in rep_ids:
                if rep_id in problems:
                    continue
                try:
                    lines = earnings.of(rep_id)
                except UnableToEarn as error:
                    problems[rep_id] = ReplayProblem(
                        replay=replay,
                        rep_id=rep_id,
                        alternative=alternative,
                        starts_on=period.start,
                        says=error.message[:500],
                    )
                    continue
                balances.note(period, rep_id, lines)
                pay += _summed(replay, alternative, rep_id, period, lines)
        figures += _left_open(replay, alternative, rep_ids, balances, world.asked.window.end)
    pay += _posted(replay, rep_ids, worlds[0].asked)
    figures += replay_record.figures_of(replay, worlds[0].asked, rep_ids)
    ReplayProblem.objects.bulk_create(problems.values())
    ReplayPay.objects.bulk_create([one for one in pay if one.rep_id not in problems], batch_size=1_000)
    ReplayFigure.objects.bulk_create([one for one in figures if one.rep_id not in problems], batch_size=1_000)


def _summed(
    replay: Replay, alternative: int, rep_id: int, period: Period, lines: Iterable[Earned]
) -> list[ReplayPay]:
    """Lines added up by currency, component and kind."""
    found: dict[tuple[str, str, str], ReplayPay] = {}
    for line in (one.line for one in lines):
        key = (line.currency, line.component_key, line.kind)
        if key not in found:
            found[key] = ReplayPay(
                replay=replay,
                alternative=alternative,
                rep_id=rep_id,
                starts_on=period.start,
                currency=line.currency,
                component_key=line.component_key,
                component_name=line.component_name,
                kind=line.kind,
                amount_minor=0,
                line_count=0,
            )
        found[key].amount_minor += line.amount_minor
        found[key].line_count += 1
    return list(found.values())


def _posted(replay: Replay, rep_ids: list[int], asked: Asked) -> list[ReplayPay]:
    """What the ledger says for the same periods, corrections of later runs included; before any conversion.

    Of runs that were not submitted a manager is shown nothing, here neither.
    """
    spans = Q()
    for period in asked.periods:
        spans |= Q(starts_on=period.start, ends_on=period.end)
    entries = LedgerEntry.objects.filter(spans, rep_id__in=rep_ids, posted_at__lte=replay.as_of)
    if replay.asked_by.role not in ("revops", "finance"):
        entries = entries.exclude(run__state__in=RunState.unsettled())
    names: dict[str, str] = {}
    sums: dict[tuple[int, date, str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    rows = (
        # What people agreed on is not what a plan gives.
        entries.exclude(Q(component_key="conversion") | Q(source_key__startswith=SOURCE_PREFIX))
        .order_by()
        .values_list("rep_id", "starts_on", "currency", "component_key", "component_name")
        .annotate(amount=Sum("amount_minor"), lines=Count("pk"))
    )
    for rep_id, starts_on, currency, key, name, amount, lines in rows:
        names[key] = max(name, names.get(key, ""))
        before = sums[rep_id, starts_on, currency, key]
        sums[rep_id, starts_on, currency, key] = (before[0] + amount, before[1] + lines)
    return [
        ReplayPay(
            replay=replay,
            alternative=ReplayPay.PAID,
            rep_id=rep_id,
            starts_on=starts_on,
            currency=currency,
            component_key=key,
            component_name=names[key],
            kind="posted",
            amount_minor=amount,
            line_count=lines,
        )
        for (rep_id, starts_on, currency, key), (amount, lines) in sums.items()
    ]


def _left_open(
    replay: Replay, alternative: int, rep_ids: list[int], balances: ReplayBalances, end: date
) -> list[ReplayFigure]:
    """What is held back and owed at the end of the window: pay that an alternative only moves."""
    return [
        ReplayFigure(
            replay=replay,
            measure=measure,
            alternative=alternative,
            rep_id=rep_id,
            starts_on=replay.starts_on,
            currency=currency,
            amount_minor=minor,
        )
        for rep_id, measure, currency, minor in balances.left_open(rep_ids, end)
    ]


def _finish(replay: Replay, worlds: Sequence[World], at: datetime) -> ReplayOutcome:
    with transaction.atomic():
        outcome, made = ReplayOutcome.objects.get_or_create(
            replay=replay,
            defaults={
                "computed_at": at,
                "won": replay_record.won_in(replay),
                "made_of": _made_of(replay, worlds),
                "fingerprint": replay_record.fingerprint(replay),
            },
        )
        if made:
            audit.record(
                verb="compensation.replay.computed",
                subject=replay,
                at=at,
                actor=replay.asked_by,
                data={"fingerprint": outcome.fingerprint},
            )
    return outcome


def _made_of(replay: Replay, worlds: Sequence[World]) -> dict[str, Any]:
    """What the figures were made of, for comparing two replays: plans tried, and the runs of the window."""
    tried = [
        {"says": move["to"]["says"], "digest": digest_of(move["to"]["document"])}
        for one in replay.question["alternatives"]
        for move in one["moves"]
        if "document" in move["to"]
    ]
    used = _versions_in_force(replay, worlds[0])
    in_force = PlanVersion.objects.filter(pk__in=used).select_related("plan")
    runs = PayoutRun.objects.filter(starts_on__gte=replay.starts_on, ends_on__lte=replay.ends_on)
    return {
        "plans_tried": tried,
        "plans_in_force": sorted(f"{version.plan.name}, version {version.number}" for version in in_force),
        "runs": [
            {"code": run.code, "state": run.state, "fingerprint": run.fingerprint}
            for run in runs.order_by("starts_on")
        ],
    }  # fmt: skip


def _versions_in_force(replay: Replay, world: World) -> set[int]:
    """The versions that counted in the window for the people of the replay."""
    found = set()
    people = list(replay.people.values_list("rep_id", flat=True))
    for period in world.asked.periods:
        for row in world.roster.within(period, rep_ids=people):
            version = world.shelf.in_force(row.plan_id, max(row.starts_on, period.start))
            if version is not None:
                found.add(version.pk)
    return found


def digest_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of a plan document, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
