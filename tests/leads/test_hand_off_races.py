"""One hand-off, several answers at the same instant: exactly one counts, whoever is faster."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from apps.leads.models import EventKind, FunnelEvent, HandOff, Opportunity
from apps.leads.services import hand_offs
from tests.cast import NOW, Cast, assemble
from tests.leads.scenes import handed_off

ROUNDS = 6


def race(acts: list[Callable[[], Any]]) -> list[Any]:
    """Let the acts start together; what each returned or raised."""
    together = threading.Barrier(len(acts))
    found: list[Any] = [None] * len(acts)

    def run(place: int) -> None:
        try:
            together.wait()
            found[place] = acts[place]()
        except Exception as error:
            found[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.django_db(transaction=True)
def test_accept_against_reject_has_exactly_one_outcome() -> None:
    cast: Cast = assemble()
    for number in range(ROUNDS):
        hand_off = handed_off(cast, f"Company{number} Ltd", slot=number)

        def accept(hand_off: HandOff = hand_off) -> Any:
            own = HandOff.objects.get(pk=hand_off.pk)
            return hand_offs.accept_hand_off(hand_off=own, at=NOW, amount_minor=100, actor=cast.ae)

        def reject(hand_off: HandOff = hand_off) -> Any:
            own = HandOff.objects.get(pk=hand_off.pk)
            return hand_offs.reject_hand_off(
                hand_off=own, criterion="need", reason="wrong_person", comment="", at=NOW, actor=cast.ae
            )

        outcomes = race([accept, reject, accept, reject])
        refused = [one for one in outcomes if isinstance(one, hand_offs.UnableToDecide)]
        assert len(refused) == 3, outcomes
        decided = FunnelEvent.objects.filter(
            hand_off=hand_off, kind__in=(EventKind.ACCEPTED, EventKind.REJECTED)
        )
        assert decided.count() == 1
        hand_off.refresh_from_db()
        assert hand_off.state == decided.get().kind
        assert Opportunity.objects.filter(hand_off=hand_off).count() == (hand_off.state == "accepted")
