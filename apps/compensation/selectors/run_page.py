"""A payout run as its page shows it: sums, what is odd, where the money goes, and who did what.

Everything is read through the statements that the viewer may see: a manager's page holds the own team's rows
and nothing of the rest.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum

from apps.audit.models import AuditEntry
from apps.compensation.models import LedgerEntry, PayoutRun, RunState, Statement
from apps.compensation.rules import words
from apps.compensation.selectors.credits import reps_credited
from apps.compensation.selectors.reports import SummaryRow
from apps.compensation.selectors.reviews import Row, worklist
from apps.reps.models import Rep

ODD_SHOWN = 12
PAID_FOR = ("accepted", "stage_1", "stage_2", "won", "held")


@dataclass(frozen=True)
class CurrencySum:
    currency: str
    statements: int
    payable_minor: int


def sums(statements: QuerySet[Statement]) -> list[CurrencySum]:
    """Payable by currency; currencies are never added together."""
    rows = (
        statements.order_by("currency")
        .values("currency")
        .annotate(count=Count("pk"), total=Sum("payable_minor"))
    )
    return [CurrencySum(row["currency"], row["count"], row["total"]) for row in rows]


def sums_of_runs(runs: Iterable[PayoutRun], user: Any) -> dict[int, list[CurrencySum]]:
    """The sums of several runs, as far as ``user`` sees them. One query."""
    rows = (
        Statement.objects.visible_to(user)
        .filter(run__in=[run.pk for run in runs])
        .order_by("currency")
        .values("run_id", "currency")
        .annotate(count=Count("pk"), total=Sum("payable_minor"))
    )
    found: dict[int, list[CurrencySum]] = defaultdict(list)
    for row in rows:
        found[row["run_id"]].append(CurrencySum(row["currency"], row["count"], row["total"]))
    return found


# --- Where the money goes -------------------------------------------------------------------------


def breakdown(run: PayoutRun, statements: QuerySet[Statement], by: str) -> list[SummaryRow]:
    """Sums by currency and ``team``, ``plan`` or ``component``. One query."""
    if by == "component":
        return _by_component(run, statements)
    name = {"team": "team__name", "plan": "plan_version__plan__name"}[by]
    rows = (
        statements.order_by("currency", name)
        .values("currency", word=F(name))
        .annotate(
            count=Count("pk"),
            earned=Sum("earned_minor"),
            adjusted=Sum("adjustments_minor"),
            payable=Sum("payable_minor"),
        )
    )
    return [
        SummaryRow(
            row["currency"],
            row["word"] or "No plan in the period",
            row["count"],
            row["earned"],
            row["adjusted"],
            row["payable"],
        )
        for row in rows
    ]


def _by_component(run: PayoutRun, statements: QuerySet[Statement]) -> list[SummaryRow]:
    own = Q(starts_on=run.starts_on, ends_on=run.ends_on)
    rows = (
        LedgerEntry.objects.filter(statement__in=statements.order_by().values("pk"))
        .order_by("currency", "component_name")
        .values("currency", word=F("component_name"))
        .annotate(
            count=Count("statement", distinct=True),
            earned=Sum("amount_minor", filter=own, default=0),
            adjusted=Sum("amount_minor", filter=~own, default=0),
            payable=Sum("amount_minor"),
        )
    )
    return [
        SummaryRow(row["currency"], row["word"], row["count"], row["earned"], row["adjusted"], row["payable"])
        for row in rows
    ]


def in_currencies(rows: list[SummaryRow]) -> list[tuple[str, list[SummaryRow], SummaryRow]]:
    """Rows by currency, each with its total. (The total of components counts a statement once for each.)"""
    groups: dict[str, list[SummaryRow]] = defaultdict(list)
    for row in rows:
        groups[row.currency].append(row)
    return [
        (
            currency,
            group,
            SummaryRow(
                currency,
                f"Total {currency}",
                sum(row.statements for row in group),
                sum(row.earned_minor for row in group),
                sum(row.adjustments_minor for row in group),
                sum(row.payable_minor for row in group),
            ),
        )
        for currency, group in groups.items()
    ]


# --- What is odd ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Odd:
    """Something to look at before approving. ``weight`` orders them, the heaviest first."""

    weight: int
    icon: str
    kind: str
    title: str
    says: str
    amount: str = ""
    note: str = ""
    statement_id: int | None = None


@dataclass(frozen=True)
class OddList:
    shown: list[Odd]
    count: int

    @property
    def left_out(self) -> int:
        return self.count - len(self.shown)


def odd_list(run: PayoutRun, statements: QuerySet[Statement], *, whole_company: bool) -> OddList:
    """What differs from the usual, the oddest person first (``rules.oddities``). Ten queries at most."""
    found = [_odd_row(row) for row in worklist(run, statements) if row.oddities]
    if whole_company:
        found.extend(_odd_without_plan(run))
    found.sort(key=lambda odd: (-odd.weight, odd.title))
    return OddList(found[:ODD_SHOWN], len(found))


def _odd_row(row: Row) -> Odd:
    worst, first = row.oddities[0], row.statements[0]
    return Odd(
        worst.weight,
        worst.icon,
        worst.badge,
        f"{row.name}, {worst.label[0].lower()}{worst.label[1:]}",
        " ".join(one.says for one in row.oddities),
        ", ".join(words.money(one.payable_minor, one.currency) for one in row.statements),
        "",
        first.pk,
    )


def _odd_without_plan(run: PayoutRun) -> list[Odd]:
    """People credited with what plans pay for, and on no plan: they are paid nothing, which may be meant."""
    if run.as_of is None:
        return []
    paid = Statement.objects.filter(run=run).order_by().values("rep_id")
    credited = reps_credited(period=run.period, as_of=run.as_of, kinds=PAID_FOR)
    found = Rep.objects.filter(pk__in=credited.order_by().values("rep_id")).exclude(pk__in=paid)
    names = list(found.order_by("name").values_list("name", flat=True)[: ODD_SHOWN + 1])
    if not names:
        return []
    listed = ", ".join(names[:ODD_SHOWN]) + (" and more" if len(names) > ODD_SHOWN else "")
    many = len(names) > 1
    return [
        Odd(
            40,
            "people",
            "warn",
            f"Credited in the period, and on no plan: {listed}",
            f"{'They are' if many else 'This person is'} paid nothing by this run. Assign a plan if that is "
            "not meant.",
        )
    ]


# --- Who did what ---------------------------------------------------------------------------------

_ACTS = {
    "compensation.run.created": ("play", "began the run"),
    "compensation.run.recomputed": ("refresh", "had it computed again"),
    "compensation.run.submitted": ("arrow", "submitted the run"),
    "compensation.run.approved": ("check", "approved the run"),
    "compensation.run.sent_back": ("undo", "sent it back"),
    "compensation.run.recalled": ("undo", "took it back to correct it"),
    "compensation.pay.approved": ("check", "approved pay of"),
    "compensation.pay.sent_back": ("undo", "sent back pay of"),
    "compensation.run.locked": ("lock", "locked the run"),
    "compensation.run.paid": ("money", "marked it paid"),
    "compensation.run.downloaded": ("download", "downloaded it"),
}


@dataclass(frozen=True)
class Act:
    icon: str
    who: str
    did: str
    at: Any


def acts(run: PayoutRun, limit: int = 12) -> list[Act]:
    """The newest entries of the audit log about the run. One query."""
    entries = AuditEntry.objects.filter(subject_type="compensation.PayoutRun", subject_id=str(run.pk))
    found = []
    for entry in entries.select_related("actor").order_by("-pk")[:limit]:
        icon, did = _ACTS.get(entry.verb, ("info", entry.verb))
        if entry.data.get("format"):
            what = {"lines": "all lines as ", "payroll": "the payroll file as "}.get(
                entry.data.get("kind", ""), ""
            )
            did = f"downloaded {what}{entry.data['format'].upper()}"
        if entry.data.get("reps"):
            count = len(entry.data["reps"])
            did = f"{did} {count:,} {'person' if count == 1 else 'people'}"
        if entry.data.get("reason"):
            did = f"{did}: “{entry.data['reason']}”"
        found.append(Act(icon, entry.actor.name if entry.actor else entry.origin, did, entry.at))
    return found


def waiting_runs(user: Any) -> int:
    """How many runs wait for this person's next step: the figure beside the place in the rail."""
    waits = {
        "revops": (RunState.COMPUTED,),
        "finance": (RunState.SUBMITTED, RunState.APPROVED, RunState.LOCKED),
    }.get(getattr(user, "role", ""), ())
    return PayoutRun.objects.filter(state__in=waits).count() if waits else 0
