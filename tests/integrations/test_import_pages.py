"""The pages of imports and mappings: who sees them, what they show, what they do."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.integrations.models import ImportMapping, ImportRun, RunState
from apps.integrations.services import imports, mappings
from apps.leads.models import Lead
from tests.cast import Cast
from tests.integrations.export import AT, checked, document, everything, imported, write

RunJobs = Callable[[], int]


@pytest.fixture
def client(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.revops)
    return client


def _uploads(paths: list[Path]) -> list[SimpleUploadedFile]:
    return [SimpleUploadedFile(path.name, path.read_bytes()) for path in paths]


def _page(client: Client, run: ImportRun) -> str:
    return client.get(reverse("integrations:import", args=[run.pk])).content.decode()


class TestWhoSees:
    @pytest.mark.parametrize("part", ["sdr", "ae", "am", "manager", "marketing", "finance"])
    def test_only_revops(self, cast: Cast, part: str) -> None:
        client = Client()
        client.force_login(getattr(cast, part))
        assert client.get(reverse("integrations:imports")).status_code == 403
        assert client.post(reverse("integrations:upload")).status_code == 403

    def test_an_import_that_is_not_there_is_not_found(self, client: Client) -> None:
        assert client.get(reverse("integrations:import", args=[1])).status_code == 404


class TestUpload:
    def test_files_are_kept_checked_and_then_wait(
        self, client: Client, cast: Cast, tmp_path: Path, run_jobs: RunJobs
    ) -> None:
        response = client.post(
            reverse("integrations:upload"), {"uploads": _uploads(write(tmp_path)), "mapping": ""}
        )
        run = ImportRun.objects.get()
        assert response.url == reverse("integrations:import", args=[run.pk])
        assert (run.started_by, run.mapping_name) == (cast.revops, "CRM export of an SDR team")
        assert 'data-poll-url="' in _page(client, run)
        run_jobs()
        page = _page(client, run)
        assert "14 rows would be written" not in page
        assert "13 rows would be written" in page
        assert not Lead.objects.exists()

    def test_no_file_is_said_at_the_field(self, client: Client) -> None:
        response = client.post(reverse("integrations:upload"), {"mapping": ""})
        assert response.status_code == 422
        assert "Choose one file at least." in response.content.decode()

    def test_a_file_that_is_too_large_is_said_at_the_field(self, client: Client, settings: object) -> None:
        settings.IMPORT_MAX_FILE_BYTES = 1024 * 1024
        files = [SimpleUploadedFile("leads.csv", b"x" * (1024 * 1024 + 1))]
        response = client.post(reverse("integrations:upload"), {"uploads": files, "mapping": ""})
        assert response.status_code == 422
        assert "leads.csv is larger than 1 MB" in response.content.decode()
        assert not ImportRun.objects.exists()

    def test_a_name_with_a_path_stays_in_its_folder(self, client: Client) -> None:
        files = [SimpleUploadedFile("../../evil.csv", b"A,B\n")]
        client.post(reverse("integrations:upload"), {"uploads": files, "mapping": ""})
        stored = ImportRun.objects.get().files.get().stored_as
        assert ".." not in stored

    def test_mostly_known_files_say_what_the_others_lack(
        self, client: Client, tmp_path: Path, run_jobs: RunJobs
    ) -> None:
        paths = write(tmp_path, Leads=("CreatedDate,", ""))
        client.post(reverse("integrations:upload"), {"uploads": _uploads(paths), "mapping": ""})
        run_jobs()
        page = _page(client, ImportRun.objects.get())
        assert "This cannot be read, so nothing was written" in page
        assert "CreatedDate" in page


@pytest.mark.usefixtures("db")
class TestCheckedImport:
    def test_shows_figures_refusals_and_what_to_do(self, client: Client, tmp_path: Path) -> None:
        run = checked(write(tmp_path, Leads=("20210107", "2021-13-07")))
        page = _page(client, run)
        assert "2021-13-07" in page
        assert "This is no date that the mapping knows" in page
        assert "Write the good rows only" in page
        assert reverse("integrations:import_refused", args=[run.pk, 2]) in page

    def test_looking_writes_nothing(self, client: Client, tmp_path: Path) -> None:
        run = checked(write(tmp_path))
        before = everything(books=True)
        for name in ("import", "import_live", "import_rows", "import_messages"):
            assert client.get(reverse(f"integrations:{name}", args=[run.pk])).status_code in (200, 286)
        after = everything(books=True)
        # Only that the file of messages was taken stands on record.
        added = [row for row in after["audit.AuditEntry"] if row not in before["audit.AuditEntry"]]
        assert len(added) == 1
        assert after | {"audit.AuditEntry": before["audit.AuditEntry"]} == before

    def test_committing_writes_the_rows_as_a_job(
        self, client: Client, tmp_path: Path, run_jobs: RunJobs
    ) -> None:
        run = checked(write(tmp_path))
        client.post(reverse("integrations:import_commit", args=[run.pk]))
        run.refresh_from_db()
        assert run.state == RunState.COMMITTING
        assert "Writing the rows" in _page(client, run)
        run_jobs()
        assert Lead.objects.count() == 6
        page = _page(client, run)
        assert "13 rows were written" in page
        assert client.get(reverse("integrations:import_live", args=[run.pk])).status_code == 286

    def test_refused_rows_hold_it_until_the_good_ones_are_chosen(
        self, client: Client, tmp_path: Path, run_jobs: RunJobs
    ) -> None:
        run = checked(write(tmp_path, Leads=("20210107", "2021-13-07")))
        address = reverse("integrations:import_commit", args=[run.pk])
        assert client.post(address).status_code == 409
        run_jobs()
        assert not Lead.objects.exists()
        client.post(address, {"take_good_rows": "yes"})
        run_jobs()
        assert Lead.objects.count() == 5

    def test_refused_rows_and_messages_download_as_csv(self, client: Client, tmp_path: Path) -> None:
        run = checked(write(tmp_path, Leads=("20210107", "2021-13-07")))
        response = client.get(reverse("integrations:import_refused", args=[run.pk, 2]))
        assert response["Content-Disposition"] == f'attachment; filename="import-{run.pk}-refused-3.csv"'
        text = b"".join(response.streaming_content).decode("utf-8-sig")
        assert text.splitlines()[0].endswith(",Why it was refused")
        response = client.get(reverse("integrations:import_messages", args=[run.pk]))
        assert b"Leads.csv,5,CreatedDate,Refused,2021-13-07" in b"".join(response.streaming_content)
        assert client.get(reverse("integrations:import_refused", args=[run.pk, 0])).status_code == 404

    def test_rows_can_be_looked_through_by_what_was_said(self, client: Client, tmp_path: Path) -> None:
        run = checked(write(tmp_path, Leads=("20210107", "2021-13-07")))
        address = reverse("integrations:import_rows", args=[run.pk])
        refused = client.get(address, {"what": "refused"}).content.decode()
        assert "This is no date" in refused
        assert "No target stands" not in refused
        assert "No target stands" in client.get(address, {"what": "skipped", "file": "1"}).content.decode()
        assert client.get(address, {"what": "nonsense", "file": "x", "after": "%%"}).status_code == 200

    def test_can_be_checked_again_under_another_mapping(
        self, client: Client, tmp_path: Path, run_jobs: RunJobs
    ) -> None:
        run = checked(write(tmp_path))
        client.post(reverse("integrations:import_check", args=[run.pk]), {"mapping": "shipped:leads_basic"})
        run_jobs()
        run.refresh_from_db()
        assert (run.state, run.mapping_name) == (RunState.FAULTY, "Leads, one file")

    def test_costs_a_bounded_number_of_queries(
        self, client: Client, tmp_path: Path, django_assert_max_num_queries: Callable
    ) -> None:
        run = imported(write(tmp_path))
        for _ in range(3):
            checked(write(tmp_path))
        with django_assert_max_num_queries(20):
            client.get(reverse("integrations:import", args=[run.pk]))
        with django_assert_max_num_queries(12):
            client.get(reverse("integrations:imports"))


class TestStoppedImport:
    def test_says_so_and_can_go_on(self, client: Client, tmp_path: Path, run_jobs: RunJobs) -> None:
        run = checked(write(tmp_path))
        job = imports.commit_import(run=run, at=AT)
        (imports.folder_of(run) / "2.csv").write_text("changed")
        run_jobs()
        page = _page(client, run)
        assert "is not the file that was checked" in page
        assert reverse("jobs:resume", args=[job.pk]) in page
        assert "Stopped" in client.get(reverse("integrations:imports")).content.decode()


class TestMappings:
    def test_the_list_and_one_can_be_read(self, client: Client) -> None:
        assert "CRM export of an SDR team" in client.get(reverse("integrations:mappings")).content.decode()
        page = client.get(
            reverse("integrations:mapping", args=["shipped:crm_export_sdr_team"])
        ).content.decode()
        assert "An unnamed column with figures near the amount" in page
        assert client.get(reverse("integrations:mapping", args=["shipped:none"])).status_code == 404

    def test_a_mapping_goes_out_as_a_file_and_comes_back(self, client: Client) -> None:
        response = client.get(reverse("integrations:mapping_file", args=["shipped:crm_export_sdr_team"]))
        text = response.content.decode()
        assert json.loads(text) == document()
        mine = text.replace("CRM export of an SDR team", "Ours")
        client.post(
            reverse("integrations:mapping_upload"), {"file": SimpleUploadedFile("ours.json", mine.encode())}
        )
        assert ImportMapping.objects.get().document["name"] == "Ours"

    @pytest.mark.parametrize(
        "content, says",
        [
            (b'{"format": 1,', "line 1, column 14"),
            (b"\xff\xfe\x00", "not written in UTF-8"),
            (b'{"format": 1}', "files: List one file at least."),
        ],
    )
    def test_a_file_that_is_no_mapping_says_why(self, client: Client, content: bytes, says: str) -> None:
        response = client.post(
            reverse("integrations:mapping_upload"), {"file": SimpleUploadedFile("x.json", content)}
        )
        assert response.status_code == 422
        assert says in response.content.decode()

    def test_columns_are_changed_and_saved_under_an_own_name(self, client: Client) -> None:
        address = reverse("integrations:mapping_edit", args=["shipped:leads_basic"])
        page = client.get(address).content.decode()
        assert 'name="c0-0"' in page
        chosen = {"by": "columns", "name": "Fair leads", "c0-0": "external_id", "c0-1": "created", "c0-2": ""}
        response = client.post(address, chosen)
        saved = ImportMapping.objects.get()
        assert response.url == reverse("integrations:mapping", args=[f"saved:{saved.pk}"])
        assert saved.document["name"] == "Fair leads"
        fields = saved.document["files"][0]["fields"]
        assert "name" not in fields
        assert fields["email"] == "Email", "a field that shares its column stays"

    def test_the_name_of_a_shipped_one_is_refused_at_the_field(self, client: Client) -> None:
        address = reverse("integrations:mapping_edit", args=["shipped:leads_basic"])
        response = client.post(address, {"by": "text", "document": json.dumps(document("leads_basic"))})
        assert response.status_code == 422
        assert "comes with the portal" in response.content.decode()

    def test_text_with_faults_is_kept_and_each_is_named(self, client: Client) -> None:
        broken = copy.deepcopy(document("leads_basic")) | {"name": "Mine", "system": "NO"}
        address = reverse("integrations:mapping_edit", args=["shipped:leads_basic"])
        response = client.post(address, {"by": "text", "document": json.dumps(broken)})
        assert response.status_code == 422
        page = response.content.decode()
        assert "system: Name the source in small letters" in page
        assert "&quot;system&quot;: &quot;NO&quot;" in page
        assert not ImportMapping.objects.exists()

    def test_a_saved_one_is_changed_by_its_text(self, client: Client, cast: Cast) -> None:
        saved = mappings.save_mapping(document=document() | {"name": "Ours"}, at=AT, actor=cast.revops)
        changed = saved.document | {"note": "New note."}
        address = reverse("integrations:mapping_edit", args=[f"saved:{saved.pk}"])
        client.post(address, {"by": "text", "document": json.dumps(changed)})
        saved.refresh_from_db()
        assert (saved.version, saved.document["note"]) == (2, "New note.")


class TestANewLayout:
    TEXT = b"Record ID,Full Name,Email Address,Create Date,Shoe\n1,Ada,ada@b.example,2022-03-01,38\n"

    def test_unknown_files_are_mapped_once_and_imported(self, client: Client, run_jobs: RunJobs) -> None:
        files = [SimpleUploadedFile("people.csv", self.TEXT)]
        client.post(reverse("integrations:upload"), {"uploads": files, "mapping": ""})
        run_jobs()
        run = ImportRun.objects.get()
        assert "No mapping knows these files" in _page(client, run)
        address = f"{reverse('integrations:mapping_new')}?import={run.pk}&kind-0=leads"
        page = client.get(address).content.decode()
        assert "ada@b.example" in page, "samples help to choose"
        chosen = {"by": "columns", "import": run.pk, "name": "People", "c0-0": "external_id", "c0-1": "name"}
        chosen |= {"c0-2": "email", "c0-3": "created", "c0-4": ""}
        client.post(address, chosen)
        run_jobs()
        run.refresh_from_db()
        assert (run.state, run.mapping_name) == (RunState.CHECKED, "People")
        client.post(reverse("integrations:import_commit", args=[run.pk]))
        run_jobs()
        assert Lead.objects.get().email == "ada@b.example"

    def test_a_field_that_is_needed_is_asked_for(self, client: Client, run_jobs: RunJobs) -> None:
        files = [SimpleUploadedFile("people.csv", self.TEXT)]
        client.post(reverse("integrations:upload"), {"uploads": files, "mapping": ""})
        run = ImportRun.objects.get()
        address = f"{reverse('integrations:mapping_new')}?import={run.pk}&kind-0=leads"
        response = client.post(
            address, {"by": "columns", "import": run.pk, "name": "People", "c0-0": "external_id"}
        )
        assert response.status_code == 422
        assert "Leads need this field. Name its column." in response.content.decode()

    def test_without_files_there_is_nothing_to_map(self, client: Client) -> None:
        assert client.get(reverse("integrations:mapping_new")).url == reverse("integrations:imports")
