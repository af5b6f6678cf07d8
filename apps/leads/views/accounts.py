"""Accounts: those that one looks after, what was won with them, and who takes one over after a win."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import DomainError
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.forms.accounts import AssignForm
from apps.leads.models import Account
from apps.leads.selectors import accounts as selectors
from apps.leads.services import accounts as services


@require_safe
@guarded(policies.SEE_ACCOUNTS)
def accounts(request: HttpRequest) -> HttpResponse:
    """By name; ``?show=unassigned`` the won ones that nobody looks after yet."""
    show = request.GET.get("show", "")
    text = request.GET.get("q", "")[:80].strip()
    page = selectors.listed(request.user, text=text, show=show, after=request.GET.get("after", ""))
    worth = selectors.won_worth([row.pk for row in page.rows])
    rows = [(row, worth.get(row.pk, [])) for row in page.rows]
    context = {
        "page": page,
        "rows": rows,
        "text": text,
        "show": show,
        "may_assign": policies.ASSIGN_ACCOUNT.admits(request.user),
    }
    return render(request, "leads/accounts.html", context)


@require_safe
@guarded(policies.SEE_ACCOUNTS)
def account(request: HttpRequest, pk: int) -> HttpResponse:
    """One account: its worth, opportunities and leads."""
    return _show(request, _found(request, pk))


@require_POST
@guarded(policies.ASSIGN_ACCOUNT)
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Name the AM or CSM who looks after it."""
    found = _found(request, pk)
    form = AssignForm(request.POST, keepers=selectors.keepers(request.user))
    if not form.is_valid():
        return _show(request, found, status=422, form=form)
    try:
        services.assign_owner(
            account=found, rep=form.cleaned_data["owner"], at=timezone.now(), actor=request.user
        )
    except DomainError as error:
        form.add_error("owner", error.message)
        return _show(request, found, status=error.status, form=form)
    messages.success(request, f"{form.cleaned_data['owner'].name} looks after {found.name} now.")
    return redirect("leads:account", found.pk)


def _found(request: HttpRequest, pk: int) -> Account:
    return visible_or_404(Account.objects.visible_to(request.user).select_related("owner"), pk=pk)


def _show(
    request: HttpRequest, found: Account, *, status: int = 200, form: AssignForm | None = None
) -> HttpResponse:
    may_assign = policies.ASSIGN_ACCOUNT.admits(request.user)
    if may_assign and form is None:
        form = AssignForm(keepers=selectors.keepers(request.user), initial={"owner": found.owner_id})
    worth = selectors.won_worth([found.pk]).get(found.pk, [])
    context = {
        "account": found,
        "worth": worth,
        "is_customer": bool(worth) and policies.SEE_OPPORTUNITIES.admits(request.user),
        "opportunities": selectors.opportunities_of(found, request.user),
        "leads": selectors.leads_of(found, request.user),
        "form": form,
    }
    return render(request, "leads/account.html", context, status=status)
