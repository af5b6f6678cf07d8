"""A statement's files, read back with readers that are not the writers; and its doors in the API."""

import csv
import io
import json
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from apps.audit.models import AuditEntry
from apps.compensation.models import Download, FileKind, LedgerEntry, Statement
from apps.compensation.reports import statement_csv, statement_pdf, typesetting
from apps.compensation.reports.proof_pack import write_proof
from apps.compensation.services import downloads
from apps.core.money import to_major
from tests.compensation.conftest import FEBRUARY, JANUARY, Payroll, noon
from tests.compensation.plan_documents import component, graduated, plan

pytestmark = pytest.mark.django_db
HOSTILE = ("=cmd|'/C calc'!A0", "#eval(1)", "*bold* _x_ $y$", "@SUM(1)", "＝1+1", "株式会社 😀", 'a"b\\c')


@pytest.fixture
def company(payroll: Payroll) -> Payroll:
    """An SDR with bands, a draw of nobody, an adjustment and a correction; January locked, February too."""
    cast = payroll.cast
    sdr = cast.rep(cast.sdr)
    payroll.assign(sdr, payroll.plan("sdr"))
    events = [payroll.accepted(sdr, noon(day), 1_000_00 * day) for day in range(1, 23)]
    payroll.settle(JANUARY)
    payroll.accepted(sdr, noon(3, 2), 9_000_00)
    payroll.reverse(events[4], noon(4, 2))
    payroll.settle(FEBRUARY)
    return payroll


def of_sdr(company: Payroll, code: str = "2026-01") -> Statement:
    rows = Statement.objects.select_related("run", "rep", "plan_version__plan")
    return rows.get(rep__user=company.cast.sdr, run__code=code)


def take(client: Any, user: Any, name: str, statement: Statement, fingerprint: str | None = None) -> Any:
    client.force_login(user)
    seen = statement.run.fingerprint if fingerprint is None else fingerprint
    return client.post(reverse(f"compensation:{name}", args=[statement.pk]), {"fingerprint": seen})


def body(answer: Any) -> bytes:
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def read_pdf(content: bytes, folder: Path) -> str:
    """The document's text as poppler reads it, in the order in which it lies on the page."""
    (folder / "read.pdf").write_bytes(content)
    done = subprocess.run(
        ["pdftotext", "-layout", str(folder / "read.pdf"), "-"], capture_output=True, check=True
    )
    return done.stdout.decode()


def amounts_in(text: str) -> list[str]:
    return re.findall(r"(?:− )?\d[\d,]*\.\d\d\b", text)


class TestCsv:
    @pytest.mark.parametrize("code", ["2026-01", "2026-02"])
    def test_sums_to_the_statement_and_has_every_line(self, client, company, code):
        statement = of_sdr(company, code)
        rows = list(
            csv.DictReader(
                io.StringIO(body(take(client, company.cast.sdr, "statement_csv", statement)).decode())
            )
        )
        cents = [int(row["Amount"].replace(".", "")) for row in rows]
        assert sum(cents) == statement.payable_minor
        assert [int(row["Line"]) for row in rows] == list(
            statement.entries.order_by("pk").values_list("pk", flat=True)
        )
        entry = statement.entries.earliest("pk")
        assert rows[0]["Arithmetic"] == entry.formula
        assert rows[0]["Amount"] == str(to_major(entry.amount_minor, "EUR"))
        assert rows[0]["Fingerprint"] == statement.run.fingerprint
        assert {row["Move"] for row in rows} <= {"earned", "adjustment", "clawback"}

    @pytest.mark.once
    @pytest.mark.parametrize(
        ("minor", "currency", "written"),
        [(-5, "EUR", "-0.05"), (123456, "EUR", "1234.56"), (7, "JPY", "7"), (-1234, "KWD", "-1.234")],
    )
    def test_writes_amounts_in_major_units(self, minor, currency, written):
        assert statement_csv.major_of(currency)(minor) == written


