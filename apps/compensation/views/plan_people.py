"""Who is on a plan: put on it, moved from another, ended, taken back. And where a new draft begins."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from apps.compensation import policies
from apps.compensation.models import Plan, PlanAssignment, PlanVersion
from apps.compensation.plan_forms import AssignForm, BeginForm, EndForm, PlanFileForm, candidates
from apps.compensation.rules.plan import PlanInvalid, parse_plan
from apps.compensation.rules.writing import write_plan
from apps.compensation.selectors import plan_example
from apps.compensation.services import plan_assignments, plan_drafts
from apps.compensation.services import plans as plan_services
from apps.compensation.views.plans import today
from apps.core.errors import DomainError, note_refusal
from apps.core.keyset import page_of
from apps.core.periods import month_of
from apps.core.policies import guarded, visible_or_404

# --- People ---------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.ASSIGN_PLAN)
def people(request: HttpRequest, pk: int) -> HttpResponse:
    """Everybody who was, is or will be on a plan, with quotas; and putting people on it."""
    plan = visible_or_404(Plan.objects.visible_to(request.user), pk=pk)
    first = month_of(today()).following().start
    form = AssignForm(plan=plan, initial={"starts_on": first, "moves": True})
    if request.method == "POST":
        form = AssignForm(request.POST, plan=plan)
        if form.is_valid() and _assigned(request, plan, form):
            return redirect("compensation:plan_people", pk)
    return _people(request, plan, form, status=422 if form.is_bound else 200)


def _assigned(request: HttpRequest, plan: Plan, form: AssignForm) -> bool:
    given = form.cleaned_data
    try:
        made = plan_assignments.assign_many(
            reps=list(given["reps"]),
            plan=plan,
            starts_on=given["starts_on"],
            ends_on=given["ends_on"],
            moves=given["moves"],
            at=timezone.now(),
            actor=request.user,
        )
    except DomainError as error:
        note_refusal(error)
        form.add_error(error.field if error.field in form.fields else "reps", error.message)
        return False
    messages.success(request, f"{len(made)} on {plan.name}.")
    return True


def _people(
    request: HttpRequest, plan: Plan, form: AssignForm, ending: Any = None, status: int = 200
) -> HttpResponse:
    day = today()
    current = Q(ends_on__isnull=True) | Q(ends_on__gt=day)
    past = request.GET.get("show") == "past"
    found = plan.assignments.select_related("rep__team")
    listed = page_of(
        found.exclude(current) if past else found.filter(current),
        by=("rep__name", "starts_on", "pk"),
        after=request.GET.get("after", ""),
    )
    version = (
        plan.versions.filter(state=PlanVersion.State.APPROVED).order_by("-effective_on", "-number").first()
    )
    quotas = plan_example.quotas_of(plan, version.rules, month_of(day)) if version else []
    context = {
        "plan": plan,
        "version": version,
        "listed": listed,
        "shown": f"{listed.shown} {'person' if listed.shown == 1 else 'people'}",
        "past": past,
        "form": form,
        "ending": ending,
        "has_candidates": candidates(plan).exists(),
        "quotas": quotas,
        "today": day,
        "first_of_next": month_of(day).following().start,
    }
    return render(request, "compensation/plan_people.html", context, status=status)


def _assignment(request: HttpRequest, pk: int) -> PlanAssignment:
    plans = Plan.objects.visible_to(request.user).order_by().values("pk")
    return visible_or_404(PlanAssignment.objects.filter(plan__in=plans).select_related("plan", "rep"), pk=pk)


@require_POST
@guarded(policies.ASSIGN_PLAN)
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Let somebody leave a plan from a day on."""
    found = _assignment(request, pk)
    form = EndForm(request.POST)
    if form.is_valid():
        try:
            plan_assignments.end_assignment(
                assignment=found, ends_on=form.cleaned_data["ends_on"], at=timezone.now(), actor=request.user
            )
        except DomainError as error:
            note_refusal(error)
            form.add_error("ends_on", error.message)
        else:
            messages.success(request, f"{found.rep.name} leaves {found.plan.name} then.")
            return redirect("compensation:plan_people", found.plan_id)
    fresh = AssignForm(plan=found.plan)
    return _people(request, found.plan, fresh, ending={"assignment": found, "form": form}, status=422)


