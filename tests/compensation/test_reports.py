"""Files of pay: read back by other readers, equal to the ledger to the minor unit, and never a formula."""

import csv
import hashlib
import io
import json
import re
from collections import defaultdict
from decimal import Decimal

import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from python_calamine import CalamineWorkbook

from apps.audit.models import AuditEntry
from apps.compensation.models import Download, LedgerEntry, PayoutRun, RunState, Statement
from apps.compensation.services import downloads, runs, statement_downloads
from apps.core.money import exponent
from apps.core.spreadsheets import spreadsheet_text
from apps.leads.models import Capacity, EventKind
from apps.leads.services.record import Credit
from tests.compensation.conftest import FEBRUARY, JANUARY, Payroll, flat_plan, noon
from tests.stage import staged

pytestmark = pytest.mark.django_db

# A sum of a column, a total of another sheet, a difference of two cells: nothing of a name.
OURS = r"=(SUM\([A-Z]+\d+:[A-Z]+\d+\)|'[A-Z]{3}'![A-Z]+\d+|ROUND\([A-Z]+\d+-[A-Z]+\d+,\d\))"

HOSTILE = [
    "=HYPERLINK(\"http://x.example\",\"y\")",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\tcmd",
    "\rcmd",
    "\ncmd",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM",
    " =1+1",
    "\u200b=1+1",
    "\ufeff=1",
    "−1+1",
]  # fmt: skip


@pytest.fixture
@staged
def run(payroll: Payroll) -> PayoutRun:
    """Two currencies, one of them without minor units, two components, adjustments, hostile names."""
    cast = payroll.cast
    sdr, teammate, ae = (cast.rep(user) for user in (cast.sdr, cast.teammate, cast.ae))
    plan = payroll.plan("sdr")
    for rep in (sdr, teammate):
        payroll.assign(rep, plan)
    payroll.assign(ae, payroll.plan(flat_plan(rate="3.7")))
    for day in range(1, 15):
        payroll.accepted(sdr, noon(day), 1_234_56 + day)
        payroll.won(ae, noon(day), 98_765_43 - day)
        payroll.event(
            EventKind.WON, noon(day), Credit(sdr, Capacity.SOURCED), amount_minor=777, currency="JPY"
        )
    payroll.settle(JANUARY)
    payroll.accepted(teammate, noon(20), 999_99, recorded_at=noon(3, 2))
    payroll.accepted(teammate, noon(20, 2), 5_000_00)
    payroll.accepted(sdr, noon(21, 2), -400_00)
    sdr.team.name = HOSTILE[0]
    sdr.team.save()
    sdr.name, teammate.name = HOSTILE[3], HOSTILE[7]
    sdr.save()
    teammate.save()
    return payroll.compute(FEBRUARY)


def january() -> PayoutRun:
    return PayoutRun.objects.get(code="2026-01")


def make(run: PayoutRun, file_format: str, actor=None) -> Download:
    return downloads.download_report(
        run=run, file_format=file_format, fingerprint=run.fingerprint, at=noon(9, 3), actor=actor
    )


def ledger_sums(run: PayoutRun) -> dict[tuple, int]:
    sums: dict[tuple, int] = defaultdict(int)
    for entry in LedgerEntry.objects.filter(run=run):
        sums[entry.rep_id, entry.currency, entry.component_key] += entry.amount_minor
    return dict(sums)


def minor(value, currency: str) -> int:
    """A figure read from a file, as minor units; a cell's float is read at the currency's own places."""
    places = exponent(currency)
    scaled = Decimal(repr(value) if isinstance(value, float) else str(value)).scaleb(places)
    nearest = int(scaled.to_integral_value())
    assert abs(scaled - nearest) < Decimal("0.0001"), value
    return nearest


