"""The rows of the payout report: one for each rep, currency and component. CSV and XLSX are made from these.

The layout is documented in ``docs/compensation.md`` and is stable: columns are added at the end only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, F, Q, Sum

from apps.compensation.models import LedgerEntry, PayoutRun, Statement
from apps.core.money import to_major


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


def by_team(run: PayoutRun) -> list[SummaryRow]:
    """Statements by currency and team. One query."""
    rows = (
        Statement.objects.filter(run=run)
        .order_by("currency", "team__name")
        .values("currency", word=F("team__name"))
        .annotate(
            statements=Count("pk"),
            earned=Sum("earned_minor"),
            adjusted=Sum("adjustments_minor"),
            payable=Sum("payable_minor"),
        )
    )
    return [
        SummaryRow(
            row["currency"], row["word"], row["statements"], row["earned"], row["adjusted"], row["payable"]
        )
        for row in rows
    ]
