"""How a rep's day is divided, and how many bets outside the profile a quarter may hold."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.leads.models.leads import Channel


class FocusBlock(models.Model):
    """A part of a weekday kept for one kind of work, in the rep's own time zone.

    Without a rep it is the company's; a rep who has blocks of their own on any weekday has only those.
    """

    class Kind(models.TextChoices):
        CLEAN_UP = "clean_up", "Clean-up"
        EMAIL = "email", "Email"
        CALLS = "calls", "Calls"
        SOCIAL = "social", "Social"
        FOLLOW_UP = "follow_up", "Follow-up and hand-offs"

    rep = models.ForeignKey(
        "reps.Rep", null=True, blank=True, on_delete=models.CASCADE, related_name="focus_blocks"
    )
    weekday = models.PositiveSmallIntegerField(help_text="0 is Monday")
    starts = models.TimeField()
    ends = models.TimeField()
    kind = models.CharField(max_length=9, choices=Kind.choices)

    class Meta:
        ordering = ["weekday", "starts"]
        constraints = [
            models.UniqueConstraint(fields=["rep", "weekday", "starts"], name="focus_block_once"),
            models.UniqueConstraint(
                fields=["weekday", "starts"],
                condition=Q(rep__isnull=True),
                name="focus_block_of_company_once",
            ),
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="focus_block_ends_after_start"),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="focus_block_weekday_known"),
        ]

    def __str__(self) -> str:
        return f"{self.weekday} {self.starts}–{self.ends} {self.kind}"

    @property
    def channel(self) -> str:
        """The channel that the block is for; empty where it is for none in particular."""
        return {
            self.Kind.EMAIL: Channel.EMAIL.value,
            self.Kind.CALLS: Channel.CALL.value,
            self.Kind.SOCIAL: Channel.SOCIAL.value,
        }.get(self.Kind(self.kind), "")


class ExplorationBudget(models.Model):
    """How many hand-offs outside the ideal customer profile a rep may make in a quarter.

    The rep's own row wins over the company's (no rep); of several the latest that has begun.
    """

    rep = models.ForeignKey(
        "reps.Rep", null=True, blank=True, on_delete=models.PROTECT, related_name="exploration_budgets"
    )
    from_on = models.DateField(help_text="first day of the first quarter it holds for")
    per_quarter = models.PositiveSmallIntegerField()
    set_at = models.DateTimeField()
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["-from_on", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["rep", "from_on"], condition=Q(rep__isnull=False), name="exploration_of_rep_once"
            ),
            models.UniqueConstraint(
                fields=["from_on"], condition=Q(rep__isnull=True), name="exploration_of_company_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.per_quarter} from {self.from_on}"
