"""When a team works and when a rep does not: calendars, time off, busy times."""

from django.db import models
from django.db.models import F, Q


def office_hours() -> dict[str, list[list[str]]]:
    """Monday to Friday, nine to five: what a new calendar starts from."""
    return {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


class BusinessCalendar(models.Model):
    """Working windows per weekday, local to a time zone, half-open ``[open, close)``."""

    name = models.CharField(max_length=80, unique=True)
    time_zone = models.CharField(max_length=64, default="Europe/Berlin")
    weekly = models.JSONField(default=office_hours, help_text='{"mon": [["09:00", "12:30"], …], …}')
    holidays = models.JSONField(default=list, blank=True, help_text='["2026-12-25", …]')
    overrides = models.JSONField(
        default=dict, blank=True, help_text='{"2026-12-24": [["09:00", "12:00"]]} in place of the weekday'
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TimeOff(models.Model):
    """Days on which a rep is away; ``ends_on`` is the first day back."""

    class Kind(models.TextChoices):
        HOLIDAY = "holiday", "Holiday"
        SICK = "sick", "Sick"
        PARENTAL = "parental", "Parental leave"
        OTHER = "other", "Other"

    rep = models.ForeignKey("reps.Rep", on_delete=models.CASCADE, related_name="time_off")
    starts_on = models.DateField()
    ends_on = models.DateField()
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.HOLIDAY)

    class Meta:
        ordering = ["starts_on", "pk"]
        verbose_name_plural = "time off"
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="time_off_ends_after_start"),
            models.UniqueConstraint(fields=["rep", "starts_on"], name="time_off_starts_once"),
        ]

    def __str__(self) -> str:
        return f"{self.rep_id} {self.starts_on}..{self.ends_on}"


class BusyTime(models.Model):
    """Time in a rep's own calendar that cannot be booked."""

    rep = models.ForeignKey("reps.Rep", on_delete=models.CASCADE, related_name="busy_times")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    title = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["starts_at", "pk"]
        indexes = [models.Index(fields=["rep", "starts_at"], name="busy_time_by_rep")]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="busy_time_ends_after_start")
        ]

    def __str__(self) -> str:
        return f"{self.rep_id} {self.starts_at:%Y-%m-%d %H:%M}"
