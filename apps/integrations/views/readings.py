"""The page on which one sees how files are read, and says that they are read otherwise."""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.core.policies import guarded
from apps.integrations.forms import ReadingForm
from apps.integrations.models import ImportRun, RunState
from apps.integrations.policies import IMPORT_DATA
from apps.integrations.selectors import previews
from apps.integrations.services import imports
from apps.integrations.views.imports import run_or_404


@require_http_methods(["GET", "POST"])
@guarded(IMPORT_DATA)
def reading(request: HttpRequest, pk: int) -> HttpResponse:
    """The first rows of each file as they will be read; another encoding, delimiter or date format shows at once."""
    run = run_or_404(request, pk)
    shown = previews.previews(run)
    given = request.POST if request.method == "POST" else request.GET
    form, shown = _chosen(run, shown, given)
    if request.method == "POST" and form.is_valid():
        imports.read_files_as(
            run=run,
            readings={one.position: one.as_chosen for one in shown},
            at=timezone.now(),
            actor=request.user,
        )
        return redirect("integrations:import", run.pk)
    context = {
        "run": run,
        "files": [(one, _fields(form, one)) for one in shown],
        "form": form,
        "is_open": run.state in (RunState.UPLOADED, RunState.FAULTY, RunState.CHECKED),
    }
    fragment = request.headers.get("HX-Request") == "true"
    name = "integrations/_reading.html" if fragment else "integrations/reading.html"
    return render(request, name, context, status=422 if form.is_bound and form.errors else 200)


def _chosen(
    run: ImportRun, shown: list[previews.FilePreview], given: QueryDict
) -> tuple[ReadingForm, list[previews.FilePreview]]:
    """The form, and the files as what was chosen in it reads them."""
    if not given:
        return ReadingForm(files=shown), shown
    # Read otherwise a file may have other columns, and so other dates to choose for.
    outer = ReadingForm(given, files=shown, with_dates=False)
    if not outer.is_valid():
        return ReadingForm(given, files=shown), shown
    shown = previews.previews(run, outer.readings)
    form = ReadingForm(given, files=shown)
    if not form.is_valid():
        return form, shown
    shown = previews.previews(run, form.readings)
    chosen = ReadingForm(_as_data(shown), files=shown)
    chosen.is_valid()
    return chosen, shown


def _as_data(shown: list[previews.FilePreview]) -> dict[str, str]:
    data: dict[str, str] = {}
    for one in shown:
        data |= {f"e{one.position}": one.encoding, f"d{one.position}": one.delimiter}
        data |= {f"t{one.position}-{column.place}": column.chosen for column in one.dates}
    return data


def _fields(form: ReadingForm, file: previews.FilePreview) -> dict[str, Any]:
    return {
        "encoding": form[f"e{file.position}"] if file.is_text else None,
        "delimiter": form[f"d{file.position}"] if file.is_text else None,
        "dates": [(column, form[f"t{file.position}-{column.place}"]) for column in file.dates],
    }
