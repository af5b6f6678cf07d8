"""The API: the same acts, scopes and refusals as the pages, as JSON."""

import json

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from apps.jobs import services as jobs
from apps.leads.models import EventKind, FunnelEvent, HandOff, Lead, Opportunity, Source, Touch
from apps.leads.services import intake
from tests.cast import NOW, Cast
from tests.leads.scenes import handed_off
from tests.stage import staged


@pytest.fixture(autouse=True)
def _now(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
@staged
def lead(cast: Cast) -> Lead:
    lead, _ = intake.take_in(
        incoming=intake.Incoming(
            name="Hanna Vogel", company="Brightmoor", email="h@b.example", source="Demo request"
        ),
        team=cast.sdr_team,
        at=NOW,
        source=Source.PAGE,
        source_key="1",
        owner=cast.rep(cast.sdr),
    )
    return lead


def post(client: Client, name: str, body: object, *args: int, **headers: str):
    return client.post(
        reverse(f"api:{name}", args=args), json.dumps(body), content_type="application/json", headers=headers
    )


CALL = {"channel": "call", "disposition": "no_answer"}


class TestDoor:
    @pytest.mark.parametrize("name", ["queue", "hand_offs", "opportunities", "schema"])
    def test_is_closed_to_strangers(self, db, client, name):
        response = client.get(reverse(f"api:{name}"))
        assert response.status_code == 403

    def test_refuses_with_a_problem(self, cast, client):
        client.force_login(cast.finance)
        response = client.get(reverse("api:queue"))
        assert response.status_code == 403
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["status"] == 403

    def test_asks_for_the_csrf_token(self, cast, lead):
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(cast.sdr)
        assert post(strict, "touches", CALL | {"lead": lead.pk}).status_code == 403
        assert not Touch.objects.exists()

    def test_has_a_document_that_validates(self, db, tmp_path):
        call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))
        assert "/api/v1/hand-offs/{id}/accept/" in (tmp_path / "schema.yml").read_text()

    @pytest.mark.parametrize("body", ["{", "[]", '"x"', "null", "5", '{"lead": {"a": 1}}', '{"lead": 1e400}'])
    def test_survives_any_body(self, cast, client, body):
        client.force_login(cast.sdr)
        response = client.post(reverse("api:touches"), body, content_type="application/json")
        assert response.status_code == 400
        assert response["Content-Type"] == "application/problem+json"


class TestQueue:
    def test_gives_the_own_one_with_its_reasons(self, cast, client, lead):
        client.force_login(cast.sdr)
        (row,) = client.get(reverse("api:queue")).json()["results"]
        assert (row["lead"], row["company"], bool(row["why"])) == (lead.pk, "Brightmoor", True)

    def test_gives_no_other(self, cast, client, lead):
        client.force_login(cast.teammate)
        assert client.get(reverse("api:queue")).json() == {"total": 0, "results": []}


