"""Invitations: one calendar event for a hand-off, sent once, to those who may be written to."""

from datetime import timedelta
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from apps.leads.models import Invitation, Lead, Meeting, Source
from apps.leads.services import booking, invitation_mail, invitations, meetings, rescheduling
from apps.reps.models import BusyTime, Rep
from tests.cast import NOW, Cast
from tests.leads.scenes import handed_off
from tests.stage import staged

SOON = NOW + timedelta(minutes=1)


@pytest.fixture
@staged
def meeting(cast: Cast) -> Meeting:
    found = handed_off(cast, slot=40).meeting  # days ahead: what is tried for hours is still to come
    assert found is not None
    return found


def parsed(text: str) -> tuple[str, Any]:
    calendar = Calendar.from_ical(text)
    return str(calendar["METHOD"]), calendar.walk("VEVENT")[0]


def sent_to(address: str) -> list[Any]:
    return [one for one in mail.outbox if one.to == [address]]


def part(message: Any) -> tuple[str, Any]:
    whole = message.message()
    found = [one for one in whole.walk() if one.get_content_type() == "text/calendar"]
    method, event = parsed(found[0].get_payload(decode=True).decode())
    assert found[0].get_param("method") == method
    return method, event


class TestBooking:
    def test_writes_to_the_customer_and_the_ae_after_it(self, cast: Cast, meeting: Meeting) -> None:
        assert mail.outbox == []
        assert invitation_mail.send_due(at=SOON) == 2
        assert {one.to[0] for one in mail.outbox} == {meeting.lead.email, cast.ae.email}
        theirs = sent_to(meeting.lead.email)[0]
        assert theirs.reply_to == [cast.ae.email]
        method, event = part(theirs)
        assert (method, int(event["SEQUENCE"]), str(event["STATUS"])) == ("REQUEST", 0, "CONFIRMED")
        assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (meeting.starts_at, meeting.ends_at)
        assert event.decoded("DTSTART").utcoffset() == timedelta(0)
        assert {str(one) for one in event["ATTENDEE"]} == {
            f"mailto:{meeting.lead.email}", f"mailto:{cast.ae.email}",
        }  # fmt: skip

    def test_is_sent_once(self, meeting: Meeting) -> None:
        invitation_mail.send_due(at=SOON)
        assert invitation_mail.send_due(at=SOON + timedelta(days=1)) == 0
        assert len(mail.outbox) == 2

    @pytest.mark.parametrize("known", [{"do_not_contact": True}, {"closed_channels": ["email"]}])
    def test_who_opted_out_is_not_written_to_but_told_of_the_cancellation(
        self, meeting: Meeting, known: dict[str, Any]
    ) -> None:
        Lead.objects.update(**known)
        invitation_mail.send_due(at=SOON)
        assert sent_to(meeting.lead.email) == []
        meetings.cancel_meeting(meeting=meeting, who="us", reason="They opted out", at=SOON)
        invitation_mail.send_due(at=SOON)
        assert [part(one)[0] for one in sent_to(meeting.lead.email)] == ["CANCEL"]

    @pytest.mark.parametrize("source", [Source.DEMO, Source.IMPORT])
    def test_what_was_told_elsewhere_is_not_mailed(self, meeting: Meeting, source: Source) -> None:
        Invitation.objects.all().delete()
        invitations.invite(meeting=meeting, at=NOW, source=source)
        assert not Invitation.objects.exists()

    def test_a_lead_without_an_address_leaves_the_ae(self, cast: Cast, meeting: Meeting) -> None:
        Invitation.objects.all().delete()
        meeting.lead.email = ""
        invitations.invite(meeting=meeting, at=NOW)
        assert list(Invitation.objects.values_list("address", flat=True)) == [cast.ae.email]


