"""The audit log, one entry, the state of the chain; files of the log and anchors. Entries are written by the acts."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.audit.forms import AnchorForm, ExportForm, FilterForm
from apps.audit.models import AuditEntry, Export, ExportFormat, Verification
from apps.audit.policies import SEE_LOG, TAKE_LOG, VERIFY
from apps.audit.selectors import log as logs
from apps.audit.selectors.state import chain_state, seals_of
from apps.audit.services import anchors, exports
from apps.audit.services.entries import record
from apps.audit.tasks import EXPORT
from apps.audit.tasks import VERIFY as VERIFY_JOB
from apps.core.errors import InvalidInput
from apps.core.policies import guarded, visible_or_404
from apps.jobs import services as jobs
from apps.jobs.models import Job

CONTENT_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@require_safe
@guarded(SEE_LOG)
def log(request: HttpRequest) -> HttpResponse:
    """Who did what to what, when and from where, the latest first."""
    form = FilterForm(request.GET)
    filters = form.filters()
    page = logs.log(filters, after=request.GET.get("after", ""))
    seals = seals_of([entry.pk for entry in page.rows])
    context = {
        "form": form,
        "filters": filters,
        "page": page,
        "rows": [(entry, logs.changes(entry)[:3], seals.get(entry.pk)) for entry in page.rows],
        "groups": logs.GROUPS,
        "state": chain_state(),
    }
    return render(request, "audit/log.html", context)


@require_safe
@guarded(SEE_LOG)
def entry(request: HttpRequest, pk: int) -> HttpResponse:
    """One entry whole: what was before, what is since, and the seal that covers it."""
    found = visible_or_404(AuditEntry.objects.select_related("actor"), pk=pk)
    same = AuditEntry.objects.filter(subject_type=found.subject_type, subject_id=found.subject_id)
    context = {
        "entry": found,
        "changes": logs.changes(found),
        "seal": seals_of([found.pk]).get(found.pk),
        "around": same.exclude(pk=pk).select_related("actor").order_by("-pk")[:10],
    }
    return render(request, "audit/entry.html", context)


@require_safe
@guarded(SEE_LOG)
def chain(request: HttpRequest) -> HttpResponse:
    """Where the chain of seals stands, what verifications found, which files were taken."""
    return _chain(request, AnchorForm())


def _chain(request: HttpRequest, form: AnchorForm, status: int = 200) -> HttpResponse:
    context = {
        "state": chain_state(),
        "job": Job.objects.filter(kind=VERIFY_JOB).order_by("-pk").first(),
        "verifications": Verification.objects.select_related("by")[:10],
        "exports": Export.objects.select_related("by")[:10],
        "form": form,
        "now": timezone.now(),
    }
    return render(request, "audit/chain.html", context, status=status)


@require_POST
@guarded(VERIFY)
def verify(request: HttpRequest) -> HttpResponse:
    """Ask for a verification of everything, against an anchor if one is given."""
    form = AnchorForm(request.POST, request.FILES)
    if not form.is_valid():
        return _chain(request, form, 400)
    params: dict[str, Any] = {}
    given = form.cleaned_data["anchor"]
    if given:
        try:
            anchor = anchors.read_anchor(given.read())
        except InvalidInput as error:
            form.add_error("anchor", error.message)
            return _chain(request, form, 400)
        params = {"anchor": {"seal": anchor.seal, "hash": anchor.hash}}
    with transaction.atomic():
        job = jobs.enqueue(
            kind=VERIFY_JOB, key=_key(params), params=params, at=timezone.now(), requested_by=request.user
        )
        record(verb="audit.records.verification_asked", subject=job, at=timezone.now(), actor=request.user)
    return redirect("audit:chain")


def _key(params: dict[str, Any]) -> str:
    return f"anchor:{params['anchor']['seal']}:{params['anchor']['hash'][:16]}" if params else "all"


@require_POST
@guarded(VERIFY)
def anchor(request: HttpRequest) -> HttpResponse:
    """The head of the chain as a file to be kept elsewhere."""
    seal, text = anchors.export_anchor(at=timezone.now(), actor=request.user)
    response = HttpResponse(text, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="anchor-{seal.number}.json"'
    return response


@require_POST
@guarded(TAKE_LOG)
def export(request: HttpRequest) -> HttpResponse | FileResponse:
    """The filtered log as a file: at once while it is short, else as a job."""
    form = ExportForm(request.POST)
    if not form.is_valid():
        raise InvalidInput("Choose CSV or XLSX.", field="format")
    filters = FilterForm(request.POST).filters()
    file_format = form.cleaned_data["format"]
    up_to, at = exports.newest_entry(), timezone.now()
    most = exports.AT_ONCE + 1
    if exports.count_up_to(filters, up_to=up_to, most=most) < most:
        made = exports.make_export(
            filters=filters, file_format=file_format, up_to=up_to, at=at, actor=request.user
        )
        return _sent(made)
    asked = {name: value for name, value in request.POST.items() if name in FilterForm.base_fields}
    job = jobs.enqueue(
        kind=EXPORT,
        key=f"{request.user.pk}:{up_to}:{file_format}:{sorted(asked.items())}"[:200],
        params={"filters": asked, "format": file_format, "up_to": up_to},
        at=at,
        requested_by=request.user,
    )
    messages.info(request, "That is a long file: it is made in the background.")
    return redirect("jobs:detail", pk=job.pk)


@require_POST
@guarded(TAKE_LOG)
def export_again(request: HttpRequest, pk: int) -> FileResponse:
    """A file that was made before, byte for byte; that it is taken is recorded."""
    found = visible_or_404(Export.objects.all(), pk=pk)
    exports.record_taken(export=found, at=timezone.now(), actor=request.user)
    return _sent(found)


def _sent(made: Export) -> FileResponse:
    response = FileResponse(
        exports.stored_file(made).open("rb"),
        as_attachment=True,
        filename=exports.file_name(made),
        content_type=CONTENT_TYPES[ExportFormat(made.format)],
    )
    response["Cache-Control"] = "no-store, private"
    return response
