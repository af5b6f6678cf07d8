"""Routing policies: versions, one of them, its rules and their order, replay, switching on; and why this AE."""

from datetime import datetime
from fractions import Fraction
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.zones import zone_of
from apps.core.errors import DomainError
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.forms.routing import MomentForm, NameForm, RuleForm
from apps.leads.forms.rows import is_act
from apps.leads.models import Lead, RoutingPolicy, RoutingRule
from apps.leads.rules.routing.policies import METHOD_WORDS, Method
from apps.leads.selectors import routing_pages as selectors
from apps.leads.services import routing_policies as services
from apps.leads.services import routing_replay
from apps.reps.models import Rep


def _policy(pk: int) -> RoutingPolicy:
    return visible_or_404(
        RoutingPolicy.objects.select_related("written_by", "switched_on_by").prefetch_related("rules"), pk=pk
    )


def _rule(pk: int) -> RoutingRule:
    return visible_or_404(RoutingRule.objects.select_related("policy"), pk=pk)


# --- Reading ------------------------------------------------------------------------------------------


@require_safe
@guarded(policies.SEE_ROUTING)
def routing(request: HttpRequest) -> HttpResponse:
    """Every version: what decides, what comes, drafts, what was."""
    found = selectors.versions(timezone.now())
    context = {
        "versions": found,
        "in_force": next((one for one in found if one.stands == "in_force"), None),
        "may_edit": policies.EDIT_ROUTING.admits(request.user),
    }
    return render(request, "leads/routing.html", context)


@require_safe
@guarded(policies.SEE_ROUTING)
def routing_policy(request: HttpRequest, pk: int) -> HttpResponse:
    """One version: its rules in the order of asking, what an act on it does, what was done to it."""
    return _policy_page(request, _policy(pk), MomentForm())


def _policy_page(
    request: HttpRequest, found: RoutingPolicy, moment: MomentForm, status: int = 200
) -> HttpResponse:
    context = {
        "policy": found,
        "version": selectors.version(found, timezone.now()),
        "history": selectors.history(found),
        "moment": moment,
        "methods": [(one.value, METHOD_WORDS[one]) for one in Method],
        "months": routing_replay.MONTHS,
        "may_edit": policies.EDIT_ROUTING.admits(request.user),
        "moved": request.GET.get("moved", ""),
    }
    return render(request, "leads/routing_policy.html", context, status=status)


@require_safe
@guarded(policies.SEE_ROUTING)
def routing_turns(request: HttpRequest) -> HttpResponse:
    """Fairness: per round robin and AE the weight, turns due, taken, given back, and owed."""
    return render(request, "leads/routing_turns.html", {"pools": selectors.pools(timezone.now())})


@require_safe
@guarded(policies.SEE_LEAD_ROUTING)
def lead_routing(request: HttpRequest, pk: int) -> HttpResponse:
    """Why this AE: every decision about the lead, with all candidates."""
    lead = selectors.routed_lead(user=request.user, pk=pk)
    decisions = selectors.decisions_of(lead=lead, user=request.user)
    older = lead.hand_offs.visible_to(request.user).first() if not decisions else None
    context = {"lead": lead, "decisions": decisions, "imported": older}
    template = "leads/_routing_why.html" if getattr(request, "htmx", False) else "leads/routing_why.html"
    return render(request, template, context)


# --- Drafts -------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.EDIT_ROUTING)
def routing_new(request: HttpRequest) -> HttpResponse:
    """Begin a version; ``?like=4`` begins with the rules of that one."""
    text = request.GET.get("like", "")
    like = (
        RoutingPolicy.objects.filter(pk=int(text)).first()
        if text.isascii() and text.isdigit() and len(text) < 10
        else None
    )
    form = NameForm(request.POST or None, initial={"name": like.name if like else ""})
    if request.method == "POST" and form.is_valid():
        made = services.create_policy(**form.cleaned_data, like=like, at=timezone.now(), actor=request.user)
        messages.success(request, f"{made} is a draft. It decides nothing until it is switched on.")
        return redirect("leads:routing_policy", made.pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "leads/routing_edit.html", {"form": form, "like": like}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.EDIT_ROUTING)
def routing_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Name a draft, and say why it is written."""
    found = _policy(pk)
    form = NameForm(request.POST or None, initial={"name": found.name, "note": found.note})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                services.describe_policy(
                    policy=found, **form.cleaned_data, at=timezone.now(), actor=request.user
                )
            except DomainError as error:
                form.add_error(error.field if error.field in form.fields else None, error.message)
            else:
                return redirect("leads:routing_policy", pk)
    return render(request, "leads/routing_edit.html", {"form": form, "policy": found}, status=status)


@require_POST
@guarded(policies.EDIT_ROUTING)
def routing_put_away(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a draft up."""
    found = services.put_away(policy=_policy(pk), at=timezone.now(), actor=request.user)
    messages.success(request, f"{found} is put away.")
    return redirect("leads:routing")


@require_POST
@guarded(policies.EDIT_ROUTING)
def routing_switch_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Let it decide from a moment on."""
    found = _policy(pk)
    with timezone.override(zone_of(request.user)):
        form = MomentForm(request.POST)
        if not form.is_valid():
            return _policy_page(request, found, form, 422)
    try:
        found = services.switch_on(
            policy=found, from_at=form.cleaned_data["from_at"], at=timezone.now(), actor=request.user
        )
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return _policy_page(request, found, form, 422)
    messages.success(request, f"{found} is switched on. Decisions that were made stay as they are.")
    return redirect("leads:routing_policy", pk)


@require_POST
@guarded(policies.EDIT_ROUTING)
def routing_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Let it decide no longer."""
    found = services.end(policy=_policy(pk), at=timezone.now(), actor=request.user)
    messages.success(request, f"{found} decides no longer. The best available by rank does.")
    return redirect("leads:routing_policy", pk)


