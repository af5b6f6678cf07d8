"""Plans as they can be read: the list, and a version with its bands in words."""

from django.contrib import messages
from django.db.models import Count, Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from apps.compensation import policies
from apps.compensation.models import Plan, PlanVersion
from apps.compensation.services import plans
from apps.core.policies import guarded, visible_or_404
from apps.reps.models import QuotaMeasure


@require_GET
@guarded(policies.SEE_PLANS)
def plan_list(request: HttpRequest) -> HttpResponse:
    """Every plan with its versions and how many people are on it."""
    versions = PlanVersion.objects.select_related("author", "approver").order_by("-number")
    found = (
        Plan.objects.visible_to(request.user)
        .annotate(people=Count("assignments__rep", distinct=True))
        .prefetch_related(Prefetch("versions", versions))
        .order_by("name", "currency")
    )
    return render(request, "compensation/plans.html", {"plans": found[:100]})


@require_GET
@guarded(policies.SEE_PLANS)
def plan_version(request: HttpRequest, pk: int) -> HttpResponse:
    """One version: components, bands, rates, and who wrote and approved it."""
    version = _version(request, pk)
    rules = version.rules
    components = [
        {
            "component": component,
            "quota": QuotaMeasure(component.quota.measure).label if component.quota else "",
            "bands": [
                (band.label, component.rate_in_words(band, rules.currency)) for band in component.rates.bands
            ],
        }
        for component in rules.components
    ]
    context = {
        "version": version,
        "rules": rules,
        "components": components,
        "may_approve": not version.is_approved and policies.APPROVE_PLAN.allows(request.user, version),
        "others": version.plan.versions.order_by("-number")[:12],
    }
    return render(request, "compensation/plan_version.html", context)


def _version(request: HttpRequest, pk: int) -> PlanVersion:
    visible = PlanVersion.objects.filter(
        plan__in=Plan.objects.visible_to(request.user).order_by().values("pk")
    )
    return visible_or_404(visible.select_related("plan", "author", "approver"), pk=pk)


@require_POST
@guarded(policies.APPROVE_PLAN)
def approve_version(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a version in force."""
    version = _version(request, pk)
    policies.APPROVE_PLAN.check(request.user, version)
    plans.approve_version(version=version, approver=request.user, at=timezone.now())
    messages.success(request, f"{version} is approved.")
    return redirect("compensation:plan_version", pk)
