"""Cadences: the list, one with who is in it, writing and changing one, retiring it, enrolling many."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import DomainError, InvalidInput
from apps.core.policies import guarded, visible_or_404
from apps.leads import policies
from apps.leads.forms.cadences import CadenceForm, ReasonForm
from apps.leads.forms.conditions import ConditionRow
from apps.leads.forms.rows import Rows, is_act
from apps.leads.models import Cadence, Enrolment, Lead, Motion
from apps.leads.rules import conditions as condition_rules
from apps.leads.selectors import cadences as selectors
from apps.leads.services import cadences as services
from apps.leads.services import enrolment_batches, enrolments

MOST_AT_ONCE = 500
"""Leads enrolled by one click; more are enrolled by further ones."""
_REFUSALS_TOLD = 4


def _cadence(pk: int) -> Cadence:
    return visible_or_404(Cadence.objects.all(), pk=pk)


@require_safe
@guarded(policies.SEE_CADENCES)
def cadences(request: HttpRequest) -> HttpResponse:
    """All of them in the order of asking: for whom, which steps, who is in, what came of it."""
    found = selectors.summaries(timezone.now())
    context = {
        "active": [one for one in found if one.cadence.is_active],
        "retired": [one for one in found if not one.cadence.is_active],
        "may_edit": policies.EDIT_CADENCES.admits(request.user),
        "funnel_days": selectors.FUNNEL_DAYS,
    }
    return render(request, "leads/cadences.html", context)


@require_safe
@guarded(policies.SEE_CADENCES)
def cadence(request: HttpRequest, pk: int) -> HttpResponse:
    """One cadence: its steps over days, what came of it, its versions, who is in it."""
    return _detail(request, _cadence(pk), ReasonForm())


def _detail(
    request: HttpRequest, found: Cadence, form: ReasonForm, *, status: int = 200, chosen: Any = ()
) -> HttpResponse:
    state = request.GET.get("state", "open")
    state = state if state in selectors.SHOWN_STATES else "open"
    summary = selectors.summary_of(found, timezone.now())
    may_choose = policies.ENROL_MANY.admits(request.user)
    context = {
        "cadence": found,
        "summary": summary,
        "course": selectors.course_of(summary.steps),
        "versions": found.versions.select_related("created_by"),
        "page": selectors.enrolments(
            user=request.user, cadence=found, state=state, after=request.GET.get("after", "")
        ),
        "state": state,
        "states": [
            ("open", "In it now"), ("active", "Active"), ("paused", "Paused"), ("finished", "Finished"),
            ("removed", "Taken out"),
        ],
        "may_edit": policies.EDIT_CADENCES.admits(request.user),
        "may_steer": policies.STEER_ENROLMENT.admits(request.user),
        "may_choose": may_choose and state in ("open", "active", "paused"),
        "may_enrol": may_choose,
        "form": form,
        "chosen": {str(one) for one in chosen},
        "now": timezone.now(),
        "funnel_days": selectors.FUNNEL_DAYS,
    }  # fmt: skip
    return render(request, "leads/cadence.html", context, status=status)


# --- Writing ------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.EDIT_CADENCES)
def cadence_new(request: HttpRequest) -> HttpResponse:
    """Write a new cadence."""
    return _edit(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.EDIT_CADENCES)
def cadence_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change one; other steps make a new version, and those enrolled stay on theirs."""
    return _edit(request, _cadence(pk))


def _edit(request: HttpRequest, found: Cadence | None) -> HttpResponse:
    version = services.current_version(found) if found else None
    status = 200
    if request.method != "POST":
        form = CadenceForm(cadence=found, version=version, position=selectors.next_position())
    elif is_act(request.POST):
        form = CadenceForm(data=request.POST, act=True)
    else:
        form = CadenceForm(data=request.POST)
        saved = _saved(request, found, form) if form.is_valid() else None
        if saved is not None:
            return redirect("leads:cadence", saved.pk)
        status = 422
    context = {
        "cadence": found,
        "version": version,
        "form": form,
        "enrolled": Enrolment.objects.open().filter(version__cadence=found).count() if found else 0,
        "matches": _matches(request, *_asked(form)),
    }
    return render(request, "leads/cadence_edit.html", context, status=status)


def _saved(request: HttpRequest, found: Cadence | None, form: CadenceForm) -> Cadence | None:
    """The cadence as kept; ``None`` when it was refused, with the refusal at its row and field."""
    given = {**form.values, "at": timezone.now(), "actor": request.user}
    before = services.current_version(found) if found else None
    try:
        if found is None:
            saved = services.create_cadence(**given)
        else:
            saved = services.change_cadence(cadence=found, **given)
    except services.InvalidSteps as error:
        form.refuse_step(error.index, error.step_field, error.step_message)
    except services.InvalidConditions as error:
        form.refuse_condition(error.index, error.condition_field, error.condition_message)
    except DomainError as error:
        form.about.add_error(error.field if error.field in form.about.fields else None, error.message)
    else:
        after = services.current_version(saved)
        if before and after and after.number > before.number:
            messages.success(request, f"Version {after.number} is kept. Who is enrolled stays on theirs.")
        else:
            messages.success(request, f"{saved} is kept.")
        return saved
    return None


def _asked(form: CadenceForm) -> tuple[str, Rows]:
    """The motion and the rows of conditions that the live count is of, as they stand in the form."""
    return str(form.about["motion"].value() or ""), form.conditions


