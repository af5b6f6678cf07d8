"""Questions about pay in the demo company: some of every state, on the newest statements that people may see."""

from datetime import datetime, timedelta

from apps.accounts.models import Role, User
from apps.compensation.models import Inquiry, LedgerEntry, RunState, Statement
from apps.compensation.services import inquiries, inquiry_outcomes, inquiry_thread, pay_adjustments
from apps.compensation.services.inquiries import Question
from apps.portal.demo.founding import Company
from apps.portal.demo.life import Span

_FIRST = ("jonas.berg", "maya.lindqvist", "ivo.marek", "paula.nowak", "didier.morel")
"""Whose sign-ins the demo offers: their questions are seen first."""


def put_inquiries(company: Company, span: Span) -> None:
    """One inquiry each of: open, waiting for the asker, explained, a change to approve, a change agreed."""
    finance, revops = company.of_role(Role.FINANCE), company.of_role(Role.REVOPS)
    tellers = (_open, _waiting, _to_approve, _agreed, _explained)
    for statement, tell in zip(_statements(len(tellers)), tellers, strict=False):
        tell(statement, span.at, revops, finance)


def _statements(most: int) -> list[Statement]:
    """The newest statement of each of some people, those whose sign-ins are offered first."""
    rows = (
        Statement.objects.filter(line_count__gt=0, plan_version__isnull=False, rep__user__is_active=True)
        .exclude(run__state__in=RunState.unsettled())
        .select_related("rep__user", "run", "plan_version")
        .order_by("-run__starts_on", "rep_id", "pk")
    )
    newest: dict[int, Statement] = {}
    for statement in rows[:400]:
        newest.setdefault(statement.rep_id, statement)
    places = {name: place for place, name in enumerate(_FIRST)}

    def place(one: Statement) -> tuple[int, int]:
        name = one.rep.user.email.partition("@")[0] if one.rep.user else ""
        return places.get(name, len(places)), one.rep_id

    return sorted(newest.values(), key=place)[:most]


def _ask(
    statement: Statement, text: str, at: datetime, *, of_line: bool = True, expected: str = ""
) -> Inquiry:
    lines = LedgerEntry.objects.filter(statement=statement).order_by("-amount_minor", "pk")
    line = lines.first() if of_line else None
    return inquiries.ask(question=Question(statement, text, line, expected), at=at, actor=statement.rep.user)


def _open(statement: Statement, at: datetime, revops: User, finance: User) -> None:
    _ask(statement, "The rate on this line is lower than the one of my plan. Why?", at - timedelta(hours=3))


def _waiting(statement: Statement, at: datetime, revops: User, finance: User) -> None:
    text = "A meeting that was accepted in the last week of the month is not here."
    asked = _ask(statement, text, at - timedelta(days=2), of_line=False, expected="An accepted meeting")
    says = "Which company was it with? Then I can find the hand-off."
    inquiry_thread.ask_back(inquiry=asked, text=says, at=at - timedelta(days=1), actor=revops)


def _to_approve(statement: Statement, at: datetime, revops: User, finance: User) -> None:
    asked = _ask(statement, "The second product of this deal was left out.", at - timedelta(days=3))
    says = "You are right, it was signed on a second sheet. I propose the difference."
    inquiry_thread.reply(inquiry=asked, text=says, at=at - timedelta(days=2), actor=revops)
    _propose(asked, 120_00, "The second product was signed on a sheet of its own.", at, revops)


def _agreed(statement: Statement, at: datetime, revops: User, finance: User) -> None:
    asked = _ask(statement, "This was a joint visit; half of the credit is missing.", at - timedelta(days=4))
    proposed = _propose(asked, 80_00, "Joint visit, agreed with both managers.", at, revops)
    pay_adjustments.approve(adjustment=proposed, at=at - timedelta(hours=20), actor=finance)


def _propose(
    asked: Inquiry, amount_minor: int, reason: str, at: datetime, revops: User
) -> pay_adjustments.PayAdjustment:
    basis = pay_adjustments.basis_of(asked)
    assert basis is not None, "statements with a plan were chosen"
    return pay_adjustments.propose(
        inquiry=asked,
        amount_minor=amount_minor,
        currency=asked.statement.currency,
        component_key=asked.line.component_key if asked.line else next(iter(basis.components)),
        reason=reason,
        at=at - timedelta(days=1),
        actor=revops,
    )


def _explained(statement: Statement, at: datetime, revops: User, finance: User) -> None:
    asked = _ask(
        statement, "Why is the whole month lower than the last one?", at - timedelta(days=5), of_line=False
    )
    inquiry_outcomes.explain(
        inquiry=asked,
        text="The statement compares both months: fewer events counted, at the same rates.",
        at=at - timedelta(days=4),
        actor=revops,
    )
