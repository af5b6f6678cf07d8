"""What a rep enters about their own time: a calendar, a feed, time off, a busy time, and how many meetings."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from apps.reps.models import TimeOff
from apps.reps.rules.ical_text import MOST_BYTES


class FileForm(forms.Form):
    """A calendar file. The same name again puts the newer file in the place of the older."""

    file = forms.FileField(
        label="Calendar file (.ics)",
        widget=forms.FileInput(attrs={"accept": ".ics,.ical,text/calendar"}),
        error_messages={"required": "Choose a file.", "empty": "The file is empty."},
    )
    name = forms.CharField(
        label="Name",
        max_length=80,
        required=False,
        help_text="As Outlook. A file of the same name is replaced.",
    )
    prefix = "file"

    def clean_file(self) -> Any:
        found = self.cleaned_data["file"]
        if found.size > MOST_BYTES:
            raise forms.ValidationError(f"The file is larger than {MOST_BYTES // 1_000_000} MB.")
        return found


class FeedForm(forms.Form):
    """The address of a feed; it is a secret, so it is never shown again."""

    address = forms.CharField(
        label="Address of the feed",
        max_length=1_000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "url", "spellcheck": "false"}),
        help_text="Begins with https:// or webcal://. It is a secret, so only its host is shown later.",
        error_messages={"required": "Give the address."},
    )
    name = forms.CharField(label="Name", max_length=80, required=False)
    prefix = "feed"


class TimeOffForm(forms.Form):
    """Days off: the first one, and the first one back."""

    starts_on = forms.DateField(
        label="First day off",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "Give the first day off.", "invalid": "This is no date."},
    )
    ends_on = forms.DateField(
        label="First day back",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "Give the first day back.", "invalid": "This is no date."},
    )
    kind = forms.ChoiceField(label="Kind", choices=TimeOff.Kind.choices)
    prefix = "off"


class BusyForm(forms.Form):
    """A time that cannot be booked, on the clocks of whoever enters it."""

    day = forms.DateField(
        label="Day",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "Give the day.", "invalid": "This is no date."},
    )
    from_clock = forms.TimeField(
        label="From",
        widget=forms.TimeInput(attrs={"type": "time", "step": "900"}, format="%H:%M"),
        error_messages={"required": "Say from when.", "invalid": "Write 09:30."},
    )
    to_clock = forms.TimeField(
        label="To",
        widget=forms.TimeInput(attrs={"type": "time", "step": "900"}, format="%H:%M"),
        error_messages={"required": "Say until when.", "invalid": "Write 10:30."},
    )
    title = forms.CharField(
        label="What it is", max_length=120, required=False, help_text="Others see “Busy” alone."
    )
    prefix = "busy"

    def span(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """The two instants, once valid."""
        data = self.cleaned_data
        return (
            datetime.combine(data["day"], data["from_clock"], zone),
            datetime.combine(data["day"], data["to_clock"], zone),
        )


class CapsForm(forms.Form):
    """How many meetings a rep takes, and how long ahead they are booked."""

    daily_meeting_cap = forms.IntegerField(label="Meetings a day", min_value=0, max_value=48)
    weekly_meeting_cap = forms.IntegerField(label="Meetings a week", min_value=0, max_value=336)
    booking_notice_minutes = forms.IntegerField(
        label="Booked at least so many minutes ahead", min_value=0, max_value=20_160
    )
    prefix = "caps"
