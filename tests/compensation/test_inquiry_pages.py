"""The pages and the API of inquiries, and what they cost however many rows there are."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.compensation.models import Inquiry, InquiryAttachment, InquirySeen, InquiryTerms, PayAdjustment
from apps.compensation.services import inquiry_outcomes, inquiry_thread
from tests.cast import Cast
from tests.compensation.conftest import Payroll
from tests.compensation.inquiry_scenes import Scene, monday, settled

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def private(tmp_path: Path, settings):
    settings.PRIVATE_FILES_DIR = tmp_path


@pytest.fixture
def scene(payroll: Payroll) -> Scene:
    return settled(payroll)


@pytest.fixture
def signed_in(cast: Cast):
    def client(part: str) -> Client:
        made = Client()
        made.force_login(getattr(cast, part))
        return made

    return client


def page_of(inquiry: Inquiry) -> str:
    return reverse("compensation:inquiry", args=[inquiry.pk])


def note(name: str = "note.txt", content: bytes = b"Met on the 3rd.") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


class TestAsking:
    def test_about_a_line_leads_to_the_inquiry(self, scene: Scene, signed_in):
        address = f"{reverse('compensation:inquiry_new', args=[scene.statement.pk])}?line={scene.line.pk}"
        client = signed_in("ae")
        assert scene.line.formula in client.get(address).content.decode()
        given = {"text": "Why 10 %?", "files": [note()], "key": "a"}
        answer = client.post(address, given, follow=True)
        assert answer.status_code == 200
        assert "Why 10 %?" in answer.content.decode()
        assert "note.txt" in answer.content.decode()
        client.post(address, given | {"files": [note()]})
        assert Inquiry.objects.count() == 1

    def test_keeps_what_was_typed_beside_what_is_wrong(self, scene: Scene, signed_in):
        address = reverse("compensation:inquiry_new", args=[scene.statement.pk])
        given = {"about": "missing", "text": "A deal is missing.", "files": [note("logo.svg", b"<svg/>")]}
        answer = signed_in("ae").post(address, given)
        said = answer.content.decode()
        assert answer.status_code == 422
        assert "Say for what you expected pay." in said
        assert "is of a kind that is not taken" in said
        assert "A deal is missing." in said
        assert not Inquiry.objects.exists()

    def test_of_somebody_elses_line_is_not_found(self, scene: Scene, signed_in):
        address = reverse("compensation:inquiry_new", args=[scene.statement.pk])
        assert signed_in("ae").get(f"{address}?line=999999").status_code == 404
        assert signed_in("second_ae").get(address).status_code == 404
        assert signed_in("manager").get(address).status_code == 403


class TestOnePage:
    def test_shows_who_asked_what_was_said_and_escapes_it(self, scene: Scene, signed_in):
        inquiry = scene.ask_line(text="<script>alert(1)</script>")
        said = signed_in("revops").get(page_of(inquiry)).content.decode()
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in said
        assert "Settle it" in said

    def test_is_read_along_by_the_manager(self, scene: Scene, signed_in):
        inquiry = scene.ask_line()
        client = signed_in("manager")
        said = client.get(page_of(inquiry)).content.decode()
        assert "I expected more for this." in said
        assert "Settle it" not in said
        assert "<textarea" not in said
        assert (
            client.post(reverse("compensation:inquiry_reply", args=[inquiry.pk]), {"text": "x"}).status_code
            == 403
        )

    def test_looking_writes_nothing_and_saying_so_does(self, scene: Scene, signed_in):
        inquiry = scene.ask_line()
        client = signed_in("revops")
        client.get(page_of(inquiry))
        assert not InquirySeen.objects.filter(user=scene.cast.revops).exists()
        client.post(reverse("compensation:inquiry_seen", args=[inquiry.pk]))
        assert InquirySeen.objects.get(user=scene.cast.revops).number == 1
        signed_in("manager").post(reverse("compensation:inquiry_seen", args=[inquiry.pk]))
        assert not InquirySeen.objects.filter(user=scene.cast.manager).exists()

    def test_every_act_of_a_whole_story(self, scene: Scene, signed_in):
        inquiry = scene.ask_line()
        revops, finance, ae = signed_in("revops"), signed_in("finance"), signed_in("ae")

        def post(client: Client, name: str, pk: int, **given) -> str:
            answer = client.post(reverse(f"compensation:{name}", args=[pk]), given, follow=True)
            assert answer.status_code == 200, answer.content.decode()[:3000]
            return answer.content.decode()

        assert "Waiting for the asker" in post(revops, "inquiry_ask_back", inquiry.pk, text="Which?")
        post(ae, "inquiry_reply", inquiry.pk, text="The second one.")
        change = {"amount": "80.00", "currency": "EUR", "component": "only", "reason": "Left out."}
        assert "Who proposed a change does not approve it." in post(
            revops, "adjustment_propose", inquiry.pk, **change
        )
        adjustment = PayAdjustment.objects.get()
        assert adjustment.amount_minor == 80_00
        assert "Change agreed" in post(finance, "adjustment_approve", adjustment.pk)
        assert "the next computation of an open run" in post(ae, "inquiry_accept", inquiry.pk)
        post(ae, "inquiry_reopen", inquiry.pk, reason="It is another amount.")
        settled_page = post(
            finance,
            "inquiry_settle",
            inquiry.pk,
            outcome="corrected",
            link="/pay/credits/",
            text="See there.",
        )
        assert 'href="/pay/credits/"' in settled_page
        back = post(finance, "adjustment_reverse", adjustment.pk, reason="A mistake.")
        assert "Taking change 1 back" in back

    def test_says_what_is_wrong_and_keeps_the_words(self, scene: Scene, signed_in):
        inquiry = scene.ask_line()
        client = signed_in("revops")
        address = reverse("compensation:inquiry_settle", args=[inquiry.pk])
        answer = client.post(
            address, {"outcome": "corrected", "text": "It was fixed.", "link": "https://evil.example/x"}
        )
        assert answer.status_code == 422
        assert "Paste the address" in answer.content.decode()
        assert "It was fixed." in answer.content.decode()
        inquiry_outcomes.decline(inquiry=inquiry, text="No.", at=monday(10), actor=scene.cast.finance)
        answer = client.post(address, {"outcome": "explained", "text": "Too late."})
        assert answer.status_code == 409
        assert "This inquiry was settled by Finance" in answer.content.decode()


class TestFiles:
    def test_are_downloads_and_nothing_else(self, scene: Scene, signed_in):
        from apps.compensation.rules.attachments import checked

        scene.ask_line(files=[checked('a";x=".txt', b"text")])
        kept = InquiryAttachment.objects.get()
        address = reverse("compensation:inquiry_attachment", args=[kept.pk])
        answer = signed_in("ae").get(address)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Disposition"].startswith("attachment")
        assert "no-store" in answer["Cache-Control"]
        assert b"".join(answer.streaming_content) == b"text"
        assert signed_in("manager").get(address).status_code == 200
        assert signed_in("second_ae").get(address).status_code == 404
        assert signed_in("marketing").get(address).status_code == 403


class TestLists:
    @pytest.mark.parametrize("part", ["revops", "ae", "manager"])
    @pytest.mark.once
    def test_cost_the_same_for_ten_and_for_five_hundred(self, scene: Scene, signed_in, part: str):
        first = scene.ask_line()
        many_more(first, 9)
        client, address = signed_in(part), reverse("compensation:inquiries")
        client.get(address)
        with CaptureQueriesContext(
            connection,
        ) as few:
            client.get(address)
        many_more(first, 490)
        with CaptureQueriesContext(connection) as many:
            client.get(address)
        assert len(many) == len(few) <= 16

    @pytest.mark.parametrize("show", ["", "mine", "late", "waiting", "approve", "settled", "nonsense"])
    def test_are_narrowed_by_chips(self, scene: Scene, signed_in, show: str):
        asked = scene.ask_line()
        scene.propose(asked)
        answer = signed_in("finance").get(reverse("compensation:inquiries"), {"show": show})
        assert answer.status_code == 200
        found = page_of(asked) in answer.content.decode()
        assert found == (show in ("", "late", "approve", "nonsense"))

    @pytest.mark.once
    def test_one_page_costs_the_same_for_two_messages_and_for_fifty(self, scene: Scene, signed_in):
        inquiry = scene.ask_line()
        client = signed_in("revops")
        inquiry_thread.reply(inquiry=inquiry, text="Hello.", at=monday(10), actor=scene.asker)
        client.get(page_of(inquiry))
        with CaptureQueriesContext(connection) as few:
            client.get(page_of(inquiry))
        for _ in range(48):
            inquiry_thread.reply(inquiry=inquiry, text="Hello.", at=monday(10), actor=scene.asker)
        with CaptureQueriesContext(connection) as many:
            client.get(page_of(inquiry))
        assert len(many) == len(few) <= 26


def many_more(first: Inquiry, count: int) -> None:
    """As many inquiries again, about the whole statement."""
    values = {
        field.attname: getattr(first, field.attname)
        for field in Inquiry._meta.concrete_fields
        if not field.primary_key
    } | {"about": "statement", "line_id": None}
    Inquiry.objects.bulk_create(Inquiry(**values) for _ in range(count))


class TestTerms:
    def test_are_set_in_hours_and_say_what_is_wrong(self, scene: Scene, signed_in):
        client, address = signed_in("revops"), reverse("compensation:inquiry_terms")
        given = {
            "first_answer_hours": "4", "outcome_hours": "16.5", "warn_percent": "50", "reopen_days": "7",
            "answered_by": "both", "rota": [scene.cast.revops.pk], "lead": scene.cast.finance.pk,
        }  # fmt: skip
        assert client.post(address, given | {"outcome_hours": "1"}).status_code == 422
        assert client.post(address, given).status_code == 302
        row = InquiryTerms.objects.get()
        assert (row.first_answer_minutes, row.outcome_minutes, row.rota) == (240, 990, [scene.cast.revops.pk])


class TestByApi:
    def test_asks_answers_and_agrees_by_the_same_services(self, scene: Scene, signed_in):
        ae, revops, finance = signed_in("ae"), signed_in("revops"), signed_in("finance")
        asked = ae.post(
            "/api/v1/inquiries/",
            {"statement": scene.statement.pk, "line": scene.line.pk, "text": "Why?", "files": [note()]},
            headers={"Idempotency-Key": "one"},
        )
        assert asked.status_code == 201, asked.content
        found = asked.json()
        assert found["messages"][0]["attachments"][0]["name"] == "note.txt"
        address = f"/api/v1/inquiries/{found['inquiry']['id']}/"
        again = ae.post(
            "/api/v1/inquiries/",
            {"statement": scene.statement.pk, "line": scene.line.pk, "text": "Why?"},
            headers={"Idempotency-Key": "one"},
        )
        assert again.json()["inquiry"]["id"] == found["inquiry"]["id"]
        revops.post(f"{address}reply/", {"text": "I look."})
        change = {"amount_minor": 8_000, "currency": "EUR", "component": "only", "reason": "Left out."}
        proposed = revops.post(f"{address}change/", change, content_type="application/json")
        assert proposed.status_code == 201, proposed.content
        approve = f"/api/v1/adjustments/{proposed.json()['id']}/approve/"
        assert revops.post(approve).status_code == 403
        assert finance.post(approve).json()["verdict"] == "approved"
        assert finance.post(approve).status_code == 409
        whole = ae.get(address).json()
        assert whole["inquiry"]["state"] == "agreed"
        assert [one["kind"] for one in whole["messages"]] == ["question", "reply", "outcome"]

    def test_refuses_with_the_field(self, scene: Scene, signed_in):
        scene.ask_line()
        inquiry = Inquiry.objects.get()
        answer = signed_in("revops").post(
            f"/api/v1/inquiries/{inquiry.pk}/settle/",
            {"outcome": "corrected", "text": "Done.", "link": "nowhere"},
            content_type="application/json",
        )
        assert answer.status_code == 400
        assert "link" in answer.json()["errors"]
