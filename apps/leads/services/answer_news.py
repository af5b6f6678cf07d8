"""Who hears of an answer, of a contest and of its outcome. Each occasion is told once."""

from collections.abc import Iterable
from datetime import datetime

from django.urls import reverse

from apps.accounts.services.notifications import NewNotification, notify
from apps.leads.models import AnsweredHow, Contest, HandOff, Source
from apps.leads.notification_kinds import ANSWERED, CONTEST, TO_JUDGE

_UNTOLD = (Source.DEMO, Source.IMPORT)
"""What came in a batch about the past is no news."""


def tell_answered(*, hand_off: HandOff, at: datetime, source: Source) -> None:
    """Tell the SDR what became of the hand-off; the AE too, where it was accepted for want of an answer."""
    if source in _UNTOLD:
        return
    done = hand_off.get_state_display().lower()
    name, url = hand_off.lead.label, reverse("leads:hand_off", args=[hand_off.pk])
    by_itself = hand_off.answered_how == AnsweredHow.SILENCE
    title = f"{name}: {done} by {'itself' if by_itself else hand_off.ae.name}"
    body = ""
    if hand_off.state == HandOff.State.REJECTED:
        body = f"On {hand_off.rejected_criterion}: {hand_off.get_rejection_reason_display().lower()}."
    told = {hand_off.sdr.user_id} | ({hand_off.ae.user_id} if by_itself else set())
    _tell(told, ANSWERED, f"hand_off:{hand_off.pk}:{done}:{at.isoformat()}", title, body, url, at)


def tell_taken_back(*, hand_off: HandOff, was: str, at: datetime) -> None:
    """Tell the SDR that the answer was taken back and the hand-off waits again."""
    url = reverse("leads:hand_off", args=[hand_off.pk])
    title = f"{hand_off.lead.label}: {hand_off.ae.name} took the answer back"
    body = f"It was {was} for a moment, and waits again."
    key = f"hand_off:{hand_off.pk}:taken_back:{at.isoformat()}"
    _tell({hand_off.sdr.user_id}, ANSWERED, key, title, body, url, at)


def tell_opened(*, contest: Contest, at: datetime) -> None:
    """Tell the judge that it is theirs, and the AE and both managers that there is one."""
    hand_off, url = contest.hand_off, _url(contest)
    name = hand_off.lead.label
    due = f"{contest.due_at:%-d %B}"
    _tell(
        {contest.judge_id},
        TO_JUDGE,
        f"contest:{contest.pk}:judge:{contest.judge_id}",
        f"{name}: a contested rejection is yours to judge",
        f"{hand_off.sdr.name} contests what {hand_off.ae.name} rejected. Decide by {due}.",
        url,
        at,
    )
    told = {hand_off.ae.user_id, hand_off.ae.team.manager_id, hand_off.sdr.team.manager_id}
    title = f"{name}: {hand_off.sdr.name} contests the rejection"
    _tell(
        told,
        CONTEST,
        f"contest:{contest.pk}:opened",
        title,
        f"{contest.judge.name} decides by {due}.",
        url,
        at,
    )


def tell_closed(*, contest: Contest, at: datetime) -> None:
    """Tell both sides, who continues, and their managers how it ended; after a withdrawal, the judge too."""
    hand_off = contest.hand_off
    told = {
        hand_off.sdr.user_id,
        hand_off.ae.user_id,
        hand_off.ae.team.manager_id,
        hand_off.sdr.team.manager_id,
        hand_off.continues_with.user_id,
        hand_off.continues_with.team.manager_id,
        contest.judge_id,
    } - {contest.closed_by_id}
    title = f"{hand_off.lead.label}: contest {contest.get_state_display().lower()}"
    key = f"contest:{contest.pk}:{contest.state}"
    _tell(told, CONTEST, key, title, contest.followed, _url(contest), at)


def tell_soon_due(*, contest: Contest, at: datetime) -> None:
    """Remind the judge."""
    title = f"{contest.hand_off.lead.label}: a contest to judge is soon due"
    body = f"Decide by {contest.due_at:%-d %B}: somebody’s credit waits for it."
    key = f"contest:{contest.pk}:soon:{contest.judge_id}"
    _tell({contest.judge_id}, TO_JUDGE, key, title, body, _url(contest), at)


def tell_overdue(*, contest: Contest, revops: Iterable[int], at: datetime) -> None:
    """Tell the judge that it is overdue, and RevOps (user ids), who may name another."""
    title = f"{contest.hand_off.lead.label}: a contest is overdue"
    body = f"{contest.judge.name} was to decide by {contest.due_at:%-d %B}."
    key = f"contest:{contest.pk}:overdue:{contest.judge_id}"
    _tell({contest.judge_id, *revops}, TO_JUDGE, key, title, body, _url(contest), at)


def _url(contest: Contest) -> str:
    return reverse("leads:contest", args=[contest.pk])


def _tell(
    users: Iterable[int | None], kind: str, key: str, title: str, body: str, url: str, at: datetime
) -> None:
    notify(
        notifications=[
            NewNotification(
                user_id=user, kind=kind, key=key[:120], title=title[:160], body=body[:400], url=url
            )
            for user in sorted({user for user in users if user is not None})
        ],
        at=at,
    )
