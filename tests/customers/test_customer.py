"""A customer's page and what is recorded on it; who may leave; renewals; figures; the same by API."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db.models import Sum
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.errors import InvalidInput
from apps.customers.models import Churn, Contract, HealthReading, NpsAnswer
from apps.customers.selectors import book, home
from apps.customers.services import contracts, readings, renewals
from apps.customers.services.contracts import Terms
from apps.customers.tasks import sweep
from apps.leads.models import Account, EventKind, FunnelEvent, Opportunity, OpportunityKind, OpportunityStage
from apps.leads.services import opportunities
from apps.leads.services.record import UnableToReverse
from tests.cast import NOW, Cast
from tests.customers.scenes import contract_of, kept
from tests.stage import staged

NOW_THEN = datetime(2026, 12, 10, 10, tzinfo=UTC)
DAY = NOW_THEN.date()


@pytest.fixture(autouse=True)
def _now(time_machine):
    time_machine.move_to(NOW_THEN, tick=False)


@pytest.fixture
@staged
def account(cast: Cast) -> Account:
    return kept(cast)


def url(name: str, account: Account) -> str:
    return reverse(f"customers:{name}", args=[account.pk])


def customers(cast: Cast, count: int) -> list[Account]:
    """Customers of the AM by the dozen, each with a contract that ends soon and a red reading."""
    found = []
    for number in range(count):
        deal = opportunities.open_opportunity(
            owner=cast.rep(cast.ae), name=f"Customer {number}", company=f"Customer {number}",
            amount_minor=1_000_00, at=NOW,
        )  # fmt: skip
        for stage in (OpportunityStage.STAGE_2, OpportunityStage.WON):
            deal = opportunities.move_opportunity(opportunity=deal, stage=stage, at=NOW)
        contracts.make_contract(opportunity=deal, terms=Terms(NOW.date(), DAY, 1_000_00), at=NOW)
        Account.objects.filter(pk=deal.account_id).update(owner=cast.rep(cast.am))
        one = Account.objects.get(pk=deal.account_id)
        readings.record_health(account=one, status=HealthReading.Status.RED, why="Quiet", at=NOW)
        found.append(one)
    return found


class TestHealth:
    def test_is_recorded_on_the_page(self, cast, client, account):
        client.force_login(cast.am)
        client.post(url("health", account), {"status": "amber", "why": "Usage is flat", "drivers": ["usage"]})
        reading = HealthReading.objects.get()
        assert (reading.status, reading.driver_words, reading.event.kind) == ("amber", "Usage", "health")
        text = client.get(url("customer", account)).content.decode()
        assert "Usage is flat" in text
        assert "Wants attention" in text

    @pytest.mark.parametrize("typed", [{}, {"status": "green", "why": ""}, {"status": "blue", "why": "x"}])
    def test_says_what_is_wrong_at_the_field(self, cast, client, account, typed):
        client.force_login(cast.am)
        response = client.post(url("health", account), typed)
        assert response.status_code == 422
        assert b"data-open-now" in response.content

    def test_is_of_customers_only(self, cast):
        with pytest.raises(readings.UnableToRecord):
            readings.record_health(
                account=Account.objects.create(name="Nobody"),
                status=HealthReading.Status.RED,
                why="x",
                at=NOW,
            )


class TestNps:
    def test_counts_each_person_once_with_the_latest_answer(self, cast, account):
        for who, score, days in (("Hanna", 3, 40), ("hanna ", 9, 3), ("Tom", 10, 2), ("Old", 0, 400)):
            readings.record_nps(
                account=account, score=score, respondent=who, answered_on=DAY - timedelta(days=days),
                today=DAY, at=NOW_THEN, actor=cast.am,
            )  # fmt: skip
        score = book.nps(account=account, on=DAY)
        assert (score.count, score.shown) == (2, "+100")

    @pytest.mark.parametrize(("score", "field"), [(-1, "score"), (11, "score"), (True, "score")])
    def test_refuses_what_is_no_answer(self, account, score, field):
        with pytest.raises(InvalidInput) as refused:
            readings.record_nps(
                account=account, score=score, respondent="Hanna", answered_on=DAY, today=DAY, at=NOW_THEN
            )
        assert refused.value.field == field

    def test_names_nobody_in_the_record(self, cast, account):
        readings.record_nps(
            account=account, score=9, respondent="Hanna Vogel", answered_on=DAY, today=DAY, at=NOW_THEN
        )
        assert FunnelEvent.objects.get(kind=EventKind.NPS).data == {"score": 9}
        assert NpsAnswer.objects.get().respondent == "Hanna Vogel"


class TestChurn:
    def test_a_part_is_of_one_contract(self, cast, client, account):
        client.force_login(cast.am)
        typed = {
            "extent": "partial",
            "churned_on": "2027-01-01",
            "reason": "price",
            "note": "",
            "lost": "10,000",
        }
        assert client.post(url("churn", account), typed).status_code == 422
        typed["contract"] = contract_of(account).pk
        assert client.post(url("churn", account), typed).status_code == 302
        of = book.book(account=account)
        assert of.contracts[0].yearly(date(2026, 12, 31)) == 60_000_00
        assert of.contracts[0].yearly(date(2027, 1, 1)) == 50_000_00
        year = of.retention(date(2026, 12, 2), date(2027, 6, 1))
        assert (year.gone, year.money[0].gross) == (frozenset(), year.money[0].net)

    def test_all_of_it_is_no_part(self, account):
        with pytest.raises(InvalidInput) as refused:
            readings.record_churn(
                account=account, extent=Churn.Extent.PARTIAL, churned_on=date(2027, 1, 1),
                reason=Churn.Reason.PRICE, contract=contract_of(account), lost_minor=60_000_00, at=NOW_THEN,
            )  # fmt: skip
        assert refused.value.field == "lost"

    def test_nobody_leaves_twice_and_it_is_taken_back_once(self, cast, account):
        def leave() -> Churn:
            return readings.record_churn(
                account=account, extent=Churn.Extent.FULL, churned_on=DAY, reason=Churn.Reason.PRICE,
                at=NOW_THEN, actor=cast.am,
            )  # fmt: skip

        gone = leave()
        with pytest.raises(readings.UnableToRecord):
            leave()
        readings.take_churn_back(churn=gone, reason="They stay", at=NOW_THEN, actor=cast.manager)
        with pytest.raises(UnableToReverse):
            readings.take_churn_back(churn=gone, reason="They stay", at=NOW_THEN, actor=cast.manager)
        leave()
        assert Churn.objects.effective().count() == 1

    def test_is_taken_back_by_a_manager_on_the_page(self, cast, client, account):
        gone = readings.record_churn(
            account=account, extent=Churn.Extent.FULL, churned_on=DAY, reason=Churn.Reason.PRICE, at=NOW_THEN
        )
        client.force_login(cast.am)
        assert (
            client.post(reverse("customers:churn_back", args=[gone.pk]), {"reason": "x"}).status_code == 403
        )
        client.force_login(cast.manager)
        assert (
            client.post(reverse("customers:churn_back", args=[gone.pk]), {"reason": " "}).status_code == 422
        )
        assert (
            client.post(reverse("customers:churn_back", args=[gone.pk]), {"reason": "Stays"}).status_code
            == 302
        )
        assert not Churn.objects.effective().exists()


class TestContracts:
    def test_are_corrected_with_a_trace(self, cast, client, account):
        contract = contract_of(account)
        client.force_login(cast.am)
        typed = {"starts_on": "2026-12-01", "ends_on": "2028-11-30", "amount": "120,000"}
        client.post(reverse("customers:contract", args=[contract.pk]), typed)
        contract.refresh_from_db()
        assert (contract.days, contract.amount_minor) == (731, 120_000_00)
        assert book.lifetime(account, on=DAY)[0][0].won_minor == 60_000_00

    @pytest.mark.parametrize(
        ("begins", "months", "ends"),
        [("2026-03-01", 12, "2027-02-28"), ("2027-03-01", 12, "2028-02-29"), ("2026-08-31", 6, "2027-02-27"),
         ("2026-01-15", 1, "2026-02-14")],
    )  # fmt: skip
    def test_a_term_ends_on_the_day_before(self, begins, months, ends):
        assert contracts.last_day(starts_on=date.fromisoformat(begins), months=months) == date.fromisoformat(
            ends
        )


class TestRenewals:
    def test_the_sweep_opens_each_once(self, cast, account, time_machine):
        time_machine.move_to(datetime(2027, 9, 15, 8, tzinfo=UTC), tick=False)
        for _ in range(3):
            sweep()
        assert Opportunity.objects.filter(kind=OpportunityKind.RENEWAL).count() == 1

    def test_not_for_who_left_nor_where_another_follows(self, cast, account):
        contract = contract_of(account)
        late = contract.ends_on - timedelta(days=10)
        assert renewals.due_contracts(today=late).exists()
        renewals.renew(contract=contract, at=NOW_THEN, actor=cast.am)
        assert renewals.renew(contract=contract, at=NOW_THEN, actor=cast.am) is None
        assert not renewals.due_contracts(today=late).exists()


class TestHome:
    def test_shows_the_most_pressing_first_with_every_reason(self, cast, account, client):
        calm, red = account, customers(cast, 1)[0]
        readings.record_nps(
            account=red, score=2, respondent="Tom", answered_on=DAY, today=DAY, at=NOW_THEN, actor=cast.am
        )
        readings.record_health(account=calm, status=HealthReading.Status.AMBER, why="Flat", at=NOW_THEN)
        risks = home.at_risk(cast.am, on=DAY)
        assert [(one.account, one.weight) for one in risks] == [(red, 60 + 25 + 20), (calm, 30)]
        assert len(risks[0].why) == 3
        client.force_login(cast.am)
        assert b"Tom gave 2 of 10" in client.get(reverse("customers:home")).content

    def test_a_better_reading_calms(self, cast, account):
        readings.record_health(account=account, status=HealthReading.Status.RED, why="Quiet", at=NOW_THEN)
        later = NOW_THEN + timedelta(hours=1)
        readings.record_health(account=account, status=HealthReading.Status.GREEN, why="Back", at=later)
        assert home.at_risk(cast.am, on=DAY) == []

    def test_is_each_ones_own(self, cast, account, client):
        client.force_login(cast.outside_manager)
        assert b"Nothing to worry about" in client.get(reverse("customers:home")).content
        assert client.get(url("customer", account)).status_code == 404

    @pytest.mark.parametrize("name", ["home", "retention"])
    def test_costs_the_same_whatever_the_number(self, cast, client, name, django_assert_max_num_queries):
        customers(cast, 25)
        client.force_login(cast.manager)
        client.get(reverse(f"customers:{name}"))
        with django_assert_max_num_queries(21):
            client.get(reverse(f"customers:{name}"))

    def test_one_customer_costs_the_same_whatever_its_history(
        self, cast, client, account, django_assert_max_num_queries
    ):
        for number in range(25):
            at = NOW_THEN - timedelta(hours=number)
            readings.record_health(account=account, status=HealthReading.Status.GREEN, why="Fine", at=at)
            readings.record_nps(
                account=account, score=9, respondent=f"P{number}", answered_on=DAY, today=DAY, at=NOW_THEN
            )
        client.force_login(cast.am)
        client.get(url("customer", account))
        with django_assert_max_num_queries(33):
            client.get(url("customer", account))


class TestLifetimeValue:
    @settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(st.lists(st.tuples(st.integers(1, 10**9), st.booleans()), min_size=1, max_size=4))
    def test_equals_a_plain_recomputation_from_the_record(self, cast, wins):
        number = Account.objects.count()
        account = Account.objects.create(name=f"Recomputed {number}", owner=cast.rep(cast.am))
        for amount, taken_back in wins:
            deal = opportunities.open_opportunity(
                owner=cast.rep(cast.am), name="Upsell", account=account, kind=OpportunityKind.UPSELL, at=NOW
            )
            for stage in (OpportunityStage.STAGE_2, OpportunityStage.WON):
                deal = opportunities.move_opportunity(
                    opportunity=deal, stage=stage, amount_minor=amount, at=NOW, actor=cast.am
                )
            if taken_back:
                opportunities.take_win_back(opportunity=deal, reason="Error", at=NOW, actor=cast.manager)
        events = FunnelEvent.objects.filter(opportunity__account=account)
        reversed_ones = set(events.filter(kind=EventKind.REVERSED).values_list("reverses", flat=True))
        plain = sum(
            event.amount_minor or 0
            for event in events.filter(kind=EventKind.WON)
            if event.pk not in reversed_ones
        )
        values, _ = book.lifetime(account, on=DAY)
        assert sum(one.won_minor for one in values) == plain
        assert [one.value_minor for one in values] == ([plain] if plain else [])
        standing = Contract.objects.standing().filter(account=account).aggregate(total=Sum("amount_minor"))
        assert (standing["total"] or 0) == plain

    def test_is_explained_down_to_the_wins(self, cast, client, account):
        client.force_login(cast.am)
        text = client.get(url("value", account)).content.decode()
        event = FunnelEvent.objects.get(kind=EventKind.WON)
        assert reverse("leads:event", args=[event.pk]) in text
        assert "not enough data" in text
        assert "€60,000.00" in text


class TestApi:
    def test_tells_a_customer_and_records(self, cast, client, account):
        client.force_login(cast.am)
        made = client.post(
            reverse("api:customer_health", args=[account.pk]), {"status": "green", "why": "Fine"},
            content_type="application/json",
        )  # fmt: skip
        assert made.status_code == 201
        client.post(
            reverse("api:customer_nps", args=[account.pk]),
            {"score": 9, "respondent": "Hanna", "answered_on": "2026-12-09"},
            content_type="application/json",
        )
        told = client.get(reverse("api:customer", args=[account.pk])).json()
        assert (told["health"], told["nps"], told["nps_answers"]) == ("green", 100, 1)
        assert told["lifetime_value"] == [
            {"currency": "EUR", "won_minor": 6_000_000, "expected_minor": None, "value_minor": 6_000_000}
        ]

    def test_moves_and_undoes_an_opportunity(self, cast, client, account):
        deal = opportunities.open_opportunity(owner=cast.rep(cast.ae), name="Api", amount_minor=5, at=NOW)
        client.force_login(cast.ae)

        def post(name: str, body: dict):
            return client.post(reverse(f"api:{name}", args=[deal.pk]), body, content_type="application/json")

        assert post("opportunity_move", {"stage": "stage_2"}).json()["stage"] == "stage_2"
        assert post("opportunity_move", {"stage": "lost"}).status_code == 400
        assert post("opportunity_undo", {"reason": "Wrong"}).json()["stage"] == "stage_1"
        assert client.get(reverse("api:opportunity", args=[deal.pk])).json()["gate"] == []


class TestDeparturesByApi:
    def test_one_who_leaves_is_recorded_told_and_taken_back(self, cast, client, account):
        client.force_login(cast.am)

        def post(name: str, pk: int, body: dict):
            return client.post(reverse(f"api:{name}", args=[pk]), body, content_type="application/json")

        leaves = {"extent": "full", "churned_on": "2026-12-31", "reason": "price", "note": "Too dear"}
        assert list(post("depart", account.pk, leaves | {"lost_minor": 5}).json()["errors"]) == ["contract"]
        assert post("depart", account.pk, leaves | {"reason": "mood"}).status_code == 400
        made = post("depart", account.pk, leaves)
        assert (made.status_code, made.json()["lost"]) == (
            201,
            [{"amount_minor": 60_000_00, "currency": "EUR"}],
        )
        assert post("depart", account.pk, leaves).status_code == 409
        pk = made.json()["id"]
        assert post("departure_back", pk, {"reason": "They stay"}).status_code == 403
        client.force_login(cast.revops)
        back = post("departure_back", pk, {"reason": "They stay"})
        assert (back.status_code, back.json()["taken_back"]) == (200, True)
        assert post("departure_back", pk, {"reason": "They stay"}).status_code == 409
        told = client.get(reverse("api:departures", args=[account.pk])).json()
        assert [(one["id"], one["taken_back"]) for one in told] == [(pk, True)]

    def test_a_part_names_its_contract(self, cast, client, account):
        client.force_login(cast.am)
        part = {"extent": "partial", "churned_on": "2026-12-31", "reason": "value", "lost_minor": 10_000_00}
        address = reverse("api:depart", args=[account.pk])
        refused = client.post(address, part, content_type="application/json")
        assert refused.json()["errors"] == {"contract": ["Name a running contract of this customer."]}
        contract = Contract.objects.get(account=account)
        made = client.post(address, part | {"contract": contract.pk}, content_type="application/json")
        assert (made.status_code, made.json()["contract"]) == (201, contract.pk)
