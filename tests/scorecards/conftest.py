"""The clock of these tests: it is always the cast's moment, so that "today" and "last month" are known."""

from datetime import datetime

import pytest
from django.utils import timezone

from tests.cast import NOW


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Thursday 12 November 2026: October is the last whole month."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    return NOW
