"""Leads and suppressions by API: validated, deduplicated, repeatable, and only for those who may."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.leads.models import EventKind, FunnelEvent, Lead, Suppression
from tests.cast import NOW, Cast

HANNA = {
    "name": "Hanna Vogel",
    "email": "Hanna@Brightmoor.example",
    "company": "Brightmoor",
    "source": "Demo request",
}


@pytest.fixture(autouse=True)
def _now(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


def post(client: Client, name: str, body: object, **headers: str) -> Any:
    return client.post(
        reverse(f"api:{name}"), json.dumps(body), content_type="application/json", headers=headers
    )


class TestLeads:
    def test_a_new_person_is_a_new_lead(self, cast: Cast, client: Client) -> None:
        client.force_login(cast.sdr)
        response = post(client, "leads", {**HANNA, "mine": True})
        lead = Lead.objects.get()
        assert response.status_code == 201
        assert response.json() == {
            "lead": lead.pk, "outcome": "new", "is_new": True, "score": lead.score, "stage": "mql", "earlier": None,
        }  # fmt: skip
        assert (lead.owner, lead.team, lead.email) == (
            cast.rep(cast.sdr),
            cast.sdr_team,
            "hanna@brightmoor.example",
        )
        assert lead.source == "Demo request"

    def test_a_known_person_is_answered_with_their_lead(self, cast: Cast, client: Client) -> None:
        client.force_login(cast.sdr)
        first = post(client, "leads", HANNA).json()
        again = post(client, "leads", {"email": "hv@brightmoor.example", "name": "Vogel, Hanna"})
        assert again.status_code == 200
        assert (again.json()["lead"], again.json()["outcome"]) == (first["lead"], "asked_again")
        assert FunnelEvent.objects.filter(kind=EventKind.ASKED).count() == 1

    def test_the_same_key_is_the_same_message(self, cast: Cast, client: Client) -> None:
        client.force_login(cast.revops)
        body = {**HANNA, "team": cast.sdr_team.pk}
        answers = [post(client, "leads", body, **{"Idempotency-Key": "k1"}) for _ in range(3)]
        assert [one.status_code for one in answers] == [201, 200, 200]
        assert [one.json()["outcome"] for one in answers] == ["new", "known", "known"]
        other = post(client, "leads", {**body, "name": "Otto", "email": "otto@corvane.example", "company": ""},
                     **{"Idempotency-Key": "k1"})  # fmt: skip
        assert other.status_code == 409
        assert Lead.objects.count() == 1

    def test_who_opted_out_is_kept_and_closed(self, cast: Cast, client: Client) -> None:
        client.force_login(cast.manager)
        post(client, "suppressions", {"kind": "domain", "value": "brightmoor.example", "reason": "legal"})
        found = post(client, "leads", {**HANNA, "team": cast.sdr_team.pk}).json()
        assert found["outcome"] == "opted_out"
        assert Lead.objects.get().do_not_contact

    def test_a_lead_beyond_ones_scope_is_not_told(self, cast: Cast, client: Client) -> None:
        client.force_login(cast.outsider)
        post(client, "leads", {**HANNA, "mine": True})
        client.force_login(cast.sdr)
        found = post(client, "leads", HANNA).json()
        assert (found["lead"], found["score"], found["outcome"]) == (None, None, "asked_again")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "company"),
            ({"email": "hanna"}, "email"),
            ({**HANNA, "employees": 0}, "employees"),
            ({**HANNA, "time_zone": "Berlin"}, "time_zone"),
            ({**HANNA, "team": 99_999}, "team"),
            ({**HANNA, "name": "x" * 121}, "name"),
        ],
    )
    def test_what_is_wrong_is_said_by_field(
        self, cast: Cast, client: Client, body: dict[str, Any], field: str
    ) -> None:
        client.force_login(cast.sdr)
        response = post(client, "leads", body)
        assert response.status_code == 400
        assert response["Content-Type"] == "application/problem+json"
        assert field in response.json()["errors"]
        assert not Lead.objects.exists()

    @pytest.mark.parametrize("part", ["ae", "finance", "am"])
    def test_is_for_those_who_take_leads_in(self, cast: Cast, client: Client, part: str) -> None:
        client.force_login(getattr(cast, part))
        assert post(client, "leads", HANNA).status_code == 403


class TestSuppressions:
    def test_are_listed_and_searched(self, cast: Cast, client: Client) -> None:
        client.force_login(cast.revops)
        made = post(client, "suppressions", {"kind": "phone", "value": "+49 30 1234567", "channel": "call",
                                             "reason": "register"})  # fmt: skip
        assert made.status_code == 201
        post(client, "suppressions", {"kind": "email", "value": "a@b.example", "reason": "legal"})
        client.force_login(cast.marketing)
        found = client.get(reverse("api:suppressions"), {"q": "030 1234567"}).json()
        assert [(one["value"], one["channel"]) for one in found["results"]] == [("+49 30 1234567", "call")]
        assert len(client.get(reverse("api:suppressions")).json()["results"]) == 2

    def test_marketing_reads_only(self, cast: Cast, client: Client) -> None:
        client.force_login(cast.marketing)
        body = {"kind": "email", "value": "a@b.example", "reason": "legal"}
        assert post(client, "suppressions", body).status_code == 403
        assert not Suppression.objects.exists()

    @pytest.mark.parametrize(
        "body",
        [{"kind": "email", "value": "nobody", "reason": "legal"}, {"kind": "phone", "value": "112", "reason": "legal"},
         {"kind": "domain", "value": "gmail.com", "reason": "legal"}],
    )  # fmt: skip
    def test_what_is_no_value_of_its_kind_is_refused_at_it(
        self, cast: Cast, client: Client, body: dict[str, str]
    ) -> None:
        client.force_login(cast.manager)
        response = post(client, "suppressions", body)
        assert response.status_code == 400
        assert "value" in response.json()["errors"]
