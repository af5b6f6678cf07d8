"""A lead: somebody at a company who may buy, and where they stand in the queue.

The stage and the place in the queue are projections, kept here so that the queue is one indexed
query. What happened is in the funnel record (``models.record``).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.leads.models.hand_offs import HandOff
from apps.leads.models.ordering import InZones, order_of, queue_indexes
from apps.leads.rules import queue as queue_rules
from apps.leads.rules.matching import Person, address_key, name_key
from apps.leads.rules.suppression import normal_phone
from apps.reps.models import Rep


class LeadStage(models.TextChoices):
    """PRODUCT section 2. Opportunities have stages of their own."""

    MCL = "mcl", "Collected"
    MQL = "mql", "Marketing qualified"
    WORKING = "working", "Working"
    SQL = "sql", "Sales qualified"
    HANDED_OFF = "handed_off", "Handed off"
    SAL = "sal", "Sales accepted"
    RECYCLED = "recycled", "Recycled"
    DISQUALIFIED = "disqualified", "Disqualified"

    @classmethod
    def workable(cls) -> tuple[str, ...]:
        """Stages in which an SDR works the lead."""
        return (cls.MCL, cls.MQL, cls.WORKING, cls.SQL, cls.RECYCLED)


class Score(models.TextChoices):
    A = "A", "A"
    B = "B", "B"
    C = "C", "C"
    D = "D", "D"


class Channel(models.TextChoices):
    CALL = "call", "Call"
    EMAIL = "email", "Email"
    SOCIAL = "social", "Social"
    CHAT = "chat", "Chat"
    VISIT = "visit", "Site visit"


class Persona(models.IntegerChoices):
    """Whom one speaks to, by the level of the title: what one says differs by it (``rules.personas``)."""

    EXECUTIVE = 1, "Executive"
    VICE_PRESIDENT = 2, "Vice president"
    DIRECTOR = 3, "Director"
    MANAGER = 4, "Manager"
    SPECIALIST = 5, "Specialist"
    UNKNOWN = 6, "Title unknown"


class Proposal(models.TextChoices):
    """What the portal proposes after the agreed number of touches without contact."""

    RECYCLE = "recycle", "Recycle"
    DISQUALIFY = "disqualify", "Disqualify"


class QueueBucket(models.IntegerChoices):
    """Why a lead is in the queue, in the order of PRODUCT section 4."""

    CALLBACK = 1, "Callbacks due"
    FRESH_INBOUND = 2, "Fresh inbound"
    TOUCH_DUE = 3, "Touches due"
    UNTOUCHED = 4, "Untouched"
    RECYCLED = 5, "Recycled, back now"


class LeadQuerySet(models.QuerySet["Lead"]):
    def visible_to(self, user: Any) -> "LeadQuerySet":
        """Who may open a lead.

        RevOps, marketing and finance see all (finance follows a line to its lead); a manager those of
        managed teams; an SDR the own ones, the team's unowned ones and those handed off; an AE those
        handed to them; AM and CSM those of accounts they look after.
        """
        if user.role in ("revops", "marketing", "finance"):
            return self
        if user.role == "manager":
            return self.filter(Q(team__manager=user) | Q(owner__team__manager=user)).distinct()
        if user.role == "sdr":
            # Subqueries rather than joins: the row count stays that of the leads.
            rep = _rep_ids(user)
            pool = Q(owner__isnull=True, team__in=_team_ids(user))
            handed = Q(pk__in=_hand_off_leads(sdr__in=rep))
            return self.filter(Q(owner__in=rep) | pool | handed)
        if user.role == "ae":
            return self.filter(pk__in=_hand_off_leads(ae__in=_rep_ids(user)))
        return self.filter(account__owner__in=_rep_ids(user))

    def create(self, **fields: Any) -> Any:
        """A new row with the keys that its name, phone and e-mail give it."""
        lead = self.model(**fields)
        lead.set_keys()
        lead.save(force_insert=True, using=self.db)
        return lead

    def queued(
        self, now: datetime, focus: str = "", zones: queue_rules.Zones | None = None
    ) -> "LeadQuerySet":
        """Offered at ``now`` in the written order (``rules.queue``), claimed ones included.

        ``focus`` is the channel of a focus block that runs. Calling hours are asked here rather than kept on the
        lead: they open and close by the clock, and keeping them would mean rewriting rows at every full hour.
        It costs little, since a planned call is set into the prospect's hours: few are due while those are closed.
        """
        zones = zones or queue_rules.waiting_zones(now, settings.COMPANY_TIME_ZONE)
        within = Q(InZones(F("time_zone"), zones.names))
        closed = ~within if zones.all_but else within
        waits = Q(queue_bucket__gte=queue_rules.FIRST_GROUPED, next_channel=Channel.CALL) & closed
        ready = self.filter(queue_bucket__isnull=False, queue_ready_at__lte=now)
        return ready.filter(~waits).order_by(*order_of(focus))

    def unclaimed(self, now: datetime) -> "LeadQuerySet":
        """Held by nobody, or held by somebody whose hold has run out."""
        return self.filter(Q(claimed_until__isnull=True) | Q(claimed_until__lte=now))


def _rep_ids(user: Any) -> models.QuerySet:
    return Rep.objects.filter(user=user).values("pk")


def _team_ids(user: Any) -> models.QuerySet:
    return Rep.objects.filter(user=user).values("team_id")


def _hand_off_leads(**lookup: Any) -> models.QuerySet:
    return HandOff.objects.filter(**lookup).values("lead_id")


class Lead(models.Model):
    """Somebody who may buy."""

    name = models.CharField(max_length=120, blank=True)
    title = models.CharField(max_length=120, blank=True)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    company = models.CharField(max_length=160, blank=True)
    account = models.ForeignKey(
        "leads.Account", null=True, blank=True, on_delete=models.PROTECT, related_name="leads"
    )
    industry = models.CharField(max_length=80, blank=True)
    employees = models.PositiveIntegerField(null=True, blank=True)
    city = models.CharField(max_length=80, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    source = models.CharField(max_length=80, blank=True, help_text="such as Web registration")
    campaign = models.CharField(max_length=80, blank=True)
    is_inbound = models.BooleanField(default=True)
    persona = models.PositiveSmallIntegerField(choices=Persona.choices, default=Persona.UNKNOWN)
    predictive = models.CharField(
        max_length=1, choices=Score.choices, blank=True, help_text="a fit score that came from outside"
    )

    score = models.CharField(max_length=1, choices=Score.choices, default=Score.C)
    score_points = models.SmallIntegerField(default=0)
    score_reasons = models.JSONField(default=list, blank=True, help_text='[["fit", "420 employees", 15], …]')
    is_exploration = models.BooleanField(default=False, help_text="outside the ideal customer profile")
    mql_definition = models.ForeignKey(
        "leads.Definition",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="the version that judged it; none where only the built-in table did",
    )

    stage = models.CharField(max_length=12, choices=LeadStage.choices, default=LeadStage.MCL)
    stage_reason = models.CharField(max_length=80, blank=True, help_text="why disqualified or recycled")
    team = models.ForeignKey(
        "reps.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="leads"
    )
    owner = models.ForeignKey(
        "reps.Rep", null=True, blank=True, on_delete=models.PROTECT, related_name="leads"
    )
    do_not_contact = models.BooleanField(default=False)
    closed_channels = models.JSONField(
        default=list, blank=True, help_text="channels that the prospect closed; kept from the suppressions"
    )
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="absorbed"
    )
    created_at = models.DateTimeField()
    mql_at = models.DateTimeField(null=True, blank=True)
    first_touch_at = models.DateTimeField(null=True, blank=True)
    last_touch_at = models.DateTimeField(null=True, blank=True)
    touch_count = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(
        default=0,
        help_text="touches in a row without contact, since the last talk or the return from nurture",
    )
    postponed_to = models.PositiveSmallIntegerField(
        default=0, help_text="a proposal was declined: none comes before so many attempts"
    )
    inquired_at = models.DateTimeField(null=True, blank=True, help_text="when they last asked by themselves")
    last_visit_at = models.DateTimeField(null=True, blank=True, help_text="when they were last on the site")
    visit_count = models.PositiveSmallIntegerField(default=0)

    next_channel = models.CharField(max_length=6, choices=Channel.choices, blank=True)
    next_purpose = models.CharField(max_length=10, blank=True, help_text="a leads.Purpose")
    proposal = models.CharField(max_length=10, choices=Proposal.choices, blank=True)
    proposal_reason = models.CharField(max_length=80, blank=True)
    callback_at = models.DateTimeField(null=True, blank=True)
    next_touch_at = models.DateTimeField(null=True, blank=True)
    reentry_on = models.DateField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True, help_text="the promise that runs out first")
    warn_at = models.DateTimeField(null=True, blank=True)

    queue_bucket = models.PositiveSmallIntegerField(choices=QueueBucket.choices, null=True, blank=True)
    queue_sort_at = models.DateTimeField(null=True, blank=True)
    queue_ready_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.ForeignKey(
        "reps.Rep",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="claimed_leads",
        db_index=False,  # lead_held instead: nearly every lead is held by nobody
    )
    claimed_until = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True, help_text="when the hold that runs began")

    source_system = models.CharField(max_length=40, blank=True)
    external_id = models.CharField(max_length=80, blank=True)

    # By what the same person is found again (``rules.matching``); set by ``set_keys``.
    name_key = models.CharField(max_length=120, blank=True, default="", editable=False)
    phone_key = models.CharField(max_length=9, blank=True, default="", editable=False)
    address_key = models.CharField(max_length=254, blank=True, default="", editable=False)

    objects = LeadQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["source_system", "external_id"],
                condition=~Q(external_id=""),
                name="lead_external_id_once",
            ),
            models.CheckConstraint(condition=Q(stage__in=LeadStage.values), name="lead_stage_known"),
            models.CheckConstraint(condition=Q(score__in=Score.values), name="lead_score_known"),
            models.CheckConstraint(
                condition=Q(queue_bucket__isnull=True)
                | Q(
                    queue_sort_at__isnull=False,
                    queue_ready_at__isnull=False,
                    do_not_contact=False,
                    merged_into__isnull=True,
                ),
                name="lead_queue_place_whole",
            ),
        ]
        indexes = [
            *queue_indexes(),
            # The sweep's: who came back from nurture, by when.
            models.Index(
                fields=["queue_ready_at"], condition=Q(queue_bucket=5, stage="recycled"), name="lead_returned"
            ),
            models.Index(fields=["claimed_by"], condition=Q(claimed_by__isnull=False), name="lead_held"),
            models.Index(fields=["email"], condition=~Q(email=""), name="lead_by_email"),
            models.Index(fields=["-created_at", "-id"], name="lead_newest"),
            models.Index(fields=["account", "name_key"], condition=~Q(name_key=""), name="lead_by_person"),
            models.Index(fields=["phone_key"], condition=~Q(phone_key=""), name="lead_by_phone"),
            models.Index(fields=["address_key"], condition=~Q(address_key=""), name="lead_by_mailbox"),
        ]

    def __str__(self) -> str:
        if self.name or self.company:
            return self.name or self.company
        # An import may know neither the person nor the company.
        return " · ".join(filter(None, [f"Lead {self.external_id or self.pk}", self.industry]))

    @property
    def label(self) -> str:
        """What to call the lead where a name may be missing: ``Lead 441 · Internet Software``."""
        return str(self)

    @property
    def detail(self) -> str:
        """What is known beside the label, in a few words."""
        if self.name:
            return ", ".join(filter(None, [self.company or self.industry, self.city]))
        if self.company:
            return ", ".join(filter(None, [self.title, self.city or self.industry]))
        return ", ".join(filter(None, [self.title, self.city]))

    def set_keys(self) -> None:
        """Set what the same person is found by, from name, phone and e-mail; whoever writes those calls it."""
        self.name_key = name_key(self.name)[:120]
        self.phone_key = normal_phone(self.phone)
        self.address_key = address_key(self.email)

    def as_person(self, addresses: Sequence[str] = ()) -> Person:
        """The plain value that ``rules.matching`` compares; ``addresses`` are others known of them."""
        return Person(self.name, (self.email, *addresses), self.phone, self.company)

    @property
    def is_workable(self) -> bool:
        return self.stage in LeadStage.workable() and not self.do_not_contact and self.merged_into_id is None
