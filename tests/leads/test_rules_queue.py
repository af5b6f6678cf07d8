"""The order of the queue as PRODUCT section 4 writes it, and the words of a row."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from apps.leads.rules import calling
from apps.leads.rules import queue as rules
from apps.leads.rules.queue import Facts, Standing, Step, Visit, Waiting, ago, compare, explain, place, reason

NOW = datetime(2026, 11, 12, 9, 42, tzinfo=UTC)
BERLIN = "Europe/Berlin"
_instants = st.integers(-5_000, 5_000).map(lambda minutes: NOW + timedelta(minutes=minutes))
# Few values, so that leads are alike in all but one thing often.
_few = st.sampled_from([NOW - timedelta(hours=hours) for hours in (0, 1, 30)])
_channels = st.sampled_from(["", "call", "email", "social", "chat", "visit"])
_blocks = st.sampled_from(["", "call", "email", "social"])

_standings = st.builds(
    Standing,
    workable=st.booleans(),
    do_not_contact=st.booleans(),
    is_inbound=st.booleans(),
    touch_count=st.integers(0, 12),
    arrived_at=_instants,
    response_due_at=st.none() | _instants,
    callback_at=st.none() | _instants,
    next_touch_at=st.none() | _instants,
    reentry_at=st.none() | _instants,
    asked_again_at=st.none() | _instants,
    channel=_channels,
    persona=st.integers(1, 6),
    time_zone=st.sampled_from([BERLIN, "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe"]),
    proposal=st.sampled_from(["", "recycle", "disqualify"]),
)
_live = _standings.map(lambda one: replace(one, workable=True, do_not_contact=False))
_waiting = st.builds(
    Waiting,
    bucket=st.integers(1, 5),
    sort_at=_few,
    pk=st.integers(1, 9),
    channel=_channels,
    persona=st.integers(1, 3),
)


def _written(one: Standing) -> tuple[str, datetime]:
    """Which of the five a lead is, and the instant that sorts it, said a second time from PRODUCT section 4."""
    asked_first = one.asked_again_at is not None and (
        one.callback_at is None or one.asked_again_at < one.callback_at - timedelta(minutes=15)
    )
    if one.callback_at is not None and not asked_first:
        return "callback", one.callback_at
    if asked_first and one.response_due_at is not None:
        return "fresh inbound", one.response_due_at
    if asked_first:
        return "touch due", one.asked_again_at
    if one.reentry_at is not None:
        return "recycled", one.reentry_at
    if one.touch_count == 0 and one.is_inbound and one.response_due_at is not None:
        return "fresh inbound", one.response_due_at
    if one.next_touch_at is not None:
        return "touch due", one.next_touch_at
    if one.touch_count == 0:
        return "untouched", one.arrived_at
    return "touch due", one.arrived_at


_ORDER = ["callback", "fresh inbound", "touch due", "untouched", "recycled"]


def _first_of(one: Waiting, other: Waiting, block: str) -> Waiting:
    """The written order, said a second time, as a person would decide between two leads."""
    if one.bucket != other.bucket:
        return one if one.bucket < other.bucket else other
    if block and one.bucket not in (1, 2):
        first_fits = one.channel == block or (block == "call" and one.channel == "")
        other_fits = other.channel == block or (block == "call" and other.channel == "")
        if first_fits and not other_fits:
            return one
        if other_fits and not first_fits:
            return other
        if first_fits and one.persona != other.persona:
            return one if one.persona < other.persona else other
    if one.sort_at != other.sort_at:
        return one if one.sort_at < other.sort_at else other
    return one if one.pk < other.pk else other


class TestPlace:
    @given(_standings)
    def test_is_the_one_that_the_written_rule_says(self, one: Standing) -> None:
        found = place(one)
        if one.do_not_contact or not one.workable:
            assert found is None, "nobody who opted out or is finished has a place"
            return
        assert found is not None
        kind, sort_at = _written(one)
        assert (_ORDER[found.bucket - 1], found.sort_at) == (kind, sort_at)

    @given(_live)
    def test_a_callback_and_a_recycled_lead_come_back_by_themselves(self, one: Standing) -> None:
        found = place(one)
        assert found is not None
        assert found.ready_at <= max(found.sort_at, one.arrived_at, one.asked_again_at or one.arrived_at)
        if found.bucket == rules.RECYCLED:
            assert found.ready_at == one.reentry_at
        if found.bucket == rules.CALLBACK:
            assert found.ready_at == one.callback_at - rules.CALLBACK_LEAD

    def test_who_asks_again_does_not_wait_for_the_callback_that_was_agreed(self) -> None:
        promised = _standing(callback_at=NOW + timedelta(days=2), asked_again_at=NOW, response_due_at=NOW)
        assert place(promised).bucket == rules.FRESH_INBOUND
        assert place(replace(promised, callback_at=NOW)).bucket == rules.CALLBACK

    def test_an_untouched_lead_in_a_cadence_is_due_by_it(self) -> None:
        enrolled = _standing(is_inbound=False, touch_count=0, next_touch_at=NOW + timedelta(days=1))
        assert place(enrolled) == rules.Place(rules.TOUCH_DUE, enrolled.next_touch_at, enrolled.next_touch_at)


class TestOrder:
    @given(_waiting, _waiting, _blocks)
    def test_any_two_leads_compare_as_the_written_rule_says(
        self, one: Waiting, other: Waiting, block: str
    ) -> None:
        assume(one.pk != other.pk)
        expected = -1 if _first_of(one, other, block) is one else 1
        assert compare(one, other, block) == expected
        assert compare(other, one, block) == -expected

    @given(st.lists(_waiting, unique_by=lambda one: one.pk, max_size=9), _blocks)
    def test_is_total(self, leads: list[Waiting], block: str) -> None:
        ordered = sorted(leads, key=lambda one: rules.order_key(one, block))
        for place_of_one, one in enumerate(ordered):
            for other in ordered[place_of_one + 1 :]:
                assert compare(one, other, block) == -1
        assert all(compare(one, one, block) == 0 for one in leads)

    @given(_waiting, _waiting)
    def test_callbacks_and_fresh_inbound_wait_for_no_block(self, one: Waiting, other: Waiting) -> None:
        assume(one.bucket < rules.FIRST_GROUPED and one.pk != other.pk)
        assert len({compare(one, other, block) for block in ("", "call", "email", "social")}) == 1


class TestOffered:
    @given(_live, st.integers(0, 10_080).map(lambda minutes: NOW + timedelta(minutes=minutes)))
    def test_a_planned_call_waits_for_their_hours_and_nothing_else_does(
        self, one: Standing, now: datetime
    ) -> None:
        found = place(one)
        assert found is not None
        now = max(now, found.ready_at)
        since = rules.offered_from(found, channel=one.channel, time_zone=one.time_zone, now=now)
        local = now.astimezone(ZoneInfo(one.time_zone))
        closed = local.weekday() >= 5 or not 8 <= local.hour < 18
        waits = one.channel == "call" and found.bucket in (3, 4, 5) and closed
        assert (since > now) == waits
        if waits:
            opening = since.astimezone(ZoneInfo(one.time_zone))
            assert (opening.hour, opening.minute, opening.weekday() < 5) == (8, 0, True)

    @pytest.mark.parametrize("hours", range(0, 24 * 7, 5))
    @pytest.mark.parametrize("company", [BERLIN, "America/New_York"])
    def test_the_zones_left_out_are_those_that_are_closed(self, hours: int, company: str) -> None:
        now = NOW + timedelta(hours=hours, seconds=31)
        zones = rules.waiting_zones(now, company)
        for name in (*sorted(available_timezones())[::17], "", "PST8"):
            local = now.astimezone(ZoneInfo(rules.effective_zone(name, company)))
            closed = local.weekday() >= 5 or not 8 <= local.hour < 18
            assert ((name in zones.names) != zones.all_but) == closed, name


class TestExplain:
    @given(_standings, _blocks)
    def test_every_position_can_be_explained(self, standing: Standing, block: str) -> None:
        sentences = explain(standing=standing, now=NOW, focus=block)
        assert all(sentence.endswith(".") for sentence in sentences)
        found = place(standing)
        if found is None:
            return
        since = rules.offered_from(found, channel=standing.channel, time_zone=standing.time_zone, now=NOW)
        assert ("not offered" in sentences[-1]) == (since > NOW)

    def test_says_until_when_their_morning_is_waited_for(self) -> None:
        one = _standing(next_touch_at=NOW - timedelta(hours=1), channel="call", time_zone="America/New_York")
        assert explain(standing=one, now=NOW, zone=ZoneInfo(BERLIN))[-1] == (
            "A call is planned and it is not their calling hours: it is not offered before Thu 08:00 their time, "
            "Thu 12 Nov, 14:00 yours."
        )

    def test_names_the_block_the_step_and_the_proposal(self) -> None:
        one = _standing(next_touch_at=NOW, channel="email", proposal="recycle", touch_count=9, attempts=9)
        words = " ".join(explain(standing=one, now=NOW, focus="email", step=Step(3, 8, "Inbound fast")))
        assert "Emails are what this focus block is for" in words
        assert "at step 3 of 8 of Inbound fast: email" in words
        assert "After 9 touches without contact the portal proposes to recycle it" in words


def _standing(**known: object) -> Standing:
    usual: dict[str, object] = {
        "workable": True,
        "do_not_contact": False,
        "is_inbound": True,
        "touch_count": 2,
        "arrived_at": NOW - timedelta(days=3),
        "response_due_at": None,
        "callback_at": None,
        "next_touch_at": None,
        "reentry_at": None,
        "time_zone": BERLIN,
    }
    return Standing(**usual | known)  # type: ignore[arg-type]


def _reason(bucket: int, **known: object) -> tuple[str, str]:
    usual: dict[str, object] = {
        "arrived_at": NOW - timedelta(minutes=21),
        "source": "Demo request",
        "score": "A",
        "sort_at": NOW,
    }
    zones = {name: known.pop(name) for name in ("zone", "their_zone") if name in known}
    return reason(Facts(bucket=bucket, **usual | known), now=NOW, **zones)  # type: ignore[arg-type]


class TestReason:
    @given(_live)
    def test_is_that_of_the_rule_that_placed_it(self, one: Standing) -> None:
        found = place(one)
        assert found is not None
        why, _ = reason(
            Facts(
                bucket=found.bucket,
                sort_at=found.sort_at,
                arrived_at=one.arrived_at,
                source="Demo request",
                touch_count=one.touch_count,
                callback_at=one.callback_at,
                asked_again_at=one.asked_again_at,
                channel=one.channel,
                proposal=one.proposal,
            ),
            now=NOW,
        )
        kind, _ = _written(one)
        asked = one.asked_again_at is not None
        begins = {
            "callback": ("Promised for",),
            "fresh inbound": ("Asked again",) if asked else ("Demo request",),
            "touch due": ("Asked again",)
            if asked
            else (f"{one.touch_count} touch",)
            if one.proposal
            else (f"Touch {one.touch_count + 1} is due",),
            "untouched": ("Untouched, came",),
            "recycled": ("Back",),
        }[kind]
        assert why.startswith(begins)

    def test_a_callback_is_said_in_the_viewers_time_and_in_theirs(self) -> None:
        promised = NOW.replace(hour=10, minute=45)
        berlin, helsinki = ZoneInfo(BERLIN), ZoneInfo("Europe/Helsinki")
        assert _reason(1, callback_at=promised, zone=berlin, their_zone=helsinki) == (
            "Promised for 11:45",
            "12:45 their time",
        )

    def test_a_callback_of_another_day_says_which(self) -> None:
        first, _ = _reason(1, callback_at=NOW - timedelta(days=2))
        assert first == "Promised for Tue 10 Nov, 09:42"

    def test_fresh_inbound_says_how_long_ago(self) -> None:
        assert _reason(2) == ("Demo request 21 min ago", "Score A: first answer still due")

    def test_who_asked_again_is_said_to_have(self) -> None:
        asked = NOW - timedelta(minutes=3)
        assert _reason(2, asked_again_at=asked) == ("Asked again 3 min ago", "Demo request")
        assert _reason(3, asked_again_at=asked, source="") == (
            "Asked again 3 min ago",
            "Nobody has answered yet",
        )

    def test_a_touch_says_which_and_what_came_of_the_last(self) -> None:
        assert _reason(3, touch_count=3, last_disposition="Voicemail") == (
            "Touch 4 is due",
            "Last: voicemail",
        )

    def test_a_step_says_which_of_how_many_over_what_and_of_which_cadence(self) -> None:
        assert _reason(3, touch_count=2, channel="email", step=Step(3, 8, "Inbound fast")) == (
            "Step 3 of 8: email",
            "Inbound fast",
        )

    def test_a_proposal_asks(self) -> None:
        assert _reason(
            3, touch_count=12, attempts=9, proposal="recycle", step=Step(9, 9, "Inbound fast")
        ) == (
            "9 touches without contact",
            "Recycle or disqualify?",
        )

    def test_a_visit_says_where_when_and_what_caused_it(self) -> None:
        visit = Visit(NOW - timedelta(minutes=12), "pricing", "email")
        assert _reason(3, touch_count=2, visit=visit) == ("Visited pricing 12 min ago", "After your email")
        assert _reason(4, visit=Visit(NOW - timedelta(hours=5))) == (
            "Visited the site 5 h ago",
            "Of their own accord",
        )

    def test_untouched_without_a_source_says_so(self) -> None:
        assert _reason(4, source="") == ("Untouched, came 21 min ago", "Source unknown")

    def test_recycled_says_since_when(self) -> None:
        assert _reason(5)[0] == "Back today"
        assert _reason(5, sort_at=NOW - timedelta(days=9), stage_reason="Not now") == (
            "Back since 3 Nov",
            "Not now",
        )

    @pytest.mark.parametrize(
        ("minutes", "words"),
        [(0, "0 min ago"), (59, "59 min ago"), (60, "1 h ago"), (2879, "47 h ago"), (2880, "2 days ago")],
    )
    def test_ago_at_its_edges(self, minutes: int, words: str) -> None:
        assert ago(NOW - timedelta(minutes=minutes), NOW) == words


class TestCallingHours:
    @pytest.mark.parametrize(
        ("zone", "proper", "words"),
        [
            ("Europe/Berlin", True, "until 18:00"),
            ("America/New_York", False, "from 08:00"),
            ("Asia/Tokyo", False, "from Fri 08:00"),
        ],
    )
    def test_the_prospects_own_zone_decides(self, zone: str, proper: bool, words: str) -> None:
        theirs = calling.at_prospect(zone, NOW)
        assert theirs is not None
        assert (theirs.is_proper, theirs.hour_words) == (proper, words)

    def test_nobody_is_called_at_the_weekend(self) -> None:
        saturday = NOW + timedelta(days=2)
        theirs = calling.at_prospect("Europe/Berlin", saturday)
        assert theirs is not None
        assert theirs.hour_words == "from Mon 08:00"

    @pytest.mark.parametrize("name", ["", "PST8", "Nowhere/Land", "../etc/passwd"])
    def test_a_zone_that_is_no_zone_is_not_known(self, name: str) -> None:
        assert calling.at_prospect(name, NOW) is None
