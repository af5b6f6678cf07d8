"""The pages of the follow-up rules: read, asked about a lead, written anew and published."""

import re
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.leads.forms.follow_up import PolicyForm, typed_rows
from apps.leads.models import Disposition, FollowUpPolicy
from apps.leads.rules.dispositions import DISPOSITIONS, FIXED, Rules
from apps.leads.selectors.follow_up import in_words, rows_reached, what_follows
from apps.leads.services import follow_up
from tests.cast import NOW, Cast


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(response: Any) -> str:
    return response.content.decode()


def typed(rules: Rules | None = None, **more: Any) -> dict[str, Any]:
    """The form as a browser would send it, unchanged."""
    rules = rules or Rules.default()
    data: dict[str, Any] = {
        "agreed_touches": rules.agreed_touches, "recycle_days": rules.recycle_days, "note": "Trial",
        "attempts": 1, "age": 0,
    }  # fmt: skip
    rows = typed_rows(rules)
    data["rows-rows"] = len(rows)
    for place, row in enumerate(rows):
        data |= {f"rows-{place}-{name}": value for name, value in row.items()}
    return data | more


class TestReading:
    def test_tells_the_portals_own_until_there_is_one(self, cast: Cast) -> None:
        page = text(signed_in(cast.sdr).get("/follow-up/"))
        assert "None of one’s own" in page
        assert "Propose to recycle" in page
        assert "No contact after n touches; if it is declined, call in 1 day" in page
        assert "New version" not in page

    def test_tells_the_version_in_force_and_the_ones_before(self, cast: Cast) -> None:
        rows = Rules.default().as_rows()
        follow_up.publish(
            rules=rows, agreed_touches=9, recycle_days=90, at=NOW, actor=cast.revops, note="First"
        )
        follow_up.publish(
            rules=rows, agreed_touches=9, recycle_days=30, at=NOW, actor=cast.revops, note="Sooner"
        )
        client = signed_in(cast.revops)
        page = text(client.get("/follow-up/"))
        assert "30 days" in page
        assert "Sooner" in page
        assert "First" in page
        assert "no longer in force" not in page
        old = text(client.get("/follow-up/?version=1"))
        assert "90 days" in old
        assert "This is version 1, which is no longer in force." in old
        assert client.get("/follow-up/?version=7").status_code == 404

    @pytest.mark.parametrize("part", ["finance", "marketing"])
    def test_is_for_those_in_sales(self, cast: Cast, part: str) -> None:
        assert signed_in(getattr(cast, part)).get("/follow-up/").status_code == 403

    def test_takes_few_statements(self, cast: Cast, django_assert_max_num_queries: Any) -> None:
        for note in "abcde":
            follow_up.publish(
                rules=Rules.default().as_rows(), agreed_touches=9, recycle_days=90, at=NOW, actor=cast.revops, note=note
            )  # fmt: skip
        client = signed_in(cast.revops)
        client.get("/follow-up/")
        with django_assert_max_num_queries(9):
            client.get("/follow-up/")


class TestAsking:
    def test_says_for_each_disposition_what_follows(self, cast: Cast) -> None:
        page = text(signed_in(cast.sdr).get("/follow-up/preview/?attempts=9&age=400"))
        assert "Propose to disqualify" in page
        assert "No contact in over a year" in page
        early = text(signed_in(cast.sdr).get("/follow-up/preview/?attempts=2&age=400"))
        assert "Email in 4 h" in early
        assert "<html" not in early

    @pytest.mark.parametrize("query", ["attempts=&age=0", "attempts=0&age=0", "attempts=x&age=2"])
    def test_says_what_cannot_be_asked(self, cast: Cast, query: str) -> None:
        answer = signed_in(cast.sdr).get(f"/follow-up/preview/?{query}")
        assert answer.status_code == 200
        assert "Email in 4 h" not in text(answer)

    @given(attempts=st.integers(1, 60), age=st.integers(0, 900))
    def test_the_row_named_is_one_that_is_reached(self, attempts: int, age: int) -> None:
        rules = Rules.default()
        named = {one.row for one in what_follows(rules, attempts=attempts, age_days=age)}
        assert named - {None} <= {place + 1 for place in rows_reached(rules)}
        assert len(what_follows(rules, attempts=attempts, age_days=age)) == len(DISPOSITIONS)

    def test_a_row_below_one_that_takes_all_is_never_reached(self) -> None:
        rows = [
            {"act": "qualify", "dispositions": ["connected"], "wait_days": 1, "channel": "call"},
            {"act": "retry", "dispositions": [], "wait_days": 1, "channel": "call"},
            {"act": "retry", "dispositions": ["sent"], "wait_days": 3, "channel": "email"},
        ]
        rules = Rules.parse(rows)
        assert rows_reached(rules) == {0, 1}
        assert [one.is_reached for one in in_words(rules)] == [True, True, False]


