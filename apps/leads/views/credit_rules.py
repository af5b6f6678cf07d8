"""Rules that share credit: the list, one of them, its draft, its approval and its end."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import DomainError
from apps.core.periods import day_of
from apps.core.policies import guarded, visible_or_404
from apps.leads import credit_policies as policies
from apps.leads.forms.credit_rules import EndForm, RuleForm
from apps.leads.forms.rows import is_act
from apps.leads.models import CreditRule
from apps.leads.selectors import credit_rules as selectors
from apps.leads.services import credit_rules as services


def _today() -> Any:
    return day_of(timezone.now(), settings.COMPANY_TIME_ZONE)


@require_safe
@guarded(policies.SEE_CREDIT_RULES)
def credit_rules(request: HttpRequest) -> HttpResponse:
    """Every rule: in force, drafted, ended."""
    context = {
        "groups": selectors.rules_by_state(request.user, _today()),
        "writes": policies.WRITE_CREDIT_RULE.admits(request.user),
    }
    return render(request, "leads/credit_rules.html", context)


def _rule(request: HttpRequest, pk: int) -> CreditRule:
    rows = CreditRule.objects.visible_to(request.user).select_related("author", "approver", "ended_by")
    found: CreditRule = visible_or_404(rows, pk=pk)
    return found


@require_safe
@guarded(policies.SEE_CREDIT_RULES)
def credit_rule(request: HttpRequest, pk: int) -> HttpResponse:
    """One rule in words, and what may be done with it."""
    return _page(request, _rule(request, pk))


def _page(
    request: HttpRequest, found: CreditRule, form: EndForm | None = None, refusal: str = "", status: int = 200
) -> HttpResponse:
    writes = policies.WRITE_CREDIT_RULE.admits(request.user)
    ends = found.is_approved and found.ended_by_id is None
    context = {
        "rule": found,
        "shown": selectors.shown([found])[0],
        "may_edit": writes and not found.is_approved,
        "may_approve": not found.is_approved and policies.APPROVE_CREDIT_RULE.allows(request.user, found),
        "may_end": writes and ends,
        "end_form": form or EndForm(initial={"ends_on": _today()}),
        "refusal": refusal,
    }
    return render(request, "leads/credit_rule.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.WRITE_CREDIT_RULE)
def credit_rule_new(request: HttpRequest) -> HttpResponse:
    """Write a rule down."""
    return _edit(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.WRITE_CREDIT_RULE)
def credit_rule_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a draft."""
    found = _rule(request, pk)
    if found.is_approved:
        return _page(
            request, found, refusal="An approved rule is not changed: end it and write the next.", status=409
        )
    return _edit(request, found)


def _edit(request: HttpRequest, found: CreditRule | None) -> HttpResponse:
    status = 200
    if request.method != "POST":
        form = RuleForm(rule=found)
    elif is_act(request.POST):
        form = RuleForm(data=request.POST, act=True)
    else:
        form, status = RuleForm(data=request.POST), 422
        if form.is_valid():
            given: dict[str, Any] = {"terms": form.terms, "at": timezone.now(), "actor": request.user}
            try:
                kept = (
                    services.draft_rule(**given)
                    if found is None
                    else services.change_draft(rule=found, **given)
                )
            except DomainError as error:
                form.refuse(error.field, error.message)
            else:
                messages.success(
                    request, f"{kept} is kept as a draft. It counts once somebody else approves it."
                )
                return redirect("leads:credit_rule", kept.pk)
    return render(request, "leads/credit_rule_edit.html", {"rule": found, "form": form}, status=status)


@require_POST
@guarded(policies.APPROVE_CREDIT_RULE)
def credit_rule_approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a draft in force."""
    found = _rule(request, pk)
    policies.APPROVE_CREDIT_RULE.check(request.user, found)
    try:
        services.approve_rule(rule=found, at=timezone.now(), actor=request.user)
    except DomainError as error:
        return _page(request, _rule(request, pk), refusal=error.message, status=error.status)
    messages.success(request, f"{found} is in force for what is recorded from now on.")
    return redirect("leads:credit_rule", pk)


@require_POST
@guarded(policies.WRITE_CREDIT_RULE)
def credit_rule_end(request: HttpRequest, pk: int) -> HttpResponse:
    """From a day on it shares nothing more."""
    found = _rule(request, pk)
    form = EndForm(request.POST)
    if form.is_valid():
        try:
            services.end_rule(
                rule=found,
                ends_on=form.cleaned_data["ends_on"],
                today=_today(),
                at=timezone.now(),
                actor=request.user,
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, f"{found} ends. What it shared stays.")
            return redirect("leads:credit_rule", pk)
    return _page(request, found, form=form, status=422)
