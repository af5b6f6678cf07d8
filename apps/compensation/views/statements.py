"""One's own pay, one statement, one line explained, and the statements of a run."""

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.fresh import freshly_signed_in
from apps.compensation import policies
from apps.compensation.forms import SeenForm, StatementFilterForm
from apps.compensation.models import Download, LedgerEntry, PayoutRun, ReportFormat, Statement
from apps.compensation.presentation_statement import waterfall
from apps.compensation.selectors import acknowledgements
from apps.compensation.selectors import statement_page as pages
from apps.compensation.selectors.line_explained import explain
from apps.compensation.selectors.statement_lines import component_lines as lines_of
from apps.compensation.services import downloads, statement_downloads
from apps.core.errors import InvalidInput
from apps.core.keyset import page_of
from apps.core.periods import day_of
from apps.core.policies import guarded, visible_or_404
from apps.reps.models import Team

OWN_SHOWN = 24
CONTENT_TYPES = {
    ReportFormat.CSV: "text/csv",
    ReportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ReportFormat.PDF: "application/pdf",
    ReportFormat.ZIP: "application/zip",
}
"""Said, not guessed from the name: not every machine knows them."""


@require_GET
@guarded(policies.SEE_OWN_PAY)
def own(request: HttpRequest) -> HttpResponse:
    """My pay: the newest statement in figures, and those before."""
    mine = Statement.objects.visible_to(request.user).filter(rep__user=request.user)
    statements = list(
        mine.select_related("run", "plan_version__plan").order_by("-run__starts_on", "currency")[:OWN_SHOWN]
    )
    latest = statements[0] if statements else None
    context = {
        "statements": statements,
        "latest": latest,
        "page": pages.at_a_glance(latest) if latest else None,
        "to_sign": acknowledgements.waiting_of(
            request.user, day_of(timezone.now(), settings.COMPANY_TIME_ZONE)
        ),
    }
    return render(request, "compensation/own.html", context)


@require_GET
@guarded(policies.SEE_STATEMENT)
def statement(request: HttpRequest, pk: int) -> HttpResponse:
    """One statement, from earned to payable, with every line."""
    found = _statement(request, pk)
    page = pages.statement_page(found)
    context = {
        "statement": found,
        "run": found.run,
        "page": page,
        "way": waterfall(page.steps, found.currency),
        "is_own": found.rep.user_id == request.user.pk,
        "may_estimate": policies.ESTIMATE_PAY.admits(request.user),
        "seen": SeenForm(auto_id=False, initial={"fingerprint": found.run.fingerprint}),
    }
    return render(request, "compensation/statement.html", context)


def _statement(request: HttpRequest, pk: int) -> Statement:
    visible = Statement.objects.visible_to(request.user).select_related("rep", "plan_version__plan")
    people = (f"run__{step}_by" for step in ("computed", "submitted", "approved", "locked", "paid"))
    return visible_or_404(visible.select_related("run", *people), pk=pk)


@require_GET
@guarded(policies.SEE_STATEMENT)
def component_lines(request: HttpRequest, pk: int, component: str) -> HttpResponse:
    """The next lines of one component, as rows."""
    found = _statement(request, pk)
    text = request.GET.get("after", "0")
    after = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0
    size = 200
    lines = lines_of(found, component, after, size + 1)
    context = {
        "statement": found,
        "is_own": found.rep.user_id == request.user.pk,
        "lines": lines[:size],
        "component_key": component,
        "next_after": after + size if len(lines) > size else 0,
    }
    if not lines and after == 0:
        raise Http404
    template = "_lines.html" if request.htmx else "lines.html"
    return render(request, f"compensation/{template}", context)


@require_GET
@guarded(policies.SEE_STATEMENT)
def line(request: HttpRequest, pk: int) -> HttpResponse:
    """Why a line is what it is: in place as a fragment, or as a page of its own."""
    visible = Statement.objects.visible_to(request.user)
    entries = LedgerEntry.objects.filter(statement__in=visible)
    found = visible_or_404(
        entries.select_related(
            "statement__run",
            "rep",
            "plan_version__plan",
            "cause_event",
            "event__lead",
            "event__opportunity",
            "event__hand_off__ae",
            "event__hand_off__sdr",
        ),
        pk=pk,
    )
    context = {
        "line": explain(found, request.user),
        "entry": found,
        "statement": found.statement,
        "is_own": found.rep.user_id == request.user.pk,
    }
    template = "_line_why.html" if request.htmx else "line.html"
    return render(request, f"compensation/{template}", context)


