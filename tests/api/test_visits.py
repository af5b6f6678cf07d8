"""Visits by API: one or many, by lead or by address; a bad row loses no good one."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.leads.models import EventKind, FunnelEvent, Lead, Source
from apps.leads.services import intake
from tests.cast import NOW, Cast
from tests.stage import staged


@pytest.fixture(autouse=True)
def _now(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
@staged
def lead(cast: Cast) -> Lead:
    lead, _ = intake.take_in(
        incoming=intake.Incoming(
            name="Hanna Vogel",
            company="Brightmoor",
            email="hanna@brightmoor.example",
            source="Purchased list",
        ),
        team=cast.sdr_team,
        at=NOW - timedelta(days=1),
        source=Source.PAGE,
        source_key="1",
        owner=cast.rep(cast.sdr),
    )
    return lead


@pytest.fixture
def site(cast: Cast, client: Client) -> Client:
    client.force_login(cast.marketing)
    return client


def post(client: Client, name: str, body: object, **headers: str) -> Any:
    return client.post(
        reverse(f"api:{name}"), json.dumps(body), content_type="application/json", headers=headers
    )


AT = (NOW - timedelta(minutes=5)).isoformat()


class TestOne:
    def test_is_recorded_and_the_same_again_is_known(self, site: Client, lead: Lead) -> None:
        body = {"lead": lead.pk, "occurred_at": AT, "page": "/pricing", "campaign": "Retargeting"}
        first, again = post(site, "visits", body), post(site, "visits", body)
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json()["cause"] == "campaign"
        assert (first.json()["id"], first.json()["recorded"]) == (again.json()["id"], True)
        assert FunnelEvent.objects.get(kind=EventKind.VISITED).lead == lead

    def test_an_address_is_found_whatever_its_case(self, site: Client, lead: Lead) -> None:
        answer = post(site, "visits", {"email": " Hanna@Brightmoor.example", "occurred_at": AT})
        assert answer.json()["lead"] == lead.pk

    def test_refuses_an_unknown_address_at_its_field(self, site: Client, lead: Lead) -> None:
        answer = post(site, "visits", {"email": "nobody@brightmoor.example", "occurred_at": AT})
        assert answer.status_code == 400
        assert answer.json()["errors"]["email"] == ["Nobody with this address is a lead."]

    def test_refuses_an_unknown_lead_as_not_there(self, site: Client, lead: Lead) -> None:
        assert post(site, "visits", {"lead": lead.pk + 99, "occurred_at": AT}).status_code == 404

    @pytest.mark.parametrize(
        "who", [{}, {"lead": 1, "email": "hanna@brightmoor.example"}], ids=["nobody", "both"]
    )
    def test_asks_who_it_was_once(self, site: Client, db: None, who: dict[str, Any]) -> None:
        answer = post(site, "visits", {**who, "occurred_at": AT})
        assert answer.status_code == 400
        assert "lead" in answer.json()["errors"]

    def test_an_idempotency_key_names_it(self, site: Client, lead: Lead) -> None:
        other = (NOW - timedelta(hours=3)).isoformat()
        headers = {"Idempotency-Key": "a"}
        post(site, "visits", {"lead": lead.pk, "occurred_at": AT}, **headers)
        refused = post(site, "visits", {"lead": lead.pk, "occurred_at": other}, **headers)
        assert refused.status_code == 400
        assert "key" in refused.json()["errors"]

    def test_is_not_an_sdrs_to_report(self, cast: Cast, client: Client, lead: Lead) -> None:
        client.force_login(cast.sdr)
        assert post(client, "visits", {"lead": lead.pk, "occurred_at": AT}).status_code == 403


class TestMany:
    def test_keeps_the_good_rows_and_tells_the_bad_ones(self, site: Client, lead: Lead) -> None:
        rows = [
            {"lead": lead.pk, "occurred_at": AT, "key": "1"},
            {"email": "nobody@brightmoor.example", "occurred_at": AT},
            {"lead": lead.pk, "occurred_at": "yesterday"},
            {"email": lead.email, "occurred_at": AT, "key": "1"},
            {"lead": lead.pk, "occurred_at": (NOW + timedelta(days=1)).isoformat()},
            {"email": lead.email, "occurred_at": AT, "key": "2"},
        ]
        answer = post(site, "visits_batch", {"visits": rows})
        assert answer.status_code == 200
        told = answer.json()
        assert (told["recorded"], told["known"]) == (2, 1)
        assert [(one["row"], *one["problems"]) for one in told["refused"]] == [
            (1, "email"),
            (2, "occurred_at"),
            (4, "occurred_at"),
        ]
        lead.refresh_from_db()
        assert lead.visit_count == 2

    def test_takes_a_thousand_and_no_more(self, site: Client, lead: Lead) -> None:
        rows = [
            {"lead": lead.pk, "occurred_at": (NOW - timedelta(minutes=place)).isoformat()}
            for place in range(1_001)
        ]
        assert post(site, "visits_batch", {"visits": rows}).status_code == 400
        assert post(site, "visits_batch", {"visits": rows[:1_000]}).json()["recorded"] == 1_000
