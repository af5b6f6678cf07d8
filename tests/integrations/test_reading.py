"""How files are read is shown before they are checked, and can be put right."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.audit.models import AuditEntry
from apps.integrations.models import ImportRun, RunState
from apps.integrations.rules import encodings, looks
from apps.integrations.selectors import previews
from apps.integrations.services import imports
from apps.leads.models import Lead
from tests.cast import Cast
from tests.integrations.export import AT, everything, imported, write

HEADER = "Email;Captured at;Full name;Company\n"
GERMAN = (
    HEADER + "j@ostwerk.example;03.08.2022;Jürgen Groß;Ostwerk GmbH\nz@nord.example;14.08.2022;Zoë Öl;Nord\n"
)
SLASHES = "Email,Captured at,Full name,Company\na@b.example,03/04/2022,Ada Byron,B\nc@d.example,05/06/2022,Ben Cole,D\n"


@pytest.fixture
def client(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.revops)
    return client


def _uploaded(
    client: Client, data: bytes, name: str = "people.csv", mapping: str = "shipped:leads_basic"
) -> ImportRun:
    client.post(
        reverse("integrations:upload"), {"uploads": [SimpleUploadedFile(name, data)], "mapping": mapping}
    )
    return ImportRun.objects.prefetch_related("files").get()


def _address(run: ImportRun) -> str:
    return reverse("integrations:import_reading", args=[run.pk])


class TestWhatIsNotClear:
    def test_another_encoding_is_asked_before_the_check(self, client: Client) -> None:
        run = _uploaded(client, GERMAN.encode("cp1252"))
        assert (run.state, run.job) == (RunState.UPLOADED, None)
        page = client.get(_address(run)).content.decode()
        assert "It is not written in UTF-8; Windows (western) fits best" in page
        assert "Jürgen Groß" in page

    def test_day_or_month_first_is_asked_before_the_check(self, client: Client) -> None:
        run = _uploaded(client, SLASHES.encode())
        assert run.job is None
        page = client.get(_address(run)).content.decode()
        assert "it is not clear whether the day or the month comes first" in page
        assert "3 Apr 2022" in page

    def test_what_is_clear_is_checked_at_once(self, client: Client) -> None:
        assert _uploaded(client, GERMAN.encode()).job is not None

    def test_the_import_says_that_it_waits_for_an_answer(self, client: Client) -> None:
        run = _uploaded(client, SLASHES.encode())
        page = client.get(reverse("integrations:import", args=[run.pk])).content.decode()
        assert "Something of how these files are read is not clear." in page


class TestChoosingOtherwise:
    def test_another_choice_shows_at_once_and_writes_nothing(self, client: Client) -> None:
        run = _uploaded(client, SLASHES.encode())
        before = everything(books=True)
        response = client.get(
            _address(run), {"e0": "utf-8", "d0": ",", "t0-1": "%m/%d/%Y"}, headers={"HX-Request": "true"}
        )
        assert "4 Mar 2022" in response.content.decode()
        assert "<html" not in response.content.decode()
        assert everything(books=True) == before

    def test_another_delimiter_cuts_the_rows_otherwise(self, client: Client) -> None:
        run = _uploaded(client, GERMAN.encode())
        page = client.get(_address(run), {"e0": "utf-8", "d0": "|"}).content.decode()
        assert "There is one column only. Is the delimiter another one?" in page

    def test_an_encoding_that_does_not_fit_says_so(self, client: Client) -> None:
        run = _uploaded(client, GERMAN.encode("cp1252"))
        page = client.get(_address(run), {"e0": "utf-8", "d0": ";"}).content.decode()
        assert "Read like this it cannot be taken" in page

    def test_what_is_chosen_is_what_is_imported(self, client: Client, run_jobs: Callable[[], int]) -> None:
        run = _uploaded(client, SLASHES.encode())
        client.post(_address(run), {"e0": "utf-8", "d0": ",", "t0-1": "%m/%d/%Y"})
        run_jobs()
        run.refresh_from_db()
        assert run.state == RunState.CHECKED
        client.post(reverse("integrations:import_commit", args=[run.pk]))
        run_jobs()
        days = Lead.objects.order_by("created_at").values_list("created_at__date", flat=True)
        assert [day.isoformat() for day in days] == ["2022-03-03", "2022-05-05"]
        assert AuditEntry.objects.filter(verb="integrations.import.reading_set").exists()

    def test_a_choice_that_there_is_not_is_said(self, client: Client) -> None:
        run = _uploaded(client, SLASHES.encode())
        response = client.post(_address(run), {"e0": "klingon", "d0": ","})
        assert response.status_code == 422
        assert "klingon" in response.content.decode()

    def test_an_import_that_was_written_is_read_no_other_way(self, client: Client, tmp_path: Path) -> None:
        run = imported(write(tmp_path))
        assert "This import was written" in client.get(_address(run)).content.decode()
        assert client.post(_address(run), {"e0": "utf-8"}).status_code == 409
        with pytest.raises(imports.UnableToCommit):
            imports.read_files_as(run=run, readings={}, at=AT)


class TestTelling:
    @pytest.mark.parametrize("encoding", ["cp1252", "mac-roman", "cp437", "utf-8", "utf-16"])
    def test_the_encoding_by_the_letters(self, encoding: str) -> None:
        text = "Jürgen Groß, Zoë, Señor Nuñez, Ångström, Geschäftsführer\n" * 3
        if encoding == "cp437":
            text = text.replace("Zoë", "Zoe")
        assert encodings.likeliest(text.encode(encoding)) == encoding

    def test_dates_that_read_in_one_way_only_are_not_unclear(self) -> None:
        assert looks.date_formats(["03/04/2022", "31/12/2022"]) == ["%d/%m/%Y"]
        assert looks.is_unclear(looks.date_formats(["03/04/2022"]))
        assert not looks.is_unclear(looks.date_formats(["2022-03-04"]))
        assert looks.date_formats(["3 Apr 2022", "never"]) == []

    def test_a_sheet_with_true_dates_has_nothing_to_choose(self, client: Client, tmp_path: Path) -> None:
        book = openpyxl.Workbook()
        book.active.append(["Email", "Captured at", "Full name", "Company"])
        book.active.append(["a@b.example", datetime(2022, 4, 3), "Ada Byron", "B"])
        book.save(tmp_path / "people.xlsx")
        run = _uploaded(client, (tmp_path / "people.xlsx").read_bytes(), "people.xlsx")
        (shown,) = previews.previews(run)
        assert (shown.dates, shown.doubts, shown.is_text) == ([], [], False)
