"""Turn what is earned and what was posted into ledger lines and statement totals, for a batch of reps.

One transaction of ``services.computation`` fills a ``Postings`` and posts it. The difference itself is
``rules.deltas``; here it gets its statement, its words and its cause.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Max, Q, Sum

from apps.compensation.models import EntryKind, LedgerEntry, PayoutRun, Statement
from apps.compensation.rules import words
from apps.compensation.rules.deltas import Delta, Posted, deltas
from apps.compensation.rules.earn import Line
from apps.compensation.selectors.inputs import PeriodInputs
from apps.core.periods import Period
from apps.leads.models import FunnelEvent
from apps.reps.models import Rep


class Source(NamedTuple):
    """What a line is for. The plan version is no part of it, or another version would pay again."""

    rep_id: int
    component_key: str
    event_id: int
    currency: str

    @classmethod
    def of(cls, rep_id: int, line: Line) -> "Source":
        return cls(rep_id, line.component.key, line.event.event_id, line.currency)

    @property
    def key(self) -> str:
        return f"event:{self.event_id}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the rules give for a source, and under which plan version."""

    version_id: int
    line: Line


Desired = dict[Source, Wanted]


@dataclass(frozen=True)
class _Change:
    """A line to post, before its statement and cause are known."""

    period: Period
    delta: Delta[Source]
    wanted: Wanted | None


