"""Inquiries: asking from a statement, the worklist, one inquiry with its thread, and what either side does with it."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from apps.accounts.models import Role
from apps.compensation import inquiry_policies as policies
from apps.compensation.inquiry_forms import (
    AdjustmentForm,
    AskBackForm,
    AskForm,
    AssignForm,
    DeclineChangeForm,
    OutcomeForm,
    ReasonForm,
    ReplyForm,
)
from apps.compensation.models import Inquiry, InquiryAttachment, LedgerEntry, Statement
from apps.compensation.rules.attachments import type_of
from apps.compensation.selectors import inquiries as selectors
from apps.compensation.services import (
    inquiries,
    inquiry_files,
    inquiry_outcomes,
    inquiry_owners,
    inquiry_terms,
    inquiry_thread,
    pay_adjustments,
)
from apps.core.errors import DomainError, InvalidInput, note_refusal
from apps.core.policies import guarded, visible_or_404


@require_safe
@guarded(policies.SEE_INQUIRIES)
def inquiry_list(request: HttpRequest) -> HttpResponse:
    """The worklist of who answers; one's own, or the team's, for everybody else."""
    now = timezone.now()
    found = selectors.worklist(
        request.user, show=request.GET.get("show", ""), at=now, after=request.GET.get("after", "")
    )
    context = {
        "work": found,
        "show": next((key for key, _, on in found.chips if on), ""),
        "now": now,
        "answers": policies.ANSWER_INQUIRY.admits(request.user),
        "reads_along": request.user.role == Role.MANAGER,
        "may_set": policies.SET_INQUIRY_TERMS.admits(request.user),
        "terms": inquiry_terms.terms_in_force(),
    }
    return render(request, "compensation/inquiries.html", context)


# --- Asking -----------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.ASK_INQUIRY)
def inquiry_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask about one's own statement; ``?line=`` names the line that is questioned."""
    visible = Statement.objects.visible_to(request.user).select_related("run", "rep")
    statement: Statement = visible_or_404(visible, pk=pk)
    policies.ASK_INQUIRY.check(request.user, statement)
    line = _line(request, statement)
    form = AskForm(
        request.POST or None,
        request.FILES or None,
        currency=statement.currency,
        of_line=line is not None,
        initial={"about": "missing"},
    )
    refusal, status = "", 200
    running = selectors.running_of_lines([line.pk]).get(line.pk) if line else None
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                asked = inquiries.ask(
                    question=_question(form, statement, line),
                    files=form.cleaned_data["files"],
                    source_key=form.source_key(request.user),
                    at=timezone.now(),
                    actor=request.user,
                )
            except InvalidInput as error:
                form.add_error(error.field if error.field in form.fields else None, error.message)
            except DomainError as error:
                note_refusal(error)
                refusal, status = error.message, error.status
            else:
                messages.success(request, f"Asked. {asked.owner.name} answers.")
                return redirect("compensation:inquiry", asked.pk)
    context = {
        "statement": statement,
        "line": line,
        "form": form,
        "refusal": refusal,
        "running": running,
        "terms": inquiry_terms.terms_in_force(),
    }
    return render(request, "compensation/inquiry_new.html", context, status=status)


def _line(request: HttpRequest, statement: Statement) -> LedgerEntry | None:
    text = request.GET.get("line", "")
    if not text:
        return None
    rows = LedgerEntry.objects.filter(statement=statement).select_related(
        "event__lead", "event__opportunity", "plan_version__plan", "run"
    )
    found: LedgerEntry = visible_or_404(rows, pk=text)
    return found


def _question(form: AskForm, statement: Statement, line: LedgerEntry | None) -> inquiries.Question:
    given = form.cleaned_data
    return inquiries.Question(
        statement=statement,
        text=given["text"],
        line=line,
        expected=given.get("expected", ""),
        expected_minor=given["expected_minor"],
    )


# --- One inquiry ------------------------------------------------------------------------------------


def _found(request: HttpRequest, pk: int) -> Inquiry:
    found: Inquiry = visible_or_404(selectors.inquiries_for(request.user), pk=pk)
    return found


@require_safe
@guarded(policies.SEE_INQUIRIES)
def inquiry(request: HttpRequest, pk: int) -> HttpResponse:
    """One inquiry: what was asked and said, the line beside it, and what may be done."""
    return show(request, _found(request, pk))


