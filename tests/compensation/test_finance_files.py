"""Files of finance: all agree with the ledger to the minor unit, are kept, taken again byte for byte, and recorded."""

import os
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlencode

import openpyxl
import pytest
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.compensation.models import Download, KeptFile, LedgerEntry, PayoutRun, Statement
from apps.compensation.rules.payroll_layout import DEFAULT, FIELDS, Column, Layout
from apps.compensation.services import (
    downloads,
    finance_files,
    payroll_layouts,
    runs,
    statement_downloads,
)
from apps.jobs.models import Job, JobState
from apps.jobs.services import request_cancel, resume
from apps.leads.models import Capacity, EventKind
from apps.leads.services.record import Credit
from tests.compensation import files_read_back as read
from tests.compensation.conftest import FEBRUARY, JANUARY, Payroll, flat_plan, noon

pytestmark = pytest.mark.django_db
AT = noon(9, 3)
ALL_COLUMNS = tuple(Column(field, words) for field, (words, _) in FIELDS.items())


@pytest.fixture
def run(payroll: Payroll) -> PayoutRun:
    """A locked run of two currencies, one without minor units, with adjustments of the period before."""
    cast = payroll.cast
    sdr, teammate, ae = (cast.rep(user) for user in (cast.sdr, cast.teammate, cast.ae))
    plan = payroll.plan("sdr")
    for rep in (sdr, teammate):
        payroll.assign(rep, plan)
    payroll.assign(ae, payroll.plan(flat_plan(rate="3.7")))
    for day in range(1, 8):
        payroll.accepted(sdr, noon(day), 1_234_56 + day)
        payroll.won(ae, noon(day, 2), 98_765_43 - day)
        payroll.event(
            EventKind.WON, noon(day, 2), Credit(sdr, Capacity.SOURCED), amount_minor=777, currency="JPY"
        )
    payroll.settle(JANUARY)
    payroll.accepted(teammate, noon(20), 999_99, recorded_at=noon(3, 2))
    payroll.accepted(teammate, noon(20, 2), 5_000_00)
    payroll.accepted(sdr, noon(21, 2), -400_00)
    sdr.team.name = '=HYPERLINK("http://x.example","y")'
    sdr.team.save()
    sdr.name = "@SUM(A1)"
    sdr.save()
    return payroll.settle(FEBRUARY)


def layout_of(cast, layout: Layout = DEFAULT, name: str = "Payroll"):
    return payroll_layouts.create_layout(name=name, document=layout.as_document(), at=AT, actor=cast.finance)


def make(run: PayoutRun, kind: str, file_format: str, cast, layout=None, at=AT) -> Download:
    made = finance_files.request_file(
        run=run, kind=kind, file_format=file_format, fingerprint=run.fingerprint, at=at, actor=cast.finance,
        layout=layout, at_once=True,
    )  # fmt: skip
    assert isinstance(made, Download)
    return made


def path_of(download: Download) -> Path:
    return downloads.stored_file(download)


def owed(run: PayoutRun) -> read.Sums:
    """What the ledger says, by rep and currency."""
    sums: read.Sums = defaultdict(int)
    for entry in LedgerEntry.objects.filter(run=run):
        sums[entry.rep_id, entry.currency] += entry.amount_minor
    return dict(sums)


