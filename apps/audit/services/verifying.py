"""Recompute every seal from the rows as they are, and say of each break which row or seal it is.

Rows are read in bounded batches, many small seals at once, and hashed a seal at a time; only where a hash differs is
each row looked at by its own digest.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any, Protocol

from django.db import transaction

from apps.audit import chained
from apps.audit.models import Seal, SealedRows, Verification
from apps.audit.origin import current_origin
from apps.audit.rules import seals as rules
from apps.audit.rules.seals import Header, RowList
from apps.audit.rules.verdicts import Anchor, Break, Verdict
from apps.audit.selectors import first_form
from apps.audit.selectors.rows import Lines, Stretch, TwoReaders
from apps.audit.selectors.state import unsealed
from apps.audit.services.entries import record

ROWS_AT_ONCE = 20_000
MOST_BREAKS = 100
_SEALS_ASKED = 400


class Steps(Protocol):
    """Who follows the work; ``jobs.context.JobContext`` is one."""

    def progress(self, done: int, total: int | None = None, note: str = "") -> None: ...


def verify_records(*, anchors: Sequence[Anchor] = (), steps: Steps | None = None) -> Verdict:
    """Verify the whole chain, and that the seals which ``anchors`` noted are still in it."""
    verdict = Verdict()
    total = sum(Seal.objects.values_list("entry_count", flat=True).iterator()) if steps else None
    noted = {anchor.seal: anchor for anchor in anchors}
    chain = _Chain(verdict, noted)
    with TwoReaders() as readers:
        waiting = _Waiting(verdict, readers)
        for seal in Seal.objects.order_by("number").iterator(chunk_size=2_000):
            if chain.follows(seal):
                waiting.add(seal)
            if steps is not None:
                steps.progress(min(verdict.rows, total or 0), total, "Rows verified")
        waiting.look_at_all()
    chain.finish()
    verdict.breaks.sort(key=lambda one: (one.seal, one.row or 0))
    verdict.unsealed = unsealed()
    return verdict


@transaction.atomic
def keep_verdict(
    *, verdict: Verdict, at: datetime, actor: Any = None, against: Anchor | None = None
) -> Verification:
    """Keep what a verification found, and that it was made."""
    kept = Verification.objects.create(
        at=at,
        by=actor if getattr(actor, "pk", None) else None,
        origin=current_origin(),
        seal_count=verdict.seals,
        row_count=verdict.rows,
        head_number=verdict.head_number,
        head_hash=verdict.head_hash,
        unsealed=verdict.unsealed,
        breaks=[one.plain() for one in verdict.breaks],
        against={"seal": against.seal, "hash": against.hash} if against else None,
    )
    data = {"holds": verdict.holds, "seals": verdict.seals, "rows": verdict.rows, "head": verdict.head_hash}
    record(verb="audit.records.verified", subject=kept, at=at, actor=actor, data=data)
    return kept


def earlier_heads() -> list[Anchor]:
    """The furthest head that a kept verification saw: a chain that ends before it was cut off."""
    seen = Verification.objects.exclude(head_number=0).order_by("-head_number", "pk").first()
    return [Anchor(seen.head_number, seen.head_hash, f"verification {seen.pk}")] if seen else []


class _Chain:
    """Goes along the seals and says which do not follow from the one before."""

    def __init__(self, verdict: Verdict, noted: dict[int, Anchor]) -> None:
        self.verdict = verdict
        self.noted = noted
        self.sealed_up_to: dict[str, int] = {}

    def follows(self, seal: Seal) -> bool:
        """Look at one seal; whether its rows can be looked at."""
        said = self.verdict
        previous, expected = said.head_hash or rules.GENESIS, said.head_number + 1
        said.seals += 1
        said.head_number, said.head_hash = seal.number, seal.hash
        if seal.number != expected:
            self._note_missing(expected, seal.number - 1, seal.table)
        elif seal.previous_hash != previous:
            _note(said, Break(seal.number, seal.table, None, "seal_order", _REMADE))
        self._hold_against(seal)
        if seal.form == 1:
            said.rows += seal.entry_count
            if why := first_form.why_not(seal):
                _note(said, Break(seal.number, seal.table, None, "seal_altered", why))
            return False
        if _header(seal).hash() != seal.hash:
            _note(
                said,
                Break(seal.number, seal.table, None, "seal_altered", "Its hash is not that of what it says."),
            )
        before = self.sealed_up_to.get(seal.table, 0)
        self.sealed_up_to[seal.table] = seal.last_id
        if before != seal.after_id and seal.number == expected:
            why = f"It begins behind row {seal.after_id}, and the seal before ends at row {before}."
            _note(said, Break(seal.number, seal.table, None, "seal_order", why))
        table = chained.table_called(seal.table)
        if table is None or not 0 < seal.layout <= len(table.layouts):
            why = f"This release knows no layout {seal.layout} of {seal.table}, so its rows cannot be looked at."
            _note(said, Break(seal.number, seal.table, None, "seal_altered", why))
            return False
        return True

    def _note_missing(self, first: int, last: int, table: str) -> None:
        why = "" if first == last else f"So are all up to seal {last}."
        _note(self.verdict, Break(first, table, None, "seal_missing", why))

    def _hold_against(self, seal: Seal) -> None:
        anchor = self.noted.pop(seal.number, None)
        if anchor is not None and anchor.hash != seal.hash:
            why = f"It was {anchor.hash[:12]}… in {anchor.said_by} and is {seal.hash[:12]}… now."
            _note(self.verdict, Break(seal.number, seal.table, None, "cut_off", why))

    def finish(self) -> None:
        """What was noted of seals that are not there: the end of the chain was cut off."""
        for number, anchor in sorted(self.noted.items()):
            why = (
                f"The chain ends at seal {self.verdict.head_number}, and {anchor.said_by} saw seal {number}."
            )
            _note(self.verdict, Break(number, "", None, "seal_missing", why))


class _Waiting:
    """Seals whose rows are looked at together, by table and layout, until they are many enough."""

    def __init__(self, verdict: Verdict, readers: TwoReaders) -> None:
        self.verdict = verdict
        self.readers = readers
        self.seals: dict[tuple[str, int], list[Seal]] = {}
        self.rows: dict[tuple[str, int], int] = {}
        self.full: list[list[Seal]] = []

    def add(self, seal: Seal) -> None:
        key = (seal.table, seal.layout)
        present = self.seals.get(key)
        # Rows are read in one go: seals that leave some out between them are looked at apart.
        if present and (
            present[-1].last_id != seal.after_id or self.rows[key] + seal.entry_count > ROWS_AT_ONCE
        ):
            self._fill(key)
        self.seals.setdefault(key, []).append(seal)
        self.rows[key] = self.rows.get(key, 0) + seal.entry_count

    def look_at_all(self) -> None:
        for key in list(self.seals):
            self._fill(key)
        self._look()

    def _fill(self, key: tuple[str, int]) -> None:
        self.full.append(self.seals.pop(key))
        del self.rows[key]
        if len(self.full) == 2:
            self._look()

    def _look(self) -> None:
        if not self.full:
            return
        asked = [_stretch(seals) for seals in self.full]
        read = self.readers.read(asked[0], asked[1] if len(asked) == 2 else None)
        for seals, lines in zip(self.full, read, strict=True):
            self._look_at(seals, lines)
        self.full.clear()

    def _look_at(self, seals: list[Seal], lines: Lines) -> None:
        self.verdict.rows += sum(seal.entry_count for seal in seals)
        lists = _lists(seals)
        for seal, own, holds in _shared_out(seals, lines):
            listed = lists.get(seal.pk)
            if listed is None or listed.hash() != seal.list_hash:
                why = "Its rows are known by their common hash alone."
                _note(self.verdict, Break(seal.number, seal.table, None, "list_altered", why))
                listed = None
            if not holds:
                for one in _located(seal, listed, own):
                    _note(self.verdict, one)


def _stretch(seals: Sequence[Seal]) -> Stretch:
    table = chained.table_called(seals[0].table)
    assert table is not None
    return Stretch(table, seals[0].layout, seals[0].after_id, seals[-1].last_id)


def _lists(seals: Sequence[Seal]) -> dict[int, RowList]:
    found: dict[int, RowList] = {}
    for start in range(0, len(seals), _SEALS_ASKED):
        some = [seal.pk for seal in seals[start : start + _SEALS_ASKED]]
        for row in SealedRows.objects.filter(seal__in=some).order_by("pk"):
            found[row.seal_id] = RowList(bytes(row.ids), bytes(row.digests))
    return found


def _shared_out(seals: Sequence[Seal], read: Lines) -> Iterator[tuple[Seal, list[bytes], bool]]:
    """Each seal, its lines, and whether it holds: by number where all do, else by their ids.

    The lines of a seal that is alone and holds are not told apart: nobody asks for them.
    """
    if len(seals) == 1 and read.hash == seals[0].rows_hash:
        yield seals[0], [], True
        return
    lines = read.apart()
    ends = list(accumulate(seal.entry_count for seal in seals))
    shares = [lines[end - seal.entry_count : end] for seal, end in zip(seals, ends, strict=True)]
    held = [rules.rows_hash(own) == seal.rows_hash for seal, own in zip(seals, shares, strict=True)]
    if len(lines) == ends[-1] and all(held):
        yield from zip(seals, shares, held, strict=True)
        return
    for seal in seals:
        own = [line for line in lines if seal.after_id < rules.row_id(line) <= seal.last_id]
        yield seal, own, rules.rows_hash(own) == seal.rows_hash


def _located(seal: Seal, listed: RowList | None, lines: Iterable[bytes]) -> Iterator[Break]:
    """Which rows differ; the seal itself where the list of its rows cannot tell."""
    found = rules.differences(listed.by_id(), lines) if listed is not None else []
    for one in found:
        yield Break(seal.number, seal.table, one.row, one.kind, one.why)
    if not found:
        why = f"The rows {seal.after_id + 1} to {seal.last_id} of {seal.table} no longer give its hash."
        yield Break(seal.number, seal.table, None, "seal_altered", why)


def _header(seal: Seal) -> Header:
    return Header(
        number=seal.number,
        sealed_at=seal.sealed_at,
        table=seal.table,
        layout=seal.layout,
        after_id=seal.after_id,
        last_id=seal.last_id,
        row_count=seal.entry_count,
        rows_hash=seal.rows_hash,
        list_hash=seal.list_hash,
        previous_hash=seal.previous_hash,
    )


def _note(verdict: Verdict, one: Break) -> None:
    if len(verdict.breaks) < MOST_BREAKS:
        verdict.breaks.append(one)
    else:
        verdict.more += 1


_REMADE = "It, or the one before, was made anew."
