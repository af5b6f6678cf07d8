"""The estimator's page and API: whose pay it shows, what can be supposed, what a mistake keeps."""

from datetime import date

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.compensation.models import LedgerEntry, PayoutRun, Statement
from apps.compensation.rules.plan import parse_plan
from apps.compensation.rules.standings import standing
from apps.compensation.rules.suppositions import asked_by, outcomes_from, steps_to
from apps.compensation.selectors.courses import Course, calendar
from apps.compensation.selectors.estimate_offers import asked_of, offers
from apps.compensation.selectors.estimate_page import ladders_of
from apps.core.periods import Period, parse_period
from apps.leads.models import FunnelEvent, Opportunity, OpportunityStage
from apps.leads.services import hand_offs, opportunities
from apps.reps.models import Rep
from tests.compensation.conftest import JANUARY, Payroll, noon
from tests.compensation.plan_documents import OF_EVERY_KIND, QUOTA, component, graduated, plan, whole
from tests.leads.scenes import handed_off
from tests.stage import staged

pytestmark = pytest.mark.django_db
FEBRUARY_10 = noon(10, 2)


@pytest.fixture(autouse=True)
def the_day():
    with time_machine.travel(FEBRUARY_10, tick=False):
        yield


@pytest.fixture
@staged
def company(payroll: Payroll) -> Payroll:
    """SDRs paid for accepted meetings and wins, AEs by attainment; January is closed."""
    sdr = payroll.plan(
        plan(
            component(
                graduated("40.00", "2", "90.00"),
                measure={"event": "accepted", "capacity": "sourced", "of": "count"},
                pays="per_unit",
            ),
            component(graduated("1"), measure={"capacity": "sourced"}, key="kicker", name="Closed won"),
            name="SDR plan",
            role="sdr",
        )
    )
    ae = payroll.plan(
        plan(
            component(whole("5", "100", "10"), bands_in="percent_of_quota", quota=QUOTA, name="Amount won"),
            name="AE plan",
        )
    )
    for part in ("sdr", "teammate", "outsider"):
        payroll.assign(payroll.cast.rep(getattr(payroll.cast, part)), sdr)
    for part in ("ae", "second_ae"):
        rep = payroll.cast.rep(getattr(payroll.cast, part))
        payroll.assign(rep, ae)
        payroll.quota(rep, 100_000_00, parse("2026-02"))
        payroll.quota(rep, 100_000_00)
    payroll.settle(JANUARY)
    return payroll


def parse(code: str) -> Period:

    return parse_period(code)


def deal_of(company: Payroll, amount_minor: int = 60_000_00, **more) -> Opportunity:
    return Opportunity.objects.create(
        name=more.pop("name", "Corvane Systems"),
        owner=company.cast.rep(company.cast.ae),
        sourced_by=company.cast.rep(company.cast.sdr),
        stage=more.pop("stage", OpportunityStage.STAGE_2),
        amount_minor=amount_minor,
        opened_at=noon(5),
        stage_changed_at=noon(5),
        expected_close_on=date(2026, 2, 20),
        **more,
    )


def ask(client, user, rep: Rep | None = None, **data):
    client.force_login(user)
    address = reverse("compensation:estimate_of", args=[rep.pk]) if rep else reverse("compensation:estimate")
    return client.post(address, data, headers={"HX-Request": "true"})


def taken(deal: Opportunity, **more) -> dict[str, str]:
    given = {"take": "on", "outcome": "won", "amount": "60,000", "on": "2026-02-20"} | more
    return {f"o{deal.pk}-{name}": value for name, value in given.items()}


def test_an_edge_between_two_cents_is_reached_with_the_upper_one():
    rules = parse_plan(plan(component(graduated("5", "80", "10"), bands_in="percent_of_quota", quota=QUOTA)))
    [ladder] = ladders_of(standing(rules.components[0], [], "EUR", 57_065_22))
    assert ladder.next == "Next at €45,652.18 (80 %): 10.00 %. €45,652.18 to go."


