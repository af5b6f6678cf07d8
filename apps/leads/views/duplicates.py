"""Leads that may be one person: the list, two side by side, merging, saying that they are two, undoing."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import DomainError
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.models import Lead, LeadMerge
from apps.leads.selectors import duplicates as selectors
from apps.leads.services import duplicates as services
from apps.leads.services import merges
from apps.leads.views.listing import number_in


@require_safe
@guarded(policies.SETTLE_DUPLICATES)
def duplicates(request: HttpRequest) -> HttpResponse:
    """Pairs to settle, those found last first; below them the last merges, to be undone."""
    page = selectors.page(user=request.user, after=request.GET.get("after", ""))
    merged = selectors.recent_merges(request.user) if page.first else []
    return render(request, "leads/duplicates.html", {"page": page, "merged": merged})


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.SETTLE_DUPLICATES)
def duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    """One pair side by side; settled as one person (``keep``) or as two (``outcome=different``)."""
    pair = visible_or_404(selectors.pairs_for(request.user), pk=pk)
    if request.method == "POST":
        if request.POST.get("outcome") == "different":
            return _tell_apart(request, pair)
        answer = _merge(request, pair.first, pair.second, pair.why)
        if answer is not None:
            return answer
    shown = {"pair": pair, "comparison": selectors.compare(pair.first, pair.second)}
    return render(request, "leads/duplicate.html", shown, status=422 if request.method == "POST" else 200)


def _tell_apart(request: HttpRequest, pair: Any) -> HttpResponse:
    try:
        services.tell_apart(pair=pair, at=timezone.now(), actor=request.user)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{pair.first.label} and {pair.second.label} are two people.")
    return redirect("leads:duplicates")


def _merge(request: HttpRequest, one: Lead, other: Lead, why: str) -> HttpResponse | None:
    """The answer when it worked; ``None`` leaves the refusal on the page."""
    by_key = {lead.pk: lead for lead in (one, other)}
    survivor = by_key.get(number_in(request.POST.get("keep")) or 0)
    if survivor is None:
        messages.error(request, "Choose the lead to keep.")
        return None
    absorbed = other if survivor.pk == one.pk else one
    try:
        merges.merge(survivor=survivor, absorbed=absorbed, why=why, at=timezone.now(), actor=request.user)
    except DomainError as error:
        messages.error(request, error.message)
        return None
    messages.success(
        request, f"{absorbed.label} lives on in {survivor.label}. It can be undone under Possible duplicates."
    )
    return redirect("leads:lead", survivor.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.SETTLE_DUPLICATES)
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Merge a lead with another one: found by ``?q=``, then side by side (``?with=``)."""
    lead = visible_or_404(selectors.leads_to_merge(request.user), pk=pk)
    given = request.POST if request.method == "POST" else request.GET
    text = request.GET.get("q", "").strip()[:100]
    shown: dict[str, Any] = {"lead": lead, "text": text, "comparison": None}
    if (other_pk := number_in(given.get("with"))) is not None:
        other = visible_or_404(selectors.leads_to_merge(request.user).exclude(pk=lead.pk), pk=other_pk)
        if request.method == "POST":
            answer = _merge(request, lead, other, "Merged by hand")
            if answer is not None:
                return answer
        shown |= {"other": other, "comparison": selectors.compare(lead, other)}
    else:
        shown["found"] = selectors.found_for(user=request.user, lead=lead, text=text)
    return render(request, "leads/merge.html", shown, status=422 if request.method == "POST" else 200)


@require_POST
@guarded(policies.SETTLE_DUPLICATES)
def merge_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Two leads again."""
    done = visible_or_404(LeadMerge.objects.visible_to(request.user), pk=pk)
    try:
        merges.undo_merge(merge=done, at=timezone.now(), actor=request.user)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{done.survivor.label} and {done.absorbed.label} are two leads again.")
    return redirect("leads:duplicates")
