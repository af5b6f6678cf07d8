"""A payout run as its page shows it: sums, what is odd, where the money goes, and who did what.

Everything is read through the statements that the viewer may see: a manager's page holds the own team's rows
and nothing of the rest.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.db.models import Count, F, Min, Q, QuerySet, Sum

from apps.audit.models import AuditEntry
from apps.compensation.models import LedgerEntry, PayoutRun, RunState, Statement
from apps.compensation.rules import words
from apps.compensation.selectors.credits import reps_credited
from apps.compensation.selectors.reports import SummaryRow
from apps.core.money import quantize, round_half_up
from apps.reps.models import Rep

ODD_SHOWN = 12
HISTORY_RUNS = 6
# From this multiple of a rep's own mean on, pay is looked at before it is approved.
JUMP = Fraction(3, 2)
LEAST_HISTORY = 2
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
    """What differs from the usual, the oddest first. Four queries at most, whatever the run's size."""
    rows = list(
        statements.order_by("pk").values_list(
            "pk", "rep_id", "rep__name", "currency", "earned_minor", "adjustments_minor", "payable_minor"
        )
    )
    history = _history(run, {row[1] for row in rows})
    found: list[Odd] = []
    for row in rows:
        found.extend(_odd_statement(row, history.get((row[1], row[3]), [])))
    found.extend(_odd_adjustments(run, statements))
    if whole_company:
        found.extend(_odd_without_plan(run))
    found.sort(key=lambda odd: (-odd.weight, odd.title))
    return OddList(found[:ODD_SHOWN], len(found))


def _history(run: PayoutRun, rep_ids: set[int]) -> dict[tuple[int, str], list[int]]:
    """What each rep earned in the last runs before this one, by currency."""
    before = list(
        PayoutRun.objects.filter(starts_on__lt=run.starts_on)
        .exclude(state=RunState.COMPUTING)
        .order_by("-starts_on")
        .values_list("pk", flat=True)[:HISTORY_RUNS]
    )
    found: dict[tuple[int, str], list[int]] = defaultdict(list)
    rows = (
        Statement.objects.filter(run__in=before).order_by().values_list("rep_id", "currency", "earned_minor")
    )
    for rep_id, currency, earned in rows:
        if rep_id in rep_ids:
            found[rep_id, currency].append(earned)
    return found


def _odd_statement(row: tuple, history: list[int]) -> list[Odd]:
    pk, _, name, currency, earned, _, payable = row
    amount = words.money(payable, currency)
    found = []
    if payable < 0:
        says = "Corrections of earlier periods are more than what was earned."
        found.append(Odd(100, "alert", "bad", f"{name}, below zero", says, amount, "", pk))
    if len(history) < LEAST_HISTORY:
        return found
    mean = Fraction(sum(history), len(history))
    if mean <= 0:
        return found
    usual = f"mean {words.money(round_half_up(mean), currency)}"
    if earned > max(history) and earned >= JUMP * mean:
        times = quantize(Fraction(earned) / mean, 1)
        title = f"{name}, {times} times the own mean of {len(history)} runs"
        found.append(Odd(60, "alert", "warn", title, "The highest so far.", amount, usual, pk))
    elif earned == 0:
        says = "There was pay in the runs before."
        found.append(Odd(50, "alert", "warn", f"{name}, nothing earned", says, amount, usual, pk))
    return found


def _odd_adjustments(run: PayoutRun, statements: QuerySet[Statement]) -> list[Odd]:
    rows = (
        LedgerEntry.objects.filter(statement__in=statements.order_by().values("pk"))
        .exclude(starts_on=run.starts_on, ends_on=run.ends_on)
        .order_by()
        .values("statement_id", "currency", name=F("rep__name"))
        .annotate(lines=Count("pk"), total=Sum("amount_minor"), cause=Min("cause"))
    )
    return [
        Odd(
            20,
            "undo",
            "",
            f"{row['name']}, {row['lines']} prior-period adjustment{'s' if row['lines'] > 1 else ''}",
            row["cause"],
            words.money(row["total"], row["currency"]),
            "",
            row["statement_id"],
        )
        for row in rows
    ]


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
            did = f"downloaded {entry.data['format'].upper()}"
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
