"""When a team works and when a rep does not: calendars, time off, busy times."""

from typing import Any

from django.db import models
from django.db.models import Exists, F, Q
from django.db.models.functions import Coalesce

from apps.reps.models.people import Rep, Team


def office_hours() -> dict[str, list[list[str]]]:
    """Monday to Friday, nine to five: what a new calendar starts from."""
    return {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


class BusinessCalendarQuerySet(models.QuerySet["BusinessCalendar"]):
    def visible_to(self, user: Any) -> "BusinessCalendarQuerySet":
        """RevOps sees all, a manager those of the managed teams and reps; everybody the one that applies."""
        if user.role == "revops":
            return self
        own = Rep.objects.filter(user=user)
        managed = Team.objects.filter(manager=user)
        managed_reps = Rep.objects.filter(team__manager=user, calendar__isnull=False)
        return self.filter(
            Q(pk__in=own.values(applies=Coalesce("calendar", "team__calendar")))
            | Q(pk__in=managed.values("calendar"))
            | Q(pk__in=managed_reps.values("calendar"))
            | (Q(is_default=True) & ~Exists(own) & ~Exists(managed))
        )


class BusinessCalendar(models.Model):
    """When it is open: windows, breaks, holidays and overrides, local to a time zone, half-open.

    ``reps.rules.hours`` says what the JSON means; ``reps.services.calendars`` is the one that writes it.
    A calendar is read with every lead and hand-off, so all of it stands in its one row.
    """

    name = models.CharField(max_length=80, unique=True)
    time_zone = models.CharField(max_length=64, default="Europe/Berlin")
    weekly = models.JSONField(default=office_hours, help_text='{"mon": [["09:00", "12:30"], …], …}')
    breaks = models.JSONField(
        default=dict, blank=True, help_text='{"mon": [["12:00", "12:30"]], "2026-11-20": […]}'
    )
    holidays = models.JSONField(
        default=list,
        blank=True,
        help_text='[{"on": "2026-12-25", "name": …, "source": "library", "kept": true}]; a date alone is an own one',
    )
    overrides = models.JSONField(
        default=dict, blank=True, help_text='{"2026-12-24": [["09:00", "12:00"]]} in place of the weekday'
    )
    notes = models.JSONField(
        default=dict, blank=True, help_text='{"2026-12-24": "Half a day"}: why a date differs'
    )
    country = models.CharField(
        max_length=2, blank=True, help_text="whose public holidays are proposed, ISO 3166"
    )
    subdivision = models.CharField(
        max_length=40, blank=True, help_text="the part of the country, as the library names it"
    )
    is_default = models.BooleanField(
        default=False, help_text="holds for whoever has neither team nor own one"
    )
    version = models.PositiveIntegerField(
        default=1, help_text="counts changes; a page says which it has read"
    )

    objects = BusinessCalendarQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="one_default_calendar"
            )
        ]

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
