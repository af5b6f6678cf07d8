"""What earlier periods left open, read from the ledger: draws that are owed, and what is held back."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from django.db.models import Max, Q, Sum

from apps.compensation.models import LedgerEntry
from apps.compensation.rules.draws import KEY


class DrawLine(NamedTuple):
    """A line of a draw: its period, its source, what it adds, and what was paid in advance beside it."""

    starts_on: date
    ends_on: date
    source: str
    amount_minor: int
    in_advance_minor: int


def owed(lines: Iterable[DrawLine], before: date, forgiven_on: date | None) -> int:
    """What ``lines``, oldest first, leave owed of the periods before ``before``, in minor units. Pure.

    Advances less what was taken back, and draws paid in advance. What was given up on ``forgiven_on`` is not
    counted.
    """
    in_advance: dict[tuple[date, str], int] = {}
    total = 0
    for line in lines:
        if line.starts_on >= before:
            continue
        if forgiven_on is not None and forgiven_on < before and line.ends_on <= forgiven_on:
            continue
        total += line.amount_minor
        # A correction carries the advance once more; the last line of a source says it as it stands.
        in_advance[line.starts_on, line.source] = line.in_advance_minor
    return total + sum(in_advance.values())


@dataclass(frozen=True)
class HeldBack:
    """What is held back for one source of an earlier period: in minor units, above zero."""

    rep_id: int
    component_key: str
    version_id: int
    source: str
    event_id: int
    currency: str
    held_minor: int
    starts_on: date


class Balances:
    """What the ledger says of earlier periods. Another one can stand in for it where nothing is posted."""

    def draw_balance(self, rep_id: int, currency: str, before: date, forgiven_on: date | None) -> int:
        """What is owed of recoverable draws of the periods before ``before``, in minor units. One query."""
        return owed(draw_lines_before(rep_id, currency, before), before, forgiven_on)

    def held_back(self, rep_ids: Iterable[int], before: date) -> dict[int, list[HeldBack]]:
        """By rep, what is held back of the periods before ``before``. One query."""
        return held_back(rep_ids, before)


def draw_lines_before(rep_id: int, currency: str, before: date) -> list[DrawLine]:
    """The ledger's lines of a rep's recoverable draws of the periods before ``before``, as posted."""
    rows = LedgerEntry.objects.filter(
        Q(source_key="draw") | Q(source_key__startswith="draw@"),
        rep_id=rep_id,
        component_key=KEY,
        currency=currency,
        starts_on__lt=before,
    )
    columns = ("starts_on", "ends_on", "source_key", "amount_minor", "base_minor")
    return [
        DrawLine(starts_on, ends_on, source, amount, base or 0)
        for starts_on, ends_on, source, amount, base in rows.order_by("pk").values_list(*columns)
    ]


def held_back(rep_ids: Iterable[int], before: date) -> dict[int, list[HeldBack]]:
    """By rep, what the ledger holds back of the periods before ``before``. One query."""
    rows = (
        LedgerEntry.objects.filter(
            rep_id__in=list(rep_ids), source_key__startswith="holdback:", starts_on__lt=before
        )
        .order_by()
        .values_list("rep_id", "component_key", "source_key", "event_id", "currency", "starts_on")
        .annotate(total=Sum("amount_minor"), version=Max("plan_version_id"))
    )
    found: dict[int, list[HeldBack]] = defaultdict(list)
    for rep_id, key, source, event_id, currency, starts_on, total, version in rows:
        if total and event_id:
            found[rep_id].append(
                HeldBack(
                    rep_id,
                    key,
                    version,
                    source.removeprefix("holdback:"),
                    event_id,
                    currency,
                    -total,
                    starts_on,
                )
            )
    for held in found.values():
        held.sort(key=lambda one: (one.starts_on, one.component_key, one.source))
    return found


def reps_with_held_pay() -> set[int]:
    """Everybody for whom something was ever held back; some of it may be released now."""
    rows = LedgerEntry.objects.filter(source_key__startswith="holdback:")
    return set(rows.order_by().values_list("rep_id", flat=True).distinct())
