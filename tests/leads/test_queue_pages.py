"""The SDR's pages: who sees which, what stands in them, what each key does, and what they cost."""

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from apps.leads.models import EventKind, FunnelEvent, HandOff, Lead, LeadStage, Qualification, Source, Touch
from apps.leads.selectors import day
from apps.leads.selectors import queue as selectors
from apps.leads.services import booking, intake, qualifications, queue, touches
from tests.cast import NOW, Cast
from tests.leads.test_touches import VOICEMAIL

HTMX = {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "http://testserver/my-day/?score=A"}
KEYS = ("budget", "authority", "need", "timeframe")


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    cache.clear()


@pytest.fixture(autouse=True)
def _on_a_working_day(time_machine: Any) -> None:
    """Planned calls wait for calling hours, so the hour at which a test runs must not matter."""
    time_machine.move_to(NOW, tick=True)


def arrive(cast: Cast, number: int = 1, **known: Any) -> Lead:
    """A lead that came just now (pages read the clock on the wall)."""
    owner, at = known.pop("owner", None), known.pop("at", timezone.now())
    known = {
        "company": "Brightmoor",
        "email": f"p{number}@brightmoor.example",
        "source": "Demo request",
    } | known
    return intake.take_in(
        incoming=intake.Incoming(**known),
        team=cast.sdr_team,
        owner=owner,
        at=at,
        source=Source.PAGE,
        source_key=f"form:{number}",
    )[0]


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


class TestWhoSees:
    @pytest.mark.parametrize(
        ("path", "allowed"),
        [
            ("/my-day/", {"sdr", "teammate", "outsider"}),
            ("/my-day/list/", {"sdr", "teammate", "outsider"}),
            ("/team-day/", {"manager", "outside_manager", "revops"}),
            (
                "/leads/",
                {"sdr", "teammate", "outsider", "manager", "outside_manager", "marketing", "revops"},
            ),
            ("/leads/new/", {"sdr", "teammate", "outsider", "manager", "outside_manager", "revops"}),
        ],
    )
    def test_each_role_reaches_its_places_only(self, cast: Cast, path: str, allowed: set[str]) -> None:
        for part, user in cast.everyone().items():
            status = signed_in(user).get(path).status_code
            assert status == (200 if part in allowed else 403), part
        assert Client().get(path).status_code == 302

    def test_a_lead_exists_within_the_scope_only(self, cast: Cast) -> None:
        lead = arrive(cast, owner=cast.rep(cast.sdr))
        expected = {
            "sdr": 200, "manager": 200, "revops": 200, "marketing": 200, "finance": 200, "teammate": 404,
            "ae": 404, "second_ae": 404, "am": 404, "outsider": 404, "outside_manager": 404,
        }  # fmt: skip
        for path in (f"/leads/{lead.pk}/", f"/leads/{lead.pk}/explain/"):
            found = {part: signed_in(user).get(path).status_code for part, user in cast.everyone().items()}
            assert found == expected

    @pytest.mark.parametrize("act", ["touch", "qualify", "book"])
    def test_only_its_sdr_works_a_lead(self, cast: Cast, act: str) -> None:
        lead = arrive(cast, owner=cast.rep(cast.sdr))
        for part, user in cast.everyone().items():
            if part == "sdr":
                continue
            status = (
                signed_in(user).post(f"/leads/{lead.pk}/{act}/", {"disposition": "connected"}).status_code
            )
            assert status == (404 if part in ("teammate", "outsider") else 403), part
        assert not Touch.objects.exists()
        assert signed_in(cast.sdr).get(f"/leads/{lead.pk}/{act}/").status_code == 405

    def test_an_event_exists_within_the_scope_of_its_lead_or_credits(self, cast: Cast) -> None:
        arrive(cast, owner=cast.rep(cast.sdr))
        event = FunnelEvent.objects.earliest("pk")
        for part, status in (
            ("sdr", 200),
            ("manager", 200),
            ("finance", 200),
            ("outsider", 404),
            ("ae", 404),
        ):
            assert signed_in(getattr(cast, part)).get(f"/events/{event.pk}/").status_code == status, part

    def test_a_members_queue_is_for_the_manager_of_the_team(self, cast: Cast) -> None:
        rep = cast.rep(cast.sdr)
        lead = arrive(cast, owner=rep)
        page = signed_in(cast.manager).get(f"/team-day/{rep.pk}/?lead={lead.pk}")
        assert "Brightmoor" in text(page)
        assert "How did it go?" not in text(page), "a manager reads"
        assert signed_in(cast.outside_manager).get(f"/team-day/{rep.pk}/").status_code == 404
        assert signed_in(cast.sdr).get(f"/team-day/{rep.pk}/").status_code == 403
        assert signed_in(cast.manager).get(f"/team-day/{cast.rep(cast.ae).pk}/").status_code == 404


