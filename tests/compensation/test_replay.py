"""A replay: the plans that were in force pay what was paid, others what the engine would have paid."""

from datetime import date
from typing import Any

import pytest

from apps.compensation.models import (
    LedgerEntry,
    PlanVersion,
    Replay,
    ReplayFigure,
    ReplayOutcome,
    ReplayPay,
    ReplayProblem,
)
from apps.compensation.rules.moves import Who
from apps.compensation.rules.plan import PlanInvalid
from apps.compensation.services import plans, replays
from apps.compensation.services.replay_computation import compute_replay
from apps.compensation.services.replays import Alternative, AskedMove, Target
from apps.core.errors import InvalidInput
from apps.core.periods import parse_period
from apps.leads.models import Capacity, EventKind
from apps.leads.services.record import Credit
from apps.reps.models import Quota, Rep
from tests.compensation.conftest import FEBRUARY, JANUARY, MARCH, Payroll, noon
from tests.compensation.plan_documents import DRAW, OF_EVERY_KIND, component, graduated, plan, whole
from tests.stage import staged

pytestmark = pytest.mark.django_db
APRIL = noon(20, 4)


class Past:
    """Three settled months of two AEs, with everything that months hand on to each other."""

    def __init__(self, payroll: Payroll) -> None:
        self.payroll = payroll
        self.cast = payroll.cast
        self.ae, self.second = payroll.cast.rep(payroll.cast.ae), payroll.cast.rep(payroll.cast.second_ae)

    def draft(self, document: dict[str, Any], **more: Any) -> PlanVersion:
        return plans.load_plan_document(document=document, author=self.cast.revops, at=noon(2, 4), **more)

    def ask(self, *alternatives: Alternative, months: int = 3, **more: Any) -> Replay:
        given = {
            "name": "",
            "until": date(2026, 3, 31),
            "everybody": False,
            "request_key": f"key-{Replay.objects.count()}",
            "at": APRIL,
            "actor": self.cast.revops,
        } | more
        replay, _ = replays.ask_replay(alternatives=alternatives, months=months, **given)
        return replay

    def replay(self, *alternatives: Alternative, **more: Any) -> Replay:
        replay = self.ask(*alternatives, **more)
        compute_replay(replay=replay, clock=lambda: APRIL)
        return replay


@pytest.fixture
@staged
def past(payroll: Payroll) -> Past:
    return Past(payroll)


def to(target: Target, *ids: int, who: Who = Who.PEOPLE, name: str = "Draft") -> Alternative:
    return Alternative(name, [AskedMove(who, list(ids), "Those people", target)])


def pay(replay: Replay, alternative: int) -> dict[tuple[int, date, str], int]:
    """By person, month and component."""
    found: dict[tuple[int, date, str], int] = {}
    for row in ReplayPay.objects.filter(replay=replay, alternative=alternative):
        key = (row.rep_id, row.starts_on, row.component_key)
        found[key] = found.get(key, 0) + row.amount_minor
    return {key: minor for key, minor in found.items() if minor}


def total(replay: Replay, alternative: int, rep: Rep | None = None) -> int:
    return sum(minor for key, minor in pay(replay, alternative).items() if rep is None or key[0] == rep.pk)


CARRYING = plan(
    component(graduated("8", "100000", "12"), key="deals"),
    component(
        whole("2", "150000", "4"),
        key="quarterly",
        basis="quarter",
        holdback={"percent": "30", "releases": [{"on": "paid", "percent": "100"}]},
    )
    | {"rates": graduated("2", "150000", "4")},
    component(
        graduated("100.00"),
        key="spiff",
        measure={"of": "count"},
        pays="per_unit",
        bonus={"from": "2026-01-01", "to": "2026-04-01", "budget": "300.00"},
    ),
    draw=DRAW | {"forgiven_on": "2026-03-15"},
)


