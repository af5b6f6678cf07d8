"""Leads that ask by themselves: taken in once, with what they agreed to, and offered times at once."""

import json
import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from apps.core.errors import InvalidInput
from apps.integrations.models import Capture, CaptureForm
from apps.integrations.rules import capture as rules
from apps.integrations.services import capture, capture_forms, capture_guard, enrichment
from apps.integrations.services.capture_guard import Filling
from apps.leads.models import Account, Lead, PreferredTime, Source
from apps.leads.selectors.offers import offer_for
from apps.leads.services import intake, suppressions
from tests.cast import NOW
from tests.integrations.forms import SITE, a_form
from tests.leads.scenes import handed_off

pytestmark = pytest.mark.django_db

HANNA = {"name": "Hanna Vogel", "email": "hanna@vogel-logistics.example", "agreed": "on"}


@pytest.fixture(autouse=True)
def _nobody_sent_anything():
    cache.clear()


@pytest.fixture
def form(cast) -> CaptureForm:
    return capture_forms.create_form(terms=a_form(cast.sdr_team), at=NOW, actor=cast.marketing)


@pytest.fixture
def clock(time_machine):
    """A clock that stands until it is moved."""

    def move(seconds: float) -> None:
        time_machine.move_to(NOW + timedelta(seconds=seconds), tick=False)

    move(0)
    return move


def filling(form: CaptureForm, name: str = "one") -> Filling:
    return Filling(name, NOW, capture_guard.consent_of(form))


def captured(form: CaptureForm, name: str = "one", **given) -> Capture:
    facts = {"name": "Hanna Vogel", "email": "hanna@vogel-logistics.example", "company": "", "title": "COO"}
    return capture.capture_lead(
        form=form, filled={**facts, **given}, agreed=True, filling=filling(form, name), at=NOW
    )


def opened(client: Client, form: CaptureForm, **headers) -> str:
    page = client.get(reverse("integrations:capture", args=[form.key]), **headers).content.decode()
    found = re.search(r'name="ticket" value="([^"]+)"', page)
    assert found
    return found.group(1)


def sent(client: Client, form: CaptureForm, ticket: str, /, **given):
    return client.post(reverse("integrations:capture", args=[form.key]), {**HANNA, "ticket": ticket, **given})


class TestWhoIsTakenIn:
    def test_a_newcomer_is_a_lead_of_the_forms_team_and_source(self, cast, form):
        made = captured(form)
        assert (made.outcome, made.lead.team, made.lead.source, made.lead.campaign) == (
            "new", cast.sdr_team, "Website form", "Autumn",
        )  # fmt: skip
        assert made.lead.is_inbound

    def test_the_same_filling_again_is_the_same_capture_and_another_address_is_not(self, form):
        first = captured(form)
        assert captured(form) == first
        assert captured(form, email="karl@other.example", name="Karl").lead != first.lead
        assert (Capture.objects.count(), Lead.objects.count()) == (2, 2)

    def test_who_is_known_asks_again_and_is_no_second_lead(self, form):
        first = captured(form)
        again = captured(form, "two")
        assert (again.lead, again.outcome) == (first.lead, "asked_again")
        assert (Capture.objects.count(), Lead.objects.count()) == (2, 1)

    def test_the_text_that_was_shown_stays_with_the_lead(self, form):
        shown = filling(form)
        capture_forms.change_form(form=form, terms=a_form(form.team, consent="Another text."), at=NOW)
        made = capture.capture_lead(
            form=form, filled={"email": "hanna@vogel.example"}, agreed=True, filling=shown, at=NOW
        )
        assert (made.consent.version, made.agreed, made.at) == (1, True, NOW)
        assert made.consent.words == "You may call and write to me about this request."
        assert capture_guard.consent_of(form).version == 2

    def test_the_same_text_is_no_new_version(self, form):
        capture_forms.change_form(form=form, terms=a_form(form.team, thanks="Thanks!"), at=NOW)
        assert form.consents.count() == 1


