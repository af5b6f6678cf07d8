"""The panel and the page of one lead: what each role sees, what is done there, and what it costs."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from apps.leads.models import (
    ExplorationBudget,
    FunnelEvent,
    Lead,
    LeadStage,
    PossibleDuplicate,
    Purpose,
    Suppression,
    Touch,
)
from apps.leads.selectors.timeline import timeline_of
from apps.leads.services import (
    cadences,
    enrolments,
    merges,
    qualifications,
    reassignment,
    touches,
    visits,
    wishes,
)
from tests.cast import NOW, Cast
from tests.leads.test_queue_pages import HTMX, KEYS, _touch, arrive, signed_in, text
from tests.leads.test_touches import VOICEMAIL
from tests.stage import staged

STEPS = [
    {"channel": "call", "purpose": "answer", "script": "Ask what made them write."},
    {"channel": "email", "wait_days": 2, "when": "not_reached", "purpose": "follow_up"},
]


@pytest.fixture(autouse=True)
def _thursday_morning(time_machine: Any) -> None:
    cache.clear()
    time_machine.move_to(NOW, tick=True)


@pytest.fixture
@staged
def lead(cast: Cast) -> Lead:
    return arrive(
        cast,
        name="Hanna Vogel",
        phone="+49 40 555 0142",
        city="Hamburg",
        time_zone="Europe/Berlin",
        owner=cast.rep(cast.sdr),
    )


def log(cast: Cast, lead: Lead, **more: Any) -> Touch:
    given = {"at": timezone.now(), "rep": cast.rep(cast.sdr), "actor": cast.sdr} | VOICEMAIL | more
    return touches.log_touch(lead=lead, **given)


def enrol(cast: Cast, lead: Lead) -> Any:
    made = cadences.create_cadence(
        name="Inbound A", motion="inbound", conditions=[], position=1, enrols_by_itself=False,
        steps=STEPS, at=timezone.now(), actor=cast.manager,
    )  # fmt: skip
    return enrolments.enrol(leads=[lead], cadence=made, at=timezone.now(), actor=cast.sdr).enrolments[0]


def panel(cast: Cast, lead: Lead, part: str = "sdr") -> str:
    return text(signed_in(getattr(cast, part)).get(f"/leads/{lead.pk}/", **HTMX))


class TestWhoSeesWhat:
    @pytest.mark.parametrize(
        ("part", "works", "steers", "closes"),
        [
            ("sdr", True, True, True),
            ("manager", False, True, True),
            ("revops", False, True, True),
            ("marketing", False, False, True),
            ("finance", False, False, False),
        ],
    )
    def test_each_finds_what_they_may_do(
        self, cast: Cast, lead: Lead, part: str, works: bool, steers: bool, closes: bool
    ) -> None:
        enrol(cast, lead)
        page = panel(cast, lead, part)
        assert ("How did it go?" in page) is works
        assert ("Take out of Inbound A" in page) is steers
        assert ("Close a channel" in page) is closes
        for shown in ("Next step", "Why score", "Timeline", "Contact", "Cadence, step 1 of 2"):
            assert shown in page

    @pytest.mark.parametrize("path", ["timeline", "explain"])
    def test_the_parts_exist_within_the_scope_of_the_lead(self, cast: Cast, lead: Lead, path: str) -> None:
        for part, status in (("sdr", 200), ("manager", 200), ("teammate", 404), ("ae", 404)):
            client = signed_in(getattr(cast, part))
            for headers in ({}, HTMX):
                assert client.get(f"/leads/{lead.pk}/{path}/", **headers).status_code == status, part


class TestNextStep:
    def test_is_the_cadences_with_its_script(self, cast: Cast, lead: Lead) -> None:
        enrol(cast, lead)
        page = panel(cast, lead)
        assert "It is step 1 of 2 of Inbound A, version 1." in page
        assert "Ask what made them write." in page
        log(cast, lead)
        page = panel(cast, lead)
        assert "only if nobody was reached yet" in page
        assert "Cadence, step 2 of 2" in page

    def test_is_what_follows_from_the_disposition(self, cast: Cast, lead: Lead) -> None:
        log(cast, lead)
        page = panel(cast, lead)
        assert "<b>Email</b>" in page
        assert "After “voicemail”, by the built-in follow-up rules." in page

    def test_is_never_over_a_closed_channel(self, cast: Cast, lead: Lead) -> None:
        wishes.keep(lead=lead, channel="call", reason="opt_out", at=timezone.now(), actor=cast.sdr)
        page = panel(cast, lead)
        assert "<b>Email</b>" in page
        assert re.search(r'id="channel-call"[^>]* disabled', page)
        assert re.search(r'id="channel-email"[^>]* checked', page)
        assert 'href="tel:' not in page

    def test_of_a_recycled_lead_is_the_day_on_which_it_comes_back(self, cast: Cast, lead: Lead) -> None:
        log(cast, lead, disposition="not_now")
        lead.refresh_from_db()
        assert lead.reentry_on is not None
        assert f"{lead.reentry_on.day} {lead.reentry_on:%b %Y}" in panel(cast, lead)


class TestTouchBar:
    @pytest.mark.parametrize(
        ("changes", "purpose"),
        [
            ({}, Purpose.ANSWER),
            ({"is_inbound": False}, Purpose.QUALIFY),
            ({"touch_count": 2}, Purpose.FOLLOW_UP),
            ({"touch_count": 2, "stage": LeadStage.SQL}, Purpose.CONFIRM),
            ({"touch_count": 2, "stage": LeadStage.RECYCLED}, Purpose.NURTURE),
            ({"next_purpose": Purpose.CLEAN_UP}, Purpose.CLEAN_UP),
        ],
    )
    def test_suggests_a_sensible_purpose(
        self, cast: Cast, lead: Lead, changes: dict[str, Any], purpose: Purpose
    ) -> None:
        Lead.objects.filter(pk=lead.pk).update(**changes)
        assert f'<option value="{purpose}" selected>' in panel(cast, lead)

    def test_keeps_purpose_and_note(self, cast: Cast, lead: Lead) -> None:
        sent = _touch("sent", channel="email", purpose="nurture", note="Sent the case study")
        page = text(signed_in(cast.sdr).post(f"/leads/{lead.pk}/touch/", sent, **HTMX))
        assert Touch.objects.get().purpose == Purpose.NURTURE
        assert "“Sent the case study”" in page
        assert ", nurture" in page

    def test_asks_whether_they_asked_outside_their_hours(self, cast: Cast, lead: Lead) -> None:
        Lead.objects.filter(pk=lead.pk).update(time_zone="America/Los_Angeles")
        client = signed_in(cast.sdr)
        assert "It is Thu 01:42 for them" in panel(cast, lead)
        sent = _touch("connected", note="Rang back")
        refused = client.post(f"/leads/{lead.pk}/touch/", sent, **HTMX)
        page = text(refused)
        assert refused.status_code == 422
        assert "they-asked-error" in page
        assert 'value="Rang back"' in page, "what was typed is kept"
        assert not Touch.objects.exists()
        assert client.post(f"/leads/{lead.pk}/touch/", sent | {"they_asked": "on"}, **HTMX).status_code == 200
        assert Touch.objects.get().outside_hours

    def test_does_not_ask_within_their_hours(self, cast: Cast, lead: Lead) -> None:
        assert "They asked me to call now" not in panel(cast, lead)


class TestProposal:
    @pytest.fixture
    def proposed(self, lead: Lead) -> Lead:
        Lead.objects.filter(pk=lead.pk).update(
            proposal="recycle", proposal_reason="No contact after 9 touches", attempts=9, touch_count=9
        )
        return lead

    def test_is_accepted_by_one_key_and_taken_back_by_another(self, cast: Cast, proposed: Lead) -> None:
        client = signed_in(cast.sdr)
        page = panel(cast, proposed)
        assert "No contact after 9 touches" in page
        assert 'value="accept" data-key="a"' in page
        answer = text(client.post(f"/leads/{proposed.pk}/proposal/", {"answer": "accept"}, **HTMX))
        assert f"/leads/{proposed.pk}/proposal/undo/" in answer
        proposed.refresh_from_db()
        assert proposed.stage == LeadStage.RECYCLED
        undone = client.post(f"/leads/{proposed.pk}/proposal/undo/", **HTMX)
        assert undone["HX-Retarget"] == "#panel"
        proposed.refresh_from_db()
        assert (proposed.stage, proposed.proposal) == (LeadStage.MQL, "recycle")

    def test_is_declined_and_told(self, cast: Cast, proposed: Lead) -> None:
        page = text(
            signed_in(cast.sdr).post(f"/leads/{proposed.pk}/proposal/", {"answer": "decline"}, **HTMX)
        )
        assert "Kept working: recycle was proposed" in page
        proposed.refresh_from_db()
        assert proposed.proposal == ""

    def test_needs_an_answer(self, cast: Cast, proposed: Lead) -> None:
        assert signed_in(cast.sdr).post(f"/leads/{proposed.pk}/proposal/", **HTMX).status_code == 400

    def test_is_not_for_who_only_reads(self, cast: Cast, proposed: Lead) -> None:
        assert "Keep working" not in panel(cast, proposed, "manager")
        for part, status in (("manager", 403), ("teammate", 404)):
            client = signed_in(getattr(cast, part))
            assert client.post(f"/leads/{proposed.pk}/proposal/", {"answer": "accept"}).status_code == status


class TestWishes:
    def test_one_channel_is_closed_with_its_reason_and_opened_again(self, cast: Cast, lead: Lead) -> None:
        client = signed_in(cast.sdr)
        sent = {"channel": "call", "reason": "register", "note": "Robinson list"}
        page = text(client.post(f"/leads/{lead.pk}/close-channel/", sent, **HTMX))
        assert "No call" in page
        assert "on a do-not-call register, noted by Sdr" in page
        assert "“Robinson list”" in page
        lead.refresh_from_db()
        assert (lead.closed_channels, lead.do_not_contact) == (["call"], False)
        (undo,) = re.findall(r'hx-post="(/leads/\d+/reopen-channel/[^"]+)"', page)
        answer = text(client.post(undo.replace("&amp;", "&"), **HTMX))
        assert "may be contacted as before" in answer
        lead.refresh_from_db()
        assert lead.closed_channels == []
        assert not Suppression.objects.in_force().exists()

    def test_never_contact_holds_for_the_same_person_elsewhere(self, cast: Cast, lead: Lead) -> None:
        same = arrive(cast, 2, name="Hanna Vogel", phone=lead.phone, email="hv@private.example")
        signed_in(cast.manager).post(
            f"/leads/{lead.pk}/close-channel/", {"channel": "", "reason": "opt_out"}, **HTMX
        )
        for one in (lead, same):
            one.refresh_from_db()
            assert (one.do_not_contact, one.queue_bucket) == (True, None)
        page = panel(cast, lead)
        assert "Do not contact." in page
        assert "0142" not in page

    def test_somebody_without_address_and_number_can_be_closed_too(self, cast: Cast) -> None:
        lead = arrive(cast, email="", phone="", name="Hanna Vogel", owner=cast.rep(cast.sdr))
        client = signed_in(cast.sdr)
        sent = {"channel": "", "reason": "opt_out"}
        page = text(client.post(f"/leads/{lead.pk}/close-channel/", sent, **HTMX))
        assert "Do not contact." in page
        assert "Opted out of everything" in page
        (undo,) = re.findall(r'hx-post="(/leads/\d+/reopen-channel/[^"]+)"', page)
        client.post(undo.replace("&amp;", "&"), **HTMX)
        lead.refresh_from_db()
        assert not lead.do_not_contact

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"channel": "pigeon"}, "pigeon"),
            ({"reason": ""}, "required"),
            ({"note": "x" * 201}, "200 characters"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(
        self, cast: Cast, lead: Lead, wrong: dict[str, str], words: str
    ) -> None:
        sent = {"channel": "call", "reason": "opt_out", "note": "No calls"} | wrong
        answer = signed_in(cast.sdr).post(f"/leads/{lead.pk}/close-channel/", sent, **HTMX)
        page = text(answer)
        assert answer.status_code == 422
        assert words in page
        assert re.search(r'id="close-channel"[^>]* data-open-now', page)
        assert not Suppression.objects.exists()

    @pytest.mark.parametrize("kept_at", ["", "soon", "2026-11-12T09:42:00", "2020-01-01T00:00:00+00:00"])
    def test_nothing_that_was_not_closed_is_opened(self, cast: Cast, lead: Lead, kept_at: str) -> None:
        wishes.keep(lead=lead, channel="", reason="opt_out", at=timezone.now(), actor=cast.manager)
        path = f"/leads/{lead.pk}/reopen-channel/"
        answer = signed_in(cast.sdr).post(f"{path}?kept_at={kept_at.replace('+', '%2B')}", **HTMX)
        assert answer.status_code in (400, 409)
        lead.refresh_from_db()
        assert lead.do_not_contact

    def test_nobody_takes_back_what_another_closed(self, cast: Cast, lead: Lead) -> None:
        at = timezone.now()
        wishes.keep(lead=lead, channel="", reason="opt_out", at=at, actor=cast.manager)
        with pytest.raises(wishes.UnableToTakeBack):
            wishes.take_back(lead=lead, kept_at=at, at=at, actor=cast.sdr)
        with pytest.raises(wishes.UnableToTakeBack):
            wishes.take_back(lead=lead, kept_at=at, at=at + timedelta(minutes=11), actor=cast.manager)
        wishes.take_back(lead=lead, kept_at=at, at=at + timedelta(minutes=9), actor=cast.manager)
        lead.refresh_from_db()
        assert not lead.do_not_contact


class TestTimeline:
    def test_tells_all_that_happened(self, cast: Cast, lead: Lead) -> None:
        rep, now = cast.rep(cast.sdr), timezone.now()
        touch = log(cast, lead, note="Rang twice")
        touches.undo_touch(touch=touch, rep=rep, at=timezone.now(), actor=cast.sdr)
        enrol(cast, lead)
        answers = {key: qualifications.Answer("not_met") for key in KEYS}
        qualifications.qualify(lead=lead, rep=rep, answers=answers, at=timezone.now())
        visits.record_visits(
            visits=[visits.NewVisit(lead=lead, page="/pricing", occurred_at=now, key="v1")],
            at=timezone.now(),
        )
        wishes.keep(
            lead=lead, channel="chat", reason="other", at=timezone.now(), actor=cast.sdr, note="By mail only"
        )
        reassignment.reassign(
            leads=[lead], to=[cast.rep(cast.teammate)], at=timezone.now(), actor=cast.manager, request_key="1"
        )
        page = panel(cast, lead, "manager")
        for words in (
            "Demo request",
            '<s class="muted">Call: voicemail</s>',
            "“Rang twice”",
            "Taken back: touched",
            "Enrolled in Inbound A, version 1",
            "Judged: criteria not met",
            "by BANT, version 1",
            "Visited /pricing",
            "Their address closed for chats",
            "“By mail only”",
            "Passed on from Sdr to Teammate",
        ):
            assert words in page, words

    def test_a_lead_goes_on_with_the_history_of_the_one_merged_into_it(self, cast: Cast, lead: Lead) -> None:
        other = arrive(cast, 2, name="H. Vogel", company="Brightmoor GmbH", owner=cast.rep(cast.sdr))
        log(cast, other, note="Spoke of four systems")
        merges.merge(survivor=lead, absorbed=other, why="the same person", at=timezone.now(), actor=cast.sdr)
        page = panel(cast, lead)
        assert "“Spoke of four systems”" in page
        assert "from H. Vogel" in page
        event = FunnelEvent.objects.filter(lead=other).latest("pk")
        assert signed_in(cast.sdr).get(f"/events/{event.pk}/").status_code == 200
        absorbed = panel(cast, other, "manager")
        assert f'<a href="/leads/{lead.pk}/">' in absorbed
        assert "Merged." in absorbed

    @pytest.mark.parametrize(
        ("kind", "shown", "hidden"),
        [
            ("touches", "Call: voicemail", "Demo request"),
            ("signals", "Demo request", "Call: voicemail"),
            ("judged", "Judged: criteria not met", "Demo request"),
            ("changes", "Their address closed for chats", "Call: voicemail"),
            ("cadence", "Enrolled in Inbound A", "Demo request"),
            ("handed", "Nothing of this kind", "Demo request"),
            ("nonsense", "Call: voicemail", "Nothing of this kind"),
        ],
    )
    def test_is_narrowed_to_a_kind(self, cast: Cast, lead: Lead, kind: str, shown: str, hidden: str) -> None:
        enrol(cast, lead)
        log(cast, lead)
        answers = {key: qualifications.Answer("not_met") for key in KEYS}
        qualifications.qualify(lead=lead, rep=cast.rep(cast.sdr), answers=answers, at=timezone.now())
        wishes.keep(lead=lead, channel="chat", reason="other", at=timezone.now(), actor=cast.sdr)
        page = text(signed_in(cast.sdr).get(f"/leads/{lead.pk}/timeline/?kind={kind}", **HTMX))
        assert shown in page
        assert hidden not in page

    def test_pages_show_everything_once_also_of_one_instant(self, cast: Cast, lead: Lead) -> None:
        """All sources at one instant: the place in the list is not the instant alone."""
        at = timezone.now()
        for number in range(12):
            log(cast, lead, channel="email", disposition="sent", at=at, note=f"Mail {number}")
            wishes.keep(
                lead=lead, channel=("chat", "social")[number % 2], reason="other", at=at, actor=cast.sdr
            )
        whole = timeline_of(lead, most=500).happenings
        seen, before = [], ""
        while True:
            page = timeline_of(lead, before=before, most=3)
            assert len(page.happenings) <= 3
            seen += page.happenings
            before = page.older
            if not before:
                break
        assert [(one.rank, one.pk, one.what) for one in seen] == [
            (one.rank, one.pk, one.what) for one in whole
        ]
        assert len(seen) == len({(one.rank, one.pk) for one in seen})

    @pytest.mark.parametrize(
        "before", ["x", "a~b~c", "2026-11-12T09:42:00~1~1", "2026-11-12T09:42:00+00:00~1~" + "9" * 40]
    )
    def test_a_place_that_cannot_be_read_is_the_beginning_or_nothing(
        self, cast: Cast, lead: Lead, before: str
    ) -> None:
        answer = signed_in(cast.sdr).get(f"/leads/{lead.pk}/timeline/", {"before": before}, **HTMX)
        assert answer.status_code == 200

    def test_older_ones_come_by_a_link(self, cast: Cast, lead: Lead) -> None:
        for number in range(30):
            log(cast, lead, channel="email", disposition="sent", note=f"Mail {number}.")
        page = panel(cast, lead)
        assert "Mail 29." in page
        assert "Mail 1." not in page
        (older,) = re.findall(r'<a class="btn btn-sm" href="([^"]+before=[^"]+)"', page)
        rest = text(signed_in(cast.sdr).get(older.replace("&amp;", "&"), **HTMX))
        assert "Mail 1." in rest
        assert "Mail 29." not in rest
        assert "timeline-chips" not in rest


class TestExplain:
    def test_says_place_next_step_calling_owner_and_score(self, cast: Cast, lead: Lead) -> None:
        arrive(cast, 2, owner=cast.rep(cast.sdr), at=timezone.now() - timedelta(hours=1))
        page = text(signed_in(cast.sdr).get(f"/leads/{lead.pk}/explain/", **HTMX))
        for words in (
            "It is number 2 in your queue now.",
            "They came by themselves and wait for a first answer.",
            "calling is proper (08:00 to 18:00",
            "Sdr was given it.",
            "Judged by the built-in table",
            f'<td class="num">{lead.score_points}</td>',
        ):
            assert words in page, words

    def test_says_who_had_it_before(self, cast: Cast, lead: Lead) -> None:
        log(cast, lead)
        reassignment.reassign(
            leads=[lead], to=[cast.rep(cast.teammate)], at=timezone.now(), actor=cast.manager, request_key="1"
        )
        page = text(signed_in(cast.manager).get(f"/leads/{lead.pk}/explain/"))
        assert "Teammate has it: Manager passed it on." in page
        assert "Sdr had it until" in page

    def test_places_agree_with_the_list(self, cast: Cast) -> None:
        """By the written order, whatever bucket each lead is in."""
        rep, now = cast.rep(cast.sdr), timezone.now()
        for number in range(8):
            known = {"owner": rep} if number % 2 else {}
            one = arrive(
                cast, number, at=now - timedelta(hours=number % 3), is_inbound=number % 3 > 0, **known
            )
            if number > 5:
                log(cast, one, at=now - timedelta(hours=5), channel="email", disposition="bad_contact")
        page = signed_in(cast.sdr).get("/my-day/").content.decode()
        listed = [int(pk) for pk in re.findall(r'data-lead-row="(\d+)"', page)]
        assert len(listed) >= 6
        for place, pk in enumerate(listed, start=1):
            found = text(signed_in(cast.sdr).get(f"/leads/{pk}/explain/", **HTMX))
            assert f"It is number {place} in your queue now." in found


class TestWhatElseStandsThere:
    def test_a_lead_that_may_be_the_same_person_is_told_to_whoever_sees_both(
        self, cast: Cast, lead: Lead
    ) -> None:
        other = arrive(cast, 2, name="Johanna Vogel", owner=cast.rep(cast.sdr))
        pair, _ = PossibleDuplicate.objects.get_or_create(
            first=lead, second=other, defaults={"why": "Same company and surname", "found_at": timezone.now()}
        )
        page = panel(cast, lead)
        assert "Maybe the same person" in page
        assert f"/duplicates/{pair.pk}/" in page
        Lead.objects.filter(pk=other.pk).update(owner=cast.rep(cast.outsider), team=cast.other_team)
        assert "Maybe the same person" not in panel(cast, lead)

    def test_exploration_is_flagged_with_what_is_left_of_the_budget(self, cast: Cast, lead: Lead) -> None:
        Lead.objects.filter(pk=lead.pk).update(is_exploration=True)
        ExplorationBudget.objects.create(
            rep=cast.rep(cast.sdr), from_on="2026-10-01", per_quarter=3, set_at=timezone.now()
        )
        assert "0 of 3 used this quarter" in panel(cast, lead)

    def test_the_evidence_stands_with_its_definition(self, cast: Cast, lead: Lead) -> None:
        answers = {
            key: qualifications.Answer("met", f"Yes to {key}", f"Words on {key}", "Hanna") for key in KEYS
        }
        qualifications.qualify(lead=lead, rep=cast.rep(cast.sdr), answers=answers, at=timezone.now())
        page = panel(cast, lead)
        for words in ("“Words on budget”", "Yes to need", "(Hanna)", "3 of 4 had to be met", "version 1"):
            assert words in page, words


class TestCost:
    def test_panel_and_page_take_a_bounded_number_of_statements(
        self, cast: Cast, lead: Lead, django_assert_max_num_queries: Any
    ) -> None:
        enrol(cast, lead)
        other = arrive(cast, 2, name="H. Vogel", company="Brightmoor GmbH", owner=cast.rep(cast.sdr))
        merges.merge(survivor=lead, absorbed=other, why="the same person", at=timezone.now(), actor=cast.sdr)
        for number in range(40):
            log(cast, lead, channel="email", disposition="sent", note=f"Mail {number}")
        wishes.keep(lead=lead, channel="chat", reason="other", at=timezone.now(), actor=cast.sdr)
        client = signed_in(cast.sdr)
        client.get("/my-day/")
        with django_assert_max_num_queries(28):
            client.get(f"/leads/{lead.pk}/", **HTMX)
        with django_assert_max_num_queries(32):
            client.get(f"/leads/{lead.pk}/")
        with django_assert_max_num_queries(18):
            client.get(f"/leads/{lead.pk}/timeline/", **HTMX)
        with django_assert_max_num_queries(20):
            client.get(f"/leads/{lead.pk}/explain/", **HTMX)
