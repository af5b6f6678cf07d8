"""Payout runs: the list, one run, and the steps that carry it on."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.fresh import freshly_signed_in
from apps.compensation import policies
from apps.compensation.forms import SeenForm, SendBackForm, StartRunForm
from apps.compensation.models import (
    FORMATS_OF,
    Download,
    FileKind,
    KeptFile,
    PayoutRun,
    PayrollLayout,
    RunState,
    Statement,
)
from apps.compensation.selectors import control, run_page
from apps.compensation.services import finance_files, runs
from apps.core.errors import DomainError, InvalidInput, note_refusal
from apps.core.keyset import page_of
from apps.core.periods import day_of, month_of
from apps.core.policies import guarded, visible_or_404
from apps.core.templatetags.figures import moment
from apps.jobs.models import JobState

BREAKDOWNS = (("team", "Team"), ("plan", "Plan"), ("component", "Component"))


@require_GET
@guarded(policies.SEE_RUNS)
def run_list(request: HttpRequest) -> HttpResponse:
    """Runs, the newest period first."""
    return _run_list(request, StartRunForm(initial={"period": _suggested_period()}))


def _suggested_period() -> str:
    """The period after the last run's, else the month that ended last."""
    last = PayoutRun.objects.order_by("-ends_on").first()
    if last is not None:
        return last.period.following().code
    return month_of(day_of(timezone.now(), settings.COMPANY_TIME_ZONE)).previous().code


def _run_list(request: HttpRequest, form: StartRunForm, status: int = 200) -> HttpResponse:
    listed = page_of(
        PayoutRun.objects.visible_to(request.user).select_related("computed_by", "approved_by"),
        by=("-starts_on", "-pk"),
        after=request.GET.get("after", ""),
        size=24,
    )
    context = {
        "listed": listed,
        "shown": f"{listed.shown} run{'' if listed.shown == 1 else 's'}",
        "sums": run_page.sums_of_runs(listed.rows, request.user),
        "form": form,
        "may_compute": policies.COMPUTE_RUN.admits(request.user),
    }
    return render(request, "compensation/runs.html", context, status=status)


@require_POST
@guarded(policies.COMPUTE_RUN)
def start(request: HttpRequest) -> HttpResponse:
    """Begin the run of a period and have it computed."""
    form = StartRunForm(request.POST)
    if form.is_valid():
        try:
            run, _ = runs.start_run(period=form.cleaned_data["period"], at=timezone.now(), actor=request.user)
        except DomainError as error:
            note_refusal(error)
            form.add_error("period", error.message)
        else:
            return redirect("compensation:run", run.pk)
    return _run_list(request, form, status=422)


@require_GET
@guarded(policies.SEE_RUNS)
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """One run: its steps, sums, what is odd, where the money goes, control totals, files."""
    found = _run(request, pk)
    return _run_page(request, found, SendBackForm())


def _run(request: HttpRequest, pk: int) -> PayoutRun:
    visible = PayoutRun.objects.visible_to(request.user)
    people = ("computed_by", "submitted_by", "approved_by", "locked_by", "paid_by")
    return visible_or_404(visible.select_related(*people), pk=pk)


def _run_page(
    request: HttpRequest, found: PayoutRun, send_back: SendBackForm, status: int = 200
) -> HttpResponse:
    user = request.user
    by = request.GET.get("by", "team")
    by = by if by in dict(BREAKDOWNS) else "team"
    statements = Statement.objects.visible_to(user).filter(run=found)
    whole_company = user.role in ("finance", "revops")
    job = runs.job_of(found)
    at_work = job is not None and job.is_active
    context: dict[str, Any] = {
        "run": found,
        "steps": _steps(found, user, at_work),
        "by": by,
        "by_name": dict(BREAKDOWNS)[by],
        "breakdowns": BREAKDOWNS,
        "whole_company": whole_company,
        "job": job if whole_company else None,
        "send_back_form": send_back,
        "seen": SeenForm(auto_id=False, initial={"fingerprint": found.fingerprint}),
        "may": _may(user, found, at_work),
    }
    if found.is_computed:
        context |= {
            "sums": run_page.sums(statements),
            "groups": run_page.in_currencies(run_page.breakdown(found, statements, by)),
            "odd": run_page.odd_list(found, statements, whole_company=whole_company),
        }
        context["statement_count"] = sum(one.statements for one in context["sums"])
    if whole_company:
        controls = control.control_totals(found) if found.is_computed else []
        context |= {
            "controls": controls,
            "controls_agree": all(total.agrees for total in controls),
            "acts": run_page.acts(found),
            "download_count": Download.objects.filter(run=found).count(),
            **_files(found),
        }
    return render(request, "compensation/run.html", context, status=status)


def _files(run: PayoutRun) -> dict[str, Any]:
    """What can be downloaded of a run: kinds with their formats, files that are made or kept, payroll layouts."""
    kinds = (FileKind.REPORT, FileKind.LINES)
    made = finance_files.jobs_of(run)
    return {
        "file_kinds": [(kind, FORMATS_OF[kind]) for kind in kinds],
        "payroll_formats": FORMATS_OF[FileKind.PAYROLL],
        "layouts": list(PayrollLayout.objects.filter(retired_at__isnull=True)) if run.is_closed else [],
        "file_jobs": [job for job in made if job.state != JobState.DONE],
        "kept_files": list(KeptFile.objects.filter(run=run, fingerprint=run.fingerprint).order_by("-pk")[:6]),
    }