class TestWhatIsFilledIn:
    def test_by_the_account_then_by_earlier_leads_and_never_over_what_was_typed(self, cast, form):
        account = Account.objects.create(
            name="Vogel Logistics", domain="vogel-logistics.example", industry="Logistics"
        )
        intake.take_in(
            incoming=intake.Incoming(
                name="Karl Maier", email="karl@vogel-logistics.example", company="Vogel Logistics", employees=420
            ),
            team=cast.sdr_team, at=NOW, source=Source.PAGE, source_key="karl",
        )  # fmt: skip
        lead = captured(form, company="Vogel Group").lead
        assert (lead.company, lead.industry, lead.employees) == ("Vogel Group", "Logistics", 420)
        assert lead.account == account

    def test_a_source_of_ones_own_is_asked_last_and_may_be_away(self, settings, monkeypatch, caplog):
        settings.CAPTURE_ENRICHMENT = f"{__name__}.look_up"
        incoming = intake.Incoming(email="hanna@new.example", city="Hamburg")
        found = enrichment.filled(incoming)
        assert (found.company, found.employees, found.city) == ("New Ltd", 12, "Hamburg")
        monkeypatch.setattr(f"{__name__}.look_up", away)
        assert enrichment.filled(incoming) == incoming
        assert "new.example" not in caplog.text

    def test_free_mail_tells_nothing(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            enrichment.filled(intake.Incoming(email="hanna@gmail.com"))


def look_up(domain: str) -> dict[str, object]:
    return {"company": "New Ltd", "employees": 12, "city": "Berlin", "industry": "  ", "revenue": 5}


def away(domain: str) -> dict[str, object]:
    raise enrichment.EnrichmentUnavailable


class TestTimes:
    def test_the_soonest_are_offered_and_the_one_chosen_comes_first_for_whoever_books(self, cast, form):
        made = captured(form)
        days = capture.times_for(capture=made, at=NOW)
        assert days[0].times[0].starts_at > NOW
        assert sum(len(one.times) for one in days) == capture.MOST_TIMES
        chosen = days[0].times[3].starts_at
        capture.choose_time(capture=made, starts_at=chosen, at=NOW)
        capture.choose_time(capture=made, starts_at=chosen, at=NOW)
        assert PreferredTime.objects.get(lead=made.lead).starts_at == chosen
        offer = offer_for(lead=made.lead, now=NOW, zone=days[0].times[0].starts_at.tzinfo)
        assert [time.starts_at for time in offer.asked[0].times] == [chosen]

    def test_a_time_that_is_not_offered_is_refused(self, form):
        made = captured(form)
        with pytest.raises(capture.TimeTaken):
            capture.choose_time(capture=made, starts_at=NOW - timedelta(days=1), at=NOW)

    def test_what_an_ae_has_and_who_opted_out_is_offered_nothing(self, cast, form):
        taken = handed_off(cast).lead
        assert not capture.times_for(capture=captured(form, email=taken.email, name=taken.name), at=NOW)
        suppressions.suppress(
            kind="email", value="closed@closed.example", reason="opt_out", at=NOW, actor=cast.revops
        )
        made = captured(form, email="closed@closed.example")
        assert (made.outcome, made.lead.do_not_contact) == ("opted_out", True)
        assert not capture.times_for(capture=made, at=NOW)


class TestPage:
    def test_it_is_filled_in_thanked_and_a_time_is_chosen_without_a_cookie(self, form, clock):
        client = Client(enforce_csrf_checks=True)
        ticket = opened(client, form)
        clock(20)
        answer = sent(client, form, ticket)
        assert answer.status_code == 302
        page = client.get(answer["Location"])
        assert form.thanks in page.content.decode()
        instant = re.search(r'name="starts_at" value="([^"]+)"', page.content.decode()).group(1)
        noted = client.post(answer["Location"], {"starts_at": instant})
        assert "We noted" in noted.content.decode()
        assert PreferredTime.objects.get().lead == Capture.objects.get().lead
        assert not client.cookies
        assert "hanna" not in (page.content + noted.content).decode().lower()

    def test_only_the_forms_own_sites_may_frame_it_and_it_holds_no_script(self, form, clock):
        page = Client().get(reverse("integrations:capture", args=[form.key]))
        assert f"frame-ancestors {SITE}" in page["Content-Security-Policy"]
        assert "X-Frame-Options" not in page
        assert "<script" not in page.content.decode()
        CaptureForm.objects.update(origins=[])
        page = Client().get(reverse("integrations:capture", args=[form.key]))
        assert "frame-ancestors 'none'" in page["Content-Security-Policy"]

    def test_the_site_that_shows_it_is_kept_if_it_is_one_of_those_that_may(self, form, clock):
        ticket = opened(Client(), form, HTTP_REFERER=f"{SITE}/pricing")
        other = opened(Client(), form, HTTP_REFERER="https://elsewhere.example/")
        clock(20)
        sent(Client(), form, ticket)
        sent(Client(), form, other, email="karl@other.example")
        assert list(Capture.objects.order_by("pk").values_list("site", flat=True)) == [
            "www.larkfield.example", "",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            ({"email": "hanna"}, "Write an address such as"),
            ({"name": ""}, "Fill in: your name"),
            ({"agreed": ""}, "Without this we may not keep"),
            ({"website": "http://spam.example"}, "a field that people do not see"),
            ({"ticket": "made-up"}, "was not opened here"),
            ({"name": "x" * 200}, "Keep this to 120 characters"),
        ],
    )
    def test_what_is_wrong_is_said_and_what_was_typed_stays(self, form, clock, given, says):
        ticket = opened(Client(), form)
        clock(20)
        answer = sent(Client(), form, ticket, **{"company": "Vogel & Co", **given})
        page = answer.content.decode()
        assert (answer.status_code, Capture.objects.count()) == (422, 0)
        assert says in page
        assert "Vogel &amp; Co" in page

    def test_too_quick_is_sent_once_more_with_the_same_ticket_and_too_late_with_another(self, form, clock):
        ticket = opened(Client(), form)
        clock(1)
        answer = sent(Client(), form, ticket)
        assert "very quick" in answer.content.decode()
        assert ticket in answer.content.decode()
        clock(5)
        assert sent(Client(), form, ticket).status_code == 302
        clock(13 * 3600)
        answer = sent(Client(), form, ticket)
        assert "open for very long" in answer.content.decode()
        assert ticket not in answer.content.decode()

    def test_one_address_sends_so_many_and_no_more(self, form, clock, settings):
        settings.CAPTURE_PER_ADDRESS = 2
        ticket = opened(Client(), form)
        clock(20)
        statuses = [
            sent(Client(), form, ticket, email=f"n{one}@vogel.example").status_code for one in range(3)
        ]
        assert statuses == [302, 302, 429]
        elsewhere = Client(REMOTE_ADDR="203.0.113.9")
        assert sent(elsewhere, form, ticket, email="n9@vogel.example").status_code == 302

    def test_a_closed_form_and_a_page_left_too_long_are_gone(self, form, clock):
        ticket = opened(Client(), form)
        clock(20)
        place = sent(Client(), form, ticket)["Location"]
        clock(4000)
        assert Client().get(place).status_code == 410
        CaptureForm.objects.update(is_active=False)
        assert Client().get(reverse("integrations:capture", args=[form.key])).status_code == 404


