"""Plans: the list, one version in plain words with what it changes, and the steps that bring it into force."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from apps.compensation import policies
from apps.compensation.models import Plan, PlanVersion
from apps.compensation.plan_forms import AcknowledgeForm, SeenVersionForm, SendPlanBackForm
from apps.compensation.presentation_plan_curve import curve_picture
from apps.compensation.rules.described import changes, described, described_draw
from apps.compensation.rules.plan_file import plan_text
from apps.compensation.selectors import acknowledgements, plan_example
from apps.compensation.selectors.plan_versions import version_before
from apps.compensation.services import plan_drafts, plans
from apps.core.errors import DomainError, note_refusal
from apps.core.keyset import page_of
from apps.core.periods import day_of, month_of
from apps.core.policies import guarded, visible_or_404

_SAID_ELSEWHERE = {"Name", "Pays", "Counts when"}


def today() -> Any:
    """The company's day."""
    return day_of(timezone.now(), settings.COMPANY_TIME_ZONE)


@require_GET
@guarded(policies.SEE_PLANS)
def plan_list(request: HttpRequest) -> HttpResponse:
    """Every plan with its versions, how many people are on it, and what waits for somebody."""
    versions = PlanVersion.objects.visible_to(request.user).select_related("author", "approver")
    day = today()
    on_it = Q(assignments__starts_on__lte=day) & (
        Q(assignments__ends_on__isnull=True) | Q(assignments__ends_on__gt=day)
    )
    found = Plan.objects.visible_to(request.user).annotate(
        people=Count("assignments__rep", filter=on_it, distinct=True)
    )
    listed = page_of(
        found.prefetch_related(Prefetch("versions", versions.order_by("-number"))),
        by=("name", "currency", "pk"),
        after=request.GET.get("after", ""),
        size=24,
    )
    sees_all = policies.SEE_ACKNOWLEDGEMENTS.admits(request.user)
    context = {
        "listed": listed,
        "shown": f"{listed.shown} plan{'' if listed.shown == 1 else 's'}",
        "to_sign": acknowledgements.waiting_of(request.user, day) if not sees_all else [],
        "may_write": policies.WRITE_PLAN.admits(request.user),
        "sees_acknowledgements": sees_all,
        "today": day,
    }
    return render(request, "compensation/plans.html", context)


@require_GET
@guarded(policies.SEE_PLANS)
def plan_version(request: HttpRequest, pk: int) -> HttpResponse:
    """One version: what it pays in plain words, what it changes, who wrote, approved and acknowledged it."""
    return version_page(request, version_of(request, pk))


def version_of(request: HttpRequest, pk: int) -> PlanVersion:
    """A version that the viewer may see, or 404."""
    visible = PlanVersion.objects.visible_to(request.user)
    return visible_or_404(visible.select_related("plan", "author", "approver", "sent_back_by"), pk=pk)