def read_csv(download: Download) -> list[dict[str, str]]:
    with downloads.stored_file(download).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class TestFiguresReadBack:
    @pytest.mark.parametrize("which", ["2026-01", "2026-02"])
    def test_csv_equals_the_ledger(self, run, which):
        run = PayoutRun.objects.get(code=which)
        sums = {
            (int(row["Rep"]), row["Currency"], row["Component"]): minor(row["Payable"], row["Currency"])
            for row in read_csv(make(run, "csv"))
        }
        assert sums == ledger_sums(run)
        for row in read_csv(make(run, "csv")):
            assert Decimal(row["Earned"]) + Decimal(row["Adjustments"]) == Decimal(row["Payable"])
            assert row["Fingerprint"] == run.fingerprint

    @pytest.mark.parametrize("which", ["2026-01", "2026-02"])
    def test_xlsx_equals_the_ledger_with_two_readers(self, run, which):
        run = PayoutRun.objects.get(code=which)
        path = downloads.stored_file(make(run, "xlsx"))
        # The values of formulas as they are kept in the file.
        book = openpyxl.load_workbook(path, data_only=True)
        by_openpyxl = {
            name: [[cell.value for cell in row] for row in book[name].iter_rows()] for name in book.sheetnames
        }
        other = CalamineWorkbook.from_path(path)
        by_calamine = {name: other.get_sheet_by_name(name).to_python() for name in other.sheet_names}
        for sheets in (by_openpyxl, by_calamine):
            sums = {}
            for currency in [name for name in sheets if name != "Summary"]:
                head, *rows, total = sheets[currency]
                place = {word: column for column, word in enumerate(head)}
                for row in rows:
                    key = (int(row[place["Rep"]]), currency, row[place["Component"]])
                    sums[key] = minor(row[place["Payable"]], currency)
                summed = sum(value for key, value in sums.items() if key[1] == currency)
                assert minor(total[place["Payable"]], currency) == summed
            assert sums == ledger_sums(run)

    def test_statements_sum_to_the_report(self, run):
        for which in (january(), run):
            paid: dict[tuple, int] = defaultdict(int)
            for row in read_csv(make(which, "csv")):
                paid[int(row["Rep"]), row["Currency"]] += minor(row["Payable"], row["Currency"])
            statements = {
                (one.rep_id, one.currency): one.payable_minor for one in Statement.objects.filter(run=which)
            }
            assert {key: value for key, value in statements.items() if value} == {
                key: value for key, value in paid.items() if value
            }

    def test_the_cover_says_which_run_who_and_when(self, run, payroll):
        book = openpyxl.load_workbook(downloads.stored_file(make(run, "xlsx", payroll.cast.finance)))
        text = {str(cell.value) for row in book["Summary"].iter_rows() for cell in row}
        assert {run.fingerprint, run.code, "Finance", "2026-03-09 13:00 CET"} <= text
        assert book["EUR"].freeze_panes == "A2"

    def test_the_statement_as_csv_sums_to_the_statement(self, run, payroll):
        statement = Statement.objects.get(run=run, rep__user=payroll.cast.teammate)
        made = statement_downloads.download_statement(
            statement=statement,
            file_format="csv",
            fingerprint=run.fingerprint,
            at=noon(9, 3),
            actor=payroll.cast.teammate,
        )
        rows = read_csv(made)
        assert sum(minor(row["Amount"], "EUR") for row in rows) == statement.payable_minor
        assert {row["Period"] for row in rows} == {"2026-01-01..2026-02-01", "2026-02-01..2026-03-01"}


class TestFormulas:
    @pytest.mark.parametrize("text", HOSTILE)
    def test_what_a_spreadsheet_might_run_gets_an_apostrophe(self, text):
        assert spreadsheet_text(text) == "'" + text

    @pytest.mark.parametrize("text", ["Maya", "a=b", "1+1", "Ångström", "", "x\ty", "(1)", "50 %"])
    def test_ordinary_text_stays_as_it_is(self, text):
        assert spreadsheet_text(text) == text

    def test_characters_that_no_file_carries_are_dropped(self):
        assert spreadsheet_text("a\x00b\x07") == "ab"

    def test_no_cell_of_the_files_is_a_formula_but_the_totals(self, run):
        book = openpyxl.load_workbook(downloads.stored_file(make(run, "xlsx")))
        cells = [cell for name in book.sheetnames for row in book[name].iter_rows() for cell in row]
        formulas = {cell.value for cell in cells if cell.data_type == "f"}
        assert {cell.data_type for cell in cells} <= {"s", "n", "f"}
        assert formulas
        assert [formula for formula in formulas if not re.fullmatch(OURS, formula)] == []
        texts = {cell.value for cell in cells if cell.data_type == "s"}
        assert {"'" + HOSTILE[0], "'" + HOSTILE[3], "'" + HOSTILE[7]} <= texts
        with downloads.stored_file(make(run, "csv")).open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                for cell in row:
                    assert not cell.startswith(("=", "+", "@", "\t", "\r", "\n", "＝", "＋", "＠"))
                    assert not cell.startswith("-") or Decimal(cell) < 0


