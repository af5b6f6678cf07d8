"""Replays of plans: the list, a new one, what one found, one person's part in it, the file."""

import uuid
from typing import Any

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.fresh import freshly_signed_in
from apps.compensation import policies
from apps.compensation import presentation_replay as words
from apps.compensation import presentation_replay_pictures as pictures
from apps.compensation.models import FORMATS_OF, FileKind, PayoutRun, Replay, ReplayPay, ReplayPerson
from apps.compensation.replay_forms import Question
from apps.compensation.selectors import replay_lines, replay_results
from apps.compensation.selectors.replay_world import Asked
from apps.compensation.services import replay_downloads, replays
from apps.compensation.views.statements import sent
from apps.core.errors import DomainError, note_refusal
from apps.core.keyset import page_of
from apps.core.periods import Period, day_of, month_of
from apps.core.policies import guarded, visible_or_404

USUAL_MONTHS = 6
PEOPLE_A_PAGE = 50


@require_safe
@guarded(policies.REPLAY_PLANS)
def replay_list(request: HttpRequest) -> HttpResponse:
    """The replays that were asked for, newest first."""
    listed = page_of(
        Replay.objects.visible_to(request.user).select_related("asked_by", "outcome"),
        by=("-asked_at", "-pk"),
        after=request.GET.get("after", ""),
    )
    context = {"listed": listed, "shown": words.plural(listed.shown, "replay")}
    return render(request, "compensation/replays.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@guarded(policies.REPLAY_PLANS)
def replay_new(request: HttpRequest) -> HttpResponse:
    """Ask a question; its buttons add and take away moves, and keep what was typed."""
    if request.method != "POST":
        initial = {
            "months": USUAL_MONTHS,
            "until": _last_paid_month().code,
            "shows": "concerned",
            "request_key": uuid.uuid4().hex,
        }
        version = _number(request.GET.get("version", ""))
        return _new(request, Question.fresh(request.user, initial=initial, version=version))
    question = Question.posted(request.user, request.POST, request.FILES)
    if request.POST.get("do"):
        return _new(request, question)
    if question.is_valid():
        given = question.months.cleaned_data
        try:
            replay, _ = replays.ask_replay(
                name=given["name"],
                months=given["months"],
                until=given["until"].last_day,
                alternatives=question.alternatives,
                everybody=given["shows"] == "everybody",
                request_key=f"page:{request.user.pk}:{given['request_key']}",
                at=timezone.now(),
                actor=request.user,
            )
        except DomainError as error:
            note_refusal(error)
            known = error.field if error.field in question.months.fields else None
            question.months.add_error(known, error.message)
        else:
            return redirect("compensation:replay", replay.pk)
    return _new(request, question, 422)


def _new(request: HttpRequest, question: Question, status: int = 200) -> HttpResponse:
    context = {"question": question, "months": question.months}
    return render(request, "compensation/replay_new.html", context, status=status)


def _last_paid_month() -> Period:
    """The month in which the newest closed run ends, else the month that ended last."""
    newest = PayoutRun.objects.closed().order_by("-ends_on").first()
    if newest is not None:
        return month_of(newest.period.last_day)
    return month_of(day_of(timezone.now(), settings.COMPANY_TIME_ZONE)).previous()


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _replay(request: HttpRequest, pk: int) -> Replay:
    found = Replay.objects.visible_to(request.user).select_related("asked_by", "outcome")
    return visible_or_404(found, pk=pk)


def _alternative(request: HttpRequest, found: replay_results.ReplayResults) -> int:
    """Which alternative is compared: the first, unless the address says another."""
    asked = _number(request.GET.get("with", ""))
    return asked if asked is not None and asked in found.alternatives else ReplayPay.FIRST_DRAFT


def _formats() -> list[tuple[str, str]]:
    return [(one.value, one.label) for one in FORMATS_OF[FileKind.REPLAY]]


@require_safe
@guarded(policies.REPLAY_PLANS)
def replay(request: HttpRequest, pk: int) -> HttpResponse:
    """What a replay found; or how far it is."""
    found = _replay(request, pk)
    context: dict[str, Any] = {"replay": found, "asked": Asked.of(found), "formats": _formats()}
    if not hasattr(found, "outcome"):
        return render(request, "compensation/replay.html", context | {"job": replays.job_of(found)})
    shown = replay_results.results(found, request.GET.get("currency", ""))
    number = _alternative(request, shown)
    context |= {
        "found": shown,
        "number": number,
        "name": shown.names[number],
        "people_count": len(shown.people),
        "accepted": sum(one.accepted for one in shown.people),
    }
    if shown.people:
        context |= _figures(shown, number) | _people(request, shown, number)
    return render(request, "compensation/replay.html", context)


def _figures(shown: replay_results.ReplayResults, number: int) -> dict[str, Any]:
    compared = words.compared(shown)
    return {
        "verdict": words.verdict(shown, number),
        "stats": words.stats(shown, number),
        "chart": pictures.slope_chart(shown, number),
        "bars": pictures.month_bars(shown, number),
        "components": words.sum_rows(shown.by_component, number, shown.currency),
        "paid_note": words.paid_note(shown),
        "periods": words.sum_rows(shown.by_period, number, shown.currency),
        "compared": compared,
        "any_open": any(row["held"] or row["owed"] for row in compared),
        "agreement": words.agreement_sentence(compared),
        "ranks": words.rank_rows(shown),
        "compared_names": [row["name"] for row in compared],
    }


def _people(request: HttpRequest, shown: replay_results.ReplayResults, number: int) -> dict[str, Any]:
    """A page of the people, gains first; every group's sums are of all of them."""
    sides = words.sides(shown, number)
    groups = [("Gain", sides.gain), ("Lose", sides.lose), ("The same", sides.same)]
    ordered = [(title, one) for title, people in groups for one in people]
    first = (_number(request.GET.get("after", "")) or 0) % max(len(ordered), 1)
    part = ordered[first : first + PEOPLE_A_PAGE]
    rows = [
        {
            "title": title,
            "people": [words.person_row(one, number, shown.currency) for name, one in part if name == title],
            "sums": words.group_row(people, number, shown.currency),
            "count": len(people),
            "ends": bool(people) and (title, people[-1]) in part,
        }
        for title, people in groups
    ]
    more = first + PEOPLE_A_PAGE
    return {
        "groups": [row for row in rows if row["people"]],
        "all_people": words.group_row(shown.people, number, shown.currency),
        "next_after": str(more) if more < len(ordered) else "",
        "first": first == 0,
        "people_shown": f"{first + 1:,} to {first + len(part):,} of {len(ordered):,} people",
        "is_last": more >= len(ordered),
    }


@require_safe
@guarded(policies.REPLAY_PLANS)
def replay_person(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: each period and component on both sides, and the lines of a period with their arithmetic."""
    mine = Replay.objects.visible_to(request.user).filter(outcome__isnull=False).order_by()
    people = ReplayPerson.objects.filter(replay__in=mine.values("pk"))
    person = visible_or_404(people.select_related("replay__outcome", "rep", "team"), pk=pk)
    found, rep = person.replay, person.rep_id
    shown = replay_results.results(found, request.GET.get("currency", ""))
    number = _alternative(request, shown)
    own = replay_results.person_rows(found, rep, shown.currency)
    asked = {one.code: one for one in Asked.of(found).periods}
    period = asked.get(request.GET.get("period", ""))
    context = {
        "replay": found,
        "person": person,
        "found": shown,
        "number": number,
        "name": shown.names[number],
        "months": words.person_months(own, asked.values(), number, shown.currency),
        "problem": next((one for one in shown.problems if one.rep_id == rep), None),
        "period": period,
    }
    if period is not None and context["problem"] is None:
        context["lists"] = [
            words.arithmetic(
                shown.names[side],
                replay_lines.lines_of(found, rep, side, period),
                sum(row.pay[side] for row in own if row.period == period),
                shown.currency,
            )
            for side in (ReplayPay.IN_FORCE, number)
        ]
    return render(request, "compensation/replay_person.html", context)


@require_POST
@guarded(policies.REPLAY_PLANS)
@freshly_signed_in
def replay_download(request: HttpRequest, pk: int) -> FileResponse:
    """The figures as a file; that it was taken is recorded."""
    made = replay_downloads.download_replay(
        replay=_replay(request, pk),
        file_format=request.POST.get("format", ""),
        at=timezone.now(),
        actor=request.user,
    )
    return sent(made)
