"""One chain over what is on record: whatever is changed behind the portal's back is found, and located to the row."""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction

from apps.audit import chained, services, tasks
from apps.audit.models import AuditEntry, Seal, SealedEntry, SealedRows, Verification
from apps.audit.rules.seals import GENESIS
from apps.audit.rules.verdicts import Anchor, Break
from apps.audit.selectors import first_form
from apps.audit.selectors.rows import last_settled
from apps.audit.selectors.state import unsealed
from apps.audit.services import anchors, sealing, verifying
from apps.core.errors import InvalidInput
from apps.jobs import services as jobs
from apps.leads.models import FunnelEvent
from tests.audit.altering import altered_behind_our_back
from tests.cast import NOW, Cast
from tests.leads.scenes import handed_off


def act(cast: Cast, number: int) -> AuditEntry:
    return services.record(
        verb="leads.hand_off.accepted", subject=cast.ae_team, at=NOW, actor=cast.ae, data={"number": number}
    )


@pytest.fixture
def entries(cast: Cast) -> list[AuditEntry]:
    """Three seals of four audit entries each, and one entry that no seal covers."""
    made = []
    sealing.seal_records(at=NOW)
    for batch in range(3):
        made += [act(cast, batch * 4 + number) for number in range(4)]
        sealing.seal_records(at=NOW + timedelta(minutes=batch))
    act(cast, 99)
    return made


def found() -> list[tuple[str, int | None, str]]:
    return [(one.table, one.row, one.kind) for one in verifying.verify_records().breaks]


class TestSealRecords:
    def test_covers_every_row_of_every_chained_table_once(self, cast):
        handed_off(cast)
        sealing.seal_records(at=NOW)
        covered = {seal.table: seal.entry_count for seal in Seal.objects.all()}
        there = {table.label: table.model.objects.count() for table in chained.tables()}
        assert covered == {label: count for label, count in there.items() if count}
        assert covered["leads.FunnelEvent"] > 1
        assert verifying.verify_records().holds
        assert sum(unsealed().values()) == 0

    def test_does_nothing_a_second_time(self, entries):
        sealing.seal_records(at=NOW)
        before = Seal.objects.count()
        assert sealing.seal_records(at=NOW) == []
        assert Seal.objects.count() == before

    def test_seals_no_more_than_asked(self, cast, monkeypatch):
        monkeypatch.setattr(sealing, "ROWS_PER_SEAL", 2)
        sealing.seal_records(at=NOW)
        for number in range(5):
            act(cast, number)
        assert [seal.entry_count for seal in sealing.seal_records(at=NOW, limit=3)] == [2, 1]
        assert [seal.entry_count for seal in sealing.seal_records(at=NOW)] == [2]

    def test_makes_one_chain_of_all_tables(self, cast):
        act(cast, 1)
        handed_off(cast)
        sealing.seal_records(at=NOW)
        seals = list(Seal.objects.order_by("number"))
        assert [seal.number for seal in seals] == list(range(1, len(seals) + 1))
        assert [seal.previous_hash for seal in seals] == [GENESIS, *[seal.hash for seal in seals[:-1]]]

    def test_says_what_is_not_sealed_yet(self, entries):
        assert unsealed()["audit.AuditEntry"] == 1
        assert verifying.verify_records().unsealed["audit.AuditEntry"] == 1

    @pytest.mark.postgres
    @pytest.mark.django_db(transaction=True)
    def test_waits_for_whoever_took_a_lower_number_and_is_not_over(self, cast):
        """A row of a transaction that commits late would else appear among sealed ones."""
        sealing.seal_records(at=NOW)
        table = chained.table_called("audit.AuditEntry")
        other = connections.create_connection("default")
        try:
            with other.cursor() as cursor:
                cursor.execute("BEGIN")
                cursor.execute("SELECT nextval(pg_get_serial_sequence('audit_auditentry', 'id'))")
                (taken,) = cursor.fetchone()
                later = act(cast, 2)
                assert later.pk > taken
                assert last_settled(table, patience=0) is None
                assert sealing.seal_records(at=NOW, patience=0) == []
                cursor.execute("COMMIT")
            assert last_settled(table, patience=0) == later.pk
            assert [seal.last_id for seal in sealing.seal_records(at=NOW, patience=0)] == [later.pk]
        finally:
            other.close()

    @pytest.mark.postgres
    @pytest.mark.django_db(transaction=True)
    def test_leaves_the_work_to_whoever_seals_already(self, cast):
        act(cast, 1)
        other = connections.create_connection("default")
        try:
            with other.cursor() as cursor:
                cursor.execute("BEGIN")
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [sealing._LOCK])
                assert sealing.seal_records(at=NOW) == []
                cursor.execute("COMMIT")
        finally:
            other.close()
        assert sealing.seal_records(at=NOW) != []

    def test_is_what_the_schedule_does(self, cast):
        act(cast, 1)
        tasks.seal()
        assert unsealed()["audit.AuditEntry"] == 0


