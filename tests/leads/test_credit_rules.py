"""Rules that share credit: what they may say, who gets what, and that they are applied as an event is recorded."""

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import InvalidInput
from apps.leads.models import Capacity, CreditRule, EventKind, FunnelEvent
from apps.leads.rules.credit_rules import RECIPIENTS, WHOLE, Share, parse_shares, share_out
from apps.leads.services import credit_rules as services
from apps.leads.services.record import reverse_event
from tests.cast import NOW, Cast
from tests.leads.scenes import handed_off, won

EIGHTY = [{"to": "credited", "share": 800_000}, {"to": "sdr", "share": 200_000}]
HAMBURG = {"field": "city", "operator": "in", "value": ["Hamburg"]}


def rule(cast: Cast, *, approve: bool = True, **changes) -> CreditRule:
    terms = services.RuleTerms(
        **{
            "name": "Hand-off split", "capacity": Capacity.OWNED, "kinds": ["won"], "shares": EIGHTY,
            "starts_on": date(2026, 1, 1), **changes,
        }
    )  # fmt: skip
    made = services.draft_rule(terms=terms, at=NOW - timedelta(days=9), actor=cast.revops)
    if approve:
        services.approve_rule(rule=made, at=NOW - timedelta(days=8), actor=cast.finance)
    return made


def shares(event: FunnelEvent, capacity: str = "owned") -> dict[str, int]:
    return dict(event.credits.filter(capacity=capacity).values_list("rep__name", "share"))


def win(cast: Cast) -> FunnelEvent:
    return won(cast).events.get(kind=EventKind.WON)


