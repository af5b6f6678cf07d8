"""Names under plans: a rep signs the exact version; managers, RevOps and finance see who has not, and ask again."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from apps.compensation import policies
from apps.compensation.plan_forms import AcknowledgeForm
from apps.compensation.selectors import acknowledgements as selectors
from apps.compensation.services import acknowledgements as services
from apps.compensation.views import plans
from apps.core.errors import DomainError, note_refusal
from apps.core.keyset import page_of
from apps.core.policies import guarded
from apps.reps.models import Rep

PAGE = 100


@require_POST
@guarded(policies.ACKNOWLEDGE_PLAN)
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign a version that pays one."""
    version = plans.version_of(request, pk)
    policies.ACKNOWLEDGE_PLAN.check(request.user, version)
    rep = Rep.objects.get(user=request.user)
    form = AcknowledgeForm(request.POST)
    if form.is_valid():
        try:
            services.acknowledge(
                version=version,
                rep=rep,
                typed_name=form.cleaned_data["typed_name"],
                fingerprint=form.cleaned_data["fingerprint"],
                at=timezone.now(),
                actor=request.user,
            )
        except DomainError as error:
            note_refusal(error)
            form.add_error("typed_name", error.message)
        else:
            messages.success(request, f"You have acknowledged {version}.")
            return redirect("compensation:plan_version", pk)
    return plans.version_page(request, version, sign=form, status=422)


@require_GET
@guarded(policies.SEE_ACKNOWLEDGEMENTS)
def acknowledgement_list(request: HttpRequest) -> HttpResponse:
    """Whose name is missing under which version, and whose is there; by rep."""
    day = plans.today()
    wanted = "signed" if request.GET.get("show") == "signed" else "missing"
    listed = page_of(
        _people(request.user, day, wanted),
        by=("name", "pk"),
        after=request.GET.get("after", ""),
        size=PAGE,
    )
    reps = Rep.objects.filter(pk__in=[one.pk for one in listed.rows])
    found = [
        one
        for one in selectors.standings(today=day, reps=reps)
        if (one.signed is not None) == (wanted == "signed")
    ]
    context = {
        "listed": listed,
        "standings": found,
        "wanted": wanted,
        "shown": f"{len(found)} name{'' if len(found) == 1 else 's'}",
        "today": day,
    }
    return render(request, "compensation/plan_acknowledgements.html", context)


def _people(user: Any, day: Any, wanted: str) -> QuerySet[Rep]:
    """The reps of the list: whoever is on a plan now or later, or who signed one."""
    found = selectors.seen_reps(user)
    if wanted == "signed":
        return found.filter(plan_acknowledgements__isnull=False).distinct()
    return selectors.with_missing_names(found, day)


@require_POST
@guarded(policies.SEE_ACKNOWLEDGEMENTS)
def remind(request: HttpRequest) -> HttpResponse:
    """Ask everybody whose name is missing again; each once a day."""
    day = plans.today()
    asked = services.remind(
        standings=selectors.waiting(today=day, reps=selectors.seen_reps(request.user)),
        today=day,
        at=timezone.now(),
    )
    says = "Nobody’s name is missing." if not asked else f"{asked} asked; nobody more than once a day."
    messages.success(request, says)
    return redirect("compensation:acknowledgements")
