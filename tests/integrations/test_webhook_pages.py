"""The pages and the API of webhooks: the secret once, the log, what was given up, and no query a row."""

import pytest
from django.urls import reverse

from apps.integrations.models import MessageState, WebhookAttempt, WebhookEndpoint, WebhookMessage
from apps.integrations.services import webhooks
from tests.cast import NOW

pytestmark = pytest.mark.django_db

GIVEN = {
    "name": "CRM",
    "url": "https://crm.example/hooks/token",
    "kinds": ["lead.collected", "opportunity.won"],
}


@pytest.fixture
def revops(client, cast):
    client.force_login(cast.revops)
    return client


@pytest.fixture
def crm(cast) -> WebhookEndpoint:
    return webhooks.add_endpoint(**GIVEN, at=NOW, actor=cast.revops)[0]


def dead(endpoint: WebhookEndpoint) -> WebhookMessage:
    message = webhooks.send_test(endpoint=endpoint, at=NOW)
    WebhookMessage.objects.filter(pk=message.pk).update(
        state=MessageState.DEAD, due_at=None, settled_at=NOW, attempts=11, last_status=500
    )
    WebhookAttempt.objects.create(message=message, number=11, began_at=NOW, milliseconds=12, status=500)
    return message


class TestPages:
    def test_an_empty_list_leads_to_the_first_endpoint(self, revops):
        page = revops.get(reverse("integrations:webhooks")).content.decode()
        assert "Add the first endpoint" in page

    def test_the_secret_is_on_the_answer_and_on_no_page_after_it(self, revops):
        answer = revops.post(reverse("integrations:webhook_new"), GIVEN)
        secret = answer.context["secret"]
        assert (answer.status_code, secret in answer.content.decode()) == (201, True)
        assert "no-store" in answer["Cache-Control"]
        made = WebhookEndpoint.objects.get()
        for name in ("webhook", "webhook_edit"):
            assert secret not in revops.get(reverse(f"integrations:{name}", args=[made.pk])).content.decode()

    def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(self, revops):
        answer = revops.post(
            reverse("integrations:webhook_new"), {**GIVEN, "url": "http://10.0.0.1/", "name": "Mine"}
        )
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "Give an https address" in page
        assert 'value="Mine"' in page
        assert 'value="opportunity.won" checked' in page

    def test_changing_rotating_testing_and_sending_again(self, revops, crm):
        answer = revops.post(reverse("integrations:webhook_edit", args=[crm.pk]), {**GIVEN, "name": "Other"})
        assert answer.status_code == 302
        crm.refresh_from_db()
        assert (crm.name, crm.is_active) == ("Other", False)
        refused = revops.post(reverse("integrations:webhook_test", args=[crm.pk]))
        assert refused.status_code == 409
        WebhookEndpoint.objects.update(is_active=True)
        assert revops.post(reverse("integrations:webhook_test", args=[crm.pk])).status_code == 302
        salt = crm.secret_salt
        assert revops.post(reverse("integrations:webhook_rotate", args=[crm.pk])).status_code == 201
        crm.refresh_from_db()
        assert crm.secret_salt != salt == crm.earlier_salt
        message = dead(crm)
        page = revops.get(reverse("integrations:webhook", args=[crm.pk]), {"state": "dead"}).content.decode()
        assert "Send all 1 again" in page
        one = reverse("integrations:webhook_message", args=[message.pk])
        assert "Send it again" in revops.get(one).content.decode()
        assert revops.post(reverse("integrations:webhook_send_again", args=[message.pk])).status_code == 302
        assert revops.post(reverse("integrations:webhook_send_again", args=[message.pk])).status_code == 409
        dead(crm)
        assert revops.post(reverse("integrations:webhook_send_all", args=[crm.pk])).status_code == 302
        assert not WebhookMessage.objects.filter(state=MessageState.DEAD).exists()

    def test_neither_list_asks_once_a_row(self, revops, crm, django_assert_max_num_queries):
        for number in range(5):
            other, _ = webhooks.add_endpoint(**{**GIVEN, "name": f"Other {number}"}, at=NOW)
            dead(other)
        for _ in range(20):
            dead(crm)
        with django_assert_max_num_queries(9):
            revops.get(reverse("integrations:webhooks"))
        with django_assert_max_num_queries(11):
            revops.get(reverse("integrations:webhook", args=[crm.pk]))


class TestApi:
    def test_add_change_rotate_and_send_again(self, revops, django_assert_num_queries):
        made = revops.post(reverse("api:webhooks"), GIVEN, content_type="application/json")
        assert made.status_code == 201
        pk, secret = made.json()["webhook"]["id"], made.json()["secret"]
        assert secret.startswith("whsec_")
        one = reverse("api:webhook", args=[pk])
        assert secret not in revops.get(one).content.decode()
        changed = {**GIVEN, "name": "Other", "is_active": True, "with_history": True}
        answer = revops.put(one, changed, content_type="application/json")
        assert (answer.status_code, answer.json()["name"]) == (200, "Other")
        rotated = revops.post(reverse("api:webhook_rotate", args=[pk]), {}, content_type="application/json")
        assert rotated.json()["secret"] != secret
        message = dead(WebhookEndpoint.objects.get())
        found = revops.get(reverse("api:webhook_messages", args=[pk]), {"state": "dead"}).json()
        assert [row["id"] for row in found["results"]] == [message.pk]
        tries = revops.get(reverse("api:webhook_message", args=[message.pk])).json()["tries"]
        assert (tries[0]["status"], tries[0]["milliseconds"]) == (500, 12)
        again = reverse("api:webhook_send_again", args=[message.pk])
        assert revops.post(again).json()["state"] == "waiting"
        assert revops.post(again).status_code == 409

    def test_a_refusal_names_its_field(self, revops):
        bad = {**GIVEN, "url": "http://169.254.169.254/"}
        answer = revops.post(reverse("api:webhooks"), bad, content_type="application/json")
        assert answer.status_code == 400
        assert "url" in answer.json()["errors"]
