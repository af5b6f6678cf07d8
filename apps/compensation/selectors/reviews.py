"""The worklist of a run: everybody's pay with what is odd about it first, and what was said of it.

Every list is read in a fixed number of queries, whatever the run's size.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet, Sum

from apps.compensation.models import (
    CreditSplit,
    EntryKind,
    LedgerEntry,
    PayoutRun,
    PayReview,
    RunState,
    Statement,
)
from apps.compensation.rules import reviews as rules
from apps.compensation.rules.oddities import Oddity, Pay, Thresholds, oddities

HISTORY_RUNS = 6
FILTERS = ("waiting", "odd", "sent_back", "approved", "all")


class Sums(NamedTuple):
    """One statement of the row's rep."""

    pk: int
    currency: str
    earned_minor: int
    adjustments_minor: int
    payable_minor: int


@dataclass(frozen=True)
class Row:
    """One rep of the run: the pay in each currency, what is odd about it, what was said of it."""

    rep_id: int
    name: str
    team: str
    user_id: int | None
    manager_id: int | None
    statements: list[Sums]
    oddities: list[Oddity]
    digest: str
    standing: rules.Standing[PayReview]

    @property
    def weight(self) -> int:
        return self.oddities[0].weight if self.oddities else 0

    @property
    def state(self) -> str:
        """``sent_back``, ``approved`` (by finance) or ``waiting``."""
        if self.standing.sent_back is not None:
            return "sent_back"
        return "approved" if self.standing.finance is not None else "waiting"

    @property
    def changed(self) -> bool:
        """Approved once, and computed otherwise since."""
        return self.standing.outdated is not None


def thresholds() -> Thresholds:
    """The company's settings of what is odd."""
    return Thresholds(
        jump=Fraction(settings.PAYOUT_ODD_JUMP),
        drop=Fraction(settings.PAYOUT_ODD_DROP),
        above=settings.PAYOUT_ODD_ABOVE,
    )


def digests(run: PayoutRun, rep_ids: Iterable[int] | None = None) -> dict[int, str]:
    """By rep, SHA-256 over what the statements in ``run`` say: kept where nothing moves. One query."""
    statements = Statement.objects.filter(run=run)
    if rep_ids is not None:
        statements = statements.filter(rep__in=list(rep_ids))
    columns = ("currency", "earned_minor", "adjustments_minor", "payable_minor", "line_count", "digest")
    found: dict[int, Any] = {}
    for rep_id, *said in statements.order_by("rep_id", "currency").values_list("rep_id", *columns):
        found.setdefault(rep_id, hashlib.sha256()).update(f"{said!r}\n".encode())
    return {rep_id: sha.hexdigest() for rep_id, sha in found.items()}


def reviews_of(run: PayoutRun) -> dict[int, list[PayReview]]:
    """By rep, the verdicts on ``run``, oldest first. One query."""
    found: dict[int, list[PayReview]] = defaultdict(list)
    for one in PayReview.objects.filter(run=run).select_related("by").order_by("pk"):
        found[one.rep_id].append(one)
    return found


def sent_back_reps(run: PayoutRun) -> list[int]:
    """The reps whose pay stands sent back in ``run``. Two queries."""
    said = reviews_of(run)
    now = digests(run, said) if said else {}
    return [
        rep_id
        for rep_id, verdicts in said.items()
        if rep_id in now and rules.standing(verdicts, now[rep_id]).sent_back is not None
    ]


def worklist(run: PayoutRun, statements: QuerySet[Statement]) -> list[Row]:
    """The rows of those ``statements`` that the viewer sees, the oddest first. Eight queries at most."""
    rows = list(statements.order_by("rep_id", "currency").select_related("rep", "team", "plan_version__plan"))
    managers = dict(statements.order_by().values_list("rep_id", "rep__team__manager_id"))
    odd = _odd_by_statement(run, statements, rows)
    now, said = digests(run, managers), reviews_of(run)
    found = []
    by_rep: dict[int, list[Statement]] = defaultdict(list)
    for one in rows:
        by_rep[one.rep_id].append(one)
    for rep_id, own in by_rep.items():
        first = own[0]
        found.append(
            Row(
                rep_id,
                first.rep.name,
                first.team.name,
                first.rep.user_id,
                managers[rep_id],
                [
                    Sums(one.pk, one.currency, one.earned_minor, one.adjustments_minor, one.payable_minor)
                    for one in own
                ],
                sorted((each for one in own for each in odd[one.pk]), key=lambda each: -each.weight),
                now[rep_id],
                rules.standing(said.get(rep_id, ()), now[rep_id]),
            )
        )
    found.sort(key=lambda row: (not row.changed, -row.weight, -len(row.oddities), row.name, row.rep_id))
    return found


