"""The chain is read by two connections at once, and says the same as when one reads it alone."""

import threading

import pytest
from django.db import connection

from apps.audit.models import AuditEntry, Seal
from apps.audit.selectors import rows
from apps.audit.services import sealing, verifying
from tests.cast import NOW

SEALS = 7


def entry(number: int) -> AuditEntry:
    return AuditEntry.objects.create(
        at=NOW, verb="a.b", subject_type="c.D", subject_id=str(number), data={"n": number}, origin="process"
    )


@pytest.fixture
def sealed(monkeypatch) -> list[AuditEntry]:
    """Seven seals of three rows, each a stretch of its own: an odd number, so that the last is read alone."""
    monkeypatch.setattr(sealing, "ROWS_PER_SEAL", 3)
    monkeypatch.setattr(verifying, "ROWS_AT_ONCE", 3)
    made = [entry(number) for number in range(SEALS * 3)]
    sealing.seal_records(at=NOW)
    assert Seal.objects.count() == SEALS
    return made


def by_an_administrator(statement: str, row: int) -> None:
    """Past the triggers, which stay as they are: nothing rolls back what such a test does to the schema."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement, [row])
        cursor.execute("SET session_replication_role = DEFAULT")


def found() -> list[tuple[int | None, str]]:
    return [(one.row, one.kind) for one in verifying.verify_records().breaks]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
class TestTwoReaders:
    def test_find_that_everything_holds(self, sealed):
        verdict = verifying.verify_records()
        assert verdict.holds
        assert (verdict.seals, verdict.rows) == (SEALS, SEALS * 3)

    @pytest.mark.parametrize("place", [0, 4, 10, SEALS * 3 - 1])
    def test_locate_the_row_whichever_of_them_reads_it(self, sealed, place):
        by_an_administrator("UPDATE audit_auditentry SET verb = 'x' WHERE id = %s", sealed[place].pk)
        assert found() == [(sealed[place].pk, "altered")]

    def test_locate_a_deleted_row_of_each(self, sealed):
        gone = [sealed[1].pk, sealed[4].pk]
        for row in gone:
            by_an_administrator("DELETE FROM audit_auditentry WHERE id = %s", row)
        assert found() == [(row, "deleted") for row in gone]

    def test_leave_no_thread_and_no_connection_behind(self, sealed):
        verifying.verify_records()
        assert [one.name for one in threading.enumerate() if one.name.startswith("chained-rows")] == []
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND state <> 'active' AND query LIKE '%%COPY%%audit_auditentry%%'"
            )
            assert cursor.fetchone() == (0,)

    def test_say_what_went_wrong_with_the_other_one(self, sealed, monkeypatch):
        read = rows.read

        def failing(stretch: rows.Stretch) -> rows.Lines:
            if threading.current_thread() is not threading.main_thread():
                raise ConnectionError("the other connection is gone")
            return read(stretch)

        monkeypatch.setattr(rows, "read", failing)
        with pytest.raises(ConnectionError, match="the other connection is gone"):
            verifying.verify_records()


@pytest.mark.django_db
def test_rows_of_a_transaction_under_way_are_read_within_it(sealed):
    """Another connection would not see them."""
    assert verifying.verify_records().holds
