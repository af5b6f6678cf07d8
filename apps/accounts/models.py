"""People who sign in, and the role that decides what they come here to do (PRODUCT section 1)."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower


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
