"""What is done around a weekly review: make a pack, ask and answer, agree on an item, end one, set when it is."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import Period
from apps.core.policies import guarded, visible_or_404
from apps.leads.models import Lead
from apps.reps.models import Rep, Team
from apps.scorecards import policies
from apps.scorecards.forms.review import ItemForm, ReviewSettingForm
from apps.scorecards.models import ReviewItem, ReviewItemEnd, ReviewSection, WhyNot
from apps.scorecards.presentation_review import HOW
from apps.scorecards.rules.review import last_whole_week, week_of
from apps.scorecards.selectors.review_items import open_items
from apps.scorecards.selectors.review_pack import Owed, owed_in, setting_of, teams_with_review
from apps.scorecards.services import review_items, reviews
from apps.scorecards.views import asked
from apps.scorecards.views.review import found_review, meeting_page, pack_page
from apps.slas.models import BreachReason, Clock
from apps.slas.services import verdicts

_PRESSES = {
    ReviewSection.COLD: ("no_answer", "not_now", "competitor", "no_fit", "overlooked"),
    ReviewSection.TOUCHES: ("away", "no_time", "bad_contact", "customer", "overlooked"),
    ReviewSection.PROMISES: ("capacity", "away", "routed_late", "bad_data", "not_seen", "customer"),
}
"""The reasons that stand as one press each; "another reason" asks for a word."""


def _written_team(request: HttpRequest, pk: int) -> Team:
    team = visible_or_404(Team.objects.visible_to(request.user), pk=pk)
    policies.WRITE_REVIEW.check(request.user, team)
    return team


@require_POST
@guarded(policies.WRITE_REVIEW)
def make(request: HttpRequest, team: int) -> HttpResponse:
    """Make the pack of the last whole week now; whoever comes second is shown the one that was made."""
    found = _written_team(request, team)
    made = reviews.make_review(
        team=found, week=last_whole_week(asked.today()), at=timezone.now(), actor=request.user
    )
    messages.success(
        request, "The pack is made and sent to the team." if made.is_new else "This pack was made before."
    )
    return redirect("scorecards:review", made.review.pk)


@require_POST
@guarded(policies.WRITE_REVIEW)
def ask(request: HttpRequest, team: int) -> HttpResponse:
    """Ask now for the reasons of a week that are missing: that of ``review``, or the last whole one."""
    found = _written_team(request, team)
    pk = request.POST.get("review", "")
    week = found_review(request, int(pk)).week if pk.isdigit() else last_whole_week(asked.today())
    people = reviews.ask_for_reasons(team=found, week=week, at=timezone.now(), actor=request.user)
    said = (
        f"{people} {'person is' if people == 1 else 'people are'} asked."
        if people
        else "No reason is missing."
    )
    messages.success(request, said)
    return redirect(reverse("scorecards:review", args=[pk]) if pk.isdigit() else _list_of(found))


def _list_of(team: Team) -> str:
    return f"{reverse('scorecards:reviews')}?team={team.pk}"


@require_POST
@guarded(policies.WRITE_REVIEW)
def add_item(request: HttpRequest, pk: int) -> HttpResponse:
    """Note a decision or an action; back to the part of the meeting, or the pack, where it was agreed."""
    found = found_review(request, pk)
    policies.WRITE_REVIEW.check(request.user, found.team)
    in_meeting = bool(request.POST.get("part"))
    form = ItemForm(team=found.team, data=request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            review_items.add_item(
                review=found,
                kind=given["kind"],
                text=given["text"],
                section=given["section"] or ReviewSection.ACTIONS,
                owner=given["owner"],
                due_on=given["due_on"],
                request_key=given["request_key"],
                at=timezone.now(),
                actor=request.user,
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, "Noted. Whose action it is, is told." if given["owner"] else "Noted.")
            return redirect(_back(request, pk))
    page = meeting_page if in_meeting else pack_page
    return page(request, found, wrong=form, status=422)


def _back(request: HttpRequest, review: int) -> str:
    part = request.POST.get("part", "")
    if not part:
        return reverse("scorecards:review", args=[review]) + "#items"
    query = {"part": part} | ({"began": began} if (began := request.POST.get("began", "")) else {})
    return f"{reverse('scorecards:review_meeting', args=[review])}?{urlencode(query)}"


@require_POST
@guarded(policies.END_REVIEW_ITEM)
def end_item(request: HttpRequest, pk: int) -> HttpResponse:
    """Call an item done, or drop it with a reason."""
    items = ReviewItem.objects.visible_to(request.user).select_related("team").distinct()
    found = visible_or_404(items, pk=pk)
    policies.END_REVIEW_ITEM.check(request.user, found)
    how = request.POST.get("how", "")
    try:
        review_items.end_item(
            item=found, how=how, reason=request.POST.get("reason", ""), at=timezone.now(), actor=request.user
        )
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Done." if how == ReviewItemEnd.How.DONE else "Dropped, with the reason.")
    review = request.POST.get("review", "")
    return redirect(_back(request, int(review)) if review.isdigit() else reverse("scorecards:review_items"))


@require_safe
@guarded(policies.SEE_REVIEW)
def items(request: HttpRequest) -> HttpResponse:
    """Open actions: one's own, or with ``?whose=all`` all that one sees."""
    whose_all = request.GET.get("whose") == "all"
    found = open_items(request.user, today=asked.today(), own=not whose_all)
    return render(
        request, "scorecards/review_items.html", {"items": found, "all": whose_all, "today": asked.today()}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.GIVE_REVIEW_REASON)
