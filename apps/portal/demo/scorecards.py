"""What was said over the last scorecards: agreed actions, a private note, and a touch that was written down late."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from apps.leads.models import EventKind, FunnelEvent, Source
from apps.leads.services.record import NewEvent, record_event, sourced
from apps.portal.demo.life import Span
from apps.reps.models import Rep, RepRole
from apps.scorecards.models import ActionOutcome, Scorecard, SignedAs
from apps.scorecards.services import card_actions, cards

_BEFORE = (
    ("Share the security pack with the team", SignedAs.REP, ActionOutcome.DONE, ""),
    ("Name a second decision maker on the three largest deals", SignedAs.REP, None, ""),
    ("Ride along on two site visits", SignedAs.REP, ActionOutcome.DROPPED, "Both visits became calls."),
)
_NOW = (
    ("Self-source €65,000 in the month", SignedAs.REP, 18),
    ("Arrange two discovery calls to listen to", SignedAs.MANAGER, 8),
)
_PRIVATE = "Ask about leading the new team in spring, once the two large deals are through. Not before."


_NOTES = {
    RepRole.AE: (
        "Cycle is the story: it gets shorter since you send the security pack with the proposal. Keep that.",
        "Two of the deals came from leave cover. I would not count on them again.",
    ),
    RepRole.ISR: (
        "Fast first answers, and it shows in the acceptance. Next: fewer meetings more than a week ahead.",
        "Agreed. Some calls of the last days I wrote down late, they are not on the card.",
    ),
}
_OF = ((RepRole.AE, "Jonas Berg"), (RepRole.ISR, "Maya Lindqvist"))
"""Whose cards the manager went over; the rep signed the second one, the first waits."""


def put_card_reviews(span: Span) -> None:
    """Over the newest closed month, and the one before it, of an AE and of an SDR."""
    month, before = span.months[-1], span.months[-2]
    for role, name in _OF:
        found = Scorecard.objects.frozen().filter(
            month_on=month.start, rep__role=role, rep__user__isnull=False, rep__left_on=None
        )
        found = found.filter(rep__team__manager__isnull=False).select_related(
            "rep__team__manager", "rep__user"
        )
        card = found.filter(rep__name=name).first() or found.order_by("pk").first()
        if card is None:
            continue
        rep, manager = card.rep, card.rep.team.manager
        earlier = span.instant(before.end + timedelta(days=6), 15, 10)
        for text, owner, outcome, words in _BEFORE:
            action = card_actions.agree_action(
                rep=rep,
                month=before,
                text=text,
                owner=owner,
                due_on=before.end + timedelta(days=24),
                at=earlier,
                actor=manager,
            )
            if outcome is not None:
                at = earlier + timedelta(days=12)
                card_actions.close_action(action=action, outcome=outcome, words=words, at=at, actor=rep.user)
        now = min(span.instant(month.end + timedelta(days=6), 16, 5), span.at)
        for text, owner, days in _NOW:
            card_actions.agree_action(
                rep=rep,
                month=month,
                text=text,
                owner=owner,
                due_on=month.end + timedelta(days=max(days, (span.today - month.end).days)),
                at=now,
                actor=manager,
            )
        for author, text in zip((manager, rep.user), _NOTES[role], strict=True):
            cards.write_note(rep=rep, month=month, author=author, text=text, at=now)
        if role == RepRole.AE:
            cards.write_private_note(rep=rep, month=month, author=manager, text=_PRIVATE, at=now)
            _sign(card, (manager,), now)
        else:
            _sign(card, (manager, rep.user), now)
            _touch_late(rep, span)


def _sign(card: Scorecard, people: Iterable[Any], at: datetime) -> None:
    """Who has not signed yet does."""
    signed = set(card.signatures.values_list("user", flat=True))
    for user in people:
        if user.pk not in signed:
            cards.sign(card=card, user=user, fingerprint=card.fingerprint, at=at)


def _touch_late(rep: Rep, span: Span) -> None:
    """A call of the last month that was written down days after the month was closed."""
    month = span.months[-1]
    start, end = month.bounds()
    last = (
        FunnelEvent.objects.effective()
        .filter(kind=EventKind.TOUCHED, credits__rep=rep, occurred_at__gte=start, occurred_at__lt=end)
        .order_by("-occurred_at", "-pk")
        .first()
    )
    if last is None:
        return
    record_event(
        event=NewEvent(
            kind=EventKind.TOUCHED,
            occurred_at=last.occurred_at + timedelta(minutes=25),
            source=Source.DEMO,
            source_key=f"late-touch:{rep.pk}",
            lead=last.lead,
            credits=sourced(rep),
            data=last.data,
        ),
        at=min(span.instant(month.end + timedelta(days=8), 9, 40), span.at),
    )
