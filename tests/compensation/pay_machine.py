"""Random weeks of a company's pay, played on the portal and on a plain model beside it: never a cent apart.

Events, late ones, reversals, splits told anew, customers' payments, plan versions, quotas, changes of plan, runs
computed with deaths in between, and the steps to paid by who may and by who may not. After each computation the whole
ledger, the statements and every closed run are compared. ``test_pay_machine`` plays a few weeks, and
``benchmarks/prove_machine.py`` as many as one wants.
"""

import hashlib
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from django.db import transaction
from django.db.models import F, Sum
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from apps.compensation.models import LedgerEntry, PayoutRun, PlanAssignment, RunState, Statement
from apps.compensation.selectors import control
from apps.compensation.services import computation, payments, plan_drafts, plans, runs
from apps.compensation.services.computation import Unwatched, compute_run
from apps.core.errors import DomainError
from apps.core.periods import Period
from apps.leads.models import Capacity, EventKind, FunnelEvent, Opportunity, Source
from apps.leads.services.record import Credit, NewEvent, record_event, reverse_event
from apps.reps.models import Quota, QuotaMeasure, Rep
from tests.cast import Cast
from tests.compensation import random_pay
from tests.compensation.pay_model import CLOSED, Assignment, Days, Fact, Model, Payment, Run, Version

FIRST_DAY = date(2026, 1, 1)
PEOPLE = ("sdr", "teammate", "ae", "second_ae")
MEASURES = (QuotaMeasure.AMOUNT_WON, QuotaMeasure.PIPELINE, QuotaMeasure.MEETINGS_ACCEPTED)
MONTHS = [Period(date(2026, month, 1), date(2026, month + 1, 1)) for month in range(1, 10)]
SEEDS = st.integers(0, 2**32)


class Killed(BaseException):
    """As a worker that is gone: nothing catches it."""


class Dying(Unwatched):
    """Steps that die when the ``fatal``-th batch would be kept."""

    def __init__(self, checkpoint: dict[str, Any], fatal: int) -> None:
        self.checkpoint, self.fatal = checkpoint, fatal

    def save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        if checkpoint.get("done"):
            self.fatal -= 1
            if self.fatal == 0:
                raise Killed
        self.checkpoint = checkpoint


def any_plan(rng: Random, name: str) -> dict[str, Any]:
    """A plan in euros of everything that the model knows: also over quarters, for teams, with holdback and draw."""
    document = random_pay.plan(rng) | {"name": name, "currency": "EUR"}
    document["components"] = [_component(rng, f"c{place}") for place in range(len(document["components"]))]
    if rng.random() < 0.5:
        document["draw"] = {
            "name": "Draw", "amount": rng.choice(("500.00", "2000.00")),
            "recoverable": rng.choice(("yes", "no")), "paid": "with_the_run",
        }  # fmt: skip
    return document


def _component(rng: Random, key: str) -> dict[str, Any]:
    one = random_pay.component(rng, key, "EUR")
    one["measure"].pop("no_shows", None)
    if one["measure"]["event"] == "paid":
        # A payment is taken back by another payment, never by a reversal of an event.
        one.pop("clawback", None)
    bonus = one.get("bonus")
    if bonus:
        bonus["to"] = "2026-03-20"
    limited = {"cap", "floor"} & set(one) or one["pays"] == "target_by_band"
    if "quota" in one and rng.random() < 0.4:
        one["quota"]["ramp_percent"] = "50"
    if not limited and rng.random() < 0.35:
        one["basis"] = rng.choice(("quarter", "quarter_to_date"))
    elif "quota" not in one and rng.random() < 0.25:
        one["scope"] = "team"
    if one["measure"]["event"] == "won" and not limited and "basis" not in one and rng.random() < 0.4:
        one["holdback"] = {"percent": rng.choice(("30", "12.5", "100")), "releases": [{"on": "paid"}]}
    return one


