"""Companies: those one sells to and, after the win, those one looks after."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from apps.leads.models.opportunities import Opportunity
from apps.leads.rules.matching import company_key
from apps.reps.models import Rep


class AccountQuerySet(models.QuerySet["Account"]):
    def create(self, **fields: Any) -> Any:
        """A new row with the key that its name gives it."""
        account = self.model(**fields)
        account.set_keys()
        account.save(force_insert=True, using=self.db)
        return account

    def visible_to(self, user: Any) -> "AccountQuerySet":
        """Who may open an account.

        RevOps, finance and marketing see all; a manager those looked after or sold to by managed teams; a
        rep those looked after and those with an opportunity of the rep's own.
        """
        if user.role in ("revops", "finance", "marketing"):
            return self
        mine = Q(team__manager=user) if user.role == "manager" else Q(user=user)
        reps = Rep.objects.filter(mine).values("pk")
        sold = Opportunity.objects.filter(owner__in=reps, account__isnull=False).values("account")
        return self.filter(Q(owner__in=reps) | Q(pk__in=sold))


class Account(models.Model):
    """A company, found again by its domain or its name."""

    name = models.CharField(max_length=160)
    domain = models.CharField(max_length=120, blank=True)
    industry = models.CharField(max_length=80, blank=True)
    employees = models.PositiveIntegerField(null=True, blank=True)
    city = models.CharField(max_length=80, blank=True)
    owner = models.ForeignKey(
        "reps.Rep",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="accounts",
        help_text="the AM or CSM who looks after it since the win",
    )
    owned_since = models.DateTimeField(null=True, blank=True)
    name_key = models.CharField(max_length=160, blank=True, default="", editable=False)

    objects = AccountQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["domain"], condition=~Q(domain=""), name="account_domain_once")
        ]
        indexes = [
            models.Index(fields=["owner", "name"], name="account_by_owner"),
            models.Index(Lower("name"), name="account_by_name"),
            models.Index(fields=["name_key"], name="account_by_name_key"),
        ]

    def __str__(self) -> str:
        return self.name

    def set_keys(self) -> None:
        """Set what the company is found by: its name without legal form, case and accents."""
        self.name_key = company_key(self.name)[:160]
