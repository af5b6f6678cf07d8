"""A replay: what the past would have paid under other plans. It moves nothing, and what it found is kept.

All of it is append-only: the question as it was asked, the people whom it is about, the figures, and at last the
outcome with the fingerprint over them. Without an outcome the figures are not whole, and nobody is shown any.
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from apps.core.periods import Period
from apps.reps.models import Rep


class ReplayQuerySet(models.QuerySet["Replay"]):
    def visible_to(self, user: Any) -> "ReplayQuerySet":
        """RevOps and finance see all; a manager the own ones, as long as everybody in them is theirs."""
        if user.role in ("revops", "finance"):
            return self
        if user.role != "manager":
            return self.none()
        theirs = Rep.objects.visible_to(user).order_by().values("pk")
        others = ReplayPerson.objects.filter(replay=OuterRef("pk")).exclude(rep__in=theirs)
        return self.filter(~Exists(others), asked_by=user)


class Replay(models.Model):
    """A question: which months, whose, and under which plans (``rules.moves``); ``as_of`` fixes the record."""

    append_only = True

    name = models.CharField(max_length=120)
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="first day after the last period")
    as_of = models.DateTimeField(help_text="counts what was recorded by this instant")
    question = models.JSONField(help_text="periods, horizon, and the moves of each alternative")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    request_key = models.CharField(max_length=80, unique=True, help_text="a second click asks nothing anew")

    objects = ReplayQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="replay_ends_after_start")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def window(self) -> Period:
        return Period(self.starts_on, self.ends_on)

    @property
    def job_key(self) -> str:
        return f"replay-{self.pk}"


class ReplayPerson(models.Model):
    """Somebody whom a replay is about, with role and team of the moment it was asked."""

    append_only = True

    replay = models.ForeignKey(Replay, on_delete=models.PROTECT, related_name="people")
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=3)
    team = models.ForeignKey("reps.Team", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["replay", "rep"], name="replay_person_once")]

    def __str__(self) -> str:
        return f"{self.rep_id} in replay {self.replay_id}"


class ReplayPay(models.Model):
    """What one component pays one person in one period under one alternative.

    Alternative 0 is what the ledger says, 1 the plans that were in force on the engine, 2 and on the others.
    """

    append_only = True
    PAID, IN_FORCE, FIRST_DRAFT = 0, 1, 2

    replay = models.ForeignKey(Replay, on_delete=models.PROTECT, related_name="pay")
    alternative = models.PositiveSmallIntegerField()
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="+")
    starts_on = models.DateField()
    currency = models.CharField(max_length=3)
    component_key = models.CharField(max_length=40)
    component_name = models.CharField(max_length=80)
    kind = models.CharField(max_length=16, help_text="as the ledger's; posted, of what the ledger says")
    amount_minor = models.BigIntegerField()
    line_count = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["replay", "alternative", "rep", "starts_on", "currency", "component_key", "kind"],
                name="replay_pay_once",
            )
        ]
        indexes = [models.Index(fields=["replay", "rep"], name="replay_pay_by_rep")]

    def __str__(self) -> str:
        return f"{self.component_key} in replay {self.replay_id}"


class ReplayMeasure(models.TextChoices):
    """What stands beside the pay. The last two are of an alternative, the others of the record."""

    WON = "won", "Won"
    ACCEPTED = "accepted", "Accepted meetings"
    HELD = "held", "Held back at the end"
    OWED = "owed", "Draws owed at the end"


class ReplayFigure(models.Model):
    """A figure of one person: credited revenue and meetings of a period; what an alternative leaves open."""

    append_only = True
    Measure = ReplayMeasure

    replay = models.ForeignKey(Replay, on_delete=models.PROTECT, related_name="figures")
    measure = models.CharField(max_length=8, choices=ReplayMeasure.choices)
    alternative = models.PositiveSmallIntegerField(default=0)
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="+")
    starts_on = models.DateField()
    currency = models.CharField(max_length=3, blank=True)
    amount_minor = models.BigIntegerField(default=0)
    count = models.PositiveIntegerField(default=0, help_text="events")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["replay", "measure", "alternative", "rep", "starts_on", "currency"],
                name="replay_figure_once",
            ),
            models.CheckConstraint(
                condition=Q(measure__in=ReplayMeasure.values), name="replay_figure_measure_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.measure} in replay {self.replay_id}"


class ReplayProblem(models.Model):
    """Somebody whose pay an alternative cannot work out, and why. That person is left out of all figures."""

    append_only = True

    replay = models.ForeignKey(Replay, on_delete=models.PROTECT, related_name="problems")
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="+")
    alternative = models.PositiveSmallIntegerField()
    starts_on = models.DateField()
    says = models.CharField(max_length=500)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["replay", "rep"], name="replay_problem_once")]

    def __str__(self) -> str:
        return f"Problem of {self.rep_id} in replay {self.replay_id}"


class ReplayOutcome(models.Model):
    """That a replay is whole: what it was made of, and SHA-256 over question, figures and problems."""

    append_only = True

    replay = models.OneToOneField(Replay, on_delete=models.PROTECT, related_name="outcome")
    computed_at = models.DateTimeField()
    won = models.JSONField(help_text="by currency: revenue of the window, each win once, and how many wins")
    made_of = models.JSONField(help_text="plan versions with their digests, and the runs of the window")
    fingerprint = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"Outcome of replay {self.replay_id}"

    @property
    def short_fingerprint(self) -> str:
        """The first sixteen digits in fours, for people to compare."""
        return " ".join(self.fingerprint[at : at + 4] for at in range(0, 16, 4))