class TestVerifyRecords:
    def test_holds_for_an_empty_record(self, db):
        verdict = verifying.verify_records()
        assert verdict.holds
        assert (verdict.seals, verdict.rows, verdict.head_number) == (0, 0, 0)

    def test_holds_while_nothing_is_altered(self, entries):
        verdict = verifying.verify_records()
        assert verdict.breaks == []
        assert verdict.head_hash == Seal.objects.order_by("-number").first().hash

    @pytest.mark.parametrize("batch", [1, 3, 20_000])
    @pytest.mark.parametrize(
        ("change", "value"),
        [
            ("data", '{"number": 7000}'),
            ("verb", "leads.hand_off.rejected"),
            ("actor_id", None),
            ("subject_id", "123"),
            ("origin", "elsewhere"),
            ("at", "2020-01-01 00:00:00+00:00"),
        ],
    )
    def test_locates_an_altered_row(self, entries, change, value, batch, monkeypatch):
        monkeypatch.setattr(verifying, "ROWS_AT_ONCE", batch)
        altered_behind_our_back(
            f"UPDATE audit_auditentry SET {change} = %s WHERE id = %s", value, entries[5].pk
        )
        assert found() == [("audit.AuditEntry", entries[5].pk, "altered")]

    def test_locates_several_rows_of_several_seals(self, entries):
        rows = [entries[0].pk, entries[5].pk, entries[11].pk]
        for row in rows:
            altered_behind_our_back("UPDATE audit_auditentry SET verb = %s WHERE id = %s", "x", row)
        assert found() == [("audit.AuditEntry", row, "altered") for row in rows]

    @pytest.mark.parametrize("place", [0, 5, 11])
    def test_locates_a_deleted_row(self, entries, place):
        gone = entries[place].pk
        altered_behind_our_back("DELETE FROM audit_auditentry WHERE id = %s", gone)
        assert found() == [("audit.AuditEntry", gone, "deleted")]

    def test_locates_a_row_that_was_slipped_in_among_sealed_ones(self, cast):
        first = act(cast, 1)
        gap = AuditEntry.objects.create(
            pk=first.pk + 10, at=NOW, verb="x", subject_type="a.B", subject_id="1", origin="process"
        )
        sealing.seal_records(at=NOW)
        AuditEntry.objects.create(
            pk=first.pk + 5, at=NOW, verb="x", subject_type="a.B", subject_id="1", origin="process"
        )
        assert gap.pk > first.pk + 5
        assert found() == [("audit.AuditEntry", first.pk + 5, "inserted")]

    def test_tells_rows_that_changed_places(self, entries):
        one, other = entries[1].pk, entries[2].pk
        altered_behind_our_back("UPDATE audit_auditentry SET id = -1 WHERE id = %s", one)
        altered_behind_our_back("UPDATE audit_auditentry SET id = %s WHERE id = %s", one, other)
        altered_behind_our_back("UPDATE audit_auditentry SET id = %s WHERE id = -1", other)
        assert found() == [
            ("audit.AuditEntry", one, "swapped"),
            ("audit.AuditEntry", other, "swapped"),
        ]

    def test_locates_one_deleted_and_one_slipped_in_elsewhere(self, cast, entries):
        """As many rows as there were: they are told apart by their numbers all the same."""
        sealing.seal_records(at=NOW)
        act(cast, 100)
        last = AuditEntry.objects.order_by("-pk")[0]
        altered_behind_our_back("UPDATE audit_auditentry SET id = id + 50 WHERE id = %s", last.pk)
        sealing.seal_records(at=NOW)
        altered_behind_our_back("DELETE FROM audit_auditentry WHERE id = %s", entries[1].pk)
        slipped = AuditEntry.objects.create(
            pk=last.pk + 20, at=NOW, verb="x", subject_type="a.B", subject_id="1", origin="process"
        )
        assert found() == [
            ("audit.AuditEntry", entries[1].pk, "deleted"),
            ("audit.AuditEntry", slipped.pk, "inserted"),
        ]

    @pytest.mark.parametrize(
        "change",
        [
            "entry_count = 5",
            "sealed_at = '2020-01-01 00:00:00+00:00'",
            "rows_hash = 'a'",
            "hash = 'b'",
            "layout = 9",
        ],
    )
    def test_locates_an_altered_seal(self, entries, change):
        number = Seal.objects.filter(table="audit.AuditEntry").order_by("number")[1].number
        altered_behind_our_back(f"UPDATE audit_seal SET {change} WHERE number = %s", number)
        broken = verifying.verify_records().breaks
        assert broken[0].seal == number
        assert {one.seal for one in broken} <= {number, number + 1}

    def test_locates_a_list_that_was_altered(self, entries):
        seal = Seal.objects.filter(table="audit.AuditEntry").order_by("number")[1]
        altered_behind_our_back("UPDATE audit_sealedrows SET digests = ids WHERE seal_id = %s", seal.pk)
        altered_behind_our_back("UPDATE audit_auditentry SET verb = %s WHERE id = %s", "x", seal.last_id)
        kinds = [(one.seal, one.kind) for one in verifying.verify_records().breaks]
        assert kinds == [(seal.number, "list_altered"), (seal.number, "seal_altered")]

    def test_locates_a_removed_seal(self, entries):
        seal = Seal.objects.order_by("number")[1]
        altered_behind_our_back("DELETE FROM audit_sealedrows WHERE seal_id = %s", seal.pk)
        altered_behind_our_back("DELETE FROM audit_seal WHERE id = %s", seal.pk)
        assert verifying.verify_records().breaks == [
            Break(seal.number, "audit.AuditEntry", None, "seal_missing", "")
        ]

    def test_locates_a_seal_that_was_made_anew(self, entries):
        """Who alters a row and seals it again breaks the seal behind it."""
        second, third = Seal.objects.filter(table="audit.AuditEntry").order_by("number")[1:3]
        altered_behind_our_back("UPDATE audit_auditentry SET verb = 'x' WHERE id = %s", second.last_id)
        kept = list(Seal.objects.filter(number__gt=second.number).values())
        lists = list(SealedRows.objects.filter(seal__number__gt=second.number).values())
        altered_behind_our_back("DELETE FROM audit_sealedrows WHERE seal_id >= %s", second.pk)
        altered_behind_our_back("DELETE FROM audit_seal WHERE number >= %s", second.number)
        sealing.seal_records(at=NOW, limit=4)
        Seal.objects.bulk_create(Seal(**row) for row in kept)
        SealedRows.objects.bulk_create(SealedRows(**row) for row in lists)
        assert [(one.seal, one.kind) for one in verifying.verify_records().breaks] == [
            (third.number, "seal_order")
        ]

    def test_is_told_that_the_end_was_cut_off(self, cast, entries):
        kept = verifying.keep_verdict(verdict=verifying.verify_records(), at=NOW)
        last = Seal.objects.order_by("-number")[0]
        altered_behind_our_back("DELETE FROM audit_sealedrows WHERE seal_id = %s", last.pk)
        altered_behind_our_back("DELETE FROM audit_seal WHERE id = %s", last.pk)
        assert verifying.verify_records().holds
        broken = verifying.verify_records(anchors=verifying.earlier_heads()).breaks
        assert [(one.seal, one.kind) for one in broken] == [(last.number, "seal_missing")]
        assert f"verification {kept.pk} saw seal {last.number}" in broken[0].why

    def test_lists_no_more_breaks_than_a_person_reads(self, entries, monkeypatch):
        monkeypatch.setattr(verifying, "MOST_BREAKS", 5)
        altered_behind_our_back("UPDATE audit_auditentry SET verb = 'x'")
        verdict = verifying.verify_records()
        assert (len(verdict.breaks), verdict.more) == (5, 7)

    def test_locates_an_altered_event(self, cast):
        handed_off(cast)
        sealing.seal_records(at=NOW)
        event = FunnelEvent.objects.order_by("pk")[1]
        altered_behind_our_back(
            "UPDATE leads_funnelevent SET occurred_at = recorded_at, amount_minor = 7, currency = 'EUR' WHERE id = %s",
            event.pk,
        )
        assert found() == [("leads.FunnelEvent", event.pk, "altered")]