def show(request: HttpRequest, found: Inquiry, status: int = 200, **given: Any) -> HttpResponse:
    """The page, with forms that were refused in ``given``."""
    user, now = request.user, timezone.now()
    page = selectors.inquiry_page(found, user)
    may_answer = policies.ANSWER_INQUIRY.allows(user, found)
    asked = found.asked_by_id == user.pk
    waiting = page.waiting
    basis = pay_adjustments.basis_of(found) if may_answer and found.is_running and not waiting else None
    context = {
        "inquiry": found,
        "page": page,
        "now": now,
        "asked": asked,
        "may_answer": may_answer and found.is_running,
        "may_reply": found.is_running and policies.REPLY_TO_INQUIRY.allows(user, found),
        "may_settle": may_answer and found.is_running and waiting is None,
        "may_accept": asked and found.is_settled,
        "may_reopen": asked and found.may_be_reopened(now),
        "may_withdraw": asked and found.is_running and waiting is None,
        "may_decide": waiting is not None and policies.APPROVE_ADJUSTMENT.allows(user, waiting),
        "may_take_back": waiting is not None and waiting.proposed_by_id == user.pk,
        "may_reverse": may_answer and waiting is None,
        "why_not": pay_adjustments.why_not_approve(adjustment=waiting, user=user)
        if waiting is not None and policies.APPROVE_ADJUSTMENT.admits(user)
        else "",
        "basis": basis,
        "unseen": any(item.is_new for item in page.items),
        "reply_form": ReplyForm(),
        "ask_back_form": AskBackForm(auto_id="id_ask_back_%s"),
        "outcome_form": OutcomeForm(auto_id="id_outcome_%s"),
        "adjustment_form": AdjustmentForm(basis=basis, auto_id="id_change_%s", initial=_start(found))
        if basis
        else None,
        "assign_form": AssignForm(people=inquiry_owners.possible_owners(found), auto_id="id_assign_%s")
        if may_answer and found.is_running
        else None,
        "reopen_form": ReasonForm(auto_id="id_reopen_%s"),
        "decline_form": DeclineChangeForm(auto_id="id_decline_%s"),
        "reversal_form": ReasonForm(auto_id="id_reversal_%s"),
        "refusal": "",
    }
    return render(request, "compensation/inquiry.html", context | given, status=status)


def _start(found: Inquiry) -> dict[str, Any]:
    """What the form of a change begins with."""
    component = found.line.component_key if found.line else None
    return {"currency": found.statement.currency, "component": component}


def act(
    request: HttpRequest,
    found: Inquiry,
    done: Callable[[], Any],
    says: str,
    form: forms.Form | None = None,
    name: str = "",
) -> HttpResponse:
    """Do it and go back to the page; a form that is wrong, or a refusal, is shown on it with all that was typed."""
    if form is not None and not form.is_valid():
        return show(request, found, status=422, **{name: form})
    try:
        done()
    except InvalidInput as error:
        if form is None:
            return show(request, _found(request, found.pk), status=422, refusal=error.message)
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return show(request, _found(request, found.pk), status=422, **{name: form})
    except DomainError as error:
        note_refusal(error)
        given = {name: form} if form is not None else {}
        return show(request, _found(request, found.pk), status=error.status, refusal=error.message, **given)
    messages.success(request, says)
    return redirect("compensation:inquiry", found.pk)


@require_POST
@guarded(policies.REPLY_TO_INQUIRY)
def inquiry_reply(request: HttpRequest, pk: int) -> HttpResponse:
    """Say something, with files."""
    found = _found(request, pk)
    policies.REPLY_TO_INQUIRY.check(request.user, found)
    form = ReplyForm(request.POST, request.FILES)

    def done() -> None:
        inquiry_thread.reply(
            inquiry=found,
            text=form.cleaned_data["text"],
            files=form.cleaned_data["files"],
            source_key=form.source_key(request.user),
            at=timezone.now(),
            actor=request.user,
        )

    return act(request, found, done, "Sent.", form, "reply_form")