def _odd_by_statement(
    run: PayoutRun, statements: QuerySet[Statement], rows: list[Statement]
) -> dict[int, list[Oddity]]:
    limits = thresholds()
    history, paid_under = _history(run), _paid_under(run)
    lines = _line_sums(run, statements)
    anybody_before = bool(history)
    found = {}
    for one in rows:
        version = one.plan_version
        first = anybody_before and version is not None and (one.rep_id, version.pk) not in paid_under
        found[one.pk] = oddities(
            Pay(
                one.currency,
                one.earned_minor,
                one.adjustments_minor,
                one.payable_minor,
                history.get((one.rep_id, one.currency), ()),
                version=str(version) if version is not None else "",
                is_first_under_version=first,
                **lines.get(one.pk, {}),
            ),
            limits,
        )
    return found


def _history(run: PayoutRun) -> dict[tuple[int, str], list[int]]:
    """What each rep earned in the last runs before this one, by currency, the newest first. Two queries."""
    before = list(
        PayoutRun.objects.filter(starts_on__lt=run.starts_on)
        .exclude(state=RunState.COMPUTING)
        .order_by("-starts_on")
        .values_list("pk", flat=True)[:HISTORY_RUNS]
    )
    found: dict[tuple[int, str], list[int]] = defaultdict(list)
    rows = Statement.objects.filter(run__in=before).order_by("-run__starts_on", "pk")
    for rep_id, currency, earned in rows.values_list("rep_id", "currency", "earned_minor"):
        found[rep_id, currency].append(earned)
    return found


def _paid_under(run: PayoutRun) -> set[tuple[int, int]]:
    """Rep and plan version of every statement before ``run``. One query."""
    before = Statement.objects.filter(run__starts_on__lt=run.starts_on, plan_version__isnull=False)
    return set(before.order_by().values_list("rep_id", "plan_version_id").distinct())


def _line_sums(run: PayoutRun, statements: QuerySet[Statement]) -> dict[int, dict[str, Any]]:
    """By statement, the sums of clawbacks, credits by hand, agreed changes and earlier periods. One query."""
    clawed, agreed = Q(kind=EntryKind.CLAWBACK), Q(source_key__startswith="inquiry:")
    by_hand = Q(event__in=CreditSplit.objects.approved().order_by().values("event_id"))
    earlier = ~Q(starts_on=run.starts_on, ends_on=run.ends_on)
    rows = (
        LedgerEntry.objects.filter(run=run, statement__in=statements.order_by().values("pk"))
        .filter(clawed | agreed | by_hand | earlier)
        .order_by()
        .values("statement_id")
        .annotate(
            clawbacks=Count("pk", filter=clawed),
            clawback_minor=Sum("amount_minor", filter=clawed, default=0),
            agreed=Count("pk", filter=agreed),
            agreed_minor=Sum("amount_minor", filter=agreed, default=0),
            by_hand=Count("pk", filter=by_hand),
            by_hand_minor=Sum("amount_minor", filter=by_hand, default=0),
            adjusted_lines=Count("pk", filter=earlier),
            cause=Min("cause", filter=earlier),
        )
    )
    found = {}
    for row in rows:
        sums: dict[str, Any] = dict(row)
        statement_id = sums.pop("statement_id")
        found[statement_id] = sums | {"cause": sums["cause"] or ""}
    return found


@dataclass(frozen=True)
class Progress:
    """How far a worklist is: people, not statements."""

    people: int
    approved: int
    sent_back: int
    odd: int
    ok_by_manager: int

    @property
    def waiting(self) -> int:
        return self.people - self.approved - self.sent_back

    @property
    def percent(self) -> int:
        return self.approved * 100 // self.people if self.people else 100


def progress(rows: Iterable[Row]) -> Progress:
    listed = list(rows)
    ok = [
        row
        for row in listed
        if row.standing.manager is not None and row.standing.manager.verdict == rules.APPROVED
    ]
    return Progress(
        len(listed),
        sum(row.state == "approved" for row in listed),
        sum(row.state == "sent_back" for row in listed),
        sum(bool(row.oddities) for row in listed),
        len(ok),
    )


def token(rows: Iterable[Row]) -> str:
    """SHA-256 over who is in ``rows`` and what their pay is: the same list as it was seen, or another one."""
    said = "\n".join(f"{row.rep_id} {row.digest}" for row in sorted(rows, key=lambda row: row.rep_id))
    return hashlib.sha256(said.encode()).hexdigest()


def chosen(rows: Iterable[Row], which: str) -> list[Row]:
    """The rows that a filter of ``FILTERS`` leaves."""
    if which == "odd":
        return [row for row in rows if row.oddities]
    if which in ("waiting", "approved", "sent_back"):
        return [row for row in rows if row.state == which]
    return list(rows)
