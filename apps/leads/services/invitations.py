"""Calendar invitations to those who meet: what they say, and the outbox in which they wait to be sent.

One event of a calendar (RFC 5545) for each hand-off: every new time has the same UID and the next SEQUENCE, and a
cancellation the next again (RFC 5546). The company's own address is the organiser, so that the organiser stays when
another AE takes the meeting; the mails come from it, and are answered to the AE. Times are UTC: every calendar shows
them in its owner's zone, and no definition of a zone can be wrong. The mails are written here, in the transaction
that books; ``services.invitation_mail`` sends them after it.
"""

from datetime import UTC, datetime
from email.utils import parseaddr
from urllib.parse import urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string
from icalendar import Calendar, Event, vCalAddress, vText

from apps.leads.models import Channel, Invitation, Lead, Meeting, Source
from apps.leads.rules import calling
from apps.reps.models import Rep

REQUEST, CANCEL = Invitation.Method.REQUEST, Invitation.Method.CANCEL
_TOLD_ELSEWHERE = (Source.DEMO, Source.IMPORT)
"""What comes from there was agreed and told elsewhere: nobody gets mail about it."""


def new_uid() -> str:
    """The name of a new calendar event, unlike any other in the world."""
    return f"{uuid4().hex}@{urlsplit(settings.PORTAL_URL).hostname or 'portal'}"


def uid_of(meeting: Meeting) -> str:
    """The UID under which the meeting's event is known; meetings from before had none of their own."""
    return meeting.invite_uid or f"meeting-{meeting.pk}@{urlsplit(settings.PORTAL_URL).hostname or 'portal'}"


def may_be_mailed(lead: Lead) -> bool:
    """Whether the customer may be written to: who opted out gets nothing but a cancellation."""
    return not lead.do_not_contact and Channel.EMAIL.value not in (lead.closed_channels or [])


def invite(*, meeting: Meeting, at: datetime, source: Source = Source.PAGE) -> None:
    """Write the invitations to the meeting as it now stands, to the customer and the AE."""
    if source in _TOLD_ELSEWHERE or meeting.starts_at <= at:
        return
    ics = calendar_of(meeting=meeting, method=REQUEST, at=at)
    rows = [
        _row(meeting, REQUEST, to, address, ics, at)
        for to, address in _addresses(meeting, meeting.ae)
        if to == Invitation.To.AE or may_be_mailed(meeting.lead)
    ]
    Invitation.objects.bulk_create(rows, ignore_conflicts=True)


def cancel(*, meeting: Meeting, at: datetime, source: Source = Source.PAGE) -> None:
    """Take the event out of everybody's calendar again. The caller saves ``invite_sequence``, which goes up."""
    meeting.invite_sequence += 1
    if source in _TOLD_ELSEWHERE or meeting.ends_at <= at:
        return
    ics = calendar_of(meeting=meeting, method=CANCEL, at=at)
    Invitation.objects.bulk_create(
        [
            _row(meeting, CANCEL, to, address, ics, at)
            for to, address in _addresses(meeting, meeting.ae)
            if to == Invitation.To.AE or may_be_mailed(meeting.lead) or _was_invited(meeting, address)
        ],
        ignore_conflicts=True,
    )


def uninvite(*, meeting: Meeting, ae: Rep, at: datetime, source: Source = Source.PAGE) -> None:
    """The event goes on without ``ae``: out of this one calendar. ``meeting`` is as it now stands."""
    if source in _TOLD_ELSEWHERE or meeting.ends_at <= at or ae.user is None:
        return
    ics = calendar_of(meeting=meeting, method=CANCEL, at=at, ae=ae)
    rows = [_row(meeting, CANCEL, Invitation.To.AE, ae.user.email, ics, at, ae=ae)]
    Invitation.objects.bulk_create(rows, ignore_conflicts=True)


def _was_invited(meeting: Meeting, address: str) -> bool:
    of_event = Invitation.objects.filter(meeting__invite_uid=meeting.invite_uid, address=address)
    return of_event.filter(method=REQUEST).exists()