@require_POST
@guarded(policies.SEE_STATEMENT)
@freshly_signed_in
def download_statement(request: HttpRequest, pk: int) -> FileResponse:
    """A statement as CSV; that it was taken is recorded."""
    return _taken(request, pk, ReportFormat.CSV)


@require_POST
@guarded(policies.SEE_STATEMENT)
@freshly_signed_in
def download_statement_xlsx(request: HttpRequest, pk: int) -> FileResponse:
    """A statement as XLSX; that it was taken is recorded."""
    return _taken(request, pk, ReportFormat.XLSX)


@require_POST
@guarded(policies.SEE_STATEMENT)
@freshly_signed_in
def download_statement_pdf(request: HttpRequest, pk: int) -> FileResponse:
    """A statement as PDF; that it was taken is recorded."""
    return _taken(request, pk, ReportFormat.PDF)


@require_POST
@guarded(policies.SEE_STATEMENT)
@freshly_signed_in
def download_proof(request: HttpRequest, pk: int) -> FileResponse:
    """What a statement was computed from, with the script that computes it again; that it was taken is recorded."""
    found = _statement(request, pk)
    return sent(
        statement_downloads.download_proof(
            statement=found, fingerprint=_seen(request), at=timezone.now(), actor=request.user
        )
    )


def _taken(request: HttpRequest, pk: int, file_format: str) -> FileResponse:
    found = _statement(request, pk)
    return sent(
        statement_downloads.download_statement(
            statement=found,
            file_format=file_format,
            fingerprint=_seen(request),
            at=timezone.now(),
            actor=request.user,
        )
    )


def _seen(request: HttpRequest) -> str:
    form = SeenForm(request.POST)
    if not form.is_valid():
        raise InvalidInput("Open the statement and download it from there.", field="fingerprint")
    fingerprint: str = form.cleaned_data["fingerprint"]
    return fingerprint


def sent(download: Download) -> FileResponse:
    """The kept file as an attachment that no cache keeps."""
    response = FileResponse(
        downloads.stored_file(download).open("rb"),
        as_attachment=True,
        filename=downloads.file_name(download),
        content_type=CONTENT_TYPES[ReportFormat(download.format)],
    )
    response["Cache-Control"] = "no-store, private"
    response["X-Fingerprint"] = download.fingerprint
    return response


@require_GET
@guarded(policies.SEE_RUNS)
def statements(request: HttpRequest) -> HttpResponse:
    """The statements of one run (the newest unless another is chosen), the highest first."""
    chosen = StatementFilterForm(request.GET).chosen()
    runs = list(PayoutRun.objects.visible_to(request.user).order_by("-starts_on")[:24])
    run = next((one for one in runs if one.pk == chosen.get("run")), runs[0] if runs else None)
    visible = Statement.objects.visible_to(request.user).filter(run=run)
    if "team" in chosen:
        visible = visible.filter(team=chosen["team"])
    if "currency" in chosen:
        visible = visible.filter(currency=chosen["currency"])
    listed = page_of(
        visible.select_related("rep", "team", "plan_version__plan"),
        by=("currency", "-payable_minor", "-pk"),
        after=request.GET.get("after", ""),
    )
    of_run = Statement.objects.visible_to(request.user).filter(run=run).order_by()
    context = {
        "run": run,
        "runs": runs,
        "listed": listed,
        "shown": f"{listed.shown} statement{'' if listed.shown == 1 else 's'}",
        "chosen": chosen,
        "teams": Team.objects.filter(pk__in=of_run.values("team_id")).order_by("name"),
        "currencies": sorted(set(of_run.values_list("currency", flat=True))),
    }
    return render(request, "compensation/statements.html", context)
