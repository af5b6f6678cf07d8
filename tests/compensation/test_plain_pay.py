"""Plain pay, posted set-based, is line for line what the engine makes; only who is unchanged is left alone."""

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from apps.compensation.models import (
    LedgerEntry,
    PayoutCurrency,
    PayoutRun,
    PlanVersion,
    RunState,
    Statement,
)
from apps.compensation.rules.plain import is_plain
from apps.compensation.rules.plan import parse_plan
from apps.compensation.selectors import control
from apps.compensation.services import computation, credit_splits, plan_drafts, plans, rates, runs
from apps.compensation.services.computation import UnableToCompute, compute_run
from apps.core.periods import Period
from apps.leads.models import Capacity, EventKind
from apps.leads.services.record import Credit
from apps.reps.models import Quota, QuotaMeasure, Rep, RepRole
from tests.compensation import random_pay
from tests.compensation.conftest import JANUARY, Payroll, noon
from tests.compensation.plan_documents import COUNT, component, graduated, plan, whole

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
AT = noon(5, 2)
COLUMNS = [
    one.attname for one in LedgerEntry._meta.concrete_fields if one.name not in ("id", "statement", "run")
]
CAPACITIES = {"owned": Capacity.OWNED, "sourced": Capacity.SOURCED}


def books(run: PayoutRun) -> tuple[Any, ...]:
    """Every column of each rep's lines in the order of the ledger, statements, and the fingerprint, which the lines
    must give."""
    run.refresh_from_db()
    assert control.fingerprint(run) == run.fingerprint, "the lines give what the digests gave"
    sums = ("rep_id", "currency", "earned_minor", "payable_minor", "line_count", "basis", "digest")
    return (
        run.fingerprint,
        list(LedgerEntry.objects.order_by("rep_id", "pk").values_list(*COLUMNS)),
        list(Statement.objects.order_by("rep_id", "currency").values_list(*sums)),
    )


def in_turn(payroll: Payroll, work: Callable[[PayoutRun], Any]) -> tuple[Any, ...]:
    """The books that ``work`` leaves, and everything as before."""
    with transaction.atomic():
        run = runs.create_run(period=JANUARY, at=AT, actor=payroll.cast.revops)
        try:
            work(run)
            return books(run)
        except UnableToCompute as error:
            return (str(error),)
        finally:
            transaction.set_rollback(True)


def both_ways(payroll: Payroll, monkeypatch: pytest.MonkeyPatch) -> tuple[tuple[Any, ...], set[int]]:
    """The books of a run, which are the same with the engine alone; and for whom they were made set-based."""
    posted: set[int] = set()
    post_plain = computation.post_plain

    def noted(**given: Any) -> frozenset[int]:
        found = post_plain(**given)
        posted.update(found)
        return found

    monkeypatch.setattr(computation, "post_plain", noted)
    set_based = in_turn(payroll, lambda run: compute_run(run=run, clock=lambda: AT))
    monkeypatch.setattr(computation, "post_plain", post_plain)
    with monkeypatch.context() as patch:
        patch.setattr(computation, "plain_pay", lambda *_, **__: {})
        by_engine = in_turn(payroll, lambda run: compute_run(run=run, clock=lambda: AT))
    # The fingerprint last: lines say more about where they differ.
    for one, other in zip(reversed(set_based), reversed(by_engine), strict=True):
        assert one == other
    return set_based, posted


def plain_document(rng: random.Random, name: str) -> dict[str, Any]:
    """A random plan that is plain, sometimes with pay held back."""
    components = []
    while len(components) < rng.randint(1, 3):
        found = random_pay.component(rng, f"c{len(components)}", "EUR")
        if found["pays"] != "target_by_band" and rng.random() < 0.2:
            found["holdback"] = {"percent": rng.choice(("30", "12.5")), "releases": [{"on": "held"}]}
        document = plan(found, name=name, currency="EUR", effective_on="2020-01-01")
        if is_plain(parse_plan(document)):
            components.append(found)
    return plan(*components, name=name, currency="EUR", effective_on="2020-01-01")


