"""The pages of policies: the list, one, writing with errors at their row, order, switching on and retiring."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.slas.models import Clock, Policy
from apps.slas.services import policies
from tests.cast import NOW, Cast
from tests.leads.test_touches import arrive
from tests.slas.test_policies import DRAFT, names, write


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(response: Any) -> str:
    return response.content.decode()


def typed(**more: Any) -> dict[str, Any]:
    """A policy with a condition and two steps, as a browser sends it."""
    return {
        "name": "Large companies", "place": "1", "seen": "",
        "first_response": "2", "first_response_unit": "hours",
        "touch_count": "4", "touch_days": "5", "touch_channels": ["call", "email"],
        "disposition": "", "disposition_unit": "days",
        "ae_answer": "1", "ae_answer_unit": "days", "ae_fallback": "reroute", "warn_percent": "60",
        "conditions-rows": "1", "conditions-0-field": "tier", "conditions-0-operator": "in",
        "conditions-0-value": ["1", "2"],
        "steps-rows": "2", "steps-0-act": "remind", "steps-0-at_percent": "60",
        "steps-1-act": "notify_manager", "steps-1-at_percent": "100",
    } | more  # fmt: skip


def error_at(page: str, field: str) -> str:
    found = re.search(rf'id="id_{field}_error">(.*?)</div>', page, re.DOTALL)
    return found[1] if found else ""


class TestList:
    def test_says_whom_and_what_in_order_with_what_runs(self, cast: Cast) -> None:
        arrive(cast, title="CEO", employees=500, industry="Energy")
        write(cast, place=1)
        page = text(signed_in(cast.revops).get("/slas/policies/"))
        assert page.index("Large companies") < page.index("Inbound, score A") < page.index("Outbound")
        assert "Employees is at least 200" in page
        assert "6 touches in 10 business days, a call and an e-mail among them" in page
        row = page[page.index("Inbound, score A</a>") :][:4_000]
        assert re.search(r"Running now</dt><dd>2</dd>", row)
        assert "New policy" in page

    def test_says_which_share_was_kept_lately(self, cast: Cast) -> None:
        arrive(cast, title="CEO", employees=500, industry="Energy")
        yesterday = timezone.now() - timedelta(days=1)
        first, *others = Clock.objects.filter(policy__name="Inbound, score A").order_by("pk")
        third = Clock.objects.get(pk=first.pk)
        third.pk, third.kind = None, "disposition"
        third.save(force_insert=True)
        Clock.objects.filter(pk=first.pk).update(state="met", met_at=yesterday)
        Clock.objects.filter(pk__in=[others[0].pk, third.pk]).update(
            state="breached", due_at=yesterday, breached_at=yesterday
        )
        browser = signed_in(cast.revops)
        row = text(browser.get("/slas/policies/")).split("Inbound, score A</a>")[1]
        assert "33 % <small>1 of 3</small>" in row
        assert "33 %" in text(browser.get(f"/slas/policies/{first.policy_id}/"))

    def test_a_manager_reads_and_counts_the_own_teams(self, cast: Cast) -> None:
        arrive(cast, title="CEO", employees=500, industry="Energy")
        page = text(signed_in(cast.outside_manager).get("/slas/policies/"))
        assert "New policy" not in page
        assert "Ask Outbound" not in page
        assert "<dd>2</dd>" not in page

    def test_takes_the_same_statements_for_four_and_for_fourteen(
        self, cast: Cast, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(10):
            policies.create_policy(draft=policies.Draft(f"Policy {number}"), at=NOW, actor=cast.revops)
        client = signed_in(cast.revops)
        client.get("/slas/policies/")
        with django_assert_max_num_queries(9):
            page = client.get("/slas/policies/")
        assert "Policy 9" in text(page)

    def test_moves_one_up_and_keeps_the_order_whole(self, cast: Cast) -> None:
        policy = Policy.objects.get(name="Inbound, score B")
        page = text(signed_in(cast.revops).get("/slas/policies/"))
        assert 'aria-label="Ask Inbound, score B earlier"' in page
        signed_in(cast.revops).post(f"/slas/policies/{policy.pk}/move/", {"place": "1"})
        assert names()[:2] == ["Inbound, score B", "Inbound, score A"]


class TestWriting:
    def test_keeps_a_draft_as_it_was_typed(self, cast: Cast) -> None:
        answer = signed_in(cast.revops).post("/slas/policies/new/", typed())
        policy = Policy.objects.get(name="Large companies")
        assert answer.url == f"/slas/policies/{policy.pk}/"
        assert (policy.state, policy.position) == ("draft", 1)
        assert (policy.first_response_minutes, policy.ae_answer_minutes) == (120, 480)
        assert (policy.touch_count, policy.touch_days, policy.touch_channels) == (4, 5, ["call", "email"])
        assert policy.disposition_minutes is None
        assert (policy.warn_percent, policy.ae_fallback) == (60, "reroute")
        assert policy.conditions == [{"field": "tier", "operator": "in", "value": ["1", "2"]}]
        assert [step["at_percent"] for step in policy.steps] == [60, 100]

    def test_what_it_shows_to_change_is_what_it_keeps(self, cast: Cast) -> None:
        client = signed_in(cast.revops)
        client.post("/slas/policies/new/", typed())
        policy = Policy.objects.get(name="Large companies")
        page = text(client.get(f"/slas/policies/{policy.pk}/edit/"))
        assert 'name="first_response" value="2"' in page
        seen = re.search(r'name="seen" value="([^"]+)"', page)
        assert seen
        client.post(
            f"/slas/policies/{policy.pk}/edit/",
            typed(seen=seen[1].replace("&#x2B;", "+"), first_response="3"),
        )
        policy.refresh_from_db()
        assert policy.first_response_minutes == 180
        history = text(client.get(f"/slas/policies/{policy.pk}/"))
        assert "First response in 2 h" in history
        assert "First response in 3 h" in history

    @pytest.mark.parametrize(
        ("more", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "Outbound"}, "name"),
            ({"first_response": "soon"}, "first_response"),
            ({"touch_days": ""}, "touch_days"),
            ({"ae_answer": ""}, "ae_fallback"),
            ({"warn_percent": "101"}, "warn_percent"),
            ({"steps-1-at_percent": "20"}, "steps-1-at_percent"),
            ({"steps-0-at_percent": ""}, "steps-0-at_percent"),
        ],
    )
    def test_says_at_the_field_what_is_wrong_and_keeps_the_rest(
        self, cast: Cast, more: dict[str, str], field: str
    ) -> None:
        answer = signed_in(cast.revops).post("/slas/policies/new/", typed(**more))
        page = text(answer)
        assert answer.status_code == 422
        assert error_at(page, field), field
        assert "What you typed is kept." in page
        assert 'name="touch_count" value="4"' in page
        assert not Policy.objects.filter(name="Large companies").exists()

    def test_an_empty_condition_is_refused_at_its_row(self, cast: Cast) -> None:
        sent = typed()
        del sent["conditions-0-value"]
        answer = signed_in(cast.revops).post("/slas/policies/new/", sent)
        assert answer.status_code == 422
        assert "Give at least one value." in text(answer)

    def test_rows_come_and_go_without_a_script_and_nothing_typed_is_lost(self, cast: Cast) -> None:
        client = signed_in(cast.revops)
        more = text(client.post("/slas/policies/new/", typed(act="steps:add", name="Half wri")))
        assert 'name="steps-2-at_percent"' in more
        assert 'value="Half wri"' in more
        field = {"act": "conditions:add", "conditions-new": "size"}
        assert 'name="conditions-1-value_to"' in text(client.post("/slas/policies/new/", typed(**field)))
        less = text(client.post("/slas/policies/new/", typed(act="steps:remove:0")))
        assert 'name="steps-1-at_percent"' not in less
        assert not Policy.objects.filter(name="Half wri").exists()

    def test_of_two_writers_the_second_is_told_and_keeps_the_typed(self, cast: Cast) -> None:
        policy = write(cast)
        answer = signed_in(cast.revops).post(
            f"/slas/policies/{policy.pk}/edit/", typed(seen=(NOW - timedelta(days=1)).isoformat())
        )
        assert answer.status_code == 422
        assert "Somebody else changed this policy" in text(answer)
        assert 'name="touch_count" value="4"' in text(answer)

    def test_a_copy_begins_with_what_the_other_says_at_its_place(self, cast: Cast) -> None:
        policy = Policy.objects.get(name="Inbound, score B")
        page = text(signed_in(cast.revops).get(f"/slas/policies/new/?like={policy.pk}"))
        assert 'value="Inbound, score B, changed"' in page
        assert 'name="place" value="2"' in page
        assert 'name="touch_count" value="5"' in page


class TestState:
    def test_says_in_figures_what_switching_on_leaves_and_does_it(self, cast: Cast) -> None:
        lead = arrive(cast, title="CEO", employees=500, industry="Energy")
        before = list(Clock.objects.filter(lead=lead).values_list("pk", "due_at", "policy"))
        policy, client = write(cast), signed_in(cast.revops)
        assert "The 2 promises that run now stay as they were made." in text(
            client.get(f"/slas/policies/{policy.pk}/")
        )
        page = client.post(f"/slas/policies/{policy.pk}/switch-on/", follow=True)
        assert "The 2 promises that run stay as they were made." in text(page)
        policy.refresh_from_db()
        assert policy.state == "on"
        assert list(Clock.objects.filter(lead=lead).values_list("pk", "due_at", "policy")) == before

    def test_retiring_counts_those_that_run_by_it(self, cast: Cast) -> None:
        arrive(cast, title="CEO", employees=500, industry="Energy")
        policy, client = Policy.objects.get(name="Inbound, score A"), signed_in(cast.revops)
        assert "The 2 promises that run by it stay" in text(client.get(f"/slas/policies/{policy.pk}/"))
        client.post(f"/slas/policies/{policy.pk}/retire/")
        policy.refresh_from_db()
        assert policy.state == "retired"
        assert Clock.objects.filter(policy=policy, state="running").count() == 2

    def test_a_manager_reads_and_changes_nothing(self, cast: Cast) -> None:
        policy, client = write(cast), signed_in(cast.manager)
        page = text(client.get(f"/slas/policies/{policy.pk}/"))
        assert "Large companies" in page
        assert "Switch on" not in page
        for act in ("edit", "dry-run"):
            assert client.get(f"/slas/policies/{policy.pk}/{act}/").status_code == 403
        for act in ("move", "switch-on", "retire"):
            assert client.post(f"/slas/policies/{policy.pk}/{act}/", {"place": "1"}).status_code == 403

    def test_one_that_is_not_there_is_not_found(self, cast: Cast) -> None:
        assert signed_in(cast.revops).get("/slas/policies/999999/").status_code == 404


class TestTrial:
    def test_shows_what_it_would_have_taken_and_links_the_leads(self, cast: Cast) -> None:
        lead = arrive(cast, title="CEO", employees=500, industry="Energy")
        lead.created_at = timezone.now() - timedelta(days=2)
        lead.save(update_fields=["created_at"])
        policy = write(cast)
        page = text(signed_in(cast.revops).get(f"/slas/policies/{policy.pk}/dry-run/?days=30"))
        assert f'href="/leads/{lead.pk}/"' in page
        assert "now Inbound, score A" in page
        policy.refresh_from_db()
        assert policy.state == "draft", "trying switches nothing on"

    def test_says_what_to_do_when_it_takes_none(self, cast: Cast) -> None:
        policy = write(cast, policies.Draft("Nobody", DRAFT.conditions))
        page = text(signed_in(cast.revops).get(f"/slas/policies/{policy.pk}/dry-run/?days=x"))
        assert "It would have taken no lead" in page
