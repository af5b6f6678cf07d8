"""How AEs are ranked (policy), each ranking that was made (snapshot with a row per AE), and moves that are held."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core.periods import Period, month_of
from apps.leads.rules.metrics import METRICS, Better
from apps.reps.models import Tier
from apps.scorecards.rules import ranking as rules


class PeerGroup(models.TextChoices):
    """Who is compared with whom. Money is never compared across currencies."""

    TEAM = "team", "AEs of one team"
    CURRENCY = "currency", "AEs of all teams that share a currency"
    AGENCY = "agency", "AEs who share a currency: own people, and each agency apart"
    TIER = "tier", "AEs of one tier who share a currency"


class Decides(models.TextChoices):
    """Which of the two indexes orders the peers and makes the moves."""

    RAW = rules.RAW, "The raw index"
    ADJUSTED = rules.ADJUSTED, "The index adjusted for the lead mix"


def default_weights() -> dict[str, int]:
    """The five metrics of PRODUCT section 7, in percent."""
    return {
        "revenue_won": 30,
        "win_rate": 25,
        "average_deal": 15,
        "sales_cycle": 15,
        "self_sourced_pipeline": 15,
    }


class RankingPolicyQuerySet(models.QuerySet["RankingPolicy"]):
    def visible_to(self, user: Any) -> "RankingPolicyQuerySet":
        """Managers and RevOps see all; AEs those that are in force or were; nobody else any."""
        if user.role in ("manager", "revops"):
            return self
        return self.filter(version__isnull=False) if user.role == "ae" else self.none()

    def in_force_on(self, day: date) -> "RankingPolicyQuerySet":
        """Those that had taken effect by ``day``, the one in force first."""
        return self.filter(effective_on__lte=day).order_by("-version")


class RankingPolicy(models.Model):
    """One version of how AEs are ranked.

    A draft has neither version nor day, and may be changed. Put in force it gets both and is never changed: a
    new version takes effect on a later day.
    """

    version = models.PositiveIntegerField(unique=True, null=True, blank=True, help_text="empty on a draft")
    effective_on = models.DateField(null=True, blank=True, help_text="empty on a draft")
    note = models.CharField(max_length=300, blank=True, help_text="what changes, and why")
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    written_at = models.DateTimeField(null=True, blank=True, help_text="when the draft was last changed")
    put_in_force_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    put_in_force_at = models.DateTimeField(null=True, blank=True)
    weights = models.JSONField(default=default_weights, help_text='percent by metric: {"win_rate": 25, …}')
    floor = models.DecimalField(max_digits=4, decimal_places=2, default=Decimal("0.50"))
    ceiling = models.DecimalField(max_digits=4, decimal_places=2, default=Decimal("1.50"))
    up_at = models.DecimalField(max_digits=4, decimal_places=2, default=Decimal("1.20"))
    down_at = models.DecimalField(max_digits=4, decimal_places=2, default=Decimal("0.80"))
    least_closed = models.PositiveSmallIntegerField(
        default=5, help_text="closed deals that a move needs at the least"
    )
    months = models.PositiveSmallIntegerField(default=3, help_text="whole months before the ranking's day")
    peer_group = models.CharField(max_length=8, choices=PeerGroup.choices, default=PeerGroup.TEAM)
    decides = models.CharField(max_length=8, choices=Decides.choices, default=Decides.RAW)
    least_expected = models.DecimalField(
        max_digits=5, decimal_places=2, default=Decimal("2.00"), help_text="wins expected for an adjustment"
    )
    least_in_cell = models.PositiveSmallIntegerField(
        default=10, help_text="closed deals of a kind of lead, below which it is joined with its neighbour"
    )
    days_to_hold = models.PositiveSmallIntegerField(
        default=0, help_text="days after the period before moves are applied, in which they can be held"
    )

    objects = RankingPolicyQuerySet.as_manager()

    class Meta:
        ordering = [F("version").desc(nulls_first=True), "-pk"]
        verbose_name_plural = "ranking policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(version__isnull=True, effective_on__isnull=True)
                | Q(version__isnull=False, effective_on__isnull=False),
                name="ranking_policy_draft_or_dated",
            ),
            models.CheckConstraint(condition=Q(decides__in=Decides.values), name="ranking_decides_known"),
            models.CheckConstraint(condition=Q(floor__lt=F("ceiling")), name="ranking_bounds_in_order"),
            models.CheckConstraint(condition=Q(down_at__lt=F("up_at")), name="ranking_edges_in_order"),
            models.CheckConstraint(condition=Q(months__gt=0), name="ranking_covers_a_month"),
            models.CheckConstraint(condition=Q(peer_group__in=PeerGroup.values), name="ranking_peers_known"),
        ]

    def __str__(self) -> str:
        return f"Ranking policy v{self.version}" if self.version else f"Draft {self.pk}"

    @property
    def is_draft(self) -> bool:
        return self.version is None

    @property
    def metrics(self) -> list[tuple[str, int]]:
        """Metric and percent, in the order of the registry: PostgreSQL keeps no order in JSON."""
        return [(key, self.weights[key]) for key in METRICS if key in self.weights]

    @property
    def rules(self) -> rules.Rules:
        """The policy as the plain value that ``rules.ranking`` computes with."""
        return rules.Rules(
            metrics=tuple(
                rules.Weighted(key, Fraction(percent, 100), METRICS[key].better is Better.LOWER)
                for key, percent in self.metrics
            ),
            floor=Fraction(self.floor),
            ceiling=Fraction(self.ceiling),
            up_at=Fraction(self.up_at),
            down_at=Fraction(self.down_at),
            least_closed=self.least_closed,
            decides=self.decides,
            least_expected=Fraction(self.least_expected),
            least_in_cell=self.least_in_cell,
        )


class RankingSnapshot(models.Model):
    """A ranking as of a day: of the whole months before it, from what was recorded by ``known_at``."""

    policy = models.ForeignKey(RankingPolicy, on_delete=models.PROTECT, related_name="snapshots")
    as_of = models.DateField()
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="first day after the period")
    known_at = models.DateTimeField(help_text="events recorded later are not in it")
    computed_at = models.DateTimeField()
    fingerprint = models.CharField(max_length=64, help_text="hash over its rows in canonical order")
    is_applied = models.BooleanField(default=False, help_text="tiers and ranks were written from it")
    month_on = models.DateField(
        null=True, blank=True, unique=True, help_text="first day of the month that it closed, where it did"
    )
    frozen_at = models.DateTimeField(null=True, blank=True, help_text="never made anew from then on")

    class Meta:
        ordering = ["-as_of", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "as_of"], name="ranking_snapshot_once_a_day"),
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="ranking_ends_after_start"),
            models.CheckConstraint(
                condition=Q(month_on__isnull=True, frozen_at__isnull=True)
                | Q(month_on__isnull=False, frozen_at__isnull=False),
                name="ranking_frozen_for_a_month",
            ),
        ]
        indexes = [models.Index(fields=["starts_on", "ends_on", "-as_of"], name="ranking_by_period")]

    def __str__(self) -> str:
        return f"Ranking as of {self.as_of}"

    @property
    def period(self) -> Period:
        return Period(self.starts_on, self.ends_on)

    @property
    def is_frozen(self) -> bool:
        return self.frozen_at is not None

    @property
    def month(self) -> Period | None:
        """The month that it closed."""
        return month_of(self.month_on) if self.month_on else None


class RankingRowQuerySet(models.QuerySet["RankingRow"]):
    def visible_to(self, user: Any) -> "RankingRowQuerySet":
        """RevOps sees all; an AE the own peers; a manager those of the people managed. Nobody else."""
        if user.role == "revops":
            return self
        own = RankingRow.objects.filter(snapshot=models.OuterRef("snapshot"))
        if user.role == "manager":
            return self.filter(group__in=own.filter(rep__team__manager=user).values("group"))
        if user.role == "ae":
            return self.filter(group__in=own.filter(rep__user=user).values("group"))
        return self.none()


class RankingRow(models.Model):
    """Where one AE stood, with the arithmetic whole: ``metrics`` holds exact fractions in text."""

    snapshot = models.ForeignKey(RankingSnapshot, on_delete=models.CASCADE, related_name="rows")
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="ranking_rows")
    group = models.CharField(max_length=40, help_text="peer group, such as team:3")
    group_name = models.CharField(max_length=80)
    currency = models.CharField(max_length=3)
    index = models.DecimalField(max_digits=10, decimal_places=4, help_text="rounded; exact in metrics")
    adjusted = models.DecimalField(
        max_digits=10,
        decimal_places=4,
        null=True,
        blank=True,
        help_text="rounded; empty where there was too little to adjust by",
    )
    rank = models.PositiveSmallIntegerField()
    of = models.PositiveSmallIntegerField(help_text="how many peers")
    tier_before = models.PositiveSmallIntegerField(choices=Tier.choices)
    tier_after = models.PositiveSmallIntegerField(choices=Tier.choices)
    move = models.CharField(max_length=4, choices=[("up", "Up"), ("down", "Down"), ("stay", "Stays")])
    reason = models.TextField()
    is_ramping = models.BooleanField(default=False)
    hold = models.ForeignKey(
        "scorecards.RankingHold",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="rows",
        help_text="the hold in force, whether or not there was a move to hold",
    )
    metrics = models.JSONField(help_text="index, won, closed, revenue, terms; the adjusted index and the mix")

    objects = RankingRowQuerySet.as_manager()

    class Meta:
        ordering = ["snapshot", "group", "rank", "rep_id"]
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "rep"], name="ranking_row_once"),
            models.CheckConstraint(condition=Q(move__in=("up", "down", "stay")), name="ranking_move_known"),
        ]
        indexes = [models.Index(fields=["rep", "-snapshot"], name="ranking_row_by_rep")]

    def __str__(self) -> str:
        return f"{self.rep_id}: {self.index}"


class RankingHoldQuerySet(models.QuerySet["RankingHold"]):
    def visible_to(self, user: Any) -> "RankingHoldQuerySet":
        """The AE who is held, the manager of the team, RevOps."""
        if user.role == "revops":
            return self
        if user.role == "manager":
            return self.filter(rep__team__manager=user)
        return self.filter(rep__user=user)

    def in_force(self, *, day: date, known_at: datetime) -> "RankingHoldQuerySet":
        """Those that hold on ``day``, by what was on record at ``known_at``."""
        return self.filter(starts_on__lte=day, ends_on__gt=day, held_at__lte=known_at).exclude(
            lift__lifted_at__lte=known_at
        )


class RankingHold(models.Model):
    """A manager lets no ranking move an AE for a while, and says why. Append-only; taken back by a lift."""

    append_only = True

    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="ranking_holds")
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="first day on which it holds no more")
    reason = models.CharField(max_length=500)
    held_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    held_at = models.DateTimeField()

    objects = RankingHoldQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_on", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__gt=F("starts_on")), name="ranking_hold_ends_after_start"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="ranking_hold_has_a_reason"),
        ]
        indexes = [models.Index(fields=["rep", "-starts_on"], name="ranking_hold_by_rep")]

    def __str__(self) -> str:
        return f"{self.rep_id}: {self.starts_on} to {self.ends_on}"

    @property
    def last_day(self) -> date:
        return self.ends_on - timedelta(days=1)

    def holds_on(self, day: date) -> bool:
        """Whether it holds on ``day`` by all that is on record now."""
        return self.starts_on <= day < self.ends_on and not hasattr(self, "lift")


class RankingHoldLift(models.Model):
    """A hold taken back before its end. Append-only; a hold is lifted once."""

    append_only = True

    hold = models.OneToOneField(RankingHold, on_delete=models.PROTECT, related_name="lift")
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    lifted_at = models.DateTimeField()
    reason = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"{self.hold_id} lifted"