class TestPage:
    def test_shows_what_a_ticked_deal_pays_line_by_line(self, client, company):
        deal = deal_of(company)
        counts = (LedgerEntry.objects.count(), FunnelEvent.objects.count(), PayoutRun.objects.count())
        answer = ask(client, company.cast.ae, **taken(deal))
        text = answer.content.decode()
        assert "€60,000.00 × 5.00 % = €3,000.00" in text
        assert "Next at €100,000.00 (100 %): 10.00 %. €40,000.00 to go." in text
        assert (LedgerEntry.objects.count(), FunnelEvent.objects.count(), PayoutRun.objects.count()) == counts
        assert answer["Cache-Control"].startswith("no-store")

    def test_the_sdr_who_sourced_it_is_paid_the_kicker(self, client, company):
        answer = ask(client, company.cast.sdr, **taken(deal_of(company)))
        assert "€60,000.00 × 1.00 % = €600.00" in answer.content.decode()

    def test_equals_the_run_after_the_deal_is_really_won(self, client, company):
        deal = deal_of(company)
        answer = ask(client, company.cast.ae, **taken(deal, amount="110,000"))
        (pay,) = answer.context["periods"][0].pays
        opportunities.move_opportunity(
            opportunity=deal, stage=OpportunityStage.WON, amount_minor=110_000_00, at=noon(20, 2)
        )
        run = company.compute(parse("2026-02"))
        assert company.paid(run, company.cast.rep(company.cast.ae)) == pay.after_minor == 11_000_00

    def test_a_hand_off_that_waits_is_accepted_and_won(self, client, company):
        hand_off = handed_off(company.cast, at=noon(9, 2))
        key = f"h{hand_off.pk}"
        data = {
            f"{key}-take": "on",
            f"{key}-outcome": "won",
            f"{key}-amount": "20,000",
            f"{key}-on": "2026-02-20",
        }
        answer = ask(client, company.cast.sdr, **data)
        (pay,) = answer.context["periods"][0].pays
        accepted = hand_offs.accept_hand_off(hand_off=hand_off, amount_minor=20_000_00, at=noon(20, 2))
        for stage in (OpportunityStage.STAGE_2, OpportunityStage.WON):
            opportunities.move_opportunity(opportunity=accepted, stage=stage, at=noon(20, 2))
        run = company.compute(parse("2026-02"))
        assert company.paid(run, company.cast.rep(company.cast.sdr)) == pay.after_minor == 240_00

    def test_events_are_typed(self, client, company):
        data = {"t0-kind": "accepted", "t0-count": "3", "t0-amount": "", "t0-on": "2026-02-12"}
        answer = ask(client, company.cast.sdr, **data)
        (pay,) = answer.context["periods"][0].pays
        assert pay.after_minor == 40_00 + 40_00 + 90_00

    def test_what_cannot_be_read_is_left_out_by_name_and_the_rest_worked_out(self, client, company):
        deal = deal_of(company)
        data = taken(deal) | {"t0-kind": "won", "t0-count": "1", "t0-amount": "60,5", "t0-on": "2026-02-12"}
        answer = ask(client, company.cast.ae, **data)
        text = answer.content.decode()
        assert "Write the amount in EUR with a point before the minor units" in text
        assert 'href="#id_t0-amount"' in text
        assert answer.context["periods"][0].pays[0].after_minor == 3_000_00

    def test_a_win_needs_its_amount(self, client, company):
        deal = deal_of(company, amount_minor=None)
        answer = ask(client, company.cast.ae, **taken(deal, amount=""))
        assert "Say for how much Corvane Systems would be won." in answer.content.decode()

    def test_a_day_far_away_is_refused(self, client, company):
        answer = ask(client, company.cast.ae, **taken(deal_of(company), on="2031-01-01"))
        assert "Choose a day within a year of today." in answer.content.decode()

    def test_without_a_script_the_page_comes_back_as_typed(self, client, company):
        deal = deal_of(company)
        client.force_login(company.cast.ae)
        answer = client.post(reverse("compensation:estimate"), taken(deal, amount="60,5"))
        assert answer.status_code == 422
        assert 'value="60,5"' in answer.content.decode()

    def test_a_deal_of_the_address_is_ticked_to_begin_with(self, client, company):
        deal = deal_of(company)
        client.force_login(company.cast.ae)
        answer = client.get(reverse("compensation:estimate"), {"deal": f"o{deal.pk}"})
        assert answer.context["periods"][0].pays[0].after_minor == 3_000_00

    def test_a_missing_quota_is_named(self, client, company):
        deal = deal_of(company)
        answer = ask(client, company.cast.ae, **taken(deal, on="2026-03-05"))
        assert "measured against the quota “amount_won”" in answer.content.decode()

    def test_without_a_plan_the_page_says_so(self, client, company):
        client.force_login(company.cast.am)
        assert "No plan pays you today" in client.get(reverse("compensation:estimate")).content.decode()

    def test_costs_the_same_for_two_deals_and_for_twenty(self, client, company):
        client.force_login(company.cast.ae)
        counts = []
        for number in range(2):
            for other in range(2 if not number else 18):
                deal_of(company, name=f"Deal {number}.{other}")
            with CaptureQueriesContext(connection) as asked:
                assert client.get(reverse("compensation:estimate")).status_code == 200
            counts.append(len(asked))
        assert counts[0] == counts[1]