class TestApi:
    def test_a_program_asks_sends_and_chooses(self, form, clock):
        client, address = Client(), reverse("api:capture", args=[form.key])
        asked = client.get(address).json()
        assert [one["name"] for one in asked["fields_asked"]] == ["name", "email", "company", "title"]
        clock(20)
        given = {**HANNA, "agreed": True, "ticket": asked["ticket"]}
        answer = client.post(address, json.dumps(given), content_type="application/json")
        assert answer.status_code == 201
        said = answer.json()
        again = client.post(address, json.dumps(given), content_type="application/json")
        assert (again.status_code, Capture.objects.count()) == (201, 1)
        chosen = {"answer": said["answer"], "starts_at": said["times"][0]["starts_at"]}
        time = client.post(
            reverse("api:capture_time", args=[form.key]), json.dumps(chosen), content_type="application/json"
        )
        assert (time.status_code, PreferredTime.objects.count()) == (200, 1)

    @pytest.mark.parametrize(
        "body", ["[]", '"x"', "{}", '{"ticket": 5}', '{"ticket": "x", "email": {"a": 1}}']
    )
    def test_nonsense_is_a_problem_with_words(self, form, clock, body):
        answer = Client().post(reverse("api:capture", args=[form.key]), body, content_type="application/json")
        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"

    def test_a_field_that_is_wrong_is_named(self, form, clock):
        address = reverse("api:capture", args=[form.key])
        ticket = Client().get(address).json()["ticket"]
        clock(20)
        given = {"ticket": ticket, "email": "hanna", "agreed": False}
        answer = Client().post(address, json.dumps(given), content_type="application/json")
        assert answer.status_code == 400
        assert set(answer.json()["errors"]) == {"name", "email", "agreed"}


