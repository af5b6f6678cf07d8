"""The pages of cadences: the list, one, writing and changing, the live count, enrolling and taking out many."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.leads.models import Cadence, CadenceVersion, Enrolment, Lead, Source, Throttle
from apps.leads.rules.cadences import parse_steps
from apps.leads.rules.conditions import match, parse_conditions
from apps.leads.selectors import cadences as selectors
from apps.leads.selectors.conditions import known_of
from apps.leads.services import cadences, enrolments, intake, qualifications, touches
from tests.cast import NOW, Cast

STEPS = [
    {"channel": "call", "purpose": "answer", "script": "Ask what made them look now."},
    {"channel": "email", "wait_hours": 4, "when": "not_reached"},
    {"channel": "call", "wait_days": 6, "when": "no_reply"},
]

AT_LEAST = (
    "motion=inbound&conditions-rows=1&conditions-0-field=size"
    "&conditions-0-operator=at_least&conditions-0-value="
)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(response: Any) -> str:
    return response.content.decode()


def cadence_of(cast: Cast, name: str = "Demo requests", **more: Any) -> Cadence:
    given = {
        "name": name, "motion": "inbound", "conditions": [], "position": 1, "enrols_by_itself": False,
        "steps": STEPS, "at": NOW, "actor": cast.revops,
    }  # fmt: skip
    return cadences.create_cadence(**given | more)


def lead_of(cast: Cast, number: int, part: str = "sdr", **more: Any) -> Lead:
    rep = cast.rep(getattr(cast, part))
    given = {
        "name": f"Person {number}", "email": f"person{number}@company{number}.example",
        "company": f"Company {number}", "employees": 100, "industry": "Logistics",
    }  # fmt: skip
    lead, _ = intake.take_in(
        incoming=intake.Incoming(**given | more),
        team=rep.team,
        owner=rep,
        at=timezone.now() - timedelta(days=1),
        source=Source.PAGE,
        source_key=f"cadence:{part}:{number}",
    )
    return lead


def typed(**more: Any) -> dict[str, Any]:
    """A cadence of two steps for scores A and B, as a browser sends it."""
    return {
        "name": "Demo requests", "motion": "inbound", "position": "1", "enrols_by_itself": "on",
        "conditions-rows": "1", "conditions-0-field": "score", "conditions-0-operator": "in",
        "conditions-0-value": ["A", "B"],
        "steps-rows": "2",
        "steps-0-channel": "call", "steps-0-wait": "0", "steps-0-unit": "days", "steps-0-when": "always",
        "steps-0-purpose": "answer", "steps-0-script": "Ask what made them look now.",
        "steps-1-channel": "email", "steps-1-wait": "4", "steps-1-unit": "hours",
        "steps-1-when": "not_reached", "steps-1-purpose": "", "steps-1-script": "",
    } | more  # fmt: skip


def error_at(page: str, field: str) -> str:
    found = re.search(rf'id="id_{field}_error">(.*?)</div>', page, re.DOTALL)
    return found[1] if found else ""


class TestList:
    def test_tells_steps_conditions_and_who_is_in(self, cast: Cast) -> None:
        first = cadence_of(cast, conditions=[{"field": "score", "operator": "in", "value": ["A", "B"]}])
        cadence_of(cast, "Old one", position=0)
        cadences.retire(cadence=Cadence.objects.get(name="Old one"), at=NOW, actor=cast.revops)
        found = enrolments.enrol(
            leads=[lead_of(cast, number) for number in range(3)], cadence=first, at=timezone.now()
        ).enrolments
        enrolments.pause(enrolment=found[0], until=None, reason="Wait", at=timezone.now())
        enrolments.remove(enrolment=found[1], reason="Asked to", at=timezone.now())
        page = text(signed_in(cast.sdr).get("/cadences/"))
        assert "Score is A or B" in page
        assert "3 touches over 7 working days: 2 calls, 1 e-mail." in page
        assert page.index("Demo requests") < page.index("Retired") < page.index("Old one")
        tally = [int(one) for one in re.findall(r"<dd>(\d+)</dd>", page)[:4]]
        assert tally == [1, 1, 0, 1]
        assert "New cadence" not in page, "an SDR reads"

    def test_counts_who_was_reached_and_qualified_once_each(self, cast: Cast) -> None:
        cadence = cadence_of(cast)
        now = timezone.now()
        leads = [lead_of(cast, number) for number in range(4)]
        enrolments.enrol(leads=leads, cadence=cadence, at=now - timedelta(hours=5))
        sdr = cast.rep(cast.sdr)
        for lead, disposition in ((leads[0], "connected"), (leads[1], "connected"), (leads[2], "voicemail")):
            touches.log_touch(
                lead=lead, rep=sdr, channel="call", disposition=disposition, at=now - timedelta(hours=2),
                they_asked=True,
            )  # fmt: skip
        answers = {
            key: qualifications.Answer("met", "Yes", "On the call", "They did")
            for key in ("budget", "authority", "need", "timeframe")
        }
        qualifications.qualify(lead=leads[0], rep=sdr, answers=answers, at=now - timedelta(hours=1))
        outcome = selectors.summary_of(cadence, now).outcome
        assert (outcome.enrolled, outcome.touched, outcome.reached, outcome.qualified) == (4, 3, 2, 1)
        later = selectors.summary_of(cadence, now + timedelta(days=91)).outcome
        assert later.enrolled == 0, "only the recent ones"
        assert later.reached_rate is None

    def test_says_what_to_do_when_there_is_none(self, cast: Cast) -> None:
        assert "Write the first one" in text(signed_in(cast.manager).get("/cadences/"))
        page = text(signed_in(cast.ae).get("/cadences/"))
        assert "No cadence yet" in page
        assert "Write the first one" not in page

    def test_takes_the_same_statements_for_one_and_for_twelve(
        self, cast: Cast, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(12):
            cadence = cadence_of(cast, f"Cadence {number}", position=number)
            enrolments.enrol(leads=[lead_of(cast, number)], cadence=cadence, at=timezone.now())
        client = signed_in(cast.revops)
        client.get("/cadences/")
        with django_assert_max_num_queries(10):
            page = client.get("/cadences/")
        assert "Cadence 11" in text(page)

    @pytest.mark.parametrize("part", ["finance", "marketing"])
    def test_is_for_those_in_sales(self, cast: Cast, part: str) -> None:
        assert signed_in(getattr(cast, part)).get("/cadences/").status_code == 403


class TestDetail:
    def test_tells_each_step_in_words_and_on_its_day(self, cast: Cast) -> None:
        page = text(signed_in(cast.sdr).get(f"/cadences/{cadence_of(cast).pk}/"))
        assert "Ask what made them look now." in page
        assert "4 hours later" in page
        assert "only if nobody was reached yet" in page
        assert "6 working days later" in page
        assert "day 7" in page
        assert "First answer" in page

    def test_lists_within_the_scope_only(self, cast: Cast) -> None:
        cadence = cadence_of(cast)
        leads = [lead_of(cast, 1), lead_of(cast, 2, "teammate"), lead_of(cast, 3, "outsider")]
        enrolments.enrol(leads=leads, cadence=cadence, at=timezone.now())
        seen = {
            part: [number for number in (1, 2, 3) if f"Person {number}" in text(
                signed_in(getattr(cast, part)).get(f"/cadences/{cadence.pk}/")
            )]
            for part in ("sdr", "teammate", "manager", "outside_manager", "revops", "ae")
        }  # fmt: skip
        assert seen == {
            "sdr": [1], "teammate": [2], "manager": [1, 2], "outside_manager": [3], "revops": [1, 2, 3], "ae": [],
        }  # fmt: skip

    def test_filters_by_state_and_pages_by_key(self, cast: Cast) -> None:
        cadence = cadence_of(cast)
        leads = [lead_of(cast, number) for number in range(53)]
        found = enrolments.enrol(leads=leads, cadence=cadence, at=timezone.now()).enrolments
        enrolments.remove(enrolment=found[0], reason="Asked to", at=timezone.now())
        client = signed_in(cast.manager)
        first = client.get(f"/cadences/{cadence.pk}/")
        rows = [one.pk for one in first.context["page"].rows]
        following = client.get(f"/cadences/{cadence.pk}/?after={first.context['page'].next_after}")
        rows += [one.pk for one in following.context["page"].rows]
        assert sorted(rows) == sorted(one.pk for one in found[1:])
        removed = client.get(f"/cadences/{cadence.pk}/?state=removed")
        assert [one.pk for one in removed.context["page"].rows] == [found[0].pk]
        assert client.get(f"/cadences/{cadence.pk}/?state=nonsense").context["state"] == "open"

    def test_takes_the_same_statements_for_two_and_for_fifty(
        self, cast: Cast, django_assert_max_num_queries: Any
    ) -> None:
        cadence = cadence_of(cast)
        enrolments.enrol(
            leads=[lead_of(cast, number) for number in range(50)], cadence=cadence, at=timezone.now()
        )
        client = signed_in(cast.manager)
        client.get(f"/cadences/{cadence.pk}/")
        with django_assert_max_num_queries(13):
            client.get(f"/cadences/{cadence.pk}/")

    def test_there_is_only_what_there_is(self, cast: Cast) -> None:
        for path in ("", "edit/", "candidates/"):
            assert signed_in(cast.revops).get(f"/cadences/999/{path}").status_code == 404


class TestWriting:
    @pytest.mark.parametrize("part", ["revops", "manager"])
    def test_keeps_what_was_written(self, cast: Cast, part: str) -> None:
        answer = signed_in(getattr(cast, part)).post("/cadences/new/", typed())
        cadence = Cadence.objects.get()
        assert answer.url == f"/cadences/{cadence.pk}/"
        assert (cadence.name, cadence.motion, cadence.enrols_by_itself) == ("Demo requests", "inbound", True)
        assert cadence.conditions == [{"field": "score", "operator": "in", "value": ["A", "B"]}]
        steps = parse_steps(cadence.versions.get().steps)
        assert [(one.channel, one.wait_days, one.wait_hours, one.when) for one in steps] == [
            ("call", 0, 0, "always"), ("email", 0, 4, "not_reached"),
        ]  # fmt: skip
        assert steps[0].script == "Ask what made them look now."

    def test_of_other_steps_makes_a_version_and_leaves_the_enrolled_on_theirs(self, cast: Cast) -> None:
        client = signed_in(cast.revops)
        client.post("/cadences/new/", typed())
        cadence = Cadence.objects.get()
        enrolments.enrol(leads=[lead_of(cast, 1)], cadence=cadence, at=timezone.now())
        page = text(client.get(f"/cadences/{cadence.pk}/edit/"))
        assert "1 lead is in it now and stays on the version enrolled in." in page
        assert "Other steps make version 2" in page
        client.post(f"/cadences/{cadence.pk}/edit/", typed(name="Renamed"))
        assert [one.number for one in CadenceVersion.objects.all()] == [1], (
            "the same steps are no new version"
        )
        client.post(f"/cadences/{cadence.pk}/edit/", typed(**{"steps-1-wait": "5"}))
        assert [one.number for one in CadenceVersion.objects.all()] == [2, 1]
        assert Enrolment.objects.get().version.number == 1
        assert "version 1" in text(client.get(f"/cadences/{cadence.pk}/"))

    def test_the_form_of_a_cadence_sends_the_same_cadence(self, cast: Cast) -> None:
        conditions = [
            {"field": "score", "operator": "not_in", "value": ["D"]},
            {"field": "size", "operator": "between", "value": [50, 250]},
            {"field": "size", "operator": "known", "value": []},
            {"field": "title", "operator": "contains", "value": ["chief", "head of"]},
            {"field": "persona", "operator": "in", "value": ["1", "2"]},
        ]
        cadence = cadence_of(cast, conditions=conditions)
        client = signed_in(cast.revops)
        form = client.get(f"/cadences/{cadence.pk}/edit/").context["form"]
        data = {name: value for name, value in form.about.initial.items() if value is not False}
        for rows in (form.conditions, form.steps):
            data[f"{rows.prefix}-rows"] = len(rows)
            for row in rows:
                for name in row.fields:
                    value = row[name].value()
                    data[row.add_prefix(name)] = "" if value is None else value
        assert client.post(f"/cadences/{cadence.pk}/edit/", data).status_code == 302
        cadence.refresh_from_db()
        assert parse_conditions(cadence.conditions) == parse_conditions(conditions)
        assert CadenceVersion.objects.count() == 1

    @pytest.mark.parametrize(
        ("changed", "field", "said"),
        [
            ({"name": " "}, "name", "Give it a name."),
            ({"position": "-1"}, "position", "0 at least."),
            ({"steps-1-wait": "x"}, "steps-1-wait", "Write a whole number."),
            ({"steps-1-wait": "249"}, "steps-1-wait", "from 0 to 240"),
            ({"steps-0-channel": "pigeon"}, "steps-0-channel", "Select a valid choice"),
            ({"steps-0-script": "x" * 2001}, "steps-0-script", "2000 characters"),
            ({"conditions-0-operator": "contains"}, "conditions-0-operator", "Select a valid choice"),
        ],
    )
    def test_an_error_stands_at_its_row_and_field_and_the_rest_is_kept(
        self, cast: Cast, changed: dict[str, str], field: str, said: str
    ) -> None:
        answer = signed_in(cast.revops).post(
            "/cadences/new/", typed(**{"steps-0-purpose": "nurture"}) | changed
        )
        page = text(answer)
        assert answer.status_code == 422
        assert said in error_at(page, field)
        assert "What you typed is kept" in page
        assert '<option value="nurture" selected' in page
        assert not Cadence.objects.exists()

    def test_a_condition_without_a_value_is_told_so(self, cast: Cast) -> None:
        answer = signed_in(cast.revops).post("/cadences/new/", typed(**{"conditions-0-value": []}))
        assert answer.status_code == 422
        assert "Give at least one value." in text(answer)

    def test_a_name_that_is_taken_is_said_at_the_name(self, cast: Cast) -> None:
        cadence_of(cast)
        answer = signed_in(cast.revops).post("/cadences/new/", typed())
        assert answer.status_code == 422
        assert "Another cadence has this name." in error_at(text(answer), "name")

    def test_needs_a_step(self, cast: Cast) -> None:
        answer = signed_in(cast.revops).post("/cadences/new/", typed(**{"steps-rows": "0"}))
        assert answer.status_code == 422
        assert "Add 1 at least." in text(answer)

    def test_buttons_of_rows_change_rows_and_save_nothing(self, cast: Cast) -> None:
        client = signed_in(cast.revops)
        data = typed(name="")
        added = client.post("/cadences/new/", data | {"act": "steps:add"})
        assert added.status_code == 200
        assert 'name="steps-rows" value="3"' in text(added)
        assert "Ask what made them look now." in text(added)
        moved = text(client.post("/cadences/new/", data | {"act": "steps:down:0"}))
        assert moved.index('name="steps-0-script"') < moved.index('name="steps-1-script"')
        assert moved.index('name="steps-1-script"') < moved.index("Ask what made them look now.")
        by_title = text(
            client.post("/cadences/new/", data | {"act": "conditions:add", "conditions-new": "title"})
        )
        assert 'name="conditions-1-field" value="title"' in by_title
        assert "starts with" in by_title
        gone = text(client.post("/cadences/new/", data | {"act": "conditions:remove:0"}))
        assert 'name="conditions-rows" value="0"' in gone
        assert not Cadence.objects.exists()

    def test_is_retired_and_taken_up_again(self, cast: Cast) -> None:
        cadence = cadence_of(cast)
        client = signed_in(cast.manager)
        client.post(f"/cadences/{cadence.pk}/retire/")
        assert "retired: it takes nobody any more" in text(client.get(f"/cadences/{cadence.pk}/"))
        undone = client.post(f"/cadences/{cadence.pk}/activate/", headers={"HX-Request": "true"})
        assert undone.headers["HX-Redirect"] == f"/cadences/{cadence.pk}/"
        cadence.refresh_from_db()
        assert cadence.is_active
        assert signed_in(cast.sdr).post(f"/cadences/{cadence.pk}/retire/").status_code == 403


class TestCount:
    def test_is_of_the_leads_that_would_be_enrolled(self, cast: Cast) -> None:
        for number in range(6):
            lead_of(cast, number, employees=(20, 120, 420, None, 800, 60)[number], is_inbound=number != 4)
        raw = [{"field": "size", "operator": "between", "value": [50, 500]}]
        counted = selectors.matches(
            user=cast.revops, motion="inbound", conditions=parse_conditions(raw), at=timezone.now()
        )
        wanted = [
            lead
            for lead in Lead.objects.filter(is_inbound=True)
            if match(parse_conditions(raw), known_of(lead)).ok
        ]
        assert (counted.count, counted.among) == (len(wanted), 6) == (3, 6)

    def test_comes_as_a_fragment_within_the_scope(self, cast: Cast) -> None:
        lead_of(cast, 1)
        lead_of(cast, 2, "outsider")
        query = f"{AT_LEAST}50"
        answer = signed_in(cast.manager).get(f"/cadences/matches/?{query}")
        assert "<b>1</b> of the 1 leads" in text(answer)
        assert "<html" not in text(answer)
        assert "<b>2</b> of the 2" in text(signed_in(cast.revops).get(f"/cadences/matches/?{query}"))

    @pytest.mark.parametrize("value", ["", "many", "-3"])
    def test_waits_for_a_condition_that_is_not_complete(self, cast: Cast, value: str) -> None:
        answer = signed_in(cast.manager).get(f"/cadences/matches/?{AT_LEAST}{value}")
        assert answer.status_code == 200
        assert "once every condition is complete" in text(answer)

    def test_stands_in_the_form_whatever_was_pressed_last(self, cast: Cast) -> None:
        lead_of(cast, 1)
        client = signed_in(cast.revops)
        assert "<b>1</b> of the 1" in text(client.get("/cadences/new/"))
        assert "<b>1</b> of the 1" in text(
            client.post("/cadences/new/", typed(**{"conditions-rows": "0", "act": "steps:add"}))
        )


class TestMany:
    def test_enrols_those_chosen_and_names_those_refused(self, cast: Cast) -> None:
        cadence = cadence_of(cast)
        Throttle.objects.create(kind="enrolments", most=2)
        leads = [lead_of(cast, number) for number in range(3)]
        client = signed_in(cast.manager)
        page = text(client.get(f"/cadences/{cadence.pk}/candidates/"))
        assert "3 match" in page
        answer = client.post(
            f"/cadences/{cadence.pk}/candidates/", {"lead": [lead.pk for lead in leads]}, follow=True
        )
        assert "2 leads are in Demo requests now." in text(answer)
        assert "the limit of 2 leads enrolled a day for Sdr is used up" in text(answer)
        assert Enrolment.objects.open().count() == 2

    def test_enrols_all_that_match_within_the_scope(self, cast: Cast) -> None:
        cadence = cadence_of(cast, conditions=[{"field": "size", "operator": "at_least", "value": [50]}])
        lead_of(cast, 1)
        lead_of(cast, 2, employees=10)
        lead_of(cast, 3, "outsider")
        signed_in(cast.manager).post(f"/cadences/{cadence.pk}/candidates/", {"all": "1"})
        assert [one.lead.name for one in Enrolment.objects.all()] == ["Person 1"]

    def test_leads_out_of_scope_are_not_there(self, cast: Cast) -> None:
        cadence = cadence_of(cast)
        foreign = lead_of(cast, 1, "outsider")
        answer = signed_in(cast.manager).post(
            f"/cadences/{cadence.pk}/candidates/", {"lead": [foreign.pk, "x", "99999999999999999999"]}
        )
        assert answer.status_code == 422
        assert "Choose at least one lead." in text(answer)
        assert not Enrolment.objects.exists()

    def test_takes_many_out_with_one_reason(self, cast: Cast) -> None:
        cadence = cadence_of(cast)
        found = enrolments.enrol(
            leads=[lead_of(cast, 1), lead_of(cast, 2), lead_of(cast, 3, "outsider")], cadence=cadence, at=timezone.now()
        ).enrolments  # fmt: skip
        chosen = {"enrolment": [one.pk for one in found]}
        client = signed_in(cast.manager)
        without = client.post(f"/cadences/{cadence.pk}/remove/", chosen | {"reason": ""})
        assert without.status_code == 422
        assert "Say why, in a few words." in text(without)
        assert text(without).count(" checked>") == 2, "what was ticked is kept"
        assert Enrolment.objects.open().count() == 3
        client.post(f"/cadences/{cadence.pk}/remove/", chosen | {"reason": "Event is over"})
        states = {one.lead.name: (one.state, one.reason) for one in Enrolment.objects.select_related("lead")}
        assert states == {
            "Person 1": ("removed", "Event is over"),
            "Person 2": ("removed", "Event is over"),
            "Person 3": ("active", ""),
        }
        again = client.post(f"/cadences/{cadence.pk}/remove/", chosen | {"reason": "Twice"}, follow=True)
        assert "0 leads taken out" in text(again)

    @pytest.mark.parametrize("path", ["candidates/", "remove/"])
    def test_is_for_managers(self, cast: Cast, path: str) -> None:
        cadence = cadence_of(cast)
        assert signed_in(cast.sdr).post(f"/cadences/{cadence.pk}/{path}", {"all": "1"}).status_code == 403


class TestCourse:
    @pytest.mark.parametrize(
        ("waits", "expected"),
        [
            ([(0, 0), (0, 4)], [(1, 2, 0)]),
            ([(0, 0), (2, 0)], [(1, 1, 0), (2, 0, 0), (3, 1, 0)]),
            ([(0, 0), (9, 0)], [(1, 1, 0), (2, 0, 8), (10, 1, 0)]),
            ([(1, 0), (0, 30), (0, 20)], [(1, 0, 0), (2, 1, 0), (3, 1, 0), (4, 1, 0)]),
        ],
    )
    def test_puts_each_step_on_its_day_and_shortens_long_gaps(
        self, waits: list[tuple[int, int]], expected: list[tuple[int, int, int]]
    ) -> None:
        raw = [{"channel": "call", "wait_days": days, "wait_hours": hours} for days, hours in waits]
        course = selectors.course_of(selectors.in_words(parse_steps(raw)))
        assert [(stop.day, len(stop.steps), stop.gap) for stop in course] == expected
