"""While a hand-off waits for a new time of its meeting, its AE's promise to answer stands still.

The customer has called off, or did not come: there is nothing that the AE could be held to. With the new time the
clock goes on, or, with another AE, theirs begins. A promise that was broken before stays broken.
"""

from datetime import datetime

from django.db import transaction

from apps.leads.models import HandOff
from apps.slas.models import ClockKind, ClockPause, ClockState
from apps.slas.services import clocks, verdicts

REASON = "The meeting fell through: it waits for a new time"


def stand_still(*, hand_off: HandOff, at: datetime) -> bool:
    """Let the clock of the answer stand still from ``at``; whether it did. Called by who has locked the hand-off."""
    with transaction.atomic(savepoint=False):
        for clock in _running(hand_off):
            if clock.paused_at is None and clock.due_at >= at:
                ClockPause.objects.create(clock=clock, from_at=at, reason=REASON)
                clock.paused_at = at
                clock.save(update_fields=["paused_at"])
                HandOff.objects.filter(pk=hand_off.pk).update(due_at=None, warn_at=None)
                return True
    return False


def go_on(*, hand_off: HandOff, with_another: bool, at: datetime) -> None:
    """The meeting has a new time: the clock goes on; ``with_another`` AE that one's begins and this one ends."""
    with transaction.atomic(savepoint=False):
        if with_another:
            verdicts.cancel_answer(hand_off=hand_off.pk, because="Another AE has the meeting now", at=at)
            clocks.start_ae_answer(hand_off=hand_off, at=at)
            return
        for clock in _running(hand_off):
            if clock.paused_at is not None and _waited_for_a_time(clock):
                clocks.end_pause(clock=clock, at=at)
                clock.save(update_fields=["paused_at", "warn_at", "due_at", "next_step_at"])
                HandOff.objects.filter(pk=hand_off.pk).update(due_at=clock.due_at, warn_at=clock.warn_at)
                hand_off.due_at, hand_off.warn_at = clock.due_at, clock.warn_at


def _running(hand_off: HandOff) -> list[clocks.Clock]:
    return clocks.locked(hand_off=hand_off.pk, kind=ClockKind.AE_ANSWER, state=ClockState.RUNNING)


def _waited_for_a_time(clock: clocks.Clock) -> bool:
    """Not one that somebody paused by hand, because the customer asked to wait."""
    return any(one.until_at is None and one.reason == REASON for one in clock.pauses.all())
