"""Policies: the ordered list, one with its history, writing and changing, order, trial, switching on, retiring."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import DomainError
from apps.core.policies import guarded, visible_or_404
from apps.leads.forms.rows import is_act
from apps.leads.models import Lead
from apps.reps.models import Rep, Team
from apps.slas import policies
from apps.slas.forms.policies import PolicyForm
from apps.slas.models import ClockKind, Policy
from apps.slas.selectors import policies as selectors
from apps.slas.services import dry_run
from apps.slas.services import policies as services


def _policy(pk: int) -> Policy:
    return visible_or_404(Policy.objects.select_related("changed_by"), pk=pk)


@require_safe
@guarded(policies.SEE_POLICIES)
def policy_list(request: HttpRequest) -> HttpResponse:
    """All of them in the order of asking, then the retired ones."""
    found = selectors.policies(user=request.user, now=timezone.now())
    placed = [one for one in found if one.number]
    context = {
        "placed": placed,
        "retired": [one for one in found if not one.number],
        "may_edit": policies.EDIT_POLICIES.admits(request.user),
        "recent_days": selectors.RECENT_DAYS,
        "moved": request.GET.get("moved", ""),
    }
    return render(request, "slas/policies.html", context)


@require_safe
@guarded(policies.SEE_POLICIES)
def policy_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One: whom, what, what follows, what an act on it will do, what was done to it."""
    found = _policy(pk)
    context = {
        "policy": found,
        "line": selectors.policy_line(policy=found, user=request.user, now=timezone.now()),
        "history": selectors.history(found),
        "effect": selectors.effect(found),
        "days": dry_run.DAYS,
        "may_edit": policies.EDIT_POLICIES.admits(request.user),
        "recent_days": selectors.RECENT_DAYS,
    }
    return render(request, "slas/policy.html", context)


# --- Writing ------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.EDIT_POLICIES)
def policy_new(request: HttpRequest) -> HttpResponse:
    """Write a new one; ``?like=4`` begins with what that one says."""
    like = request.GET.get("like", "")
    found = (
        Policy.objects.filter(pk=int(like)).first()
        if like.isascii() and like.isdigit() and len(like) < 10
        else None
    )
    return _edit(request, None, found)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.EDIT_POLICIES)
def policy_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change one; clocks that run keep what was promised."""
    return _edit(request, _policy(pk), None)


def _edit(request: HttpRequest, found: Policy | None, like: Policy | None) -> HttpResponse:
    status = 200
    if request.method != "POST":
        form = PolicyForm(policy=found, like=like)
    elif is_act(request.POST):
        form = PolicyForm(data=request.POST, act=True)
    else:
        form = PolicyForm(data=request.POST)
        saved = _saved(request, found, form) if form.is_valid() else None
        if saved is not None:
            return redirect("slas:policy", saved.pk)
        status = 422
    context = {
        "policy": found,
        "form": form,
        "effect": selectors.effect(found) if found else None,
    }
    return render(request, "slas/policy_edit.html", context, status=status)


def _saved(request: HttpRequest, found: Policy | None, form: PolicyForm) -> Policy | None:
    """The policy as kept; ``None`` when it was refused, with the refusal at its row and field."""
    at, actor = timezone.now(), request.user
    try:
        if found is None:
            place = form.about.cleaned_data["place"]
            saved = services.create_policy(draft=form.draft, place=place, at=at, actor=actor)
            messages.success(
                request, f"{saved} is kept as a draft. It promises nothing until it is switched on."
            )
        else:
            seen = _instant(form.about.cleaned_data["seen"])
            saved = services.change_policy(policy=found, draft=form.draft, seen=seen, at=at, actor=actor)
            messages.success(request, f"{saved} is kept. Promises that run stay as they were made.")
    except services.InvalidConditions as error:
        form.refuse_row(form.conditions, error.index, error.row_field, error.row_message)
    except services.InvalidSteps as error:
        form.refuse_row(form.steps, error.index, error.row_field, error.row_message)
    except DomainError as error:
        form.refuse(error.field, error.message)
    else:
        return saved
    return None


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


# --- Order and state ----------------------------------------------------------------------------------


@require_POST
@guarded(policies.EDIT_POLICIES)
def policy_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask it as number ``place``."""
    place = request.POST.get("place", "")
    if place.isascii() and place.isdigit() and len(place) < 4:
        services.move_policy(policy=_policy(pk), place=int(place), at=timezone.now(), actor=request.user)
    else:
        messages.error(request, "Choose the place by its number.")
    verb = "up" if request.POST.get("up") else "down"
    return redirect(f"{reverse('slas:policies')}?moved={verb}-{pk}")