class TestDownloading:
    def test_is_recorded_with_the_file_kept(self, run, payroll):
        made = make(run, "csv", payroll.cast.finance)
        kept = downloads.stored_file(made).read_bytes()
        assert hashlib.sha256(kept).hexdigest() == made.sha256
        assert (made.size, made.fingerprint, made.by) == (len(kept), run.fingerprint, payroll.cast.finance)
        entry = AuditEntry.objects.get(verb="compensation.run.downloaded")
        assert entry.data["sha256"] == made.sha256

    def test_sends_the_file_that_was_kept(self, client, run, payroll):
        client.force_login(payroll.cast.finance)
        address = reverse("compensation:run_download", args=[run.pk])
        sent = client.post(address, {"format": "xlsx", "fingerprint": run.fingerprint})
        body = b"".join(sent.streaming_content)
        assert body == downloads.stored_file(Download.objects.get()).read_bytes()
        assert run.fingerprint[:8] in sent["Content-Disposition"]

    def test_is_refused_when_the_run_changed_since_it_was_seen(self, client, run, payroll):
        seen = run.fingerprint
        payroll.accepted(payroll.cast.rep(payroll.cast.sdr), noon(25, 2), 1_00)
        payroll.compute(FEBRUARY, at=noon(4, 3))
        client.force_login(payroll.cast.finance)
        address = reverse("compensation:run_download", args=[run.pk])
        answer = client.post(address, {"format": "csv", "fingerprint": seen})
        assert answer.status_code == 409
        assert "changed since you looked" in answer.content.decode()
        assert not Download.objects.exists()

    def test_is_refused_while_the_run_is_computed(self, run, payroll):
        runs.request_computation(run=run, at=noon(4, 3), actor=payroll.cast.revops)
        with pytest.raises(downloads.UnableToDownload, match="being computed"):
            make(run, "csv")

    @pytest.mark.sqlite
    def test_is_refused_when_a_line_was_altered_past_the_guards(self, run):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'compensation_ledgerentry' AND type = 'trigger'"
            )
            for name, _ in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")
        one = LedgerEntry.objects.filter(run=run, kind="adjustment")[0]
        LedgerEntry.objects.filter(pk=one.pk).update(amount_minor=one.amount_minor + 1)
        with pytest.raises(downloads.UnableToDownload, match="no longer gives the fingerprint"):
            make(run, "csv")

    def test_an_unknown_format_is_refused(self, client, run, payroll):
        client.force_login(payroll.cast.finance)
        address = reverse("compensation:run_download", args=[run.pk])
        assert client.post(address, {"format": "exe", "fingerprint": run.fingerprint}).status_code == 400


def called(name: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


class TestCommands:
    def test_compute_and_export_a_period(self, payroll, tmp_path):
        rep = payroll.cast.rep(payroll.cast.sdr)
        payroll.assign(rep, payroll.plan("sdr"))
        payroll.accepted(rep, noon(5), 10_000_00)
        outcome = json.loads(called("run_payouts", "--period", "2026-01", "--json"))
        assert outcome["state"] == RunState.COMPUTED
        assert outcome["totals"] == [{"currency": "EUR", "statements": 1, "payable": "60.00"}]
        for file_format in ("csv", "xlsx"):
            target = tmp_path / f"out.{file_format}"
            arguments = ("--format", file_format, "--output", str(target), "--json")
            made = json.loads(called("export_payouts", "--run", str(outcome["run"]), *arguments))
            assert hashlib.sha256(target.read_bytes()).hexdigest() == made["sha256"]
            assert made["fingerprint"] == outcome["fingerprint"]
        assert "€60.00" in called("run_payouts", "--period", "2026-01")

    @pytest.mark.parametrize(
        ("period", "says"), [("2026-13", "is not a period"), ("2199-01", "has not begun")]
    )
    def test_say_what_could_not_be_done(self, payroll, period, says):
        with pytest.raises(CommandError, match=says):
            called("run_payouts", "--period", period)

    def test_fail_with_the_job_s_sentence(self, payroll):
        rep = payroll.cast.rep(payroll.cast.ae)
        payroll.assign(rep, payroll.plan("ae"))
        payroll.won(rep, noon(5), 1_000_00)
        with pytest.raises(CommandError, match="measured against the quota"):
            called("run_payouts", "--period", "2026-01")
        # Once it is set, the same command goes through.
        payroll.quota(rep, 100_000_00)
        assert "computed" in called("run_payouts", "--period", "2026-01")

    def test_refuse_a_locked_run(self, payroll):
        payroll.settle(JANUARY)
        with pytest.raises(CommandError, match="never computed again"):
            called("run_payouts", "--period", "2026-01")

    def test_refuse_a_run_that_is_not_there(self, db):
        with pytest.raises(CommandError, match="There is no payout run 2026-01"):
            called("export_payouts", "--run", "2026-01", "--format", "csv")

    def test_load_a_plan(self, payroll, tmp_path):
        said = called("load_plan", "sdr", "--author", payroll.cast.revops.email)
        assert said == "SDR, version 1 is draft.\n"
        said = called(
            "load_plan",
            "sdr",
            "--author",
            payroll.cast.revops.email,
            "--approve-by",
            payroll.cast.finance.email,
        )
        assert said == "SDR, version 1 is approved.\n"
        bad = tmp_path / "bad.json"
        bad.write_text("{")
        with pytest.raises(CommandError, match="is not JSON: line 1"):
            called("load_plan", str(bad), "--author", payroll.cast.revops.email)
        with pytest.raises(CommandError, match="this needs RevOps"):
            called("load_plan", "sdr", "--author", payroll.cast.sdr.email)