def people(payroll: Payroll, count: int) -> list[Rep]:
    team = payroll.cast.rep(payroll.cast.ae).team
    return [
        Rep.objects.create(name=f"Rep {number}", team=team, role=RepRole.AE, hired_on=date(2020, 1, 1))
        for number in range(count)
    ]


def quotas(rng: random.Random, rep: Rep) -> None:
    for measure, most in ((QuotaMeasure.AMOUNT_WON, 9_000_000), (QuotaMeasure.PIPELINE, 400_000)):
        target = rng.choice((100_000, 7, rng.randint(1, most)))
        Quota.objects.create(
            rep=rep, measure=measure, starts_on=JANUARY.start, ends_on=JANUARY.end, target_minor=target, currency="EUR"
        )  # fmt: skip
    Quota.objects.create(
        rep=rep, measure=QuotaMeasure.MEETINGS_ACCEPTED, starts_on=JANUARY.start, ends_on=JANUARY.end,
        target_count=rng.randint(1, 12),
    )  # fmt: skip


def deals(rng: random.Random, payroll: Payroll, rep: Rep, document: dict[str, Any], *, odd: float) -> None:
    for _ in range(rng.randint(0, 14)):
        like = rng.choice(document["components"])["measure"]
        share = rng.choice(random_pay.SHARES)
        other = payroll.cast.rep(payroll.cast.ae)
        credits_ = [Credit(rep, CAPACITIES[like["capacity"]], share)]
        if share != 1_000_000:
            credits_.append(Credit(other, CAPACITIES[like["capacity"]], 1_000_000 - share))
        amount = None if rng.random() < 0.08 else rng.choice((-1, 1, 1, 1)) * rng.choice(
            (0, 1, 99, 10_000_00, rng.randint(0, 5_000_000), rng.randint(0, 10**12))
        )  # fmt: skip
        more: dict[str, Any] = {}
        if rng.random() < 0.3:
            more["opportunity"] = payroll.deal(rep)
        event = payroll.event(
            EventKind(like["event"]), noon(rng.randint(1, 31)), *credits_, amount_minor=amount,
            currency="USD" if rng.random() < odd else "EUR", **more,
        )  # fmt: skip
        if "opportunity" in more and rng.random() < 0.5:
            payroll.event(EventKind.HELD, noon(rng.randint(1, 31)), opportunity=more["opportunity"])
        if rng.random() < 0.1:
            payroll.reverse(event, noon(31) + timedelta(hours=1))


class TestTheSameLines:
    @pytest.mark.parametrize("seed", range(8))
    def test_random_plans_and_deals_earn_the_same_line_for_line(self, payroll, monkeypatch, seed):
        rng = random.Random(seed)
        for number, rep in enumerate(people(payroll, 14)):
            document = plain_document(rng, f"Plan {number}")
            payroll.assign(rep, payroll.plan(document))
            quotas(rng, rep)
            deals(rng, payroll, rep, document, odd=0.0 if seed % 2 else 0.005)
        found, posted = both_ways(payroll, monkeypatch)
        assert len(found) == 1 or len(posted) >= 7, "most of it was posted set-based"

    def test_caps_floors_and_held_pay_follow_from_lines_of_both_kinds(self, payroll, monkeypatch):
        held = {"percent": "30", "releases": [{"on": "held"}]}
        documents = [
            plan(component(graduated("1.3", "10000", "2.7"), holdback=held), name="Held"),
            plan(component(whole("1.25", "20000", "2.5"), cap="70.00"), name="Capped"),
            plan(
                component(graduated("40.00", "3", "60.00"), measure=COUNT, pays="per_unit", floor="900.00"),
                name="Least",
            ),
        ]
        for rep, document in zip(people(payroll, 3), documents, strict=True):
            payroll.assign(rep, payroll.plan(document))
            for day, share in enumerate((1_000_000, 500_000, 333_333, 1_000_000, 1), 3):
                deal = payroll.deal(rep)
                payroll.event(
                    EventKind.WON, noon(day), Credit(rep, Capacity.OWNED, share),
                    Credit(payroll.cast.rep(payroll.cast.ae), Capacity.OWNED, 1_000_000 - share),
                    amount_minor=712_345 + day, opportunity=deal,
                ) if share != 1_000_000 else payroll.won(rep, noon(day), 712_345 + day, opportunity=deal)  # fmt: skip
                if day < 6:
                    payroll.event(EventKind.HELD, noon(day + 9), opportunity=deal)
        found, posted = both_ways(payroll, monkeypatch)
        assert len(posted) == 3
        sources = {row[COLUMNS.index("source_key")].partition(":")[0] for row in found[1]}
        assert sources == {"event", "holdback", "release", "cap", "floor"}