class TestQueuePage:
    def test_groups_by_why_and_says_until_when(self, cast: Cast) -> None:
        rep = cast.rep(cast.sdr)
        arrive(cast, 1, name="Hanna Vogel", title="COO", employees=420, industry="Energy", city="Hamburg")
        arrive(cast, 2, name="Lukas Brandt", is_inbound=False, source="Purchased list")
        mine = arrive(cast, 3, name="Mattias Ek", owner=rep)
        touches.log_touch(lead=mine, rep=rep, at=timezone.now() - timedelta(days=1), **VOICEMAIL)
        page = text(signed_in(cast.sdr).get("/my-day/"))
        rows = page.split("<tbody")[1]
        assert rows.index("Fresh inbound") < rows.index("Hanna Vogel") < rows.index("Touches due")
        assert rows.index("Touches due") < rows.index("Mattias Ek") < rows.index("Untouched <span")
        assert "Demo request 0 min ago" in page
        assert "Touch 2 is due" in page
        assert "Last: voicemail" in page
        assert "Brightmoor, Hamburg" in page
        assert "3 in queue" in page
        assert 'class="cd' in page

    def test_a_lead_without_name_and_company_reads_well(self, cast: Cast) -> None:
        Lead.objects.create(
            industry="Internet Software & Services", title="Manager", external_id="441", source_system="crm",
            team=cast.sdr_team, created_at=timezone.now(), stage=LeadStage.MQL, time_zone="PST",
            queue_bucket=4, queue_sort_at=timezone.now(), queue_ready_at=timezone.now(),
        )  # fmt: skip
        page = text(signed_in(cast.sdr).get("/my-day/"))
        assert "Lead 441 · Internet Software &amp; Services" in page
        assert ">Manager<" in page

    def test_filters_stand_in_the_address(self, cast: Cast) -> None:
        arrive(cast, 1, name="Hanna Vogel", title="COO", employees=420, industry="Energy")
        arrive(cast, 2, name="Lukas Brandt", is_inbound=False, source="Purchased list")
        client = signed_in(cast.sdr)
        for query, shown in (
            ("bucket=2", {"Hanna"}),
            ("bucket=4", {"Lukas"}),
            ("score=A", {"Hanna"}),
            ("channel=call", {"Hanna", "Lukas"}),
            ("channel=email", set()),
            ("bucket=99&score=Z&channel=pigeon", {"Hanna", "Lukas"}),
        ):
            page = text(client.get(f"/my-day/?{query}"))
            assert {name for name in ("Hanna", "Lukas") if name in page} == shown, query

    def test_the_address_says_which_lead_is_open(self, cast: Cast) -> None:
        lead, other = arrive(cast, 1, name="Hanna Vogel"), arrive(cast, 2, name="Lukas Brandt")
        page = text(signed_in(cast.sdr).get(f"/my-day/?lead={lead.pk}"))
        assert f'data-lead="{lead.pk}"' in page
        assert re.search(rf'data-lead-row="{lead.pk}" class="active"', page)
        assert not re.search(rf'data-lead-row="{other.pk}" class="active"', page)
        assert signed_in(cast.outsider).get(f"/my-day/?lead={lead.pk}").context.get("dossier") is None
        assert signed_in(cast.sdr).get("/my-day/?lead=nonsense").status_code == 200

    def test_is_kept_from_an_sdr_without_a_rep_in_plain_words(self, cast: Cast) -> None:
        rep = cast.rep(cast.sdr)
        rep.user = None
        rep.save()
        client = signed_in(cast.sdr)
        assert "not linked to a rep" in text(client.get("/my-day/"))
        assert client.post("/my-day/next/").status_code == 302

    def test_a_teammates_held_lead_is_not_listed(self, cast: Cast) -> None:
        arrive(cast, 1, name="Hanna Vogel")
        queue.claim_next(rep=cast.rep(cast.teammate), at=timezone.now())
        assert "Hanna" not in text(signed_in(cast.sdr).get("/my-day/"))
        assert "Hanna" in text(signed_in(cast.teammate).get("/my-day/"))

    def test_takes_eight_statements_at_most(self, cast: Cast, django_assert_max_num_queries: Any) -> None:
        rep = cast.rep(cast.sdr)
        now = timezone.now()
        for number in range(120):
            lead = Lead(
                name=f"Person {number}", team=cast.sdr_team, owner=rep if number % 2 else None, stage="mql",
                created_at=now - timedelta(minutes=number), touch_count=number % 3, score="ABCD"[number % 4],
            )  # fmt: skip
            queue.settle(lead)
            lead.save()
        client = signed_in(cast.sdr)
        client.get("/my-day/")
        with django_assert_max_num_queries(7):
            page = client.get("/my-day/list/")
        assert page.content.count(b"data-row ") == selectors.SHOWN
        assert "120 in queue" in text(page)
        # With the frame around it: the rail's other figures and the bell's are one.
        with django_assert_max_num_queries(8):
            client.get("/my-day/")

    def test_counts_are_capped(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(selectors, "CAP", 60)
        now = timezone.now()
        leads = [
            Lead(name=f"Person {n}", team=cast.sdr_team, stage="mql", created_at=now - timedelta(minutes=n))
            for n in range(80)
        ]
        for lead in leads:
            queue.settle(lead)
        Lead.objects.bulk_create(leads)
        assert "60+ in queue" in text(signed_in(cast.sdr).get("/my-day/"))

    def test_a_list_longer_than_is_counted_is_counted_anew_once_its_first_rows_change(
        self,
        cast: Cast,
        monkeypatch: pytest.MonkeyPatch,
        django_assert_max_num_queries: Any,
    ) -> None:
        monkeypatch.setattr(selectors, "CAP", 60)
        now = timezone.now()
        leads = [
            Lead(name=f"Person {n}", team=cast.sdr_team, stage="mql", created_at=now - timedelta(minutes=n))
            for n in range(63)
        ]
        for lead in leads:
            queue.settle(lead)
        Lead.objects.bulk_create(leads)
        client = signed_in(cast.sdr)
        assert "60+ in queue" in text(client.get("/my-day/"))
        with django_assert_max_num_queries(6):
            assert "60+ in queue" in text(client.get("/my-day/list/"))
        for lead in Lead.objects.filter(name__in=[f"Person {n}" for n in (60, 61, 62)]):
            lead.stage = "disqualified"
            queue.settle(lead)
            lead.save()
        assert "60 in queue" in text(client.get("/my-day/list/"))

    def test_refresh_answers_nothing_while_nothing_changed(self, cast: Cast) -> None:
        arrive(cast, 1)
        client = signed_in(cast.sdr)
        first = client.get("/my-day/list/")
        assert first.status_code == 200
        assert 'id="queue"' in text(first)
        assert "<html" not in text(first)
        again = client.get("/my-day/list/", HTTP_IF_NONE_MATCH=first["ETag"])
        assert (again.status_code, again.content) == (204, b"")
        arrive(cast, 2)
        assert client.get("/my-day/list/", HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 200


class TestNext:
    def test_claims_and_opens_the_best(self, cast: Cast) -> None:
        lead = arrive(cast)
        answer = signed_in(cast.sdr).post("/my-day/next/")
        assert answer["Location"] == f"/my-day/?lead={lead.pk}"
        lead.refresh_from_db()
        assert lead.claimed_by == cast.rep(cast.sdr)
        empty = signed_in(cast.teammate).post("/my-day/next/", follow=True)
        assert "Nothing waits" in text(empty)

    def test_looking_claims_nothing(self, cast: Cast) -> None:
        lead = arrive(cast)
        signed_in(cast.sdr).get(f"/my-day/?lead={lead.pk}")
        assert signed_in(cast.sdr).get("/my-day/next/").status_code == 405
        lead.refresh_from_db()
        assert lead.claimed_by is None

    def test_leaving_lets_it_go(self, cast: Cast) -> None:
        lead = arrive(cast)
        client = signed_in(cast.sdr)
        client.post("/my-day/next/")
        assert signed_in(cast.teammate).post(f"/leads/{lead.pk}/release/").status_code == 204
        lead.refresh_from_db()
        assert lead.claimed_by is not None, "a teammate cannot let it go"
        assert client.post(f"/leads/{lead.pk}/release/").status_code == 204
        lead.refresh_from_db()
        assert lead.claimed_by is None


def _touch(disposition: str, **more: Any) -> dict[str, Any]:
    return {"channel": "call", "disposition": disposition, "request_key": uuid4().hex} | more


class TestTouch:
    def test_logs_renews_the_list_and_offers_undo(self, cast: Cast) -> None:
        lead = arrive(cast)
        client = signed_in(cast.sdr)
        answer = client.post(f"/leads/{lead.pk}/touch/", _touch("voicemail", note="Rang twice"), **HTMX)
        page = text(answer)
        touch = Touch.objects.get()
        assert f"/touches/{touch.pk}/undo/" in page
        assert 'id="queue"' in page
        assert 'hx-swap-oob="true"' in page
        assert "Logged: voicemail. Next: email " in page
        assert "Rang twice" in page
        assert answer["HX-Push-Url"] == f"/my-day/?score=A&lead={lead.pk}"
        undone = client.post(f"/touches/{touch.pk}/undo/", **HTMX)
        assert undone["HX-Retarget"] == "#panel"
        assert "Undone: voicemail" in text(undone)
        lead.refresh_from_db()
        assert lead.touch_count == 0

    def test_a_second_click_logs_nothing(self, cast: Cast) -> None:
        lead = arrive(cast)
        client, sent = signed_in(cast.sdr), _touch("no_answer")
        for _ in range(2):
            assert client.post(f"/leads/{lead.pk}/touch/", sent, **HTMX).status_code == 200
        assert Touch.objects.count() == 1

    def test_connected_opens_the_framework(self, cast: Cast) -> None:
        lead = arrive(cast)
        answer = signed_in(cast.sdr).post(f"/leads/{lead.pk}/touch/", _touch("connected"), **HTMX)
        assert "What is set aside, and who approved it?" in text(answer)
        assert answer["HX-Push-Url"].endswith("act=qualify")

    def test_works_without_a_script_too(self, cast: Cast) -> None:
        lead = arrive(cast)
        answer = signed_in(cast.sdr).post(f"/leads/{lead.pk}/touch/", _touch("voicemail"))
        assert answer["Location"] == f"/leads/{lead.pk}/"

    def test_a_callback_is_typed_in_the_customers_zone(self, cast: Cast) -> None:
        lead = arrive(cast, time_zone="America/New_York")
        day = timezone.now().date() + timedelta(days=3)
        sent = _touch("call_back", callback_at=f"{day}T09:00", they_asked="on")
        signed_in(cast.sdr).post(f"/leads/{lead.pk}/touch/", sent, **HTMX)
        lead.refresh_from_db()
        assert lead.callback_at is not None
        assert lead.callback_at.hour in (13, 14), "nine in New York"

    @pytest.mark.parametrize(
        ("more", "words"),
        [
            ({}, "Say when to call back"),
            ({"callback_at": "2020-01-01T09:00"}, "still to come"),
            ({"callback_at": "soon"}, "Write day and time"),
            ({"when": "soon"}, "Choose one of the times offered"),
            ({"when": "2099-01-01T10:00"}, "Choose one of the times offered"),
        ],
    )
    def test_a_callback_that_is_wrong_says_so_at_its_field(
        self, cast: Cast, more: dict[str, str], words: str
    ) -> None:
        lead = arrive(cast)
        sent = _touch("call_back", note="After the board call", **more)
        answer = signed_in(cast.sdr).post(f"/leads/{lead.pk}/touch/", sent, **HTMX)
        page = text(answer)
        assert answer.status_code == 422
        assert words in page
        assert "data-open-now" in page
        assert "After the board call" in page, "what was typed is kept"
        assert not Touch.objects.exists()

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"note": "x" * 501}, "Keep the note to 500 characters"),
            ({"disposition": "shouted"}, ""),
            ({"channel": "pigeon"}, ""),
            ({"request_key": ""}, ""),
        ],
    )
    def test_bad_input_logs_nothing(self, cast: Cast, wrong: dict[str, str], words: str) -> None:
        lead = arrive(cast)
        answer = signed_in(cast.sdr).post(f"/leads/{lead.pk}/touch/", _touch("voicemail") | wrong, **HTMX)
        assert answer.status_code == 422
        assert words in text(answer)
        assert not Touch.objects.exists()

    def test_an_opted_out_lead_shows_it_and_offers_nothing(self, cast: Cast) -> None:
        lead = arrive(cast, phone="+49 40 555 0142", name="Hanna Vogel")
        client = signed_in(cast.sdr)
        page = text(client.post(f"/leads/{lead.pk}/touch/", _touch("opt_out"), **HTMX))
        assert "Do not contact." in page
        for gone in ("How did it go?", "tel:", "mailto:", "0142", "act=book"):
            assert gone not in page.split("hx-swap-oob")[0], gone
        for act, sent in (("touch", _touch("voicemail")), ("qualify", _answers()), ("book", _slot())):
            refused = client.post(f"/leads/{lead.pk}/{act}/", sent, **HTMX)
            assert refused.status_code in (409, 422), act
            assert "opted out" in text(refused)
        assert Touch.objects.count() == 1


