"""A payout run: one period's pay on its way from computed to paid (PRODUCT section 9, "Runs")."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core.periods import Period


class RunState(models.TextChoices):
    """In this order; only ``submitted`` and ``approved`` can be sent back."""

    COMPUTING = "computing", "Computing"
    COMPUTED = "computed", "Computed"
    SUBMITTED = "submitted", "In approval"
    APPROVED = "approved", "Approved"
    LOCKED = "locked", "Locked"
    PAID = "paid", "Paid"

    @classmethod
    def unsettled(cls) -> tuple[str, str]:
        """States in which the figures may still move, so those who are paid do not see them."""
        return (cls.COMPUTING, cls.COMPUTED)

    @classmethod
    def closed(cls) -> tuple[str, str]:
        """States in which nothing of the run can change."""
        return (cls.LOCKED, cls.PAID)


# Which state may follow which; the database keeps the same table (database_guards).
FOLLOWS = {
    RunState.COMPUTING: (RunState.COMPUTED,),
    RunState.COMPUTED: (RunState.COMPUTING, RunState.SUBMITTED),
    RunState.SUBMITTED: (RunState.COMPUTED, RunState.APPROVED),
    RunState.APPROVED: (RunState.COMPUTED, RunState.LOCKED),
    RunState.LOCKED: (RunState.PAID,),
    RunState.PAID: (),
}


class PayoutRunQuerySet(models.QuerySet["PayoutRun"]):
    def visible_to(self, user: Any) -> "PayoutRunQuerySet":
        """Finance and RevOps see all; a manager those in which a managed rep has a statement."""
        if user.role in ("finance", "revops"):
            return self
        if user.role == "manager":
            concerned = self.filter(statements__rep__team__manager=user).distinct()
            return concerned.exclude(state__in=RunState.unsettled())
        return self.none()

    def closed(self) -> "PayoutRunQuerySet":
        return self.filter(state__in=RunState.closed())


def _person() -> models.ForeignKey:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )


class PayoutRun(models.Model):
    """One period's pay. Periods of two runs never overlap, so nothing is paid by two."""

    State = RunState

    code = models.CharField(max_length=24, unique=True, help_text="the period's code, such as 2026-10")
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="first day after the period")
    state = models.CharField(max_length=9, choices=RunState.choices, default=RunState.COMPUTING)
    as_of = models.DateTimeField(
        null=True, blank=True, help_text="the computation counts what was recorded by this instant"
    )
    computations = models.PositiveIntegerField(default=0, help_text="how often it was computed")
    fingerprint = models.CharField(max_length=64, blank=True, help_text="SHA-256 over the ledger lines")
    event_count = models.PositiveIntegerField(default=0)
    sent_back_because = models.CharField(max_length=500, blank=True)

    created_at = models.DateTimeField()
    computed_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    locked_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    computed_by = _person()
    submitted_by = _person()
    approved_by = _person()
    locked_by = _person()
    paid_by = _person()

    objects = PayoutRunQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_on"]
        constraints = [
            models.UniqueConstraint(fields=["starts_on", "ends_on"], name="run_once_per_period"),
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="run_ends_after_start"),
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="run_state_known"),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | Q(computed_by__isnull=True)
                | ~Q(approved_by=F("computed_by")),
                name="run_approver_did_not_compute",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | Q(submitted_by__isnull=True)
                | ~Q(approved_by=F("submitted_by")),
                name="run_approver_did_not_submit",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("approved", "locked", "paid"))
                | (Q(approved_by__isnull=False) & Q(approved_at__isnull=False) & ~Q(fingerprint="")),
                name="run_approved_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("locked", "paid"))
                | (Q(locked_by__isnull=False) & Q(locked_at__isnull=False)),
                name="run_locked_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"Payout run {self.code}"

    @property
    def period(self) -> Period:
        return Period(self.starts_on, self.ends_on)

    @property
    def name(self) -> str:
        return self.period.name

    @property
    def is_closed(self) -> bool:
        return self.state in RunState.closed()

    @property
    def is_computed(self) -> bool:
        """Whether its figures stand: it was computed and is not being computed again."""
        return self.state != RunState.COMPUTING

    @property
    def job_key(self) -> str:
        """The key of its job: of one period, two computations at once are impossible."""
        return self.code

    @property
    def short_fingerprint(self) -> str:
        """The first sixteen digits in fours, for people to compare."""
        return " ".join(self.fingerprint[at : at + 4] for at in range(0, 16, 4)) if self.fingerprint else ""