class TestLogTouch:
    def test_logs_it_as_come_by_the_api(self, cast, client, lead):
        client.force_login(cast.sdr)
        response = post(client, "touches", CALL | {"lead": lead.pk, "note": "Rang twice"})
        assert response.status_code == 201
        touch = Touch.objects.get()
        assert (touch.rep.user, touch.note) == (cast.sdr, "Rang twice")
        assert FunnelEvent.objects.get(kind=EventKind.TOUCHED).source == Source.API

    def test_is_logged_once_under_one_key(self, cast, client, lead):
        client.force_login(cast.sdr)
        key = {"Idempotency-Key": "a-1"}
        answers = [post(client, "touches", CALL | {"lead": lead.pk}, **key).json() for _ in range(3)]
        assert answers[0] == answers[1] == answers[2]
        assert Touch.objects.count() == 1

    def test_refuses_the_key_with_another_payload(self, cast, client, lead):
        client.force_login(cast.sdr)
        key = {"Idempotency-Key": "a-1"}
        post(client, "touches", CALL | {"lead": lead.pk}, **key)
        response = post(client, "touches", CALL | {"lead": lead.pk, "disposition": "connected"}, **key)
        assert (response.status_code, response.json()["title"]) == (409, "idempotency_key_reused")
        assert Touch.objects.count() == 1

    def test_keeps_peoples_keys_apart(self, cast, client, lead):
        theirs = Lead.objects.create(
            company="X", team=cast.sdr_team, owner=cast.rep(cast.teammate), created_at=NOW
        )
        for user, pk in ((cast.sdr, lead.pk), (cast.teammate, theirs.pk)):
            client.force_login(user)
            response = post(client, "touches", CALL | {"lead": pk}, **{"Idempotency-Key": "a-1"})
            assert response.status_code == 201
        assert Touch.objects.count() == 2

    @pytest.mark.parametrize(
        ("change", "field"),
        [({"lead": "x"}, "lead"), ({"channel": "pigeon"}, "channel"), ({"disposition": None}, "disposition"),
         ({"callback_at": "soon"}, "callback_at"), ({"note": "x" * 501}, "note"),
         ({"disposition": "call_back"}, "callback_at")],
    )  # fmt: skip
    def test_names_the_field_that_is_wrong(self, cast, client, lead, change, field):
        client.force_login(cast.sdr)
        response = post(client, "touches", {**CALL, "lead": lead.pk, **change})
        assert response.status_code == 400
        assert field in response.json()["errors"]

    @pytest.mark.parametrize(
        ("part", "status"), [("teammate", 404), ("outsider", 404), ("ae", 403), ("manager", 403)]
    )
    def test_is_for_the_sdr_who_owns_the_lead(self, cast, client, lead, part, status):
        client.force_login(getattr(cast, part))
        assert post(client, "touches", CALL | {"lead": lead.pk}).status_code == status


class TestHandOffs:
    def test_lists_those_in_scope_page_by_page(self, cast, client):
        hand_off = handed_off(cast)
        client.force_login(cast.ae)
        body = client.get(reverse("api:hand_offs") + "?state=pending").json()
        assert [row["id"] for row in body["results"]] == [hand_off.pk]
        assert (body["results"][0]["ae"], body["next_after"]) == ("Ae", "")
        assert client.get(reverse("api:hand_offs") + "?state=rejected").json()["results"] == []
        client.force_login(cast.second_ae)
        assert client.get(reverse("api:hand_offs")).json()["results"] == []

    def test_are_accepted_once(self, cast, client):
        hand_off = handed_off(cast)
        client.force_login(cast.ae)
        response = post(client, "accept", {"amount_minor": 60_000_05}, hand_off.pk)
        assert (response.status_code, response.json()["amount_minor"]) == (200, 60_000_05)
        assert FunnelEvent.objects.get(kind=EventKind.ACCEPTED).source == Source.API
        again = post(client, "accept", {}, hand_off.pk)
        assert (again.status_code, again.json()["title"]) == (409, "unable_to_decide")
        assert Opportunity.objects.count() == 1

    def test_are_rejected_on_a_criterion(self, cast, client):
        hand_off = handed_off(cast)
        client.force_login(cast.ae)
        wrong = post(client, "reject", {"criterion": "weather", "reason": "duplicate"}, hand_off.pk)
        assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["criterion"])
        right = post(client, "reject", {"criterion": "need", "reason": "duplicate"}, hand_off.pk)
        assert (right.status_code, right.json()["state"]) == (200, "rejected")

    @pytest.mark.parametrize("amount", [-1, 1.5, "much", 10**16])
    def test_take_an_amount_in_whole_minor_units(self, cast, client, amount):
        hand_off = handed_off(cast)
        client.force_login(cast.ae)
        assert post(client, "accept", {"amount_minor": amount}, hand_off.pk).status_code == 400
        hand_off.refresh_from_db()
        assert hand_off.state == HandOff.State.PENDING

    @pytest.mark.parametrize(
        ("part", "status"), [("second_ae", 404), ("sdr", 403), ("manager", 403), ("am", 403)]
    )
    def test_are_answered_by_their_ae_alone(self, cast, client, part, status):
        hand_off = handed_off(cast)
        client.force_login(getattr(cast, part))
        assert post(client, "accept", {}, hand_off.pk).status_code == status


