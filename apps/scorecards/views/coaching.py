"""Coaching: support that is asked for, practice goals, who is strong at a metric, meetings to listen to."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import DomainError
from apps.core.keyset import page_of
from apps.core.periods import month_of
from apps.core.policies import guarded, visible_or_404
from apps.leads.models import Meeting
from apps.leads.rules.metrics import METRICS, Better
from apps.reps.models import Rep, RepRole
from apps.scorecards import capacity_policies as policies
from apps.scorecards.forms.training import GoalForm, ReasonForm, ShareForm, SupportForm, aim_as_written
from apps.scorecards.models import PracticeGoal, SharedRecording, SupportAction, reps_in_training_for
from apps.scorecards.presentation_coaching import goal_rows, strength_context
from apps.scorecards.rules import coaching as rules
from apps.scorecards.rules.figures import in_figures
from apps.scorecards.rules.layout import LAYOUTS
from apps.scorecards.selectors.coaching import (
    peers_at,
    progress_of,
    recorded_meetings,
    strength_of,
)
from apps.scorecards.services import coaching as services
from apps.scorecards.services import support as support_services
from apps.scorecards.views import asked

FEW = 30
PAGE_SIZE = 40


def _reps(user: Any) -> Any:
    return reps_in_training_for(user).active_on(asked.today()).select_related("team")


@require_safe
@guarded(policies.SEE_COACHING)
def coaching(request: HttpRequest) -> HttpResponse:
    """What is asked of the manager, the goals that run, and who is strong at ``?metric=`` of ``?role=``."""
    user: Any = request.user
    today = asked.today()
    reps = list(_reps(user))
    roles = [role for role in RepRole if any(rep.role == role for rep in reps)]
    role = request.GET.get("role", "")
    role = role if role in roles else (RepRole.AE if RepRole.AE in roles else roles[0] if roles else "")
    context: dict[str, Any] = {
        "support": SupportAction.objects.open().visible_to(user).select_related("rep__team__manager"),
        "answered": SupportAction.objects.visible_to(user)
        .filter(is_open=False)
        .select_related("rep", "answer__answered_by")
        .order_by("-answer__answered_at")[:10],
        "goals": goal_rows(
            progress_of(
                PracticeGoal.objects.visible_to(user).select_related("rep__team", "end", "set_by")[:FEW],
                today,
            ),
            today,
        ),
        "roles": roles,
        "role": role,
        "reps": reps,
        "may_coach": policies.COACH.admits(user),
        "today": today,
    }
    if role:
        keys = LAYOUTS[str(role)].metrics
        metric = request.GET.get("metric", "")
        metric = metric if metric in keys else LAYOUTS[str(role)].headline
        found = strength_of(reps=reps, role=str(role), metric=metric, before=month_of(today).start)
        best = [one.rep_id for one in found.strongest]
        context |= {
            "metrics": [METRICS[key] for key in keys],
            "metric": metric,
            "strength": strength_context(found),
            "listen": recorded_meetings(user, best)[:8],
            "best": set(best),
        }
    return render(request, "scorecards/coaching.html", context)


# --- Goals ------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.COACH)
def goal_new(request: HttpRequest, rep: int) -> HttpResponse:
    """Agree a practice goal with a rep: the page says how far one step reaches."""
    about = visible_or_404(reps_in_training_for(request.user).select_related("team"), pk=rep)
    policies.COACH.check(request.user, about)
    running = month_of(asked.today())
    metric = request.POST.get("metric") or request.GET.get("metric", "")
    if metric not in LAYOUTS[about.role].metrics:
        metric = LAYOUTS[about.role].headline
    lower = METRICS[metric].better is Better.LOWER
    step = rules.next_step(
        about.pk, peers_at(rep=about, metric=metric, before=running.start), lower=lower
    )  # fmt: skip
    unit, currency = METRICS[metric].unit, about.team.currency
    initial = {"metric": metric, "last_month": running.following().code}
    if step is not None:
        initial["aim"] = aim_as_written(step.limit, unit, currency, lower=lower)
    form = GoalForm(request.POST or None, initial=initial, role=about.role, currency=currency)
    if request.method == "POST" and form.is_valid():
        try:
            services.set_goal(rep=about, **form.cleaned_data, at=timezone.now(), actor=request.user)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, f"The goal is agreed; {about.name} is told.")
            return redirect("scorecards:coaching")
    context = {
        "rep": about,
        "form": form,
        "metric": METRICS[metric],
        "step": step,
        "own": in_figures(step.own, unit, currency) if step else "",
        "limit": in_figures(step.limit, unit, currency) if step else "",
        "lower": lower,
        "metrics": [METRICS[key] for key in LAYOUTS[about.role].metrics],
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "scorecards/coaching_goal.html", context, status=status)


@require_POST
@guarded(policies.COACH)
def goal_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a goal before its time."""
    goals = PracticeGoal.objects.visible_to(request.user).select_related("rep__team")
    found = visible_or_404(goals, pk=pk)
    policies.COACH.check(request.user, found.rep)
    form = ReasonForm(request.POST)
    if form.is_valid():
        services.end_goal(
            goal=found, reason=form.cleaned_data["reason"], at=timezone.now(), actor=request.user
        )
        messages.success(request, "The goal has ended.")
    else:
        messages.error(request, "Say why it ends.")
    return redirect("scorecards:coaching")


