"""``kill -9`` of a real process in the middle of an import, and the same command again."""

import sqlite3
from pathlib import Path

import pytest

from tests.integrations.export import as_csv
from tests.processes import installation, kill, wait_until

LEADS = 6_000
MAPPING = "apps/integrations/mappings/leads_basic.json"


def _count(folder: Path, table: str) -> int:
    with sqlite3.connect(f"file:{folder / 'portal.sqlite3'}?mode=ro", uri=True) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.mark.processes
@pytest.mark.slow
def test_a_killed_command_loses_and_doubles_nothing(migrated: Path, tmp_path: Path) -> None:
    header = ("Email", "Captured at", "Full name", "Company")
    rows = (
        (f"p{n}@c{n % 500}.example", "2026-03-01", f"Person {n}", f"Company {n % 500}") for n in range(LEADS)
    )
    path = as_csv([header, *rows], tmp_path / "leads.csv")
    command = ("import_data", "--mapping", MAPPING, str(path))
    with installation(tmp_path / "portal", like=migrated) as portal:
        process = portal.start("manage.py", *command)
        wait_until(lambda: _count(portal.folder, "leads_lead") > 0, what="the first batch")
        kill(process)
        part = _count(portal.folder, "leads_lead")
        assert part % 2_000 == 0, "whole batches only"
        printed = portal.manage(*command)
        assert f"leads.csv  {LEADS:,}    0        0  {LEADS:,}" in printed, (
            "the second run found all of them there"
        )
        assert _count(portal.folder, "leads_lead") == LEADS
        assert _count(portal.folder, "leads_funnelevent") == LEADS
        assert _count(portal.folder, "integrations_importedrow") == LEADS
        assert _count(portal.folder, "leads_account") == 500