class TestShareOut:
    @given(
        credited=st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True),
        cuts=st.lists(st.integers(1, 10**6), min_size=1, max_size=6, unique=True),
        known=st.dictionaries(st.sampled_from(sorted(RECIPIENTS)), st.one_of(st.none(), st.integers(1, 12))),
        data=st.data(),
    )
    def test_parts_sum_to_the_whole_and_nobody_is_named_twice(self, credited, cuts, known, data):
        edges = [0, *sorted(cuts)[:-1], WHOLE]
        sizes = [after - before for before, after in zip(edges, edges[1:], strict=False) if after > before]
        names = data.draw(
            st.lists(
                st.sampled_from([*RECIPIENTS, "rep:3", "rep:20"]),
                min_size=len(sizes), max_size=len(sizes), unique=True,
            )
        )  # fmt: skip
        recorded = [(rep, WHOLE // len(credited)) for rep in credited]
        recorded[0] = (credited[0], WHOLE - sum(share for _, share in recorded[1:]))
        parts = share_out(recorded, [Share(to, size) for to, size in zip(names, sizes, strict=True)], known)
        assert sum(share for _, share in parts) == WHOLE
        assert len({rep for rep, _ in parts}) == len(parts)
        assert all(share > 0 for _, share in parts)

    def test_who_cannot_be_told_leaves_the_part_with_whom_was_credited(self):
        assert share_out([(1, WHOLE)], parse_shares(EIGHTY), {"sdr": None}) == [(1, WHOLE)]
        assert share_out([(1, WHOLE)], parse_shares(EIGHTY), {"sdr": 2}) == [(1, 800_000), (2, 200_000)]
        assert share_out([(1, WHOLE)], parse_shares(EIGHTY), {"sdr": 1}) == [(1, WHOLE)]

    @pytest.mark.parametrize(
        ("raw", "says"),
        [
            ([], "one to 6"),
            ([{"to": "credited", "share": 1}], "these sum to"),
            ([{"to": "boss", "share": WHOLE}], "Share 1"),
            ([{"to": "rep:x", "share": WHOLE}], "Share 1"),
            ([{"to": "credited", "share": 0.5}], "Share 1"),
            ([{"to": "sdr", "share": WHOLE // 2}] * 2, "everybody once"),
        ],
    )
    def test_what_is_wrong_is_named(self, raw, says):
        with pytest.raises(InvalidInput, match=says):
            parse_shares(raw)


@pytest.mark.django_db
class TestRecording:
    def test_an_approved_rule_shares_what_is_recorded(self, cast):
        made = rule(cast)
        event = win(cast)
        assert shares(event) == {"Ae": 800_000, "Sdr": 200_000}
        assert shares(event, "sourced") == {"Sdr": WHOLE}
        assert set(event.credits.filter(capacity="owned").values_list("rule", flat=True)) == {made.pk}
        reversal = reverse_event(event=event, reason="duplicate", at=NOW + timedelta(days=20))
        assert shares(reversal) == shares(event)

    def test_a_draft_and_an_ended_one_share_nothing(self, cast):
        rule(cast, approve=False)
        services.end_rule(
            rule=rule(cast, name="Ended"), ends_on=NOW.date(), today=NOW.date(), at=NOW, actor=cast.revops
        )
        assert shares(win(cast)) == {"Ae": WHOLE}

    @pytest.mark.parametrize(("city", "shared"), [("Hamburg", True), ("Berlin", False)])
    def test_a_territory_s_rule_asks_where_the_lead_is(self, cast, city, shared):
        overlay = cast.rep(cast.second_ae)
        parts = [{"to": "credited", "share": 900_000}, {"to": f"rep:{overlay.pk}", "share": 100_000}]
        rule(cast, conditions=[HAMBURG | {"value": [city]}], shares=parts)
        assert shares(win(cast)) == ({"Ae": 900_000, "Second Ae": 100_000} if shared else {"Ae": WHOLE})

    def test_the_lowest_place_that_fits_is_taken(self, cast):
        rule(cast, name="Later", position=20)
        first = rule(cast, name="First", position=5, shares=[{"to": "sdr", "share": WHOLE}])
        event = win(cast)
        assert shares(event) == {"Sdr": WHOLE}
        assert event.credits.get(capacity="owned").rule == first

    def test_a_hand_off_s_rule_shares_sourcing(self, cast):
        rule(cast, capacity=Capacity.SOURCED, kinds=["handed_off"], shares=[
            {"to": "credited", "share": 500_000}, {"to": f"rep:{cast.rep(cast.teammate).pk}", "share": 500_000},
        ])  # fmt: skip
        event = handed_off(cast).events.get(kind=EventKind.HANDED_OFF)
        assert shares(event, "sourced") == {"Sdr": 500_000, "Teammate": 500_000}

    def test_the_event_says_by_which_rule(self, cast):
        rule(cast)
        client = Client()
        client.force_login(cast.ae)
        page = client.get(reverse("leads:event", args=[win(cast).pk])).content.decode()
        assert "by the rule" in page
        assert "Hand-off split" in page


@pytest.mark.django_db
class TestFourEyes:
    def test_its_author_does_not_approve_it(self, cast):
        made = rule(cast, approve=False)
        with pytest.raises(services.UnableToChangeRule, match="Who wrote"):
            services.approve_rule(rule=made, at=NOW, actor=cast.revops)
        with pytest.raises(DatabaseError), transaction.atomic():
            CreditRule.objects.filter(pk=made.pk).update(approver=cast.revops, approved_at=NOW)

    def test_an_approved_one_is_not_changed_in_the_database(self, cast):
        made = rule(cast)
        for change in ({"name": "x"}, {"shares": []}, {"starts_on": date(2020, 1, 1)}):
            with pytest.raises(DatabaseError, match="not changed"), transaction.atomic():
                CreditRule.objects.filter(pk=made.pk).update(**change)
        with pytest.raises(DatabaseError, match="not changed"), transaction.atomic():
            CreditRule.objects.filter(pk=made.pk).delete()
        with pytest.raises(services.UnableToChangeRule):
            services.change_draft(rule=made, terms=None, at=NOW, actor=cast.revops)  # type: ignore[arg-type]

    def test_it_is_ended_once_and_not_in_the_past(self, cast):
        made = rule(cast)
        given = {"rule": made, "today": NOW.date(), "at": NOW, "actor": cast.revops}
        with pytest.raises(InvalidInput):
            services.end_rule(ends_on=NOW.date() - timedelta(days=1), **given)
        services.end_rule(ends_on=NOW.date(), **given)
        with pytest.raises(services.UnableToChangeRule, match="ended before"):
            services.end_rule(ends_on=NOW.date(), **given)


@pytest.mark.django_db
class TestPages:
    def form(self, **changes: str) -> dict[str, str | list[str]]:
        return {
            "name": "Hamburg", "capacity": "owned", "kinds": ["won"], "starts_on": "2026-01-01", "position": "10",
            "conditions-rows": "1", "conditions-0-field": "city", "conditions-0-operator": "in",
            "conditions-0-value": "Hamburg", "shares-rows": "2", "shares-0-to": "credited",
            "shares-0-percent": "80", "shares-1-to": "sdr", "shares-1-percent": "20", **changes,
        }  # fmt: skip

    def test_from_the_draft_to_the_end(self, cast):
        author, approver = Client(), Client()
        author.force_login(cast.revops)
        approver.force_login(cast.finance)
        sent = author.post(reverse("leads:credit_rule_new"), self.form())
        assert sent.status_code == 302, sent.content.decode()
        made = CreditRule.objects.get()
        assert made.shares == EIGHTY
        edited = author.post(reverse("leads:credit_rule_edit", args=[made.pk]), self.form(name="North"))
        assert edited.status_code == 302
        assert approver.post(reverse("leads:credit_rule_approve", args=[made.pk])).status_code == 302
        page = approver.get(reverse("leads:credit_rules")).content.decode()
        assert "North" in page
        assert "City is Hamburg" in page
        assert author.get(reverse("leads:credit_rule_edit", args=[made.pk])).status_code == 409
        end = reverse("leads:credit_rule_end", args=[made.pk])
        assert author.post(end, {"ends_on": "2020-01-01"}).status_code == 422
        assert author.post(end, {"ends_on": "2999-01-01"}).status_code == 302

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"shares-1-percent": "10"}, "these sum to 90 %"),
            ({"shares-1-to": "credited"}, "Name everybody once."),
            ({"kinds": []}, "Choose one at least."),
            ({"conditions-0-value": ""}, "give at least one value"),
            ({"ends_on": "2025-01-01"}, "It ends after it begins."),
        ],
    )
    def test_what_is_wrong_keeps_what_was_typed(self, cast, changes, says):
        client = Client()
        client.force_login(cast.revops)
        sent = client.post(reverse("leads:credit_rule_new"), self.form(**changes))
        assert sent.status_code == 422
        page = sent.content.decode()
        assert says in page
        assert "Hamburg" in page
        assert not CreditRule.objects.exists()

    def test_a_share_is_added_without_losing_the_rest(self, cast):
        client = Client()
        client.force_login(cast.revops)
        page = client.post(reverse("leads:credit_rule_new"), self.form(act="shares:add")).content.decode()
        assert 'name="shares-2-to"' in page
        assert 'value="Hamburg"' in page

    def test_by_api(self, cast):
        client = Client()
        client.force_login(cast.revops)
        body = {
            "name": "All",
            "capacity": "owned",
            "kinds": ["won"],
            "shares": EIGHTY,
            "starts_on": "2026-01-01",
        }
        made = client.post(reverse("api:credit_rules"), body, content_type="application/json")
        assert made.status_code == 201, made.content
        approve = reverse("api:credit_rule_approve", args=[made.json()["id"]])
        assert client.post(approve).status_code == 403
        client.force_login(cast.finance)
        assert client.post(approve).status_code == 200
        assert len(client.get(reverse("api:credit_rules")).json()) == 1