# --- Support ----------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.ANSWER_SUPPORT)
def support(request: HttpRequest, pk: int) -> HttpResponse:
    """One question for support, and its answer."""
    actions = SupportAction.objects.visible_to(request.user).select_related(
        "rep__team__manager", "rep__user", "answer__answered_by"
    )
    found = visible_or_404(actions, pk=pk)
    form = SupportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            support_services.answer_support(
                action=found, **form.cleaned_data, at=timezone.now(), actor=request.user
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, f"It is agreed; {found.rep.name} is told.")
            return redirect("scorecards:coaching")
    status = 422 if request.method == "POST" else 200
    earlier = SupportAction.objects.filter(rep=found.rep).exclude(pk=found.pk).select_related("answer")
    context = {
        "action": found,
        "form": form,
        "earlier": earlier.order_by("-raised_at")[:6],
        "may_coach": policies.COACH.allows(request.user, found.rep),
    }
    return render(request, "scorecards/coaching_support.html", context, status=status)


# --- Recordings -------------------------------------------------------------------------------


@require_safe
@guarded(policies.SEE_COACHING)
def recordings(request: HttpRequest) -> HttpResponse:
    """The recorded meetings that one may see, newest first; of ``?rep=``."""
    wanted = request.GET.get("rep", "")
    rep: Rep | None = visible_or_404(_reps(request.user), pk=wanted) if wanted else None
    found = recorded_meetings(request.user, [rep.pk] if rep else None)
    page = page_of(
        found, by=("-starts_at", "-pk"), after=request.GET.get("after", ""), size=PAGE_SIZE
    )  # fmt: skip
    shared: dict[int, list[str]] = {}
    for one in SharedRecording.objects.visible_to(request.user).filter(
        meeting__in=[meeting.pk for meeting in page.rows]
    ).select_related("rep"):  # fmt: skip
        shared.setdefault(one.meeting_id, []).append(one.rep.name)
    context = {
        "rows": [(meeting, shared.get(meeting.pk, [])) for meeting in page.rows],
        "page": page,
        "shown": asked.shown(page, "recording"),
        "rep": rep,
        "may_share": policies.SHARE_RECORDING.admits(request.user),
    }
    return render(request, "scorecards/coaching_recordings.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.SHARE_RECORDING)
def recording_share(request: HttpRequest, pk: int) -> HttpResponse:
    """Name a recorded meeting to people of one's teams."""
    meetings = Meeting.objects.visible_to(request.user).select_related("ae", "lead")
    found = visible_or_404(meetings, pk=pk)
    form = ShareForm(request.POST or None, reps=_reps(request.user).order_by("team", "name"))
    if request.method == "POST" and form.is_valid():
        try:
            made = services.share_recording(
                meeting=found,
                reps=list(form.cleaned_data["reps"]),
                why=form.cleaned_data["why"],
                at=timezone.now(),
                actor=request.user,
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            said = "1 person is told." if len(made) == 1 else f"{len(made)} people are told."
            messages.success(request, said if made else "They were told before.")
            return redirect("scorecards:coaching_recordings")
    status = 422 if request.method == "POST" else 200
    context = {"meeting": found, "form": form}
    return render(request, "scorecards/coaching_share.html", context, status=status)
