"""What state an inquiry may come into, and who gets to own it. Pure (PRODUCT section 9, "Inquiry")."""

from collections.abc import Iterable, Mapping

OPEN, WAITING = "open", "waiting"
ANSWERED, DECLINED, AGREED = "answered", "declined", "agreed"
CLOSED, WITHDRAWN = "closed", "withdrawn"

RUNNING = (OPEN, WAITING)
"""Somebody is to do something: its owner, or the asker."""
SETTLED = (ANSWERED, DECLINED, AGREED)
"""It has an outcome, which the asker may yet not accept."""

FOLLOWS = {
    OPEN: (WAITING, ANSWERED, DECLINED, AGREED, WITHDRAWN),
    WAITING: (OPEN, ANSWERED, DECLINED, AGREED, WITHDRAWN),
    ANSWERED: (CLOSED, OPEN),
    DECLINED: (CLOSED, OPEN),
    AGREED: (CLOSED, OPEN),
    CLOSED: (OPEN,),
    WITHDRAWN: (),
}
"""Which state may follow which; the database keeps the same table (``inquiry_guards``)."""


def choose_owner(
    *, candidates: Iterable[int], concerned: frozenset[int], owned: Mapping[int, tuple[int, int]]
) -> int | None:
    """Of the candidates (user ids) who is not concerned, the one with the fewest inquiries; ``None`` without any.

    ``owned``: inquiries running and ever owned, by user. Fewest running ones first, then fewest ever, then the
    order of the candidates: the same facts always name the same owner.
    """
    neutral = [one for one in candidates if one not in concerned]
    places = {one: place for place, one in reversed(list(enumerate(neutral)))}
    return min(neutral, key=lambda one: (*owned.get(one, (0, 0)), places[one]), default=None)
