"""Answer, undo, contest, decision and the policy's fallback at the same instant: exactly one outcome each."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.core.errors import DomainError
from apps.leads.models import Contest, EventKind, FunnelEvent, HandOff, Lead, LeadStage, Opportunity
from apps.leads.services import contests, hand_offs, unanswering
from apps.slas.models import Policy
from apps.slas.services import sweep
from tests.cast import NOW, Cast, assemble
from tests.leads.scenes import handed_off
from tests.leads.test_hand_off_races import race

ROUNDS = 4


def fresh(hand_off: HandOff) -> HandOff:
    return HandOff.objects.get(pk=hand_off.pk)


def accepting(cast: Cast, hand_off: HandOff, at=NOW) -> Callable[[], Any]:
    return lambda: hand_offs.accept_hand_off(hand_off=fresh(hand_off), at=at, actor=cast.ae)


def rejecting(cast: Cast, hand_off: HandOff, at=NOW) -> Callable[[], Any]:
    return lambda: hand_offs.reject_hand_off(
        hand_off=fresh(hand_off), criterion="need", reason="wrong_person", comment="", at=at, actor=cast.ae
    )


def undoing(cast: Cast, hand_off: HandOff) -> Callable[[], Any]:
    return lambda: unanswering.take_answer_back(
        hand_off=fresh(hand_off), at=NOW + timedelta(seconds=30), actor=cast.ae
    )


def contesting(cast: Cast, hand_off: HandOff) -> Callable[[], Any]:
    return lambda: contests.open_contest(
        hand_off=fresh(hand_off), reason="It was met.", at=NOW + timedelta(seconds=30), actor=cast.sdr
    )


def effective(hand_off: HandOff) -> list[str]:
    kinds = (EventKind.ACCEPTED, EventKind.REJECTED)
    found = FunnelEvent.objects.filter(hand_off=hand_off, kind__in=kinds).effective()
    return list(found.values_list("kind", flat=True))


def whole(hand_off: HandOff) -> None:
    """State, record, opportunity and lead say one and the same thing."""
    now = fresh(hand_off)
    assert effective(hand_off) == ([] if now.state == "pending" else [now.state])
    live = Opportunity.objects.counted().filter(hand_off=hand_off).count()
    assert live == (now.state == "accepted")
    stage = {"pending": LeadStage.HANDED_OFF, "accepted": LeadStage.SAL, "rejected": LeadStage.WORKING}
    assert Lead.objects.get(pk=hand_off.lead_id).stage == stage[now.state]


def only_refusals(outcomes: list[Any]) -> list[DomainError]:
    """Whatever failed was refused in words, not broken."""
    errors = [one for one in outcomes if isinstance(one, Exception)]
    assert all(isinstance(one, DomainError) for one in errors), outcomes
    return errors


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_two_undos_take_back_once(self) -> None:
        cast = assemble()
        for number in range(ROUNDS):
            hand_off = handed_off(cast, f"Company{number} Ltd", slot=10 + number)
            (accepting if number % 2 else rejecting)(cast, hand_off)()
            refused = only_refusals(race([undoing(cast, hand_off)] * 3))
            assert len(refused) == 2
            whole(hand_off)
            assert fresh(hand_off).state == "pending"

    def test_an_undo_and_a_new_answer_leave_one_state(self) -> None:
        cast = assemble()
        for number in range(ROUNDS):
            hand_off = handed_off(cast, f"Company{number} Ltd", slot=10 + number)
            rejecting(cast, hand_off)()
            later = NOW + timedelta(seconds=31)
            acts = [
                undoing(cast, hand_off),
                accepting(cast, hand_off, later),
                rejecting(cast, hand_off, later),
            ]
            only_refusals(race(acts))
            whole(hand_off)

    def test_an_undo_against_a_contest_lets_one_of_them_be(self) -> None:
        cast = assemble()
        for number in range(ROUNDS):
            hand_off = handed_off(cast, f"Company{number} Ltd", slot=10 + number)
            rejecting(cast, hand_off)()
            refused = only_refusals(race([undoing(cast, hand_off), contesting(cast, hand_off)]))
            assert len(refused) == 1
            whole(hand_off)
            assert Contest.objects.filter(hand_off=hand_off).exists() == (fresh(hand_off).state == "rejected")

    def test_two_contests_are_one(self) -> None:
        cast = assemble()
        hand_off = handed_off(cast)
        rejecting(cast, hand_off)()
        refused = only_refusals(race([contesting(cast, hand_off)] * 4))
        assert len(refused) == 3
        assert FunnelEvent.objects.filter(kind=EventKind.CONTESTED).count() == 1

    def test_uphold_dismiss_and_withdraw_have_one_outcome(self) -> None:
        cast = assemble()
        for number in range(ROUNDS):
            hand_off = handed_off(cast, f"Company{number} Ltd", slot=10 + number)
            rejecting(cast, hand_off)()
            contest = contesting(cast, hand_off)()

            def deciding(uphold: bool, contest: Contest = contest) -> Callable[[], Any]:
                return lambda: contests.decide_contest(
                    contest=Contest.objects.get(pk=contest.pk),
                    uphold=uphold,
                    reason="Seen.",
                    at=NOW + timedelta(hours=1),
                    actor=cast.outside_manager,
                )

            def withdrawing(contest: Contest = contest) -> Any:
                return contests.withdraw_contest(
                    contest=Contest.objects.get(pk=contest.pk), at=NOW + timedelta(hours=1), actor=cast.sdr
                )

            refused = only_refusals(race([deciding(True), deciding(False), withdrawing]))
            assert len(refused) == 2
            contest.refresh_from_db()
            assert (fresh(hand_off).state == "accepted") == (contest.state == "upheld")
            whole(hand_off)

    @pytest.mark.parametrize("fallback", ["auto_accept", "reroute"])
    def test_the_fallback_against_an_answer_and_its_undo_has_one_outcome(self, fallback: str) -> None:
        cast = assemble()
        Policy.objects.update(ae_fallback=fallback, ae_answer_minutes=1)
        for number in range(ROUNDS):
            hand_off = handed_off(cast, f"Company{number} Ltd", slot=20 + number)
            late = fresh(hand_off).due_at + timedelta(days=1)

            def sweeping(late=late) -> Any:
                return sweep.escalate(at=late)

            only_refusals(race([sweeping, accepting(cast, hand_off, late), rejecting(cast, hand_off, late)]))
            sweep.escalate(at=late)
            whole(hand_off)
            answered = fresh(hand_off)
            assert answered.state != "pending" or fallback == "reroute"