# --- Rules --------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.EDIT_ROUTING)
def routing_rule_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Write a further rule; ``?method=`` says by which method it chooses."""
    found = _policy(pk)
    method = request.POST.get("method") or request.GET.get("method", Method.BEST_RANKED.value)
    if method not in set(Method):
        raise Http404
    return _edit_rule(request, found, None, method)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.EDIT_ROUTING)
def routing_rule_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a rule of a draft."""
    rule = _rule(pk)
    return _edit_rule(request, rule.policy, rule, rule.method)


def _edit_rule(
    request: HttpRequest, policy: RoutingPolicy, rule: RoutingRule | None, method: str
) -> HttpResponse:
    at, status = timezone.now(), 200
    shown: dict[str, Any] = {"method": method, "at": at, "rule": rule}
    if request.method != "POST":
        form = RuleForm(**shown, seen=policy.changed_at)
    elif is_act(request.POST):
        form = RuleForm(**shown, data=request.POST, act=True)
    else:
        form = RuleForm(**shown, data=request.POST)
        if form.is_valid() and _saved(request, policy, rule, form, at):
            return redirect("leads:routing_policy", policy.pk)
        status = 422
    context = {"policy": policy, "rule": rule, "form": form}
    return render(request, "leads/routing_rule.html", context, status=status)


def _saved(
    request: HttpRequest, policy: RoutingPolicy, rule: RoutingRule | None, form: RuleForm, at: datetime
) -> bool:
    """Whether it was kept; a refusal stands at its row and field."""
    try:
        if rule is None:
            services.add_rule(policy=policy, **form.values, at=at, actor=request.user)
        else:
            seen = _instant(form.seen) or policy.written_at
            services.change_rule(rule=rule, **form.values, seen=seen, at=at, actor=request.user)
    except services.InvalidRule as error:
        form.refuse(error.field, error.index, error.row_field, error.message)
        return False
    except DomainError as error:
        form.refuse(error.field, None, "", error.message)
        return False
    return True


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@require_POST
@guarded(policies.EDIT_ROUTING)
def routing_rule_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask it as number ``place``."""
    rule = _rule(pk)
    place = request.POST.get("place", "")
    if place.isascii() and place.isdigit() and len(place) < 4:
        services.move_rule(rule=rule, place=int(place), at=timezone.now(), actor=request.user)
    else:
        messages.error(request, "Choose the place by its number.")
    return redirect(f"{reverse('leads:routing_policy', args=[rule.policy_id])}?moved={pk}")


@require_POST
@guarded(policies.EDIT_ROUTING)
def routing_rule_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take it out of the draft."""
    rule = _rule(pk)
    services.remove_rule(rule=rule, at=timezone.now(), actor=request.user)
    messages.success(request, f"“{rule.name}” is taken out of the draft.")
    return redirect("leads:routing_policy", rule.policy_id)


# --- Replay -------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.EDIT_ROUTING)
def routing_past(request: HttpRequest, pk: int) -> HttpResponse:
    """The last ``?months`` under this version; for very many hand-offs POST leaves it to a job, shown here."""
    found, at = _policy(pk), timezone.now()
    given = request.GET.get("months", "")
    months = int(given) if given in [str(one) for one in routing_replay.MONTHS] else routing_replay.MONTHS[0]
    if request.method == "POST":
        routing_replay.ask(policy=found, months=months, at=at, requested_by=request.user)
        return redirect(f"{reverse('leads:routing_past', args=[pk])}?months={months}")
    job = report = None
    count = routing_replay.hand_offs_of(months=months, at=at)[: routing_replay.MOST_IN_REQUEST + 1].count()
    if count <= routing_replay.MOST_IN_REQUEST:
        report = routing_replay.replay(policy=found, months=months, at=at)
    else:
        job = routing_replay.latest_job(policy=found, months=months)
        report = routing_replay.report_of(job)
    context = {
        "policy": found,
        "version": selectors.version(found, at),
        "months": months,
        "choices": routing_replay.MONTHS,
        "job": job,
        "report": report,
        "most": routing_replay.MOST_IN_REQUEST,
        **(_shown(report) if report else {}),
    }
    return render(request, "leads/routing_past.html", context)


def _shown(report: routing_replay.Report) -> dict[str, Any]:
    """The report's ids as names. Two statements."""
    ids = {*report.happened, *report.tried, *(one.was for one in report.changed)}
    reps = Rep.objects.in_bulk(ids | {one.tried for one in report.changed})
    leads = Lead.objects.in_bulk({one.lead for one in report.changed})
    none = routing_replay.Tally()
    rows = [
        (
            reps[pk],
            [
                (one, Fraction(one.count, report.examined))
                for one in (report.tried.get(pk, none), report.happened.get(pk, none))
            ],
        )
        for pk in {*report.happened, *report.tried}
        if pk in reps
    ]
    rows.sort(key=lambda row: (row[0].tier or 9, row[0].rank or 999, row[0].name))
    return {
        "rows": rows,
        "changed": [
            (leads[one.lead], reps.get(one.was), reps.get(one.tried), one)
            for one in report.changed
            if one.lead in leads
        ],
    }
