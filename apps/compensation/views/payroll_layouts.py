"""Layouts of the payroll file: the list, and one layout with a live preview of what it makes of a run."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.compensation import finance_forms as forms
from apps.compensation import policies
from apps.compensation.models import PayoutRun, PayrollLayout, RunState
from apps.compensation.reports import payroll_file
from apps.compensation.rules import payroll_layout as rules
from apps.compensation.rules.payroll_layout import NotALayout, read_layout
from apps.compensation.selectors import reports
from apps.compensation.services import payroll_layouts as services
from apps.core.errors import DomainError, note_refusal
from apps.core.policies import guarded, visible_or_404

PREVIEWED = 6


@require_GET
@guarded(policies.KEEP_LAYOUTS)
def layout_list(request: HttpRequest) -> HttpResponse:
    """Every layout, the default first."""
    layouts = list(PayrollLayout.objects.prefetch_related("versions__by"))
    layouts.sort(key=lambda one: one.retired_at is not None)
    rows = [(one, one.versions.all()[0]) for one in layouts if one.versions.all()]
    columns = {version.pk: len(version.document["columns"]) for _, version in rows}
    return render(request, "compensation/payroll_layouts.html", {"rows": rows, "columns": columns})


@require_http_methods(["GET", "POST"])
@guarded(policies.KEEP_LAYOUTS)
def layout_new(request: HttpRequest) -> HttpResponse:
    """A new layout, beginning with the columns that most payroll programs ask for."""
    if request.method == "POST":
        form = forms.LayoutForm(request.POST)
        columns = forms.columns_in(request.POST)
        if form.is_valid():
            try:
                made = services.create_layout(
                    name=form.cleaned_data["name"],
                    document={**form.document(), "columns": columns},
                    at=timezone.now(),
                    actor=request.user,
                )
            except DomainError as error:
                note_refusal(error)
                _say(form, error)
            else:
                messages.success(request, f"{made} is saved.")
                return redirect("compensation:payroll_layout", made.layout_id)
        return _page(request, None, form, columns, status=422)
    form = forms.LayoutForm(initial=forms.initial_of("", rules.DEFAULT))
    return _page(request, None, form, rules.DEFAULT.as_document()["columns"])


@require_http_methods(["GET", "POST"])
@guarded(policies.KEEP_LAYOUTS)
def layout(request: HttpRequest, pk: int) -> HttpResponse:
    """One layout: what it says, what it makes of a run; saving is the next version."""
    found = visible_or_404(PayrollLayout.objects.all(), pk=pk)
    newest = services.newest_of(found)
    if request.method == "GET":
        said = read_layout(newest.document)
        form = forms.LayoutForm(initial=forms.initial_of(found.name, said))
        return _page(request, found, form, newest.document["columns"])
    form = forms.LayoutForm({**request.POST.dict(), "name": found.name})
    columns = forms.columns_in(request.POST)
    seen = request.POST.get("seen", "")
    if form.is_valid():
        try:
            made = services.save_layout(
                layout=found,
                seen=int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 9 else 0,
                document={**form.document(), "columns": columns},
                at=timezone.now(),
                actor=request.user,
            )
        except DomainError as error:
            note_refusal(error)
            _say(form, error)
        else:
            messages.success(request, f"{made} is saved.")
            return redirect("compensation:payroll_layout", pk)
    return _page(request, found, form, columns, status=422)


def _say(form: forms.LayoutForm, error: DomainError) -> None:
    field = getattr(error, "field", None)
    form.add_error(field if field in form.fields else None, error.message)


def _page(
    request: HttpRequest,
    found: PayrollLayout | None,
    form: forms.LayoutForm,
    columns: list[dict[str, str]],
    status: int = 200,
) -> HttpResponse:
    versions = list(found.versions.select_related("by").order_by("-number")) if found else []
    if form.is_bound:
        document = {**(form.document() if form.is_valid() else {}), "columns": columns}
    else:
        document = services.newest_of(found).document if found else rules.DEFAULT.as_document()
    context = {
        "layout": found,
        "versions": versions,
        "seen": versions[0].number if versions else 0,
        "form": form,
        "rows": forms.column_rows(columns),
        "fields": [*((key, words) for key, (words, _) in rules.FIELDS.items()), (rules.CONSTANT, "Constant")],
        **_preview(document),
    }
    return render(request, "compensation/payroll_layout.html", context, status=status)


@require_POST
@guarded(policies.KEEP_LAYOUTS)
def preview(request: HttpRequest) -> HttpResponse:
    """The first rows of the newest run by the layout as it stands on the page. Writes nothing."""
    form = forms.LayoutForm({**request.POST.dict(), "name": request.POST.get("name") or "preview"})
    document: dict[str, Any] = form.document() if form.is_valid() else {}
    shown = _preview({**document, "columns": forms.columns_in(request.POST)})
    return render(request, "compensation/_payroll_preview.html", shown)


def _preview(document: dict[str, Any]) -> dict[str, Any]:
    run = PayoutRun.objects.exclude(state=RunState.COMPUTING).order_by("-starts_on").first()
    try:
        layout = read_layout(document)
    except NotALayout as error:
        return {"problems": error.problems}
    if run is None:
        return {"no_run": True}
    rows = []
    for number, row in enumerate(reports.payroll_rows(run)):
        if number == PREVIEWED:
            break
        rows.append(row)
    lines = list(payroll_file.lines(layout, rows))
    bad = rules.unwritable(layout, lines)
    return {
        "preview_run": run,
        "lines": lines,
        "has_header": layout.header,
        "raw": layout.delimiter.join(lines[min(int(layout.header), len(lines) - 1)]) if lines else "",
        "unwritable": bad,
        "encoding": rules.ENCODINGS[layout.encoding],
    }


@require_POST
@guarded(policies.KEEP_LAYOUTS)
def act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Copy a layout, make it the default, or retire it."""
    found = visible_or_404(PayrollLayout.objects.all(), pk=pk)
    now = timezone.now()
    if verb == "copy":
        name = request.POST.get("name") or f"{found.name[:52]}, copy"
        made = services.copy_layout(layout=found, name=name, at=now, actor=request.user)
        return redirect("compensation:payroll_layout", made.layout_id)
    if verb == "default":
        services.make_default(layout=found, at=now, actor=request.user)
        messages.success(request, f"{found.name} is the default now.")
    else:
        services.retire_layout(layout=found, at=now, actor=request.user)
        messages.success(request, f"{found.name} is retired; files made by it stay.")
    return redirect("compensation:payroll_layouts")