def agree(run: PayoutRun, cast) -> None:
    """Statement = report = all lines = payroll file = ledger, per rep and currency, read from the files."""
    expected = owed(run)
    statements = Statement.objects.filter(run=run, line_count__gt=0)
    assert {(one.rep_id, one.currency): one.payable_minor for one in statements} == expected
    report = {"rep": "Rep", "currency": "Currency", "amount": "Payable"}
    lines = report | {"amount": "Amount"}
    assert read.of_csv(path_of(make(run, "report", "csv", cast)), **report) == expected
    assert read.of_xlsx(path_of(make(run, "report", "xlsx", cast)), rep="Rep", amount="Payable") == expected
    assert read.of_csv(path_of(make(run, "lines", "csv", cast)), **lines) == expected
    assert read.of_xlsx(path_of(make(run, "lines", "xlsx", cast)), rep="Rep", amount="Amount") == expected
    layout = layout_of(cast, Layout(ALL_COLUMNS, decimal=",", encoding="utf-8-sig"), f"All {run.code}")
    payroll_file = path_of(make(run, "payroll", "csv", cast, layout))
    how = {"delimiter": ";", "encoding": "utf-8-sig", "decimal": ","}
    names = {"rep": "Rep number", "currency": "Currency", "amount": "Payable"}
    every_statement = {
        (one.rep_id, one.currency): one.payable_minor for one in Statement.objects.filter(run=run)
    }
    assert read.of_csv(payroll_file, **names, **how) == every_statement
    xlsx = path_of(make(run, "payroll", "xlsx", cast, layout))
    assert read.of_xlsx(xlsx, rep="Rep number", amount="Payable") == every_statement
    by_currency: dict[str, int] = defaultdict(int)
    for (_, currency), amount in expected.items():
        by_currency[currency] += amount
    pdf = path_of(make(run, "report", "pdf", cast))
    for heading in ("By team", "By plan", "By component", "Everybody"):
        assert read.pdf_totals(pdf, heading) == by_currency


class TestFiguresAgree:
    def test_in_every_file_of_a_run(self, run, payroll):
        assert {currency for _, currency in owed(run)} == {"EUR", "JPY"}
        agree(run, payroll.cast)

    def test_of_an_earlier_run_as_well(self, run, payroll):
        agree(PayoutRun.objects.get(code="2026-01"), payroll.cast)

    def test_control_rows_close_each_currency(self, run, payroll):
        columns = (Column("name", "Name"), Column("currency", "Cur"), Column("payable", "Pay"))
        layout = layout_of(payroll.cast, Layout(columns, control_row=True, header=False))
        lines = path_of(make(run, "payroll", "csv", payroll.cast, layout)).read_text().splitlines()
        closing = [line.split(";") for line in lines if line.startswith("CONTROL")]
        sums: dict[str, int] = defaultdict(int)
        for one in Statement.objects.filter(run=run):
            sums[one.currency] += one.payable_minor
        assert {cells[1]: read.minor(cells[2], cells[1]) for cells in closing} == dict(sums)

    def test_the_pdf_says_the_run_the_fingerprint_and_who(self, run, payroll):
        first = path_of(make(run, "report", "pdf", payroll.cast)).read_bytes()
        second = path_of(make(run, "report", "pdf", payroll.cast)).read_bytes()
        assert first == second
        assert first.startswith(b"%PDF")
        text = read.pdf_text(path_of(Download.objects.filter(format="pdf")[0]))
        assert {run.fingerprint, "Finance"} <= set(text.split())
        assert "@SUM(A1)" in text


