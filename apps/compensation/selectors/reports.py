"""The rows of the files of a run: the payout report, all of its lines, and the payroll file.

Their layouts are documented in ``docs/finance.md`` and are stable: columns are added at the end only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Count, F, Q, Sum

from apps.compensation.models import LedgerEntry, PayoutRun, PlanVersion, Statement
from apps.core.money import to_major
from apps.reps.models import Rep


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One component of one rep in one currency; amounts in minor units."""

    currency: str
    team: str
    agency: str
    rep_id: int
    rep: str
    external_id: str
    role: str
    plan: str
    plan_version: int
    component_key: str
    component: str
    lines: int
    earned_minor: int
    adjustments_minor: int

    @property
    def payable_minor(self) -> int:
        return self.earned_minor + self.adjustments_minor

    def major(self, minor: int) -> Decimal:
        return to_major(minor, self.currency)


def report_rows(run: PayoutRun) -> Iterator[ReportRow]:
    """The report of ``run``, by currency, team, rep and component. One query, read as it streams."""
    own = Q(starts_on=run.starts_on, ends_on=run.ends_on)
    rows = (
        LedgerEntry.objects.filter(run=run)
        .order_by(
            "currency",
            "statement__team__name",
            "rep__name",
            "rep_id",
            "component_key",
            "plan_version__plan__name",
            "plan_version__number",
        )
        .values(
            "currency",
            "rep_id",
            "component_key",
            "component_name",
            plan=F("plan_version__plan__name"),
            version=F("plan_version__number"),
            team=F("statement__team__name"),
            agency=F("rep__agency__name"),
            rep_name=F("rep__name"),
            external=F("rep__external_id"),
            role=F("rep__role"),
        )
        .annotate(
            lines=Count("pk"),
            earned=Sum("amount_minor", filter=own, default=0),
            adjusted=Sum("amount_minor", filter=~own, default=0),
        )
    )
    for row in rows.iterator(chunk_size=2_000):
        yield ReportRow(
            row["currency"],
            row["team"],
            row["agency"] or "",
            row["rep_id"],
            row["rep_name"],
            row["external"],
            row["role"],
            row["plan"],
            row["version"],
            row["component_key"],
            row["component_name"],
            row["lines"],
            row["earned"],
            row["adjusted"],
        )


@dataclass(frozen=True)
class SummaryRow:
    """A sum of statements by what ``word`` names, in one currency, in minor units."""

    currency: str
    word: str
    statements: int
    earned_minor: int
    adjustments_minor: int
    payable_minor: int


NO_PLAN = "No plan in the period"


def summaries(run: PayoutRun) -> list[tuple[str, list[SummaryRow]]]:
    """Sums by team, plan and component, each by currency. Three queries."""
    return [
        ("team", _statement_sums(run, "team__name")),
        ("plan", _statement_sums(run, "plan_version__plan__name")),
        ("component", _component_sums(run)),
    ]


def by_person(run: PayoutRun) -> list[SummaryRow]:
    """Everybody's statement by currency and name, with the number of its lines. One query."""
    statements = Statement.objects.filter(run=run).order_by("currency", "rep__name", "rep_id")
    columns = ("currency", "rep__name", "line_count", "earned_minor", "adjustments_minor", "payable_minor")
    return [SummaryRow(*row) for row in statements.values_list(*columns)]


def _statement_sums(run: PayoutRun, name: str) -> list[SummaryRow]:
    rows = (
        Statement.objects.filter(run=run)
        .order_by("currency", name)
        .values("currency", word=F(name))
        .annotate(
            statements=Count("pk"),
            earned=Sum("earned_minor"),
            adjusted=Sum("adjustments_minor"),
            payable=Sum("payable_minor"),
        )
    )
    return [
        SummaryRow(
            row["currency"],
            row["word"] or NO_PLAN,
            row["statements"],
            row["earned"],
            row["adjusted"],
            row["payable"],
        )
        for row in rows
    ]


