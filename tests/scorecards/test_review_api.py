"""The weekly review, targets, complaints and what leads bring, by API: the pages' figures through the same services."""

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.leads.models import EventKind, Lead
from apps.scorecards.models import LeadComplaint, ReviewItem, Spend, WeeklyReview
from apps.scorecards.selectors import roi
from tests.cast import Cast
from tests.scorecards.test_review_pages import MADE_AT
from tests.scorecards.test_reviews import a_lead, made
from tests.stage import staged


@pytest.fixture
@staged
def review(cast: Cast) -> WeeklyReview:
    a_lead(cast, 8, kind=EventKind.DISQUALIFIED, data={})
    return made(cast, MADE_AT)


def post(client: Client, name: str, body: Any, *args: Any, key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(
        reverse(f"api:{name}", args=args), body, content_type="application/json", headers=headers
    )


def test_a_pack_has_the_lists_that_its_reader_may_read(review, cast, client):
    client.force_login(cast.manager)
    found = client.get(reverse("api:weekly_review", args=[review.pk])).json()
    assert found["lists"] == review.copy["lists"]
    assert (found["fingerprint"], found["is_intact"]) == (review.fingerprint, True)
    client.force_login(cast.marketing)
    lists = client.get(reverse("api:weekly_review", args=[review.pk])).json()["lists"]
    assert set(lists) == {"leads", "appointments", "cold", "complaints", "rejected"}
    client.force_login(cast.outsider)
    assert client.get(reverse("api:weekly_review", args=[review.pk])).status_code == 404
    assert client.get(reverse("api:weekly_reviews")).json() == []


def test_an_action_is_agreed_once_and_ended_once(review, cast, client):
    client.force_login(cast.manager)
    body = {"kind": "action", "text": "Call them", "owner": cast.sdr.pk, "due_on": "2026-11-16"}
    first, again = (post(client, "review_items", body, review.pk, key="k") for _ in range(2))
    assert (first.status_code, first.json()["id"]) == (201, again.json()["id"])
    refused = post(client, "review_items", body | {"due_on": "2020-01-01"}, review.pk)
    assert (refused.status_code, "due_on" in str(refused.json())) == (400, True)
    client.force_login(cast.teammate)
    item = ReviewItem.objects.get().pk
    assert post(client, "review_item_end", {"how": "done"}, item).status_code == 403
    client.force_login(cast.sdr)
    assert post(client, "review_item_end", {"how": "done"}, item).json()["ended"] == "done"
    assert post(client, "review_item_end", {"how": "done"}, item).status_code == 409


def test_a_complaint_is_made_once_by_key(cast, client):
    lead = a_lead(cast, 5)
    client.force_login(cast.sdr)
    body = {"lead": lead.pk, "reason": "never_asked", "comment": "They asked for nothing at all."}
    for _ in range(2):
        assert post(client, "complain", body, key="k").status_code == 201
    assert LeadComplaint.objects.get().lead == lead
    client.force_login(cast.marketing)
    assert [one["lead"] for one in client.get(reverse("api:complaints")).json()] == [lead.pk]
    client.force_login(cast.outsider)
    assert post(client, "complain", body).status_code == 404


def test_spend_wants_a_key_and_is_corrected_by_another_entry(cast, client):
    client.force_login(cast.marketing)
    body = {"source": "Webinar", "month": "2026-10", "amount_minor": 50_000, "currency": "EUR"}
    assert post(client, "spend", body).status_code == 400
    first = post(client, "spend", body, key="k").json()
    assert post(client, "spend", body, key="k").json() == first
    assert post(client, "spend", body | {"amount_minor": 1}, key="k").status_code == 409
    given = {"reason": "A credit note", "amount_minor": 40_000}
    assert post(client, "spend_correct", given, first["id"]).json()["amount_minor"] == 40_000
    assert [one.amount_minor for one in Spend.objects.effective()] == [40_000]
    client.force_login(cast.finance)
    assert post(client, "spend", body, key="l").status_code == 403


def test_what_leads_bring_is_what_the_page_says(cast, client):
    a_lead(cast, 30, kind=EventKind.COLLECTED)
    client.force_login(cast.marketing)
    found = client.get(reverse("api:lead_roi"), {"period": "2026"}).json()
    page = roi.roi(roi.Period(date(2026, 1, 1), date(2027, 1, 1)), user=cast.marketing)
    assert [(one["source"], one["counts"]["leads"]) for one in found if one["campaign"] is None] == [
        (one.name, one.counts["leads"]) for one in page.sources
    ]
    assert sum(one["counts"]["leads"] for one in found if one["campaign"] is None) == Lead.objects.count()
    assert client.get(reverse("api:lead_roi"), {"period": "soon"}).status_code == 400


def test_a_target_is_that_of_a_team_that_one_sees(cast, client):
    client.force_login(cast.sdr)
    found = client.get(reverse("api:team_target", args=[cast.sdr_team.pk]), {"period": "2026Q4"}).json()
    assert (found["period"], found["currency"], found["stage_2_minor"]) == ("2026Q4", "EUR", 0)
    assert client.get(reverse("api:team_target", args=[cast.other_team.pk])).status_code == 404
