"""Seals of the first form, written before there was one chain for all tables: how they are verified."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC

from apps.audit.models import AuditEntry, Seal


def digest(previous: str, entries: Iterable[AuditEntry]) -> tuple[str, int]:
    """The hash over ``entries`` behind ``previous``, and how many there are."""
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


def why_not(seal: Seal) -> str:
    """Why ``seal`` does not hold, as a sentence; "" when it does."""
    covered = AuditEntry.objects.filter(sealed__seal=seal).order_by("pk")
    found, count = digest(seal.previous_hash, covered.iterator(chunk_size=5_000))
    if count != seal.entry_count:
        return f"It covers {seal.entry_count} entries, and {count} are there."
    return "" if found == seal.hash else "It, or an entry that it covers, was altered."
