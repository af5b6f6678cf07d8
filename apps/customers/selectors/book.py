"""The book of contracts and departures as the figures read it: retention, lifetime value, answers."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Q, Sum
from django.utils.functional import cached_property

from apps.core.periods import month_of
from apps.customers.models import Churn, Contract, NpsAnswer
from apps.customers.rules.lifetime import Life, LifetimeValue, Span, covered, observed
from apps.customers.rules.nps import Score, score_of
from apps.customers.rules.retention import Cohort, Cut, Retention, Running, cohorts, retained
from apps.customers.services.handling import handling
from apps.leads.models import Account, EventKind, FunnelEvent

NPS_DAYS = 365
"""An answer counts for a year; of one person only the latest."""


@dataclass(frozen=True)
class Book:
    """Contracts that stand, with what was given up of them; and who left, by account."""

    contracts: tuple[Running, ...]
    left_on: dict[int, date]

    @cached_property
    def spans(self) -> dict[int, list[Span]]:
        found: dict[int, list[Span]] = defaultdict(list)
        for one in self.contracts:
            found[one.account].append(Span(one.starts_on, one.ends_on))
        return found

    def retention(self, start: date, end: date) -> Retention:
        return retained(self.contracts, self.left_on, start, end)

    def cohorts(self, day: date) -> tuple[Cohort, ...]:
        return cohorts(self.contracts, self.left_on, day)

    def life(self, on: date) -> Life:
        return observed(self.spans, self.left_on, on)


def book(*, user: Any = None, account: Account | None = None) -> Book:
    """The book of the accounts in ``user``'s scope, of one account, or the company's. Two statements."""
    contracts = Contract.objects.standing()
    churns = Churn.objects.effective()
    if account is not None:
        contracts, churns = contracts.filter(account=account), churns.filter(account=account)
    elif user is not None:
        contracts, churns = contracts.visible_to(user), churns.visible_to(user)
    cuts: dict[int, list[Cut]] = defaultdict(list)
    left_on: dict[int, date] = {}
    for pk, extent, contract, on, lost in churns.order_by("churned_on").values_list(
        "account", "extent", "contract", "churned_on", "lost"
    ):
        if extent == Churn.Extent.FULL:
            left_on.setdefault(pk, on)
        else:
            cuts[contract].append(Cut(on, lost[0]["amount_minor"]))
    rows = contracts.order_by("starts_on", "pk").values_list(
        "pk", "account", "currency", "starts_on", "ends_on", "amount_minor"
    )
    running = tuple(
        Running(of, currency, starts_on, ends_on, amount, tuple(cuts[pk]))
        for pk, of, currency, starts_on, ends_on, amount in rows
    )
    return Book(running, left_on)


# --- Lifetime value -----------------------------------------------------------------------------------


def lifetime(account: Account, *, on: date) -> tuple[list[LifetimeValue], Life]:
    """What the account is worth by currency, and what was observed of all customers. Six statements."""
    margin = handling().margin_percent
    life = book().life(on)
    own = book(account=account)
    by_currency: dict[str, list[Span]] = defaultdict(list)
    for one in own.contracts:
        by_currency[one.currency].append(Span(one.starts_on, one.ends_on))
    won = dict(
        won_events(account)
        .order_by()
        .values_list("currency")
        .annotate(worth=Sum("amount_minor"))
        .values_list("currency", "worth")
    )
    left = own.left_on.get(account.pk)
    found = [
        LifetimeValue(
            currency=currency,
            won_minor=won[currency] or 0,
            covered_days=sum(span.days for span in covered(by_currency[currency])),
            mean_days=life.mean_days,
            has_left=left is not None and left <= on,
            margin_percent=margin,
        )
        for currency in sorted(won)
    ]
    return found, life


def won_events(account: Account) -> Any:
    """The wins of an account that hold: what ``won`` of its lifetime value is the sum of."""
    return FunnelEvent.objects.filter(kind=EventKind.WON, opportunity__account=account).effective()


# --- Answers ------------------------------------------------------------------------------------------


def nps(*, user: Any = None, account: Account | None = None, on: date) -> Score:
    """The score of the last year's answers, the latest of each person. One statement."""
    answers = NpsAnswer.objects.effective().filter(
        Q(answered_on__gt=on - timedelta(days=NPS_DAYS)) & Q(answered_on__lte=on)
    )
    if account is not None:
        answers = answers.filter(account=account)
    elif user is not None:
        answers = answers.visible_to(user)
    latest: dict[tuple[int, str], int] = {}
    rows = answers.order_by("answered_on", "pk").values_list("account", "respondent", "score")
    for of, who, score in rows:
        latest[of, who.strip().lower()] = score
    return score_of(latest.values())


# --- Retention by month -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Month:
    """A month with its retention, and the departures recorded for it."""

    retention: Retention
    churns: tuple[Churn, ...]


def months(user: Any, *, on: date, count: int = 12) -> tuple[Book, list[Month]]:
    """The last ``count`` months, the present one as far as it went, the latest first. Three statements."""
    of_user = book(user=user)
    found = []
    month = month_of(on)
    first = month
    for _ in range(count - 1):
        first = month_of(first.start - timedelta(days=1))
    churns = list(
        Churn.objects.effective()
        .visible_to(user)
        .filter(churned_on__gte=first.start, churned_on__lte=on)
        .select_related("account", "event")
        .order_by("churned_on", "pk")
    )
    for _ in range(count):
        end = min(month.end, on + timedelta(days=1))
        within = tuple(one for one in churns if month.start <= one.churned_on < end)
        found.append(Month(of_user.retention(month.start, end), within))
        month = month_of(month.start - timedelta(days=1))
    return of_user, found