def version_page(
    request: HttpRequest,
    version: PlanVersion,
    *,
    send_back: SendPlanBackForm | None = None,
    sign: AcknowledgeForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of a version; with forms that were sent and are not right yet."""
    user, rules, day = request.user, version.rules, today()
    before = version_before(version)
    old = before.rules if before else None
    quotas = plan_example.quotas_of(version.plan, rules, month_of(day))
    own = next(
        (
            one
            for one in acknowledgements.waiting_of(user, day)
            if one.version.pk == version.pk and policies.ACKNOWLEDGE_PLAN.admits(user)
        ),
        None,
    )
    seen = {"fingerprint": version.fingerprint}
    context: dict[str, Any] = {
        "version": version,
        "rules": rules,
        "before": before,
        "changes": changes(old, rules) if old else [],
        "components": [
            _component(one, version, rules.currency, old, before, quotas) for one in rules.components
        ],
        "draw": described_draw(rules.draw, rules.currency) if rules.draw else [],
        "quotas": quotas,
        "others": PlanVersion.objects.visible_to(user).filter(plan=version.plan).order_by("-number")[:12],
        "seen": SeenVersionForm(auto_id=False, initial=seen),
        "send_back_form": send_back or SendPlanBackForm(),
        "may": _may(user, version),
        "signature": acknowledgements.signature_of(version, user),
        "to_sign": own,
        "sign_form": sign or AcknowledgeForm(initial=seen),
        "problem_count": len(plan_drafts.problems_of(version.typed)) if version.typed is not None else 0,
        "today": day,
    }
    if version.is_approved and policies.SEE_ACKNOWLEDGEMENTS.admits(user):
        standings = acknowledgements.standings(
            today=day, reps=acknowledgements.seen_reps(user), version_ids=[version.pk]
        )
        context["standings"] = standings
        context["signed_count"] = sum(one.signed is not None for one in standings)
    return render(request, "compensation/plan_version.html", context, status=status)


def _component(
    one: Any, version: PlanVersion, currency: str, old: Any, before: Any, quotas: Any
) -> dict[str, Any]:
    """A component in words, with its curve beside that of the version before."""
    goal = next((quota.most for quota in quotas if quota.rule == one.quota and quota.most), None)
    earlier = old.component(one.key) if old is not None and old.currency == currency else None
    return {
        "component": one,
        "bands": [(band.label, one.rate_in_words(band, currency)) for band in one.shown_bands()],
        "items": [
            item
            for item in described(one, currency)
            if item[0] not in _SAID_ELSEWHERE and not item[0].startswith("Rate")
        ],
        "grid": _grid(one, currency),
        "curve": curve_picture(
            one, currency, goal, earlier, f"version {before.number}" if before else "",
            f"version {version.number}",
        ),
    }  # fmt: skip


def _grid(one: Any, currency: str) -> dict[str, Any] | None:
    if one.shown_bands():
        return None
    items = [says for label, says in described(one, currency) if label.startswith("Rate")]
    width = len(one.rates.columns.labels)
    rows = [items[at : at + width] for at in range(0, len(items), width)]
    return {
        "columns": one.rates.columns.labels,
        "rows": list(zip(one.rates.rows.labels, rows, strict=True)),
    }


def _may(user: Any, version: PlanVersion) -> dict[str, bool]:
    """Which steps the page offers; the services decide again."""
    own = policies.CHANGE_DRAFT.allows(user, version)
    judges = policies.APPROVE_PLAN.allows(user, version)
    return {
        "edit": own and version.is_draft,
        "submit": own and version.is_draft and version.typed is None,
        "withdraw": own and version.is_submitted,
        "approve": judges and version.is_submitted,
        "send_back": judges and version.is_submitted,
        "copy": policies.WRITE_PLAN.admits(user),
        "assign": policies.ASSIGN_PLAN.admits(user),
        "replay": policies.REPLAY_PLANS.admits(user) and not version.is_approved,
        "see_acknowledgements": policies.SEE_ACKNOWLEDGEMENTS.admits(user),
    }


@require_GET
@guarded(policies.SEE_PLANS)
def plan_file(request: HttpRequest, pk: int) -> HttpResponse:
    """The version as a plan file, exactly as it is kept."""
    version = version_of(request, pk)
    response = HttpResponse(plan_text(version.document), content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file_name(version)}"'
    return response


def file_name(version: PlanVersion) -> str:
    """``inbound-sdr-eur-v3.json``."""
    words = "".join(one if one.isascii() and one.isalnum() else " " for one in version.plan.name.lower())
    return f"{'-'.join(words.split()) or 'plan'}-{version.plan.currency.lower()}-v{version.number}.json"


# --- Steps ----------------------------------------------------------------------------------------


@require_POST
@guarded(policies.CHANGE_DRAFT)
def submit_version(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand a draft to those who approve."""
    found = version_of(request, pk)
    policies.CHANGE_DRAFT.check(request.user, found)
    plan_drafts.submit_version(version=found, at=timezone.now(), actor=request.user)
    messages.success(request, f"{found} waits for approval by somebody else.")
    return redirect("compensation:plan_version", pk)


@require_POST
@guarded(policies.CHANGE_DRAFT)
def withdraw_version(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a submitted version back, to go on writing."""
    found = version_of(request, pk)
    policies.CHANGE_DRAFT.check(request.user, found)
    plan_drafts.withdraw_version(version=found, at=timezone.now(), actor=request.user)
    messages.success(request, f"{found} is a draft again.")
    return redirect("compensation:plan_design", pk)


@require_POST
@guarded(policies.CHANGE_DRAFT)
def drop_version(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw a draft away."""
    found = version_of(request, pk)
    policies.CHANGE_DRAFT.check(request.user, found)
    plan_drafts.drop_draft(version=found, at=timezone.now(), actor=request.user)
    messages.success(request, "The draft is gone.")
    return redirect("compensation:plans")


@require_POST
@guarded(policies.APPROVE_PLAN)
def approve_version(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a version in force as it was read."""
    version = version_of(request, pk)
    policies.APPROVE_PLAN.check(request.user, version)
    plans.approve_version(
        version=version,
        approver=request.user,
        at=timezone.now(),
        fingerprint=str(request.POST.get("fingerprint", "")),
    )
    messages.success(request, f"{version} is approved.")
    return redirect("compensation:plan_version", pk)


@require_POST
@guarded(policies.APPROVE_PLAN)
def send_back_version(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a submitted version back to its author with a reason."""
    version = version_of(request, pk)
    policies.APPROVE_PLAN.check(request.user, version)
    form = SendPlanBackForm(request.POST)
    if form.is_valid():
        try:
            plan_drafts.send_back_version(
                version=version, reason=form.cleaned_data["reason"], at=timezone.now(), actor=request.user
            )
        except DomainError as error:
            note_refusal(error)
            form.add_error("reason", error.message)
        else:
            messages.success(request, f"{version} went back to {version.author.name}.")
            return redirect("compensation:plan_version", pk)
    return version_page(request, version, send_back=form, status=422)
