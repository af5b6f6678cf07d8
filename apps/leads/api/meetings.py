"""Meetings by API: times offered, holding one, booking, moving, calling off, outcome, and the calendar file.

The same services, policies and refusals as behind the pages. Each write names the state that it wants, so that the
same request again changes nothing and answers as the first did; under an ``Idempotency-Key`` word for word.
"""

from typing import Any

from django.http import Http404, HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.zones import zone_of
from apps.core.api import PROBLEM, GuardedView, read
from apps.core.keyset import page_of
from apps.core.policies import visible_or_404
from apps.leads import policies
from apps.leads.api import meeting_serializers as serializers
from apps.leads.api.once import KEY, once
from apps.leads.api.serializers import HandOffSerializer
from apps.leads.models import HandOff, Invitation, Lead, Meeting, Source
from apps.leads.rules.preferences import Wish
from apps.leads.selectors import meetings as selectors
from apps.leads.selectors.lead import leads_for
from apps.leads.selectors.offers import offer_for
from apps.leads.services import booking, holds, invitations, meetings, rescheduling
from apps.leads.services.booking_rules import booking_rules
from apps.leads.services.preferences import prefer
from apps.leads.services.slots import LENGTHS
from apps.reps.models import Rep
from apps.reps.selectors import rep_of

_REFUSALS = {400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM}


def _own(view: GuardedView, request: Request, pk: int) -> tuple[Lead, Rep]:
    lead = visible_or_404(leads_for(request.user), pk=pk)
    view.policy.check(request.user, lead)
    rep = rep_of(request.user)
    if rep is None:
        raise Http404
    return lead, rep


class OffersView(GuardedView):
    """Times at which an AE is free: those that the customer asked for, then the soonest others."""

    policy = policies.WORK_LEAD

    @extend_schema(
        operation_id="offered_times",
        parameters=[
            OpenApiParameter("minutes", int, enum=list(LENGTHS), description="The usual when left out.")
        ],
        responses={200: serializers.OfferSerializer, 403: PROBLEM, 404: PROBLEM},
    )
    def get(self, request: Request, pk: int) -> Response:
        lead, _ = _own(self, request, pk)
        asked = request.query_params.get("minutes", "")
        minutes = int(asked) if asked in map(str, LENGTHS) else booking_rules().meeting_minutes
        offer = offer_for(lead=lead, now=timezone.now(), zone=zone_of(request.user), minutes=minutes)
        return Response(serializers.OfferSerializer(offer).data)


class PreferredTimesView(GuardedView):
    """When the customer would like to meet: what is offered for it, or other wishes in place of those noted."""

    policy = policies.WORK_LEAD

    @extend_schema(operation_id="preferred_times", responses={200: serializers.OfferSerializer, **_REFUSALS})
    def get(self, request: Request, pk: int) -> Response:
        lead, _ = _own(self, request, pk)
        offer = offer_for(lead=lead, now=timezone.now(), zone=zone_of(request.user))
        return Response(serializers.OfferSerializer(offer).data)

    @extend_schema(
        operation_id="prefer_times",
        request=serializers.PreferredTimesInput,
        responses={200: serializers.OfferSerializer, **_REFUSALS},
    )
    def put(self, request: Request, pk: int) -> Response:
        lead, _ = _own(self, request, pk)
        given = read(serializers.PreferredTimesInput, request)["times"]
        wishes = [
            Wish(one.get("starts_at"), one.get("ends_at"), one.get("weekday"), one.get("part", ""))
            for one in given
        ]
        prefer(lead=lead, wishes=wishes, at=timezone.now(), actor=request.user)
        offer = offer_for(lead=lead, now=timezone.now(), zone=zone_of(request.user))
        return Response(serializers.OfferSerializer(offer).data)