@require_POST
@guarded(policies.ANSWER_INQUIRY)
def inquiry_ask_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask who asked for something; it stands still meanwhile."""
    found = _found(request, pk)
    policies.ANSWER_INQUIRY.check(request.user, found)
    form = AskBackForm(request.POST, request.FILES, auto_id="id_ask_back_%s")

    def done() -> None:
        inquiry_thread.ask_back(
            inquiry=found,
            text=form.cleaned_data["text"],
            files=form.cleaned_data["files"],
            source_key=form.source_key(request.user),
            at=timezone.now(),
            actor=request.user,
        )

    return act(request, found, done, "Asked. It stands still until they reply.", form, "ask_back_form")


@require_POST
@guarded(policies.ANSWER_INQUIRY)
def inquiry_settle(request: HttpRequest, pk: int) -> HttpResponse:
    """Explain, say what was corrected, or decline."""
    found = _found(request, pk)
    policies.ANSWER_INQUIRY.check(request.user, found)
    form = OutcomeForm(request.POST, request.FILES, auto_id="id_outcome_%s")

    def done() -> None:
        given = form.cleaned_data
        said = {"text": given["text"], "files": given["files"], "at": timezone.now(), "actor": request.user}
        if given["outcome"] == "corrected":
            inquiry_outcomes.say_corrected(inquiry=found, link=given["link"], **said)
        elif given["outcome"] == "declined":
            inquiry_outcomes.decline(inquiry=found, **said)
        else:
            inquiry_outcomes.explain(inquiry=found, **said)

    return act(request, found, done, "Settled. Who asked is told.", form, "outcome_form")


@require_POST
@guarded(policies.ANSWER_INQUIRY)
def inquiry_assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Give it to another person, with a reason."""
    found = _found(request, pk)
    policies.ANSWER_INQUIRY.check(request.user, found)
    people = inquiry_owners.possible_owners(found)
    form = AssignForm(request.POST, people=people, auto_id="id_assign_%s")

    def done() -> None:
        inquiry_owners.reassign(
            inquiry=found,
            owner=form.chosen(),
            reason=form.cleaned_data["reason"],
            at=timezone.now(),
            actor=request.user,
        )

    return act(request, found, done, "Given on.", form, "assign_form")


@require_POST
@guarded(policies.FOLLOW_INQUIRY)
def inquiry_accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Who asked accepts what came of it."""
    found = _found(request, pk)
    policies.FOLLOW_INQUIRY.check(request.user, found)
    return act(
        request,
        found,
        lambda: inquiries.accept(inquiry=found, at=timezone.now(), actor=request.user),
        "Closed.",
    )


@require_POST
@guarded(policies.FOLLOW_INQUIRY)
def inquiry_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Who asked lets it go."""
    found = _found(request, pk)
    policies.FOLLOW_INQUIRY.check(request.user, found)
    return act(
        request,
        found,
        lambda: inquiries.withdraw(inquiry=found, at=timezone.now(), actor=request.user),
        "Withdrawn.",
    )


@require_POST
@guarded(policies.FOLLOW_INQUIRY)
def inquiry_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Who asked opens it again, with a reason."""
    found = _found(request, pk)
    policies.FOLLOW_INQUIRY.check(request.user, found)
    form = ReasonForm(request.POST, auto_id="id_reopen_%s")

    def done() -> None:
        inquiries.reopen(
            inquiry=found, reason=form.cleaned_data["reason"], at=timezone.now(), actor=request.user
        )

    return act(request, found, done, "Opened again.", form, "reopen_form")


@require_POST
@guarded(policies.SEE_INQUIRIES)
def inquiry_seen(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that the thread was read: the page says so once it is shown."""
    found = _found(request, pk)
    if policies.REPLY_TO_INQUIRY.allows(request.user, found):
        inquiry_thread.mark_seen(
            inquiry=found, user=request.user, number=found.messages_count, at=timezone.now()
        )
    return HttpResponse(status=204)


@require_GET
@guarded(policies.SEE_INQUIRIES)
def attachment(request: HttpRequest, pk: int) -> FileResponse:
    """A file, as a download that no browser opens in the portal's name."""
    found: InquiryAttachment = visible_or_404(inquiry_files.attachments_for(request.user), pk=pk)
    path = inquiry_files.stored_file(found)
    if not path.is_file():
        raise Http404
    return sent(found)


def sent(found: InquiryAttachment) -> FileResponse:
    """Its bytes with a type of the list, never sniffed, never kept by a cache, never shown in place."""
    response = FileResponse(
        inquiry_files.stored_file(found).open("rb"),
        as_attachment=True,
        filename=found.name,
        content_type=type_of(found.ending),
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "no-store, private"
    return response
