"""The worklist of a run in approval: what is odd first, a verdict on each person's pay."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.fresh import freshly_signed_in
from apps.accounts.models import Role
from apps.compensation import policies
from apps.compensation.finance_forms import ReviewForm
from apps.compensation.models import PayoutRun, ReviewVerdict, RunState, Statement
from apps.compensation.rules.reviews import APPROVED
from apps.compensation.selectors import reviews as selector
from apps.compensation.services import reviews, runs
from apps.core.errors import InvalidInput
from apps.core.money import quantize
from apps.core.policies import guarded, visible_or_404

SHOWN = 100
FILTERS = {
    "waiting": "Waiting", "odd": "Odd", "sent_back": "Sent back", "approved": "Approved", "all": "Everybody",
}  # fmt: skip


def _run(request: HttpRequest, pk: int) -> PayoutRun:
    found: PayoutRun = visible_or_404(
        PayoutRun.objects.visible_to(request.user).exclude(state=RunState.COMPUTING), pk=pk
    )
    return found


def _statements(request: HttpRequest, run: PayoutRun) -> Any:
    """Whose pay the viewer reviews: a manager that of the own teams, and never the own."""
    found = Statement.objects.visible_to(request.user).filter(run=run)
    if request.user.role == Role.MANAGER:
        found = found.filter(rep__team__manager=request.user)
    return found


@require_GET
@guarded(policies.SEE_RUNS)
def worklist(request: HttpRequest, pk: int) -> HttpResponse:
    """Everybody in the run whom the viewer may see, the oddest first."""
    return _page(request, _run(request, pk), ReviewForm())


def _page(request: HttpRequest, run: PayoutRun, form: ReviewForm, status: int = 200) -> HttpResponse:
    rows = selector.worklist(run, _statements(request, run))
    progress = selector.progress(rows)
    which = request.GET.get("show", "")
    which = which if which in FILTERS else "all" if run.state != RunState.SUBMITTED else "waiting"
    if which == "waiting" and request.user.role == Role.MANAGER:
        listed = [row for row in rows if row.standing.manager is None and row.state != "sent_back"]
    else:
        listed = selector.chosen(rows, which)
    start = _number(request.GET.get("from", "0"))
    shown = listed[start : start + SHOWN]
    counts = {
        "waiting": progress.waiting, "odd": progress.odd, "sent_back": progress.sent_back,
        "approved": progress.approved, "all": progress.people,
    }  # fmt: skip
    limits, plain = selector.thresholds(), _plain(request.user, run, rows)
    context = {
        "run": run,
        "rows": [(row, _may(request.user, run, row)) for row in shown],
        "which": which,
        "filters": [(key, word, counts[key]) for key, word in FILTERS.items()],
        "progress": progress,
        "plain": plain,
        "plain_token": selector.token(plain),
        "is_manager": request.user.role == Role.MANAGER,
        "form": form,
        "listed": len(listed),
        "next_from": start + SHOWN if len(listed) > start + SHOWN else 0,
        "previous_from": max(0, start - SHOWN),
        "start": start,
        "may_recall": policies.COMPUTE_RUN.admits(request.user)
        and run.state == RunState.SUBMITTED
        and progress.sent_back > 0,
        "jump": quantize(limits.jump, 1),
        "drop": quantize(limits.drop, 1),
    }
    return render(request, "compensation/review.html", context, status=status)


def _plain(user: Any, run: PayoutRun, rows: list[selector.Row]) -> list[selector.Row]:
    """Whom the viewer may approve at once: nothing is odd about them, and nobody sent them back."""
    return [
        row
        for row in rows
        if not row.oddities and row.standing.sent_back is None and _may(user, run, row)["approve"]
    ]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _may(user: Any, run: PayoutRun, row: selector.Row) -> dict[str, bool]:
    """Which verdicts the page offers; the service decides again."""
    may = (
        policies.REVIEW_PAY.admits(user)
        and run.state == RunState.SUBMITTED
        and row.user_id != user.pk
        and (user.role == Role.MANAGER or user.pk not in (run.computed_by_id, run.submitted_by_id))
        and (user.role != Role.MANAGER or row.manager_id == user.pk)
    )
    own = row.standing.manager if user.role == Role.MANAGER else row.standing.finance
    return {"approve": may and (own is None or own.verdict != APPROVED), "send_back": may}


@require_POST
@guarded(policies.REVIEW_PAY)
@freshly_signed_in
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve the pay of one statement's person in its run, or send it back with a reason."""
    statement = visible_or_404(Statement.objects.visible_to(request.user), pk=pk)
    run, rep = _run(request, statement.run_id), statement.rep_id
    form = ReviewForm(request.POST)
    if not form.is_valid():
        if form.errors.keys() <= {"reason"}:
            return _page(request, run, form, status=422)
        raise InvalidInput("Open the worklist and take this step from there.", field="digest")
    given = form.cleaned_data
    reviews.review_pay(
        run=run,
        seen={rep: given["digest"]},
        verdict=given["verdict"],
        reason=given["reason"],
        at=timezone.now(),
        actor=request.user,
    )
    if given["verdict"] == ReviewVerdict.SENT_BACK:
        messages.success(request, "Sent back. The run cannot be approved before it is corrected.")
    return redirect(_back(request, run))


@require_POST
@guarded(policies.REVIEW_PAY)
@freshly_signed_in
def approve_plain(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve everybody whose pay is not odd, as the page showed it."""
    run = _run(request, pk)
    rows = _plain(request.user, run, selector.worklist(run, _statements(request, run)))
    if not rows or selector.token(rows) != request.POST.get("seen", ""):
        raise runs.RunChanged("The list is another by now: reload and look at it anew.")
    done = reviews.review_pay(
        run=run,
        seen={row.rep_id: row.digest for row in rows},
        verdict=ReviewVerdict.APPROVED,
        at=timezone.now(),
        actor=request.user,
    )
    messages.success(request, f"{done:,} approved.")
    return redirect(_back(request, run))


@require_POST
@guarded(policies.COMPUTE_RUN)
def recall(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a submitted run back to correct the pay that was sent back."""
    run = runs.recall_run(run=_run(request, pk), at=timezone.now(), actor=request.user)
    messages.success(request, f"{run.name} is yours again: correct it, compute it, submit it anew.")
    return redirect("compensation:run", run.pk)


def _back(request: HttpRequest, run: PayoutRun) -> str:
    show = request.POST.get("show", "")
    address = reverse("compensation:run_review", args=[run.pk])
    return f"{address}?show={show}" if show in FILTERS else address
