"""One scorecard, one's own, and those of a manager's people; notes, agreed actions and signatures on them."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import InvalidInput
from apps.core.keyset import page_of
from apps.core.periods import Period
from apps.core.policies import Policy, guarded, visible_or_404
from apps.reps.models import Rep, Team
from apps.scorecards import policies
from apps.scorecards.forms.cards import (
    ActionClosingForm,
    ActionForm,
    NoteForm,
    PrivateNoteForm,
    SignForm,
)
from apps.scorecards.models import (
    ActionOutcome,
    Scorecard,
    ScorecardAction,
    ScorecardPrivateNote,
    SignedAs,
    reps_with_cards_for,
    signs_as,
)
from apps.scorecards.presentation import card_context, key_figures, tier_words
from apps.scorecards.presentation_since import since_rows
from apps.scorecards.rules.figures import factor
from apps.scorecards.selectors import card_of, cards_of
from apps.scorecards.selectors.card_actions import agreed_over, opens_with
from apps.scorecards.selectors.card_copies import from_json
from apps.scorecards.selectors.cards import Card, in_month
from apps.scorecards.selectors.since_closed import came_since, since_closed
from apps.scorecards.services import card_actions, card_downloads
from apps.scorecards.services import cards as services
from apps.scorecards.views import asked


def _reps_for(user: Any) -> QuerySet[Rep]:
    return reps_with_cards_for(user).select_related("calendar", "team__calendar", "team__manager", "user")


@require_safe
@guarded(policies.SEE_OWN_CARD)
def own(request: HttpRequest) -> HttpResponse:
    """One's own scorecard of ``?month=``, the last whole month without it."""
    user: Any = request.user
    rep = _reps_for(user).filter(user=user).first()
    if rep is None:
        return render(request, "scorecards/no_rep.html")
    return _card_page(request, rep, asked.chosen_month(request))


@require_safe
@guarded(policies.SEE_CARD)
def scorecard(request: HttpRequest, pk: int) -> HttpResponse:
    """A kept scorecard by its number."""
    row = visible_or_404(Scorecard.objects.visible_to(request.user), pk=pk)
    rep = visible_or_404(_reps_for(request.user), pk=row.rep_id)
    return _card_page(request, rep, row.month)


@require_safe
@guarded(policies.SEE_CARD)
def scorecard_of(request: HttpRequest, rep: int, period: str) -> HttpResponse:
    """The scorecard of a rep and month, kept or worked out now."""
    month = asked.month(period)
    return _card_page(request, visible_or_404(_reps_for(request.user), pk=rep), month)


def shown_card(rep: Rep, month: Period, row: Scorecard | None) -> Card:
    """The kept copy of a frozen card; of an open one what the record says now."""
    return from_json(row.copy) if row is not None and row.is_frozen else card_of(rep=rep, month=month)