def _slot() -> dict[str, Any]:
    start = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    return {"starts_at": start.isoformat()}


def _answers(**changed: str) -> dict[str, str]:
    found = {f"{key}-verdict": "met" for key in KEYS} | {f"{key}-answer": f"Yes to {key}" for key in KEYS}
    return found | {name.replace("__", "-"): value for name, value in changed.items()}


class TestQualify:
    def test_an_sql_leads_to_booking(self, cast: Cast) -> None:
        lead = arrive(cast)
        answer = signed_in(cast.sdr).post(f"/leads/{lead.pk}/qualify/", _answers(), **HTMX)
        assert "Book a meeting" in text(answer)
        lead.refresh_from_db()
        assert lead.stage == LeadStage.SQL

    def test_keeps_what_was_typed_and_names_what_is_missing(self, cast: Cast) -> None:
        lead = arrive(cast)
        sent = _answers(need__verdict="", budget__answer="", authority__evidence="“I sign up to 100k”")
        answer = signed_in(cast.sdr).post(f"/leads/{lead.pk}/qualify/", sent, **HTMX)
        page = text(answer)
        assert answer.status_code == 422
        assert "Say whether Need is met." in page
        assert "Budget is met: say what the answer was." in page
        assert "2 fields need a change." in page
        assert "“I sign up to 100k”" in page
        assert not Qualification.objects.exists()

    def test_below_the_definition_is_kept_and_said(self, cast: Cast) -> None:
        lead = arrive(cast)
        sent = _answers(need__verdict="not_met", budget__verdict="partly")
        page = text(signed_in(cast.sdr).post(f"/leads/{lead.pk}/qualify/", sent, **HTMX))
        assert "does not meet the SQL definition yet" in page
        assert "Below the definition" in page

    def test_without_a_definition_in_force_says_what_to_do(self, cast: Cast) -> None:
        from apps.leads.models import Definition

        Definition.objects.update(marketing_signed_by=None)
        lead = arrive(cast)
        page = text(signed_in(cast.sdr).get(f"/leads/{lead.pk}/?act=qualify"))
        assert "have to sign an SQL definition" in page


