"""Who gets which file: every address that sends one is listed, and what the list says is what happens."""

from pathlib import Path

import pytest

from tests.permissions.downloads import DOWNLOADS, document, sends_a_file
from tests.permissions.routes import ROUTES
from tests.permissions.test_table import ALL


def test_every_address_that_sends_a_file_is_listed() -> None:
    found = {name for name, pattern in ALL.items() if sends_a_file(pattern.callback)}
    assert sorted(found) == sorted(DOWNLOADS), "list it in tests/permissions/downloads.py"


def test_each_is_knocked_on_by_everybody() -> None:
    """Role by role, with an own, the team's and a foreign object: ``test_table`` does it for each row of ROUTES."""
    assert set(DOWNLOADS) <= set(ROUTES)


@pytest.mark.parametrize("name", sorted(DOWNLOADS))
def test_no_file_of_pay_is_for_everybody(name: str) -> None:
    route = ROUTES[name]
    assert not route.public
    if name.startswith("compensation:"):
        assert "marketing" not in route.admits


def test_the_document_of_files_is_current() -> None:
    kept = Path(__file__).resolve().parents[2] / "docs" / "downloads.md"
    assert kept.read_text() == document(), "run: python -m tests.permissions.downloads > docs/downloads.md"