class TestWhosePay:
    @pytest.mark.parametrize(
        ("viewer", "of", "status"),
        [
            ("sdr", "sdr", 200),
            ("sdr", "teammate", 404),
            ("sdr", "ae", 404),
            ("ae", "sdr", 404),
            ("manager", "sdr", 200),
            ("manager", "outsider", 404),
            ("outside_manager", "outsider", 200),
            ("outside_manager", "ae", 404),
            ("finance", "sdr", 403),
            ("revops", "sdr", 403),
            ("marketing", "sdr", 403),
        ],
    )
    def test_it_is_the_rep_s_and_the_manager_s(self, client, company, viewer, of, status):
        rep = company.cast.rep(getattr(company.cast, of))
        client.force_login(getattr(company.cast, viewer))
        assert client.get(reverse("compensation:estimate_of", args=[rep.pk])).status_code == status
        asked = client.post(
            reverse("api:pay_estimate"), {"rep": rep.pk}, content_type="application/json"
        ).status_code
        assert asked == status

    def test_a_manager_chooses_among_the_own_teams(self, client, company):
        client.force_login(company.cast.manager)
        answer = client.get(reverse("compensation:estimate"))
        assert {rep.name for rep in answer.context["reps"]} == {"Sdr", "Teammate", "Ae", "Second Ae", "Am"}

    def test_somebody_else_s_deal_is_no_offer(self, client, company):
        deal = deal_of(company)
        answer = ask(client, company.cast.teammate, **taken(deal))
        assert answer.context["supposed"] == 0
        rep = company.cast.rep(company.cast.second_ae)
        asked = asked_of(Course(rep.pk, FEBRUARY_10, calendar()), FEBRUARY_10.date())
        assert offers(user=company.cast.manager, rep=rep, asked=asked, at=FEBRUARY_10) == []

    def test_the_statement_leads_to_it(self, client, company):
        client.force_login(company.cast.ae)
        found = Statement.objects.get(rep__user=company.cast.ae)
        address = reverse("compensation:estimate_of", args=[found.rep_id])
        page = client.get(reverse("compensation:statement", args=[found.pk])).content.decode()
        assert address in page
        client.force_login(company.cast.finance)
        page = client.get(reverse("compensation:statement", args=[found.pk])).content.decode()
        assert address not in page


class TestApi:
    def post(self, client, user, **body):
        client.force_login(user)
        return client.post(reverse("api:pay_estimate"), body, content_type="application/json")

    def test_answers_with_sums_lines_and_standings(self, client, company):
        deal = deal_of(company)
        rows = [{"deal": f"o{deal.pk}", "outcome": "won", "on": "2026-02-20"}]
        answer = self.post(client, company.cast.ae, deals=rows)
        assert answer.status_code == 200
        (period,) = answer.json()["periods"]
        assert period["pay"] == [{"currency": "EUR", "before_minor": 0, "after_minor": 3_000_00}]
        assert period["lines"][0]["formula"] == "€60,000.00 × 5.00 % = €3,000.00"
        assert period["standings"][0]["ladders"][0]["next"].endswith("€40,000.00 to go.")

    @pytest.mark.parametrize(
        ("body", "says"),
        [
            ({"deals": [{"deal": "o999999", "outcome": "won", "on": "2026-02-20"}]}, "no open deal"),
            ({"events": [{"kind": "booked", "on": "2026-02-20"}]}, "does not pay for “booked”"),
            ({"events": [{"kind": "won", "on": "2026-02-20"}]}, "Say the amount"),
            ({"events": [{"kind": "won", "on": "2031-02-20", "amount_minor": 5}]}, "within a year"),
            ({"events": [{"kind": "won", "on": "2026-02-20", "figures": {"seats": "many"}}]}, "number"),
        ],
    )
    def test_names_what_is_wrong(self, client, company, body, says):
        answer = self.post(client, company.cast.ae, **body)
        assert answer.status_code == 400
        assert says in str(answer.json())


class TestSuppositions:
    def test_a_deal_goes_step_by_step_from_where_it_stands(self):
        assert steps_to("accepted", "", meeting_ahead=True) == ("accepted", "stage_1")
        assert steps_to("paid", "", meeting_ahead=False) == ("accepted", "stage_1", "stage_2", "won", "paid")
        assert steps_to("won", "stage_1", meeting_ahead=True) == ("held", "stage_2", "won")
        assert steps_to("paid", "won", meeting_ahead=False) == ("paid",)

    def test_only_what_is_ahead_can_be_supposed(self):
        ahead = [value for value, _ in outcomes_from("stage_2", meeting_ahead=False, payments=True)]
        assert ahead == ["won", "paid"]
        assert outcomes_from("won", meeting_ahead=False, payments=True) == [("paid", "The customer pays")]

    def test_plans_say_what_is_asked(self):
        documents = [OF_EVERY_KIND[name] for name in ("margin", "multi-year", "holdback", "grid")]
        asked = asked_by(parse_plan(plan(one)) for one in documents)
        assert set(asked.figures) == {"margin", "term_years", "margin_percent"}
        assert asked.terms == {"term_years"}
        assert asked.labels == ("setup invoice", "first subscription invoice")
        assert asked.payments
