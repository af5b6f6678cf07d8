"""What the API takes and gives about meetings."""

from typing import Any

from rest_framework import serializers

from apps.leads.models import BookingRules, Meeting, PartOfDay
from apps.leads.services.preferences import MOST


class OfferedTimeSerializer(serializers.Serializer):
    starts_at = serializers.DateTimeField()
    free_aes = serializers.IntegerField()
    their_clock = serializers.CharField(source="clock", help_text="The wall clock of the offer's zone.")


class AskedForSerializer(serializers.Serializer):
    words = serializers.CharField()
    times = OfferedTimeSerializer(many=True)
    why_none = serializers.CharField(help_text='Why nobody is free then; "" when somebody is.')


class OfferedDaySerializer(serializers.Serializer):
    day = serializers.DateField()
    times = OfferedTimeSerializer(many=True)


class OfferSerializer(serializers.Serializer):
    """Times by occasion that the customer asked for, then the soonest others by day."""

    zone = serializers.CharField(help_text="The customer's, or the caller's where that is not known.")
    zone_is_theirs = serializers.BooleanField(source="is_theirs")
    minutes = serializers.IntegerField()
    preferred = serializers.ListField(source="wishes", child=serializers.CharField())
    asked_for = AskedForSerializer(source="asked", many=True)
    days = OfferedDaySerializer(many=True)
    left_out = serializers.IntegerField(help_text="Further times outside the customer's day.")


class PreferredTimeInput(serializers.Serializer):
    """A window, or a part of a weekday (0 is Monday; left out: any working day) in the customer's zone."""

    starts_at = serializers.DateTimeField(required=False)
    ends_at = serializers.DateTimeField(required=False)
    weekday = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=6)
    part = serializers.ChoiceField(choices=PartOfDay.choices, required=False)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        window = "starts_at" in given or "ends_at" in given
        if window and not ("starts_at" in given and "ends_at" in given):
            raise serializers.ValidationError("A window has both starts_at and ends_at.")
        if window == bool(given.get("part")) or (window and given.get("weekday") is not None):
            raise serializers.ValidationError("Give a window, or a part of the day: one of the two.")
        return given


class PreferredTimesInput(serializers.Serializer):
    """The best liked first; an empty list forgets them."""

    times: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=PreferredTimeInput(), max_length=MOST
    )


class TimeInput(serializers.Serializer):
    starts_at = serializers.DateTimeField()
    minutes = serializers.ChoiceField(choices=BookingRules.Minutes.choices, required=False)


class BookInput(TimeInput):
    as_exploration = serializers.BooleanField(default=False)


class RescheduleInput(TimeInput):
    reason = serializers.CharField(max_length=300, allow_blank=True, default="")


class CancelInput(serializers.Serializer):
    who = serializers.ChoiceField(choices=[("customer", "The customer"), ("us", "We")])
    reason = serializers.CharField(max_length=300)


class CloseInput(serializers.Serializer):
    outcome = serializers.ChoiceField(choices=[("held", "Held"), ("no_show", "No-show")])


class SlotHoldSerializer(serializers.Serializer):
    ae = serializers.CharField(source="ae.name")
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(
        help_text="Until then nobody else can book it; ask again to prolong."
    )


class MeetingSerializer(serializers.ModelSerializer):
    company = serializers.CharField(source="lead.company")
    ae = serializers.CharField(source="ae.name")
    hand_off = serializers.IntegerField(source="for_hand_off_id", allow_null=True)

    class Meta:
        model = Meeting
        fields = (
            "id", "lead", "company", "ae", "hand_off", "starts_at", "ends_at", "state", "state_changed_at",
            "rescheduled_from", "reason", "recording_url", "was_asked_for",
        )  # fmt: skip


class MeetingPageSerializer(serializers.Serializer):
    results = MeetingSerializer(many=True)
    next_after = serializers.CharField(help_text='The cursor of the next page; "" on the last.')
