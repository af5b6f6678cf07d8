"""Pages of mappings: the list, one, changing one by its columns or its text, file in and out."""

import json
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.errors import DomainError
from apps.core.periods import day_of
from apps.core.policies import guarded, visible_or_404
from apps.integrations.forms import ColumnsForm, MappingFileForm, MappingTextForm
from apps.integrations.models import ImportRun
from apps.integrations.policies import IMPORT_DATA
from apps.integrations.rules import mappings as rules
from apps.integrations.rules.kinds import KINDS
from apps.integrations.selectors import columns
from apps.integrations.services import imports, mappings


def _known(key: str) -> mappings.Known:
    known = mappings.find(key)
    if known is None:
        raise Http404
    return known


@require_GET
@guarded(IMPORT_DATA)
def mapping_list(request: HttpRequest) -> HttpResponse:
    """The mappings there are."""
    return _list(request, MappingFileForm())


def _list(request: HttpRequest, form: MappingFileForm, status: int = 200) -> HttpResponse:
    rows = [(known, mappings.parsed(known.document)) for known in mappings.every()]
    return render(request, "integrations/mappings.html", {"rows": rows, "form": form}, status=status)


@require_POST
@guarded(IMPORT_DATA)
def mapping_upload(request: HttpRequest) -> HttpResponse:
    """Take in a mapping's file."""
    form = MappingFileForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            saved = mappings.save_mapping(
                document=form.cleaned_data["file"], at=timezone.now(), actor=request.user
            )
        except DomainError as error:
            form.add_error("file", error.message)
        else:
            messages.success(request, f"Saved as “{saved.name}”.")
            return redirect("integrations:mapping", f"saved:{saved.pk}")
    return _list(request, form, status=422)


@require_GET
@guarded(IMPORT_DATA)
def mapping_detail(request: HttpRequest, key: str) -> HttpResponse:
    """What a mapping says, in words and as its text."""
    known = _known(key)
    return render(
        request,
        "integrations/mapping.html",
        {
            "known": known,
            "mapping": mappings.parsed(known.document),
            "layouts": columns.columns_of_document(known.document),
            "text": _text(known.document),
        },
    )


@require_GET
@guarded(IMPORT_DATA)
def mapping_file(request: HttpRequest, key: str) -> HttpResponse:
    """The mapping as its file, to be kept, sent, or given to ``import_data``."""
    known = _known(key)
    name = slugify(known.name) or "mapping"
    return HttpResponse(
        _text(known.document),
        content_type="application/json; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.json"'},
    )


@require_http_methods(["GET", "POST"])
@guarded(IMPORT_DATA)
def mapping_edit(request: HttpRequest, key: str) -> HttpResponse:
    """Change a mapping; one that comes with the portal is saved under another name."""
    known = _known(key)
    run = _run_in_view(request)
    document = run.document if run is not None and run.mapping_name == known.name else known.document
    return _edit(request, document, title=known.name, run=run, is_new=known.is_shipped)


@require_http_methods(["GET", "POST"])
@guarded(IMPORT_DATA)
def mapping_new(request: HttpRequest) -> HttpResponse:
    """A mapping for files that none knows: each file's kind is given, columns are suggested by name."""
    run = _run_in_view(request)
    if run is None:
        messages.error(request, "Upload the files first: a mapping begins with their columns.")
        return redirect("integrations:imports")
    files = []
    for one in run.files.all():
        kind = KINDS.get(request.GET.get(f"kind-{one.position}", ""))
        seen = columns.sampled(one)
        if kind is not None and seen.header:
            files.append(rules.Unmapped(one.name, kind, seen.header, seen.samples))
    if not files:
        messages.error(request, "Say of one file at least what it holds.")
        return redirect("integrations:import", run.pk)
    document = rules.starter(
        name=f"Mapping of import {run.pk}",
        system=f"import_{run.pk}",
        files=files,
        currency=settings.COMPANY_CURRENCY,
        zone=settings.COMPANY_TIME_ZONE,
        today=day_of(timezone.now(), settings.COMPANY_TIME_ZONE),
    )
    return _edit(request, document, title="New mapping", run=run, is_new=True)


def _run_in_view(request: HttpRequest) -> ImportRun | None:
    """The import that a mapping is changed for, if the address names one."""
    given = request.POST.get("import") or request.GET.get("import") or ""
    if not (given.isascii() and given.isdigit()):
        return None
    return visible_or_404(ImportRun.objects.visible_to(request.user), pk=int(given))


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def _edit(
    request: HttpRequest, document: dict[str, Any], *, title: str, run: ImportRun | None, is_new: bool
) -> HttpResponse:
    layouts = columns.columns_of_document(document, run)
    names = [(layout.index, [column.name for column in layout.columns]) for layout in layouts]
    by_columns = ColumnsForm(document=document, columns=names)
    by_text = MappingTextForm(initial={"document": _text(document)})
    status = 200
    if request.method == "POST":
        if request.POST.get("by") == "text":
            by_text = MappingTextForm(request.POST)
        else:
            by_columns = ColumnsForm(request.POST, document=document, columns=names)
        given = by_text if by_text.is_bound else by_columns
        if given.is_valid():
            try:
                return _saved(request, given.changed, run)
            except DomainError as error:
                name = "name" if error.field == "name" and "name" in given.fields else None
                given.add_error(name, ValidationError(error.message))
        status = 422
    rows = [
        (
            layout,
            [(column, by_columns[f"c{layout.index}-{place}"]) for place, column in enumerate(layout.columns)],
        )
        for layout in layouts
    ]
    return render(
        request,
        "integrations/mapping_edit.html",
        {
            "title": title,
            "run": run,
            "is_new": is_new,
            "by_columns": by_columns,
            "by_text": by_text,
            "rows": rows,
            "query": request.META.get("QUERY_STRING", ""),
        },
        status=status,
    )


def _saved(request: HttpRequest, document: dict[str, Any], run: ImportRun | None) -> HttpResponse:
    saved = mappings.save_mapping(document=document, at=timezone.now(), actor=request.user)
    messages.success(request, f"Saved as “{saved.name}”, version {saved.version}.")
    if run is None:
        return redirect("integrations:mapping", f"saved:{saved.pk}")
    imports.ask_for_check(run=run, document=saved.document, at=timezone.now(), actor=request.user)
    return redirect("integrations:import", run.pk)
