"""Calling hours and closed channels: at the prospect's own time, through every door that touches use."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.leads.models import Channel, Disposition, Lead, Persona, Purpose, Source, Touch
from apps.leads.rules.calling import CLOSES, OPENS, is_proper, next_proper, their_time
from apps.leads.services import touches
from tests.cast import NOW, Cast
from tests.leads.test_touches import VOICEMAIL, arrive

HOUR = timedelta(hours=1)
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Asia/Tokyo",
    "Australia/Sydney",
    "America/Sao_Paulo",
    "",
    "Mars",
]


class TestRule:
    @given(zone=st.sampled_from(ZONES), minutes=st.integers(0, 60 * 24 * 400))
    def test_the_next_proper_instant_is_proper_there_and_the_first(self, zone: str, minutes: int) -> None:
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
        found = next_proper(zone, at, fallback="Europe/Berlin")
        there = ZoneInfo(zone if zone not in ("", "Mars") else "Europe/Berlin")
        assert is_proper(found.astimezone(there))
        assert found >= at
        if found != at:
            assert not is_proper((found - timedelta(seconds=1)).astimezone(there))
            assert not is_proper(at.astimezone(there))
            assert found - at <= timedelta(days=3)

    def test_an_unknown_zone_is_said_to_be_unknown(self) -> None:
        known = their_time("Asia/Tokyo", NOW, fallback="Europe/Berlin")
        unknown = their_time("", NOW, fallback="Europe/Berlin")
        assert (known.is_known, known.is_proper) == (True, False)
        assert (unknown.is_known, unknown.is_proper) == (False, True)
        assert unknown.local.hour == 10

    def test_opens_at_eight_and_closes_at_six(self) -> None:
        day = datetime(2026, 11, 12, tzinfo=ZoneInfo("Europe/Berlin"))
        assert (OPENS.hour, CLOSES.hour) == (8, 18)
        assert is_proper(day.replace(hour=8))
        assert not is_proper(day.replace(hour=18))
        assert not is_proper(day.replace(hour=7, minute=59))


class TestLogging:
    def _lead(self, cast: Cast, zone: str = "Asia/Tokyo", **fields: Any) -> Lead:
        lead = arrive(cast, time_zone=zone)
        Lead.objects.filter(pk=lead.pk).update(**fields) if fields else None
        return lead

    def test_a_call_outside_their_hours_is_refused_and_says_when_it_is_proper(self, cast: Cast) -> None:
        with pytest.raises(
            touches.OutsideCallingHours, match=r"Thu 18:42 their time.*from Fri 08:00"
        ) as refused:
            touches.log_touch(lead=self._lead(cast), rep=cast.rep(cast.sdr), at=NOW, **VOICEMAIL)
        assert isinstance(refused.value, touches.UnableToTouch)
        assert refused.value.field == "they_asked"
        assert not Touch.objects.exists()

    def test_where_their_zone_is_unknown_the_companys_hours_hold_and_it_says_so(self, cast: Cast) -> None:
        with pytest.raises(touches.OutsideCallingHours, match="theirs is not known"):
            touches.log_touch(
                lead=self._lead(cast, ""), rep=cast.rep(cast.sdr), at=NOW + 9 * HOUR, **VOICEMAIL
            )

    @pytest.mark.parametrize("channel", ["email", "social", "chat", "visit"])
    def test_other_channels_wait_for_no_hour(self, cast: Cast, channel: Channel) -> None:
        touch = touches.log_touch(
            lead=self._lead(cast),
            rep=cast.rep(cast.sdr),
            channel=channel,
            disposition=Disposition.SENT,
            at=NOW,
        )
        assert not touch.outside_hours

    def test_a_call_they_asked_for_is_logged_as_one(self, cast: Cast) -> None:
        touch = touches.log_touch(
            lead=self._lead(cast), rep=cast.rep(cast.sdr), at=NOW, they_asked=True, **VOICEMAIL
        )
        assert touch.outside_hours
        fine = touches.log_touch(
            lead=arrive(cast, 2), rep=cast.rep(cast.sdr), at=NOW, they_asked=True, **VOICEMAIL
        )
        assert not fine.outside_hours, "it was within their hours anyway"

    @pytest.mark.parametrize(
        ("minutes", "is_taken"), [(-121, False), (-120, True), (120, True), (121, False)]
    )
    def test_a_promised_callback_is_made_within_two_hours_of_its_time(
        self, cast: Cast, minutes: int, is_taken: bool
    ) -> None:
        promised = NOW + 3 * HOUR
        lead, at = self._lead(cast, callback_at=promised), promised + timedelta(minutes=minutes)
        if is_taken:
            touch = touches.log_touch(lead=lead, rep=cast.rep(cast.sdr), at=at, **VOICEMAIL)
            assert touch.outside_hours
        else:
            with pytest.raises(touches.OutsideCallingHours):
                touches.log_touch(lead=lead, rep=cast.rep(cast.sdr), at=at, **VOICEMAIL)

    def test_a_closed_channel_is_refused_and_never_the_next_one(self, cast: Cast) -> None:
        lead = self._lead(cast, "Europe/Berlin", closed_channels=["call", "email"])
        with pytest.raises(touches.UnableToTouch, match=r"closed this channel \(call\)"):
            touches.log_touch(lead=lead, rep=cast.rep(cast.sdr), at=NOW, **VOICEMAIL)
        touches.log_touch(lead=lead, rep=cast.rep(cast.sdr), channel="social", disposition="sent", at=NOW)
        lead.refresh_from_db()
        assert lead.next_channel == "social", "after sent the rules would call"

    def test_history_from_an_import_is_taken_as_it_was(self, cast: Cast) -> None:
        lead = self._lead(cast, closed_channels=["call"])
        touch = touches.log_touch(
            lead=lead, rep=cast.rep(cast.sdr), at=NOW, source=Source.IMPORT, **VOICEMAIL
        )
        assert touch.outside_hours

    def test_the_next_call_is_planned_into_their_hours(self, cast: Cast) -> None:
        lead = self._lead(cast, "America/New_York")
        touches.log_touch(
            lead=lead, rep=cast.rep(cast.sdr), channel="email", disposition="gatekeeper", at=NOW
        )
        lead.refresh_from_db()
        # Tomorrow at 09:42 UTC it is 04:42 in New York: eight there.
        assert (lead.next_channel, lead.next_touch_at) == ("call", datetime(2026, 11, 13, 13, tzinfo=UTC))

    def test_where_every_channel_proved_bad_the_end_is_proposed(self, cast: Cast) -> None:
        lead = self._lead(cast, "Europe/Berlin")
        for number, channel in enumerate(("call", "email", "social", "chat")):
            touches.log_touch(
                lead=lead,
                rep=cast.rep(cast.sdr),
                channel=channel,
                disposition="bad_contact",
                at=NOW + number * timedelta(minutes=1),
            )
            lead.refresh_from_db()
            assert lead.next_channel != channel
        assert (lead.proposal, lead.proposal_reason) == ("disqualify", "No channel is open")


class TestPurpose:
    def test_the_first_touch_of_an_inbound_lead_answers_it(self, cast: Cast) -> None:
        rep, lead = cast.rep(cast.sdr), arrive(cast)
        first = touches.log_touch(lead=lead, rep=rep, channel="email", disposition="connected", at=NOW)
        second = touches.log_touch(lead=lead, rep=rep, channel="email", disposition="sent", at=NOW + HOUR)
        assert (first.purpose, second.purpose) == (Purpose.ANSWER, Purpose.QUALIFY)
        outbound = arrive(cast, 2, is_inbound=False)
        third = touches.log_touch(lead=outbound, rep=rep, channel="email", disposition="sent", at=NOW)
        assert third.purpose == Purpose.FOLLOW_UP

    def test_what_was_said_wins_and_must_be_known(self, cast: Cast) -> None:
        rep, lead = cast.rep(cast.sdr), arrive(cast)
        said = touches.log_touch(
            lead=lead, rep=rep, channel="email", disposition="sent", at=NOW, purpose=Purpose.NURTURE
        )
        assert said.purpose == Purpose.NURTURE
        with pytest.raises(touches.InvalidInput) as refused:
            touches.log_touch(lead=lead, rep=rep, channel="email", disposition="sent", at=NOW, purpose="fun")
        assert refused.value.field == "purpose"

    def test_keeps_the_persona_of_the_time(self, cast: Cast) -> None:
        lead = arrive(cast, title="Chief Operating Officer")
        touch = touches.log_touch(
            lead=lead, rep=cast.rep(cast.sdr), channel="email", disposition="sent", at=NOW
        )
        assert touch.persona == Persona.EXECUTIVE
