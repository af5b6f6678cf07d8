"""Write an audit entry; seal what is not sealed yet; verify the chain and say where it breaks."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from django.db import IntegrityError, models, transaction

from apps.audit.models import AuditEntry, Seal, SealedEntry
from apps.audit.origin import current_origin
from apps.core.bulk import insert_rows

GENESIS = "0" * 64


def record(
    *, verb: str, subject: models.Model, at: datetime, actor: Any = None, data: dict[str, Any] | None = None
) -> AuditEntry:
    """Record one act, inside the caller's transaction. ``data`` must be JSON and no personal data."""
    return AuditEntry.objects.create(
        at=at,
        actor=actor if getattr(actor, "pk", None) else None,
        verb=verb,
        subject_type=subject._meta.label,
        subject_id=str(subject.pk),
        data=data or {},
        origin=current_origin(),
    )


def record_many(
    *,
    verb: str,
    subjects: Sequence[tuple[models.Model, dict[str, Any]]],
    at: datetime,
    actor: Any = None,
) -> None:
    """Like ``record`` for many subjects with their data, in one act and one statement."""
    origin = current_origin()
    insert_rows(
        [
            AuditEntry(
                at=at,
                actor=actor if getattr(actor, "pk", None) else None,
                verb=verb,
                subject_type=subject._meta.label,
                subject_id=str(subject.pk),
                data=data,
                origin=origin,
            )
            for subject, data in subjects
        ]
    )


@dataclass(frozen=True)
class Break:
    """The first place where the chain does not hold."""

    seal: int
    why: str


def _digest(previous: str, entries: Iterable[AuditEntry]) -> tuple[str, int]:
    sha = hashlib.sha256(previous.encode())
    count = 0
    for entry in entries:
        count += 1
        fields = [
            entry.pk,
            entry.at.astimezone(UTC).isoformat(),
            entry.actor_id,
            entry.verb,
            entry.subject_type,
            entry.subject_id,
            entry.data,
            entry.origin,
        ]
        sha.update(json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode())
        sha.update(b"\n")
    return sha.hexdigest(), count


def seal_entries(*, at: datetime, limit: int = 50_000) -> Seal | None:
    """Seal up to ``limit`` entries that no seal covers; ``None`` when there are none.

    Two sealers at once are harmless: the seal's number is unique, so one of them does nothing.
    """
    try:
        with transaction.atomic():
            entries = list(AuditEntry.objects.filter(sealed__isnull=True).order_by("pk")[:limit])
            if not entries:
                return None
            last = Seal.objects.order_by("-number").first()
            previous = last.hash if last else GENESIS
            digest, count = _digest(previous, entries)
            seal = Seal.objects.create(
                number=last.number + 1 if last else 1,
                sealed_at=at,
                entry_count=count,
                previous_hash=previous,
                hash=digest,
            )
            SealedEntry.objects.bulk_create(
                [SealedEntry(entry=entry, seal=seal) for entry in entries], batch_size=2_000
            )
            return seal
    except IntegrityError:
        return None


def _sealed_batches() -> Iterator[tuple[int, Iterator[AuditEntry]]]:
    links = SealedEntry.objects.select_related("entry").order_by("seal__number", "entry_id")
    rows = links.annotate(number=models.F("seal__number")).iterator(chunk_size=5_000)
    for number, group in groupby(rows, key=lambda link: link.number):
        yield number, (link.entry for link in group)


def verify_chain() -> Break | None:
    """Recompute every seal; the first that does not hold, or ``None`` when all do."""
    previous, expected_number = GENESIS, 1
    batches = _sealed_batches()
    batch = next(batches, None)
    for seal in Seal.objects.order_by("number").iterator():
        if seal.number != expected_number:
            return Break(expected_number, "A seal is missing.")
        if seal.previous_hash != previous:
            return Break(seal.number, "It does not follow from the seal before.")
        if batch is None or batch[0] != seal.number:
            return Break(seal.number, "Its entries are missing.")
        digest, count = _digest(previous, batch[1])
        if count != seal.entry_count:
            return Break(seal.number, f"It covers {seal.entry_count} entries, and {count} are there.")
        if digest != seal.hash:
            return Break(seal.number, "An entry that it covers was altered.")
        batch = next(batches, None)
        previous, expected_number = seal.hash, expected_number + 1
    return None
