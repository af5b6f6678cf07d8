"""Bookable time by API: the free half hours and the closed ones, time off, busy times by hand, calendars, caps.

The same services, policies and refusals as behind the page. The address of a feed is written and never read.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import PROBLEM, GuardedView, read
from apps.core.errors import InvalidInput
from apps.core.periods import day_of
from apps.core.policies import visible_or_404
from apps.jobs import services as jobs
from apps.leads.selectors.availability import diaries
from apps.reps.models import Rep, TimeOff
from apps.reps.policies import SEE_BOOKABLE, SET_CAPS
from apps.reps.rules.availability import SLOT, Why, why_closed
from apps.reps.selectors import own_time
from apps.reps.services import busy_calendars, time_off
from apps.reps.tasks import READ_FEED

_MOST_DAYS = 31
_HALF_HOUR = 1_800
_WRONG = {400: PROBLEM, 403: PROBLEM, 404: PROBLEM, 409: PROBLEM}


def _rep(request: Request, pk: int) -> Rep:
    return visible_or_404(own_time.takers(request.user).select_related("team", "user"), pk=pk)


# --- The time itself --------------------------------------------------------------------------------


class HalfHourSerializer(serializers.Serializer):
    """A half hour within working hours. ``why`` is empty where it is free."""

    starts_at = serializers.DateTimeField()
    free = serializers.BooleanField()
    kind = serializers.ChoiceField(choices=[(one.value, one.value) for one in Why], allow_blank=True)
    why = serializers.CharField(allow_blank=True)


class BookableSerializer(serializers.Serializer):
    rep = serializers.IntegerField()
    results = HalfHourSerializer(many=True)


class BookableView(GuardedView):
    """Each half hour within working hours: free, or why it is closed. At most 31 days."""

    policy = SEE_BOOKABLE

    @extend_schema(
        operation_id="bookable_time",
        parameters=[
            OpenApiParameter("first", datetime, required=True),
            OpenApiParameter("last", datetime, required=True, description="Exclusive."),
        ],
        responses={200: BookableSerializer, **_WRONG},
    )
    def get(self, request: Request, pk: int) -> Response:
        rep, at = _rep(request, pk), timezone.now()
        first, last = _instant(request, "first"), _instant(request, "last")
        if not first < last <= first + timedelta(days=_MOST_DAYS):
            raise InvalidInput(f"Ask for at most {_MOST_DAYS} days, first before last.", field="last")
        diary = diaries(aes=[rep], first=first, last=last, at=at)[rep.pk]
        found = []
        start = -(-int(first.timestamp()) // _HALF_HOUR) * _HALF_HOUR
        for begun in range(start, int(last.timestamp()), _HALF_HOUR):
            starts_at = datetime.fromtimestamp(begun, UTC)
            closed = why_closed(diary, starts_at, starts_at + SLOT, at)
            if closed is None or closed.kind != Why.HOURS:
                kind, words = closed or ("", "")
                row = {"starts_at": starts_at, "free": closed is None, "kind": kind, "why": words}
                found.append(row)
        return Response(BookableSerializer({"rep": rep.pk, "results": found}).data)


def _instant(request: Request, name: str) -> datetime:
    field = serializers.DateTimeField(default_timezone=UTC)
    try:
        found: datetime = field.run_validation(request.query_params.get(name, ""))
    except serializers.ValidationError as error:
        raise InvalidInput("Give an instant, as 2026-11-16T09:00:00Z.", field=name) from error
    if not 1990 < found.year < 2200:
        raise InvalidInput("Give an instant between 1990 and 2200.", field=name)
    return found


# --- Time off ---------------------------------------------------------------------------------------


class TimeOffSerializer(serializers.Serializer):
    id = serializers.IntegerField(read_only=True)
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(help_text="The first day back.")
    kind = serializers.ChoiceField(choices=TimeOff.Kind.choices, default=TimeOff.Kind.HOLIDAY)


class TimeOffListSerializer(serializers.Serializer):
    results = TimeOffSerializer(many=True)


class TimeOffsView(GuardedView):
    """Time off of a rep: what runs or is to come, and more of it."""

    policy = SEE_BOOKABLE

    @extend_schema(operation_id="time_off", responses={200: TimeOffListSerializer, **_WRONG})
    def get(self, request: Request, pk: int) -> Response:
        rep = _rep(request, pk)
        found = own_time.time_off_of(rep, day_of(timezone.now(), rep.time_zone))
        return Response(TimeOffListSerializer({"results": found}).data)

    @extend_schema(
        operation_id="add_time_off", request=TimeOffSerializer, responses={201: TimeOffSerializer, **_WRONG}
    )
    def post(self, request: Request, pk: int) -> Response:
        rep, given = _rep(request, pk), read(TimeOffSerializer, request)
        given["kind"] = TimeOff.Kind(given["kind"])
        made = time_off.add_time_off(rep=rep, at=timezone.now(), actor=request.user, **given)
        return Response(TimeOffSerializer(made).data, status=201)


class TimeOffView(GuardedView):
    """One time off: as it is, other days, or its end."""

    policy = SEE_BOOKABLE

    @extend_schema(
        operation_id="one_time_off", responses={200: TimeOffSerializer, 403: PROBLEM, 404: PROBLEM}
    )
    def get(self, request: Request, pk: int) -> Response:
        found = visible_or_404(own_time.time_off_in_scope(request.user), pk=pk)
        return Response(TimeOffSerializer(found).data)

    @extend_schema(
        operation_id="change_time_off",
        request=TimeOffSerializer,
        responses={200: TimeOffSerializer, **_WRONG},
    )
    def put(self, request: Request, pk: int) -> Response:
        found = visible_or_404(own_time.time_off_in_scope(request.user), pk=pk)
        given = read(TimeOffSerializer, request)
        given["kind"] = TimeOff.Kind(given["kind"])
        time_off.change_time_off(time_off=found, at=timezone.now(), actor=request.user, **given)
        return Response(TimeOffSerializer(found).data)

    @extend_schema(operation_id="end_time_off", responses={204: None, 403: PROBLEM, 404: PROBLEM})
    def delete(self, request: Request, pk: int) -> Response:
        found = visible_or_404(own_time.time_off_in_scope(request.user), pk=pk)
        at = timezone.now()
        today = day_of(at, found.rep.time_zone)
        time_off.end_time_off(time_off=found, today=today, at=at, actor=request.user)
        return Response(status=204)


# --- Busy times by hand -----------------------------------------------------------------------------


class BusyTimeSerializer(serializers.Serializer):
    """A time closed by hand; ``title`` is written, and read by the rep alone."""

    id = serializers.IntegerField(read_only=True)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    title = serializers.CharField(
        max_length=120, required=False, allow_blank=True, default="", write_only=True
    )


class BusyTimesView(GuardedView):
    """Close a time by hand."""

    policy = SEE_BOOKABLE

    @extend_schema(
        operation_id="add_busy_time",
        request=BusyTimeSerializer,
        responses={201: BusyTimeSerializer, **_WRONG},
    )
    def post(self, request: Request, pk: int) -> Response:
        rep, given = _rep(request, pk), read(BusyTimeSerializer, request)
        made = time_off.add_busy(rep=rep, at=timezone.now(), actor=request.user, **given)
        return Response(BusyTimeSerializer(made).data, status=201)


class BusyTimeView(GuardedView):
    """A busy time, without what it is; one that was closed by hand is opened again."""

    policy = SEE_BOOKABLE

    @extend_schema(operation_id="busy_time", responses={200: BusyTimeSerializer, 403: PROBLEM, 404: PROBLEM})
    def get(self, request: Request, pk: int) -> Response:
        found = visible_or_404(own_time.by_hand_in_scope(request.user), pk=pk)
        return Response(BusyTimeSerializer(found).data)

    @extend_schema(operation_id="remove_busy_time", responses={204: None, **_WRONG})
    def delete(self, request: Request, pk: int) -> Response:
        found = visible_or_404(own_time.by_hand_in_scope(request.user), pk=pk)
        time_off.remove_busy(busy=found, at=timezone.now(), actor=request.user)
        return Response(status=204)


# --- Calendars --------------------------------------------------------------------------------------


class ProblemEventSerializer(serializers.Serializer):
    line = serializers.IntegerField()
    why = serializers.CharField()


class BusyCalendarSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.CharField()
    address = serializers.CharField(source="masked_address", help_text="Its host alone.")
    read_at = serializers.DateTimeField(allow_null=True)
    reaches_to = serializers.DateTimeField(allow_null=True)
    failing_since = serializers.DateTimeField(allow_null=True)
    failure = serializers.CharField()
    events = serializers.IntegerField()
    problem_count = serializers.IntegerField()
    problems = ProblemEventSerializer(many=True)


class BusyCalendarListSerializer(serializers.Serializer):
    results = BusyCalendarSerializer(many=True)


class CalendarInput(serializers.Serializer):
    """A feed by its ``address``, or the ``content`` of a calendar file."""

    name = serializers.CharField(max_length=80, required=False, allow_blank=True, default="")
    address = serializers.CharField(max_length=1_000, required=False, allow_blank=True, default="")
    content = serializers.CharField(
        required=False, allow_blank=True, default="", trim_whitespace=False, help_text="iCalendar text."
    )


class BusyCalendarsView(GuardedView):
    """The calendars of a rep and how they stand; a further feed or file."""

    policy = SEE_BOOKABLE

    @extend_schema(operation_id="busy_calendars", responses={200: BusyCalendarListSerializer, **_WRONG})
    def get(self, request: Request, pk: int) -> Response:
        found = [one.calendar for one in own_time.sources_of(_rep(request, pk), timezone.now())]
        return Response(BusyCalendarListSerializer({"results": found}).data)

    @extend_schema(
        operation_id="add_busy_calendar",
        request=CalendarInput,
        responses={201: BusyCalendarSerializer, **_WRONG},
    )
    def post(self, request: Request, pk: int) -> Response:
        rep, given = _rep(request, pk), read(CalendarInput, request)
        if bool(given["address"]) == bool(given["content"]):
            raise InvalidInput("Give the address of a feed or the content of a file.", field="address")
        said: dict[str, Any] = {
            "rep": rep,
            "name": given["name"],
            "at": timezone.now(),
            "actor": request.user,
        }
        if given["content"]:
            made = busy_calendars.add_file(content=given["content"].encode(), **said)
        else:
            made = busy_calendars.add_feed(address=given["address"], **said)
            params = {"calendar": made.pk}
            jobs.enqueue(
                kind=READ_FEED, key=str(made.pk), params=params, requested_by=request.user, at=said["at"]
            )
        return Response(BusyCalendarSerializer(made).data, status=201)


class BusyCalendarView(GuardedView):
    """How a calendar stands; forget it and its busy times."""

    policy = SEE_BOOKABLE

    @extend_schema(
        operation_id="busy_calendar", responses={200: BusyCalendarSerializer, 403: PROBLEM, 404: PROBLEM}
    )
    def get(self, request: Request, pk: int) -> Response:
        found = visible_or_404(own_time.calendars_in_scope(request.user), pk=pk)
        return Response(BusyCalendarSerializer(found).data)

    @extend_schema(operation_id="remove_busy_calendar", responses={204: None, 403: PROBLEM, 404: PROBLEM})
    def delete(self, request: Request, pk: int) -> Response:
        found = visible_or_404(own_time.calendars_in_scope(request.user), pk=pk)
        busy_calendars.remove(calendar=found, at=timezone.now(), actor=request.user)
        return Response(status=204)


# --- Caps -------------------------------------------------------------------------------------------


class CapsSerializer(serializers.Serializer):
    daily = serializers.IntegerField(source="daily_meeting_cap")
    weekly = serializers.IntegerField(source="weekly_meeting_cap")
    notice_minutes = serializers.IntegerField(source="booking_notice_minutes")


class CapsInput(serializers.Serializer):
    daily = serializers.IntegerField(min_value=0, max_value=48)
    weekly = serializers.IntegerField(min_value=0, max_value=336)
    notice_minutes = serializers.IntegerField(min_value=0, max_value=20_160)


class CapsView(GuardedView):
    """How many meetings a rep takes, and how long ahead they are booked."""

    policy = SET_CAPS

    @extend_schema(operation_id="caps", responses={200: CapsSerializer, 403: PROBLEM, 404: PROBLEM})
    def get(self, request: Request, pk: int) -> Response:
        return Response(CapsSerializer(_rep(request, pk)).data)

    @extend_schema(operation_id="set_caps", request=CapsInput, responses={200: CapsSerializer, **_WRONG})
    def put(self, request: Request, pk: int) -> Response:
        rep, given = _rep(request, pk), read(CapsInput, request)
        time_off.set_caps(rep=rep, at=timezone.now(), actor=request.user, **given)
        return Response(CapsSerializer(rep).data)