class TestChanges:
    def test_keep_the_uid_and_raise_the_sequence(self, cast: Cast, meeting: Meeting) -> None:
        invitation_mail.send_due(at=SOON)
        start = booking.offered_slots(lead=meeting.lead, at=NOW)[9].starts_at
        new = rescheduling.reschedule(meeting=meeting, starts_at=start, at=SOON)
        invitation_mail.send_due(at=SOON)
        meetings.cancel_meeting(meeting=new, who="customer", reason="Ill", at=SOON)
        invitation_mail.send_due(at=SOON)
        told = [part(one) for one in sent_to(meeting.lead.email)]
        assert [(method, int(event["SEQUENCE"])) for method, event in told] == [
            ("REQUEST", 0), ("REQUEST", 1), ("CANCEL", 2),
        ]  # fmt: skip
        assert len({str(event["UID"]) for _, event in told}) == 1
        assert told[1][1].decoded("DTSTART") == start

    def test_another_ae_is_invited_and_the_first_one_let_off(self, cast: Cast, meeting: Meeting) -> None:
        start = booking.offered_slots(lead=meeting.lead, at=NOW)[9].starts_at
        BusyTime.objects.create(rep=meeting.ae, starts_at=start, ends_at=start + timedelta(hours=1))
        rescheduling.reschedule(meeting=meeting, starts_at=start, at=NOW)
        invitation_mail.send_due(at=SOON)
        assert part(sent_to(cast.ae.email)[-1])[0] == "CANCEL"
        assert part(sent_to(cast.second_ae.email)[0])[0] == "REQUEST"

    def test_one_that_was_overtaken_is_not_sent(self, meeting: Meeting) -> None:
        start = booking.offered_slots(lead=meeting.lead, at=NOW)[9].starts_at
        rescheduling.reschedule(meeting=meeting, starts_at=start, at=NOW)
        invitation_mail.send_due(at=SOON)
        assert [int(part(one)[1]["SEQUENCE"]) for one in sent_to(meeting.lead.email)] == [1]


class TestOutbox:
    def test_a_killed_worker_sends_once_more_and_never_a_third_time(
        self, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Killed(BaseException):
            pass

        def sent_and_killed(self: Any, messages: Any) -> int:
            send_all(self, messages)
            raise Killed

        send_all = EmailBackend.send_messages
        monkeypatch.setattr(EmailBackend, "send_messages", sent_and_killed)
        at = SOON
        for _ in range(5):
            for _ in range(2):
                try:
                    invitation_mail.send_due(at=at)
                except Killed:
                    pass
            at += invitation_mail.CLAIM_LASTS
        theirs = sent_to(meeting.lead.email)
        assert len(theirs) == 2
        assert len({one.extra_headers["Message-ID"] for one in theirs}) == 1
        assert not Invitation.objects.filter(due_at__isnull=False).exists()

    @pytest.mark.parametrize("error", [SMTPRecipientsRefused({}), SMTPServerDisconnected(), OSError()])
    def test_what_the_server_refuses_is_tried_again(
        self, meeting: Meeting, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        def refuse(self: Any, messages: Any) -> int:
            raise error

        with monkeypatch.context() as away:
            away.setattr(EmailBackend, "send_messages", refuse)
            for hours in range(4):
                invitation_mail.send_due(at=SOON + timedelta(hours=hours))
        assert mail.outbox == []
        assert invitation_mail.send_due(at=SOON + timedelta(hours=5)) == 2

    def test_is_given_up_in_the_end(self, meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> None:
        late = SOON + invitation_mail.GIVE_UP_AFTER + timedelta(hours=1)
        assert invitation_mail.send_due(at=late) == 0
        assert not Invitation.objects.filter(due_at__isnull=False).exists()


class TestCalendarText:
    @pytest.mark.django_db(False)
    @given(
        name=st.text(max_size=120),
        company=st.text(max_size=120).filter(lambda text: "\x00" not in text),
    )
    def test_no_name_begins_a_property_of_its_own(self, name: str, company: str) -> None:
        lead = Lead(pk=1, name=name, company=company, email="p@customer.example")
        ae = Rep(pk=2, name=name)
        meeting = Meeting(pk=3, lead=lead, ae=ae, starts_at=NOW, ends_at=NOW + timedelta(minutes=30))
        text = invitations.calendar_of(meeting=meeting, method="REQUEST", at=NOW)
        assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
        assert "\n" not in text.replace("\r\n", "")
        method, event = parsed(text)
        assert method == "REQUEST"
        names = [
            "UID", "SEQUENCE", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION", "STATUS", "TRANSP",
            "ORGANIZER", "ATTENDEE",
        ]  # fmt: skip
        assert sorted(event.keys()) == sorted(names)
        assert str(event["ATTENDEE"]) == "mailto:p@customer.example"

    def test_a_name_cannot_make_a_header(self, cast: Cast, meeting: Meeting) -> None:
        Invitation.objects.all().delete()
        meeting.lead.company = "Evil\r\nBcc: all@customers.example"
        invitations.invite(meeting=meeting, at=NOW)
        assert invitation_mail.send_due(at=SOON) == 2
        assert all("Bcc" not in one.message() for one in mail.outbox)
        assert {one.to[0] for one in mail.outbox} == {meeting.lead.email, cast.ae.email}
