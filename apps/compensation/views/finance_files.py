"""Files of a run, files that a worker made, kept files taken again; the accruals."""

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.fresh import freshly_signed_in
from apps.compensation import policies
from apps.compensation.finance_forms import FileForm
from apps.compensation.models import Download, FileKind, KeptFile, PayoutRun
from apps.compensation.selectors.accruals import KINDS, accruals, is_quick
from apps.compensation.services import accrual_downloads, downloads, finance_files, payroll_layouts
from apps.compensation.views.statements import sent
from apps.core.errors import InvalidInput
from apps.core.periods import day_of
from apps.core.policies import guarded, visible_or_404


@require_POST
@guarded(policies.DOWNLOAD_REPORT)
@freshly_signed_in
def make(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A file of a run: sent at once, or made by a worker while the run's page shows how far it is."""
    run = visible_or_404(PayoutRun.objects.visible_to(request.user), pk=pk)
    form = FileForm(request.POST)
    if not form.is_valid():
        raise InvalidInput("Choose the file on the run's page.", field="format")
    given = form.cleaned_data
    chosen = given["layout"] if given["kind"] == FileKind.PAYROLL else None
    layout = payroll_layouts.newest_of(chosen) if chosen else None
    made = finance_files.request_file(
        run=run,
        kind=given["kind"],
        file_format=given["format"],
        fingerprint=given["fingerprint"],
        layout=layout,
        at=timezone.now(),
        actor=request.user,
    )
    return sent(made) if isinstance(made, Download) else redirect("compensation:run", pk)


@require_POST
@guarded(policies.DOWNLOAD_REPORT)
@freshly_signed_in
def take_kept(request: HttpRequest, pk: int) -> FileResponse:
    """The file that a worker made."""
    kept = visible_or_404(KeptFile.objects.select_related("run"), pk=pk)
    return sent(downloads.take(kept=kept, at=timezone.now(), actor=request.user))


@require_POST
@guarded(policies.DOWNLOAD_REPORT)
@freshly_signed_in
def take_again(request: HttpRequest, pk: int) -> FileResponse:
    """A file that was taken before, byte for byte."""
    before = visible_or_404(Download.objects.select_related("run", "replay", "statement"), pk=pk)
    return sent(downloads.take(kept=before, at=timezone.now(), actor=request.user))


@require_GET
@guarded(policies.SEE_ACCRUALS)
def accrual_page(request: HttpRequest) -> HttpResponse:
    """Earned and not paid yet, by month and currency."""
    now = timezone.now()
    today = day_of(now, settings.COMPANY_TIME_ZONE)
    found = accruals(today=today, at=now, estimate="estimate" in request.GET or is_quick(today))
    by_currency = [
        (total, [month for month in found.months if month.currency == total.currency])
        for total in found.totals()
    ]
    context = {
        "found": found,
        "groups": by_currency,
        "kinds": list(KINDS.values()),
        "may_download": policies.DOWNLOAD_REPORT.admits(request.user),
    }
    return render(request, "compensation/accruals.html", context)


@require_POST
@guarded(policies.DOWNLOAD_REPORT)
@freshly_signed_in
def download_accruals(request: HttpRequest) -> FileResponse:
    """The accruals as a file."""
    made = accrual_downloads.download_accruals(
        file_format=request.POST.get("format", ""), at=timezone.now(), actor=request.user
    )
    return sent(made)