@dataclass
class Postings:
    """The new lines of a batch of reps in ``run``; ``as_of`` is the instant of the whole computation."""

    run: PayoutRun
    as_of: datetime

    def __post_init__(self) -> None:
        self._changes: list[_Change] = []
        self._last_lines: dict[tuple[Period, Source], int] = {}
        self._new: dict[tuple[Period, int, str], list[int]] = defaultdict(list)
        self._gone: dict[tuple[Period, int, str], list[int]] = defaultdict(list)
        self._known_by: dict[Period, datetime] = {}
        self._rep_ids: set[int] = set()

    def add_period(
        self, period: Period, rep_ids: list[int], desired: Desired, known_by: datetime | None = None
    ) -> None:
        """Find what must be posted so that the ledger says ``desired`` for these reps and ``period``.

        ``known_by`` is the instant up to which records counted when a closed period was computed.
        """
        self._rep_ids.update(rep_ids)
        if known_by is not None:
            self._known_by[period] = known_by
        posted = self._posted(period, rep_ids)
        amounts = {source: wanted.line.amount_minor for source, wanted in desired.items()}
        # In its own period an event that earns nothing is told once; long afterwards it would be noise.
        for delta in deltas(amounts, posted, keep_zero=period == self.run.period):
            wanted = desired.get(delta.key)
            self._changes.append(_Change(period, delta, wanted))
            group = (period, delta.key.rep_id, delta.key.component_key)
            if wanted is None:
                self._gone[group].append(delta.key.event_id)
            elif delta.key not in posted:
                self._new[group].append(delta.key.event_id)

    def _posted(self, period: Period, rep_ids: list[int]) -> dict[Source, Posted]:
        rows = (
            LedgerEntry.objects.filter(
                rep_id__in=rep_ids, starts_on=period.start, ends_on=period.end, event__isnull=False
            )
            .order_by()
            .values_list("rep_id", "component_key", "event_id", "currency")
            .annotate(posted=Sum("amount_minor"), sequence=Max("sequence"), line=Max("pk"))
        )
        found = {}
        newest: dict[tuple[int, str, int], int] = {}
        for rep_id, component_key, event_id, currency, posted, sequence, line in rows:
            source = Source(rep_id, component_key, event_id, currency)
            found[source] = Posted(posted, sequence)
            self._last_lines[period, source] = line
            # Should a source ever change its currency, its lines are still numbered through.
            newest[source[:3]] = max(sequence, newest.get(source[:3], 0))
        return {source: Posted(one.amount_minor, newest[source[:3]]) for source, one in found.items()}

    # --- Writing ----------------------------------------------------------------------------------

    def post(self, inputs: dict[int, PeriodInputs]) -> None:
        """Write the lines, and the sums of every statement that they or a plan give these reps."""
        statements = self._statements(inputs)
        causes = _Causes(self._changes, self._new, self._gone, self._known_by)
        last = self._last_entries()
        LedgerEntry.objects.bulk_create(
            [self._entry(change, statements, causes, last) for change in self._changes],
            batch_size=1_000,
        )
        self._write_sums(statements, inputs)

    def _statements(self, inputs: dict[int, PeriodInputs]) -> dict[tuple[int, str], Statement]:
        """One for each rep and currency: of the plans in the period, of the lines, and those there by now."""
        needed = {
            (rep_id, segment.plan.currency) for rep_id, one in inputs.items() for segment in one.of(rep_id)
        }
        needed |= {(change.delta.key.rep_id, change.delta.key.currency) for change in self._changes}
        found = {
            (statement.rep_id, statement.currency): statement
            for statement in Statement.objects.filter(run=self.run, rep_id__in=self._rep_ids).order_by("pk")
        }
        teams = dict(Rep.objects.filter(pk__in=self._rep_ids).values_list("pk", "team_id"))
        fresh = [
            Statement(run=self.run, rep_id=rep_id, currency=currency, team_id=teams[rep_id])
            for rep_id, currency in sorted(needed - set(found))
        ]
        for statement in Statement.objects.bulk_create(fresh):
            found[statement.rep_id, statement.currency] = statement
        return found

    def _last_entries(self) -> dict[int, LedgerEntry]:
        """The newest lines of sources that are earned no more: what is taken back is said in their words."""
        ids = [
            self._last_lines[change.period, change.delta.key]
            for change in self._changes
            if change.wanted is None
        ]
        return LedgerEntry.objects.in_bulk(ids) if ids else {}

    def _entry(
        self,
        change: _Change,
        statements: dict[tuple[int, str], Statement],
        causes: "_Causes",
        last: dict[int, LedgerEntry],
    ) -> LedgerEntry:
        delta, source, own_period = change.delta, change.delta.key, change.period == self.run.period
        is_earning = delta.is_first and own_period
        cause, cause_event_id = ("", None) if is_earning else causes.of(change)
        entry = LedgerEntry(
            run=self.run,
            statement=statements[source.rep_id, source.currency],
            rep_id=source.rep_id,
            component_key=source.component_key,
            kind=EntryKind.EARNING if is_earning else EntryKind.ADJUSTMENT,
            event_id=source.event_id,
            source_key=source.key,
            sequence=delta.sequence,
            starts_on=change.period.start,
            ends_on=change.period.end,
            amount_minor=delta.amount_minor,
            earned_minor=delta.earned_minor,
            currency=source.currency,
            cause=cause,
            cause_event_id=cause_event_id,
            posted_at=self.as_of,
        )
        if change.wanted is None:
            _describe_gone(entry, delta, last[self._last_lines[change.period, source]])
        else:
            _describe(entry, delta, change.wanted)
        return entry

    def _write_sums(
        self, statements: dict[tuple[int, str], Statement], inputs: dict[int, PeriodInputs]
    ) -> None:
        own = Q(starts_on=self.run.starts_on, ends_on=self.run.ends_on)
        sums = {
            (row["rep_id"], row["currency"]): row
            for row in LedgerEntry.objects.filter(run=self.run, rep_id__in=self._rep_ids)
            .order_by()
            .values("rep_id", "currency")
            .annotate(
                earned=Sum("amount_minor", filter=own, default=0),
                adjusted=Sum("amount_minor", filter=~own, default=0),
                lines=Count("pk"),
            )
        }
        for (rep_id, currency), statement in statements.items():
            row = sums.get((rep_id, currency), {"earned": 0, "adjusted": 0, "lines": 0})
            one = inputs.get(rep_id)
            statement.earned_minor = row["earned"]
            statement.adjustments_minor = row["adjusted"]
            statement.payable_minor = row["earned"] + row["adjusted"]
            statement.line_count = row["lines"]
            statement.basis = one.basis(rep_id) if one else ""
            statement.plan_version_id = one.of(rep_id)[-1].version_id if one else None
        Statement.objects.bulk_update(
            statements.values(),
            ["earned_minor", "adjustments_minor", "payable_minor", "line_count", "basis", "plan_version_id"],
            batch_size=200,
        )