def recomputed(payroll: Payroll, at: int = 6) -> set[int]:
    """Compute January again; for whom anything was worked out."""
    seen: set[int] = set()
    line_by_line, post_plain = computation._compute_line_by_line, computation.post_plain
    with pytest.MonkeyPatch.context() as patch:

        def by_line(run, rep_ids, *more):
            seen.update(rep_ids)
            return line_by_line(run, rep_ids, *more)

        def set_based(**given):
            seen.update(given["plain"])
            return post_plain(**given)

        patch.setattr(computation, "_compute_line_by_line", by_line)
        patch.setattr(computation, "post_plain", set_based)
        payroll.compute(JANUARY, noon(at, 2))
    return seen


@pytest.fixture
def two(payroll: Payroll) -> tuple[Rep, Rep]:
    """Two on one plan with a quota, three wins each; the run is computed."""
    first, second = people(payroll, 2)
    document = plan(
        component(
            graduated("1", "50", "2"),
            bands_in="percent_of_quota",
            quota={"measure": "amount_won", "ramp_percent": "50"},
        ),
        effective_on="2020-01-01",
    )
    made = payroll.plan(document)
    for rep in (first, second):
        payroll.assign(rep, made)
        payroll.quota(rep, 10_000_00)
        for day in (4, 5, 6):
            payroll.won(rep, noon(day), 3_333_33)
    payroll.compute(JANUARY, AT)
    return first, second


class TestUnchanged:
    def test_nothing_is_worked_out_where_nothing_changed(self, payroll, two):
        before = books(PayoutRun.objects.get())
        assert recomputed(payroll) == set()
        assert books(PayoutRun.objects.get()) == before

    def test_whatever_changes_is_noticed_and_pays_as_the_engine_says(self, payroll, two):
        first, _ = two
        win = LedgerEntry.objects.filter(rep=first).order_by("pk").first().event

        def late() -> None:
            payroll.won(first, noon(7), 100_00)

        def reversed_() -> None:
            payroll.reverse(win, noon(5, 2))

        def quota() -> None:
            Quota.objects.filter(rep=first).update(target_minor=5_000_00)

        def quota_of_more_days() -> None:
            Quota.objects.filter(rep=first).update(ends_on=date(2026, 2, 10))

        def ramp() -> None:
            Rep.objects.filter(pk=first.pk).update(ramp_ends_on=date(2026, 1, 10))

        def currency() -> None:
            PayoutCurrency.objects.create(
                rep=first, currency="EUR", starts_on=date(2026, 1, 1), set_at=noon(2), by=payroll.cast.finance
            )  # fmt: skip

        def leaves() -> None:
            first.plan_assignments.update(ends_on=date(2026, 1, 20))

        def comes_late() -> None:
            first.plan_assignments.update(starts_on=date(2026, 1, 5))

        def line_that_nobody_knew_of() -> None:
            Statement.objects.filter(rep=first).update(line_count=2)

        changes = (late, reversed_, quota, quota_of_more_days, ramp, currency, leaves, comes_late)
        for number, change in enumerate((*changes, line_that_nobody_knew_of)):
            with transaction.atomic():
                PayoutRun.objects.update(state=RunState.COMPUTING)
                change()
                assert recomputed(payroll) == {first.pk}, change.__name__
                run = PayoutRun.objects.get()
                assert control.fingerprint(run) == run.fingerprint
                assert not control.differences(run)
                paid = dict(Statement.objects.values_list("rep_id", "payable_minor"))
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(computation, "plain_pay", lambda *_, **__: {})
                    payroll.compute(JANUARY, noon(7, 2))
                assert dict(Statement.objects.values_list("rep_id", "payable_minor")) == paid, number
                transaction.set_rollback(True)

    def test_what_was_changed_back_is_paid_back(self, payroll, two):
        first, _ = two
        before = payroll.paid(PayoutRun.objects.get(), first)
        extra = payroll.won(first, noon(7), 100_00)
        assert recomputed(payroll) == {first.pk}
        assert payroll.paid(PayoutRun.objects.get(), first) > before
        payroll.reverse(extra, noon(6, 2))
        assert recomputed(payroll, 8) == {first.pk}
        assert payroll.paid(PayoutRun.objects.get(), first) == before
        assert recomputed(payroll, 9) == set()


