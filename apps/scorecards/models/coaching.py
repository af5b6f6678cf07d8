"""Practice goals, recordings that somebody should listen to, and support that the bottom tier asks for."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.periods import Period, month_of
from apps.scorecards.models.training import reps_in_training_for


class CoachedQuerySet(models.QuerySet):
    """Rows about a rep: one's own, those of managed teams, all for RevOps."""

    def visible_to(self, user: Any) -> "CoachedQuerySet":
        return self.filter(rep__in=reps_in_training_for(user))


class PracticeGoal(models.Model):
    """A small step: a metric from one figure to another until the end of a month. Append-only.

    ``baseline`` and ``aim`` are exact fractions as text; how far it has come is read from the funnel record.
    """

    append_only = True

    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="practice_goals")
    metric = models.CharField(max_length=40, help_text="key of the metric catalogue")
    months = models.PositiveSmallIntegerField(help_text="over how many months the metric is read")
    baseline = models.CharField(max_length=60)
    aim = models.CharField(max_length=60)
    baseline_ends_on = models.DateField(help_text="first day after what the baseline was read over")
    ends_on = models.DateField(help_text="first day after the last month")
    tier_from = models.PositiveSmallIntegerField()
    tier_to = models.PositiveSmallIntegerField(null=True, blank=True)
    why = models.CharField(max_length=500, blank=True)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()

    objects = CoachedQuerySet.as_manager()

    class Meta:
        ordering = ["-set_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__day=1, baseline_ends_on__day=1), name="goal_months_whole"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rep_id} {self.metric} until {self.ends_on}"


class PracticeGoalEnd(models.Model):
    """That a goal was ended before its time, and why. Append-only, once a goal."""

    append_only = True

    goal = models.OneToOneField(PracticeGoal, on_delete=models.PROTECT, related_name="end")
    reason = models.CharField(max_length=300)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"End of {self.goal_id}"


class SharedRecording(models.Model):
    """That a rep should listen to a recorded meeting, and why. Append-only, once a rep and meeting.

    The address is kept as it was shared, so that a later change of the meeting's link opens nothing else.
    """

    append_only = True

    meeting = models.ForeignKey("leads.Meeting", on_delete=models.PROTECT, related_name="shared_recordings")
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="shared_recordings")
    url = models.URLField(max_length=500)
    why = models.CharField(max_length=300)
    shared_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    shared_at = models.DateTimeField()

    objects = CoachedQuerySet.as_manager()

    class Meta:
        ordering = ["-shared_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["meeting", "rep"], name="recording_shared_once"),
            models.CheckConstraint(condition=Q(url__startswith="https://"), name="recording_is_https"),
        ]

    def __str__(self) -> str:
        return f"{self.meeting_id} for {self.rep_id}"


class SupportActionQuerySet(CoachedQuerySet):
    def open(self) -> "SupportActionQuerySet":
        return self.filter(is_open=True)

    def to_escalate(self, at: Any) -> "SupportActionQuerySet":
        return self.filter(is_open=True, escalate_at__lte=at)


class SupportAction(models.Model):
    """A rep stands on the lowest tier, so the manager is asked what is done about it. Open until answered."""

    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="support_actions")
    month_on = models.DateField(help_text="first day of the month in which it was asked")
    reason = models.CharField(max_length=500, help_text="what the ranking said")
    raised_at = models.DateTimeField()
    is_open = models.BooleanField(default=True)
    escalate_at = models.DateTimeField(help_text="when it is told of again, while it is open")
    escalations = models.PositiveSmallIntegerField(default=0)

    objects = SupportActionQuerySet.as_manager()

    class Meta:
        ordering = ["raised_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["rep", "month_on"], name="support_once_a_month"),
            models.UniqueConstraint(fields=["rep"], condition=Q(is_open=True), name="support_open_once"),
            models.CheckConstraint(condition=Q(month_on__day=1), name="support_month_begins"),
        ]
        indexes = [
            models.Index(fields=["escalate_at"], condition=Q(is_open=True), name="support_to_escalate")
        ]

    def __str__(self) -> str:
        return f"{self.rep_id} {self.month_on:%Y-%m}"

    @property
    def month(self) -> Period:
        return month_of(self.month_on)


class SupportAnswer(models.Model):
    """What the manager does about it. Append-only, once a support action."""

    append_only = True

    class Kind(models.TextChoices):
        COACHING = "coaching", "Coaching every week"
        LISTENING = "listening", "Listening to meetings together"
        TRAINING = "training", "A training"
        GOAL = "goal", "A practice goal"
        LEADS = "leads", "Other leads or fewer"
        OTHER = "other", "Something else, in words"

    action = models.OneToOneField(SupportAction, on_delete=models.PROTECT, related_name="answer")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    text = models.CharField(max_length=500)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=("coaching", "listening", "training", "goal", "leads", "other")),
                name="support_answer_kind_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.action_id}"
