"""What follows from a disposition: the rules in force, their versions, the next one, and asking about a lead."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from apps.core.errors import DomainError
from apps.core.policies import guarded
from apps.leads import policies
from apps.leads.forms.follow_up import AskForm, PolicyForm
from apps.leads.forms.rows import is_act
from apps.leads.selectors import follow_up as selectors
from apps.leads.services import follow_up as services
from apps.leads.views.listing import number_in


def _shown(request: HttpRequest) -> selectors.Shown:
    found = selectors.shown(timezone.now(), number_in(request.GET.get("version")))
    if found is None:
        raise Http404
    return found


def _asked(request: HttpRequest, shown: selectors.Shown) -> dict[str, Any]:
    """The form that asks about a lead, and the answer once it can be read."""
    form = AskForm(request.GET) if "attempts" in request.GET or "age" in request.GET else AskForm()
    if form.is_bound and not form.is_valid():
        return {"ask": form, "follows": None}
    read = form.cleaned_data if form.is_bound else {"attempts": 1, "age": 0}
    follows = selectors.what_follows(shown.rules, attempts=read["attempts"], age_days=read["age"])
    return {"ask": form, "follows": follows}


@require_safe
@guarded(policies.SEE_FOLLOW_UP)
def follow_up(request: HttpRequest) -> HttpResponse:
    """The rules in force, or those of ``?version=``, as a table; and what they say of one lead."""
    shown = _shown(request)
    context = {
        "shown": shown,
        "versions": selectors.versions(timezone.now()),
        "may_edit": policies.EDIT_FOLLOW_UP.admits(request.user),
        **_asked(request, shown),
    }
    return render(request, "leads/follow_up.html", context)


@require_safe
@guarded(policies.SEE_FOLLOW_UP)
def follow_up_preview(request: HttpRequest) -> HttpResponse:
    """What the rules say of a lead of ``?age=`` days at ``?attempts=`` touches, as a fragment."""
    shown = _shown(request)
    context = {"shown": shown, **_asked(request, shown)}
    return render(request, "leads/_follow_up_preview.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.EDIT_FOLLOW_UP)
def follow_up_edit(request: HttpRequest) -> HttpResponse:
    """Write the next version, beginning from the one in force; publish it."""
    policy, rules = services.rules_in_force(timezone.now())
    if request.method != "POST":
        return _edit(request, PolicyForm(rules=rules), policy)
    if is_act(request.POST) and request.POST["act"] != "preview":
        return _edit(request, PolicyForm(data=request.POST, act=True), policy)
    form = PolicyForm(data=request.POST)
    if request.POST.get("act") == "preview":
        return _previewed(request, form, policy)
    if not form.is_valid():
        return _edit(request, form, policy, status=422)
    read = form.version.cleaned_data
    try:
        published = services.publish(
            rules=form.as_rows,
            agreed_touches=read["agreed_touches"],
            recycle_days=read["recycle_days"],
            note=read["note"],
            at=timezone.now(),
            actor=request.user,
        )
    except services.InvalidRules as error:
        form.refuse(error.row, error.row_field, error.row_message)
        return _edit(request, form, policy, status=422)
    except DomainError as error:
        form.version.add_error(None, error.message)
        return _edit(request, form, policy, status=422)
    messages.success(request, f"Version {published.version} is in force from now on.")
    return redirect("leads:follow_up")


def _previewed(request: HttpRequest, form: PolicyForm, policy: Any) -> HttpResponse:
    """What the rules as they are typed would say; nothing is published, and a missing note is no error yet."""
    form.is_valid()
    form.version.errors.pop("note", None)
    follows = None
    if form.parsed is not None and form.ask.is_valid():
        asked = form.ask.cleaned_data
        follows = selectors.what_follows(form.parsed, attempts=asked["attempts"], age_days=asked["age"])
    return _edit(request, form, policy, status=200 if follows else 422, follows=follows)


def _edit(
    request: HttpRequest, form: PolicyForm, policy: Any, *, status: int = 200, follows: Any = None
) -> HttpResponse:
    unreached = set()
    if form.parsed is not None:
        reached = selectors.rows_reached(form.parsed)
        unreached = {place + 1 for place in range(len(form.parsed.rows)) if place not in reached}
    context = {"form": form, "policy": policy, "follows": follows, "unreached": unreached}
    return render(request, "leads/follow_up_edit.html", context, status=status)
