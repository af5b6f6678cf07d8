"""Acts on one lead's cadence, from the lead's panel and from the list, with their reasons."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.leads.models import Enrolment, EnrolmentAct
from apps.leads.services import cadences, enrolments
from tests.cast import Cast
from tests.leads.test_cadence_pages import cadence_of, lead_of, signed_in, text


def enrolled(cast: Cast, part: str = "sdr", number: int = 1) -> Enrolment:
    from apps.leads.models import Cadence

    cadence = Cadence.objects.first() or cadence_of(cast)
    return enrolments.enrol(
        leads=[lead_of(cast, number, part)], cadence=cadence, at=timezone.now()
    ).enrolments[0]


def state_of(enrolment: Enrolment) -> tuple[str, str]:
    enrolment.refresh_from_db()
    return enrolment.state, enrolment.reason


class TestEnrol:
    def test_puts_the_lead_in_and_returns_to_it(self, cast: Cast) -> None:
        cadence, lead = cadence_of(cast), lead_of(cast, 1)
        answer = signed_in(cast.sdr).post(f"/leads/{lead.pk}/enrol/", {"cadence": cadence.pk})
        assert answer.url == f"/leads/{lead.pk}/"
        found = Enrolment.objects.get()
        assert (found.lead_id, found.enrolled_by) == (lead.pk, cast.sdr)

    def test_answers_with_the_panel_where_a_panel_asked(self, cast: Cast) -> None:
        cadence, lead = cadence_of(cast), lead_of(cast, 1)
        answer = signed_in(cast.sdr).post(
            f"/leads/{lead.pk}/enrol/",
            {"cadence": cadence.pk},
            headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver/my-day/?lead={lead.pk}"},
        )
        assert answer.status_code == 200
        assert f'data-lead="{lead.pk}"' in text(answer)
        assert "is in Demo requests now" in text(answer)

    def test_says_why_not(self, cast: Cast) -> None:
        lead = lead_of(cast, 1)
        first = cadence_of(cast)
        second = cadence_of(cast, "Another")
        client = signed_in(cast.sdr)
        client.post(f"/leads/{lead.pk}/enrol/", {"cadence": first.pk})
        answer = client.post(f"/leads/{lead.pk}/enrol/", {"cadence": second.pk}, follow=True)
        assert "is in a cadence already" in text(answer)
        cadences.retire(cadence=second, at=timezone.now(), actor=cast.revops)
        assert "retired" in text(client.post(f"/leads/{lead.pk}/enrol/", {"cadence": second.pk}))

    @pytest.mark.parametrize("given", ["", "x", "999"])
    def test_needs_a_cadence_that_there_is(self, cast: Cast, given: str) -> None:
        lead = lead_of(cast, 1)
        answer = signed_in(cast.sdr).post(f"/leads/{lead.pk}/enrol/", {"cadence": given})
        assert answer.status_code == 400
        assert "Choose a cadence." in text(answer)

    def test_is_for_its_sdr_its_manager_and_revops(self, cast: Cast) -> None:
        cadence, lead = cadence_of(cast), lead_of(cast, 1)
        expected = {
            "sdr": 302, "manager": 302, "revops": 302, "teammate": 404, "outsider": 404, "outside_manager": 404,
            "ae": 403, "second_ae": 403, "am": 403, "finance": 403, "marketing": 403,
        }  # fmt: skip
        found = {
            part: signed_in(user).post(f"/leads/{lead.pk}/enrol/", {"cadence": cadence.pk}).status_code
            for part, user in cast.everyone().items()
        }
        assert found == expected
        assert signed_in(cast.sdr).get(f"/leads/{lead.pk}/enrol/").status_code == 405


class TestPage:
    def test_tells_the_way_and_what_was_done(self, cast: Cast) -> None:
        found = enrolled(cast)
        enrolments.pause(enrolment=found, until=None, reason="On leave", at=timezone.now(), actor=cast.sdr)
        page = text(signed_in(cast.sdr).get(f"/enrolments/{found.pk}/"))
        assert "On leave" in page
        assert "only if nobody was reached yet" in page
        assert "Resume" in page
        assert page.index("Paused") < page.rindex("Enrolled")

    def test_is_a_fragment_for_the_drawer(self, cast: Cast) -> None:
        answer = signed_in(cast.sdr).get(f"/enrolments/{enrolled(cast).pk}/", headers={"HX-Request": "true"})
        assert "<html" not in text(answer)
        assert "Take out" in text(answer)

    def test_offers_no_act_on_one_that_has_ended(self, cast: Cast) -> None:
        found = enrolled(cast)
        enrolments.remove(enrolment=found, reason="Done", at=timezone.now())
        assert "Take out</button>" not in text(signed_in(cast.sdr).get(f"/enrolments/{found.pk}/"))

    def test_is_out_of_reach_out_of_scope(self, cast: Cast) -> None:
        found = enrolled(cast)
        for part, status in (("teammate", 404), ("outside_manager", 404), ("ae", 404), ("finance", 403)):
            assert signed_in(getattr(cast, part)).get(f"/enrolments/{found.pk}/").status_code == status, part


class TestActs:
    def test_pauses_with_a_reason_and_until_a_day_and_goes_on(self, cast: Cast) -> None:
        found = enrolled(cast)
        until = (timezone.now() + timedelta(days=5)).date()
        client = signed_in(cast.sdr)
        answer = client.post(
            f"/enrolments/{found.pk}/pause/", {"reason": "On leave", "until": until.isoformat()}
        )
        assert answer.url == f"/leads/{found.lead_id}/"
        assert state_of(found) == ("paused", "On leave")
        assert found.resumes_on == until
        client.post(f"/enrolments/{found.pk}/resume/")
        assert state_of(found) == ("active", "")

    def test_takes_out_with_a_reason_and_returns_where_the_form_says(self, cast: Cast) -> None:
        found = enrolled(cast)
        back = f"/cadences/{found.version.cadence_id}/?state=paused"
        answer = signed_in(cast.manager).post(
            f"/enrolments/{found.pk}/remove/", {"remove-reason": "Asked to wait", "next": back}
        )
        assert answer.url == back
        assert state_of(found) == ("removed", "Asked to wait")
        assert EnrolmentAct.objects.get(kind="removed").by == cast.manager

    @pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
    def test_never_leaves_the_portal(self, cast: Cast, elsewhere: str) -> None:
        found = enrolled(cast)
        answer = signed_in(cast.sdr).post(
            f"/enrolments/{found.pk}/remove/", {"reason": "Done", "next": elsewhere}
        )
        assert answer.url == f"/leads/{found.lead_id}/"

    @pytest.mark.parametrize(
        ("act", "given", "said"),
        [
            ("pause", {"pause-reason": "", "pause-until": ""}, "Say why, in a few words."),
            (
                "pause",
                {"pause-reason": "Kept", "pause-until": "2020-01-01"},
                "Choose a day that is still to come.",
            ),
            ("pause", {"pause-reason": "Kept", "pause-until": "soon"}, "Write a day such as"),
            ("remove", {"remove-reason": "x" * 121}, "Keep this to 120 characters"),
            ("remove", {}, "Say why, in a few words."),
        ],
    )
    def test_an_error_stands_at_the_field_and_what_was_typed_is_kept(
        self, cast: Cast, act: str, given: dict[str, str], said: str
    ) -> None:
        found = enrolled(cast)
        answer = signed_in(cast.sdr).post(f"/enrolments/{found.pk}/{act}/", given)
        assert answer.status_code == 422
        assert said in text(answer)
        if "Kept" in given.values():
            assert 'value="Kept"' in text(answer)
        assert state_of(found) == ("active", "")

    def test_tells_the_panel_what_is_missing_and_leaves_it_as_it_is(self, cast: Cast) -> None:
        found = enrolled(cast)
        answer = signed_in(cast.sdr).post(
            f"/enrolments/{found.pk}/remove/", {"reason": ""}, headers={"HX-Request": "true"}
        )
        assert answer.status_code == 400
        assert answer.headers["HX-Retarget"] == "#messages"
        assert "Say why" in text(answer)

    def test_says_when_somebody_else_was_quicker(self, cast: Cast) -> None:
        found = enrolled(cast)
        enrolments.remove(enrolment=found, reason="Done", at=timezone.now())
        answer = signed_in(cast.sdr).post(f"/enrolments/{found.pk}/resume/")
        assert answer.status_code == 409
        assert "removed by now" in text(answer)

    @pytest.mark.parametrize("act", ["pause", "resume", "remove"])
    def test_is_for_its_sdr_its_manager_and_revops(self, cast: Cast, act: str) -> None:
        found = enrolled(cast)
        refused = {
            "teammate": 404, "outsider": 404, "outside_manager": 404, "ae": 403, "am": 403, "finance": 403,
            "marketing": 403,
        }  # fmt: skip
        for part, status in refused.items():
            answer = act_of(getattr(cast, part), found, act)
            assert answer.status_code == status, part
        assert state_of(found) == ("active", "")


def act_of(user: User, enrolment: Enrolment, act: str) -> Any:
    client = Client()
    client.force_login(user)
    return client.post(f"/enrolments/{enrolment.pk}/{act}/", {"reason": "Because"})