class TestXlsx:
    def test_has_typed_cells_and_a_head_that_stays(self, client, company, tmp_path):
        statement = of_sdr(company)
        path = tmp_path / "statement.xlsx"
        path.write_bytes(body(take(client, company.cast.sdr, "statement_xlsx", statement)))
        book = openpyxl.load_workbook(path)
        assert book.sheetnames == ["Summary", "EUR"]
        sheet = book["EUR"]
        assert sheet.freeze_panes == "A2"
        head = {cell.value: cell.column for cell in sheet[1]}
        for word, kind in (("Line", "n"), ("Amount", "n"), ("Earned in all", "n"), ("Arithmetic", "s")):
            assert sheet.cell(2, head[word]).data_type == kind
        formulas = [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
        assert [cell.row for cell in formulas] == [sheet.max_row]

    def test_is_the_same_to_the_byte_when_it_is_made_again(self, client, company):
        statement = of_sdr(company)
        made = [body(take(client, company.cast.sdr, "statement_xlsx", statement)) for _ in range(2)]
        assert made[0] == made[1]


class TestPdf:
    @pytest.mark.parametrize("code", ["2026-01", "2026-02"])
    def test_reads_back_with_every_amount(self, client, company, tmp_path, code):
        statement = of_sdr(company, code)
        text = read_pdf(body(take(client, company.cast.sdr, "statement_pdf", statement)), tmp_path)
        read = [one.replace("− ", "-").replace(",", "") for one in amounts_in(text)]
        for entry in statement.entries.all():
            assert str(to_major(entry.amount_minor, "EUR")) in read
        for minor in (statement.payable_minor, statement.earned_minor, statement.adjustments_minor):
            assert not minor or str(to_major(minor, "EUR")) in read
        assert statement.run.fingerprint in text
        assert statement.digest in text

    def test_its_lines_sum_to_what_is_earned(self, company, tmp_path):
        statement = of_sdr(company)
        data = statement_pdf.data_of(statement_pdf.statement_page(statement, shown=2_000))
        cents = [
            int(line[4].replace("− ", "-").replace(",", "").replace(".", ""))
            for part in data["components"]
            for line in part["lines"]
        ]
        assert sum(cents) == statement.earned_minor
        statement_pdf.write_statement(tmp_path / "made.pdf", statement=statement)
        read = amounts_in(read_pdf((tmp_path / "made.pdf").read_bytes(), tmp_path))
        for part in data["components"]:
            for line in part["lines"]:
                read.remove(line[4])

    def test_the_same_figures_give_the_same_bytes(self, company, tmp_path):
        for name in ("one.pdf", "two.pdf"):
            statement_pdf.write_statement(tmp_path / name, statement=of_sdr(company))
        assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()

    @pytest.mark.once
    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_name_is_text_and_never_markup(self, company, tmp_path, name):
        statement = of_sdr(company)
        statement.rep.name = name
        statement_pdf.write_statement(tmp_path / "made.pdf", statement=statement)
        text = read_pdf((tmp_path / "made.pdf").read_bytes(), tmp_path)
        plain = "".join(char for char in name if ord(char) < 0x250)
        assert all(word in text for word in plain.split())

    @pytest.mark.once
    def test_is_made_to_be_archived(self, company, tmp_path):
        statement_pdf.write_statement(tmp_path / "made.pdf", statement=of_sdr(company))
        assert b"pdfaid" in (tmp_path / "made.pdf").read_bytes()

    @pytest.mark.once
    def test_what_no_page_can_carry_is_dropped(self):
        assert typesetting._plain({"a": ["x\x00y\ttab\nline\ud800", 1, True]}) == {
            "a": ["xy tab line", 1, True]
        }

    @pytest.mark.once
    @pytest.mark.parametrize(
        ("counts", "shown"),
        [([], 10), ([10], 10), ([11], 10), ([3, 6], 10), ([3, 50], 7), ([50, 50, 1], 4), ([50] * 20, 1)],
    )
    def test_sets_no_more_lines_than_fit(self, monkeypatch, counts, shown):
        """Short components whole; of the long ones as many each as the document holds in all."""
        monkeypatch.setattr(statement_pdf, "LINES_IN_PDF", 10)
        assert statement_pdf.lines_shown(counts) == shown

    @pytest.mark.once
    def test_more_lines_than_anybody_reads_are_summed(self, company, monkeypatch):
        monkeypatch.setattr(statement_pdf, "LINES_IN_PDF", 5)
        page = statement_pdf.statement_page(of_sdr(company), shown=5)
        data = statement_pdf.data_of(page)
        meetings = page.components[0]
        assert data["components"][0]["more"].startswith(f"{meetings.line_count - 5} more lines, ")


class TestDoors:
    @pytest.mark.parametrize("name", ["statement_csv", "statement_pdf", "statement_proof"])
    def test_each_taking_is_recorded_with_the_run_s_fingerprint(self, client, company, name):
        statement = of_sdr(company)
        answer = take(client, company.cast.sdr, name, statement)
        content = body(answer)
        kept = Download.objects.get()
        assert kept.kind == (FileKind.PROOF if name == "statement_proof" else FileKind.STATEMENT)
        assert kept.fingerprint == statement.run.fingerprint == answer["X-Fingerprint"]
        assert kept.size == len(content)
        assert downloads.stored_file(kept).read_bytes() == content
        assert AuditEntry.objects.filter(verb="compensation.statement.downloaded").count() == 1
        assert "no-store" in answer["Cache-Control"]
        assert "attachment" in answer["Content-Disposition"]
        assert company.cast.sdr.name not in answer["Content-Disposition"]

    @pytest.mark.parametrize("name", ["statement_csv", "statement_pdf", "statement_proof"])
    def test_a_run_that_changed_is_refused(self, client, company, name):
        answer = take(client, company.cast.sdr, name, of_sdr(company), fingerprint="0" * 64)
        assert answer.status_code == 409
        assert not Download.objects.exists()

    @pytest.mark.parametrize(
        ("part", "status"),
        [("sdr", 200), ("manager", 200), ("finance", 200), ("revops", 200), ("teammate", 404), ("outside_manager", 404),
         ("ae", 404), ("marketing", 403)],
    )  # fmt: skip
    @pytest.mark.parametrize("name", ["statement_csv", "statement_pdf", "statement_proof"])
    def test_who_may(self, client, company, name, part, status):
        assert take(client, getattr(company.cast, part), name, of_sdr(company)).status_code == status

    def test_the_command_writes_a_pack(self, company, tmp_path, capsys):
        statement = of_sdr(company)
        call_command("export_proof", statement=statement.pk, output=tmp_path / "proof.zip", json=True)
        said = json.loads(capsys.readouterr().out)
        assert said["fingerprint"] == statement.run.fingerprint
        with zipfile.ZipFile(tmp_path / "proof.zip") as pack:
            assert "recompute.py" in pack.namelist()

    @pytest.mark.parametrize(
        "asked", [{}, {"statement": 99999}, {"run": "2026-01"}, {"run": "2031-01", "rep": "1"}]
    )
    def test_the_command_says_what_is_missing(self, company, asked):
        with pytest.raises(CommandError):
            call_command("export_proof", **asked)


class TestPackFile:
    def test_the_same_statement_gives_the_same_bytes(self, company, tmp_path):
        for name in ("one.zip", "two.zip"):
            write_proof(tmp_path / name, statement=of_sdr(company))
        assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()

    def test_holds_nothing_of_other_people(self, payroll, tmp_path):
        cast = payroll.cast
        sdr, mate = cast.rep(cast.sdr), cast.rep(cast.teammate)
        team = component(graduated("1"), key="team", scope="team")
        payroll.assign(sdr, payroll.plan(plan(team)))
        payroll.won(mate, noon(5), 700_00)
        payroll.settle(JANUARY)
        write_proof(tmp_path / "one.zip", statement=of_sdr(payroll))
        with zipfile.ZipFile(tmp_path / "one.zip") as pack:
            said = b"".join(pack.read(name) for name in pack.namelist()).decode()
        people = [one.name for one in type(mate).objects.exclude(pk=sdr.pk)]
        assert people
        assert not [name for name in people if f'"{name}"' in said]
        assert '"event:' in said


class TestApi:
    def ask(self, client: Any, user: Any, name: str, *args: Any, **query: Any) -> Any:
        client.force_login(user)
        return client.get(reverse(f"api:{name}", args=args), query)

    def test_a_statement_as_a_whole(self, client, company):
        statement = of_sdr(company, "2026-02")
        found = self.ask(client, company.cast.sdr, "statement", statement.pk).json()
        assert found["statement"]["payable_minor"] == statement.payable_minor
        assert sum(step["amount_minor"] for step in found["steps"]) == statement.payable_minor
        assert sum(one["amount_minor"] for one in found["components"]) == statement.earned_minor
        assert sum(one["amount_minor"] for one in found["adjustments"]) == statement.adjustments_minor
        assert found["previous"] == of_sdr(company).pk

    def test_lines_page_by_page_sum_to_it(self, client, company, monkeypatch):
        monkeypatch.setattr("apps.compensation.api.statements.PER_PAGE", 9)
        statement = of_sdr(company)
        lines, after = [], ""
        while True:
            page = self.ask(client, company.cast.sdr, "statement_lines", statement.pk, after=after).json()
            lines += page["lines"]
            after = page["next_after"]
            if not after:
                break
        assert len(lines) == statement.line_count
        assert sum(line["amount_minor"] for line in lines) == statement.payable_minor

    def test_one_line_explained(self, client, company):
        entry = LedgerEntry.objects.filter(statement=of_sdr(company)).earliest("pk")
        found = self.ask(client, company.cast.sdr, "statement_line", entry.pk).json()
        assert found["line"]["formula"] == entry.formula
        assert found["words"].startswith("Number ")

    @pytest.mark.parametrize(
        ("what", "begins"), [("csv", b"Run,"), ("xlsx", b"PK"), ("pdf", b"%PDF-"), ("proof", b"PK")]
    )
    def test_files(self, client, company, what, begins):
        statement = of_sdr(company)
        client.force_login(company.cast.sdr)
        address = reverse("api:statement_file", args=[statement.pk, what])
        sent = client.post(
            address, {"fingerprint": statement.run.fingerprint}, content_type="application/json"
        )
        assert body(sent).startswith(begins)
        again = client.post(address, {"fingerprint": "0" * 64}, content_type="application/json")
        assert again.status_code == 409

    @pytest.mark.parametrize("what", ["docx", "zip"])
    def test_another_format_is_refused_in_words(self, client, company, what):
        statement = of_sdr(company)
        client.force_login(company.cast.sdr)
        address = reverse("api:statement_file", args=[statement.pk, what])
        sent = client.post(
            address, {"fingerprint": statement.run.fingerprint}, content_type="application/json"
        )
        assert sent.status_code == 400

    def test_the_list_is_of_one_s_own(self, client, company):
        found = self.ask(client, company.cast.sdr, "statements").json()["statements"]
        assert [one["run"] for one in found] == ["2026-02", "2026-01"]
        assert self.ask(client, company.cast.teammate, "statements").json()["statements"] == []
        assert self.ask(client, company.cast.teammate, "statement", of_sdr(company).pk).status_code == 404
