"""Forms by which people ask for themselves, the texts that they agreed to, and what each of them sent when.

What somebody typed becomes the lead and stands nowhere else: a capture keeps which form and text it was.
"""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.integrations.rules.capture import FIELDS


class CaptureFormQuerySet(models.QuerySet["CaptureForm"]):
    def visible_to(self, user: Any) -> "CaptureFormQuerySet":
        """RevOps and marketing keep the forms."""
        return self if getattr(user, "role", "") in ("revops", "marketing") else self.none()


class CaptureForm(models.Model):
    """What one form asks, whose leads it makes, and which sites may show it. ``key`` stands in its address."""

    key = models.CharField(max_length=24, unique=True)
    name = models.CharField(max_length=80, unique=True, help_text="for colleagues")
    title = models.CharField(max_length=120, help_text="what visitors read above it")
    words = models.CharField(max_length=400, blank=True)
    fields = models.JSONField(default=dict, help_text="asked or required, by field (rules.capture.FIELDS)")
    team = models.ForeignKey("reps.Team", on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=80)
    campaign = models.CharField(max_length=80, blank=True)
    origins = models.JSONField(default=list, help_text="https://www.example: sites that may frame it")
    thanks = models.CharField(max_length=300)
    offers_times = models.BooleanField(default=True)
    is_active = models.BooleanField(default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()

    objects = CaptureFormQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def fields_in_order(self) -> dict[str, str]:
        """``fields`` in the order in which they are asked; a database may keep the names of JSON in another."""
        return {name: self.fields[name] for name in FIELDS if name in self.fields}


class ConsentText(models.Model):
    """A version of what people agree to on a form. Append-only: another wording is another version."""

    append_only = True

    form = models.ForeignKey(CaptureForm, on_delete=models.PROTECT, related_name="consents")
    version = models.PositiveSmallIntegerField()
    words = models.CharField(max_length=1_000)
    is_required = models.BooleanField(default=True)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    written_at = models.DateTimeField()

    class Meta:
        ordering = ["form", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["form", "version"], name="consent_text_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.form_id} version {self.version}"


class Capture(models.Model):
    """Somebody sent a form: which, when, from which site, agreeing to which text or not. Append-only."""

    append_only = True

    form = models.ForeignKey(CaptureForm, on_delete=models.PROTECT, related_name="captures")
    lead = models.ForeignKey("leads.Lead", on_delete=models.PROTECT, related_name="captures")
    at = models.DateTimeField()
    key = models.CharField(max_length=80, unique=True, help_text="one filling of the form is one capture")
    outcome = models.CharField(max_length=12, help_text="leads.services.arrivals.Outcome")
    consent = models.ForeignKey(ConsentText, on_delete=models.PROTECT, related_name="+")
    agreed = models.BooleanField()
    site = models.CharField(
        max_length=120, blank=True, help_text="the host that showed it, as the browser said"
    )

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["form", "at"], name="capture_of_form"),
            models.Index(fields=["lead"], name="capture_of_lead"),
        ]
        constraints = [models.CheckConstraint(condition=~Q(key=""), name="capture_has_key")]

    def __str__(self) -> str:
        return self.key