class TestBook:
    def _qualified(self, cast: Cast, **known: Any) -> Lead:
        lead = arrive(cast, **known)
        answers = {key: qualifications.Answer("met", "Yes") for key in KEYS}
        qualifications.qualify(lead=lead, rep=cast.rep(cast.sdr), answers=answers, at=timezone.now())
        return lead

    def test_offers_times_in_the_customers_zone(self, cast: Cast) -> None:
        lead = self._qualified(cast, time_zone="Asia/Tokyo")
        page = text(signed_in(cast.sdr).get(f"/leads/{lead.pk}/?act=book"))
        offered = booking.offered_slots(lead=lead, at=timezone.now())
        assert "Tokyo time, the customer’s" in page
        proper = [slot for slot in offered if 8 <= slot.starts_at.hour + 9 < 18]
        assert page.count('name="starts_at"') == len(proper or offered)

    def test_names_the_ae_and_says_why(self, cast: Cast) -> None:
        lead = self._qualified(cast)
        slot = booking.offered_slots(lead=lead, at=timezone.now())[0]
        page = text(
            signed_in(cast.sdr).post(
                f"/leads/{lead.pk}/book/", {"starts_at": slot.starts_at.isoformat()}, **HTMX
            )
        )
        hand_off = HandOff.objects.get()
        assert f"Handed to {hand_off.ae.name}" in page
        assert hand_off.routing["words"] in page
        assert "Waits for an answer" in page

    @pytest.mark.parametrize("wrong", ["", "soon", "2026-11-12T10:00", "2020-01-01T10:00:00+00:00"])
    def test_a_time_that_cannot_be_says_so(self, cast: Cast, wrong: str) -> None:
        lead = self._qualified(cast)
        answer = signed_in(cast.sdr).post(f"/leads/{lead.pk}/book/", {"starts_at": wrong}, **HTMX)
        assert answer.status_code == 422
        assert "hoose" in text(answer)
        assert not HandOff.objects.exists()

    def test_below_the_definition_asks_for_exploration(self, cast: Cast) -> None:
        lead = arrive(cast)
        answers = {key: qualifications.Answer("not_met") for key in KEYS}
        qualifications.qualify(lead=lead, rep=cast.rep(cast.sdr), answers=answers, at=timezone.now())
        client = signed_in(cast.sdr)
        sent = {"starts_at": booking.offered_slots(lead=lead, at=timezone.now())[0].starts_at.isoformat()}
        refused = client.post(f"/leads/{lead.pk}/book/", sent, **HTMX)
        assert refused.status_code == 422
        assert 'name="as_exploration"' in text(refused)
        assert (
            client.post(f"/leads/{lead.pk}/book/", sent | {"as_exploration": "on"}, **HTMX).status_code == 200
        )
        assert HandOff.objects.get().is_exploration


