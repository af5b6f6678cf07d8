"""The document that people read says what the routes say."""

from pathlib import Path

from apps.portal.management.commands.permissions_table import table


def test_the_permissions_document_is_current() -> None:
    document = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"
    assert document.read_text() == table(), "run: manage.py permissions_table > docs/permissions.md"
