"""Let one transaction at a time deal with the same named thing, also while it is not there yet.

A row can be locked; a person who is about to arrive twice cannot. A unique constraint would settle it where one
column says who somebody is, but people are told apart by several things of which none is unique.
"""

import hashlib
from collections.abc import Iterable

from django.db import connection

_LANES = 2_048
"""Names share so many lanes, so that a batch of thousands holds a bounded number of locks."""
_SPACE = 5_417
"""Keeps these apart from whatever else may use the database's advisory locks."""


def hold(names: Iterable[str]) -> None:
    """Wait until nobody else holds any of ``names``, and hold them until the transaction ends.

    On PostgreSQL through advisory locks, taken in one order so that two callers never wait for each other;
    ask before locking rows that others lock first. On SQLite a transaction is the only writer already
    (it begins with ``IMMEDIATE``). One statement.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("A lock is held until the end of a transaction: there is none.")
    if connection.vendor != "postgresql":
        return
    lanes = sorted({_lane(name) for name in names})
    if lanes:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s, lane) FROM unnest(%s::int[]) AS lane", [_SPACE, lanes]
            )


def _lane(name: str) -> int:
    digest = hashlib.blake2b(name.encode(), digest_size=4).digest()
    return int.from_bytes(digest) % _LANES
