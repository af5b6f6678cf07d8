"""The run in approval is looked at person by person: some of it is done, the odd still waits. Two payroll layouts."""

from datetime import timedelta

from apps.accounts.models import Role, User
from apps.compensation.models import PayoutRun, ReviewVerdict, RunState, Statement
from apps.compensation.rules.payroll_layout import DEFAULT, Column, Layout
from apps.compensation.selectors.reviews import Row, worklist
from apps.compensation.services import payroll_layouts
from apps.compensation.services.reviews import review_pay
from apps.portal.demo.founding import Company
from apps.portal.demo.life import Span

_BANK = Layout(
    (
        Column("constant", "Company code", "4711"),
        Column("external_id", "Employee"),
        Column("constant", "Wage type", "2070"),
        Column("payable", "Amount"),
        Column("currency", "Currency"),
        Column("period_end", "Value date"),
        Column("run", "Reference"),
    ),
    decimal=",",
    date="%d.%m.%Y",
    encoding="cp1252",
    control_row=True,
)


def put_reviews(company: Company, span: Span) -> None:
    """Managers' words on most of their teams, finance's on some; and the layouts that finance pays by."""
    finance = company.of_role(Role.FINANCE)
    saved_at = span.instant(span.months[0].end + timedelta(days=6), 11, 20)
    for name, layout in (("Payroll bureau", DEFAULT), ("Bank, semicolons", _BANK)):
        payroll_layouts.create_layout(name=name, document=layout.as_document(), at=saved_at, actor=finance)
    run = PayoutRun.objects.filter(state=RunState.SUBMITTED).first()
    if run is None:
        return
    rows = worklist(run, Statement.objects.filter(run=run))
    plain = [row for row in rows if not row.oddities]
    at = (
        max(run.submitted_at + timedelta(hours=1), span.at - timedelta(hours=3))
        if run.submitted_at
        else span.at
    )
    at = min(at, span.at)
    for manager in sorted({row.manager_id for row in plain if row.manager_id}):
        of_team = [row for row in plain if row.manager_id == manager and row.user_id != manager][:4]
        who = User.objects.get(pk=manager)
        review_pay(run=run, seen=_seen(of_team), verdict=ReviewVerdict.APPROVED, at=at, actor=who)
    done = [row for row in plain if row.user_id != finance.pk][: len(plain) // 2]
    if done:
        review_pay(run=run, seen=_seen(done), verdict=ReviewVerdict.APPROVED, at=at, actor=finance)


def _seen(rows: list[Row]) -> dict[int, str]:
    return {row.rep_id: row.digest for row in rows}
