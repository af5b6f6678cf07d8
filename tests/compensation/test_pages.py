"""The pay pages: who sees what, what they show, what they cost."""

import re

import pytest
from django.urls import reverse

from apps.compensation.models import Download, LedgerEntry, PayoutRun, RunState, Statement
from apps.compensation.services import plan_drafts, plans, runs
from apps.jobs.models import Job
from tests.compensation.conftest import FEBRUARY, JANUARY, Payroll, noon
from tests.stage import staged

pytestmark = pytest.mark.django_db


@pytest.fixture
@staged
def company(payroll: Payroll) -> Payroll:
    """An SDR, a teammate, an outsider and an AE with pay; January is locked, February computed."""
    sdr_plan, ae_plan = payroll.plan("sdr"), payroll.plan("ae")
    cast = payroll.cast
    for name in ("sdr", "teammate", "outsider"):
        rep = cast.rep(getattr(cast, name))
        payroll.assign(rep, sdr_plan)
        for day in range(1, 13):
            payroll.accepted(rep, noon(day), 1_000_00 * day)
    ae = cast.rep(cast.ae)
    payroll.assign(ae, ae_plan)
    payroll.quota(ae, 100_000_00)
    payroll.won(ae, noon(7), 130_000_00)
    payroll.settle(JANUARY)
    payroll.accepted(cast.rep(cast.sdr), noon(3, 2), 9_000_00)
    payroll.accepted(cast.rep(cast.sdr), noon(30), 5_000_00, recorded_at=noon(9, 2))
    payroll.compute(FEBRUARY)
    return payroll


def statement_of(company: Payroll, part: str, code: str = "2026-01") -> Statement:
    return Statement.objects.get(rep__user=getattr(company.cast, part), run__code=code)


def get(client, user, name, *args, **query):
    client.force_login(user)
    return client.get(reverse(f"compensation:{name}", args=args), query)


class TestPrivacy:
    @pytest.mark.parametrize(
        ("viewer", "of", "status"),
        [
            ("sdr", "sdr", 200),
            ("teammate", "sdr", 404),
            ("outsider", "sdr", 404),
            ("ae", "sdr", 404),
            ("am", "sdr", 404),
            ("manager", "sdr", 200),
            ("manager", "outsider", 404),
            ("outside_manager", "sdr", 404),
            ("outside_manager", "outsider", 200),
            ("finance", "sdr", 200),
            ("revops", "sdr", 200),
            ("marketing", "sdr", 403),
        ],
    )
    def test_a_statement_is_the_rep_s_the_manager_s_and_finance_s(self, client, company, viewer, of, status):
        found = statement_of(company, of)
        entry = LedgerEntry.objects.filter(statement=found).first()
        user = getattr(company.cast, viewer)
        assert get(client, user, "statement", found.pk).status_code == status
        assert get(client, user, "line", entry.pk).status_code == status
        assert get(client, user, "component_lines", found.pk, entry.component_key).status_code == status
        posted = client.post(
            reverse("compensation:statement_csv", args=[found.pk]), {"fingerprint": found.run.fingerprint}
        )
        assert posted.status_code == status

    @pytest.mark.parametrize(
        ("viewer", "status"),
        [("sdr", 403), ("ae", 403), ("marketing", 403), ("manager", 200), ("finance", 200), ("revops", 200)],
    )
    def test_runs_are_for_finance_revops_and_managers(self, client, company, viewer, status):
        user = getattr(company.cast, viewer)
        run = PayoutRun.objects.get(code="2026-01")
        for name, args in (("runs", []), ("run", [run.pk]), ("statements", [])):
            assert get(client, user, name, *args).status_code == status

    def test_a_manager_sees_the_own_team_s_rows_and_nothing_of_the_rest(self, client, company):
        run = PayoutRun.objects.get(code="2026-01")
        page = get(client, company.cast.outside_manager, "run", run.pk).content.decode()
        # 10 × 40 + 2 × 60 + 78,000.00 × 0.20 %
        assert "676.00" in page
        assert "Mid-market AEs" not in page
        assert run.short_fingerprint not in page
        listed = get(client, company.cast.outside_manager, "statements", run=run.pk).content.decode()
        assert "Outsider" in listed
        assert "Teammate" not in listed

    def test_reps_and_managers_wait_until_the_run_was_submitted(self, client, company):
        found = statement_of(company, "sdr", "2026-02")
        assert get(client, company.cast.sdr, "statement", found.pk).status_code == 404
        assert get(client, company.cast.manager, "run", found.run_id).status_code == 404
        assert get(client, company.cast.finance, "statement", found.pk).status_code == 200
        runs.submit_run(run=found.run, at=noon(2, 3), actor=company.cast.revops)
        assert get(client, company.cast.sdr, "statement", found.pk).status_code == 200

    def test_no_cache_keeps_a_page_or_a_file(self, client, company):
        found = statement_of(company, "sdr")
        assert "no-store" in get(client, company.cast.sdr, "statement", found.pk)["Cache-Control"]
        sent = client.post(
            reverse("compensation:statement_csv", args=[found.pk]), {"fingerprint": found.run.fingerprint}
        )
        assert "no-store" in sent["Cache-Control"]
        assert "Sdr" not in sent["Content-Disposition"]

    @pytest.mark.parametrize("part", ["sdr", "manager", "marketing", "revops"])
    def test_only_finance_downloads_and_settles(self, client, company, part):
        run = PayoutRun.objects.get(code="2026-01")
        client.force_login(getattr(company.cast, part))
        for step in ("run_download", "run_approve", "run_lock", "run_pay", "run_send_back"):
            address = reverse(f"compensation:{step}", args=[run.pk])
            assert client.post(address, {"fingerprint": run.fingerprint}).status_code == 403
        assert not Download.objects.exists()

    @pytest.mark.parametrize("part", ["sdr", "manager", "marketing", "finance"])
    def test_only_revops_computes(self, client, company, part):
        run = PayoutRun.objects.get(code="2026-02")
        client.force_login(getattr(company.cast, part))
        for step in ("run_compute", "run_submit"):
            assert client.post(reverse(f"compensation:{step}", args=[run.pk])).status_code == 403
        assert client.post(reverse("compensation:run_start"), {"period": "2026-03"}).status_code == 403


