"""Whether a run's figures agree with each other, and the fingerprint that tells one state from another."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from django.db import connection
from django.db.models import Count, Sum
from django.db.models.functions import Collate

from apps.compensation.models import LedgerEntry, PayoutRun, Statement

# What a line says, in the order in which it is taken into a digest, and the order of the lines.
_FINGERPRINTED = (
    "rep_id", "component_key", "starts_on", "ends_on", "source_key", "sequence", "kind", "amount_minor",
    "earned_minor", "currency", "base_minor", "share", "place", "band", "rate", "exact", "formula", "cause",
    "cause_event_id", "event_id", "plan_version_id",
)  # fmt: skip
_SAID = (*_FINGERPRINTED, "conversion")
_said = attrgetter(*_SAID)
_place = attrgetter("starts_on", "ends_on", "component_key", "source_key", "sequence")


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


def fingerprint(run: PayoutRun) -> str:
    """SHA-256 over the run's lines in canonical order, worked out from the lines themselves.

    The same lines give the same digits, whatever the order of posting, the parts and the database. It is made of
    the digests of the statements, so that each part of a computation takes those of its own.
    """
    statements = Statement.objects.filter(run=run, line_count__gt=0)
    if statements.filter(digest="").exists():
        return _line_by_line(run)
    rows = (
        LedgerEntry.objects.filter(run=run)
        .order_by("rep_id", _by_code_point("currency"), *_canonical())
        .values_list("rep_id", "currency", *_SAID)
    )
    by_statement = groupby(rows.iterator(chunk_size=5_000), key=itemgetter(0, 1))
    return _of_statements(run, ((*whose, _sha(row[2:] for row in own)) for whose, own in by_statement))


def kept_fingerprint(run: PayoutRun) -> str:
    """As ``fingerprint``, from the digests that the statements keep."""
    kept = Statement.objects.filter(run=run, line_count__gt=0)
    ordered = kept.order_by("rep_id", _by_code_point("currency"))
    return _of_statements(run, ordered.values_list("rep_id", "currency", "digest"))


def digest(statement_id: int) -> str:
    """SHA-256 over the lines of a statement, as they stand in the ledger."""
    rows = LedgerEntry.objects.filter(statement=statement_id).order_by(*_canonical())
    return _sha(rows.values_list(*_SAID).iterator(chunk_size=5_000))


def digests(statement_ids: Iterable[int]) -> dict[int, str]:
    """``digest`` of several statements: by PostgreSQL itself where no line was converted. One query there."""
    ids = list(statement_ids)
    if connection.vendor != "postgresql" or not ids:
        return {pk: digest(pk) for pk in ids}
    said = ", ".join(f"COALESCE({name}::text, '')" for name in _FINGERPRINTED)
    # ``_sha`` in the database's words; JSON it would write in another way.
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT statement_id, bool_or(conversion IS NOT NULL), encode(sha256(convert_to(string_agg(
                concat_ws(E'\\x1f', {said}) || E'\\x1f\\n', ''
                ORDER BY starts_on, ends_on, component_key COLLATE "C", source_key COLLATE "C", sequence
            ), 'UTF8')), 'hex')
            FROM {LedgerEntry._meta.db_table} WHERE statement_id = ANY(%s) GROUP BY statement_id
            """,  # noqa: S608 - names of columns alone
            [ids],
        )
        found = cursor.fetchall()
    return {pk: digest(pk) if converted else sha for pk, converted, sha in found}


def digest_of(lines: Iterable[Any]) -> str:
    """``digest`` of lines that are at hand, with the attributes of an entry."""
    return _sha(map(_said, sorted(lines, key=_place)))


def _by_code_point(field: str) -> Collate:
    """Text in an order that does not depend on the database's locale."""
    return Collate(field, "C" if connection.vendor == "postgresql" else "BINARY")


def _canonical() -> tuple[str | Collate, ...]:
    return (
        "starts_on",
        "ends_on",
        _by_code_point("component_key"),
        _by_code_point("source_key"),
        "sequence",
    )


def _of_statements(run: PayoutRun, digests: Iterable[tuple[int, str, str]]) -> str:
    sha = hashlib.sha256(repr([run.code]).encode())
    for rep_id, currency, found in digests:
        sha.update(f"\n{rep_id} {currency} {found}".encode())
    return sha.hexdigest()


def _sha(rows: Iterable[tuple]) -> str:
    sha = hashlib.sha256()
    for row in rows:
        sha.update(f"{_text(row[:-1])}\x1f{_json(row[-1])}\n".encode())
    return sha.hexdigest()


def _text(values: Iterable[Any]) -> str:
    return "\x1f".join(["" if value is None else str(value) for value in values])


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, sort_keys=True)


def _line_by_line(run: PayoutRun) -> str:
    """The fingerprint of a run that was computed before statements kept a digest."""
    lines = LedgerEntry.objects.filter(run=run).order_by("rep_id", *_canonical())
    sha = hashlib.sha256(repr([run.code]).encode())
    for row in lines.values_list(*_FINGERPRINTED).iterator(chunk_size=5_000):
        sha.update(f"\n{_text(row)}".encode())
    return sha.hexdigest()