class TestLeadPage:
    def test_takes_a_bounded_number_of_statements(
        self, cast: Cast, django_assert_max_num_queries: Any
    ) -> None:
        rep = cast.rep(cast.sdr)
        lead = arrive(cast)
        client = signed_in(cast.sdr)
        for hour in range(6):
            touches.log_touch(lead=lead, rep=rep, at=timezone.now() + timedelta(hours=hour), **VOICEMAIL)
        client.get("/my-day/")
        with django_assert_max_num_queries(24):
            page = client.get(f"/leads/{lead.pk}/", **HTMX)
        assert text(page).count("Call: voicemail") == 6

    def test_tells_everything_that_happened(self, cast: Cast) -> None:
        rep = cast.rep(cast.sdr)
        lead = arrive(cast)
        touch = touches.log_touch(lead=lead, rep=rep, at=timezone.now(), note="Rang twice", **VOICEMAIL)
        touches.undo_touch(touch=touch, rep=rep, at=timezone.now())
        answers = {key: qualifications.Answer("not_met") for key in KEYS}
        qualifications.qualify(lead=lead, rep=rep, answers=answers, at=timezone.now())
        page = text(signed_in(cast.sdr).get(f"/leads/{lead.pk}/"))
        for words in (
            "Demo request",
            '<s class="muted">Call: voicemail</s>',
            "Taken back: touched",
            "criteria not met",
        ):
            assert words in page, words

    def test_explains_its_position(self, cast: Cast) -> None:
        lead = arrive(cast)
        page = text(signed_in(cast.sdr).get(f"/leads/{lead.pk}/explain/", **HTMX))
        assert "fresh inbound comes after callbacks" in page
        assert "<html" not in page

    def test_an_event_is_explained_with_its_credits_and_reversal(self, cast: Cast) -> None:
        rep = cast.rep(cast.sdr)
        lead = arrive(cast)
        touch = touches.log_touch(lead=lead, rep=rep, at=timezone.now(), **VOICEMAIL)
        touches.undo_touch(touch=touch, rep=rep, at=timezone.now())
        client = signed_in(cast.sdr)
        event = FunnelEvent.objects.get(kind=EventKind.TOUCHED)
        page = text(client.get(f"/events/{event.pk}/"))
        for words in ("Call: voicemail", "Reversed", "Sdr", "100 %", f"touch:{touch.pk}:touched"):
            assert words in page, words
        reversal = FunnelEvent.objects.get(kind=EventKind.REVERSED)
        assert f"/events/{event.pk}/" in text(client.get(f"/events/{reversal.pk}/"))


