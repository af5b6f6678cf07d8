"""The audit log: written with the act, read by RevOps and finance, taken along as a file."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import transaction
from django.urls import reverse
from python_calamine import CalamineWorkbook

from apps.audit import services, tasks
from apps.audit.models import AuditEntry, Export, Verification
from apps.audit.origin import acting_from
from apps.audit.selectors.log import changes
from apps.audit.services import exports, sealing, verifying
from apps.jobs.models import Job
from tests.audit.altering import altered_behind_our_back
from tests.cast import NOW, Cast


def act(cast: Cast, number: int, at: datetime = NOW, **data: object) -> AuditEntry:
    return services.record(
        verb="leads.hand_off.accepted",
        subject=cast.ae_team,
        at=at,
        actor=cast.ae,
        data={"number": number, **data},
    )


@pytest.fixture
def auditor(cast: Cast, client):
    client.force_login(cast.finance)
    return client


def taken(client, **post: str) -> bytes:
    response = client.post(reverse("audit:export"), post)
    assert response.status_code == 200, response.content
    assert response["Cache-Control"] == "no-store, private"
    assert "attachment" in response["Content-Disposition"]
    return b"".join(response.streaming_content)


def rows_of_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


class TestRecord:
    def test_vanishes_with_the_act_that_failed(self, cast):
        with transaction.atomic():
            act(cast, 1)
            transaction.set_rollback(True)
        assert not AuditEntry.objects.exists()

    def test_names_where_an_act_came_from(self, cast):
        with acting_from("command:import_data"):
            assert act(cast, 1).origin == "command:import_data"
        assert act(cast, 2).origin == "process"


class TestLogPage:
    def test_shows_who_what_where_and_the_seal(self, cast, auditor):
        act(cast, 1)
        sealing.seal_records(at=NOW)
        act(cast, 2)
        response = auditor.get(reverse("audit:log"))
        text = response.content.decode()
        assert "leads.hand_off.accepted" in text
        assert "not yet" in text
        seals = [seal for entry, _, seal in response.context["rows"] if entry.verb.startswith("leads")]
        assert seals[0] is None
        assert seals[1] is not None

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ("verb=leads.hand_off", 3),
            ("verb=accounts", 1),
            ("group=leads", 3),
            ("group=accounts", 1),
            ("group=nonsense", 4),
            ("actor=ae", 3),
            ("actor=nobody", 0),
            ("subject=reps.Team", 3),
            ("subject=reps.team 999999", 0),
            ("subject=999999", 0),
            ("starts=2026-11-12&ends=2026-11-12", 2),
            ("starts=2026-11-13", 2),
            ("ends=2026-11-11", 0),
            ("starts=never", 4),
            ("origin=process", 4),
            ("origin=10.", 0),
        ],
    )
    def test_narrows(self, cast, auditor, query, count):
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
        response = auditor.get(reverse("audit:log") + "?" + query.replace(" ", "%20"))
        own = [entry for entry in response.context["page"].rows if entry.verb != "accounts.person.signed_in"]
        assert len(own) == count

    def test_finds_an_entry_by_the_key_of_its_subject_alone(self, cast, auditor):
        act(cast, 1)
        response = auditor.get(reverse("audit:log"), {"subject": str(cast.ae_team.pk), "group": "leads"})
        assert len(response.context["page"].rows) == 1

    def test_pages_by_key(self, cast, auditor):
        for number in range(60):
            act(cast, number)
        first = auditor.get(reverse("audit:log"), {"group": "leads"}).context["page"]
        query = {"group": "leads", "after": first.next_after}
        second = auditor.get(reverse("audit:log"), query).context["page"]
        seen = [entry.pk for entry in (*first.rows, *second.rows)]
        assert seen == sorted(seen, reverse=True)
        assert len(set(seen)) == 60
        assert second.next_after == ""

    @pytest.mark.parametrize("part", ["sdr", "ae", "manager", "marketing", "am"])
    @pytest.mark.parametrize("page", ["audit:log", "audit:chain", "api:audit_log", "api:audit_chain"])
    def test_is_for_revops_and_finance(self, cast, client, part, page):
        client.force_login(getattr(cast, part))
        assert client.get(reverse(page)).status_code == 403

    @pytest.mark.parametrize("count", [10, 500])
    @pytest.mark.parametrize("page", ["audit:log", "api:audit_log"])
    def test_asks_as_much_for_few_as_for_many(
        self, cast, auditor, count, page, django_assert_max_num_queries
    ):
        for number in range(count):
            act(cast, number)
            if number % 50 == 0:
                sealing.seal_records(at=NOW)
        auditor.get(reverse(page))
        with django_assert_max_num_queries(18):
            auditor.get(reverse(page))


class TestEntryPage:
    def test_says_what_was_before_and_what_is_since(self, cast, auditor):
        entry = act(cast, 1, **{"from": "stage_1", "to": "stage_2"})
        other = act(cast, 2)
        response = auditor.get(reverse("audit:entry", args=[entry.pk]))
        text = response.content.decode()
        assert "stage_1" in text
        assert "stage_2" in text
        assert list(response.context["around"]) == [other]

    def test_is_not_there_for_an_unknown_number(self, auditor):
        assert auditor.get(reverse("audit:entry", args=[99_999_999])).status_code == 404


class TestChanges:
    @pytest.mark.parametrize(
        ("data", "told"),
        [
            ({"from": "a", "to": "b"}, [("value", "a", "b")]),
            ({"from": "", "to": "b"}, [("value", "nothing", "b")]),
            ({"before": {"x": 1, "y": 2}, "after": {"x": 1, "y": 3}}, [("y", 2, 3)]),
            ({"tier_before": 2, "tier_after": 1}, [("tier", 2, 1)]),
            ({"changed": {"rate": {"from": 1, "to": 2}}}, [("rate", 1, 2)]),
            ({"format": "csv"}, [("format", None, "csv")]),
            ({}, []),
        ],
    )
    def test_reads_each_way_in_which_acts_tell(self, data, told):
        entry = AuditEntry(data=data)
        assert [(one.name, one.before, one.after) for one in changes(entry)] == told


class TestChainPage:
    def test_says_that_nothing_was_verified_yet(self, auditor):
        assert "Not verified yet" in auditor.get(reverse("audit:chain")).content.decode()

    def test_names_what_was_altered(self, cast, auditor):
        entry = act(cast, 1)
        sealing.seal_records(at=NOW)
        altered_behind_our_back("UPDATE audit_auditentry SET verb = 'x.y' WHERE id = %s", entry.pk)
        verifying.keep_verdict(verdict=verifying.verify_records(), at=NOW)
        text = auditor.get(reverse("audit:chain")).content.decode()
        assert "The records were altered" in text
        assert f"audit.AuditEntry {entry.pk}" in text
        assert reverse("audit:entry", args=[entry.pk]) in text

    def test_has_everything_verified_with_progress(self, cast, auditor, run_jobs):
        act(cast, 1)
        sealing.seal_records(at=NOW)
        assert auditor.post(reverse("audit:verify")).status_code == 302
        assert "job" in auditor.get(reverse("audit:chain")).content.decode()
        run_jobs()
        assert Verification.objects.get().by == cast.finance
        assert "The records hold" in auditor.get(reverse("audit:chain")).content.decode()

    def test_holds_the_chain_against_an_anchor_that_was_taken(self, cast, auditor, run_jobs):
        act(cast, 1)
        sealing.seal_records(at=NOW)
        response = auditor.post(reverse("audit:anchor"))
        assert response["Content-Disposition"].startswith("attachment")
        kept = io.BytesIO(response.content)
        kept.name = "anchor.json"
        assert auditor.post(reverse("audit:verify"), {"anchor": kept}).status_code == 302
        run_jobs()
        assert Verification.objects.get().holds
        assert Verification.objects.get().against["hash"] in response.content.decode()

    @pytest.mark.parametrize("content", [b"not json", b"{}", b"x" * 70_000])
    def test_says_what_is_wrong_with_a_file(self, auditor, content):
        given = io.BytesIO(content)
        given.name = "anchor.json"
        response = auditor.post(reverse("audit:verify"), {"anchor": given})
        assert response.status_code == 400
        assert "anchor" in response.content.decode().lower()
        assert not Job.objects.exists()

    def test_refuses_an_anchor_of_nothing(self, auditor):
        assert auditor.post(reverse("audit:anchor")).status_code == 409


class TestExport:
    def test_holds_what_passes_the_filters(self, cast, auditor):
        mine = act(cast, 1, note="=1+1")
        services.record(verb="reps.team.changed", subject=cast.ae_team, at=NOW, actor=None)
        rows = rows_of_csv(taken(auditor, format="csv", group="leads"))
        assert [int(row["Entry"]) for row in rows] == [mine.pk]
        assert rows[0]["At (UTC)"] == NOW.isoformat(timespec="microseconds")
        assert rows[0]["What changed"] == '{"note": "=1+1", "number": 1}'

    def test_is_the_same_as_a_workbook_with_no_formula(self, cast, auditor):
        cast.ae.name = "=cmd|' /C calc'!A0"
        cast.ae.save()
        act(cast, 1)
        content = taken(auditor, format="xlsx", group="leads")
        rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
        assert rows[1][3] == "'=cmd|' /C calc'!A0"
        assert rows[1][4] == "leads.hand_off.accepted"

    def test_is_recorded_with_its_digest_and_filters_and_no_name(self, cast, auditor):
        act(cast, 1)
        taken(auditor, format="csv", actor=cast.ae.name, group="leads")
        entry = AuditEntry.objects.get(verb="audit.log.exported")
        made = Export.objects.get()
        assert entry.actor == cast.finance
        assert entry.data["sha256"] == made.sha256
        assert entry.data["filters"] == {"group": "leads"}

    def test_is_taken_again_byte_for_byte(self, cast, auditor):
        act(cast, 1)
        first = taken(auditor, format="csv")
        act(cast, 2)
        again = auditor.post(reverse("audit:export_again", args=[Export.objects.get().pk]))
        assert b"".join(again.streaming_content) == first
        assert AuditEntry.objects.filter(verb="audit.log.downloaded").count() == 1

    def test_says_so_when_the_kept_file_is_gone(self, cast, auditor):
        act(cast, 1)
        taken(auditor, format="csv")
        kept = Export.objects.get()
        exports.stored_file(kept).unlink()
        assert auditor.post(reverse("audit:export_again", args=[kept.pk])).status_code == 409

    def test_is_a_job_when_it_is_long(self, cast, auditor, run_jobs, monkeypatch):
        monkeypatch.setattr(exports, "AT_ONCE", 3)
        for number in range(5):
            act(cast, number)
        response = auditor.post(reverse("audit:export"), {"format": "csv", "group": "leads"})
        assert response.status_code == 302
        run_jobs()
        made = Export.objects.get()
        assert (made.row_count, made.by) == (5, cast.finance)
        assert len(rows_of_csv(exports.stored_file(made).read_bytes())) == 5

    def test_refuses_a_format_that_it_does_not_know(self, auditor):
        assert auditor.post(reverse("audit:export"), {"format": "exe"}).status_code == 400

    def test_of_a_job_names_where_it_came_from(self, cast, auditor, run_jobs, monkeypatch):
        monkeypatch.setattr(exports, "AT_ONCE", 0)
        act(cast, 1)
        auditor.post(reverse("audit:export"), {"format": "csv"})
        run_jobs()
        assert AuditEntry.objects.get(verb="audit.log.exported").origin == "job:export_audit_log"
        assert Job.objects.get(kind=tasks.EXPORT).result["summary"].endswith("entries.")


class TestApi:
    def test_reads_the_log_by_key(self, cast, auditor):
        for number in range(60):
            act(cast, number)
        sealing.seal_records(at=NOW)
        first = auditor.get(reverse("api:audit_log"), {"group": "leads"}).json()
        assert len(first["entries"]) == 50
        assert first["entries"][0]["data"] == {"number": 59}
        assert first["entries"][0]["seal"] is not None
        query = {"group": "leads", "after": first["next_after"]}
        second = auditor.get(reverse("api:audit_log"), query).json()
        assert len(second["entries"]) == 10
        assert second["next_after"] == ""

    def test_says_which_filter_it_cannot_read(self, auditor):
        response = auditor.get(reverse("api:audit_log"), {"starts": "never"})
        assert response.status_code == 400
        assert "starts" in response.json()["errors"]

    def test_tells_the_head_of_the_chain(self, cast, auditor):
        assert auditor.get(reverse("api:audit_chain")).json()["head"] is None
        act(cast, 1)
        sealing.seal_records(at=NOW)
        verifying.keep_verdict(verdict=verifying.verify_records(), at=NOW)
        said = auditor.get(reverse("api:audit_chain")).json()
        assert said["head"]["number"] >= 1
        assert said["verification"]["holds"] is True

    def test_writes_nothing(self, auditor):
        assert auditor.post(reverse("api:audit_log"), {}).status_code == 405


def test_a_kept_file_lies_outside_of_what_is_served(cast: Cast, settings, tmp_path: Path):
    settings.PRIVATE_FILES_DIR = tmp_path
    act(cast, 1)
    made = exports.make_export(
        filters=exports.Filters(), file_format="csv", up_to=exports.newest_entry(), at=NOW
    )
    assert exports.stored_file(made).is_relative_to(tmp_path / "audit")
