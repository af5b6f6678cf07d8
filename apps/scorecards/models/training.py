"""Certifications of a role, sessions with who came, results, and when each person's is due."""

from datetime import date
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q

from apps.reps.models import Rep, RepRole


def reps_in_training_for(user: Any) -> models.QuerySet[Rep]:
    """Whose training and goals ``user`` may see: one's own, those of managed teams, all for RevOps."""
    if user.role == "revops":
        return Rep.objects.all()
    if user.role == "manager":
        return Rep.objects.filter(team__manager=user)
    return Rep.objects.filter(user=user)


class CertificationQuerySet(models.QuerySet["Certification"]):
    def visible_to(self, user: Any) -> "CertificationQuerySet":
        """Managers and RevOps see all; a rep those of the own role."""
        if user.role in ("manager", "revops"):
            return self
        return self.filter(role__in=Rep.objects.filter(user=user).values("role"))

    def in_use(self) -> "CertificationQuerySet":
        return self.filter(retired_at__isnull=True)


class Certification(models.Model):
    """What everybody of a role has to pass, again and again. ``valid_months`` is how long a pass holds."""

    role = models.CharField(max_length=3, choices=RepRole.choices)
    name = models.CharField(max_length=80)
    says = models.CharField(max_length=300, blank=True, help_text="what it is about")
    valid_months = models.PositiveSmallIntegerField(default=12)
    pass_score = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(100)],
        help_text="of 100; empty: pass or fail alone",
    )
    asked_from = models.DateField(help_text="first day on which it is asked of the role")
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = CertificationQuerySet.as_manager()

    class Meta:
        ordering = ["role", "name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["role", "name"], condition=Q(retired_at__isnull=True), name="certification_named_once"
            ),
            models.CheckConstraint(condition=Q(valid_months__gte=1), name="certification_holds_a_while"),
            models.CheckConstraint(
                condition=Q(pass_score__isnull=True) | Q(pass_score__lte=100),
                name="certification_score_of_100",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TrainingSessionQuerySet(models.QuerySet["TrainingSession"]):
    def visible_to(self, user: Any) -> "TrainingSessionQuerySet":
        """Who trains, who attends, the managers of those who attend, RevOps."""
        if user.role == "revops":
            return self
        came = TrainingAttendance.objects.filter(rep__in=reps_in_training_for(user))
        return self.filter(Q(trainer=user) | Q(pk__in=came.values("session")))


class TrainingSession(models.Model):
    """A training that was or will be held, perhaps for a certification."""

    title = models.CharField(max_length=120)
    certification = models.ForeignKey(
        Certification, null=True, blank=True, on_delete=models.PROTECT, related_name="sessions"
    )
    starts_at = models.DateTimeField()
    trainer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    material_url = models.URLField(max_length=500, blank=True)
    planned_at = models.DateTimeField()

    objects = TrainingSessionQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at", "-pk"]

    def __str__(self) -> str:
        return self.title


class TrainingAttendance(models.Model):
    """That a rep is asked to a session."""

    session = models.ForeignKey(TrainingSession, on_delete=models.PROTECT, related_name="attendances")
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="trainings")

    class Meta:
        ordering = ["session_id", "pk"]
        constraints = [models.UniqueConstraint(fields=["session", "rep"], name="attends_once")]

    def __str__(self) -> str:
        return f"{self.rep_id} in {self.session_id}"


class CertificationResultQuerySet(models.QuerySet["CertificationResult"]):
    def visible_to(self, user: Any) -> "CertificationResultQuerySet":
        return self.filter(rep__in=reps_in_training_for(user))

    def standing(self) -> "CertificationResultQuerySet":
        """Neither taken back nor the taking back of another."""
        return self.filter(taken_back__isnull=True, takes_back__isnull=True)


class CertificationResult(models.Model):
    """How somebody did. Append-only: a mistake is taken back by another row, once."""

    append_only = True

    certification = models.ForeignKey(Certification, on_delete=models.PROTECT, related_name="results")
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="certification_results")
    session = models.ForeignKey(
        TrainingSession, null=True, blank=True, on_delete=models.PROTECT, related_name="results"
    )
    taken_on = models.DateField()
    score = models.PositiveSmallIntegerField(null=True, blank=True)
    is_pass = models.BooleanField()
    valid_until = models.DateField(null=True, blank=True, help_text="first day on which it holds no more")
    note = models.CharField(max_length=300, blank=True)
    takes_back = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="taken_back"
    )
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    objects = CertificationResultQuerySet.as_manager()

    class Meta:
        ordering = ["-taken_on", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(score__isnull=True) | Q(score__lte=100), name="certification_result_of_100"
            ),
            models.CheckConstraint(
                condition=Q(is_pass=False, valid_until__isnull=True)
                | Q(is_pass=True, valid_until__gt=F("taken_on")),
                name="certification_pass_holds",
            ),
        ]
        indexes = [models.Index(fields=["rep", "certification", "-taken_on"], name="certification_newest")]

    def __str__(self) -> str:
        return f"{self.rep_id} {self.certification_id} {self.taken_on}"


class TrainingDueQuerySet(models.QuerySet["TrainingDue"]):
    def visible_to(self, user: Any) -> "TrainingDueQuerySet":
        return self.filter(rep__in=reps_in_training_for(user))

    def to_remind(self, at: Any) -> "TrainingDueQuerySet":
        return self.filter(remind_at__lte=at)


class TrainingDue(models.Model):
    """When a person's certification is due, and the stored instant of the next reminder.

    Worked out from the results (``services.training_due``); a row is there for each active rep and certification
    of the role.
    """

    certification = models.ForeignKey(Certification, on_delete=models.CASCADE, related_name="dues")
    rep = models.ForeignKey("reps.Rep", on_delete=models.CASCADE, related_name="training_dues")
    due_on = models.DateField(help_text="first day on which it is overdue")
    was_passed = models.BooleanField(default=False)
    remind_at = models.DateTimeField(null=True, blank=True)

    objects = TrainingDueQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "pk"]
        constraints = [models.UniqueConstraint(fields=["certification", "rep"], name="training_due_once")]
        indexes = [
            models.Index(
                fields=["remind_at"], condition=Q(remind_at__isnull=False), name="training_to_remind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rep_id} {self.certification_id} {self.due_on}"

    def is_overdue_on(self, day: date) -> bool:
        return day >= self.due_on
