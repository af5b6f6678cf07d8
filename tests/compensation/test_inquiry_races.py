"""Several at once about one inquiry: one outcome, one approval, each step once, one line in the ledger."""

import pytest

from apps.compensation.models import Inquiry, InquiryAct, LedgerEntry, PayAdjustment, PayAdjustmentDecision
from apps.compensation.services import inquiry_outcomes, inquiry_sweep, inquiry_thread, pay_adjustments
from apps.compensation.services.inquiry_rows import UnableToAsk, UnableToHandle
from apps.core.errors import DomainError
from tests.compensation.conftest import FEBRUARY, Payroll, noon
from tests.compensation.inquiry_scenes import Scene, monday, set_terms, settled
from tests.jobs.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scene(payroll: Payroll) -> Scene:
    return settled(payroll)


def outcome(act):
    try:
        return act()
    except DomainError as error:
        return type(error)


def test_of_four_questions_about_a_line_at_once_one_is_asked(scene: Scene):
    found = at_once(4, lambda: outcome(scene.ask_line))
    assert Inquiry.objects.count() == 1
    assert found.count(UnableToAsk) == 3


def test_of_two_answers_at_once_one_counts(scene: Scene):
    inquiry = scene.ask_line()
    people = iter([scene.cast.revops, scene.cast.finance])

    def answer():
        return inquiry_outcomes.explain(inquiry=inquiry, text="Right.", at=monday(10), actor=next(people)).pk

    found = at_once(2, lambda: outcome(answer))
    assert found.count(UnableToHandle) == 1
    assert InquiryAct.objects.filter(kind="answered").count() == 1
    assert inquiry.messages.filter(kind="outcome").count() == 1


def test_of_two_approvals_at_once_one_counts_and_pays_once(scene: Scene):
    proposed = scene.propose(scene.ask_line())

    def approve():
        return pay_adjustments.approve(adjustment=proposed, at=monday(12), actor=scene.cast.finance).pk

    found = at_once(2, lambda: outcome(approve))
    assert found.count(pay_adjustments.UnableToDecide) == 1
    assert PayAdjustmentDecision.objects.count() == 1
    february = scene.payroll.settle(FEBRUARY)
    assert LedgerEntry.objects.filter(run=february).count() == 1
    assert scene.payroll.paid(february, scene.rep) == 80_00


def test_of_an_approval_and_a_decline_at_once_one_counts(scene: Scene):
    proposed = scene.propose(scene.ask_line())
    acts = iter([
        lambda: pay_adjustments.approve(adjustment=proposed, at=monday(12), actor=scene.cast.finance).pk,
        lambda: pay_adjustments.withdraw(adjustment=proposed, at=monday(12), actor=scene.cast.revops).pk,
    ])  # fmt: skip
    at_once(2, lambda: outcome(lambda: next(acts)()))
    assert PayAdjustmentDecision.objects.count() == 1
    counts = PayAdjustment.objects.approved().exists()
    assert Inquiry.objects.get().state == ("agreed" if counts else "open")


def test_two_sweeps_at_once_take_each_step_once(scene: Scene):
    set_terms()
    for text in ("One", "Two", "Three"):
        scene.ask(text=text)
    at_once(2, lambda: inquiry_sweep.sweep(at=noon(20, 2)))
    # Rows that the other sweep held are left to it, or to the next one.
    inquiry_sweep.sweep(at=noon(20, 2))
    steps = InquiryAct.objects.filter(by=None).order_by("inquiry", "pk").values_list("kind", flat=True)
    assert list(steps) == ["remind_first", "escalate_first", "remind", "escalate"] * 3


def test_a_sweep_and_an_answer_at_once_leave_one_story(scene: Scene):
    set_terms()
    inquiry = scene.ask_line(at=monday(8))
    acts = iter([
        lambda: inquiry_sweep.sweep(at=noon(20, 2)),
        lambda: inquiry_outcomes.explain(
            inquiry=inquiry, text="Right.", at=noon(20, 2), actor=scene.cast.revops
        ).pk,
    ])  # fmt: skip
    at_once(2, lambda: outcome(lambda: next(acts)()))
    inquiry.refresh_from_db()
    assert (inquiry.state, inquiry.next_step_at) == ("answered", inquiry.reopen_until)
    inquiry_sweep.sweep(at=noon(20, 2))
    kinds = list(inquiry.acts.order_by("pk").values_list("kind", flat=True))
    assert kinds[-1] == "answered"
    assert len(kinds) == len(set(kinds))


def test_two_replies_at_once_are_both_said_in_order(scene: Scene):
    inquiry = scene.ask_line()
    people = iter([scene.asker, scene.cast.revops])

    def reply():
        return inquiry_thread.reply(inquiry=inquiry, text="Hello.", at=monday(10), actor=next(people)).pk

    at_once(2, reply)
    assert list(inquiry.messages.values_list("number", flat=True)) == [1, 2, 3]