def _new(**typed: str) -> dict[str, str]:
    return {"is_inbound": "yes", "request_key": uuid4().hex, "company": "Brightmoor"} | typed


class TestNewLead:
    def test_takes_it_in_scored_and_opens_it(self, cast: Cast) -> None:
        sent = _new(name="Hanna Vogel", team=str(cast.sdr_team.pk), source="Demo request", mine="on")
        answer = signed_in(cast.sdr).post("/leads/new/", sent)
        lead = Lead.objects.get()
        assert answer["Location"] == f"/leads/{lead.pk}/"
        assert (lead.owner, lead.is_inbound) == (cast.rep(cast.sdr), True)

    def test_a_second_click_takes_nothing_in(self, cast: Cast) -> None:
        client, sent = signed_in(cast.sdr), _new(team=str(cast.sdr_team.pk))
        assert client.post("/leads/new/", sent)["Location"] == client.post("/leads/new/", sent)["Location"]
        assert Lead.objects.count() == 1

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"company": ""}, "Name the company, or give an e-mail address."),
            ({"email": "nobody"}, "Write an address such as"),
            ({"employees": "many"}, "Write a whole number."),
            ({"time_zone": "Berlin"}, "Write a zone such as Europe/Berlin"),
            ({"name": "x" * 121}, "Keep this to 120 characters; it has 121."),
        ],
    )
    def test_says_at_the_field_what_is_wrong(self, cast: Cast, wrong: dict[str, str], words: str) -> None:
        sent = _new(team=str(cast.sdr_team.pk), city="Hamburg") | wrong
        answer = signed_in(cast.sdr).post("/leads/new/", sent)
        assert answer.status_code == 422
        assert words in text(answer)
        assert 'value="Hamburg"' in text(answer)
        assert not Lead.objects.exists()

    def test_another_team_or_owner_cannot_be_slipped_in(self, cast: Cast) -> None:
        sent = _new(team=str(cast.other_team.pk))
        assert signed_in(cast.sdr).post("/leads/new/", sent).status_code == 422
        extras = _new(
            team=str(cast.sdr_team.pk), owner=str(cast.rep(cast.teammate).pk), score="A", stage="sal"
        )
        signed_in(cast.manager).post("/leads/new/", extras | {"mine": "on"})
        lead = Lead.objects.get()
        assert (lead.owner, lead.stage, lead.score) == (None, LeadStage.MCL, "D")

    def test_somebody_worked_elsewhere_is_said_not_shown(self, cast: Cast) -> None:
        arrive(cast, 1, owner=cast.rep(cast.teammate))
        sent = _new(email="p1@brightmoor.example", team=str(cast.sdr_team.pk))
        answer = signed_in(cast.sdr).post("/leads/new/", sent)
        assert answer.status_code == 422
        assert "They are known already and worked by somebody else" in text(answer)
        assert "Teammate" not in text(answer)


