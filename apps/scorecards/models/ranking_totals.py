"""What the ranking reads quickly: monthly sums per AE, and each lead as it was when it was handed off.

Both are made of the funnel record alone and can be made again from it (``services.ranking_totals``).
"""

from django.db import models
from django.db.models import Q

from apps.reps.models import Tier
from apps.scorecards.rules.lead_mix import ALONE, INBOUND, OUTBOUND


class ReceivedLead(models.Model):
    """The kind of lead that a hand-off passed on, as it was judged when it was first handed off.

    A lead's score moves on; what an AE was given does not.
    """

    hand_off = models.OneToOneField("leads.HandOff", on_delete=models.CASCADE, related_name="received")
    tier = models.PositiveSmallIntegerField(choices=Tier.choices)
    is_inbound = models.BooleanField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(tier__in=Tier.values), name="received_tier_known")]

    def __str__(self) -> str:
        return f"{self.hand_off_id}: tier {self.tier}"


class RankingTotal(models.Model):
    """What one rep did as an owner within one month, in one currency ("" for what has none).

    Shares in millionths; money in minor units times millionths; seconds times millionths.
    """

    rep = models.ForeignKey("reps.Rep", on_delete=models.CASCADE, related_name="+")
    month_on = models.DateField()
    currency = models.CharField(max_length=3, blank=True)
    won = models.BigIntegerField(default=0)
    lost = models.BigIntegerField(default=0)
    taken = models.BigIntegerField(default=0)
    turned_down = models.BigIntegerField(default=0)
    revenue = models.BigIntegerField(default=0)
    priced = models.BigIntegerField(default=0)
    self_sourced = models.BigIntegerField(default=0)
    cycle_seconds = models.BigIntegerField(default=0)
    cycle_share = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rep", "month_on", "currency"], name="ranking_total_once"),
            models.CheckConstraint(condition=Q(month_on__day=1), name="ranking_total_month_begins"),
        ]
        indexes = [models.Index(fields=["month_on", "rep"], name="ranking_total_by_month")]

    def __str__(self) -> str:
        return f"{self.rep_id} {self.month_on}"


class LeadMixTotal(models.Model):
    """What one rep closed as an owner within one month of one kind of lead, in one currency.

    The kind is the lead's tier when it was handed off (0 where no hand-off led to the deal) and the way it came
    (``rules.lead_mix.Cell``). Sums are as in ``RankingTotal``.
    """

    WAYS = ((INBOUND, "Inbound"), (OUTBOUND, "Outbound"), (ALONE, "Found alone"))

    rep = models.ForeignKey("reps.Rep", on_delete=models.CASCADE, related_name="+")
    month_on = models.DateField()
    tier = models.PositiveSmallIntegerField()
    way = models.CharField(max_length=8, choices=WAYS)
    currency = models.CharField(max_length=3, blank=True)
    won = models.BigIntegerField()
    closed = models.BigIntegerField()
    revenue = models.BigIntegerField()
    priced = models.BigIntegerField()
    seconds = models.BigIntegerField()
    timed = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rep", "month_on", "tier", "way", "currency"], name="lead_mix_total_once"
            ),
            models.CheckConstraint(condition=Q(month_on__day=1), name="lead_mix_total_month_begins"),
            models.CheckConstraint(
                condition=Q(tier=0, way=ALONE) | Q(tier__in=Tier.values, way__in=(INBOUND, OUTBOUND)),
                name="lead_mix_total_kind_known",
            ),
        ]
        indexes = [models.Index(fields=["month_on", "rep"], name="lead_mix_total_by_month")]

    def __str__(self) -> str:
        return f"{self.rep_id} {self.month_on} {self.tier} {self.way}"


class RankingTotalMark(models.Model):
    """An event that the totals do not hold yet: those whom it credits are read from the record till they do."""

    event = models.ForeignKey("leads.FunnelEvent", on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.event_id}"


class RankingTotalsBuild(models.Model):
    """That the totals were made, and when; without a row nobody reads them. One row at the most."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    built_at = models.DateTimeField()
    refreshed_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="ranking_totals_built_once")]

    def __str__(self) -> str:
        return f"Made {self.built_at}"
