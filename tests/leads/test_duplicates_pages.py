"""The pages of duplicates, do-not-contact and exploration budgets, and what New lead says of somebody known."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.leads.models import ExplorationBudget, Lead, LeadMerge, PossibleDuplicate, Source, Suppression
from apps.leads.services import duplicates, exploration, intake, suppressions
from tests.cast import NOW, Cast
from tests.leads.scenes import handed_off


@pytest.fixture(autouse=True)
def _now(time_machine: Any) -> None:
    time_machine.move_to(NOW + timedelta(hours=1), tick=False)


def arrive(cast: Cast, number: int, **known: Any) -> Lead:
    known = {
        "name": f"Person {number}",
        "email": f"p{number}@firm{number}.example",
        "company": f"Firm {number}",
    } | known
    return intake.take_in(
        incoming=intake.Incoming(**known), team=cast.sdr_team, at=NOW, source=Source.PAGE, source_key=f"f:{number}",
        owner=cast.rep(cast.sdr),
    )[0]  # fmt: skip


def pair(cast: Cast, number: int = 1) -> PossibleDuplicate:
    leads = arrive(cast, number), arrive(cast, 500 + number)
    return duplicates.keep_pairs(pairs=[(*leads, "Same phone number")], at=NOW + timedelta(minutes=number))[0]


class TestDuplicates:
    def test_a_pair_is_compared_and_merged_into_the_one_kept(self, cast: Cast, client: Client) -> None:
        found = pair(cast)
        client.force_login(cast.sdr)
        page = client.get(reverse("leads:duplicates")).content.decode()
        assert "Person 1" in page
        assert "Same phone number" in page
        address = reverse("leads:duplicate", args=[found.pk])
        assert "p501@firm501.example" in client.get(address).content.decode()
        response = client.post(address, {"outcome": "merged", "keep": found.second_id})
        assert response["Location"] == reverse("leads:lead", args=[found.second_id])
        done = LeadMerge.objects.get()
        assert (done.survivor, done.absorbed, done.by) == (found.second, found.first, cast.sdr)
        assert client.get(address).status_code == 404
        client.post(reverse("leads:merge_undo", args=[done.pk]))
        assert not Lead.objects.filter(merged_into__isnull=False).exists()

    def test_two_people_are_not_asked_about_again(self, cast: Cast, client: Client) -> None:
        found = pair(cast)
        client.force_login(cast.manager)
        client.post(reverse("leads:duplicate", args=[found.pk]), {"outcome": "different"})
        found.refresh_from_db()
        assert (found.outcome, found.settled_by) == ("different", cast.manager)
        assert duplicates.keep_pairs(pairs=[(found.second, found.first, "Again")], at=NOW) == []

    def test_without_a_choice_nothing_is_merged(self, cast: Cast, client: Client) -> None:
        found = pair(cast)
        client.force_login(cast.sdr)
        response = client.post(reverse("leads:duplicate", args=[found.pk]), {"outcome": "merged"})
        assert response.status_code == 422
        assert "Choose the lead to keep" in response.content.decode()
        assert not LeadMerge.objects.exists()

    def test_a_refusal_stays_on_the_page(self, cast: Cast, client: Client) -> None:
        one, other = handed_off(cast), handed_off(cast, "Corvane Systems", slot=1)
        client.force_login(cast.manager)
        response = client.post(
            reverse("leads:merge", args=[one.lead_id]), {"with": other.lead_id, "keep": one.lead_id}
        )
        assert response.status_code == 422
        assert "Both are with an AE" in response.content.decode()

    def test_the_list_asks_a_bounded_number_of_statements(
        self, cast: Cast, client: Client, django_assert_max_num_queries: Any
    ) -> None:
        client.force_login(cast.revops)
        for number in range(3):
            pair(cast, number)
        client.get(reverse("leads:duplicates"))
        with django_assert_max_num_queries(12) as few:
            client.get(reverse("leads:duplicates"))
        for number in range(3, 60):
            pair(cast, number)
        with django_assert_max_num_queries(len(few)):
            page = client.get(reverse("leads:duplicates"))
        assert "Next page" in page.content.decode()


class TestMergeWith:
    def test_finds_by_name_and_shows_side_by_side(self, cast: Cast, client: Client) -> None:
        lead, other = arrive(cast, 1), arrive(cast, 2, name="Hanna Vogel")
        client.force_login(cast.sdr)
        address = reverse("leads:merge", args=[lead.pk])
        assert "Hanna Vogel" in client.get(address, {"q": "vogel"}).content.decode()
        assert "Nobody found" in client.get(address, {"q": "nobody"}).content.decode()
        assert "p2@firm2.example" in client.get(address, {"with": other.pk}).content.decode()
        client.post(address, {"with": other.pk, "keep": lead.pk})
        other.refresh_from_db()
        assert other.merged_into == lead

    def test_a_lead_beyond_ones_scope_is_not_there(self, cast: Cast, client: Client) -> None:
        lead, foreign = arrive(cast, 1), arrive(cast, 2)
        Lead.objects.filter(pk=foreign.pk).update(owner=cast.rep(cast.outsider), team=cast.other_team)
        client.force_login(cast.sdr)
        assert client.get(reverse("leads:merge", args=[lead.pk]), {"with": foreign.pk}).status_code == 404


class TestDoNotContact:
    def test_is_added_found_and_lifted_with_a_reason(self, cast: Cast, client: Client) -> None:
        client.force_login(cast.manager)
        given = {
            "kind": "phone",
            "value": "+49 30 1234567",
            "channel": "",
            "reason": "register",
            "note": "List A",
        }
        assert client.post(reverse("leads:suppression_new"), given).status_code == 302
        page = client.get(reverse("leads:suppressions"), {"q": "030 1234567"}).content.decode()
        assert "+49 30 1234567" in page
        assert "List A" in page
        row = Suppression.objects.get()
        address = reverse("leads:suppression_lift", args=[row.pk])
        assert client.post(address, {"because": ""}).status_code == 422
        assert client.post(address, {"because": "They wrote"}).status_code == 302
        assert "They wrote" in client.get(reverse("leads:suppressions"), {"show": "lifted"}).content.decode()
        assert client.post(address, {"because": "They wrote"}).status_code == 422

    def test_what_is_wrong_stands_at_its_field_and_keeps_what_was_typed(
        self, cast: Cast, client: Client
    ) -> None:
        client.force_login(cast.revops)
        given = {"kind": "domain", "value": "gmail.com", "reason": "competitor", "note": "typed"}
        response = client.post(reverse("leads:suppression_new"), given)
        assert response.status_code == 422
        assert "Anybody may have an address at gmail.com" in response.content.decode()
        assert "typed" in response.content.decode()

    def test_marketing_reads_and_does_not_add(self, cast: Cast, client: Client) -> None:
        suppressions.suppress(kind="email", value="a@b.example", reason="legal", at=NOW)
        client.force_login(cast.marketing)
        page = client.get(reverse("leads:suppressions")).content.decode()
        assert "a@b.example" in page
        assert reverse("leads:suppression_new") not in page

    def test_asks_a_bounded_number_of_statements(
        self, cast: Cast, client: Client, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(60):
            suppressions.suppress(
                kind="email", value=f"a{number}@b.example", reason="legal", at=NOW, actor=cast.revops
            )
        client.force_login(cast.revops)
        client.get(reverse("leads:suppressions"))
        with django_assert_max_num_queries(8):
            client.get(reverse("leads:suppressions"))


class TestExploration:
    def test_without_a_budget_the_page_says_that_there_is_no_limit(self, cast: Cast, client: Client) -> None:
        client.force_login(cast.sdr)
        page = client.get(reverse("leads:exploration")).content.decode()
        assert "there is no limit" in page
        assert reverse("leads:exploration_company") not in page

    def test_shows_what_is_used_and_left_and_is_set(self, cast: Cast, client: Client) -> None:
        exploration.set_budget(
            rep=None, from_on=NOW.date().replace(month=10, day=1), per_quarter=3, at=NOW, actor=None
        )
        handed_off(cast, industry="Media")
        client.force_login(cast.manager)
        page = client.get(reverse("leads:exploration")).content.decode()
        assert "Outside the profile" in page
        rep = cast.rep(cast.sdr)
        address = reverse("leads:exploration_rep", args=[rep.pk])
        assert client.post(address, {"from_on": "2026-10-01", "per_quarter": "1"}).status_code == 302
        assert ExplorationBudget.objects.get(rep=rep).per_quarter == 1
        assert "None left" in client.get(reverse("leads:exploration")).content.decode()
        assert client.post(address, {"from_on": "2026-10-02", "per_quarter": "1"}).status_code == 422
        assert client.post(reverse("leads:exploration_company"), {}).status_code == 403

    def test_asks_a_bounded_number_of_statements(
        self, cast: Cast, client: Client, django_assert_max_num_queries: Any
    ) -> None:
        client.force_login(cast.revops)
        client.get(reverse("leads:exploration"))
        with django_assert_max_num_queries(16):
            client.get(reverse("leads:exploration"))


class TestNewLead:
    @pytest.mark.parametrize(
        ("before", "says"),
        [("nothing", "is taken in"), ("worked", "no second lead"), ("opted out", "nobody may contact them")],
    )
    def test_says_plainly_what_became_of_it(self, cast: Cast, client: Client, before: str, says: str) -> None:
        if before != "nothing":
            lead = arrive(cast, 1)
        if before == "opted out":
            suppressions.suppress(kind="email", value=lead.email, reason="opt_out", at=NOW)
        client.force_login(cast.sdr)
        given = {
            "email": "P1@firm1.example",
            "is_inbound": "yes",
            "team": cast.sdr_team.pk,
            "request_key": "k",
        }
        response = client.post(reverse("leads:new"), given, follow=True)
        assert response.status_code == 200
        assert says in response.content.decode()
        assert Lead.objects.count() == 1