def _may(user: Any, run: PayoutRun, at_work: bool) -> dict[str, bool]:
    """Which steps the page offers; the services decide again."""
    state = run.state
    return {
        "compute": policies.COMPUTE_RUN.admits(user) and state in RunState.unsettled() and not at_work,
        "submit": policies.COMPUTE_RUN.admits(user) and state == RunState.COMPUTED,
        "approve": policies.APPROVE_RUN.allows(user, run) and state == RunState.SUBMITTED,
        "review": run.state == RunState.SUBMITTED,
        "send_back": policies.SETTLE_RUN.admits(user) and state in (RunState.SUBMITTED, RunState.APPROVED),
        "lock": policies.SETTLE_RUN.admits(user) and state == RunState.APPROVED,
        "pay": policies.SETTLE_RUN.admits(user) and state == RunState.LOCKED,
        "download": policies.DOWNLOAD_REPORT.admits(user) and run.is_computed,
    }


def _steps(run: PayoutRun, user: Any, at_work: bool) -> list[tuple[str, str, str]]:
    """The five steps, with when and by whom, and whom the next one waits for."""
    order = list(RunState)
    reached = order.index(RunState(run.state))
    people = (
        (RunState.COMPUTED, "Computed", run.computed_at, run.computed_by, "RevOps"),
        (RunState.SUBMITTED, "Submitted", run.submitted_at, run.submitted_by, "RevOps"),
        (RunState.APPROVED, "Approved", run.approved_at, run.approved_by, "finance"),
        (RunState.LOCKED, "Locked", run.locked_at, run.locked_by, "finance"),
        (RunState.PAID, "Paid", run.paid_at, run.paid_by, "finance"),
    )
    steps: list[tuple[str, str, str]] = []
    for state, word, at, who, role in people:
        place = order.index(state)
        if place <= reached:
            when = moment(at, user.time_zone) if at else ""
            note = format_html("{} · {}", when, who.name) if who else format_html("{}", when)
            steps.append((word, note, "done"))
        elif place == reached + 1 and at_work:
            steps.append((word, "a worker is at it", "now"))
        elif place == reached + 1:
            mine = role == {"revops": "RevOps", "finance": "finance"}.get(user.role, "")
            steps.append((word, f"waits for {'you' if mine else role}", "now"))
        else:
            steps.append((word, "", "next"))
    return steps


@require_POST
@guarded(policies.COMPUTE_RUN)
def compute(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a run computed again."""
    found = _run(request, pk)
    runs.request_computation(run=found, at=timezone.now(), actor=request.user)
    return redirect("compensation:run", pk)


@require_POST
@guarded(policies.COMPUTE_RUN)
def submit(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand a run to finance."""
    found = runs.submit_run(run=_run(request, pk), at=timezone.now(), actor=request.user)
    messages.success(request, f"{found.name} was submitted to finance.")
    return redirect("compensation:run", pk)


@require_POST
@guarded(policies.APPROVE_RUN)
@freshly_signed_in
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve a run as it was seen."""
    found = _run(request, pk)
    policies.APPROVE_RUN.check(request.user, found)
    runs.approve_run(run=found, fingerprint=_seen(request), at=timezone.now(), actor=request.user)
    messages.success(request, f"{found.name} is approved.")
    return redirect("compensation:run", pk)


@require_POST
@guarded(policies.SETTLE_RUN)
@freshly_signed_in
def lock(request: HttpRequest, pk: int) -> HttpResponse:
    """Lock a run as it was seen."""
    found = _run(request, pk)
    runs.lock_run(run=found, fingerprint=_seen(request), at=timezone.now(), actor=request.user)
    messages.success(request, f"{found.name} is locked.")
    return redirect("compensation:run", pk)


def _seen(request: HttpRequest) -> str:
    form = SeenForm(request.POST)
    if not form.is_valid():
        raise InvalidInput("Open the run and take this step from there.", field="fingerprint")
    return form.cleaned_data["fingerprint"]


@require_POST
@guarded(policies.SETTLE_RUN)
def send_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a run back to RevOps with a reason."""
    found = _run(request, pk)
    form = SendBackForm(request.POST)
    if not form.is_valid():
        return _run_page(request, found, form, status=422)
    runs.send_back(run=found, reason=form.cleaned_data["reason"], at=timezone.now(), actor=request.user)
    messages.success(request, f"{found.name} went back to RevOps.")
    return redirect("compensation:run", pk)


@require_POST
@guarded(policies.SETTLE_RUN)
def pay(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that a locked run was paid."""
    found = runs.mark_paid(run=_run(request, pk), at=timezone.now(), actor=request.user)
    messages.success(request, f"{found.name} is marked paid.")
    return redirect("compensation:run", pk)


@require_GET
@guarded(policies.SEE_DOWNLOADS)
def download_log(request: HttpRequest) -> HttpResponse:
    """Who took which file, and whether it is still what the run says."""
    listed = page_of(
        Download.objects.select_related("run", "replay", "by"),
        by=("-at", "-pk"),
        after=request.GET.get("after", ""),
    )
    shown = f"{listed.shown} file{'' if listed.shown == 1 else 's'}"
    return render(
        request,
        "compensation/downloads.html",
        {"listed": listed, "shown": shown, "may_take": policies.DOWNLOAD_REPORT.admits(request.user)},
    )
