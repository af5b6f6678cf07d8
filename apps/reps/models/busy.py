"""Times in a rep's own calendar, and the files and feeds that they are read from."""

from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q

LONGEST_BUSY = timedelta(days=1)
"""No row is longer, so that whoever asks about a time need look back no further than this."""


class BusyCalendarQuerySet(models.QuerySet["BusyCalendar"]):
    def visible_to(self, user: Any) -> "BusyCalendarQuerySet":
        """Whose it is, the manager of the rep's team, RevOps."""
        if user.role == "revops":
            return self
        if user.role == "manager":
            return self.filter(Q(rep__team__manager=user) | Q(rep__user=user))
        return self.filter(rep__user=user)


class BusyCalendar(models.Model):
    """A calendar of a rep's own: a file that was uploaded, or a feed that is read again and again.

    The address of a feed lets whoever knows it read the calendar: it is a secret, shown only masked, and
    stands in no log, list or audit entry.
    """

    class Kind(models.TextChoices):
        FILE = "file", "File"
        FEED = "feed", "Feed"

    rep = models.ForeignKey("reps.Rep", on_delete=models.CASCADE, related_name="busy_calendars")
    kind = models.CharField(max_length=4, choices=Kind.choices)
    name = models.CharField(max_length=80)
    address = models.CharField(max_length=1000, blank=True, help_text="of a feed; a secret")
    added_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True, blank=True, help_text="when a feed was last asked for")
    read_at = models.DateTimeField(null=True, blank=True, help_text="when it was last read well")
    reaches_to = models.DateTimeField(
        null=True, blank=True, help_text="up to when its events became busy times"
    )
    failing_since = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(max_length=200, blank=True, help_text="why it could not be read, in words")
    etag = models.CharField(max_length=200, blank=True)
    last_modified = models.CharField(max_length=80, blank=True)
    events = models.PositiveIntegerField(default=0, help_text="in it, those left out included")
    problems = models.JSONField(
        default=list, blank=True, help_text='[{"event": …, "line": 12, "why": …}], the first of them'
    )
    problem_count = models.PositiveIntegerField(default=0)

    objects = BusyCalendarQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["rep", "name"], name="busy_calendar_named_once"),
            models.CheckConstraint(
                condition=Q(kind="feed") & ~Q(address="") | Q(kind="file", address=""),
                name="busy_calendar_feed_has_address",
            ),
            models.CheckConstraint(
                condition=Q(failing_since__isnull=True, failure="")
                | Q(failing_since__isnull=False) & ~Q(failure=""),
                name="busy_calendar_fails_with_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["tried_at"], condition=Q(kind="feed"), name="busy_calendar_feeds"),
        ]

    def __str__(self) -> str:
        return f"{self.rep_id} {self.name}"

    @property
    def is_feed(self) -> bool:
        return self.kind == self.Kind.FEED

    @property
    def masked_address(self) -> str:
        """``https://calendar.example/…``: enough to tell which, too little to read it."""
        scheme, _, rest = self.address.partition("://")
        host = rest.partition("/")[0].rpartition("@")[2].partition("?")[0]
        return f"{scheme}://{host}/…" if host else ""


class BusyTime(models.Model):
    """Time in a rep's own calendar that cannot be booked; entered by hand where ``calendar`` is empty."""

    rep = models.ForeignKey("reps.Rep", on_delete=models.CASCADE, related_name="busy_times")
    calendar = models.ForeignKey(
        BusyCalendar, null=True, blank=True, on_delete=models.CASCADE, related_name="times"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    title = models.CharField(max_length=120, blank=True, help_text="for the rep alone; empty if private")

    class Meta:
        ordering = ["starts_at", "pk"]
        indexes = [models.Index(fields=["rep", "starts_at"], name="busy_time_by_rep")]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="busy_time_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(ends_at__lte=F("starts_at") + LONGEST_BUSY), name="busy_time_at_most_a_day"
            ),
            models.UniqueConstraint(
                fields=["calendar", "starts_at", "ends_at"],
                condition=Q(calendar__isnull=False),
                name="busy_time_once_per_calendar",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rep_id} {self.starts_at:%Y-%m-%d %H:%M}"