@pytest.mark.once
class TestInASpreadsheetProgram:
    """LibreOffice reckons the totals anew; with CI=true it must be there."""

    @pytest.fixture
    def office(self, tmp_path):
        program = shutil.which("soffice") or shutil.which("libreoffice")
        if program is None:
            says = "LibreOffice is not installed, so nothing reckons the totals of the XLSX anew."
            if os.environ.get("CI") == "true":
                pytest.fail(f"{says} With CI=true it is required.", pytrace=False)
            pytest.skip(says)

        def convert(path: Path) -> dict[str, list[list[str]]]:
            """Every sheet as LibreOffice writes it, its formulas reckoned: the file's own values are dropped first."""
            book = openpyxl.load_workbook(path)
            bare = tmp_path / "bare.xlsx"
            book.save(bare)
            # -1: each sheet as a file of its own.
            options = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"
            home = f"-env:UserInstallation=file://{tmp_path}/office"
            command = [
                program,
                home,
                "--headless",
                "--convert-to",
                options,
                "--outdir",
                str(tmp_path),
                str(bare),
            ]
            subprocess.run(command, check=True, capture_output=True, timeout=300)
            return {name: read.rows_of_csv(tmp_path / f"bare-{name}.csv") for name in book.sheetnames}

        return convert

    @pytest.mark.parametrize("currency", ["EUR", "JPY"])
    def test_a_statement_has_every_line_and_the_same_sum(self, office, payroll, run, currency):
        statement = Statement.objects.get(run=run, rep=payroll.cast.rep(payroll.cast.sdr), currency=currency)
        made = statement_downloads.download_statement(
            statement=statement,
            file_format="xlsx",
            fingerprint=run.fingerprint,
            at=AT,
            actor=payroll.cast.sdr,
        )
        sheets = office(downloads.stored_file(made))
        said = {row[0]: row[1] for row in sheets["Summary"] if row and row[0]}
        assert read.minor(said["Payable"], currency) == statement.payable_minor
        assert read.minor(said["Sum of the lines"], currency) == statement.payable_minor
        assert read.minor(said["Difference"], currency) == 0
        assert said["Fingerprint"] == run.fingerprint
        head, *rows, total = sheets[currency]
        line, amount = head.index("Line"), head.index("Amount")
        there = statement.entries.order_by("pk").values_list("pk", "amount_minor")
        assert [(int(row[line]), read.minor(row[amount], currency)) for row in rows] == list(there)
        assert read.minor(total[amount], currency) == statement.payable_minor

    @pytest.mark.parametrize("kind", ["report", "lines"])
    def test_the_totals_that_it_reckons_are_the_ledger_s(self, run, payroll, office, kind):
        sheets = office(path_of(make(run, kind, "xlsx", payroll.cast)))
        expected: dict[str, int] = defaultdict(int)
        for (_, currency), amount in owed(run).items():
            expected[currency] += amount
        amount = "Payable" if kind == "report" else "Amount"
        for currency, total in expected.items():
            head, *rows = sheets[currency]
            *lines, last = rows
            at = head.index(amount)
            assert read.minor(last[at], currency) == total
            assert sum(read.minor(row[at], currency) for row in lines) == total
        cover = sheets["Summary"]
        start = next(at for at, row in enumerate(cover) if row[0] == "Control totals") + 1
        for row in cover[start : start + len(expected)]:
            currency = row[1]
            assert [read.minor(row[at], currency) for at in (3, 4, 5, 6)] == [expected[currency]] * 3 + [0]


class TestPayrollFile:
    def test_opens_once_the_run_is_locked(self, payroll):
        payroll.assign(payroll.cast.rep(payroll.cast.sdr), payroll.plan("sdr"))
        run = payroll.compute(JANUARY)
        with pytest.raises(downloads.UnableToDownload, match="once the run is locked"):
            make(run, "payroll", "csv", payroll.cast, layout_of(payroll.cast))

    def test_names_the_letter_that_its_encoding_lacks(self, run, payroll):
        rep = payroll.cast.rep(payroll.cast.teammate)
        rep.name = "Łukasz 日本"
        rep.save()
        layout = layout_of(payroll.cast, Layout(ALL_COLUMNS, encoding="cp1252"))
        with pytest.raises(Exception, match="Windows-1252 lacks"):
            make(run, "payroll", "csv", payroll.cast, layout)
        assert not Download.objects.filter(kind="payroll").exists()