def lived_through(past: Past) -> None:
    """Three months of deals, a late one, a reversal and payments; each month settled before the next begins."""
    payroll = past.payroll
    on_plan = payroll.plan(CARRYING)
    payroll.assign(past.ae, on_plan)
    payroll.assign(past.second, on_plan, starts_on=date(2026, 1, 11))
    deals = [payroll.deal(past.ae, f"Deal {number}") for number in range(3)]
    payroll.won(past.ae, noon(5), 900_000, opportunity=deals[0])
    payroll.won(past.second, noon(12), 15_100_033)
    payroll.settle(JANUARY)
    payroll.won(past.ae, noon(25), 7_000_001, recorded_at=noon(10, 2))
    wrong = payroll.won(past.second, noon(3, 2), 4_000_000)
    payroll.won(past.ae, noon(9, 2), 12_345_678, opportunity=deals[1])
    payroll.payment(deals[0], noon(20, 2), 900_000)
    payroll.settle(FEBRUARY)
    payroll.reverse(wrong, noon(8, 3))
    payroll.won(past.ae, noon(3, 3), 100_000, opportunity=deals[2])
    payroll.payment(deals[1], noon(11, 3), 12_345_678)
    payroll.settle(MARCH)


class TestPlansInForce:
    def test_pay_what_was_paid_to_the_cent(self, past):
        """With late and reversed events, a quarter, a budget, a draw that is given up and held pay."""
        lived_through(past)
        replay = past.replay(to(Target(document=plan(component(graduated("9")))), past.ae.pk), everybody=True)

        posted = pay(replay, ReplayPay.PAID)
        assert pay(replay, ReplayPay.IN_FORCE) == posted
        assert sum(posted.values()) == sum(LedgerEntry.objects.values_list("amount_minor", flat=True))
        kinds = set(LedgerEntry.objects.values_list("kind", flat=True))
        assert {"draw_advance", "holdback", "release", "bonus", "adjustment"} <= kinds

    def test_pay_what_was_paid_when_it_is_asked_as_an_alternative(self, past):
        """The plan's own document, tried as if it were another: the same engine, the same cents."""
        lived_through(past)
        version = PlanVersion.objects.get()
        replay = past.replay(to(Target(version=version), past.ae.pk, past.second.pk))
        assert pay(replay, ReplayPay.FIRST_DRAFT) == pay(replay, ReplayPay.PAID) != {}

    def test_of_some_months_go_on_from_what_was_open_before(self, past):
        """The draw that was owed and the pay that was held when the window began are the ledger's."""
        lived_through(past)
        version = PlanVersion.objects.get()
        replay = past.replay(to(Target(version=version), past.ae.pk, past.second.pk), months=2)
        assert replay.starts_on == date(2026, 2, 1)
        assert pay(replay, ReplayPay.FIRST_DRAFT) == pay(replay, ReplayPay.PAID) != {}
        assert pay(replay, ReplayPay.IN_FORCE) == pay(replay, ReplayPay.PAID)

    def test_whatever_the_batches(self, past, monkeypatch):
        lived_through(past)
        one = past.replay(to(Target(document=CARRYING), past.ae.pk, past.second.pk))
        monkeypatch.setattr("apps.compensation.services.replay_computation.REPS_PER_BATCH", 1)
        other = past.replay(to(Target(document=CARRYING), past.ae.pk, past.second.pk))
        assert pay(one, ReplayPay.FIRST_DRAFT) == pay(other, ReplayPay.FIRST_DRAFT)
        assert one.outcome.fingerprint == other.outcome.fingerprint

    def test_changes_nothing_of_pay(self, past):
        lived_through(past)
        before = list(LedgerEntry.objects.order_by("pk").values())
        past.replay(to(Target(document=plan(component(graduated("20")))), past.ae.pk))
        assert list(LedgerEntry.objects.order_by("pk").values()) == before


FIGURES = {"margin": "2300.00", "margin_percent": "17", "seats": "40", "term_years": "3"}


