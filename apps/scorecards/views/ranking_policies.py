"""Ranking policies: the versions, one with what it changed, writing a draft, its replay, putting it in force."""

from datetime import datetime
from itertools import zip_longest
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.audit.models import AuditEntry
from apps.core.errors import DomainError
from apps.core.policies import guarded, visible_or_404
from apps.leads.rules.metrics import METRICS
from apps.scorecards import policies
from apps.scorecards.forms.ranking import PutInForceForm, RankingPolicyForm
from apps.scorecards.models import RankingPolicy
from apps.scorecards.presentation_ranking import changes_between, policy_words, replay_rows
from apps.scorecards.selectors.ranking import current_policy
from apps.scorecards.selectors.ranking_replay import MONTHS, replay
from apps.scorecards.services import ranking_policies as services
from apps.scorecards.views import asked


def _policy(request: HttpRequest, pk: int) -> RankingPolicy:
    found = RankingPolicy.objects.visible_to(request.user).select_related("written_by", "put_in_force_by")
    return visible_or_404(found, pk=pk)


def _draft(request: HttpRequest, pk: int) -> RankingPolicy:
    return visible_or_404(RankingPolicy.objects.visible_to(request.user).filter(version=None), pk=pk)


@require_safe
@guarded(policies.SEE_RANKING_POLICY)
def policy_list(request: HttpRequest) -> HttpResponse:
    """Drafts, the version in force, those to come and those that were."""
    found = list(
        RankingPolicy.objects.visible_to(request.user).select_related("written_by", "put_in_force_by")
    )
    now = current_policy(asked.today())
    versions = [one for one in found if not one.is_draft]
    context = {
        "drafts": [one for one in found if one.is_draft],
        "versions": [
            (one, changes_between(before, one)) for one, before in zip_longest(versions, versions[1:])
        ],
        "in_force": now,
        "says": policy_words(now),
        "today": asked.today(),
        "may_write": policies.WRITE_RANKING_POLICY.admits(request.user),
    }
    return render(request, "scorecards/ranking_policies.html", context)