class TestSealsOfTheFirstForm:
    """Those that installations made before there was one chain stay verifiable, and the chain goes on behind them."""

    @pytest.fixture
    def old(self, cast: Cast) -> list[AuditEntry]:
        made = [act(cast, number) for number in range(6)]
        previous = GENESIS
        for number, batch in enumerate((made[:3], made[3:]), 1):
            again = AuditEntry.objects.filter(pk__in=[one.pk for one in batch]).order_by("pk")
            digest, count = first_form.digest(previous, again)
            seal = Seal.objects.create(
                number=number, sealed_at=NOW, entry_count=count, previous_hash=previous, hash=digest
            )
            SealedEntry.objects.bulk_create(SealedEntry(entry=entry, seal=seal) for entry in batch)
            previous = digest
        return made

    def test_hold_and_the_chain_goes_on(self, cast, old):
        act(cast, 7)
        sealing.seal_records(at=NOW)
        assert verifying.verify_records().holds
        third = Seal.objects.get(number=3)
        assert third.previous_hash == Seal.objects.get(number=2).hash
        assert verifying.verify_records().head_number == Seal.objects.count()

    def test_break_where_an_entry_was_altered(self, cast, old):
        altered_behind_our_back("UPDATE audit_auditentry SET verb = 'x' WHERE id = %s", old[4].pk)
        assert [(one.seal, one.kind) for one in verifying.verify_records().breaks] == [(2, "seal_altered")]

    def test_break_where_an_entry_is_gone(self, cast, old):
        altered_behind_our_back("DELETE FROM audit_sealedentry WHERE entry_id = %s", old[0].pk)
        altered_behind_our_back("DELETE FROM audit_auditentry WHERE id = %s", old[0].pk)
        assert verifying.verify_records().breaks[0].why == "It covers 3 entries, and 2 are there."

    def test_have_their_rows_located_by_the_later_seals(self, cast, old):
        sealing.seal_records(at=NOW)
        altered_behind_our_back("UPDATE audit_auditentry SET verb = 'x' WHERE id = %s", old[4].pk)
        assert ("audit.AuditEntry", old[4].pk, "altered") in found()


