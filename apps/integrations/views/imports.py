"""Pages of an import: the list with the upload, one import, its messages and what can be downloaded."""

from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from apps.core.errors import DomainError
from apps.core.keyset import page_of
from apps.core.policies import guarded, visible_or_404
from apps.integrations.forms import MappingChoiceForm, UploadForm
from apps.integrations.models import ImportMessage, ImportRun, RunState, Severity
from apps.integrations.policies import IMPORT_DATA
from apps.integrations.rules.kinds import KINDS
from apps.integrations.selectors import columns, previews, runs
from apps.integrations.services import imports, mappings, reports

LAST_WORD = 286


def run_or_404(request: HttpRequest, pk: int) -> ImportRun:
    """The import, for whoever may see it."""
    found = ImportRun.objects.visible_to(request.user).select_related("job", "started_by")
    return visible_or_404(found.prefetch_related("files"), pk=pk)


@require_GET
@guarded(IMPORT_DATA)
def import_list(request: HttpRequest) -> HttpResponse:
    """Imports, newest first, beside the upload."""
    return _list(request, UploadForm())


def _list(request: HttpRequest, form: UploadForm, status: int = 200) -> HttpResponse:
    seen = ImportRun.objects.visible_to(request.user).select_related("job", "started_by")
    page = page_of(
        seen.prefetch_related("files"), by=("-started_at", "-pk"), after=request.GET.get("after", ""), size=25
    )
    rows = [(run, runs.outline(run)) for run in page.rows]
    return render(
        request, "integrations/imports.html", {"page": page, "rows": rows, "form": form}, status=status
    )


@require_POST
@guarded(IMPORT_DATA)
def upload(request: HttpRequest) -> HttpResponse:
    """Keep the files and have them checked."""
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _list(request, form, status=422)
    known = mappings.find(form.cleaned_data["mapping"]) if form.cleaned_data["mapping"] else None
    now = timezone.now()
    try:
        run = imports.start_import(
            files=[(one.name or "file", one.chunks()) for one in form.cleaned_data["uploads"]],
            document=known.document if known else None,
            at=now,
            actor=request.user,
        )
    except DomainError as error:
        form.add_error("uploads", error.message)
        return _list(request, form, status=422)
    if previews.has_doubts(run):
        # What cannot be told for sure is asked before anything is read by it.
        return redirect("integrations:import_reading", run.pk)
    imports.ask_for_check(run=run, at=now, actor=request.user)
    return redirect("integrations:import", run.pk)


@require_GET
@guarded(IMPORT_DATA)
def import_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One import: where it stands, what would change or did, what was said of its rows."""
    return render(request, "integrations/import.html", _context(run_or_404(request, pk)))


@require_GET
@guarded(IMPORT_DATA)
def import_live(request: HttpRequest, pk: int) -> HttpResponse:
    """The page's body while a worker is at it; the last word once it is not."""
    run = run_or_404(request, pk)
    context = _context(run)
    status = 200 if context["view"].is_moving else LAST_WORD
    return render(request, "integrations/_import.html", context, status=status)


def _context(run: ImportRun) -> dict[str, Any]:
    view = runs.run_page(run)
    key = _mapping_key(run)
    return {
        "run": run,
        "view": view,
        "now": timezone.now(),
        "can_be_read_otherwise": run.state in (RunState.UPLOADED, RunState.FAULTY, RunState.CHECKED),
        "layouts": [] if view.is_moving else columns.columns_of_document(run.document, run),
        "choice": MappingChoiceForm(initial={"mapping": key}),
        "guesses": columns.guessed_kinds(run) if not run.document else {},
        "kinds": [(kind.name, kind.label) for kind in KINDS.values()],
        # Where the mapping is changed with the run's own samples beside it.
        "edit_url": f"{reverse('integrations:mapping_edit', args=[key])}?import={run.pk}" if key else "",
        "refused_files": [one for one in view.files if one.checked.get("refused")],
    }


def _mapping_key(run: ImportRun) -> str:
    """The mapping that the run was read by, if it is still there."""
    return next((one.key for one in mappings.every() if one.name == run.mapping_name), "")


@require_POST
@guarded(IMPORT_DATA)
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Check again, under another mapping."""
    run = run_or_404(request, pk)
    form = MappingChoiceForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose one of the mappings.")
        return redirect("integrations:import", run.pk)
    known = mappings.find(form.cleaned_data["mapping"])
    if known is None:
        raise Http404
    imports.ask_for_check(run=run, document=known.document, at=timezone.now(), actor=request.user)
    return redirect("integrations:import", run.pk)


@require_POST
@guarded(IMPORT_DATA)
def commit(request: HttpRequest, pk: int) -> HttpResponse:
    """Have it written; the good rows only where that was chosen."""
    run = run_or_404(request, pk)
    good_only = request.POST.get("take_good_rows") == "yes"
    imports.commit_import(run=run, at=timezone.now(), take_good_rows=good_only, actor=request.user)
    return redirect("integrations:import", run.pk)


@require_GET
@guarded(IMPORT_DATA)
def import_rows(request: HttpRequest, pk: int) -> HttpResponse:
    """What was said of the rows, by severity and file, page by page."""
    run = run_or_404(request, pk)
    found = ImportMessage.objects.filter(file__run=run).select_related("file")
    severity = request.GET.get("what", "")
    if severity in Severity.values:
        found = found.filter(severity=severity)
    file = request.GET.get("file", "")
    if file.isascii() and file.isdigit():
        found = found.filter(file__position=int(file))
    page = page_of(found, by=("pk",), after=request.GET.get("after", ""), size=100)
    return render(
        request,
        "integrations/import_rows.html",
        {
            "run": run,
            "page": page,
            "severities": Severity.choices,
            "severity": severity,
            "file": file,
            "kept": reports.KEPT_FOR_PAGE,
        },
    )


@require_GET
@guarded(IMPORT_DATA)
def import_messages(request: HttpRequest, pk: int) -> FileResponse:
    """Every message as CSV."""
    run = run_or_404(request, pk)
    return _download(reports.messages_path(imports.folder_of(run)), f"import-{run.pk}-messages.csv")


@require_GET
@guarded(IMPORT_DATA)
def refused_rows(request: HttpRequest, pk: int, position: int) -> FileResponse:
    """The refused rows of one file, with one more column that says why."""
    run = run_or_404(request, pk)
    return _download(
        reports.refused_path(folder=imports.folder_of(run), position=position),
        f"import-{run.pk}-refused-{position + 1}.csv",
    )


def _download(path: Path, name: str) -> FileResponse:
    if not path.exists():
        raise Http404
    return FileResponse(
        path.open("rb"), as_attachment=True, filename=name, content_type="text/csv; charset=utf-8"
    )