@pytest.mark.parametrize("kind", OF_EVERY_KIND)
def test_a_plan_of_every_kind_pays_on_replay_what_it_paid(past, kind):
    """Two months of two peers with quotas, a late deal, one taken back, payments: the same cents by every kind."""
    payroll, reps = past.payroll, (past.ae, past.second)
    on_plan = payroll.plan(plan(OF_EVERY_KIND[kind]))
    for month in (JANUARY, FEBRUARY):
        Quota.objects.create(
            team=past.ae.team, measure="amount_won", starts_on=month.start, ends_on=month.end,
            target_minor=9_000_000, currency="EUR",
        )  # fmt: skip
        for rep in reps:
            payroll.quota(rep, 5_000_000, period=month)
    for rep in reps:
        payroll.assign(rep, on_plan)
        deal = payroll.deal(rep)
        payroll.won(rep, noon(7), 6_100_033, figures=FIGURES, opportunity=deal)
        payroll.accepted(rep, noon(8), 100_000)
        payroll.payment(deal, noon(25), 3_000_001, label="setup invoice")
    payroll.settle(JANUARY)
    payroll.reverse(
        payroll.won(past.ae, noon(9), 777_777, figures=FIGURES, recorded_at=noon(5, 2)), noon(9, 2)
    )
    payroll.won(past.second, noon(11), 888_888, figures=FIGURES, recorded_at=noon(6, 2))
    payroll.won(past.ae, noon(12, 2), 5_555_555, figures=FIGURES)
    payroll.settle(FEBRUARY)
    version = PlanVersion.objects.get()
    replay = past.replay(
        to(Target(version=version), *(rep.pk for rep in reps)), months=2, until=date(2026, 2, 1)
    )
    posted = pay(replay, ReplayPay.PAID)
    assert pay(replay, ReplayPay.IN_FORCE) == posted
    assert pay(replay, ReplayPay.FIRST_DRAFT) == posted


class TestAlternatives:
    def test_a_draft_for_everybody_on_a_plan(self, past):
        payroll = past.payroll
        on_plan = payroll.plan(plan(component(graduated("10"))))
        payroll.assign(past.ae, on_plan)
        payroll.won(past.ae, noon(5), 1_000_000)
        payroll.won(past.ae, noon(5, 3), 500_000)
        draft = past.draft(plan(component(graduated("12"))))
        replay = past.replay(to(Target(version=draft), on_plan.pk, who=Who.PLAN))
        assert total(replay, ReplayPay.IN_FORCE) == 150_000
        assert total(replay, ReplayPay.FIRST_DRAFT) == 180_000
        assert not draft.is_approved
        assert replay.name == "Draft against what was in force"

    def test_the_first_move_that_fits_decides(self, past):
        payroll = past.payroll
        on_plan = payroll.plan(plan(component(graduated("10"))))
        for rep in (past.ae, past.second):
            payroll.assign(rep, on_plan)
            payroll.won(rep, noon(5), 1_000_000)
        high, low = plan(component(graduated("20"))), plan(component(graduated("5")))
        mixed = Alternative("Mixed", [
            AskedMove(Who.PEOPLE, [past.ae.pk], "One", Target(document=high)),
            AskedMove(Who.EVERYBODY, [], "Everybody", Target(document=low)),
        ])  # fmt: skip
        replay = past.replay(mixed)
        assert total(replay, ReplayPay.FIRST_DRAFT, past.ae) == 200_000
        assert total(replay, ReplayPay.FIRST_DRAFT, past.second) == 50_000

    def test_several_at_once_stand_apart(self, past):
        payroll = past.payroll
        on_plan = payroll.plan(plan(component(graduated("10"))))
        payroll.assign(past.ae, on_plan)
        payroll.won(past.ae, noon(5), 1_000_000)
        replay = past.replay(
            *(
                to(Target(document=plan(component(graduated(rate)))), past.ae.pk)
                for rate in ("11", "12", "13")
            )
        )
        assert [total(replay, number) for number in (1, 2, 3, 4)] == [100_000, 110_000, 120_000, 130_000]

    def test_a_draw_of_a_draft_is_taken_back_in_the_months_after(self, past):
        """Month by month, on balances of its own: 2,000 advanced in January, taken back in March."""
        payroll = past.payroll
        payroll.assign(past.ae, payroll.plan(plan(component(graduated("10")))))
        payroll.won(past.ae, noon(5, 2), 2_000_000)
        payroll.won(past.ae, noon(5, 3), 5_000_000)
        replay = past.replay(to(Target(document=plan(component(graduated("10")), draw=DRAW)), past.ae.pk))
        months = [
            sum(minor for key, minor in pay(replay, ReplayPay.FIRST_DRAFT).items() if key[1].month == month)
            for month in (1, 2, 3)
        ]
        assert months == [200_000, 200_000, 300_000]

    def test_what_a_draft_only_puts_off_is_told(self, past):
        payroll = past.payroll
        payroll.assign(past.ae, payroll.plan(plan(component(graduated("10")))))
        payroll.won(past.ae, noon(5, 2), 2_000_000)
        held = component(
            graduated("10"), holdback={"percent": "40", "releases": [{"on": "paid", "percent": "100"}]}
        )
        replay = past.replay(to(Target(document=plan(held, draw=DRAW)), past.ae.pk))
        still_open = {
            row.measure: row.amount_minor
            for row in ReplayFigure.objects.filter(replay=replay, measure__in=("held", "owed"))
        }
        # Of 2,000 in February 800 are held; January and March are advanced whole, February by 800.
        assert still_open == {"held": 80_000, "owed": 480_000}

    def test_pools_are_shared_by_whom_the_move_brings_together(self, past):
        payroll = past.payroll
        own = payroll.plan(plan(component(graduated("10"))))
        for rep in (past.ae, past.second):
            payroll.assign(rep, own)
        payroll.won(past.ae, noon(5), 1_000_000)
        pool = plan(component(graduated("10"), scope="team_pool"))
        replay = past.replay(to(Target(document=pool), past.ae.pk, past.second.pk))
        assert total(replay, ReplayPay.FIRST_DRAFT, past.ae) == 50_000
        assert total(replay, ReplayPay.FIRST_DRAFT, past.second) == 50_000

    def test_somebody_who_was_on_no_plan_can_be_put_on_one(self, past):
        past.payroll.won(past.ae, noon(5), 1_000_000)
        replay = past.replay(to(Target(document=plan(component(graduated("10")))), past.ae.pk))
        assert total(replay, ReplayPay.IN_FORCE) == 0
        assert total(replay, ReplayPay.FIRST_DRAFT) == 100_000

    def test_a_quarterly_run_is_replayed_as_a_quarter(self, past):
        payroll = past.payroll
        tiered = plan(component(graduated("10", "15000", "20")))
        payroll.assign(past.ae, payroll.plan(tiered))
        payroll.won(past.ae, noon(5), 1_000_000)
        payroll.won(past.ae, noon(5, 3), 1_000_000)
        payroll.settle(parse_period("2026Q1"))
        replay = past.replay(to(Target(document=tiered), past.ae.pk), months=1)
        assert (replay.starts_on, replay.ends_on) == (date(2026, 1, 1), date(2026, 4, 1))
        assert total(replay, ReplayPay.FIRST_DRAFT) == total(replay, ReplayPay.PAID) == 250_000


