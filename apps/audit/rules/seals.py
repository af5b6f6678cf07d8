"""What a seal of the second form hashes, the list of its rows, and which rows are not as they were. Pure."""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

GENESIS = "0" * 64
FORM = 2
DIGEST_BYTES = 8
"""A row's own digest only tells which row differs; that one differs is known by the whole hash."""


@dataclass(frozen=True)
class Header:
    """All that a seal says of itself but its own hash."""

    number: int
    sealed_at: datetime
    table: str
    layout: int
    after_id: int
    last_id: int
    row_count: int
    rows_hash: str
    list_hash: str
    previous_hash: str

    def hash(self) -> str:
        """SHA-256 over the header, a line for each part, the form first."""
        parts = (
            FORM, self.number, self.sealed_at.astimezone(UTC).isoformat(timespec="microseconds"), self.table,
            self.layout, self.after_id, self.last_id, self.row_count, self.rows_hash, self.list_hash,
            self.previous_hash,
        )  # fmt: skip
        return hashlib.sha256("".join(f"{part}\n" for part in parts).encode()).hexdigest()


@dataclass(frozen=True)
class RowList:
    """The rows that a seal covers: their ids, ascending and compressed, and a digest of each."""

    ids: bytes
    digests: bytes

    @classmethod
    def of(cls, lines: Sequence[bytes]) -> "RowList":
        ids = [row_id(line) for line in lines]
        differences = [now - before for before, now in zip([0, *ids], ids, strict=False)]
        packed = zlib.compress(struct.pack(f"<{len(ids)}q", *differences), 6)
        return cls(packed, b"".join(map(digest, lines)))

    def hash(self) -> str:
        return hashlib.sha256(self.ids + self.digests).hexdigest()

    def by_id(self) -> dict[int, bytes]:
        """The digest of each row by its id."""
        packed = zlib.decompress(self.ids)
        found: dict[int, bytes] = {}
        at = 0
        for place, (difference,) in enumerate(struct.iter_unpack("<q", packed)):
            at += difference
            found[at] = self.digests[place * DIGEST_BYTES : (place + 1) * DIGEST_BYTES]
        return found


def row_id(line: bytes) -> int:
    """The id of a row: its line begins with it."""
    return int(line[: line.index(b"\t")])


def digest(line: bytes) -> bytes:
    """Of what the row says, without its id: so rows that changed places are known again."""
    return hashlib.sha256(line[line.index(b"\t") :]).digest()[:DIGEST_BYTES]


def rows_hash(lines: Iterable[bytes]) -> str:
    """SHA-256 over whole lines, each with its newline, in the order of their ids."""
    return text_hash(b"".join(lines))


def text_hash(text: bytes) -> str:
    """``rows_hash`` of lines that stand behind one another already."""
    return hashlib.sha256(text).hexdigest()


@dataclass(frozen=True)
class Difference:
    """A row that is not as it was sealed."""

    row: int
    kind: str
    why: str


def differences(sealed: dict[int, bytes], lines: Iterable[bytes]) -> list[Difference]:
    """What tells ``lines``, as they are, from the list of the seal; by id."""
    there = {row_id(line): digest(line) for line in lines}
    changed = {row for row in sealed.keys() & there.keys() if sealed[row] != there[row]}
    found = [Difference(row, "deleted", "It was sealed and is gone.") for row in sealed.keys() - there.keys()]
    found += [
        Difference(row, "inserted", "It stands among sealed rows and was not there when they were sealed.")
        for row in there.keys() - sealed.keys()
    ]
    was = {sealed[row]: row for row in changed}
    for row in changed:
        other = was.get(there[row])
        if other is not None and there[other] == sealed[row]:
            found.append(
                Difference(row, "swapped", f"It says what row {other} said, and that one what it said.")
            )
        else:
            found.append(Difference(row, "altered", "It no longer says what it said when it was sealed."))
    return sorted(found, key=lambda one: one.row)