class TestStatementPage:
    def test_shows_bands_lines_and_the_sum(self, client, company):
        page = get(client, company.cast.sdr, "statement", statement_of(company, "sdr").pk).content.decode()
        text = re.sub(r"<[^>]+>|\s+", " ", page)
        assert "10 × €40.00" in text
        assert "2 × €60.00" in text
        assert "€676.00" in text

    def test_explains_a_line_in_words(self, client, company):
        entry = LedgerEntry.objects.get(
            statement=statement_of(company, "sdr"), component_key="accepted_meetings", place=11
        )
        client.force_login(company.cast.sdr)
        address = reverse("compensation:line", args=[entry.pk])
        fragment = client.get(address, headers={"HX-Request": "true"}).content.decode()
        assert "Number 11 of January 2026" in fragment
        assert "1 meeting × €60.00 = €60.00" in fragment
        assert "<html" not in fragment
        assert "<html" in client.get(address).content.decode()

    def test_names_the_cause_of_an_adjustment(self, client, company):
        page = get(client, company.cast.finance, "statement", statement_of(company, "sdr", "2026-02").pk)
        text = page.content.decode()
        assert "came to the record on 9 Feb 2026" in text
        assert "Against January 2026" in text

    def test_costs_the_same_however_many_lines_there_are(
        self, client, company, django_assert_max_num_queries
    ):
        address = reverse("compensation:statement", args=[statement_of(company, "sdr").pk])
        client.force_login(company.cast.sdr)
        with django_assert_max_num_queries(16):
            client.get(address)

    def test_own_pay_lists_the_statements(self, client, company, django_assert_max_num_queries):
        client.force_login(company.cast.sdr)
        with django_assert_max_num_queries(15):
            page = client.get(reverse("compensation:own"))
        assert "January 2026" in page.content.decode()
        assert "February 2026" not in page.content.decode()

    def test_own_pay_of_somebody_without_any_says_so(self, client, company):
        assert "No statement yet" in get(client, company.cast.am, "own").content.decode()

    def test_a_component_that_does_not_exist_is_not_found(self, client, company):
        found = statement_of(company, "sdr")
        assert get(client, company.cast.sdr, "component_lines", found.pk, "nothing").status_code == 404