def _addresses(meeting: Meeting, ae: Rep) -> list[tuple[str, str]]:
    found = [(Invitation.To.CUSTOMER.value, meeting.lead.email)]
    if ae.user is not None:
        found.append((Invitation.To.AE.value, ae.user.email))
    return [(to, address) for to, address in found if _is_address(address)]


def _is_address(address: str) -> bool:
    return (
        "@" in address and address == parseaddr(address)[1] and address.isprintable() and " " not in address
    )


def _row(
    meeting: Meeting, method: str, to: str, address: str, ics: str, at: datetime, ae: Rep | None = None
) -> Invitation:
    ae = ae or meeting.ae
    zone = ZoneInfo(ae.time_zone)
    if to == Invitation.To.CUSTOMER:
        zone = calling.zone_named(meeting.lead.time_zone) or ZoneInfo(settings.COMPANY_TIME_ZONE)
    starts, ends = meeting.starts_at.astimezone(zone), meeting.ends_at.astimezone(zone)
    context = {
        "meeting": meeting,
        "lead": meeting.lead,
        "ae": ae,
        "is_customer": to == Invitation.To.CUSTOMER,
        "is_off": method == CANCEL,
        "is_moved": method == REQUEST and meeting.invite_sequence > 0,
        "when": f"{starts:%A} {starts.day} {starts:%B %Y}, {starts:%H:%M} to {ends:%H:%M} ({starts:%Z})",
        "company": settings.COMPANY_NAME,
    }
    head = "Cancelled" if method == CANCEL else "New time" if context["is_moved"] else "Invitation"
    return Invitation(
        meeting=meeting,
        method=method,
        sequence=meeting.invite_sequence,
        to=to,
        address=address,
        subject=_plain(f"{head}: {_title(meeting)}, {starts:%a} {starts.day} {starts:%b} {starts:%H:%M}")[
            :200
        ],
        words=render_to_string("leads/mail/invitation.txt", context),
        ics=ics,
        created_at=at,
        due_at=at,
    )


def calendar_of(*, meeting: Meeting, method: str, at: datetime, ae: Rep | None = None) -> str:
    """The event as an iCalendar text with CRLF, folded and escaped; ``at`` stamps it."""
    ae = ae or meeting.ae
    event = Event()
    event.add("uid", uid_of(meeting))
    event.add("sequence", meeting.invite_sequence)
    event.add("dtstamp", at.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", meeting.starts_at.astimezone(UTC))
    event.add("dtend", meeting.ends_at.astimezone(UTC))
    event.add("summary", _title(meeting))
    event.add("description", f"{_plain(ae.name)} meets {_plain(meeting.lead.label)}.")
    event.add("status", "CANCELLED" if method == CANCEL else "CONFIRMED")
    event.add("transp", "OPAQUE")
    event.add("organizer", _person(parseaddr(settings.DEFAULT_FROM_EMAIL)[1], settings.COMPANY_NAME))
    for to, address in _addresses(meeting, ae):
        is_ae = to == Invitation.To.AE
        person = _person(address, ae.name if is_ae else meeting.lead.name)
        person.params["ROLE"] = vText("REQ-PARTICIPANT")
        person.params["PARTSTAT"] = vText("ACCEPTED" if is_ae else "NEEDS-ACTION")
        person.params["RSVP"] = vText("FALSE" if is_ae or method == CANCEL else "TRUE")
        event.add("attendee", person, encode=False)
    calendar = Calendar()
    calendar.add("prodid", "-//Sales portal//Meetings//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(event)
    return calendar.to_ical().decode()


def _title(meeting: Meeting) -> str:
    return _plain(f"{settings.COMPANY_NAME} and {meeting.lead.company or meeting.lead.label}")


def _person(address: str, name: str) -> vCalAddress:
    person = vCalAddress(f"mailto:{address}")
    # A quoted parameter cannot hold a quote itself, whatever is done to it (RFC 5545, 3.2).
    person.params["CN"] = vText(_plain(name).replace('"', "'") or address)
    return person


def _plain(text: str) -> str:
    """One line without control characters, so that no name can begin a header or a property of its own."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