def moved(payroll: Payroll) -> tuple[set[int], set[int]]:
    """Compute January again: for whom it was worked out, and whose pay is another. The engine alone finds the same."""
    before = pay_of_all()
    seen = recomputed(payroll, 7)
    after, run = pay_of_all(), PayoutRun.objects.get()
    assert control.fingerprint(run) == run.fingerprint
    assert not control.differences(run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(computation, "plain_pay", lambda *_, **__: {})
        payroll.compute(JANUARY, noon(8, 2))
    assert pay_of_all() == after, "the engine has nothing to add"
    return seen, {rep_id for rep_id in {*before, *after} if before.get(rep_id) != after.get(rep_id)}


def pay_of_all() -> dict[int, list[tuple[str, int]]]:
    found: dict[int, list[tuple[str, int]]] = {}
    for rep_id, currency, payable in Statement.objects.order_by("rep_id", "currency").values_list(
        "rep_id", "currency", "payable_minor"
    ):
        found.setdefault(rep_id, []).append((currency, payable))
    return found


SIXTH = noon(6, 2)


class TestNothingIsLeftAloneWrongly:
    """Inputs of all kinds change between two computations; ``moved`` holds each against the engine."""

    def test_a_share_split_by_hand(self, payroll, two):
        first, second = two
        win = LedgerEntry.objects.filter(rep=first).order_by("pk").first().event
        shares = {first: 600_000, second: 400_000}
        more = {"capacity": Capacity.OWNED, "reason": "Both worked on it."}
        split = credit_splits.propose_split(
            event=win, shares=shares, at=SIXTH, actor=payroll.cast.manager, **more
        )
        with transaction.atomic():
            assert moved(payroll) == (set(), set()), "it waits"
            transaction.set_rollback(True)
        credit_splits.approve_split(split=split, at=SIXTH, actor=payroll.cast.finance)
        assert moved(payroll) == ({first.pk, second.pk}, {first.pk, second.pk})

    def test_a_quota_of_some_of_the_days(self, payroll, two):
        first, _ = two
        payroll.quota(first, 2_000_00, Period(date(2026, 1, 1), date(2026, 1, 16)))
        assert moved(payroll) == ({first.pk}, {first.pk})

    def test_another_plan(self, payroll, two):
        first, _ = two
        other = payroll.plan(plan(component(graduated("3", "2000", "5")), name="Another"))
        first.plan_assignments.update(ends_on=JANUARY.start)
        payroll.assign(first, other, JANUARY.start)
        assert moved(payroll) == ({first.pk}, {first.pk})

    def test_another_version_of_the_plan(self, payroll, two):
        first, second = two
        version = PlanVersion.objects.get()
        document = {**version.document, "effective_on": "2020-02-01"}
        document["components"] = [component(graduated("4", "2000", "6"))]
        draft = plans.load_plan_document(document=document, author=payroll.cast.revops, at=SIXTH)
        assert draft.plan == version.plan
        with transaction.atomic():
            assert moved(payroll) == (set(), set()), "it is a draft"
            transaction.set_rollback(True)
        plan_drafts.submit_version(version=draft, at=SIXTH, actor=draft.author)
        plans.approve_version(version=draft, approver=payroll.cast.finance, at=SIXTH)
        assert moved(payroll) == ({first.pk, second.pk}, {first.pk, second.pk})

    def test_an_exchange_rate(self, payroll):
        abroad, at_home = people(payroll, 2)
        made = payroll.plan(plan(component(graduated("10"), measure={"other_currencies": "event_day"})))
        self.rate("0.92", noon(6))
        for rep, currency in ((abroad, "USD"), (at_home, "EUR")):
            payroll.assign(rep, made)
            payroll.won(rep, noon(6), 1_000_00, currency=currency)
            payroll.won(rep, noon(7), 2_000_00)
        payroll.compute(JANUARY, AT)
        self.rate("0.95", SIXTH)
        assert moved(payroll) == ({abroad.pk}, {abroad.pk})

    def test_an_exchange_rate_of_what_somebody_is_paid_in(self, payroll):
        abroad, at_home = people(payroll, 2)
        made = payroll.plan(plan(component(graduated("10"))))
        self.rate("0.92", noon(6))
        PayoutCurrency.objects.create(
            rep=abroad, currency="USD", starts_on=date(2026, 1, 1), set_at=noon(2), by=payroll.cast.finance
        )  # fmt: skip
        for rep in (abroad, at_home):
            payroll.assign(rep, made)
            payroll.won(rep, noon(7), 2_000_00)
        payroll.compute(JANUARY, AT)
        self.rate("0.95", SIXTH)
        assert moved(payroll) == ({abroad.pk}, {abroad.pk})

    def rate(self, value: str, at: datetime) -> None:
        rate = rates.NewRate("USD", "EUR", date(2026, 1, 6), Decimal(value), "ECB")
        rates.record_rates(rates=[rate], today=date(2026, 12, 31), at=at)

    def test_a_payment(self, payroll):
        on_payment, held, on_win = people(payroll, 3)
        back = {"percent": "30", "releases": [{"on": "paid"}]}
        documents = (
            plan(component(graduated("10"), measure={"event": "paid"}), name="On payment"),
            plan(component(graduated("10"), holdback=back), name="Held until paid"),
            plan(component(graduated("10")), name="On the win"),
        )
        deals_ = []
        for rep, document in zip((on_payment, held, on_win), documents, strict=True):
            payroll.assign(rep, payroll.plan(document))
            deals_.append(payroll.deal(rep))
            payroll.won(rep, noon(7), 2_000_00, opportunity=deals_[-1])
        payroll.compute(JANUARY, AT)
        for deal in deals_:
            payroll.payment(deal, noon(9), 2_000_00, recorded_at=SIXTH)
        assert moved(payroll) == ({on_payment.pk, held.pk}, {on_payment.pk, held.pk})


class TestCreditsThatComeInBetween:
    """A transaction that began earlier commits credits after the groups were looked at, before lines are written."""

    @pytest.mark.parametrize("swapped", [False, True])
    def test_what_was_looked_at_is_posted_and_the_rest_is_found_the_next_time(
        self, payroll, monkeypatch, swapped
    ):
        rep, other = people(payroll, 2)
        made = payroll.plan(plan(component(graduated("10"))))
        for one in (rep, other):
            payroll.assign(one, made)
        win = payroll.won(rep, noon(6), 1_000_00)
        payroll.won(other, noon(6), 1_000_00)
        look, post_plain = computation.plain_pay, computation.post_plain
        posted = []

        def look_before_they_come(*given: Any, **more: Any) -> Any:
            found = look(*given, **more)
            payroll.won(rep, noon(7), 500_00)
            if swapped:
                payroll.reverse(win, noon(8))
            return found

        def noted(**given: Any) -> Any:
            posted.append(post_plain(**given))
            return posted[-1]

        with monkeypatch.context() as patch:
            patch.setattr(computation, "post_plain", noted)
            patch.setattr(computation, "plain_pay", look_before_they_come)
            run = payroll.compute(JANUARY, AT)
        assert posted == [frozenset({rep.pk, other.pk})]
        assert (payroll.paid(run, rep), payroll.paid(run, other)) == (100_00, 100_00)
        assert control.fingerprint(run) == run.fingerprint
        assert moved(payroll) == ({rep.pk}, {rep.pk}), "what was looked at is not taken for what is there"
        assert (payroll.paid(run, rep), payroll.paid(run, other)) == (50_00 if swapped else 150_00, 100_00)