class TestAnswers:
    REJECTED = {"criterion": "need", "reason": "wrong_person", "comment": "Ask the CFO."}

    def test_are_taken_back_within_the_minute(self, cast, client, time_machine):
        hand_off = handed_off(cast)
        client.force_login(cast.ae)
        post(client, "reject", self.REJECTED, hand_off.pk)
        back = post(client, "undo_answer", {}, hand_off.pk)
        assert (back.status_code, back.json()["hand_off"]["state"]) == (200, "pending")
        again = post(client, "undo_answer", {}, hand_off.pk)
        assert (again.status_code, again.json()["title"]) == (409, "unable_to_take_back")

    def test_are_contested_stated_and_decided(self, cast, client):
        hand_off = handed_off(cast)
        client.force_login(cast.ae)
        post(client, "reject", self.REJECTED, hand_off.pk)
        client.force_login(cast.sdr)
        assert post(client, "contest_hand_off", {"reason": ""}, hand_off.pk).status_code == 400
        opened = post(client, "contest_hand_off", {"reason": "She signs."}, hand_off.pk)
        assert (opened.status_code, opened.json()["judge"]) == (201, "Outside Manager")
        pk = opened.json()["id"]
        assert post(client, "contest_hand_off", {"reason": "Again."}, hand_off.pk).status_code == 409
        said = post(client, "contest_statement", {"statement": "It is on tape."}, pk)
        assert said.json()["sdr_statement"] == "It is on tape."
        assert post(client, "contest_decide", {"decision": "uphold", "reason": "x"}, pk).status_code == 403
        client.force_login(cast.outside_manager)
        (waiting,) = client.get(reverse("api:contests") + "?to_judge=true").json()["results"]
        assert waiting["id"] == pk
        done = post(client, "contest_decide", {"decision": "uphold", "reason": "Quoted."}, pk)
        assert (done.status_code, done.json()["state"]) == (200, "upheld")
        assert client.get(reverse("api:contest", args=[pk])).json()["closed_at"] is not None
        assert post(client, "contest_decide", {"decision": "dismiss", "reason": "x"}, pk).status_code == 409

    def test_are_withdrawn_by_whoever_contests(self, cast, client):
        hand_off = handed_off(cast)
        client.force_login(cast.ae)
        post(client, "reject", self.REJECTED, hand_off.pk)
        client.force_login(cast.sdr)
        pk = post(client, "contest_hand_off", {"reason": "She signs."}, hand_off.pk).json()["id"]
        assert post(client, "contest_withdraw", {}, pk).json()["state"] == "withdrawn"


class TestOpportunities:
    def test_lists_those_in_scope(self, cast, client):
        hand_off = handed_off(cast)
        client.force_login(cast.ae)
        post(client, "accept", {"amount_minor": 5}, hand_off.pk)
        (row,) = client.get(reverse("api:opportunities") + "?stage=open").json()["results"]
        assert (row["owner"], row["amount_minor"], row["currency"]) == ("Ae", 5, "EUR")
        assert client.get(reverse("api:opportunities") + "?stage=won").json()["results"] == []


class TestJob:
    def test_tells_whoever_asked_how_far_it_is(self, cast, client):
        job = jobs.enqueue(kind="tests.nothing", key="1", params={}, requested_by=cast.manager, at=NOW)
        client.force_login(cast.manager)
        assert client.get(reverse("api:job", args=[job.pk])).json()["state"] == "queued"
        client.force_login(cast.sdr)
        assert client.get(reverse("api:job", args=[job.pk])).status_code == 404
