"""A frozen ranking and a frozen scorecard are kept by the database, whoever asks; what is open is made anew."""

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core.periods import month_of
from apps.scorecards.models import RankingRow, RankingSnapshot, Scorecard
from apps.scorecards.services import cards, frozen_rankings, rankings
from tests.cast import NOW, Cast
from tests.stage import staged

OCTOBER = month_of(date(2026, 10, 1))


@pytest.fixture
@staged
def frozen(cast: Cast) -> RankingSnapshot:
    cards.freeze_month(month=OCTOBER, at=NOW)
    return RankingSnapshot.objects.get(month_on=OCTOBER.start)


def refused(sql: str, *params: object) -> str:
    with (
        pytest.raises(DatabaseError) as told,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, params)
    return str(told.value)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE scorecards_rankingsnapshot SET frozen_at = NULL, month_on = NULL WHERE id = %s",
        "UPDATE scorecards_rankingsnapshot SET fingerprint = 'other' WHERE id = %s",
        "DELETE FROM scorecards_rankingsnapshot WHERE id = %s",
        "UPDATE scorecards_rankingrow SET rank = 9 WHERE snapshot_id = %s",
        "DELETE FROM scorecards_rankingrow WHERE snapshot_id = %s",
        (
            'INSERT INTO scorecards_rankingrow (snapshot_id, rep_id, "group", group_name, currency, "index", rank,'
            ' "of", tier_before, tier_after, move, reason, is_ramping, metrics)'
            ' SELECT snapshot_id, rep_id, "group", group_name, currency, "index", rank, "of", tier_before,'
            " tier_after, move, reason, is_ramping, metrics FROM scorecards_rankingrow WHERE snapshot_id = %s"
        ),
    ],
)
def test_a_frozen_ranking_is_neither_changed_nor_deleted_nor_added_to(frozen, sql):
    before = list(frozen.rows.order_by("pk").values())
    assert before
    assert "a frozen ranking is not changed" in refused(sql, frozen.pk)
    frozen.refresh_from_db()
    assert frozen.is_frozen
    assert list(frozen.rows.order_by("pk").values()) == before
    assert frozen_rankings.is_as_recorded(frozen)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE scorecards_scorecard SET state = 'open', frozen_at = NULL, fingerprint = '' WHERE id = %s",
        "DELETE FROM scorecards_scorecard WHERE id = %s",
    ],
)
def test_a_frozen_scorecard_is_neither_opened_nor_deleted(frozen, sql):
    card = Scorecard.objects.filter(month_on=OCTOBER.start).first()
    assert card is not None
    assert "a frozen scorecard is not changed" in refused(sql, card.pk)
    assert Scorecard.objects.get(pk=card.pk).fingerprint == card.fingerprint


def test_the_orm_is_refused_as_well(frozen):
    for act in (
        frozen.delete,
        lambda: RankingSnapshot.objects.filter(pk=frozen.pk).update(is_applied=False),
        lambda: RankingRow.objects.filter(snapshot=frozen).update(reason=""),
        lambda: Scorecard.objects.filter(month_on=OCTOBER.start).update(copy={}),
    ):
        with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
            act()


def test_an_open_ranking_is_made_anew(frozen, cast):
    later = NOW + timedelta(days=1)
    first = rankings.recompute_rankings(as_of=later.date(), at=later).snapshot
    RankingRow.objects.filter(snapshot=first).update(reason="Other words")
    RankingSnapshot.objects.filter(pk=first.pk).update(fingerprint="other")
    again = rankings.recompute_rankings(as_of=later.date(), at=later)
    assert again.is_new
    assert again.snapshot.pk != first.pk
