"""Turn what is earned and what was posted into ledger lines and statement totals, for a batch of reps.

One transaction of ``services.computation`` fills a ``Postings`` and posts it. The difference itself is
``rules.deltas``; here it gets its statement and its words. Why it differs is ``services.causes``, and how it comes
into the table ``services.ledger_lines``.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Q, Sum

from apps.compensation.models import EntryKind, LedgerEntry, PayoutRun, Statement
from apps.compensation.models.adjustments import SOURCE_PREFIX
from apps.compensation.rules import words
from apps.compensation.rules.conversion import KEY as CONVERSION
from apps.compensation.rules.deltas import Delta, Posted, deltas
from apps.compensation.rules.events import WHOLE_SHARE
from apps.compensation.rules.lines import Line, Source
from apps.compensation.selectors import control
from apps.compensation.selectors.earnings import Earned
from apps.compensation.selectors.inputs import PeriodInputs
from apps.compensation.selectors.turned import Cause, Turned
from apps.compensation.services.causes import Causes, Change, Moves
from apps.compensation.services.ledger_lines import NewLine, write_lines
from apps.core.money import round_half_up
from apps.core.periods import Period
from apps.reps.models import Rep

Desired = dict[Source, Earned]
_EARNED = (EntryKind.EARNING, EntryKind.BONUS)
_SUMS = (
    "earned_minor",
    "adjustments_minor",
    "payable_minor",
    "line_count",
    "basis",
    "plan_version_id",
    "digest",
    "inputs",
)
_TEXTS = ("basis", "digest", "inputs")


@dataclass
class Postings:
    """The new lines of a batch of reps in ``run``; ``as_of`` is the instant of the whole computation."""

    run: PayoutRun
    as_of: datetime
    rep_ids: list[int]

    def __post_init__(self) -> None:
        self._statements: dict[tuple[int, str], Statement] = {}
        self._inputs: dict[int, PeriodInputs] = {}
        self.follows_from: dict[int, str] = {}
        self._fresh: dict[int, list[NewLine]] = defaultdict(list)

    def post_period(
        self,
        period: Period,
        rep_ids: list[int],
        desired: Desired,
        known_by: datetime | None = None,
        *,
        conversions: bool = False,
    ) -> None:
        """Post what makes the ledger say ``desired`` for these reps and ``period``.

        ``known_by`` is the instant up to which records counted when a closed period was computed. ``conversions``:
        it is the pairs of ``services.conversions`` that are posted, else everything but those.
        """
        posted = self._posted(period, rep_ids, conversions=conversions)
        moves = Moves(known_by, defaultdict(list), defaultdict(list))
        changes = []
        amounts = {source: wanted.line.amount_minor for source, wanted in desired.items()}
        standing = {source: Posted(one.amount_minor, one.sequence) for source, one in posted.items()}
        # In its own period an event that earns nothing is told once; long afterwards it would be noise.
        for delta in deltas(amounts, standing, keep_zero=period == self.run.period):
            wanted, source = desired.get(delta.key), delta.key
            if wanted is not None:
                event_id = wanted.line.event.event_id if wanted.line.event else None
            else:
                event_id = posted[source].event_id
            changes.append(Change(period, delta, wanted, event_id))
            if event_id is not None:
                side = moves.gone if wanted is None else moves.new
                if wanted is None or source not in posted:
                    side[source.rep_id, source.component_key].append(event_id)
        if not changes:
            return
        causes = Causes(changes, moves, self._turned(changes, known_by, posted))
        gone = [posted[change.delta.key].line_id for change in changes if change.wanted is None]
        last = LedgerEntry.objects.in_bulk(gone) if gone else {}
        self.open_missing({(change.delta.key.rep_id, change.delta.key.currency) for change in changes})
        self._write(
            self._line(
                change,
                ("", None) if self._is_first(change) else causes.of(change),
                None if change.wanted else last.get(posted[change.delta.key].line_id),
            )
            for change in changes
        )

    def first_line(self, rep_id: int, earned: Earned) -> NewLine:
        """A line of the run's own period whose source nothing was ever posted for; it is not yet written."""
        line = earned.line
        delta = Delta(Source.of(rep_id, line), line.amount_minor, line.amount_minor, 0, 1)
        event_id = line.event.event_id if line.event else None
        return self._line(Change(self.run.period, delta, earned, event_id), ("", None), None)

    def _write(self, made: Iterable[NewLine]) -> None:
        lines = list(made)
        write_lines(lines)
        self.took(lines)

    def _is_first(self, change: Change) -> bool:
        return change.delta.sequence == 1 and change.period == self.run.period

    def _turned(
        self, changes: list[Change], known_by: datetime | None, posted: dict[Source, "_Standing"]
    ) -> Turned:
        """What people and rates changed of what was posted: splits of credits, and conversions."""
        lines = {
            change.delta.key: (change.event_id, change.wanted.line if change.wanted else None)
            for change in changes
            if not change.delta.is_first or known_by is not None
        }
        standing = {key: posted[key].line_id for key in lines if key in posted}
        return Turned.of(
            run_id=self.run.pk, as_of=self.as_of, known_by=known_by, lines=lines, standing=standing
        )

    def _posted(self, period: Period, rep_ids: list[int], *, conversions: bool) -> dict[Source, "_Standing"]:
        of_these = Q(component_key=CONVERSION)
        rows = (
            LedgerEntry.objects.filter(rep_id__in=rep_ids, starts_on=period.start, ends_on=period.end)
            .filter(of_these if conversions else ~of_these)
            .exclude(source_key__startswith=SOURCE_PREFIX)
            .order_by()
            .values_list("rep_id", "component_key", "source_key", "currency")
            .annotate(
                posted=Sum("amount_minor"), sequence=Max("sequence"), line=Max("pk"), event=Max("event_id")
            )
        )
        found = {}
        newest: dict[tuple[int, str, str], int] = {}
        for rep_id, component_key, key, currency, posted, sequence, line, event_id in rows:
            source = Source(rep_id, component_key, key, currency)
            found[source] = _Standing(posted, sequence, line, event_id)
            # Should a source ever change its currency, its lines are still numbered through.
            newest[source[:3]] = max(sequence, newest.get(source[:3], 0))
        for source, one in found.items():
            if one.sequence != newest[source[:3]]:
                found[source] = replace(one, sequence=newest[source[:3]])
        return found

    # --- Writing ----------------------------------------------------------------------------------

    def open_statements(self, inputs: dict[int, PeriodInputs]) -> None:
        """Take up the statements that are there, and begin one for each rep and currency of a plan."""
        self._inputs = inputs
        for statement in Statement.objects.filter(run=self.run, rep_id__in=self.rep_ids).order_by("pk"):
            self._statements[statement.rep_id, statement.currency] = statement
        self._teams = dict(Rep.objects.filter(pk__in=self.rep_ids).values_list("pk", "team_id"))
        self.open_missing(
            {(rep_id, segment.plan.currency) for rep_id, one in inputs.items() for segment in one.of(rep_id)}
        )

    def open_missing(self, needed: set[tuple[int, str]]) -> None:
        """Begin a statement for each of these reps and currencies that has none yet."""
        fresh = [
            Statement(run=self.run, rep_id=rep_id, currency=currency, team_id=self._teams[rep_id])
            for rep_id, currency in sorted(needed - set(self._statements))
        ]
        for statement in Statement.objects.bulk_create(fresh):
            self._statements[statement.rep_id, statement.currency] = statement

    def statement_of(self, rep_id: int, currency: str) -> int:
        """The number of an open statement."""
        return self._statements[rep_id, currency].pk

    def took(self, lines: list[NewLine]) -> None:
        """Note lines that were written beside the computation, so that sums and digests count them."""
        for line in lines:
            self._fresh[line.statement_id].append(line)

    def _line(self, change: Change, cause: Cause, last: LedgerEntry | None) -> NewLine:
        delta, period = change.delta, change.period
        source = delta.key
        said = _said(delta, change.wanted) if change.wanted is not None else _said_of_gone(delta, last)
        return NewLine(
            run_id=self.run.pk,
            statement_id=self._statements[source.rep_id, source.currency].pk,
            rep_id=source.rep_id,
            component_key=source.component_key,
            kind=_kind(change, self._is_first(change)),
            event_id=change.event_id,
            source_key=source.key,
            sequence=delta.sequence,
            starts_on=period.start,
            ends_on=period.end,
            amount_minor=delta.amount_minor,
            earned_minor=delta.earned_minor,
            currency=source.currency,
            cause=cause[0],
            cause_event_id=cause[1],
            posted_at=self.as_of,
            **said,
        )

    def write_sums(self) -> None:
        """Write the sums of every statement of the batch, from the ledger; what stands already is left alone."""
        ids = {statement.pk for statement in self._statements.values()}
        own = Q(starts_on=self.run.starts_on, ends_on=self.run.ends_on)
        rows = (
            LedgerEntry.objects.filter(statement_id__in=ids)
            .order_by()
            .values_list("statement_id")
            .annotate(
                earned=Sum("amount_minor", filter=own, default=0),
                adjusted=Sum("amount_minor", filter=~own, default=0),
                lines=Count("pk"),
            )
        )
        sums = {pk: (earned, adjusted, lines) for pk, earned, adjusted, lines in rows}
        digested = {one.pk: one.digest for one in self._statements.values()}
        # Lines that were there before are read again, so that the digest is of all that stands.
        found = control.digests(
            pk
            for pk, (_, _, lines) in sums.items()
            if lines != len(self._fresh.get(pk, ())) and (pk in self._fresh or not digested[pk])
        )
        for pk, fresh in self._fresh.items():
            if pk not in found:
                found[pk] = control.digest_of(fresh)
        self._save_sums(sums, found)

    def write_first_sums(self, written: Iterable[tuple[int, int, int, str]]) -> None:
        """Write sums that are known: of each statement with lines, all for the run's own period, which had none."""
        rows = list(written)
        self._save_sums(
            {pk: (amount, 0, lines) for pk, amount, lines, _ in rows}, {pk: digest for pk, *_, digest in rows}
        )

    def _save_sums(self, sums: dict[int, tuple[int, int, int]], digests: dict[int, str]) -> None:
        """What was earned, adjusted and how many lines, by statement, and the digests that are others by now."""
        changed = []
        for (rep_id, _), statement in self._statements.items():
            one = self._inputs.get(rep_id)
            before = [getattr(statement, name) for name in _SUMS]
            earned, adjusted, lines = sums.get(statement.pk, (0, 0, 0))
            statement.earned_minor, statement.adjustments_minor = earned, adjusted
            statement.payable_minor = earned + adjusted
            statement.line_count = lines
            statement.basis = one.basis(rep_id) if one else ""
            statement.plan_version_id = one.of(rep_id)[-1].version_id if one else None
            statement.inputs = self.follows_from.get(rep_id, "")
            statement.digest = digests.get(statement.pk, statement.digest)
            if before != [getattr(statement, name) for name in _SUMS]:
                changed.append(statement)
        _save(changed)