class TestLargeFiles:
    def ask(self, client, run, payroll, settings):
        settings.PAYOUT_FILE_ROWS_AT_ONCE = 1
        client.force_login(payroll.cast.finance)
        asked = {"kind": "lines", "format": "xlsx", "fingerprint": run.fingerprint}
        return client.post(reverse("compensation:run_download", args=[run.pk]), asked)

    def test_are_made_by_a_worker_and_taken_byte_for_byte(self, client, run, payroll, settings, run_jobs):
        assert self.ask(client, run, payroll, settings).status_code == 302
        assert self.ask(client, run, payroll, settings).status_code == 302
        assert Job.objects.filter(kind=finance_files.JOB_KIND).count() == 1
        run_jobs()
        kept = KeptFile.objects.get()
        assert not Download.objects.filter(kind="lines").exists()
        page = client.get(reverse("compensation:run", args=[run.pk])).content.decode()
        assert reverse("compensation:kept_file", args=[kept.pk]) in page
        bodies = set()
        for _ in range(2):
            sent = client.post(reverse("compensation:kept_file", args=[kept.pk]))
            bodies.add(b"".join(sent.streaming_content))
            assert sent["Cache-Control"] == "no-store, private"
        assert bodies == {downloads.stored_file(kept).read_bytes()}
        assert Download.objects.filter(kind="lines", sha256=kept.sha256).count() == 2
        assert AuditEntry.objects.filter(verb="compensation.file.taken").count() == 2

    def test_stopped_half_way_leave_nothing_and_go_on(self, client, run, payroll, settings, run_jobs):
        self.ask(client, run, payroll, settings)
        job = Job.objects.get(kind=finance_files.JOB_KIND)
        request_cancel(job=job, at=timezone.now())
        run_jobs()
        assert not KeptFile.objects.exists()
        job.refresh_from_db()
        assert job.state == JobState.CANCELLED
        resume(job=job, at=timezone.now())
        run_jobs()
        assert read.of_xlsx(
            downloads.stored_file(KeptFile.objects.get()), rep="Rep", amount="Amount"
        ) == owed(run)

    def test_of_a_run_that_changed_meanwhile_are_not_kept(self, client, payroll, settings, run_jobs):
        rep = payroll.cast.rep(payroll.cast.sdr)
        payroll.assign(rep, payroll.plan("sdr"))
        payroll.accepted(rep, noon(5), 1_000_00)
        payroll.accepted(rep, noon(6), 1_000_00)
        run = payroll.compute(JANUARY)
        self.ask(client, run, payroll, settings)
        payroll.accepted(rep, noon(7), 1_000_00, recorded_at=noon(7))
        payroll.compute(JANUARY, at=noon(4, 2))
        run_jobs()
        job = Job.objects.get(kind=finance_files.JOB_KIND)
        assert job.state == JobState.FAILED
        assert "changed since you looked" in job.error
        assert not KeptFile.objects.exists()


class TestTakingAgain:
    def again(self, client, payroll, download):
        client.force_login(payroll.cast.finance)
        return client.post(reverse("compensation:download_again", args=[download.pk]))

    def test_sends_the_kept_bytes_and_records_it(self, client, run, payroll):
        made = make(run, "report", "xlsx", payroll.cast)
        sent = self.again(client, payroll, made)
        assert b"".join(sent.streaming_content) == path_of(made).read_bytes()
        assert Download.objects.filter(again_of=made, by=payroll.cast.finance).count() == 1
        assert AuditEntry.objects.filter(verb="compensation.file.taken_again").count() == 1

    def test_a_file_that_was_altered_is_not_sent(self, client, run, payroll):
        made = make(run, "report", "csv", payroll.cast)
        path = path_of(made)
        path.chmod(0o600)
        path.write_bytes(path.read_bytes().replace(b".", b",", 1))
        answer = self.again(client, payroll, made)
        assert answer.status_code == 409
        assert "SHA-256 is another" in answer.content.decode()
        assert not Download.objects.filter(again_of=made).exists()

    def test_a_file_that_is_gone_is_said_to_be(self, client, run, payroll):
        made = make(run, "report", "csv", payroll.cast)
        path_of(made).unlink()
        answer = self.again(client, payroll, made)
        assert answer.status_code == 409
        assert "no longer there" in answer.content.decode()

    def test_a_file_of_a_run_that_changed_since_is_refused(self, client, payroll):
        rep = payroll.cast.rep(payroll.cast.sdr)
        payroll.assign(rep, payroll.plan("sdr"))
        payroll.accepted(rep, noon(5), 1_000_00)
        made = make(payroll.compute(JANUARY), "report", "csv", payroll.cast)
        payroll.accepted(rep, noon(7), 1_000_00, recorded_at=noon(7))
        payroll.compute(JANUARY, at=noon(4, 2))
        answer = self.again(client, payroll, made)
        assert answer.status_code == 409
        assert "changed since this file was made" in answer.content.decode()


