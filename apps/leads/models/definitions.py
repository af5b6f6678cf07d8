"""What MQL and SQL mean here, as agreed; and each lead's answers to it (PRODUCT section 3)."""

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.leads.rules.frameworks import FRAMEWORKS


def bant() -> list[dict[str, Any]]:
    """BANT as the first SQL definition."""
    return [{"key": one.key, "name": one.name, "asks": one.asks} for one in FRAMEWORKS["bant"].criteria]


class Framework(models.TextChoices):
    """The question sets of PRODUCT section 3; ``OWN`` is the company's."""

    BANT = "bant", "BANT"
    AN = "an", "AN"
    ANUM = "anum", "ANUM"
    OWN = "own", "Own framework"


class DefinitionQuerySet(models.QuerySet["Definition"]):
    def in_force(self, kind: str, day: date) -> "DefinitionQuerySet":
        """Signed by both sides and effective by ``day``, newest first."""
        return self.filter(
            kind=kind,
            effective_on__lte=day,
            withdrawn_at__isnull=True,
            marketing_signed_by__isnull=False,
            sales_signed_by__isnull=False,
        ).order_by("-effective_on", "-version")


class Definition(models.Model):
    """One version of an agreement. It takes effect only when marketing and sales have signed it."""

    class Kind(models.TextChoices):
        MQL = "mql", "MQL"
        SQL = "sql", "SQL"

    kind = models.CharField(max_length=3, choices=Kind.choices)
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    framework = models.CharField(max_length=4, choices=Framework.choices, blank=True, help_text="SQL only")
    criteria = models.JSONField(default=bant)
    points = models.JSONField(
        default=dict, blank=True, help_text="MQL only: the tables of points, as rules.scoring reads them"
    )
    needed = models.PositiveSmallIntegerField(default=3, help_text="criteria met, or the MQL threshold")
    expected_from_percent = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="close rate expected of what meets it, at least"
    )
    expected_to_percent = models.PositiveSmallIntegerField(null=True, blank=True, help_text="at most")
    note = models.CharField(max_length=500, blank=True, help_text="why this version")
    effective_on = models.DateField()
    drafted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    drafted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="a draft that was given up")
    marketing_signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    marketing_signed_at = models.DateTimeField(null=True, blank=True)
    sales_signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    sales_signed_at = models.DateTimeField(null=True, blank=True)

    objects = DefinitionQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "version"], name="definition_version_once"),
            models.CheckConstraint(
                condition=Q(expected_from_percent__isnull=True, expected_to_percent__isnull=True)
                | Q(
                    expected_from_percent__gte=0,
                    expected_from_percent__lte=models.F("expected_to_percent"),
                    expected_to_percent__lte=100,
                ),
                name="definition_expectation_in_order",
            ),
            models.CheckConstraint(
                condition=Q(marketing_signed_by__isnull=True)
                | Q(sales_signed_by__isnull=True)
                | ~Q(marketing_signed_by=models.F("sales_signed_by")),
                name="definition_signed_by_two",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} definition v{self.version}"

    @property
    def is_draft(self) -> bool:
        """Not agreed yet, and not given up."""
        return not self.is_signed and self.withdrawn_at is None

    @property
    def is_signed(self) -> bool:
        return self.marketing_signed_by_id is not None and self.sales_signed_by_id is not None


class Qualification(models.Model):
    """A lead judged against one version of the SQL definition."""

    lead = models.ForeignKey("leads.Lead", on_delete=models.PROTECT, related_name="qualifications")
    definition = models.ForeignKey(Definition, on_delete=models.PROTECT, related_name="qualifications")
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="qualifications")
    qualified_at = models.DateTimeField()
    meets_definition = models.BooleanField()

    class Meta:
        ordering = ["-qualified_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.lead_id} by {self.definition_id}"


class QualificationAnswer(models.Model):
    """The answer to one criterion, its evidence, and who said so."""

    class Verdict(models.TextChoices):
        MET = "met", "Met"
        PARTLY = "partly", "Partly"
        NOT_MET = "not_met", "Not met"

    qualification = models.ForeignKey(Qualification, on_delete=models.CASCADE, related_name="answers")
    criterion = models.CharField(max_length=20)
    name = models.CharField(max_length=40)
    position = models.PositiveSmallIntegerField()
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    answer = models.CharField(max_length=300, blank=True)
    evidence = models.CharField(max_length=500, blank=True)
    said_by = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["qualification", "criterion"], name="answer_once_per_criterion"),
            models.CheckConstraint(
                condition=Q(verdict__in=("met", "partly", "not_met")), name="answer_verdict_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.criterion}: {self.verdict}"
