"""One scorecard, one's own, and those of a manager's people; notes and signatures on them."""

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import DomainError
from apps.core.keyset import page_of
from apps.core.periods import Period
from apps.core.policies import guarded, visible_or_404
from apps.reps.models import Rep, Team
from apps.scorecards import policies
from apps.scorecards.forms.cards import NoteForm
from apps.scorecards.models import Scorecard, SignedAs, reps_with_cards_for, signs_as
from apps.scorecards.presentation import card_context, key_figures, tier_words
from apps.scorecards.rules.figures import factor
from apps.scorecards.selectors import card_of, cards_of
from apps.scorecards.selectors.card_copies import from_json
from apps.scorecards.selectors.cards import Card, in_month
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


def _shown_card(rep: Rep, month: Period, row: Scorecard | None) -> Card:
    return from_json(row.copy) if row is not None and row.is_frozen else card_of(rep=rep, month=month)


def _card_page(
    request: HttpRequest, rep: Rep, month: Period, form: NoteForm | None = None, status: int = 200
) -> HttpResponse:
    switch = asked.month_switch(month, first=rep.hired_on)
    if month.start > switch["running"].start or month.end <= rep.hired_on:
        raise Http404
    row = Scorecard.objects.filter(rep=rep, month_on=month.start).first()
    card = _shown_card(rep, month, row)
    user: Any = request.user
    part = signs_as(rep, user)
    signatures = (
        {one.signed_as: one for one in row.signatures.select_related("user")} if row is not None else {}
    )
    context = card_context(card, is_own=rep.user_id == user.pk) | {
        "rep": rep,
        "row": row,
        "switch": switch,
        "notes": row.notes.select_related("author") if row is not None else [],
        "note_form": form or NoteForm(),
        "may_write": part is not None,
        "sign_off": _sign_off(rep, row, signatures, part),
        "may_sign": part is not None and row is not None and row.is_frozen and part not in signatures,
    }
    return render(request, "scorecards/scorecard.html", context, status=status)


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
    month = asked.month(period)
    about = visible_or_404(_reps_for(request.user), pk=rep)
    policies.WRITE_NOTE.check(request.user, about)
    form = NoteForm(request.POST)
    if form.is_valid():
        try:
            services.write_note(
                rep=about,
                month=month,
                author=request.user,
                text=form.cleaned_data["text"],
                at=timezone.now(),
            )
        except DomainError as error:
            form.add_error("text", error.message)
        else:
            messages.success(request, "Your note stands on the scorecard.")
            return redirect("scorecards:scorecard_of", about.pk, month.code)
    return _card_page(request, about, month, form, status=400)


@require_POST
@guarded(policies.SIGN_CARD)
def sign(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign a frozen scorecard, for oneself."""
    row = visible_or_404(Scorecard.objects.visible_to(request.user).select_related("rep__team"), pk=pk)
    policies.SIGN_CARD.check(request.user, row.rep)
    services.sign(card=row, user=request.user, at=timezone.now())
    messages.success(request, f"You signed the scorecard of {row.month.name}.")
    return redirect("scorecards:scorecard_of", row.rep_id, row.month.code)


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
    for rep in page.rows:
        row = kept.get(rep.pk)
        card = live[rep.pk] if rep.pk in live else from_json(kept[rep.pk].copy)
        rows.append(
            {
                "rep": rep,
                "row": row,
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