@require_POST
@guarded(policies.EDIT_POLICIES)
def policy_switch_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask it from now on."""
    found = services.switch_on(policy=_policy(pk), at=timezone.now(), actor=request.user)
    running = selectors.effect(found).running
    messages.success(
        request,
        f"{found} is in force as number {found.position}. {_as_they_are(running)}",
    )
    return redirect("slas:policy", pk)


@require_POST
@guarded(policies.EDIT_POLICIES)
def policy_retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask it no more."""
    found = services.retire(policy=_policy(pk), at=timezone.now(), actor=request.user)
    own = selectors.effect(found).own
    messages.success(request, f"{found} makes no promise any more. {_as_they_are(own)}")
    return redirect("slas:policy", pk)


def _as_they_are(running: int) -> str:
    if not running:
        return "No promise is running that it could concern."
    return (
        "The 1 promise that runs stays as it was made."
        if running == 1
        else f"The {running:,} promises that run stay as they were made."
    )


# --- Trial --------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.EDIT_POLICIES)
def policy_dry_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Try it on the leads of the last ``?days``; for very many leads POST leaves it to a job, shown here."""
    found, now = _policy(pk), timezone.now()
    given = request.GET.get("days", "")
    days = int(given) if given in [str(one) for one in dry_run.DAYS] else dry_run.DAYS[0]
    if request.method == "POST":
        dry_run.ask(policy=found, days=days, at=now, requested_by=request.user)
        return redirect(f"{reverse('slas:policy_dry_run', args=[pk])}?days={days}")
    job = report = None
    ids = dry_run.candidates(policy=found, days=days, at=now, most=dry_run.MOST_IN_REQUEST + 1)
    if len(ids) <= dry_run.MOST_IN_REQUEST:
        report = dry_run.dry_run(policy=found, days=days, at=now, leads=ids)
    else:
        job = dry_run.latest_job(policy=found, days=days)
        report = dry_run.report_of(job)
    context = {
        "policy": found,
        "line": selectors.policy_line(policy=found, user=request.user, now=now),
        "days": days,
        "choices": dry_run.DAYS,
        "job": job,
        "report": report,
        "most": dry_run.MOST_IN_REQUEST,
        **(_shown(report) if report else {}),
    }
    return render(request, "slas/policy_dry_run.html", context)


def _shown(report: dry_run.Report) -> dict[str, Any]:
    """The report's ids as names. Three statements."""
    leads = Lead.objects.in_bulk([pk for pk, *_ in report.newest])
    teams = dict(Team.objects.values_list("pk", "name"))
    reps = dict(Rep.objects.filter(pk__in={rep for _, rep in report.people}).values_list("pk", "name"))
    groups: dict[str, list[Any]] = {}
    for (team, rep), pair in report.people.items():
        groups.setdefault(teams.get(team, "No team"), []).append((reps.get(rep, "The pool"), *pair))
    kinds = {kind.value: kind.label for kind in ClockKind}
    return {
        "kinds": [(label, *report.kinds[kind]) for kind, label in kinds.items() if kind in report.kinds],
        "groups": [
            (name, _sum(rows, 1), _sum(rows, 2), sorted(rows, key=lambda row: row[0]))
            for name, rows in sorted(groups.items())
        ],
        "newest": [
            (leads[pk], name, [(kinds[kind], verdict) for kind, verdict in verdicts.items()])
            for pk, name, verdicts in report.newest
            if pk in leads
        ],
    }


def _sum(rows: list[Any], place: int) -> dry_run.Tally:
    return sum((row[place] for row in rows), dry_run.Tally())
