"""Nobody is left alone on the lowest tier: the manager is asked what is done, until it is answered.

A ranking that is applied asks for each AE whom it moved to the lowest tier or left there: once a month and rep, and
not while an earlier question is open. What stays open is told again on a stored instant, then to RevOps as well.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.accounts.models import Role, User
from apps.accounts.services.notifications import NewNotification, notify
from apps.audit import services as audit
from apps.core.errors import DomainError, InvalidInput
from apps.core.periods import month_of
from apps.reps.models import Rep, RepRole
from apps.scorecards.models import RankingRow, RankingSnapshot, SupportAction, SupportAnswer
from apps.scorecards.notification_kinds import COACHED, SUPPORT_ASKED
from apps.scorecards.rules import coaching as rules

_BATCH = 200
SHORTEST = 10


class UnableToAnswer(DomainError):
    """It was answered already."""

    code = "unable_to_answer"


@transaction.atomic
def raise_support(*, ranked: Sequence[tuple[Rep, str]], as_of: date, at: datetime) -> int:
    """Ask for each of ``ranked`` (rep with ``team``, what the ranking said) who stands on the lowest tier.

    How many were asked anew. The same ranking again asks nobody twice.
    """
    if not ranked:
        return 0
    month = month_of(as_of)
    bottom = {rep.pk: (rep, reason) for rep, reason in ranked}
    standing = Rep.objects.active_on(as_of).filter(
        pk__in=bottom, role=RepRole.AE, tier=rules.BOTTOM
    ).values_list("pk", flat=True)  # fmt: skip
    asked = set(
        SupportAction.objects.filter(rep__in=bottom, month_on=month.start).values_list("rep_id", flat=True)
    ) | set(SupportAction.objects.open().filter(rep__in=bottom).values_list("rep_id", flat=True))
    new = [
        SupportAction(
            rep=bottom[pk][0],
            month_on=month.start,
            reason=bottom[pk][1][:500],
            raised_at=at,
            escalate_at=rules.next_escalation(at),
        )
        for pk in sorted(standing)
        if pk not in asked
    ]
    # Two rankings at once meet at the unique constraints; the later one asks nobody again.
    SupportAction.objects.bulk_create(new, ignore_conflicts=True, batch_size=200)
    made = list(
        SupportAction.objects.filter(rep__in=[one.rep_id for one in new], month_on=month.start, raised_at=at)
        .select_related("rep__team")
        .order_by("pk")
    )
    for one in made:
        audit.record(
            verb="scorecards.support.asked", subject=one, at=at, data={"rep": one.rep_id, "month": month.code}
        )
    notify(notifications=[news for one in made for news in _asked(one)], at=at)
    return len(made)


def raise_for_newest_ranking(*, at: datetime) -> int:
    """Ask for everybody whom the newest ranking that was applied left on the lowest tier. How many were asked anew.

    Asked by the ranking itself and by a sweep, so that a worker that died between the two loses nobody.
    """
    newest = RankingSnapshot.objects.filter(is_applied=True).order_by("-as_of", "-pk").first()
    if newest is None:
        return 0
    month = month_of(newest.as_of)
    rows = (
        RankingRow.objects.filter(snapshot=newest, rep__tier=rules.BOTTOM)
        .exclude(rep__support_actions__month_on=month.start)
        .exclude(rep__in=SupportAction.objects.open().values("rep"))
        .select_related("rep__team")
    )
    return raise_support(ranked=[(row.rep, row.reason) for row in rows], as_of=newest.as_of, at=at)


@transaction.atomic
def answer_support(*, action: SupportAction, kind: str, text: str, at: datetime, actor: Any) -> SupportAnswer:
    """Say what is done; the rep reads it. Raises ``InvalidInput`` naming the field, ``UnableToAnswer``."""
    if kind not in SupportAnswer.Kind.values:
        raise InvalidInput("Choose what you do from the list.", field="kind")
    text = text.strip()
    if not SHORTEST <= len(text) <= 500:
        raise InvalidInput("Say in a sentence what is done and when; the AE reads it.", field="text")
    taken = SupportAction.objects.filter(pk=action.pk, is_open=True).update(is_open=False)
    if not taken:
        raise UnableToAnswer("It was answered already.")
    try:
        with transaction.atomic():
            answer = SupportAnswer.objects.create(
                action=action, kind=kind, text=text, answered_by=actor, answered_at=at
            )
    except IntegrityError:
        raise UnableToAnswer("It was answered already.") from None
    action.is_open = False
    audit.record(
        verb="scorecards.support.answered",
        subject=action,
        at=at,
        actor=actor,
        data={"rep": action.rep_id, "kind": kind},
    )
    rep = action.rep
    if rep.user_id is not None:
        page = reverse("scorecards:own_training")
        title = f"Support: {answer.get_kind_display()}"
        notify(
            notifications=[NewNotification(rep.user_id, COACHED, f"support:{action.pk}", title, text, page)],
            at=at,
        )
    return answer


def sweep(*, at: datetime) -> int:
    """Tell again of each that is open past its instant; how many this call told."""
    told = 0
    while batch := list(
        SupportAction.objects.to_escalate(at)
        .select_related("rep__team")
        .order_by("escalate_at", "pk")[:_BATCH]
    ):
        for one in batch:
            told += _escalate(one, at)
    return told


@transaction.atomic
def _escalate(action: SupportAction, at: datetime) -> bool:
    following = action.escalate_at
    while following <= at:
        following = rules.next_escalation(following)
    claimed = SupportAction.objects.filter(pk=action.pk, is_open=True, escalate_at=action.escalate_at).update(
        escalate_at=following, escalations=action.escalations + 1
    )
    if not claimed:
        return False
    action.escalations += 1
    audit.record(
        verb="scorecards.support.escalated",
        subject=action,
        at=at,
        data={"rep": action.rep_id, "times": action.escalations},
    )
    notify(notifications=_asked(action), at=at)
    return True


def _asked(action: SupportAction) -> list[NewNotification]:
    """To the manager; once it was told before, or where there is none, to RevOps too."""
    rep = action.rep
    people = [rep.team.manager_id] if rep.team.manager_id is not None else []
    if action.escalations or not people:
        people += list(User.objects.filter(role=Role.REVOPS, is_active=True).values_list("pk", flat=True))
    title = f"{rep.name} stands on the lowest tier: what is done about it?"
    if action.escalations:
        title = f"Still open: {title}"
    key = f"support:{action.pk}:{action.escalations}"
    page = reverse("scorecards:support", args=[action.pk])
    return [NewNotification(pk, SUPPORT_ASKED, key, title, action.reason, page) for pk in people]