class TestLeadList:
    def test_finds_by_name_address_and_number(self, cast: Cast) -> None:
        hanna = arrive(cast, 1, name="Hanna Vogel", company="Brightmoor")
        arrive(cast, 2, name="Lukas Brandt", company="Kestrel Optik")
        client = signed_in(cast.revops)
        for asked, found in (
            ("hanna", {"Hanna"}), ("vogel", {"Hanna"}), ("kestrel", {"Lukas"}), ("P2@brightmoor.example", {"Lukas"}),
            (str(hanna.pk), {"Hanna"}), ("", {"Hanna", "Lukas"}), ("zzz", set()),
        ):  # fmt: skip
            page = text(client.get(f"/leads/?{urlencode({'q': asked})}"))
            assert {name for name in ("Hanna", "Lukas") if f"{name} " in page} == found, asked

    def test_pages_by_key_within_the_scope(self, cast: Cast, django_assert_max_num_queries: Any) -> None:
        now = timezone.now()
        Lead.objects.bulk_create(
            [
                Lead(name=f"Person {n:03}", team=cast.sdr_team, created_at=now - timedelta(minutes=n))
                for n in range(120)
            ]
        )
        client = signed_in(cast.manager)
        seen: list[str] = []
        address = "/leads/"
        client.get(address)
        while address:
            with django_assert_max_num_queries(9):
                page = text(client.get(address))
            seen += re.findall(r"data-open>(Person \d+)<", page)
            match = re.search(r'rel="next" href="([^"]+)"|href="([^"]+)" rel="next"', page)
            address = "/leads/" + (match[1] or match[2]).replace("&amp;", "&") if match else ""
        assert seen == [f"Person {n:03}" for n in range(120)]
        assert "Person" not in text(signed_in(cast.outside_manager).get("/leads/"))


