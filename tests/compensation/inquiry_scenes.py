"""Scenes of inquiries: a settled January with a line to ask about, said in one line each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.compensation.models import Inquiry, InquiryTerms, LedgerEntry, PayAdjustment, PayoutRun, Statement
from apps.compensation.services import inquiries, pay_adjustments
from apps.compensation.services.inquiries import Question
from apps.reps.models import Rep
from tests.compensation.conftest import JANUARY, Payroll, flat_plan, noon


@dataclass
class Scene:
    """The AE of the cast is paid 10 % of a win of January, in a run that is locked."""

    payroll: Payroll
    rep: Rep
    run: PayoutRun
    statement: Statement
    line: LedgerEntry

    @property
    def cast(self) -> Any:
        return self.payroll.cast

    @property
    def asker(self) -> Any:
        return self.payroll.cast.ae

    def ask(self, at: datetime | None = None, line: LedgerEntry | None = None, **more: Any) -> Inquiry:
        more.setdefault("text", "I expected more for this.")
        keys = {"files", "source_key"}
        given = {key: more.pop(key) for key in list(more) if key in keys}
        question = Question(self.statement, line=line, **more)
        return inquiries.ask(question=question, at=at or monday(9), actor=self.asker, **given)

    def ask_line(self, at: datetime | None = None, **more: Any) -> Inquiry:
        return self.ask(at, self.line, **more)

    def propose(self, inquiry: Inquiry, amount_minor: int = 80_00, **more: Any) -> PayAdjustment:
        given: dict[str, Any] = {
            "currency": "EUR",
            "component_key": "only",
            "reason": "The second product was left out.",
            "at": monday(11),
            "actor": self.cast.revops,
        }
        return pay_adjustments.propose(inquiry=inquiry, amount_minor=amount_minor, **(given | more))

    def agree(self, inquiry: Inquiry, amount_minor: int = 80_00, at: datetime | None = None) -> PayAdjustment:
        proposed = self.propose(inquiry, amount_minor)
        return pay_adjustments.approve(adjustment=proposed, at=at or monday(12), actor=self.cast.finance)


def monday(hour: int, minute: int = 0) -> datetime:
    """An instant (UTC) of Monday, 9 February 2026; Berlin is an hour ahead."""
    return noon(9, 2).replace(hour=hour, minute=minute)


def settled(payroll: Payroll) -> Scene:
    rep = payroll.cast.rep(payroll.cast.ae)
    payroll.assign(rep, payroll.plan(flat_plan()))
    payroll.won(rep, noon(15), 1_000_00)
    run = payroll.settle(JANUARY)
    statement = Statement.objects.get(run=run, rep=rep)
    return Scene(payroll, rep, run, statement, LedgerEntry.objects.get(statement=statement))


def set_terms(**more: Any) -> InquiryTerms:
    """Terms as they would be set, without anybody."""
    given: dict[str, Any] = {
        "first_answer_minutes": 240,
        "outcome_minutes": 960,
        "warn_percent": 50,
        "reopen_days": 14,
        "answered_by": "revops",
        "set_at": noon(1),
    }
    return InquiryTerms.objects.create(**(given | more))