class PayMachine(RuleBasedStateMachine):
    """Subclasses say who the people are: ``cast`` is made once, and each play is taken back at its end."""

    cast: Cast

    def __init__(self) -> None:
        super().__init__()
        self._play = transaction.atomic()
        self._play.__enter__()
        self.now = datetime(2026, 1, 20, 12, tzinfo=UTC)
        self.reps: list[Rep] = []
        self.number = 0
        self.kept: dict[int, str] = {}
        self.done: Counter[str] = Counter()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._play.__exit__(None, None, None)

    def check_invariants(self, settings: Any, output: Any, runtimes: Any) -> None:
        self.done["steps"] += 1
        super().check_invariants(settings, output, runtimes)

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def key(self) -> str:
        self.number += 1
        return f"machine:{self.number}"

    # --- The company ------------------------------------------------------------------------------

    @initialize(seed=SEEDS)
    def company(self, seed: int) -> None:
        rng = Random(seed)
        computation.REPS_PER_BATCH = 1
        self.reps = [self.cast.rep(getattr(self.cast, name)) for name in PEOPLE]
        self.model = Model(team={rep.pk: rep.team_id for rep in self.reps})
        for name in ("One", "Two"):
            self._load(name, any_plan(rng, name), date(2025, 1, 1))
        for rep in self.reps:
            for measure in MEASURES:
                self._set_quota(
                    rep, measure, Period(FIRST_DAY, date(2027, 1, 1)), rng.randint(400, 9_000_000)
                )
            starts = rng.choice((date(2025, 1, 1), date(2026, 1, 11)))
            self._assign(rep, rng.choice(("One", "Two")), starts)
        ramping = self.reps[0]
        Rep.objects.filter(pk=ramping.pk).update(ramp_ends_on=date(2026, 2, 10))
        self.model.ramp[ramping.pk] = date(2026, 2, 10)

    def _load(self, name: str, document: dict[str, Any], effective_on: date) -> None:
        document = document | {"effective_on": effective_on.isoformat()}
        at = self.tick()
        version = plans.load_plan_document(document=document, author=self.cast.revops, at=at)
        if any(one.number == version.number for one in self.model.plans[name]):
            return
        plan_drafts.submit_version(version=version, at=at, actor=version.author)
        plans.approve_version(version=version, approver=self.cast.finance, at=at)
        self.model.plans[name].append(Version(version.number, document, effective_on))

    def _set_quota(self, rep: Rep, measure: QuotaMeasure, period: Period, target: int) -> None:
        counts = measure == QuotaMeasure.MEETINGS_ACCEPTED
        target = target // 100 + 400 if counts else target
        Quota.objects.update_or_create(
            rep=rep, measure=measure, starts_on=period.start, ends_on=period.end,
            defaults={"target_count": target} if counts else {"target_minor": target, "currency": "EUR"},
        )  # fmt: skip
        spans = self.model.quotas.setdefault((rep.pk, str(measure)), [])
        days = Days(period.start, period.end)
        spans[:] = [one for one in spans if one[0] != days] + [(days, target)]

    def _assign(self, rep: Rep, name: str, starts: date) -> None:
        plan = plans.Plan.objects.get(name=name)
        plans.assign_plan(rep=rep, plan=plan, starts_on=starts, at=self.tick())
        self.model.assignments.append(Assignment(rep.pk, name, starts))

    # --- What happens -----------------------------------------------------------------------------

    @rule(seed=SEEDS)
    def something_happens(self, seed: int) -> None:
        """An event, often a late one, with shares that make the whole."""
        rng = Random(seed)
        kind = rng.choice(("won", "won", "accepted", "held"))
        day = self.now - timedelta(days=rng.choice((0, 0, 1, 5, 20, 45, 70)), hours=rng.randint(0, 6))
        day = max(day, datetime(2026, 1, 1, 9, tzinfo=UTC))
        amount = None if rng.random() < 0.05 else rng.choice((1, 1, 1, -1)) * rng.randint(0, 4_000_000)
        deal = None
        if kind == "won" and rng.random() < 0.7:
            owner = rng.choice(self.reps)
            deal = Opportunity.objects.create(
                name="Deal", owner=owner, opened_at=day, stage_changed_at=day
            ).pk
        self._record(rng, kind, day, amount, random_pay._figures(Random(1)), deal)

    def _record(
        self,
        rng: Random,
        kind: str,
        day: datetime,
        amount: int | None,
        figures: dict[str, str],
        deal: int | None,
    ) -> None:
        shares = [
            (rep, capacity, share)
            for capacity in (Capacity.SOURCED, Capacity.OWNED)
            for rep, share in self._shares(rng)
        ]
        event = record_event(
            event=NewEvent(
                kind=EventKind(kind), occurred_at=day, source=Source.IMPORT, source_key=self.key(),
                credits=[Credit(*one) for one in shares], amount_minor=amount,
                currency="EUR" if amount is not None else "", data={"figures": figures},
                opportunity=Opportunity.objects.get(pk=deal) if deal else None,
            ),
            at=self.tick(),
        )  # fmt: skip
        self.model.facts.append(
            Fact(
                event.pk, kind, day, self.now, [(rep.pk, capacity.value, share) for rep, capacity, share in shares],
                amount, figures, deal,
            )
        )  # fmt: skip

    def _shares(self, rng: Random) -> list[tuple[Rep, int]]:
        people = rng.sample(self.reps, rng.choice((1, 1, 2, 3)))
        cuts = sorted(rng.sample(range(1, 1_000_000), len(people) - 1))
        edges = [0, *cuts, 1_000_000]
        return [(rep, high - low) for rep, low, high in zip(people, edges, edges[1:], strict=False)]

    def _standing(self) -> list[Fact]:
        return [fact for fact in self.model.facts if fact.gone is None]

    @precondition(lambda self: self._standing())
    @rule(seed=SEEDS, again=st.booleans())
    def one_is_reversed(self, seed: int, again: bool) -> None:
        """By mistake; or its shares were wrong, and it is told anew with others."""
        rng = Random(seed)
        fact = rng.choice(self._standing())
        reverse_event(event=FunnelEvent.objects.get(pk=fact.number), reason="mistake", at=self.tick())
        fact.gone = self.now
        if again:
            self._record(rng, fact.kind, fact.at, fact.amount, fact.figures, fact.deal)

    @precondition(lambda self: any(fact.deal for fact in self._standing()))
    @rule(seed=SEEDS)
    def a_customer_pays(self, seed: int) -> None:
        rng = Random(seed)
        win = rng.choice([fact for fact in self._standing() if fact.deal])
        day = max(win.at, self.now - timedelta(days=rng.choice((0, 1, 15, 40))))
        payment = payments.record_payment(
            opportunity=Opportunity.objects.get(pk=win.deal), amount_minor=rng.randint(1, 2_000_000),
            currency="EUR", paid_at=day, source_key=self.key(), at=self.tick(),
        )  # fmt: skip
        assert win.deal is not None
        self.model.payments.append(Payment(payment.pk, win.deal, payment.amount_minor, day, self.now))

    @precondition(lambda self: any(one.gone is None for one in self.model.payments))
    @rule(seed=SEEDS)
    def a_payment_is_taken_back(self, seed: int) -> None:
        one = Random(seed).choice([one for one in self.model.payments if one.gone is None])
        payments.reverse_payment(payment=payments.CustomerPayment.objects.get(pk=one.number), at=self.tick())
        one.gone = self.now

    # --- What is decided --------------------------------------------------------------------------

    @rule(seed=SEEDS)
    def a_plan_gets_another_version(self, seed: int) -> None:
        rng = Random(seed)
        name = rng.choice(("One", "Two"))
        effective_on = self.now.date() + timedelta(days=rng.choice((-60, -20, 0, 12)))
        self._load(name, any_plan(rng, name), effective_on)

    @rule(seed=SEEDS)
    def a_quota_changes(self, seed: int) -> None:
        rng = Random(seed)
        year = Period(FIRST_DAY, date(2027, 1, 1))
        period = rng.choice((year, MONTHS[rng.randint(0, 3)]))
        self._set_quota(rng.choice(self.reps), rng.choice(MEASURES), period, rng.randint(4_000, 9_000_000))

    @rule(seed=SEEDS)
    def somebody_changes_plan(self, seed: int) -> None:
        rng = Random(seed)
        rep = rng.choice(self.reps)
        last = max((one for one in self.model.assignments if one.rep == rep.pk), key=lambda one: one.starts)
        starts = self.now.date() + timedelta(days=rng.choice((-40, -10, 0, 5)))
        if starts <= last.starts:
            return
        PlanAssignment.objects.filter(rep=rep, ends_on=None).update(ends_on=starts)
        last.ends = starts
        self._assign(rep, "Two" if last.plan == "One" else "One", starts)

    # --- Runs -------------------------------------------------------------------------------------

    @rule(days=st.sampled_from([3, 9, 16, 31]))
    def time_passes(self, days: int) -> None:
        if self.now.date() < date(2026, 8, 1):
            self.now += timedelta(days=days)

    def _begun(self) -> list[Period]:
        return [month for month in MONTHS if month.start <= self.now.date()]

    @rule(seed=SEEDS, deaths=st.lists(st.integers(1, 4), max_size=2))
    def a_run_is_computed(self, seed: int, deaths: list[int]) -> None:
        months = [
            month for month in self._begun()
            if self._model_run(month) is None or self._model_run(month).state in ("computing", "computed")
        ]  # fmt: skip
        if not months:
            return
        rng = Random(seed)
        self._run_of(rng.choice(months[:2]), deaths, rng)

    def _run_of(self, month: Period, deaths: list[int], rng: Random) -> None:
        run = PayoutRun.objects.filter(code=month.code).first()
        if run is None:
            run = runs.create_run(period=month, at=self.tick(), actor=self.cast.revops)
            self.model.runs[Days(month.start, month.end)] = Run(Days(month.start, month.end))
        else:
            # As request_computation does, without a job that nobody would take.
            PayoutRun.objects.filter(pk=run.pk, state=RunState.COMPUTED).update(state=RunState.COMPUTING)
            run.refresh_from_db()
        self._compute(run, deaths, rng)
        model_run = self._model_run(month)
        assert model_run is not None
        assert run.as_of is not None
        self.model.compute(model_run, run.as_of)
        self._compare(run)

    def _compute(self, run: PayoutRun, deaths: list[int], rng: Random) -> None:
        """Compute; each death leaves whole batches, life goes on, and the next start takes the work up.

        Only who dies in between needs batches of one: without deaths all go together mostly, which is quicker.
        """
        computation.REPS_PER_BATCH = 1 if deaths or rng.random() < 0.2 else 50
        checkpoint: dict[str, Any] = {}
        for fatal in deaths:
            steps = Dying(checkpoint, fatal)
            try:
                compute_run(run=run, clock=self.tick, steps=steps)
                return
            except Killed:
                self.done["deaths"] += 1
                checkpoint = steps.checkpoint
                self._record(rng, "won", self.now - timedelta(days=20), 5_000_00, {"seats": "3"}, None)
        compute_run(run=run, clock=self.tick, steps=Dying(checkpoint, 0))

    @rule(seed=SEEDS)
    def the_oldest_open_month_is_closed(self, seed: int) -> None:
        """As a company does once a month: wait until it is over, compute, submit, approve, lock."""
        closed = {one.days for one in self.model.runs.values() if one.state in CLOSED}
        month = next((one for one in MONTHS[:7] if Days(one.start, one.end) not in closed), None)
        if month is None:
            return
        over = datetime.combine(month.end, time(12), tzinfo=UTC) + timedelta(days=2)
        self.now = max(self.now, over)
        known = self._model_run(month)
        if known is not None and known.state in ("submitted", "approved"):
            run = PayoutRun.objects.get(code=month.code)
            runs.send_back(run=run, reason="Look again", at=self.tick(), actor=self.cast.finance)
            known.state = "computed"
        self._run_of(month, [], Random(seed))
        model_run, run = self._model_run(month), PayoutRun.objects.get(code=month.code)
        assert model_run is not None
        for _ in range(3):
            self._step(run, model_run)

    def _model_run(self, month: Period) -> Run | None:
        return self.model.runs.get(Days(month.start, month.end))

    @precondition(lambda self: self.model.runs)
    @rule(seed=SEEDS, whole_way=st.booleans())
    def a_run_is_carried_on(self, seed: int, whole_way: bool) -> None:
        """One step, or all the way to locked; those who may not are refused on the way."""
        rng = Random(seed)
        model_run = rng.choice(list(self.model.runs.values()))
        run = PayoutRun.objects.get(starts_on=model_run.days.start)
        assert run.state == model_run.state
        for _ in range(3 if whole_way else 1):
            if not self._step(run, model_run):
                return

    def _step(self, run: PayoutRun, model_run: Run) -> bool:
        cast, at = self.cast, self.tick()
        if model_run.state == "computed":
            over = at.date() >= model_run.days.end
            moved = self._may(over, lambda: runs.submit_run(run=run, at=at, actor=cast.revops))
            model_run.state = "submitted" if moved else model_run.state
        elif model_run.state == "submitted":
            self._may(False, lambda: self._approve(run, cast.revops, run.fingerprint))
            self._may(False, lambda: self._approve(run, cast.finance, "seen before"))
            moved = self._may(True, lambda: self._approve(run, cast.finance, run.fingerprint))
            model_run.state = "approved"
        elif model_run.state == "approved":
            moved = self._may(
                True, lambda: runs.lock_run(run=run, fingerprint=run.fingerprint, at=at, actor=cast.finance)
            )
            model_run.state = "locked"
            self.kept[run.pk] = self._bytes(run)
            self.done["runs locked"] += 1
        elif model_run.state == "locked":
            moved = self._may(True, lambda: runs.mark_paid(run=run, at=at, actor=cast.finance))
            model_run.state = "paid"
        else:
            moved = False
            self._may(False, lambda: runs.request_computation(run=run, at=at, actor=cast.revops))
        run.refresh_from_db()
        assert run.state == model_run.state
        return moved

    def _approve(self, run: PayoutRun, who: Any, fingerprint: str) -> None:
        runs.approve_run(run=run, fingerprint=fingerprint, at=self.now, actor=who)

    def _may(self, allowed: bool, act: Any) -> bool:
        try:
            with transaction.atomic():
                act()
        except DomainError:
            assert not allowed
            return False
        assert allowed
        return True

    @precondition(
        lambda self: any(one.state in ("submitted", "approved") for one in self.model.runs.values())
    )
    @rule()
    def a_run_is_sent_back(self) -> None:
        one = next(one for one in self.model.runs.values() if one.state in ("submitted", "approved"))
        run = PayoutRun.objects.get(starts_on=one.days.start)
        runs.send_back(run=run, reason="Look again", at=self.tick(), actor=self.cast.finance)
        one.state = "computed"

    @precondition(lambda self: any(one.state == "computed" for one in self.model.runs.values()))
    @rule()
    def computing_again_changes_nothing(self) -> None:
        """With nothing new, a computed run stays line by line as it is."""
        one = next(one for one in self.model.runs.values() if one.state == "computed")
        run = PayoutRun.objects.get(starts_on=one.days.start)
        assert run.as_of is not None
        instant = run.as_of
        PayoutRun.objects.filter(pk=run.pk).update(state=RunState.COMPUTING)
        compute_run(run=run, clock=lambda: instant)
        self.model.compute(one, instant)
        before = (LedgerEntry.objects.count(), PayoutRun.objects.get(pk=run.pk).fingerprint)
        PayoutRun.objects.filter(pk=run.pk).update(state=RunState.COMPUTING)
        compute_run(run=run, clock=lambda: instant)
        assert (LedgerEntry.objects.count(), PayoutRun.objects.get(pk=run.pk).fingerprint) == before
        self._compare(run)

    # --- What must be the same --------------------------------------------------------------------

    def _compare(self, run: PayoutRun) -> None:
        self.done["computations compared"] += 1
        self._compare_ledger()
        self._compare_statements(run)
        for pk, digest in self.kept.items():
            assert self._bytes(PayoutRun.objects.get(pk=pk)) == digest, "a locked run changed"

    def _compare_ledger(self) -> None:
        rows = (
            LedgerEntry.objects.order_by()
            .values_list("rep_id", "starts_on", "ends_on", "component_key", "source_key", "currency")
            .annotate(total=Sum("amount_minor"))
        )
        found = {row[:6]: row[6] for row in rows if row[6]}
        wanted = {
            (rep, days.start, days.end, *line): minor
            for (rep, days), lines in self.model.book.items()
            for line, minor in lines.items()
            if minor
        }
        apart = {
            key: (found.get(key, 0), wanted.get(key, 0))
            for key in {*found, *wanted}
            if found.get(key) != wanted.get(key)
        }
        if apart:
            note(f"plans: {self.model.plans}")
            note(f"as of: {list(PayoutRun.objects.values_list('code', 'as_of', 'state'))}")
        assert not apart, f"(portal, model) by source: {apart}"
        last = LedgerEntry.objects.values("rep_id", "starts_on", "component_key", "source_key", "currency")
        assert not last.annotate(total=Sum("amount_minor")).exclude(total=F("total")).exists()

    def _compare_statements(self, run: PayoutRun) -> None:
        wanted = self.model.runs[Days(run.starts_on, run.ends_on)].totals
        found = {(one.rep_id, one.currency): one for one in Statement.objects.filter(run=run)}
        for key, one in found.items():
            assert one.payable_minor == wanted.get(key, 0) == one.earned_minor + one.adjustments_minor
        assert not [key for key, minor in wanted.items() if minor and key not in found]
        assert not control.differences(run)

    def _bytes(self, run: PayoutRun) -> str:
        """Every column of a closed run's lines and statements, and what being paid does not change of it."""
        sha = hashlib.sha256()
        for rows in (LedgerEntry.objects.filter(run=run), Statement.objects.filter(run=run)):
            for row in rows.order_by("pk").values_list():
                sha.update(repr(row).encode())
        kept = ("code", "as_of", "computations", "fingerprint", "event_count", "computed_at", "locked_at")
        sha.update(repr(PayoutRun.objects.values_list(*kept).get(pk=run.pk)).encode())
        return sha.hexdigest()


__all__ = ["CLOSED", "PayMachine"]
