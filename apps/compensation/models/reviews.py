"""What finance and managers said of one person's pay in a run, before it is approved. Append-only."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class ReviewSide(models.TextChoices):
    FINANCE = "finance", "Finance"
    MANAGER = "manager", "Manager"


class ReviewVerdict(models.TextChoices):
    APPROVED = "approved", "Approved"
    SENT_BACK = "sent_back", "Sent back"


class PayReview(models.Model):
    """One verdict on a rep's statements in a run, as they were: ``digest`` is theirs.

    The newest verdict of a side counts while the statements are the same; once one changed, nothing was said of it.
    """

    append_only = True
    Side = ReviewSide
    Verdict = ReviewVerdict

    run = models.ForeignKey("compensation.PayoutRun", on_delete=models.PROTECT, related_name="reviews")
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="+")
    side = models.CharField(max_length=7, choices=ReviewSide.choices)
    verdict = models.CharField(max_length=9, choices=ReviewVerdict.choices)
    digest = models.CharField(
        max_length=64, help_text="SHA-256 over the rep's statements in the run, as reviewed"
    )
    reason = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(side__in=ReviewSide.values), name="pay_review_side_known"),
            models.CheckConstraint(
                condition=Q(verdict__in=ReviewVerdict.values), name="pay_review_verdict_known"
            ),
            models.CheckConstraint(
                condition=Q(verdict=ReviewVerdict.APPROVED) | ~Q(reason=""), name="pay_review_sent_back_why"
            ),
        ]
        indexes = [models.Index(fields=["run", "rep"], name="pay_review_of_rep")]

    def __str__(self) -> str:
        return f"Pay review {self.pk}"
