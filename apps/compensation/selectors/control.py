"""Whether a run's figures agree with each other, and the fingerprint that tells one state from another."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, Sum
from django.db.models.functions import Collate

from apps.compensation.models import LedgerEntry, PayoutRun, Statement

_FINGERPRINTED = (
    "rep_id", "component_key", "starts_on", "ends_on", "source_key", "sequence", "kind", "amount_minor",
    "earned_minor", "currency", "base_minor", "share", "place", "band", "rate", "exact", "formula", "cause",
    "cause_event_id", "event_id", "plan_version_id",
)  # fmt: skip


@dataclass(frozen=True)
class ControlTotal:
    """One currency's sums of a run, each added up by itself, in minor units."""

    currency: str
    statements: int
    statement_minor: int
    ledger_minor: int

    @property
    def difference_minor(self) -> int:
        return self.statement_minor - self.ledger_minor

    @property
    def agrees(self) -> bool:
        return self.difference_minor == 0


def control_totals(run: PayoutRun) -> list[ControlTotal]:
    """Statements against ledger, by currency; currencies are never added together. Two queries."""
    statements: dict[str, tuple[int, int]] = {
        row["currency"]: (row["count"], row["total"])
        for row in Statement.objects.filter(run=run)
        .order_by()
        .values("currency")
        .annotate(count=Count("pk"), total=Sum("payable_minor"))
    }
    ledger: dict[str, int] = dict(
        LedgerEntry.objects.filter(run=run)
        .order_by()
        .values("currency")
        .annotate(total=Sum("amount_minor"))
        .values_list("currency", "total")
    )
    return [
        ControlTotal(
            currency,
            *statements.get(currency, (0, 0)),
            ledger.get(currency, 0),
        )
        for currency in sorted({*statements, *ledger})
    ]


def differences(run: PayoutRun) -> list[ControlTotal]:
    """The currencies in which the sums do not agree; empty when all is well."""
    return [total for total in control_totals(run) if not total.agrees]


def _by_code_point(field: str) -> Collate:
    """Text in an order that does not depend on the database's locale."""
    return Collate(field, "C" if connection.vendor == "postgresql" else "BINARY")


def fingerprint(run: PayoutRun) -> str:
    """SHA-256 over the run's lines in canonical order.

    The same lines give the same digits, whatever the order of posting, the batches and the database.
    """
    lines = (
        LedgerEntry.objects.filter(run=run)
        .order_by(
            "rep_id",
            "starts_on",
            "ends_on",
            _by_code_point("component_key"),
            _by_code_point("source_key"),
            "sequence",
        )
        .values_list(*_FINGERPRINTED)
    )
    return _digest([run.code], lines.iterator(chunk_size=5_000))


def _digest(head: list[str], rows: Iterable[tuple]) -> str:
    sha = hashlib.sha256()
    sha.update(repr(head).encode())
    for row in rows:
        sha.update(b"\n")
        sha.update("\x1f".join("" if value is None else str(value) for value in row).encode())
    return sha.hexdigest()