def _matches(request: HttpRequest, motion: str, rows: Rows) -> selectors.Matches | None:
    """How many leads match; ``None`` while the conditions cannot be read."""
    bound = rows.is_bound
    try:
        raw = [row.as_condition for row in rows] if bound and rows.is_valid() else None
        if not bound:
            raw = [_typed(row) for row in rows]
        if raw is None:
            return None
        parsed = condition_rules.parse_conditions(raw)
    except (condition_rules.ConditionsInvalid, KeyError):
        return None
    return selectors.matches(user=request.user, motion=motion, conditions=parsed, at=timezone.now())


def _typed(row: Any) -> dict[str, Any]:
    """A row that was not checked yet, checked for the count alone."""
    data = {f"{row.prefix}-{name}": value for name, value in row.initial.items()}
    checked = ConditionRow(_Lists(data), prefix=row.prefix)
    if not checked.is_valid():
        raise KeyError(row.prefix)
    return checked.as_condition


class _Lists(dict):
    """A dict that a widget of several choices can read."""

    def getlist(self, name: str) -> list[Any]:
        value = self.get(name, [])
        return value if isinstance(value, list) else [value]


@require_safe
@guarded(policies.EDIT_CADENCES)
def cadence_matches(request: HttpRequest) -> HttpResponse:
    """How many of the latest leads the conditions of the address match, as a fragment."""
    motion = request.GET.get("motion", "")
    motion = motion if motion in Motion.values else Motion.INBOUND.value
    rows = Rows(ConditionRow, "conditions", data=request.GET, most=condition_rules.MOST_ROWS)
    return render(request, "leads/_cadence_matches.html", {"matches": _matches(request, motion, rows)})


@require_POST
@guarded(policies.EDIT_CADENCES)
def cadence_retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Enrol nobody any more."""
    found = services.retire(cadence=_cadence(pk), at=timezone.now(), actor=request.user)
    undo = reverse("leads:cadence_activate", args=[pk])
    messages.success(
        request, f"{found} takes nobody any more. Who is in it goes on to its end.", extra_tags=f"undo={undo}"
    )
    return redirect("leads:cadence", pk)


@require_POST
@guarded(policies.EDIT_CADENCES)
def cadence_activate(request: HttpRequest, pk: int) -> HttpResponse:
    """Enrol again."""
    found = services.activate(cadence=_cadence(pk), at=timezone.now(), actor=request.user)
    messages.success(request, f"{found} takes leads again.")
    if getattr(request, "htmx", False):
        # The toast's undo swaps nothing itself: the page goes there as a whole.
        return HttpResponse(status=204, headers={"HX-Redirect": reverse("leads:cadence", args=[pk])})
    return redirect("leads:cadence", pk)


# --- Many leads -----------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.ENROL_MANY)
def cadence_candidates(request: HttpRequest, pk: int) -> HttpResponse:
    """Leads within one's scope that match and are in no cadence: enrol those chosen, or all of them."""
    found = _cadence(pk)
    now = timezone.now()
    error = ""
    if request.method == "POST":
        leads = _chosen_leads(request, found)
        if leads:
            result = enrolments.enrol(leads=leads, cadence=found, at=now, actor=request.user)
            _tell(request, found, result)
            return redirect("leads:cadence", pk)
        error = "Choose at least one lead."
    every = selectors.candidates(user=request.user, cadence=found, at=now)
    context = {
        "cadence": found,
        "page": selectors.candidates_page(
            user=request.user, cadence=found, at=now, after=request.GET.get("after", "")
        ),
        "count": every.order_by()[: MOST_AT_ONCE + 1].count(),
        "most": MOST_AT_ONCE,
        "error": error,
        "conditions": [one.in_words for one in condition_rules.parse_conditions(found.conditions)],
    }
    return render(request, "leads/cadence_candidates.html", context, status=422 if error else 200)


def _chosen_leads(request: HttpRequest, found: Cadence) -> list[Lead]:
    every = selectors.candidates(user=request.user, cadence=found, at=timezone.now())
    if request.POST.get("all"):
        return list(every.order_by("-created_at", "-pk")[:MOST_AT_ONCE])
    given = [int(one) for one in request.POST.getlist("lead") if one.isascii() and one.isdigit()]
    return list(Lead.objects.visible_to(request.user).filter(pk__in=[one for one in given if one < 2**62]))


def _tell(request: HttpRequest, found: Cadence, result: enrolments.Enrolled) -> None:
    count = len(result.enrolments)
    if count:
        messages.success(request, f"{count:,} lead{'s are' if count != 1 else ' is'} in {found} now.")
    refused = [one.why for one in result.refusals]
    if refused:
        more = len(refused) - _REFUSALS_TOLD
        told = " ".join(refused[:_REFUSALS_TOLD]) + (f" And {more:,} more." if more > 0 else "")
        messages.error(request, f"Not enrolled: {told}")


@require_POST
@guarded(policies.ENROL_MANY)
def cadence_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the chosen leads out of the cadence, with one reason."""
    found = _cadence(pk)
    form = ReasonForm(request.POST)
    given = [int(one) for one in request.POST.getlist("enrolment") if one.isascii() and one.isdigit()]
    chosen = list(
        Enrolment.objects.visible_to(request.user).filter(
            version__cadence=found, pk__in=[one for one in given if one < 2**62]
        )
    )
    if form.is_valid():
        try:
            removed = enrolment_batches.remove_many(
                chosen=chosen, reason=form.cleaned_data["reason"], at=timezone.now(), actor=request.user
            )
        except InvalidInput as error:
            form.add_error("reason" if error.field == "reason" else None, error.message)
        else:
            messages.success(request, f"{removed:,} lead{'s' if removed != 1 else ''} taken out of {found}.")
            return redirect("leads:cadence", pk)
    return _detail(request, found, form, status=422, chosen=given)
