"""Stage gates: what each stage asks, the versions and their trial; answers of an opportunity; overrides."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import DomainError
from apps.core.policies import guarded
from apps.leads import policies
from apps.leads.forms.gates import AnswersForm, GateEditor
from apps.leads.forms.rows import is_act
from apps.leads.models import OpportunityKind, OpportunityStage, StageGate
from apps.leads.selectors import gates as selectors
from apps.leads.services import gates as services
from apps.leads.services.qualifications import definition_in_force
from apps.leads.views.opportunity_page import show_opportunity, to_act_on, today

_BEGIN = (
    {"name": "Budget", "asks": "Who approved how much?", "fills_from": "budget"},
    {
        "name": "Decision maker met",
        "asks": "Who signs, and did you speak with them?",
        "fills_from": "authority",
    },
    {"name": "Date they want it by", "asks": "What happens if it slips?", "fills_from": "timeframe"},
)
"""What the editor offers for the first version of a stage."""


@require_safe
@guarded(policies.SEE_GATES)
def gates(request: HttpRequest) -> HttpResponse:
    """What each stage asks of each kind, now and from a coming day on."""
    context = {
        "doors": selectors.doors(today()),
        "may_write": policies.WRITE_GATES.admits(request.user),
        "sees_overrides": policies.SEE_OVERRIDES.admits(request.user),
    }
    return render(request, "leads/gates.html", context)


@require_safe
@guarded(policies.SEE_GATES)
def gate(request: HttpRequest, pk: int) -> HttpResponse:
    """One version among those of its stage and kind: what it asks, and what it changed."""
    found = get_object_or_404(StageGate, pk=pk)
    door = selectors.door_of(found, today())
    version = next(one for one in door.versions if one.gate.pk == found.pk)
    may_write = policies.WRITE_GATES.admits(request.user)
    context = {
        "door": door,
        "version": version,
        "may_write": may_write,
        "may_withdraw": may_write and version.state == "coming",
        "sources": dict(_sources()),
        "trial": selectors.trial(
            user=request.user, stage=found.stage, kind=found.kind, criteria=version.criteria
        ),
    }
    return render(request, "leads/gate.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.WRITE_GATES)
def gate_new(request: HttpRequest) -> HttpResponse:
    """The next version for ``?stage=`` and ``?kind=``; ``act=try`` says what it would stop, and writes nothing."""
    sources, act, status, trial = _sources(), str(request.POST.get("act", "")), 200, None
    if request.method != "POST":
        editor = GateEditor(sources=sources, values=_begin(request))
    elif is_act(request.POST) and act != "try":
        editor = GateEditor(sources=sources, data=request.POST, act=True)
    else:
        editor = GateEditor(sources=sources, data=request.POST)
        if not editor.is_valid():
            status = 422
        elif act == "try":
            trial = _tried(request, editor)
        elif (kept := _kept(request, editor)) is not None:
            return redirect("leads:gate", kept.pk)
        else:
            status = 422
    context = {"editor": editor, "form": editor.form, "rows": editor.rows, "trial": trial}
    return render(request, "leads/gate_edit.html", context, status=status)


@require_POST
@guarded(policies.WRITE_GATES)
def gate_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Give up a version that is not in force yet."""
    found = get_object_or_404(StageGate, pk=pk)
    try:
        services.withdraw_gate(gate=found, today=today(), at=timezone.now(), actor=request.user)
        messages.success(request, f"{found} is given up.")
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("leads:gate", pk)


@require_POST
@guarded(policies.ANSWER_GATE)
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer the criteria of the stage to come."""
    found = to_act_on(request, pk, policies.ANSWER_GATE)
    stage = OpportunityStage.WON if found.stage == OpportunityStage.STAGE_2 else OpportunityStage.STAGE_2
    standing = services.standing_of(opportunity=found, stage=stage, at=timezone.now())
    form = AnswersForm(request.POST, judged=standing.judged if standing else ())
    if not form.is_valid():
        return show_opportunity(request, found, status=422, answers=form)
    try:
        count = services.answer_criteria(
            opportunity=found, stage=stage, answers=form.answers(), at=timezone.now(), actor=request.user
        )
    except DomainError as error:
        form.refuse(error)
        return show_opportunity(request, found, status=422 if error.field else error.status, answers=form)
    words = {0: "Nothing is answered otherwise than before.", 1: "1 answer kept."}
    messages.success(request, words.get(count, f"{count} answers kept."))
    return redirect("leads:opportunity", found.pk)


@require_safe
@guarded(policies.SEE_OVERRIDES)
def overrides(request: HttpRequest) -> HttpResponse:
    """Who let what through against which criteria, and what became of it."""
    page = selectors.overrides(request.user, after=request.GET.get("after", ""))
    came = selectors.became(request.user)
    context = {"page": page, "overridden": came[True], "met": came[False]}
    return render(request, "leads/overrides.html", context)


def _sources() -> list[tuple[str, str]]:
    """The criteria of the qualification in force, which an answer can be filled from."""
    definition = definition_in_force(timezone.now())
    return (
        [(one["key"], f"Qualification: {one['name']}") for one in definition.criteria] if definition else []
    )


def _begin(request: HttpRequest) -> dict[str, Any]:
    stage, kind = request.GET.get("stage", ""), request.GET.get("kind", "")
    stage = stage if stage in StageGate.STAGES else OpportunityStage.STAGE_2.value
    kind = kind if kind in OpportunityKind.values else OpportunityKind.NEW.value
    values = {"stage": stage, "kind": kind, "effective_on": today(), "overrider": "manager"}
    judging = services.gate_in_force(stage=stage, kind=kind, day=today())
    if judging is not None:
        return values | {"criteria": judging.criteria, "overrider": judging.overrider}
    known = {key for key, _ in _sources()}
    return values | {
        "criteria": [
            {**one, "key": "", "fills_from": one["fills_from"] if one["fills_from"] in known else ""}
            for one in _BEGIN
        ]
    }


def _tried(request: HttpRequest, editor: GateEditor) -> selectors.Trial:
    read = editor.form.cleaned_data
    return selectors.trial(
        user=request.user, stage=read["stage"], kind=read["kind"], criteria=editor.criteria()
    )


def _kept(request: HttpRequest, editor: GateEditor) -> StageGate | None:
    """Write it; ``None`` where the service refuses, which then stands at its field."""
    read = editor.form.cleaned_data
    try:
        written = services.write_gate(
            stage=OpportunityStage(read["stage"]),
            kind=OpportunityKind(read["kind"]),
            criteria=editor.criteria(),
            overrider=StageGate.Overrider(read["overrider"]),
            effective_on=read["effective_on"],
            note=read["note"],
            today=today(),
            at=timezone.now(),
            actor=request.user,
        )
    except DomainError as error:
        editor.refuse(error)
        return None
    messages.success(request, f"{written} is written: in force from {written.effective_on:%d %b %Y}.")
    return written
