"""Training: who is done, due and overdue; certifications, sessions and their results; a rep's own page."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import Role, User
from apps.core.errors import DomainError
from apps.core.keyset import page_of
from apps.core.periods import day_of
from apps.core.policies import guarded, visible_or_404
from apps.reps.models import Rep
from apps.reps.selectors import rep_of
from apps.scorecards import capacity_policies as policies
from apps.scorecards.forms.training import CertificationForm, ResultsForm, SessionForm, TakeBackForm
from apps.scorecards.models import (
    Certification,
    CertificationResult,
    PracticeGoal,
    SharedRecording,
    SupportAction,
    TrainingDue,
    TrainingSession,
    reps_in_training_for,
)
from apps.scorecards.presentation_coaching import goal_rows
from apps.scorecards.rules.training import State, state_on
from apps.scorecards.selectors.coaching import progress_of, recorded_meetings
from apps.scorecards.selectors.training import dues_for, in_state, newest_results, own_dues, tallies
from apps.scorecards.services import training as services
from apps.scorecards.views import asked
from apps.scorecards.views.capacity import teams_for

PAGE_SIZE = 50
FEW = 20


def due_rows(dues: list[TrainingDue]) -> list[dict[str, Any]]:
    """Each with its state today and the newest result."""
    today, results = asked.today(), newest_results(dues)
    return [
        {
            "due": one,
            "state": state_on(today, due=one.due_on, was_passed=one.was_passed).value,
            "last_day": one.due_on - timedelta(days=1),
            "result": results.get((one.rep_id, one.certification_id)),
        }
        for one in dues
    ]


@require_safe
@guarded(policies.SEE_TRAINING)
def training(request: HttpRequest) -> HttpResponse:
    """The people of the teams managed, the most pressing first; by ``?state=``, ``?team=``, ``?certification=``."""
    user: Any = request.user
    teams = teams_for(user)
    team = next((one for one in teams if str(one.pk) == request.GET.get("team", "")), None)
    dues = dues_for(user)
    if team is not None:
        dues = dues.filter(rep__team=team)
    summary = tallies(dues, asked.today())
    state = request.GET.get("state", "")
    state = state if state in [one.value for one in State] else ""
    shown = dues.filter(in_state(state, asked.today())) if state else dues
    wanted = request.GET.get("certification", "")
    if wanted:
        shown = shown.filter(certification=visible_or_404(Certification.objects.visible_to(user), pk=wanted))
    page = page_of(shown, by=("due_on", "pk"), after=request.GET.get("after", ""), size=PAGE_SIZE)
    sessions = TrainingSession.objects.visible_to(user).select_related("trainer", "certification")
    context = {
        "rows": due_rows(page.rows),
        "page": page,
        "shown": asked.shown(page, "certification"),
        "summary": summary,
        "totals": {one.value: sum(getattr(tally, one.value) for tally in summary) for one in State},
        "teams": teams,
        "team": team,
        "state": state,
        "certifications": Certification.objects.visible_to(user).in_use().annotate(
            people=Count("dues", filter=Q(dues__rep__in=reps_in_training_for(user)))
        ),
        "sessions": sessions.annotate(asked=Count("attendances", distinct=True))[:FEW],
        "now": timezone.now(),
        "may_write": policies.WRITE_CERTIFICATION.admits(user),
    }  # fmt: skip
    return render(request, "scorecards/training.html", context)


@require_safe
@guarded(policies.SEE_OWN_TRAINING)
def own(request: HttpRequest) -> HttpResponse:
    """One's own certifications, trainings, goals, meetings to listen to, and support that was agreed."""
    rep = rep_of(request.user)
    if rep is None:
        return render(request, "scorecards/no_rep.html")
    today = asked.today()
    goals = PracticeGoal.objects.filter(rep=rep).select_related("rep__team", "end", "set_by")[:FEW]
    context = {
        "rep": rep,
        "rows": due_rows(own_dues(rep)),
        "sessions": TrainingSession.objects.filter(attendances__rep=rep).select_related(
            "trainer", "certification"
        )[:FEW],
        "now": timezone.now(),
        "goals": goal_rows(progress_of(goals, today), today),
        "recordings": SharedRecording.objects.filter(rep=rep).select_related("meeting__ae", "shared_by")[
            :FEW
        ],
        "own_recordings": recorded_meetings(request.user)[:FEW],
        "support": SupportAction.objects.filter(rep=rep)
        .select_related("answer__answered_by")
        .order_by("-raised_at")[:3],
    }
    return render(request, "scorecards/training_own.html", context)


# --- Certifications ---------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.WRITE_CERTIFICATION)
def certification_new(request: HttpRequest) -> HttpResponse:
    """Ask something of a role."""
    return _certification_page(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.WRITE_CERTIFICATION)
