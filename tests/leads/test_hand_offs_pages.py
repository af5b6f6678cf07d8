"""The hand-offs page: who sees what, the evidence, accept and reject, once."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.leads.models import EventKind, FunnelEvent, HandOff, LeadStage, Opportunity
from apps.leads.selectors import hand_offs as selectors
from apps.leads.services import hand_offs as services
from tests.cast import NOW, Cast
from tests.leads.scenes import handed_off
from tests.stage import staged


@pytest.fixture(autouse=True)
def _now(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
@staged
def hand_off(cast: Cast) -> HandOff:
    return handed_off(cast)


def as_(user, client: Client) -> Client:
    client.force_login(user)
    return client


def inbox() -> str:
    return reverse("leads:inbox")


def page(hand_off: HandOff, act: str = "") -> str:
    return reverse(f"leads:hand_off{act}", args=[hand_off.pk])


class TestInbox:
    def test_opens_the_oldest_promise(self, cast, client):
        late = handed_off(cast, "Tessellate Software", slot=1)
        early = handed_off(cast, "Aldous Tools", slot=2)
        HandOff.objects.filter(pk=late.pk).update(due_at=NOW + timedelta(hours=3))
        HandOff.objects.filter(pk=early.pk).update(due_at=NOW + timedelta(hours=1))
        response = as_(cast.ae, client).get(inbox())
        assert [one.pk for one in response.context["box"].waiting] == [early.pk, late.pk]
        assert response.context["chosen"] == early
        assert response.context["opened"]

    def test_puts_one_without_a_promise_last(self, cast, client):
        without = handed_off(cast, "Tessellate Software", slot=1)
        with_one = handed_off(cast, "Aldous Tools", slot=2)
        HandOff.objects.filter(pk=without.pk).update(due_at=None)
        HandOff.objects.filter(pk=with_one.pk).update(due_at=NOW + timedelta(days=9))
        response = as_(cast.ae, client).get(inbox())
        assert [one.pk for one in response.context["box"].waiting] == [with_one.pk, without.pk]

    def test_says_what_to_expect_when_nothing_waits(self, cast, client):
        response = as_(cast.ae, client).get(inbox())
        assert b"Nothing waits for you" in response.content
        assert not response.context["opened"], "a phone shows the list"

    def test_shows_a_phone_the_list_on_request(self, cast, hand_off, client):
        assert as_(cast.ae, client).get(inbox() + "?list").context["opened"] is False

    def test_lists_what_was_answered_today(self, cast, hand_off, client):
        services.accept_hand_off(hand_off=hand_off, at=NOW, actor=cast.ae)
        response = as_(cast.ae, client).get(inbox())
        assert response.context["box"].answered == [hand_off]
        assert b"Answered today, 1" in response.content

    def test_forgets_what_was_answered_yesterday(self, cast, hand_off, client):
        services.accept_hand_off(hand_off=hand_off, at=NOW - timedelta(days=1), actor=cast.ae)
        assert as_(cast.ae, client).get(inbox()).context["box"].answered == []

    def test_is_not_for_those_who_sell_after_the_win(self, cast, client):
        assert as_(cast.am, client).get(inbox()).status_code == 403

    def test_asks_a_bounded_number_of_statements(self, cast, client, django_assert_max_num_queries):
        for index, company in enumerate(["Aldous Tools", "Corran Dairy", "Pellworm Wind", "Granica Steel"]):
            handed_off(cast, company, slot=index)
        latest = HandOff.objects.latest("pk")
        as_(cast.ae, client).get(inbox())
        with django_assert_max_num_queries(12 + RAIL):
            client.get(inbox())
        with django_assert_max_num_queries(12):
            client.get(page(latest), headers={"HX-Request": "true"})


RAIL = 3
"""Statements of the rail's live counts and the bell's: the hand-offs at risk, and all others together."""


class TestHandOffPage:
    def test_shows_the_evidence_for_each_criterion(self, cast, hand_off, client):
        text = as_(cast.ae, client).get(page(hand_off)).content.decode()
        for part in (
            "Budget",
            "€60,000, approved",
            "We have up to eighty.",
            "Hanna Vogel",
            "3 met, 1 partly",
        ):
            assert part in text
        assert "Sdr’s own note" in text, "an answer that nobody is quoted for says so"

    def test_tells_why_it_came_here(self, cast, hand_off, client):
        text = as_(cast.ae, client).get(page(hand_off)).content.decode()
        assert "Why it came to you" in text
        assert "<b>You</b>" in text
        assert "1 more not needed" in text

    def test_counts_the_touches_and_the_sdrs_record(self, cast, hand_off, client):
        other = handed_off(cast, "Aldous Tools", slot=3)
        services.accept_hand_off(hand_off=other, at=NOW, actor=cast.ae)
        dossier = as_(cast.ae, client).get(page(hand_off)).context["dossier"]
        assert dossier.touches.in_words == "1 touch on one day: 1 call."
        assert (dossier.sdr_record.accepted, dossier.sdr_record.total) == (1, 1)

    def test_flags_an_exploration(self, cast, client):
        hand_off = handed_off(cast, "Kiel Theatre", industry="Arts", as_exploration=True)
        assert b"Exploration" in as_(hand_off.ae.user, client).get(page(hand_off)).content

    @pytest.mark.parametrize("part", ["sdr", "manager", "revops", "marketing", "finance"])
    def test_lets_others_read_but_not_answer(self, cast, hand_off, client, part):
        response = as_(getattr(cast, part), client).get(page(hand_off))
        assert b"We have up to eighty." in response.content
        assert b'data-dialog="#reject"' not in response.content
        assert b"accept-form" not in response.content

    @pytest.mark.parametrize("part", ["second_ae", "teammate", "outsider", "outside_manager"])
    def test_does_not_exist_for_those_out_of_scope(self, cast, hand_off, client, part):
        assert as_(getattr(cast, part), client).get(page(hand_off)).status_code == 404

    def test_gives_htmx_the_detail_and_what_depends_on_it(self, cast, hand_off, client):
        text = as_(cast.ae, client).get(page(hand_off), headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in text
        assert 'id="hand-off-list" hx-swap-oob' in text
        assert 'id="hand-off-dialogs" hx-swap-oob' in text

    def test_tells_how_it_was_answered(self, cast, hand_off, client):
        services.reject_hand_off(
            hand_off=hand_off,
            criterion="timeframe",
            reason="too_far_out",
            comment="A date, please.",
            at=NOW,
            actor=cast.ae,
        )
        text = as_(cast.sdr, client).get(page(hand_off)).content.decode()
        assert "Rejected on timeframe" in text
        assert "date too far out" in text
        assert "A date, please." in text


class TestAccept:
    def test_opens_an_opportunity_with_the_exact_estimate(self, cast, hand_off, client):
        response = as_(cast.ae, client).post(page(hand_off, "_accept"), {"amount": "60,000.05"})
        assert response.status_code == 302
        assert response["Location"] == inbox()
        opportunity = Opportunity.objects.get(hand_off=hand_off)
        assert opportunity.amount_minor == 60_000_05
        hand_off.refresh_from_db()
        assert (hand_off.state, hand_off.decided_by) == ("accepted", cast.ae)

    def test_needs_no_estimate(self, cast, hand_off, client):
        as_(cast.ae, client).post(page(hand_off, "_accept"), {"amount": ""})
        assert Opportunity.objects.get(hand_off=hand_off).amount_minor is None

    @pytest.mark.parametrize("typed", ["a lot", "60.000", "60,5", "1e5", "NaN", "60.123", "-5"])
    def test_refuses_what_is_no_amount_and_keeps_it(self, cast, hand_off, client, typed):
        response = as_(cast.ae, client).post(page(hand_off, "_accept"), {"amount": typed})
        assert response.status_code == 422
        assert f'value="{typed}"' in response.content.decode()
        assert "is-invalid" in response.content.decode()
        hand_off.refresh_from_db()
        assert hand_off.state == "pending"

    def test_is_answered_once(self, cast, hand_off, client):
        as_(cast.ae, client).post(page(hand_off, "_accept"), {"amount": ""})
        for act, data in (("_accept", {}), ("_reject", {"criterion": "need", "reason": "duplicate"})):
            response = client.post(page(hand_off, act), data)
            assert response.status_code == 409
            assert b"accepted already" in response.content
        assert FunnelEvent.objects.filter(kind=EventKind.ACCEPTED).count() == 1
        assert not FunnelEvent.objects.filter(kind=EventKind.REJECTED).exists()

    def test_is_not_done_by_get(self, cast, hand_off, client):
        assert as_(cast.ae, client).get(page(hand_off, "_accept")).status_code == 405

    @pytest.mark.parametrize("part", ["sdr", "manager", "revops", "finance", "marketing", "am"])
    def test_is_forbidden_to_other_roles(self, cast, hand_off, client, part):
        assert as_(getattr(cast, part), client).post(page(hand_off, "_accept")).status_code == 403

    def test_is_not_there_for_another_ae(self, cast, hand_off, client):
        assert as_(cast.second_ae, client).post(page(hand_off, "_accept")).status_code == 404
        hand_off.refresh_from_db()
        assert hand_off.state == "pending"

    def test_takes_no_other_field(self, cast, hand_off, client):
        as_(cast.ae, client).post(
            page(hand_off, "_accept"), {"amount": "1", "ae": "1", "state": "rejected", "currency": "JPY"}
        )
        opportunity = Opportunity.objects.get(hand_off=hand_off)
        assert (opportunity.owner, opportunity.currency) == (cast.rep(cast.ae), "EUR")


class TestReject:
    def test_gives_the_lead_back_with_what_would_make_it_acceptable(self, cast, hand_off, client):
        response = as_(cast.ae, client).post(
            page(hand_off, "_reject"),
            {"criterion": "timeframe", "reason": "too_far_out", "comment": " A date. "},
        )
        assert response.status_code == 302
        hand_off.refresh_from_db()
        assert (hand_off.state, hand_off.rejected_criterion, hand_off.comment) == (
            "rejected",
            "timeframe",
            "A date.",
        )
        assert hand_off.lead.stage == LeadStage.WORKING
        assert FunnelEvent.objects.get(kind=EventKind.REJECTED).data == {
            "criterion": "timeframe",
            "reason": "too_far_out",
        }

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            ({"reason": "duplicate"}, "Name the criterion"),
            ({"criterion": "weather", "reason": "duplicate"}, "Name one of the criteria"),
            ({"criterion": "need"}, "Choose why"),
            ({"criterion": "need", "reason": "bored"}, "Choose one of the reasons"),
            ({"criterion": "need", "reason": "other", "comment": "  "}, "Say what would make it acceptable"),
        ],
    )
    def test_says_at_the_field_what_is_missing(self, cast, hand_off, client, given, says):
        response = as_(cast.ae, client).post(page(hand_off, "_reject"), given)
        assert response.status_code == 422
        text = response.content.decode()
        assert says in text
        assert "data-open-now" in text, "the dialog opens again"
        hand_off.refresh_from_db()
        assert hand_off.state == "pending"

    def test_keeps_what_was_typed(self, cast, hand_off, client):
        response = as_(cast.ae, client).post(
            page(hand_off, "_reject"), {"criterion": "need", "comment": "A <written> date"}
        )
        text = response.content.decode()
        assert "A &lt;written&gt; date" in text
        assert 'value="need" data-key="n" data-key-label="Need" checked' in text

    def test_can_name_the_agreed_criteria_of_an_imported_one(self, cast, hand_off, client):
        HandOff.objects.filter(pk=hand_off.pk).update(qualification=None, routing={})
        response = as_(cast.ae, client).post(
            page(hand_off, "_reject"), {"criterion": "budget", "reason": "unsupported"}
        )
        assert response.status_code == 302
        assert b"no routing decision was kept" in client.get(page(hand_off)).content


class TestOwnAndPeers:
    def test_keeps_the_teams_others_apart(self, cast):
        ae, second = cast.rep(cast.ae), cast.rep(cast.second_ae)
        mine = handed_off(cast, "Aldous Tools", slot=0)
        theirs = handed_off(cast, "Corran Dairy", slot=1)
        HandOff.objects.filter(pk=theirs.pk).update(ae=second)
        theirs.refresh_from_db()
        services.accept_hand_off(hand_off=mine, at=NOW, actor=cast.ae)
        services.reject_hand_off(
            hand_off=theirs, criterion="need", reason="duplicate", comment="", at=NOW, actor=cast.second_ae
        )
        own, peers = selectors.own_and_peers(ae, since=NOW - timedelta(days=90))
        assert (own.accepted, own.rejected) == (1, 0)
        assert (peers.accepted, peers.rejected) == (0, 1)
        assert selectors.own_and_peers(ae, since=NOW + timedelta(seconds=1))[0].total == 0


class TestDayOfMeeting:
    def test_draws_the_aes_own_day_in_the_viewers_zone(self, cast, hand_off):
        from datetime import UTC
        from zoneinfo import ZoneInfo

        from apps.reps.models import BusyTime

        start = hand_off.meeting.starts_at.replace(hour=13, minute=0)
        BusyTime.objects.create(
            rep=hand_off.ae, starts_at=start, ends_at=start + timedelta(hours=1), title="Review"
        )
        berlin = ZoneInfo("Europe/Berlin")
        for_others = selectors.day_of_meeting(hand_off.meeting, "Brightmoor", berlin, with_titles=False)
        assert [entry.words for entry in for_others.entries if not entry.is_this] == ["Busy"]
        day = selectors.day_of_meeting(hand_off.meeting, "Brightmoor", berlin, with_titles=True)
        assert [entry.words for entry in day.entries if not entry.is_this] == ["Review"]
        assert (day.entries[0].top, day.entries[0].height) == ((14 - day.hours[0]) * 22, 22)
        assert [entry.is_this for entry in day.entries].count(True) == 1
        assert hand_off.meeting.starts_at.tzinfo == UTC
