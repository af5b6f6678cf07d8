"""What waits among one's customers, one customer with all that is known, and who stays and who leaves."""

from datetime import date
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.core.money import to_major
from apps.core.periods import day_of, month_of
from apps.core.policies import guarded, visible_or_404
from apps.customers import policies
from apps.customers.forms.customers import ChurnForm, ContractForm, HealthForm, NpsForm, ReasonForm
from apps.customers.models import Churn, Contract, HealthReading, NpsAnswer, PassOn
from apps.customers.selectors import book
from apps.customers.selectors import home as selectors
from apps.leads.models import Account
from apps.leads.policies import OPEN_OPPORTUNITY
from apps.leads.selectors import accounts as account_selectors


def today() -> date:
    """The company's calendar day."""
    return day_of(timezone.now(), settings.COMPANY_TIME_ZONE)


@require_safe
@guarded(policies.SEE_HOME)
def home(request: HttpRequest) -> HttpResponse:
    """Pass-ons that wait, renewals due, and who may leave first, with why."""
    day = today()
    sees_figures = policies.SEE_RETENTION.admits(request.user)
    context: dict[str, Any] = {
        "today": day,
        "pass_ons": list(selectors.pass_ons(request.user)[: selectors.SHOWN]),
        "renewals": selectors.renewals(request.user, on=day),
        "risks": selectors.at_risk(request.user, on=day)[: selectors.SHOWN],
        "sees_figures": sees_figures,
    }
    if sees_figures:
        _, found = book.months(request.user, on=day, count=1)
        context |= {"nps": book.nps(user=request.user, on=day), "month": found[0]}
    return render(request, "customers/home.html", context)


@require_safe
@guarded(policies.SEE_RETENTION)
def retention(request: HttpRequest) -> HttpResponse:
    """Twelve months of churn and retention, cohorts, answers; within the user's scope."""
    day = today()
    of_user, months = book.months(request.user, on=day)
    year = of_user.retention(date(day.year - 1, day.month, 1), day)
    context = {
        "today": day,
        "months": months,
        "year": year,
        "cohorts": of_user.cohorts(day),
        "nps": book.nps(user=request.user, on=day),
        "this_month": month_of(day),
    }
    return render(request, "customers/retention.html", context)


@require_safe
@guarded(policies.SEE_CUSTOMERS)
def customer(request: HttpRequest, pk: int) -> HttpResponse:
    """One customer: contracts, promises, health, answers, opportunities, worth, and all that happened."""
    return show_customer(request, found_or_404(request, pk))


@require_safe
@guarded(policies.SEE_CUSTOMERS)
def value(request: HttpRequest, pk: int) -> HttpResponse:
    """How the lifetime value was worked out, down to the wins it is the sum of."""
    found = found_or_404(request, pk)
    values, life = book.lifetime(found, on=today())
    context = {
        "account": found,
        "values": values,
        "life": life,
        "won": book.won_events(found).select_related("opportunity").order_by("occurred_at", "pk"),
    }
    return render(request, "customers/_value.html", context)


def found_or_404(request: HttpRequest, pk: int) -> Account:
    """An account in the user's scope."""
    rows = Account.objects.visible_to(request.user).select_related("owner__team", "owner__user")
    return visible_or_404(rows, pk=pk)


def show_customer(request: HttpRequest, found: Account, *, status: int = 200, **given: Any) -> HttpResponse:
    """The page of one customer, with the forms in ``given`` as they were typed."""
    day = today()
    values, life = book.lifetime(found, on=day)
    contracts = selectors.contracts_of(found)
    may_record = policies.RECORD.allows(request.user, found)
    churns = list(Churn.objects.effective().filter(account=found).select_related("event", "contract"))
    gone = next((one for one in churns if one.extent == Churn.Extent.FULL), None)
    health = HealthReading.objects.effective().filter(account=found).select_related("event", "recorded_by")
    answers = NpsAnswer.objects.effective().filter(account=found).select_related("event")
    context: dict[str, Any] = {
        "now": timezone.now(),
        "today": day,
        "account": found,
        "values": values,
        "life": life,
        "contracts": contracts,
        "pass_ons": PassOn.objects.visible_to(request.user)
        .filter(account=found)
        .select_related("giver", "receiver")
        .prefetch_related("promises"),
        "health": list(health[:12]),
        "answers": list(answers[:12]),
        "nps": book.nps(account=found, on=day),
        "churns": churns,
        "gone": gone,
        "timeline": selectors.timeline(found),
        "opportunities": account_selectors.opportunities_of(found, request.user),
        "may_record": may_record,
        "may_take_back": any(policies.TAKE_CHURN_BACK.allows(request.user, one) for one in churns),
        "may_upsell": OPEN_OPPORTUNITY.admits(request.user) and may_record and gone is None,
        **given,
    }
    if may_record:
        currency = contracts[0].currency if contracts else settings.COMPANY_CURRENCY
        context.setdefault("health_form", HealthForm())
        context.setdefault("nps_form", NpsForm(initial={"answered_on": day}))
        context.setdefault(
            "churn_form",
            ChurnForm(contracts=running(found), currency=currency, initial={"churned_on": day}),
        )
        context["contract_forms"] = [(one, _contract_form(one, given)) for one in contracts]
    if context["may_take_back"]:
        context.setdefault("back_form", ReasonForm())
    return render(request, "customers/customer.html", context, status=status)


def running(account: Account) -> Any:
    """The contracts of an account that a part can be given up of."""
    return Contract.objects.standing().filter(account=account).order_by("-starts_on", "-pk")


def _contract_form(one: Contract, given: dict[str, Any]) -> ContractForm:
    typed = given.get("contract_form")
    if typed is not None and typed[0] == one.pk:
        return typed[1]
    return ContractForm(
        currency=one.currency,
        auto_id=f"contract_{one.pk}_%s",
        initial={
            "starts_on": one.starts_on,
            "ends_on": one.ends_on,
            "amount": f"{to_major(one.amount_minor, one.currency):,}",
        },
    )
