"""Tell rep and manager of their scorecards: that a month was closed, and what the other one said, agreed or signed."""

from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse

from apps.accounts.services.notifications import NewNotification, notify
from apps.core.periods import Period
from apps.reps.models import Rep
from apps.scorecards.models import Scorecard, SignedAs
from apps.scorecards.notification_kinds import SCORECARD_ANSWERED, SCORECARD_CLOSED


def _address(rep: Rep, month: Period) -> str:
    return reverse("scorecards:scorecard_of", args=[rep.pk, month.code])


def tell_closed(*, cards: Sequence[Scorecard], month: Period, at: datetime) -> None:
    """One word to each rep, and one to each manager of theirs (``rep__team`` loaded), once for a month."""
    found = [
        NewNotification(
            user_id=card.rep.user_id,
            kind=SCORECARD_CLOSED,
            key=f"card:{month.code}:{card.rep_id}",
            title=f"Your scorecard of {month.name} is closed",
            body="Its figures stay as they are now. Read it, say what you think, and sign it.",
            url=_address(card.rep, month),
        )
        for card in cards
        if card.rep.user_id is not None
    ]
    managers = {card.rep.team.manager_id for card in cards} - {None}
    found += [
        NewNotification(
            user_id=manager,
            kind=SCORECARD_CLOSED,
            key=f"cards:{month.code}",
            title=f"The scorecards of {month.name} are closed",
            body="They wait for your review, your notes and your signature.",
            url=f"{reverse('scorecards:list')}?month={month.code}",
        )
        for manager in managers
        if manager is not None
    ]
    notify(notifications=found, at=at)


def tell_other(*, rep: Rep, month: Period, by: SignedAs, key: str, title: str, at: datetime) -> None:
    """Tell the other of the two (``rep.team`` loaded) that ``title`` the card; what was said stands there only."""
    other = rep.team.manager_id if by is SignedAs.REP else rep.user_id
    if other is None:
        return
    whose = f"{rep.name}’s scorecard" if by is SignedAs.REP else "your scorecard"
    one = NewNotification(
        user_id=other,
        kind=SCORECARD_ANSWERED,
        key=f"card-{key}",
        title=f"{title} {whose} of {month.name}",
        body="Open it to read what it says.",
        url=_address(rep, month),
    )
    notify(notifications=[one], at=at)