class TestKeepingForms:
    def test_marketing_makes_one_sees_its_snippet_and_changes_it(self, cast, client, form):
        client.force_login(cast.marketing)
        page = client.get(reverse("integrations:capture_form_new"))
        assert page.status_code == 200
        given = {
            "name": "Pricing", "title": "Ask for prices", "team": cast.sdr_team.pk, "source": "Website form",
            "consent": "You may call me.", "consent_required": "on", "origins": f"{SITE}\nhttps://shop.example",
            "thanks": "Thanks.", "offers_times": "on", "is_active": "on", "ask_company": "required",
        }  # fmt: skip
        answer = client.post(reverse("integrations:capture_form_new"), given)
        made = CaptureForm.objects.get(name="Pricing")
        assert answer["Location"] == reverse("integrations:capture_form", args=[made.pk])
        assert made.fields == {"email": "required", "company": "required"}
        page = client.get(answer["Location"]).content.decode()
        assert "&lt;iframe src=" in page
        assert made.key in page
        bad = client.post(
            reverse("integrations:capture_form_edit", args=[made.pk]),
            {**given, "origins": "https://*.example"},
        )
        assert bad.status_code == 422
        assert "is no site" in bad.content.decode()

    def test_the_lists_ask_no_query_a_row(self, cast, client, form, django_assert_max_num_queries):
        client.force_login(cast.revops)
        for number in range(6):
            captured(form, email=f"n{number}@vogel{number}.example", name=f"Person {number}")
            capture_forms.create_form(terms=a_form(cast.sdr_team), at=NOW)
        with django_assert_max_num_queries(8):
            client.get(reverse("integrations:capture_forms"))
        with django_assert_max_num_queries(10):
            client.get(reverse("integrations:capture_form", args=[form.pk]))


class TestOrigins:
    @pytest.mark.parametrize(
        "origin",
        ["https://*", "*", "https://a.example/path", "http://a.example", "https://a.example; script-src *",
         "https://u:p@a.example", "javascript:alert(1)", "https://a.example:99999", "'self'", "https://a..example"],
    )  # fmt: skip
    def test_what_would_widen_the_policy_is_refused(self, origin):
        with pytest.raises(rules.NotAllowed):
            rules.checked_origins([origin])

    def test_sites_are_kept_once_and_in_lower_case(self):
        given = ["https://WWW.a.example/", "https://www.a.example", "", "http://localhost:3000"]
        assert rules.checked_origins(given) == ["https://www.a.example", "http://localhost:3000"]

    def test_unknown_fields_are_refused(self, cast):
        with pytest.raises(InvalidInput):
            capture_forms.create_form(terms=a_form(cast.sdr_team, fields={"salary": "asked"}), at=NOW)