class HoldSlotView(GuardedView):
    """Hold a time for a lead, prolong that by asking again, or give it back."""

    policy = policies.WORK_LEAD

    @extend_schema(
        operation_id="hold_time",
        parameters=[KEY],
        request=serializers.TimeInput,
        responses={200: serializers.SlotHoldSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        lead, rep = _own(self, request, pk)
        given = read(serializers.TimeInput, request)

        def act() -> Response:
            held = holds.hold_slot(
                lead=lead,
                sdr=rep,
                starts_at=given["starts_at"],
                minutes=given.get("minutes"),
                at=timezone.now(),
            )
            return Response(serializers.SlotHoldSerializer(held).data)

        return once(request, act)

    @extend_schema(
        operation_id="release_time", request=None, responses={204: None, 403: PROBLEM, 404: PROBLEM}
    )
    def delete(self, request: Request, pk: int) -> Response:
        lead, rep = _own(self, request, pk)
        holds.release_holds(lead=lead, sdr=rep, at=timezone.now())
        return Response(status=204)


class BookView(GuardedView):
    """Book a time; routing names the AE. The same lead and time again is the same hand-off."""

    policy = policies.WORK_LEAD

    @extend_schema(
        operation_id="book_meeting",
        parameters=[KEY],
        request=serializers.BookInput,
        responses={200: HandOffSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        lead, rep = _own(self, request, pk)
        given = read(serializers.BookInput, request)

        def act() -> Response:
            hand_off = _booked_already(lead, rep, given) or booking.book_meeting(
                lead=lead,
                sdr=rep,
                starts_at=given["starts_at"],
                minutes=given.get("minutes"),
                as_exploration=given["as_exploration"],
                at=timezone.now(),
                actor=request.user,
                source=Source.API,
            )
            return Response(HandOffSerializer(hand_off).data)

        return once(request, act)


def _booked_already(lead: Lead, rep: Rep, given: dict[str, Any]) -> HandOff | None:
    """What this very request booked before: a repeated message is answered, not refused."""
    standing = lead.hand_offs.filter(
        state=HandOff.State.PENDING,
        sdr=rep,
        meeting__state=Meeting.State.BOOKED,
        meeting__starts_at=given["starts_at"],
    ).select_related("lead", "sdr", "ae", "meeting")
    found = standing.first()
    if found is None or found.meeting is None:
        return None
    return found if given.get("minutes") in (None, found.meeting.minutes) else None


class MeetingsView(GuardedView):
    """Meetings in the caller's scope, the latest first; moved ones with what they became."""

    policy = policies.SEE_MEETINGS

    @extend_schema(
        operation_id="meetings",
        parameters=[
            OpenApiParameter("after", str, description="The cursor that the page before gave."),
            OpenApiParameter("state", str, enum=Meeting.State.values),
        ],
        responses={200: serializers.MeetingPageSerializer, 403: PROBLEM},
    )
    def get(self, request: Request) -> Response:
        rows = selectors.one(request.user)
        if (state := request.query_params.get("state", "")) in Meeting.State.values:
            rows = rows.filter(state=state)
        page = page_of(rows, by=("-starts_at", "-pk"), after=request.query_params.get("after", ""))
        shown = {"results": page.rows, "next_after": page.next_after}
        return Response(serializers.MeetingPageSerializer(shown).data)


class _MeetingView(GuardedView):
    """What acts on one meeting share."""

    def found(self, request: Request, pk: int) -> Meeting:
        meeting: Meeting = visible_or_404(selectors.one(request.user), pk=pk)
        self.policy.check(request.user, meeting)
        return meeting

    def told(self, request: Request, pk: int) -> Response:
        """The meeting as it stands now."""
        return Response(serializers.MeetingSerializer(selectors.one(request.user).get(pk=pk)).data)


class RescheduleView(_MeetingView):
    """Give a meeting a new time; answers with the new one."""

    policy = policies.MOVE_MEETING

    @extend_schema(
        operation_id="reschedule_meeting",
        parameters=[KEY],
        request=serializers.RescheduleInput,
        responses={200: serializers.MeetingSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        meeting, given = self.found(request, pk), read(serializers.RescheduleInput, request)

        def act() -> Response:
            moved = rescheduling.reschedule(
                meeting=meeting,
                starts_at=given["starts_at"],
                minutes=given.get("minutes"),
                reason=given["reason"],
                at=timezone.now(),
                actor=request.user,
                source=Source.API,
            )
            return self.told(request, moved.pk)

        return once(request, act)


class CancelView(_MeetingView):
    """Call a meeting off, with who did and why."""

    policy = policies.MOVE_MEETING

    @extend_schema(
        operation_id="cancel_meeting",
        parameters=[KEY],
        request=serializers.CancelInput,
        responses={200: serializers.MeetingSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        meeting, given = self.found(request, pk), read(serializers.CancelInput, request)

        def act() -> Response:
            if (meeting.state, meeting.reason) != (Meeting.State.CANCELLED, given["reason"].strip()):
                meetings.cancel_meeting(
                    meeting=meeting, **given, at=timezone.now(), actor=request.user, source=Source.API
                )
            return self.told(request, pk)

        return once(request, act)


class CloseView(_MeetingView):
    """Say whether the customer came."""

    policy = policies.CLOSE_MEETING

    @extend_schema(
        operation_id="close_meeting",
        parameters=[KEY],
        request=serializers.CloseInput,
        responses={200: serializers.MeetingSerializer, **_REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        meeting, given = self.found(request, pk), read(serializers.CloseInput, request)

        def act() -> Response:
            if meeting.state != given["outcome"]:
                meetings.close_meeting(
                    meeting=meeting,
                    held=given["outcome"] == "held",
                    at=timezone.now(),
                    actor=request.user,
                    source=Source.API,
                )
            return self.told(request, pk)

        return once(request, act)


class CalendarFileView(_MeetingView):
    """The meeting as an iCalendar file."""

    policy = policies.SEE_MEETINGS

    @extend_schema(
        operation_id="meeting_calendar_file",
        responses={(200, "text/calendar"): OpenApiTypes.STR, 403: PROBLEM, 404: PROBLEM},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        meeting = self.found(request, pk)
        standing = meeting.state in (Meeting.State.BOOKED, Meeting.State.HELD)
        method = Invitation.Method.REQUEST if standing else Invitation.Method.CANCEL
        text = invitations.calendar_of(meeting=meeting, method=method, at=meeting.state_changed_at)
        return HttpResponse(text, content_type=f"text/calendar; method={method}; charset=utf-8")
