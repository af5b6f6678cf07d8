"""Seal what no seal covers yet: a batch of rows at a time, table by table, each seal behind the one before.

Acts never wait for a seal and never for one another on the head of a chain. A round is safe to repeat, two rounds at
once seal nothing twice (a seal's number is unique), and none holds more than one batch in memory.
"""

from datetime import datetime

from django.db import IntegrityError, connection, transaction

from apps.audit import chained
from apps.audit.chained import ChainedTable
from apps.audit.models import Seal, SealedRows
from apps.audit.rules import seals as rules
from apps.audit.rules.seals import Header, RowList
from apps.audit.selectors.rows import last_settled, read_lines

ROWS_PER_SEAL = 20_000
_LOCK = 7_234_119


def seal_records(*, at: datetime, limit: int = 1_000_000, patience: float = 5.0) -> list[Seal]:
    """Seal up to ``limit`` rows of each chained table that no seal covers; the seals that were made.

    A table of which a transaction under way may still show rows in between waits for another round, after
    ``patience`` seconds.
    """
    made: list[Seal] = []
    for table in chained.tables():
        last = last_settled(table, patience=patience)
        left = limit
        while last is not None and left > 0:
            seal = _seal_next(table, last, min(left, ROWS_PER_SEAL), at)
            if seal is None:
                break
            made.append(seal)
            left -= seal.entry_count
    return made


def sealed_up_to(table: ChainedTable) -> int:
    """The last id of ``table`` that a seal covers; 0 before the first."""
    newest = Seal.objects.filter(table=table.label, form=rules.FORM).order_by("-number")
    return newest.values_list("last_id", flat=True).first() or 0


def _seal_next(table: ChainedTable, last: int, limit: int, at: datetime) -> Seal | None:
    """One seal over the next rows; ``None`` when there are none or somebody else seals."""
    try:
        with transaction.atomic():
            if not _alone():
                return None
            return _seal(table, last, limit, at)
    except IntegrityError:
        return None


def _seal(table: ChainedTable, last: int, limit: int, at: datetime) -> Seal | None:
    layout = len(table.layouts)
    after = sealed_up_to(table)
    lines = read_lines(table, layout, after=after, last=last, limit=limit)
    if not lines:
        return None
    listed = RowList.of(lines)
    before = Seal.objects.order_by("-number").values_list("number", "hash").first()
    number, previous = before or (0, rules.GENESIS)
    header = Header(
        number=number + 1,
        sealed_at=at,
        table=table.label,
        layout=layout,
        after_id=after,
        last_id=rules.row_id(lines[-1]),
        row_count=len(lines),
        rows_hash=rules.rows_hash(lines),
        list_hash=listed.hash(),
        previous_hash=previous,
    )
    seal = Seal.objects.create(
        form=rules.FORM,
        number=header.number,
        sealed_at=at,
        table=header.table,
        layout=header.layout,
        after_id=header.after_id,
        last_id=header.last_id,
        entry_count=header.row_count,
        rows_hash=header.rows_hash,
        list_hash=header.list_hash,
        previous_hash=header.previous_hash,
        hash=header.hash(),
    )
    SealedRows.objects.create(seal=seal, ids=listed.ids, digests=listed.digests)
    return seal


def _alone() -> bool:
    """Whether nobody else seals now; SQLite lets one transaction write at a time."""
    if connection.vendor == "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])
