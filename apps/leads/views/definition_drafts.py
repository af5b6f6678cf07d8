"""The editor of a draft: begin one from what holds, change it, try it on leads before anybody signs."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.core.errors import DomainError
from apps.core.periods import month_of
from apps.core.policies import guarded
from apps.leads import policies
from apps.leads.forms.definition_editors import EDITORS, Editor, values_of
from apps.leads.forms.definitions import TryForm
from apps.leads.forms.rows import is_act
from apps.leads.models import Definition
from apps.leads.rules.agreements import Terms
from apps.leads.rules.frameworks import FRAMEWORKS
from apps.leads.selectors import trial
from apps.leads.selectors.definitions import standings
from apps.leads.services import definitions as services
from apps.leads.services.scoring import NO_INTENT, intent_of, table_in_force
from apps.leads.views.definitions import today

TRY = "try"


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.DRAFT_DEFINITION)
def draft(request: HttpRequest) -> HttpResponse:
    """A new version of ``?kind=``, beginning from the one in force."""
    kind = Definition.Kind.MQL if request.GET.get("kind") == Definition.Kind.MQL else Definition.Kind.SQL
    return _edit(request, kind, None)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.DRAFT_DEFINITION)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft that nobody has signed, in other words."""
    found = get_object_or_404(Definition, pk=pk)
    if not found.is_draft or found.marketing_signed_by_id or found.sales_signed_by_id:
        messages.info(request, f"{found} is no longer to be changed: draft a new version.")
        return redirect("leads:definition", pk)
    return _edit(request, Definition.Kind(found.kind), found)


def _edit(request: HttpRequest, kind: Definition.Kind, found: Definition | None) -> HttpResponse:
    act = str(request.POST.get("act", ""))
    tries, context, status = TryForm(prefix=TRY), {}, 200
    if request.method != "POST":
        editor = _opened(kind, found)
    elif act == f"{TRY}:fill":
        editor = EDITORS[kind](data=request.POST, act=True)
        tries = _filled(request)
    elif act.startswith(f"{TRY}:"):
        editor, tries = EDITORS[kind](data=request.POST), TryForm(request.POST, prefix=TRY)
        if all([editor.is_tryable(), tries.is_valid()]):
            context = _tried(request, editor.terms, tries)
        else:
            status = 422
    elif is_act(request.POST):
        editor = EDITORS[kind](data=request.POST, act=True)
        tries = TryForm(prefix=TRY, initial=_typed_try(request.POST))
    else:
        editor, tries = (
            EDITORS[kind](data=request.POST),
            TryForm(prefix=TRY, initial=_typed_try(request.POST)),
        )
        if editor.is_valid():
            kept = _kept(request, kind, found, editor)
            if kept is not None:
                return kept
        status = 422
    context |= {
        "editor": editor,
        "form": editor.form,
        "rows": editor.rows,
        "try": tries,
        "tried": act if act.startswith(f"{TRY}:") else "",
        "kind": kind,
        "definition": found,
        "frameworks": FRAMEWORKS.values(),
        "back": reverse("leads:definition", args=[found.pk]) if found else reverse("leads:definitions"),
    }
    return render(request, f"leads/definition_draft_{kind}.html", context, status=status)


def _opened(kind: Definition.Kind, found: Definition | None) -> Editor:
    """The editor of a draft, or of a new one: from the version in force, else from a beginning."""
    if found is not None:
        values = values_of(services.terms_of(found)) | {
            "effective_on": found.effective_on,
            "note": found.note,
        }
        return EDITORS[kind](values=values)
    standing = next(
        (one for one in standings(today()) if one.definition.kind == kind and one.state == "in_force"), None
    )
    values = values_of(standing.terms if standing else _first(kind))
    return EDITORS[kind](values=values | {"effective_on": month_of(today()).following().start})


def _first(kind: Definition.Kind) -> Terms:
    """Where to begin while nothing is agreed: BANT, or the points built in."""
    if kind == Definition.Kind.MQL:
        in_force = table_in_force(today())
        return Terms("Points for fit and intent", in_force.needed, table=in_force.table)
    bant = FRAMEWORKS["bant"]
    return Terms("BANT", bant.needed, "bant", bant.criteria, bant.expected)


def _kept(
    request: HttpRequest, kind: Definition.Kind, found: Definition | None, editor: Editor
) -> HttpResponse | None:
    """Keep the draft; ``None`` when the service refuses it, which then stands at its field."""
    assert editor.terms is not None, "a valid editor has read its terms"
    given: dict[str, Any] = {
        "terms": editor.terms,
        "effective_on": editor.effective_on,
        "note": editor.note,
        "at": timezone.now(),
        "actor": request.user,
    }
    try:
        if found is None:
            kept = services.draft_definition(kind=kind, **given)
        else:
            kept = services.change_draft(definition=found, **given)
    except DomainError as error:
        editor.refuse(error)
        return None
    messages.success(request, f"{kept} is kept as a draft. It takes effect once both sides have signed.")
    return redirect("leads:definition", kept.pk)


def _typed_try(data: Any) -> dict[str, Any]:
    return {name: data.get(f"{TRY}-{name}", "") for name in TryForm.base_fields}


def _filled(request: HttpRequest) -> TryForm:
    """The form with what is known of the lead that it names; an error at the field when there is none."""
    named = str(request.POST.get(f"{TRY}-lead", ""))
    lead = trial.lead_named(request.user, named)
    if lead is None:
        tries = TryForm(request.POST, prefix=TRY)
        tries.add_error("lead", "There is no such lead: give its number or its e-mail address.")
        return tries
    intent = intent_of([lead]).get(lead.pk, NO_INTENT)
    known = {name: getattr(lead, name) for name in ("title", "employees", "industry", "source", "predictive")}
    return TryForm(prefix=TRY, initial={"lead": named, **known, **vars(intent)})


def _tried(request: HttpRequest, terms: Terms | None, tries: TryForm) -> dict[str, Any]:
    """What the table would do to the lead, and to those of the last 90 days."""
    assert terms is not None, "a valid editor has read its terms"
    if terms.table is None:
        return {}
    at = timezone.now()
    return {
        "single": trial.of_one(tries.known, terms.table, terms.needed, at),
        "effect": trial.effect(table=terms.table, needed=terms.needed, at=at, user=request.user),
    }