def _save(statements: list[Statement]) -> None:
    """Write the columns of ``_SUMS``: on PostgreSQL by one statement over arrays, a tenth of the ORM's work."""
    if connection.vendor != "postgresql":
        Statement.objects.bulk_update(statements, _SUMS, batch_size=200)
        return
    if not statements:
        return
    names = ("id", *_SUMS)
    taken = ", ".join(f"{name} = new.{name}" for name in _SUMS)
    arrays = ", ".join(f"%s::{'text' if name in _TEXTS else 'bigint'}[]" for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {Statement._meta.db_table} old SET {taken} "  # noqa: S608 - names of columns alone
            f"FROM unnest({arrays}) AS new({', '.join(names)}) WHERE old.id = new.id",
            [[getattr(one, name) for one in statements] for name in names],
        )


@dataclass(frozen=True, slots=True)
class _Standing:
    """What stands in the ledger for a source: its sum, the last line's sequence and number, its event."""

    amount_minor: int
    sequence: int
    line_id: int
    event_id: int | None


def _kind(change: Change, is_first: bool) -> str:
    """What the line is: of its own kind at first, afterwards a correction."""
    if change.wanted is None:
        return EntryKind.ADJUSTMENT.value
    line = change.wanted.line
    if is_first:
        return line.kind
    taken_back = line.event is not None and line.event.ended is not None and change.delta.amount_minor < 0
    return (EntryKind.CLAWBACK if taken_back and line.kind in _EARNED else EntryKind.ADJUSTMENT).value