@require_safe
@guarded(policies.SEE_RANKING_POLICY)
def policy_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What it says, what it changes, and the act that is left to do."""
    return _detail(request, _policy(request, pk), PutInForceForm(initial=_earliest()))


def _earliest() -> dict[str, object]:
    return {"effective_on": services.earliest_day(at=timezone.now())}


def _detail(
    request: HttpRequest, found: RankingPolicy, form: PutInForceForm, status: int = 200
) -> HttpResponse:
    today = asked.today()
    before = current_policy(today)
    if found.version is not None:
        earlier = RankingPolicy.objects.filter(version__lt=found.version).order_by("-version").first()
        before = earlier if earlier is not None else found
    context = {
        "policy": found,
        "before": None if before == found else before,
        "says": policy_words(found),
        "changes": changes_between(None if before == found else before, found),
        "history": _history(found),
        "form": form,
        "today": today,
        "is_in_force": current_policy(today) == found,
        "may_write": policies.WRITE_RANKING_POLICY.admits(request.user),
    }
    return render(request, "scorecards/ranking_policy.html", context, status=status)


_ACTS = {
    "drafted": "Drafted",
    "changed": "Changed",
    "put_in_force": "Put in force",
}


def _history(policy: RankingPolicy) -> list[dict[str, Any]]:
    """What was done to it, the latest first; from the audit log."""
    entries = AuditEntry.objects.filter(
        subject_type=RankingPolicy._meta.label, subject_id=str(policy.pk)
    ).select_related("actor")
    labels = {name: str(field.label) for name, field in RankingPolicyForm.base_fields.items()}
    rows = []
    for entry in entries.order_by("-pk")[:30]:
        act = entry.verb.rpartition(".")[2]
        rows.append(
            {
                "entry": entry,
                "word": _ACTS.get(act, act),
                "changes": [
                    (labels.get(name, "Weights"), _said(was), _said(now))
                    for name, (was, now) in entry.data.get("changed", {}).items()
                ],
            }
        )
    return rows


def _said(value: object) -> str:
    """A value of the audit log for reading."""
    if isinstance(value, dict):
        return ", ".join(
            f"{METRICS[key].name} {percent} %" for key, percent in value.items() if key in METRICS
        )
    return str(value)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.WRITE_RANKING_POLICY)
def policy_new(request: HttpRequest) -> HttpResponse:
    """Write a draft; it begins with what is in force, or with what ``?like=`` says."""
    like = request.GET.get("like", "")
    base = None
    if like.isascii() and like.isdigit() and len(like) < 10:
        base = RankingPolicy.objects.filter(pk=int(like)).first()
    base = base or current_policy(asked.today())
    form = RankingPolicyForm(policy=base)
    if request.method == "POST":
        form = RankingPolicyForm(data=request.POST)
        if form.is_valid():
            try:
                saved = services.write_draft(draft=form.draft, at=timezone.now(), actor=request.user)
            except DomainError as error:
                form.refuse(error.field, error.message)
            else:
                messages.success(request, "The draft is kept. Nobody is ranked by it yet.")
                return redirect("scorecards:ranking_policy", saved.pk)
        return _edit(request, None, form, 422)
    return _edit(request, None, form)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.WRITE_RANKING_POLICY)
def policy_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a draft; what is or was in force is never changed."""
    found = _draft(request, pk)
    if request.method != "POST":
        return _edit(request, found, RankingPolicyForm(policy=found))
    form = RankingPolicyForm(data=request.POST)
    if form.is_valid():
        try:
            saved = services.change_draft(
                policy=found,
                draft=form.draft,
                seen=_instant(form.cleaned_data["seen"]),
                at=timezone.now(),
                actor=request.user,
            )
        except DomainError as error:
            form.refuse(error.field, error.message)
        else:
            messages.success(request, "The draft is kept.")
            return redirect("scorecards:ranking_policy", saved.pk)
    return _edit(request, found, form, 422)


def _edit(
    request: HttpRequest, found: RankingPolicy | None, form: RankingPolicyForm, status: int = 200
) -> HttpResponse:
    context = {"policy": found, "form": form}
    return render(request, "scorecards/ranking_policy_edit.html", context, status=status)


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@require_POST
@guarded(policies.WRITE_RANKING_POLICY)
def policy_put_in_force(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a draft decide from a day on."""
    found, form = _policy(request, pk), PutInForceForm(data=request.POST)
    if form.is_valid():
        try:
            saved = services.put_in_force(
                policy=found,
                effective_on=form.cleaned_data["effective_on"],
                at=timezone.now(),
                actor=request.user,
            )
        except DomainError as error:
            form.add_error("effective_on", error.message)
        else:
            messages.success(request, f"Version {saved.version} decides from {saved.effective_on} on.")
            return redirect("scorecards:ranking_policy", saved.pk)
    return _detail(request, found, form, 422)


@require_POST
@guarded(policies.WRITE_RANKING_POLICY)
def policy_drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw a draft away."""
    try:
        services.drop_draft(policy=_policy(request, pk), at=timezone.now(), actor=request.user)
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("scorecards:ranking_policy", pk)
    messages.success(request, "The draft is gone.")
    return redirect("scorecards:ranking_policies")


@require_safe
@guarded(policies.SEE_RANKING_POLICY)
def policy_replay(request: HttpRequest, pk: int) -> HttpResponse:
    """The last months under this policy, beside what the policies of then did."""
    found = _policy(request, pk)
    given = request.GET.get("months", "")
    months = int(given) if given in [str(one) for one in MONTHS] else MONTHS[0]
    shown = replay_rows(replay(draft=found, today=asked.today(), months=months))
    context = {"policy": found, "asked": months, "choices": MONTHS, "shown": shown}
    return render(request, "scorecards/ranking_policy_replay.html", context)
