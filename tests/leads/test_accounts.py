"""Accounts after the win: who sees them, what they are worth, who looks after them."""

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.audit.models import AuditEntry
from apps.leads.models import Account
from apps.leads.selectors import accounts as selectors
from apps.leads.selectors.accounts import Worth
from apps.leads.services import accounts as services
from apps.leads.services import opportunities
from tests.cast import NOW, Cast
from tests.leads.scenes import opened, won
from tests.stage import staged

LIST = "leads:accounts"


@pytest.fixture
@staged
def customer(cast: Cast) -> Account:
    return won(cast).account


def page(account: Account, act: str = "") -> str:
    return reverse(f"leads:account{act}", args=[account.pk])


def names(response) -> list[str]:
    return [row.name for row, _ in response.context["rows"]]


class TestAccountsPage:
    def test_shows_those_one_looks_after(self, cast, client, customer):
        client.force_login(cast.am)
        assert names(client.get(reverse(LIST))) == []
        services.assign_owner(account=customer, rep=cast.rep(cast.am), at=NOW, actor=cast.manager)
        assert names(client.get(reverse(LIST))) == ["Brightmoor Logistics"]
        text = client.get(page(customer)).content.decode()
        assert "€60,000.00" in text
        assert (
            client.get(reverse("leads:opportunity", args=[customer.opportunities.get().pk])).status_code
            == 200
        )

    @pytest.mark.parametrize(
        ("part", "status"),
        [("ae", 200), ("manager", 200), ("revops", 200), ("finance", 200), ("marketing", 200),
         ("second_ae", 404), ("am", 404), ("outside_manager", 404), ("sdr", 403)],
    )  # fmt: skip
    def test_keeps_to_scope(self, cast, client, customer, part, status):
        client.force_login(getattr(cast, part))
        assert client.get(page(customer)).status_code == status

    def test_finds_won_ones_that_nobody_looks_after(self, cast, client, customer):
        opened(cast, "Tessellate Software")
        client.force_login(cast.manager)
        assert names(client.get(reverse(LIST) + "?show=unassigned")) == ["Brightmoor Logistics"]
        assert len(names(client.get(reverse(LIST)))) == 2

    def test_asks_a_bounded_number_of_statements(self, cast, client, customer, django_assert_max_num_queries):
        won(cast, "Tessellate Software")
        client.force_login(cast.revops)
        client.get(reverse(LIST))
        with django_assert_max_num_queries(8):
            client.get(reverse(LIST))


class TestWonWorth:
    def test_leaves_out_a_win_that_was_taken_back(self, cast, customer):
        assert selectors.won_worth([customer.pk]) == {customer.pk: [Worth(60_000_00, "EUR")]}
        opportunities.take_win_back(
            opportunity=customer.opportunities.get(), reason="Cancelled", at=NOW + timedelta(days=20)
        )
        assert selectors.won_worth([customer.pk]) == {}


class TestAssign:
    def test_passes_it_on_and_is_recorded(self, cast, client, customer):
        client.force_login(cast.manager)
        response = client.post(page(customer, "_assign"), {"owner": cast.rep(cast.am).pk})
        assert response.status_code == 302
        customer.refresh_from_db()
        assert (customer.owner, customer.owned_since is not None) == (cast.rep(cast.am), True)
        entry = AuditEntry.objects.get(verb="leads.account.assigned")
        assert entry.data == {"from_rep": None, "to_rep": cast.rep(cast.am).pk}

    def test_again_changes_nothing(self, cast, customer):
        for days in (0, 1):
            services.assign_owner(
                account=customer, rep=cast.rep(cast.am), at=NOW + timedelta(days=days), actor=cast.manager
            )
        customer.refresh_from_db()
        assert customer.owned_since == NOW
        assert AuditEntry.objects.filter(verb="leads.account.assigned").count() == 1

    def test_waits_for_the_first_win(self, cast, client):
        account = opened(cast).account
        client.force_login(cast.manager)
        response = client.post(page(account, "_assign"), {"owner": cast.rep(cast.am).pk})
        assert response.status_code == 409
        assert b"has bought nothing yet" in response.content

    @pytest.mark.parametrize("who", ["ae", "sdr", "nobody"])
    def test_takes_only_an_am_or_csm(self, cast, client, customer, who):
        pk = 999_999 if who == "nobody" else cast.rep(getattr(cast, who)).pk
        client.force_login(cast.revops)
        response = client.post(page(customer, "_assign"), {"owner": pk})
        assert response.status_code == 422
        assert b"Choose one of the AMs and CSMs listed" in response.content

    @pytest.mark.parametrize(
        ("part", "status"), [("ae", 403), ("am", 403), ("finance", 403), ("outside_manager", 404)]
    )
    def test_is_for_the_manager_and_revops(self, cast, client, customer, part, status):
        client.force_login(getattr(cast, part))
        assert client.post(page(customer, "_assign"), {"owner": cast.rep(cast.am).pk}).status_code == status
