"""What became of some meetings, and when some customers would like to meet: a few of each, told at the end."""

from datetime import timedelta

from django.db.models import Q, QuerySet

from apps.leads.models import (
    HandOff,
    Lead,
    LeadStage,
    Meeting,
    MeetingComment,
    PreferredTime,
    QueueBucket,
    Source,
)
from apps.leads.services import meetings, rescheduling
from apps.leads.services.rescheduling import UnableToReschedule
from apps.portal.demo.chance import Chance
from apps.portal.demo.life import Span

_CANCELLED_FOR = (
    "Their board moved the budget to next year", "She fell ill, will ring", "Chose to wait for the audit",
)  # fmt: skip
_MOVED_FOR = ("A customer visit came in between", "School holidays", "Wants the head of IT to be there")
_NOTES = (
    "Send the price list for forty seats before the call.",
    "He joins from the train: keep it to half an hour.",
    "Asked twice about data in the EU.",
)
_PARTS = ("morning", "afternoon", "midday", "any")
_WISHES = 60


class Booked:
    """Meetings moved, called off and missed in the last days, so that every list of them has something true."""

    def __init__(self, span: Span, chance: Chance) -> None:
        self._span, self._chance = span, chance

    def tell(self) -> None:
        """Comments and wishes in one statement each; the rest by the services, a handful."""
        self._wishes()
        # What was booked within the last hour has not been thought better of yet.
        settled = self._booked().filter(for_hand_off__created_at__lt=self._span.at - timedelta(hours=1))
        coming = list(settled.filter(starts_at__gt=self._span.at + timedelta(hours=2))[:24])
        for meeting in coming[1::4][:4]:
            self._move(meeting)
        for meeting in coming[3::4][:3]:
            self._cancel(meeting)
        self._missed()
        rows = [
            MeetingComment(
                meeting=meeting, at=self._span.at - timedelta(hours=1), by=meeting.ae.user, words=words
            )
            for meeting, words in zip(coming[::4], _NOTES, strict=False)
            if meeting.ae.user is not None
        ]
        MeetingComment.objects.bulk_create(rows)

    def _booked(self) -> QuerySet[Meeting]:
        pending_or_accepted = Q(for_hand_off__state__in=(HandOff.State.PENDING, HandOff.State.ACCEPTED))
        rows = Meeting.objects.filter(pending_or_accepted, state=Meeting.State.BOOKED)
        return rows.select_related("ae__user", "for_hand_off__sdr__user").order_by("starts_at", "pk")

    def _move(self, meeting: Meeting) -> None:
        """To another time of the same week or the next, by the SDR who booked it."""
        for days in (1, 2, 3, 6, 7):
            starts_at = meeting.starts_at + timedelta(days=days)
            if starts_at.weekday() > 4:
                continue
            try:
                rescheduling.reschedule(
                    meeting=meeting,
                    starts_at=starts_at,
                    at=self._span.at - timedelta(minutes=50),
                    reason=self._chance.one_of(_MOVED_FOR),
                    actor=meeting.for_hand_off.sdr.user if meeting.for_hand_off else None,
                    source=Source.DEMO,
                )
            except UnableToReschedule:
                continue
            return

    def _cancel(self, meeting: Meeting) -> None:
        meetings.cancel_meeting(
            meeting=meeting,
            who="customer",
            reason=self._chance.one_of(_CANCELLED_FOR),
            at=self._span.at - timedelta(minutes=35),
            actor=meeting.ae.user,
            source=Source.DEMO,
        )

    def _missed(self) -> None:
        """Nobody came to one of those that have just begun; the others wait for their outcome."""
        begun = self._booked().filter(ends_at__lte=self._span.at).first()
        if begun is not None:
            meetings.close_meeting(
                meeting=begun, held=False, at=self._span.at, actor=begun.ae.user, source=Source.DEMO
            )

    def _wishes(self) -> None:
        working = Lead.objects.filter(stage=LeadStage.WORKING, do_not_contact=False)
        chosen = working.filter(queue_bucket__in=(QueueBucket.TOUCH_DUE, QueueBucket.CALLBACK))
        rows = []
        for lead in chosen.order_by("queue_sort_at", "pk")[:_WISHES].values_list("pk", flat=True):
            days = self._chance.sample(range(5), 2)
            for position, weekday in enumerate(days[: self._chance.choice((1, 2, 2))], 1):
                part = self._chance.one_of(_PARTS)
                rows.append(
                    PreferredTime(
                        lead_id=lead, position=position, weekday=weekday, part=part, noted_at=self._span.at
                    )
                )
        PreferredTime.objects.bulk_create(rows)
