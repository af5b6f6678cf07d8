"""The contest pages: who sees what, errors at the field, refusals in words, and few statements."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.leads.models import Contest, ContestState, ContestTerms, HandOff
from apps.leads.services import contests
from tests.cast import NOW, Cast
from tests.leads.test_contests import rejected
from tests.stage import staged


@pytest.fixture(autouse=True)
def _now(time_machine):
    time_machine.move_to(NOW + timedelta(hours=1), tick=False)


@pytest.fixture
@staged
def hand_off(cast: Cast) -> HandOff:
    return rejected(cast)


@pytest.fixture
@staged
def contest(cast: Cast, hand_off: HandOff) -> Contest:
    return contests.open_contest(
        hand_off=hand_off, reason="She <said> January.", at=NOW + timedelta(hours=1), actor=cast.sdr
    )


def as_(user, client: Client) -> Client:
    client.force_login(user)
    return client


def at(name: str, pk: int | None = None) -> str:
    return reverse(f"leads:{name}", args=[pk] if pk else [])


class TestMade:
    def test_shows_the_outcome_and_what_may_be_contested(self, cast, hand_off, client):
        text = as_(cast.sdr, client).get(at("hand_offs_made")).content.decode()
        assert "on timeframe: date too far out" in text
        assert at("contest_new", hand_off.pk) in text
        assert "left to contest" in text

    def test_offers_no_contest_after_the_window(self, cast, hand_off, client):
        HandOff.objects.update(contest_until=NOW)
        text = as_(cast.sdr, client).get(at("hand_offs_made")).content.decode()
        assert at("contest_new", hand_off.pk) not in text
        assert "the time is over" in text

    def test_offers_it_to_nobody_else(self, cast, hand_off, client):
        text = as_(cast.manager, client).get(at("hand_offs_made")).content.decode()
        assert hand_off.lead.company in text
        assert at("contest_new", hand_off.pk) not in text

    def test_filters(self, cast, hand_off, client):
        as_(cast.sdr, client)
        for show, count in (("rejected", 1), ("accepted", 0), ("contested", 0), ("nonsense", 1)):
            assert len(client.get(at("hand_offs_made") + f"?show={show}").context["page"].rows) == count

    def test_asks_as_much_for_one_as_for_many(self, cast, hand_off, client, django_assert_num_queries):
        as_(cast.sdr, client).get(at("hand_offs_made"))
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as few:
            client.get(at("hand_offs_made"))
        for number in range(3):
            rejected(cast, f"Company{number} Ltd", slot=number + 1)
        with django_assert_num_queries(len(few)):
            client.get(at("hand_offs_made"))


class TestContestNew:
    def test_opens_it_and_names_the_judge(self, cast, hand_off, client):
        response = as_(cast.sdr, client).post(
            at("contest_new", hand_off.pk), {"reason": " She said January. "}, follow=True
        )
        contest = Contest.objects.get()
        assert contest.reason == "She said January."
        assert "Outside Manager decides" in response.content.decode()

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 1001])
    def test_says_at_the_field_what_is_wrong_and_keeps_it(self, cast, hand_off, client, reason):
        response = as_(cast.sdr, client).post(at("contest_new", hand_off.pk), {"reason": reason})
        assert response.status_code == 422
        assert response.context["form"].errors["reason"]
        assert not Contest.objects.exists()

    def test_refuses_a_second_one_in_words(self, cast, contest, client):
        response = as_(cast.sdr, client).post(at("contest_new", contest.hand_off_id), {"reason": "Again."})
        assert response.status_code == 409
        assert b"contested before" in response.content
        assert Contest.objects.count() == 1

    def test_refuses_a_late_one_in_words(self, cast, hand_off, client):
        HandOff.objects.update(contest_until=NOW)
        response = as_(cast.sdr, client).post(at("contest_new", hand_off.pk), {"reason": "Late."})
        assert response.status_code == 409
        assert b"is over" in response.content


class TestContestPage:
    @pytest.mark.parametrize("part", ["sdr", "ae", "manager", "outside_manager", "revops", "marketing"])
    def test_shows_both_sides_to_whom_it_concerns(self, cast, contest, client, part):
        text = as_(getattr(cast, part), client).get(at("contest", contest.pk)).content.decode()
        for words in (
            "She &lt;said&gt; January.",
            "A date, please.",
            "We have up to eighty.",
            "What happened",
        ):
            assert words in text

    @pytest.mark.parametrize(("part", "status"), [("teammate", 404), ("second_ae", 404), ("finance", 403)])
    def test_is_not_for_others(self, cast, contest, client, part, status):
        assert as_(getattr(cast, part), client).get(at("contest", contest.pk)).status_code == status

    def test_gives_the_decision_to_the_judge_alone(self, cast, contest, client):
        for part in ("outside_manager", "manager", "revops", "sdr"):
            text = as_(getattr(cast, part), client).get(at("contest", contest.pk)).content.decode()
            assert ("Your decision" in text) == (part == "outside_manager")

    def test_lets_the_judge_see_the_hand_off(self, cast, contest, client):
        url = reverse("leads:hand_off", args=[contest.hand_off_id])
        assert as_(cast.outside_manager, client).get(url).status_code == 200

    @pytest.mark.parametrize(("part", "most"), [("sdr", 26), ("outside_manager", 40)])
    def test_asks_a_bounded_number_of_statements(
        self, cast, contest, client, part, most, django_assert_max_num_queries
    ):
        """The judge also sees who could continue instead, by the calendars of all who may take the lead."""
        as_(getattr(cast, part), client).get(at("contest", contest.pk))
        with django_assert_max_num_queries(most):
            client.get(at("contest", contest.pk))


class TestDecide:
    def test_upholds_with_a_reason(self, cast, contest, client):
        response = as_(cast.outside_manager, client).post(
            at("contest_decide", contest.pk), {"decision": "uphold", "reason": "Seen."}, follow=True
        )
        assert "The credit moved to Sdr" in response.content.decode()
        contest.refresh_from_db()
        assert contest.state == ContestState.UPHELD

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"reason": "Seen."}, "decision"),
            ({"decision": "maybe", "reason": "Seen."}, "decision"),
            ({"decision": "uphold", "reason": " "}, "reason"),
        ],
    )
    def test_says_at_the_field_what_is_missing(self, cast, contest, client, given, field):
        response = as_(cast.outside_manager, client).post(at("contest_decide", contest.pk), given)
        assert response.status_code == 422
        assert response.context["decision_form"].errors[field]
        contest.refresh_from_db()
        assert contest.is_open

    def test_is_given_once(self, cast, contest, client):
        given = {"decision": "dismiss", "reason": "No quote."}
        as_(cast.outside_manager, client).post(at("contest_decide", contest.pk), given)
        response = client.post(at("contest_decide", contest.pk), given | {"decision": "uphold"})
        assert response.status_code == 409
        assert b"dismissed already by Outside Manager" in response.content

    def test_is_forbidden_to_another_manager(self, cast, contest, client):
        given = {"decision": "uphold", "reason": "Mine."}
        assert as_(cast.manager, client).post(at("contest_decide", contest.pk), given).status_code == 403


class TestOtherActs:
    def test_a_statement_stands_on_the_page(self, cast, contest, client):
        response = as_(cast.ae, client).post(
            at("contest_statement", contest.pk), {"statement": "I called them."}, follow=True
        )
        assert "I called them." in response.content.decode()
        assert not response.context["may_state"]

    def test_the_sdr_withdraws(self, cast, contest, client):
        as_(cast.sdr, client).post(at("contest_withdraw", contest.pk))
        contest.refresh_from_db()
        assert contest.state == ContestState.WITHDRAWN
        assert as_(cast.ae, client).post(at("contest_withdraw", contest.pk)).status_code == 403

    def test_revops_names_another_judge(self, cast, contest, client):
        as_(cast.revops, client).post(at("contest_pass_on", contest.pk))
        contest.refresh_from_db()
        assert contest.judge == cast.revops


class TestWorklist:
    def test_puts_what_is_mine_first_and_counts_it_in_the_rail(self, cast, contest, client):
        response = as_(cast.outside_manager, client).get(at("contests"))
        assert response.context["list"].to_judge == [contest]
        assert "1 waiting" in response.content.decode()
        assert as_(cast.manager, client).get(at("contests")).context["list"].others == [contest]

    @pytest.mark.parametrize("part", ["sdr", "ae", "manager", "marketing", "revops"])
    def test_has_words_for_nothing(self, cast, client, part):
        assert as_(getattr(cast, part), client).get(at("contests")).status_code == 200


class TestTerms:
    def test_are_set_by_revops(self, cast, client):
        given = {"window_days": 3, "judge_days": 2, "counts": "calendar"}
        response = as_(cast.revops, client).post(at("contest_terms"), given, follow=True)
        assert "3 calendar days to contest, 2 to decide" in response.content.decode()

    @pytest.mark.parametrize("days", ["0", "61", "some", ""])
    def test_refuse_odd_numbers_at_the_field(self, cast, client, days):
        given = {"window_days": days, "judge_days": 2, "counts": "calendar"}
        response = as_(cast.revops, client).post(at("contest_terms"), given)
        assert response.status_code == 422
        assert response.context["form"].errors["window_days"] == ["Write a whole number from 1 to 60."]
        assert not ContestTerms.objects.exists()
