"""How AEs are ranked (policy), and each ranking that was made (snapshot with a row per AE)."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import models
from django.db.models import F, Q

from apps.core.periods import Period
from apps.reps.models import Tier
from apps.scorecards.rules import ranking as rules
from apps.scorecards.rules.metrics import METRICS, Better


class PeerGroup(models.TextChoices):
    """Who is compared with whom. Money is never compared across currencies."""

    TEAM = "team", "AEs of one team"
    CURRENCY = "currency", "AEs of all teams that share a currency"


def default_weights() -> dict[str, int]:
    """The five metrics of PRODUCT section 7, in percent."""
    return {
        "revenue_won": 30,
        "win_rate": 25,
        "average_deal": 15,
        "sales_cycle": 15,
        "self_sourced_pipeline": 15,
    }


class RankingPolicy(models.Model):
    """One version of how AEs are ranked. A version is never changed: a new one takes effect on a day."""

    version = models.PositiveIntegerField(unique=True)
    effective_on = models.DateField()
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

    class Meta:
        ordering = ["-version"]
        verbose_name_plural = "ranking policies"
        constraints = [
            models.CheckConstraint(condition=Q(floor__lt=F("ceiling")), name="ranking_bounds_in_order"),
            models.CheckConstraint(condition=Q(down_at__lt=F("up_at")), name="ranking_edges_in_order"),
            models.CheckConstraint(condition=Q(months__gt=0), name="ranking_covers_a_month"),
            models.CheckConstraint(condition=Q(peer_group__in=PeerGroup.values), name="ranking_peers_known"),
        ]

    def __str__(self) -> str:
        return f"Ranking policy v{self.version}"

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

    class Meta:
        ordering = ["-as_of", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "as_of"], name="ranking_snapshot_once_a_day"),
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="ranking_ends_after_start"),
        ]
        indexes = [models.Index(fields=["starts_on", "ends_on", "-as_of"], name="ranking_by_period")]

    def __str__(self) -> str:
        return f"Ranking as of {self.as_of}"

    @property
    def period(self) -> Period:
        return Period(self.starts_on, self.ends_on)


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
    rank = models.PositiveSmallIntegerField()
    of = models.PositiveSmallIntegerField(help_text="how many peers")
    tier_before = models.PositiveSmallIntegerField(choices=Tier.choices)
    tier_after = models.PositiveSmallIntegerField(choices=Tier.choices)
    move = models.CharField(max_length=4, choices=[("up", "Up"), ("down", "Down"), ("stay", "Stays")])
    reason = models.TextField()
    is_ramping = models.BooleanField(default=False)
    metrics = models.JSONField(help_text="index, won, closed, revenue and terms")

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
