"""The order of the queue as PRODUCT section 4 writes it, and the words of a row."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.leads.rules import calling
from apps.leads.rules.queue import Standing, ago, explain, place, reason

NOW = datetime(2026, 11, 12, 9, 42, tzinfo=UTC)
_instants = st.integers(-5_000, 5_000).map(lambda minutes: NOW + timedelta(minutes=minutes))

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
)


def _written(one: Standing) -> tuple[int, datetime]:
    """The written rule, said a second time: callbacks due, fresh inbound nearest its deadline, touches due,
    untouched, recycled."""
    untouched = one.touch_count == 0
    if one.callback_at:
        return 0, one.callback_at
    if one.reentry_at:
        return 4, one.reentry_at
    if untouched and one.is_inbound and one.response_due_at:
        return 1, one.response_due_at
    if not untouched:
        return 2, one.next_touch_at or one.arrived_at
    return 3, one.arrived_at


@given(_standings, _standings)
def test_any_two_leads_compare_as_the_written_rule_says(one: Standing, other: Standing) -> None:
    first, second = place(one), place(other)
    if first is None or second is None:
        hidden = one if first is None else other
        assert hidden.do_not_contact or not hidden.workable
        return
    by_place = (first.bucket, first.sort_at) < (second.bucket, second.sort_at)
    assert by_place == (_written(one) < _written(other))


@given(_standings)
def test_nobody_who_opted_out_has_a_place(standing: Standing) -> None:
    if standing.do_not_contact or not standing.workable:
        assert place(standing) is None
    else:
        assert place(standing) is not None


@given(_standings)
def test_every_position_can_be_explained(standing: Standing) -> None:
    sentences = explain(standing=standing, now=NOW)
    assert all(sentence.endswith(".") for sentence in sentences)
    found = place(standing)
    if found is not None:
        assert ("not offered" in sentences[-1]) == (found.ready_at > NOW)


def _reason(bucket: int, **known: object) -> tuple[str, str]:
    usual: dict[str, object] = {
        "now": NOW,
        "arrived_at": NOW - timedelta(minutes=21),
        "source": "Demo request",
        "score": "A",
        "touch_count": 0,
        "callback_at": None,
        "stage_reason": "",
        "last_disposition": "",
    }
    return reason(bucket=bucket, **usual | known)  # type: ignore[arg-type]


class TestReason:
    def test_a_callback_is_said_in_the_viewers_time_and_in_theirs(self) -> None:
        promised = NOW.replace(hour=10, minute=45)
        berlin, helsinki = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/Helsinki")
        assert _reason(1, callback_at=promised, zone=berlin, their_zone=helsinki) == (
            "Promised for 11:45",
            "12:45 their time",
        )

    def test_a_callback_of_another_day_says_which(self) -> None:
        first, _ = _reason(1, callback_at=NOW - timedelta(days=2))
        assert first == "Promised for Tue 10 Nov, 09:42"

    def test_fresh_inbound_says_how_long_ago(self) -> None:
        assert _reason(2) == ("Demo request 21 min ago", "Score A: first answer still due")

    def test_a_touch_says_which_and_what_came_of_the_last(self) -> None:
        assert _reason(3, touch_count=3, last_disposition="Voicemail") == (
            "Touch 4 is due",
            "Last: voicemail",
        )

    def test_untouched_without_a_source_says_so(self) -> None:
        assert _reason(4, source="") == ("Untouched, came 21 min ago", "Source unknown")

    def test_recycled_says_since_when(self) -> None:
        assert _reason(5, sort_at=NOW)[0] == "Back today"
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
