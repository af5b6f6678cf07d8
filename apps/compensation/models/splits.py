"""Credits by hand: another split of an event's credit, proposed by one person and approved by another.

Nothing here is changed or deleted. A split proposes for one event and capacity who has which share; the decision
stands beside it. From the instant of its approval pay, scorecards and ranking count the newest approved split in
place of what the event was recorded with. The record itself stays as it is.
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from apps.leads.models import WHOLE_SHARE, Capacity


class CreditSplitQuerySet(models.QuerySet["CreditSplit"]):
    def visible_to(self, user: Any) -> "CreditSplitQuerySet":
        """RevOps and finance see all; a manager what concerns managed reps or was proposed by the same person;
        a rep what gives or takes their own credit, and what they asked for.
        """
        if user.role in ("revops", "finance"):
            return self
        if user.role == "marketing":
            return self.none()
        parts = CreditSplitPart.objects.filter(split=OuterRef("pk"))
        concerned = Exists(parts.filter(rep__user=user))
        if user.role == "manager":
            concerned = Exists(parts.filter(Q(rep__team__manager=user) | Q(rep__user=user)))
        return self.filter(Q(concerned) | Q(proposed_by=user))

    def waiting(self) -> "CreditSplitQuerySet":
        """Without a decision."""
        return self.filter(decision__isnull=True)

    def approved(self) -> "CreditSplitQuerySet":
        return self.filter(decision__verdict=Verdict.APPROVED)


class Verdict(models.TextChoices):
    APPROVED = "approved", "Approved"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"


class CreditSplit(models.Model):
    """A proposed split of one event's credit in one capacity; ``number`` counts those of the same credit."""

    append_only = True

    event = models.ForeignKey("leads.FunnelEvent", on_delete=models.PROTECT, related_name="splits")
    capacity = models.CharField(max_length=7, choices=Capacity.choices)
    number = models.PositiveIntegerField()
    reason = models.CharField(max_length=500)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    reverses = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversals",
        help_text="the split that this one takes back",
    )  # fmt: skip

    objects = CreditSplitQuerySet.as_manager()

    class Meta:
        ordering = ["-proposed_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["event", "capacity", "number"], name="split_numbered_once"),
            models.CheckConstraint(condition=~Q(reason=""), name="split_has_reason"),
            models.CheckConstraint(condition=Q(capacity__in=Capacity.values), name="split_capacity_known"),
        ]

    def __str__(self) -> str:
        return f"Split {self.pk}"

    def gives_to(self, user: Any) -> bool:
        """Whether ``user`` gains by it, and so may not approve it."""
        return any(
            part.rep.user_id == user.pk and part.share > part.share_before for part in self.parts.all()
        )

    @property
    def verdict(self) -> str:
        """What was decided; "" while it waits. (The decision fetched along.)"""
        decision = getattr(self, "decision", None)
        return decision.verdict if decision else ""


class CreditSplitPart(models.Model):
    """A rep's share before and after, in millionths. Who loses all is listed with 0.

    Event and capacity stand here again, so that pay reads a part as it reads a credit of the record.
    """

    append_only = True

    split = models.ForeignKey(CreditSplit, on_delete=models.PROTECT, related_name="parts")
    event = models.ForeignKey("leads.FunnelEvent", on_delete=models.PROTECT, related_name="+")
    capacity = models.CharField(max_length=7, choices=Capacity.choices)
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="split_parts")
    share_before = models.PositiveIntegerField()
    share = models.PositiveIntegerField()

    class Meta:
        ordering = ["split_id", "-share", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["split", "rep"], name="split_part_once"),
            models.CheckConstraint(
                condition=Q(share__lte=WHOLE_SHARE, share_before__lte=WHOLE_SHARE)
                & (Q(share__gt=0) | Q(share_before__gt=0)),
                name="split_part_in_range",
            ),
        ]
        indexes = [models.Index(fields=["rep", "event"], name="split_part_by_rep")]

    def __str__(self) -> str:
        return f"{self.rep_id}: {self.share_before} to {self.share}"


class CreditSplitDecision(models.Model):
    """What became of a split, once. Who proposed it, or gains by it, does not approve it (database_guards)."""

    append_only = True

    split = models.OneToOneField(CreditSplit, on_delete=models.PROTECT, related_name="decision")
    verdict = models.CharField(max_length=9, choices=Verdict.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    words = models.CharField(max_length=500, blank=True, help_text="why it was declined")

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(verdict__in=Verdict.values), name="split_verdict_known"),
            models.CheckConstraint(
                condition=~Q(verdict="declined") | ~Q(words=""), name="split_declined_with_words"
            ),
        ]
        indexes = [models.Index(fields=["at"], name="split_decision_by_time")]

    def __str__(self) -> str:
        return f"{self.verdict} {self.split_id}"
