"""Several at once over one month and one card: closed as of one instant, signed once each, an action closed once."""

from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest

from apps.core.errors import DomainError
from apps.core.periods import month_of
from apps.scorecards.models import ActionOutcome, Scorecard, ScorecardSignature, SignedAs
from apps.scorecards.selectors.card_copies import from_json
from apps.scorecards.services import card_actions, cards
from tests.cast import NOW, Cast
from tests.jobs.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
OCTOBER = month_of(date(2026, 10, 1))
CLOSED_AT = datetime(2026, 11, 2, 5, tzinfo=UTC)


def outcome(act):
    try:
        return act()
    except DomainError as error:
        return type(error)


def test_a_month_that_three_close_at_once_is_closed_once_and_as_of_one_instant(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cards, "REPS_AT_ONCE", 2)
    turns = count()
    found = at_once(
        3, lambda: cards.freeze_month(month=OCTOBER, at=CLOSED_AT + timedelta(seconds=next(turns))).frozen
    )
    rows = list(Scorecard.objects.frozen())
    assert sum(found) == len(rows) == 6
    assert len({row.frozen_at for row in rows}) == 1
    assert {from_json(row.copy).as_of for row in rows} == {rows[0].frozen_at}


def test_of_four_signatures_and_four_closings_at_once_one_counts(cast: Cast):
    cards.freeze_month(month=OCTOBER, at=CLOSED_AT)
    rep = cast.rep(cast.ae)
    card = Scorecard.objects.get(rep=rep, month_on=OCTOBER.start)
    found = at_once(
        4,
        lambda: outcome(
            lambda: cards.sign(card=card, user=cast.ae, fingerprint=card.fingerprint, at=NOW).signed_as
        ),
    )
    assert found.count(cards.UnableToSign) == 3
    assert ScorecardSignature.objects.count() == 1
    action = card_actions.agree_action(
        rep=rep, month=OCTOBER, text="Listen", owner=SignedAs.REP, due_on=NOW.date(), at=NOW, actor=cast.ae
    )
    found = at_once(
        4,
        lambda: outcome(
            lambda: (
                card_actions.close_action(
                    action=action, outcome=ActionOutcome.DONE, at=NOW, actor=cast.ae
                ).outcome
            )
        ),
    )
    assert found.count(card_actions.UnableToClose) == 3