def reasons(request: HttpRequest) -> HttpResponse:
    """The reasons that one owes for the review to come, each answered with one press."""
    if request.method == "POST":
        return _answer(request)
    return _reasons_page(request)


def _asked_teams(user: Any) -> list[Team]:
    teams = Team.objects.visible_to(user).filter(pk__in=teams_with_review().values("pk"))
    if user.role == "manager":
        teams = teams.filter(manager=user)
    return list(teams.order_by("name")[:20])


def _weeks() -> tuple[Period, Period]:
    """The last whole week, and the one before it: what was not said in time may still be said."""
    last = last_whole_week(asked.today())
    return last, last.previous()


def _own(user: Any, team: Team, owed: list[Owed]) -> list[Owed]:
    if team.manager_id == user.pk:
        return owed
    own = set(Rep.objects.filter(user=user).values_list("pk", flat=True))
    return [one for one in owed if one.row.get("rep") in own]


def _reasons_page(
    request: HttpRequest, *, wrong: str = "", subject: str = "", status: int = 200
) -> HttpResponse:
    user: Any = request.user
    at = timezone.now()
    groups: list[dict[str, Any]] = []
    for team in _asked_teams(user):
        for week in _weeks():
            owed = _own(user, team, owed_in(team=team, week=week, at=at))
            if owed:
                groups.append(
                    {"team": team, "week": week, "meets_at": setting_of(team).meeting_of(week), "owed": owed}
                )
    leads = Lead.objects.visible_to(user).in_bulk(
        {one.row["lead"] for group in groups for one in group["owed"]}
    )
    reps = dict(
        Rep.objects.filter(
            pk__in={one.row.get("rep") for group in groups for one in group["owed"]} - {None}
        ).values_list("pk", "name")
    )
    for group in groups:
        group["rows"] = [_asked_row(one, leads, reps) for one in group.pop("owed")[:100]]
    context = {
        "groups": groups,
        "wrong": wrong,
        "wrong_subject": subject,
        "count": sum(len(group["rows"]) for group in groups),
    }
    return render(request, "scorecards/review_reasons.html", context, status=status)


def _asked_row(one: Owed, leads: dict[int, Lead], reps: dict[int, str]) -> dict[str, Any]:
    labels = dict(BreachReason.choices if one.row.get("clock") else WhyNot.choices)
    presses = _PRESSES[ReviewSection.PROMISES if one.row.get("clock") else one.section]
    lead = leads.get(one.row["lead"])
    return {
        "subject": one.row.get("subject") or f"clock:{one.row['clock']}",
        "lead": lead,
        "rep": reps.get(one.row.get("rep") or 0, "the pool"),
        "how": HOW.get(one.row["how"], one.row["how"]),
        "section": one.section.label,
        "at": asked.instant(one.row["at"]),
        "presses": [(code, labels[code]) for code in presses],
    }


def _answer(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    subject, reason = request.POST.get("subject", ""), request.POST.get("reason", "")
    note = request.POST.get("note", "")
    try:
        if subject.startswith("clock:"):
            pk = subject.removeprefix("clock:")
            clock = visible_or_404(Clock.objects.visible_to(user), pk=pk)
            verdicts.give_reason(clock=clock, reason=reason, note=note, at=timezone.now(), actor=user)
        else:
            _answer_row(request, subject, reason, note)
    except DomainError as error:
        return _reasons_page(request, wrong=error.message, subject=subject, status=422)
    messages.success(request, "The reason is kept.")
    return redirect("scorecards:review_reasons")


def _answer_row(request: HttpRequest, subject: str, reason: str, note: str) -> None:
    team = visible_or_404(Team.objects.visible_to(request.user), pk=request.POST.get("team", "") or 0)
    day, wrong = asked.day(request.POST.get("week", ""))
    if day is None:
        raise InvalidInput(wrong or "Say of which week.", field="week")
    week = week_of(day)
    owed = _own(request.user, team, owed_in(team=team, week=week, at=timezone.now()))
    if not any(one.row.get("subject") == subject for one in owed):
        raise reviews.NothingOwed("This reason was given already, or is somebody else's to give.")
    reviews.give_reason(
        team=team, week=week, subject=subject, reason=reason, note=note, at=timezone.now(), actor=request.user
    )


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.WRITE_REVIEW)
def setting(request: HttpRequest, team: int) -> HttpResponse:
    """When a team holds its review, and how long before it is asked and made."""
    found = _written_team(request, team)
    present, status = setting_of(found), 200
    form = ReviewSettingForm(setting=present)
    if request.method == "POST":
        form = ReviewSettingForm(setting=present, data=request.POST)
        if form.is_valid():
            try:
                reviews.set_review(team=found, terms=form.terms, at=timezone.now(), actor=request.user)
            except DomainError as error:
                form.add_error(error.field if error.field in form.fields else None, error.message)
            else:
                messages.success(request, "The review is set. Packs that were made stay as they are.")
                return redirect(_list_of(found))
        status = 422
    week = last_whole_week(asked.today() + timedelta(days=7))
    context = {"team": found, "form": form, "meets_at": present.meeting_of(week)}
    return render(request, "scorecards/review_setting.html", context, status=status)
