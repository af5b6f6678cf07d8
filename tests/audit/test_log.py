"""The audit log: written with the act, read by RevOps, and any alteration located."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.urls import reverse

from apps.audit import services
from apps.audit.models import AuditEntry, Seal, SealedEntry
from apps.audit.origin import acting_from
from apps.core.append_only import removal_statements
from tests.cast import NOW, Cast


def act(cast: Cast, number: int, at: datetime = NOW) -> AuditEntry:
    return services.record(
        verb="leads.hand_off.accepted", subject=cast.ae_team, at=at, actor=cast.ae, data={"number": number}
    )


@pytest.fixture
def sealed(cast: Cast) -> list[AuditEntry]:
    """Three seals of four entries each, and one entry that no seal covers."""
    entries = []
    for batch in range(3):
        entries += [act(cast, batch * 4 + number) for number in range(4)]
        services.seal_entries(at=NOW + timedelta(minutes=batch))
    act(cast, 99)
    return entries


def altered_behind_our_back(statement: str, *values: object) -> None:
    """Raw SQL by somebody who took the triggers away first."""
    with connection.cursor() as cursor:
        for table in ("audit_auditentry", "audit_seal", "audit_sealedentry"):
            for removal in removal_statements(connection.vendor, table):
                cursor.execute(removal)
        cursor.execute(statement, values)


class TestSealEntries:
    def test_covers_each_entry_once(self, sealed):
        assert services.verify_chain() is None
        assert list(Seal.objects.values_list("number", "entry_count")) == [(1, 4), (2, 4), (3, 4)]
        assert SealedEntry.objects.count() == 12

    def test_seals_no_more_than_asked(self, cast):
        for number in range(5):
            act(cast, number)
        assert services.seal_entries(at=NOW, limit=3).entry_count == 3
        assert services.seal_entries(at=NOW, limit=3).entry_count == 2
        assert services.seal_entries(at=NOW) is None

    def test_names_where_an_act_came_from(self, cast):
        with acting_from("command:import_data"):
            assert act(cast, 1).origin == "command:import_data"
        assert act(cast, 2).origin == "process"


class TestVerifyChain:
    def test_holds_for_an_empty_log(self, db):
        assert services.verify_chain() is None

    @pytest.mark.parametrize(
        ("change", "value"),
        [
            ("data", '{"number": 7000}'),
            ("verb", "leads.hand_off.rejected"),
            ("actor_id", None),
            ("subject_id", "123"),
            ("origin", "elsewhere"),
            ("at", datetime(2020, 1, 1, tzinfo=UTC)),
        ],
    )
    def test_locates_an_altered_entry(self, sealed, change, value):
        altered_behind_our_back(
            f"UPDATE audit_auditentry SET {change} = %s WHERE id = %s", value, sealed[5].pk
        )
        found = services.verify_chain()
        assert found.seal == 2
        assert "altered" in found.why

    def test_locates_a_removed_entry(self, sealed):
        altered_behind_our_back("DELETE FROM audit_sealedentry WHERE entry_id = %s", sealed[9].pk)
        altered_behind_our_back("DELETE FROM audit_auditentry WHERE id = %s", sealed[9].pk)
        found = services.verify_chain()
        assert (found.seal, found.why) == (3, "It covers 4 entries, and 3 are there.")

    def test_locates_a_removed_seal(self, sealed):
        second = Seal.objects.get(number=2)
        altered_behind_our_back("DELETE FROM audit_sealedentry WHERE seal_id = %s", second.pk)
        altered_behind_our_back("DELETE FROM audit_seal WHERE id = %s", second.pk)
        assert services.verify_chain() == services.Break(2, "A seal is missing.")

    def test_locates_a_seal_that_was_made_anew(self, sealed):
        """Who alters an entry and hashes its seal again breaks the seal behind it."""
        altered_behind_our_back(
            "UPDATE audit_auditentry SET data = %s WHERE id = %s", '{"number": 7000}', sealed[5].pk
        )
        covered = AuditEntry.objects.filter(sealed__seal__number=2).order_by("pk")
        digest, _ = services._digest(Seal.objects.get(number=1).hash, covered)
        altered_behind_our_back("UPDATE audit_seal SET hash = %s WHERE number = 2", digest)
        assert services.verify_chain() == services.Break(3, "It does not follow from the seal before.")

    def test_locates_an_entry_that_was_slipped_in(self, sealed):
        extra = AuditEntry.objects.latest("pk")
        SealedEntry.objects.create(entry=extra, seal=Seal.objects.get(number=1))
        assert services.verify_chain() == services.Break(1, "It covers 4 entries, and 5 are there.")


class TestVerifyAuditCommand:
    def test_says_that_it_holds(self, sealed):
        out = StringIO()
        call_command("verify_audit", stdout=out)
        assert out.getvalue() == "The audit log holds: 3 seals, 1 entries not sealed yet.\n"

    def test_exits_with_an_error_that_names_the_seal(self, sealed):
        altered_behind_our_back("UPDATE audit_auditentry SET verb = %s WHERE id = %s", "x", sealed[0].pk)
        with pytest.raises(CommandError, match="seal 1 does not hold"):
            call_command("verify_audit")

    def test_answers_in_json(self, sealed):
        out = StringIO()
        call_command("verify_audit", "--json", stdout=out)
        answer = json.loads(out.getvalue())
        assert answer["holds"] is True
        assert answer["anchor"] == Seal.objects.get(number=3).hash
        altered_behind_our_back("UPDATE audit_auditentry SET verb = %s WHERE id = %s", "x", sealed[4].pk)
        out = StringIO()
        with pytest.raises(SystemExit) as ended:
            call_command("verify_audit", "--json", stdout=out)
        assert ended.value.code == 1
        assert json.loads(out.getvalue())["broken_seal"] == 2


class TestLogPage:
    def test_shows_who_what_where_and_the_seal(self, cast, sealed, client):
        client.force_login(cast.revops)
        response = client.get(reverse("audit:log"))
        text = response.content.decode()
        assert "leads.hand_off.accepted" in text
        assert "not yet" in text
        assert response.context["seals"].last.number == 3

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ("verb=leads.hand_off", 3),
            ("verb=accounts", 1),
            ("actor=ae", 3),
            ("actor=nobody", 0),
            ("subject=reps.Team", 3),
            ("subject=reps.team 999999", 0),
            ("day=2026-11-12", 2),
            ("day=2026-11-13", 2),
            ("day=never", 4),
        ],
    )
    def test_narrows(self, cast, client, query, count):
        act(cast, 1)
        act(cast, 2)
        # 23:30 UTC is the day after in Berlin, where the company is.
        act(cast, 3, at=datetime(2026, 11, 12, 23, 30, tzinfo=UTC))
        services.record(
            verb="accounts.person.created",
            subject=cast.sdr,
            at=datetime(2026, 11, 13, 9, 0, tzinfo=UTC),
            actor=cast.revops,
        )
        client.force_login(cast.revops)
        response = client.get(reverse("audit:log") + "?" + query.replace(" ", "%20"))
        assert len(response.context["page"].rows) == count

    def test_pages_by_key(self, cast, client):
        for number in range(60):
            act(cast, number)
        client.force_login(cast.revops)
        first = client.get(reverse("audit:log")).context["page"]
        second = client.get(reverse("audit:log") + f"?after={first.next_after}").context["page"]
        seen = [entry.pk for entry in (*first.rows, *second.rows)]
        assert seen == sorted(seen, reverse=True)
        assert len(set(seen)) == 60
        assert second.next_after == ""

    @pytest.mark.parametrize("part", ["sdr", "ae", "manager", "finance", "marketing", "am"])
    def test_is_for_revops_alone(self, cast, client, part):
        client.force_login(getattr(cast, part))
        assert client.get(reverse("audit:log")).status_code == 403

    def test_asks_a_bounded_number_of_statements(self, cast, sealed, client, django_assert_max_num_queries):
        client.force_login(cast.revops)
        client.get(reverse("audit:log"))
        with django_assert_max_num_queries(9):
            client.get(reverse("audit:log"))


class TestRecord:
    def test_vanishes_with_the_act_that_failed(self, cast):
        with transaction.atomic():
            act(cast, 1)
            transaction.set_rollback(True)
        assert not AuditEntry.objects.exists()