def _said(delta: Delta[Source], wanted: Earned) -> dict[str, Any]:
    """What the line says about its arithmetic."""
    line, event = wanted.line, wanted.line.event
    measured = line.component.measure if line.component else None
    base_minor, share = None, 0
    if measured is not None and event is not None and line.parts:
        base_minor = event.amount_minor if measured.sums_amounts else None
        share = event.share
        if base_minor is not None and event.conversion is not None:
            base_minor = round_half_up(event.worth)
    elif measured is None:
        base_minor = int(line.base)
    parts: list[list[str | int]] = []
    if len(line.parts) > 1 or (line.parts and not _is_plain(line)):
        parts = [[part.band, part.rate, part.amount_minor, str(part.base)] for part in line.parts]
    return {
        "plan_version_id": wanted.version_id,
        "component_name": line.component_name,
        "base_minor": base_minor,
        "share": share,
        "place": line.place or None,
        "band": line.band,
        "rate": line.rate,
        "exact": str(line.exact),
        "formula": line.formula if not delta.posted_minor else _difference(f"Now {line.formula}", delta),
        "parts": parts,
        "terms": line.terms,
        "conversion": line.converted,
    }


def _is_plain(line: Line) -> bool:
    """Whether a reader of the entry can work out the base from amount and share alone."""
    if line.event is None or line.component is None or line.component.measure.of == "figure":
        return False
    whole = (line.event.amount_minor or 0) if line.component.measure.sums_amounts else 1
    return line.base.numerator * WHOLE_SHARE == whole * line.event.share * line.base.denominator


def _said_of_gone(delta: Delta[Source], last: LedgerEntry | None) -> dict[str, Any]:
    """What a line says that takes back what is no longer earned: what ``last`` said, and nothing for it."""
    assert last is not None, "what is gone was posted before"
    return {
        "plan_version_id": last.plan_version_id,
        "component_name": last.component_name,
        "base_minor": last.base_minor,
        "share": last.share,
        "place": None,
        "band": "",
        "rate": "",
        "exact": "0",
        "formula": _difference(f"Now {words.money(0, delta.key.currency)}", delta),
        "parts": [],
        "terms": (),
        "conversion": last.conversion,
    }


def _difference(now: str, delta: Delta[Source]) -> str:
    currency = delta.key.currency
    return (
        f"{now}; posted before {words.money(delta.posted_minor, currency)}; "
        f"difference {words.money(delta.amount_minor, currency)}"
    )