class TestWhoCannotBeReplayed:
    def test_is_left_out_of_everything_and_named(self, past):
        payroll = past.payroll
        on_plan = payroll.plan(plan(component(graduated("10"))))
        for rep in (past.ae, past.second):
            payroll.assign(rep, on_plan)
            payroll.won(rep, noon(5), 1_000_000)
        payroll.quota(past.ae, 1_000_000)
        by_quota = component(graduated("10"), bands_in="percent_of_quota", quota={"measure": "amount_won"})
        replay = past.replay(to(Target(document=plan(by_quota)), past.ae.pk, past.second.pk))
        problem = ReplayProblem.objects.get()
        assert problem.rep == past.second
        assert "quota" in problem.says
        assert not ReplayPay.objects.filter(rep=past.second).exists()
        assert total(replay, ReplayPay.FIRST_DRAFT) == 100_000
        assert replay.outcome.won == {"EUR": [1_000_000, 1]}


class TestAsking:
    def draft(self, past: Past) -> Alternative:
        payroll = past.payroll
        payroll.assign(past.ae, payroll.plan(plan(component(graduated("10")))))
        return to(Target(document=plan(component(graduated("11")))), past.ae.pk)

    def test_twice_by_one_click_is_once(self, past):
        alternative = self.draft(past)
        assert past.ask(alternative, request_key="one") == past.ask(alternative, request_key="one")
        assert Replay.objects.count() == 1

    def test_something_else_under_the_same_key_is_refused(self, past):
        alternative = self.draft(past)
        past.ask(alternative, request_key="one")
        with pytest.raises(replays.UnableToReplay, match="use a new one"):
            past.ask(alternative, request_key="one", months=2)
        assert Replay.objects.count() == 1

    def test_that_moves_nobody_is_refused(self, past):
        self.draft(past)
        nobody = to(Target(document=plan(component(graduated("11")))), 999_999, who=Who.TEAM)
        with pytest.raises(replays.UnableToReplay, match="Nobody"):
            past.ask(nobody)
        assert not Replay.objects.exists()

    @pytest.mark.parametrize(
        ("more", "field"),
        [({"months": 0}, "months"), ({"months": 37}, "months"), ({"until": date(2026, 5, 1)}, "until")],
    )
    def test_for_months_that_cannot_be_is_refused(self, past, more, field):
        with pytest.raises(InvalidInput) as refused:
            past.ask(self.draft(past), **more)
        assert refused.value.field == field

    def test_with_a_file_that_is_no_plan_names_what_is_wrong(self, past):
        self.draft(past)
        wrong = plan(component(graduated("11")) | {"pays": "luck"})
        with pytest.raises(PlanInvalid) as refused:
            past.ask(to(Target(document=wrong), past.ae.pk))
        assert refused.value.problems[0][0] == "components[0].pays"

    def test_by_a_manager_is_about_own_people_and_hidden_once_they_are_another_s(self, past):
        outsider = past.cast.rep(past.cast.outsider)
        own = self.draft(past)
        on_plan = PlanVersion.objects.get().plan
        past.payroll.assign(outsider, on_plan)
        everybody = Alternative("All", [AskedMove(Who.EVERYBODY, [], "All", own.moves[0].to)])
        replay = past.replay(everybody, actor=past.cast.manager)
        assert [one.rep_id for one in replay.people.all()] == [past.ae.pk]
        assert Replay.objects.visible_to(past.cast.manager).get() == replay
        assert not Replay.objects.visible_to(past.cast.outside_manager).exists()
        assert not Replay.objects.visible_to(past.cast.ae).exists()
        Rep.objects.filter(pk=past.ae.pk).update(team=past.cast.other_team)
        assert not Replay.objects.visible_to(past.cast.manager).exists()
        assert Replay.objects.visible_to(past.cast.finance).exists()