def _card_page(
    request: HttpRequest,
    rep: Rep,
    month: Period,
    typed: Mapping[str, Form] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The card; ``typed`` are forms that were refused, by their name in the page."""
    switch = asked.month_switch(month, first=rep.hired_on)
    if month.start > switch["running"].start or month.end <= rep.hired_on:
        raise Http404
    row = Scorecard.objects.filter(rep=rep, month_on=month.start).first()
    card = shown_card(rep, month, row)
    user: Any = request.user
    part = signs_as(rep, user)
    signatures = (
        {one.signed_as: one for one in row.signatures.select_related("user")} if row is not None else {}
    )
    context = card_context(card, is_own=rep.user_id == user.pk) | {
        "rep": rep,
        "row": row,
        "switch": switch,
        "today": asked.today(),
        "notes": row.notes.select_related("author") if row is not None else [],
        "private_notes": _private_notes(row, user),
        "actions": agreed_over(rep=rep, month=month),
        "carried": opens_with(rep=rep, month=month),
        "note_form": NoteForm(),
        "private_form": PrivateNoteForm(prefix="private"),
        "action_form": ActionForm(initial={"owner": part}),
        "sign_form": SignForm(auto_id=False, initial={"fingerprint": row.fingerprint if row else ""}),
        "may_write": part is not None,
        "may_keep_to_self": part is SignedAs.MANAGER,
        "sign_off": _sign_off(rep, row, signatures, part),
        "may_sign": part is not None and row is not None and row.is_frozen and part not in signatures,
        "since": since_rows(since_closed(card=card, rep=rep), card) if card.as_of is not None else None,
    }
    return render(request, "scorecards/scorecard.html", context | dict(typed or {}), status=status)


def _private_notes(row: Scorecard | None, user: Any) -> QuerySet[ScorecardPrivateNote]:
    return ScorecardPrivateNote.objects.visible_to(user).filter(scorecard=row)


def _sign_off(
    rep: Rep, row: Scorecard | None, signatures: dict[str, Any], part: SignedAs | None
) -> list[dict[str, Any]]:
    people = [(SignedAs.MANAGER, rep.team.manager), (SignedAs.REP, rep.user)]
    return [
        {
            "who": person.name if person else "",
            "as": signed_as.label.lower(),
            "signature": signatures.get(signed_as),
            "is_you": part == signed_as,
        }
        for signed_as, person in people
    ]


@require_POST
@guarded(policies.WRITE_NOTE)
def write_note(request: HttpRequest, rep: int, period: str) -> HttpResponse:
    """Say something about a scorecard."""
    about = _written_on(request, rep, policies.WRITE_NOTE)
    month = asked.card_month(period, about)
    form = NoteForm(request.POST)
    if form.is_valid():
        services.write_note(
            rep=about, month=month, author=request.user, text=form.cleaned_data["text"], at=timezone.now()
        )
        messages.success(request, "Your note stands on the scorecard.")
        return redirect("scorecards:scorecard_of", about.pk, month.code)
    return _card_page(request, about, month, {"note_form": form}, status=400)


@require_POST
@guarded(policies.KEEP_PRIVATE_NOTE)
def write_private_note(request: HttpRequest, rep: int, period: str) -> HttpResponse:
    """Keep something about a scorecard to oneself."""
    about = _written_on(request, rep, policies.KEEP_PRIVATE_NOTE)
    month = asked.card_month(period, about)
    form = PrivateNoteForm(request.POST, prefix="private")
    if form.is_valid():
        services.write_private_note(
            rep=about, month=month, author=request.user, text=form.cleaned_data["text"], at=timezone.now()
        )
        messages.success(request, "Kept to yourself.")
        return redirect("scorecards:scorecard_of", about.pk, month.code)
    return _card_page(request, about, month, {"private_form": form}, status=400)


@require_POST
@guarded(policies.AGREE_ACTION)
def agree_action(request: HttpRequest, rep: int, period: str) -> HttpResponse:
    """Write down what was agreed over a scorecard."""
    about = _written_on(request, rep, policies.AGREE_ACTION)
    month = asked.card_month(period, about)
    form = ActionForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            card_actions.agree_action(
                rep=about,
                month=month,
                text=given["text"],
                owner=SignedAs(given["owner"]),
                due_on=given["due_on"],
                at=timezone.now(),
                actor=request.user,
            )
        except InvalidInput as error:
            form.add_error(error.field or None, error.message)
        else:
            messages.success(request, "Agreed. The next scorecard opens with it.")
            return redirect("scorecards:scorecard_of", about.pk, month.code)
    return _card_page(request, about, month, {"action_form": form}, status=400)


@require_POST
@guarded(policies.AGREE_ACTION)
def close_action(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that an agreed action is done, or dropped and why."""
    actions = ScorecardAction.objects.visible_to(request.user).select_related("scorecard")
    action = visible_or_404(actions, pk=pk)
    about = _written_on(request, action.scorecard.rep_id, policies.AGREE_ACTION)
    form = ActionClosingForm(request.POST)
    if not form.is_valid():
        raise InvalidInput("Say whether it is done or dropped.", field="outcome")
    outcome = ActionOutcome(form.cleaned_data["outcome"])
    card_actions.close_action(
        action=action,
        outcome=outcome,
        words=form.cleaned_data["words"],
        at=timezone.now(),
        actor=request.user,
    )
    messages.success(request, f"{outcome.label}: {action.text}")
    code = form.cleaned_data["shown"] or action.scorecard.month.code
    return redirect("scorecards:scorecard_of", about.pk, asked.month(code).code)


def _written_on(request: HttpRequest, rep: int, policy: Policy) -> Rep:
    """The rep whose card is written on, where this person may."""
    about = visible_or_404(_reps_for(request.user), pk=rep)
    policy.check(request.user, about)
    return about


@require_POST
@guarded(policies.SIGN_CARD)
def sign(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign the frozen scorecard that was read, for oneself."""
    row = visible_or_404(Scorecard.objects.visible_to(request.user).select_related("rep__team"), pk=pk)
    policies.SIGN_CARD.check(request.user, row.rep)
    form = SignForm(request.POST)
    services.sign(
        card=row,
        user=request.user,
        fingerprint=form.cleaned_data["fingerprint"] if form.is_valid() else "",
        at=timezone.now(),
    )
    messages.success(request, f"You signed the scorecard of {row.month.name}.")
    return redirect("scorecards:scorecard_of", row.rep_id, row.month.code)


@require_POST
@guarded(policies.SEE_CARD)
def download(request: HttpRequest, rep: int, period: str) -> HttpResponse:
    """A scorecard as PDF; that it was taken is recorded. No private note is in it."""
    about = visible_or_404(_reps_for(request.user), pk=rep)
    month = asked.card_month(period, about)
    made = card_downloads.download_card(rep=about, month=month, at=timezone.now(), actor=request.user)
    response = HttpResponse(made.content, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{made.name}"'
    response["Cache-Control"] = "no-store, private"
    return response


PAGE_SIZE = 50


@require_safe
@guarded(policies.SEE_CARDS)
def scorecards(request: HttpRequest) -> HttpResponse:
    """The people of the teams managed (all teams for RevOps) with their key figures of ``?month=``."""
    month = asked.chosen_month(request)
    switch = asked.month_switch(month)
    if month.start > switch["running"].start:
        raise Http404
    reps = _reps_for(request.user).filter(in_month(month))
    teams = list(Team.objects.filter(pk__in=reps.values("team_id")))
    team = next((one for one in teams if str(one.pk) == request.GET.get("team", "")), None)
    if team is not None:
        reps = reps.filter(team=team)
    page = page_of(reps, by=("team_id", "name", "pk"), after=request.GET.get("after", ""), size=PAGE_SIZE)
    kept = {
        row.rep_id: row
        for row in Scorecard.objects.filter(rep__in=page.rows, month_on=month.start).prefetch_related(
            "signatures"
        )
    }
    live = cards_of(
        reps=[rep for rep in page.rows if rep.pk not in kept or not kept[rep.pk].is_frozen], month=month
    )
    rows = []
    shown = [live[rep.pk] if rep.pk in live else from_json(kept[rep.pk].copy) for rep in page.rows]
    later = came_since([card for card in shown if card.as_of is not None])
    for rep, card in zip(page.rows, shown, strict=True):
        row = kept.get(rep.pk)
        rows.append(
            {
                "rep": rep,
                "row": row,
                "later": rep.pk in later,
                "figures": key_figures(card),
                "tier": tier_words(card.placed) if card.placed else None,
                "placed": card.placed,
                "index": factor(card.placed.standing.index, 2) if card.placed else "",
                "signed": {one.signed_as for one in row.signatures.all()} if row else set(),
            }
        )
    context = {
        "rows": rows,
        "page": page,
        "shown": asked.shown(page, "rep"),
        "teams": teams,
        "team": team,
        "switch": switch,
        "month": month,
        "waiting": _waiting(request.user, month),
    }
    return render(request, "scorecards/list.html", context)


def _waiting(user: Any, month: Period) -> int:
    """How many frozen cards of ``month`` still want this manager's signature."""
    cards = Scorecard.objects.frozen().filter(month_on=month.start, rep__team__manager=user)
    signed = Q(signatures__signed_as=SignedAs.MANAGER)
    return cards.exclude(signed).count()
