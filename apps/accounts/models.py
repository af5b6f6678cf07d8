"""People who sign in, and the role that decides what they come here to do (PRODUCT section 1)."""

from datetime import datetime
from typing import Any, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from apps.accounts.notification_kinds import Kind, shown_kind


class Role(models.TextChoices):
    """What a person comes here to do; each has a home of its own."""

    SDR = "sdr", "SDR"
    AE = "ae", "Account executive"
    AM = "am", "Account manager"
    CSM = "csm", "Customer success manager"
    MANAGER = "manager", "Manager"
    MARKETING = "marketing", "Marketing"
    FINANCE = "finance", "Finance"
    REVOPS = "revops", "RevOps"


class UserManager(BaseUserManager["User"]):
    """Makes users; an e-mail address is kept in lower case, so that it names one person."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{"role": Role.REVOPS, "is_superuser": True, **fields})

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who may sign in. What they sell, and in which team, is their ``reps.Rep``."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=12, choices=Role.choices)
    time_zone = models.CharField(max_length=64, default="Europe/Berlin")
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_known"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0]

    @property
    def is_staff(self) -> bool:
        """Django asks; there is no admin site, so nobody is staff of it."""
        return False


class NotificationQuerySet(models.QuerySet["Notification"]):
    """Narrowings that callers use by name."""

    def visible_to(self, user: Any) -> Self:
        """What ``user`` was told in the portal: nobody, of any role, reads what others were told."""
        return self.filter(user_id=user.pk, in_portal=True) if user.pk else self.none()

    def unread(self) -> Self:
        return self.filter(read_at__isnull=True)

    def to_mail(self, at: datetime) -> Self:
        """What is due to go out by e-mail."""
        return self.filter(mail_due_at__lte=at, mailed_at__isnull=True)


class Notification(models.Model):
    """Something a person should know. ``key`` names the occasion, so that it is told once.

    It is shown in the portal; whether and when it goes out by e-mail is the person's choice.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=24, help_text="a kind that notification_kinds declares")
    key = models.CharField(max_length=120)
    title = models.CharField(max_length=160)
    body = models.CharField(max_length=400, blank=True)
    url = models.CharField(max_length=200, blank=True)
    in_portal = models.BooleanField(default=True, help_text="else it goes out by e-mail alone")
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    mail_due_at = models.DateTimeField(null=True, blank=True, help_text="when it goes out; none: never")
    mailed_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="notified_once")]
        indexes = [
            models.Index(fields=["user", "-at", "-id"], name="notification_newest"),
            models.Index(
                fields=["user"],
                condition=models.Q(read_at__isnull=True, in_portal=True),
                name="notification_unread",
            ),
            models.Index(
                fields=["mail_due_at"],
                condition=models.Q(mail_due_at__isnull=False, mailed_at__isnull=True),
                name="notification_to_mail",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def shown_kind(self) -> Kind:
        return shown_kind(self.kind)


class NotificationPreference(models.Model):
    """How one person wants to hear of one kind of thing. Without a row, the kind's usual way."""

    class Mail(models.TextChoices):
        NEVER = "never", "Never"
        DIGEST = "digest", "In the digest"
        AT_ONCE = "at_once", "At once"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notification_preferences")
    kind = models.CharField(max_length=24)
    in_portal = models.BooleanField(default=True)
    mail = models.CharField(max_length=7, choices=Mail.choices, default=Mail.DIGEST)

    class Meta:
        ordering = ["user", "kind"]
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="preference_once_per_kind")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.kind} {self.mail}"
