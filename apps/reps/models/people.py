"""Teams, reps and their tiers."""

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class Agency(models.Model):
    """An outside company whose people work as reps; everything can be filtered by it."""

    name = models.CharField(max_length=80, unique=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "agencies"

    def __str__(self) -> str:
        return self.name


class TeamQuerySet(models.QuerySet["Team"]):
    def visible_to(self, user: Any) -> "TeamQuerySet":
        """RevOps, finance and marketing see all; a manager the teams managed; a rep the own team."""
        if user.role in ("revops", "finance", "marketing"):
            return self
        return self.filter(Q(manager=user) | Q(reps__user=user)).distinct()


class Team(models.Model):
    """People who share a manager, a calendar and a target."""

    name = models.CharField(max_length=80, unique=True)
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="managed_teams",
    )
    calendar = models.ForeignKey("reps.BusinessCalendar", on_delete=models.PROTECT, related_name="teams")
    currency = models.CharField(max_length=3, default="EUR")
    hands_off_to = models.ManyToManyField(
        "self",
        symmetrical=False,
        blank=True,
        related_name="receives_from",
        help_text="teams whose AEs take this team's meetings; empty means every AE",
    )
    is_open = models.BooleanField(default=True)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class RepRole(models.TextChoices):
    """What a rep does; it decides measures, queue and plan."""

    ISR = "isr", "Inbound SDR"
    OSR = "osr", "Outbound SDR"
    AE = "ae", "Account executive"
    AM = "am", "Account manager"
    CSM = "csm", "Customer success manager"

    @classmethod
    def sdr(cls) -> tuple[str, str]:
        return (cls.ISR, cls.OSR)


class Tier(models.IntegerChoices):
    """1 is the best; new AEs begin in the lowest (PRODUCT section 7)."""

    ONE = 1, "Tier 1"
    TWO = 2, "Tier 2"
    THREE = 3, "Tier 3"


class RepQuerySet(models.QuerySet["Rep"]):
    def visible_to(self, user: Any) -> "RepQuerySet":
        """RevOps and finance see all; a manager the reps of managed teams; a rep the own team."""
        if user.role in ("revops", "finance"):
            return self
        if user.role == "manager":
            return self.filter(Q(team__manager=user) | Q(user=user))
        if user.role == "marketing":
            return self.none()
        return self.filter(team__reps__user=user).distinct()

    def active_on(self, day: date) -> "RepQuerySet":
        """Hired by ``day`` and not gone by then."""
        return self.filter(hired_on__lte=day).filter(Q(left_on__isnull=True) | Q(left_on__gt=day))

    def sdrs(self) -> "RepQuerySet":
        return self.filter(role__in=RepRole.sdr())

    def aes(self) -> "RepQuerySet":
        return self.filter(role=RepRole.AE)


class Rep(models.Model):
    """Somebody who is credited and paid. May exist without a sign-in (imported from a CRM)."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="rep"
    )
    name = models.CharField(max_length=120)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="reps")
    role = models.CharField(max_length=3, choices=RepRole.choices)
    agency = models.ForeignKey(Agency, null=True, blank=True, on_delete=models.PROTECT, related_name="reps")
    hired_on = models.DateField()
    left_on = models.DateField(null=True, blank=True, help_text="first day no longer here")
    ramp_ends_on = models.DateField(null=True, blank=True, help_text="first day after the ramp")
    tier = models.PositiveSmallIntegerField(choices=Tier.choices, null=True, blank=True, help_text="AEs only")
    rank = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="place among the peers at the last ranking, 1 is best"
    )
    weekly_meeting_cap = models.PositiveSmallIntegerField(default=12)
    daily_meeting_cap = models.PositiveSmallIntegerField(default=6)
    booking_notice_minutes = models.PositiveSmallIntegerField(
        default=30, help_text="how long before its start a meeting must be booked"
    )
    time_zone = models.CharField(max_length=64, default="Europe/Berlin")
    calendar = models.ForeignKey(
        "reps.BusinessCalendar",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="reps",
        help_text="own working hours; empty means the team's",
    )
    source_system = models.CharField(max_length=40, blank=True)
    external_id = models.CharField(max_length=80, blank=True)

    objects = RepQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["source_system", "external_id"],
                condition=~Q(external_id=""),
                name="rep_external_id_once",
            ),
            models.CheckConstraint(
                condition=Q(left_on__isnull=True) | Q(left_on__gt=F("hired_on")), name="rep_leaves_after_hire"
            ),
            models.CheckConstraint(condition=Q(role__in=RepRole.values), name="rep_role_known"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_sdr(self) -> bool:
        return self.role in RepRole.sdr()

    def is_ramping_on(self, day: date) -> bool:
        return self.ramp_ends_on is not None and day < self.ramp_ends_on


class TierChange(models.Model):
    """One move of an AE from a tier to a neighbour, with what decided it. Append-only."""

    append_only = True

    rep = models.ForeignKey(Rep, on_delete=models.PROTECT, related_name="tier_changes")
    tier_before = models.PositiveSmallIntegerField(choices=Tier.choices)
    tier_after = models.PositiveSmallIntegerField(choices=Tier.choices)
    effective_on = models.DateField()
    decided_at = models.DateTimeField()
    reason = models.TextField(help_text="the arithmetic in words")

    class Meta:
        ordering = ["-effective_on", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["rep", "effective_on"], name="tier_change_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.rep_id}: {self.tier_before} to {self.tier_after}"