class TestWriting:
    def test_the_form_of_the_rules_says_the_same_rules(self) -> None:
        form = PolicyForm(data=Sent(typed()))
        assert form.is_valid(), (form.version.errors, [row.errors for row in form.rows])
        assert form.parsed == Rules.default()

    def test_publishes_the_next_version(self, cast: Cast) -> None:
        client = signed_in(cast.revops)
        data = typed(agreed_touches=12, note="Twelve, as agreed in October")
        assert client.post("/follow-up/edit/", data).status_code == 302
        policy = FollowUpPolicy.objects.get()
        assert (policy.version, policy.agreed_touches, policy.note) == (1, 12, "Twelve, as agreed in October")
        assert policy.created_by == cast.revops
        proposing = [row for row in policy.rules if row["act"] == "propose"]
        assert {row["attempts_from"] for row in proposing} == {12}, "what is left empty follows the agreement"
        assert "Version 1 is in force" in text(client.get("/follow-up/"))

    def test_is_for_revops_alone(self, cast: Cast) -> None:
        for part in ("sdr", "manager", "marketing", "ae", "finance"):
            assert signed_in(getattr(cast, part)).get("/follow-up/edit/").status_code == 403, part
            assert signed_in(getattr(cast, part)).post("/follow-up/edit/", typed()).status_code == 403, part
        assert not FollowUpPolicy.objects.exists()

    def test_a_gap_is_named_below_the_rows_and_everything_typed_is_kept(self, cast: Cast) -> None:
        data = typed(note="With a gap")
        data["rows-10-dispositions"] = ["voicemail"]
        answer = signed_in(cast.revops).post("/follow-up/edit/", data)
        page = text(answer)
        assert answer.status_code == 422
        assert "No row says what follows from sent, touch 1" in page
        assert 'value="With a gap"' in page
        assert "Bad number or address after {attempts} touches" in page
        assert not FollowUpPolicy.objects.exists()

    @pytest.mark.parametrize(
        ("changed", "said", "field"),
        [
            ({"rows-6-wait": ""}, "Say how long to wait.", "rows-6-wait"),
            ({"rows-6-wait": "x"}, "Write a whole number.", "rows-6-wait"),
            ({"rows-0-attempts_from": "3"}, "after the agreed 9 touches", "rows-0-attempts_from"),
            ({"rows-4-dispositions": ["no_answer"]}, "only proposes", "rows-4-act"),
            ({"rows-1-age_from": "500"}, "Must not be below 500", "rows-1-age_to"),
            ({"rows-0-reason": ""}, "Say why, in a few words.", "rows-0-reason"),
            ({"agreed_touches": "0"}, "greater than or equal to 1", "agreed_touches"),
            ({"note": ""}, "Say why, for those who read it later.", "note"),
        ],
    )
    def test_an_error_stands_at_its_row_and_field(
        self, cast: Cast, changed: dict[str, Any], said: str, field: str
    ) -> None:
        answer = signed_in(cast.revops).post("/follow-up/edit/", typed(**changed))
        assert answer.status_code == 422
        assert said in re.search(rf'id="id_{field}_error">(.*?)</div>', text(answer), re.DOTALL)[1]
        assert not FollowUpPolicy.objects.exists()

    def test_rows_are_added_moved_and_removed_without_being_checked(self, cast: Cast) -> None:
        client = signed_in(cast.revops)
        data = typed(note="", agreed_touches="x")
        answer = client.post("/follow-up/edit/", data | {"act": "rows:up:6"})
        assert answer.status_code == 200
        assert re.search(r'id="id_rows-5-wait"[^>]*', text(answer))[0].count('value="4"') == 0
        assert 'name="rows-rows" value="11"' in text(answer)
        assert 'value="x"' in text(answer)
        assert 'name="rows-rows" value="12"' in text(
            client.post("/follow-up/edit/", data | {"act": "rows:add"})
        )
        assert 'name="rows-rows" value="10"' in text(
            client.post("/follow-up/edit/", data | {"act": "rows:remove:0"})
        )

    def test_what_would_follow_is_shown_before_anything_is_published(self, cast: Cast) -> None:
        client = signed_in(cast.revops)
        data = typed(note="", attempts="1", age="3", act="preview")
        data["rows-6-wait"] = "8"
        page = text(client.post("/follow-up/edit/", data))
        assert "Email in 8 h" in page
        assert "Say why" not in page
        assert not FollowUpPolicy.objects.exists()

    def test_two_who_publish_at_once_do_not_overwrite_each_other(self, cast: Cast, monkeypatch: Any) -> None:
        def quicker(**_: Any) -> None:
            raise follow_up.PolicyMovedOn("Somebody else just published a version: look at it first.")

        monkeypatch.setattr(follow_up, "publish", quicker)
        answer = signed_in(cast.revops).post("/follow-up/edit/", typed(note="Mine"))
        assert answer.status_code == 422
        assert "look at it first" in text(answer)
        assert 'value="Mine"' in text(answer)


class Sent(dict):
    """What a browser sends, for a form that is asked without a request."""

    def getlist(self, name: str) -> list[Any]:
        value = self.get(name, [])
        return value if isinstance(value, list) else [value]


def test_every_disposition_that_rules_answer_can_be_chosen() -> None:
    offered = {
        value for value, _ in PolicyForm(rules=Rules.default()).rows.forms[0].fields["dispositions"].choices
    }
    assert offered == set(Disposition.values) - FIXED