class TestRunPage:
    def test_lists_cost_the_same_however_many_runs_there_are(
        self, client, company, django_assert_max_num_queries
    ):
        pins = {"runs": 8, "statements": 12, "downloads": 6, "plans": 8}
        client.force_login(company.cast.finance)
        for name, most in pins.items():
            with django_assert_max_num_queries(most):
                assert client.get(reverse(f"compensation:{name}")).status_code == 200

    @pytest.mark.parametrize("by", ["team", "plan", "component", "nonsense"])
    def test_sums_by_team_plan_and_component(self, client, company, by, django_assert_max_num_queries):
        run = PayoutRun.objects.get(code="2026-01")
        client.force_login(company.cast.finance)
        with django_assert_max_num_queries(26):
            page = client.get(reverse("compensation:run", args=[run.pk]), {"by": by}).content.decode()
        total = sum(Statement.objects.filter(run=run).values_list("payable_minor", flat=True))
        assert f"{total / 100:,.2f}" in page

    def test_puts_what_is_odd_first(self, client, company):
        company.reverse(
            LedgerEntry.objects.filter(rep__user=company.cast.teammate, component_key="accepted_meetings")[
                0
            ].event,
            noon(10, 2),
        )
        run = company.compute(FEBRUARY)
        page = get(client, company.cast.finance, "run", run.pk).content.decode()
        assert "Teammate, below zero" in page
        assert page.index("Teammate, below zero") < page.index("prior-period adjustment")

    def test_names_those_who_earned_without_a_plan(self, client, company):
        company.won(company.cast.rep(company.cast.second_ae), noon(4, 2), 1_000_00)
        run = company.compute(FEBRUARY)
        page = get(client, company.cast.finance, "run", run.pk).content.decode()
        assert "on no plan: Second Ae" in page


class TestCarryingARun:
    def test_from_the_form_to_paid(self, client, company, run_jobs):
        cast = company.cast
        client.force_login(cast.revops)
        started = client.post(reverse("compensation:run_start"), {"period": "2026-03"})
        run = PayoutRun.objects.get(code="2026-03")
        assert started.url == reverse("compensation:run", args=[run.pk])
        assert Job.objects.get().key == "2026-03"
        run_jobs()
        run.refresh_from_db()
        assert run.state == RunState.COMPUTED
        steps = [
            (cast.revops, "submit"),
            (cast.finance, "approve"),
            (cast.finance, "lock"),
            (cast.finance, "pay"),
        ]
        for user, step in steps:
            client.force_login(user)
            address = reverse(f"compensation:run_{step}", args=[run.pk])
            assert client.post(address, {"fingerprint": run.fingerprint}).status_code == 302
        run.refresh_from_db()
        assert run.state == RunState.PAID

    @pytest.mark.parametrize(
        ("period", "says"),
        [("Marvember", "is not a period"), ("2026-01", "has a run already"), ("2026Q1", "shares days with")],
    )
    def test_says_at_the_field_what_is_wrong_with_a_period(self, client, company, period, says):
        client.force_login(company.cast.revops)
        answer = client.post(reverse("compensation:run_start"), {"period": period})
        assert answer.status_code == 422
        assert says in answer.content.decode()

    def test_sending_back_wants_a_reason(self, client, company):
        run = PayoutRun.objects.get(code="2026-02")
        runs.submit_run(run=run, at=noon(2, 3), actor=company.cast.revops)
        client.force_login(company.cast.finance)
        address = reverse("compensation:run_send_back", args=[run.pk])
        assert client.post(address, {"reason": " "}).status_code == 422
        client.post(address, {"reason": "The outsider left in January."})
        page = get(client, company.cast.revops, "run", run.pk).content.decode()
        assert "The outsider left in January." in page

    def test_a_run_computed_by_finance_is_not_approved_by_the_same_person(self, client, company):
        run = PayoutRun.objects.get(code="2026-02")
        runs.submit_run(run=run, at=noon(2, 3), actor=company.cast.revops)
        PayoutRun.objects.filter(pk=run.pk).update(computed_by=company.cast.finance)
        client.force_login(company.cast.finance)
        address = reverse("compensation:run_approve", args=[run.pk])
        assert client.post(address, {"fingerprint": run.fingerprint}).status_code == 403


class TestPlanPages:
    def test_a_version_is_read_in_words(self, client, company):
        version = statement_of(company, "ae").plan_version
        page = get(client, company.cast.revops, "plan_version", version.pk).content.decode()
        page = page.replace("\N{NO-BREAK SPACE}", " ")
        assert "80 to 100 % of quota" in page
        assert "50 % of a day while ramping" in page

    def test_a_rep_reads_the_own_plan_and_no_other(self, client, company):
        own, other = statement_of(company, "sdr").plan_version, statement_of(company, "ae").plan_version
        assert get(client, company.cast.sdr, "plan_version", own.pk).status_code == 200
        assert get(client, company.cast.sdr, "plan_version", other.pk).status_code == 404

    def test_its_author_does_not_approve_it(self, client, company):
        version = plans.load_plan_document(
            document=plans.shipped_plan("sdr"), author=company.cast.revops, at=noon(1), currency="USD"
        )
        plan_drafts.submit_version(version=version, at=noon(1), actor=version.author)
        address = reverse("compensation:plan_approve", args=[version.pk])
        client.force_login(company.cast.revops)
        assert client.post(address).status_code == 403
        client.force_login(company.cast.finance)
        assert client.post(address).status_code == 302
        version.refresh_from_db()
        assert version.is_approved
