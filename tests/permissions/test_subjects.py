"""The objects that the permission table knocks with are what it says they are."""

import pytest

from apps.leads.models import Account, Contest, FunnelEvent, HandOff, Lead, Meeting, Opportunity
from tests.cast import Cast
from tests.permissions.subjects import SEEN, make_subjects

MODELS = {
    "lead": Lead,
    "hand_off": HandOff,
    "meeting": Meeting,
    "opportunity": Opportunity,
    "event": FunnelEvent,
    "account": Account,
    "contest": Contest,
}


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_a_queryset_shows_each_person_exactly_what_the_table_says(cast: Cast, kind: str) -> None:
    keys = make_subjects(cast)[kind]
    shown = {
        whose: {
            part
            for part, user in cast.everyone().items()
            if MODELS[kind].objects.visible_to(user).filter(pk=keys[whose]).exists()
        }
        for whose in ("own", "team", "foreign")
    }
    assert shown == {whose: set(getattr(SEEN[kind], whose)) for whose in shown}