class TestTeamDay:
    def test_counts_what_waits_and_what_was_done(
        self, cast: Cast, django_assert_max_num_queries: Any
    ) -> None:
        rep = cast.rep(cast.sdr)
        lead = arrive(cast, 1, owner=rep)
        arrive(cast, 2)
        touches.log_touch(lead=arrive(cast, 3, owner=rep), rep=rep, at=timezone.now(), **VOICEMAIL)
        Lead.objects.filter(pk=lead.pk).update(due_at=timezone.now() - timedelta(minutes=5))
        client = signed_in(cast.manager)
        client.get("/team-day/")
        with django_assert_max_num_queries(11):
            page = client.get("/team-day/")
        found = page.context["day"]
        team = next(one for one in found.teams if one.team == cast.sdr_team)
        assert [(m.rep, m.waiting, m.late, m.touches) for m in team.members] == [
            (rep, 1, 1, 1),
            (cast.rep(cast.teammate), 0, 0, 0),
        ]
        assert (team.pool, found.waiting, found.late) == (1, 2, 1)


class TestDayFigures:
    def test_come_from_the_record_without_what_was_taken_back(self, cast: Cast) -> None:
        rep = cast.rep(cast.sdr)
        at = datetime(2026, 11, 12, 9, 42, tzinfo=timezone.get_default_timezone())
        for number, minutes in ((1, 10), (2, 20), (3, 90)):
            lead = arrive(cast, number, at=at)
            touches.log_touch(lead=lead, rep=rep, at=at + timedelta(minutes=minutes), **VOICEMAIL)
        wrong = touches.log_touch(lead=arrive(cast, 4, at=at), rep=rep, at=at, **VOICEMAIL)
        touches.undo_touch(touch=wrong, rep=rep, at=at)
        found = day.day_of_rep(rep=rep, at=at + timedelta(hours=2))
        assert (found.speed_minutes, found.first_answers) == (20, 3)
        assert (found.touches, found.channel_words) == (3, "3 calls")
        tomorrow = day.day_of_rep(rep=rep, at=at + timedelta(days=1))
        assert (tomorrow.touches, tomorrow.speed_minutes) == (0, None)
