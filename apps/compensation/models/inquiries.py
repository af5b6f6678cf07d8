"""Inquiries: a rep questions a line of a statement, somebody owns the question, and it gets an outcome.

The inquiry itself is where it stands; what was said and done (``InquiryMessage``, ``InquiryAttachment``,
``InquiryAct``) is never changed. What money follows is ``models.adjustments``.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.compensation.rules.inquiries import RUNNING, SETTLED


class InquiryTerms(models.Model):
    """How fast inquiries are answered, by whom, and who hears when they are not; the latest row holds."""

    append_only = True

    class Answered(models.TextChoices):
        REVOPS = "revops", "RevOps"
        FINANCE = "finance", "Finance"
        BOTH = "both", "RevOps and finance in turn"

    first_answer_minutes = models.PositiveIntegerField(help_text="business minutes")
    outcome_minutes = models.PositiveIntegerField(help_text="business minutes")
    warn_percent = models.PositiveSmallIntegerField()
    reopen_days = models.PositiveSmallIntegerField()
    answered_by = models.CharField(max_length=7, choices=Answered.choices)
    rota = models.JSONField(
        default=list, blank=True, help_text="user ids in turn; empty: everybody of the role"
    )
    lead = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        help_text="the finance lead, told when a promise runs out; empty: all of finance",
    )  # fmt: skip
    set_at = models.DateTimeField()
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["-set_at", "-pk"]
        verbose_name_plural = "inquiry terms"
        constraints = [
            models.CheckConstraint(
                condition=Q(first_answer_minutes__gte=1, outcome_minutes__gte=F("first_answer_minutes")),
                name="inquiry_terms_in_order",
            ),
            models.CheckConstraint(
                condition=Q(warn_percent__gte=1, warn_percent__lte=100), name="inquiry_terms_warn_in_time"
            ),
        ]

    def __str__(self) -> str:
        return f"Terms {self.pk}"


class InquiryState(models.TextChoices):
    """As ``rules.inquiries``, which says what follows what."""

    OPEN = "open", "Open"
    WAITING = "waiting", "Waiting for the asker"
    ANSWERED = "answered", "Answered"
    DECLINED = "declined", "Declined"
    AGREED = "agreed", "Change agreed"
    CLOSED = "closed", "Closed"
    WITHDRAWN = "withdrawn", "Withdrawn"


class InquiryQuerySet(models.QuerySet["Inquiry"]):
    def visible_to(self, user: Any) -> "InquiryQuerySet":
        """RevOps and finance see all; a manager those of managed reps; a rep their own."""
        if user.role in ("revops", "finance"):
            return self
        if user.role == "marketing":
            return self.none()
        own = Q(rep__user=user) | Q(asked_by=user)
        if user.role == "manager":
            own |= Q(rep__team__manager=user)
        return self.filter(own)

    def running(self) -> "InquiryQuerySet":
        return self.filter(state__in=RUNNING)


class Inquiry(models.Model):
    """One question about one statement. Targets, hours and instants are copied when its clock starts."""

    State = InquiryState

    class About(models.TextChoices):
        LINE = "line", "A line"
        MISSING = "missing", "Something is missing"
        STATEMENT = "statement", "The statement as a whole"

    class Outcome(models.TextChoices):
        EXPLAINED = "explained", "Explained: nothing changes"
        CORRECTED = "corrected", "The data was corrected"
        DECLINED = "declined", "Declined"
        AGREED = "agreed", "A change was agreed"

    rep = models.ForeignKey("reps.Rep", on_delete=models.PROTECT, related_name="inquiries")
    statement = models.ForeignKey(
        "compensation.Statement", on_delete=models.PROTECT, related_name="inquiries"
    )
    about = models.CharField(max_length=9, choices=About.choices)
    line = models.ForeignKey(
        "compensation.LedgerEntry", null=True, blank=True, on_delete=models.PROTECT, related_name="inquiries"
    )
    expected = models.CharField(max_length=200, blank=True, help_text="for what pay was expected")
    expected_minor = models.BigIntegerField(
        null=True, blank=True, help_text="in the currency of the statement"
    )
    source_key = models.CharField(max_length=80, blank=True, help_text="the same key asks once")

    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="inquiries_to_answer"
    )
    owner_because = models.CharField(max_length=300, help_text="why this owner, in words")
    state = models.CharField(max_length=9, choices=InquiryState.choices, default=InquiryState.OPEN)
    messages_count = models.PositiveIntegerField(default=0)

    round = models.PositiveSmallIntegerField(default=1, help_text="2 after it was opened again")
    started_at = models.DateTimeField(help_text="when the clock of this round began")
    first_answer_minutes = models.PositiveIntegerField()
    outcome_minutes = models.PositiveIntegerField()
    warn_percent = models.PositiveSmallIntegerField()
    reopen_days = models.PositiveSmallIntegerField()
    hours = models.JSONField(help_text="the business hours by which it is counted, copied")
    pauses = models.JSONField(default=list, help_text="[from, to] while the asker was waited for, this round")
    paused_at = models.DateTimeField(null=True, blank=True)
    first_warn_at = models.DateTimeField()
    first_due_at = models.DateTimeField()
    warn_at = models.DateTimeField()
    due_at = models.DateTimeField()
    first_answered_at = models.DateTimeField(null=True, blank=True)
    next_due_at = models.DateTimeField(help_text="what is promised next: the first answer, then the outcome")
    next_step_at = models.DateTimeField(
        null=True, blank=True, help_text="when the sweep has something to do; empty while it stands still"
    )

    outcome = models.CharField(max_length=9, choices=Outcome.choices, blank=True)
    outcome_words = models.CharField(max_length=2000, blank=True)
    corrected_link = models.CharField(
        max_length=200, blank=True, help_text="the page of what was corrected, within the portal"
    )
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reopen_until = models.DateTimeField(null=True, blank=True)

    objects = InquiryQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "-pk"]
        verbose_name_plural = "inquiries"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=InquiryState.values), name="inquiry_state_known"),
            models.CheckConstraint(condition=~Q(owner=F("asked_by")), name="inquiry_owner_did_not_ask"),
            models.CheckConstraint(
                condition=(Q(about="line") & Q(line__isnull=False))
                | (Q(about="missing", line__isnull=True) & ~Q(expected=""))
                | Q(about="statement", line__isnull=True),
                name="inquiry_about_something",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", paused_at__isnull=False)
                | (~Q(state="waiting") & Q(paused_at__isnull=True)),
                name="inquiry_stands_still_while_waiting",
            ),
            models.CheckConstraint(
                condition=(Q(state__in=(*RUNNING, "withdrawn")) & Q(outcome=""))
                | (Q(state__in=(*SETTLED, "closed")) & ~Q(outcome="") & Q(settled_at__isnull=False)),
                name="inquiry_settled_with_outcome",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="corrected") | ~Q(corrected_link=""), name="inquiry_corrected_with_link"
            ),
            # One line is asked about once at a time.
            models.UniqueConstraint(
                fields=["line"],
                condition=Q(state__in=RUNNING, line__isnull=False),
                name="inquiry_one_running_of_line",
            ),
            models.UniqueConstraint(
                fields=["source_key"], condition=~Q(source_key=""), name="inquiry_asked_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_step_at"], condition=Q(next_step_at__isnull=False), name="inquiry_to_sweep"
            ),
            models.Index(fields=["next_due_at"], condition=Q(state__in=RUNNING), name="inquiry_running"),
            models.Index(fields=["rep", "-asked_at"], name="inquiry_by_rep"),
        ]

    def __str__(self) -> str:
        return f"Inquiry {self.pk}"

    @property
    def is_running(self) -> bool:
        return self.state in RUNNING

    @property
    def is_settled(self) -> bool:
        return self.state in SETTLED

    @property
    def next_warn_at(self) -> datetime:
        return self.warn_at if self.first_answered_at else min(self.first_warn_at, self.warn_at)

    def may_be_reopened(self, at: datetime) -> bool:
        return (
            self.state in (*SETTLED, InquiryState.CLOSED)
            and self.reopen_until is not None
            and at <= self.reopen_until
        )

    def concerns(self, user: Any) -> bool:
        """Whether ``user`` asked, or is paid by the statement (rep fetched along)."""
        return user.pk in (self.asked_by_id, self.rep.user_id)


class InquiryMessage(models.Model):
    """Something that was said; ``number`` counts those of an inquiry."""

    append_only = True

    class Kind(models.TextChoices):
        QUESTION = "question", "Question"
        REPLY = "reply", "Reply"
        ASKS_BACK = "asks_back", "Asks back"
        OUTCOME = "outcome", "Outcome"

    inquiry = models.ForeignKey(Inquiry, on_delete=models.PROTECT, related_name="messages")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=9, choices=Kind.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    text = models.CharField(max_length=4000)
    source_key = models.CharField(max_length=80, blank=True, help_text="the same key says it once")

    class Meta:
        ordering = ["inquiry_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["inquiry", "number"], name="inquiry_message_numbered_once"),
            models.UniqueConstraint(
                fields=["inquiry", "source_key"], condition=~Q(source_key=""), name="inquiry_message_once"
            ),
            models.CheckConstraint(condition=~Q(text=""), name="inquiry_message_says_something"),
        ]

    def __str__(self) -> str:
        return f"Message {self.number} of inquiry {self.inquiry_id}"


class InquiryAttachment(models.Model):
    """A file that came with a message. Its path is made by the portal; ``name`` is only ever shown."""

    append_only = True

    message = models.ForeignKey(InquiryMessage, on_delete=models.PROTECT, related_name="attachments")
    name = models.CharField(max_length=120)
    ending = models.CharField(max_length=4)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    path = models.CharField(max_length=200, unique=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(size__gte=1, size__lte=5 * 1024 * 1024), name="inquiry_attachment_bounded"
            ),
        ]

    def __str__(self) -> str:
        return f"Attachment {self.pk}"


class InquiryAct(models.Model):
    """What happened to an inquiry beside what was said; the sweep's steps are each taken once in a round."""

    append_only = True

    class Kind(models.TextChoices):
        ASKED = "asked", "Asked"
        ASSIGNED = "assigned", "Given to another"
        WAITED = "waited", "Waits for the asker"
        RESUMED = "resumed", "Goes on"
        ANSWERED = "answered", "Answered"
        DECLINED = "declined", "Declined"
        AGREED = "agreed", "Change agreed"
        CLOSED = "closed", "Closed"
        REOPENED = "reopened", "Opened again"
        WITHDRAWN = "withdrawn", "Withdrawn"
        REMIND_FIRST = "remind_first", "Reminded of the first answer"
        ESCALATE_FIRST = "escalate_first", "First answer late: finance lead told"
        REMIND = "remind", "Reminded of the outcome"
        ESCALATE = "escalate", "Outcome late: finance lead told"

    inquiry = models.ForeignKey(Inquiry, on_delete=models.PROTECT, related_name="acts")
    round = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=14, choices=Kind.choices)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        help_text="nobody: time did it",
    )  # fmt: skip
    at = models.DateTimeField()
    words = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["inquiry_id", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["inquiry", "round", "kind"],
                condition=Q(kind__in=("remind_first", "escalate_first", "remind", "escalate")),
                name="inquiry_step_once",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=("assigned", "reopened")) | ~Q(words=""),
                name="inquiry_act_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.inquiry_id}"


class InquirySeen(models.Model):
    """Up to which message somebody has read an inquiry."""

    inquiry = models.ForeignKey(Inquiry, on_delete=models.CASCADE, related_name="seen")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "inquiries seen"
        constraints = [models.UniqueConstraint(fields=["inquiry", "user"], name="inquiry_seen_once")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.number}"
