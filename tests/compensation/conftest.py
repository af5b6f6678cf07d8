"""Plans, events and runs for the pay tests, said in one line each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from apps.compensation.models import (
    CustomerPayment,
    LedgerEntry,
    PayoutRun,
    Plan,
    RunState,
    Statement,
)
from apps.compensation.services import plan_drafts, plans, runs
from apps.compensation.services.computation import compute_run
from apps.compensation.services.payments import record_payment
from apps.core.periods import Period, parse_period
from apps.leads.models import Capacity, EventKind, FunnelEvent, Opportunity, Source
from apps.leads.services.record import Credit, NewEvent, record_event, reverse_event
from apps.reps.models import Quota, QuotaMeasure, Rep
from tests.cast import Cast
from tests.stage import staged

_keys = count(1)

JANUARY, FEBRUARY, MARCH = (parse_period(f"2026-0{month}") for month in (1, 2, 3))


def noon(day: int | str, month: int = 1) -> datetime:
    """Noon UTC of a day in 2026, well within the day in Berlin."""
    return datetime(2026, month, int(day), 12, tzinfo=UTC)


@dataclass
class Payroll:
    """The company's pay as a test drives it."""

    cast: Cast

    # --- Plans --------------------------------------------------------------------------------
    def plan(self, document: dict[str, Any] | str, **changes: Any) -> Plan:
        """Load and approve a plan (a document, or the name of a shipped one)."""
        document = plans.shipped_plan(document) if isinstance(document, str) else document
        version = plans.load_plan_document(document=document, author=self.cast.revops, at=noon(1), **changes)
        plan_drafts.submit_version(version=version, at=noon(1), actor=version.author)
        plans.approve_version(version=version, approver=self.cast.finance, at=noon(1))
        return version.plan

    def assign(self, rep: Rep, plan: Plan, starts_on: date = date(2025, 1, 1), **more: Any) -> None:
        plans.assign_plan(rep=rep, plan=plan, starts_on=starts_on, at=noon(1), **more)

    def quota(self, rep: Rep, target_minor: int, period: Period = JANUARY, currency: str = "EUR") -> Quota:
        return Quota.objects.create(
            rep=rep,
            measure=QuotaMeasure.AMOUNT_WON,
            starts_on=period.start,
            ends_on=period.end,
            target_minor=target_minor,
            currency=currency,
        )

    # --- The record ---------------------------------------------------------------------------
    def event(
        self,
        kind: EventKind,
        when: datetime,
        *shares: Credit,
        amount_minor: int | None = None,
        currency: str = "EUR",
        recorded_at: datetime | None = None,
        figures: dict[str, str] | None = None,
        **subject: Any,
    ) -> FunnelEvent:
        """``figures`` are numbers that come with it; ``subject`` its lead, hand-off or opportunity."""
        return record_event(
            event=NewEvent(
                kind=kind,
                occurred_at=when,
                source=Source.IMPORT,
                source_key=f"pay-test:{next(_keys)}",
                credits=shares,
                amount_minor=amount_minor,
                currency=currency if amount_minor is not None else "",
                data={"figures": figures} if figures else {},
                **subject,
            ),
            at=recorded_at or when + timedelta(minutes=1),
        )

    def accepted(self, rep: Rep, when: datetime, amount_minor: int | None = 0, **more: Any) -> FunnelEvent:
        credit = Credit(rep, Capacity.SOURCED)
        return self.event(EventKind.ACCEPTED, when, credit, amount_minor=amount_minor, **more)

    def won(self, rep: Rep, when: datetime, amount_minor: int, **more: Any) -> FunnelEvent:
        return self.event(EventKind.WON, when, Credit(rep, Capacity.OWNED), amount_minor=amount_minor, **more)

    def deal(self, rep: Rep, name: str = "Brightmoor Logistics") -> Opportunity:
        """An opportunity for events and payments to name; what became of it is in the record."""
        return Opportunity.objects.create(name=name, owner=rep, opened_at=noon(1), stage_changed_at=noon(1))

    def payment(self, deal: Opportunity, when: datetime, amount_minor: int, **more: Any) -> CustomerPayment:
        return record_payment(
            opportunity=deal,
            amount_minor=amount_minor,
            currency=more.pop("currency", "EUR"),
            paid_at=when,
            source_key=f"payment-test:{next(_keys)}",
            at=more.pop("recorded_at", when),
            **more,
        )

    def reverse(self, event: FunnelEvent, at: datetime, reason: str = "duplicate") -> FunnelEvent:
        return reverse_event(event=event, reason=reason, at=at)

    # --- Runs ---------------------------------------------------------------------------------
    def compute(self, period: Period, at: datetime | None = None) -> PayoutRun:
        """Begin the run of ``period``, or take it up again, and compute it."""
        at = at or period.bounds()[1] + timedelta(days=2)
        run = PayoutRun.objects.filter(code=period.code).first()
        if run is None:
            run = runs.create_run(period=period, at=at, actor=self.cast.revops)
        elif run.state == RunState.COMPUTED:
            PayoutRun.objects.filter(pk=run.pk).update(state=RunState.COMPUTING)
        return compute_run(run=run, clock=lambda: at)

    def lock(self, run: PayoutRun, at: datetime | None = None) -> PayoutRun:
        at = at or run.period.bounds()[1] + timedelta(days=3)
        runs.submit_run(run=run, at=at, actor=self.cast.revops)
        runs.approve_run(run=run, fingerprint=run.fingerprint, at=at, actor=self.cast.finance)
        return runs.lock_run(run=run, fingerprint=run.fingerprint, at=at, actor=self.cast.finance)

    def settle(self, period: Period) -> PayoutRun:
        return self.lock(self.compute(period))

    def paid(self, run: PayoutRun, rep: Rep, currency: str = "EUR") -> int:
        """What the rep's statement pays, in minor units."""
        return Statement.objects.get(run=run, rep=rep, currency=currency).payable_minor

    def lines(self, run: PayoutRun, rep: Rep) -> list[LedgerEntry]:
        return list(LedgerEntry.objects.filter(run=run, rep=rep).order_by("pk"))


@pytest.fixture
@staged
def payroll(cast: Cast) -> Payroll:
    return Payroll(cast)


def flat_plan(pays: str = "percent_of_amount", rate: str = "10", **measure: str) -> dict[str, Any]:
    """A plan of one component with one flat rate."""
    return banded_plan([["0", None, rate]], pays=pays, **measure)


def banded_plan(
    bands: list[list[str | None]],
    *,
    method: str = "graduated",
    pays: str = "percent_of_amount",
    name: str = "Test plan",
    currency: str = "EUR",
    event: str = "won",
    capacity: str = "owned",
    **component: Any,
) -> dict[str, Any]:
    """A plan of one component; ``bands`` are [from, to, rate]."""
    return {
        "format": "salesportal.plan/1",
        "name": name,
        "role": "ae",
        "currency": currency,
        "effective_on": "2020-01-01",
        "components": [
            {
                "key": "only",
                "name": "The only component",
                "measure": {
                    "event": event,
                    "capacity": capacity,
                    "of": "count" if pays == "per_unit" else "amount",
                },
                "pays": pays,
                "rates": {
                    "method": method,
                    "bands": [
                        {"from": lower, "rate": rate} | ({"to": upper} if upper is not None else {})
                        for lower, upper, rate in bands
                    ],
                },
                **component,
            }
        ],
    }


Make = Callable[..., Any]
