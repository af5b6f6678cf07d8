"""Kill the process that writes an import, at random moments, until it is done: no row is lost and none is doubled.

    .venv/bin/python benchmarks/prove_import.py [--rows 100000] [--kills 10] [--seed N]

A CSV of that many leads (one in a hundred has a bad date, one in fifty comes twice) is checked, and written by a
process of its own, which is ended by ``kill -9`` as often as said; after each time another process goes on. After
every kill what is there must be whole rows, in the end exactly those that an undisturbed import leaves. Prints the
seed first, ends with 1 at the first difference. PostgreSQL unless DATABASE_URL says otherwise.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from measure import start_django

start_django()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402
from import_leads import write_csv  # noqa: E402

from apps.integrations.models import ImportedRow, ImportRun, RunState  # noqa: E402
from apps.integrations.services import imports, mappings, storage  # noqa: E402
from apps.jobs import services as jobs  # noqa: E402
from apps.jobs.models import Job  # noqa: E402
from apps.leads.models import FunnelEvent, Lead  # noqa: E402


class Different(AssertionError):
    """What is there is not what should be."""


def begin(path: Path) -> tuple[ImportRun, Job]:
    """Check the file and have its good rows written, by nobody yet."""
    known = mappings.find("shipped:leads_basic")
    if known is None:
        raise Different("The mapping of plain lists is gone.")
    at = timezone.now()
    run = imports.start_import(files=[(path.name, storage.pieces_of(path))], document=known.document, at=at)
    run = imports.check_import(run=run, at=at)
    return run, imports.commit_import(run=run, at=at, take_good_rows=True)


def fork(job_id: int) -> int:
    """A process that writes the import, or goes on with it; returns its number."""
    connection.close()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        jobs.run(job_id=job_id, clock=timezone.now)
        code = 0
    finally:
        os._exit(code)


def written(run: ImportRun) -> int:
    """How many rows are there, once it was looked that each of them is whole and there once."""
    connection.close()
    leads = Lead.objects.filter(source_system="lead_list")
    ids = set(leads.values_list("external_id", flat=True))
    events = Counter(
        FunnelEvent.objects.filter(lead__source_system="lead_list").values_list(
            "lead__external_id", flat=True
        )
    )
    known = set(ImportedRow.objects.filter(system="lead_list").values_list("external_id", flat=True))
    if leads.count() != len(ids):
        raise Different("A lead is there twice.")
    if ids != known or ids != set(events) or set(events.values()) - {1}:
        raise Different(
            f"Leads {len(ids):,}, remembered {len(known):,}, with events {len(events):,}: not the same rows."
        )
    return len(ids)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    jobs._wake = lambda job_id: None  # type: ignore[assignment]  # the processes here are the only workers
    rng = Random(given.seed)
    path = Path(tempfile.mkdtemp()) / "leads.csv"
    write_csv(path, given.rows)
    run, job = begin(path)
    expected = run.files.get().checked["new"]
    killed, began = 0, time.perf_counter()
    while killed < given.kills:
        child = fork(job.pk)
        time.sleep(rng.uniform(0.2, 3.0))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        killed += 1
        there = written(run)
        print(f"kill {killed}: {there:,} of {expected:,} rows, all of them whole", flush=True)
        if there == expected:
            break
    os.waitpid(fork(job.pk), 0)
    there = written(run)
    run.refresh_from_db()
    if run.state != RunState.DONE or there != expected or run.files.get().written["new"] != expected:
        raise Different(f"{there:,} rows instead of {expected:,}; the import is {run.get_state_display()}.")
    seconds = time.perf_counter() - began
    print(
        f"{given.rows:,} rows, {killed} kills: exactly the {expected:,} rows that should be there ({seconds:.0f} s)"
    )


if __name__ == "__main__":
    try:
        main()
    except Different as error:
        print(error)
        sys.exit(1)