class TestAnchor:
    def test_holds_as_long_as_the_chain_goes_on(self, cast, entries):
        _, text = anchors.export_anchor(at=NOW, actor=cast.revops)
        act(cast, 5)
        sealing.seal_records(at=NOW)
        assert verifying.verify_records(anchors=[anchors.read_anchor(text.encode())]).holds

    def test_tells_a_chain_that_was_made_anew(self, cast, entries):
        """Everything deleted and sealed again holds by itself: only what was noted elsewhere tells."""
        seal, text = anchors.export_anchor(at=NOW, actor=cast.revops)
        altered_behind_our_back("UPDATE audit_auditentry SET verb = 'x' WHERE id = %s", entries[3].pk)
        altered_behind_our_back("DELETE FROM audit_sealedrows")
        altered_behind_our_back("DELETE FROM audit_seal")
        sealing.seal_records(at=NOW)
        for number in range(5):
            act(cast, number)
            sealing.seal_records(at=NOW)
        assert verifying.verify_records().holds
        broken = verifying.verify_records(anchors=[anchors.read_anchor(text.encode())]).breaks
        assert [(one.seal, one.kind) for one in broken] == [(seal.number, "cut_off")]

    def test_is_on_record_once_it_was_taken(self, cast, entries):
        seal, _ = anchors.export_anchor(at=NOW, actor=cast.revops)
        entry = AuditEntry.objects.get(verb="audit.anchor.exported")
        assert entry.data == {"seal": seal.number, "hash": seal.hash}

    def test_cannot_be_taken_of_nothing(self, db):
        with pytest.raises(anchors.UnableToAnchor):
            anchors.export_anchor(at=NOW)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{}",
            b"[1]",
            b'"x"',
            b"\xff\xfe",
            b'{"format": "sales-portal-anchor/1", "seal": true, "hash": "00"}',
            b'{"format": "sales-portal-anchor/1", "seal": 1, "hash": "zz"}',
            b'{"format": "other/1", "seal": 1, "hash": "' + b"0" * 64 + b'"}',
            b"[" * 100_000,
        ],
    )
    def test_is_refused_when_it_is_none(self, content):
        with pytest.raises(InvalidInput, match="no anchor"):
            anchors.read_anchor(content)


