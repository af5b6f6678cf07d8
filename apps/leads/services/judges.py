"""Who judges a contest: a manager of neither side, or RevOps; naming another, and reminding whoever it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Q

from apps.accounts.models import Role, User
from apps.audit import services as audit
from apps.core.errors import DomainError
from apps.leads.models import Contest, ContestState, HandOff
from apps.leads.rules.contests import Sides, choose_judge, ends_at
from apps.leads.services import answer_news
from apps.leads.services.contest_terms import terms_in_force
from apps.reps.selectors import hours_for


class NobodyNeutral(DomainError):
    """There is neither a manager of neither side nor anybody of RevOps."""

    code = "nobody_neutral"


class UnableToPassOn(DomainError):
    """The contest is decided, or there is nobody else to judge it."""

    code = "unable_to_pass_on"


@dataclass(frozen=True)
class Judge:
    """Who was chosen, and why in words."""

    user: User
    because: str


def sides_of(hand_off: HandOff) -> Sides:
    """The SDR, the AE, whoever answered, and both managers; ``ae__team`` and ``sdr__team`` joined in."""
    return Sides.of(
        hand_off.sdr.user_id,
        hand_off.ae.user_id,
        hand_off.decided_by_id,
        hand_off.sdr.team.manager_id,
        hand_off.ae.team.manager_id,
    )


def neutral_judge(*, hand_off: HandOff, without: Sequence[int] = ()) -> Judge:
    """The neutral manager with the fewest contests, else somebody of RevOps. Raises ``NobodyNeutral``.

    Two statements. ``without``: user ids that are not to be chosen either.
    """
    users = {
        user.pk: user
        for user in User.objects.filter(is_active=True, role__in=(Role.MANAGER, Role.REVOPS)).exclude(
            pk__in=without
        )
    }
    given = Contest.objects.filter(judge__in=list(users)).order_by().values("judge")
    counts = given.annotate(open=Count("pk", filter=Q(state=ContestState.OPEN)), ever=Count("pk"))
    judged = {row["judge"]: (row["open"], row["ever"]) for row in counts}
    sides = sides_of(hand_off)
    for role, because in (
        (Role.MANAGER, "A manager of neither side, with the fewest contests to judge."),
        (Role.REVOPS, "No manager is neutral here, so RevOps judges."),
    ):
        of_role = [pk for pk, user in users.items() if user.role == role]
        found = choose_judge(candidates=of_role, sides=sides, judged=judged)
        if found is not None:
            return Judge(users[found], because)
    raise NobodyNeutral("Nobody is neutral enough to judge this: ask for another manager to be added.")


def instants(*, hand_off: HandOff, at: datetime) -> tuple[datetime, datetime]:
    """(when the judge is reminded, by when it is to be decided) of a contest given out at ``at``."""
    terms, hours = terms_in_force(), hours_for(hand_off.sdr)
    due_at = ends_at(hours=hours, start=at, days=terms.judge_days, counts=terms.counts)
    if terms.judge_days == 1:
        return at + (due_at - at) / 2, due_at
    return ends_at(hours=hours, start=at, days=terms.judge_days - 1, counts=terms.counts), due_at


@transaction.atomic
def give_to_another(*, contest: Contest, at: datetime, actor: Any = None) -> Contest:
    """Name the next neutral judge in place of the present one, with a new deadline.

    Raises ``UnableToPassOn`` for a contest that is decided or that nobody else can judge.
    """
    contest = (
        Contest.objects.select_for_update(of=("self",))
        .select_related("hand_off__sdr__team__calendar", "hand_off__sdr__calendar", "hand_off__ae__team")
        .select_related("hand_off__lead", "judge")
        .get(pk=contest.pk)
    )
    if not contest.is_open:
        raise UnableToPassOn(f"This contest was {contest.get_state_display().lower()} already.")
    before = contest.judge_id
    try:
        judge = neutral_judge(hand_off=contest.hand_off, without=[before])
    except NobodyNeutral:
        raise UnableToPassOn("Nobody else is neutral here.") from None
    contest.judge, contest.judge_because = judge.user, judge.because
    contest.warn_at, contest.due_at = instants(hand_off=contest.hand_off, at=at)
    contest.reminded_at = contest.overdue_told_at = None
    contest.save()
    audit.record(
        verb="leads.contest.passed_on",
        subject=contest,
        at=at,
        actor=actor,
        data={"from": before, "to": judge.user.pk},
    )
    answer_news.tell_opened(contest=contest, at=at)
    return contest


_BATCH = 200


@transaction.atomic
def remind_judges(*, at: datetime) -> int:
    """Remind the judges whose contests are soon due, and tell of those overdue; how many contests.

    Idempotent: each is told of once. A poller: rows that somebody holds wait for the next round.
    """
    pressing = (
        Contest.objects.filter(state=ContestState.OPEN)
        .filter(
            Q(warn_at__lte=at, reminded_at__isnull=True) | Q(due_at__lte=at, overdue_told_at__isnull=True)
        )
        .select_related("hand_off__lead", "judge")
        .order_by("due_at", "pk")
    )
    if connection.features.has_select_for_update_skip_locked:
        pressing = pressing.select_for_update(skip_locked=True, of=("self",))
    found = list(pressing[:_BATCH])
    revops = list(User.objects.filter(role=Role.REVOPS, is_active=True).values_list("pk", flat=True))
    for contest in found:
        if contest.due_at <= at:
            answer_news.tell_overdue(contest=contest, revops=revops, at=at)
            contest.overdue_told_at = at
        else:
            answer_news.tell_soon_due(contest=contest, at=at)
        contest.reminded_at = contest.reminded_at or at
    Contest.objects.bulk_update(found, ["reminded_at", "overdue_told_at"])
    return len(found)
