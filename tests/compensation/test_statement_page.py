"""A statement's page: sums by the database, the way from earned to payable, balances, comparison, trail."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.compensation.models import LedgerEntry, Statement
from apps.compensation.presentation_statement import waterfall
from apps.compensation.selectors.statement_page import statement_page
from apps.compensation.selectors.statement_sums import sums_of
from apps.leads.models import Capacity, EventKind
from apps.leads.services.record import Credit
from tests.compensation.conftest import FEBRUARY, JANUARY, MARCH, Payroll, noon
from tests.compensation.plan_documents import COUNT, component, graduated, plan
from tests.compensation.test_credits_by_hand import agree
from tests.leads.test_availability import a_lead

pytestmark = pytest.mark.django_db


def draw_plan(**more: Any) -> dict[str, Any]:
    draw = {"name": "Monthly draw", "amount": "1000.00", "recoverable": "yes", "paid": "with_the_run"}
    return plan(component(graduated("10")), draw=draw, **more)


@pytest.fixture
def drawn(payroll: Payroll) -> Payroll:
    """An AE with a draw: 400.00 advanced in January, taken back in February."""
    ae = payroll.cast.rep(payroll.cast.ae)
    payroll.assign(ae, payroll.plan(draw_plan()))
    payroll.won(ae, noon(5), 6_000_00)
    payroll.settle(JANUARY)
    payroll.won(ae, noon(5, 2), 12_500_00)
    payroll.won(ae, noon(20), 500_00, recorded_at=noon(9, 2))
    payroll.settle(FEBRUARY)
    return payroll


def of_ae(payroll: Payroll, code: str) -> Statement:
    return Statement.objects.select_related("run").get(run__code=code, rep__user=payroll.cast.ae)


def text_of(client: Any, user: Any, statement: Statement) -> str:
    client.force_login(user)
    page = client.get(reverse("compensation:statement", args=[statement.pk])).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("\N{NO-BREAK SPACE}", " ")


class TestFromEarnedToPayable:
    def test_the_steps_sum_to_what_is_payable(self, drawn):
        for statement in Statement.objects.select_related("run"):
            page = statement_page(statement)
            assert sum(amount for _, amount in page.steps) == statement.payable_minor
            assert page.sentence.endswith(".")

    def test_each_kind_of_move_has_its_step(self, drawn):
        assert statement_page(of_ae(drawn, "2026-01")).steps == [("Earned", 60000), ("Draw", 40000)]
        # The late win of January earns 50.00 more there, so the draw had advanced that much too much.
        assert statement_page(of_ae(drawn, "2026-02")).steps == [
            ("Earned", 125000),
            ("Adjustments", 5000),
            ("Draw", -30000),
        ]

    def test_held_back_released_and_clawed_back(self, payroll):
        ae, deal = payroll.cast.rep(payroll.cast.ae), payroll.deal(payroll.cast.rep(payroll.cast.ae))
        holding = component(
            graduated("10"),
            holdback={"percent": "30", "releases": [{"on": "paid"}]},
            clawback={"within_days": "90", "method": "full"},
        )
        payroll.assign(ae, payroll.plan(plan(holding)))
        won = payroll.won(ae, noon(5), 1_000_00, opportunity=deal)
        payroll.settle(JANUARY)
        payroll.payment(deal, noon(3, 2), 500_00)
        payroll.settle(FEBRUARY)
        payroll.reverse(won, noon(4, 3))
        payroll.settle(MARCH)
        assert statement_page(of_ae(payroll, "2026-01")).steps == [("Earned", 10000), ("Held back", -3000)]
        assert statement_page(of_ae(payroll, "2026-02")).steps == [("Earned", 0), ("Released", 3000)]
        steps = dict(statement_page(of_ae(payroll, "2026-03")).steps)
        assert steps == {"Earned": 0, "Clawbacks": -10000, "Held back": 3000, "Released": -3000}
        held = [statement_page(of_ae(payroll, code)).balances for code in ("2026-01", "2026-02", "2026-03")]
        assert [[(one.opening_minor, one.closing_minor) for one in found] for found in held] == [
            [(0, 3000)],
            [(3000, 0)],
            [(0, 0)],
        ]

    @pytest.mark.once
    @pytest.mark.parametrize(
        "steps",
        [
            [("Earned", 249835), ("Adjustments", -1400), ("Held back", -2840), ("Draw", -26000)],
            [("Earned", 0)],
            [("Earned", 1000), ("Clawbacks", -5000)],
            [("Earned", -500), ("Draw", 900), ("Released", 50)],
        ],
    )
    def test_the_picture_is_of_the_figures_of_its_table(self, steps):
        way = waterfall(steps, "EUR")
        assert [row[1] for row in way.rows] == [bar.figure for bar in way.bars]
        assert len(way.bars) == len(steps) + 1
        assert all(0 <= bar.y <= 196 and bar.height > 0 for bar in way.bars)


class TestBalances:
    def test_a_draw_opens_moves_and_closes(self, drawn):
        (january,) = statement_page(of_ae(drawn, "2026-01")).balances
        assert (january.opening_minor, january.moved_minor, january.closing_minor) == (0, 40000, 40000)
        (february,) = statement_page(of_ae(drawn, "2026-02")).balances
        assert (february.opening_minor, february.closing_minor) == (40000, 10000)
        assert {row.word: row.amount_minor for row in february.rows} == {
            "Corrected for earlier periods": -5000,
            "Taken back from this pay": -25000,
        }

    def test_what_is_given_up_is_told(self, payroll):
        ae = payroll.cast.rep(payroll.cast.ae)
        document = draw_plan()
        document["draw"]["forgiven_on"] = "2026-02-15"
        payroll.assign(ae, payroll.plan(document))
        payroll.won(ae, noon(5), 6_000_00)
        payroll.settle(JANUARY)
        payroll.won(ae, noon(5, 2), 12_500_00)
        payroll.settle(FEBRUARY)
        (balance,) = statement_page(of_ae(payroll, "2026-02")).balances
        assert [(row.word, row.amount_minor) for row in balance.rows] == [("Given up", -40000)]
        assert (balance.opening_minor, balance.closing_minor) == (40000, 0)

    def test_what_payroll_paid_in_advance_is_told(self, payroll):
        ae = payroll.cast.rep(payroll.cast.ae)
        document = draw_plan()
        document["draw"]["paid"] = "in_advance"
        payroll.assign(ae, payroll.plan(document))
        payroll.won(ae, noon(5), 6_000_00)
        payroll.settle(JANUARY)
        (balance,) = statement_page(of_ae(payroll, "2026-01")).balances
        assert {row.word: row.amount_minor for row in balance.rows} == {
            "Paid by payroll in advance": 100000,
            "Taken back from this pay": -60000,
        }
        assert balance.closing_minor == 40000


class TestComparison:
    def test_its_rows_sum_to_the_difference_of_what_is_payable(self, drawn):
        page = statement_page(of_ae(drawn, "2026-02"))
        assert sum(row.change_minor for row in page.compared) == page.change_minor
        assert page.change_minor == 100000 - 100000
        assert page.comparison == "As much as in January 2026."

    def test_says_in_words_what_moved_most(self, payroll):
        ae = payroll.cast.rep(payroll.cast.ae)
        payroll.assign(ae, payroll.plan(plan(component(graduated("10")))))
        payroll.won(ae, noon(5), 1_000_00)
        payroll.settle(JANUARY)
        payroll.won(ae, noon(5, 2), 3_000_00)
        payroll.settle(FEBRUARY)
        page = statement_page(of_ae(payroll, "2026-02"))
        name = page.compared[0].name
        assert page.comparison == f"€200.00 more than in January 2026, first of all {name} (+ €200.00)."


class TestThePage:
    def test_shows_steps_balances_comparison_and_trail(self, client, drawn):
        said = text_of(client, drawn.cast.ae, of_ae(drawn, "2026-02"))
        for words in (
            "Earned 1,250.00 Adjustments 50.00 Draw − 300.00 Payable 1,000.00",
            "Owed before 400.00",
            "Owed after 100.00",
            "Against January 2026",
            "How the run came here",
            "Locked",
        ):
            assert words in said
        assert said.count("not yet") == 1

    def test_of_a_month_without_anything_says_so(self, client, payroll):
        ae = payroll.cast.rep(payroll.cast.ae)
        payroll.assign(ae, payroll.plan(plan(component(graduated("10")))))
        payroll.settle(JANUARY)
        said = text_of(client, payroll.cast.ae, of_ae(payroll, "2026-01"))
        assert "Nothing was earned in the period" in said

    @pytest.mark.parametrize("size", [10, 500])
    def test_costs_the_same_at_10_and_at_500_lines(self, client, payroll, size, django_assert_num_queries):
        sdr = payroll.cast.rep(payroll.cast.sdr)
        payroll.assign(sdr, payroll.plan(per_meeting()))
        for number in range(size):
            payroll.event(EventKind.ACCEPTED, noon(1 + number % 28), Credit(sdr, Capacity.SOURCED))
        payroll.settle(JANUARY)
        people = (f"run__{step}_by" for step in ("computed", "submitted", "approved", "locked", "paid"))
        statement = Statement.objects.select_related("run", "plan_version", *people).get(rep=sdr)
        with django_assert_num_queries(9):
            page = statement_page(statement)
        assert page.components[0].line_count == size
        client.force_login(payroll.cast.sdr)
        client.get(reverse("compensation:statement", args=[statement.pk]))
        with CaptureQueriesContext(connection) as asked:
            client.get(reverse("compensation:statement", args=[statement.pk]))
        assert len(asked) == 13, [query["sql"][:200] for query in asked]

    def test_more_lines_go_on_where_the_page_ended(self, client, payroll):
        sdr = payroll.cast.rep(payroll.cast.sdr)
        payroll.assign(sdr, payroll.plan(per_meeting()))
        for number in range(40):
            payroll.event(EventKind.ACCEPTED, noon(1 + number % 28), Credit(sdr, Capacity.SOURCED))
        payroll.settle(JANUARY)
        statement = Statement.objects.get(rep=sdr)
        client.force_login(payroll.cast.sdr)
        address = reverse("compensation:component_lines", args=[statement.pk, "meetings"])
        page = client.get(address, {"after": "15"}, headers={"HX-Request": "true"}).content.decode()
        assert page.count("<details>") == 25

    def test_a_line_corrected_within_its_run_is_shown_once_and_as_it_stands(self, payroll):
        sdr = payroll.cast.rep(payroll.cast.sdr)
        payroll.assign(sdr, payroll.plan(per_meeting()))
        first, *_ = [payroll.accepted(sdr, noon(day)) for day in range(1, 13)]
        payroll.compute(JANUARY)
        payroll.reverse(first, noon(3, 2))
        run = payroll.compute(JANUARY, noon(4, 2))
        statement = Statement.objects.select_related("run").get(run=run, rep=sdr)
        (shown,) = statement_page(statement).components
        assert LedgerEntry.objects.filter(statement=statement).count() > 12
        assert shown.line_count == 12
        assert shown.amount_minor == 11 * 4000
        assert sum(line.earned_minor for line in shown.lines) + shown.more_minor == shown.amount_minor
        assert sum(band.amount_minor for band in shown.bands) == shown.amount_minor


def per_meeting() -> dict[str, Any]:
    measure = COUNT | {"event": "accepted", "capacity": "sourced"}
    return plan(component(graduated("40"), key="meetings", pays="per_unit", measure=measure), role="sdr")


class TestALineOfSomebodyElsesLead:
    """A credit by hand pays a rep for a lead that is not theirs to see."""

    @pytest.fixture
    def line(self, payroll: Payroll) -> LedgerEntry:
        cast = payroll.cast
        ae, outsider = cast.rep(cast.ae), cast.rep(cast.outsider)
        made = payroll.plan(plan(component(graduated("10"))))
        payroll.assign(ae, made)
        payroll.assign(outsider, made)
        won = payroll.won(ae, noon(5), 1_000_00, lead=a_lead(cast))
        agree(payroll, won, {ae: 600_000, outsider: 400_000})
        payroll.settle(JANUARY)
        return LedgerEntry.objects.get(rep=outsider)

    def test_its_event_link_leads_to_what_the_rep_may_see(self, client, payroll, line):
        client.force_login(payroll.cast.outsider)
        address = reverse("leads:event", args=[line.event_id])
        assert client.get(address).status_code == 404
        page = client.get(reverse("compensation:line", args=[line.pk])).content.decode()
        assert f'href="{address}"' not in page
        assert f"{reverse('compensation:line', args=[line.pk])}#event" in page
        assert 'id="event"' in page
        assert "€1,000.00" in page
        assert "40 %" in page
        # The person behind the lead is nobody’s business here.
        assert "Hanna Vogel" not in page

    def test_no_link_of_its_page_is_dead(self, client, payroll, line):
        client.force_login(payroll.cast.outsider)
        page = client.get(reverse("compensation:line", args=[line.pk])).content.decode()
        main = page[page.index("<main") : page.index("</main")]
        for link in set(re.findall(r'<a[^>]* href="(/[^"#?]*)', main)):
            assert client.get(link).status_code == 200, link

    def test_who_sees_the_lead_opens_the_event_itself(self, client, payroll, line):
        client.force_login(payroll.cast.revops)
        page = client.get(reverse("compensation:line", args=[line.pk])).content.decode()
        assert f'href="{reverse("leads:event", args=[line.event_id])}"' in page
        assert 'id="event"' not in page


class TestSums:
    def test_partition_the_lines(self, drawn):
        statements = list(Statement.objects.all())
        rows = sums_of(statements)
        for statement in statements:
            own = [row for row in rows if row.statement_id == statement.pk]
            assert sum(row.lines for row in own) == statement.line_count
            assert sum(row.amount_minor for row in own) == statement.payable_minor