def _describe(entry: LedgerEntry, delta: Delta[Source], wanted: Wanted) -> None:
    line, event = wanted.line, wanted.line.event
    entry.plan_version_id = wanted.version_id
    entry.component_name = line.component.name
    entry.base_minor = event.amount_minor if line.component.measure.sums_amounts else None
    entry.share = event.share
    entry.place = line.place
    entry.band, entry.rate = line.band, line.rate
    entry.exact = str(line.exact)
    if len(line.parts) > 1:
        entry.parts = [[part.band, part.rate, part.amount_minor, str(part.base)] for part in line.parts]
    entry.formula = line.formula if not delta.posted_minor else _difference(f"Now {line.formula}", delta)


def _describe_gone(entry: LedgerEntry, delta: Delta[Source], last: LedgerEntry) -> None:
    entry.plan_version_id = last.plan_version_id
    entry.component_name = last.component_name
    entry.base_minor = last.base_minor
    entry.share = last.share
    entry.exact = "0"
    entry.formula = _difference(f"Now {words.money(0, delta.key.currency)}", delta)


def _difference(now: str, delta: Delta[Source]) -> str:
    currency = delta.key.currency
    return (
        f"{now}; posted before {words.money(delta.posted_minor, currency)}; "
        f"difference {words.money(delta.amount_minor, currency)}"
    )


class _Causes:
    """Why a line differs from what was posted: the event that came late or was reversed, else the plan.

    A late or reversed event moves the others of its component from band to band, so it is their cause too.
    """

    def __init__(
        self,
        changes: list[_Change],
        new: dict[tuple[Period, int, str], list[int]],
        gone: dict[tuple[Period, int, str], list[int]],
        known_by: dict[Period, datetime],
    ) -> None:
        self._new, self._gone, self._known_by = new, gone, known_by
        concerned = {
            _group(change)
            for change in changes
            if not (change.delta.is_first and change.period not in known_by)
        }
        gone_ids = {event_id for group in concerned for event_id in gone.get(group, ())}
        new_ids = {event_id for group in concerned for event_id in new.get(group, ())}
        self._reversals = {
            row.reverses_id: row for row in FunnelEvent.objects.filter(reverses__in=gone_ids)
        } if gone_ids else {}  # fmt: skip
        self._all_gone = gone_ids
        self._events = FunnelEvent.objects.in_bulk(gone_ids | new_ids) if gone_ids or new_ids else {}

    def of(self, change: _Change) -> tuple[str, int | None]:
        source = change.delta.key
        group = _group(change)
        gone, new = self._gone.get(group, []), self._new.get(group, [])
        if source.event_id in gone or source.event_id in new:
            return self._why(source.event_id, change.period)
        for event_id in (*gone, *new):
            text, cause_id = self._why(event_id, change.period)
            return f"Moved to another band by another event. {text}"[:300], cause_id
        return "The plan, its version or the quota of the period was changed.", None

    def _why(self, event_id: int, period: Period) -> tuple[str, int | None]:
        event = self._events[event_id]
        what = f"{event.get_kind_display()} on {_day(event.occurred_at)} (event {event.pk})"
        reversal = self._reversals.get(event_id)
        if reversal is not None:
            reason = str(reversal.data.get("reason", "")).strip()[:120]
            said = f" ({reason})" if reason else ""
            return f"{what}: reversed on {_day(reversal.recorded_at)}{said}."[:300], reversal.pk
        if event_id in self._all_gone:
            return f"{what}: counts no more under the plan as it stands.", event.pk
        if period in self._known_by and event.recorded_at <= self._known_by[period]:
            return f"{what}: counts now, and did not when the period was computed.", event.pk
        return f"{what}: came to the record on {_day(event.recorded_at)}.", event.pk


def _group(change: _Change) -> tuple[Period, int, str]:
    return change.period, change.delta.key.rep_id, change.delta.key.component_key


def _day(instant: datetime) -> str:
    local = instant.astimezone(ZoneInfo(settings.COMPANY_TIME_ZONE))
    return f"{local.day} {local:%b %Y}"
