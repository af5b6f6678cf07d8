"""Contests: the SDR's, the judge's list, one contest with both sides; and the company's terms."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import DomainError, InvalidInput
from apps.core.policies import guarded, visible_or_404
from apps.leads import answer_policies as policies
from apps.leads.forms.contests import WITH_ANOTHER, ContestForm, DecisionForm, StatementForm, TermsForm
from apps.leads.models import Contest, HandOff
from apps.leads.selectors import contests as selectors
from apps.leads.selectors import hand_offs as hand_off_selectors
from apps.leads.services import contest_terms as terms_services
from apps.leads.services import contests as services
from apps.leads.services import judges


@require_safe
@guarded(policies.SEE_HAND_OFFS_MADE)
def made(request: HttpRequest) -> HttpResponse:
    """The hand-offs that the SDRs of one's scope made: outcome, reason, and what may be contested."""
    show = request.GET.get("show", "")
    show = show if show in selectors.MADE else ""
    context = {
        "page": selectors.made(request.user, show=show, after=request.GET.get("after", "")),
        "show": show,
        "chips": [(key, words, key == show) for key, (words, _) in selectors.MADE.items()],
        "now": timezone.now(),
        "contests": policies.CONTEST.admits(request.user),
    }
    return render(request, "leads/hand_offs_made.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.CONTEST)
def contest_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Contest a rejection, with a written reason."""
    rows = hand_off_selectors.dossier_rows(request.user).select_related("contest")
    found: HandOff = visible_or_404(rows, pk=pk)
    policies.CONTEST.check(request.user, found)
    now = timezone.now()
    form = ContestForm(request.POST or None)
    refusal, status = services.why_not(hand_off=found, at=now), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                opened = services.open_contest(
                    hand_off=found, reason=form.cleaned_data["reason"], at=now, actor=request.user
                )
            except InvalidInput as error:
                form.add_error(error.field or None, error.message)
            except DomainError as error:
                refusal, status = error.message, 409
            else:
                messages.success(request, f"Contested. {opened.judge.name} decides.")
                return redirect("leads:contest", opened.pk)
    context = {"hand_off": found, "form": form, "refusal": refusal, "now": now}
    return render(request, "leads/contest_new.html", context, status=status)


@require_safe
@guarded(policies.SEE_CONTESTS)
def contests(request: HttpRequest) -> HttpResponse:
    """What waits for one's decision, what else is open, and what was decided."""
    context = {
        "list": selectors.worklist(request.user, after=request.GET.get("after", "")),
        "now": timezone.now(),
        "terms": terms_services.terms_in_force(),
        "may_set": policies.SET_CONTEST_TERMS.admits(request.user),
        "may_judge": policies.JUDGE_CONTEST.admits(request.user),
        "may_see_patterns": policies.SEE_ANSWER_PATTERNS.admits(request.user),
    }
    return render(request, "leads/contests.html", context)


@require_safe
@guarded(policies.SEE_CONTESTS)
def contest(request: HttpRequest, pk: int) -> HttpResponse:
    """One contest with both sides, for whoever is concerned by it."""
    return _show(request, _found(request, pk))


@require_POST
@guarded(policies.STATE_IN_CONTEST)
def statement(request: HttpRequest, pk: int) -> HttpResponse:
    """Add one's side's statement."""
    found = _found(request, pk)
    policies.STATE_IN_CONTEST.check(request.user, found)
    form = StatementForm(request.POST)

    def act() -> Contest:
        return services.add_statement(
            contest=found, text=form.cleaned_data["statement"], at=timezone.now(), actor=request.user
        )

    return _act(request, found, "statement_form", form, act, lambda done: "Your statement stands there now.")


@require_POST
@guarded(policies.WITHDRAW_CONTEST)
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """The SDR lets the rejection stand."""
    found = _found(request, pk)
    policies.WITHDRAW_CONTEST.check(request.user, found)
    services.withdraw_contest(contest=found, at=timezone.now(), actor=request.user)
    messages.success(request, "Withdrawn: the rejection stands.")
    return redirect("leads:contest", found.pk)


@require_POST
@guarded(policies.JUDGE_CONTEST)
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """The judge's decision, with the reason."""
    found = _found(request, pk)
    policies.JUDGE_CONTEST.check(request.user, found)
    form = DecisionForm(request.POST)

    def act() -> Contest:
        decision = form.cleaned_data["decision"]
        return services.decide_contest(
            contest=found,
            uphold=decision != "dismiss",
            with_another=decision == WITH_ANOTHER,
            reason=form.cleaned_data["reason"],
            at=timezone.now(),
            actor=request.user,
        )

    return _act(
        request,
        found,
        "decision_form",
        form,
        act,
        lambda done: f"{done.get_state_display()}. {done.followed}",
    )


@require_POST
@guarded(policies.PASS_CONTEST_ON)
def pass_on(request: HttpRequest, pk: int) -> HttpResponse:
    """RevOps names another judge."""
    given = judges.give_to_another(contest=_found(request, pk), at=timezone.now(), actor=request.user)
    messages.success(request, f"{given.judge.name} decides now.")
    return redirect("leads:contest", given.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.SET_CONTEST_TERMS)
def terms(request: HttpRequest) -> HttpResponse:
    """How long an SDR may contest, and a judge may take."""
    in_force = terms_services.terms_in_force()
    form = TermsForm(request.POST or None, initial=vars(in_force))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            terms_services.set_terms(**form.cleaned_data, at=timezone.now(), actor=request.user)
            messages.success(request, "Set. Rejections and contests from now on go by it.")
            return redirect("leads:contests")
    return render(request, "leads/contest_terms.html", {"form": form, "terms": in_force}, status=status)


def _found(request: HttpRequest, pk: int) -> Contest:
    return visible_or_404(selectors.contest_rows(request.user), pk=pk)


def _act(
    request: HttpRequest,
    found: Contest,
    name: str,
    form: forms.Form,
    act: Callable[[], Contest],
    says: Callable[[Contest], str],
) -> HttpResponse:
    """Do it if the form is whole; errors stand at their fields, a refusal above the page as it is now."""
    if not form.is_valid():
        return _show(request, found, status=422, **{name: form})
    try:
        done = act()
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return _show(request, found, status=422, **{name: form})
    except DomainError as error:
        return _show(request, _found(request, found.pk), status=409, refusal=error.message, **{name: form})
    messages.success(request, says(done))
    return redirect("leads:contest", found.pk)


def _show(request: HttpRequest, found: Contest, *, status: int = 200, **given: Any) -> HttpResponse:
    user = request.user
    side = {found.hand_off.sdr.user_id: "sdr", found.hand_off.ae.user_id: "ae"}.get(user.pk, "")
    context: dict[str, Any] = {
        "page": selectors.contest_page(found),
        "succession": selectors.succession_of(found),
        "contest": found,
        "now": timezone.now(),
        "may_decide": found.is_open and policies.JUDGE_CONTEST.allows(user, found),
        "may_state": found.is_open and bool(side) and not getattr(found, f"{side}_statement", ""),
        "may_withdraw": found.is_open and policies.WITHDRAW_CONTEST.allows(user, found),
        "may_pass_on": found.is_open and policies.PASS_CONTEST_ON.allows(user, found),
        "opens_hand_off": HandOff.objects.visible_to(user).filter(pk=found.hand_off_id).exists(),
        "refusal": given.pop("refusal", ""),
    }
    if context["may_decide"]:
        context["others"] = selectors.others_for(found, now=context["now"])
    context["decision_form"] = given.get("decision_form") or DecisionForm()
    context["statement_form"] = given.get("statement_form") or StatementForm()
    return render(request, "leads/contest.html", context, status=status)
