"""What waits among one's customers: pass-ons, renewals, and who may leave, the most pressing first, with why."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery

from apps.customers.models import Churn, Contract, HealthReading, NpsAnswer, PassOn
from apps.customers.selectors.book import NPS_DAYS
from apps.leads.models import Account, FunnelEvent, OpportunityStage

RENEWALS_WITHIN = timedelta(days=120)
SHOWN = 50
_LATE = timedelta(days=30)
_WORST = {"red": 60, "amber": 30}


@dataclass
class Risk:
    """An account that may leave: why, weighed; the heaviest stands first."""

    account: Account
    weight: int = 0
    why: list[str] = field(default_factory=list)
    status: str = ""

    def add(self, weight: int, words: str) -> None:
        self.weight += weight
        self.why.append(words)


def pass_ons(user: Any, *, state: str = "") -> QuerySet[PassOn]:
    """Those in scope that wait for somebody, or all of one state; the oldest first."""
    found = PassOn.objects.visible_to(user).select_related("account", "opportunity", "giver", "receiver")
    found = found.filter(state=state) if state else found.open()
    return found.order_by("created_at", "pk")


def renewals(user: Any, *, on: date) -> list[Contract]:
    """Contracts that end soon or have ended without their renewal being won, the soonest first. One statement.

    Of accounts that left nothing is to be renewed.
    """
    rows = (
        Contract.objects.standing()
        .visible_to(user)
        .filter(ends_on__lte=on + RENEWALS_WITHIN, ends_on__gte=on - timedelta(days=90))
        .exclude(renewal__stage=OpportunityStage.WON)
        .exclude(account__in=_left())
        .select_related("account__owner", "renewal", "opportunity")
        .order_by("ends_on", "pk")
    )
    return list(rows[:SHOWN])


def _left() -> Any:
    return Churn.objects.effective().filter(extent=Churn.Extent.FULL).values("account")


def _latest_health() -> Subquery:
    rows = HealthReading.objects.effective().filter(account=OuterRef("pk")).order_by("-recorded_at", "-pk")
    return Subquery(rows.values("pk")[:1])


def at_risk(user: Any, *, on: date) -> list[Risk]:
    """Accounts in scope with a reason to worry, the heaviest first. Three statements, whatever their number.

    Red weighs 60, amber 30, a latest detractor 25, a contract that ends within 30 days without a won renewal 20,
    a part given up in the last 90 days 15.
    """
    customers = Account.objects.visible_to(user).filter(owner__isnull=False).exclude(pk__in=_left())
    found: dict[int, Risk] = {}

    def risk(account: Account) -> Risk:
        return found.setdefault(account.pk, Risk(account))

    latest = customers.annotate(latest=_latest_health()).filter(latest__isnull=False).values("latest")
    worried = HealthReading.objects.filter(pk__in=latest, status__in=("red", "amber"))
    for one in worried.select_related("account__owner"):
        of = risk(one.account)
        of.status = one.status
        of.add(_WORST[one.status], f"{one.get_status_display()}: {one.why}")
    seen: set[int] = set()
    answers = NpsAnswer.objects.effective().filter(
        account__in=customers.values("pk"), answered_on__gt=on - timedelta(days=NPS_DAYS)
    )
    for answer in answers.select_related("account__owner").order_by("-answered_on", "-pk"):
        if answer.account_id not in seen and answer.score <= 6:
            risk(answer.account).add(25, f"{answer.respondent} gave {answer.score} of 10")
        seen.add(answer.account_id)
    for contract in renewals(user, on=on):
        if contract.account.owner_id and contract.ends_on <= on + _LATE:
            word = "ended" if contract.ends_on < on else "ends"
            risk(contract.account).add(
                20, f"The contract {word} on {contract.ends_on:%d %b} without a renewal won"
            )
    parts = (
        Churn.objects.effective()
        .visible_to(user)
        .filter(extent=Churn.Extent.PARTIAL, churned_on__gt=on - timedelta(days=90), churned_on__lte=on)
    )
    for part in parts.exclude(account__in=_left()).select_related("account__owner"):
        risk(part.account).add(
            15, f"Gave up a part on {part.churned_on:%d %b}: {part.get_reason_display().lower()}"
        )
    return sorted(found.values(), key=lambda one: (-one.weight, one.account.name, one.account.pk))


def waiting_count(user: Any, *, most: int) -> int:
    """Pass-ons that wait for the user (to write, or to accept); for others those in scope. Counted up to ``most``."""
    found = PassOn.objects.visible_to(user).open()
    if user.role in ("ae", "am", "csm"):
        found = found.filter(state=PassOn.State.TO_WRITE, giver__user=user) | found.filter(
            state=PassOn.State.OFFERED, receiver__user=user
        )
    return found.order_by()[:most].count()


# --- One customer -------------------------------------------------------------------------------------


def timeline(account: Account, *, most: int = 60) -> list[tuple[FunnelEvent, bool]]:
    """What happened to the account and its opportunities, the latest first, and whether it was taken back."""
    rows = (
        FunnelEvent.objects.filter(Q(account=account) | Q(opportunity__account=account))
        .select_related("actor", "reverses", "reversed_by", "opportunity")
        .order_by("-occurred_at", "-pk")[:most]
    )
    return [(one, hasattr(one, "reversed_by")) for one in rows]


def contracts_of(account: Account) -> list[Contract]:
    """Those that stand, the latest first, with what renews them."""
    rows = Contract.objects.standing().filter(account=account).select_related("opportunity", "renewal")
    return list(rows.order_by("-starts_on", "-pk"))


def latest_health(accounts: Iterable[int]) -> dict[int, HealthReading]:
    """The latest reading that holds of each, by account. One statement."""
    found: dict[int, HealthReading] = {}
    for one in (
        HealthReading.objects.effective().filter(account__in=list(accounts)).order_by("recorded_at", "pk")
    ):
        found[one.account_id] = one
    return found