class TestFreshSignIn:
    @pytest.mark.parametrize("step", ["download", "approve", "lock"])
    def test_is_asked_for_after_a_while(self, client, payroll, settings, step):
        rep = payroll.cast.rep(payroll.cast.sdr)
        payroll.assign(rep, payroll.plan("sdr"))
        run = payroll.compute(JANUARY)
        runs.submit_run(run=run, at=AT, actor=payroll.cast.revops)
        if step == "lock":
            runs.approve_run(run=run, fingerprint=run.fingerprint, at=AT, actor=payroll.cast.finance)
        client.force_login(payroll.cast.finance)
        settings.FRESH_SIGN_IN_MINUTES = 0
        address = reverse(f"compensation:run_{step}", args=[run.pk])
        answer = client.post(address, {"format": "csv", "fingerprint": run.fingerprint})
        assert answer.status_code == 302
        assert answer.url.startswith(reverse("account_reauthenticate"))
        assert not Download.objects.exists()
        before = run.state
        run.refresh_from_db()
        assert run.state == before
        # The password again, and the step goes through.
        settings.FRESH_SIGN_IN_MINUTES = 15
        assert client.post(address, {"format": "csv", "fingerprint": run.fingerprint}).status_code in (
            200,
            302,
        )

    @pytest.mark.parametrize("what", ["csv", "xlsx", "pdf", "proof"])
    def test_is_asked_for_before_a_statement_leaves_too(self, client, payroll, settings, what):
        """One's own as well: a desk that was left shows pay, and a file takes it along."""
        rep = payroll.cast.rep(payroll.cast.sdr)
        payroll.assign(rep, payroll.plan("sdr"))
        payroll.accepted(rep, noon(7), 1_000_00)
        statement = Statement.objects.get(run=payroll.settle(JANUARY))
        client.force_login(payroll.cast.sdr)
        seen = {"fingerprint": statement.run.fingerprint}
        page = reverse("compensation:statement", args=[statement.pk])
        address = reverse(f"compensation:statement_{what}", args=[statement.pk])
        settings.FRESH_SIGN_IN_MINUTES = 0
        answer = client.post(address, seen, headers={"referer": f"http://testserver{page}?x=1"})
        assert (answer.status_code, answer.url) == (
            302,
            f"{reverse('account_reauthenticate')}?{urlencode({'next': f'{page}?x=1'})}",
        )
        program = reverse("api:statement_file", args=[statement.pk, what])
        refused = client.post(program, seen, content_type="application/json")
        assert (refused.status_code, refused.json()["title"]) == (409, "sign_in_again")
        assert not Download.objects.exists()
        settings.FRESH_SIGN_IN_MINUTES = 15
        assert client.post(address, seen).status_code == 200

    def test_the_password_makes_it_fresh(self, client, payroll, settings):
        user = payroll.cast.finance
        user.set_password("a-long-enough-password")
        user.save()
        client.force_login(user)
        settings.FRESH_SIGN_IN_MINUTES = 0
        page = reverse("compensation:runs")
        again = reverse("account_reauthenticate")
        answer = client.post(f"{again}?next={page}", {"password": "a-long-enough-password", "next": page})
        assert answer.status_code == 302
        refused = client.post(reverse("compensation:accruals_file"), {"format": "csv"})
        assert refused.status_code == 200, "allauth's own stamp is as good as a sign-in"
