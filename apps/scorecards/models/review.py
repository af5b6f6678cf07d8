"""The weekly review: when a team holds it, the pack as it was made, and the reasons that were given for it.

A pack is a frozen copy: what is recorded later of its week stands beside it, never in it. It keeps ids and
figures and no names, so that erasing a person leaves nothing behind in it.
"""

from datetime import datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.periods import Period
from apps.scorecards.rules.review import meeting_at


class ReviewSetting(models.Model):
    """When a team meets, how long before that reasons are asked for and the pack is made. One row a team at most."""

    team = models.OneToOneField("reps.Team", on_delete=models.PROTECT, related_name="review_setting")
    is_on = models.BooleanField(default=True, help_text="whether a pack is made each week")
    weekday = models.PositiveSmallIntegerField(default=3, help_text="0 is Monday")
    starts_at = models.TimeField(default=time(10, 30), help_text="in the company's time zone")
    minutes = models.PositiveSmallIntegerField(default=45)
    ask_hours_before = models.PositiveSmallIntegerField(default=48)
    made_hours_before = models.PositiveSmallIntegerField(default=4)
    agreed_mqls = models.PositiveIntegerField(
        null=True, blank=True, help_text="MQLs a week that marketing and sales agreed on"
    )

    class Meta:
        ordering = ["team_id"]
        constraints = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="review_weekday_known"),
            models.CheckConstraint(
                condition=Q(minutes__gte=10, minutes__lte=240), name="review_minutes_in_range"
            ),
            models.CheckConstraint(
                condition=Q(ask_hours_before__gte=models.F("made_hours_before"), ask_hours_before__lte=168),
                name="review_asks_before_it_is_made",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.team_id} on {self.weekday} at {self.starts_at:%H:%M}"

    def meeting_of(self, week: Period) -> datetime:
        """When the meeting about ``week`` begins (UTC)."""
        return meeting_at(week, self.weekday, self.starts_at, settings.COMPANY_TIME_ZONE)

    def asks_at(self, week: Period) -> datetime:
        """From when missing reasons of ``week`` are asked for."""
        return self.meeting_of(week) - timedelta(hours=self.ask_hours_before)

    def made_at(self, week: Period) -> datetime:
        """When the pack of ``week`` is made: before the meeting, and never before the week is over."""
        end = week.bounds(settings.COMPANY_TIME_ZONE)[1]
        return max(self.meeting_of(week) - timedelta(hours=self.made_hours_before), end)


class WeeklyReviewQuerySet(models.QuerySet["WeeklyReview"]):
    def visible_to(self, user: Any) -> "WeeklyReviewQuerySet":
        """RevOps and marketing see all (marketing the parts on leads), a manager managed teams, a rep the own team."""
        if user.role in ("revops", "marketing"):
            return self
        if user.role == "manager":
            return self.filter(team__manager=user)
        if user.role in ("sdr", "ae", "am", "csm"):
            return self.filter(team__reps__user=user)
        return self.none()


class WeeklyReview(models.Model):
    """A team's pack of one ISO week. Append-only, once for each team and week."""

    append_only = True

    team = models.ForeignKey("reps.Team", on_delete=models.PROTECT, related_name="weekly_reviews")
    week_on = models.DateField(help_text="the Monday")
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    meeting_at = models.DateTimeField()
    minutes = models.PositiveSmallIntegerField(default=45)
    copy = models.JSONField(help_text="as selectors.review_pack writes it: ids and figures, no names")
    fingerprint = models.CharField(max_length=64, help_text="hash of the copy")

    objects = WeeklyReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-week_on", "team_id"]
        constraints = [
            models.UniqueConstraint(fields=["team", "week_on"], name="weekly_review_once"),
        ]

    def __str__(self) -> str:
        return f"{self.team_id} week of {self.week_on}"

    @property
    def week(self) -> Period:
        return Period(self.week_on, self.week_on + timedelta(days=7))

    @property
    def number(self) -> int:
        """Of the ISO week."""
        return self.week_on.isocalendar().week


class ReviewSection(models.TextChoices):
    """The lists of PRODUCT section 8, in the order of the meeting; actions first, decisions last."""

    ACTIONS = "actions", "Actions"
    LEADS = "leads", "Leads delivered"
    APPOINTMENTS = "appointments", "Appointments"
    COLD = "cold", "Went cold"
    PROMISES = "promises", "Not dispositioned"
    TOUCHES = "touches", "Touches"
    COMPLAINTS = "complaints", "Lead quality"
    REJECTED = "rejected", "Rejected"


class WhyNot(models.TextChoices):
    """Why a lead went cold or a touch did not take place, where nothing on record says it."""

    NO_ANSWER = "no_answer", "No answer"
    NOT_NOW = "not_now", "Not now"
    COMPETITOR = "competitor", "Chose a competitor"
    NO_FIT = "no_fit", "Does not fit"
    AWAY = "away", "Away, not covered"
    BAD_CONTACT = "bad_contact", "Number or address wrong"
    NO_TIME = "no_time", "No time for it"
    CUSTOMER = "customer", "The customer asked to wait"
    OVERLOOKED = "overlooked", "Overlooked"
    OTHER = "other", "Another reason"


class ReviewReason(models.Model):
    """The reason that was given for one item of a week. Append-only: a correction is the next revision."""

    append_only = True

    subject = models.CharField(
        max_length=60, help_text="which item: silent:12:2026-11-02, touch:12:…, event:7"
    )
    revision = models.PositiveSmallIntegerField(default=1)
    section = models.CharField(max_length=12, choices=ReviewSection.choices)
    team = models.ForeignKey("reps.Team", on_delete=models.PROTECT, related_name="+")
    week_on = models.DateField()
    lead = models.ForeignKey("leads.Lead", on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=11, choices=WhyNot.choices)
    note = models.CharField(max_length=300, blank=True)
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    given_at = models.DateTimeField()

    class Meta:
        ordering = ["subject", "revision"]
        constraints = [
            models.UniqueConstraint(fields=["subject", "revision"], name="review_reason_once"),
            models.CheckConstraint(condition=Q(reason__in=WhyNot.values), name="review_reason_known"),
            models.CheckConstraint(
                condition=~Q(reason="other") | ~Q(note=""), name="review_other_reason_says_which"
            ),
        ]
        indexes = [models.Index(fields=["team", "week_on"], name="review_reason_by_week")]

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}"
