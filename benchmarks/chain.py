"""Verifying the chain of seals, against a bare loop that hashes the same canonical bytes row by row in memory.

    .venv/bin/python benchmarks/chain.py [--rows 1000000] [--table audit.AuditEntry]

The scratch database is ``benchmarks.measure``'s. Rows are made set-based. A tenth of them is verified in the same
run, so that the growth is told too; memory is the process's own peak over what it held before.
"""

import argparse
import hashlib
import resource
import statistics
from datetime import UTC, datetime

from measure import ROUNDS, compare, seconds, start_django

start_django()

from django.db import connection  # noqa: E402

from apps.audit import chained  # noqa: E402
from apps.audit.models import AuditEntry, Seal  # noqa: E402
from apps.audit.selectors.rows import read_lines  # noqa: E402
from apps.audit.services import sealing, verifying  # noqa: E402

NOW = datetime.now(UTC)
NUMBERS = {
    "postgresql": "SELECT n FROM generate_series(%s, %s) AS t(n)",
    "sqlite": "WITH RECURSIVE t(n) AS (SELECT %s UNION ALL SELECT n + 1 FROM t WHERE n < %s) SELECT n FROM t",
}
DATA = {
    "postgresql": "jsonb_build_object('from', 'stage_' || n %% 7, 'to', 'stage_' || n %% 5, 'number', n)",
    "sqlite": "json_object('from', 'stage_' || n %% 7, 'to', 'stage_' || n %% 5, 'number', n)",
}


def make_rows(first: int, last: int) -> None:
    at = (
        "now() - n * interval '1 second'"
        if connection.vendor == "postgresql"
        else "'2026-03-01 09:00:00.125000'"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditentry (at, actor_id, verb, subject_type, subject_id, data, origin)"
            f" SELECT {at}, NULL, 'leads.hand_off.accepted', 'leads.HandOff', n, {DATA[connection.vendor]},"
            f" '10.0.0.' || n %% 250 FROM ({NUMBERS[connection.vendor]}) AS numbers",
            [first, last],
        )
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE audit_auditentry")


def seal() -> float:
    return seconds(lambda: sealing.seal_records(at=NOW, limit=100_000_000))


def verified() -> None:
    verdict = verifying.verify_records()
    assert verdict.holds, verdict.breaks


def canonical_bytes() -> list[bytes]:
    table = chained.table_called("audit.AuditEntry")
    assert table is not None
    lines: list[bytes] = []
    after = 0
    highest = AuditEntry.objects.order_by("-pk")[0].pk
    while after < highest:
        some = read_lines(table, 1, after=after, last=highest, limit=50_000)
        lines += some
        after = int(some[-1].split(b"\t", 1)[0])
    return lines


def bare(lines: list[bytes]) -> None:
    """One hash a row, each over the one before: what a chain by the row costs without a database."""
    hashed = b"\0" * 32
    for line in lines:
        hashed = hashlib.sha256(hashed + line).digest()


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows: int = parser.parse_args().rows
    tenth = rows // 10
    make_rows(1, tenth)
    seal()
    verified()
    small = statistics.median(seconds(verified) for _ in range(ROUNDS))
    held = peak()
    make_rows(tenth + 1, rows)
    sealed = seal()
    large = statistics.median(seconds(verified) for _ in range(ROUNDS))
    grown = (peak() - held) / 1024
    print(f"{rows:,} rows in {Seal.objects.count():,} seals ({connection.vendor})")
    print(f"{'sealed the last nine tenths in':<48} {sealed * 1000:10.2f} ms")
    print(f"{f'verified {tenth:,} rows in':<48} {small * 1000:10.2f} ms")
    print(f"{f'verified {rows:,} rows in':<48} {large * 1000:10.2f} ms   {large / small:8.2f} x the tenth")
    print(f"{'memory over what a tenth took, sealing included':<48} {grown:10.1f} MB")
    lines = canonical_bytes()
    print(f"{sum(map(len, lines)) / len(lines):.0f} canonical bytes a row")
    compare(("bare hash loop, bytes in memory", lambda: bare(lines)), ("verify_records", verified))


if __name__ == "__main__":
    main()
