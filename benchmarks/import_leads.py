"""An import of leads beside the database's own way: copy into a staging table, one validated INSERT … SELECT.

    .venv/bin/python benchmarks/import_leads.py [LEADS]

Writes a CSV of LEADS leads (20,000 when not said; one in a hundred has a bad date, one in fifty comes
twice) and takes it in twice over: bare, without events, scores, queue places or messages; and through the
importer, with all of them, checked first. Each round is rolled back. Bare PostgreSQL is COPY.
"""

import csv
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from measure import compare, start_django

if __name__ == "__main__":
    start_django()

from django.db import connection, transaction

from apps.integrations.services import imports, mappings, passes
from apps.reps.services import imports as reps

AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
HEADER = ("Email", "Captured at", "Full name", "Company", "Job title", "Industry", "Staff", "Lead src")


def write_csv(path: Path, count: int) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(count):
            same = number - 1 if number % 50 == 49 else number
            day = "31/31/2026" if number % 100 == 7 else f"2026-0{1 + number % 5}-1{number % 10}"
            writer.writerow(
                (
                    f"p{same}@c{same % 5000}.example",
                    day,
                    f"Person {same}",
                    f"Company {same % 5000}",
                    "Director",
                    "Retail",
                    str(10 * (1 + number % 100)),
                    "Web registration",
                )
            )


def rolled_back(work: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        with transaction.atomic():
            work()
            transaction.set_rollback(True)

    return run


def bare(path: Path) -> None:
    """Staging table, then the rows with a date that reads, each address once."""
    is_postgres = connection.vendor == "postgresql"
    columns = ", ".join(f"c{place} text" for place in range(len(HEADER)))
    # What the model fills in by itself, as the database wants it.
    rest = {
        "phone": "''", "city": "''", "time_zone": "''", "campaign": "''", "is_inbound": "TRUE", "score": "'C'",
        "score_points": "0", "score_reasons": "'[]'", "is_exploration": "FALSE", "stage": "'mcl'",
        "stage_reason": "''", "do_not_contact": "FALSE", "touch_count": "0", "next_channel": "''",
        "source_system": "''", "external_id": "''",
    }  # fmt: skip
    taken = {
        "email": "c0",
        "created_at": "c1::timestamptz" if is_postgres else "c1 || ' 00:00:00'",
        "name": "c2",
        "company": "c3",
        "title": "c4",
        "industry": "c5",
        "employees": "c6::int" if is_postgres else "CAST(c6 AS INTEGER)",
        "source": "c7",
    }
    valid = r"c1 ~ '^\d{4}-\d{2}-\d{2}$'" if is_postgres else "c1 GLOB '[0-9][0-9][0-9][0-9]-[0-9]*-[0-9]*'"
    order = "ctid" if is_postgres else "rowid"
    with connection.cursor() as cursor, path.open(newline="") as file:
        cursor.execute(f"CREATE TEMPORARY TABLE staging ({columns})")
        if is_postgres:
            with cursor.copy("COPY staging FROM STDIN WITH (FORMAT csv, HEADER)") as copy:
                while piece := file.read(1 << 20):
                    copy.write(piece)
        else:
            rows = csv.reader(file)
            next(rows)
            cursor.executemany(f"INSERT INTO staging VALUES ({', '.join(['%s'] * len(HEADER))})", rows)
        names, values = ", ".join([*taken, *rest]), ", ".join([*taken.values(), *rest.values()])
        cursor.execute(
            f"INSERT INTO leads_lead ({names}) SELECT {values} FROM ("
            f"SELECT *, row_number() OVER (PARTITION BY c0 ORDER BY {order}) AS nth FROM staging WHERE {valid}"
            ") AS good WHERE nth = 1"
        )
        cursor.execute("DROP TABLE staging")


def product(path: Path, *, write: bool) -> dict:
    known = mappings.find("shipped:leads_basic")
    assert known is not None
    mapping = mappings.parsed(known.document)
    opened = passes.open_files(mapping=mapping, files=[(path, path.name)])
    context = imports.context_for(mapping=mapping, at=AT)
    tallies = passes.go_over(
        files=opened, context=context, listener=passes.Listener(), write=write, transaction=transaction.atomic
    )
    return tallies[0].as_json()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    path = Path(tempfile.mkdtemp()) / "leads.csv"
    write_csv(path, count)
    with transaction.atomic():
        reps.team_for(name="Imported leads", currency="EUR", time_zone="Europe/Berlin", at=AT)
    figures = product(path, write=False)
    taken, refused = figures["new"], figures["refused"]
    print(f"{connection.vendor}, {count:,} rows: {taken:,} good, {refused:,} refused or twice")

    def check() -> None:
        product(path, write=False)

    def check_and_write() -> None:
        product(path, write=False)
        product(path, write=True)

    compare(
        ("bare: staging, one INSERT … SELECT", rolled_back(lambda: bare(path))),
        ("importer: dry run", check),
        ("importer: write", rolled_back(lambda: product(path, write=True))),
        ("importer: dry run and write", rolled_back(check_and_write)),
    )


if __name__ == "__main__":
    main()
