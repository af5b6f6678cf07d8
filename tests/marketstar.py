"""The real CRM export, imported once for all that ask for it (not ours to ship: skipped where it is not there).

To import it takes most of a minute, so its files are tested by one process, one after the other
(``tests/conftest.py``), and the export stands from the first to the last (``tests/stage.py``).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import transaction

from apps.integrations.services import imports, mappings, passes
from apps.reps.models import Rep, Team
from apps.reps.services import imports as reps
from tests.stage import staged_for_files

AT = datetime(2022, 11, 1, 8, 0, tzinfo=UTC)
"""When it is imported: after the newest row of the export."""

FILES = ("Employees.csv", "Quotas.csv", "Leads.csv", "Opportunities.csv")
MAPPING = "crm_export_sdr_team"


@dataclass(frozen=True)
class MarketStar:
    """What a test asks for: the team, its reps by their id in the export, the files, the instant.

    ``figures`` is what the import said of each kind: rows, new, skipped …, and how often each warning.
    """

    team: Team
    reps: dict[str, Rep]
    folder: Path
    at: datetime
    figures: dict[str, dict]

    def rep(self, external_id: str) -> Rep:
        return self.reps[external_id]


def document() -> dict:
    """The shipped mapping of this layout."""
    known = mappings.find(f"shipped:{MAPPING}")
    assert known is not None
    return known.document


def take_in(folder: Path, *, at: datetime = AT) -> dict[str, dict]:
    """Check and write in one go, without the page's run and job; the figures by kind."""
    mapping = mappings.parsed(document())
    files = [(folder / name, name) for name in FILES]
    reps.team_for(
        name=mapping.team.name, currency=mapping.team.currency, time_zone=mapping.team.time_zone, at=at
    )
    opened = passes.open_files(mapping=mapping, files=files)
    context = imports.context_for(mapping=mapping, at=at)
    # The export is as new as its newest row, an answer of that day (a check finds this out by itself).
    context.as_of = datetime(2022, 10, 13, tzinfo=ZoneInfo(settings.COMPANY_TIME_ZONE))
    tallies = passes.go_over(
        files=opened, context=context, listener=passes.Listener(), write=True, transaction=transaction.atomic
    )
    return {one.layout.kind.name: tallies[one.position].as_json() for one in opened}


@pytest.fixture
@staged_for_files
def marketstar(marketstar_dir: Path, db: None) -> MarketStar:
    """The export as the portal has it after its import."""
    figures = take_in(marketstar_dir)
    team = Team.objects.get(name="SDR team")
    found = {rep.external_id: rep for rep in Rep.objects.filter(team=team).select_related("team")}
    return MarketStar(team, found, marketstar_dir, AT, figures)