def _component_sums(run: PayoutRun) -> list[SummaryRow]:
    own = Q(starts_on=run.starts_on, ends_on=run.ends_on)
    rows = (
        LedgerEntry.objects.filter(run=run)
        .order_by("currency", "component_name")
        .values("currency", word=F("component_name"))
        .annotate(
            statements=Count("statement", distinct=True),
            earned=Sum("amount_minor", filter=own, default=0),
            adjusted=Sum("amount_minor", filter=~own, default=0),
            payable=Sum("amount_minor"),
        )
    )
    return [
        SummaryRow(
            row["currency"], row["word"], row["statements"], row["earned"], row["adjusted"], row["payable"]
        )
        for row in rows
    ]


class LineRow(NamedTuple):
    """One ledger line as the file of all lines has it; the amount in minor units of ``currency``."""

    currency: str
    rep_id: int
    rep: str
    external_id: str
    team: str
    plan: str
    plan_version: int
    component: str
    kind: str
    source: str
    earned_in: str
    cause: str
    amount_minor: int


LINE_COLUMNS = (
    "Rep", "Name", "External id", "Team", "Plan", "Plan version", "Component", "Kind", "Source", "Earned in", "Cause",
    "Amount",
)  # fmt: skip
_LINE = (
    "currency", "rep_id", "statement_id", "plan_version_id", "component_name", "kind", "source_key", "starts_on",
    "ends_on", "cause", "amount_minor",
)  # fmt: skip


def line_rows(run: PayoutRun) -> Iterator[LineRow]:
    """Every line of ``run`` as posted, by currency and rep. Four queries; the lines are read as they stream."""
    people = {
        pk: (name, external)
        for pk, name, external in Rep.objects.filter(statements__run=run).values_list(
            "pk", "name", "external_id"
        )
    }
    teams = dict(Statement.objects.filter(run=run).order_by().values_list("pk", "team__name"))
    under = LedgerEntry.objects.filter(run=run).order_by().values("plan_version").distinct()
    versions = {
        pk: (name, number)
        for pk, name, number in PlanVersion.objects.filter(pk__in=under).values_list(
            "pk", "plan__name", "number"
        )
    }
    spans: dict[tuple[date, date], str] = {}
    rows = LedgerEntry.objects.filter(run=run).order_by("currency", "rep_id", "pk").values_list(*_LINE)
    for currency, rep_id, statement, version, name, kind, source, start, end, cause, amount in rows.iterator(
        chunk_size=5_000
    ):
        said = spans.get((start, end))
        if said is None:
            said = spans[start, end] = f"{start}..{end}"
        rep, external = people[rep_id]
        plan, number = versions[version]
        yield LineRow(
            currency, rep_id, rep, external, teams[statement], plan, number, name, kind, source, said, cause,
            amount,
        )  # fmt: skip


def payroll_rows(run: PayoutRun) -> Iterator[dict[str, Any]]:
    """What a payroll file is made of: one row for each rep and currency, by currency, name and number. One query."""
    statements = Statement.objects.filter(run=run).order_by("currency", "rep__name", "rep_id")
    last_day = run.period.last_day
    for one in statements.select_related("rep__agency", "team", "plan_version__plan").iterator(
        chunk_size=2_000
    ):
        version = one.plan_version
        yield {
            "external_id": one.rep.external_id,
            "name": one.rep.name,
            "rep": one.rep_id,
            "role": one.rep.role,
            "team": one.team.name,
            "agency": one.rep.agency.name if one.rep.agency else "",
            "plan": version.plan.name if version else "",
            "currency": one.currency,
            "payable": one.payable_minor,
            "earned": one.earned_minor,
            "adjustments": one.adjustments_minor,
            "lines": one.line_count,
            "run": run.code,
            "period_start": run.starts_on,
            "period_end": last_day,
            "statement": one.pk,
            "fingerprint": run.fingerprint,
        }
