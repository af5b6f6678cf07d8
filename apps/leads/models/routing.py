"""Routing policies in versions, every decision that was made by one, and the turns of the round robins."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.leads.models.hand_offs import HandOff
from apps.leads.models.leads import Lead


class RoutingPolicyQuerySet(models.QuerySet["RoutingPolicy"]):
    def in_force(self, at: datetime) -> "RoutingPolicyQuerySet":
        """The version that decides at ``at``: one or none."""
        begun = self.filter(state=RoutingPolicy.State.ON, from_at__lte=at)
        return begun.filter(Q(until_at__isnull=True) | Q(until_at__gt=at)).order_by("-from_at", "-pk")


class RoutingPolicy(models.Model):
    """A version of how AEs are chosen. A draft is written; once switched on it never changes.

    It decides in ``[from_at, until_at)``: until the next version begins, or it was ended by hand.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        ON = "on", "Switched on"
        PUT_AWAY = "put_away", "Put away"

    number = models.PositiveIntegerField(unique=True, help_text="the version")
    name = models.CharField(max_length=80)
    note = models.CharField(max_length=300, blank=True, help_text="why this version")
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    written_at = models.DateTimeField()
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    changed_at = models.DateTimeField(help_text="a page says which state of the draft it has read")
    switched_on_at = models.DateTimeField(null=True, blank=True)
    switched_on_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    from_at = models.DateTimeField(null=True, blank=True)
    until_at = models.DateTimeField(null=True, blank=True)

    objects = RoutingPolicyQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        verbose_name_plural = "routing policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(state="on", from_at__isnull=False, switched_on_at__isnull=False)
                | (~Q(state="on") & Q(from_at__isnull=True, until_at__isnull=True)),
                name="routing_policy_on_from_a_moment",
            ),
            models.CheckConstraint(
                condition=Q(until_at__isnull=True) | Q(until_at__gte=F("from_at")),
                name="routing_policy_ends_after_it_begins",
            ),
        ]
        indexes = [
            models.Index(fields=["-from_at"], condition=Q(state="on"), name="routing_policy_begun"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, version {self.number}"


class RoutingRule(models.Model):
    """One rule of a version, asked in its place; ``leads.rules.routing.policies`` reads it."""

    policy = models.ForeignKey(RoutingPolicy, on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveSmallIntegerField(help_text="asked in this order")
    name = models.CharField(max_length=80, help_text="also names its turns, over all versions")
    method = models.CharField(max_length=13)
    conditions = models.JSONField(default=list, blank=True, help_text="rows as rules.conditions reads them")
    terms = models.JSONField(default=dict, blank=True, help_text="pool, fallback and the method's settings")

    class Meta:
        ordering = ["policy", "position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "name"], name="routing_rule_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class TurnPool(models.Model):
    """Whose turn it is in the round robins of one name: the sum of the ledger, kept to decide quickly.

    Whoever decides locks the row: of two bookings at once the second sees the turn of the first.
    """

    name = models.CharField(max_length=80, unique=True, help_text="the name of the rule")
    standings = models.JSONField(default=dict, help_text='due and taken by rep: {"7": ["12/5", 2]}')
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class RoutingDecisionQuerySet(models.QuerySet["RoutingDecision"]):
    def visible_to(self, user: Any) -> "RoutingDecisionQuerySet":
        """Those of the leads that the user sees, and of the hand-offs."""
        leads = Lead.objects.visible_to(user).values("pk")
        hand_offs = HandOff.objects.visible_to(user).values("lead")
        return self.filter(Q(lead__in=leads) | Q(lead__in=hand_offs))


class RoutingDecision(models.Model):
    """One decision about one lead, with every candidate and why taken or passed over. Append-only.

    ``inputs`` and ``candidates`` are all that is needed to decide again (``rules.routing.kept.replay``).
    """

    append_only = True

    class Cause(models.TextChoices):
        HELD = "held", "Held for the form"
        BOOKED = "booked", "Booked"
        RESCHEDULED = "rescheduled", "Rescheduled"
        REROUTED = "rerouted", "Routed again"
        CONTEST = "contest", "Contest upheld, with another AE"

    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="routing_decisions")
    hand_off = models.ForeignKey(
        HandOff, null=True, blank=True, on_delete=models.PROTECT, related_name="routing_decisions"
    )
    hold = models.ForeignKey(
        "leads.SlotHold", null=True, blank=True, on_delete=models.PROTECT, related_name="routing_decisions"
    )
    confirms = models.OneToOneField(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="confirmed_by",
        help_text="the decision for a hold that this booking used; it has the turn",
    )
    cause = models.CharField(max_length=11, choices=Cause.choices)
    because = models.CharField(max_length=200, blank=True, help_text="why it was decided again, in words")
    starts_at = models.DateTimeField(help_text="the time that the customer wanted")
    ends_at = models.DateTimeField()
    at = models.DateTimeField()
    policy = models.ForeignKey(
        RoutingPolicy,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="decisions",
        help_text="empty: none was in force, so best available",
    )
    rule = models.CharField(max_length=80)
    method = models.CharField(max_length=13)
    chosen = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="routing_decisions")
    lead_tier = models.PositiveSmallIntegerField()
    words = models.TextField()
    steps = models.JSONField(default=list, help_text="each rule that was looked at, as kept.step_rows")
    candidates = models.JSONField(default=list, help_text="as kept.candidate_rows")
    inputs = models.JSONField(default=dict, help_text="as kept.inputs; empty where it was not kept")
    pool = models.ForeignKey(
        TurnPool, null=True, blank=True, on_delete=models.PROTECT, related_name="decisions"
    )
    shares = models.JSONField(default=dict, help_text="what each was due by the turn: as kept.share_rows")

    objects = RoutingDecisionQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["lead", "-at"], name="routing_by_lead"),
            models.Index(fields=["policy", "-at"], name="routing_by_policy"),
            models.Index(fields=["-at", "-id"], name="routing_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} to {self.chosen_id}"


class PoolTurn(models.Model):
    """What happened to a turn: joined level, taken, given back, counted after all. Append-only."""

    append_only = True

    class Kind(models.TextChoices):
        JOINED = "joined", "Joined level"
        TAKEN = "taken", "Taken"
        GIVEN_BACK = "given_back", "Given back"
        RETAKEN = "retaken", "Counted after all"

    pool = models.ForeignKey(TurnPool, on_delete=models.PROTECT, related_name="turns")
    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="pool_turns")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    decision = models.ForeignKey(
        RoutingDecision, null=True, blank=True, on_delete=models.PROTECT, related_name="turns"
    )
    number = models.PositiveSmallIntegerField(default=1, help_text="of the rows of its decision, from 1")
    at = models.DateTimeField()
    because = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["decision", "number"],
                condition=Q(decision__isnull=False),
                name="pool_turn_once_in_order",
            ),
            models.UniqueConstraint(
                fields=["pool", "rep"], condition=Q(kind="joined"), name="pool_joined_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="joined", decision__isnull=True)
                | (~Q(kind="joined") & Q(decision__isnull=False)),
                name="pool_turn_of_a_decision",
            ),
        ]
        indexes = [models.Index(fields=["pool", "rep", "kind"], name="pool_turns_by_rep")]

    def __str__(self) -> str:
        return f"{self.kind} {self.rep_id}"