class Stopped(Exception):
    """The worker was told to stop."""


class StopAfter:
    """Steps that stop the work once ``batches`` were kept, as a killed worker or a cancellation does."""

    def __init__(self, batches: int) -> None:
        self.checkpoint: dict[str, Any] = {}
        self._left = batches

    def progress(self, done: int, total: int | None = None, note: str = "") -> None:
        if done and self._left <= 0:
            raise Stopped

    def save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.checkpoint = checkpoint
        self._left -= 1


class TestInterrupted:
    def test_goes_on_where_it_stopped_and_shows_nothing_before(self, past, monkeypatch):
        monkeypatch.setattr("apps.compensation.services.replay_computation.REPS_PER_BATCH", 1)
        lived_through(past)
        alternative = to(Target(document=CARRYING), past.ae.pk, past.second.pk)
        whole_one, broken = past.replay(alternative), past.ask(alternative)
        steps = StopAfter(1)
        with pytest.raises(Stopped):
            compute_replay(replay=broken, clock=lambda: APRIL, steps=steps)
        assert not ReplayOutcome.objects.filter(replay=broken).exists()
        going_on = StopAfter(99)
        going_on.checkpoint = steps.checkpoint
        outcome = compute_replay(replay=broken, clock=lambda: APRIL, steps=going_on)
        assert outcome.fingerprint == whole_one.outcome.fingerprint
        assert pay(broken, ReplayPay.FIRST_DRAFT) == pay(whole_one, ReplayPay.FIRST_DRAFT)

    def test_once_worked_out_is_not_worked_out_again(self, past):
        lived_through(past)
        replay = past.replay(to(Target(document=CARRYING), past.ae.pk))
        count = ReplayPay.objects.count()
        assert compute_replay(replay=replay, clock=lambda: noon(1, 5)) == replay.outcome
        assert ReplayPay.objects.count() == count


class TestRevenue:
    def test_is_credited_once_a_person_and_told_by_month(self, past):
        payroll = past.payroll
        payroll.assign(past.ae, payroll.plan(plan(component(graduated("10")))))
        payroll.event(
            EventKind.WON,
            noon(5),
            Credit(past.ae, Capacity.OWNED, 500_000),
            Credit(past.second, Capacity.OWNED, 500_000),
            amount_minor=1_000_001,
        )
        payroll.reverse(payroll.won(past.ae, noon(6), 77), noon(7))
        replay = past.replay(to(Target(document=plan(component(graduated("11")))), past.ae.pk))
        figure = ReplayFigure.objects.get(measure="won")
        assert (figure.rep, figure.starts_on, figure.amount_minor, figure.count) == (
            past.ae, date(2026, 1, 1), 500_001, 1,
        )  # fmt: skip
        assert replay.outcome.won == {"EUR": [1_000_001, 1]}