class TestVerifyRecordsCommand:
    def test_says_that_it_holds(self, entries):
        out = StringIO()
        call_command("verify_records", stdout=out)
        assert "The records hold: 3 seals over 12 rows, 1 rows not sealed yet." in out.getvalue()
        assert Verification.objects.get().origin == "command:verify_records"

    def test_exits_with_an_error_that_names_the_row(self, entries):
        altered_behind_our_back("UPDATE audit_auditentry SET verb = 'x' WHERE id = %s", entries[5].pk)
        with pytest.raises(CommandError, match=rf"audit.AuditEntry {entries[5].pk} \(seal 2\) was altered"):
            call_command("verify_records")
        assert not Verification.objects.get().holds

    def test_answers_in_json(self, entries):
        altered_behind_our_back("DELETE FROM audit_auditentry WHERE id = %s", entries[4].pk)
        out = StringIO()
        with pytest.raises(SystemExit) as ended:
            call_command("verify_records", "--json", stdout=out)
        assert ended.value.code == 1
        answer = json.loads(out.getvalue())
        assert (answer["holds"], answer["broken_seal"]) == (False, 2)
        assert answer["breaks"][0] == {
            "seal": 2,
            "table": "audit.AuditEntry",
            "row": entries[4].pk,
            "kind": "deleted",
            "why": "It was sealed and is gone.",
        }

    def test_seals_first_when_asked(self, entries):
        out = StringIO()
        call_command("verify_records", "--seal", "--json", stdout=out)
        assert json.loads(out.getvalue())["unsealed"] == 0

    def test_keeps_its_former_name(self, entries):
        out = StringIO()
        call_command("verify_audit", "--json", stdout=out)
        assert json.loads(out.getvalue())["anchor"] == Seal.objects.get(number=3).hash

    def test_holds_the_chain_against_an_anchor(self, entries, tmp_path: Path):
        kept = tmp_path / "anchor.json"
        call_command("export_anchor", "--to", str(kept), stdout=StringIO())
        call_command("verify_records", "--anchor", str(kept), stdout=StringIO())
        with pytest.raises(CommandError, match="there already"):
            call_command("export_anchor", "--to", str(kept))
        last = Seal.objects.order_by("-number")[0]
        altered_behind_our_back("DELETE FROM audit_sealedrows WHERE seal_id = %s", last.pk)
        altered_behind_our_back("DELETE FROM audit_seal WHERE id = %s", last.pk)
        with pytest.raises(CommandError, match="the anchor saw seal 3"):
            call_command("verify_records", "--anchor", str(kept))

    def test_says_what_is_wrong_with_an_anchor(self, db, tmp_path: Path):
        with pytest.raises(CommandError, match=r"none\.json"):
            call_command("verify_records", "--anchor", str(tmp_path / "none.json"))


class TestVerificationJob:
    def test_keeps_what_it_found(self, cast, entries, run_jobs):
        altered_behind_our_back("UPDATE audit_auditentry SET verb = 'x' WHERE id = %s", entries[5].pk)
        job = jobs.enqueue(kind=tasks.VERIFY, key="all", at=NOW, requested_by=cast.revops)
        run_jobs()
        job.refresh_from_db()
        kept = Verification.objects.get()
        assert (kept.by, kept.holds) == (cast.revops, False)
        assert job.result["summary"] == "The records were altered in 1 place."

    def test_is_asked_for_once_a_day(self, db):
        tasks.verify_daily()
        tasks.verify_daily()
        assert jobs.Job.objects.filter(kind=tasks.VERIFY).count() == 1

    def test_holds_the_chain_against_what_it_was_given(self, cast, entries, run_jobs):
        anchor = {"seal": 99, "hash": "0" * 64}
        jobs.enqueue(kind=tasks.VERIFY, key="all", params={"anchor": anchor}, at=NOW)
        run_jobs()
        kept = Verification.objects.get()
        assert kept.against == anchor
        assert kept.breaks[0]["kind"] == "seal_missing"


def test_an_anchor_names_who_noted_it():
    assert Anchor(1, "a").said_by == "the anchor"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "table", ["audit_auditentry", "leads_funnelevent", "compensation_ledgerentry", "leads_lead"]
)
def test_append_only_tables_refuse_to_be_truncated(cast: Cast, table: str):
    """Also by their owner, and through a table that they refer to."""
    act(cast, 1)
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"TRUNCATE {table} CASCADE")
    assert AuditEntry.objects.exists()