def certification_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change what is asked."""
    found = visible_or_404(Certification.objects.visible_to(request.user).in_use(), pk=pk)
    return _certification_page(request, found)


def _certification_page(request: HttpRequest, found: Certification | None) -> HttpResponse:
    names = ("role", "name", "says", "valid_months", "pass_score", "asked_from")
    initial: dict[str, Any] = {"valid_months": 12, "asked_from": asked.today()}
    if found is not None:
        initial = {name: getattr(found, name) for name in names}
    form = CertificationForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.write_certification(
                draft=form.draft, certification=found, at=timezone.now(), actor=request.user
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, "It is asked of everybody of the role.")
            return redirect("scorecards:training")
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "certification": found}
    return render(request, "scorecards/training_certification.html", context, status=status)


@require_POST
@guarded(policies.WRITE_CERTIFICATION)
def certification_retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask it of nobody any more."""
    found = visible_or_404(Certification.objects.visible_to(request.user), pk=pk)
    services.retire_certification(certification=found, at=timezone.now(), actor=request.user)
    messages.success(request, f"{found.name} is asked of nobody any more; its results stay.")
    return redirect("scorecards:training")


# --- Sessions ---------------------------------------------------------------------------------


def _people(user: Any) -> QuerySet[Rep]:
    return reps_in_training_for(user).active_on(asked.today()).select_related("team").order_by("team", "name")


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.TRAIN)
def session_new(request: HttpRequest) -> HttpResponse:
    """Plan a session, or note one that was held."""
    user: Any = request.user
    trainers = User.objects.filter(is_active=True).filter(
        Q(role__in=(Role.MANAGER, Role.REVOPS)) | Q(rep__in=reps_in_training_for(user))
    )
    form = SessionForm(
        request.POST or None,
        initial={
            "day": asked.today() + timedelta(days=7),
            "time": "10:00",
            "trainer": user.pk,
            "certification": request.GET.get("certification", ""),
        },
        certifications=Certification.objects.visible_to(user).in_use(),
        reps=_people(user),
        trainers=trainers.order_by("name"),
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = services.plan_session(**form.given, at=timezone.now(), actor=user)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, "The training is planned.")
            return redirect("scorecards:training_session", made.pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "scorecards/training_session_new.html", {"form": form}, status=status)


@require_safe
@guarded(policies.TRAIN)
def session(request: HttpRequest, pk: int) -> HttpResponse:
    """One session: who came, and how they did."""
    return _session_page(request, _session(request, pk))


def _session(request: HttpRequest, pk: int) -> TrainingSession:
    sessions = TrainingSession.objects.visible_to(request.user).select_related("trainer", "certification")
    found: TrainingSession = visible_or_404(sessions, pk=pk)
    return found


def _attending(request: HttpRequest, found: TrainingSession) -> list[Rep]:
    """Those of the session who are within one's scope."""
    return list(
        reps_in_training_for(request.user)
        .filter(trainings__session=found)
        .select_related("team")
        .order_by("name")
    )


def _session_page(
    request: HttpRequest, found: TrainingSession, form: ResultsForm | None = None, status: int = 200
) -> HttpResponse:
    reps = _attending(request, found)
    results = {
        one.rep_id: one
        for one in CertificationResult.objects.visible_to(request.user).standing().filter(session=found)
    }
    waiting = [rep for rep in reps if rep.pk not in results]
    is_over = found.starts_at <= timezone.now()
    if form is None and found.certification is not None and is_over and waiting:
        form = ResultsForm(reps=waiting, scored=found.certification.pass_score is not None)
    context = {
        "session": found,
        "rows": [(rep, results.get(rep.pk)) for rep in reps],
        "form": form,
        "take_back_form": TakeBackForm(),
        "is_over": is_over,
    }
    return render(request, "scorecards/training_session.html", context, status=status)


@require_POST
@guarded(policies.TRAIN)
def session_results(request: HttpRequest, pk: int) -> HttpResponse:
    """Record how those of a session did; what was recorded before stays."""
    found = _session(request, pk)
    if found.certification is None:
        messages.error(request, "This training is for no certification: there is nothing to record.")
        return redirect("scorecards:training_session", found.pk)
    reps = _attending(request, found)
    form = ResultsForm(request.POST, reps=reps, scored=found.certification.pass_score is not None)
    if form.is_valid() and not form.results:
        form.add_error(None, "Write at least one result.")
    if form.is_valid():
        wrong = False
        for rep, score, passed in form.results:
            try:
                services.record_result(
                    certification=found.certification,
                    rep=rep,
                    session=found,
                    taken_on=day_of(found.starts_at, settings.COMPANY_TIME_ZONE),
                    score=score,
                    is_pass=passed,
                    at=timezone.now(),
                    actor=request.user,
                )
            except DomainError as error:
                wrong = True
                form.add_error(f"rep_{rep.pk}", error.message)
        if not wrong:
            count = len(form.results)
            messages.success(request, f"{count} result{'' if count == 1 else 's'} on record.")
            return redirect("scorecards:training_session", found.pk)
    return _session_page(request, found, form, status=422)


@require_POST
@guarded(policies.TRAIN)
def result_take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a mistaken result back."""
    results = CertificationResult.objects.visible_to(request.user).select_related(
        "rep", "certification", "session"
    )
    found = visible_or_404(results, pk=pk)
    form = TakeBackForm(request.POST)
    if form.is_valid():
        services.take_back_result(
            result=found, reason=form.cleaned_data["reason"], at=timezone.now(), actor=request.user
        )
        messages.success(request, "It counts no more; both stay on record.")
    else:
        messages.error(request, "Say why it is taken back.")
    if found.session_id is not None:
        return redirect("scorecards:training_session", found.session_id)
    return redirect("scorecards:training")
