"""The pages of the weekly review, of complaints and of spend: what is shown to whom, and what a button does."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.leads.models import EventKind, FunnelEvent, Lead
from apps.reps.models import Quota, QuotaMeasure
from apps.scorecards.models import LeadComplaint, ReviewItem, ReviewReason, Spend, WeeklyReview
from apps.slas.models import Clock, ClockState
from tests.cast import NOW, Cast
from tests.scorecards.test_reviews import WEEK, a_lead, made
from tests.stage import staged

MADE_AT = NOW - timedelta(hours=2)


@pytest.fixture
@staged
def review(cast: Cast) -> WeeklyReview:
    a_lead(cast, 8, kind=EventKind.MQL)
    a_lead(cast, 8, kind=EventKind.DISQUALIFIED, data={})
    return made(cast, MADE_AT)


def page(client: Client, user: Any, address: str, **query: str) -> tuple[int, str]:
    client.force_login(user)
    response = client.get(address, query)
    return response.status_code, response.content.decode()


class TestThePack:
    def test_says_what_stands_in_it(self, review, cast, client):
        status, text = page(client, cast.manager, reverse("scorecards:review", args=[review.pk]))
        assert status == 200
        for said in (
            "1 without a reason",
            "Leads delivered by marketing",
            "Reason missing: Sdr 1",
            "Ask now",
        ):
            assert said in text

    @pytest.mark.parametrize(
        "part, expected",
        [
            ("sdr", 200), ("teammate", 200), ("manager", 200), ("marketing", 200), ("revops", 200),
            ("ae", 404), ("outsider", 404), ("outside_manager", 404), ("finance", 403),
        ],
    )  # fmt: skip
    def test_is_opened_by_its_team_and_by_nobody_else(self, review, cast, client, part, expected):
        for name in ("review", "review_meeting"):
            address = reverse(f"scorecards:{name}", args=[review.pk])
            assert page(client, getattr(cast, part), address)[0] == expected

    def test_marketing_reads_the_parts_on_leads(self, review, cast, client):
        _, text = page(client, cast.marketing, reverse("scorecards:review", args=[review.pk]))
        assert "Rejected meetings by criterion" in text
        assert "Touches that did not take place" not in text
        assert "Note it" not in text
        address = reverse("scorecards:review_section", args=[review.pk, "touches"])
        assert page(client, cast.marketing, address)[0] == 404

    def test_a_teammate_reads_no_name_of_anothers_lead(self, review, cast, client):
        for part, is_there in (("sdr", True), ("teammate", False), ("manager", True)):
            address = reverse("scorecards:review_section", args=[review.pk, "cold"])
            assert ("Ada" in page(client, getattr(cast, part), address)[1]) is is_there

    def test_says_what_was_recorded_since(self, review, cast, client):
        address = reverse("scorecards:review", args=[review.pk])
        assert "Nothing has changed" in page(client, cast.manager, address, since="1")[1]
        a_lead(cast, 8.5)
        assert "Leads delivered 1, now 2" in page(client, cast.manager, address, since="1")[1]

    def test_is_read_in_a_bounded_number_of_statements(
        self, review, cast, client, django_assert_max_num_queries: DjangoAssertNumQueries
    ):
        client.force_login(cast.manager)
        for name, most in (("review", 22), ("review_meeting", 20)):
            with django_assert_max_num_queries(most):
                client.get(reverse(f"scorecards:{name}", args=[review.pk]))

    def test_without_a_pack_the_manager_makes_it_with_one_press(self, cast, client):
        client.force_login(cast.manager)
        address = reverse("scorecards:review_make", args=[cast.sdr_team.pk])
        for _ in range(2):
            client.post(address)
        found = WeeklyReview.objects.get()
        assert (found.week, found.made_by) == (WEEK, cast.manager)


class TestTheMeeting:
    def test_goes_through_its_parts_by_key(self, review, cast, client):
        address, part, seen = reverse("scorecards:review_meeting", args=[review.pk]), "actions", []
        while part:
            seen.append(part)
            _, text = page(client, cast.manager, address, part=part)
            following = text.partition('rel="next" href="?part=')[2]
            part = following.partition('"')[0] if following else ""
        assert seen == [
            "actions", "leads", "appointments", "cold", "promises", "touches", "complaints", "rejected",
        ]  # fmt: skip

    def test_each_part_ends_at_its_minute_once_it_has_begun(self, review, cast, client):
        address = reverse("scorecards:review_meeting", args=[review.pk])
        _, text = page(client, cast.manager, address, part="leads", began="2026-11-12T09:30:00Z")
        # Actions and leads take 9 of the 45 minutes.
        assert 'data-due="2026-11-12T09:39:00+00:00"' in text

    @pytest.mark.parametrize("began", ["soon", "2026-13-40T00:00", "2026-11-12T09:30:00"])
    def test_a_beginning_that_is_none_is_none(self, review, cast, client, began):
        address = reverse("scorecards:review_meeting", args=[review.pk])
        status, text = page(client, cast.manager, address, began=began)
        assert (status, "data-due" in text.partition("<main")[2]) == (200, False)

    def test_a_part_that_is_none_does_not_exist(self, review, cast, client):
        address = reverse("scorecards:review_meeting", args=[review.pk])
        assert page(client, cast.manager, address, part="weather")[0] == 404

    def test_what_is_agreed_is_noted_where_it_was_said(self, review, cast, client):
        client.force_login(cast.manager)
        response = client.post(
            reverse("scorecards:review_item_add", args=[review.pk]),
            {
                "kind": "action", "text": "Call them", "owner": cast.sdr.pk, "due_on": "2026-11-16",
                "part": "cold", "section": "cold", "began": "2026-11-12T09:30:00+00:00",
            },
        )  # fmt: skip
        assert response.status_code == 302
        assert "part=cold" in response["Location"]
        assert "began=2026-11-12T09%3A30" in response["Location"]
        assert ReviewItem.objects.get().section == "cold"

    def test_what_is_missing_is_said_at_its_field_and_nothing_typed_is_lost(self, review, cast, client):
        client.force_login(cast.manager)
        response = client.post(
            reverse("scorecards:review_item_add", args=[review.pk]),
            {"kind": "action", "text": "Call the silent ones", "owner": cast.sdr.pk, "part": "cold"},
        )
        text = response.content.decode()
        assert response.status_code == 422
        assert "Say by which day." in text
        assert 'value="Call the silent ones"' in text

    def test_reps_read_and_do_not_write(self, review, cast, client):
        client.force_login(cast.sdr)
        given = {"kind": "decision", "text": "We stop"}
        assert client.post(reverse("scorecards:review_item_add", args=[review.pk]), given).status_code == 403
        client.force_login(cast.outside_manager)
        assert client.post(reverse("scorecards:review_item_add", args=[review.pk]), given).status_code == 404


class TestReasons:
    def test_one_press_answers(self, review, cast, client):
        subject = f"event:{FunnelEvent.objects.get(kind=EventKind.DISQUALIFIED).pk}"
        status, text = page(client, cast.sdr, reverse("scorecards:review_reasons"))
        assert (status, subject in text) == (200, True)
        given = {
            "subject": subject, "team": cast.sdr_team.pk, "week": "2026-11-02", "reason": "no_answer",
        }  # fmt: skip
        client.post(reverse("scorecards:review_reasons"), given)
        assert ReviewReason.objects.get().given_by == cast.sdr
        assert subject not in page(client, cast.sdr, reverse("scorecards:review_reasons"))[1]

    def test_nobody_answers_for_a_teammate_but_the_manager_does(self, review, cast, client):
        subject = f"event:{FunnelEvent.objects.get(kind=EventKind.DISQUALIFIED).pk}"
        given = {"subject": subject, "team": cast.sdr_team.pk, "week": "2026-11-02", "reason": "no_fit"}
        for user, expected in ((cast.teammate, 422), (cast.outsider, 404), (cast.manager, 302)):
            client.force_login(user)
            assert client.post(reverse("scorecards:review_reasons"), given).status_code == expected
        assert ReviewReason.objects.get().given_by == cast.manager

    def test_another_reason_wants_a_word_and_keeps_the_page(self, review, cast, client):
        subject = f"event:{FunnelEvent.objects.get(kind=EventKind.DISQUALIFIED).pk}"
        given = {"subject": subject, "team": cast.sdr_team.pk, "week": "2026-11-02", "reason": "other"}
        client.force_login(cast.sdr)
        response = client.post(reverse("scorecards:review_reasons"), given)
        assert response.status_code == 422
        assert "Say in a few words what the reason was." in response.content.decode()

    def test_a_broken_promise_is_answered_here_too(self, cast, client):
        from apps.slas.models import Policy

        lead = a_lead(cast, 9)
        due = datetime(2026, 11, 4, 10, tzinfo=NOW.tzinfo)
        clock = Clock.objects.create(
            kind="first_response", lead=lead, policy=Policy.objects.create(name="All", position=1),
            team=cast.sdr_team, rep=cast.rep(cast.sdr), started_at=due - timedelta(hours=1), target_minutes=60,
            warn_at=due, due_at=due, state=ClockState.BREACHED, breached_at=due,
        )  # fmt: skip
        client.force_login(cast.sdr)
        given = {"subject": f"clock:{clock.pk}", "reason": "capacity"}
        assert client.post(reverse("scorecards:review_reasons"), given).status_code == 302
        clock.refresh_from_db()
        assert clock.breach_reason == "capacity"


class TestComplaints:
    SAID = "The number belongs to the reception of another company."

    def _complain(self, client: Client, user: Any, lead: Lead) -> int:
        client.force_login(user)
        given = {"reason": "wrong_contact", "comment": self.SAID, "request_key": "once"}
        return client.post(reverse("scorecards:complain", args=[lead.pk]), given).status_code

    def test_from_the_leads_page_to_marketing_and_back(self, cast, client):
        lead = a_lead(cast, 5)
        assert (
            reverse("scorecards:complain", args=[lead.pk])
            in page(client, cast.sdr, reverse("leads:lead", args=[lead.pk]))[1]
        )
        assert self._complain(client, cast.sdr, lead) == 302
        assert self._complain(client, cast.sdr, lead) == 302
        found = LeadComplaint.objects.get()
        assert found.source == "Webinar"
        assert self.SAID in page(client, cast.marketing, reverse("scorecards:complaints"))[1]
        client.post(
            reverse("scorecards:complaint_answer", args=[found.pk]), {"text": "The form asks for it now."}
        )
        assert (
            "The form asks for it now."
            in page(client, cast.sdr, reverse("scorecards:complaint", args=[found.pk]))[1]
        )

    def test_a_lead_that_one_does_not_see_is_not_there(self, cast, client):
        lead = a_lead(cast, 5)
        assert self._complain(client, cast.outsider, lead) == 404
        assert self._complain(client, cast.marketing, lead) == 403

    def test_twice_for_the_same_reason_is_refused(self, cast, client):
        lead = a_lead(cast, 5)
        self._complain(client, cast.sdr, lead)
        given = {"reason": "wrong_contact", "comment": self.SAID, "request_key": "twice"}
        response = client.post(reverse("scorecards:complain", args=[lead.pk]), given)
        assert response.status_code == 422
        assert "already" in response.content.decode()

    def test_only_its_author_takes_it_back(self, cast, client):
        lead = a_lead(cast, 5)
        self._complain(client, cast.sdr, lead)
        address = reverse("scorecards:complaint_withdraw", args=[LeadComplaint.objects.get().pk])
        for user, expected in ((cast.teammate, 404), (cast.manager, 403), (cast.sdr, 302)):
            client.force_login(user)
            assert client.post(address).status_code == expected
        assert not LeadComplaint.objects.standing().exists()


class TestSpendPages:
    def test_marketing_enters_and_corrects_and_finance_reads(self, cast, client):
        client.force_login(cast.marketing)
        given = {
            "source": "Webinar", "month": "2026-10", "amount": "1,200.50", "currency": "EUR", "request_key": "k",
        }  # fmt: skip
        for _ in range(2):
            assert client.post(reverse("scorecards:spend"), given).status_code == 302
        entry = Spend.objects.get()
        assert (entry.amount_minor, entry.month_on) == (120_050, date(2026, 10, 1))
        address = reverse("scorecards:spend_correct", args=[entry.pk])
        assert client.post(address, {"amount": "900", "reason": "A credit note"}).status_code == 302
        assert [one.amount_minor for one in Spend.objects.effective()] == [90_000]
        _, text = page(client, cast.finance, reverse("scorecards:spend"))
        assert "A credit note" in text
        assert "Enter it" not in text
        assert client.post(reverse("scorecards:spend"), given).status_code == 403

    @pytest.mark.parametrize(
        "changed, said",
        [
            ({"amount": "1.200,5"}, "with a point before the minor units"),
            ({"month": "soon"}, "Write the month as 2026-10."),
            ({"currency": "E"}, "Write the currency as EUR."),
            ({"source": ""}, "Say which source"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(self, cast, client, changed, said):
        client.force_login(cast.marketing)
        given = {"source": "Webinar", "month": "2026-10", "amount": "5", "currency": "EUR", "note": "Hall 4"}
        response = client.post(reverse("scorecards:spend"), given | changed)
        assert response.status_code == 422
        assert said in response.content.decode()
        assert "Hall 4" in response.content.decode()

    def test_the_page_of_costs_opens_for_each_of_its_readers(self, cast, client):
        a_lead(cast, 30, kind=EventKind.COLLECTED)
        for user in (cast.marketing, cast.finance, cast.revops, cast.manager):
            status, text = page(client, user, reverse("scorecards:lead_roi"))
            assert (status, "Webinar" in text) == (200, True)
        assert "Cost a customer" not in text
        assert page(client, cast.outside_manager, reverse("scorecards:lead_roi"))[1].count("Webinar") == 0
        assert page(client, cast.sdr, reverse("scorecards:lead_roi"))[0] == 403


class TestTeamTargetPage:
    def test_shows_the_pipeline_the_forecast_and_the_roles(self, cast, client):
        Quota.objects.create(
            team=cast.ae_team, measure=QuotaMeasure.PIPELINE, starts_on=date(2026, 10, 1),
            ends_on=date(2027, 1, 1), target_minor=50_000_000, currency="EUR",
        )  # fmt: skip
        status, text = page(
            client, cast.manager, reverse("scorecards:team_target"), team=str(cast.ae_team.pk)
        )
        assert status == 200
        assert "Shared pipeline target" in text
        assert "€500,000.00" in text
        assert "How this is forecast" in text
