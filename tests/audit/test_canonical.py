"""A row is written down in one way: the same bytes on every database, and no two rows alike."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from apps.audit import chained
from apps.audit.models import AuditEntry
from apps.audit.rules import canonical, seals
from apps.audit.selectors.rows import read_lines

NASTY = 'tab\there, line\nend, back\\slash, quote", bell\b feed\f up\v return\r; ü ＝1 \u2028 \U0001f600'


def lines_of(entry: AuditEntry) -> list[bytes]:
    table = chained.table_called("audit.AuditEntry")
    assert table is not None
    return read_lines(table, 1, after=entry.pk - 1, last=entry.pk)


@pytest.mark.django_db
class TestLine:
    @pytest.mark.parametrize(
        ("at", "written"),
        [
            (datetime(2026, 3, 1, 9, 0, tzinfo=UTC), "2026-03-01 09:00:00+00"),
            (datetime(2026, 3, 1, 9, 0, 0, 500_000, tzinfo=UTC), "2026-03-01 09:00:00.5+00"),
            (datetime(2026, 10, 25, 0, 59, 59, 999_999, tzinfo=UTC), "2026-10-25 00:59:59.999999+00"),
            (datetime(2026, 3, 1, 9, 0, 0, 10, tzinfo=UTC), "2026-03-01 09:00:00.00001+00"),
        ],
    )
    def test_writes_instants_alike_on_both_databases(self, at, written):
        entry = AuditEntry.objects.create(at=at, verb="a", subject_type="b", subject_id="1", origin="process")
        assert lines_of(entry) == [f"{entry.pk}\t{written}\t\\N\ta\tb\t1\t{{}}\tprocess\n".encode()]

    @pytest.mark.parametrize(
        ("data", "written"),
        [
            ({"bb": 1, "a": [1, "x"], "c": None}, '{"a": [1, "x"], "c": null, "bb": 1}'),
            ({"é": True, "zz": {"y": False}}, '{"zz": {"y": false}, "é": true}'),
            (
                {"n": 1e16, "m": 1e-07, "k": -0.0, "j": 1.5},
                '{"j": 1.5, "k": 0.0, "m": 0.0000001, "n": 10000000000000000}',
            ),
            ([["3800000", "1/2", "1/500"]], '[["3800000", "1/2", "1/500"]]'),
            ([], "[]"),
            ([12345678901234567890123, -5, 0], "[12345678901234567890123, -5, 0]"),
            (["a\tb", "\x01", "\x7f"], '["a\\\\tb", "\\\\u0001", "\x7f"]'),
        ],
    )
    def test_writes_documents_alike_on_both_databases(self, at, data, written):
        entry = AuditEntry.objects.create(
            at=at, verb="a", subject_type="b", subject_id="1", data=data, origin="o"
        )
        assert lines_of(entry)[0].decode().split("\t")[6] == written

    def test_writes_nasty_text_alike_on_both_databases(self, at):
        """The digest stands here in full: a database that writes other bytes fails."""
        entry = AuditEntry.objects.create(
            pk=4711, at=at, verb=NASTY[:64], subject_type="leads.Lead", subject_id="1", data={NASTY: [NASTY]},
            origin="10.0.0.1",
        )  # fmt: skip
        found = lines_of(entry)
        assert len(found) == 1
        assert found[0].count(b"\n") == 1
        assert found[0].count(b"\t") == 7
        assert seals.rows_hash(found) == NASTY_HASH

    def test_does_not_depend_on_the_zone_of_the_session(self, at):
        if connection.vendor == "sqlite":
            pytest.skip("SQLite has no zone")
        entry = AuditEntry.objects.create(at=at, verb="a", subject_type="b", subject_id="1", origin="o")
        before = lines_of(entry)
        with connection.cursor() as cursor:
            cursor.execute("SET TimeZone = 'Asia/Kathmandu'")
            cursor.execute("SET DateStyle = 'SQL, DMY'")
        try:
            assert lines_of(entry) == before
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SET TimeZone = 'UTC'")
                cursor.execute("RESET DateStyle")


NASTY_HASH = "f0a8e63058cecce47d989a397ef1ba1b29064522f51aed987736a3405b884ff6"

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class TestDocument:
    @given(DOCUMENTS)
    def test_reads_back_as_it_was(self, value):
        written = canonical.json_text(value)
        assert json.loads(written) == value

    @given(DOCUMENTS)
    def test_is_the_same_however_it_was_written(self, value):
        """What is passed through as it stands is what would be written anew."""
        anew = canonical.text(canonical.json_text(value))
        assert canonical.document(json.dumps(value)) == anew
        assert canonical.document(json.dumps(value, ensure_ascii=False, indent=1)) == anew

    def test_keeps_the_digits_of_a_number(self):
        assert canonical.document('{"a": 1.10, "b": 15e-1}') == '{"a": 1.10, "b": 1.5}'

    def test_has_no_form_for_anything_else(self):
        with pytest.raises(canonical.UnwritableValue):
            canonical.json_text({"at": 0.5})


class TestText:
    @given(st.lists(st.text(alphabet="a\\\t\nN\r\x08"), min_size=2, max_size=2), st.data())
    def test_tells_any_two_rows_apart(self, values, data):
        other = data.draw(st.lists(st.text(alphabet="a\\\t\nN\r\x08"), min_size=2, max_size=2))
        writers = [canonical.text, canonical.text]
        alike = canonical.line(values, writers) == canonical.line(other, writers)
        assert alike == (values == other)

    def test_tells_nothing_from_the_word_for_it(self):
        writers = [canonical.text]
        assert canonical.line([None], writers) != canonical.line(["\\N"], writers)
        assert canonical.line([None], writers) != canonical.line([""], writers)


class TestLayouts:
    def test_the_newest_covers_every_column_of_its_table(self):
        for table in chained.tables():
            columns = {str(field.column) for field in table.model._meta.concrete_fields}
            assert set(table.layouts[-1]) == columns, f"{table.label}: add a layout with the new columns"

    def test_each_begins_with_the_id(self):
        with pytest.raises(ValueError, match="begins with the id"):
            chained.chain("audit.AuditEntry", "Entries", ("verb", "id"))

    def test_each_column_has_a_canonical_form(self):
        assert all(
            table.writers(number + 1) for table in chained.tables() for number in range(len(table.layouts))
        )


def test_a_number_is_written_without_an_exponent():
    assert canonical.json_text(Decimal("1E+3")) == "1000"
