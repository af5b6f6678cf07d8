"""The funnel record: nothing in it is changed or deleted, one fact is one row, a mistake is reversed once."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction
from hypothesis import given
from hypothesis import strategies as st

from apps.leads.models import WHOLE_SHARE, Capacity, EventCredit, EventKind, FunnelEvent, Source
from apps.leads.services.record import (
    Credit,
    NewEvent,
    SharesDoNotSum,
    SourceKeyTaken,
    UnableToReverse,
    record_event,
    record_events,
    reverse_event,
    sourced,
)
from tests.cast import NOW, Cast, assemble


def _new(key: str = "k", **changed: Any) -> NewEvent:
    facts: dict[str, Any] = {
        "kind": EventKind.TOUCHED,
        "occurred_at": NOW,
        "source": Source.PAGE,
        "source_key": key,
    }
    return NewEvent(**facts | changed)


class TestAppendOnly:
    @pytest.mark.parametrize("table", ["leads_funnelevent", "leads_eventcredit"])
    @pytest.mark.parametrize("verb", ["UPDATE {table} SET id = id", "DELETE FROM {table}"])
    def test_raw_sql_is_refused(self, cast: Cast, table: str, verb: str) -> None:
        record_event(event=_new(credits=sourced(cast.rep(cast.sdr))), at=NOW)
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(verb.format(table=table))

    def test_the_orm_is_refused(self, cast: Cast) -> None:
        event = record_event(event=_new(), at=NOW)
        event.amount_minor = 1
        for act in (
            event.save,
            event.delete,
            lambda: FunnelEvent.objects.update(amount_minor=1, currency="EUR"),
        ):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                act()


class TestRecord:
    def test_the_same_fact_twice_is_one_row(self, cast: Cast) -> None:
        first = record_event(event=_new(), at=NOW)
        assert record_event(event=_new(), at=NOW + timedelta(days=1)) == first
        assert record_events(events=[_new(), _new("other")], at=NOW)[0].source_key == "other"
        assert FunnelEvent.objects.count() == 2

    @pytest.mark.parametrize(
        "changed",
        [
            {"kind": EventKind.MQL},
            {"occurred_at": NOW + timedelta(seconds=1)},
            {"amount_minor": 1, "currency": "EUR"},
        ],
    )
    def test_the_same_key_for_another_fact_is_refused(self, cast: Cast, changed: dict[str, Any]) -> None:
        record_event(event=_new(), at=NOW)
        with pytest.raises(SourceKeyTaken):
            record_event(event=_new(**changed), at=NOW)

    def test_one_batch_cannot_name_a_key_twice(self, cast: Cast) -> None:
        with pytest.raises(SourceKeyTaken):
            record_events(events=[_new(), _new()], at=NOW)

    @pytest.mark.parametrize("shares", [(WHOLE_SHARE - 1,), (WHOLE_SHARE, 1), (600_000, 399_999)])
    def test_shares_must_make_a_whole(self, cast: Cast, shares: tuple[int, ...]) -> None:
        reps = (cast.rep(cast.sdr), cast.rep(cast.teammate))
        credited = [Credit(rep, Capacity.SOURCED, share) for rep, share in zip(reps, shares, strict=False)]
        with pytest.raises(SharesDoNotSum):
            record_event(event=_new(credits=credited), at=NOW)
        assert not FunnelEvent.objects.exists()


class TestReverse:
    def test_the_first_stays_and_no_longer_counts(self, cast: Cast) -> None:
        rep = cast.rep(cast.sdr)
        event = record_event(event=_new(credits=sourced(rep)), at=NOW)
        reversal = reverse_event(event=event, reason="By mistake", at=NOW + timedelta(days=1), actor=cast.sdr)
        assert list(FunnelEvent.objects.effective()) == []
        assert list(FunnelEvent.objects.effective(as_of=NOW)) == [event], "as was known then"
        assert [(one.rep, one.share) for one in reversal.credits.all()] == [(rep, WHOLE_SHARE)]

    def test_only_once_and_never_a_reversal(self, cast: Cast) -> None:
        event = record_event(event=_new(), at=NOW)
        reversal = reverse_event(event=event, reason="Once", at=NOW)
        with pytest.raises(UnableToReverse, match="reversed before"):
            reverse_event(event=event, reason="Twice", at=NOW)
        with pytest.raises(UnableToReverse, match="cannot be reversed"):
            reverse_event(event=reversal, reason="Back", at=NOW)


@pytest.mark.django_db(transaction=True)
def test_of_reversals_at_once_one_is_let_in() -> None:
    assemble()
    event = record_event(event=_new(), at=NOW)
    together, done, refused = threading.Barrier(5), [], []

    def run() -> None:
        try:
            together.wait()
            done.append(reverse_event(event=event, reason="At once", at=NOW))
        except Exception as error:
            refused.append(type(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(done), refused) == (1, [UnableToReverse] * 4)
    assert FunnelEvent.objects.filter(reverses=event).count() == 1


@given(st.integers(1, WHOLE_SHARE))
def test_a_share_is_said_exactly(share: int) -> None:
    words = EventCredit(share=share).percent
    number, sign = words.split(" ")
    whole, _, rest = number.partition(".")
    assert sign == "%"
    assert int(whole) * 10_000 + int(rest.ljust(4, "0") or 0) == share