@require_POST
@guarded(policies.ASSIGN_PLAN)
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo an assignment that was a mistake."""
    found = _assignment(request, pk)
    plan_assignments.take_back_assignment(assignment=found, at=timezone.now(), actor=request.user)
    messages.success(request, f"{found.rep.name} was taken off {found.plan.name}, for all its days.")
    return redirect("compensation:plan_people", found.plan_id)


# --- A new draft ----------------------------------------------------------------------------------


def _beginnings(user: Any) -> list[tuple[str, Any]]:
    """What a draft may begin from: a version of each plan, or an example."""
    newest: dict[int, PlanVersion] = {}
    for version in PlanVersion.objects.visible_to(user).select_related("plan").order_by("plan", "-number"):
        newest.setdefault(version.plan_id, version)
    found: list[tuple[str, Any]] = []
    if newest:
        ordered = sorted(newest.values(), key=lambda one: (one.plan.name, one.plan.currency))
        found.append(("A version that is there", [(f"version:{one.pk}", str(one)) for one in ordered]))
    found.append(("An example", [(f"example:{name}", says) for name, says in plan_services.EXAMPLES.items()]))
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.WRITE_PLAN)
def begin(request: HttpRequest) -> HttpResponse:
    """A new draft: a copy of a version or of an example, or a file."""
    beginnings = _beginnings(request.user)
    like = str(request.GET.get("like", ""))
    version = None
    if like.isascii() and like.isdigit() and len(like) < 10:
        version = PlanVersion.objects.visible_to(request.user).filter(pk=int(like)).first()
        if version is not None:
            beginnings = [("This version", [(f"version:{version.pk}", str(version))]), *beginnings]
    initial = {
        "like": f"version:{version.pk}" if version else "",
        "effective_on": month_of(today()).following().start,
    }
    form, upload = BeginForm(beginnings=beginnings, initial=initial), PlanFileForm()
    if request.method == "POST" and request.POST.get("act") == "file":
        upload = PlanFileForm(request.POST, request.FILES)
        if upload.is_valid():
            made = _loaded(request, upload)
            if made is not None:
                return _to_design(request, made)
    elif request.method == "POST":
        form = BeginForm(request.POST, beginnings=beginnings)
        if form.is_valid():
            made = _begun(request, form)
            if made is not None:
                return _to_design(request, made)
    context = {"form": form, "upload": upload, "has_plans": len(beginnings) > 1}
    status = 422 if form.is_bound or upload.is_bound else 200
    return render(request, "compensation/plan_begin.html", context, status=status)


def _to_design(request: HttpRequest, made: PlanVersion) -> HttpResponse:
    if made.is_draft and made.author_id == request.user.pk:
        messages.success(request, f"{made} is a draft. Nobody is paid by it yet.")
        return redirect("compensation:plan_design", made.pk)
    messages.info(request, f"This is {made} already.")
    return redirect("compensation:plan_version", made.pk)


def _begun(request: HttpRequest, form: BeginForm) -> PlanVersion | None:
    given = form.cleaned_data
    kind, _, name = str(given["like"]).partition(":")
    if kind == "version":
        found = visible_or_404(PlanVersion.objects.visible_to(request.user), pk=int(name))
        document = write_plan(found.rules)
        document.pop("ends_on", None)
    else:
        document = write_plan(parse_plan(plan_services.shipped_plan(name)))
    for key in ("name", "role", "currency"):
        if given[key]:
            document[key] = given[key]
    return _kept(request, form, document, given["effective_on"])


def _kept(request: HttpRequest, form: BeginForm, document: Any, effective_on: date) -> PlanVersion | None:
    try:
        return plan_drafts.begin_draft(
            document=document, effective_on=effective_on, at=timezone.now(), author=request.user
        )
    except PlanInvalid as error:
        form.add_error(None, " ".join(says for _, says in error.problems))
    except DomainError as error:
        note_refusal(error)
        form.add_error(error.field if error.field in form.fields else None, error.message)
    return None


def _loaded(request: HttpRequest, upload: PlanFileForm) -> PlanVersion | None:
    try:
        return plan_services.load_plan_document(
            document=upload.cleaned_data["file"], author=request.user, at=timezone.now()
        )
    except PlanInvalid as error:
        for place, says in error.problems:
            upload.add_error("file", f"{place}: {says}" if place else says)
    except DomainError as error:
        note_refusal(error)
        upload.add_error("file", error.message)
    return None
