"""The funnel record: the spine that scorecards, rankings and pay are functions of.

An event is never changed or deleted (the database refuses it, ``core.append_only``): a mistake is
reversed by another event, once. ``source_key`` is unique, so that writing the same fact twice is
writing it once (PRODUCT section 2).
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

WHOLE_SHARE = 1_000_000
"""A credit's share is in millionths: integers, so that shares sum to the whole exactly."""


class EventKind(models.TextChoices):
    """What can happen, in the past tense. Amounts stand on those from ``ACCEPTED`` on."""

    COLLECTED = "collected", "Lead collected"
    MQL = "mql", "Became an MQL"
    TOUCHED = "touched", "Touched"
    QUALIFIED = "qualified", "Qualified (SQL)"
    BOOKED = "booked", "Meeting booked"
    HANDED_OFF = "handed_off", "Handed off"
    HELD = "held", "Meeting held"
    NO_SHOW = "no_show", "No-show"
    ACCEPTED = "accepted", "Accepted by the AE (SAL)"
    REJECTED = "rejected", "Rejected by the AE"
    STAGE_1 = "stage_1", "Opportunity at stage 1"
    STAGE_2 = "stage_2", "Opportunity at stage 2"
    WON = "won", "Closed won"
    LOST = "lost", "Closed lost"
    AMOUNT_CHANGED = "amount_changed", "Amount changed"
    DISQUALIFIED = "disqualified", "Disqualified"
    RECYCLED = "recycled", "Recycled"
    ASKED = "asked", "Asked again"
    VISITED = "visited", "Visited the site"
    ATTENDED = "attended", "Came to an event"
    MERGED = "merged", "Merged with another lead"
    RESCHEDULED = "rescheduled", "Meeting rescheduled"
    CANCELLED = "cancelled", "Meeting cancelled"
    CONTESTED = "contested", "Rejection contested"
    UPHELD = "upheld", "Contest upheld"
    DISMISSED = "dismissed", "Contest dismissed"
    PASSED_ON = "passed_on", "Account passed on after the win"
    HEALTH = "health", "Account health recorded"
    NPS = "nps", "NPS answer recorded"
    CHURNED = "churned", "Account churned"
    REVERSED = "reversed", "Reversed"


class Capacity(models.TextChoices):
    """As what a rep is credited; shares sum to the whole within each capacity."""

    SOURCED = "sourced", "Sourced it"
    OWNED = "owned", "Owned it"


class Source(models.TextChoices):
    PAGE = "page", "Page"
    API = "api", "API"
    IMPORT = "import", "Import"
    SCHEDULE = "schedule", "Schedule"
    DEMO = "demo", "Demo company"


class FunnelEventQuerySet(models.QuerySet["FunnelEvent"]):
    def effective(self, as_of: datetime | None = None, *, of_many: bool = False) -> "FunnelEventQuerySet":
        """What holds: neither a reversal nor reversed. With ``as_of``, as was known at that instant.

        ``of_many`` is for a statement that goes through a good part of the record: it reads all reversals once.
        """
        reversals = FunnelEvent.objects.filter(reverses=OuterRef("pk"))
        if of_many:
            # It says nothing new, but lets the database leave out the many events that reverse nothing.
            reversals = reversals.filter(reverses__isnull=False)
        found = self.exclude(kind=EventKind.REVERSED)
        if as_of is not None:
            reversals = reversals.filter(recorded_at__lte=as_of)
            found = found.filter(recorded_at__lte=as_of)
        return found.filter(~Exists(reversals))

    def between(self, start: datetime, end: datetime) -> "FunnelEventQuerySet":
        """Occurred in ``[start, end)``."""
        return self.filter(occurred_at__gte=start, occurred_at__lt=end)

    def visible_to(self, user: Any) -> "FunnelEventQuerySet":
        """RevOps, marketing and finance see all; a manager and a rep what credits own people."""
        if user.role in ("revops", "finance", "marketing"):
            return self
        credited = EventCredit.objects.filter(event=OuterRef("pk"))
        if user.role == "manager":
            return self.filter(Exists(credited.filter(rep__team__manager=user)))
        return self.filter(Exists(credited.filter(rep__user=user)))


class FunnelEvent(models.Model):
    """One fact: what happened, when, to what, worth how much, and when we came to know it."""

    append_only = True

    kind = models.CharField(max_length=14, choices=EventKind.choices)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    lead = models.ForeignKey(
        "leads.Lead", null=True, blank=True, on_delete=models.PROTECT, related_name="events"
    )
    hand_off = models.ForeignKey(
        "leads.HandOff", null=True, blank=True, on_delete=models.PROTECT, related_name="events"
    )
    opportunity = models.ForeignKey(
        "leads.Opportunity", null=True, blank=True, on_delete=models.PROTECT, related_name="events"
    )
    account = models.ForeignKey(
        "leads.Account",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="events",
        help_text="set on what happens to a customer after the win",
    )
    amount_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    source = models.CharField(max_length=8, choices=Source.choices)
    source_key = models.CharField(max_length=120, unique=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reverses = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by"
    )
    data = models.JSONField(default=dict, blank=True, help_text="reason, channel: no personal data")

    objects = FunnelEventQuerySet.as_manager()

    class Meta:
        ordering = ["-occurred_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=EventKind.values), name="event_kind_known"),
            models.CheckConstraint(
                condition=Q(amount_minor__isnull=True) | ~Q(currency=""), name="event_amount_has_currency"
            ),
            models.CheckConstraint(
                condition=Q(kind="reversed", reverses__isnull=False)
                | (~Q(kind="reversed") & Q(reverses__isnull=True)),
                name="event_reversal_names_its_event",
            ),
        ]
        indexes = [
            models.Index(fields=["kind", "occurred_at"], name="event_by_kind"),
            models.Index(fields=["lead", "occurred_at"], name="event_by_lead"),
            models.Index(fields=["recorded_at"], name="event_by_recorded"),
            models.Index(
                fields=["account", "occurred_at"],
                condition=Q(account__isnull=False),
                name="event_by_account",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class EventCredit(models.Model):
    """A rep's share in an event, in millionths of the whole. Append-only like its event."""

    append_only = True

    event = models.ForeignKey(FunnelEvent, on_delete=models.PROTECT, related_name="credits")
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="credits")
    capacity = models.CharField(max_length=7, choices=Capacity.choices)
    share = models.PositiveIntegerField(default=WHOLE_SHARE)
    rule = models.ForeignKey(
        "leads.CreditRule",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="by which it was shared",
    )

    class Meta:
        ordering = ["event_id", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["event", "capacity", "rep"], name="credit_once"),
            models.CheckConstraint(
                condition=Q(share__gt=0, share__lte=WHOLE_SHARE), name="credit_share_in_range"
            ),
        ]
        indexes = [models.Index(fields=["rep", "capacity", "event"], name="credit_by_rep")]

    def __str__(self) -> str:
        return f"{self.rep_id} {self.share}"

    @property
    def percent(self) -> str:
        """The share for reading: ``100 %``, ``33.3333 %``."""
        whole, rest = divmod(self.share, WHOLE_SHARE // 100)
        return f"{whole}.{rest:04}".rstrip("0").rstrip(".") + " %"
